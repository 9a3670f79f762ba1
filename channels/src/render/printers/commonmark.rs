//! `CommonMark` (<https://spec.commonmark.org/>), with `~~` for what is struck through.

use super::{Edge, Printer, Style, touches};

pub(super) struct CommonMark;

impl Printer for CommonMark {
    /// What may be markup is escaped: any punctuation may be. A line's indentation is kept by spaces that are no
    /// indentation to `CommonMark`, which would take it for code.
    fn text(&self, text: &str, out: &mut String) {
        let (words, starts_line) = indented(text, out);
        for (at, character) in words.char_indices() {
            let is_markup = "\\`*_[]<>~|&!".contains(character)
                || (starts_line && at == 0 && "#+-=".contains(character))
                || (starts_line && ".)".contains(character) && is_number(words, at));
            if is_markup {
                out.push('\\');
            }
            out.push(character);
        }
    }

    /// Bold and italics have characters of their own, so that none of a row of marks is taken for one of the other.
    fn marks(&self, style: Style) -> (&'static str, &'static str) {
        match style {
            Style::Bold | Style::Star => ("**", "**"),
            Style::Italic => ("_", "_"),
            Style::Strike => ("~~", "~~"),
            Style::Underline => ("", ""),
        }
    }

    /// A mark beside a letter is one only where what it marks begins, or ends, with a letter too, and `_` is none there;
    /// two of the same would be one longer mark (<https://spec.commonmark.org/0.31.2/#emphasis-and-strong-emphasis>).
    fn apart(&self, edge: Edge) -> &'static str {
        let is_lost = touches(edge.outside)
            && match edge.mark {
                '`' => false,
                '_' => true,
                _ => !edge.inside.is_alphanumeric(),
            };
        let is_one_with_it = edge.is_beside_mark && edge.outside == edge.mark;
        if is_lost || is_one_with_it {
            "\u{200a}"
        } else {
            ""
        }
    }

    fn code(&self, code: &str, out: &mut String) {
        // Its marks are longer than any within it.
        let longest = code.split(|character| character != '`').map(str::len).max();
        let marks = "`".repeat(longest.unwrap_or_default() + 1);
        let space = if code.starts_with('`') || code.ends_with('`') {
            " "
        } else {
            ""
        };
        out.push_str(&[&marks, space, code, space, &marks].concat());
    }

    fn code_block(&self, code: &str, out: &mut String) {
        // Its fence begins a line.
        if !(out.is_empty() || out.ends_with('\n')) {
            out.push('\n');
        }
        out.push_str("```\n");
        out.push_str(&super::unfenced(code.trim_matches('\n')));
        out.push_str("\n```");
    }

    fn link(&self, url: &str, label: &str, out: &mut String) {
        let shown = crate::render::inline::address::shown(url);
        let label = if shown == url {
            label
        } else {
            [label, shown]
                .into_iter()
                .find(|one| !one.is_empty())
                .unwrap_or_default()
        };
        if label.is_empty() {
            out.push('<');
            out.push_str(url);
            out.push('>');
            return;
        }
        out.push('[');
        self.text(label, out);
        // Not between angle brackets, which not every reader knows there.
        out.push_str("](");
        out.push_str(&url.replace('(', "%28").replace(')', "%29"));
        out.push(')');
    }

    /// An item of an item's list is a line of that: the spaces before it begin no list.
    fn bullet(&self, line: &str) -> &'static str {
        if line.is_empty() { "- " } else { "• " }
    }

    fn ends_line_with_code_block(&self) -> bool {
        true
    }
}

/// The words of a text behind its indentation, which is written, and whether they begin a line, or an item of a list.
pub(super) fn indented<'t>(text: &'t str, out: &mut String) -> (&'t str, bool) {
    let line = out.rsplit('\n').next().unwrap_or_default();
    let line = line.strip_suffix("- ").unwrap_or(line);
    let starts_line = line.chars().all(char::is_whitespace);
    let words = if starts_line { text.trim_start() } else { text };
    let indentation = text.get(..text.len() - words.len()).unwrap_or_default();
    for space in indentation.chars() {
        out.push_str(if space == '\t' {
            "\u{a0}\u{a0}\u{a0}\u{a0}"
        } else {
            "\u{a0}"
        });
    }
    (words, starts_line)
}

/// Whether a text starts with this many digits.
fn is_number(text: &str, digits: usize) -> bool {
    let start = text.get(..digits).unwrap_or_default();
    !start.is_empty() && start.bytes().all(|byte| byte.is_ascii_digit())
}
