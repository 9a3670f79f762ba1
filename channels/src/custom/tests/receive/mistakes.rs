//! What an application is told of its mistakes.

use super::*;

#[test]
#[expect(clippy::too_many_lines, reason = "a table of mistakes")]
fn a_mistake_is_named_with_its_key_and_what_is_allowed_and_no_value() {
    let feedback = |rating: Value, resolved: Value| json!({"type": "feedback", "id": "m", "timestamp": "2026-11-22T10:00:00Z", "user": {"id": "u"}, "rating": rating, "resolved": resolved});
    let long = "x".repeat(100_001);
    for (body, expected) in [
        (json!([1]), "the body is a list; allowed: an object"),
        (
            with("/type", json!("telepathy-secret")),
            "type is not one that is known; allowed: \"message\", \"action\", \"feedback\"",
        ),
        (
            with("/type", json!(null)),
            "type is missing; allowed: \"message\", \"action\", \"feedback\"",
        ),
        (
            with("/type", json!(7)),
            "type is a number; allowed: a string of at most 256 bytes",
        ),
        (
            with("/id", json!(null)),
            "id is null; allowed: a number, or a string of 1 to 256 bytes",
        ),
        (
            with("/id", json!("")),
            "id is a string of 0 bytes; allowed: a number, or a string of 1 to 256 bytes",
        ),
        (
            with("/id", json!("x".repeat(257))),
            "id is a string of 257 bytes; allowed: a number, or a string of 1 to 256 bytes",
        ),
        (
            with("/user", json!(null)),
            "user is missing; needed: an object with an id",
        ),
        (
            with("/user", json!("secret")),
            "user is a string of 6 bytes; allowed: an object",
        ),
        (
            with("/user", json!({})),
            "user.id is missing; allowed: a number, or a string of 1 to 256 bytes",
        ),
        (
            with("/user/email", json!(["secret"])),
            "user.email is a list; allowed: a string of at most 1000 bytes",
        ),
        (
            with("/user/custom_data", json!([])),
            "user.custom_data is a list; allowed: an object",
        ),
        (
            with("/user/custom_data", json!({"ok": 1, "plan": {"secret": 1}})),
            "user.custom_data.plan is an object; allowed: a string, a number, true, false or null, since Haptik refuses nested values",
        ),
        (
            with("/user/custom_data", json!({"x": long})),
            "user.custom_data is larger; allowed: at most 20000 bytes",
        ),
        (
            with("/text", json!(7)),
            "text is a number; allowed: a string of at most 100000 bytes",
        ),
        (
            with("/text", json!(long)),
            "text is a string of 100001 bytes; allowed: a string of at most 100000 bytes",
        ),
        (
            with("/text", json!(" ")),
            "text is missing or empty, and there are no attachments; needed: one of them",
        ),
        (
            with("/timestamp", json!(null)),
            "timestamp is null; allowed: an RFC 3339 time of 1970 or later, such as \"2026-11-22T10:00:00Z\"",
        ),
        (
            with("/timestamp", json!("2026-11-22T10:00:00")),
            "timestamp is a string of 19 bytes; allowed: an RFC 3339 time of 1970 or later, such as \"2026-11-22T10:00:00Z\"",
        ),
        (
            with("/timestamp", json!("1969-11-22T10:00:00Z")),
            "timestamp is a string of 20 bytes; allowed: an RFC 3339 time of 1970 or later, such as \"2026-11-22T10:00:00Z\"",
        ),
        (
            with("/attachments", json!({})),
            "attachments is an object; allowed: a list of at most 20 objects",
        ),
        (
            with("/attachments", json!(vec![1; 21])),
            "attachments is a longer list; allowed: a list of at most 20 objects",
        ),
        (
            with("/attachments", json!(["secret"])),
            "attachments[0] is a string; allowed: an object with a url",
        ),
        (
            with("/attachments", json!([{"name": "a"}])),
            "attachments[0].url is missing; allowed: a string of 1 to 4096 bytes",
        ),
        (
            with("/attachments", json!([{"url": "file:///secret"}])),
            "attachments[0].url is another text; allowed: an http or https URL without credentials",
        ),
        (
            with(
                "/attachments",
                json!([{"url": "https://x.example/", "size": "1"}]),
            ),
            "attachments[0].size is a string of 1 bytes; allowed: a whole number of bytes",
        ),
        (
            feedback(json!(6), json!(true)),
            "rating is a number; allowed: a whole number of 1 to 5",
        ),
        (
            feedback(json!(4.5), json!(true)),
            "rating is a number; allowed: a whole number of 1 to 5",
        ),
        (
            feedback(json!(0), json!(true)),
            "rating is a number; allowed: a whole number of 1 to 5",
        ),
        (
            feedback(json!("5"), json!(true)),
            "rating is a string of 1 bytes; allowed: a whole number of 1 to 5",
        ),
        (
            feedback(json!(5), json!("yes")),
            "resolved is a string of 3 bytes; allowed: true or false",
        ),
        (
            with("/id", json!("  ")),
            "id is a string of 2 bytes in which nothing can be seen; allowed: a number, or a string of 1 to 256 bytes",
        ),
        (
            json!({"type": "action", "value": "\u{200b}"}),
            "value is a string of 3 bytes in which nothing can be seen; allowed: a string of 1 to 100000 bytes",
        ),
        (
            json!({"type": "action"}),
            "value is missing; allowed: a string of 1 to 100000 bytes",
        ),
    ] {
        assert_eq!(bad(&body), expected);
    }
    let broken = receive_bytes(b"{\"text\": secret}").expect_err("not JSON");
    assert_eq!(
        broken.to_string(),
        "the body is not JSON: expected value at line 1 column 10"
    );
}
