//! What the writers of the other side's JSON write, and what nobody can read.

use std::time::Duration;

use haptik_bridge_shared::message::is_blank;
use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::Stage;
use haptik_bridge_tests::provider::{Request, Shown};
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
    let signed = signed.or_else(|| provider.signed(&changed));
    assert!(
        signed.is_some() || !provider.signs_the_body() || changed.body() == request.body(),
        "the fake signs the body: `signed`, or `signed_at` where a time is signed, has to sign another"
    );
    signed.unwrap_or(changed)
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
        (b"\xed\xa0\xbd\xed\xb8\x80", "😀"),
        (b"\xed\xb8\x80", "\u{fffd}"),
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
    let deep = format!("\"odd\":{}{}", "[{\"a\":".repeat(2_000), "}]".repeat(2_000));
    let digits = format!(
        "\"odd\":-{}.{}e{}",
        "9".repeat(5_000),
        "7".repeat(5_000),
        "1".repeat(50)
    );
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
        "\"odd\":[-nan,inf,-Inf,NAN,1.#QNAN,.5,-.5,+5,5.]",
        "\"odd\":1,\"odd\":2,\"odd\":{}",
        deep.as_str(),
        digits.as_str(),
    ] {
        let start = odd.get(..odd.len().min(60)).unwrap_or_default();
        let said = format!("{} beside {start:?}", expected.len());
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

/// What was sent, with something odd beside it: in an object, in one that stands in a form, or in a form.
fn beside(body: &[u8], odd: &str) -> Vec<u8> {
    let text = std::str::from_utf8(body).expect("a text");
    if let Some(inner) = text.strip_prefix('{') {
        return format!("{{{odd},{inner}").into_bytes();
    }
    let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    let mut has_object = false;
    for (_, value) in &mut pairs {
        if let Some(inner) = value.strip_prefix('{') {
            *value = format!("{{{odd},{inner}");
            has_object = true;
        }
    }
    // Of a form that is signed value by value, nobody else writes any.
    if !has_object {
        return body.to_vec();
    }
    let pairs = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    format!("{pairs}&Odd=%ED%A0%BD%FF&=&Odd=%&%F0%9F=%00").into_bytes()
}

pub(super) async fn what_is_odd_beside_a_tap_costs_that_alone(start: Start) -> anyhow::Result<()> {
    let stage = scene(start, |message: &UserMessage| {
        let offer = json!({"text": format!("{} well?", message.text), "type": "TEXT", "data": {"quick_replies": [
            {"actionable_text": format!("Yes {}", message.text), "type": "TEXT_ONLY"}]}});
        let asks = !message.text.starts_with("Yes");
        asks.then_some(Reply::Hsl(offer)).into_iter().collect::<Vec<_>>()
    })
    .await?;
    let user = stage.provider.user(1);
    let mut expected = Vec::new();
    for (number, odd) in [
        "\"odd\":NaN",
        "\"odd\":[-Infinity,1e999,-nan,.5]",
        "\"odd\":\"\\ud83d\"",
        "\"odd\":1,\"odd\":{}",
        "\"\\udc00\":123456789012345678901234567890",
    ]
    .into_iter()
    .enumerate()
    {
        let (said, label) = (format!("n{number}"), format!("Yes n{number}"));
        stage.takes(&stage.provider.say(&user, &said)).await?;
        let offered = |shown: &[Shown]| {
            let mut shown = shown.iter();
            shown.any(|one| one.buttons.contains(&label)).then_some(())
        };
        stage.shown(&user, &label, offered).await?;
        let tap = stage.provider.tap(&user, &label);
        let body = beside(tap.body(), odd);
        stage.takes(&with_body(&stage, &tap, body)).await?;
        expected.extend([said, label]);
        assert_eq!(
            stage.haptik_was_told(expected.len()).await?,
            expected,
            "{odd}"
        );
    }
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

/// Names that stay as they are: none is decoded, since it was given.
const NAMES: [&str; 9] = [
    "bill.pdf",
    "a b (2).PDF",
    "50%.pdf",
    "my%20file.pdf",
    "CON.pdf",
    "nul.aux.pdf",
    "बिल 日本 👩\u{200d}👩\u{200d}👧.pdf",
    "..hidden.pdf",
    "a;b=c, 'd' & e.pdf",
];

/// Names of which nothing can be seen.
const BLANK: [&str; 3] = ["\u{200b}", "\u{a0}\u{3164}", "\u{2800} "];

/// Names that no file should have, with what may be left of each.
const HOSTILE: [(&str, &[&str]); 8] = [
    (
        "../../etc/passwd.pdf",
        &[".._.._etc_passwd.pdf", "passwd.pdf"],
    ),
    ("C:\\fakepath\\b.pdf", &["C:_fakepath_b.pdf", "b.pdf"]),
    (
        "a\r\nContent-Type: x\r\n\r\nc.pdf",
        &["aContent-Type: xc.pdf"],
    ),
    ("d\u{202e}fdp.exe.pdf", &["dfdp.exe.pdf"]),
    ("\u{2067}e\u{2069}\u{200f}.pdf", &["e.pdf"]),
    ("f\0\u{7f}\u{85}\u{2028}.pdf", &["f.pdf"]),
    ("\"g\".pdf", &["_g_.pdf"]),
    (" h.pdf\t", &["h.pdf"]),
];

pub(super) async fn a_files_name_stays_but_for_what_no_name_should_have(
    start: Start,
) -> anyhow::Result<()> {
    let stage = scene(start, |_: &_| Vec::new()).await?;
    let user = stage.provider.user(1);
    let long = "🇮🇳".repeat(60) + "x.pdf";
    let hostile = HOSTILE.iter().map(|(name, _)| *name);
    let names = NAMES
        .into_iter()
        .chain(BLANK)
        .chain(hostile)
        .chain([long.as_str()]);
    for name in names {
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
        let files = NAMES.len() + BLANK.len() + HOSTILE.len() + 1;
        assert_eq!(
            told.len(),
            files,
            "files that Haptik was not sent are only named, as {:?}: a name without an ending needs a MIME type \
             (`Files::resolve_attachment`). Sent were {told:?}",
            seen.messages.iter().map(|message| &message.text).collect::<Vec<_>>()
        );
        for name in &told {
            assert!(!is_blank(name) && name.len() <= 255, "{name:?}");
            let odd = |letter: char| letter.is_control() || "/\\\u{202e}\u{2067}".contains(letter);
            assert!(!name.contains(odd), "{name:?}");
        }
        // A provider may have no names of files.
        if !told.contains(&"bill.pdf") {
            return;
        }
        for name in NAMES {
            assert!(told.contains(&name), "{name}: {told:?}");
        }
        for (name, left) in HOSTILE {
            assert!(
                left.iter().any(|name| told.contains(name)),
                "{name:?}: {told:?}"
            );
        }
        assert!(
            told.contains(&("🇮🇳".repeat(31) + ".pdf").as_str()),
            "{told:?}"
        );
    });
    stage.finish().await
}
