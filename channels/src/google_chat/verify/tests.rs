use haptik_bridge_shared::net::client;
use haptik_bridge_shared::net::fake::{Answer, Fake};
use http::header::AUTHORIZATION;
use serde_json::json;

use super::*;
use crate::signed_token::tests::{FIRST, header, jwk, token};

const URL: &str = "https://bridge.example.com/channels/acme";
const NUMBER: &str = "123456789012";

fn now() -> Timestamp {
    "2026-11-28T10:00:00Z".parse().expect("a time")
}

async fn verifier(audience: Audience, add_on: Option<&str>) -> (Fake, Verifier) {
    let keys = json!({"keys": [jwk("k1", FIRST)]}).to_string();
    let fake = Fake::start(move |_| Answer::new(200, keys.clone())).await;
    let keys = KeySource::new(client().expect("a client"), fake.url("certs"));
    let add_on = add_on.map(ToOwned::to_owned);
    let verifier = Verifier {
        keys,
        audience,
        add_on,
    };
    (fake, verifier)
}

fn claims(email: &str) -> Value {
    let now = now().as_second();
    json!({
        "iss": ACCOUNTS, "aud": URL, "email": email, "email_verified": true, "iat": now, "exp": now + 3_600,
    })
}

async fn is_taken(verifier: &Verifier, claims: &Value) -> bool {
    let mut headers = HeaderMap::new();
    let bearer = format!("Bearer {}", token(&header("k1"), claims));
    headers.insert(AUTHORIZATION, bearer.parse().expect("a header"));
    verifier.verify(&headers, now()).await.is_ok()
}

const ADD_ON: &str = "service-123456789012@gcp-sa-gsuiteaddons.iam.gserviceaccount.com";

#[tokio::test]
async fn for_a_url_it_is_the_address_in_the_token_that_counts() {
    let (_fake, app) = verifier(Audience::Url(URL.to_owned()), None).await;
    let (_fake, add_on) = verifier(Audience::Url(URL.to_owned()), Some(ADD_ON)).await;
    assert!(is_taken(&app, &claims(CHAT)).await);
    assert!(is_taken(&add_on, &claims(CHAT)).await);
    assert!(is_taken(&add_on, &claims(ADD_ON)).await);
    assert!(!is_taken(&app, &claims(ADD_ON)).await);
    for other in [
        "",
        "mallory@example.com",
        "chat@system.gserviceaccount.com.example.com",
        "Chat@system.gserviceaccount.com",
        "service-999@gcp-sa-gsuiteaddons.iam.gserviceaccount.com",
        "service-123456789012@gcp-sa-gsuiteaddons.iam.gserviceaccount.com ",
        "service-@gcp-sa-gsuiteaddons.iam.gserviceaccount.com",
    ] {
        assert!(!is_taken(&add_on, &claims(other)).await, "{other}");
    }
    for unverified in [json!(false), json!("true"), json!(1), Value::Null] {
        let mut claims = claims(CHAT);
        claims["email_verified"] = unverified;
        assert!(!is_taken(&app, &claims).await);
    }
    for (claim, value) in [
        ("iss", json!(CHAT)),
        ("iss", json!("accounts.google.com")),
        ("iss", json!("https://accounts.google.com.example.com")),
        ("aud", json!(NUMBER)),
        ("aud", json!("https://bridge.example.com/channels/acme/")),
        ("aud", json!("http://bridge.example.com/channels/acme")),
        ("aud", json!("https://other.example.com/channels/acme")),
    ] {
        let mut claims = claims(CHAT);
        claims[claim] = value;
        assert!(!is_taken(&app, &claims).await, "{claims}");
    }
}

#[tokio::test]
async fn for_a_project_number_chat_itself_signs() {
    let (_fake, project) = verifier(Audience::Project(NUMBER.to_owned()), None).await;
    let now = now().as_second();
    let good = json!({"iss": CHAT, "aud": NUMBER, "iat": now, "exp": now + 3_600});
    assert!(is_taken(&project, &good).await);
    for (claim, value) in [
        ("iss", json!(ACCOUNTS)),
        ("aud", json!("123456789013")),
        ("aud", json!(123_456_789_012_u64)),
        ("aud", json!(URL)),
    ] {
        let mut claims = good.clone();
        claims[claim] = value;
        assert!(!is_taken(&project, &claims).await, "{claims}");
    }
    // Anybody's identity, with a token for the number.
    assert!(!is_taken(&project, &claims(CHAT)).await);
}
