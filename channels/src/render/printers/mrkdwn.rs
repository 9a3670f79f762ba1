//! Slack's mrkdwn (<https://docs.slack.dev/messaging/formatting-message-text>): `&`, `<` and `>` are
//! escaped, so that `<!channel>` or `<@U123>` show as written and notify nobody. Links are the only
//! control sequences that are made.

use super::{Printer, Style};

pub(super) struct Mrkdwn;

impl Printer for Mrkdwn {
    fn text(&self, text: &str, out: &mut String) {
        for character in text.chars() {
            match character {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                other => out.push(other),
            }
        }
    }

    fn marks(&self, style: Style) -> (&'static str, &'static str) {
        match style {
            Style::Bold | Style::Star => ("*", "*"),
            Style::Italic => ("_", "_"),
            Style::Strike => ("~", "~"),
            Style::Underline => ("", ""),
        }
    }

    /// Slack takes a mark that touches a letter for one of its word, in any script.
    fn apart(&self) -> &'static str {
        "\u{200b}"
    }

    fn link(&self, url: &str, label: &str, out: &mut String) {
        out.push('<');
        self.text(url, out);
        if !label.is_empty() {
            out.push('|');
            self.text(label, out);
        }
        out.push('>');
    }
}
