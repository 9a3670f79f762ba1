//! No markup at all.

use super::{Printer, Style};

/// Text that says what markup would have shown.
pub(super) struct Plain;

/// What is seen of a text, for counting it.
pub(super) struct Shown;

impl Printer for Plain {
    fn text(&self, text: &str, out: &mut String) {
        out.push_str(text);
    }

    fn marks(&self, _: Style) -> (&'static str, &'static str) {
        ("", "")
    }

    fn code(&self, code: &str, out: &mut String) {
        out.push_str(code);
    }

    fn code_block(&self, code: &str, out: &mut String) {
        out.push_str(code.trim_matches('\n'));
    }

    fn link(&self, url: &str, label: &str, out: &mut String) {
        // A number is seen as it is.
        if url.starts_with("tel:") && !label.is_empty() {
            return out.push_str(label);
        }
        if label.is_empty() {
            return out.push_str(url);
        }
        out.push_str(label);
        out.push_str(" (");
        out.push_str(url);
        out.push(')');
    }
}

impl Printer for Shown {
    fn text(&self, text: &str, out: &mut String) {
        out.push_str(text);
    }

    fn marks(&self, _: Style) -> (&'static str, &'static str) {
        ("", "")
    }

    fn code(&self, code: &str, out: &mut String) {
        out.push_str(code);
    }

    fn code_block(&self, code: &str, out: &mut String) {
        out.push_str(code);
    }

    fn link(&self, url: &str, label: &str, out: &mut String) {
        out.push_str(if label.is_empty() { url } else { label });
    }
}
