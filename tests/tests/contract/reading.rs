//! What the writers of the other side's JSON write, and what nobody can read.

use std::time::Duration;

use haptik_bridge_shared::message::is_blank;
use haptik_bridge_tests::Stage;
use haptik_bridge_tests::provider::Request;
use http::HeaderValue;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Start, echo, is_answered, scene};

/// What stands in a message in the place of what is broken.
const MARK: &str = "MARK";

/// The same request, signed, with another body.
fn with_body(stage: &Stage, request: &Request, body: Vec<u8>) -> Request {
    let mut changed = request.clone();
    *changed.body_mut() = body;
    let provider = &stage.provider;
    let signed = provider.signed_at(&changed, Timestamp::now());
    signed
        .or_else(|| provider.signed(&changed))
        .unwrap_or(changed)
}

/// Bytes with others in place of each [`MARK`]: a provider may say a text twice.
fn marked(body: &[u8], by: &[u8]) -> Vec<u8> {
    let mut changed = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest
        .windows(MARK.len())
        .position(|part| part == MARK.as_bytes())
    {
        changed.extend_from_slice(&rest[..at]);
        changed.extend_from_slice(by);
        rest = &rest[at + MARK.len()..];
    }
    assert!(rest.len() < body.len(), "there is no mark");
    changed.extend_from_slice(rest);
    changed
}

pub(super) async fn what_is_broken_in_a_body_costs_that_alone(start: Start) -> anyhow::Result<()> {
    let stage = scene(start, |_: &_| Vec::new()).await?;
    let user = stage.provider.user(1);
    // A form has nothing of this.
    if !stage.provider.say(&user, "hello").body().starts_with(b"{") {
        return stage.finish().await;
    }
    let mut expected = Vec::new();
    for (broken, told) in [
        (r"\ud83d".as_bytes(), "\u{fffd}"),
        (br"\ude00", "\u{fffd}"),
        (b"\t\x01", "\t\u{1}"),
        (b"\xff", "\u{fffd}"),
        (b"\xf0\x9f\x87", "\u{fffd}"),
        (br"\ud83d\ud83d\ude00", "\u{fffd}😀"),
    ] {
        let number = expected.len();
        let request = stage
            .provider
            .say(&user, &format!("{number} cut {MARK} here"));
        // A provider may say only that something was said.
        if !String::from_utf8_lossy(request.body()).contains(MARK) {
            continue;
        }
        let body = marked(request.body(), broken);
        stage.takes(&with_body(&stage, &request, body)).await?;
        expected.push(format!("{number} cut {told} here"));
    }
    for odd in [
        "\"odd\":NaN",
        "\"odd\":-Infinity",
        "\"odd\":1e999",
        "\"odd\":\"\\ud83d\"",
        "\"odd\":123456789012345678901234567890",
        "\"\\udc00\":\"\n\"",
        "\"odd\":[1,{\"a\":2,},],",
        "\"odd\":[Infinity,-NaN,-1E+999]",
        "\"odd\":\"\u{0}\u{1f}\u{7f}\r\n\"",
        "\"odd\":{\"\":[]}",
    ] {
        let said = format!("{} beside {odd:?}", expected.len());
        let request = stage.provider.say(&user, &said);
        let inner = request.body().strip_prefix(b"{").expect("an object");
        let inner = inner.strip_suffix(b"}").expect("an object");
        let odd = odd.trim_end_matches(',');
        let body = [format!("\u{feff}{{{odd},").as_bytes(), inner, b",}\0\r\n"].concat();
        stage.takes(&with_body(&stage, &request, body)).await?;
        expected.push(said);
    }
    assert_eq!(stage.haptik_was_told(expected.len()).await?, expected);
    stage.finish().await
}

pub(super) async fn a_body_that_is_encoded_is_not_acknowledged(start: Start) -> anyhow::Result<()> {
    let stage = scene(start, echo).await?;
    let user = stage.provider.user(1);
    for encoding in [
        "gzip",
        "GZIP",
        "x-gzip",
        "br",
        "deflate",
        "compress",
        "zstd",
        "dcb",
        "x-anything",
        "identity, gzip",
        "gzip, identity",
        "gzip;q=1",
    ] {
        let mut request = stage.provider.say(&user, "hello");
        let value = HeaderValue::from_static(encoding);
        request.headers_mut().insert("content-encoding", value);
        let (status, body) = stage.receives(&request).await?;
        assert_eq!(status, 415, "{encoding}: {body}");
    }
    assert!(stage.local.bridge.ledger.lanes().await?.is_empty());
    for encoding in ["identity", "Identity", ""] {
        let mut request = stage.provider.say(&user, &format!("as it is {encoding:?}"));
        let value = HeaderValue::from_static(encoding);
        request.headers_mut().insert("content-encoding", value);
        stage.takes(&request).await?;
    }
    is_answered(&stage, &user, "hello").await?;
    stage.finish().await
}

pub(super) async fn a_body_in_utf_16_is_read(start: Start) -> anyhow::Result<()> {
    const SAID: &str = "grüße 日本 🇮🇳 from";
    let stage = scene(start, |_: &_| Vec::new()).await?;
    let user = stage.provider.user(1);
    // A form has nothing of this.
    if !stage.provider.say(&user, "hello").body().starts_with(b"{") {
        return stage.finish().await;
    }
    let mut expected = Vec::new();
    for (mark, bytes) in [
        ("\u{feff}", u16::to_le_bytes as fn(u16) -> [u8; 2]),
        ("\u{feff}", u16::to_be_bytes),
        ("", u16::to_le_bytes),
        ("", u16::to_be_bytes),
    ] {
        let said = format!("{SAID} {}", expected.len());
        let request = stage.provider.say(&user, &said);
        let text = format!("{mark}{}", std::str::from_utf8(request.body())?);
        let body = text.encode_utf16().flat_map(bytes).collect();
        stage.takes(&with_body(&stage, &request, body)).await?;
        expected.push(said);
    }
    assert_eq!(stage.haptik_was_told(expected.len()).await?, expected);
    stage.finish().await
}

/// Changes each value in what was sent.
fn changed(value: &mut Value, change: &mut dyn FnMut(&str, &mut Value)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                change(key, value);
                changed(value, change);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| changed(value, change)),
        _ => {}
    }
}

/// As the writers of JSON do that know floats only: JavaScript's and Lua's among them.
pub(super) async fn a_whole_number_may_be_written_as_a_float(start: Start) -> anyhow::Result<()> {
    let stage = scene(start, |_: &_| Vec::new()).await?;
    let user = stage.provider.user(1);
    // A form has nothing of this.
    if !stage.provider.say(&user, "hello").body().starts_with(b"{") {
        return stage.finish().await;
    }
    let mut expected = Vec::new();
    for floats_come_first in [false, true] {
        let said = format!("order 12, floats first: {floats_come_first}");
        let request = stage.provider.say(&user, &said);
        let mut body: Value = serde_json::from_slice(request.body())?;
        changed(&mut body, &mut |_, value| {
            if let Some(number) = value.as_i64() {
                let float: f64 = number.to_string().parse().expect("a number");
                *value = json!(float);
            }
        });
        let floats = with_body(&stage, &request, body.to_string().into());
        let mut both = [&request, &floats];
        if floats_come_first {
            both.reverse();
        }
        for one in both {
            stage.takes(one).await?;
        }
        expected.push(said);
    }
    // Each once: both have the same key.
    assert_eq!(stage.haptik_was_told(expected.len()).await?, expected);
    stage.finish().await
}

/// Languages as providers and applications write them, and what each is in ISO 639-1.
const LANGUAGES: [(&str, Option<&str>); 13] = [
    ("en-US", Some("en")),
    ("EN", Some("en")),
    ("pt_BR", Some("pt")),
    ("zh-Hans-CN", Some("zh")),
    ("de_DE.UTF-8", Some("de")),
    (" fr ", Some("fr")),
    ("iw_IL", Some("he")),
    ("xx", None),
    ("english", None),
    ("English (US)", None),
    ("eng", None),
    ("x", None),
    ("12", None),
];

/// Writes a user's language into what was sent; whether there is a place for it.
fn spoken(body: &mut Value, language: &str) -> bool {
    changed(body, &mut |key, value| {
        let user = value.as_object_mut().filter(|_| key == "user");
        if let Some(user) = user.filter(|user| user.contains_key("id")) {
            user.insert("language_code".to_owned(), "".into());
        }
    });
    let mut is_there = false;
    changed(body, &mut |key, value| {
        if ["language_code", "userLocale", "locale"].contains(&key) {
            *value = language.into();
            is_there = true;
        }
    });
    is_there
}

pub(super) async fn a_language_is_known_in_every_form_or_left_out(
    start: Start,
) -> anyhow::Result<()> {
    let stage = scene(start, |_: &_| Vec::new()).await?;
    // A form has nothing of this.
    if !stage
        .provider
        .say(&stage.provider.user(1), "hello")
        .body()
        .starts_with(b"{")
    {
        return stage.finish().await;
    }
    let mut expected = Vec::new();
    for (number, (written, language)) in (1..).zip(LANGUAGES) {
        let user = stage.provider.user(number);
        let said = format!("in {written:?}");
        let request = stage.provider.say(&user, &said);
        let mut body: Value = serde_json::from_slice(request.body())?;
        let is_there = spoken(&mut body, written);
        let request = with_body(&stage, &request, body.to_string().into());
        let (status, answer) = stage.receives(&request).await?;
        if status == 400 {
            // Where the interface is ours, who writes it is told.
            let is_named = answer.contains("user.language_code");
            assert!(language.is_none() && is_named, "{answer}");
        } else {
            let is_taken = (200..300).contains(&status);
            assert!(is_taken, "{written}: {status} {answer}");
            expected.push((said, is_there, language));
        }
    }
    let mut told = stage.haptik_was_told(expected.len()).await?;
    told.sort();
    let mut said: Vec<_> = expected.iter().map(|(said, ..)| said.clone()).collect();
    said.sort();
    assert_eq!(told, said);
    stage.simulator().records(|seen| {
        for (said, _, language) in expected.iter().filter(|(_, is_there, _)| *is_there) {
            let message = seen.messages.iter().find(|one| one.text == *said);
            let auth_id = &message.expect("it was told").auth_id;
            let user = seen.users.iter().find(|one| one.auth_id == *auth_id);
            let known = user.and_then(|user| user.fields.get("language_code"));
            assert_eq!(known.and_then(Value::as_str), *language, "{said}");
        }
    });
    stage.finish().await
}

pub(super) async fn a_files_name_stays_and_one_of_white_space_is_none(
    start: Start,
) -> anyhow::Result<()> {
    const NAMES: [&str; 3] = ["bill.pdf", "a b (2).PDF", "50%.pdf"];
    const BLANK: [&str; 3] = ["\u{200b}", "\u{a0}\u{3164}", "\u{2800} "];
    let stage = scene(start, |_: &_| Vec::new()).await?;
    let user = stage.provider.user(1);
    for name in NAMES.into_iter().chain(BLANK) {
        let content = [7; 200];
        let file = stage
            .provider
            .attach(&user, name, "application/pdf", &content);
        let Some(file) = file else {
            return stage.finish().await;
        };
        stage.takes(&file).await?;
    }
    assert!(stage.local.queue.idle(Duration::from_secs(30)).await);
    stage.simulator().records(|seen| {
        let told: Vec<_> = seen.files.iter().map(|file| file.name.as_str()).collect();
        // A provider may have no names of files.
        let has_names = told.contains(&"bill.pdf");
        let stay = NAMES.iter().all(|name| told.contains(name));
        assert!(!told.is_empty() && (stay || !has_names), "{told:?}");
        assert!(!told.iter().any(|name| is_blank(name)), "{told:?}");
    });
    stage.finish().await
}
