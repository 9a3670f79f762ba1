use proptest::prelude::*;

use super::*;

fn message(body: &str) -> Message {
    match read(body.as_bytes()) {
        Read::Said(message) => *message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_text_is_said_by_the_number_that_it_came_from() {
    let said = message(include_str!("../samples/text.form"));
    assert_eq!(said.id, "SM00000000000000000000000000000001");
    assert_eq!(said.user, "+15551234567");
    assert_eq!(said.text, "Where is my order? ✓");
    assert_eq!(said.consent, None);
    assert_eq!(said.profile.mobile_no.as_deref(), Some("+15551234567"));
    assert!(said.files.is_empty());
}

#[test]
fn the_same_in_json_is_the_same() {
    let form = include_str!("../samples/text.form");
    let fields: serde_json::Map<String, Value> = form_urlencoded::parse(form.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
        .collect();
    let json = Value::Object(fields).to_string();
    assert_eq!(read(json.as_bytes()), read(form.as_bytes()));
}

#[test]
fn stop_and_yes_are_about_consent() {
    let stop = message(include_str!("../samples/stop.form"));
    assert_eq!(stop.consent, Some(Consent::Stop));
    let yes = message(include_str!("../samples/yes.form"));
    assert_eq!(
        (yes.consent, yes.text.as_str()),
        (Some(Consent::Again), "Yes")
    );
}

#[test]
fn media_are_files_that_are_named_by_what_they_are() {
    let said = message(include_str!("../samples/media.form"));
    assert_eq!(said.text, "My bill");
    let names: Vec<&str> = said.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["picture-1.jpg", "file-2.vcf"]);
    assert!(said.files[0].url.starts_with("https://api.twilio.com/"));
    assert_eq!(said.files[0].mime_type, "image/jpeg");
    assert_eq!(file_name(3, "video/unheard-of; x=1"), "video-3");
}

#[test]
fn a_location_is_said_in_words() {
    let said = message(include_str!("../samples/location.form"));
    assert_eq!(said.text, "Office, 1 Main St (12.9715987, 77.5945627)");
    assert_eq!(said.profile.name.as_deref(), Some("Asha"));
    assert_eq!(said.profile.mobile_no.as_deref(), Some("+15551234567"));
}

#[test]
fn a_button_that_is_none_of_ours_says_its_label_and_a_user_may_have_no_number() {
    let said = message(include_str!("../samples/button_of_another.form"));
    assert_eq!(said.text, "Track order");
    assert_eq!(said.payload, "track");
    assert_eq!(said.user, "whatsapp:US.ABC123XYZ");
    assert_eq!(said.profile.mobile_no, None);
}

#[test]
fn a_row_of_a_menu_carries_what_it_means() {
    let said = message(include_str!("../samples/row.form"));
    let tapped = crate::callback::read(&said.payload).expect("one of ours");
    let says = crate::callback::Meaning::Say {
        index: 2,
        text: None,
    };
    assert_eq!(tapped.meaning, says);
    assert_eq!(said.text, "Track order");
    // What Twilio takes for STOP is a label here.
    let stop = include_str!("../samples/row.form").replace("Track+order", "Stop");
    assert_eq!(message(&stop).consent, None);
}

#[test]
fn what_became_of_a_message_of_ours_is_reported_once_it_is_known() {
    let id = "SM00000000000000000000000000000005".to_owned();
    let delivered = read(include_bytes!("../samples/delivered.form"));
    let failed = None;
    assert_eq!(
        delivered,
        Read::Reported {
            id: id.clone(),
            failed
        }
    );
    let undelivered = read(include_bytes!("../samples/undelivered.form"));
    let Read::Reported {
        failed: Some(why), ..
    } = undelivered
    else {
        panic!("{undelivered:?}");
    };
    assert!(why.contains("30003"), "{why}");
    assert_eq!(read(include_bytes!("../samples/sent.form")), Read::Nothing);
}

#[test]
fn what_says_nothing_is_nothing_and_what_is_odd_is_odd() {
    assert_eq!(read(include_bytes!("../samples/empty.form")), Read::Nothing);
    let own = "MessageSid=SM1&From=%2B15551234567&To=%2B15551234567&Body=x";
    assert_eq!(read(own.as_bytes()), Read::Nothing);
    for odd in [
        "",
        "x",
        "[]",
        "{\"a\":1}",
        "{",
        "From=%2B15551234567&Body=x",
        "MessageSid=SM1&Body=x",
    ] {
        assert!(matches!(read(odd.as_bytes()), Read::Odd(_)), "{odd}");
    }
}

proptest! {
    #[test]
    fn whatever_is_written_arrives_as_it_was_written(text in "\\PC{1,200}") {
        prop_assume!(!text.trim().is_empty());
        let body: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("MessageSid", "SM1")
            .append_pair("From", "+15551234567")
            .append_pair("Body", &text)
            .append_pair("NewParameter", "x")
            .finish();
        prop_assert_eq!(message(&body).text, text);
    }

    #[test]
    fn nothing_that_is_sent_breaks_it(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&body);
    }
}
