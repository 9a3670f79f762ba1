//! Completions at random, by the thousand: what people and bots write, and what CRMs do not take of it.

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// What texts are made of.
const PIECES: [&str; 22] = [
    "x",
    " ",
    "\n",
    "<b>",
    "&",
    "\"",
    "'",
    ",",
    "#",
    "/",
    "\\",
    "{task}",
    "é",
    "e\u{301}",
    "日本",
    "क्षि",
    "🇮🇳",
    "👩‍👩‍👧",
    "\u{200b}",
    "\u{202e}",
    "\u{0}",
    "word ",
];

/// Addresses, good and bad.
const ADDRESSES: [&str; 12] = [
    "asha@example.com",
    "o'neil+x@mail.example.co.uk",
    "john@example..com",
    "john..doe@example.com",
    ".john@example.com",
    "a@b",
    "a@-b.example",
    "a@b.123",
    "आशा@example.com",
    "asha@bücher.example",
    "\"a b\"@example.com",
    " ",
];

/// A text, often none, often just above a limit, sometimes very long.
#[must_use]
pub fn text(random: &mut Rng) -> String {
    let around = [0, 1, 32, 40, 80, 150, 160, 200, 254, 255, 400];
    let length = match random.u16(0..1_000) {
        0..2 => 70_000,
        2..12 => 4_000 + random.usize(0..3),
        12..200 => random.usize(0..300),
        _ => random.choice(around).unwrap_or_default() + random.usize(0..3),
    };
    let mut text = String::new();
    let favourite = random.choice(PIECES).unwrap_or_default();
    let mut left = length;
    while left > 0 {
        let piece = if random.bool() {
            favourite
        } else {
            random.choice(PIECES).unwrap_or_default()
        };
        let times = if length > 1_000 { 100 } else { 1 };
        text.push_str(&piece.repeat(times));
        left = left.saturating_sub(piece.chars().count() * times);
    }
    text
}

fn value(random: &mut Rng) -> Value {
    match random.u8(0..6) {
        0 => json!(random.f64() * 1e12),
        1 => json!(918_826_755_986.0),
        2 => Value::Null,
        3 => json!([text(random), {"deep": text(random)}]),
        _ => json!(text(random)),
    }
}

/// A completion of whichever texts, numbers and addresses.
#[must_use]
pub fn completion(random: &mut Rng, number: u64) -> Value {
    let mut event = plain_completion();
    event["data"]["conversation_identifier"] = json!(format!("conversation-{number}"));
    let day = 1 + number % 28;
    event["timestamp"] = json!(format!("2026-10-{day:02}T{:02}:00:05Z", number % 24));
    event["user"]["auth_id"] = json!(format!("u{number}"));
    event["user"]["user_name"] = json!(text(random));
    event["data"]["completion_by"] = json!(text(random));
    for key in ["reason", "subReason", "comment"] {
        event["data"]["closing_categories"][key] = json!(text(random));
    }
    let details: Map<String, Value> = (0..random.usize(0..6))
        .map(|_| (text(random), value(random)))
        .collect();
    event["data"]["conversation_details"] = Value::Object(details);
    let longest = format!("{}@{}.example", "n".repeat(64), "l".repeat(63));
    let address = random.choice(ADDRESSES).unwrap_or_default();
    let address = if random.u8(0..10) == 0 {
        longest.as_str()
    } else {
        address
    };
    event["data"]["user_details"] =
        json!({"name": text(random), "email": address, "phone_number": value(random)});
    event
}

/// `webhook_conversation_complete`, as Haptik has it.
#[must_use]
pub fn plain_completion() -> Value {
    json!({
        "version": "1.0",
        "timestamp": "2026-11-24T10:00:05.000Z",
        "event_name": "webhook_conversation_complete",
        "business_id": 343,
        "business_name": "Acme",
        "user": {"auth_id": "u42", "user_name": "user_42"},
        "agent": {"id": 1, "name": "Prateek", "is_automated": false},
        "data": {
            "conversation_no": "12",
            "conversation_identifier": "conversation-12",
            "complete_chat_link": "https://haptik.example/chats/12",
            "completion_type": "agent",
            "completion_by": "Prateek",
            "closing_categories": {"reason": "Refund", "subReason": "Late", "comment": "A voucher"},
            "conversation_details": {"insurance_no": "CDQP12324", "amount": 49},
            "user_details": {"name": "Asha Rao", "email": "asha@example.com", "phone_number": 8_826_755_986_u64},
        },
    })
}
