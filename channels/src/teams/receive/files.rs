//! The files of a message
//! (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bots-filesv4>).

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{Attachment, is_blank};
use serde_json::Value;

use super::at;

/// What a file of a personal chat comes as.
const FILE: &str = "application/vnd.microsoft.teams.file.download.info";

/// What is pasted or recorded comes as what it is.
const PASTED: &[&str] = &["image/", "audio/", "video/"];

/// The files of a message, by where the bot gets them: that goes into the id, since it opens them for whoever
/// has it, and the address is for people.
///
/// - One of a personal chat has an address that opens for a while, for whoever has it.
/// - A picture that was pasted is at the connector, which wants the bot's token: people have no address of it.
/// - One of a channel is in `SharePoint`, where the bot may not read it.
///
/// The rest is no file: the text once more as HTML, cards, quotations.
pub(super) fn of(activity: &Value) -> impl Iterator<Item = Attachment> {
    lenient_json::list(activity, "attachments").filter_map(|attachment| {
        let kind = lenient_json::text(attachment, "contentType");
        let name = lenient_json::text(attachment, "name");
        let address = lenient_json::some_text(attachment, "contentUrl");
        let file = |id: Option<String>, url: Option<String>, name: String| Attachment {
            id,
            url: url.unwrap_or_default(),
            name,
            mime_type: String::new(),
            size: None,
        };
        match kind.as_str() {
            FILE => {
                let content = at(attachment, "content");
                let place = lenient_json::some_text(content, "downloadUrl");
                let is_there = place.is_some() || address.is_some();
                is_there.then(|| file(place, address, named(name, content)))
            }
            "reference" => Some(file(None, Some(address?), name)),
            kind if PASTED.iter().any(|pasted| kind.starts_with(pasted)) => {
                let name = match name.as_str() {
                    unseen if is_blank(unseen) => {
                        kind.replace("image/*", "picture.png").replace('/', ".")
                    }
                    _ => name,
                };
                let mut file = file(Some(address?), None, name);
                file.mime_type = match kind {
                    // Of a picture Teams says no more: what is copied from a screen is this.
                    "image/*" => "image/png".to_owned(),
                    kind => kind.to_owned(),
                };
                Some(file)
            }
            _ => None,
        }
    })
}

/// The name of a file; its kind where there is none.
fn named(name: String, content: &Value) -> String {
    match lenient_json::text(content, "fileType") {
        kind if is_blank(&name) && !kind.is_empty() => format!("file.{kind}"),
        _ => name,
    }
}
