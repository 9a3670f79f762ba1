//! Whether a message is there already.

use haptik_bridge_shared::net::fake::{Answer, Fake};
use haptik_bridge_shared::retry::{Retry, Retryable as _};
use serde_json::{Value, json};

use super::{address, answering, at, outgoing, outlet};
use crate::channel::History as _;

/// A message in a conversation, by the metadata that it was sent with.
fn message(key: &str, auth_id: &str, part: u64) -> Value {
    let payload = json!({"key": key, "auth_id": auth_id, "part": part});
    json!({"text": "x", "metadata": {"event_type": "haptik_bridge", "event_payload": payload}})
}

#[tokio::test]
async fn what_was_sent_is_recognised_by_its_metadata_page_by_page() {
    let fake = answering(&[
        json!({"ok": true, "messages": [message("0001#message", "a1", 1), message("0002#message", "a1", 5), {"text": "y"}],
            "response_metadata": {"next_cursor": "c2"}}),
        json!({"ok": true, "messages": [message("0001#message", "a1", 0), message("0001#message", "a2", 3)]}),
    ])
    .await;
    let sent = outlet(&fake)
        .already_sent(&address(), &outgoing())
        .await
        .expect("an answer");
    assert_eq!(sent, Some(vec![0, 1]));
    let requests = fake.requests();
    assert_eq!(requests[0].path, "/api/conversations.replies");
    assert!(
        requests[0]
            .text()
            .contains("include_all_metadata=true&limit=100&oldest=1795341300.000000&ts=1.000001"),
        "{}",
        requests[0].text()
    );
    assert!(requests[1].text().contains("cursor=c2"));
    let direct = at("D1", None);
    outlet(&fake)
        .already_sent(&direct, &outgoing())
        .await
        .expect("an answer");
    assert_eq!(fake.requests()[2].path, "/api/conversations.history");
}

#[tokio::test]
async fn where_the_history_may_not_be_read_nothing_is_known() {
    for (code, expected) in [
        ("missing_scope", Ok(None)),
        ("channel_not_found", Ok(None)),
        ("fatal_error", Err(Retry::Later(None))),
    ] {
        let fake = answering(&[json!({"ok": false, "error": code})]).await;
        let sent = outlet(&fake).already_sent(&address(), &outgoing()).await;
        assert_eq!(sent.map_err(|failure| failure.retry()), expected, "{code}");
    }
}

/// An app outside of the Marketplace may ask once a minute: a try that wants the second page would begin with the
/// first one again, for ever.
#[tokio::test]
async fn where_only_one_page_may_be_read_what_is_on_it_is_known() {
    let first = json!({"ok": true, "messages": [message("0001#message", "a1", 1)],
        "response_metadata": {"next_cursor": "c2"}});
    let fake = Fake::start(move |request| {
        if request.text().contains("cursor=") {
            return Answer::new(429, r#"{"ok":false,"error":"ratelimited"}"#)
                .header("retry-after", "60");
        }
        Answer::new(200, first.to_string())
    })
    .await;
    let sent = outlet(&fake).already_sent(&address(), &outgoing()).await;
    assert_eq!(sent.expect("an answer"), Some(vec![1]));
    let none = Fake::start(|_| Answer::new(429, "").header("retry-after", "60")).await;
    let sent = outlet(&none).already_sent(&address(), &outgoing()).await;
    let retry = sent.expect_err("nothing is known").retry();
    let minute = std::time::Duration::from_mins(1);
    assert_eq!(retry, Retry::Later(Some(minute)));
}
