use super::*;
use proptest::prelude::*;
use serde_json::json;

use haptik_bridge_shared::message::hsl::{Effect, Hsl};

fn reference() -> Reference {
    Reference {
        auth_id: "0123456789abcdef0123456789abcdef".into(),
        key: "00000000000001982371#message".into(),
    }
}

fn says(message: &str, index: usize) -> Tap {
    Tap::Say {
        index,
        message: message.to_owned(),
        gogo_message: String::new(),
    }
}

#[test]
fn a_button_names_its_message_and_its_place_in_38_bytes() {
    let room = Size::bytes(38);
    let data = write(&reference(), &says("Yes", 0), room).expect("it fits");
    assert_eq!(data, "1ASNFZ4mrze8BI0VniavN7wAL6XCxW8Jxzm0");
    let last = write(&reference(), &says("Yes", LAST_INDEX), room).expect("it fits");
    assert_eq!((last.len(), last.ends_with("zz")), (37, true));
    assert_eq!(
        write(&reference(), &says("Yes", LAST_INDEX + 1), room),
        None
    );
    assert_eq!(write(&reference(), &says("Yes", 0), Size::bytes(35)), None);
}

#[test]
fn the_text_is_carried_where_there_is_room_for_it() {
    let tap = Tap::Say {
        index: 40,
        message: "Yes{task}".to_owned(),
        gogo_message: "go".to_owned(),
    };
    let data = write(&reference(), &tap, Size::bytes(512)).expect("it fits");
    let meaning = read(&data).expect("ours").meaning;
    let text = Some(tap);
    assert_eq!(meaning, Meaning::Say { index: 40, text });
    // What is too long is looked up.
    let long = write(&reference(), &says(&"x".repeat(500), 1), Size::bytes(512));
    assert_eq!(long.map(|data| data.len()), Some(36));
}

#[test]
fn what_tapping_an_actionable_says_is_what_its_effect_sends() {
    for payload in [
        json!({"message": "Hi{x}"}),
        json!({"message": "Hi", "gogo_message": "go"}),
        json!({"gogo_message": "go"}),
        json!({}),
    ] {
        let item = json!({"actionable_text": "Tap", "payload": payload});
        let hsl = Hsl::read(&json!({"type": "BUTTON", "data": {"items": [item]}}));
        let actionable = hsl.actionables().next().expect("one");
        let Effect::Say(said) = actionable.effect() else {
            panic!("it says something")
        };
        assert_eq!(Tap::say(0, actionable, &said).sent(), said.sent);
    }
}

#[test]
fn what_is_not_ours_is_not_read() {
    let ours = write(&reference(), &says("Yes", 7), Size::bytes(64)).expect("it fits");
    for data in [
        String::new(),
        "1".to_owned(),
        "{\"m\":\"Yes\"}".to_owned(),
        ours.replacen('1', "3", 1),
        format!("{ours}11"),
        ours[..ours.len() - 1].to_owned(),
        format!("{}-", &ours[..35]),
        format!("{}07", &ours[..35]),
        "é".repeat(30),
    ] {
        assert_eq!(read(&data), None, "{data}");
    }
}

proptest! {
    #[test]
    fn what_a_button_carries_comes_back_for_its_message_and_for_no_other(
        auth_id in "[0-9a-f]{32}|[a-zA-Z0-9.@_-]{1,40}", key in "[0-9]{3,20}#[a-z#]{0,9}",
        index in 0..=LAST_INDEX, rating in 1..=5_u8,
    ) {
        let reference = Reference { auth_id: auth_id.as_str().into(), key: key.as_str().into() };
        for (tap, meaning) in [
            (says("Yes", index), Meaning::Say { index, text: None }),
            (Tap::Rate { index, rating }, Meaning::Rate(rating)),
            (Tap::Fill, Meaning::Fill),
        ] {
            let data = write(&reference, &tap, Size::bytes(64)).expect("it fits");
            prop_assert!(data.len() <= 38, "{data}");
            let tapped = read(&data).expect("ours");
            prop_assert_eq!(&tapped.meaning, &meaning);
            prop_assert!(tapped.is_for(&reference.auth_id) && tapped.is_of(&reference.key));
            let (other, another) = (format!("{auth_id}0").into(), format!("{key}0").into());
            prop_assert!(!tapped.is_for(&other) && !tapped.is_of(&another));
            if let Some(named) = tapped.auth_id() {
                prop_assert_eq!(named, &reference.auth_id);
            }
        }
    }

    #[test]
    fn anything_can_be_read(data in "\\PC{0,60}|[12A-Fa-f][A-Za-z0-9_-]{34,36}(\\.\\PC{0,9})?") {
        let _ = read(&data);
    }
}
