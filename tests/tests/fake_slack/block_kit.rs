//! The rules for blocks and views: what is at a limit passes, what is beyond it does not.

use haptik_bridge_tests::fake_slack::block_kit::{check_blocks, check_view};
use serde_json::{Value, json};

use super::{actions, button, section};

fn option(text: &str, value: &str) -> Value {
    json!({"text": {"type": "plain_text", "text": text}, "value": value})
}

fn select(options: &[Value]) -> Value {
    json!({"type": "static_select", "action_id": "s", "options": options})
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

#[test]
fn texts_at_their_limit_pass_and_one_character_more_is_refused() {
    let header = |length: usize| json!([{"type": "header", "text": {"type": "plain_text", "text": "x".repeat(length)}}]);
    let field = |length: usize| json!([{"type": "section", "fields": [{"type": "mrkdwn", "text": "x".repeat(length)}]}]);
    let label = |length: usize| json!([actions(&[button(&"é".repeat(length), "a")])]);
    let text = |length: usize| json!([section(&"x".repeat(length))]);
    let markdown = |length: usize| json!([{"type": "markdown", "text": "x".repeat(length)}]);
    let alt = |length: usize| json!([{"type": "image", "image_url": "https://e.example/i.png", "alt_text": "x".repeat(length)}]);
    let block_id = |length: usize| json!([{"type": "divider", "block_id": "x".repeat(length)}]);
    let action_id = |length: usize| json!([actions(&[button("a", &"x".repeat(length))])]);
    let option_text =
        |length: usize| json!([actions(&[select(&[option(&"x".repeat(length), "v")])])]);
    let option_value =
        |length: usize| json!([actions(&[select(&[option("t", &"x".repeat(length))])])]);
    let cases: [(&dyn Fn(usize) -> Value, usize); 10] = [
        (&header, 150),
        (&field, 2000),
        (&label, 75),
        (&text, 3000),
        (&markdown, 12_000),
        (&alt, 2000),
        (&block_id, 255),
        (&action_id, 255),
        (&option_text, 75),
        (&option_value, 150),
    ];
    for (blocks, limit) in cases {
        accepted(&blocks(limit));
        refused(&blocks(limit + 1), &format!("less than {}", limit + 1));
        refused(&blocks(0), "must be more than 0 characters");
    }
}

#[test]
fn button_values_and_urls_have_limits() {
    let with = |name: &str, value: String| {
        let mut element = button("a", "a");
        element[name] = json!(value);
        json!([actions(&[element])])
    };
    accepted(&with("value", "x".repeat(2000)));
    refused(&with("value", "x".repeat(2001)), "less than 2001");
    accepted(&with(
        "url",
        format!("https://e.example/{}", "x".repeat(2900)),
    ));
    refused(
        &with("url", format!("https://e.example/{}", "x".repeat(3000))),
        "less than 3001",
    );
    refused(&with("url", "javascript:alert(1)".to_owned()), "valid URL");
    refused(&with("url", "not a url".to_owned()), "valid URL");
    refused(&with("style", "default".to_owned()), "must be one of");
    refused(
        &json!([actions(&[
            json!({"type": "button", "text": {"type": "mrkdwn", "text": "a"}})
        ])]),
        "must be plain_text",
    );
}

#[test]
fn numbers_of_things_have_limits() {
    let blocks = |count: usize| Value::Array(vec![section("x"); count]);
    accepted(&blocks(50));
    refused(&blocks(51), "no more than 50 items");
    let buttons = |count: usize| {
        let elements: Vec<Value> = (0..count).map(|n| button("a", &format!("a{n}"))).collect();
        json!([actions(&elements)])
    };
    accepted(&buttons(25));
    refused(&buttons(26), "no more than 25 items");
    refused(&buttons(0), "no fewer than 1 items");
    let fields = |count: usize| json!([{"type": "section", "fields": vec![json!({"type": "plain_text", "text": "x"}); count]}]);
    accepted(&fields(10));
    refused(&fields(11), "no more than 10 items");
    let context = |count: usize| json!([{"type": "context", "elements": vec![json!({"type": "mrkdwn", "text": "x"}); count]}]);
    accepted(&context(10));
    refused(&context(11), "no more than 10 items");
    refused(&context(0), "no fewer than 1 items");
    let options = |count: usize| json!([actions(&[select(&vec![option("t", "v"); count])])]);
    accepted(&options(100));
    refused(&options(101), "no more than 100 items");
    refused(&options(0), "no fewer than 1 items");
}

#[test]
fn ids_are_unique_in_a_message() {
    refused(
        &json!([actions(&[button("a", "same"), button("b", "same")])]),
        "`action_id` is not unique",
    );
    refused(
        &json!([
            actions(&[button("a", "same")]),
            actions(&[button("b", "same")])
        ]),
        "`action_id` is not unique",
    );
    let divider = json!({"type": "divider", "block_id": "same"});
    refused(&json!([divider, divider]), "`block_id` is not unique");
}

#[test]
fn what_the_reference_does_not_list_is_refused() {
    refused(&json!([{"type": "hologram"}]), "unsupported type: hologram");
    refused(&json!([{"type": "input"}]), "unsupported type: input");
    refused(&json!([{"no": "type"}]), "missing required field: type");
    refused(&json!(["text"]), "missing required field: type");
    refused(
        &json!([{"type": "divider", "color": "red"}]),
        "no additional properties allowed: color",
    );
    refused(
        &json!([{"type": "section"}]),
        "must define either `text` or `fields`",
    );
    refused(
        &json!([{"type": "section", "text": null}]),
        "missing required field: type",
    );
    refused(
        &json!([{"type": "section", "text": {"type": "mrkdwn", "text": "a", "emoji": true}}]),
        "emoji",
    );
    refused(
        &json!([{"type": "image", "alt_text": "a"}]),
        "must define either `image_url` or `slack_file`",
    );
    refused(
        &json!([{"type": "image", "image_url": "https://e.example/i.png"}]),
        "missing required field: alt_text",
    );
    refused(
        &json!([{"type": "image", "image_url": "ftp://e.example/i.png", "alt_text": "a"}]),
        "valid URL",
    );
    refused(
        &json!([{"type": "image", "image_url": "data:image/png;base64,AA", "alt_text": "a"}]),
        "valid URL",
    );
    let format = check_blocks(&json!({"blocks": []})).expect_err("no array");
    assert_eq!(format.error, "invalid_blocks_format");
}

#[test]
fn every_problem_is_named_with_its_place() {
    let rejection = check_blocks(&json!([section("fine"), section(&"x".repeat(3001))]))
        .expect_err("too long a text");
    let problems: Vec<String> = rejection.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        ["must be less than 3001 characters [json-pointer:/blocks/1/text/text]"]
    );
}

#[test]
fn too_much_text_over_all_blocks_is_refused() {
    accepted(&Value::Array(vec![section(&"x".repeat(2640)); 5]));
    let rejection = check_blocks(&Value::Array(vec![section(&"x".repeat(2641)); 5]))
        .expect_err("13,205 characters");
    assert_eq!(rejection.error, "msg_blocks_too_long");
}

#[test]
fn one_of_every_block_is_accepted() {
    accepted(&json!([
        {"type": "header", "text": {"type": "plain_text", "text": "Title", "emoji": true}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*b*"}, "accessory": {"type": "image", "image_url": "https://e.example/i.png", "alt_text": "a"}},
        {"type": "divider"},
        {"type": "image", "image_url": "http://127.0.0.1:1/i.png", "alt_text": "a", "title": {"type": "plain_text", "text": "t"}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}, {"type": "image", "image_url": "https://e.example/i.png", "alt_text": "a"}]},
        {"type": "actions", "elements": [button("a", "a"), select(&[option("t", "v")]), {"type": "datepicker", "action_id": "d", "initial_date": "2026-01-31"}]},
        {"type": "markdown", "text": "**b**"},
        {"type": "carousel", "elements": [{"type": "card", "title": {"type": "mrkdwn", "text": "t"}, "actions": [button("c", "c")]}]},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x", "style": {"bold": true}}]}]},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}
    ]));
}

#[test]
fn views_are_checked_as_views() {
    let view = |blocks: Value| json!({"type": "modal", "title": {"type": "plain_text", "text": "Form"}, "submit": {"type": "plain_text", "text": "Send"}, "blocks": blocks});
    let input = json!({"type": "input", "block_id": "b", "label": {"type": "plain_text", "text": "Name"}, "element": {"type": "plain_text_input", "action_id": "a"}});
    assert_eq!(check_view(&view(json!([input]))), Ok(()));
    let mut without_submit = view(json!([input]));
    without_submit
        .as_object_mut()
        .expect("an object")
        .remove("submit");
    assert!(check_view(&without_submit).is_err());
    assert!(check_view(&view(json!([]))).is_err());
    let mut long_title = view(json!([input]));
    long_title["title"]["text"] = json!("x".repeat(25));
    assert!(check_view(&long_title).is_err());
}

#[test]
fn some_limits_are_of_all_blocks_together() {
    let markdown = |length: usize| json!({"type": "markdown", "text": "x".repeat(length)});
    accepted(&json!([markdown(6_000), markdown(6_000)]));
    refused(
        &json!([markdown(6_000), markdown(6_001)]),
        "12000 characters",
    );
    let view = |count: usize| {
        let blocks = vec![section(&"x".repeat(2_900)); count];
        json!({"type": "modal", "title": {"type": "plain_text", "text": "Form"}, "blocks": blocks})
    };
    assert_eq!(check_view(&view(80)), Ok(()));
    let refused = check_view(&view(90)).expect_err("it is too large");
    assert_eq!(refused.error, "view_too_large");
}

#[test]
fn an_alert_is_for_modals() {
    let alert = json!({"type": "alert", "text": {"type": "plain_text", "text": "x"}});
    refused(&json!([alert]), "unsupported type: alert");
    let view = json!({"type": "modal", "title": {"type": "plain_text", "text": "Form"}, "blocks": [alert]});
    assert_eq!(check_view(&view), Ok(()));
}
