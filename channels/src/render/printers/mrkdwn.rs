//! Slack's mrkdwn (<https://docs.slack.dev/messaging/formatting-message-text>): `&`, `<` and `>` are
//! escaped, so that `<!channel>` or `<@U123>` show as written and notify nobody. Links are the only
//! control sequences that are made.

use super::{Edge, Printer, Style, literal};

pub(super) struct Mrkdwn;

impl Printer for Mrkdwn {
    fn text(&self, text: &str, out: &mut String) {
        escaped(text, out, literal::push);
    }

    /// Between backticks, of which the first in it would end it.
    fn code(&self, code: &str, out: &mut String) {
        if code.contains('`') {
            return self.text(code.trim(), out);
        }
        out.push('`');
        verbatim(code, out);
        out.push('`');
    }

    fn code_block(&self, code: &str, out: &mut String) {
        out.push_str("```");
        verbatim(&super::unfenced(code), out);
        out.push_str("```");
    }

    fn finished(&self, printed: String) -> String {
        literal::kept(printed)
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
    fn apart(&self, edge: Edge) -> &'static str {
        if edge.touches() { "\u{200b}" } else { "" }
    }

    fn link(&self, url: &str, label: &str, out: &mut String) {
        out.push('<');
        verbatim(&url.replace('`', "%60"), out);
        if !label.is_empty() {
            out.push('|');
            verbatim(&literal::label(label), out);
        }
        out.push('>');
    }
}

/// Text in which signs mark nothing: code, addresses, labels.
fn verbatim(text: &str, out: &mut String) {
    escaped(text, out, |character, out| out.push(character));
}

fn escaped(text: &str, out: &mut String, push: impl Fn(char, &mut String)) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => push(other, out),
        }
    }
}
