//! Forms: their questions, and the button that opens them in a window of their own.

use serde_json::json;

use super::Renderer;
use super::piece::Piece;
use crate::slack::form::{self, Origin};
use crate::slack::markup::{bold, mrkdwn};
use crate::slack::tap::{BUTTONS, FILL, Tap};
use haptik_bridge_shared::message::hsl::{Field, Form};

impl Renderer<'_> {
    /// A form: title, subtitle, questions, and a button that opens it. The questions are in the message,
    /// so that it makes sense where it is only read (a notification, a screen reader), and can be
    /// answered in the chat where the window cannot be opened.
    pub(super) fn form(&mut self, form: &Form) -> Vec<Piece> {
        let lines = [bold(&form.title), mrkdwn(&form.subtitle)];
        let mut pieces = Piece::sections(&joined(lines));
        let value = self.opens(form);
        let questions = joined(form.fields.iter().filter_map(question));
        if value.is_none() {
            let asked = Some(questions).filter(|questions| !questions.is_empty());
            let asked = asked.map(|questions| format!("Please answer:\n{questions}"));
            pieces.extend(Piece::sections(&asked.unwrap_or_default()));
            return pieces;
        }
        pieces.extend(Piece::notices(&questions));
        let button = json!({
            "type": "button",
            "action_id": format!("{FILL}{}", self.block),
            "text": {"type": "plain_text", "text": "Fill in the form", "emoji": true},
            "style": "primary",
            "value": value,
        });
        pieces.extend(self.row(BUTTONS, button));
        pieces
    }

    /// What the button carries; `None` when there is nothing to fill in, or no modal that holds it all.
    fn opens(&self, form: &Form) -> Option<String> {
        // Slack's ids are no longer than these.
        let somewhere = Origin {
            channel: "C".repeat(20),
            thread_ts: Some("0".repeat(20)),
            ts: "0".repeat(20),
            is_direct: true,
            action_ts: "0".repeat(20),
        };
        form::view(form, &somewhere)?;
        let tap = Tap::Fill {
            auth_id: self.outgoing.auth_id.clone(),
            key: self.outgoing.key.clone(),
        };
        tap.value()
    }
}

fn joined(lines: impl IntoIterator<Item = String>) -> String {
    let lines = lines.into_iter().filter(|line| !line.trim().is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

fn question(field: &Field) -> Option<String> {
    let options: Vec<String> = field.options.iter().map(|option| mrkdwn(option)).collect();
    match (mrkdwn(&field.hint), options.join(", ")) {
        (hint, options) if hint.trim().is_empty() && options.trim().is_empty() => None,
        (hint, options) if options.trim().is_empty() => Some(format!("• {hint}")),
        (hint, options) => Some(format!("• {hint} ({options})")),
    }
}
