use serde_json::{Value, json};

use super::{direct, kept, one, read_as, said};
use crate::slack::config::Conversation;
use crate::slack::parse::{Reading, nothing};
use haptik_bridge_shared::message::{Addressed, KeyRef, MessageRef, UserAction};

/// A tap as Slack sends it
/// (<https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>).
fn tap(action: &Value, extra: &Value) -> Value {
    let mut payload = json!({
        "type": "block_actions", "user": {"id": "U1", "username": "asha", "team_id": "T1"}, "api_app_id": "A1", "token": "t",
        "container": {"type": "message", "message_ts": "1700000001.000100", "channel_id": "D1", "is_ephemeral": false},
        "trigger_id": "12.34.abc", "team": {"id": "T1", "domain": "acme"}, "channel": {"id": "D1", "name": "directmessage"},
        "response_url": "https://hooks.slack.com/actions/x",
        "message": {
            "bot_id": "B1", "type": "message", "text": "Choose", "user": "UBOT", "ts": "1700000001.000100", "team": "T1",
            "blocks": [
                {"type": "image", "block_id": "xyz", "image_url": "https://a.example/a.png", "alt_text": "A", "image_width": 1, "image_height": 1, "image_bytes": 9, "is_animated": false, "fallback": "A"},
                {"type": "section", "block_id": "abc", "text": {"type": "mrkdwn", "text": "Choose", "verbatim": true}, "expand": false},
                {"type": "actions", "block_id": "replies-0", "elements": [button("say-0", "A")]},
                {"type": "actions", "block_id": "buttons-1", "elements": [button("say-1", "B")]},
            ],
        },
        "actions": [{"type": "button", "block_id": "replies-0", "action_ts": "1700000002.000300", "text": {"type": "plain_text", "text": "A &amp; B", "emoji": true}}],
    });
    for (key, value) in action.as_object().expect("an object") {
        payload["actions"][0][key] = value.clone();
    }
    for (key, value) in extra.as_object().expect("an object") {
        payload[key] = value.clone();
    }
    payload
}

fn button(action_id: &str, label: &str) -> Value {
    json!({"type": "button", "action_id": action_id, "text": {"type": "plain_text", "text": label, "emoji": true}, "value": "{\"m\":\"x\"}"})
}

pub(super) fn tapped(action: &Value, extra: &Value) -> Reading {
    let payload = tap(action, extra).to_string();
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &payload)
        .finish();
    read_as(Conversation::User, body.as_bytes())
}

#[test]
fn a_tap_says_the_gogo_message_and_shows_the_choice_in_place_of_the_replies() {
    let action =
        json!({"action_id": "say-0", "value": r#"{"m":"Show another{task}","g":"another{go}"}"#});
    let received = tapped(&action, &json!({}));
    let inbound = &received.inbound[0];
    assert_eq!(said(inbound), "another{go}");
    assert_eq!(
        inbound.key.as_str(),
        "00001700000002000300#D1#1700000001.000100#say-0"
    );
    assert_eq!(kept(&inbound.address), json!({"channel": "D1"}));
    assert_eq!(inbound.auth_id, one(&direct(&json!({}))).auth_id);
    let task = &received.tasks[0];
    assert_eq!(task.key, inbound.key);
    assert_eq!(
        kept(&task.command),
        json!({"method": "chat.update", "body": {
            "channel": "D1", "ts": "1700000001.000100", "text": "Image: A\nChoose\nChoose: B\n✓ Show another", "parse": "none",
            "blocks": [
                {"type": "image", "image_url": "https://a.example/a.png", "alt_text": "A"},
                {"type": "section", "text": {"type": "mrkdwn", "text": "Choose", "verbatim": true}},
                {"type": "actions", "elements": [button("say-1", "B")], "block_id": "buttons-1"},
                {"type": "context", "elements": [{"type": "mrkdwn", "text": "✓ Show another", "verbatim": true}], "block_id": "choice"},
            ],
        }})
    );
    assert_eq!(tapped(&action, &json!({})), received);
}

#[test]
fn an_agents_message_goes_on_saying_whose_it_is() {
    let mut payload = tap(&json!({}), &json!({}));
    payload["message"]["username"] = "Priya &amp; Co".into();
    let action = json!({"action_id": "say-0", "value": r#"{"m":"More"}"#});
    let received = tapped(&action, &json!({"message": payload["message"]}));
    let body = &received.tasks[0].command.body;
    let name = json!({"type": "mrkdwn", "text": "*Priya &amp; Co*", "verbatim": true});
    assert_eq!(
        body["blocks"][0],
        json!({"type": "context", "elements": [name]})
    );
    assert_eq!(body["blocks"][1]["type"], "image");
    assert!(
        body["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("*Priya &amp; Co*\n"))
    );
}

/// Slack gives plain texts back escaped (<https://github.com/slackapi/bolt-python/issues/513>), and takes them as they
/// are.
#[test]
fn a_label_is_escaped_once_however_often_it_came_back() {
    let mut payload = tap(&json!({}), &json!({}));
    payload["message"]["blocks"][2]["elements"] = json!([button("say-0", "More")]);
    payload["message"]["blocks"][3]["elements"][0]["text"]["text"] = json!("Terms &amp; &lt;b&gt;");
    let action = json!({"action_id": "say-0", "value": r#"{"m":"More"}"#});
    let received = tapped(&action, &json!({"message": payload["message"]}));
    let body = &received.tasks[0].command.body;
    assert_eq!(
        body["text"],
        "Image: A\nChoose\nChoose: Terms &amp; &lt;b&gt;\n✓ More"
    );
    assert_eq!(
        body["blocks"][2]["elements"][0]["text"]["text"],
        "Terms & <b>"
    );
}

#[test]
fn buttons_stay_and_a_second_choice_stands_beside_the_first() {
    let mut payload = tap(&json!({}), &json!({}));
    let blocks = payload["message"]["blocks"].as_array_mut().expect("blocks");
    let elements = vec![json!({"type": "mrkdwn", "text": "✓ One", "verbatim": true}); 10];
    blocks.push(json!({"type": "context", "block_id": "choice", "elements": elements}));
    let action =
        json!({"action_id": "say-1", "block_id": "buttons-1", "value": r#"{"m":"Two <!here>"}"#});
    let received = tapped(&action, &json!({"message": payload["message"]}));
    let blocks = received.tasks[0].command.body["blocks"]
        .as_array()
        .expect("blocks");
    let kinds: Vec<_> = blocks
        .iter()
        .map(|block| block["type"].as_str().expect("a type"))
        .collect();
    assert_eq!(kinds, ["image", "section", "actions", "actions", "context"]);
    let choices = blocks[4]["elements"].as_array().expect("elements");
    assert_eq!(choices.len(), 10);
    assert_eq!(choices[9]["text"], "✓ Two &lt;!here&gt;");
}

#[test]
fn a_tap_whose_message_is_not_known_is_answered_by_another_message() {
    let action = json!({"action_id": "say-0", "value": r#"{"m":"Yes"}"#});
    let thread = json!({"ts": "1700000001.000100", "thread_ts": "1600000000.000001"});
    let odd = json!({"ts": "1700000001.000100", "blocks": [{"type": "video"}]});
    let container = json!({"message_ts": "1700000001.000100", "channel_id": "C1"});
    let channel = json!({"id": "C1", "name": "general"});
    let posted = |message: &Value| {
        let extra = json!({"message": message, "container": container, "channel": channel});
        kept(&tapped(&action, &extra).tasks[0].command)
    };
    assert_eq!(
        posted(&thread),
        json!({"method": "chat.postMessage", "body": {"channel": "C1", "text": "✓ Yes", "parse": "none", "thread_ts": "1600000000.000001"}})
    );
    assert_eq!(posted(&odd)["body"]["thread_ts"], "1700000001.000100");
}

#[test]
fn a_tap_in_a_channel_opens_its_thread() {
    let action = json!({"action_id": "say-0", "value": r#"{"m":"Yes"}"#});
    let container = json!({"message_ts": "1700000001.000100", "channel_id": "C1", "thread_ts": "1600000000.000001"});
    let channel = json!({"id": "C1", "name": "general"});
    let received = tapped(
        &action,
        &json!({"container": container, "channel": channel}),
    );
    let inbound = &received.inbound[0];
    assert_eq!(
        inbound.addressed,
        Addressed::StartsThread("C1:1600000000.000001".into())
    );
    assert_eq!(
        kept(&inbound.address),
        json!({"channel": "C1", "thread_ts": "1600000000.000001"})
    );
}

#[test]
fn a_rating_is_feedback_and_its_buttons_go() {
    for rating in [3, 4] {
        let action = json!({"action_id": format!("rate-0-{rating}"), "block_id": "rating-0", "value": format!("{{\"r\":{rating}}}")});
        let received = tapped(&action, &json!({}));
        assert_eq!(
            received.inbound[0].action,
            UserAction::Feedback {
                rating,
                resolved: None,
                comment: None
            }
        );
    }
}

#[test]
fn what_was_typed_beside_a_rating_goes_along() {
    let action = json!({"action_id": "rate-1-2", "block_id": "rating-1", "value": "{\"r\":2}"});
    let typed = |text: Value| json!({"remark": {"type": "plain_text_input", "value": text}});
    for (remark, comment) in [
        (typed(json!(" slow\nand late ")), Some("slow\nand late")),
        (typed(json!("  ")), None),
        (typed(Value::Null), None),
        (json!({}), None),
    ] {
        let values = json!({"remark-0": typed(json!("another's")), "remark-1": remark});
        let received = tapped(&action, &json!({"state": {"values": values}}));
        let UserAction::Feedback { comment: told, .. } = &received.inbound[0].action else {
            panic!("it is a rating");
        };
        assert_eq!(told.as_deref(), comment);
    }
}

#[test]
fn a_tap_too_long_for_a_button_names_its_message_and_shows_its_label() {
    let action = json!({"action_id": "say-7", "value": r#"{"k":"0001#message","n":7,"a":"a1"}"#});
    let received = tapped(&action, &json!({"user": {"id": "U2"}}));
    assert_eq!(
        received.inbound[0].action,
        UserAction::Choice {
            message: MessageRef {
                auth_id: "a1".into(),
                key: KeyRef::Key("0001#message".into()),
            },
            index: 7
        }
    );
    assert_ne!(
        received.inbound[0].auth_id,
        one(&direct(&json!({}))).auth_id
    );
    assert_eq!(
        received.tasks[0].command.body["text"],
        "Image: A\nChoose\nChoose: B\n✓ A &amp; B"
    );
}

#[test]
fn taps_that_are_not_ours_or_only_open_a_link_are_acknowledged() {
    for action in [
        json!({"action_id": "open-1", "url": "https://a.example"}),
        json!({"action_id": "b6Y", "value": "click_me_123"}),
        json!({"action_id": "approve", "type": "static_select", "selected_option": {"value": "x"}}),
    ] {
        assert_eq!(tapped(&action, &json!({})), nothing(), "{action}");
    }
    let ephemeral = json!({"container": {"type": "message", "message_ts": "1.0", "channel_id": "D1", "is_ephemeral": true}});
    assert_eq!(
        tapped(
            &json!({"action_id": "say-0", "value": "{\"m\":\"x\"}"}),
            &ephemeral
        ),
        nothing()
    );
    assert_eq!(
        tapped(&json!({"action_id": "say-0", "value": "odd"}), &json!({}))
            .not_understood
            .as_deref(),
        Some("a tap whose value is not ours")
    );
}

#[test]
fn a_link_that_has_something_to_say_says_it_and_any_other_is_only_opened() {
    let link = json!({"action_id": "open-0", "url": "https://a.example", "value": r#"{"m":"I have paid{x}"}"#});
    let received = tapped(&link, &json!({}));
    assert_eq!(said(&received.inbound[0]), "I have paid{x}");
    let shown = &received.tasks[0].command.body["blocks"];
    let shown = shown.as_array().and_then(|blocks| blocks.last());
    assert_eq!(
        shown.expect("a choice")["elements"][0]["text"],
        "✓ I have paid"
    );
    let link = json!({"action_id": "open-0", "url": "https://a.example"});
    assert_eq!(tapped(&link, &json!({})), nothing());
}
