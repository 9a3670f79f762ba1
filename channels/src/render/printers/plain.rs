//! No markup at all.

use super::{Printer, Style};
use crate::render::inline::address::shown;

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
        out.push_str(&with_address(url, label));
    }
}

/// A label with its address behind it, where it does not say that itself.
pub(super) fn with_address(url: &str, label: &str) -> String {
    let address = shown(url);
    let digits = |text: &str| -> String {
        let text = text.replace("%23", "#");
        text.chars().filter(char::is_ascii_digit).collect()
    };
    // Written with other letters, or without its scheme, it is the same address.
    let says = |label: &str| {
        let opens = || crate::render::inline::address::opened(label);
        label.eq_ignore_ascii_case(address) || opens().is_some_and(|opened| opened == url)
    };
    let is_said = says(label) || label.split_once(':').is_some_and(|(_, label)| says(label));
    if label.is_empty() {
        return address.to_owned();
    }
    if is_said {
        return if says(label) { label } else { address }.to_owned();
    }
    if url.starts_with("tel:") && digits(label) == digits(address) {
        return label.to_owned();
    }
    format!("{label} ({address})")
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
        out.push_str(if label.is_empty() { shown(url) } else { label });
    }
}
