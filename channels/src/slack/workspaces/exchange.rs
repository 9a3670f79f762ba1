//! The call that makes a token of what Slack gave the browser
//! (<https://docs.slack.dev/reference/methods/oauth.v2.access>).

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::DATE;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::WorkspaceId;
use crate::slack::api;
use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::{self, Unreachable};

const METHOD: &str = "oauth.v2.access";

/// How long one call may take: with a secret that is being rotated there are two, and a browser waits.
const TIMEOUT: Duration = Duration::from_secs(4);

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 256 * 1024;

/// What identifies the app at Slack.
#[derive(Debug)]
pub(super) struct App {
    pub(super) http: reqwest::Client,
    pub(super) api_base_url: Url,
    pub(super) client_id: String,
    pub(super) client_secrets: Secrets,
    /// What was sent to the authorisation page, if anything: the call has to repeat it.
    pub(super) redirect_url: Option<Url>,
}

/// An installation.
#[derive(Debug)]
pub(super) struct Granted {
    /// Where.
    pub(super) workspace: WorkspaceId,
    /// How the workspace or the organisation is called; may be empty.
    pub(super) name: String,
    /// The bot's token.
    pub(super) token: SecretString,
    /// When, by Slack's clock.
    pub(super) at: Timestamp,
}

/// Why there is no installation. Never says the code or a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotGranted {
    /// Slack said no.
    #[error("Slack answered {0} to {METHOD}")]
    Refused(String),
    /// There is no answer, or none of Slack's.
    #[error("Slack did not answer {METHOD}")]
    Unreachable,
    /// The app's tokens expire.
    #[error("the app has token rotation switched on")]
    TokenRotation,
    /// The app has no bot user.
    #[error("Slack gave no bot token")]
    NoBotToken,
    /// It is for no workspace.
    #[error("Slack did not say for which workspace")]
    NoWorkspace,
}

impl App {
    /// Exchanges a code, with the newest client secret first. An older one is tried where Slack does not
    /// take it.
    pub(super) async fn exchange(&self, code: &str, now: Timestamp) -> Result<Granted, NotGranted> {
        let mut refusal = NotGranted::Unreachable;
        for secret in self.client_secrets.iter() {
            match self.exchange_with(secret, code, now).await {
                Err(error @ NotGranted::Refused(_)) if error.is_of_the_secret() => refusal = error,
                other => return other,
            }
        }
        Err(refusal)
    }

    async fn exchange_with(
        &self,
        secret: &SecretString,
        code: &str,
        now: Timestamp,
    ) -> Result<Granted, NotGranted> {
        let url = self.api_base_url.join(METHOD);
        let url = url.map_err(|_| NotGranted::Unreachable)?;
        let mut fields = vec![("code", code)];
        if let Some(url) = &self.redirect_url {
            fields.push(("redirect_uri", url.as_str()));
        }
        let unreachable = |error: reqwest::Error| {
            let cause = Unreachable::from(&error);
            tracing::warn!(%cause, "no answer to {METHOD}");
            NotGranted::Unreachable
        };
        let response = self
            .http
            .post(url)
            .timeout(TIMEOUT)
            .basic_auth(&self.client_id, Some(secret.expose_secret()))
            .form(&fields)
            .send()
            .await
            .map_err(unreachable)?;
        let status = response.status();
        if !status.is_success() {
            return Err(NotGranted::Refused(status.as_u16().to_string()));
        }
        let date = response.headers().get(DATE);
        let date = date.and_then(|date| rfc2822::parse(date.to_str().ok()?).ok());
        let at = date.map_or(now, |date| date.timestamp());
        let body = net::read(response, LARGEST_ANSWER).await;
        let body = body.map_err(|_| NotGranted::Unreachable)?;
        let answer = lenient_json::read(&body).map_err(|_| NotGranted::Unreachable)?;
        granted(&answer, at)
    }
}

impl NotGranted {
    fn is_of_the_secret(&self) -> bool {
        matches!(self, Self::Refused(code) if ["bad_client_secret", "invalid_client_secret"].contains(&code.as_str()))
    }
}

fn granted(answer: &Value, at: Timestamp) -> Result<Granted, NotGranted> {
    match answer.get("ok").and_then(Value::as_bool) {
        Some(true) => {}
        Some(false) => {
            let code = lenient_json::text(answer, "error");
            return Err(NotGranted::Refused(api::as_code(&code).to_owned()));
        }
        None => return Err(NotGranted::Unreachable),
    }
    if lenient_json::some_text(answer, "refresh_token").is_some()
        || answer.get("expires_in").is_some()
    {
        return Err(NotGranted::TokenRotation);
    }
    let token = lenient_json::some_text(answer, "access_token");
    let token = token.filter(|_| lenient_json::text(answer, "token_type") == "bot");
    let token = token.ok_or(NotGranted::NoBotToken)?;
    let whose = if lenient_json::flag(answer, "is_enterprise_install") {
        "enterprise"
    } else {
        "team"
    };
    let whose = answer.get(whose).ok_or(NotGranted::NoWorkspace)?;
    let workspace =
        WorkspaceId::read(&lenient_json::text(whose, "id")).ok_or(NotGranted::NoWorkspace)?;
    Ok(Granted {
        workspace,
        name: lenient_json::text(whose, "name"),
        token: token.into(),
        at,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use haptik_bridge_shared::net::fake::{Answer, Fake, Request};

    fn answer() -> Value {
        json!({
            "ok": true, "access_token": "xoxb-1", "token_type": "bot", "scope": "chat:write", "bot_user_id": "U0",
            "app_id": "A1", "team": {"name": "Acme", "id": "T1"}, "enterprise": {"name": "Org", "id": "E1"},
            "authed_user": {"id": "U1"}, "is_enterprise_install": false,
        })
    }

    async fn exchange(
        answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
        redirect_url: Option<&str>,
    ) -> (Result<Granted, NotGranted>, Vec<String>) {
        let fake = Fake::start(move |request| answer(request.header("authorization"))).await;
        let app = App {
            http: net::client().expect("a client"),
            api_base_url: fake.url("api/"),
            client_id: "1.2".to_owned(),
            client_secrets: Secrets::new("new", ["old".into()]),
            redirect_url: redirect_url.map(|url| Url::parse(url).expect("a URL")),
        };
        let now = "2026-11-22T10:00:00Z".parse().expect("a time");
        let exchanged = app.exchange("a-code", now).await;
        let requests = fake.requests();
        let bodies = requests.iter().map(Request::text);
        (exchanged, bodies.collect())
    }

    #[tokio::test]
    async fn a_code_becomes_the_token_of_a_workspace_at_slacks_time() {
        let (granted, bodies) = exchange(
            |_| {
                Answer::new(200, answer().to_string())
                    .header("date", "Tue, 24 Nov 2026 16:00:01 GMT")
            },
            Some("https://b.example/oauth"),
        )
        .await;
        let granted = granted.expect("it is granted");
        assert_eq!(
            (granted.workspace.as_str(), granted.name.as_str()),
            ("T1", "Acme")
        );
        assert_eq!(granted.token.expose_secret(), "xoxb-1");
        assert_eq!(granted.at.to_string(), "2026-11-24T16:00:01Z");
        assert_eq!(
            bodies,
            ["code=a-code&redirect_uri=https%3A%2F%2Fb.example%2Foauth"]
        );
        assert!(!format!("{granted:?}").contains("xoxb-1"));
    }

    #[tokio::test]
    async fn an_older_client_secret_is_tried_where_the_newest_is_not_taken() {
        // 1.2:old
        let (granted, bodies) = exchange(
            |authorization| match authorization {
                "Basic MS4yOm9sZA==" => Answer::new(200, answer().to_string()),
                _ => Answer::new(200, r#"{"ok":false,"error":"bad_client_secret"}"#),
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
            (
                200,
                r#"{"ok":false,"error":"invalid_code"}"#,
                refused("invalid_code"),
            ),
            (
                200,
                r#"{"ok":false,"error":"<b>"}"#,
                refused("an unknown error"),
            ),
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

    #[test]
    fn an_organisations_installation_is_the_organisations() {
        let now = Timestamp::UNIX_EPOCH;
        let mut org = answer();
        org["is_enterprise_install"] = true.into();
        org["team"] = Value::Null;
        let granted_to = granted(&org, now).expect("it is granted");
        assert_eq!(
            (granted_to.workspace.as_str(), granted_to.name.as_str()),
            ("E1", "Org")
        );
        for (field, value, expected) in [
            ("expires_in", json!(43_200), NotGranted::TokenRotation),
            ("refresh_token", json!("xoxe-1"), NotGranted::TokenRotation),
            ("token_type", json!("user"), NotGranted::NoBotToken),
            ("access_token", json!(""), NotGranted::NoBotToken),
            ("team", Value::Null, NotGranted::NoWorkspace),
        ] {
            let mut odd = answer();
            odd[field] = value;
            assert_eq!(granted(&odd, now).err(), Some(expected), "{field}");
        }
    }
}
