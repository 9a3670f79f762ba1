//! `check --online` of the real binary, against the simulated Haptik and a bridge of its own.

use std::process::{Command, Output};

use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use haptik_bridge_local::gateway::LocalBridge;
use haptik_bridge_local::registry;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::net::aws::AwsEnvironment;
use haptik_bridge_simulator::{Settings, Simulator};
use serde_json::json;
use tokio::net::TcpListener;

/// What no line may have.
const SECRETS: [&str; 5] = [
    "simulator-token",
    "hunter2",
    "webhook-hunter",
    "xoxb-1-hunter",
    "zendesk-hunter",
];

async fn check(config: &str, url: &str) -> (bool, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("bridge.toml");
    std::fs::write(&file, config).expect("it is written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_haptik-bridge"));
    command
        .args(["check", "--online", "--url", url, "--config"])
        .arg(&file);
    let run = tokio::task::spawn_blocking(move || command.output());
    let output: Output = run.await.expect("it ends").expect("the binary runs");
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8(printed).expect("text");
    for secret in SECRETS {
        assert!(!printed.contains(secret), "{printed}");
    }
    (output.status.success(), printed)
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// A provider and a CRM that know these credentials, or none.
async fn others(is_good: bool) -> String {
    let auth = move || async move {
        let known = json!({"ok": true, "user": "haptik", "team": "Acme"});
        Json(if is_good {
            known
        } else {
            json!({"ok": false, "error": "invalid_auth"})
        })
    };
    let me = move || async move {
        let known = (
            StatusCode::OK,
            Json(json!({"user": {"id": 7, "role": "agent"}})),
        );
        if is_good {
            known
        } else {
            (StatusCode::UNAUTHORIZED, Json(json!({"error": "who?"})))
        }
    };
    let router = Router::new().route("/auth.test", post(auth));
    serve(router.route("/api/v2/users/me.json", get(me))).await
}

fn config(haptik: &str, token: &str, others: &str) -> String {
    format!(
        r#"
        [haptik.main]
        base_url = "{haptik}"
        client_id = "simulator-client"
        token = "{token}"
        webhook_secrets = ["webhook-hunter"]
        business_id = 343
        [channels.acme]
        type = "slack"
        signing_secrets = "hunter2"
        bot_token = "xoxb-1-hunter"
        api_base_url = "{others}"
        [channels.app]
        type = "custom"
        signing_secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        callback_url = "https://app.example"
        [sinks.crm]
        type = "zendesk"
        events = ["webhook_conversation_complete"]
        base_url = "{others}"
        email = "bridge@acme.example"
        api_token = "zendesk-hunter"
        [sinks.audit]
        type = "webhook"
        events = "*"
        url = "https://audit.example"
        signing_secrets = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        "#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_good_is_said_and_nobody_sees_it() -> anyhow::Result<()> {
    let haptik = Simulator::new(Settings::default())
        .serve("127.0.0.1:0")
        .await?;
    let text = config(&haptik.base_url(), "simulator-token", &others(true).await);
    let parsed = Config::parse(&text, &registry::all())?;
    let bridge = LocalBridge::start(parsed, None, &AwsEnvironment::read(|_| None)).await?;
    let url = serve(bridge.router()).await;
    let (_, printed) = check(&text, &url).await;
    for line in [
        "ok: haptik.main, token, messaging: ",
        "ok: haptik.main, token, integration API: ",
        "could not be tried: haptik.main, webhook_secrets: ",
        "ok: channels.acme, bot_token: Slack knows the bot haptik of Acme",
        "could not be tried: channels.acme, bot_token, scopes: ",
        "could not be tried: channels.app, callback_url: ",
        "ok: sinks.crm, credentials: Zendesk knows the user, whose role is agent",
        "could not be tried: sinks.audit, ",
        "ok: the clock: ",
        "ok: the public URL, haptik.main: ",
        "refused: the public URL: Haptik and the channels call https only",
    ] {
        assert!(printed.contains(line), "{line}\nis missing:\n{printed}");
    }
    assert!(
        printed.contains("one of these is to be mended"),
        "{printed}"
    );
    let (users, messages, deliveries) = haptik
        .simulator()
        .records(|seen| (seen.users.len(), seen.messages.len(), seen.deliveries.len()));
    assert_eq!((users, messages, deliveries), (0, 0, 0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_said_with_what_to_do() -> anyhow::Result<()> {
    let settings = Settings {
        integration_token: Some("manager-token".into()),
        ..Settings::default()
    };
    let haptik = Simulator::new(settings).serve("127.0.0.1:0").await?;
    haptik
        .simulator()
        .behave(|behaviour| behaviour.refusal_status = 200);
    let text = config(&haptik.base_url(), "simulator-token", &others(false).await);
    // Another account's bridge answers there.
    let elsewhere = text.replace("webhook-hunter", "another-secret");
    let parsed = Config::parse(&elsewhere, &registry::all())?;
    let bridge = LocalBridge::start(parsed, None, &AwsEnvironment::read(|_| None)).await?;
    let url = serve(bridge.router()).await;
    let (success, printed) = check(&text, &url).await;
    assert!(!success, "{printed}");
    for line in [
        "ok: haptik.main, token, messaging: ",
        "refused: haptik.main, token, integration API: Haptik does not accept it (200: “Invalid token”). Copy",
        "refused: channels.acme, bot_token: Slack answered invalid_auth to auth.test. ",
        "refused: sinks.crm, credentials: the CRM did not accept the credentials (401) to say who we are. ",
        "refused: the public URL, haptik.main: it leads to a bridge that has not this account",
    ] {
        assert!(printed.contains(line), "{line}\nis missing:\n{printed}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_answer_could_not_be_tried() {
    let text = config(
        "http://127.0.0.1:1",
        "simulator-token",
        "http://127.0.0.1:1",
    );
    let (success, printed) = check(&text, "http://127.0.0.1:1").await;
    assert!(!success, "{printed}");
    for place in [
        "haptik.main, token, messaging",
        "channels.acme, bot_token",
        "sinks.crm, credentials",
    ] {
        let line = format!("could not be tried: {place}: ");
        assert!(printed.contains(&line), "{line}\nis missing:\n{printed}");
    }
}

#[test]
fn the_hint_to_init_is_only_where_there_is_no_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("bridge.toml");
    let said = |file: &std::path::Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_haptik-bridge"));
        let output = command.arg("check").arg(file).output();
        let output = output.expect("the binary runs");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).expect("text")
    };
    let missing = said(&file);
    assert!(missing.contains("`haptik-bridge init` writes one"));
    std::fs::write(&file, "").expect("it is written");
    // It cannot be looked at, as where somebody else's directory is in the way.
    let behind = said(&file.join("bridge.toml"));
    assert!(
        behind.contains("cannot read") && !behind.contains("init"),
        "{behind}"
    );
}
