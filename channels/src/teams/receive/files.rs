//! The files of a message
//! (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bots-filesv4>).

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::Attachment;
use serde_json::Value;

use super::at;

/// What a file of a personal chat comes as.
const FILE: &str = "application/vnd.microsoft.teams.file.download.info";

/// The files of a message. One of a personal chat has an address that opens for a while, for whoever has it;
/// a picture that was pasted is at the connector, which wants the bot's token. One of a channel is in
/// `SharePoint`, where the bot may not read it, so that whoever answers gets its address. The rest is no file:
/// the text once more as HTML, cards, quotations.
pub(super) fn of(activity: &Value) -> impl Iterator<Item = Attachment> {
    lenient_json::list(activity, "attachments").filter_map(|attachment| {
        let kind = lenient_json::text(attachment, "contentType");
        let name = lenient_json::text(attachment, "name");
        let (url, mime_type) = match kind.as_str() {
            FILE => {
                let content = at(attachment, "content");
                (lenient_json::text(content, "downloadUrl"), String::new())
            }
            "reference" => (lenient_json::text(attachment, "contentUrl"), String::new()),
            _ if kind.starts_with("image/") => {
                let of_any_kind = kind == "image/*";
                let kind = if of_any_kind { String::new() } else { kind };
                (lenient_json::text(attachment, "contentUrl"), kind)
            }
            _ => return None,
        };
        let is_picture = name.is_empty();
        Some(Attachment {
            id: None,
            url: Some(url).filter(|url| !url.is_empty())?,
            name: if is_picture {
                "picture".to_owned()
            } else {
                name
            },
            mime_type,
            size: None,
        })
    })
}
