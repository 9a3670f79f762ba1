//! Printers: spans in a provider's markup.

use super::span::{Span, Style};
use crate::limits::{Counted, Unit};
use crate::markup::Markup;

mod chat;
mod commonmark;
mod html;
mod literal;
mod mrkdwn;
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
    /// What has to stand between a mark and what is neither white space nor a sign of ASCII; `inside` is what
    /// the mark stands beside on its other side.
    fn apart(&self, _inside: Option<char>) -> &'static str {
        ""
    }
    /// The sign of a list's item.
    fn bullet(&self) -> &'static str {
        "• "
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
    print(printer, text, &mut out);
    printer.finished(out)
}

fn print(printer: &dyn Printer, text: &[Span], out: &mut String) {
    // What stands inside the mark that was printed last.
    let mut marked: Option<Option<char>> = None;
    for span in text {
        let is_styled = span
            .emphasis()
            .is_some_and(|(style, _)| !printer.marks(style).0.is_empty());
        let has_marks = is_styled || matches!(span, Span::Code(_));
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
            Span::Bullet => out.push_str(printer.bullet()),
        }
        let written = out.get(start..).unwrap_or_default();
        let (first, last) = inside(written);
        let next = written.chars().next();
        let is_next_to_mark = !has_marks && next.is_some_and(touches);
        let apart = if has_marks && before.is_some_and(touches) {
            printer.apart(first)
        } else if let Some(last) = marked.filter(|_| has_marks) {
            // Two marks, one behind the other.
            match printer.apart(last) {
                "" => printer.apart(first),
                apart => apart,
            }
        } else if let Some(inside) = marked.filter(|_| is_next_to_mark) {
            printer.apart(inside)
        } else {
            ""
        };
        out.insert_str(start, apart);
        if has_marks {
            marked = Some(last);
        } else if next.is_some() {
            marked = None;
        }
    }
}

/// What stands inside the marks of a text that was printed, at its beginning and its end.
fn inside(printed: &str) -> (Option<char>, Option<char>) {
    let is_mark = |one: char| "*_~".contains(one);
    let first = printed.trim_start_matches(is_mark).chars().next();
    let last = printed.trim_end_matches(is_mark).chars().next_back();
    (first, last)
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
    let first = within.trim_start_matches('*').chars().next();
    if before.starts_with('*')
        && within.starts_with('*')
        && first.is_some_and(char::is_alphanumeric)
    {
        // Three stars in a row would be ended by a mark that only begins, later within it.
        out.push(APART);
    }
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
