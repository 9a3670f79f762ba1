use proptest::prelude::*;
use serde_json::json;

use super::*;

fn deed(body: &str) -> Deed {
    match read(body.as_bytes()) {
        Read::Done(deed) => *deed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_in_the_direct_room_is_answered_there() {
    let deed = deed(include_str!("../samples/message.json"));
    assert_eq!(deed.what, What::Said("Y2lzMSG".to_owned()));
    assert_eq!(deed.place, Place::room("Y2lzROOM".to_owned()));
    assert_eq!(deed.user, "Y2lzUSER");
    assert_eq!(deed.email.as_deref(), Some("t@example.com"));
    assert_eq!(deed.at.to_string(), "2026-01-02T03:04:05.678Z");
}

#[test]
fn among_others_it_is_answered_in_a_thread() {
    let first = deed(include_str!("../samples/message_group.json"));
    assert_eq!(first.place.parent.as_deref(), Some("Y2lzMSG2"));
    let reply = deed(include_str!("../samples/message_reply.json"));
    assert_eq!(reply.place.parent.as_deref(), Some("Y2lzMSG2"));
}

#[test]
fn what_is_sent_by_a_card_is_answered_beside_it() {
    let deed = deed(include_str!("../samples/attachment_action.json"));
    assert_eq!(deed.what, What::Submitted("Y2lzACT".to_owned()));
    assert_eq!(deed.place.beside.as_deref(), Some("Y2lzBOTMSG"));
}

#[test]
fn who_adds_the_bot_is_known_and_who_adds_another_person_is_nobody() {
    let added = deed(include_str!("../samples/membership_bot.json"));
    assert_eq!(added.what, What::Added("Y2lzBOT".to_owned()));
    assert_eq!(added.user, "Y2lzUSER");
    let other = include_str!("../samples/membership_person.json");
    assert_eq!(read(other.as_bytes()), Read::Nothing);
}

#[test]
fn edits_and_deletions_have_keys_of_their_own() {
    let said = deed(include_str!("../samples/message.json"));
    let edited = deed(include_str!("../samples/message_updated.json"));
    let deleted = deed(include_str!("../samples/message_deleted.json"));
    assert_eq!(edited.what, What::Edited("Y2lzMSG".to_owned()));
    assert_eq!(deleted.what, What::Deleted);
    // Both stay where the message was said.
    assert_eq!((&edited.place, &deleted.place), (&said.place, &said.place));
    assert!(said.key < edited.key && said.key < deleted.key && edited.key != deleted.key);
}

#[test]
fn what_bots_say_is_for_nobody() {
    let own = include_str!("../samples/message_own.json");
    assert_eq!(read(own.as_bytes()), Read::Nothing);
    let mut other: Value = serde_json::from_str(own).expect("JSON");
    other["createdBy"] = "Y2lzELSE".into();
    assert_eq!(read(other.to_string().as_bytes()), Read::Nothing);
}

#[test]
fn what_is_new_is_unknown_and_what_is_odd_is_odd() {
    let new = json!({"resource": "meetings", "event": "started", "data": {"id": "a"}});
    let expected = Read::Unknown("meetings/started".to_owned());
    assert_eq!(read(new.to_string().as_bytes()), expected);
    for odd in [
        json!(null),
        json!({"resource": "messages", "event": "created"}),
        json!({"resource": "messages", "event": "created", "data": {}}),
        json!({"resource": "messages", "event": "created", "data": {
            "id": "../people/me", "roomId": "r", "personId": "p", "created": "2026-01-02T03:04:05.678Z",
        }}),
        json!({"resource": "messages", "event": "created", "data": {"id": "m", "roomId": "r", "personId": "p"}}),
    ] {
        let read = read(odd.to_string().as_bytes());
        assert!(matches!(read, Read::Odd(_)), "{odd} {read:?}");
    }
    assert!(matches!(read(b"{"), Read::Odd(_) | Read::Nothing));
}

proptest! {
    #[test]
    fn any_id_that_is_kept_is_one_part_of_an_address(id in "\\PC{0,20}", room in "\\PC{0,20}") {
        let hook = json!({"resource": "messages", "event": "created", "data": {
            "id": id, "roomId": room, "personId": "p", "created": "2026-01-02T03:04:05.678Z",
        }});
        if let Read::Done(deed) = read(hook.to_string().as_bytes()) {
            prop_assert!(is_id(&deed.place.room) && deed.what == What::Said(id.clone()));
            prop_assert!(!id.contains(['/', '.', '?', '#', '%']));
        }
    }

    #[test]
    fn any_bytes_are_read_somehow(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&body);
    }
}
