//! Ticket sinks, with the whole bridge around them: one ticket, whatever comes how often and in which
//! order, and a CRM that is down, slow or not to be logged in to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use haptik_bridge_local::simulator::signature;
use haptik_bridge_processor::Limits;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_tests::{Options, Stage};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::sinks::echo;

/// As much of Zendesk as makes tickets: idempotency keys, external ids, a rate, and what goes wrong.
#[derive(Clone, Default)]
struct Desk(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    tickets: BTreeMap<String, Value>,
    /// What the next requests are answered.
    answers: VecDeque<u16>,
    /// What all requests are answered meanwhile.
    all: Option<u16>,
    /// Creations, as they came; those that were refused too.
    tries: usize,
    refused_for_rate: usize,
    per_second: Option<usize>,
    recent: VecDeque<Instant>,
    pause: Duration,
}

impl Desk {
    async fn start() -> (Self, String) {
        let desk = Self::default();
        let router = Router::new()
            .route("/api/v2/tickets.json", get(find).post(create))
            .with_state(desk.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (desk, url)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.0.lock().expect("no panic before"))
    }

    fn tickets(&self) -> Vec<Value> {
        self.with(|inner| inner.tickets.values().cloned().collect())
    }

    async fn wait_for(&self, count: usize) -> Vec<Value> {
        let until = Instant::now() + Duration::from_secs(30);
        while self.tickets().len() < count && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let tickets = self.tickets();
        assert_eq!(tickets.len(), count, "{tickets:#?}");
        tickets
    }
}

async fn find(
    State(desk): State<Desk>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Json<Value> {
    let wanted = query.get("external_id").cloned().unwrap_or_default();
    let found: Vec<Value> = desk
        .tickets()
        .into_iter()
        .filter(|ticket| ticket["external_id"] == json!(wanted))
        .collect();
    Json(json!({"tickets": found}))
}

async fn create(State(desk): State<Desk>, headers: HeaderMap, body: Bytes) -> Response {
    let pause = desk.with(|inner| inner.pause);
    tokio::time::sleep(pause).await;
    desk.with(|inner| {
        inner.tries += 1;
        if let Some(status) = inner.answers.pop_front().or(inner.all) {
            let status = StatusCode::from_u16(status).expect("a status");
            return (status, "{\"error\": \"as asked for\"}").into_response();
        }
        if let Some(most) = inner.per_second {
            let now = Instant::now();
            while inner
                .recent
                .front()
                .is_some_and(|at| now - *at > Duration::from_secs(1))
            {
                inner.recent.pop_front();
            }
            if inner.recent.len() >= most {
                inner.refused_for_rate += 1;
                let retry = [(header::RETRY_AFTER, "1")];
                return (StatusCode::TOO_MANY_REQUESTS, retry, "{}").into_response();
            }
            inner.recent.push_back(now);
        }
        let key = headers.get("idempotency-key").expect("a key").to_str();
        let key = key.expect("text").to_owned();
        let count = inner.tickets.len();
        let mut body: Value = serde_json::from_slice(&body).expect("JSON");
        body["ticket"]["id"] = json!(count + 1);
        let ticket = inner
            .tickets
            .entry(key)
            .or_insert_with(|| body["ticket"].clone());
        (StatusCode::CREATED, Json(json!({"ticket": ticket}))).into_response()
    })
}

fn sink(url: &str, more: &str) -> Options {
    Options {
        tables: format!(
            "[sinks.crm]\ntype = 'zendesk'\nevents = ['webhook_conversation_complete', 'chat_complete']\n\
             base_url = '{url}'\nemail = 'a@b.example'\napi_token = 't'\n{more}\n"
        ),
        limits: Limits {
            twin_wait: Duration::from_millis(300),
            probe_every: Duration::from_millis(200),
            ..Limits::default()
        },
        ..Options::default()
    }
}

/// Has somebody chat, and returns who it is at Haptik.
async fn chat(stage: &Stage, user: &str) -> (String, String) {
    let event = stage.slack.dm(user, "hi");
    let client = stage.slack.client();
    client.send(&stage.channel_url("acme-slack"), &event).await;
    stage
        .slack
        .wait_for_text(event.channel(), "You said: hi.")
        .await;
    let records = stage.simulator();
    let auth_id = records.records(|seen| seen.messages.last().expect("one").auth_id.clone());
    let id = AuthId::from(auth_id.as_str());
    let user = stage.local.bridge.users.get(&id);
    let user = user.await.expect("the map").expect("the user");
    (auth_id, user.user_name.expect("Haptik has said it"))
}

fn completion(name: &str, user: (&str, &str), details: &Value) -> Value {
    let mut event = json!({
        "event_name": name,
        "timestamp": Timestamp::now().to_string(),
        "business_id": 343,
        "user": {"auth_id": user.0, "user_name": user.1},
        "agent": {"name": "gogo", "is_automated": true},
    });
    if name == "chat_complete" {
        event["message"] = json!({"id": 99_999_999, "body": {"text": "The conversation has been completed", "type": "SYSTEM", "data": {}}});
    } else {
        event["data"] = json!({
            "conversation_no": "1",
            "conversation_identifier": format!("conversation-of-{}", user.0),
            "completion_type": "agent",
            "completion_by": "Prateek",
            "closing_categories": {"reason": "Refund"},
            "conversation_details": details,
            "user_details": {"name": "Asha", "email": "asha@x.example"},
        });
    }
    event
}

async fn deliver(stage: &Stage, event: &Value) {
    let body = event.to_string();
    let secret = stage.simulator().settings().webhook_secret.clone();
    let response = haptik_bridge_tests::app::client()
        .expect("a client")
        .post(format!("{}/haptik/main", stage.url))
        .header(
            "x-hub-signature",
            format!(
                "sha1={}",
                signature(secret.expose_secret(), body.as_bytes())
            ),
        )
        .body(body)
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn both_completion_events_in_any_order_and_number_are_one_ticket_with_the_transcript()
-> anyhow::Result<()> {
    let orders = [
        ["webhook_conversation_complete", "chat_complete"],
        ["chat_complete", "webhook_conversation_complete"],
    ];
    for order in orders {
        // Longer than the short twin is held, so that it makes the ticket when it comes first.
        for between in [Duration::ZERO, Duration::from_millis(700)] {
            let (desk, url) = Desk::start().await;
            desk.with(|inner| inner.answers.extend([503, 503]));
            let stage = Stage::with(sink(&url, ""), echo).await?;
            let (auth_id, user_name) = chat(&stage, "U00000ASHA").await;
            let events = order
                .map(|name| completion(name, (&auth_id, &user_name), &json!({"order_no": "A-1"})));
            for _ in 0..3 {
                deliver(&stage, &events[0]).await;
            }
            tokio::time::sleep(between).await;
            for _ in 0..3 {
                deliver(&stage, &events[1]).await;
                deliver(&stage, &events[0]).await;
            }
            let tickets = desk.wait_for(1).await;
            let body = tickets[0]["comment"]["body"].as_str().unwrap_or_default();
            assert!(
                body.contains("user: hi\n") && body.contains("You said: hi."),
                "{body}"
            );
            if between.is_zero() {
                assert!(body.contains("order_no: A-1"), "{body}");
            }
            // A comment of the later twin goes to an API that this desk does not have.
            let dead = stage.finish_with_dead().await?;
            assert!(
                dead.iter()
                    .all(|entry| !between.is_zero() && entry.attempts == 0)
            );
            assert_eq!(desk.tickets().len(), 1);
        }
    }
    Ok(())
}

#[tokio::test]
async fn details_of_any_kind_are_in_the_ticket() -> anyhow::Result<()> {
    let (desk, url) = Desk::start().await;
    let custom = "custom_fields = { 1 = '{{ conversation_details.number }}', 2 = '{{ conversation_details.html }}', 3 = '{{ conversation_details.none }}' }";
    let stage = Stage::with(sink(&url, custom), echo).await?;
    let user = chat(&stage, "U00000ASHA").await;
    let mut details = json!({
        "html": "<script>alert('x')</script> & \"more\"", "none": null, "number": 49.9,
        "nested": {"list": [1, null, {"deep": "<b>"}]},
    });
    for index in 0..500 {
        details[format!("key {index} <i>")] = json!(format!("value {index}"));
    }
    let event = completion(
        "webhook_conversation_complete",
        (&user.0, &user.1),
        &details,
    );
    deliver(&stage, &event).await;
    let ticket = desk.wait_for(1).await.remove(0);
    let body = ticket["comment"]["body"].as_str().unwrap_or_default();
    assert!(
        body.contains("html: <script>alert('x')</script> & \"more\"\n"),
        "{body}"
    );
    assert!(
        body.contains("nested: {\"list\":[1,null,{\"deep\":\"<b>\"}]}\n"),
        "{body}"
    );
    assert!(body.contains("key 499 <i>: value 499\n"), "{body}");
    let fields = json!([
        {"id": 1, "value": 49.9},
        {"id": 2, "value": "<script>alert('x')</script> & \"more\""},
    ]);
    assert_eq!(ticket["custom_fields"], fields);
    stage.finish().await
}

#[tokio::test]
async fn a_crm_that_accepts_no_credentials_waits_for_an_operator_and_goes_on_by_itself()
-> anyhow::Result<()> {
    let (desk, url) = Desk::start().await;
    desk.with(|inner| inner.all = Some(401));
    let stage = Stage::with(sink(&url, ""), echo).await?;
    let mut users = Vec::new();
    for user in ["U00000ASHA", "U00000RAVI", "U0000WHOLE"] {
        users.push(chat(&stage, user).await);
    }
    for user in &users {
        let event = completion(
            "webhook_conversation_complete",
            (&user.0, &user.1),
            &json!({}),
        );
        deliver(&stage, &event).await;
    }
    assert!(
        stage.local.queue.idle(Duration::from_secs(10)).await,
        "no lane tries by itself"
    );
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        stage.local.processor.keep_house(Timestamp::now()).await;
    }
    let gate = stage.local.bridge.gates.of("crm").await?;
    assert!(
        gate.attention
            .is_some_and(|reason| reason.contains("401") && reason.contains("as asked for"))
    );
    let (pending, dead) = stage.left_over().await?;
    assert_eq!((pending.len(), dead.len()), (3, 0));
    assert!(
        pending.iter().all(|entry| entry.attempts == 0),
        "no attempts are burnt"
    );
    // Each of the three events may come when it is time for a probe, and each housekeeping makes one.
    let tries = desk.with(|inner| inner.tries);
    assert!(tries <= 5, "one probe at a time, not {tries}");
    chat(&stage, "U00000ASHA").await;
    desk.with(|inner| inner.all = None);
    tokio::time::sleep(Duration::from_millis(250)).await;
    stage.local.processor.keep_house(Timestamp::now()).await;
    desk.wait_for(3).await;
    stage.finish().await
}

#[tokio::test]
async fn a_refusal_is_kept_with_the_crms_own_words() -> anyhow::Result<()> {
    let (desk, url) = Desk::start().await;
    desk.with(|inner| inner.answers.push_back(422));
    let stage = Stage::with(sink(&url, ""), echo).await?;
    let user = chat(&stage, "U00000ASHA").await;
    let event = completion(
        "webhook_conversation_complete",
        (&user.0, &user.1),
        &json!({}),
    );
    deliver(&stage, &event).await;
    let dead = stage.finish_with_dead().await?;
    let reasons: Vec<_> = dead
        .iter()
        .filter_map(|entry| entry.reason.as_deref())
        .collect();
    assert_eq!(
        reasons,
        ["the sink refused (422) to create a ticket: {\"error\": \"as asked for\"}"]
    );
    Ok(())
}

/// In full: `BURST=10000 cargo test -p haptik-bridge-tests --test end_to_end burst -- --nocapture`.
#[tokio::test]
async fn a_burst_keeps_to_the_rate_and_every_completion_arrives_once() -> anyhow::Result<()> {
    let count: usize = option_env!("BURST")
        .and_then(|text| text.parse().ok())
        .unwrap_or(60);
    let (desk, url) = Desk::start().await;
    desk.with(|inner| inner.per_second = Some(40));
    // Faster than the CRM allows: what it refuses comes again, and more slowly.
    let stage = Stage::with(
        sink(&url, "rate_per_second = 60\ntranscript = 'none'"),
        echo,
    )
    .await?;
    for index in 0..count {
        let auth_id = format!("user{index}");
        let event = completion(
            "webhook_conversation_complete",
            (&auth_id, "somebody"),
            &json!({}),
        );
        deliver(&stage, &event).await;
    }
    // A chat meanwhile.
    chat(&stage, "U00000ASHA").await;
    let until = Instant::now() + Duration::from_secs(60 + count as u64 / 10);
    while desk.tickets().len() < count && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(desk.tickets().len(), count);
    let (tries, refused) = desk.with(|inner| (inner.tries, inner.refused_for_rate));
    assert_eq!(tries, count + refused);
    assert!(
        refused <= count / 2,
        "{refused} of {count} were asked for in vain"
    );
    stage.finish().await
}

#[tokio::test]
async fn a_crm_that_hangs_and_then_is_well_again_holds_up_no_chat() -> anyhow::Result<()> {
    let (desk, url) = Desk::start().await;
    desk.with(|inner| inner.pause = Duration::from_secs(3));
    let stage = Stage::with(sink(&url, "rate_per_second = 1000"), echo).await?;
    let user = chat(&stage, "U00000ASHA").await;
    let event = completion(
        "webhook_conversation_complete",
        (&user.0, &user.1),
        &json!({}),
    );
    deliver(&stage, &event).await;
    chat(&stage, "U00000ASHA").await;
    assert!(
        desk.tickets().is_empty(),
        "the chat was answered before the CRM was"
    );
    desk.wait_for(1).await;
    stage.finish().await
}
