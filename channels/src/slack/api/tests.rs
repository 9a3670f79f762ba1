use std::time::Duration;

use serde_json::json;

use super::*;
use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::net::fake::{Answer, Fake};

fn api(fake: &Fake) -> Api {
    let tokens = Secrets::new("xoxb-new", [SecretString::from("xoxb-old")]);
    Api::new(
        haptik_bridge_shared::net::client().expect("a client"),
        fake.url("api/"),
        Workspaces::Configured(tokens),
    )
}

async fn call(
    answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> (Result<Value, SlackError>, Vec<String>) {
    let fake = Fake::start(move |request| answer(request.header("authorization"))).await;
    let called = api(&fake)
        .call(
            None,
            "chat.postMessage",
            Arguments::Json(&json!({"text": "private words"})),
        )
        .await;
    let tokens = fake
        .requests()
        .iter()
        .map(|request| request.header("authorization").to_owned())
        .collect();
    (called, tokens)
}

#[tokio::test]
async fn a_call_that_writes_is_json_and_one_that_reads_a_form() {
    let fake = Fake::start(|_| Answer::new(200, r#"{"ok":true,"ts":"1.0"}"#)).await;
    let api = api(&fake);
    let answer = api
        .call(None, "chat.postMessage", Arguments::Json(&json!({"a": 1})))
        .await
        .expect("ok");
    assert_eq!(answer["ts"], "1.0");
    api.call(None, "users.info", Arguments::Form(&[("user", "U 1")]))
        .await
        .expect("ok");
    let requests = fake.requests();
    assert_eq!(
        (requests[0].method.as_str(), requests[0].path.as_str()),
        ("POST", "/api/chat.postMessage")
    );
    assert_eq!(
        (
            requests[0].header("authorization"),
            requests[0].text().as_str()
        ),
        ("Bearer xoxb-new", r#"{"a":1}"#)
    );
    assert_eq!(
        (requests[1].path.as_str(), requests[1].text().as_str()),
        ("/api/users.info", "user=U+1")
    );
}

#[tokio::test]
async fn an_older_token_is_tried_where_the_newest_is_not_taken() {
    let (called, tokens) = call(|token| match token {
        "Bearer xoxb-old" => Answer::new(200, r#"{"ok":true}"#),
        _ => Answer::new(200, r#"{"ok":false,"error":"token_revoked"}"#),
    })
    .await;
    called.expect("the older one works");
    assert_eq!(tokens, ["Bearer xoxb-new", "Bearer xoxb-old"]);
}

#[tokio::test]
async fn every_answer_says_whether_to_repeat() {
    let later = |seconds| Retry::Later(Some(Duration::from_secs(seconds)));
    for (status, body, retry, said) in [
        (429, "", later(7), "Slack answered 429 to chat.postMessage"),
        (503, "", later(7), "Slack answered 503 to chat.postMessage"),
        (302, "", later(7), "Slack answered 302 to chat.postMessage"),
        (
            400,
            "",
            Retry::Never,
            "Slack answered 400 to chat.postMessage",
        ),
        (403, "", later(7), "Slack answered 403 to chat.postMessage"),
        (
            200,
            "<html>",
            Retry::Later(None),
            "Slack's answer to chat.postMessage could not be read",
        ),
        (
            200,
            "{}",
            Retry::Later(None),
            "Slack's answer to chat.postMessage could not be read",
        ),
        (
            200,
            r#"{"ok":false,"error":"ratelimited"}"#,
            later(7),
            "Slack answered ratelimited to chat.postMessage",
        ),
        (
            200,
            r#"{"ok":false,"error":"fatal_error"}"#,
            later(7),
            "Slack answered fatal_error to chat.postMessage",
        ),
        (
            200,
            r#"{"ok":false,"error":"invalid_auth"}"#,
            later(7),
            "Slack answered invalid_auth to chat.postMessage",
        ),
        (
            200,
            r#"{"ok":false,"error":"channel_not_found"}"#,
            Retry::Never,
            "Slack answered channel_not_found to chat.postMessage",
        ),
        (
            200,
            r#"{"ok":false,"error":"private words!"}"#,
            Retry::Never,
            "Slack answered an unknown error to chat.postMessage",
        ),
    ] {
        let (called, _) = call(move |_| Answer::new(status, body).header("retry-after", "7")).await;
        let error = called.expect_err("an error");
        assert_eq!((error.retry(), error.to_string().as_str()), (retry, said));
        assert!(!format!("{error:?}").contains("private"), "{error:?}");
    }
}

/// The errors of the methods that are called which no time and no operator mends, as published in August 2026.
#[rustfmt::skip]
const FINAL: &[&str] = &[
    "already_reacted", "app_access_restricted", "as_user_not_supported",
    "attachment_payload_limit_exceeded", "bad_timestamp", "block_mismatch", "blocked_file_type",
    "cannot_reply_to_message", "cant_broadcast_message", "cant_update_message",
    "canvas_disabled_file_team", "canvas_disabled_user_team", "canvas_globally_disabled",
    "channel_is_limited_access", "channel_not_found", "deprecated_endpoint", "draft_already_deleted",
    "draft_already_sent", "draft_has_conflict", "draft_not_found", "duplicate_channel_not_found",
    "duplicate_external_id", "duplicate_message_not_found", "edit_window_closed",
    "exchanged_trigger_id", "expired_trigger_id", "file_comment_not_found", "file_deleted",
    "file_is_deleted", "file_not_found", "file_share_limit_reached", "hash_conflict",
    "invalid_arg_name", "invalid_array_arg", "invalid_attachments", "invalid_blocks",
    "invalid_blocks_format", "invalid_charset", "invalid_cursor", "invalid_form_data",
    "invalid_metadata_filter_keys", "invalid_metadata_format", "invalid_metadata_schema",
    "invalid_name", "invalid_post_type", "invalid_thread_ts", "invalid_trigger_id", "invalid_ts_latest",
    "invalid_ts_oldest", "is_archived", "is_bot", "is_inactive", "markdown_text_conflict",
    "max_file_sharing_exceeded", "message_not_found", "metadata_must_be_sent_from_app",
    "metadata_too_large", "method_deprecated", "method_not_supported_for_channel_type",
    "missing_file_data", "missing_post_type", "missing_profile_id", "msg_blocks_too_long",
    "msg_too_long", "no_access", "no_dual_broadcast_content_update", "no_item_specified", "no_reaction",
    "no_text", "not_implemented", "not_in_channel", "not_reactable", "not_visible",
    "posting_to_channel_denied", "reserved_username", "restricted_action",
    "restricted_action_non_threadable_channel", "restricted_action_read_only_channel",
    "restricted_action_thread_locked", "restricted_action_thread_only_channel",
    "send_on_behalf_not_allowed", "slack_connect_blocked_file_type",
    "slack_connect_canvas_sharing_blocked", "slack_connect_clip_sharing_blocked",
    "slack_connect_file_link_sharing_blocked", "slack_connect_file_upload_sharing_blocked",
    "slack_connect_lists_sharing_blocked", "team_not_found", "template_not_visible", "thread_locked",
    "thread_not_found", "too_many_attachments", "too_many_contact_cards", "too_many_emoji",
    "too_many_reactions", "too_many_users", "unable_to_share_files", "user_not_found",
    "user_not_visible", "view_too_large",
];

#[test]
fn every_published_error_is_known_as_passing_final_or_a_matter_of_credentials() {
    let retry = |code: &str| CallError::new("chat.postMessage", kind_of(code)).retry();
    for code in UNAVAILABLE.iter().chain(UNAUTHORIZED) {
        assert_eq!(retry(code), Retry::Later(None), "{code}");
        assert!(!FINAL.contains(code), "{code}");
    }
    for code in ["ratelimited", "rate_limited"] {
        assert_eq!(kind_of(code), CallErrorKind::RateLimited);
    }
    for code in FINAL {
        assert_eq!(retry(code), Retry::Never, "{code}");
    }
    assert!(UNAVAILABLE.iter().all(|code| !UNAUTHORIZED.contains(code)));
}

#[tokio::test]
async fn a_lost_connection_is_tried_again() {
    let (called, _) = call(|_| Answer::none()).await;
    let error = called.expect_err("an error");
    assert_eq!(error.retry(), Retry::Later(None));
    assert!(!format!("{error} {error:?}").contains("xoxb"));
}

#[tokio::test]
async fn an_answer_without_end_is_left_at_the_limit() {
    let pause = Duration::from_millis(1);
    let (called, _) = call(move |_| {
        Answer::raw("HTTP/1.1 200 OK\r\n\r\n").then_endlessly("x".repeat(1 << 17), pause)
    })
    .await;
    let unreadable =
        matches!(&called, Err(SlackError::Call(error)) if error.kind == CallErrorKind::Unreadable);
    assert!(unreadable, "{called:?}");
}
