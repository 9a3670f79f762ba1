//! What the writers of JSON write, and what nobody can read, at the edges that are no channel's: Haptik's webhook,
//! hand-offs, the pages of an installation. The channels' own are in the contract suite.

use haptik_bridge_simulator::{Reply, UserMessage, signature};
use haptik_bridge_tests::provider::{FakeProvider as _, Request};
use haptik_bridge_tests::{Stage, provider};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::handoff::{no_bot, options};
use super::slack_workspaces::many;

const ASHA: &str = "U00000ASHA";

/// What no edge reads, as HTTP names it (<https://www.iana.org/assignments/http-parameters>).
const ENCODINGS: [&str; 9] = [
    "gzip",
    "GZIP",
    "x-gzip",
    "br",
    "deflate",
    "compress",
    "zstd",
    "identity, gzip",
    "gzip, identity",
];

fn silent(_: &UserMessage) -> Vec<Reply> {
    Vec::new()
}

/// A body as its writers have it: in each, what is at `odd` is read as null or as it is, and the text has `CUT`.
fn bodies(object: &Value) -> Vec<(Vec<u8>, &'static str)> {
    let text = object.to_string();
    let inner = text.strip_prefix('{').expect("an object");
    let utf_16 = |bytes: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        let text = format!("{mark}{text}").replace("CUT", "日本 🇮🇳");
        text.encode_utf16().flat_map(bytes).collect()
    };
    let cut = |by: &[u8]| -> Vec<u8> {
        let (before, after) = text.split_once("CUT").expect("a mark");
        [before.as_bytes(), by, after.as_bytes()].concat()
    };
    let mut all = vec![
        (cut(br"\ud83d"), "\u{fffd}"),
        (cut(br"\ude00"), "\u{fffd}"),
        (cut(b"\xff"), "\u{fffd}"),
        (cut(b"\xf0\x9f\x87"), "\u{fffd}"),
        (cut(b"\xed\xa0\xbd\xed\xb8\x80"), "😀"),
        (cut(b"\xed\xb8\x80"), "\u{fffd}"),
        (cut(b"a\tb"), "a\tb"),
        (utf_16(u16::to_le_bytes, "\u{feff}"), "日本 🇮🇳"),
        (utf_16(u16::to_be_bytes, "\u{feff}"), "日本 🇮🇳"),
        (utf_16(u16::to_le_bytes, ""), "日本 🇮🇳"),
        (utf_16(u16::to_be_bytes, ""), "日本 🇮🇳"),
    ];
    for odd in [
        "\"odd\":NaN",
        "\"odd\":[Infinity,-Infinity]",
        "\"odd\":1e999",
        "\"odd\":\"\\ud83d\\u0000\u{1}\n\"",
        "\"odd\":123456789012345678901234567890",
        "\"odd\":[1,{\"a\":2,},]",
        "\"\\udc00\":0.0",
        "\"odd\":[-nan,inf,-Inf,1.#QNAN,.5,+5,5.]",
        "\"odd\":1,\"odd\":{},\"odd\":[]",
        &format!("\"odd\":{}{}", "[{\"a\":".repeat(2_000), "}]".repeat(2_000)),
    ] {
        all.push((format!("\u{feff}{{{odd},{inner}").into_bytes(), "CUT"));
    }
    let trailing = text.strip_suffix('}').expect("an object");
    all.push((format!("{trailing},}}\r\n\0").into_bytes(), "CUT"));
    all
}

/// What Haptik delivers, signed.
fn delivery(stage: &Stage, body: &[u8]) -> Request {
    let secret = stage.simulator().settings().webhook_secret.clone();
    let signed = signature(secret.expose_secret(), body);
    http::Request::post(format!("{}/haptik/main", stage.url))
        .header("x-hub-signature", format!("sha1={signed}"))
        .body(body.to_vec())
        .expect("a request")
}

/// A message of the bot's.
fn message(auth_id: &str, id: f64, text: &str) -> Value {
    json!({
        "version": "1.0", "timestamp": Timestamp::now(), "event_name": "message", "business_id": 343.0,
        "user": {"auth_id": auth_id, "user_name": "u"}, "agent": {"name": "gogo", "is_automated": true},
        "message": {"id": id, "body": {"text": text, "type": "TEXT", "data": {}}},
    })
}

#[tokio::test]
async fn what_is_broken_in_a_delivery_of_haptiks_costs_that_alone() -> anyhow::Result<()> {
    let stage = Stage::with_bot(silent).await?;
    let channel = stage.slack_user_says(ASHA, "hi").await;
    stage.haptik_was_told(1).await?;
    let auth_id = stage
        .simulator()
        .records(|seen| seen.messages.last().expect("one").auth_id.clone());
    let count = bodies(&json!({"text": "CUT"})).len();
    for number in 0..count {
        let id = 9_000.0 + f64::from(u32::try_from(number)?);
        let body = message(&auth_id, id, &format!("{number} is CUT here"));
        let (body, told) = bodies(&body).swap_remove(number);
        stage.takes(&delivery(&stage, &body)).await?;
        let shown = format!("{number} is {told} here");
        stage.slack.wait_for_text(&channel, &shown).await;
    }
    stage.finish().await
}

#[tokio::test]
async fn a_delivery_that_is_encoded_is_not_acknowledged() -> anyhow::Result<()> {
    let stage = Stage::with_bot(silent).await?;
    let body = message("somebody", 1.0, "hi").to_string();
    for encoding in ENCODINGS {
        let mut request = delivery(&stage, body.as_bytes());
        request
            .headers_mut()
            .insert("content-encoding", encoding.parse()?);
        assert_eq!(stage.receives(&request).await?.0, 415, "{encoding}");
    }
    assert!(stage.local.bridge.ledger.lanes().await?.is_empty());
    stage.finish().await
}

/// A request for a human.
fn hand_off(stage: &Stage, body: &[u8]) -> Request {
    let url = format!("{}/handoff", stage.channel_url("my-app"));
    let request = http::Request::post(url).body(body.to_vec());
    let request = request.expect("a request");
    let signed = stage.app.signed_at(&request, Timestamp::now());
    signed.expect("the application signs times")
}

fn asked(number: usize) -> Value {
    json!({
        "id": format!("h-{number}"), "timestamp": Timestamp::now(), "message": "CUT",
        "user": {"id": format!("u-{number}"), "name": "\u{200b}\u{3164}", "mobile_no": 918_826_755_986.0},
    })
}

#[tokio::test]
async fn what_is_broken_in_a_hand_off_costs_that_alone() -> anyhow::Result<()> {
    let stage = Stage::with(options(), no_bot).await?;
    let count = bodies(&asked(0)).len();
    let mut expected = Vec::new();
    for number in 0..count {
        let (body, told) = bodies(&asked(number)).swap_remove(number);
        stage.takes(&hand_off(&stage, &body)).await?;
        expected.push(told.to_owned());
    }
    let mut told = stage.haptik_was_told(count).await?;
    told.sort();
    expected.sort();
    assert_eq!(told, expected);
    stage.simulator().records(|seen| {
        for user in seen.users.iter() {
            let name = user.fields.get("name").and_then(Value::as_str);
            assert!(
                name.is_none_or(|name| !name.contains('\u{3164}')),
                "{name:?}"
            );
            assert_eq!(user.fields["mobile_no"], "918826755986");
        }
    });
    // Each goes on until somebody ends it.
    stage.abandon();
    Ok(())
}

#[tokio::test]
async fn what_nobody_can_read_in_a_hand_off_is_said_to_its_sender() -> anyhow::Result<()> {
    let stage = Stage::with(options(), no_bot).await?;
    let body = asked(1).to_string();
    for encoding in ENCODINGS {
        let mut request = hand_off(&stage, body.as_bytes());
        request
            .headers_mut()
            .insert("content-encoding", encoding.parse()?);
        assert_eq!(stage.receives(&request).await?.0, 415, "{encoding}");
    }
    for odd in [
        "",
        "not JSON",
        "[1]",
        "{\"id\":}",
        "{\"id\":1,,}",
        "\u{feff}",
        "NaN",
    ] {
        let (status, answer) = stage.receives(&hand_off(&stage, odd.as_bytes())).await?;
        assert_eq!(status, 400, "{odd}: {answer}");
    }
    for language in ["english", "eng", "deu", "English (US)", "x", "12", "en US"] {
        let mut body = asked(1);
        body["user"]["language_code"] = language.into();
        let request = hand_off(&stage, body.to_string().as_bytes());
        let (status, answer) = stage.receives(&request).await?;
        assert_eq!(status, 400, "{language}: {answer}");
        assert!(answer.contains("user.language_code"), "{answer}");
    }
    assert!(stage.local.bridge.ledger.lanes().await?.is_empty());
    for (number, (written, language)) in [
        ("en-US", "en"),
        ("EN", "en"),
        ("pt_BR", "pt"),
        ("zh-Hans-CN", "zh"),
        (" De ", "de"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = asked(number + 2);
        body["user"]["language_code"] = written.into();
        stage
            .takes(&hand_off(&stage, body.to_string().as_bytes()))
            .await?;
        stage.haptik_was_told(number + 1).await?;
        stage.simulator().records(|seen| {
            let user = seen.users.last().expect("a user");
            assert_eq!(user.fields["language_code"], language, "{written}");
        });
    }
    stage.abandon();
    Ok(())
}

#[tokio::test]
async fn no_query_of_an_installation_is_believed_or_repeated() -> anyhow::Result<()> {
    let stage = Stage::with(many(), silent).await?;
    let url = stage.channel_url("acme-slack");
    let client = haptik_bridge_tests::app::client()?;
    for query in [
        "",
        "code=%FF&state=%FF",
        "code=a&state=%ED%A0%BD",
        "code=a&code=b&state=c&state=d",
        "error=%3Cscript%3Ealert(1)%3C/script%3E",
        "error=access_denied&error_description=%00%0D%0ASet-Cookie:x",
        "code=%E2%80%8B&state=%C2%A0%E3%85%A4",
        "code=NaN&state=1e999",
        "state=%EF%BB%BF",
        "code&state",
        "&&&=%",
    ] {
        let request = http::Request::get(format!("{url}/oauth?{query}")).body(Vec::new())?;
        let (status, page) = provider::send(&client, &request).await?;
        assert!((400..500).contains(&status), "{query}: {status} {page}");
        assert!(!page.contains("<script>alert"), "{query}: {page}");
    }
    for path in ["install", "oauth?code=a&state=b"] {
        let request = http::Request::get(format!("{url}/{path}"))
            .header("content-encoding", "gzip")
            .body(Vec::new())?;
        assert_eq!(provider::send(&client, &request).await?.0, 415, "{path}");
    }
    assert!(stage.slack.calls("oauth.v2.access").is_empty());
    stage.finish().await
}
