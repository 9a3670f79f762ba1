use std::time::Duration;

use crate::webex::files;
use haptik_bridge_shared::net::client;
use haptik_bridge_shared::net::fake::{Answer, Fake};

use super::*;

const MESSAGE: &str = r#"{"id":"Y2lzNEW"}"#;

/// The API at a server, by a list of tokens.
fn api(at: &Fake, tokens: &[&str]) -> WebexApi {
    let http = client().expect("a client");
    let tokens = tokens.iter().map(|token| SecretString::from(*token));
    WebexApi {
        api: Api::new(http).words(words),
        base_url: at.url("v1/"),
        tokens: Secrets::from_newest_first(tokens).expect("there is one"),
        me: OnceCell::new(),
    }
}

fn place(parent: Option<&str>, beside: Option<&str>) -> Place {
    Place {
        parent: parent.map(str::to_owned),
        beside: beside.map(str::to_owned),
        ..Place::room("Y2lzROOM".to_owned())
    }
}

fn text() -> Value {
    json!({"markdown": "hello"})
}

/// The bodies of messages that were to be created.
fn created(at: &Fake) -> Vec<Value> {
    let posted = at.requests().into_iter().filter(|one| one.method == "POST");
    let bodies = posted.map(|one| serde_json::from_slice(&one.body).expect("JSON"));
    bodies.collect()
}

#[tokio::test]
async fn a_message_goes_to_its_room_and_thread_with_the_token() {
    let fake = Fake::start(|_| Answer::new(200, MESSAGE)).await;
    let to = place(Some("Y2lzROOT"), None);
    let sent = api(&fake, &["t"]).create(&to, &text()).await;
    assert_eq!(sent.expect("sent").message_id.as_deref(), Some("Y2lzNEW"));
    let request = fake.requests().remove(0);
    assert_eq!(request.path, "/v1/messages");
    assert_eq!(request.header("authorization"), "Bearer t");
    let expected = json!({"roomId": "Y2lzROOM", "parentId": "Y2lzROOT", "markdown": "hello"});
    assert_eq!(created(&fake), [expected]);
}

#[tokio::test]
async fn what_a_card_is_answered_with_is_in_the_thread_of_the_card() {
    for (card, parent) in [
        (r#"{"id":"C","parentId":"Y2lzROOT"}"#, json!("Y2lzROOT")),
        (r#"{"id":"C"}"#, Value::Null),
    ] {
        let fake = Fake::start(move |request| match request.method.as_str() {
            "GET" => Answer::new(200, card),
            _ => Answer::new(200, MESSAGE),
        })
        .await;
        let to = place(None, Some("C"));
        let sent = api(&fake, &["t"]).create(&to, &text()).await;
        assert!(sent.is_ok(), "{sent:?}");
        assert_eq!(fake.requests()[0].path, "/v1/messages/C");
        assert_eq!(created(&fake)[0]["parentId"], parent);
    }
}

#[tokio::test]
async fn a_thread_that_begins_with_a_reply_or_is_gone_costs_no_answer() {
    for (status, root, parents) in [
        (
            200,
            r#"{"id":"R","parentId":"ROOT"}"#,
            [json!("R"), json!("ROOT")],
        ),
        (404, r#"{"message":"gone"}"#, [json!("R"), Value::Null]),
        (403, r#"{"message":"not yours"}"#, [json!("R"), Value::Null]),
    ] {
        let fake = Fake::start(move |request| {
            let is_to_reply = request.text().contains("\"R\"");
            match request.method.as_str() {
                "GET" => Answer::new(status, root),
                _ if is_to_reply => Answer::new(400, r#"{"message":"a reply"}"#),
                _ => Answer::new(200, MESSAGE),
            }
        })
        .await;
        let to = place(Some("R"), None);
        let sent = api(&fake, &["t"]).create(&to, &text()).await;
        assert!(sent.is_ok(), "{sent:?}");
        let created = created(&fake);
        assert_eq!(
            [&created[0]["parentId"], &created[1]["parentId"]],
            [&parents[0], &parents[1]]
        );
    }
}

#[tokio::test]
async fn each_refusal_is_what_webex_means_by_it() {
    for (status, expected) in [
        (400, Refusal::TooRich),
        (401, Refusal::Unauthorized),
        (403, Refusal::Refused),
        (404, Refusal::Refused),
        (429, Refusal::RateLimited(Some(Duration::from_secs(3)))),
        (502, Refusal::Unavailable(Some(Duration::from_secs(3)))),
    ] {
        let words = r#"{"message":"for a reason","trackingId":"ROUTER_1"}"#;
        let fake =
            Fake::start(move |_| Answer::new(status, words).header("Retry-After", "3")).await;
        let to = place(None, None);
        let refused = api(&fake, &["secret-token"]).create(&to, &text()).await;
        let refused = refused.expect_err("it is refused");
        assert_eq!(refused.refusal, expected, "{status}");
        assert!(!format!("{refused} {refused:?}").contains("secret-token"));
    }
}

#[tokio::test]
async fn the_next_token_is_tried_where_one_is_not_taken() {
    let fake = Fake::start(|request| match request.header("authorization") {
        "Bearer old" => Answer::new(200, MESSAGE),
        _ => Answer::new(401, "{}"),
    })
    .await;
    let api = api(&fake, &["new", "old"]);
    assert!(api.create(&place(None, None), &text()).await.is_ok());
    let fetcher = Fetcher::new(true).expect("a fetcher");
    assert!(api.file("Y2lzFILE", &fetcher, 100).await.is_ok());
}

#[tokio::test]
async fn a_file_that_is_elsewhere_is_fetched_there_without_the_token() {
    let elsewhere = Fake::start(|_| Answer::new(200, "content")).await;
    let url = elsewhere.url("file").to_string();
    let fake = Fake::start(move |_| Answer::new(302, "").header("Location", &url)).await;
    let fetcher = Fetcher::new(true).expect("a fetcher");
    let file = api(&fake, &["t"]).file("Y2lzFILE", &fetcher, 100).await;
    assert_eq!(file.expect("a file"), "content");
    assert_eq!(fake.requests()[0].path, "/v1/contents/Y2lzFILE");
    assert_eq!(fake.requests()[0].header("authorization"), "Bearer t");
    assert_eq!(elsewhere.requests()[0].header("authorization"), "");
}

#[tokio::test]
async fn a_file_is_waited_for_or_refused_as_webex_says() {
    for (status, expected) in [
        (423, Refusal::Unavailable(Some(Duration::from_secs(9)))),
        (410, Refusal::Refused),
        (428, Refusal::Refused),
        // It is the file that the bot may not read, whatever the token.
        (403, Refusal::Refused),
    ] {
        let fake = Fake::start(move |_| Answer::new(status, "{}").header("Retry-After", "9")).await;
        let api = api(&fake, &["t"]);
        let fetcher = Fetcher::new(true).expect("a fetcher");
        let file = api.file("Y2lzFILE", &fetcher, 100).await;
        assert_eq!(file.expect_err("no file").refusal, expected, "{status}");
        let attachment =
            files::of(&json!({"files": ["https://webexapis.com/v1/contents/A"]})).next();
        let named = api.named(&attachment.expect("an attachment")).await;
        assert_eq!(named.expect_err("no name").refusal, expected, "{status}");
        // It is never asked for at our own risk.
        assert!(
            fake.requests()
                .iter()
                .all(|one| !one.path.contains("allow"))
        );
    }
}

#[tokio::test]
async fn a_file_without_a_name_is_a_file_still() {
    let attachment = files::of(&json!({"files": ["https://webexapis.com/v1/contents/A"]})).next();
    let attachment = attachment.expect("an attachment");
    for answer in [
        Answer::new(405, ""),
        Answer::new(302, "").header("Location", "https://a.example/"),
        Answer::new(200, ""),
    ] {
        let fake = Fake::start(move |_| answer.clone()).await;
        let named = api(&fake, &["t"]).named(&attachment).await;
        assert_eq!(named.expect("one").name, attachment.name);
    }
}

#[tokio::test]
async fn the_direct_room_is_listed_where_it_can_be() {
    for (status, body, expected) in [
        (200, r#"{"items":[{"id":"A"}]}"#, Some(1)),
        (403, r#"{"message":"no"}"#, None),
        (404, r#"{"message":"no"}"#, None),
    ] {
        let fake = Fake::start(move |_| Answer::new(status, body)).await;
        let listed = api(&fake, &["t"]).direct("Y2lzUSER").await;
        assert_eq!(
            listed.expect("an answer").map(|listed| listed.len()),
            expected
        );
        assert_eq!(
            fake.requests()[0].path,
            "/v1/messages/direct?personId=Y2lzUSER"
        );
    }
    let fake = Fake::start(|_| Answer::new(200, "")).await;
    let api = api(&fake, &["t"]);
    assert!(api.direct("Y2lzUSER").await.is_err());
    assert!(api.webhooks().await.is_err() && api.message("A").await.is_err());
    // What is no id becomes no part of an address.
    assert_eq!(api.direct("a/b?c").await, Ok(None));
    assert_eq!(fake.requests().len(), 3);
}
