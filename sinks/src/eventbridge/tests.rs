use std::sync::atomic::{AtomicUsize, Ordering};

use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::AccountId;
use haptik_bridge_shared::net;
use haptik_bridge_shared::net::fake::{Answer, Fake, Request};
use haptik_bridge_shared::retry::{Retry, Retryable as _};
use haptik_bridge_shared::table::Table;

use super::*;
use crate::{Sinks, context};

const SCHEMA: &str = include_str!("../../../docs/eventbridge-detail.schema.json");

struct Scene {
    sinks: Sinks,
}

/// A sink with these keys, called at `endpoint`; or without credentials.
fn scene(more: &str, endpoint: Option<&str>) -> Scene {
    let text = format!(
        "[haptik.main]\nbase_url = 'http://127.0.0.1:1'\nclient_id = 'c'\ntoken = 't'\n\
         webhook_secrets = 's'\nbusiness_id = 1\n[channels.app]\ntype = 'custom'\n\
         signing_secrets = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\ncallback_url = 'https://a.example'\n\
         [sinks.bus]\ntype = 'eventbridge'\nevents = ['*']\n{more}"
    );
    let config = Config::parse(&text, &crate::registry::REGISTRY)
        .unwrap_or_else(|errors| panic!("{errors}"));
    let sdk = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .build();
    let table = Table::new(aws_sdk_dynamodb::Client::from_conf(sdk), "none");
    let aws = AwsEnvironment::read(|name| match (name, endpoint) {
        ("AWS_ENDPOINT_URL", endpoint) => endpoint.map(str::to_owned),
        ("AWS_REGION", _) => Some("eu-west-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", Some(_)) => Some("id".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", Some(_)) => Some("hunter2".to_owned()),
        _ => None,
    });
    let http = net::client().expect("a client");
    let deps = SinkDeps::new(&config, &table, &http, &aws);
    Scene {
        sinks: Sinks::new(&config, &deps),
    }
}

/// A bus that is there and answers `PutEvents` with these statuses and bodies, the last one for ever.
async fn bus(answers: &'static [(u16, &'static str)]) -> (Fake, Scene) {
    let put = AtomicUsize::new(0);
    let fake = Fake::start(move |request: &Request| {
        if request.header("x-amz-target") == "AWSEvents.DescribeEventBus" {
            return Answer::new(200, r#"{"Name": "chats"}"#);
        }
        let index = put.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1);
        let (status, body) = answers[index];
        Answer::new(status, body)
    })
    .await;
    let scene = scene("event_bus = 'chats'", Some(fake.url("").as_str()));
    (fake, scene)
}

const TAKEN: &str = r#"{"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}"#;

impl Scene {
    async fn deliver_body(&self, body: &str, again: bool) -> Result<Delivered, SinkError> {
        let event = Event::read(body.as_bytes()).expect("an event");
        self.sink()
            .deliver(&Self::delivery(
                &event,
                body,
                again,
                &event.key(body.as_bytes()),
            ))
            .await
    }

    async fn deliver(&self) -> Result<Delivered, SinkError> {
        self.deliver_body(context::sample(), false).await
    }

    fn delivery<'a>(
        event: &'a Event,
        body: &'a str,
        again: bool,
        key: &'a haptik_bridge_shared::ids::EntryKey,
    ) -> Delivery<'a> {
        static ACCOUNT: std::sync::LazyLock<AccountId> =
            std::sync::LazyLock::new(|| AccountId::from("main"));
        Delivery {
            sink: "bus",
            account: &ACCOUNT,
            event,
            body,
            unmasked: body,
            key,
            received_at: Timestamp::UNIX_EPOCH,
            now: Timestamp::now(),
            again,
            completion_wait: Duration::ZERO,
            longest_settling: Duration::MAX,
        }
    }

    fn sink(&self) -> &dyn Sink {
        self.sinks.get("bus").expect("the sink")
    }
}

/// What one `PutEvents` that is answered so comes to.
async fn refused(status: u16, body: &'static str) -> SinkError {
    let (_fake, scene) = bus(Box::leak(Box::new([(status, body)]))).await;
    scene.deliver().await.expect_err("it is refused")
}

fn kind(error: &SinkError) -> Option<&CallErrorKind> {
    match error {
        SinkError::Call(call) => Some(&call.kind),
        _ => None,
    }
}

fn puts(fake: &Fake) -> Vec<Value> {
    let requests = fake.requests().into_iter();
    let puts = requests.filter(|request| request.header("x-amz-target") == "AWSEvents.PutEvents");
    puts.map(|request| serde_json::from_slice(&request.body).expect("JSON"))
        .collect()
}

#[tokio::test]
async fn an_event_is_one_entry_that_is_the_same_on_every_try() {
    let (fake, scene) = bus(&[(500, "{}"), (200, TAKEN)]).await;
    scene.deliver().await.expect_err("it is down");
    let again = scene.deliver_body(context::sample(), true).await;
    assert_eq!(again.expect("it is taken"), Delivered::Done);
    let puts = puts(&fake);
    let [first, second] = puts.as_slice() else {
        panic!("{puts:?}");
    };
    assert_eq!(first, second);
    let entries = first["Entries"].as_array().expect("entries");
    let [entry] = entries.as_slice() else {
        panic!("{entries:?}");
    };
    let sample: Value = serde_json::from_str(context::sample()).expect("JSON");
    assert_eq!(entry["EventBusName"], "chats");
    assert_eq!(entry["Source"], "haptik-bridge");
    assert_eq!(entry["DetailType"], sample["event_name"]);
    assert!(entry.get("Resources").is_none());
    let text = entry["Detail"].as_str().expect("a text");
    let detail: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(detail["event"], sample);
    let at: Timestamp = detail["timestamp"]
        .as_str()
        .expect("a text")
        .parse()
        .expect("a time");
    assert_eq!(entry["Time"].as_i64(), Some(at.as_second()));
    // The same bytes that Haptik sent: no number is rounded, no key is lost.
    assert!(text.contains(context::sample().trim()), "{text}");
}

#[tokio::test]
async fn the_detail_is_as_its_schema_has_it() {
    let (fake, scene) = bus(&[(200, TAKEN)]).await;
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let bare = r#"{"event_name": "message", "message": {"id": 1}, "user": {"auth_id": "a1"}}"#;
    for body in [context::sample(), bare] {
        scene.deliver_body(body, false).await.expect("it is taken");
    }
    let puts = puts(&fake);
    assert_eq!(puts.len(), 2);
    for put in puts {
        let detail = put["Entries"][0]["Detail"].as_str().expect("a text");
        let mut detail: Value = serde_json::from_str(detail).expect("JSON");
        schema
            .validate(&detail)
            .unwrap_or_else(|error| panic!("{error}"));
        detail["delivery_id"] = Value::Null;
        assert!(!schema.is_valid(&detail));
    }
}

#[tokio::test]
async fn an_entry_may_be_refused_in_a_call_that_goes_well() {
    let entry = |code: &str| {
        let body = json!({"FailedEntryCount": 1, "Entries": [
            {"ErrorCode": code, "ErrorMessage": "in AWS's words"}]});
        refused(200, Box::leak(body.to_string().into_boxed_str()))
    };
    let error = entry("MalformedDetail").await;
    assert_eq!(error.retry(), Retry::Never);
    assert_eq!(error.detail(), Some("MalformedDetail: in AWS's words"));
    for code in [
        "NotAuthorizedForSourceException",
        "AccessDeniedException",
        "InvalidAccountIdException",
    ] {
        let error = entry(code).await;
        assert!(matches!(error, SinkError::NotReady { .. }), "{error:?}");
        assert!(error.to_string().ends_with(code), "{error}");
    }
    let error = entry("ThrottlingException").await;
    assert_eq!(kind(&error), Some(&CallErrorKind::RateLimited), "{error:?}");
    let error = entry("InternalFailure").await;
    assert_eq!(kind(&error), Some(&CallErrorKind::Unavailable), "{error:?}");
    // An answer that says neither is none.
    let error = refused(200, r#"{"FailedEntryCount": 0, "Entries": []}"#).await;
    assert_eq!(kind(&error), Some(&CallErrorKind::Unreadable), "{error:?}");
}

#[tokio::test]
async fn a_call_that_is_refused_says_why_by_its_code() {
    for (status, body) in [
        (
            400,
            r#"{"__type": "AccessDeniedException", "Message": "not authorized to perform: events:PutEvents"}"#,
        ),
        (
            400,
            r#"{"__type": "com.amazon.coral.service#UnrecognizedClientException"}"#,
        ),
        (400, r#"{"__type": "ExpiredTokenException"}"#),
        (403, "<html>"),
    ] {
        let error = refused(status, body).await;
        assert!(
            matches!(error, SinkError::NotReady { .. }),
            "{body}: {error:?}"
        );
        assert!(error.left_nothing());
    }
    let error = refused(400, r#"{"__type": "ThrottlingException"}"#).await;
    assert_eq!(kind(&error), Some(&CallErrorKind::RateLimited), "{error:?}");
    for (status, body) in [
        (500, r#"{"__type": "InternalException"}"#),
        (503, ""),
        (502, "<html>"),
    ] {
        let error = refused(status, body).await;
        assert_eq!(
            kind(&error),
            Some(&CallErrorKind::Unavailable),
            "{body}: {error:?}"
        );
    }
    let error = refused(
        400,
        r#"{"__type": "ValidationException", "message": "1 validation error"}"#,
    )
    .await;
    assert_eq!(error.retry(), Retry::Never);
    assert_eq!(
        error.detail(),
        Some("ValidationException: 1 validation error")
    );
}

#[tokio::test]
async fn each_call_is_one_request_whose_repetition_is_the_ledgers() {
    let (fake, scene) = bus(&[(400, r#"{"__type": "ThrottlingException"}"#)]).await;
    scene.deliver().await.expect_err("it is throttled");
    assert_eq!(puts(&fake).len(), 1);
    let scene = self::scene("", Some("http://127.0.0.1:1"));
    let error = scene.deliver().await.expect_err("nobody is there");
    let Some(CallErrorKind::Unreachable(cause)) = kind(&error) else {
        panic!("{error:?}");
    };
    assert!(cause.never_sent() && error.left_nothing(), "{cause}");
}

#[tokio::test]
async fn a_bus_that_is_not_there_gets_nothing_and_one_that_may_not_be_asked_for_does() {
    let describe: &'static [&str] = &["ResourceNotFoundException", "AccessDeniedException"];
    for code in describe {
        let fake = Fake::start(move |request: &Request| {
            if request.header("x-amz-target") == "AWSEvents.DescribeEventBus" {
                return Answer::new(400, json!({"__type": code, "message": "so"}).to_string());
            }
            Answer::new(200, TAKEN)
        })
        .await;
        let scene = scene("event_bus = 'chats'", Some(fake.url("").as_str()));
        let delivered = scene.deliver().await;
        if *code == "AccessDeniedException" {
            assert_eq!(delivered.expect("it is put there"), Delivered::Done);
            scene.deliver().await.expect("it is put there");
            // What is known is not asked again at once.
            assert_eq!((puts(&fake).len(), fake.requests().len()), (2, 3));
        } else {
            let error = delivered.expect_err("it would be gone").to_string();
            assert!(error.ends_with("the bus does not exist"), "{error}");
            assert!(puts(&fake).is_empty());
        }
    }
}

#[tokio::test]
async fn a_name_that_is_too_long_is_whole_in_the_detail() {
    let (fake, scene) = bus(&[(200, TAKEN)]).await;
    let name = "e".repeat(129);
    let body = json!({"event_name": name, "message": {"id": 1}}).to_string();
    scene.deliver_body(&body, false).await.expect("it is taken");
    let entry = puts(&fake).remove(0)["Entries"][0].take();
    assert_eq!(entry["DetailType"], "e".repeat(128));
    let detail: Value =
        serde_json::from_str(entry["Detail"].as_str().expect("a text")).expect("JSON");
    assert_eq!(detail["event"]["event_name"], name);
}

#[tokio::test]
async fn an_event_that_is_too_large_is_not_sent() {
    let (fake, scene) = bus(&[(200, TAKEN)]).await;
    let large = |length: usize| {
        json!({"event_name": "message", "message": {"id": 1}, "filler": "x".repeat(length)})
            .to_string()
    };
    scene
        .deliver_body(&large(1_000_000), false)
        .await
        .expect("it is taken");
    let error = scene.deliver_body(&large(1_048_576), false).await;
    let error = error.expect_err("it is too large");
    assert_eq!(error.retry(), Retry::Never);
    assert!(
        error.to_string().contains("and EventBridge takes 1048576"),
        "{error}"
    );
    assert_eq!(puts(&fake).len(), 1);
}

#[tokio::test]
async fn without_credentials_it_says_which_variables_and_can_be_previewed() {
    let scene = scene("event_bus = 'chats'\nsource = 'acme.chats'", None);
    let error = scene.deliver().await.expect_err("nobody can be asked");
    assert_eq!(
        error.to_string(),
        "the sink needs attention to put an event on the bus: there are no AWS credentials: \
         missing or wrong in the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"
    );
    let (_fake, with) = bus(&[(200, TAKEN)]).await;
    for (scene, source) in [(&scene, "acme.chats"), (&with, "haptik-bridge")] {
        let event = Event::read(context::sample().as_bytes()).expect("an event");
        let key = event.key(context::sample().as_bytes());
        let delivery = Scene::delivery(&event, context::sample(), false, &key);
        let shown = scene
            .sink()
            .preview(&delivery)
            .await
            .expect("it can be shown");
        let shown: String = shown.iter().map(ToString::to_string).collect();
        for part in [
            source,
            "AWSEvents.PutEvents",
            "\"delivery_id\"",
            "\"chats\"",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(!shown.contains("hunter2") && !format!("{:?}", scene.sinks).contains("hunter2"));
    }
}
