//! The bridge's neighbours for `tests/deployed`, in a process of their own: the simulator of Haptik,
//! the fakes of all channels' providers, a receiver of a webhook sink, and a few routes to steer them. Prints where they are as one line of JSON and
//! runs until its standard input ends.
//!
//! | route | what it does |
//! |---|---|
//! | `POST /say` | `{"url", "user", "text"}` and perhaps `"secret"`, `"ts"`: a signed direct message; answers with the bridge's status and body, and the message's `channel` and `ts` |
//! | `GET /messages/{channel}` | what is seen there, oldest first |
//! | `PUT /down` | `true` or `false`: whether Slack is down |
//! | `GET /refusals` | what Slack has refused |
//! | `PUT /providers/{connection}` | the URL of the connection at the bridge, as JSON; answers with the lines of its table |
//! | `GET /providers/{connection}/users/{number}` | the provider's own id of a user |
//! | `POST /providers/{connection}/say` | `{"user", "text"}`: the user says this, as the provider signs it; answers with the bridge's status and body |
//! | `POST /providers/{connection}/tap` | `{"user", "text"}`: the user taps the newest button with this label; answers in the same way |
//! | `POST /providers/{connection}/fill` | a user, as JSON: who fills in the form that is shown, as far as it is asked; answers with the statuses |
//! | `POST /providers/{connection}/shown` | a user, as JSON: the texts that the user is shown, oldest first |
//! | `GET /providers/{connection}/refusals` | what the provider has refused |
//! | `GET /sink` | the bodies that the sink got |

#![expect(clippy::print_stdout, reason = "it says where it listens")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use haptik_bridge_simulator::{Reply, Settings, Simulator, UserMessage};
use haptik_bridge_tests::app::{self, App};
use haptik_bridge_tests::fake_google_chat::FakeGoogleChat;
use haptik_bridge_tests::fake_slack::{Delivery, FakeSlack};
use haptik_bridge_tests::fake_teams::FakeTeams;
use haptik_bridge_tests::fake_telegram::FakeTelegram;
use haptik_bridge_tests::fake_twilio::FakeTwilio;
use haptik_bridge_tests::fake_webex::FakeWebex;
use haptik_bridge_tests::provider::{self, FakeProvider, Step};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

/// Waiting times of the platform, such as those between two tries of a delivery, are this much shorter.
const TIME_SCALE: f64 = 0.05;

/// What the bot answers: a choice, a form, or what it was told.
fn answer(message: &UserMessage) -> Vec<Reply> {
    vec![match message.text.as_str() {
        "choose" => Reply::Hsl(
            json!({"text": "Which?", "type": "TEXT", "data": {"quick_replies": [
                {"actionable_text": "The first", "type": "TEXT_ONLY", "payload": {"message": "first", "gogo_message": "first"}},
                {"actionable_text": "The second", "type": "TEXT_ONLY", "payload": {"message": "second", "gogo_message": "second"}},
            ]}}),
        ),
        "form" => Reply::Hsl(
            json!({"type": "FORM", "title": "Where to?", "data": {"fields": [
                {"key": "name", "type": "text", "order": 1, "hint": "Name", "options": []},
                {"key": "city", "type": "picker", "order": 2, "hint": "City", "options": ["Mumbai", "Pune"]},
            ]}}),
        ),
        text => Reply::Text(format!("echo {text}")),
    }]
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings {
        time_scale: TIME_SCALE,
        ..Settings::default()
    };
    let haptik = Simulator::with_bot(settings.clone(), answer)
        .serve("127.0.0.1:0")
        .await?;
    let slack = FakeSlack::start().await;
    let (providers, sink) = (providers(&slack).await?, Arc::new(App::start().await?));
    let connections: Vec<&String> = providers.keys().collect();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let workspace = slack.workspace();
    println!(
        "{}",
        json!({
            "haptik": haptik.base_url(),
            "client_id": settings.client_id,
            "token": settings.token.expose_secret(),
            "webhook_secret": settings.webhook_secret.expose_secret(),
            "business_id": settings.business_id,
            "slack_api": slack.api_base_url(),
            "bot_token": workspace.bot_token,
            "signing_secret": workspace.signing_secret,
            "connections": connections,
            "sink": sink.url(),
            "sink_secret": app::SECRET,
            "control": format!("http://{}", listener.local_addr()?),
        })
    );
    let router = Router::new()
        .route("/say", post(say))
        .route("/messages/{channel}", get(messages))
        .route("/down", put(down))
        .route("/refusals", get(refusals))
        .with_state(slack);
    let of_providers = Router::new()
        .route("/providers/{connection}", put(set_webhook))
        .route("/providers/{connection}/users/{number}", get(user))
        .route("/providers/{connection}/say", post(say_at))
        .route("/providers/{connection}/tap", post(tap_at))
        .route("/providers/{connection}/fill", post(fill_at))
        .route("/providers/{connection}/shown", post(shown))
        .route("/providers/{connection}/refusals", get(refusals_of))
        .with_state(Arc::new(providers));
    let of_sink = Router::new().route("/sink", get(got)).with_state(sink);
    let router = router.merge(of_providers).merge(of_sink);
    let serving = axum::serve(listener, router);
    tokio::select! {
        served = serving => served.context("the control routes"),
        // Whoever started this is gone, however that came about.
        () = end_of_input() => Ok(()),
    }
}

/// All providers, by their connections.
type Providers = Arc<BTreeMap<String, Arc<dyn FakeProvider>>>;

/// One of each channel. Of Twilio's messages, those with `undeliverable` in them are not delivered.
async fn providers(slack: &FakeSlack) -> anyhow::Result<BTreeMap<String, Arc<dyn FakeProvider>>> {
    let all: [Arc<dyn FakeProvider>; 7] = [
        Arc::new(slack.clone()),
        Arc::new(App::start().await?),
        Arc::new(FakeTelegram::start().await),
        Arc::new(FakeGoogleChat::start().await),
        Arc::new(FakeTeams::start().await),
        Arc::new(FakeWebex::start().await),
        Arc::new(FakeTwilio::reporting("undeliverable").await),
    ];
    let named = all.map(|provider| (provider.connection().to_owned(), provider));
    Ok(named.into())
}

type Answer<T> = Result<Json<T>, (StatusCode, String)>;

fn provider(
    providers: &Providers,
    connection: &str,
) -> Result<Arc<dyn FakeProvider>, (StatusCode, String)> {
    let found = providers.get(connection).cloned();
    found.ok_or_else(|| (StatusCode::NOT_FOUND, format!("there is no {connection}")))
}

async fn set_webhook(
    State(providers): State<Providers>,
    Path(connection): Path<String>,
    Json(url): Json<String>,
) -> Answer<String> {
    let provider = provider(&providers, &connection)?;
    provider.set_webhook(&url);
    Ok(Json(provider.toml(provider.server().origin())))
}

async fn user(
    State(providers): State<Providers>,
    Path((connection, number)): Path<(String, usize)>,
) -> Answer<String> {
    Ok(Json(provider(&providers, &connection)?.user(number)))
}

#[derive(Deserialize)]
struct SayAt {
    user: String,
    text: String,
}

async fn say_at(
    State(providers): State<Providers>,
    Path(connection): Path<String>,
    Json(say): Json<SayAt>,
) -> Answer<Value> {
    send(&provider(&providers, &connection)?.say(&say.user, &say.text)).await
}

async fn tap_at(
    State(providers): State<Providers>,
    Path(connection): Path<String>,
    Json(tapped): Json<SayAt>,
) -> Answer<Value> {
    send(&provider(&providers, &connection)?.tap(&tapped.user, &tapped.text)).await
}

/// What is filled in, by the fields' hints.
const FILLED_IN: [(&str, &str); 2] = [("Name", "Asha"), ("City", "Pune")];

async fn fill_at(
    State(providers): State<Providers>,
    Path(connection): Path<String>,
    Json(user): Json<String>,
) -> Answer<Vec<Value>> {
    let provider = provider(&providers, &connection)?;
    let mut answers = Vec::new();
    for _ in 0..600 {
        match provider.fill(&user, &FILLED_IN, answers.len()) {
            None | Some(Step::Done) => return Ok(Json(answers)),
            Some(Step::Send(request)) => answers.push(send(&request).await?.0),
            Some(Step::Wait) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    Err((StatusCode::GATEWAY_TIMEOUT, format!("{answers:?}")))
}

async fn send(request: &provider::Request) -> Answer<Value> {
    let failed = |error: anyhow::Error| (StatusCode::BAD_GATEWAY, error.to_string());
    let client = app::client().map_err(failed)?;
    let (status, body) = provider::send(&client, request).await.map_err(failed)?;
    Ok(Json(json!({"status": status, "body": body})))
}

async fn shown(
    State(providers): State<Providers>,
    Path(connection): Path<String>,
    Json(user): Json<String>,
) -> Answer<Vec<String>> {
    let shown = provider(&providers, &connection)?.shown(&user);
    Ok(Json(shown.into_iter().map(|shown| shown.text).collect()))
}

async fn refusals_of(
    State(providers): State<Providers>,
    Path(connection): Path<String>,
) -> Answer<Vec<String>> {
    Ok(Json(provider(&providers, &connection)?.refusals()))
}

async fn got(State(sink): State<Arc<App>>) -> Json<Vec<Value>> {
    let callbacks = sink.callbacks().into_iter();
    Json(callbacks.map(|callback| callback.body).collect())
}

async fn end_of_input() {
    // An input that cannot be read has ended too.
    let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
}

#[derive(Deserialize)]
struct Say {
    url: String,
    user: String,
    text: String,
    secret: Option<String>,
    /// The time of a message that was said before: it is the same message again.
    ts: Option<String>,
}

async fn say(
    State(slack): State<FakeSlack>,
    Json(say): Json<Say>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let mut event = slack.dm(&say.user, &say.text);
    if let Some(ts) = &say.ts {
        event = event.with("ts", json!(ts)).with("event_ts", json!(ts));
    }
    let mut delivery = Delivery::of(&event);
    if let Some(secret) = &say.secret {
        delivery = delivery.signed_with(secret);
    }
    let reply = slack
        .client()
        .try_send(&say.url, &delivery)
        .await
        .map_err(|error| (StatusCode::BAD_GATEWAY, error.to_string()))?;
    Ok(Json(json!({
        "status": reply.status,
        "body": reply.body,
        "channel": event.channel(),
        "ts": event.ts(),
    })))
}

async fn messages(State(slack): State<FakeSlack>, Path(channel): Path<String>) -> Json<Value> {
    let seen = slack.messages(&channel);
    let seen = seen.iter().map(|message| {
        json!({"ts": message.ts, "text": message.visible_text(), "bot": message.is_from_bot()})
    });
    Json(seen.collect())
}

async fn down(State(slack): State<FakeSlack>, Json(down): Json<bool>) {
    slack.set_down(down);
}

async fn refusals(State(slack): State<FakeSlack>) -> Json<Vec<String>> {
    let refusals = slack.refusals();
    Json(
        refusals
            .iter()
            .map(|refusal| format!("{refusal:?}"))
            .collect(),
    )
}
