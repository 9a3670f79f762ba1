//! The files of a message (<https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages.attachments>).

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::Attachment;
use serde_json::Value;

/// The files of a message. One that was uploaded is kept by its resource name, by which the app can have it;
/// the addresses that Google gives with it are for people. One of Google Drive's the app may not read, so
/// that whoever answers gets its address.
pub(super) fn of(message: &Value) -> impl Iterator<Item = Attachment> {
    let uploaded = lenient_json::list(message, "attachment").map(attached);
    let gifs = lenient_json::list(message, "attachedGifs").filter_map(|gif| {
        Some(Attachment {
            id: None,
            url: lenient_json::some_text(gif, "uri")?,
            name: "animation.gif".to_owned(),
            mime_type: "image/gif".to_owned(),
            size: None,
        })
    });
    uploaded.chain(gifs)
}

fn attached(attachment: &Value) -> Attachment {
    let drive = lenient_json::text_at(attachment, "/driveDataRef/driveFileId");
    let drive = drive.filter(|id| {
        id.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    });
    Attachment {
        id: lenient_json::text_at(attachment, "/attachmentDataRef/resourceName")
            .map(ToOwned::to_owned),
        url: drive
            .map(|id| format!("https://drive.google.com/file/d/{id}/view"))
            .unwrap_or_default(),
        name: lenient_json::text(attachment, "contentName"),
        mime_type: lenient_json::text(attachment, "contentType"),
        size: None,
    }
}
