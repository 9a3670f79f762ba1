//! HSL's texts: light markup → spans. [`read`] is the only reader.
//!
//! Read are `**bold**` and `*bold*`, `_italic_`, `~strike~`, code in backticks, code blocks in three of
//! them, `[label](address)`, and web addresses as they are. What is no such markup is text, as written.
//! Links are only ever made of http and https addresses.

use std::borrow::Cow;

use super::media::web_address;
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
    /// Code of one line.
    Code(String),
    /// Code of several lines, as it stood between its fences: with the line breaks next to them.
    CodeBlock(String),
    /// A link.
    Link {
        /// An http, https or `tel:` address.
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
}

impl Span {
    /// The style of an emphasised text, and the text.
    #[must_use]
    pub fn emphasis(&self) -> Option<(Style, &[Span])> {
        match self {
            Self::Bold(inside) => Some((Style::Bold, inside)),
            Self::Italic(inside) => Some((Style::Italic, inside)),
            Self::Strike(inside) => Some((Style::Strike, inside)),
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
            Style::Bold => Self::Bold(inside),
            Style::Italic => Self::Italic(inside),
            Style::Strike => Self::Strike(inside),
        }
    }
}

/// The longest address of a link inside a text; what is longer stays text, which may be split.
pub const LONGEST_LINK: Size = Size::utf16(2_000);

/// How far the closing bracket of a `[label](url)` may be from the opening one, in bytes.
const LONGEST_LABEL: usize = 500;

/// How long the inside of `*bold*` may be, in bytes: every star may be the start of one.
const LONGEST_EMPHASIS: usize = 250;

/// Reads a text.
#[must_use]
pub fn read(text: &str) -> Rich {
    let text = clean(text);
    let mut reader = Reader::default();
    reader.read(&text, true);
    reader.finish()
}

/// A text that is read as nothing but text.
#[must_use]
pub fn verbatim(text: &str) -> Rich {
    let text = clean(text);
    let mut reader = Reader::default();
    reader.text(&text);
    reader.finish()
}

/// A title: a text in bold, on one line. One that has markup of its own is only read.
#[must_use]
pub fn title(text: &str) -> Rich {
    let line = one_line(text);
    let has_markup = line.contains(['*', '`', '[']) || line.contains("://");
    match read(&line) {
        read if line.is_empty() || has_markup => read,
        read => vec![Span::Bold(read)],
    }
}

/// A label: a text without markup, on one line, cut to a size; `None` when nothing can be seen of it.
#[must_use]
pub fn label(text: &str, size: Size) -> Option<String> {
    Some(size.clip(&one_line(text)).into_owned()).filter(|text| !text.is_empty())
}

/// Texts below each other, without those of which nothing can be seen.
#[must_use]
pub fn lines(lines: impl IntoIterator<Item = Rich>) -> Rich {
    let mut joined = Rich::new();
    for line in lines.into_iter().filter(|line| !is_blank(line)) {
        if !joined.is_empty() {
            joined.push(Span::LineBreak);
        }
        joined.extend(line);
    }
    joined
}

/// Whether nothing can be seen of a text.
#[must_use]
pub fn is_blank(text: &[Span]) -> bool {
    text.iter().all(|span| match span {
        Span::Text(text) => text.trim().is_empty(),
        Span::Bold(inside) | Span::Italic(inside) | Span::Strike(inside) => is_blank(inside),
        Span::LineBreak => true,
        Span::Code(_) | Span::CodeBlock(_) | Span::Link { .. } | Span::Bullet => false,
    })
}

/// A text without control characters, on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    let text = clean(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// A text with `\n` line ends and without other control characters.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    let control = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    if !text.contains(control) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(
        text.chars()
            .filter(|character| !control(*character))
            .collect(),
    )
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    spans: Rich,
    plain: String,
}

impl Reader {
    /// Reads a text; `strong` says whether two stars mean something in it.
    fn read(&mut self, text: &str, strong: bool) {
        let mut rest = text;
        let mut previous = ' ';
        while let Some(character) = rest.chars().next() {
            let taken = self.markup(rest, character, previous, strong);
            let length = taken.unwrap_or_else(|| {
                self.character(character);
                character.len_utf8()
            });
            let (done, remaining) = rest.split_at_checked(length).unwrap_or((rest, ""));
            previous = done.chars().next_back().unwrap_or(' ');
            rest = remaining;
        }
    }

    /// Reads the markup that a text starts with, and gives its length; `None` when it is none.
    fn markup(&mut self, text: &str, first: char, previous: char, strong: bool) -> Option<usize> {
        match first {
            '`' => {
                let (span, length) = code(text)?;
                self.push(span);
                Some(length)
            }
            '[' => {
                let (label, url, length) = labelled_link(text)?;
                let label = one_line(label);
                self.push(Span::Link { url, label });
                Some(length)
            }
            'h' | 'H' if !previous.is_alphanumeric() => {
                let (shown, url) = bare_link(text)?;
                let label = if shown == url { "" } else { shown };
                let label = label.to_owned();
                self.push(Span::Link { url, label });
                Some(shown.len())
            }
            '*' if text.starts_with("**") => {
                let inside = double_star(text).filter(|_| strong)?;
                self.emphasised(Style::Bold, inside, false);
                Some(inside.len() + 4)
            }
            '*' | '_' | '~' => {
                let inside = emphasis(text, first, previous)?;
                let style = match first {
                    '*' => Style::Bold,
                    '_' => Style::Italic,
                    _ => Style::Strike,
                };
                self.emphasised(style, inside, strong);
                Some(inside.len() + 2)
            }
            _ => None,
        }
    }

    fn emphasised(&mut self, style: Style, inside: &str, strong: bool) {
        let mut reader = Self::default();
        reader.read(inside, strong);
        self.push(Span::emphasised(style, reader.finish()));
    }

    fn text(&mut self, text: &str) {
        text.chars().for_each(|character| self.character(character));
    }

    fn character(&mut self, character: char) {
        let starts_line = matches!(self.spans.last(), None | Some(Span::LineBreak));
        match character {
            '\n' => self.push(Span::LineBreak),
            // The space after it is printed with it.
            ' ' if self.plain == "•" && starts_line => {
                self.plain.clear();
                self.push(Span::Bullet);
            }
            other => self.plain.push(other),
        }
    }

    fn push(&mut self, span: Span) {
        if !self.plain.is_empty() {
            self.spans.push(Span::Text(std::mem::take(&mut self.plain)));
        }
        self.spans.push(span);
    }

    fn finish(mut self) -> Rich {
        if !self.plain.is_empty() {
            self.spans.push(Span::Text(self.plain));
        }
        self.spans
    }
}

/// The code in backticks that the text starts with, and its length with them.
fn code(text: &str) -> Option<(Span, usize)> {
    if let Some(inner) = text.strip_prefix("```") {
        let code = inner.get(..inner.find("```")?)?;
        return Some((Span::CodeBlock(code.to_owned()), code.len() + 6));
    }
    let inner = text.strip_prefix('`')?;
    let end = inner.find(['`', '\n']).filter(|end| *end > 0)?;
    let code = inner.get(..end)?;
    let is_closed = inner.get(end..)?.starts_with('`');
    is_closed.then(|| (Span::Code(code.to_owned()), code.len() + 2))
}

/// The inside of the `**bold**` that the text starts with.
fn double_star(text: &str) -> Option<&str> {
    let inside = text.strip_prefix("**")?;
    let inside = inside.get(..inside.find("**")?)?;
    let proper = !inside.is_empty() && inside.trim() == inside && !inside.contains('\n');
    proper.then_some(inside)
}

/// The inside of the `*bold*`, `_italic_` or `~strike~` that the text starts with: words of one line, with
/// neither a letter nor a digit right before or after the marks.
fn emphasis(text: &str, mark: char, previous: char) -> Option<&str> {
    if previous.is_alphanumeric() || previous == mark {
        return None;
    }
    let inside = text.strip_prefix(mark)?;
    let mut before = mark;
    let (mut word, mut end) = (0, None);
    let mut characters = inside.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\n' || at > LONGEST_EMPHASIS {
            return None;
        }
        let next = characters.peek().map_or(' ', |(_, next)| *next);
        if character.is_whitespace() {
            word = at;
        }
        let closes = character == mark
            && before != mark
            && !before.is_whitespace()
            && next != mark
            && !next.is_alphanumeric()
            && (next.is_whitespace() || ends_address(inside.get(word..at), next));
        if closes {
            end = Some(at);
            break;
        }
        before = character;
    }
    let inside = inside.get(..end?)?;
    let balanced =
        |open: char, close: char| inside.matches(open).count() == inside.matches(close).count();
    // Code and links go before emphasis.
    let whole =
        balanced('[', ']') && balanced('(', ')') && inside.matches('`').count().is_multiple_of(2);
    (whole && !inside.starts_with(char::is_whitespace)).then_some(inside)
}

/// Whether a mark after a word that may be an address is the end of it: an address may have marks, too.
fn ends_address(word: Option<&str>, next: char) -> bool {
    let is_address = word.is_some_and(|word| word.contains("://"));
    !is_address || ".,;:!?)".contains(next)
}

/// The label, the address and the length of the `[label](url)` that the text starts with.
fn labelled_link(text: &str) -> Option<(&str, String, usize)> {
    let inner = text.strip_prefix('[')?;
    let label = inner
        .char_indices()
        .take_while(|(at, _)| *at <= LONGEST_LABEL);
    let end = label
        .into_iter()
        .find(|(_, character)| "[]\n".contains(*character))
        .map(|(at, _)| at)?;
    let (label, after) = inner.split_at_checked(end)?;
    let after = after
        .strip_prefix("](")
        .filter(|after| after.trim_start().starts_with(['h', 'H']))?;
    let mut depth = 0_usize;
    let mut end = None;
    for (at, character) in after
        .char_indices()
        .take_while(|(at, _)| *at <= LONGEST_LINK.max)
    {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => {
                end = Some(at);
                break;
            }
            ')' => depth -= 1,
            character if character.is_whitespace() => break,
            _ => {}
        }
    }
    let end = end?;
    let address = web_address(after.get(..end)?, LONGEST_LINK)?;
    Some((label, address, 1 + label.len() + 2 + end + 1)).filter(|_| !label.trim().is_empty())
}

/// The web address that the text starts with: as written, and in the form that providers take.
fn bare_link(text: &str) -> Option<(&str, String)> {
    let starts = ["https://", "http://"];
    let scheme = starts.iter().find(|start| {
        text.get(..start.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(start))
    })?;
    let ends = |character: char| {
        character.is_whitespace() || character.is_control() || "<>\"|`{}\\^".contains(character)
    };
    let mut within = text
        .char_indices()
        .take_while(|(at, _)| *at <= LONGEST_LINK.max);
    let end = within
        .find(|(_, character)| ends(*character))
        .map_or(text.len(), |(at, _)| at);
    let mut shown = text
        .get(..end)
        .filter(|shown| shown.len() <= LONGEST_LINK.max)?;
    // What ends a sentence or closes a bracket around the address is not part of it.
    let surplus = |open: char, close: char| {
        shown
            .matches(close)
            .count()
            .saturating_sub(shown.matches(open).count())
    };
    let (mut round, mut square) = (surplus('(', ')'), surplus('[', ']'));
    while let Some(last) = shown.chars().next_back() {
        match last {
            ')' if round > 0 => round -= 1,
            ']' if square > 0 => square -= 1,
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' => {}
            _ => break,
        }
        shown = shown.get(..shown.len() - last.len_utf8())?;
    }
    let address = web_address(shown, LONGEST_LINK)?;
    (shown.len() > scheme.len()).then_some((shown, address))
}

#[cfg(test)]
mod tests;
