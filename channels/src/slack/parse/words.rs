//! What a message says: its text, or its blocks where it has no text; the messages that it forwards; its
//! files.

use serde_json::Value;

use super::message::attachment;
use super::text::{readable, unresolved_mentions};
use crate::slack::markup::escaped;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::Attachment;

/// The words of one message, still as Slack writes them.
#[derive(Debug)]
pub(super) struct Words {
    said: String,
    forwarded: String,
    /// Slack's name of each emoji, colons included, and the emoji itself.
    emoji: Vec<(String, String)>,
    /// The files, those of forwarded messages included.
    pub(super) files: Vec<Attachment>,
}

impl Words {
    /// The words of a message, an event's or an interaction's.
    pub(super) fn of(message: &Value) -> Self {
        let shared: Vec<&Value> = lenient_json::list(message, "attachments")
            .filter(|attachment| is_shared(attachment))
            .collect();
        let forwarded: Vec<String> = shared
            .iter()
            .filter_map(|shared| forwarded(shared))
            .collect();
        let mut emoji = Vec::new();
        for key in ["blocks", "attachments"] {
            collect_emoji(message.get(key).unwrap_or(&Value::Null), &mut emoji);
        }
        // The longest first: `:wave::skin-tone-2:` has `:wave:` in it.
        emoji.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        emoji.dedup();
        let files = lenient_json::list(message, "files").chain(
            shared
                .iter()
                .flat_map(|shared| lenient_json::list(shared, "files")),
        );
        Self {
            said: said(message),
            forwarded: forwarded.join("\n"),
            emoji,
            files: files.filter_map(attachment).collect(),
        }
    }

    /// What the user wrote, without what it forwards, as Slack writes it.
    pub(super) fn said(&self) -> &str {
        &self.said
    }

    /// All of it as a person reads it. See [`readable`].
    pub(super) fn readable(&self, own: &[&str]) -> String {
        let mut text = readable(&self.said, own);
        let forwarded = readable(&self.forwarded, &[]);
        if !text.is_empty() && !forwarded.is_empty() {
            text.push('\n');
        }
        text += &forwarded;
        for (name, emoji) in &self.emoji {
            text = text.replace(name, emoji);
        }
        text
    }

    /// What is left without a name in it. See [`unresolved_mentions`].
    pub(super) fn mentions(&self, own: &[&str]) -> Vec<String> {
        unresolved_mentions(&format!("{}\n{}", self.said, self.forwarded), own)
    }
}

/// Whether an attachment is a message that was forwarded
/// (<https://slack.com/help/articles/203274767>): Slack documents no better sign.
fn is_shared(attachment: &Value) -> bool {
    lenient_json::flag(attachment, "is_share") || lenient_json::flag(attachment, "is_msg_unfurl")
}

fn said(message: &Value) -> String {
    let text = lenient_json::text(message, "text");
    if !text.trim().is_empty() {
        return text;
    }
    let mut lines = lines(message);
    if lines.is_empty() {
        // What apps post may be in attachments alone.
        let attachments = lenient_json::list(message, "attachments").filter(|one| !is_shared(one));
        lines.extend(attachments.filter_map(content));
    }
    lines.join("\n")
}

fn forwarded(attachment: &Value) -> Option<String> {
    let content = content(attachment)?;
    let author = ["author_name", "author_subname"];
    let author = author
        .iter()
        .find_map(|key| lenient_json::some_text(attachment, key));
    Some(match author {
        Some(author) => format!("Forwarded message from {author}: {content}"),
        None => format!("Forwarded message: {content}"),
    })
}

/// What an attachment says (<https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments>).
fn content(attachment: &Value) -> Option<String> {
    let inner =
        lenient_json::list(attachment, "message_blocks").filter_map(|one| one.get("message"));
    let blocks = || {
        inner
            .flat_map(lines)
            .chain(lines(attachment))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let text = lenient_json::some_text(attachment, "text").unwrap_or_else(blocks);
    Some(text)
        .filter(|text| !text.trim().is_empty())
        .or_else(|| lenient_json::some_text(attachment, "fallback"))
}

/// The lines of what has `blocks` (<https://docs.slack.dev/reference/block-kit/blocks>).
fn lines(holder: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for block in lenient_json::list(holder, "blocks") {
        block_lines(block, &mut lines);
    }
    lines.retain(|line| !line.trim().is_empty());
    lines
}

fn block_lines(block: &Value, lines: &mut Vec<String>) {
    let text = |key: &str| block.get(key).map(text_of).unwrap_or_default();
    match lenient_json::text(block, "type").as_str() {
        "rich_text" => {
            lenient_json::list(block, "elements").for_each(|element| rich(element, lines));
        }
        "context" => {
            let texts: Vec<String> = lenient_json::list(block, "elements").map(text_of).collect();
            lines.push(texts.join(" ").trim().to_owned());
        }
        "carousel" => {
            lenient_json::list(block, "elements").for_each(|card| block_lines(card, lines));
        }
        "image" => lines.push(escaped(&lenient_json::text(block, "alt_text"))),
        _ => {
            lines.extend(["title", "subtitle", "text", "body", "description"].map(text));
            lines.extend(lenient_json::list(block, "fields").map(text_of));
        }
    }
}

/// A text object's text, or a text.
fn text_of(text: &Value) -> String {
    text.as_str()
        .map_or_else(|| lenient_json::text(text, "text"), ToOwned::to_owned)
}

/// The parts of a rich text (<https://docs.slack.dev/reference/block-kit/blocks/rich-text-block>).
fn rich(element: &Value, lines: &mut Vec<String>) {
    match lenient_json::text(element, "type").as_str() {
        "rich_text_list" => {
            let first = lenient_json::whole(element, "offset").unwrap_or_default() + 1;
            let indent = lenient_json::whole(element, "indent")
                .unwrap_or_default()
                .min(8);
            let indent = " ".repeat(usize::try_from(indent * 4).unwrap_or_default());
            let is_ordered = lenient_json::text(element, "style") == "ordered";
            for (number, item) in (first..).zip(lenient_json::list(element, "elements")) {
                let sign = if is_ordered {
                    format!("{number}.")
                } else {
                    "•".to_owned()
                };
                lines.push(format!("{indent}{sign} {}", inline(item)));
            }
        }
        "rich_text_quote" => {
            lines.extend(inline(element).lines().map(|line| format!("&gt; {line}")));
        }
        "rich_text_preformatted" => lines.push(format!("```\n{}\n```", inline(element))),
        _ => lines.push(inline(element)),
    }
}

/// The text of a line of rich text, as Slack writes it in a message's text.
fn inline(section: &Value) -> String {
    let leaf = |element: &Value| {
        let field = |key: &str| lenient_json::text(element, key);
        match field("type").as_str() {
            "link" if field("text").is_empty() => format!("<{}>", escaped(&field("url"))),
            "link" => format!("<{}|{}>", escaped(&field("url")), escaped(&field("text"))),
            "user" => format!("<@{}>", field("user_id")),
            "channel" => format!("<#{}>", field("channel_id")),
            "usergroup" => format!("<!subteam^{}>", field("usergroup_id")),
            "broadcast" => format!("<!{}>", field("range")),
            "emoji" => format!(":{}:", field("name")),
            "date" => escaped(&field("fallback")),
            "color" => escaped(&field("value")),
            _ => escaped(&field("text")),
        }
    };
    lenient_json::list(section, "elements").map(leaf).collect()
}

/// The emoji of rich texts, which say what their names mean. The workspace's own have no character.
fn collect_emoji(value: &Value, into: &mut Vec<(String, String)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_emoji(item, into)),
        Value::Object(fields) => {
            if let Some(emoji) = emoji(value) {
                into.push(emoji);
            }
            fields.values().for_each(|field| collect_emoji(field, into));
        }
        _ => {}
    }
}

fn emoji(element: &Value) -> Option<(String, String)> {
    if lenient_json::text(element, "type") != "emoji" {
        return None;
    }
    let name = lenient_json::some_text(element, "name")?;
    let name = match lenient_json::whole(element, "skin_tone") {
        Some(tone) if !name.contains("::skin-tone-") => format!(":{name}::skin-tone-{tone}:"),
        _ => format!(":{name}:"),
    };
    let unicode = lenient_json::some_text(element, "unicode")?;
    let characters = unicode
        .split('-')
        .map(|code| char::from_u32(u32::from_str_radix(code, 16).ok()?));
    let characters: Option<String> = characters.collect();
    Some((
        name,
        characters.filter(|emoji| !emoji.chars().any(char::is_control))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(message: &Value) -> String {
        Words::of(message).readable(&["UBOT"])
    }

    #[test]
    fn emoji_are_shown_as_the_characters_that_slack_says_they_are() {
        let elements = json!([
            {"type": "emoji", "name": "wave", "unicode": "1f44b-1f3fb", "skin_tone": 2},
            {"type": "emoji", "name": "wave", "unicode": "1f44b"},
            {"type": "emoji", "name": "flag-in", "unicode": "1f1ee-1f1f3"},
            {"type": "emoji", "name": "acme"},
            {"type": "emoji", "name": "odd", "unicode": "zz"},
        ]);
        let message = json!({
            "text": ":wave::skin-tone-2: :wave: from :flag-in: by :acme: at 10:30 :odd:",
            "blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}],
        });
        assert_eq!(read(&message), "👋🏻 👋 from 🇮🇳 by :acme: at 10:30 :odd:");
    }

    #[test]
    fn a_forwarded_message_is_told_with_its_author_and_its_files() {
        let message = json!({
            "text": "<@UBOT> is this right?",
            "attachments": [{
                "is_share": true, "is_msg_unfurl": true, "author_name": "Ravi", "text": "a &amp; b <@U222>",
                "fallback": "[today] Ravi: a", "files": [{"id": "F1", "name": "bill.pdf"}],
            }, {"text": "a preview of a link", "from_url": "https://a.example"}],
        });
        let words = Words::of(&message);
        assert_eq!(
            words.readable(&["UBOT"]),
            "is this right?\nForwarded message from Ravi: a & b @U222"
        );
        assert_eq!(words.said(), "<@UBOT> is this right?");
        assert_eq!(words.mentions(&["UBOT"]), ["@U222"]);
        assert_eq!(words.files[0].name, "bill.pdf");
        let blocks = json!([{"message": {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "in blocks"}}]}}]);
        let bare = json!({"text": "", "attachments": [{"is_share": true, "text": "", "message_blocks": blocks}]});
        assert_eq!(read(&bare), "Forwarded message: in blocks");
        let empty =
            json!({"attachments": [{"is_share": true, "fallback": "[no preview available]"}]});
        assert_eq!(read(&empty), "Forwarded message: [no preview available]");
    }

    #[test]
    fn what_has_no_text_is_read_from_its_blocks() {
        let section = |elements: Value| json!({"type": "rich_text_section", "elements": elements});
        let text = |text: &str| json!({"type": "text", "text": text});
        let rich = json!({"type": "rich_text", "elements": [
            section(json!([text("a & <b> "), {"type": "link", "url": "https://a.example/?x&y", "text": "here"}, {"type": "user", "user_id": "U222"},
                {"type": "channel", "channel_id": "C222"}, {"type": "usergroup", "usergroup_id": "S1"}, {"type": "broadcast", "range": "here"},
                {"type": "date", "timestamp": 1, "fallback": "today"}])),
            {"type": "rich_text_list", "style": "ordered", "offset": 1, "elements": [section(json!([text("two")])), section(json!([text("three")]))]},
            {"type": "rich_text_list", "style": "bullet", "indent": 1, "elements": [section(json!([text("dot")]))]},
            {"type": "rich_text_quote", "elements": [text("said\nso")]},
            {"type": "rich_text_preformatted", "elements": [text("let x;")]},
        ]});
        let message = json!({"text": " ", "blocks": [
            rich,
            {"type": "header", "text": {"type": "plain_text", "text": "Head"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "Body"}, "fields": [{"type": "mrkdwn", "text": "F1"}]},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "small"}, {"type": "image", "alt_text": "x"}]},
            {"type": "image", "alt_text": "A cat"},
            {"type": "carousel", "elements": [{"type": "card", "title": {"type": "mrkdwn", "text": "Card"}}]},
            {"type": "divider"},
        ]});
        assert_eq!(
            read(&message),
            "a & <b> here (https://a.example/?x&y)@U222#C222@S1@heretoday\n2. two\n3. three\n    • dot\n> said\n> so\n```\nlet x;\n```\nHead\nBody\nF1\nsmall\nA cat\nCard"
        );
        assert_eq!(
            read(&json!({"attachments": [{"fallback": "An alert"}]})),
            "An alert"
        );
        assert_eq!(read(&json!({})), "");
    }
}
