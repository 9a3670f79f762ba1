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
    Address, Attachment, Channel, Outgoing, Part, Profile, Received, Rejected, Reply, Request,
};
use crate::config::{self, Secrets};
use crate::ids::ConnectionId;
use crate::outbound::Fetcher;
use crate::retry::Failure;
use crate::standard_webhooks::{self, SignatureError};

mod capability;
mod read;
mod render;

pub use capability::capability;

/// A connection to an application of one's own.
pub struct Custom {
    connection: ConnectionId,
    callback_url: Url,
    signing_secrets: Secrets,
    http: reqwest::Client,
    fetcher: Fetcher,
}

/// A signing secret is not `whsec_` and base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing secret is not whsec_ and base64")]
pub struct InvalidSecret;

impl Custom {
    /// The connection of this name. Messages are sent with `http` (see [`crate::outbound::client`]), files
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
            http,
            fetcher,
        })
    }
}

#[async_trait]
impl Channel for Custom {
    fn receive(&self, request: &Request<'_>, now: Timestamp) -> Result<Received, Rejected> {
        if !request.path.is_empty() {
            return Err(Rejected::NotFound);
        }
        if request.method != http::Method::POST {
            return Err(Rejected::MethodNotAllowed("POST"));
        }
        standard_webhooks::verify(request.headers, request.body, &self.signing_secrets, now)
            .map_err(|error| Rejected::Unauthorized(told(error)))?;
        let said = read::said(request.body, &self.connection).map_err(Rejected::BadRequest)?;
        let answer = json!({"id": said.id, "auth_id": said.inbound.auth_id});
        Ok(Received {
            inbound: vec![said.inbound],
            ..Received::nothing(Reply::json(202, &answer))
        })
    }

    async fn profile(&self, _user: &str) -> Result<Option<Profile>, Failure> {
        Ok(None)
    }

    async fn fetch(&self, attachment: &Attachment, limit: usize) -> Result<Bytes, Failure> {
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
