use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;
use serde_json::json;

fn me(name: Option<&str>) -> Me {
    Me {
        id: 123_456_789,
        name: name.map(ToOwned::to_owned),
    }
}

fn knowing() -> Me {
    me(Some("acme_support_bot"))
}

/// The samples: updates as the Bot API's schema has them, by the names of their files.
fn samples() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/telegram/samples");
    let files = fs::read_dir(folder).expect("the folder of the samples");
    let read = files.map(|file| {
        let path = file.expect("a file").path();
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&path).expect("a sample");
        (name, serde_json::from_str(&text).expect("JSON"))
    });
    read.collect()
}

fn sample(name: &str) -> Value {
    samples().remove(name).expect("a sample of this name")
}

fn read_it(update: &Value, me: &Me) -> Update {
    read(update.to_string().as_bytes(), me, true)
}

/// An update in one line.
fn in_short(update: &Update) -> String {
    let place = |chat: &Chat, thread: &Option<String>| {
        let topic = chat
            .topic
            .map(|topic| format!("/{topic}"))
            .unwrap_or_default();
        let reply = chat
            .reply_to
            .map(|id| format!(" re {id}"))
            .unwrap_or_default();
        let thread = thread.as_ref().map(|_| " in a thread").unwrap_or_default();
        format!("{}{topic}{reply}{thread}", chat.id)
    };
    match update {
        Update::Nothing => "nothing".to_owned(),
        Update::NameNeeded => "the name is needed".to_owned(),
        Update::Odd(why) => format!("odd: {why}"),
        Update::Message(user_event) => {
            let file = user_event.action.file.as_ref().map(|file| {
                let size = file.size.unwrap_or_default();
                format!(
                    " + {} {} {size} {}",
                    file.name,
                    file.mime_type,
                    file.id.as_deref().unwrap_or("?")
                )
            });
            let at = place(&user_event.chat, &user_event.thread);
            format!(
                "{} at {at}: {:?}{}",
                user_event.user,
                user_event.action.text,
                file.unwrap_or_default()
            )
        }
        Update::Tapped(user_event) => {
            let Tap {
                message,
                label,
                data,
                ..
            } = &user_event.action;
            let at = place(&user_event.chat, &user_event.thread);
            format!(
                "{} at {at} taps {message:?} {label:?} {data}",
                user_event.user
            )
        }
    }
}

#[test]
fn each_sample_is_read_as_what_the_user_did() {
    let read: BTreeMap<String, String> = samples()
        .iter()
        .map(|(name, update)| (name.clone(), in_short(&read_it(update, &knowing()))))
        .collect();
    insta::assert_json_snapshot!(read);
}

#[test]
fn keys_are_the_same_on_every_delivery_and_sort_by_time() {
    let key = |update: &Value| match read_it(update, &knowing()) {
        Update::Message(user_event) => user_event.key,
        Update::Tapped(user_event) => user_event.key,
        other => panic!("{other:?}"),
    };
    let at = |date: i64, id: i64| {
        let mut update = sample("text");
        update["message"]["date"] = json!(date);
        update["message"]["message_id"] = json!(id);
        key(&update)
    };
    assert_eq!(at(1_795_530_041, 7), at(1_795_530_041, 7));
    // Within a second, by number.
    assert!(at(1_795_530_041, 9) < at(1_795_530_041, 10));
    assert!(at(1_795_530_041, 999_999) < at(1_795_530_042, 1_000_001));
    // A tap stands between the message that was tapped and what was said after that.
    let tap = sample("tap");
    assert!(at(1_795_530_031, 30) < key(&tap) && key(&tap) < at(1_795_530_031, 32));
    let mut second = tap.clone();
    second["callback_query"]["id"] = json!("4382000000000000990");
    assert_ne!(key(&tap), key(&second));
    // An edit that changed nothing for the bot is the last one over again, in another update.
    let edited = sample("edited");
    let mut again = edited.clone();
    again["update_id"] = json!(715_000_991);
    assert_eq!(key(&edited), key(&again));
    again["edited_message"]["edit_date"] = json!(1_795_530_100);
    assert!(key(&edited) < key(&again));
}

#[test]
fn edits_are_told_only_where_the_connection_says_so() {
    let edited = sample("edited").to_string();
    assert_eq!(read(edited.as_bytes(), &knowing(), false), Update::Nothing);
}

/// An edit of the sample in which some fields of the message are others.
fn edited_as(change: impl FnOnce(&mut Value)) -> Value {
    let mut update = sample("edited");
    change(&mut update["edited_message"]);
    update
}

#[test]
fn an_edit_that_says_nothing_in_words_is_not_told() {
    let mention = json!([{"type": "mention", "offset": 0, "length": 17}]);
    let photo = json!([{"file_id": "F", "file_unique_id": "f", "width": 1, "height": 1}]);
    let place = json!({"latitude": 12.9, "longitude": 77.5});
    let mut live = place.clone();
    live["live_period"] = json!(900);
    for (name, fields) in [
        ("a live location", json!({"location": live})),
        ("the end of one", json!({"location": place})),
        ("another photo", json!({"photo": photo})),
        (
            "no caption any more",
            json!({"photo": photo, "caption": ""}),
        ),
        (
            "a mention alone",
            json!({"text": "@acme_support_bot", "entities": mention}),
        ),
    ] {
        let update = edited_as(|message| {
            message["text"] = Value::Null;
            for (key, value) in fields.as_object().expect("fields") {
                message[key] = value.clone();
            }
        });
        assert_eq!(read_it(&update, &knowing()), Update::Nothing, "{name}");
    }
    let update = edited_as(|message| {
        message["text"] = Value::Null;
        message["photo"] = photo;
        message["caption"] = json!("The bill");
    });
    assert_eq!(
        in_short(&read_it(&update, &knowing())),
        "7000000001 at 7000000001: \"Edited message: The bill\""
    );
}

#[test]
fn two_edits_of_one_second_are_two() {
    let key = |text: &str| {
        let update = edited_as(|message| message["text"] = json!(text));
        match read_it(&update, &knowing()) {
            Update::Message(user_event) => user_event.key,
            other => panic!("{other:?}"),
        }
    };
    assert_ne!(key("Where is my order 42?"), key("Where is my order 43?"));
    assert_eq!(key("Where is my order 42?"), key("Where is my order 42?"));
}

#[test]
fn in_a_private_chat_too_the_bots_own_name_is_no_part_of_what_is_said() {
    let mut update = sample("group_mention");
    update["message"]["chat"] = json!({"id": 7_000_000_001_i64, "type": "private"});
    assert_eq!(read_it(&update, &me(None)), Update::NameNeeded);
    assert_eq!(
        in_short(&read_it(&update, &knowing())),
        "7000000001 at 7000000001: \"🙂🙂 where is it?\""
    );
}

#[test]
fn the_bots_name_is_asked_for_only_where_it_matters() {
    for (name, asked) in [
        ("group_mention", true),
        ("group_mention_of_another", true),
        ("group_command_to_another", true),
        ("group_text_mention", false),
        ("group_reply", false),
        ("group_talk", false),
        ("text", false),
        ("start", false),
        ("from_bot", false),
        ("tap_group", false),
    ] {
        let read = read_it(&sample(name), &me(None));
        assert_eq!(read == Update::NameNeeded, asked, "{name}: {read:?}");
    }
}

#[test]
fn what_is_known_of_a_user_comes_with_each_message() {
    let profile = |name| match read_it(&sample(name), &knowing()) {
        Update::Message(user_event) => user_event.profile,
        other => panic!("{other:?}"),
    };
    let asha = profile("contact_own");
    assert_eq!(asha.name.as_deref(), Some("Asha Rao"));
    assert_eq!(asha.language_code.as_deref(), Some("en"));
    assert_eq!(asha.mobile_no.as_deref(), Some("911234567890"));
    assert_eq!(asha.custom_data["telegram_username"], "asha_rao");
    // Anybody's contact can be shared.
    assert_eq!(profile("contact_of_another").mobile_no, None);
}

#[test]
fn a_body_that_is_no_update_is_odd_and_nothing_breaks() {
    for body in [
        "",
        "[]",
        "1",
        "{",
        "{}",
        "{\"message\":{}}",
        "{\"update_id\":1,\"message\":{}}",
    ] {
        let read = read(body.as_bytes(), &knowing(), true);
        assert!(matches!(read, Update::Odd(_)), "{body} {read:?}");
    }
    // Every field of every sample left out, or of another kind.
    for (name, update) in samples() {
        for path in paths(&update, "") {
            for other in [
                Value::Null,
                json!("x"),
                json!(-1),
                json!([[]]),
                json!({"text": {}}),
            ] {
                let mut changed = update.clone();
                *changed.pointer_mut(&path).expect("a path of it") = other;
                let _ = read_it(&changed, &knowing());
            }
        }
        let _ = name;
    }
}

/// All places in a JSON value.
fn paths(value: &Value, at: &str) -> Vec<String> {
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (format!("{at}/{key}"), value))
            .collect(),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .map(|(index, value)| (format!("{at}/{index}"), value))
                .collect()
        }
        _ => Vec::new(),
    };
    inside
        .into_iter()
        .flat_map(|(path, value)| [vec![path.clone()], paths(value, &path)].concat())
        .collect()
}
