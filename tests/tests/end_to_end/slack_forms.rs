use std::time::Duration;

use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::Stage;
use haptik_bridge_tests::fake_slack::{Fault, Interaction, Message, OpenView};
use serde_json::{Value, json};

const BUTTON: &str = "Fill in the form";

fn form() -> Value {
    json!({"type": "FORM", "title": "Please help me with your delivery address", "subtitle": "All over <India>", "data": {"fields": [
        {"key": "date", "type": "date", "keyboard_type": "normal", "order": 4, "hint": "Delivery date", "options": []},
        {"key": "name", "type": "text", "keyboard_type": "normal", "order": 1, "hint": "Name", "options": []},
        {"key": "email", "type": "text", "keyboard_type": "email", "order": 2, "hint": "Email & more", "options": []},
        {"key": "city", "type": "picker", "keyboard_type": "normal", "order": 3, "hint": "City", "options": ["Mumbai", "Pune"]},
    ]}})
}

fn bot(message: &UserMessage) -> Vec<Reply> {
    match message.text.as_str() {
        "form" => vec![Reply::Hsl(form())],
        text => vec![Reply::Text(format!("You said: {text}"))],
    }
}

fn submitted(stage: &Stage, view: &OpenView, email: &str) -> Interaction {
    let ids: Vec<String> = view.view["blocks"]
        .as_array()
        .expect("blocks")
        .iter()
        .filter(|block| block["type"] == "input")
        .filter_map(|block| block["block_id"].as_str().map(str::to_owned))
        .collect();
    let [name, mail, city, date] = ids.as_slice() else {
        panic!("four inputs: {ids:?}")
    };
    let option = json!({"text": {"type": "plain_text", "text": "Pune"}, "value": "Pune"});
    let values = [
        (name.as_str(), "answer-0", json!("Asha")),
        (
            mail,
            "answer-1",
            json!({"type": "email_text_input", "value": email}),
        ),
        (
            city,
            "answer-2",
            json!({"type": "static_select", "selected_option": option}),
        ),
        (
            date,
            "answer-3",
            json!({"type": "datepicker", "selected_date": "2026-12-01"}),
        ),
    ];
    stage.slack.submit_view(view, "U00000ASHA", &values)
}

async fn offered(stage: &Stage) -> Message {
    let channel = stage.slack_user_says("U00000ASHA", "form").await;
    stage.slack.wait_for_text(&channel, BUTTON).await
}

#[tokio::test]
async fn a_form_opens_in_a_modal_tells_what_is_wrong_and_is_sent_as_lines() -> anyhow::Result<()> {
    let stage = Stage::with_bot(bot).await?;
    let message = offered(&stage).await;
    for part in [
        "Please help me with your delivery address",
        "All over",
        "Name",
        "Mumbai",
    ] {
        assert!(message.text.contains(part), "read alone: {}", message.text);
    }
    let tap = stage.slack.tap(&message, "U00000ASHA", BUTTON);
    stage.slack_sends(&tap).await;
    let views = stage.slack.opened_views();
    let view = views.first().expect("it is open when the tap is answered");
    assert_eq!(views.len(), 1);
    let wrong = submitted(&stage, view, "asha at home");
    let reply = stage.slack_sends(&wrong).await;
    let answer = reply.json();
    assert_eq!(answer["response_action"], "errors");
    let errors = answer["errors"].as_object().expect("errors");
    assert_eq!(errors.len(), 1, "{errors:?}");
    stage.haptik_was_told(1).await?;
    let right = submitted(&stage, view, "asha@acme.example");
    for _ in 0..2 {
        let reply = stage.slack_sends(&right).await;
        assert_eq!(reply.body, "");
    }
    assert_eq!(
        stage.haptik_was_told(2).await?[1],
        "Name: Asha\nEmail & more: asha@acme.example\nCity: Pune\nDelivery date: 2026-12-01"
    );
    stage
        .slack
        .wait_for_text(&message.channel, "Your answers were sent")
        .await;
    stage.finish().await
}

#[tokio::test]
async fn a_form_in_a_channel_is_sent_in_its_thread() -> anyhow::Result<()> {
    let stage = Stage::with_bot(bot).await?;
    let (mention, _) = stage
        .slack
        .mention("C000000001", "U00000ASHA", "form", None);
    stage.slack_sends(&mention).await;
    let message = stage.slack.wait_for_text("C000000001", BUTTON).await;
    let tap = stage.slack.tap(&message, "U00000ASHA", BUTTON);
    stage.slack_sends(&tap).await;
    let view = stage.slack.opened_views().pop().expect("a modal");
    let right = submitted(&stage, &view, "a@b.example");
    stage.slack_sends(&right).await;
    let answer = stage
        .slack
        .wait_for_text("C000000001", "You said: Name: Asha")
        .await;
    assert_eq!(answer.thread_ts.as_deref(), Some(mention.ts()));
    let sent = stage
        .slack
        .wait_for_text("C000000001", "Your answers were sent")
        .await;
    assert_eq!(sent.thread_ts.as_deref(), Some(mention.ts()));
    stage.finish().await
}

#[tokio::test]
async fn a_form_that_cannot_be_opened_is_asked_for_in_the_chat() -> anyhow::Result<()> {
    let stage = Stage::with_bot(bot).await?;
    let message = offered(&stage).await;
    stage
        .slack
        .fail_next("views.open", 1, Fault::Refused("internal_error".into()));
    let tap = stage.slack.tap(&message, "U00000ASHA", BUTTON);
    stage.slack_sends(&tap).await;
    stage
        .slack
        .wait_for_text(&message.channel, "could not be opened")
        .await;
    assert!(stage.slack.opened_views().is_empty());
    stage.finish().await
}

#[tokio::test]
async fn odd_forms_are_opened_and_none_is_refused() -> anyhow::Result<()> {
    let forms: Vec<Value> = vec![
        json!([{"key": "", "type": "", "hint": "", "options": [""]}]),
        json!([{"hint": "<!channel> & <b>", "type": "picker", "options": ["a", "a", " ", "<@U1>", "x".repeat(150)]}]),
        json!([{"hint": "long ".repeat(1_000), "type": "multiselectpicker", "options": (0..300).collect::<Vec<_>>()}]),
        json!([{"hint": "q", "type": "picker", "options": ["y".repeat(4_000)]}]),
        json!((0..90).map(|number| json!({"hint": format!("Q{number} {}", "?".repeat(60)), "type": "time"})).collect::<Vec<_>>()),
    ];
    let count = forms.len();
    let stage = Stage::with_bot(move |_: &UserMessage| {
        let reply = |fields: &Value| {
            Reply::Hsl(json!({"type": "FORM", "title": "T".repeat(40), "data": {"fields": fields}}))
        };
        forms.iter().map(reply).collect()
    })
    .await?;
    let channel = stage.slack_user_says("U00000ASHA", "form").await;
    let messages = stage
        .slack
        .wait_until("all forms", Duration::from_secs(10), || {
            let messages = stage.slack.messages(&channel).into_iter();
            let offers = messages.filter(|message| !message.buttons().is_empty());
            Some(offers.collect::<Vec<_>>()).filter(|offers| offers.len() == count)
        })
        .await;
    for message in &messages {
        let tap = stage.slack.tap(message, "U00000ASHA", BUTTON);
        stage.slack_sends(&tap).await;
    }
    assert_eq!(stage.slack.opened_views().len(), count);
    stage.finish().await
}

#[tokio::test]
async fn a_slow_slack_does_not_keep_the_tap_waiting() -> anyhow::Result<()> {
    let stage = Stage::with_bot(bot).await?;
    let message = offered(&stage).await;
    stage
        .slack
        .fail_next("views.open", 1, Fault::Delay(Duration::from_secs(20)));
    let tap = stage.slack.tap(&message, "U00000ASHA", BUTTON);
    stage.slack_sends(&tap).await;
    stage
        .slack
        .wait_for_text(&message.channel, "could not be opened")
        .await;
    stage.finish().await
}

/// What somebody fills in, as Slack gives it back.
fn filled(element: &Value) -> Value {
    let kind = element["type"].as_str().expect("a type");
    let options = element
        .get("options")
        .or_else(|| element.pointer("/option_groups/1/options"));
    let option = |index: usize| options.map(|options| options[index].clone());
    match kind {
        "email_text_input" => json!({"type": kind, "value": "asha@acme.example"}),
        "number_input" => json!({"type": kind, "value": "12.5"}),
        "datepicker" => json!({"type": kind, "selected_date": "2024-02-29"}),
        "timepicker" => json!({"type": kind, "selected_time": "14:30"}),
        "static_select" => json!({"type": kind, "selected_option": option(1)}),
        "multi_static_select" => json!({"type": kind, "selected_options": [option(0), option(1)]}),
        _ => json!({"type": kind, "value": "some <text>\nand more"}),
    }
}

#[tokio::test]
async fn every_field_type_goes_from_the_message_by_the_modal_to_haptik() -> anyhow::Result<()> {
    let two = json!(["S & M", "L"]);
    let many: Vec<String> = (1..=250).map(|number| format!("City {number}")).collect();
    let field = |order: usize, kind: &str, keyboard: &str, options: Value| json!({"key": format!("k{order}"), "order": order, "type": kind, "keyboard_type": keyboard, "hint": format!("{kind} {keyboard}"), "options": options});
    let fields = json!([
        field(1, "text", "normal", json!([])),
        field(2, "text", "email", json!([])),
        field(3, "text", "number", json!([])),
        field(4, "picker", "normal", two.clone()),
        field(5, "picker", "normal", json!(many)),
        field(6, "time", "normal", json!([])),
        field(7, "date", "normal", json!([])),
        field(8, "contactpicker", "normal", json!([])),
        field(9, "startdate", "normal", json!([])),
        field(10, "enddate", "normal", json!([])),
        field(11, "search", "normal", two.clone()),
        field(12, "searcheditable", "normal", two.clone()),
        field(13, "savedaddress", "normal", json!([])),
        field(14, "dob", "normal", json!([])),
        field(15, "multidaypicker", "normal", json!([])),
        field(16, "multiselectpicker", "normal", two),
    ]);
    let asked = json!({"type": "FORM", "title": "All", "data": {"fields": fields}});
    let stage = Stage::with_bot(move |message: &UserMessage| match message.text.as_str() {
        "form" => vec![Reply::Hsl(asked.clone())],
        _ => Vec::new(),
    })
    .await?;
    let message = offered(&stage).await;
    let tap = stage.slack.tap(&message, "U00000ASHA", BUTTON);
    stage.slack_sends(&tap).await;
    let view = stage.slack.opened_views().pop().expect("a modal");
    let blocks = view.view["blocks"].as_array().expect("blocks");
    let inputs = blocks.iter().filter(|block| block["type"] == "input");
    let values: Vec<(&str, &str, Value)> = inputs
        .map(|block| {
            let id =
                |value: &'static str| block.pointer(value).and_then(Value::as_str).expect("an id");
            (
                id("/block_id"),
                id("/element/action_id"),
                filled(&block["element"]),
            )
        })
        .collect();
    assert_eq!(values.len(), 16);
    let submission = stage.slack.submit_view(&view, "U00000ASHA", &values);
    let reply = stage.slack_sends(&submission).await;
    assert_eq!(reply.body, "");
    let told = stage.haptik_was_told(2).await?;
    let text = "some <text> and more";
    let expected = [
        format!("text normal: {text}"),
        "text email: asha@acme.example".to_owned(),
        "text number: 12.5".to_owned(),
        "picker normal: L".to_owned(),
        "picker normal: City 102".to_owned(),
        "time normal: 14:30".to_owned(),
        "date normal: 2024-02-29".to_owned(),
        format!("contactpicker normal: {text}"),
        "startdate normal: 2024-02-29".to_owned(),
        "enddate normal: 2024-02-29".to_owned(),
        "search normal: L".to_owned(),
        format!("searcheditable normal: {text}"),
        format!("savedaddress normal: {text}"),
        "dob normal: 2024-02-29".to_owned(),
        format!("multidaypicker normal: {text}"),
        "multiselectpicker normal: S & M, L".to_owned(),
    ];
    assert_eq!(told[1].lines().collect::<Vec<_>>(), expected);
    stage.finish().await
}

#[tokio::test]
async fn a_trigger_that_slack_does_not_take_any_more_leads_to_a_word_in_the_chat()
-> anyhow::Result<()> {
    let stage = Stage::with_bot(bot).await?;
    let message = offered(&stage).await;
    let tap = stage.slack.tap(&message, "U00000ASHA", BUTTON);
    let mut late = tap.json().clone();
    late["trigger_id"] = json!("1.2.expired");
    stage.slack_sends(&Interaction::from_json(late)).await;
    stage
        .slack
        .wait_for_text(&message.channel, "Tap its button again")
        .await;
    assert_eq!(stage.slack.take_refusals().len(), 1);
    let again = stage.slack.tap(&message, "U00000ASHA", BUTTON);
    stage.slack_sends(&again).await;
    assert_eq!(stage.slack.opened_views().len(), 1);
    stage.finish().await
}
