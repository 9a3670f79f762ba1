use haptik_bridge_shared::net::client;
use haptik_bridge_shared::net::fake::{Answer, Fake};
use http::header::AUTHORIZATION;
use serde_json::json;

use super::*;
use crate::signed_token::tests::{FIRST, header, jwk, token};

const APP: &str = "11111111-2222-3333-4444-555555555555";
const TENANT: &str = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";
const URL: &str = "https://smba.trafficmanager.net/amer/a1b2/";

fn now() -> Timestamp {
    "2026-11-28T10:00:00Z".parse().expect("a time")
}

async fn verifier() -> (Fake, Verifier) {
    let keys = json!({"keys": [jwk("k1", FIRST)]}).to_string();
    let fake = Fake::start(move |_| Answer::new(200, keys.clone())).await;
    let verifier = Verifier {
        keys: KeySource::new(client().expect("a client"), fake.url("keys")),
        app_id: APP.to_owned(),
        tenant_id: TENANT.to_owned(),
        bot: format!("28:{APP}"),
        allowed: Allowed { others: Vec::new() },
    };
    (fake, verifier)
}

fn claims() -> Value {
    let now = now().as_second();
    json!({"iss": CONNECTOR, "aud": APP, "serviceurl": URL, "nbf": now, "exp": now + 3_600})
}

fn activity() -> Value {
    json!({
        "type": "message", "channelId": "msteams", "serviceUrl": URL,
        "recipient": {"id": format!("28:{APP}")}, "conversation": {"tenantId": TENANT},
        "channelData": {"tenant": {"id": TENANT}},
    })
}

async fn is_taken(verifier: &Verifier, claims: &Value, activity: &Value) -> bool {
    let mut headers = HeaderMap::new();
    let bearer = format!("Bearer {}", token(&header("k1"), claims));
    headers.insert(AUTHORIZATION, bearer.parse().expect("a header"));
    match verifier.verify(&headers, now()).await {
        Ok(token) => verifier.check(&token, activity).is_ok(),
        Err(_) => false,
    }
}

#[tokio::test]
async fn what_the_connector_sends_to_our_bot_is_taken() {
    let (_fake, verifier) = verifier().await;
    assert!(is_taken(&verifier, &claims(), &activity()).await);
    // The claim and the body may differ in case and in the slash at the end.
    let mut other = claims();
    other["serviceurl"] = URL.trim_end_matches('/').to_uppercase().into();
    assert!(is_taken(&verifier, &other, &activity()).await);
}

#[tokio::test]
async fn a_token_for_anything_else_is_refused() {
    let (_fake, verifier) = verifier().await;
    let now = now().as_second();
    for (claim, value) in [
        ("iss", json!("https://sts.windows.net/x/")),
        ("iss", json!("https://api.botframework.com/")),
        ("aud", json!("11111111-2222-3333-4444-555555555556")),
        ("aud", json!([APP])),
        ("serviceurl", json!("https://smba.trafficmanager.net/emea/")),
        ("serviceurl", json!("")),
        ("serviceurl", Value::Null),
        ("exp", json!(now - 301)),
        ("nbf", json!(now + 301)),
    ] {
        let mut claims = claims();
        claims[claim] = value;
        assert!(!is_taken(&verifier, &claims, &activity()).await, "{claims}");
    }
}

#[tokio::test]
async fn an_activity_of_another_channel_bot_or_tenant_is_refused() {
    let (_fake, verifier) = verifier().await;
    for (place, value) in [
        ("/channelId", json!("webchat")),
        ("/channelId", Value::Null),
        ("/serviceUrl", json!("https://mallory.example/")),
        ("/recipient/id", json!("28:other")),
        ("/conversation/tenantId", json!("another")),
        ("/channelData/tenant/id", json!("another")),
        ("/channelData/tenant/id", json!(7)),
    ] {
        let mut activity = activity();
        *activity.pointer_mut(place).expect("a place") = value;
        assert!(!is_taken(&verifier, &claims(), &activity).await, "{place}");
    }
    let mut nowhere = activity();
    nowhere["conversation"] = json!({});
    nowhere["channelData"] = json!({});
    assert!(!is_taken(&verifier, &claims(), &nowhere).await);
}

#[tokio::test]
async fn answers_go_to_microsofts_servers_alone() {
    let allowed = Allowed {
        others: vec![Url::parse("http://127.0.0.1:8080").expect("a URL")],
    };
    for good in [
        URL,
        "https://smba.trafficmanager.net/amer",
        "https://smba.infra.gcc.teams.microsoft.com/teams/",
        "http://127.0.0.1:8080/x/",
    ] {
        let url = allowed.service_url(good).expect("allowed");
        assert!(url.path().ends_with('/'), "{good}");
    }
    for bad in [
        "",
        "http://smba.trafficmanager.net/amer/",
        "https://smba.trafficmanager.net:8443/amer/",
        "https://smba.trafficmanager.net.mallory.example/",
        "https://mallory.example/smba.trafficmanager.net/",
        "https://smba.trafficmanager.net@mallory.example/",
        "https://u:p@smba.trafficmanager.net/",
        "https://smba.trafficmanager.net/?x=1",
        "http://127.0.0.1:8081/",
    ] {
        assert!(allowed.service_url(bad).is_none(), "{bad}");
    }
}
