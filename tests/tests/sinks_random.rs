//! A thousand completions at random: what the sinks that are no CRM send of each is what their receivers take, and goes
//! where it is to go. The CRMs' are in `crms`.

use std::time::Duration;

use anyhow::Context as _;
use fastrand::Rng;
use haptik_bridge_local::gateway::LocalBridge;
use haptik_bridge_local::registry;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::AccountId;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::is_blank;
use haptik_bridge_shared::net::aws::AwsEnvironment;
use haptik_bridge_shared::net::fake::{Answer, Fake, Request};
use haptik_bridge_sinks::{Delivered, Delivery, SinkError};
use haptik_bridge_tests::app::SECRET;
use haptik_bridge_tests::random_completion::completion;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

const COMPLETIONS: u64 = 1_000;

/// What a receiver was sent of each completion; nothing of what cannot be sent.
async fn sent(
    lines: &str,
    answer: &'static str,
    seed: u64,
) -> anyhow::Result<Vec<(Value, Option<Request>)>> {
    let fake = Fake::start(move |_: &Request| Answer::new(200, answer)).await;
    let origin = fake.url("").to_string();
    let toml = format!(
        "[haptik.main]\nbase_url = 'http://127.0.0.1:1'\nclient_id = 'c'\ntoken = 't'\nwebhook_secrets = 's'\n\
         business_id = 343\n[channels.app]\ntype = 'custom'\ncallback_url = 'https://a.example'\n\
         signing_secrets = '{SECRET}'\n[sinks.one]\nevents = ['webhook_conversation_complete']\n{}\n",
        lines.replace("ORIGIN", origin.trim_end_matches('/'))
    );
    let config = Config::parse(&toml, &registry::all()).context("the test's configuration")?;
    let aws = AwsEnvironment::read(|name| match name {
        "AWS_ENDPOINT_URL" => Some(origin.clone()),
        "AWS_REGION" => Some("eu-west-1".to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("x".to_owned()),
        _ => None,
    });
    let local = LocalBridge::start(config, None, &aws).await?;
    let sink = local.sinks.get("one").context("the sink")?;
    let account = AccountId::from("main");
    let mut all = Vec::new();
    for number in 0..COMPLETIONS {
        let event = completion(&mut Rng::with_seed(seed * 10_000 + number), number);
        let body = event.to_string();
        let read = Event::read(body.as_bytes())?;
        let key = read.key(body.as_bytes());
        let now = Timestamp::now();
        let before = fake.requests().len();
        let delivered = sink
            .deliver(&Delivery {
                sink: "one",
                account: &account,
                event: &read,
                body: &body,
                unmasked: &body,
                key: &key,
                received_at: now,
                now,
                again: false,
                completion_wait: Duration::ZERO,
                longest_settling: Duration::MAX,
            })
            .await;
        let mut requests = fake.requests().split_off(before);
        let request = match delivered {
            Ok(Delivered::Done) => Some(requests.remove(0)),
            Err(SinkError::Unsendable(_)) => None,
            other => panic!("completion {number}: {other:?}"),
        };
        assert!(requests.is_empty(), "completion {number}: {requests:?}");
        all.push((event, request));
    }
    Ok(all)
}

/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html> and
/// `API_PutEventsRequestEntry.html` beside it: an entry of 1 MB at most, counted as in
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html>; a `Detail` that is JSON, of 1,000
/// levels at most; a `DetailType` of 128 characters at most.
#[tokio::test]
async fn eventbridge_is_sent_the_entries_that_it_takes() -> anyhow::Result<()> {
    const TAKEN: &str = r#"{"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}"#;
    let sent = sent("type = 'eventbridge'", TAKEN, 7).await?;
    for (event, request) in &sent {
        let size = event.to_string().len();
        let Some(request) = request else {
            assert!(size > 1_000_000, "{size} bytes are not sent");
            continue;
        };
        let put: Value = serde_json::from_slice(&request.body)?;
        let [entry] = put["Entries"].as_array().context("entries")?.as_slice() else {
            panic!("{put}");
        };
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        let (source, kind, detail) = (text("Source"), text("DetailType"), text("Detail"));
        assert!(14 + source.len() + kind.len() + detail.len() <= 1_048_576);
        assert!((1..=128).contains(&kind.chars().count()), "{kind}");
        assert!((1..=256).contains(&source.len()) && entry["Time"].is_i64());
        let detail: Value = serde_json::from_str(detail)?;
        assert_eq!(detail["event"], *event);
        assert!(depth(&detail) < 1_000);
    }
    Ok(())
}

fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(list) => list.iter().map(depth).max(),
        Value::Object(map) => map.values().map(depth).max(),
        _ => return 0,
    };
    1 + inner.unwrap_or_default()
}

/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>: a signature that the
/// receiver's library verifies, an id without a full stop, a body of `type`, `timestamp` and `data`.
#[tokio::test]
async fn a_webhook_is_sent_what_its_library_verifies() -> anyhow::Result<()> {
    let lines = format!("type = 'webhook'\nurl = 'ORIGIN/hook'\nsigning_secrets = '{SECRET}'");
    let library = standardwebhooks::Webhook::new(SECRET)?;
    for (event, request) in sent(&lines, "{}", 8).await? {
        let request = request.context("every completion is sent")?;
        let headers: http::HeaderMap = ["webhook-id", "webhook-timestamp", "webhook-signature"]
            .into_iter()
            .map(|name| Ok((name.parse()?, request.header(name).parse()?)))
            .collect::<anyhow::Result<_>>()?;
        library.verify(&request.body, &headers)?;
        assert!(!request.header("webhook-id").contains('.'));
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/hook")
        );
        let body: Value = serde_json::from_slice(&request.body)?;
        assert_eq!(body["type"], "webhook_conversation_complete");
        body["timestamp"]
            .as_str()
            .context("a time")?
            .parse::<Timestamp>()?;
        let as_read = lenient_json::read(event.to_string().as_bytes()).expect("JSON");
        assert_eq!(body["data"], as_read);
    }
    Ok(())
}

/// The host and the path are the template's, whatever the values are (RFC 3986, 3.3 and 5.2.4); a header is one line
/// (RFC 9110, 5.5); the body is JSON.
#[tokio::test]
async fn a_value_in_a_request_of_templates_changes_itself_and_nothing_else() -> anyhow::Result<()> {
    let lines = "type = 'http'\nmethod = 'PUT'\nurl = 'ORIGIN/api/{{ user.name }}/c?q={{ closing_categories.comment }}&z=1'\n\
                 headers = { X-Name = '{{ closing_categories.reason }}' }\n\
                 body = '''{\"c\": \"{{ closing_categories.comment }}\", \"d\": {{ conversation_details }}, \"x\": [\"{{ user.phone_number }}\"]}'''";
    let sent = sent(lines, "{}", 9).await?;
    let mut taken = 0;
    for (event, request) in &sent {
        let Some(request) = request else { continue };
        taken += 1;
        let url = Url::parse(&format!("http://host.example{}", request.path))?;
        let parts: Vec<&str> = url.path_segments().context("a path")?.collect();
        let [first, name, last] = parts.as_slice() else {
            panic!("{url}");
        };
        assert!((*first, *last) == ("api", "c") && !name.is_empty(), "{url}");
        assert_eq!(
            request.path,
            format!("{}?{}", url.path(), url.query().unwrap_or_default())
        );
        let comment = event["data"]["closing_categories"]["comment"].as_str();
        let query: Vec<_> = url.query_pairs().collect();
        let [(q, comment_there), (z, one)] = query.as_slice() else {
            panic!("{url}");
        };
        assert_eq!((q.as_ref(), z.as_ref(), one.as_ref()), ("q", "z", "1"));
        let body: Value = serde_json::from_slice(&request.body)?;
        assert_eq!(body["c"].as_str(), Some(comment_there.as_ref()));
        // What cannot be seen is nothing.
        if comment.is_some_and(|comment| !is_blank(comment)) {
            assert_eq!(body["c"].as_str(), comment);
        }
        let details = body["d"].as_object().context("an object")?;
        assert_eq!(
            details.len(),
            event["data"]["conversation_details"]
                .as_object()
                .map_or(0, serde_json::Map::len)
        );
        assert!(!request.header("x-name").contains(char::is_control));
        assert_eq!(
            body.as_object().map(serde_json::Map::len),
            Some(3),
            "{}",
            json!(body)
        );
    }
    // Of most, the name would make another path.
    assert!(taken > 100, "{taken} of {COMPLETIONS}");
    Ok(())
}
