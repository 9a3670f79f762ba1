//! What can be tapped: buttons where Slack has them, a line of text where it has not.

use serde_json::{Value, json};

use super::Renderer;
use super::fallback;
use super::piece::Piece;
use crate::slack::limits;
use crate::slack::markup::{bold, link, mrkdwn, plain, web_address};
use crate::slack::tap::{BUTTONS, OPEN, RATE, RATING, SAY, Tap};
use haptik_bridge_shared::message::hsl::{Actionable, Effect};

impl Renderer<'_> {
    /// The pieces of some actionables, in order; `block` is the kind of block that their buttons stand
    /// in: one that goes away or one that stays.
    pub(super) fn actionables(&mut self, block: &str, actionables: &[Actionable]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut row = Row::default();
        for actionable in actionables {
            let index = self.actionable;
            self.actionable += 1;
            if let Some(button) = self.button(block, actionable, index) {
                if !row.takes(&button) {
                    pieces.extend(self.finish(block, &mut row));
                }
                row.add(button);
                continue;
            }
            pieces.extend(self.finish(block, &mut row));
            pieces.extend(self.without_button(actionable, index));
        }
        pieces.extend(self.finish(block, &mut row));
        pieces
    }

    /// The button of an actionable that can be one.
    pub(super) fn button(
        &self,
        block: &str,
        actionable: &Actionable,
        index: usize,
    ) -> Option<Value> {
        let mut button = match actionable.effect() {
            Effect::Say { sent, .. } => {
                let offered = || Tap::Offered {
                    auth_id: self.outgoing.auth_id.clone(),
                    key: self.outgoing.key.clone(),
                    index,
                };
                let value = Tap::say(actionable, &sent)
                    .value()
                    .or_else(|| offered().value())?;
                json!({"type": "button", "action_id": format!("{SAY}{index}"), "text": label(actionable), "value": value})
            }
            Effect::Open { url } => {
                let url = web_address(&url, limits::URL)?;
                json!({"type": "button", "action_id": format!("{OPEN}{index}"), "text": label(actionable), "url": url})
            }
            _ => return None,
        };
        if actionable.is_default && block == BUTTONS {
            button["style"] = "primary".into();
        }
        Some(button)
    }

    /// What stands for an actionable that is no button.
    fn without_button(&mut self, actionable: &Actionable, index: usize) -> Vec<Piece> {
        let label = mrkdwn(&actionable.label());
        match actionable.effect() {
            Effect::Open { url } => Piece::sections(&format!("{label}: {}", mrkdwn(&url))),
            Effect::Call { number } => {
                Piece::sections(&format!("📞 {label}: {}", telephone(&number)))
            }
            Effect::Location => {
                Piece::sections(&format!("📍 {label}\nType the place or the address here."))
            }
            Effect::Upload => Piece::sections(&format!("📎 {label}\nSend the file here.")),
            Effect::Detail => self.detail(actionable, index),
            Effect::Feedback => self.rating(&label, index),
            // Only a value of 2,000 characters that even a reference is too long for comes here.
            Effect::Say { shown, .. } => Piece::sections(&mrkdwn(&shown)),
        }
    }

    /// A detail view: shown at once, below what offers it.
    fn detail(&mut self, actionable: &Actionable, index: usize) -> Vec<Piece> {
        let payload = &actionable.payload;
        let address = web_address(&payload.url, limits::URL);
        let caption = if address.is_some() {
            String::new()
        } else {
            mrkdwn(&actionable.label())
        };
        let lines = [
            bold(&payload.title),
            mrkdwn(&payload.sub_title),
            mrkdwn(&payload.description),
        ];
        let lines: Vec<String> = lines
            .into_iter()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let mut pieces = Piece::notices(&caption);
        pieces.extend(Piece::sections(&lines.join("\n")));
        let titles = [payload.title.as_str(), actionable.text.as_str()];
        pieces.extend(
            payload
                .images
                .iter()
                .flat_map(|image| super::cards::picture(image, &titles)),
        );
        if let Some(address) = address {
            let button = json!({"type": "button", "action_id": format!("{OPEN}{index}"), "text": self::label(actionable), "url": address});
            pieces.extend(self.row(BUTTONS, button));
        }
        pieces
    }

    /// A rating of 1 to 5.
    fn rating(&mut self, label: &str, index: usize) -> Vec<Piece> {
        let mut row = Row::default();
        for rating in 1..=5_u8 {
            row.add(json!({
                "type": "button",
                "action_id": format!("{RATE}{index}-{rating}"),
                "text": {"type": "plain_text", "text": format!("{rating} ★"), "emoji": true},
                "value": Tap::Rate(rating).value(),
            }));
        }
        let mut pieces = Piece::sections(label);
        pieces.extend(self.finish(RATING, &mut row));
        pieces
    }

    /// A row of one button.
    pub(super) fn row(&mut self, block: &str, button: Value) -> Option<Piece> {
        let mut row = Row::default();
        row.add(button);
        self.finish(block, &mut row)
    }

    /// The block of a row of buttons, which is empty afterwards.
    fn finish(&mut self, block: &str, row: &mut Row) -> Option<Piece> {
        let row = std::mem::take(row);
        if row.buttons.is_empty() {
            return None;
        }
        let block_id = format!("{block}{}", self.block);
        self.block += 1;
        Some(Piece {
            text: row.text(),
            weight: row.weight,
            blocks: 1,
            block: json!({"type": "actions", "block_id": block_id, "elements": row.buttons}),
        })
    }
}

/// Buttons that stand in one block.
#[derive(Debug, Default)]
struct Row {
    buttons: Vec<Value>,
    weight: usize,
}

impl Row {
    fn takes(&self, button: &Value) -> bool {
        let text = || [self.text(), fallback::choices([button].into_iter())].concat();
        self.buttons.len() < limits::ACTIONS
            && self.weight + weight(button) <= limits::BLOCKS_TEXT
            && limits::fits(&text(), limits::MESSAGE_TEXT - 1)
    }

    fn text(&self) -> String {
        fallback::choices(self.buttons.iter())
    }

    fn add(&mut self, button: Value) {
        self.weight += weight(&button);
        self.buttons.push(button);
    }
}

/// Everything in a button that Slack may count.
fn weight(button: &Value) -> usize {
    let texts = ["/text/text", "/value", "/url"].into_iter();
    texts
        .filter_map(|at| button.pointer(at)?.as_str())
        .map(limits::length)
        .sum()
}

fn label(actionable: &Actionable) -> Value {
    let label = plain(&actionable.label(), limits::BUTTON_TEXT).unwrap_or_else(|| "…".to_owned());
    json!({"type": "plain_text", "text": label, "emoji": true})
}

/// A number that can be tapped on a telephone: Slack's buttons open web addresses only.
fn telephone(number: &str) -> String {
    let dialled: String = number
        .chars()
        .filter(|character| character.is_ascii_digit() || "+*#".contains(*character))
        .collect();
    if dialled.is_empty() || dialled.len() > 32 || number.len() > 64 {
        return mrkdwn(number);
    }
    link(&format!("tel:{dialled}"), number)
}
