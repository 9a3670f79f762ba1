use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn sample(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/google_chat/samples");
    fs::read(folder.join(name).with_extension("json")).expect("a sample")
}

fn said_in(name: &str) -> UserEvent<Message> {
    match read(&sample(name)) {
        Read::Message(user_event) => *user_event,
        other => panic!("{name}: {other:?}"),
    }
}

fn tapped_in(name: &str) -> UserEvent<Tap> {
    match read(&sample(name)) {
        Read::Tapped(user_event) => *user_event,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn what_is_said_is_for_the_bot_without_its_mention() {
    for (name, text) in [
        ("addon_direct", "Thanks!"),
        ("app_direct", "Thanks!"),
        ("addon_mention", "Hello"),
        ("app_mention", "Hello"),
        ("app_added_by_mention", "Hello"),
        ("addon_thread_reply", "and now?"),
        ("addon_mention_only", "Hi"),
        ("addon_command", "/order 5"),
        ("app_slash_command", "/help"),
        ("addon_quick_command", "Hi"),
        ("addon_file", ""),
        ("addon_drive_file", "see this"),
    ] {
        let user_event = said_in(name);
        assert_eq!(user_event.action.text, text, "{name}");
        assert_eq!(user_event.user, "1001", "{name}");
        assert_eq!(
            user_event.profile.email.as_deref(),
            Some("t@example.com"),
            "{name}"
        );
        assert_eq!(
            user_event.profile.name.as_deref(),
            Some("Test User"),
            "{name}"
        );
    }
}

#[test]
fn a_space_is_answered_in_its_thread_and_a_direct_message_as_a_whole() {
    let thread = |name: &str| said_in(name).place.thread;
    assert_eq!(thread("addon_direct"), None);
    assert_eq!(thread("addon_quick_command"), None);
    let first = Some("spaces/AAQ/threads/FGE".to_owned());
    assert_eq!(thread("addon_mention"), first);
    assert_eq!(thread("addon_thread_reply"), first);
    assert_eq!(
        tapped_in("addon_tap").place.thread.as_deref(),
        Some("spaces/AAQ/threads/A6w")
    );
}

#[test]
fn both_dialects_say_the_same_of_a_message() {
    for (add_on, app) in [
        ("addon_direct", "app_direct"),
        ("addon_mention", "app_mention"),
    ] {
        let (add_on, app) = (said_in(add_on), said_in(app));
        assert_eq!(add_on.key, app.key);
        assert_eq!(add_on.action, app.action);
        assert_eq!(add_on.place, app.place);
    }
    let language = |name: &str| said_in(name).profile.language_code;
    assert_eq!(language("addon_direct").as_deref(), Some("en"));
    assert_eq!(language("app_direct").as_deref(), Some("de"));
}

#[test]
fn a_file_is_kept_by_its_resource_and_never_by_its_address() {
    let [file] = &said_in("addon_file").action.files[..] else {
        panic!("one file");
    };
    assert_eq!(file.id.as_deref(), Some("ClxzcGFjZXMvakxR"));
    assert_eq!((file.url.as_str(), file.name.as_str()), ("", "bill.pdf"));
    let drive = said_in("addon_drive_file").action.files.remove(0);
    assert_eq!(drive.id, None);
    assert_eq!(drive.url, "https://drive.google.com/file/d/1AbC-_/view");
    let gif = said_in("addon_gif").action.files.remove(0);
    assert_eq!(gif.url, "https://media.tenor.example/x.gif");
}

#[test]
fn a_tap_is_what_the_button_carries_and_is_known_by_all_that_it_says() {
    for name in ["addon_tap", "app_tap", "app_tap_before_common"] {
        let tap = tapped_in(name);
        assert_eq!(tap.action.data, "1ASNFZ4mrze8BI0VniavN7wAL6XCxW8Jxzm2");
        assert_eq!(tap.user, "1001");
        assert_eq!(tapped_in(name).key, tap.key);
    }
    let form = tapped_in("addon_form");
    assert_eq!(form.action.inputs["f0"]["stringInputs"]["value"][0], "Ann");
    let mut other: Value = serde_json::from_slice(&sample("addon_form")).expect("JSON");
    other["commonEventObject"]["formInputs"]["f0"]["stringInputs"]["value"][0] = "Bob".into();
    let Read::Tapped(other) = read(other.to_string().as_bytes()) else {
        panic!("a tap");
    };
    assert_ne!(other.key, form.key);
}

#[test]
fn being_added_without_a_word_is_welcomed_once() {
    for name in ["addon_added", "app_added"] {
        assert!(matches!(read(&sample(name)), Read::Added(_)), "{name}");
    }
    // What was said comes with an event of its own.
    assert_eq!(read(&sample("addon_added_by_mention")), Read::Nothing);
}

#[test]
fn what_is_not_for_the_bot_is_nothing_and_what_is_no_event_is_kept() {
    for name in [
        "addon_removed",
        "app_removed",
        "app_home",
        "addon_unknown",
        "addon_bot",
        "addon_link_preview",
        "app_tap_of_another",
    ] {
        assert_eq!(read(&sample(name)), Read::Nothing, "{name}");
    }
    for odd in [
        "",
        "[]",
        "7",
        "{}",
        "{\"chat\":7}",
        "{\"type\":7,\"chat\":[]}",
    ] {
        let kept = read(odd.as_bytes());
        assert!(matches!(kept, Read::Odd(_) | Read::Nothing), "{odd}");
    }
    assert!(matches!(read(&sample("neither")), Read::Odd(_)));
}

#[test]
fn a_name_that_leads_elsewhere_is_none() {
    assert!(is_name("spaces/AAQ/messages/a.b", "messages"));
    for odd in [
        "",
        "spaces/AAQ",
        "spaces/AAQ/messages",
        "spaces/AAQ/messages/..",
        "spaces/../messages/a",
        "spaces/AAQ/messages/a/b",
        "spaces/AAQ/messages/a?b",
        "spaces/A%2fQ/messages/a",
        "spaces/AAQ/threads/a",
    ] {
        assert!(!is_name(odd, "messages"), "{odd}");
    }
    let mut odd: Value = serde_json::from_slice(&sample("addon_direct")).expect("JSON");
    odd["chat"]["messagePayload"]["space"]["name"] = "spaces/../../token".into();
    assert!(matches!(read(odd.to_string().as_bytes()), Read::Odd(_)));
}

#[test]
fn nothing_that_is_said_is_in_a_debug() {
    let user_event = format!("{:?} {:?}", said_in("app_direct"), tapped_in("addon_form"));
    assert!(
        !user_event.contains("Thanks") && !user_event.contains("Ann"),
        "{user_event}"
    );
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
    /// Whatever is left out of an event or is of another kind, reading it ends.
    #[test]
    fn an_event_with_something_else_in_any_place_is_read(
        name in prop_oneof![Just("addon_mention"), Just("app_tap"), Just("addon_form"), Just("addon_file")],
        place in any::<prop::sample::Index>(),
        other in prop_oneof![Just(Value::Null), Just(json!(7)), Just(json!([])), Just(json!({})), Just(json!("x"))],
    ) {
        let mut event: Value = serde_json::from_slice(&sample(name)).expect("JSON");
        let mut places = Vec::new();
        collect(&event, "", &mut places);
        let at = places[place.index(places.len())].clone();
        *event.pointer_mut(&at).expect("a place") = other;
        let _ = read(event.to_string().as_bytes());
    }
}
