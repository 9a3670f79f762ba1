use haptik_bridge_shared::net::client;
use haptik_bridge_shared::net::fake::{Answer, Fake};

use super::*;

/// The API at a server.
fn api(at: &Fake) -> Api {
    let http = client().expect("a client");
    let tokens = ["t"].into_iter().map(SecretString::from);
    Api {
        calls: api::Api::new(http.clone()),
        http,
        base_url: at.url(""),
        content_base_url: at.url(""),
        messaging_base_url: at.url(""),
        account: "AC0".to_owned(),
        tokens: Secrets::from_newest_first(tokens).expect("there is one"),
        from: Sender::Service(String::new()),
        status_callback: None,
    }
}

#[tokio::test]
async fn a_file_that_is_not_given_says_nothing_of_the_token() {
    let fetcher = Fetcher::new(true).expect("a fetcher");
    for (status, expected) in [
        (401, Refusal::Unauthorized),
        (403, Refusal::Refused),
        (404, Refusal::Refused),
        (503, Refusal::Unavailable(None)),
    ] {
        let fake = Fake::start(move |_| Answer::new(status, "{}")).await;
        let url = fake.url("Media/ME0").to_string();
        let refused = api(&fake).file(&url, &fetcher, 100).await;
        assert_eq!(refused.expect_err("no file").refusal, expected, "{status}");
    }
}
