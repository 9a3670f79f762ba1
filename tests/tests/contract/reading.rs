//! What the writers of the other side's JSON write, and what nobody can read.

use haptik_bridge_tests::Stage;
use haptik_bridge_tests::provider::Request;
use http::HeaderValue;
use jiff::Timestamp;

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
    let mut expected = Vec::new();
    for (broken, told) in [
        (r"\ud83d".as_bytes(), "\u{fffd}"),
        (br"\ude00", "\u{fffd}"),
        (b"\t\x01", "\t\u{1}"),
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
    ] {
        let said = format!("{} beside {odd:?}", expected.len());
        let request = stage.provider.say(&user, &said);
        let rest = request.body().strip_prefix(b"{").expect("an object");
        let body = [format!("\u{feff}{{{odd},").as_bytes(), rest].concat();
        stage.takes(&with_body(&stage, &request, body)).await?;
        expected.push(said);
    }
    assert_eq!(stage.haptik_was_told(expected.len()).await?, expected);
    stage.finish().await
}

pub(super) async fn a_body_that_is_encoded_is_not_acknowledged(start: Start) -> anyhow::Result<()> {
    let stage = scene(start, echo).await?;
    let user = stage.provider.user(1);
    for encoding in ["gzip", "br", "x-anything", "identity, gzip"] {
        let mut request = stage.provider.say(&user, "hello");
        let value = HeaderValue::from_static(encoding);
        request.headers_mut().insert("content-encoding", value);
        let (status, body) = stage.receives(&request).await?;
        assert_eq!(status, 415, "{encoding}: {body}");
    }
    assert!(stage.local.bridge.ledger.lanes().await?.is_empty());
    let mut request = stage.provider.say(&user, "as it is");
    let value = HeaderValue::from_static("identity");
    request.headers_mut().insert("content-encoding", value);
    stage.takes(&request).await?;
    is_answered(&stage, &user, "hello").await?;
    stage.finish().await
}
