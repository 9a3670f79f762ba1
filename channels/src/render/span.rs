//! A text as spans with their styles, in no provider's markup.

use crate::limits::Size;

/// A text, read.
pub type Rich = Vec<Span>;

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Text of one line, which is escaped where it is printed.
    Text(String),
    /// In bold.
    Bold(Rich),
    /// In italics.
    Italic(Rich),
    /// Struck through.
    Strike(Rich),
    /// Underlined.
    Underline(Rich),
    /// Code of one line.
    Code(String),
    /// Code of several lines, as it stood between its fences: with the line breaks next to them.
    CodeBlock(String),
    /// A link.
    Link {
        /// An http, https, `mailto:` or `tel:` address.
        url: String,
        /// What is shown for it, on one line; empty: the address.
        label: String,
    },
    /// The end of a line.
    LineBreak,
    /// The sign of a list's item, at the start of a line.
    Bullet,
}

/// How a text is emphasised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// [`Span::Bold`].
    Bold,
    /// [`Span::Italic`].
    Italic,
    /// [`Span::Strike`].
    Strike,
    /// [`Span::Underline`].
    Underline,
    /// Between single stars: [`Span::Bold`], and [`Span::Italic`] too where it is so already by two stars. Only
    /// the reader has it.
    Star,
}

impl Span {
    /// The style of an emphasised text, and the text.
    #[must_use]
    pub fn emphasis(&self) -> Option<(Style, &[Span])> {
        match self {
            Self::Bold(inside) => Some((Style::Bold, inside)),
            Self::Italic(inside) => Some((Style::Italic, inside)),
            Self::Strike(inside) => Some((Style::Strike, inside)),
            Self::Underline(inside) => Some((Style::Underline, inside)),
            Self::Text(_)
            | Self::Code(_)
            | Self::CodeBlock(_)
            | Self::Link { .. }
            | Self::LineBreak
            | Self::Bullet => None,
        }
    }

    /// A text in a style.
    #[must_use]
    pub fn emphasised(style: Style, inside: Rich) -> Self {
        match style {
            Style::Bold | Style::Star => Self::Bold(inside),
            Style::Italic => Self::Italic(inside),
            Style::Strike => Self::Strike(inside),
            Style::Underline => Self::Underline(inside),
        }
    }
}

/// The longest address of a link inside a text; what is longer stays text, which may be split.
pub const LONGEST_LINK: Size = Size::utf16(2_000);
