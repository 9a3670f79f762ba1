//! Printers: spans in a provider's markup.

use super::span::{Span, Style};
use crate::limits::{Counted, Unit};
use crate::markup::Markup;

mod card;
mod chat;
mod commonmark;
mod html;
mod literal;
mod mrkdwn;
mod normal;
mod plain;

/// Writes the parts of a text in one markup.
trait Printer {
    /// Text, escaped.
    fn text(&self, text: &str, out: &mut String);
    /// What stands before and after an emphasised text.
    fn marks(&self, style: Style) -> (&'static str, &'static str);
    /// Code of one line.
    fn code(&self, code: &str, out: &mut String);
    /// Code of several lines, with the line breaks next to its fences.
    fn code_block(&self, code: &str, out: &mut String);
    /// A link; an empty label shows the address.
    fn link(&self, url: &str, label: &str, out: &mut String);
    /// What has to stand between a mark and what is beside it, so that the mark is one.
    fn apart(&self, _edge: Edge) -> &'static str {
        ""
    }
    /// The sign of a list's item, behind what the line has already.
    fn bullet(&self, _line: &str) -> &'static str {
        "• "
    }
    /// Whether a style may stand within another.
    fn nests(&self) -> bool {
        true
    }
    /// Whether a block of code ends with its line.
    fn ends_line_with_code_block(&self) -> bool {
        false
    }
    /// A text of which all is printed.
    fn finished(&self, printed: String) -> String {
        printed
    }
}

impl Markup {
    /// A text in this markup.
    #[must_use]
    pub fn print(self, text: &[Span]) -> String {
        printed(self.printer(), text)
    }

    fn printer(self) -> &'static dyn Printer {
        match self {
            Self::Mrkdwn => &mrkdwn::Mrkdwn,
            Self::Html => &html::Html,
            Self::Chat => &chat::Chat,
            Self::CommonMark => &commonmark::CommonMark,
            Self::Card => &card::Card,
            Self::Plain => &plain::Plain,
        }
    }
}

/// What is seen of a text, without the addresses of its links.
pub(super) fn seen(text: &[Span]) -> String {
    printed(&plain::Shown, text)
}

fn printed(printer: &dyn Printer, text: &[Span]) -> String {
    let mut out = String::new();
    print(printer, &normal::of(printer, text), &mut out);
    printer.finished(out)
}

/// One side of a mark.
#[derive(Debug, Clone, Copy)]
struct Edge {
    /// What stands beside it, outside of what it marks.
    outside: char,
    /// Whether that is a mark, too.
    is_beside_mark: bool,
    /// The mark's character.
    mark: char,
    /// What stands beside it inside of what it marks.
    inside: char,
}

impl Edge {
    /// Whether the mark may be taken for a character of a word.
    fn touches(self) -> bool {
        self.is_beside_mark || touches(self.outside)
    }
}

/// What was printed with marks around it: the mark's character, and what is beside it at both ends inside.
#[derive(Debug, Clone, Copy)]
struct Marked {
    mark: char,
    first: char,
    last: char,
}

impl Marked {
    fn of(printer: &dyn Printer, span: &Span, written: &str) -> Option<Self> {
        let (before, after) = match span {
            Span::Code(_) if written.starts_with('`') => ("`", "`"),
            other => printer.marks(other.emphasis()?.0),
        };
        let inside = written.strip_prefix(before)?.strip_suffix(after)?;
        Some(Self {
            mark: before.chars().next()?,
            first: inside.chars().next()?,
            last: inside.chars().next_back()?,
        })
    }
}

fn print(printer: &dyn Printer, text: &[Span], out: &mut String) {
    // What was printed last, where that has marks.
    let mut last: Option<Marked> = None;
    let mut is_behind_code_block = false;
    for span in text {
        let before = out.chars().next_back();
        let start = out.len();
        match span {
            Span::Text(text) => printer.text(text, out),
            Span::Bold(inside) => wrapped(printer, Style::Bold, inside, out),
            Span::Italic(inside) => wrapped(printer, Style::Italic, inside, out),
            Span::Strike(inside) => wrapped(printer, Style::Strike, inside, out),
            Span::Underline(inside) => wrapped(printer, Style::Underline, inside, out),
            Span::Code(code) => printer.code(code, out),
            Span::CodeBlock(code) => printer.code_block(code, out),
            Span::Link { url, label } => printer.link(url, label, out),
            Span::LineBreak => out.push('\n'),
            Span::Bullet => {
                let line = out.rsplit('\n').next().unwrap_or_default();
                out.push_str(printer.bullet(line));
            }
        }
        let written = out.get(start..).unwrap_or_default();
        let Some(next) = written.chars().next() else {
            continue;
        };
        let this = Marked::of(printer, span, written);
        let behind = last.map(|last| Edge {
            outside: next,
            is_beside_mark: this.is_some(),
            mark: last.mark,
            inside: last.last,
        });
        let ahead = this.zip(before).map(|(this, outside)| Edge {
            outside,
            is_beside_mark: last.is_some(),
            mark: this.mark,
            inside: this.first,
        });
        let apart = behind.into_iter().chain(ahead);
        let apart = apart.map(|edge| printer.apart(edge));
        let apart = apart.reduce(|one, other| if one.is_empty() { other } else { one });
        let apart = if is_behind_code_block && next != '\n' {
            "\n"
        } else {
            apart.unwrap_or_default()
        };
        out.insert_str(start, apart);
        last = this;
        is_behind_code_block =
            matches!(span, Span::CodeBlock(_)) && printer.ends_line_with_code_block();
    }
}

/// Whether a mark beside a character may be taken for one of its word.
fn touches(character: char) -> bool {
    !character.is_whitespace() && !character.is_ascii_punctuation() && character != APART
}

/// The space of no width.
const APART: char = '\u{200b}';

fn wrapped(printer: &dyn Printer, style: Style, inside: &[Span], out: &mut String) {
    let (before, after) = printer.marks(style);
    out.push_str(before);
    let mut within = String::new();
    print(printer, inside, &mut within);
    out.push_str(&within);
    out.push_str(after);
}

/// Code in which no three backticks stand together: they would end it.
fn unfenced(code: &str) -> String {
    let mut code = code.to_owned();
    while code.contains("```") {
        code = code.replace("```", "`\u{200b}``");
    }
    code
}

/// How long texts are for a provider.
#[derive(Clone, Copy)]
pub(super) struct Measure {
    printer: &'static dyn Printer,
    unit: Unit,
}

impl Measure {
    /// The measure of a markup, in a unit.
    pub(super) fn new(markup: Markup, counted: Counted, unit: Unit) -> Self {
        let printer = match counted {
            Counted::AsSent => markup.printer(),
            Counted::AsShown => &plain::Shown,
        };
        Self { printer, unit }
    }

    /// The length of a text.
    pub(super) fn length(self, text: &[Span]) -> usize {
        self.unit.length(&printed(self.printer, text))
    }

    /// The length of text without markup.
    pub(super) fn plain(self, text: &str) -> usize {
        let mut out = String::new();
        self.printer.text(text, &mut out);
        self.unit.length(&self.printer.finished(out))
    }

    /// The length of a code block's fences, with the lines of their own that they get where it is cut.
    pub(super) fn fences(self) -> usize {
        self.length(&[Span::CodeBlock(String::new())]) + 2
    }

    /// The length of what stands before and after an emphasised text.
    pub(super) fn marks(self, style: Style) -> usize {
        let (before, after) = self.printer.marks(style);
        self.unit.length(before) + self.unit.length(after)
    }
}

#[cfg(test)]
mod tests;
