use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn sample(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/teams/samples");
    let text = fs::read(folder.join(name).with_extension("json")).expect("a sample");
    serde_json::from_slice(&text).expect("JSON")
}

fn said_in(name: &str) -> Deed<Message> {
    match read(&sample(name), true) {
        Read::Said(deed) => *deed,
        other => panic!("{name}: {other:?}"),
    }
}

fn tapped_in(name: &str) -> Deed<Tap> {
    match read(&sample(name), true) {
        Read::Tapped(deed) => *deed,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn what_is_said_is_for_the_bot_without_its_mention() {
    for (name, text) in [
        ("direct", "hello & thanks"),
        ("mention", "where is my order, @Ann?"),
        ("mention_only", "Hi"),
        ("quoted", "yes & please"),
        ("file", ""),
        ("picture", ""),
        ("edited", "Edited message: new text"),
        ("deleted", "Deleted a message."),
        ("undeleted", "Restored message: new text"),
    ] {
        let deed = said_in(name);
        assert_eq!(deed.action.text, text, "{name}");
        assert_eq!(deed.user, "00000000-1111-2222-3333-444444444444");
        assert_eq!(deed.profile.name.as_deref(), Some("Test User"));
        assert_eq!(deed.profile.language_code.as_deref(), Some("en"));
    }
}

#[test]
fn what_is_quoted_is_not_said() {
    let quote = "<quoted messageId=\"1772050244572\"/>";
    let mut quoted = sample("quoted");
    for (text, said) in [
        (format!("{quote} yes {quote}"), "yes"),
        (quote.to_owned(), START),
        (
            format!("{quote} &lt;quoted messageId=\"1\"/&gt;"),
            "<quoted messageId=\"1\"/>",
        ),
        ("yes <quoted".to_owned(), "yes <quoted"),
    ] {
        quoted["text"] = text.into();
        let Read::Said(deed) = read(&quoted, true) else {
            panic!("a message");
        };
        assert_eq!(deed.action.text, said);
    }
    let mut edited = sample("edited");
    edited["text"] = format!("{quote} new").into();
    edited["entities"] = quoted["entities"].clone();
    let Read::Said(deed) = read(&edited, true) else {
        panic!("an edit");
    };
    assert_eq!(deed.action.text, "Edited message: new");
    // Without the entity it is what somebody wrote.
    quoted["text"] = quote.into();
    quoted["entities"] = json!([]);
    let Read::Said(deed) = read(&quoted, true) else {
        panic!("a message");
    };
    assert_eq!(deed.action.text, quote);
}

#[test]
fn an_edit_that_says_nothing_any_more_is_not_told() {
    let mut edited = sample("edited");
    for nothing in ["", " \u{200b}"] {
        edited["text"] = nothing.into();
        assert_eq!(read(&edited, true), Read::Nothing, "{nothing:?}");
    }
}

#[test]
fn a_channel_is_answered_in_its_thread_and_a_personal_chat_as_a_whole() {
    let thread = said_in("mention").place;
    assert_eq!(
        thread.thread(),
        Some("19:d441@thread.tacv2;messageid=1767326000000")
    );
    assert_eq!(said_in("direct").place.thread(), None);
}

#[test]
fn a_file_is_a_file_and_the_text_as_html_is_none() {
    assert_eq!(said_in("direct").action.files, []);
    let [file] = &said_in("file").action.files[..] else {
        panic!("one file");
    };
    assert_eq!(file.name, "a.pdf");
    // What opens it is not what people are shown.
    let place = "https://contoso.sharepoint.com/download?tempauth=x";
    assert_eq!(file.id.as_deref(), Some(place));
    assert!(!file.url.contains("tempauth") && !file.url.is_empty());
    let [picture] = &said_in("picture").action.files[..] else {
        panic!("one picture");
    };
    assert!(picture.id.is_some() && picture.url.is_empty());
    let mut of_channel = sample("mention");
    of_channel["attachments"] = json!([
        {"contentType": "reference", "name": "b.pdf", "contentUrl": "https://contoso.sharepoint.com/b.pdf"},
        {"contentType": "application/vnd.microsoft.card.adaptive", "content": {}},
        {"contentType": "application/vnd.microsoft.teams.file.download.info"},
        {"contentType": "image/png"},
    ]);
    let Read::Said(deed) = read(&of_channel, true) else {
        panic!("a message");
    };
    let [file] = &deed.action.files[..] else {
        panic!("one file");
    };
    assert_eq!((file.id.as_deref(), file.name.as_str()), (None, "b.pdf"));
}

#[test]
fn a_tap_is_what_the_button_carries() {
    let tap = tapped_in("tap");
    assert_eq!(tap.action.message.as_deref(), Some("1767326111492"));
    assert_eq!(tap.action.submitted.used, Some(("Yes".to_owned(), 0)));
    assert_eq!(tap.action.invoke, None);
    assert_eq!(tapped_in("execute").action.invoke, Some(Invoke::Card));
    let mut task = sample("task");
    assert_eq!(read(&task, true), Read::Foreign(Invoke::Task));
    task["value"] = json!({"data": sample("tap")["value"]});
    let Read::Tapped(tap) = read(&task, true) else {
        panic!("a tap");
    };
    assert_eq!(tap.action.invoke, Some(Invoke::Task));
    let mut foreign = sample("execute");
    foreign["value"]["action"]["data"] = json!({"k": "of another bot"});
    assert_eq!(read(&foreign, true), Read::Foreign(Invoke::Card));
    let form = tapped_in("form").action.submitted;
    assert_eq!(
        form.inputs,
        json!({"f0": "Ann", "f3": "2026-03-01", "f5": "0,1"})
    );
}

#[test]
fn being_added_is_welcomed_once() {
    let added = |activity: &Value| match read(activity, true) {
        Read::Added(deed) => deed.key,
        other => panic!("{other:?}"),
    };
    let (first, mut installed) = (added(&sample("added")), sample("installed"));
    assert_eq!(first, added(&installed));
    // It was removed, and is added once more.
    installed["timestamp"] = "2026-01-03T04:54:51.2201234Z".into();
    assert_ne!(first, added(&installed));
    installed["action"] = "remove".into();
    assert_eq!(read(&installed, true), Read::Nothing);
    for name in ["other_added", "removed"] {
        assert_eq!(read(&sample(name), true), Read::Nothing, "{name}");
    }
}

#[test]
fn what_is_not_for_the_bot_is_nothing() {
    for name in ["not_mentioned", "bot", "reaction", "typing", "file_consent"] {
        assert_eq!(read(&sample(name), true), Read::Nothing, "{name}");
    }
    assert_eq!(read(&sample("edited"), false), Read::Nothing);
    assert_eq!(read(&sample("deleted"), false), Read::Nothing);
    let mut unknown = sample("task");
    unknown["name"] = "composeExtension/query".into();
    assert_eq!(read(&unknown, true), Read::UnknownInvoke);
    assert_eq!(read(&sample("undeleted"), false), Read::Nothing);
    assert!(matches!(
        read(&json!({}), true),
        Read::Odd(_) | Read::Nothing
    ));
}

#[test]
fn a_language_and_a_time_zone_are_those_of_the_client_where_the_activity_says_none() {
    let mut activity = sample("mention");
    for key in ["locale", "localTimezone"] {
        activity[key] = Value::Null;
    }
    activity["entities"]
        .as_array_mut()
        .expect("entities")
        .push(json!({"type": "clientInfo", "locale": "de-DE", "timezone": "Europe/Berlin"}));
    let entities = activity["entities"].as_array_mut().expect("entities");
    let at = entities
        .iter()
        .position(|entity| entity["type"] == "clientInfo");
    entities.swap_remove(at.expect("a client"));
    let profile = profile(&activity);
    assert_eq!(profile.language_code.as_deref(), Some("de"));
    assert_eq!(profile.custom_data["time_zone"], "Europe/Berlin");
}

#[test]
fn an_edit_is_told_apart_from_its_message() {
    let mut edited = sample("edited");
    edited["timestamp"] = sample("direct")["timestamp"].clone();
    let Read::Said(edited) = read(&edited, true) else {
        panic!("an edit");
    };
    assert_ne!(edited.key, said_in("direct").key);
}

#[test]
fn nothing_that_is_said_is_in_a_debug() {
    let deed = format!("{:?} {:?}", said_in("direct"), tapped_in("form"));
    assert!(!deed.contains("thanks") && !deed.contains("Ann"), "{deed}");
}

/// The places of a value, as JSON pointers.
fn collect(value: &Value, at: &str, places: &mut Vec<String>) {
    places.push(at.to_owned());
    match value {
        Value::Object(object) => object
            .iter()
            .for_each(|(key, value)| collect(value, &format!("{at}/{key}"), places)),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(key, value)| collect(value, &format!("{at}/{key}"), places)),
        _ => {}
    }
}

proptest! {
    /// Whatever is left out of an activity or is of another kind, reading it ends.
    #[test]
    fn an_activity_with_something_else_in_any_place_is_read(
        name in prop_oneof![Just("mention"), Just("tap"), Just("form"), Just("file"), Just("execute")],
        place in any::<prop::sample::Index>(),
        other in prop_oneof![Just(Value::Null), Just(json!(7)), Just(json!([])), Just(json!({})), Just(json!("x"))],
    ) {
        let mut activity = sample(name);
        let mut places = Vec::new();
        collect(&activity, "", &mut places);
        let at = places[place.index(places.len())].clone();
        *activity.pointer_mut(&at).expect("a place") = other;
        let _ = read(&activity, true);
    }
}
