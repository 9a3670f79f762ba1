//! The custom channel: any application of one's own, both ways signed as
//! [Standard Webhooks](https://www.standardwebhooks.com). `docs/custom-channel.md` is its interface.
//!
//! `read` and `handoff` read what the application sends, `render` is what it gets. The application is
//! asked nothing: what is known about a user comes with the user's requests, and what was delivered
//! already is recognised there by its `webhook-id`.

use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use haptik_bridge_shared::config::{ChannelDefinition, Secrets};
use haptik_bridge_shared::ids::{AuthId, AuthIds, EntryKey};
use haptik_bridge_shared::message::receipt::AddressedReceipt;
use haptik_bridge_shared::message::{Attachment, Handback, Outgoing, Sender};
use haptik_bridge_shared::net::Fetcher;
use haptik_bridge_shared::standard_webhooks::{self, SignatureError};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use url::{Url, form_urlencoded};

use crate::capability::{Capability, Feature};
use crate::channel::{
    BuildError, ChannelType, Edge, EdgeDeps, Effect, Files, Finding, OnlineDeps, Outlet,
    OutletDeps, Part, Receipt, Rejected, Request, Response, SendError, Sent, Trial,
};
use crate::facts::Facts;
use crate::limits::Limits;
use crate::peer::{Peer, PeerRequest};
use crate::preview::{Preview, previewed};

mod capability;
pub mod config;
mod handoff;
mod read;
mod render;

/// `type = "custom"`.
#[derive(Debug)]
pub struct Custom;

/// Where to answer: the application, which is told whom it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The application's own id of the user.
    pub user: String,
}

impl ChannelType for Custom {
    const NAME: &'static str = "custom";
    const DEFINITION: ChannelDefinition = config::DEFINITION;
    const LIMITS: Option<&'static Limits> = None;
    const FACTS: Facts = capability::FACTS;
    const SECRET_FIELDS: &'static [&'static str] = &["auth_code"];
    type Config = config::Custom;
    type Address = Address;
    type Command = ();

    fn capability(feature: Feature) -> Capability {
        capability::capability(feature)
    }

    fn preview(body: &Value, sender: &Sender) -> Vec<Preview> {
        let part = render::part(&previewed(body, sender), true);
        let message = part.map(|part| Preview {
            kind: "message",
            payload: render::written(&part).1,
            link: None,
        });
        message.into_iter().collect()
    }

    fn edge(config: &config::Custom, deps: EdgeDeps) -> Result<Box<dyn Edge<Self>>, BuildError> {
        Ok(Box::new(CustomEdge {
            auth_ids: deps.auth_ids,
            signing_secrets: checked(&config.signing_secrets)?,
            handoff_only: config.handoff_only,
            transcript: config.transcript,
        }))
    }

    /// Nothing: the application has no call that it would not take for one of the bridge's.
    fn online(_config: &config::Custom, _deps: OnlineDeps) -> Trial {
        let findings = ["signing_secrets", "callback_url"].map(|key| {
            let how = "only a message shows whether the application takes it: write one";
            Finding::untried(key, how)
        });
        Box::pin(async move { findings.into() })
    }

    fn outlet(
        config: &config::Custom,
        deps: OutletDeps,
    ) -> Result<Box<dyn Outlet<Self>>, BuildError> {
        Ok(Box::new(CustomOutlet {
            callback_url: config.callback_url.clone(),
            link_says: config.link_says,
            receipts: config.receipts,
            signing_secrets: checked(&config.signing_secrets)?,
            http: deps.http,
            fetcher: deps.fetcher,
        }))
    }
}

/// The secrets, where all are what Standard Webhooks takes, as the configuration sees to.
fn checked(secrets: &Secrets) -> Result<Secrets, BuildError> {
    let is_good = |secret: &secrecy::SecretString| Webhook::new(secret.expose_secret()).is_ok();
    if secrets.iter().all(is_good) {
        Ok(secrets.clone())
    } else {
        let reason = "a signing secret is not whsec_ and base64";
        Err(BuildError(reason.to_owned()))
    }
}

/// The side that receives.
#[derive(Debug)]
struct CustomEdge {
    auth_ids: AuthIds,
    signing_secrets: Secrets,
    handoff_only: bool,
    transcript: config::Transcript,
}

/// What a request asks for, by its method and path.
enum Command<'a> {
    /// `POST`: a user did something.
    Say,
    /// `POST /handoff`: a bot hands its user over.
    Handoff,
    /// `DELETE /handoff?user={user id}`, or `DELETE /handoff/{user id}`: the bot takes control back.
    EndHandoff(Cow<'a, str>),
}

impl<'a> Command<'a> {
    fn of(request: &Request<'a>) -> Result<Self, Rejected> {
        let (only, command) = match request.path {
            "" => ("POST", Self::Say),
            "/handoff" if request.method == "DELETE" => {
                return Ok(Self::EndHandoff(user_of(request.query)));
            }
            "/handoff" if request.method != "POST" => {
                return Err(Rejected::MethodNotAllowed("POST, DELETE"));
            }
            "/handoff" => ("POST", Self::Handoff),
            path => match path.strip_prefix("/handoff/") {
                Some(user) if !user.is_empty() => ("DELETE", Self::EndHandoff(user.into())),
                _ => return Err(Rejected::NotFound),
            },
        };
        if request.method == only {
            Ok(command)
        } else {
            Err(Rejected::MethodNotAllowed(only))
        }
    }
}

/// The user that a query names; empty where it names none.
fn user_of(query: &str) -> Cow<'_, str> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let user = pairs.find(|(name, _)| name == "user");
    user.map(|(_, user)| user).unwrap_or_default()
}

#[async_trait]
impl Edge<Custom> for CustomEdge {
    async fn receive(
        &self,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<Receipt<Custom>, Rejected> {
        let command = Command::of(request)?;
        standard_webhooks::verify(request.headers, request.body, &self.signing_secrets, now)
            .map_err(|error| Rejected::Unauthorized(reason(error).into()))?;
        match command {
            Command::Say => self.user_action(request.body),
            Command::Handoff => self.handoff(request.body),
            Command::EndHandoff(user) => self.end_handoff(&user),
        }
    }
}

impl CustomEdge {
    fn user_action(&self, body: &[u8]) -> Result<Receipt<Custom>, Rejected> {
        let said = read::parse_request(body, &self.auth_ids).map_err(Rejected::BadRequest)?;
        let answer = json!({"id": said.id, "auth_id": said.inbound.auth_id});
        let inbound = Box::new(said.inbound);
        let effect = if self.handoff_only {
            Effect::Peer(PeerRequest::Forward(inbound))
        } else {
            Effect::Inbound(inbound)
        };
        Ok(Receipt::nothing(Response::json(202, &answer)).with(effect))
    }

    fn handoff(&self, body: &[u8]) -> Result<Receipt<Custom>, Rejected> {
        let asked = handoff::parse_handoff_request(body, &self.auth_ids, self.transcript);
        let (id, inbound) = asked.map_err(Rejected::BadRequest)?;
        let answer = json!({"id": id, "auth_id": inbound.auth_id});
        let begin = PeerRequest::Begin(Box::new(inbound));
        Ok(Receipt::nothing(Response::json(202, &answer)).with(Effect::Peer(begin)))
    }

    /// `user` is the user's id, or the e-mail address where that is the `auth_id`.
    fn end_handoff(&self, user: &str) -> Result<Receipt<Custom>, Rejected> {
        if user.is_empty() {
            let needed = "the query names no user; needed: DELETE …/handoff?user=ID";
            return Err(Rejected::BadRequest(needed.into()));
        }
        let auth_id = self.auth_ids.of_own_user(user, Some(user));
        let auth_id = auth_id.map_err(Rejected::BadRequest)?;
        let answer = json!({"auth_id": auth_id});
        let end = PeerRequest::End(auth_id);
        Ok(Receipt::nothing(Response::json(202, &answer)).with(Effect::Peer(end)))
    }
}

/// The side that sends.
struct CustomOutlet {
    callback_url: Url,
    link_says: bool,
    receipts: bool,
    signing_secrets: Secrets,
    http: reqwest::Client,
    fetcher: Fetcher,
}

#[async_trait]
impl Outlet<Custom> for CustomOutlet {
    fn render(&self, outgoing: &Outgoing) -> Vec<Part> {
        render::part(outgoing, self.link_says).into_iter().collect()
    }

    async fn send(&self, _to: &Address, part: &Part) -> Result<Sent, SendError> {
        let (id, body) = render::written(part);
        let (url, secrets) = (&self.callback_url, &self.signing_secrets);
        let posted =
            standard_webhooks::post(&self.http, url, secrets, &id, &body, Timestamp::now());
        posted
            .await
            .map_err(haptik_bridge_shared::retry::Failure::from)?;
        Ok(Sent::default())
    }

    fn shows_what_is_answered(&self) -> bool {
        true
    }

    fn files(&self) -> Option<&dyn Files<Custom>> {
        Some(self)
    }

    fn peer(&self) -> Option<&dyn Peer> {
        Some(self)
    }
}

#[async_trait]
impl Files<Custom> for CustomOutlet {
    async fn download(
        &self,
        _at: &Address,
        attachment: &Attachment,
        limit: usize,
    ) -> Result<Bytes, SendError> {
        let url = Url::parse(&attachment.url)
            .map_err(|_| SendError::refused("the file's URL is not a URL"))?;
        // The operator's own application may be in the operator's own network.
        let is_application = |url: &Url| url.origin() == self.callback_url.origin();
        let fetched = self.fetcher.fetch(&url, None, is_application, limit).await;
        Ok(fetched.map_err(haptik_bridge_shared::retry::Failure::from)?)
    }
}

impl Peer for CustomOutlet {
    fn hand_back(&self, handback: &Handback) -> Part {
        render::handback(handback)
    }

    fn wants_receipts(&self) -> bool {
        self.receipts
    }

    fn receipt(
        &self,
        auth_id: &AuthId,
        key: &EntryKey,
        receipt: &AddressedReceipt,
    ) -> Option<Part> {
        self.receipts
            .then(|| render::receipt(auth_id, key, receipt))
    }
}

impl fmt::Debug for CustomOutlet {
    /// Leaves out the keys, and the callback's path, which may be what keeps it private.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.callback_url.origin().ascii_serialization();
        formatter
            .debug_struct("CustomOutlet")
            .field("callback_url", &origin)
            .finish_non_exhaustive()
    }
}

/// What the sender is told of a signature that is not accepted.
fn reason(error: SignatureError) -> &'static str {
    match error {
        SignatureError::Headers => {
            "webhook-id, webhook-timestamp (seconds since 1970) and webhook-signature are needed"
        }
        SignatureError::Time => "webhook-timestamp is more than 5 minutes from now",
        SignatureError::Mismatch => "webhook-signature is not the signature of this body",
    }
}

#[cfg(test)]
mod tests;
