//! The pages by which an app is installed: `/install` sends the browser to the provider, which sends it back
//! to `/oauth`.

use std::fmt;

use http::header::COOKIE;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use url::form_urlencoded;

use super::installations::Installations;
use super::page::{page, redirect, with_cookie};
use super::state::{BadState, LIFETIME_SECONDS, States};
use super::{App, Ended, Granted, NotGranted, Tenant};
use crate::memory::Memory;
use crate::request::{Request, Response};
use haptik_bridge_shared::encryption::{self, Cipher, InvalidKey};
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::net::api::Api;
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::table::Table;
use haptik_bridge_shared::telemetry::{Hop, Outcome};
use secrecy::ExposeSecret as _;

/// Installs an app.
pub struct Installer<T: Tenant> {
    app: App<T>,
    connection: ConnectionId,
    api: Api,
    states: States,
    pub(super) installations: Installations<T>,
}

/// A page by which the app is installed.
#[derive(Debug)]
pub struct Page {
    /// The page.
    pub response: Response,
    /// The tenant in which the app is installed now, where this page says so.
    pub installed: Option<String>,
}

impl<T: Tenant> Installer<T> {
    pub(super) fn new(
        app: App<T>,
        connection: &ConnectionId,
        http: reqwest::Client,
        table: Table,
        memory: &Memory,
    ) -> Result<Self, InvalidKey> {
        let keys = &app.encryption_keys;
        let bytes = keys
            .iter()
            .map(|key| encryption::key_bytes(key.expose_secret()).ok_or(InvalidKey))
            .collect::<Result<Vec<_>, _>>()?;
        let cipher = Cipher::new(keys)?;
        Ok(Self {
            connection: connection.clone(),
            api: Api::new(http),
            states: States::new(app.provider, connection.clone(), &bytes),
            installations: Installations::new(
                app.provider,
                table,
                connection.clone(),
                cipher,
                memory,
            ),
            app,
        })
    }

    /// The page at a path, if there is one.
    pub(super) async fn page(&self, request: &Request<'_>, now: Timestamp) -> Option<Page> {
        if request.method != Method::GET {
            return None;
        }
        match request.path.trim_matches('/') {
            "install" => Some(Page {
                response: self.install(now),
                installed: None,
            }),
            "oauth" => Some(self.come_back(request, now).await),
            _ => None,
        }
    }

    /// Ends an installation; whether it was one until now.
    pub(super) async fn end(&self, ended: &Ended<T>, now: Timestamp) -> Result<bool, Failure> {
        let is_over = self.installations.end(ended, now).await?;
        let place = format!("{} {}", T::NOUN, ended.tenant);
        if is_over {
            self.record("uninstalled", Outcome::Ok, &place, now);
        } else {
            let reason = format!("{place}: none, or installed again since");
            self.record("uninstalled", Outcome::Nothing, &reason, now);
        }
        Ok(is_over)
    }

    /// Sends the browser to the provider.
    fn install(&self, now: Timestamp) -> Response {
        let Ok(fresh) = self.states.fresh(now) else {
            return page(
                503,
                "Not now",
                "The bridge cannot begin an installation at the moment. Try again in a minute.",
            );
        };
        let mut url = self.app.authorize_url.clone();
        url.query_pairs_mut()
            .append_pair("client_id", &self.app.client_id)
            .append_pair("scope", &self.app.scope)
            .append_pair("state", &fresh.state);
        if let Some(redirect_url) = &self.app.redirect_url {
            url.query_pairs_mut()
                .append_pair("redirect_uri", redirect_url.as_str());
        }
        let heading = format!("Continue at {}", self.app.provider);
        redirect(&url, &heading, self.cookie(&fresh.cookie, LIFETIME_SECONDS))
    }

    /// The browser comes back from the provider.
    async fn come_back(&self, request: &Request<'_>, now: Timestamp) -> Page {
        let mut installed = None;
        let shown = match self.installed(request, now).await {
            Ok(granted) => {
                let id = granted.tenant.to_string();
                self.record("installed", Outcome::Ok, &format!("{} {id}", T::NOUN), now);
                let name = match granted.name.as_str() {
                    "" => &id,
                    name => name,
                };
                let text = format!(
                    "The app is installed in {name}. You can close this page, and write to the app in {}.",
                    self.app.provider
                );
                let shown = page(200, "Installed", &text);
                installed = Some(id);
                shown
            }
            Err(stopped) => {
                self.record("installed", Outcome::Rejected, &stopped.reason, now);
                page(stopped.status, stopped.heading, &stopped.text)
            }
        };
        // The cookie has served, whatever came of it.
        Page {
            response: with_cookie(shown, self.cookie("", 0)),
            installed,
        }
    }

    async fn installed(
        &self,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<Granted<T>, InstallError> {
        let parameter = |name: &str| {
            let mut pairs = form_urlencoded::parse(request.query.as_bytes());
            let (_, value) = pairs.find(|(key, _)| key == name)?;
            Some(value.into_owned()).filter(|value| !value.is_empty())
        };
        let state = parameter("state").unwrap_or_default();
        let cookie = cookie(request.headers, &self.cookie_name());
        let checked = self.states.check(&state, cookie.as_deref(), now);
        let provider = self.app.provider;
        // Nothing is done about what the provider says here, so it is shown whoever sent the browser.
        if let Some(error) = parameter("error") {
            return Err(InstallError::said_by(provider, &error));
        }
        let good = checked.map_err(InstallError::by_state)?;
        let code = parameter("code").ok_or_else(|| InstallError::without_code(provider))?;
        let unused = self.installations.use_state(&good.hash, good.expires).await;
        let unused = unused.map_err(|error| InstallError::not_kept(&error.to_string()))?;
        if !unused {
            return Err(InstallError::used(T::NOUN));
        }
        let exchanged = self.app.exchange(&self.api, &code.into(), now).await;
        let (granted, at) =
            exchanged.map_err(|error| InstallError::not_granted(provider, error))?;
        let (tenant, token) = (&granted.tenant, &granted.token);
        let kept = self.installations.put(tenant, token, at).await;
        kept.map_err(|error| InstallError::not_kept(&error.to_string()))?;
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

    fn record(&self, name: &'static str, outcome: Outcome, reason: &str, since: Timestamp) {
        Hop::new(name, &format!("channels/{}", self.connection))
            .outcome(outcome)
            .since(since)
            .reason(reason)
            .emit();
    }
}

impl<T: Tenant> fmt::Debug for Installer<T> {
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
struct InstallError {
    status: u16,
    heading: &'static str,
    text: String,
    /// For the log: nothing that somebody else wrote.
    reason: String,
}

/// What somebody can do about most of it.
const BEGIN_ANEW: &str = "Open the installation page again (the same URL, ending in /install).";

impl InstallError {
    fn new(status: u16, heading: &'static str, text: String, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self {
            status,
            heading,
            text,
            reason,
        }
    }

    fn said_by(provider: &str, error: &str) -> Self {
        if error == "access_denied" {
            let text = format!("Nothing was installed. If that was not meant: {BEGIN_ANEW}");
            return Self::new(403, "Installation cancelled", text, "access_denied");
        }
        let shown: String = error.chars().take(100).collect();
        let text = format!("{provider} says: {shown}. Nothing was installed. {BEGIN_ANEW}");
        Self::new(
            400,
            "Not installed",
            text,
            "an error of the provider's page",
        )
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

    fn used(noun: &str) -> Self {
        let text =
            format!("This link was used already. If the app is not in your {noun}: {BEGIN_ANEW}");
        Self::new(403, "Used already", text, "a state that was used before")
    }

    fn without_code(provider: &str) -> Self {
        let text = format!("{provider} sent no code. Nothing was installed. {BEGIN_ANEW}");
        Self::new(400, "Not installed", text, "no code")
    }

    fn not_kept(reason: &str) -> Self {
        let text = format!("The installation could not be kept. {BEGIN_ANEW}");
        Self::new(503, "Not installed", text, reason)
    }

    fn not_granted(provider: &str, error: NotGranted) -> Self {
        let nothing = |what: String| format!("{what} Nothing was installed. {BEGIN_ANEW}");
        let (status, text, reason) = match error {
            NotGranted::Refused(code) | NotGranted::WrongSecret(code) => (
                400,
                nothing(format!("{provider} refused with the code {code}.")),
                format!("{provider} answered {code} to the code of an installation"),
            ),
            NotGranted::Unreachable => (
                502,
                nothing(format!("{provider} did not answer.")),
                format!("{provider} did not answer to the code of an installation"),
            ),
            NotGranted::Useless { reason, text } => (400, text.to_owned(), reason.to_owned()),
        };
        Self::new(status, "Not installed", text, reason)
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
