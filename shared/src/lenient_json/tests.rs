use super::*;
use proptest::prelude::*;
use serde_json::json;

fn read_text(body: &str) -> Value {
    read(body.as_bytes()).unwrap_or_else(|_| panic!("not read: {body}"))
}

#[test]
fn what_is_broken_is_replaced_and_nothing_else() {
    for (body, expected) in [
        (
            r#"{"a":"hello \ud83d","b":1}"#,
            json!({"a": "hello \u{fffd}", "b": 1}),
        ),
        (
            r#""\ude00 \ud83d\ude00 \ud83d\ud83d\ude00 \ud83dx""#,
            json!("\u{fffd} 😀 \u{fffd}😀 \u{fffd}x"),
        ),
        (
            r#"{"a":NaN,"b":[Infinity,-Infinity,2]}"#,
            json!({"a": null, "b": [null, null, 2]}),
        ),
        (
            "\u{feff} {\"a\": \"x\ny\t\u{1}\"}\n\0",
            json!({"a": "x\ny\t\u{1}"}),
        ),
        (
            r#"{"a":1e999,"b":-1e999}"#,
            json!({"a": "1e999", "b": "-1e999"}),
        ),
        (r#""C:\temp\x \'a\' \u12""#, json!("C:\temp\\x 'a' \\u12")),
        (
            r#"{"a":undefined,"b":None,"c":True}"#,
            json!({"a": null, "b": null, "c": true}),
        ),
        (
            r#"{"a":[1,2,],"b":{"c":1, },}"#,
            json!({"a": [1, 2], "b": {"c": 1}}),
        ),
        ("[]", json!([])),
        ("{}", json!({})),
        (r#"{"a":1,"a":2}"#, json!({"a": 2})),
    ] {
        assert_eq!(read_text(body), expected, "{body}");
    }
    assert_eq!(
        read(b"{\"a\":\"x\xff\xed\xa0\xbdy\"}").map(|value| text(&value, "a").len() > 2),
        Ok(true)
    );
}

#[test]
fn a_number_keeps_its_digits_and_has_no_fraction_where_there_is_none() {
    let value = read_text(
        r#"{"a":918826755986.0,"b":123456789012345678901234567890,"c":1.5,"d":1e3,"e":-0.0,
            "f":18446744073709551615,"g":-7,"h":9007199254740993.0,"i":0.1,"j":1e30,"k":12.00,"l":007,
            "m":123456789012345678901234567890.0}"#,
    );
    for (key, expected) in [
        ("a", "918826755986"),
        ("b", "123456789012345678901234567890"),
        ("c", "1.5"),
        ("d", "1000"),
        ("e", "0"),
        ("f", "18446744073709551615"),
        ("g", "-7"),
        ("h", "9007199254740993"),
        ("i", "0.1"),
        ("j", "1000000000000000000000000000000"),
        ("k", "12"),
        ("l", "007"),
        ("m", "123456789012345678901234567890"),
    ] {
        assert_eq!(text(&value, key), expected, "{key}");
    }
    assert_eq!(whole(&value, "k"), Some(12));
    assert_eq!(whole(&json!({"a": 12.0}), "a"), Some(12));
    assert_eq!(value["a"], json!(918_826_755_986_u64));
}

#[test]
fn a_float_that_is_no_number_is_null_however_it_is_written() {
    for word in [
        "nan",
        "NaN",
        "NAN",
        "-nan",
        "-NaN",
        "+NaN",
        "inf",
        "-inf",
        "+inf",
        "Inf",
        "-INF",
        "Infinity",
        "-infinity",
        "1.#INF",
        "-1.#INF",
        "1.#QNAN",
        "-1.#IND",
        "nil",
        "NULL",
        "Null",
    ] {
        let value = read_text(&format!("{{\"a\":{word},\"b\":[{word}],\"c\":\"{word}\"}}"));
        assert_eq!(value, json!({"a": null, "b": [null], "c": word}), "{word}");
    }
    let value = read_text(r#"{"a":.5,"b":-.5,"c":+5,"d":5.,"e":+.25e1,"f":TRUE}"#);
    assert_eq!(
        value,
        json!({"a": 0.5, "b": -0.5, "c": 5, "d": 5, "e": 2.5, "f": true})
    );
}

#[test]
fn a_character_that_was_written_as_a_pair_is_one() {
    for (bytes, expected) in [
        (&b"\xed\xa0\xbd\xed\xb8\x80"[..], "😀"),
        (b"a \xed\xa0\xbd b", "a \u{fffd} b"),
        (b"\xed\xb8\x80\xed\xa0\xbd", "\u{fffd}\u{fffd}"),
        (b"\xed\xa0\xbd\xed\xa0\xbd\xed\xb8\x80!", "\u{fffd}😀!"),
        ("한국어 \u{d7ff}".as_bytes(), "한국어 \u{d7ff}"),
        (b"\xed\xa0", "\u{fffd}\u{fffd}"),
        (b"\xff\xed\xa0\xbd\xed\xb8\x80", "\u{fffd}😀"),
    ] {
        let body = [&b"{\"a\":\""[..], bytes, b"\"}"].concat();
        assert_eq!(read(&body), Ok(json!({"a": expected})), "{bytes:?}");
        assert_eq!(
            strict(&body).as_deref(),
            Ok(json!({"a": expected}).to_string().as_str())
        );
    }
}

#[test]
fn what_is_not_json_is_not_read() {
    for body in [
        "",
        " ",
        "{",
        "[1",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "[,]",
        "[1,,2]",
        "{,}",
        "\"half",
        "{} {}",
        "1 2",
        "hello",
        "-",
        ".",
        "+",
        "-.",
        "#",
        "1#",
        "0x1f",
        "nanny",
        "{\"a\":1]",
        "\"\\",
        "e5",
    ] {
        assert_eq!(read(body.as_bytes()), Err(NotJson), "{body}");
    }
    assert_eq!(read("{\"a\":".repeat(500).as_bytes()), Err(NotJson));
}

#[test]
fn utf_16_is_read_with_a_mark_and_without_one() {
    let written = "{\"a\":\"हेलो 😀\"}";
    for text in [
        written.to_owned(),
        format!("\u{feff}{written}"),
        "[]".to_owned(),
        "7 ".to_owned(),
    ] {
        let expected = read_text(&text);
        let units: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        assert_eq!(read(&little), Ok(expected.clone()), "{text}");
        assert_eq!(read(&big), Ok(expected), "{text}");
    }
    assert_eq!(read("7\0".as_bytes()), Ok(json!(7)), "a NUL at the end");
}

#[test]
fn what_is_nested_too_deep_costs_itself_only() {
    let deep = format!("{}\"]\"{}", "[".repeat(5_000), "]".repeat(5_000));
    let value = read_text(&format!("{{\"deep\":{deep},\"text\":\"hi\"}}"));
    assert_eq!(text(&value, "text"), "hi");
    let nested = format!("[{deep}]");
    let written = strict(nested.as_bytes()).expect("JSON");
    assert!(serde_json::from_str::<Value>(&written).is_ok());
}

#[test]
fn what_every_reader_takes_is_kept_as_it_came() {
    assert_eq!(strict(b"{ \"a\": 1.0 }").as_deref(), Ok("{ \"a\": 1.0 }"));
    assert_eq!(strict(br#"{"a":NaN}"#).as_deref(), Ok(r#"{"a":null}"#));
    assert_eq!(strict(b"x"), Err(NotJson));
}

#[test]
fn a_number_has_its_digits_also_when_it_was_kept() {
    for digits in [
        "0.30000000000000004",
        "1234567890.1234567",
        "5.6294995342131199",
        "9007199254740993.5",
        "1e-7",
        "4.35",
    ] {
        let read = read_text(&format!("[{digits}]"));
        let kept: Value = serde_json::from_str(&read.to_string()).expect("JSON");
        assert_eq!(kept, read, "{digits}");
    }
}

#[test]
fn what_cannot_be_seen_is_no_text() {
    for unseen in [
        "",
        " ",
        "\u{200b}",
        "\u{a0}\u{3164}",
        "\u{2800}",
        "\u{feff}\u{2060}",
        "\u{ad}",
        "\u{7}",
    ] {
        let value = json!({"a": unseen, "b": [unseen, "x"]});
        assert_eq!(some_text(&value, "a"), None, "{unseen:?}");
        assert_eq!(texts(&value, "b"), ["x"], "{unseen:?}");
    }
    assert_eq!(
        some_text(&json!({"a": "\u{200b}x"}), "a").as_deref(),
        Some("\u{200b}x")
    );
}

#[test]
fn numbers_and_flags_are_read_from_strings() {
    let value = json!({"a": "7", "b": 7, "c": "true", "d": 1, "e": "no", "f": null, "g": " "});
    assert_eq!(whole(&value, "a"), Some(7));
    assert_eq!(whole(&value, "b"), Some(7));
    assert_eq!(text(&value, "b"), "7");
    assert!(flag(&value, "c") && flag(&value, "d"));
    assert!(!flag(&value, "e") && !flag(&value, "f") && !flag(&value, "missing"));
    assert_eq!(some_text(&value, "g"), None);
}

#[test]
fn an_object_inside_a_string_is_unwrapped_and_plain_text_is_not() {
    let once = json!(r#"{"text":"hi"}"#);
    let twice = json!(once.to_string());
    assert_eq!(unwrapped(&once).as_ref(), &json!({"text": "hi"}));
    assert_eq!(unwrapped(&twice).as_ref(), &json!({"text": "hi"}));
    assert_eq!(
        unwrapped(&json!("42 is {not} JSON")).as_ref(),
        &json!("42 is {not} JSON")
    );
}

/// What people and programs put into JSON, without fractions that vanish.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| json!(f64::from(number) + 0.5)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn good_json_is_read_as_it_is(value in any_value()) {
        prop_assert_eq!(read(value.to_string().as_bytes()), Ok(value.clone()));
        prop_assert_eq!(read(format!("{value:#}").as_bytes()), Ok(value));
    }

    /// What breaks at one place costs that place only.
    #[test]
    fn beside_something_broken_everything_is_read(
        value in any_value(),
        broken in prop_oneof![
            Just("NaN"), Just("-Infinity"), Just("1e999"), Just("\"\\ud83d\""), Just("\"\\udc00x\""), Just("\"\u{2}\""),
        ],
        before in any::<bool>(),
    ) {
        let body = if before { format!("\u{feff}{{\"odd\":{broken},\"good\":{value}}}") } else { format!("{{\"good\":{value},\"odd\":{broken}}}") };
        let read = read(body.as_bytes()).expect("JSON");
        prop_assert_eq!(&read["good"], &value);
        let written = strict(body.as_bytes()).expect("JSON");
        let again: Value = serde_json::from_str(&written).expect("strict JSON");
        prop_assert_eq!(&again["good"], &value);
    }

    #[test]
    fn any_digits_come_out_as_they_went_in(whole in "[1-9][0-9]{0,40}", fraction in "|\\.0{1,3}") {
        let value = read(format!("{{\"a\":{whole}{fraction}}}").as_bytes()).expect("JSON");
        prop_assert_eq!(text(&value, "a"), whole);
    }

    /// The ledger keeps what was read as JSON.
    #[test]
    fn any_number_is_the_same_once_it_was_kept(written in "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?") {
        let value = read(written.as_bytes()).expect("JSON");
        let kept: Value = serde_json::from_str(&value.to_string()).expect("JSON");
        prop_assert_eq!(kept, value);
    }

    #[test]
    fn whatever_serde_json_reads_is_read(bytes in "([{}\\[\\],:\"\\\\eE+.0-9-]|true|null|\\\\u00|\\PC){0,30}") {
        if serde_json::from_str::<Value>(&bytes).is_ok() {
            prop_assert!(read(bytes.as_bytes()).is_ok());
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
        let _ = read(&bytes);
    }
}

#[test]
fn the_first_text_that_is_there_is_found_and_one_in_another_object() {
    let value = json!({"a": " ", "b": 7, "c": "c", "in": {"side": "x", "empty": "", "number": 1}});
    assert_eq!(
        first_text(&value, &["z", "a", "b", "c"]).as_deref(),
        Some("7")
    );
    assert_eq!(first_text(&value, &["z", "a"]), None);
    assert_eq!(text_at(&value, "/in/side"), Some("x"));
    for pointer in ["/in/empty", "/in/number", "/in/no", "/in"] {
        assert_eq!(text_at(&value, pointer), None, "{pointer}");
    }
}
