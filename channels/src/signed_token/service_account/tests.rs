use haptik_bridge_shared::net::api::{Api, ApiRequest};
use haptik_bridge_shared::net::client;
use haptik_bridge_shared::net::fake::{Answer, Fake};
use jiff::SignedDuration;

use super::super::tests::{FIRST, SECOND, jwk};
use super::super::{Expected, KeySource};
use super::*;

fn file(pem: &str) -> Value {
    json!({
        "type": "service_account", "project_id": "acme", "private_key_id": "k1", "private_key": pem,
        "client_email": "bridge@acme.iam.gserviceaccount.com", "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    })
}

fn account(pem: &str) -> ServiceAccount {
    ServiceAccount::read(&file(pem).to_string()).expect("a service account")
}

#[test]
fn a_file_of_another_kind_is_refused_without_quoting_it() {
    let without = |key: &str| {
        let mut file = file(FIRST);
        file.as_object_mut().expect("an object").remove(key);
        file.to_string()
    };
    let mut other = file(FIRST);
    other["private_key"] = include_str!("../samples/first.crt").into();
    for odd in [
        String::new(),
        "{}".to_owned(),
        FIRST.to_owned(),
        without("type"),
        without("client_email"),
        without("private_key"),
        other.to_string(),
    ] {
        let error = ServiceAccount::read(&odd).expect_err("an error");
        assert!(
            !error.contains("bridge@") && !error.contains("MII"),
            "{error}"
        );
    }
    let shown = format!("{:?}", account(FIRST));
    assert!(
        shown.contains("bridge@acme") && !shown.contains("MII"),
        "{shown}"
    );
}

/// What Google looks at (<https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests>).
#[tokio::test]
async fn an_assertion_is_signed_for_google_and_exchanged_for_one_token() {
    let keys = json!({"keys": [jwk("k1", SECOND)]}).to_string();
    let fake = Fake::start(move |request| match request.path.as_str() {
        "/keys" => Answer::new(200, keys.clone()),
        "/token" => Answer::new(200, r#"{"access_token":"ya29.a","expires_in":3599}"#),
        _ => Answer::new(200, "{}"),
    })
    .await;
    let accounts = [account(SECOND), account(FIRST)];
    let client_ = ServiceAccount::client(&accounts, fake.url("token"), "chat.bot");
    let api = Api::new(client().expect("a client"));
    for _ in 0..3 {
        let call = ApiRequest::get("sing", fake.url("call"));
        client_.send(&api, call).await.expect("an answer");
    }
    let asked: Vec<_> = fake
        .requests()
        .into_iter()
        .filter(|request| request.path == "/token")
        .collect();
    assert_eq!(asked.len(), 1);
    let form = asked[0].text();
    let assertion = form.split("assertion=").nth(1).expect("an assertion");
    let source = KeySource::new(client().expect("a client"), fake.url("keys"));
    let expected = Expected {
        issuers: &["bridge@acme.iam.gserviceaccount.com"],
        audiences: &["https://oauth2.googleapis.com/token"],
        leeway: SignedDuration::ZERO,
    };
    // Its time has fractions of a second that ours has not.
    let soon = Timestamp::now() + SignedDuration::from_secs(1);
    let verified = source.verify(assertion, &expected, soon).await;
    let claims = verified.expect("a genuine assertion").claims;
    assert_eq!(claims["scope"], "chat.bot");
    let lasts = claims["exp"].as_i64().zip(claims["iat"].as_i64());
    assert_eq!(lasts.map(|(ends, begins)| ends - begins), Some(3_600));
}
