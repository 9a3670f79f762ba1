//! HSL's texts: light markup → spans. [`read`] is the only reader.
//!
//! Read are Markdown (`CommonMark`, with `~~` and tables), Haptik's own markup (`*bold*`, `~strike~`), the tags
//! of HTML that bots write, and web addresses as they are. What is no such markup is text, as written: line
//! breaks, blank lines and indentation are kept, and nothing is code because it is indented. Where Haptik and
//! Markdown mean something else, docs/decisions.md says which is meant.
//!
//! 1. `html` finds tags, `address` finds addresses; both become one character each (`source`).
//! 2. The Markdown reader's events become pieces with all their styles (`markdown`).
//! 3. Pieces become spans, one within the other (`pieces`).
//!
//! Links lead to the web, to an e-mail or to a telephone, and nowhere else.

use std::borrow::Cow;

use crate::limits::Size;

pub(in crate::render) mod address;
mod html;
mod markdown;
mod pieces;
mod source;

use pieces::Pieces;

pub use super::span::{LONGEST_LINK, Rich, Span, Style};

/// Reads a text.
#[must_use]
pub fn read(text: &str) -> Rich {
    let mut pieces = Pieces::default();
    markdown::read(&clean(text), &mut pieces);
    pieces.finish()
}

/// A text that is read as nothing but text.
#[must_use]
pub fn verbatim(text: &str) -> Rich {
    let mut spans = Rich::new();
    for line in clean(text).split('\n') {
        if !spans.is_empty() {
            spans.push(Span::LineBreak);
        }
        let item = line.strip_prefix("• ");
        spans.extend(item.map(|_| Span::Bullet));
        // An empty first line ends all the same.
        spans.push(Span::Text(item.unwrap_or(line).to_owned()));
    }
    spans.retain(|span| !matches!(span, Span::Text(text) if text.is_empty()));
    spans
}

/// A title: a text in bold, on one line. One that has markup of its own is only read.
#[must_use]
pub fn title(text: &str) -> Rich {
    let mut read = on_one_line(read(text));
    if let Some(Span::Text(first)) = read.first_mut() {
        *first = first.trim_start().to_owned();
    }
    if let Some(Span::Text(last)) = read.last_mut() {
        *last = last.trim_end().to_owned();
    }
    read.retain(|span| !matches!(span, Span::Text(text) | Span::Code(text) if text.is_empty()));
    let is_plain = read.iter().all(|span| matches!(span, Span::Text(_)));
    if is_plain && !read.is_empty() {
        vec![Span::Bold(read)]
    } else {
        read
    }
}

/// Spans on one line. The lines are joined once they are read: before, what stands in a fence would be taken
/// for its language.
fn on_one_line(spans: Rich) -> Rich {
    let joined = spans.into_iter().map(|span| match span {
        Span::Bold(inner) => Span::Bold(on_one_line(inner)),
        Span::Italic(inner) => Span::Italic(on_one_line(inner)),
        Span::Strike(inner) => Span::Strike(on_one_line(inner)),
        Span::Underline(inner) => Span::Underline(on_one_line(inner)),
        Span::CodeBlock(code) => Span::Code(one_line(&code)),
        Span::LineBreak => Span::Text(" ".to_owned()),
        Span::Bullet => Span::Text("• ".to_owned()),
        Span::Text(_) | Span::Code(_) | Span::Link { .. } => span,
    });
    let mut line: Rich = Vec::new();
    for span in joined {
        match (line.last_mut(), span) {
            (Some(Span::Text(before)), Span::Text(text)) => before.push_str(&text),
            (_, span) => line.push(span),
        }
    }
    line
}

/// A label: what is seen of a text, on one line, cut to a size; `None` when nothing is.
#[must_use]
pub fn label(text: &str, size: Size) -> Option<String> {
    let line = one_line(&super::printers::seen(&read(text)));
    let is_seen = |text: &String| !haptik_bridge_shared::message::is_blank(text);
    Some(size.clip(&line).into_owned()).filter(is_seen)
}

/// An address as a text: a link where it opens something.
#[must_use]
pub fn address(written: &str) -> Rich {
    match address::opened(written) {
        Some(url) => vec![Span::Link {
            url,
            label: String::new(),
        }],
        None => verbatim(&one_line(written)),
    }
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
        Span::Text(text) => haptik_bridge_shared::message::is_blank(text),
        Span::Bold(inside)
        | Span::Italic(inside)
        | Span::Strike(inside)
        | Span::Underline(inside) => is_blank(inside),
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
    // The last stands for something else while a text is read.
    let control = |character: char| {
        (character.is_control() && !matches!(character, '\n' | '\t')) || character == source::LETTER
    };
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

#[cfg(test)]
mod tests;
