//! What the other tests rely upon of the fake Slack: that it signs as Slack does, and refuses what Slack's
//! documentation does not allow.

use std::collections::HashSet;

use haptik_bridge_tests::app::client;
use haptik_bridge_tests::fake_slack::block_kit::{check_blocks, check_view};
use haptik_bridge_tests::fake_slack::{Delivery, FakeSlack, fixtures};
use serde_json::{Value, json};

const DM: &str = "D0ASHA";

/// Calls a method of the Web API as the application.
async fn call(slack: &FakeSlack, method: &str, arguments: Value) -> anyhow::Result<Value> {
    let url = format!("{}/{method}", slack.api_base_url());
    let request = client()?.post(url).json(&arguments);
    let token = &slack.workspace().bot_token;
    Ok(request.bearer_auth(token).send().await?.json().await?)
}

fn button(label: &str, action_id: &str) -> Value {
    json!({"type": "button", "text": {"type": "plain_text", "text": label}, "action_id": action_id, "value": "v"})
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text}})
}

fn actions(elements: &[Value]) -> Value {
    json!({"type": "actions", "elements": elements})
}

fn select(options: &[Value]) -> Value {
    json!({"type": "static_select", "action_id": "s", "options": options})
}

fn option(text: &str, value: &str) -> Value {
    json!({"text": {"type": "plain_text", "text": text}, "value": value})
}

#[track_caller]
fn refused(blocks: &Value, words: &str) {
    let rejection = check_blocks(blocks).expect_err("Slack refuses these blocks");
    let problems: Vec<String> = rejection.problems.iter().map(ToString::to_string).collect();
    assert!(
        problems.iter().any(|problem| problem.contains(words)),
        "no {words:?} in {problems:?}"
    );
}

#[track_caller]
fn accepted(blocks: &Value) {
    assert_eq!(check_blocks(blocks), Ok(()));
}

#[tokio::test]
async fn requests_are_signed_as_slack_documents() {
    // The example of https://docs.slack.dev/authentication/verifying-requests-from-slack
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let slack = FakeSlack::start().await;
    let delivery = Delivery::raw(body, "application/x-www-form-urlencoded")
        .signed_with("8f742231b10e8888abcd99yyyzzz85a5")
        .with_timestamp_header("1531420618");
    let (headers, _) = slack.client().signed_parts(&delivery);
    assert_eq!(
        headers["x-slack-signature"],
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    );
}

#[tokio::test]
async fn unacceptable_messages_are_refused_recorded_and_not_kept() -> anyhow::Result<()> {
    let slack = FakeSlack::start().await;
    let said = |arguments: Value| {
        let mut message = json!({"channel": DM, "text": "x"});
        let fields = message.as_object_mut().expect("an object");
        fields.extend(arguments.as_object().cloned().unwrap_or_default());
        message
    };
    let metadata = |value: Value| said(json!({ "metadata": value }));
    let cases = [
        (json!({"channel": DM}), "no_text"),
        (json!({"text": "x"}), "invalid_arguments"),
        (said(json!({"channel": "nowhere"})), "channel_not_found"),
        (said(json!({"text": "x".repeat(40_001)})), "msg_too_long"),
        (
            said(json!({"blocks": vec![section("x"); 51]})),
            "invalid_blocks",
        ),
        (said(json!({"blocks": "[]"})), "invalid_blocks_format"),
        (said(json!({"thread_ts": "yesterday"})), "invalid_thread_ts"),
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
        let answer = call(&slack, "chat.postMessage", arguments.clone()).await?;
        assert_eq!(
            (&answer["ok"], &answer["error"]),
            (&json!(false), &json!(error))
        );
    }
    assert!(slack.messages(DM).is_empty());
    assert_eq!(slack.take_refusals().len(), cases.len());
    slack.assert_nothing_refused();
    Ok(())
}

#[tokio::test]
#[should_panic(expected = "Slack refused")]
async fn a_refusal_fails_the_test_that_asserts_there_was_none() {
    let slack = FakeSlack::start().await;
    let answer = call(&slack, "chat.postMessage", json!({"channel": DM})).await;
    assert!(answer.is_ok_and(|answer| answer["ok"] == false));
    slack.assert_nothing_refused();
}

#[tokio::test]
async fn only_an_own_message_can_be_edited_and_a_trigger_opens_one_view() -> anyhow::Result<()> {
    let slack = FakeSlack::start().await;
    let theirs = slack.dm("U0ASHA", "mine");
    let text = "x".repeat(4001);
    for (ts, text, error) in [
        (theirs.ts(), "b", "cant_update_message"),
        ("1700000000.000001", "b", "message_not_found"),
        (theirs.ts(), text.as_str(), "msg_too_long"),
    ] {
        let edit = json!({"channel": DM, "ts": ts, "text": text});
        assert_eq!(call(&slack, "chat.update", edit).await?["error"], error);
    }
    let message = json!({"channel": DM, "text": "x", "blocks": [actions(&[button("Go", "go")])]});
    assert_eq!(call(&slack, "chat.postMessage", message).await?["ok"], true);
    let tap = slack.tap(&slack.messages(DM)[0], "U0ASHA", "Go");
    let view = json!({"type": "modal", "title": {"type": "plain_text", "text": "Form"}, "blocks": [section("x")]});
    let open = json!({"trigger_id": tap.json()["trigger_id"], "view": view});
    assert_eq!(call(&slack, "views.open", open.clone()).await?["ok"], true);
    let again = call(&slack, "views.open", open).await?;
    assert_eq!(again["error"], "exchanged_trigger_id");
    Ok(())
}

#[test]
fn texts_at_their_limit_pass_and_one_character_more_is_refused() {
    let header = |length: usize| json!([{"type": "header", "text": {"type": "plain_text", "text": "x".repeat(length)}}]);
    let label = |length: usize| json!([actions(&[button(&"é".repeat(length), "a")])]);
    let text = |length: usize| json!([section(&"x".repeat(length))]);
    let alt = |length: usize| json!([{"type": "image", "image_url": "https://e.example/i.png", "alt_text": "x".repeat(length)}]);
    let block_id = |length: usize| json!([{"type": "divider", "block_id": "x".repeat(length)}]);
    let action_id = |length: usize| json!([actions(&[button("a", &"x".repeat(length))])]);
    let value = |length: usize| {
        let mut element = button("a", "a");
        element["value"] = json!("x".repeat(length));
        json!([actions(&[element])])
    };
    let option_text =
        |length: usize| json!([actions(&[select(&[option(&"x".repeat(length), "v")])])]);
    let option_value =
        |length: usize| json!([actions(&[select(&[option("t", &"x".repeat(length))])])]);
    let cases: [(&dyn Fn(usize) -> Value, usize); 9] = [
        (&header, 150),
        (&label, 75),
        (&text, 3000),
        (&alt, 2000),
        (&block_id, 255),
        (&action_id, 255),
        (&value, 2000),
        (&option_text, 75),
        (&option_value, 150),
    ];
    for (blocks, limit) in cases {
        accepted(&blocks(limit));
        refused(&blocks(limit + 1), &format!("less than {}", limit + 1));
        refused(&blocks(0), "must be more than 0 characters");
    }
    // Those of all blocks together.
    accepted(&Value::Array(vec![section(&"x".repeat(2640)); 5]));
    let rejection = check_blocks(&Value::Array(vec![section(&"x".repeat(2641)); 5]));
    let error = rejection.expect_err("13,205 characters").error;
    assert_eq!(error, "msg_blocks_too_long");
}

#[test]
fn numbers_of_things_have_limits() {
    let blocks = |count: usize| Value::Array(vec![section("x"); count]);
    accepted(&blocks(50));
    let buttons = |count: usize| {
        let elements: Vec<Value> = (0..count).map(|n| button("a", &format!("a{n}"))).collect();
        json!([actions(&elements)])
    };
    let context = |count: usize| json!([{"type": "context", "elements": vec![json!({"type": "mrkdwn", "text": "x"}); count]}]);
    let options = |count: usize| json!([actions(&[select(&vec![option("t", "v"); count])])]);
    let cases: [(&dyn Fn(usize) -> Value, usize); 3] =
        [(&buttons, 25), (&context, 10), (&options, 100)];
    refused(&blocks(51), "no more than 50 items");
    for (blocks, limit) in cases {
        accepted(&blocks(limit));
        refused(&blocks(limit + 1), &format!("no more than {limit} items"));
        refused(&blocks(0), "no fewer than 1 items");
    }
}

#[test]
fn what_the_reference_does_not_list_is_refused_with_its_place() {
    let image = |url: &str| json!([{"type": "image", "image_url": url, "alt_text": "a"}]);
    let with = |name: &str, value: &str| {
        let mut element = button("a", "a");
        element[name] = json!(value);
        json!([actions(&[element])])
    };
    for (blocks, words) in [
        (json!([{"type": "hologram"}]), "unsupported type: hologram"),
        (json!([{"type": "input"}]), "missing required field: label"),
        (json!([{"no": "type"}]), "missing required field: type"),
        (
            json!([{"type": "divider", "color": "red"}]),
            "no additional properties allowed: color",
        ),
        (
            json!([{"type": "section"}]),
            "missing required field: text [json-pointer:/blocks/0]",
        ),
        (
            json!([{"type": "section", "text": null}]),
            "missing required field: type [json-pointer:/blocks/0/text]",
        ),
        (
            json!([{"type": "image", "alt_text": "a"}]),
            "must define either `image_url`",
        ),
        (image("ftp://e.example/i.png"), "valid URL"),
        (image("data:image/png;base64,AA"), "valid URL"),
        (with("url", "javascript:alert(1)"), "valid URL"),
        (with("style", "default"), "must be one of"),
        (
            json!([actions(&[button("a", "same"), button("b", "same")])]),
            "`action_id` is not unique",
        ),
    ] {
        refused(&blocks, words);
    }
    let format = check_blocks(&json!({"blocks": []})).expect_err("no array");
    assert_eq!(format.error, "invalid_blocks_format");
}

#[test]
fn views_are_checked_as_views() {
    let text = |text: &str| json!({"type": "plain_text", "text": text});
    let view = |title: &str, blocks: Value| json!({"type": "modal", "title": text(title), "submit": text("Send"), "blocks": blocks});
    let input = json!({"type": "input", "block_id": "b", "label": text("Name"), "element": {"type": "plain_text_input", "action_id": "a"}});
    let good = view("Form", json!([input]));
    assert_eq!(check_view(&good), Ok(()));
    let mut without_submit = good.clone();
    drop(
        without_submit
            .as_object_mut()
            .expect("an object")
            .remove("submit"),
    );
    for bad in [
        without_submit,
        view("Form", json!([])),
        view(&"x".repeat(25), json!([input])),
    ] {
        assert!(check_view(&bad).is_err(), "{bad}");
    }
    let large = view("Form", json!(vec![section(&"x".repeat(2_900)); 90]));
    assert_eq!(
        check_view(&large).expect_err("large").error,
        "view_too_large"
    );
}

#[test]
fn the_samples_are_complete_and_distinct_and_carry_no_tokens() {
    let samples = fixtures();
    let count = |prefix: &str| {
        let named = samples
            .iter()
            .filter(|sample| sample.name.starts_with(prefix));
        named.count()
    };
    assert!(count("event_") >= 25, "{} events", count("event_"));
    for kind in [
        "block_actions_button",
        "view_submission",
        "shortcut",
        "message_action",
    ] {
        assert_eq!(count(&format!("interaction_{kind}")), 1, "{kind}");
    }
    assert!(count("command_") >= 1);
    let mut seen = HashSet::new();
    for sample in &samples {
        let text = sample.content.to_string();
        assert!(!text.contains("xox"), "{} has a token", sample.name);
        if let Some(id) = sample.content["event_id"].as_str() {
            assert!(seen.insert(id.to_owned()), "{} repeats {id}", sample.name);
        }
    }
}
