//! Files that users send (<https://developer.webex.com/docs/basics#message-attachments>): a message has their
//! addresses, which only the bot can fetch.

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::Attachment;
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
}
