//! The custom channel: any application of one's own, both ways signed as
//! [Standard Webhooks](https://www.standardwebhooks.com). `docs/custom-channel.md` is its interface.
//!
//! The application is asked nothing: what is known about a user comes with the user's requests, and
//! what was delivered already is recognised there by its `webhook-id`.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use url::Url;

use super::{
    Address, Attachment, Channel, HandoffAsked, Outgoing, Part, Profile, Received, Rejected, Reply,
    Request,
};
use crate::config::{self, Secrets, Transcript};
use crate::ids::{AuthId, ConnectionId};
use crate::net::Fetcher;
use crate::retry::Failure;
use crate::standard_webhooks::{self, SignatureError};

mod capability;
mod handoff;
mod read;
mod render;

pub use capability::capability;

/// A connection to an application of one's own.
pub struct Custom {
    connection: ConnectionId,
    callback_url: Url,
    signing_secrets: Secrets,
    handoff_only: bool,
    transcript: Transcript,
    http: reqwest::Client,
    fetcher: Fetcher,
}

/// A signing secret is not `whsec_` and base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing secret is not whsec_ and base64")]
pub struct InvalidSecret;

impl Custom {
    /// The connection of this name. Messages are sent with `http` (see [`crate::net::client`]), files
    /// are fetched with `fetcher`.
    ///
    /// # Errors
    /// When a signing secret is not base64, which the configuration does not let pass.
    pub fn new(
        connection: ConnectionId,
        config: &config::Custom,
        http: reqwest::Client,
        fetcher: Fetcher,
    ) -> Result<Self, InvalidSecret> {
        let signing_secrets = config.signing_secrets.clone();
        if signing_secrets
            .iter()
            .any(|secret| Webhook::new(secret.expose_secret()).is_err())
        {
            return Err(InvalidSecret);
        }
        Ok(Self {
            connection,
            callback_url: config.callback_url.clone(),
            signing_secrets,
            handoff_only: config.handoff_only,
            transcript: config.transcript,
            http,
            fetcher,
        })
    }
}

/// What a request asks for, by its method and path.
enum Asked<'a> {
    /// `POST`: a user did something.
    Say,
    /// `POST /handoff`: a bot hands its user over.
    Handoff,
    /// `DELETE /handoff/{user id}`: the bot takes control back.
    EndHandoff(&'a str),
}

impl<'a> Asked<'a> {
    fn of(request: &Request<'a>) -> Result<Self, Rejected> {
        let (only, asked) = match request.path {
            "" => ("POST", Self::Say),
            "/handoff" => ("POST", Self::Handoff),
            path => match path.strip_prefix("/handoff/") {
                Some(user) if !user.is_empty() => ("DELETE", Self::EndHandoff(user)),
                _ => return Err(Rejected::NotFound),
            },
        };
        if request.method == only {
            Ok(asked)
        } else {
            Err(Rejected::MethodNotAllowed(only))
        }
    }
}

impl Custom {
    fn said(&self, body: &[u8]) -> Result<Received, Rejected> {
        let said = read::said(body, &self.connection).map_err(Rejected::BadRequest)?;
        let answer = json!({"id": said.id, "auth_id": said.inbound.auth_id});
        Ok(Received {
            inbound: vec![said.inbound],
            only_in_handoff: self.handoff_only,
            ..Received::nothing(Reply::json(202, &answer))
        })
    }

    fn handed_over(&self, body: &[u8]) -> Result<Received, Rejected> {
        let asked = handoff::asked(body, &self.connection, self.transcript);
        let (id, inbound) = asked.map_err(Rejected::BadRequest)?;
        let answer = json!({"id": id, "auth_id": inbound.auth_id});
        Ok(Received {
            handoff: Some(HandoffAsked::Begin(Box::new(inbound))),
            ..Received::nothing(Reply::json(202, &answer))
        })
    }

    fn taken_back(&self, user: &str) -> Received {
        let auth_id = AuthId::derive(&self.connection, user, None);
        let answer = json!({"auth_id": auth_id});
        Received {
            handoff: Some(HandoffAsked::End(auth_id)),
            ..Received::nothing(Reply::json(202, &answer))
        }
    }
}

#[async_trait]
impl Channel for Custom {
    fn receive(&self, request: &Request<'_>, now: Timestamp) -> Result<Received, Rejected> {
        let asked = Asked::of(request)?;
        standard_webhooks::verify(request.headers, request.body, &self.signing_secrets, now)
            .map_err(|error| Rejected::Unauthorized(told(error)))?;
        match asked {
            Asked::Say => self.said(request.body),
            Asked::Handoff => self.handed_over(request.body),
            Asked::EndHandoff(user) => Ok(self.taken_back(user)),
        }
    }

    async fn profile(&self, _address: &Address, _user: &str) -> Result<Option<Profile>, Failure> {
        Ok(None)
    }

    async fn fetch(
        &self,
        _address: &Address,
        attachment: &Attachment,
        limit: usize,
    ) -> Result<Bytes, Failure> {
        let url = Url::parse(&attachment.url)
            .map_err(|_| Failure::permanent("the file's URL is not a URL"))?;
        // The operator's own application may be in the operator's own network.
        let is_application = |url: &Url| url.origin() == self.callback_url.origin();
        Ok(self
            .fetcher
            .fetch(&url, None, is_application, limit)
            .await?)
    }

    fn render(&self, outgoing: &Outgoing) -> Vec<Part> {
        render::part(outgoing).into_iter().collect()
    }

    async fn already_sent(
        &self,
        _address: &Address,
        _outgoing: &Outgoing,
    ) -> Result<Option<Vec<usize>>, Failure> {
        Ok(None)
    }

    async fn send(&self, _address: &Address, part: &Part) -> Result<(), Failure> {
        let (id, body) = render::written(part);
        let (url, secrets) = (&self.callback_url, &self.signing_secrets);
        standard_webhooks::post(&self.http, url, secrets, &id, &body, Timestamp::now()).await?;
        Ok(())
    }

    async fn perform(&self, _task: &Value) -> Result<(), Failure> {
        Err(Failure::permanent("a custom channel has no tasks"))
    }
}

impl fmt::Debug for Custom {
    /// Leaves out the keys, and the callback's path, which may be what keeps it private.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Custom")
            .field("connection", &self.connection)
            .field(
                "callback_url",
                &self.callback_url.origin().ascii_serialization(),
            )
            .finish_non_exhaustive()
    }
}

/// What the sender is told of a signature that is not accepted.
fn told(error: SignatureError) -> &'static str {
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
