use std::sync::atomic::{AtomicUsize, Ordering};

use haptik_bridge_shared::net::client;
use haptik_bridge_shared::net::fake::{Answer, Fake};
use haptik_bridge_shared::net::oauth::{Assertion, OAuthClient};

use super::*;
use crate::channel::Refusal;

/// The API with a server that answers so to everything but the request for a token.
async fn api(answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> (Fake, TeamsApi) {
    let count = AtomicUsize::new(0);
    let tokens = AtomicUsize::new(0);
    let fake = Fake::start(move |request| match request.path.as_str() {
        "/token" => {
            let number = tokens.fetch_add(1, Ordering::SeqCst) + 1;
            let given = format!(r#"{{"access_token":"t{number}","expires_in":3599}}"#);
            Answer::new(200, given)
        }
        _ => answer(count.fetch_add(1, Ordering::SeqCst)),
    })
    .await;
    let sign: Assertion = Box::new(|_| Ok("signed".to_owned().into()));
    let api = TeamsApi {
        api: Api::new(client().expect("a client"))
            .words(words)
            .classify(passing),
        allowed: Allowed::of(vec![fake.url("")]),
        tokens: OAuthClient::by_assertion(fake.url("token"), "me".to_owned(), vec![sign]),
        bot: "28:app".to_owned(),
    };
    (fake, api)
}

fn place(fake: &Fake) -> Place {
    Place {
        service_url: fake.url("amer/").to_string(),
        conversation: "19:d4/41@thread.tacv2;messageid=17".to_owned(),
        personal: false,
        user: "29:1x".to_owned(),
    }
}

#[tokio::test]
async fn an_activity_is_written_in_its_thread_with_the_bots_token() {
    let (fake, api) = api(|_| Answer::new(201, r#"{"id":"m1"}"#)).await;
    let activity = json!({"type": "message", "text": "hi"});
    let sent = api.create(&place(&fake), &activity).await.expect("sent");
    assert_eq!(sent.message_id.as_deref(), Some("m1"));
    let asked = fake.requests().remove(1);
    assert_eq!(
        asked.path,
        "/amer/v3/conversations/19%3Ad4%2F41%40thread.tacv2%3Bmessageid%3D17/activities"
    );
    assert_eq!(asked.header("authorization"), "Bearer t1");
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_that_is_not_allowed() {
    let (fake, api) = api(|_| Answer::new(201, "{}")).await;
    let mut elsewhere = place(&fake);
    elsewhere.service_url = "https://mallory.example/amer/".to_owned();
    let refused = api.create(&elsewhere, &json!({"type": "typing"})).await;
    assert_eq!(refused.expect_err("refused").refusal, Refusal::Refused);
    assert_eq!(fake.requests().len(), 0);
}

#[tokio::test]
async fn what_passes_is_told_from_what_does_not() {
    for (status, body, refusal) in [
        (412, "{}", Refusal::Unavailable(None)),
        (502, "", Refusal::Unavailable(None)),
        (429, "{}", Refusal::RateLimited(None)),
        (
            403,
            r#"{"error":{"code":"MessageWritesBlocked"}}"#,
            Refusal::Refused,
        ),
        (403, "<html>", Refusal::Refused),
        (503, "", Refusal::Unavailable(None)),
        (504, "{}", Refusal::Unavailable(None)),
        (401, "{}", Refusal::Unauthorized),
        (404, "{}", Refusal::Refused),
        (413, "{}", Refusal::TooRich),
    ] {
        let (fake, api) = api(move |_| Answer::new(status, body)).await;
        let sent = api.create(&place(&fake), &json!({"type": "message"})).await;
        assert_eq!(sent.expect_err("refused").refusal, refusal, "{status}");
    }
}

#[tokio::test]
async fn what_was_pasted_is_asked_for_with_a_token_that_is_good_and_a_file_without_any() {
    let (fake, api) = api(|count| Answer::new(if count == 0 { 401 } else { 200 }, "bytes")).await;
    let fetcher = Fetcher::new(false).expect("a fetcher");
    let url = fake.url("amer/v3/attachments/1/views/original");
    let pasted = api.pasted(&place(&fake), &url, &fetcher, 100).await;
    assert_eq!(pasted.expect("a picture").as_ref(), b"bytes");
    let asked = fake.requests().into_iter();
    let shown: Vec<String> = asked
        .filter(|request| request.path != "/token")
        .map(|request| request.header("authorization").to_owned())
        .collect();
    assert_eq!(shown, ["Bearer t1", "Bearer t2"]);
    api.file(&fake.url("download?tempauth=x"), &fetcher, 100)
        .await
        .expect("a file");
    let asked = fake.requests().pop().expect("a request");
    assert_eq!(asked.header("authorization"), "");
}

#[tokio::test]
async fn what_was_pasted_elsewhere_gets_no_token() {
    let (fake, api) = api(|_| Answer::new(200, "bytes")).await;
    let fetcher = Fetcher::new(false).expect("a fetcher");
    let mut place = place(&fake);
    place.service_url = "https://smba.trafficmanager.net/amer/".to_owned();
    let pasted = api.pasted(&place, &fake.url("x.png"), &fetcher, 100).await;
    assert_eq!(pasted.expect("a picture").as_ref(), b"bytes");
    let asked = fake.requests();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("authorization"), "");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let (fake, api) = api(|count| Answer::new(if count == 0 { 401 } else { 201 }, "{}")).await;
    let sent = api.create(&place(&fake), &json!({"type": "message"})).await;
    assert!(sent.is_ok());
    assert_eq!(fake.requests().len(), 4);
}
