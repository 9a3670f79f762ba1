//! Files that users send (<https://developer.webex.com/docs/basics#message-attachments>): a message has their
//! addresses, which only the bot can fetch.

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{Attachment, file_name};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::Url;

use super::receive::is_id;

/// What a file is called until its name is asked for.
const UNNAMED: &str = "file";

/// The files of a message that was fetched. Of an address that is Webex's the id is kept alone: it is fetched
/// where the API is.
pub(super) fn of(message: &Value) -> impl Iterator<Item = Attachment> {
    let addresses = lenient_json::list(message, "files").filter_map(Value::as_str);
    addresses.map(|address| Attachment {
        id: id(address),
        url: address.to_owned(),
        name: UNNAMED.to_owned(),
        mime_type: String::new(),
        size: None,
    })
}

/// The id of what is at `…/contents/{id}`.
fn id(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let mut parts = url.path_segments()?.rev();
    let id = parts.next().filter(|id| is_id(id))?;
    (parts.next() == Some("contents")).then(|| id.to_owned())
}

/// The name of a file in the header `Content-Disposition`
/// (<https://www.rfc-editor.org/rfc/rfc6266>); never a path.
pub(super) fn name(disposition: &str) -> Option<String> {
    let parameter = |wanted: &str| {
        let lower = disposition.to_ascii_lowercase();
        let at = lower.find(&format!("{wanted}="))? + wanted.len() + 1;
        let value = disposition.get(at..)?;
        match value.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => value.split(';').next().map(str::trim),
        }
    };
    let encoded = parameter("filename*").and_then(|value| {
        let (_, text) = value.rsplit_once('\'')?;
        Some(percent_decode_str(text).decode_utf8_lossy().into_owned())
    });
    let found = encoded.or_else(|| parameter("filename").map(str::to_owned))?;
    // Names are cleaned where they stand in addresses.
    let mut url = Url::parse("https://webexapis.com/").ok()?;
    url.path_segments_mut().ok()?.push(&found);
    file_name(&url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_that_of_contents() {
        let of = |path: &str| id(&format!("https://webexapis.com/{path}"));
        assert_eq!(of("v1/contents/Y2lzFILE").as_deref(), Some("Y2lzFILE"));
        for odd in ["v1/contents/", "v1/people/Y2lz", "v1/contents/a%2Fb", ""] {
            assert_eq!(of(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_name_is_never_a_path() {
        for (header, expected) in [
            ("attachment; filename=\"bill.pdf\"", Some("bill.pdf")),
            ("attachment; filename=bill.pdf; size=3", Some("bill.pdf")),
            (
                "attachment; filename=\"x\"; filename*=UTF-8''b%C3%A4r.png",
                Some("bär.png"),
            ),
            ("attachment; filename=\"../../etc/passwd\"", Some("passwd")),
            ("attachment; filename=\"..\"", None),
            ("attachment", None),
        ] {
            assert_eq!(name(header).as_deref(), expected, "{header}");
        }
    }
}
