//! What Twilio sends.

use async_trait::async_trait;
use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::ids::AuthIds;
use haptik_bridge_shared::key::KeyKind;
use haptik_bridge_shared::message::{Addressed, Inbound, UserAction};
use haptik_bridge_shared::table::TableError;
use http::header;
use jiff::Timestamp;

use super::config::Config;
use super::consent::Consent;
use super::kept::Kept;
use super::receive::{self, Message, Read};
use super::{Twilio, User, verify};
use crate::callback;
use crate::channel::{Edge, EdgeDeps, Effect, Receipt, Rejected, Request, Response};

/// The side that receives.
#[derive(Debug)]
pub(super) struct TwilioEdge {
    auth_ids: AuthIds,
    secrets: Secrets,
    /// What Twilio signs, where that is not the URL that is called.
    public_url: Option<String>,
    kept: Kept,
}

impl TwilioEdge {
    pub(super) fn new(config: &Config, deps: EdgeDeps) -> Self {
        Self {
            auth_ids: deps.auth_ids,
            secrets: config.auth_tokens.clone(),
            public_url: config.public_url.clone(),
            kept: Kept::new(deps.table, deps.connection),
        }
    }

    /// The URL that Twilio called, as it signed it.
    fn signed_url(&self, request: &Request<'_>) -> String {
        match &self.public_url {
            None => request.public_url.to_owned(),
            Some(url) => with_query(url, request.query),
        }
    }

    /// What follows from a body that was verified, or why it is not understood.
    async fn take(
        &self,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Result<Vec<Effect<Twilio>>, &'static str>, Rejected> {
        Ok(match receive::read(body) {
            Read::Nothing => Ok(Vec::new()),
            Read::Said(message) => Ok(self
                .said(*message, now)
                .await
                .map_err(|error| unavailable(&error))?),
            Read::Reported { id, failed } => Ok(vec![Effect::DeliveryReport {
                message_id: id,
                failed,
            }]),
            Read::Odd(reason) => Err(reason),
        })
    }

    async fn said(
        &self,
        message: Message,
        now: Timestamp,
    ) -> Result<Vec<Effect<Twilio>>, TableError> {
        let at = self.kept.first_seen(&message.id, now).await?;
        if let Some(consent) = message.consent
            && self.is_about_consent(consent, &message.user, at).await?
        {
            return Ok(Vec::new());
        }
        Ok(vec![self.inbound(message, at)])
    }

    /// Notes what was said of whether messages are wanted; whether that was all that was said.
    async fn is_about_consent(
        &self,
        consent: Consent,
        user: &str,
        at: Timestamp,
    ) -> Result<bool, TableError> {
        let stopped = match consent {
            Consent::Stop => true,
            Consent::Start => false,
            Consent::Help => return Ok(true),
            Consent::Again if self.kept.is_stopped(user).await? => false,
            Consent::Again => return Ok(false),
        };
        self.kept.set_stopped(user, stopped, at).await?;
        Ok(true)
    }

    fn inbound(&self, message: Message, at: Timestamp) -> Effect<Twilio> {
        let auth_id = self.auth_ids.of_user(&message.user, None);
        let tapped = callback::read(&message.payload);
        // A form is asked in the chat, and has no button.
        let choice = tapped.and_then(|tapped| tapped.action(&auth_id));
        let said = UserAction::Message {
            text: message.text,
            attachments: message.files,
        };
        Effect::Inbound(Box::new(Inbound {
            key: KeyKind::act(at, message.id.as_str()).into(),
            at,
            auth_id,
            address: User {
                to: message.user.clone(),
            },
            user: message.user,
            message_id: Some(message.id),
            profile: Some(message.profile),
            addressed: Addressed::Yes,
            action: choice.unwrap_or(said),
            mentions: Vec::new(),
        }))
    }
}

/// A URL that was pasted, with the query that a request has. One of its own comes first there, unless the
/// gateway took it away.
fn with_query(url: &str, query: &str) -> String {
    if query.is_empty() {
        return url.to_owned();
    }
    let Some((base, own)) = url.split_once('?') else {
        return format!("{url}?{query}");
    };
    let rest = query.strip_prefix(own);
    if own.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('&')) {
        return format!("{base}?{query}");
    }
    format!("{url}&{query}")
}

fn unavailable(error: &TableError) -> Rejected {
    Rejected::Unavailable(error.to_string())
}

/// An answer that says nothing to the user: whatever is in one would be a message
/// (<https://www.twilio.com/docs/messaging/twiml>).
fn nothing_said() -> Response {
    Response {
        status: 200,
        headers: vec![(header::CONTENT_TYPE, "text/xml".to_owned())],
        body: "<Response/>".to_owned(),
    }
}

#[async_trait]
impl Edge<Twilio> for TwilioEdge {
    async fn receive(
        &self,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<Receipt<Twilio>, Rejected> {
        request.check_is_post()?;
        let url = self.signed_url(request);
        verify::verify(request.headers, &self.secrets, &url, request.body)
            .map_err(Rejected::Unauthorized)?;
        let mut receipt = Receipt::nothing(nothing_said());
        receipt.effects = match self.take(request.body, now).await? {
            Ok(effects) => effects,
            Err(reason) => vec![Effect::NotUnderstood(reason.to_owned())],
        };
        Ok(receipt)
    }

    async fn read_again(
        &self,
        body: &[u8],
        came: Timestamp,
    ) -> Result<Option<Receipt<Twilio>>, Rejected> {
        let effects = self.take(body, came).await?.ok();
        Ok(effects.map(|effects| Receipt {
            response: nothing_said(),
            effects,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pasted_is_signed_with_the_query_of_the_request() {
        let plain = "https://a.example/prod/channels/acme";
        assert_eq!(with_query(plain, ""), plain);
        assert_eq!(
            with_query(plain, "bodySHA256=1"),
            format!("{plain}?bodySHA256=1")
        );
        let own = format!("{plain}?key=1&b=2");
        assert_eq!(with_query(&own, ""), own);
        assert_eq!(with_query(&own, "key=1&b=2"), own);
        let both = format!("{own}&bodySHA256=1");
        assert_eq!(with_query(&own, "key=1&b=2&bodySHA256=1"), both);
        assert_eq!(with_query(&own, "bodySHA256=1"), both);
        assert_eq!(with_query(&own, "key=1&b=23"), format!("{own}&key=1&b=23"));
        assert_eq!(
            with_query(&format!("{plain}?"), "a=1"),
            format!("{plain}?a=1")
        );
    }
}
