//! Forms.

use super::piece::Piece;
use crate::channel::slack::markup::{bold, mrkdwn};
use crate::haptik::hsl::{Field, Form};

/// A form as questions to be answered in the chat: Slack shows the real thing only in a modal, which
/// must be opened by a tap.
pub(super) fn as_text(form: &Form) -> Vec<Piece> {
    let mut lines = vec![bold(&form.title), mrkdwn(&form.subtitle)];
    let questions: Vec<String> = form.fields.iter().filter_map(question).collect();
    if !questions.is_empty() {
        lines.push("Please answer:".to_owned());
        lines.extend(questions);
    }
    lines.retain(|line| !line.trim().is_empty());
    Piece::sections(&lines.join("\n"))
}

fn question(field: &Field) -> Option<String> {
    let options: Vec<String> = field.options.iter().map(|option| mrkdwn(option)).collect();
    match (mrkdwn(&field.hint), options.join(", ")) {
        (hint, options) if hint.trim().is_empty() && options.trim().is_empty() => None,
        (hint, options) if options.trim().is_empty() => Some(format!("• {hint}")),
        (hint, options) => Some(format!("• {hint} ({options})")),
    }
}
