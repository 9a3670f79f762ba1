use super::*;
use serde_json::json;

#[test]
fn machine_parts_in_braces_are_not_said() {
    assert_eq!(spoken("Show another quote{task}"), "Show another quote");
    assert_eq!(spoken("Stop{a: {b: 1}, c}{task} now"), "Stop now");
    assert_eq!(spoken("an open { brace"), "an open { brace");
    assert_eq!(spoken("{only}"), "");
}

#[test]
fn a_tap_sends_the_gogo_message_and_else_the_message() {
    let read =
        |payload: Value| Actionable::read(&json!({"actionable_text": "Tap", "payload": payload}));
    assert_eq!(
        read(json!({"message": "Hi{x}", "gogo_message": "go"})).effect(),
        Effect::Say {
            shown: "Hi".into(),
            sent: "go".into()
        }
    );
    assert_eq!(
        read(json!({"message": "Hi{x}", "gogo_message": ""})).effect(),
        Effect::Say {
            shown: "Hi".into(),
            sent: "Hi{x}".into()
        }
    );
    assert_eq!(
        read(json!({"gogo_message": ""})).effect(),
        Effect::Say {
            shown: "Tap".into(),
            sent: "Tap".into()
        }
    );
}

#[test]
fn a_body_serialised_as_a_string_is_read_as_the_object() {
    let body =
        json!({"text": "Hi", "type": "BUTTON", "data": {"items": [{"actionable_text": "A"}]}});
    assert_eq!(Hsl::read(&json!(body.to_string())), Hsl::read(&body));
    assert_eq!(Hsl::read(&json!("plain")).text, "plain");
}

#[test]
fn a_link_opens_unless_it_runs_something_and_a_number_is_called() {
    let read = |uri: &str, payload: Value| {
        let value = json!({"actionable_text": "Go", "uri": uri, "payload": payload});
        Actionable::read(&value).effect()
    };
    let open = |url: &str| read("LINK", json!({ "url": url }));
    for url in ["HTTPS://haptik.ai", "myapp://open"].map(ToOwned::to_owned) {
        assert_eq!(open(&url), Effect::Open { url });
    }
    for odd in [
        "JavaScript:alert(1)",
        "data:text/html,x",
        "java script:x",
        ":",
        "",
    ] {
        assert!(matches!(open(odd), Effect::Say { .. }), "{odd}");
    }
    let number = || "+91 22".to_owned();
    let called = Effect::Call { number: number() };
    assert_eq!(read("CALL", json!({"number": number()})), called);
    assert_eq!(read("CALL", json!({"url": "tel:+91 22"})), called);
}

#[test]
fn an_unknown_type_is_kept_with_its_text() {
    let hsl = Hsl::read(&json!({"text": "Pay", "type": "UPI_QR", "data": {"vpa": 1}}));
    assert_eq!(hsl.text, "Pay");
    assert_eq!(
        hsl.element,
        Element::Other {
            kind: "UPI_QR".into(),
            data: json!({"vpa": 1})
        }
    );
}
