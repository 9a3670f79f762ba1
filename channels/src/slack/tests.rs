use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::ids::{AuthIdSource, AuthIds};
use haptik_bridge_shared::ledger::Ledger;
use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::message::{Attachment, Content, Outgoing, Sender};
use haptik_bridge_shared::net::fake::{Answer, Fake};
use haptik_bridge_shared::net::{self, Fetcher};
use haptik_bridge_shared::offers::Offers;
use haptik_bridge_shared::retry::{Retry, Retryable as _};
use http::Method;
use jiff::Timestamp;
use serde_json::json;
use url::Url;

use super::*;
use crate::channel::{Commands as _, Directory, Files, Part, Refusal, Rejected, Request};
use crate::erased::{AnyOutlet as _, ErasedOutlet};
use crate::memory::Memory;
use crate::verify::Unverified;

mod activity;
mod history;
mod names;

fn settings(api_base_url: Url) -> config::Slack {
    config::Slack {
        signing_secrets: Secrets::new("signing-secret", []),
        workspaces: config::Workspaces::One {
            bot_tokens: Secrets::new("xoxb-token", []),
        },
        api_base_url,
        conversation: config::Conversation::User,
        agent_identity: true,
        carousels: true,
        link_says: true,
        reaction: None,
        tell_edits: false,
        welcome: "Hello!".into(),
        suggested_prompts: Vec::new(),
    }
}

fn web_api(settings: &config::Slack) -> Api {
    let workspaces = workspaces::Workspaces::Configured(Secrets::new("xoxb-token", []));
    let http = net::client().expect("a client");
    Api::new(http, settings.api_base_url.clone(), workspaces)
}

fn outlet_with(settings: &config::Slack) -> SlackOutlet {
    let fetcher = Fetcher::new(false).expect("a fetcher");
    SlackOutlet::new(settings, fetcher, web_api(settings))
}

fn outlet(fake: &Fake) -> SlackOutlet {
    outlet_with(&settings(fake.url("api/")))
}

fn edge(settings: &config::Slack) -> SlackEdge {
    let sdk = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .build();
    let table = Table::new(aws_sdk_dynamodb::Client::from_conf(sdk), "none");
    let deps = EdgeDeps {
        connection: "acme".into(),
        auth_ids: AuthIds::new("acme".into(), AuthIdSource::Derived),
        http: net::client().expect("a client"),
        table: table.clone(),
        memory: Memory::default(),
        offers: Offers::new(Ledger::new(table, std::time::Duration::from_hours(1))),
        agent_phrase: None,
        forms: haptik_bridge_shared::config::Forms::default(),
        fetcher: haptik_bridge_shared::net::Fetcher::new(true).expect("a client"),
    };
    SlackEdge::new(settings, deps, web_api(settings))
}

/// A Slack that gives each of these answers once, the last one for ever.
async fn answering(answers: &[Value]) -> Fake {
    let answers: Vec<String> = answers.iter().map(Value::to_string).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    Fake::start(move |_| {
        let at = next
            .fetch_add(1, std::sync::atomic::Ordering::SeqCst)
            .min(answers.len() - 1);
        Answer::new(200, answers[at].clone())
    })
    .await
}

fn bodies(fake: &Fake) -> Vec<Value> {
    fake.requests()
        .iter()
        .map(|request| serde_json::from_slice(&request.body).expect("JSON"))
        .collect()
}

fn outgoing() -> Outgoing {
    saying(json!({"text": "hello"}))
}

/// Sends a part, one level simpler each time that Slack refuses it as too rich, as the processor does.
async fn send_simplified(outlet: &SlackOutlet, part: &Part) {
    let mut part = part.clone();
    while let Err(error) = outlet.send(&address(), &part).await {
        assert_eq!(error.refusal, Refusal::TooRich);
        part = outlet.simpler(&part).expect("a simpler form");
    }
}

fn saying(raw: Value) -> Outgoing {
    Outgoing {
        key: "0001#message".into(),
        auth_id: "a1".into(),
        user: "U1".into(),
        at: "2026-11-22T10:00:00Z".parse().expect("a time"),
        received_at: "2026-11-22T10:00:00Z".parse().expect("a time"),
        sender: Sender::default(),
        message_id: Some(1),
        in_reply_to: None,
        handoff: None,
        content: Content::Message {
            hsl: Hsl::read(&raw),
            raw,
        },
    }
}

fn at(channel: &str, thread_ts: Option<&str>) -> Address {
    Address {
        channel: channel.to_owned(),
        thread_ts: thread_ts.map(ToOwned::to_owned),
        workspace: None,
    }
}

fn address() -> Address {
    at("C1", Some("1.000001"))
}

#[tokio::test]
async fn a_part_is_posted_where_the_user_is() {
    let fake = answering(&[json!({"ok": true})]).await;
    let outlet = outlet(&fake);
    let parts = outlet.render(&outgoing());
    outlet
        .send(&address(), &parts[0])
        .await
        .expect("it is sent");
    let sent = &bodies(&fake)[0];
    assert_eq!(
        (&sent["channel"], &sent["thread_ts"], &sent["text"]),
        (&json!("C1"), &json!("1.000001"), &json!("hello"))
    );
    assert_eq!(
        sent["metadata"]["event_payload"],
        json!({"auth_id": "a1", "key": "0001#message", "part": 0})
    );
}

#[tokio::test]
async fn a_picture_that_slack_cannot_load_is_sent_as_a_link() {
    for error in ["invalid_blocks", "msg_blocks_too_long"] {
        is_sent_as_a_link_after(error).await;
    }
}

async fn is_sent_as_a_link_after(error: &str) {
    let fake = answering(&[json!({"ok": false, "error": error}), json!({"ok": true})]).await;
    let image = json!({"thumbnail": {"image": "https://a.example/a.png"}, "title": "A"});
    let raw = json!({"type": "CAROUSEL", "data": {"items": [image]}});
    let below_each_other = config::Slack {
        carousels: false,
        ..settings(fake.url("api/"))
    };
    let outlet = outlet_with(&below_each_other);
    let parts = outlet.render(&saying(raw));
    send_simplified(&outlet, &parts[0]).await;
    assert_eq!(
        bodies(&fake)[1]["blocks"][0]["elements"][0]["text"],
        "<https://a.example/a.png|A>"
    );
}

#[tokio::test]
async fn cards_that_slack_does_not_take_are_sent_below_each_other_and_then_without_pictures() {
    let refused = json!({"ok": false, "error": "invalid_blocks"});
    let fake = answering(&[refused.clone(), refused, json!({"ok": true})]).await;
    let button = |label: &str| json!({"actionable_text": label});
    let card = |title: &str| json!({"title": title, "sub_title": "new", "thumbnail": {"image": "https://a.example/a.png"}, "actionables": [button(title)]});
    let raw = json!({"type": "CAROUSEL", "data": {"items": [card("One"), card("Two")]}});
    let outlet = outlet(&fake);
    let parts = outlet.render(&saying(raw));
    send_simplified(&outlet, &parts[0]).await;
    let sent = bodies(&fake);
    let kinds = |body: &Value| {
        let blocks = body["blocks"].as_array().expect("blocks").iter();
        let kinds = blocks.map(|block| block["type"].as_str().expect("a type"));
        kinds.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(kinds(&sent[0]), "carousel");
    assert_eq!(
        kinds(&sent[1]),
        "image section actions image section actions"
    );
    assert_eq!(
        kinds(&sent[2]),
        "context section actions context section actions"
    );
    assert_eq!(sent[1]["blocks"][1]["text"]["text"], "One\nnew");
    assert_eq!(
        sent[1]["blocks"][5],
        json!({"type": "actions", "block_id": "buttons-1", "elements": sent[0]["blocks"][0]["elements"][1]["actions"]})
    );
    assert!(sent.iter().all(|body| body["text"] == sent[0]["text"]));
}

#[tokio::test]
async fn a_choice_in_a_message_that_slack_does_not_take_again_is_shown_as_text() {
    let fake = answering(&[
        json!({"ok": false, "error": "invalid_blocks"}),
        json!({"ok": true}),
    ])
    .await;
    let image = json!({"type": "image", "image_url": "https://a.example/a.png", "alt_text": "A"});
    let body =
        json!({"channel": "C1", "ts": "1.000001", "text": "Image: A\n✓ Yes", "blocks": [image]});
    let command = Command::of(address::Method::Update, body.clone());
    outlet(&fake).run(&command).await.expect("it is shown");
    let sent = bodies(&fake);
    assert_eq!(sent[0], body);
    assert_eq!(
        (&sent[1]["text"], &sent[1]["blocks"]),
        (&body["text"], &json!([]))
    );
}

#[tokio::test]
async fn a_refusal_is_final_and_does_not_say_what_was_sent() {
    let fake = answering(&[json!({"ok": false, "error": "invalid_blocks"})]).await;
    let part = Part::new(0, json!({"text": "private words"}));
    let failure = outlet(&fake)
        .send(&address(), &part)
        .await
        .expect_err("it is refused");
    assert_eq!(failure.retry(), Retry::Never);
    assert_eq!(
        failure.to_string(),
        "Slack answered invalid_blocks to chat.postMessage"
    );
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn a_profile_has_name_address_language_and_flat_data() {
    let fake = answering(&[json!({"ok": true, "user": {
        "id": "U1", "team_id": "T1", "name": "asha", "real_name": "Asha R", "tz": "Asia/Kolkata", "tz_offset": 19800, "locale": "en-US",
        "profile": {"real_name": "Asha Rao", "email": "a@example.com", "title": "", "phone": "123", "fields": {"x": {}}},
    }})])
    .await;
    let profile = outlet(&fake)
        .profile(&address(), "U1")
        .await
        .expect("an answer")
        .expect("a profile");
    assert_eq!(profile.name.as_deref(), Some("Asha Rao"));
    assert_eq!(profile.email.as_deref(), Some("a@example.com"));
    assert_eq!(profile.language_code.as_deref(), Some("en"));
    let data = json!({"slack_user_id": "U1", "slack_team_id": "T1", "time_zone": "Asia/Kolkata", "locale": "en-US"});
    assert_eq!(Value::Object(profile.custom_data), data);
    assert!(fake.requests()[0].text().contains("include_locale=true"));
}

#[tokio::test]
async fn a_user_without_a_profile_is_no_failure() {
    for (code, expected) in [
        ("missing_scope", Ok(true)),
        ("user_not_found", Ok(true)),
        ("invalid_auth", Err(Retry::Later(None))),
    ] {
        let fake = answering(&[json!({"ok": false, "error": code})]).await;
        let profile = outlet(&fake).profile(&address(), "U1").await;
        assert_eq!(
            profile
                .map(|profile| profile.is_none())
                .map_err(|failure| failure.retry()),
            expected,
            "{code}"
        );
    }
}

#[tokio::test]
async fn a_command_is_run_as_it_stands() {
    let fake = answering(&[
        json!({"ok": true}),
        json!({"ok": false, "error": "message_not_found"}),
    ])
    .await;
    let outlet = ErasedOutlet::<Slack>::new(Box::new(outlet(&fake)));
    let command =
        json!({"method": "chat.update", "body": {"channel": "C1", "ts": "1.0", "text": "x"}});
    outlet.run(&command).await.expect("it is done");
    assert_eq!(
        (fake.requests()[0].path.as_str(), &bodies(&fake)[0]),
        ("/api/chat.update", &command["body"])
    );
    for command in [
        command,
        json!({"method": "users.setPhoto", "body": {}}),
        json!(null),
    ] {
        assert_eq!(
            outlet.run(&command).await.expect_err("it fails").retry(),
            Retry::Never
        );
    }
    assert_eq!(fake.requests().len(), 2, "what is no command is not tried");
}

#[tokio::test]
async fn a_file_is_fetched_with_the_token_and_from_slack_alone() {
    let fake = Fake::start(|request| match request.path.as_str() {
        "/files/a.png" => Answer::new(200, request.header("authorization").to_owned()),
        _ => Answer::new(200, "\n<!DOCTYPE html><html>Log in</html>"),
    })
    .await;
    let outlet = outlet(&fake);
    let file = |url: &str| Attachment {
        id: None,
        url: url.to_owned(),
        name: "a.png".into(),
        mime_type: "image/png".into(),
        size: None,
    };
    let own = file(fake.url("files/a.png").as_str());
    assert_eq!(
        outlet
            .download(&address(), &own, 100)
            .await
            .expect("a file")
            .as_ref(),
        b"Bearer xoxb-token"
    );
    let own = outlet
        .download(&address(), &file(fake.url("login").as_str()), 100)
        .await
        .expect_err("a page");
    assert_eq!(own.retry(), Retry::Never);
    for url in [
        "",
        "no url",
        "https://evil-slack.com/a",
        "https://slack.com.evil.example/a",
        "http://files.slack.com/a",
        "https://user@evil.example/@slack.com",
    ] {
        assert_eq!(
            outlet
                .download(&address(), &file(url), 100)
                .await
                .expect_err(url)
                .retry(),
            Retry::Never
        );
    }
    assert_eq!(fake.requests().len(), 2);
    let url = |url: &str| Url::parse(url).expect("a URL");
    assert!(
        outlet.is_slack_host(&url("https://files.slack.com/a"))
            && outlet.is_slack_host(&url("https://slack.com/a"))
    );
}

#[tokio::test]
async fn only_what_slack_signed_is_read_and_only_at_the_one_path() {
    let fake = answering(&[json!({})]).await;
    let edge = edge(&settings(fake.url("api/")));
    let now: Timestamp = "2026-11-22T10:00:00Z".parse().expect("a time");
    let body = br#"{"type":"url_verification","challenge":"c"}"#;
    let mut mac = <hmac::Hmac<sha2::Sha256> as hmac::KeyInit>::new_from_slice(b"signing-secret")
        .expect("a key");
    hmac::Mac::update(&mut mac, format!("v0:{}:", now.as_second()).as_bytes());
    hmac::Mac::update(&mut mac, body);
    let signature = format!("v0={}", hex::encode(hmac::Mac::finalize(mac).into_bytes()));
    let mut headers = http::HeaderMap::new();
    headers.insert("x-slack-request-timestamp", now.as_second().into());
    headers.insert("x-slack-signature", signature.parse().expect("a header"));
    let request = Request {
        method: &Method::POST,
        public_url: "https://bridge.example/channels/acme",
        path: "",
        query: "",
        headers: &headers,
        body,
    };
    let received = edge.receive(&request, now).await.expect("it is read");
    assert_eq!(received.response.body, "c");
    assert!(received.effects.is_empty());
    let forged = Request {
        body: b"{}",
        ..request
    };
    assert_eq!(
        edge.receive(&forged, now).await.err(),
        Some(Rejected::Unauthorized(Unverified::Mismatch(
            "X-Slack-Signature"
        )))
    );
    let elsewhere = Request {
        path: "/handoff",
        ..request
    };
    assert_eq!(
        edge.receive(&elsewhere, now).await.err(),
        Some(Rejected::NotFound)
    );
    let get = Request {
        method: &Method::GET,
        ..request
    };
    assert_eq!(
        edge.receive(&get, now).await.err(),
        Some(Rejected::MethodNotAllowed("POST"))
    );
    assert!(fake.requests().is_empty());
}

#[test]
fn nothing_of_a_connection_prints_a_secret() {
    let settings = settings(Url::parse("https://slack.com/api/").expect("a URL"));
    for printed in [
        format!("{:?}", edge(&settings)),
        format!("{:?}", outlet_with(&settings)),
    ] {
        assert!(
            !printed.contains("xoxb-token") && !printed.contains("signing-secret"),
            "{printed}"
        );
    }
}
