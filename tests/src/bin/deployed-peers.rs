//! The bridge's neighbours for `tests/deployed`, in a process of their own: the simulator of Haptik,
//! the fake Slack, and a few routes to steer the latter. Prints where they are as one line of JSON and
//! runs until its standard input ends.
//!
//! | route | what it does |
//! |---|---|
//! | `POST /say` | `{"url", "user", "text"}` and perhaps `"secret"`, `"ts"`: a signed direct message; answers with the bridge's status and body, and the message's `channel` and `ts` |
//! | `GET /messages/{channel}` | what is seen there, oldest first |
//! | `PUT /down` | `true` or `false`: whether Slack is down |
//! | `GET /refusals` | what Slack has refused |

#![expect(clippy::print_stdout, reason = "it says where it listens")]

use anyhow::Context as _;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use haptik_bridge_simulator::{Reply, Settings, Simulator, UserMessage};
use haptik_bridge_tests::fake_slack::{Delivery, FakeSlack};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

/// Waiting times of the platform, such as those between two tries of a delivery, are this much shorter.
const TIME_SCALE: f64 = 0.05;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings {
        time_scale: TIME_SCALE,
        ..Settings::default()
    };
    let bot = |message: &UserMessage| vec![Reply::Text(format!("echo {}", message.text))];
    let haptik = Simulator::with_bot(settings.clone(), bot)
        .serve("127.0.0.1:0")
        .await?;
    let slack = FakeSlack::start().await;
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
            "control": format!("http://{}", listener.local_addr()?),
        })
    );
    let router = Router::new()
        .route("/say", post(say))
        .route("/messages/{channel}", get(messages))
        .route("/down", put(down))
        .route("/refusals", get(refusals))
        .with_state(slack);
    let serving = axum::serve(listener, router);
    tokio::select! {
        served = serving => served.context("the control routes"),
        // Whoever started this is gone, however that came about.
        () = end_of_input() => Ok(()),
    }
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
