use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::message::{Content, Outgoing, SenderKind};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::limits::Medium;
use super::*;
use crate::render;

fn messages(body: &Value, limits: &Limits) -> Vec<Value> {
    to("+15551234567", body, limits)
}

/// What somebody on WhatsApp or RCS is sent.
fn to_medium(user: &str, body: &Value) -> Vec<Value> {
    let from = config::Sender::Service(String::new());
    to(user, body, Medium::of(user).limits(&from))
}

fn to(user: &str, body: &Value, limits: &Limits) -> Vec<Value> {
    let outgoing = Outgoing {
        key: "00000000000000000902#message".into(),
        auth_id: "0123456789abcdef0123456789abcdef".into(),
        user: user.to_owned(),
        at: Timestamp::UNIX_EPOCH,
        received_at: Timestamp::UNIX_EPOCH,
        sender: Sender {
            kind: SenderKind::Bot,
            name: String::new(),
            profile_image: String::new(),
        },
        message_id: None,
        in_reply_to: None,
        handoff: None,
        content: Content::Message {
            hsl: Hsl::read(body),
            raw: body.clone(),
        },
    };
    let medium = Medium::of(&outgoing.user);
    let parts = encode::parts(render::pages(&outgoing, limits), medium);
    parts.into_iter().map(|part| part.body).collect()
}

fn number(number: &str) -> config::Sender {
    config::Sender::Address(number.to_owned())
}

fn say(label: &str) -> Value {
    json!({"actionable_text": label, "type": "TEXT_ONLY", "payload": {"message": label}})
}

#[test]
fn what_can_be_chosen_is_lines_with_numbers() {
    let body =
        json!({"text": "Well?", "type": "BUTTON", "data": {"items": [say("Yes"), say("No")]}});
    let messages = messages(&body, Medium::Sms.limits(&number("+15557654321")));
    assert_eq!(messages.len(), 1);
    let text = messages[0]["Body"].as_str().unwrap_or_default();
    assert!(text.starts_with("Well?"), "{text}");
    assert!(text.contains("1. Yes\n2. No"), "{text}");
}

#[test]
fn a_picture_is_a_media_url_where_there_is_mms_and_else_a_link() {
    let url = "https://a.example/blue.png";
    let body = json!({"text": "", "type": "CAROUSEL", "data": {"items": [
        {"title": "Blue", "thumbnail": {"image": url}, "actionables": [say("Buy")]},
    ]}});
    let with = messages(&body, Medium::Sms.limits(&number("+15557654321")));
    assert_eq!(with[0]["MediaUrl"], url);
    let without = messages(&body, Medium::Sms.limits(&number("+4915557654321")));
    assert!(without.iter().all(|message| message["MediaUrl"].is_null()));
    let texts: String = without
        .iter()
        .filter_map(|message| message["Body"].as_str())
        .collect();
    assert!(texts.contains(url), "{texts}");
}

#[test]
fn a_picture_of_a_type_that_is_not_shown_is_a_link() {
    let picture = |user: &str, name: &str| {
        let url = format!("https://a.example/{name}");
        let body = json!({"text": "", "type": "CAROUSEL", "data": {"items": [
            {"title": "Look", "thumbnail": {"image": url}},
        ]}});
        let sent = to_medium(user, &body);
        let is_shown = sent.iter().any(|one| one["MediaUrl"] == url.as_str());
        let said = sent
            .iter()
            .map(|one| one["Body"].as_str().unwrap_or_default());
        let said = said.collect::<String>();
        assert!(
            said.contains("Look") && (is_shown || said.contains(&url)),
            "{sent:?}"
        );
        is_shown
    };
    for name in ["a.png", "a.jpg", "a.jpeg", "a"] {
        assert!(picture(WHATSAPP, name), "{name}");
    }
    for name in ["a.gif", "a.webp", "a.svg"] {
        assert!(!picture(WHATSAPP, name), "{name}");
    }
    for user in ["+15551234567", "rcs:+15551234567"] {
        assert!(picture(user, "a.gif") && !picture(user, "a.webp"), "{user}");
    }
}

#[test]
fn no_text_is_longer_than_twilio_takes() {
    let body = json!({"text": "A word 🙂 and more. ".repeat(400), "type": "TEXT"});
    let messages = messages(&body, Medium::Sms.limits(&number("+15557654321")));
    assert!(messages.len() > 1);
    for message in &messages {
        let text = message["Body"].as_str().unwrap_or_default();
        assert!((1..=1_600).contains(&text.encode_utf16().count()));
    }
}

const WHATSAPP: &str = "whatsapp:+15551234567";

fn offer(labels: &[&str]) -> Value {
    let items: Vec<Value> = labels.iter().map(|label| say(label)).collect();
    json!({"text": "Well?", "type": "BUTTON", "data": {"items": items}})
}

#[test]
fn on_whatsapp_up_to_three_choices_are_buttons_and_up_to_ten_a_menu() {
    let two = to_medium(WHATSAPP, &offer(&["Yes", "No"]));
    assert_eq!(two.len(), 1);
    assert_eq!(
        two[0]["content"],
        json!({"type": "twilio/quick-reply", "choices": 2})
    );
    let variables = &two[0]["variables"];
    assert_eq!(
        (&variables["1"], &variables["2"]),
        (&json!("Well?"), &json!("Yes"))
    );
    let (shape, sent) = content::of(&two[0]).expect("a content");
    assert_eq!(shape.name(), "twilio/quick-reply#2");
    assert_eq!(
        serde_json::from_str::<Value>(&sent).expect("JSON"),
        *variables
    );

    let four = to_medium(WHATSAPP, &offer(&["A", "B", "C", "D"]));
    assert_eq!(four[0]["content"]["type"], "twilio/list-picker");
    assert_eq!(
        four[0]["variables"].as_object().map(serde_json::Map::len),
        Some(10)
    );

    let labels: Vec<String> = (1..=11).map(|number| format!("Choice {number}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let eleven = to_medium(WHATSAPP, &offer(&labels));
    let text = eleven[0]["Body"].as_str().unwrap_or_default();
    assert!(text.ends_with("11. Choice 11"), "{text}");
}

#[test]
fn on_rcs_choices_are_chips() {
    let chips = to_medium("rcs:+15551234567", &offer(&["A", "B", "C", "D"]));
    assert_eq!(chips[0]["content"]["type"], "twilio/card");
    assert_eq!(chips[0]["content"]["choices"], 4);
}

#[test]
fn on_whatsapp_a_picture_stands_above_its_buttons_in_a_message_of_its_own() {
    let url = "https://a.example/blue.png";
    let body = json!({"text": "", "type": "CAROUSEL", "data": {"items": [
        {"title": "Blue", "thumbnail": {"image": url}, "actionables": [say("Buy")]},
        {"title": "Red", "thumbnail": {"image": url}, "actionables": []},
    ]}});
    let messages = to_medium(WHATSAPP, &body);
    assert_eq!(messages.len(), 3, "{messages:?}");
    assert_eq!(messages[0], json!({"MediaUrl": url, "medium": "whatsapp"}));
    assert_eq!(messages[1]["variables"]["1"], "Blue");
    assert_eq!(messages[2]["MediaUrl"], url);
    assert_eq!(messages[2]["Body"], "Red");
}

#[test]
fn on_whatsapp_a_text_of_several_lines_keeps_its_buttons_below_the_last_line() {
    for (text, above, below) in [
        ("Hello!\nWhich one?", "Hello!", "Which one?"),
        (
            "One.\n\nTwo.\n\nWhich\tone?\n",
            "One.\n\nTwo.",
            "Which one?",
        ),
        // An item of a list is nothing without the others.
        (
            "Sizes:\n- small\n- large",
            "Sizes:\n- small\n- large",
            "Choose:",
        ),
        (
            "Sizes:\n\n* small\n* large",
            "Sizes:\n\n• small\n• large",
            "Choose:",
        ),
        ("Sizes:\n1. M\n2. L", "Sizes:\n1. M\n2. L", "Choose:"),
    ] {
        let mut body = offer(&["Yes", "No"]);
        body["text"] = text.into();
        let messages = to_medium(WHATSAPP, &body);
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert_eq!(messages[0], json!({"Body": above, "medium": "whatsapp"}));
        assert_eq!(messages[1]["variables"]["1"], below);
        assert_eq!(messages[1]["content"]["choices"], 2);
    }
    // What is no content has its line breaks.
    let mut eleven = offer(&["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K"]);
    eleven["text"] = "Hello!\nWhich one?".into();
    let messages = to_medium(WHATSAPP, &eleven);
    assert_eq!(messages.len(), 1, "{messages:?}");
}

#[test]
fn a_body_above_buttons_has_no_long_gap() {
    let mut body = offer(&["Yes", "No"]);
    body["text"] = "Which      one?".into();
    let messages = to_medium(WHATSAPP, &body);
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(messages[0]["variables"]["1"], "Which one?");
}

#[test]
fn what_is_refused_below_the_last_line_has_numbers_there() {
    let mut body = offer(&["Yes", "No"]);
    body["text"] = "Hello!\nWhich one?".into();
    let outgoing = crate::preview::previewed(&body, &Sender::default());
    let from = config::Sender::Service(String::new());
    let pages = render::pages(&outgoing, Medium::WhatsApp.limits(&from));
    let parts = encode::parts(pages, Medium::WhatsApp);
    let simple = encode::simpler(&parts[1]).expect("something simpler");
    assert_eq!(simple.body["Body"], "Which one?\n\n1. Yes\n2. No");
    assert_eq!(simple.index, 1);
}

#[test]
fn buttons_with_one_label_are_told_apart_by_their_numbers() {
    let messages = to_medium(WHATSAPP, &offer(&["Buy", "Buy"]));
    let text = messages[0]["Body"].as_str().unwrap_or_default();
    assert!(text.contains("1. Buy\n2. Buy"), "{text}");
}

#[test]
fn buttons_with_one_label_do_not_cost_the_picture() {
    let url = "https://a.example/blue.png";
    let body = json!({"text": "", "type": "CAROUSEL", "data": {"items": [
        {"title": "Blue", "thumbnail": {"image": url}, "actionables": [say("Details"), say("Details")]},
    ]}});
    let messages = to_medium(WHATSAPP, &body);
    assert_eq!(
        messages,
        [json!({"Body": "Blue\n\n1. Details\n2. Details", "MediaUrl": url, "medium": "whatsapp"})]
    );
}

#[test]
fn what_is_refused_with_buttons_has_numbers() {
    let outgoing = crate::preview::previewed(&offer(&["Yes", "No"]), &Sender::default());
    let from = config::Sender::Service(String::new());
    let pages = render::pages(&outgoing, Medium::WhatsApp.limits(&from));
    let parts = encode::parts(pages, Medium::WhatsApp);
    let simple = encode::simpler(&parts[0]).expect("something simpler");
    assert_eq!(simple.body["Body"], "Well?\n\n1. Yes\n2. No");
    assert_eq!(simple.body["medium"], "whatsapp");
    assert_eq!(simple.index, 0);
}

#[test]
fn numbers_run_on_through_the_messages_that_are_refused() {
    let card = |title: &str| json!({"title": title, "actionables": [say("Details"), say("Buy")]});
    let body =
        json!({"text": "", "type": "CAROUSEL", "data": {"items": [card("One"), card("Two")]}});
    let outgoing = crate::preview::previewed(&body, &Sender::default());
    let from = config::Sender::Service(String::new());
    let pages = render::pages(&outgoing, Medium::WhatsApp.limits(&from));
    let parts = encode::parts(pages, Medium::WhatsApp);
    let simple = parts.iter().filter_map(encode::simpler);
    let said: Vec<String> = simple.map(|part| part.body["Body"].to_string()).collect();
    assert!(said[0].contains("1. Details\\n2. Buy"), "{said:?}");
    assert!(said[1].contains("3. Details\\n4. Buy"), "{said:?}");
}

#[test]
fn by_sms_no_sign_of_the_bridges_own_doubles_the_price() {
    let call = json!({"actionable_text": "Call us", "type": "APP_ACTION", "uri": "CALL", "payload": {"phone": "+1555"}});
    let call = |text: &str| json!({"text": text, "type": "BUTTON", "data": {"items": [call]}});
    let text = |body: &Value, user: &str| {
        let messages = to_medium(user, body);
        messages[0]["Body"].as_str().unwrap_or_default().to_owned()
    };
    let sms = "+15551234567";
    let cheap = text(&call("Well?"), sms);
    assert!(
        cheap.is_ascii() && cheap.contains("Call us: +1555"),
        "{cheap}"
    );
    assert!(text(&call("☎?"), sms).contains("📞 Call us"));
    assert!(text(&call("Well?"), "messenger:1").contains("📞 Call us"));
    let rate = json!({"actionable_text": "Rate us", "type": "APP_FEEDBACK", "payload": {}});
    let rate = json!({"text": "", "type": "BUTTON", "data": {"items": [rate]}});
    let rated = text(&rate, sms);
    assert!(rated.is_ascii() && rated.contains("5. 5 of 5"), "{rated}");
}

#[test]
fn nothing_that_is_said_and_no_number_is_in_a_debug() {
    let user = User {
        to: "+15551234567".to_owned(),
    };
    let notify = Notify {
        user: user.clone(),
        text: "between-you-and-me".to_owned(),
    };
    let shown = format!("{user:?} {notify:?}");
    assert!(
        !shown.contains("1555") && !shown.contains("between"),
        "{shown}"
    );
    let kept = serde_json::to_value(&user).expect("JSON");
    assert_eq!(
        serde_json::from_value::<User>(kept).expect("an address"),
        user
    );
}
