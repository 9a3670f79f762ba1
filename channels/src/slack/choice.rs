//! Showing what a user chose: the message is updated, or, where it is not known well enough, another
//! one says it.

use serde_json::{Value, json};

use super::address::{Address, Command, Method};
use super::limits;
use super::markup::{bold, mrkdwn};
use super::render::{context, fallback, text_object};
use super::tap::{BUTTONS, CHOICE, RATING, REMARK, REPLIES};
use super::text::entities_undone;
use crate::limits::Size;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::is_blank;

/// How much is shown of what was chosen.
const SHOWN: Size = Size::utf16(limits::SECTION_TEXT.max / 10);

/// What is to be done after a tap, as the method to call and the body to call it with.
///
/// It is made from nothing but the request, so that the same request makes the same task: repeating
/// it changes nothing.
pub(super) fn command(
    address: &Address,
    ts: &str,
    message: Option<&Value>,
    block_id: &str,
    shown: &str,
) -> Command {
    let chosen = format!("✓ {}", mrkdwn(&SHOWN.clip(shown)));
    let blocks = message.and_then(|message| message.get("blocks")?.as_array());
    if let Some(mut blocks) = blocks.and_then(|blocks| with_choice(blocks, block_id, &chosen)) {
        // Slack shows what is updated in the app's name
        // (<https://github.com/slackapi/node-slack-sdk/issues/944>).
        let agent = message.and_then(|message| lenient_json::some_text(message, "username"));
        if let Some(agent) = agent
            && blocks.len() < limits::BLOCKS
        {
            blocks.insert(0, context(&bold(&entities_undone(&agent))));
        }
        let whole = fallback(&blocks);
        let text = if limits::MESSAGE_TEXT.fits(&whole) {
            whole
        } else {
            chosen
        };
        let channel = address.channel.as_str();
        let body =
            json!({"channel": channel, "ts": ts, "text": text, "parse": "none", "blocks": blocks});
        return Command::of(Method::Update, body);
    }
    let mut body = json!({"text": chosen, "parse": "none"});
    address.write(&mut body);
    Command::of(Method::PostMessage, body)
}

/// The blocks of a message with a choice shown below them; `None` when one of them is of a shape that
/// we do not send.
fn with_choice(blocks: &[Value], tapped: &str, chosen: &str) -> Option<Vec<Value>> {
    if blocks.is_empty() {
        return None;
    }
    let goes = |id: &str| {
        (tapped.starts_with(REPLIES) && id.starts_with(REPLIES))
            || tapped.strip_prefix(RATING).is_some_and(|rating| {
                id == tapped || id.strip_prefix(REMARK).is_some_and(|of| of == rating)
            })
    };
    let mut kept = Vec::with_capacity(blocks.len() + 1);
    let mut choices = Vec::new();
    for block in blocks {
        match lenient_json::text(block, "block_id").as_str() {
            // Buttons stay, and may be tapped again: the earlier choices stay too, up to a limit.
            CHOICE => {
                let earlier = lenient_json::list(block, "elements");
                choices.extend(earlier.filter_map(|text| known(text, TEXTS)));
            }
            id if goes(id) => {}
            _ => kept.push(known(block, SENT_BLOCKS)?),
        }
    }
    if kept.len() >= limits::BLOCKS {
        return None;
    }
    choices.push(text_object(chosen));
    let surplus = choices.len().saturating_sub(limits::CONTEXT_ELEMENTS);
    choices.drain(..surplus);
    let mut choice = context("");
    choice["block_id"] = CHOICE.into();
    choice["elements"] = choices.into();
    kept.push(choice);
    Some(kept)
}

type Words = &'static [&'static str];

/// A type of blocks, or of what is in them, as we send it.
struct Sent {
    kind: &'static str,
    /// The fields that one must have, and those that it may have.
    must: Words,
    may: Words,
    /// Of which types the parts in these are.
    inside: Words,
}

const fn sent(kind: &'static str, must: Words, may: Words, inside: Words) -> Sent {
    Sent {
        kind,
        must,
        may,
        inside,
    }
}

/// The types that we send.
#[rustfmt::skip]
const SENT: &[Sent] = &[
    sent("section", &["text"], &[], TEXTS),
    sent("context", &[], &["elements"], TEXTS),
    sent("image", &["image_url", "alt_text"], &[], &[]),
    sent("actions", &[], &["elements"], &["button"]),
    sent("input", &["label", "element"], &["optional"], &["mrkdwn", "plain_text", "plain_text_input"]),
    sent("card", &[], &["title", "subtitle", "body", "hero_image", "actions"], &["mrkdwn", "plain_text", "image", "button"]),
    sent("carousel", &[], &["elements"], &["card"]),
    sent("mrkdwn", &["text"], &["emoji", "verbatim"], &[]),
    sent("plain_text", &["text"], &["emoji", "verbatim"], &[]),
    sent("button", &["action_id", "text"], &["value", "url", "style"], TEXTS),
    sent("plain_text_input", &["action_id"], &["multiline"], &[]),
];

const TEXTS: &[&str] = &["mrkdwn", "plain_text"];
const SENT_BLOCKS: &[&str] = &[
    "section", "context", "image", "actions", "input", "card", "carousel",
];

/// A block, or a part of one, with the fields that we send: Slack gives more back, and refuses some of them
/// when they are sent to it. `None` where it is of none of these types, or of another shape.
fn known(value: &Value, kinds: &[&str]) -> Option<Value> {
    let kind = lenient_json::text(value, "type");
    let mut sent = SENT.iter().filter(|sent| kinds.contains(&sent.kind));
    let sent = sent.find(|sent| sent.kind == kind)?;
    let mut known = json!({"type": kind});
    for key in sent.must.iter().chain(sent.may) {
        let field = match value.get(key) {
            Some(Value::Array(parts)) => {
                let parts: Option<Vec<Value>> = parts
                    .iter()
                    .map(|part| self::known(part, sent.inside))
                    .collect();
                Some(parts?.into()).filter(|parts| *parts != json!([]))
            }
            Some(part @ Value::Object(_)) => Some(self::known(part, sent.inside)?),
            Some(Value::String(text)) if is_blank(text) => None,
            // A plain text comes back escaped, and is sent as it is.
            Some(Value::String(text)) if kind == "plain_text" && *key == "text" => {
                Some(entities_undone(text).into())
            }
            field => field.filter(|field| !field.is_null()).cloned(),
        };
        match field {
            Some(field) => known[*key] = field,
            None if sent.must.contains(key) => return None,
            None => {}
        }
    }
    let id = lenient_json::text(value, "block_id");
    let ours = [REPLIES, BUTTONS, RATING, REMARK];
    if ours.iter().any(|ours| id.starts_with(ours)) {
        known["block_id"] = id.into();
    }
    Some(known)
}
