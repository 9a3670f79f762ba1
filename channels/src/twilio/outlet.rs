//! What Twilio is sent.

use async_trait::async_trait;
use bytes::Bytes;
use haptik_bridge_shared::message::{Attachment, Outgoing};
use haptik_bridge_shared::net::Fetcher;

use super::api::Api;
use super::config::Config;
use super::kept::Kept;
use super::{LIMITS, Notify, TEXT, Twilio, User, WITHOUT_MMS, encode};
use crate::channel::{Commands, Files, Outlet, OutletDeps, Part, Refusal, SendError, Sent};
use crate::limits::Limits;
use crate::pace::Bucket;

/// The side that sends.
#[derive(Debug)]
pub(super) struct TwilioOutlet {
    api: Api,
    fetcher: Fetcher,
    kept: Kept,
    limits: &'static Limits,
}

impl TwilioOutlet {
    pub(super) fn new(config: &Config, deps: OutletDeps) -> Self {
        Self {
            api: Api::new(deps.http, config),
            fetcher: deps.fetcher,
            kept: Kept::new(deps.table, deps.connection),
            limits: limits(config),
        }
    }

    /// Refuses what is for somebody who sent STOP.
    async fn check_consent(&self, to: &User) -> Result<(), SendError> {
        let stopped = self.kept.is_stopped(&to.to).await;
        let stopped = stopped
            .map_err(|error| SendError::new(Refusal::Unavailable(None), error.to_string()))?;
        if stopped {
            return Err(SendError::refused("the user sent STOP"));
        }
        Ok(())
    }

    async fn create(
        &self,
        to: &User,
        fields: Vec<(&'static str, String)>,
    ) -> Result<Sent, SendError> {
        self.check_consent(to).await?;
        let message_id = self.api.create(&to.to, fields).await?;
        Ok(Sent { message_id })
    }
}

/// Pictures go by MMS from numbers of North America, and by WhatsApp and RCS; a messaging service sends a
/// link where it has to.
fn limits(config: &Config) -> &'static Limits {
    let number = config.from.number();
    if number.is_some_and(|number| !number.starts_with("+1")) {
        &WITHOUT_MMS
    } else {
        &LIMITS
    }
}

#[async_trait]
impl Outlet<Twilio> for TwilioOutlet {
    fn render(&self, outgoing: &Outgoing) -> Vec<Part> {
        Part::of_pages(outgoing, self.limits, encode::encode)
    }

    fn simpler(&self, part: &Part) -> Option<Part> {
        part.simpler(encode::encode)
    }

    fn bucket(&self, to: &User) -> Bucket {
        Bucket::of(to.to.as_str())
    }

    /// <https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource>
    async fn send(&self, to: &User, part: &Part) -> Result<Sent, SendError> {
        let fields = encode::fields(&part.body);
        if fields.is_empty() {
            return Err(SendError::refused("a part that is no message"));
        }
        self.create(to, fields).await
    }

    async fn can_answer(&self, to: &User) -> Result<(), SendError> {
        self.check_consent(to).await
    }

    fn files(&self) -> Option<&dyn Files<Twilio>> {
        Some(self)
    }

    fn commands(&self) -> Option<&dyn Commands<Twilio>> {
        Some(self)
    }
}

#[async_trait]
impl Files<Twilio> for TwilioOutlet {
    async fn download(
        &self,
        _: &User,
        attachment: &Attachment,
        limit: usize,
    ) -> Result<Bytes, SendError> {
        self.api.file(&attachment.url, &self.fetcher, limit).await
    }
}

#[async_trait]
impl Commands<Twilio> for TwilioOutlet {
    fn bucket(&self, command: &Notify) -> Option<Bucket> {
        Some(Bucket::of(command.user.to.as_str()))
    }

    async fn run(&self, command: &Notify) -> Result<(), SendError> {
        let text = TEXT.clip(&command.text).into_owned();
        let sent = self.create(&command.user, vec![("Body", text)]).await;
        sent.map(drop)
    }

    fn notice(&self, at: &User, text: &str) -> Option<Notify> {
        Some(Notify {
            user: at.clone(),
            text: text.to_owned(),
        })
    }
}
