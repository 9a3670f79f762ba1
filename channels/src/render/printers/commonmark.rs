//! `CommonMark` (<https://spec.commonmark.org/>), with `~~` for what is struck through.

use super::{Printer, Style};

pub(super) struct CommonMark;

impl Printer for CommonMark {
    /// What may be markup is escaped: any punctuation may be.
    fn text(&self, text: &str, out: &mut String) {
        let starts_line = out.is_empty() || out.ends_with('\n');
        for (at, character) in text.chars().enumerate() {
            let is_markup = "\\`*_[]<>~|&!".contains(character)
                || (starts_line && at == 0 && "#+-=".contains(character))
                || (starts_line && ".)".contains(character) && is_number(text, at));
            if is_markup {
                out.push('\\');
            }
            out.push(character);
        }
    }

    fn marks(&self, style: Style) -> (&'static str, &'static str) {
        match style {
            Style::Bold | Style::Star => ("**", "**"),
            Style::Italic => ("*", "*"),
            Style::Strike => ("~~", "~~"),
            Style::Underline => ("", ""),
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
        out.push_str("```\n");
        out.push_str(&code.trim_matches('\n').replace("```", "`\u{200b}``"));
        out.push_str("\n```");
    }

    fn link(&self, url: &str, label: &str, out: &mut String) {
        if label.is_empty() {
            out.push('<');
            out.push_str(url);
            out.push('>');
            return;
        }
        out.push('[');
        self.text(label, out);
        out.push_str("](<");
        out.push_str(url);
        out.push_str(">)");
    }

    fn bullet(&self) -> &'static str {
        "- "
    }
}

/// Whether a text starts with this many digits.
fn is_number(text: &str, digits: usize) -> bool {
    let start = text.get(..digits).unwrap_or_default();
    !start.is_empty() && start.bytes().all(|byte| byte.is_ascii_digit())
}
