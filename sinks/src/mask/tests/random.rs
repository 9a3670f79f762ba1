//! Random users and events: whatever a user is called, the event stays what it is, and what is masked is not in it.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Map;

use super::*;

/// A user of whom something is known.
#[derive(Debug, Clone)]
struct Person {
    name: String,
    email: String,
    number: u64,
    custom: Value,
}

fn person() -> impl Strategy<Value = Person> {
    let names = select(vec![
        "Guest User",
        "Agent Smith",
        "Message",
        "Data Type",
        "Webhook Conversation",
        "José Ñandú",
        "ΝΙΚΟΣ Παππάς",
        "Asha Rao",
        "Business Name",
        "Text Items",
        "आशा राव",
        "Straße Größe",
        "nasha ubuntu",
    ]);
    let custom = select(vec![
        json!("web"),
        json!("2026"),
        json!(343),
        json!("agent"),
        json!({"plan": "gold-42", "ids": [77_123, "TEXT"]}),
        json!("it's \"gold\""),
    ]);
    let number = 916_000_000_000_u64..920_000_000_000;
    (names, "[a-z]{3,8}", number, custom).prop_map(|(name, local, number, custom)| Person {
        name: name.to_owned(),
        email: format!("{local}@example.com"),
        number,
        custom,
    })
}

impl Person {
    fn known(&self) -> Vec<(MaskedField, Value)> {
        vec![
            (MaskedField::Name, json!(self.name)),
            (MaskedField::Email, json!(self.email)),
            (MaskedField::MobileNo, json!(self.number)),
            (MaskedField::CustomData, self.custom.clone()),
        ]
    }

    /// The ways in which each value is said.
    fn said(&self) -> Vec<String> {
        let number = self.number.to_string();
        let mut said = vec![
            self.name.clone(),
            self.name.to_uppercase(),
            self.email.clone(),
            self.email.to_uppercase(),
            number.clone(),
            format!("+{} {}-{}", &number[..2], &number[2..7], &number[7..]),
            format!("0{}", &number[2..]),
            number[2..].to_owned(),
        ];
        said.extend(self.name.split(' ').map(ToOwned::to_owned));
        said.extend(self.custom_texts());
        said
    }

    fn custom_texts(&self) -> Vec<String> {
        let mut texts = Vec::new();
        texts_of(&self.custom, &mut texts);
        texts
    }

    /// What is still in a text that must not be.
    fn left_in(&self, text: &str) -> Option<String> {
        let folded = |text: &str| text.to_uppercase().to_lowercase();
        let text = folded(text);
        let words: Vec<&str> = text.split(|char: char| !char.is_alphanumeric()).collect();
        let number = self.number.to_string();
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if text.contains(&folded(&self.email)) {
            return Some(self.email.clone());
        }
        if digits.contains(number.get(2..).unwrap_or_default()) {
            return Some(number);
        }
        let names = self.name.split(' ').map(folded);
        let custom = self.custom_texts();
        let mut values = names.chain(custom.iter().map(|text| folded(text)));
        values.find(|value| {
            let is_word = value.chars().all(char::is_alphanumeric);
            words.contains(&value.as_str()) || (!is_word && text.contains(value.as_str()))
        })
    }
}

/// All texts and numbers of a value.
fn texts_of(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Number(number) => texts.push(number.to_string()),
        Value::Array(list) => list.iter().for_each(|value| texts_of(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| texts_of(value, texts)),
        Value::Bool(_) | Value::Null => {}
    }
}

/// How a value of an event is written: as it is, or as JSON in a text.
#[derive(Debug, Clone, Copy)]
enum Written {
    Plain,
    InText,
    InTextTwice,
    Escaped,
}

impl Written {
    fn any() -> impl Strategy<Value = Self> {
        select(vec![
            Self::Plain,
            Self::InText,
            Self::InTextTwice,
            Self::Escaped,
        ])
    }

    fn write(self, value: &Value) -> Value {
        match self {
            Self::Plain => value.clone(),
            Self::InText => value.to_string().into(),
            Self::InTextTwice => json!(value.to_string()).to_string().into(),
            Self::Escaped => escaped(&value.to_string()).into(),
        }
    }
}

/// JSON with every character of its texts that may be escaped written as an escape.
fn escaped(json: &str) -> String {
    let (mut out, mut is_text, mut is_escape) = (String::new(), false, false);
    for char in json.chars() {
        if is_escape {
            is_escape = false;
            out.push(char);
        } else if char == '\\' {
            is_escape = true;
            out.push(char);
        } else if char == '"' {
            is_text = !is_text;
            out.push(char);
        } else if is_text && (!char.is_ascii() || "aeiou@".contains(char)) {
            let mut units = [0; 2];
            for unit in char.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(char);
        }
    }
    out
}

/// A text in which some of a user's values are said, among others.
fn sentence(person: &Person, picks: &[(usize, usize)]) -> String {
    let said = person.said();
    let around = [
        " ", "\n", "\t", ", ", "(", ") ", "\"", " – ", ": ", "/", "\\ ",
    ];
    let mut text = String::from("Hi");
    for (value, before) in picks {
        text.push_str(around[before % around.len()]);
        text.push_str(&said[value % said.len()]);
    }
    text + "!"
}

/// An event of each kind in which these texts are said.
fn event(
    name: &str,
    texts: &[String; 4],
    (body, data, details): (Written, Written, Written),
) -> Value {
    let [said, label, note, comment] = texts;
    let hsl = json!({
        "text": said, "type": "CAROUSEL",
        "data": {"items": [{"title": label, "actionables": [{
            "actionable_text": note, "type": "APP_ACTION", "uri": "LINK", "payload": {"message": comment, "n": 7},
        }]}]},
    });
    let collected =
        json!({"order_no": note, "list": [said, 5], label.as_str(): 1, "deep": {"inner": comment}});
    let data_fields = json!({
        "conversation_no": "12", "conversation_identifier": "sample-conversation", "completion_type": "agent",
        "completion_by": "Waiting for User", "direction": "to_channel", "message_id": "343",
        "received_at": "2026-11-24T10:00:00.000Z", "connection": "web", "reason": comment,
        "closing_categories": {"reason": label, "subReason": "", "comment": comment},
        "conversation_details": details.write(&collected),
    });
    json!({
        "version": "1.0", "timestamp": "2026-11-24T10:00:00.000Z", "event_name": name,
        "business_id": 343, "business_name": "Web Agent 2026",
        "user": {"auth_id": "web-agent-343", "user_id": "343", "device_platform_name": "Webhook", "note": note},
        "agent": {"id": 343, "name": "Agent Smith", "is_automated": false},
        "message": {"id": 343, "body": body.write(&hsl)},
        "follow_up_details": {"send_to": 343, "comment": comment},
        "data": data.write(&data_fields),
    })
}

/// A value with all JSON in texts read.
fn undone(value: &Value) -> Value {
    match lenient_json::unwrapped(value).into_owned() {
        Value::Array(list) => list.iter().map(undone).collect(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| (key.clone(), undone(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// The keys of an event that are not data, with where they stand.
fn keys_of(value: &Value, at: &str, keys: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let at = format!("{at}/{key}");
                if !at.contains("/conversation_details/") {
                    keys.push(at.clone());
                }
                keys_of(value, &at, keys);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| keys_of(value, at, keys)),
        _ => {}
    }
}

/// Takes what is of Haptik's making out of an event, as it is in every event here.
fn without_own(event: &mut Value) -> Value {
    let own = [
        (
            "",
            [
                "version",
                "timestamp",
                "event_name",
                "business_id",
                "business_name",
                "agent",
            ]
            .as_slice(),
        ),
        ("/user", &["auth_id", "user_id", "device_platform_name"]),
        ("/message", &["id"]),
        ("/message/body", &["type"]),
        ("/message/body/data/items/0/actionables/0", &["type", "uri"]),
        ("/follow_up_details", &["send_to"]),
        (
            "/data",
            &[
                "conversation_no",
                "conversation_identifier",
                "completion_type",
                "completion_by",
                "direction",
                "message_id",
                "received_at",
                "connection",
            ],
        ),
    ];
    let mut taken = Map::new();
    for (pointer, keys) in own {
        let fields = event.pointer_mut(pointer).and_then(Value::as_object_mut);
        let fields = fields.expect("an object");
        for key in keys {
            let value = fields.remove(*key).expect("a value");
            taken.insert(format!("{pointer}/{key}"), value);
        }
    }
    Value::Object(taken)
}

/// All texts that a receiver reads: with keys that are data.
fn read_of(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.values().for_each(|value| read_of(value, all)),
        Value::Array(list) => list.iter().for_each(|value| read_of(value, all)),
        other => texts_of(other, all),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_masked_event_is_the_same_event_and_says_nothing_of_the_user(
        person in person(),
        name in select(vec![
            "message", "chat_pinned", "chat_complete", "webhook_conversation_complete", "rating", "message_failed",
            "unknown_to_us",
        ]),
        picks in prop::collection::vec(prop::collection::vec((any::<usize>(), any::<usize>()), 1..5), 4),
        written in (Written::any(), Written::any(), Written::any()),
    ) {
        let texts = [0, 1, 2, 3].map(|at| sentence(&person, &picks[at]));
        let event = event(name, &texts, written);
        let found = masked_besides(&event, &all(), &person.known());

        let read = |event: &Value| Event::read(event.to_string().as_bytes()).expect("an event");
        let (before, after) = (read(&event), read(&found));
        prop_assert_eq!(after.key(b"body"), before.key(b"body"));
        prop_assert_eq!(after.kind, before.kind);
        prop_assert_eq!(after.business_id, before.business_id);
        prop_assert_eq!(after.auth_id, before.auth_id);
        prop_assert_eq!(after.sender, before.sender);

        let (mut event, mut found) = (undone(&event), undone(&found));
        let (mut keys_before, mut keys_after) = (Vec::new(), Vec::new());
        keys_of(&event, "", &mut keys_before);
        keys_of(&found, "", &mut keys_after);
        prop_assert_eq!(keys_after, keys_before);
        prop_assert_eq!(without_own(&mut found), without_own(&mut event));

        let details = |event: &Value| event["data"]["conversation_details"].as_object().cloned().expect("data");
        prop_assert_eq!(details(&found).len(), details(&event).len());
        let mut texts: Vec<String> = details(&found).keys().cloned().collect();
        read_of(&found, &mut texts);
        for text in texts {
            prop_assert_eq!(person.left_in(&text), None, "in {:?}", text);
        }
    }
}
