use super::*;
use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::message::{Content, Sender};
use haptik_bridge_shared::net;
use haptik_bridge_shared::net::fake::{Answer, Fake};
use haptik_bridge_shared::retry::Retry;

fn slack(fake: &Fake) -> Slack {
    let settings = config::Slack {
        signing_secrets: Secrets::new("signing-secret", []),
        workspaces: config::Workspaces::One {
            bot_tokens: Secrets::new("xoxb-token", []),
        },
        api_base_url: fake.url("api/"),
        conversation: Conversation::User,
        agent_identity: true,
        carousels: true,
        reaction: None,
        tell_edits: false,
        welcome: "Hello!".into(),
        suggested_prompts: Vec::new(),
    };
    let fetcher = Fetcher::new(false).expect("a fetcher");
    Slack::new(
        "acme".into(),
        &settings,
        Workspaces::one(Secrets::new("xoxb-token", [])),
        net::client().expect("a client"),
        fetcher,
    )
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
    let raw = json!({"text": "hello"});
    Outgoing {
        key: "0001#message".into(),
        auth_id: "a1".into(),
        user: "U1".into(),
        at: "2026-11-22T10:00:00Z".parse().expect("a time"),
        received_at: "2026-11-22T10:00:00Z".parse().expect("a time"),
        sender: Sender::default(),
        message_id: Some(1),
        handoff: None,
        content: Content::Message {
            hsl: Hsl::read(&raw),
            raw,
        },
    }
}

fn address() -> Address {
    Address(json!({"channel": "C1", "thread_ts": "1.000001"}))
}

#[tokio::test]
async fn a_part_is_posted_where_the_user_is() {
    let fake = answering(&[json!({"ok": true})]).await;
    let slack = slack(&fake);
    let parts = slack.render(&outgoing());
    slack.send(&address(), &parts[0]).await.expect("it is sent");
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
    let fake = answering(&[
        json!({"ok": false, "error": "invalid_blocks"}),
        json!({"ok": true}),
    ])
    .await;
    let image = json!({"type": "image", "image_url": "https://a.example/a.png", "alt_text": "A"});
    let part = Part {
        index: 0,
        body: json!({"text": "A", "blocks": [image]}),
    };
    slack(&fake)
        .send(&address(), &part)
        .await
        .expect("it is sent");
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
    let mut outgoing = outgoing();
    let raw = json!({"type": "CAROUSEL", "data": {"items": [card("One"), card("Two")]}});
    outgoing.content = Content::Message {
        hsl: Hsl::read(&raw),
        raw,
    };
    let slack = slack(&fake);
    let parts = slack.render(&outgoing);
    slack.send(&address(), &parts[0]).await.expect("it is sent");
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
async fn a_refusal_is_final_and_does_not_say_what_was_sent() {
    let fake = answering(&[json!({"ok": false, "error": "invalid_blocks"})]).await;
    let part = Part {
        index: 0,
        body: json!({"text": "private words"}),
    };
    let failure = slack(&fake)
        .send(&address(), &part)
        .await
        .expect_err("it is refused");
    assert_eq!(failure.retry, Retry::Never);
    assert_eq!(
        failure.to_string(),
        "Slack answered invalid_blocks to chat.postMessage"
    );
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn what_was_sent_is_recognised_by_its_metadata_page_by_page() {
    let message = |key: &str, auth_id: &str, part: u64| json!({"text": "x", "metadata": {"event_type": "haptik_bridge", "event_payload": {"key": key, "auth_id": auth_id, "part": part}}});
    let fake = answering(&[
        json!({"ok": true, "messages": [message("0001#message", "a1", 1), message("0002#message", "a1", 5), {"text": "y"}],
            "response_metadata": {"next_cursor": "c2"}}),
        json!({"ok": true, "messages": [message("0001#message", "a1", 0), message("0001#message", "a2", 3)]}),
    ])
    .await;
    let sent = slack(&fake)
        .already_sent(&address(), &outgoing())
        .await
        .expect("an answer");
    assert_eq!(sent, Some(vec![0, 1]));
    let requests = fake.requests();
    assert_eq!(requests[0].path, "/api/conversations.replies");
    assert!(
        requests[0]
            .text()
            .contains("include_all_metadata=true&limit=100&oldest=1795338000.000000&ts=1.000001"),
        "{}",
        requests[0].text()
    );
    assert!(requests[1].text().contains("cursor=c2"));
    let direct = Address(json!({"channel": "D1"}));
    slack(&fake)
        .already_sent(&direct, &outgoing())
        .await
        .expect("an answer");
    assert_eq!(fake.requests()[2].path, "/api/conversations.history");
}

#[tokio::test]
async fn where_the_history_may_not_be_read_nothing_is_known() {
    for (code, expected) in [
        ("missing_scope", Ok(None)),
        ("channel_not_found", Ok(None)),
        ("fatal_error", Err(Retry::Later(None))),
    ] {
        let fake = answering(&[json!({"ok": false, "error": code})]).await;
        let sent = slack(&fake).already_sent(&address(), &outgoing()).await;
        assert_eq!(sent.map_err(|failure| failure.retry), expected, "{code}");
    }
}

#[tokio::test]
async fn a_profile_has_name_address_language_and_flat_data() {
    let fake = answering(&[json!({"ok": true, "user": {
        "id": "U1", "team_id": "T1", "name": "asha", "real_name": "Asha R", "tz": "Asia/Kolkata", "tz_offset": 19800, "locale": "en-US",
        "profile": {"real_name": "Asha Rao", "email": "a@example.com", "title": "", "phone": "123", "fields": {"x": {}}},
    }})])
    .await;
    let profile = slack(&fake)
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
        let profile = slack(&fake).profile(&address(), "U1").await;
        assert_eq!(
            profile
                .map(|profile| profile.is_none())
                .map_err(|failure| failure.retry),
            expected,
            "{code}"
        );
    }
}

#[tokio::test]
async fn a_task_is_performed_as_it_stands() {
    let fake = answering(&[
        json!({"ok": true}),
        json!({"ok": false, "error": "message_not_found"}),
    ])
    .await;
    let slack = slack(&fake);
    let task =
        json!({"method": "chat.update", "body": {"channel": "C1", "ts": "1.0", "text": "x"}});
    slack.perform(&task).await.expect("it is done");
    assert_eq!(
        (fake.requests()[0].path.as_str(), &bodies(&fake)[0]),
        ("/api/chat.update", &task["body"])
    );
    for task in [
        task,
        json!({"method": "users.setPhoto", "body": {}}),
        json!(null),
    ] {
        assert_eq!(
            slack.perform(&task).await.expect_err("it fails").retry,
            Retry::Never
        );
    }
}

#[tokio::test]
async fn a_file_is_fetched_with_the_token_and_from_slack_alone() {
    let fake = Fake::start(|request| match request.path.as_str() {
        "/files/a.png" => Answer::new(200, request.header("authorization").to_owned()),
        _ => Answer::new(200, "\n<!DOCTYPE html><html>Log in</html>"),
    })
    .await;
    let slack = slack(&fake);
    let file = |url: &str| Attachment {
        id: None,
        url: url.to_owned(),
        name: "a.png".into(),
        mime_type: "image/png".into(),
        size: None,
    };
    let own = file(fake.url("files/a.png").as_str());
    assert_eq!(
        slack
            .fetch(&address(), &own, 100)
            .await
            .expect("a file")
            .as_ref(),
        b"Bearer xoxb-token"
    );
    let own = slack
        .fetch(&address(), &file(fake.url("login").as_str()), 100)
        .await
        .expect_err("a page");
    assert_eq!(own.retry, Retry::Never);
    for url in [
        "",
        "no url",
        "https://evil-slack.com/a",
        "https://slack.com.evil.example/a",
        "http://files.slack.com/a",
        "https://user@evil.example/@slack.com",
    ] {
        assert_eq!(
            slack
                .fetch(&address(), &file(url), 100)
                .await
                .expect_err(url)
                .retry,
            Retry::Never
        );
    }
    assert_eq!(fake.requests().len(), 2);
    let url = |url: &str| Url::parse(url).expect("a URL");
    assert!(
        slack.is_slacks(&url("https://files.slack.com/a"))
            && slack.is_slacks(&url("https://slack.com/a"))
    );
}

#[tokio::test]
async fn only_what_slack_signed_is_read_and_only_at_the_one_path() {
    let fake = answering(&[json!({})]).await;
    let slack = slack(&fake);
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
        path: "",
        query: "",
        headers: &headers,
        body,
    };
    assert_eq!(
        slack.receive(&request, now).expect("it is read").reply.body,
        "c"
    );
    let forged = Request {
        body: b"{}",
        ..request
    };
    assert_eq!(
        slack.receive(&forged, now),
        Err(Rejected::Unauthorized("X-Slack-Signature does not match"))
    );
    let elsewhere = Request {
        path: "/handoff",
        ..request
    };
    assert_eq!(slack.receive(&elsewhere, now), Err(Rejected::NotFound));
    let get = Request {
        method: &Method::GET,
        ..request
    };
    assert_eq!(
        slack.receive(&get, now),
        Err(Rejected::MethodNotAllowed("POST"))
    );
}

#[test]
fn nothing_of_a_connection_prints_a_secret() {
    let settings = config::Slack {
        signing_secrets: Secrets::new("signing-secret", []),
        workspaces: config::Workspaces::One {
            bot_tokens: Secrets::new("xoxb-token", []),
        },
        api_base_url: Url::parse("https://slack.com/api/").expect("a URL"),
        conversation: Conversation::User,
        agent_identity: true,
        carousels: true,
        reaction: None,
        tell_edits: false,
        welcome: "Hello!".into(),
        suggested_prompts: Vec::new(),
    };
    let fetcher = Fetcher::new(false).expect("a fetcher");
    let slack = Slack::new(
        "acme".into(),
        &settings,
        Workspaces::one(Secrets::new("xoxb-token", [])),
        net::client().expect("a client"),
        fetcher,
    );
    let printed = format!("{slack:?}");
    assert!(
        !printed.contains("xoxb-token") && !printed.contains("signing-secret"),
        "{printed}"
    );
}
