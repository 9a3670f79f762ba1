//! Google Chat's markup (<https://developers.google.com/workspace/chat/format-messages>). It has no way to
//! escape; what would be a link of another's making, or mention somebody, is broken up by a character that
//! is not seen. `<users/all>` notifies nobody.

use super::mrkdwn::Mrkdwn;
use super::{Edge, Printer, Style, literal};

/// A word joiner: it has no width.
const BREAK: char = '\u{2060}';

pub(super) struct Chat;

impl Printer for Chat {
    fn text(&self, text: &str, out: &mut String) {
        let broken = broken_up(text);
        broken.chars().for_each(|one| literal::push(one, out));
    }

    fn code(&self, code: &str, out: &mut String) {
        if code.contains('`') {
            return self.text(code.trim(), out);
        }
        out.push_str(&["`", &broken_up(code), "`"].concat());
    }

    fn code_block(&self, code: &str, out: &mut String) {
        let code = broken_up(&super::unfenced(code));
        out.push_str(&["```", &code, "```"].concat());
    }

    fn finished(&self, printed: String) -> String {
        literal::kept(printed)
    }

    fn marks(&self, style: Style) -> (&'static str, &'static str) {
        Mrkdwn.marks(style)
    }

    /// As in Slack, a mark that touches a letter is taken for one of its word.
    fn apart(&self, edge: Edge) -> &'static str {
        Mrkdwn.apart(edge)
    }

    fn link(&self, url: &str, label: &str, out: &mut String) {
        // Other addresses are found in the text.
        if !url.starts_with("http") {
            return self.text(&super::plain::with_address(url, label), out);
        }
        out.push('<');
        out.push_str(&url.replace('`', "%60"));
        if !label.is_empty() {
            out.push('|');
            // What would end the link.
            let label = literal::label(label);
            out.push_str(&label.replace('<', "‹").replace('>', "›"));
        }
        out.push('>');
    }
}

/// A text in which nothing is a link, a mention or an emoji.
fn broken_up(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        if is_meant(after) {
            out.push(BREAK);
        }
        rest = after;
    }
    out + rest
}

/// Whether `<` before this begins a link, a mention or an emoji: an address with a scheme, or a resource.
fn is_meant(after: &str) -> bool {
    let word = after
        .find(|character: char| !character.is_ascii_alphanumeric() && !"+-.".contains(character));
    let (word, rest) = after.split_at(word.unwrap_or(after.len()));
    !word.is_empty() && rest.starts_with([':', '/'])
}
