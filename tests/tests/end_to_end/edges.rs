use haptik_bridge_simulator::{UserMessage, signature};
use haptik_bridge_tests::app::client;
use haptik_bridge_tests::fake_slack::{Delivery, HeaderCase};
use haptik_bridge_tests::{Options, Stage};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use serde_json::json;

fn silent(_: &UserMessage) -> Vec<haptik_bridge_simulator::Reply> {
    Vec::new()
}

#[tokio::test]
async fn forged_and_expired_requests_are_refused_and_leave_nothing() -> anyhow::Result<()> {
    let stage = Stage::with_bot(silent).await?;
    let (slack, url) = (stage.slack.client(), stage.channel_url("acme-slack"));
    let event = stage.slack.dm("U00000ASHA", "hi");
    let old = Timestamp::now().saturating_sub(SignedDuration::from_secs(400))?;
    let forged = [
        Delivery::of(&event).unsigned(),
        Delivery::of(&event).signed_with("not the secret"),
        Delivery::of(&event).signed_at(old),
        Delivery::of(&event).with_signature("v0=00"),
        Delivery::of(&event).with_timestamp_header("soon"),
    ];
    for delivery in &forged {
        let reply = slack.deliver(&url, delivery).await;
        assert_eq!(reply.status, 401, "{}", reply.body);
    }
    for case in [HeaderCase::Upper, HeaderCase::Mixed] {
        assert!(
            slack
                .deliver(&url, &Delivery::of(&event).with_header_case(case))
                .await
                .is_acknowledged()
        );
    }
    stage.haptik_was_told(1).await?;
    stage.finish().await
}

#[tokio::test]
async fn the_handshake_is_answered_with_its_challenge() -> anyhow::Result<()> {
    let stage = Stage::with_bot(silent).await?;
    let challenge = stage
        .slack
        .url_verification("3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P");
    let reply = stage.slack_sends(&challenge).await;
    assert_eq!(reply.status, 200);
    assert!(
        reply
            .body
            .contains("3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P")
    );
    stage.finish().await
}

#[tokio::test]
async fn garbage_with_a_good_signature_is_acknowledged_and_kept() -> anyhow::Result<()> {
    let stage = Stage::with_bot(silent).await?;
    let url = stage.channel_url("acme-slack");
    let odd: [&[u8]; 6] = [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{\"type\":\"event_callback\"}",
        b"payload=%7B",
    ];
    for body in odd {
        for content_type in ["application/json", "application/x-www-form-urlencoded"] {
            let reply = stage
                .slack
                .client()
                .deliver(&url, &Delivery::raw(body, content_type))
                .await;
            assert_eq!(reply.status, 200, "{body:?}: {}", reply.body);
        }
    }
    let dead = stage.finish_with_dead().await?;
    assert!(!dead.is_empty());
    assert!(dead.iter().all(|entry| entry.reason.is_some()));
    Ok(())
}

#[tokio::test]
async fn a_haptik_delivery_is_verified_and_one_that_is_odd_is_kept() -> anyhow::Result<()> {
    let stage = Stage::with_bot(silent).await?;
    let (http, url) = (client()?, format!("{}/haptik/main", stage.url));
    let secret = stage
        .simulator()
        .settings()
        .webhook_secret
        .expose_secret()
        .to_owned();
    let post = async |body: &str, signature: Option<String>| -> anyhow::Result<u16> {
        let mut request = http.post(&url).body(body.to_owned());
        if let Some(signature) = signature {
            request = request.header("x-HUB-signature", format!("sha1={signature}"));
        }
        Ok(request.send().await?.status().as_u16())
    };
    let body = json!({"event_name": "message", "user": {"auth_id": "somebody-else"},
                      "message": {"id": 1, "body": {"text": "hi", "type": "TEXT"}}})
    .to_string();
    let good = signature(&secret, body.as_bytes());
    assert_eq!(post(&body, None).await?, 401);
    assert_eq!(
        post(&body, Some(signature("wrong", body.as_bytes()))).await?,
        401
    );
    assert_eq!(post(&format!("{body} "), Some(good.clone())).await?, 401);
    assert_eq!(
        post(&body, Some(good)).await?,
        200,
        "a user of another system"
    );
    for odd in [
        r#"{"event_name":"brand_new","user":{"auth_id":"x"}}"#,
        "not JSON",
        "[1]",
        r#"{"event_name":"message"}"#,
    ] {
        assert_eq!(
            post(odd, Some(signature(&secret, odd.as_bytes()))).await?,
            200,
            "{odd}"
        );
    }
    // The first is an event that Haptik may have added.
    assert_eq!(stage.finish_with_dead().await?.len(), 3);
    Ok(())
}

/// The status of a refusal, which says why as JSON, and its `Allow`.
async fn refused(request: reqwest::RequestBuilder) -> anyhow::Result<(u16, String)> {
    let answer = request.send().await?;
    let header = |name: &str| {
        let value = answer.headers().get(name).map(|value| value.to_str());
        value.transpose().map(Option::unwrap_or_default)
    };
    let (status, allow) = (answer.status().as_u16(), header("allow")?.to_owned());
    assert_eq!(header("content-type")?, "application/json", "{status}");
    let body: serde_json::Value = answer.json().await?;
    assert!(body["error"].is_string(), "{body}");
    Ok((status, allow))
}

#[tokio::test]
async fn what_is_not_there_is_404_405_or_413_and_says_why() -> anyhow::Result<()> {
    let stage = Stage::with(Options::default(), silent).await?;
    let http = client()?;
    let at = |path: &str| format!("{}/{path}", stage.url);
    for path in [
        "channels/nobody",
        "channels",
        "channels/",
        "haptik/nobody",
        "haptik/main/more",
        "nothing",
        "channels/acme-slack/nothing",
        "channels/my-app/nothing",
        "channels/my-app/",
    ] {
        let (status, _) = refused(http.post(at(path)).body("{}")).await?;
        assert_eq!(status, 404, "{path}");
    }
    assert_eq!(refused(http.post(at("channels/%ff"))).await?.0, 400);
    for (path, allowed) in [
        ("channels/acme-slack", "POST"),
        ("channels/my-app", "POST"),
        ("haptik/main", "POST"),
    ] {
        let got = refused(http.get(at(path))).await?;
        assert_eq!(got, (405, allowed.to_owned()), "{path}");
    }
    let got = refused(http.post(at("health"))).await?;
    assert_eq!(got, (405, "GET,HEAD".to_owned()));
    let large = "x".repeat(10 * 1024 * 1024 + 1);
    for path in ["channels/acme-slack", "channels/my-app", "haptik/main"] {
        let (status, _) = refused(http.post(at(path)).body(large.clone())).await?;
        assert_eq!(status, 413, "{path}");
    }
    assert_eq!(http.get(at("health")).send().await?.status(), 200);
    stage.finish().await
}

#[tokio::test]
async fn a_body_too_large_for_one_item_is_delivered_whole() -> anyhow::Result<()> {
    let stage = Stage::with_bot(silent).await?;
    let message = json!({"type": "message", "id": "m-1", "timestamp": Timestamp::now().to_string(),
                         "text": "hello", "user": {"id": "u-42"}});
    let answer = stage.app_sends(&message).await?;
    let auth_id = answer["auth_id"].as_str().expect("an auth_id").to_owned();
    stage.haptik_was_told(1).await?;
    let text = "äöü 🦀 ".repeat(100_000);
    stage.simulator().say_text(&auth_id, &text)?;
    let callback = stage.app.wait_for(1).await.remove(0);
    assert!(
        callback.body["hsl"]["text"] == text.as_str(),
        "the text differs"
    );
    stage.finish().await
}

#[tokio::test]
async fn what_is_kept_of_a_request_has_no_secret() -> anyhow::Result<()> {
    let stage = Stage::with_bot(silent).await?;
    let url = stage.channel_url("acme-slack");
    let unknown = json!({"type": "event_callback", "token": "s3cret", "response_url": "https://hooks.slack.com/s3cret",
                         "text": "hello"});
    let form = "token=s3cret&text=hello&response_url=s3cret";
    for (body, content_type) in [
        (unknown.to_string(), "application/json"),
        (form.to_owned(), "application/x-www-form-urlencoded"),
    ] {
        let delivery = Delivery::raw(body, content_type);
        let reply = stage.slack.client().deliver(&url, &delivery).await;
        assert!(reply.is_acknowledged(), "{reply:?}");
    }
    let dead = stage.finish_with_dead().await?;
    assert_eq!(dead.len(), 2);
    for entry in dead {
        let kept = serde_json::to_string(&entry.payload)?;
        assert!(kept.contains("hello") && !kept.contains("s3cret"), "{kept}");
    }
    Ok(())
}
