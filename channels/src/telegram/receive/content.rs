//! What a message holds beside its text: files, and what is said in words.

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::Attachment;
use serde_json::Value;

/// Files, by the key they are under (<https://core.telegram.org/bots/api#message>), with the name and the
/// MIME type of one that has none. For backward compatibility an animation is a document as well, and a
/// live photo a photo: the first that is there counts.
const FILES: &[(&str, &str, &str)] = &[
    ("animation", "animation.mp4", "video/mp4"),
    ("document", "document", ""),
    ("voice", "voice.ogg", "audio/ogg"),
    ("audio", "audio.mp3", "audio/mpeg"),
    ("video", "video.mp4", "video/mp4"),
    ("video_note", "video.mp4", "video/mp4"),
    ("live_photo", "photo.mp4", "video/mp4"),
];

/// What cannot be told otherwise, and what it is called.
const NAMED: &[(&str, &str)] = &[
    ("sticker", "a sticker"),
    ("story", "a story"),
    ("game", "a game"),
    ("checklist", "a checklist"),
    ("invoice", "an invoice"),
    ("paid_media", "paid media"),
    ("giveaway", "a giveaway"),
];

/// How deep a rich message is read.
const DEPTH: usize = 16;

/// The file of a message. Its address is secret, since the bot's token is in it, and good for an hour: only
/// the id is kept.
pub(super) fn file(message: &Value) -> Option<Attachment> {
    // A photo comes in several sizes, the largest last.
    let photo = lenient_json::list(message, "photo").last();
    let photo = photo.map(|size| (size, "photo.jpg", "image/jpeg"));
    let file = || {
        let mut all = FILES.iter();
        all.find_map(|(key, name, kind)| {
            let file = message.get(*key).filter(|file| file.is_object())?;
            Some((file, *name, *kind))
        })
    };
    let (file, name, mime_type) = photo.or_else(file)?;
    Some(Attachment {
        id: Some(lenient_json::some_text(file, "file_id")?),
        url: String::new(),
        name: lenient_json::some_text(file, "file_name").unwrap_or_else(|| name.to_owned()),
        mime_type: lenient_json::some_text(file, "mime_type")
            .unwrap_or_else(|| mime_type.to_owned()),
        size: lenient_json::whole(file, "file_size"),
    })
}

/// What a message says that has neither a text nor a file; empty where it says nothing, as all messages
/// about the chat itself.
pub(super) fn special_content_text(message: &Value) -> String {
    let at = |key: &str| message.get(key).filter(|value| value.is_object());
    if let Some(venue) = at("venue") {
        let place = venue.get("location").map(coordinates).unwrap_or_default();
        let (title, address) = (
            lenient_json::text(venue, "title"),
            lenient_json::text(venue, "address"),
        );
        return format!("{title}, {address} ({place})");
    }
    if let Some(location) = at("location") {
        return coordinates(location);
    }
    if let Some(contact) = at("contact") {
        let of_another = || {
            let name = super::full_name(contact).unwrap_or_default();
            format!("{name}: {}", lenient_json::text(contact, "phone_number"))
        };
        return own_number(message).unwrap_or_else(of_another);
    }
    if let Some(poll) = at("poll") {
        let options = lenient_json::list(poll, "options")
            .map(|option| format!("\n- {}", lenient_json::text(option, "text")));
        return format!(
            "{}{}",
            lenient_json::text(poll, "question"),
            options.collect::<String>()
        );
    }
    if let Some(dice) = at("dice") {
        return format!(
            "{} {}",
            lenient_json::text(dice, "emoji"),
            lenient_json::text(dice, "value")
        );
    }
    if let Some(emoji) = at("sticker").and_then(|sticker| lenient_json::some_text(sticker, "emoji"))
    {
        return emoji;
    }
    if let Some(rich) = at("rich_message") {
        let blocks = lenient_json::list(rich, "blocks").map(|block| rich_text(block, DEPTH));
        return blocks
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join("\n");
    }
    let named = NAMED.iter().find(|(key, _)| message.get(*key).is_some());
    named
        .map(|(_, name)| format!("({name})"))
        .unwrap_or_default()
}

/// The number of somebody who shared a contact that is the own one: anybody's can be shared
/// (<https://core.telegram.org/bots/api#contact>).
pub(super) fn own_number(message: &Value) -> Option<String> {
    let contact = message.get("contact")?;
    let owner = lenient_json::whole(contact, "user_id")?;
    let is_own = message
        .get("from")
        .and_then(|from| lenient_json::whole(from, "id"))
        == Some(owner);
    lenient_json::some_text(contact, "phone_number").filter(|_| is_own)
}

fn coordinates(location: &Value) -> String {
    format!(
        "{}, {}",
        lenient_json::text(location, "latitude"),
        lenient_json::text(location, "longitude")
    )
}

/// The text of a block of a rich message, whose kinds are many
/// (<https://core.telegram.org/bots/api#richmessage>): what stands under `text` and in lists.
fn rich_text(value: &Value, depth: usize) -> String {
    if depth == 0 {
        return String::new();
    }
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .map(|part| rich_text(part, depth - 1))
            .collect(),
        Value::Object(fields) => {
            let parts = fields
                .iter()
                .filter(|(key, value)| key.as_str() == "text" || value.is_array());
            parts.map(|(_, part)| rich_text(part, depth - 1)).collect()
        }
        _ => String::new(),
    }
}
