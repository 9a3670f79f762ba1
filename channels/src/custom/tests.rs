use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http::HeaderMap;
use proptest::prelude::*;
use secrecy::SecretString;
use standardwebhooks::Webhook;

use super::*;
use crate::erased::{AnyOutlet as _, ErasedOutlet};
use crate::memory::Memory;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::{AuthId, AuthIdSource, EntryKey};
use haptik_bridge_shared::ledger::Ledger;
use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::message::{self, Content, Sender, SenderKind};
use haptik_bridge_shared::net;
use haptik_bridge_shared::net::fake::{Answer, Fake};
use haptik_bridge_shared::offers::Offers;
use haptik_bridge_shared::retry::{Retry, Retryable as _};
use haptik_bridge_shared::table::Table;

mod receive;
mod shown;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OTHER_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn settings(callback_url: Url) -> config::Custom {
    config::Custom {
        signing_secrets: Secrets::new(OTHER_SECRET, [SecretString::from(SECRET)]),
        link_says: true,
        callback_url,
        handoff_only: false,
        receipts: false,
        transcript: config::Transcript::Message,
    }
}

fn table() -> Table {
    let sdk = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .build();
    Table::new(aws_sdk_dynamodb::Client::from_conf(sdk), "none")
}

fn edge_with(settings: &config::Custom) -> Result<Box<dyn Edge<Custom>>, BuildError> {
    edge_by(settings, AuthIdSource::Derived)
}

/// An edge whose users are called by this at Haptik.
fn edge_by(
    settings: &config::Custom,
    source: AuthIdSource,
) -> Result<Box<dyn Edge<Custom>>, BuildError> {
    let deps = EdgeDeps {
        connection: "my-app".into(),
        auth_ids: AuthIds::new("my-app".into(), source),
        http: net::client().expect("a client"),
        table: table(),
        memory: Memory::default(),
        offers: Offers::new(Ledger::new(table(), Duration::from_hours(1))),
        agent_phrase: None,
        forms: haptik_bridge_shared::config::Forms::default(),
        fetcher: haptik_bridge_shared::net::Fetcher::new(true).expect("a client"),
    };
    Custom::edge(settings, deps)
}

fn outlet_with(settings: &config::Custom) -> Result<Box<dyn Outlet<Custom>>, BuildError> {
    let deps = OutletDeps {
        connection: "my-app".into(),
        http: net::client().expect("a client"),
        fetcher: Fetcher::new(false).expect("a fetcher"),
        table: table(),
        memory: Memory::default(),
        offers: Offers::new(Ledger::new(table(), Duration::from_hours(1))),
        forms: haptik_bridge_shared::config::Forms::default(),
    };
    Custom::outlet(settings, deps)
}

fn outlet(callback_url: Url) -> Box<dyn Outlet<Custom>> {
    outlet_with(&settings(callback_url)).expect("good secrets")
}

fn secret_path() -> Url {
    Url::parse("https://app.example/callback/secret-path").expect("a URL")
}

/// An outlet that sends nothing. One for all: setting up TLS takes a while.
fn anywhere() -> &'static dyn Outlet<Custom> {
    static ANYWHERE: LazyLock<Box<dyn Outlet<Custom>>> = LazyLock::new(|| outlet(secret_path()));
    ANYWHERE.as_ref()
}

fn outgoing(content: Content, message_id: Option<u64>) -> Outgoing {
    Outgoing {
        key: EntryKey::from("00000000000001982371#message"),
        auth_id: AuthId::from("a1"),
        user: "u-42".into(),
        at: "2026-11-22T10:00:00Z".parse().expect("a time"),
        received_at: "2026-11-22T10:00:00Z".parse().expect("a time"),
        sender: Sender {
            kind: SenderKind::Bot,
            name: "gogo".into(),
            profile_image: String::new(),
        },
        message_id,
        in_reply_to: None,
        handoff: None,
        content,
    }
}

fn hsl(raw: &Value) -> Outgoing {
    outgoing(
        Content::Message {
            hsl: Hsl::read(raw),
            raw: raw.clone(),
        },
        Some(1_982_371),
    )
}

fn payload(outgoing: &Outgoing) -> Option<Value> {
    let parts = anywhere().render(outgoing);
    parts.first().map(|part| part.body["payload"].clone())
}

#[test]
fn every_hsl_sample_is_rendered() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/tests/samples");
    let mut rendered = serde_json::Map::new();
    for file in std::fs::read_dir(directory).expect("the samples") {
        let path = file.expect("a sample").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name")
            .to_owned();
        if !name.starts_with("hsl-") {
            continue;
        }
        let raw: Value =
            serde_json::from_slice(&std::fs::read(&path).expect("a sample")).expect("JSON");
        let mut payload = payload(&hsl(&raw)).unwrap_or_default();
        if let Some(object) = payload.as_object_mut() {
            // The message as it came; everything else is ours.
            assert_eq!(object.remove("hsl"), Some(raw), "{name}");
        }
        rendered.insert(name, payload);
    }
    rendered.sort_keys();
    insta::assert_json_snapshot!(rendered);
}

#[test]
fn events_are_rendered_as_documented() {
    let of = |sample: &str| {
        let event = Event::read(sample.as_bytes()).expect("an event");
        let mut outgoing = outgoing(event.content().expect("content"), event.message_id);
        outgoing.sender = event.sender;
        outgoing.key = EntryKey::from("the-key");
        payload(&outgoing).expect("a payload")
    };
    let joined = of(include_str!(
        "../../../shared/tests/samples/webhook-chat-pinned.json"
    ));
    assert_eq!(
        joined,
        json!({"type": "agent_joined", "id": "1982314", "timestamp": "2026-11-22T10:00:00Z", "user": {"id": "u-42"},
            "sender": {"kind": "agent", "name": "Prateek",
                "profile_image": "https://assets.haptikapi.com/content/42e123411bk1109823bf.jpg"},
            "team_name": "Support"})
    );
    let complete = of(include_str!(
        "../../../shared/tests/samples/webhook-conversation-complete.json"
    ));
    assert_eq!(
        (&complete["id"], &complete["completed_by"]),
        (&json!("the-key"), &json!("agent"))
    );
    assert_eq!(
        (&complete["data"]["conversation_no"], complete.get("sender")),
        (&json!("12"), None)
    );
}

#[test]
fn what_can_only_be_tapped_is_an_action_of_its_own_kind() {
    let action = |kind: &str, uri: &str, payload: Value| json!({"actionable_text": "Tap", "type": kind, "uri": uri, "payload": payload});
    let raw = json!({"text": "t", "type": "BUTTON", "data": {"items": [
        action("APP_FEEDBACK", "", json!({})),
        action("APP_ACTION", "SEND_LOCATION", json!({})),
        action("APP_ACTION", "IMAGE_UPLOAD", json!({})),
        action("APP_ACTION", "CALL", json!({"phone": "+91 (22) 55"})),
        action("TEXT_ONLY", "", json!({"message": "m", "gogo_message": "g{x}"})),
    ]}});
    let payload = payload(&hsl(&raw)).expect("a payload");
    assert_eq!(
        payload["actions"],
        json!([{"label": "Tap", "feedback": true}, {"label": "Tap", "location": true}, {"label": "Tap", "upload": true},
            {"label": "Tap", "url": "tel:+912255"}, {"label": "Tap", "value": "g{x}"}])
    );
    assert_eq!(payload["text"], "t\nTap: +91 (22) 55");
}

#[test]
fn silence_is_not_delivered_and_what_only_an_application_understands_is() {
    assert_eq!(
        payload(&hsl(&json!({"text": "x", "type": "SILENT", "data": {}}))),
        None
    );
    assert_eq!(
        payload(&hsl(&json!({"text": " ", "type": "TEXT", "data": {}}))),
        None
    );
    assert_eq!(payload(&hsl(&json!(null))), None);
    for raw in [
        json!({"type": "NATIVE_ACTION", "data": {"method": "PAY"}}),
        json!({"type": "UPI_QR", "data": {"vpa": 1}}),
    ] {
        assert_eq!(payload(&hsl(&raw)).expect("a payload")["hsl"], raw);
    }
}

#[test]
fn a_body_in_a_string_is_an_object_to_the_application() {
    let raw = json!({"text": "hi", "type": "TEXT", "data": {}});
    assert_eq!(
        payload(&hsl(&json!(raw.to_string()))).expect("a payload")["hsl"],
        raw
    );
    assert_eq!(payload(&hsl(&json!("hi"))).expect("a payload")["hsl"], raw);
}

async fn send(outlet: &dyn Outlet<Custom>, outgoing: &Outgoing) -> Result<Sent, SendError> {
    let parts = outlet.render(outgoing);
    outlet.send(&user(), parts.first().expect("a part")).await
}

#[tokio::test]
async fn what_is_sent_verifies_with_either_secret_and_keeps_its_id_over_tries() {
    let fake = Fake::start(|_| Answer::new(204, "")).await;
    let outlet = outlet(fake.url("callback"));
    let mut outgoing = hsl(&json!({"text": "héllo", "type": "TEXT", "data": {}}));
    send(outlet.as_ref(), &outgoing).await.expect("sent");
    send(outlet.as_ref(), &outgoing).await.expect("sent");
    outgoing.auth_id = AuthId::from("a2");
    send(outlet.as_ref(), &outgoing).await.expect("sent");
    let requests = fake.requests();
    for request in &requests {
        let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        let headers: HeaderMap = names
            .iter()
            .map(|name| {
                (
                    name.parse().expect("a name"),
                    request.header(name).parse().expect("a value"),
                )
            })
            .collect();
        for secret in [SECRET, OTHER_SECRET] {
            Webhook::new(secret)
                .expect("a good secret")
                .verify(&request.body, &headers)
                .expect("a good signature");
        }
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/callback")
        );
        assert_eq!(request.header("content-type"), "application/json");
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        assert_eq!(
            (&body["type"], &body["text"], &body["id"]),
            (&json!("message"), &json!("héllo"), &json!("1982371"))
        );
    }
    let ids: Vec<_> = requests
        .iter()
        .map(|request| request.header("webhook-id"))
        .collect();
    let [first, second, other] = ids.as_slice() else {
        panic!("three")
    };
    assert!(
        first == second && first != other && first.starts_with("msg_"),
        "{ids:?}"
    );
}

#[tokio::test]
async fn the_application_says_by_its_status_whether_to_repeat() {
    let status = Arc::new(AtomicU16::new(0));
    let answer = Arc::clone(&status);
    let fake = Fake::start(move |_| {
        Answer::new(answer.load(Ordering::SeqCst), "secret").header("retry-after", "9")
    })
    .await;
    let outlet = outlet(fake.url("secret-path"));
    let outgoing = hsl(&json!({"text": "my-secret-words"}));
    let in_nine = Retry::Later(Some(Duration::from_secs(9)));
    for (answer, retry) in [
        (400, Retry::Never),
        (404, Retry::Never),
        (409, Retry::Never),
        (410, Retry::Never),
        (413, Retry::Never),
        (422, Retry::Never),
        (301, in_nine),
        (401, in_nine),
        (403, in_nine),
        (408, in_nine),
        (425, in_nine),
        (429, in_nine),
        (500, in_nine),
        (503, in_nine),
    ] {
        status.store(answer, Ordering::SeqCst);
        let failure = send(outlet.as_ref(), &outgoing).await.expect_err("refused");
        assert_eq!(failure.retry(), retry, "{answer}");
        assert!(
            failure.reason.contains(&answer.to_string()) && !failure.reason.contains("secret"),
            "{failure}"
        );
    }
    drop(fake);
    let failure = send(outlet.as_ref(), &outgoing)
        .await
        .expect_err("nobody listens");
    assert_eq!(failure.retry(), Retry::Later(None));
}

#[tokio::test]
async fn files_come_from_the_application_or_from_the_public_internet() {
    let own = Fake::start(|_| Answer::new(200, "file")).await;
    let other = Fake::start(|_| Answer::new(200, "inside")).await;
    let outlet = outlet(own.url("callback"));
    let file = |url: String| Attachment {
        id: None,
        url,
        name: "a".into(),
        mime_type: String::new(),
        size: None,
    };
    assert_eq!(
        outlet
            .files()
            .expect("files")
            .download(&user(), &file(own.url("a").into()), 10)
            .await
            .expect("the file"),
        "file"
    );
    for refused in [
        other.url("a").to_string(),
        "ftp://x/".into(),
        "nonsense".into(),
    ] {
        let failure = outlet
            .files()
            .expect("files")
            .download(&user(), &file(refused), 10)
            .await
            .expect_err("refused");
        assert_eq!(failure.retry(), Retry::Never);
    }
    assert!(other.requests().is_empty());
}

fn user() -> Address {
    Address {
        user: "u-42".to_owned(),
    }
}

#[tokio::test]
async fn the_application_is_asked_nothing() {
    let outlet = ErasedOutlet::<Custom>::new(outlet(secret_path()));
    let at = message::Address(json!({"user": "u-42"}));
    assert_eq!(outlet.profile(&at, "u-42").await, Ok(None));
    let outgoing = hsl(&json!({"text": "hi"}));
    assert_eq!(outlet.already_sent(&at, &outgoing).await, Ok(None));
    assert_eq!(
        outlet
            .run(&json!({}))
            .await
            .expect_err("no commands")
            .retry(),
        Retry::Never
    );
    let printed = format!("{:?}", anywhere());
    assert!(
        printed.contains("https://app.example") && !printed.contains("secret-path"),
        "{printed}"
    );
}

const KEYS: &[&str] = &[
    "text",
    "data",
    "payload",
    "items",
    "type",
    "title",
    "fields",
    "images",
    "id",
    "url",
    "actionables",
    "uri",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((prop::sample::select(KEYS), inner), 0..6).prop_map(
                |pairs| Value::Object(
                    pairs
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect()
                )
            ),
        ]
    })
}

proptest! {
    #[test]
    fn any_message_renders_and_keeps_its_text(
        kind in prop::sample::select(&["TEXT", "BUTTON", "CAROUSEL", "FORM", "SYSTEM", "NEW"]), text in "[a-z]{1,40}", data in any_json(),
    ) {
        let raw = json!({"text": text, "type": kind, "data": data});
        let payload = payload(&hsl(&raw)).expect("a payload");
        prop_assert!(payload["text"].as_str().is_some_and(|shown| shown.starts_with(&text)));
        prop_assert_eq!(&payload["hsl"], &raw);
    }
}

#[test]
fn a_secret_that_is_not_base64_is_an_error() {
    let settings = config::Custom {
        signing_secrets: Secrets::new("whsec_?", []),
        ..settings(secret_path())
    };
    let error = BuildError("a signing secret is not whsec_ and base64".to_owned());
    assert_eq!(edge_with(&settings).err().as_ref(), Some(&error));
    assert_eq!(outlet_with(&settings).err(), Some(error));
}
