//! What is said in words: without the mention of the bot and what stands for a quoted message, and with others by
//! their names.

use haptik_bridge_shared::lenient_json;
use serde_json::Value;

use super::at;

/// The characters that Teams writes as HTML does, also in plain texts; `&amp;` comes last.
const ENTITIES: &[(&str, &str)] = &[
    ("&nbsp;", " "),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&amp;", "&"),
];

/// Whether the bot is mentioned.
pub(super) fn mentions_bot(activity: &Value) -> bool {
    let bot = lenient_json::text(at(activity, "recipient"), "id");
    mentions(activity).any(|(_, mentioned)| lenient_json::text(mentioned, "id") == bot)
}

/// The text of a message.
pub(super) fn of(activity: &Value) -> String {
    let bot = lenient_json::text(at(activity, "recipient"), "id");
    let mut text = lenient_json::text(activity, "text");
    for (written, mentioned) in mentions(activity) {
        let name = if lenient_json::text(mentioned, "id") == bot {
            String::new()
        } else {
            format!("@{}", lenient_json::text(mentioned, "name"))
        };
        // An entity stands for one place.
        text = text.replacen(&written, &name, 1);
    }
    if quotes(activity) {
        text = without_quotes(&text);
    }
    for (entity, character) in ENTITIES {
        text = text.replace(entity, character);
    }
    text.replace('\u{a0}', " ").trim().to_owned()
}

/// Whether a message is quoted, for which an element stands in the text.
fn quotes(activity: &Value) -> bool {
    let mut entities = lenient_json::list(activity, "entities");
    entities.any(|entity| lenient_json::text(entity, "type") == "quotedReply")
}

/// A text without `<quoted messageId="…"/>`. What a user writes has no `<` of its own.
fn without_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, quote)) = rest.split_once("<quoted ") {
        let Some((_, after)) = quote.split_once('>') else {
            break;
        };
        out.push_str(before);
        rest = after.strip_prefix("</quoted>").unwrap_or(after);
    }
    out + rest
}

/// How each mention is written, and who is meant.
fn mentions(activity: &Value) -> impl Iterator<Item = (String, &Value)> {
    let entities = lenient_json::list(activity, "entities");
    entities.filter_map(|entity| {
        let is_mention = lenient_json::text(entity, "type") == "mention";
        let written = lenient_json::some_text(entity, "text").filter(|_| is_mention)?;
        Some((written, at(entity, "mentioned")))
    })
}
