//! The fake Slack is as strict as Slack: what it is to refuse, it refuses.

#[path = "fake_slack/block_kit.rs"]
mod block_kit;
#[path = "fake_slack/faults_and_files.rs"]
mod faults_and_files;
#[path = "fake_slack/requests.rs"]
mod requests;

use std::time::Duration;

use haptik_bridge_tests::fake_slack::{FakeSlack, User};
use serde_json::{Value, json};

const DM: &str = "D0ASHA";

struct Bridge {
    slack: FakeSlack,
    http: reqwest::Client,
}

/// What the fake answered: the status and the body.
type Answer = (u16, Value);

impl Bridge {
    #[expect(
        clippy::disallowed_methods,
        reason = "the bridge's own client follows no redirects"
    )]
    async fn start() -> Self {
        let slack = FakeSlack::start().await;
        let http = reqwest::Client::new();
        Self { slack, http }
    }

    fn url(&self, method: &str) -> String {
        format!("{}/{method}", self.slack.api_base_url())
    }

    async fn json(&self, method: &str, arguments: Value) -> anyhow::Result<Answer> {
        let token = &self.slack.workspace().bot_token;
        let request = self.http.post(self.url(method)).bearer_auth(token);
        let response = request.json(&arguments).send().await?;
        Ok((response.status().as_u16(), response.json().await?))
    }

    async fn form(&self, method: &str, arguments: &[(&str, &str)]) -> anyhow::Result<Value> {
        let token = &self.slack.workspace().bot_token;
        let request = self.http.post(self.url(method)).bearer_auth(token);
        Ok(request.form(arguments).send().await?.json().await?)
    }

    async fn post(&self, arguments: Value) -> Value {
        let (status, body) = self
            .json("chat.postMessage", arguments)
            .await
            .expect("an answer");
        assert_eq!(status, 200);
        body
    }
}

/// A button with a text and an `action_id`.
fn button(label: &str, action_id: &str) -> Value {
    json!({"type": "button", "text": {"type": "plain_text", "text": label}, "action_id": action_id, "value": "v"})
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text}})
}

fn actions(elements: &[Value]) -> Value {
    json!({"type": "actions", "elements": elements})
}

#[tokio::test]
async fn a_wrong_token_is_refused_with_status_200() -> anyhow::Result<()> {
    let bridge = Bridge::start().await;
    let wrong = bridge
        .http
        .post(bridge.url("auth.test"))
        .bearer_auth("xoxb-other")
        .send()
        .await?;
    assert_eq!(wrong.status(), 200);
    assert_eq!(
        wrong.json::<Value>().await?,
        json!({"ok": false, "error": "invalid_auth"})
    );
    let none: Value = bridge
        .http
        .post(bridge.url("auth.test"))
        .send()
        .await?
        .json()
        .await?;
    assert_eq!(none["error"], "not_authed");
    let right = bridge.form("auth.test", &[]).await?;
    assert_eq!(right["bot_id"], bridge.slack.workspace().bot_id);
    Ok(())
}

#[tokio::test]
async fn a_posted_message_is_kept_with_all_it_carries() {
    let bridge = Bridge::start().await;
    let answer = bridge.post(json!({
        "channel": DM, "text": "fallback", "blocks": [section("Hello"), actions(&[button("Yes", "yes")])],
        "username": "Prateek", "icon_url": "https://e.example/p.png",
        "metadata": {"event_type": "haptik_message", "event_payload": {"entry": "e-1"}},
    })).await;
    assert_eq!(answer["ok"], true);
    let messages = bridge.slack.wait_for_messages(DM, 1).await;
    let message = messages.first().expect("one message");
    assert_eq!(answer["ts"], message.ts);
    assert_eq!(message.visible_text(), "Hello\nYes");
    assert_eq!(message.username.as_deref(), Some("Prateek"));
    assert_eq!(
        message
            .buttons()
            .first()
            .map(|button| button.label.as_str()),
        Some("Yes")
    );
    bridge.slack.assert_nothing_refused();
}

#[tokio::test]
async fn message_ids_have_slacks_shape_and_grow() {
    let bridge = Bridge::start().await;
    let mut last = String::new();
    for _ in 0..20 {
        let answer = bridge.post(json!({"channel": DM, "text": "x"})).await;
        let ts = answer["ts"].as_str().expect("a ts").to_owned();
        assert_eq!(ts.len(), 17, "{ts}");
        assert!(ts > last, "{ts} after {last}");
        last = ts;
    }
}

#[tokio::test]
async fn unacceptable_messages_are_refused_recorded_and_not_kept() {
    let bridge = Bridge::start().await;
    let metadata = |value: Value| json!({"channel": DM, "text": "x", "metadata": value});
    let cases = [
        (json!({"channel": DM}), "no_text"),
        (json!({"text": "x"}), "invalid_arguments"),
        (
            json!({"channel": "nowhere", "text": "x"}),
            "channel_not_found",
        ),
        (
            json!({"channel": DM, "text": "x".repeat(40_001)}),
            "msg_too_long",
        ),
        (
            json!({"channel": DM, "text": "x", "blocks": vec![section("x"); 51]}),
            "invalid_blocks",
        ),
        (
            json!({"channel": DM, "text": "x", "blocks": "[]"}),
            "invalid_blocks_format",
        ),
        (
            json!({"channel": DM, "text": "x", "thread_ts": "yesterday"}),
            "invalid_thread_ts",
        ),
        (
            metadata(json!({"event_type": "a b", "event_payload": {}})),
            "invalid_metadata_format",
        ),
        (
            metadata(json!({"event_payload": {}})),
            "invalid_metadata_format",
        ),
        (
            metadata(json!({"event_type": "a", "event_payload": {"x": null}})),
            "invalid_metadata_schema",
        ),
        (
            metadata(json!({"event_type": "a", "event_payload": {"x": "x".repeat(9000)}})),
            "metadata_too_large",
        ),
    ];
    for (arguments, error) in &cases {
        let answer = bridge.post(arguments.clone()).await;
        assert_eq!(
            (&answer["ok"], &answer["error"]),
            (&json!(false), &json!(error))
        );
    }
    assert!(bridge.slack.messages(DM).is_empty());
    assert_eq!(bridge.slack.take_refusals().len(), cases.len());
    bridge.slack.assert_nothing_refused();
    bridge
        .post(json!({"channel": DM, "text": "x".repeat(4001)}))
        .await;
    assert_eq!(
        bridge.slack.warnings().len(),
        1,
        "long texts are advised against"
    );
}

#[tokio::test]
#[should_panic(expected = "Slack refused")]
async fn a_refusal_fails_the_test_that_asserts_there_was_none() {
    let bridge = Bridge::start().await;
    bridge.post(json!({"channel": DM})).await;
    bridge.slack.assert_nothing_refused();
}

#[tokio::test]
async fn an_edit_replaces_what_it_names_and_only_own_messages() -> anyhow::Result<()> {
    let bridge = Bridge::start().await;
    let posted = bridge
        .post(json!({"channel": DM, "text": "a", "blocks": [section("old")]}))
        .await;
    let (_, answer) = bridge
        .json(
            "chat.update",
            json!({"channel": DM, "ts": posted["ts"], "text": "b", "blocks": [section("new")]}),
        )
        .await?;
    assert_eq!(answer["ok"], true);
    let message = bridge.slack.wait_for_text(DM, "new").await;
    assert_eq!((message.text.as_str(), message.edits), ("b", 1));
    let (_, answer) = bridge
        .json(
            "chat.update",
            json!({"channel": DM, "ts": posted["ts"], "text": "plain"}),
        )
        .await?;
    assert_eq!(answer["ok"], true);
    assert_eq!(
        bridge.slack.wait_for_text(DM, "plain").await.blocks.len(),
        0
    );
    let theirs = bridge.slack.dm("U0ASHA", "mine");
    let (_, answer) = bridge
        .json(
            "chat.update",
            json!({"channel": DM, "ts": theirs.ts(), "text": "b"}),
        )
        .await?;
    assert_eq!(answer["error"], "cant_update_message");
    let (_, answer) = bridge
        .json(
            "chat.update",
            json!({"channel": DM, "ts": "1700000000.000001", "text": "b"}),
        )
        .await?;
    assert_eq!(answer["error"], "message_not_found");
    let (_, answer) = bridge
        .json(
            "chat.update",
            json!({"channel": DM, "ts": posted["ts"], "text": "x".repeat(4001)}),
        )
        .await?;
    assert_eq!(answer["error"], "msg_too_long");
    Ok(())
}

#[tokio::test]
async fn history_shows_metadata_to_those_who_ask_and_no_replies() -> anyhow::Result<()> {
    let bridge = Bridge::start().await;
    let metadata = json!({"event_type": "e", "event_payload": {"id": "7"}});
    let first = bridge
        .post(json!({"channel": DM, "text": "one", "metadata": metadata}))
        .await;
    let root = first["ts"].as_str().expect("a ts");
    bridge
        .post(json!({"channel": DM, "text": "reply", "thread_ts": root, "metadata": metadata}))
        .await;
    let second = bridge.post(json!({"channel": DM, "text": "two"})).await;
    let plain = bridge
        .form("conversations.history", &[("channel", DM)])
        .await?;
    assert_eq!(plain["messages"][0]["text"], "two", "newest first");
    assert_eq!(plain["messages"][1]["reply_count"], 1);
    assert_eq!(plain["messages"][1].get("metadata"), None);
    assert_eq!(plain["messages"].as_array().map(Vec::len), Some(2));
    let oldest = [
        ("channel", DM),
        ("include_all_metadata", "true"),
        ("oldest", root),
    ];
    let exclusive = bridge.form("conversations.history", &oldest).await?;
    assert_eq!(exclusive["messages"].as_array().map(Vec::len), Some(1));
    let inclusive = [oldest.as_slice(), &[("inclusive", "1")]].concat();
    let inclusive = bridge.form("conversations.history", &inclusive).await?;
    assert_eq!(inclusive["messages"][1]["metadata"], metadata);
    let latest = second["ts"].as_str().expect("a ts");
    let before = bridge
        .form(
            "conversations.history",
            &[("channel", DM), ("latest", latest)],
        )
        .await?;
    assert_eq!(before["messages"][0]["text"], "one");
    let page = bridge
        .form("conversations.history", &[("channel", DM), ("limit", "1")])
        .await?;
    assert_eq!(
        (&page["has_more"], &page["messages"][0]["text"]),
        (&json!(true), &json!("two"))
    );
    let cursor = page["response_metadata"]["next_cursor"]
        .as_str()
        .expect("a cursor");
    let rest = bridge
        .form(
            "conversations.history",
            &[("channel", DM), ("limit", "1"), ("cursor", cursor)],
        )
        .await?;
    assert_eq!(
        (&rest["has_more"], &rest["messages"][0]["text"]),
        (&json!(false), &json!("one"))
    );
    let thread = [("channel", DM), ("ts", root), ("include_all_metadata", "1")];
    let thread = bridge.form("conversations.replies", &thread).await?;
    assert_eq!(
        (
            &thread["messages"][0]["text"],
            &thread["messages"][1]["metadata"]
        ),
        (&json!("one"), &metadata)
    );
    let missing = bridge
        .form(
            "conversations.replies",
            &[("channel", DM), ("ts", "1700000000.000001")],
        )
        .await?;
    assert_eq!(missing["error"], "thread_not_found");
    Ok(())
}

#[tokio::test]
async fn methods_that_read_forms_miss_the_arguments_in_json() -> anyhow::Result<()> {
    let bridge = Bridge::start().await;
    let (_, answer) = bridge.json("users.info", json!({"user": "U0ASHA"})).await?;
    assert_eq!(answer["error"], "user_not_found");
    let form = bridge
        .form(
            "users.info",
            &[("user", "U0ASHA"), ("include_locale", "true")],
        )
        .await?;
    assert_eq!(
        (&form["user"]["id"], &form["user"]["locale"]),
        (&json!("U0ASHA"), &json!("en-US"))
    );
    bridge.slack.set_user(User {
        email: None,
        ..User::named_after("U0ASHA")
    });
    let form = bridge.form("users.info", &[("user", "U0ASHA")]).await?;
    assert_eq!(form["user"]["profile"].get("email"), None);
    bridge.slack.remove_user("U0ASHA");
    assert_eq!(
        bridge.form("users.info", &[("user", "U0ASHA")]).await?["error"],
        "user_not_found"
    );
    let blocks = json!([section("from a form")]).to_string();
    let posted = bridge
        .form(
            "chat.postMessage",
            &[("channel", DM), ("text", "x"), ("blocks", &blocks)],
        )
        .await?;
    assert_eq!(posted["ok"], true);
    Ok(())
}

#[tokio::test]
#[should_panic(expected = "what did arrive")]
async fn a_wait_in_vain_says_what_did_arrive() {
    let bridge = Bridge::start().await;
    bridge
        .post(json!({"channel": DM, "text": "what did arrive"}))
        .await;
    let patience = Duration::from_millis(20);
    bridge
        .slack
        .wait_until("nothing", patience, || None::<()>)
        .await;
}

#[tokio::test]
async fn what_would_notify_somebody_is_found() {
    let bridge = Bridge::start().await;
    bridge.post(json!({"channel": DM, "text": "hey <!channel> &lt;!here&gt;", "blocks": [section("<@U0ASHA|asha> and <https://e.example|a link>")]})).await;
    let messages = bridge.slack.messages(DM);
    let found = messages.first().expect("one message").notifies();
    assert_eq!(found, ["<!channel>", "<@U0ASHA|asha>"]);
}
