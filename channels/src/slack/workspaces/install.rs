//! The pages by which the app is installed in a workspace
//! (<https://docs.slack.dev/authentication/installing-with-oauth/>): `/install` sends the browser to
//! Slack, which sends it back to `/oauth`.

use std::fmt;

use http::header::COOKIE;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use url::{Url, form_urlencoded};

use super::Ended;
use super::exchange::{App, Granted, NotGranted};
use super::installations::Installations;
use super::page::{page, redirect, with_cookie};
use super::state::{BadState, LIFETIME_SECONDS, States};
use crate::channel::{Request, Response};
use crate::memory::Memory;
use crate::slack::config::OAuth;
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::seal::{self, InvalidKey, Sealer};
use haptik_bridge_shared::table::Table;
use haptik_bridge_shared::telemetry::{Hop, Outcome};
use secrecy::ExposeSecret as _;

/// Installs an app.
pub(super) struct Installer {
    connection: ConnectionId,
    scopes: Vec<String>,
    authorize_url: Url,
    app: App,
    states: States,
    pub(super) installations: Installations,
}

impl Installer {
    pub(super) fn new(
        connection: &ConnectionId,
        oauth: &OAuth,
        api_base_url: Url,
        http: reqwest::Client,
        table: Table,
        memory: &Memory,
    ) -> Result<Self, InvalidKey> {
        let keys = &oauth.token_encryption_keys;
        let bytes = keys
            .iter()
            .map(|key| seal::key_bytes(key.expose_secret()).ok_or(InvalidKey))
            .collect::<Result<Vec<_>, _>>()?;
        let redirect_url = oauth.public_url.as_ref().and_then(|url| {
            // The base URL ends in a slash.
            url.join(&format!("channels/{connection}/oauth")).ok()
        });
        let mut authorize_url = oauth.oauth_base_url.clone();
        authorize_url.set_path(&format!("{}v2/authorize", authorize_url.path()));
        Ok(Self {
            connection: connection.clone(),
            scopes: oauth.scopes.clone(),
            authorize_url,
            app: App {
                http,
                api_base_url,
                client_id: oauth.client_id.clone(),
                client_secrets: oauth.client_secrets.clone(),
                redirect_url,
            },
            states: States::new(connection.clone(), &bytes),
            installations: Installations::new(
                table,
                connection.clone(),
                Sealer::new(keys)?,
                memory,
            ),
        })
    }

    /// The page at a path, if there is one.
    pub(super) async fn page(&self, request: &Request<'_>, now: Timestamp) -> Option<Response> {
        if request.method != Method::GET {
            return None;
        }
        match request.path.trim_matches('/') {
            "install" => Some(self.install(now)),
            "oauth" => Some(self.come_back(request, now).await),
            _ => None,
        }
    }

    /// Ends an installation.
    pub(super) async fn end(&self, ended: &Ended, now: Timestamp) -> Result<(), Failure> {
        let is_over = self.installations.end(ended, now).await?;
        let (outcome, workspace) = (Outcome::Ok, &ended.workspace);
        if is_over {
            self.tell(
                "uninstalled",
                outcome,
                &format!("workspace {workspace}"),
                now,
            );
        } else {
            let reason = format!("workspace {workspace}: none, or installed again since");
            self.tell("uninstalled", Outcome::Nothing, &reason, now);
        }
        Ok(())
    }

    /// Sends the browser to Slack.
    fn install(&self, now: Timestamp) -> Response {
        let Ok(fresh) = self.states.fresh(now) else {
            return page(
                503,
                "Not now",
                "The bridge cannot begin an installation at the moment. Try again in a minute.",
            );
        };
        let mut url = self.authorize_url.clone();
        url.query_pairs_mut()
            .append_pair("client_id", &self.app.client_id)
            .append_pair("scope", &self.scopes.join(","))
            .append_pair("state", &fresh.state);
        if let Some(redirect_url) = &self.app.redirect_url {
            url.query_pairs_mut()
                .append_pair("redirect_uri", redirect_url.as_str());
        }
        redirect(&url, self.cookie(&fresh.cookie, LIFETIME_SECONDS))
    }

    /// The browser comes back from Slack.
    async fn come_back(&self, request: &Request<'_>, now: Timestamp) -> Response {
        let shown = match self.installed(request, now).await {
            Ok(granted) => {
                let workspace = &granted.workspace;
                self.tell(
                    "installed",
                    Outcome::Ok,
                    &format!("workspace {workspace}"),
                    now,
                );
                let name = match granted.name.as_str() {
                    "" => workspace.as_str(),
                    name => name,
                };
                let text = format!(
                    "The app is installed in {name}. You can close this page, and write to the app in Slack."
                );
                page(200, "Installed", &text)
            }
            Err(stopped) => {
                self.tell("installed", Outcome::Rejected, &stopped.reason, now);
                page(stopped.status, stopped.heading, &stopped.text)
            }
        };
        // The cookie has served, whatever came of it.
        with_cookie(shown, self.cookie("", 0))
    }

    async fn installed(&self, request: &Request<'_>, now: Timestamp) -> Result<Granted, Stopped> {
        let parameter = |name: &str| {
            let mut pairs = form_urlencoded::parse(request.query.as_bytes());
            let (_, value) = pairs.find(|(key, _)| key == name)?;
            Some(value.into_owned()).filter(|value| !value.is_empty())
        };
        let state = parameter("state").unwrap_or_default();
        let cookie = cookie(request.headers, &self.cookie_name());
        let checked = self.states.check(&state, cookie.as_deref(), now);
        // Nothing is done about what Slack says here, so it is shown whoever sent the browser.
        if let Some(error) = parameter("error") {
            return Err(Stopped::said_by_slack(&error));
        }
        let good = checked.map_err(Stopped::by_state)?;
        let code = parameter("code").ok_or_else(Stopped::without_code)?;
        let unused = self.installations.use_state(&good.hash, good.expires).await;
        let unused = unused.map_err(|error| Stopped::not_kept(&error.to_string()))?;
        if !unused {
            return Err(Stopped::used());
        }
        let exchanged = self.app.exchange(&code, now).await;
        let granted = exchanged.map_err(|error| Stopped::not_granted(&error))?;
        let Granted {
            workspace,
            token,
            at,
            ..
        } = &granted;
        let kept = self.installations.put(workspace, token, *at).await;
        kept.map_err(|error| Stopped::not_kept(&error.to_string()))?;
        Ok(granted)
    }

    /// The prefix makes the browser keep it for this host alone and send it by https alone
    /// (<https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-the-__host-prefix>).
    fn cookie_name(&self) -> String {
        format!("__Host-install-{}", self.connection)
    }

    fn cookie(&self, value: &str, seconds: i64) -> String {
        let name = self.cookie_name();
        format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax")
    }

    fn tell(&self, name: &'static str, outcome: Outcome, reason: &str, since: Timestamp) {
        Hop::new(name, &format!("channels/{}", self.connection))
            .outcome(outcome)
            .since(since)
            .reason(reason)
            .emit();
    }
}

impl fmt::Debug for Installer {
    /// Leaves out what `state`s are made with.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Installer")
            .field("connection", &self.connection)
            .field("app", &self.app)
            .field("installations", &self.installations)
            .finish_non_exhaustive()
    }
}

/// Why an installation does not go on, and what is shown.
struct Stopped {
    status: u16,
    heading: &'static str,
    text: String,
    /// For the log: nothing that somebody else wrote.
    reason: String,
}

/// What somebody can do about most of it.
const BEGIN_ANEW: &str = "Open the installation page again (the same URL, ending in /install).";

impl Stopped {
    fn new(status: u16, heading: &'static str, text: String, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self {
            status,
            heading,
            text,
            reason,
        }
    }

    fn said_by_slack(error: &str) -> Self {
        if error == "access_denied" {
            let text = format!("Nothing was installed. If that was not meant: {BEGIN_ANEW}");
            return Self::new(403, "Installation cancelled", text, "access_denied");
        }
        let shown: String = error.chars().take(100).collect();
        let text = format!("Slack says: {shown}. Nothing was installed. {BEGIN_ANEW}");
        Self::new(400, "Not installed", text, "an error of Slack's page")
    }

    fn by_state(bad: BadState) -> Self {
        match bad {
            BadState::NotOurs => {
                let text = format!(
                    "This link was not made for this browser, or another installation was begun in it \
                     since. Nothing was installed. {BEGIN_ANEW}"
                );
                Self::new(
                    403,
                    "Not installed",
                    text,
                    "a state that is not the browser's",
                )
            }
            BadState::Expired => {
                let text = format!(
                    "This took longer than ten minutes. Nothing was installed. {BEGIN_ANEW}"
                );
                Self::new(403, "Not installed", text, "an expired state")
            }
        }
    }

    fn used() -> Self {
        let text = format!(
            "This link was used already. If the app is not in your workspace: {BEGIN_ANEW}"
        );
        Self::new(403, "Used already", text, "a state that was used before")
    }

    fn without_code() -> Self {
        let text = format!("Slack sent no code. Nothing was installed. {BEGIN_ANEW}");
        Self::new(400, "Not installed", text, "no code")
    }

    fn not_kept(reason: &str) -> Self {
        let text = format!("The installation could not be kept. {BEGIN_ANEW}");
        Self::new(503, "Not installed", text, reason)
    }

    fn not_granted(error: &NotGranted) -> Self {
        let (status, text) = match error {
            NotGranted::Refused(code) => (
                400,
                format!("Slack refused with the code {code}. Nothing was installed. {BEGIN_ANEW}"),
            ),
            NotGranted::Unreachable => (
                502,
                format!("Slack did not answer. Nothing was installed. {BEGIN_ANEW}"),
            ),
            NotGranted::TokenRotation => (
                400,
                "The Slack app has token rotation switched on, which this bridge does not support: its \
                 tokens would expire after twelve hours. Nothing was installed. Whoever runs the app has \
                 to use one with token_rotation_enabled: false in its manifest."
                    .to_owned(),
            ),
            NotGranted::NoBotToken => (
                400,
                "Slack gave no bot token: the Slack app has no bot user. Nothing was installed."
                    .to_owned(),
            ),
            NotGranted::NoWorkspace => (
                400,
                "Slack did not say for which workspace the token is. Nothing was installed."
                    .to_owned(),
            ),
        };
        Self::new(status, "Not installed", text, error.to_string())
    }
}

/// The value of a cookie, if there is exactly one of this name.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let texts = headers.get_all(COOKIE).iter();
    let mut values = texts
        .filter_map(|text| text.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned());
    let value = values.next()?;
    values.next().is_none().then_some(value)
}
