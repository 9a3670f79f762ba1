//! What a message says: its text, or what it shows; the messages that it forwards; its files.

use serde_json::Value;
use url::Url;

use super::blocks::{escaped, lines, tables};
use crate::slack::emoji::EmojiNames;
use crate::slack::text::{self, Readable};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{Attachment, file_name};

/// The words of one message, still as Slack writes them.
#[derive(Debug)]
pub(super) struct Words<'a> {
    message: &'a Value,
    own_text: String,
    /// The tables that a text does not have.
    tables: String,
    forwarded: String,
    /// The files, those of forwarded messages included.
    pub(super) files: Vec<Attachment>,
}

impl<'a> Words<'a> {
    /// The words of a message, an event's or an interaction's.
    pub(super) fn of(message: &'a Value) -> Self {
        let shared: Vec<&Value> = lenient_json::list(message, "attachments")
            .filter(|attachment| is_shared(message, attachment))
            .collect();
        let forwarded: Vec<String> = shared
            .iter()
            .filter_map(|shared| forwarded(shared))
            .collect();
        let files = lenient_json::list(message, "files").chain(
            shared
                .iter()
                .flat_map(|shared| lenient_json::list(shared, "files")),
        );
        let (own_text, tables) = own_text(message);
        Self {
            message,
            own_text,
            tables,
            forwarded: forwarded.join("\n"),
            files: files.filter_map(attachment).collect(),
        }
    }

    /// What the user wrote, without what it forwards, as Slack writes it.
    pub(super) fn own_text(&self) -> &str {
        &self.own_text
    }

    /// All of it as a person reads it. See [`text::readable`].
    pub(super) fn readable(&self, own: &[&str]) -> Readable {
        self.read(&[&self.own_text, &self.tables, &self.forwarded], own)
    }

    /// What the user wrote, its tables, and what it forwards: of the two events that a mention comes as, either may
    /// be without the latter two.
    pub(super) fn readable_apart(&self, own: &[&str]) -> [Readable; 3] {
        [&self.own_text, &self.tables, &self.forwarded].map(|part| self.read(&[part], own))
    }

    fn read(&self, parts: &[&str], own: &[&str]) -> Readable {
        let parts = parts.iter().map(|part| part.trim());
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        let all = parts.join("\n");
        text::readable(&all, own, EmojiNames::of(self.message, &all))
    }

    /// All of it in one line or more, its files by their names; empty where there is nothing.
    pub(super) fn named(&self, own: &[&str]) -> Readable {
        let mut read = self.readable(own);
        for file in &self.files {
            if !read.text.is_empty() {
                read.text.push(' ');
            }
            let name = Some(file.name.trim()).filter(|name| !name.is_empty());
            read.text.push_str("📎 ");
            read.text.push_str(name.unwrap_or("a file"));
        }
        read
    }
}

/// Whether an attachment is a message that was forwarded
/// (<https://slack.com/help/articles/203274767>): Slack documents no better sign. Where the text has a link to a
/// message, it is the link's preview, which Slack adds a moment later.
fn is_shared(message: &Value, attachment: &Value) -> bool {
    let is_preview = || {
        let link = lenient_json::some_text(attachment, "from_url");
        link.is_some_and(|link| lenient_json::text(message, "text").contains(&escaped(&link)))
    };
    lenient_json::flag(attachment, "is_share")
        || lenient_json::flag(attachment, "is_msg_unfurl") && !is_preview()
}

/// Whether an app posted it.
pub(super) fn is_an_apps(message: &Value) -> bool {
    let is_present = |key| message.get(key).is_some_and(|value| !value.is_null());
    is_present("bot_id")
        || is_present("bot_profile")
        || lenient_json::text(message, "subtype") == "bot_message"
}

/// What a message says, and the tables that its text does not have.
fn own_text(message: &Value) -> (String, String) {
    let text = lenient_json::text(message, "text");
    let attachments =
        || lenient_json::list(message, "attachments").filter(|one| !is_shared(message, one));
    let mut parts;
    if is_an_apps(message) {
        // Beside blocks, the text is what notifications show.
        parts = lines(message);
        if parts.is_empty() {
            parts.push(text);
        }
        let more: Vec<String> = attachments().flat_map(|one| shown(one, &parts)).collect();
        parts.extend(more);
    } else if text.trim().is_empty() {
        parts = lines(message);
        let has_words = !parts.is_empty();
        // What apps post may be in attachments alone.
        let told = |one| {
            if has_words {
                tables(one)
            } else {
                shown(one, &[])
            }
        };
        parts.extend(attachments().flat_map(told));
    } else {
        let mut beside = tables(message);
        beside.extend(attachments().flat_map(tables));
        return (text, joined(beside));
    }
    (joined(parts), String::new())
}

fn joined(mut parts: Vec<String>) -> String {
    parts.retain(|part| !part.trim().is_empty());
    parts.join("\n")
}

fn forwarded(attachment: &Value) -> Option<String> {
    let author = lenient_json::first_text(attachment, &["author_name", "author_subname"]);
    let inner: Vec<&Value> = lenient_json::list(attachment, "message_blocks")
        .filter_map(|one| one.get("message"))
        .collect();
    let holders = || inner.iter().copied().chain([attachment]);
    let is_an_apps = holders().any(is_an_apps);
    let text = lenient_json::some_text(attachment, "text");
    let mut parts: Vec<String> = match text {
        Some(text) if !is_an_apps => std::iter::once(text)
            .chain(holders().flat_map(tables))
            .collect(),
        text => match holders().flat_map(lines).collect::<Vec<_>>() {
            lines if lines.is_empty() => text.into_iter().collect(),
            lines => lines,
        },
    };
    parts.extend(fields(attachment));
    if parts.is_empty() {
        parts.extend(lenient_json::some_text(attachment, "fallback"));
    }
    let content = Some(joined(parts)).filter(|content| !content.is_empty())?;
    Some(match author {
        Some(author) => format!("Forwarded message from {}: {content}", escaped(&author)),
        None => format!("Forwarded message: {content}"),
    })
}

/// What a reader sees of an attachment
/// (<https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments>): its blocks, or
/// its parts from the top, without what is told already; its stand-in where there is neither.
fn shown(attachment: &Value, told: &[String]) -> Vec<String> {
    let part = |key: &str| lenient_json::some_text(attachment, key);
    let mut parts = lines(attachment);
    if parts.is_empty() {
        let title = part("title").map(|title| match part("title_link") {
            Some(link) if !title.contains('<') => format!("<{link}|{title}>"),
            _ => title,
        });
        let all = [part("pretext"), part("author_name"), title, part("text")];
        parts.extend(all.into_iter().flatten());
        parts.extend(fields(attachment));
        parts.extend(part("footer"));
        if parts.is_empty() {
            parts.extend(part("fallback"));
        }
        parts.retain(|part| !told.iter().any(|one| one.trim() == part.trim()));
    } else {
        parts.splice(..0, part("pretext"));
    }
    parts
}

/// The fields of an attachment.
fn fields(attachment: &Value) -> Vec<String> {
    let fields = lenient_json::list(attachment, "fields");
    let field = |field: &Value| {
        let part = |key: &str| lenient_json::some_text(field, key);
        match (part("title"), part("value")) {
            (Some(title), Some(value)) => Some(format!("{title}: {value}")),
            (title, value) => title.or(value),
        }
    };
    fields.filter_map(field).collect()
}

/// A file (<https://docs.slack.dev/reference/objects/file-object>). One of which Slack tells no more
/// than that it exists (of another workspace, deleted, beyond a limit) may have no name.
pub(in crate::slack) fn attachment(file: &Value) -> Option<Attachment> {
    if !file.is_object() {
        return None;
    }
    let url = lenient_json::first_text(file, &["url_private_download", "url_private"]);
    let url = url.unwrap_or_default();
    let of_url = || file_name(&Url::parse(&url).ok()?);
    let name = lenient_json::first_text(file, &["name", "title"]).or_else(of_url);
    Some(Attachment {
        id: lenient_json::some_text(file, "id"),
        name: name.unwrap_or_default(),
        url,
        mime_type: lenient_json::text(file, "mimetype"),
        size: lenient_json::whole(file, "size"),
    })
}

#[cfg(test)]
mod tests;
