//! The call that makes a token of what the provider gave the browser
//! (<https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3>).

use std::time::Duration;

use haptik_bridge_shared::net::CallErrorKind;
use haptik_bridge_shared::net::api::{Api, ApiRequest};
use jiff::Timestamp;
use secrecy::SecretString;

use super::{App, Granted, NotGranted, Tenant};

/// What is asked of the provider, to follow "to".
const CALL: &str = "make a token of a code";

/// How long one call may take: with a secret that is being rotated there are two, and a browser waits.
const TIMEOUT: Duration = Duration::from_secs(4);

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 256 * 1024;

impl<T: Tenant> App<T> {
    /// Exchanges a code, with the newest client secret first. An older one is tried where the provider does
    /// not take it. Gives when that was, too, by the provider's clock.
    pub(super) async fn exchange(
        &self,
        api: &Api,
        code: &SecretString,
        now: Timestamp,
    ) -> Result<(Granted<T>, Timestamp), NotGranted> {
        let mut refusal = NotGranted::Unreachable;
        for secret in self.client_secrets.iter() {
            match self.exchange_with(api, secret, code, now).await {
                Err(error @ NotGranted::WrongSecret(_)) => refusal = error,
                other => return other,
            }
        }
        Err(refusal)
    }

    async fn exchange_with(
        &self,
        api: &Api,
        secret: &SecretString,
        code: &SecretString,
        now: Timestamp,
    ) -> Result<(Granted<T>, Timestamp), NotGranted> {
        let redirect_url = self.redirect_url.iter();
        let fields = redirect_url.map(|url| ("redirect_uri", url.to_string()));
        let request = ApiRequest::post(CALL, self.token_url.clone())
            .basic_auth(&self.client_id, secret)
            .form(fields)
            .secret_field("code", code)
            .timeout(TIMEOUT)
            .limit(LARGEST_ANSWER);
        let answer = api.send(request).await.map_err(|error| match &error.kind {
            CallErrorKind::Unreachable(cause) => {
                tracing::warn!(%cause, "no answer to an installation's code");
                NotGranted::Unreachable
            }
            _ => NotGranted::Refused(error.code),
        })?;
        let granted = (self.read)(&answer.body)?;
        Ok((granted, answer.date.unwrap_or(now)))
    }
}

#[cfg(test)]
mod tests {
    use haptik_bridge_shared::config::Secrets;
    use haptik_bridge_shared::lenient_json;
    use haptik_bridge_shared::net;
    use haptik_bridge_shared::net::fake::{Answer, Fake, Request};
    use secrecy::ExposeSecret as _;
    use serde_json::Value;
    use url::Url;

    use super::*;
    use crate::install::tests::Place;

    fn read(answer: &Value) -> Result<Granted<Place>, NotGranted> {
        match lenient_json::text(answer, "error").as_str() {
            "invalid_client" => return Err(NotGranted::WrongSecret("invalid_client".into())),
            "" => {}
            code => return Err(NotGranted::Refused(code.to_owned())),
        }
        let token = lenient_json::some_text(answer, "access_token");
        Ok(Granted {
            tenant: Place("P1".to_owned()),
            name: String::new(),
            token: token.ok_or(NotGranted::Unreachable)?.into(),
        })
    }

    type Exchanged = Result<(Granted<Place>, Timestamp), NotGranted>;

    async fn exchange(
        answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
        redirect_url: Option<&str>,
    ) -> (Exchanged, Vec<String>) {
        let fake = Fake::start(move |request| answer(request.header("authorization"))).await;
        let app = App {
            provider: "Acme",
            authorize_url: fake.url("authorize"),
            token_url: fake.url("api/token"),
            client_id: "1.2".to_owned(),
            client_secrets: Secrets::new("new", ["old".into()]),
            scope: String::new(),
            redirect_url: redirect_url.map(|url| Url::parse(url).expect("a URL")),
            encryption_keys: Secrets::new("", []),
            read,
        };
        let now = "2026-11-22T10:00:00Z".parse().expect("a time");
        let api = Api::new(net::client().expect("a client"));
        let exchanged = app.exchange(&api, &"a-code".into(), now).await;
        let requests = fake.requests();
        let bodies = requests.iter().map(Request::text);
        (exchanged, bodies.collect())
    }

    #[tokio::test]
    async fn a_code_becomes_a_token_at_the_providers_time() {
        let (granted, bodies) = exchange(
            |_| {
                Answer::new(200, r#"{"access_token": "secret-1"}"#)
                    .header("date", "Tue, 24 Nov 2026 16:00:01 GMT")
            },
            Some("https://b.example/oauth"),
        )
        .await;
        let (granted, at) = granted.expect("it is granted");
        assert_eq!(granted.token.expose_secret(), "secret-1");
        assert_eq!(at.to_string(), "2026-11-24T16:00:01Z");
        assert_eq!(
            bodies,
            ["redirect_uri=https%3A%2F%2Fb.example%2Foauth&code=a-code"]
        );
        assert!(!format!("{granted:?}").contains("secret-1"));
    }

    #[tokio::test]
    async fn an_older_client_secret_is_tried_where_the_newest_is_not_taken() {
        // 1.2:old
        let (granted, bodies) = exchange(
            |authorization| match authorization {
                "Basic MS4yOm9sZA==" => Answer::new(200, r#"{"access_token": "secret-1"}"#),
                _ => Answer::new(200, r#"{"error": "invalid_client"}"#),
            },
            None,
        )
        .await;
        granted.expect("it is granted");
        assert_eq!(bodies, ["code=a-code", "code=a-code"]);
    }

    #[tokio::test]
    async fn what_is_no_good_answer_says_why() {
        let refused = |code: &str| NotGranted::Refused(code.to_owned());
        for (status, body, expected) in [
            (200, r#"{"error": "invalid_code"}"#, refused("invalid_code")),
            (500, "", refused("500")),
            (200, "<html>", NotGranted::Unreachable),
            (200, "{}", NotGranted::Unreachable),
        ] {
            let (granted, _) = exchange(move |_| Answer::new(status, body), None).await;
            assert_eq!(granted.expect_err("it is refused"), expected);
        }
        let (granted, _) = exchange(|_| Answer::none(), None).await;
        assert_eq!(granted.expect_err("no answer"), NotGranted::Unreachable);
    }
}
