//! The HTML that Telegram reads (<https://core.telegram.org/bots/api#html-style>).

use super::{Printer, Style};

pub(super) struct Html;

impl Printer for Html {
    fn text(&self, text: &str, out: &mut String) {
        for character in text.chars() {
            match character {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                other => out.push(other),
            }
        }
    }

    fn marks(&self, style: Style) -> (&'static str, &'static str) {
        match style {
            Style::Bold | Style::Star => ("<b>", "</b>"),
            Style::Italic => ("<i>", "</i>"),
            Style::Strike => ("<s>", "</s>"),
            Style::Underline => ("<u>", "</u>"),
        }
    }

    fn code(&self, code: &str, out: &mut String) {
        out.push_str("<code>");
        self.text(code, out);
        out.push_str("</code>");
    }

    fn code_block(&self, code: &str, out: &mut String) {
        out.push_str("<pre>");
        self.text(code.trim_matches('\n'), out);
        out.push_str("</pre>");
    }

    fn link(&self, url: &str, label: &str, out: &mut String) {
        // Other addresses are no links there; they are found in the text.
        if !url.starts_with("http") {
            return self.text(&super::plain::with_address(url, label), out);
        }
        let shown = if label.is_empty() { url } else { label };
        out.push_str("<a href=\"");
        self.text(url, out);
        out.push_str("\">");
        self.text(shown, out);
        out.push_str("</a>");
    }
}
