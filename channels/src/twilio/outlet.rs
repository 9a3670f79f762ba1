//! What Twilio is sent.

use async_trait::async_trait;
use bytes::Bytes;
use haptik_bridge_shared::message::{Attachment, Outgoing};
use haptik_bridge_shared::net::Fetcher;
use haptik_bridge_shared::telemetry;

use super::api::{Api, Created};
use super::config::{Config, Sender};
use super::content::{self, Contents, Shape};
use super::kept::Kept;
use super::limits::{Medium, TEXT};
use super::refusal::NO_SUCH_CONTENT;
use super::segments::segments;
use super::{Notify, Twilio, User, encode};
use crate::channel::{
    Activity, Commands, Files, Indicator, Outlet, OutletDeps, Part, Refusal, SendError, Sent,
};
use crate::pace::Bucket;
use crate::render;

/// The side that sends.
#[derive(Debug)]
pub(super) struct TwilioOutlet {
    api: Api,
    fetcher: Fetcher,
    kept: Kept,
    contents: Contents,
    from: Sender,
    /// What hops name the connection by.
    source: String,
}

impl TwilioOutlet {
    pub(super) fn new(config: &Config, deps: OutletDeps) -> Self {
        let source = format!("channels/{}", deps.connection);
        let kept = Kept::new(deps.table, deps.connection);
        Self {
            api: Api::new(deps.http, config),
            fetcher: deps.fetcher,
            contents: Contents::new(kept.clone(), &config.account_sid),
            kept,
            from: config.from.clone(),
            source,
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

    /// Sends what has no buttons.
    async fn say(&self, to: &User, fields: Vec<(&'static str, String)>) -> Result<Sent, SendError> {
        self.check_consent(to).await?;
        let text = fields.iter().find(|(name, _)| *name == "Body");
        let text = text.map(|(_, text)| text.clone());
        let has_media = fields.iter().any(|(name, _)| *name == "MediaUrl");
        let created = self.api.create(&to.to, fields).await?;
        // An MMS has no segments.
        if Medium::of(&to.to) == Medium::Sms && !has_media {
            self.tell_cost(&created, &text.unwrap_or_default());
        }
        let message_id = created.sid;
        Ok(Sent { message_id })
    }

    /// Says what a text costs: what Twilio counts, and else what is counted here.
    fn tell_cost(&self, created: &Created, text: &str) {
        let counted = segments(text);
        let count = created.segments.unwrap_or(counted.count as u64);
        telemetry::segments(&self.source, count, counted.encoding);
    }

    /// Sends what has buttons. Where its content cannot be made, or is not there any more, it is refused as too
    /// rich: numbers will do.
    async fn offer(&self, to: &User, shape: Shape, variables: String) -> Result<Sent, SendError> {
        self.check_consent(to).await?;
        let sid = self.contents.sid(&self.api, shape).await;
        let sid = sid.map_err(too_rich_if_refused)?;
        let fields = vec![("ContentSid", sid), ("ContentVariables", variables)];
        match self.api.create(&to.to, fields).await {
            Ok(created) => Ok(Sent {
                message_id: created.sid,
            }),
            Err(declined) => {
                if declined.code == Some(NO_SUCH_CONTENT) {
                    self.contents.forget(shape).await;
                }
                Err(declined.error)
            }
        }
    }
}

/// Where the Content API does not do it, whyever, numbers will: what is wrong with the account is wrong there too.
fn too_rich_if_refused(error: SendError) -> SendError {
    match error.refusal {
        Refusal::Refused | Refusal::Unauthorized => SendError {
            refusal: Refusal::TooRich,
            ..error
        },
        Refusal::RateLimited(_)
        | Refusal::Unavailable(_)
        | Refusal::TooRich
        | Refusal::WindowClosed
        | Refusal::Moved => error,
    }
}

#[async_trait]
impl Outlet<Twilio> for TwilioOutlet {
    fn render(&self, outgoing: &Outgoing) -> Vec<Part> {
        let medium = Medium::of(&outgoing.user);
        let pages = render::pages(outgoing, medium.limits(&self.from));
        encode::parts(pages, medium)
    }

    fn simpler(&self, part: &Part) -> Option<Part> {
        encode::simpler(part)
    }

    fn bucket(&self, to: &User) -> Bucket {
        Bucket::of(to.to.as_str())
    }

    /// <https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource>
    async fn send(&self, to: &User, part: &Part) -> Result<Sent, SendError> {
        if let Some((shape, variables)) = content::of(&part.body) {
            return self.offer(to, shape, variables).await;
        }
        let fields = encode::fields(&part.body);
        if fields.is_empty() {
            return Err(SendError::refused("a part that is no message"));
        }
        self.say(to, fields).await
    }

    async fn can_answer(&self, to: &User) -> Result<(), SendError> {
        self.check_consent(to).await
    }

    fn reports_later(&self) -> bool {
        self.api.asks_for_reports()
    }

    fn files(&self) -> Option<&dyn Files<Twilio>> {
        Some(self)
    }

    fn activity(&self) -> Option<&dyn Activity<Twilio>> {
        Some(self)
    }

    fn commands(&self) -> Option<&dyn Commands<Twilio>> {
        Some(self)
    }
}

/// "typing…", on WhatsApp alone, which takes it away with the answer or after 25 seconds and marks the message as
/// read (<https://www.twilio.com/docs/whatsapp/api/typing-indicators-resource>).
#[async_trait]
impl Activity<Twilio> for TwilioOutlet {
    fn indicator(&self, at: &User, message_id: Option<&str>) -> Option<Indicator> {
        let is_shown = Medium::of(&at.to) == Medium::WhatsApp && message_id.is_some();
        is_shown.then_some(Indicator::Passing)
    }

    async fn show(&self, _: &User, message_id: Option<&str>) -> Result<(), SendError> {
        match message_id {
            Some(id) => self.api.type_on_whatsapp(id).await,
            None => Ok(()),
        }
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
        let sent = self.say(&command.user, vec![("Body", text)]).await;
        sent.map(drop)
    }

    fn notice(&self, at: &User, text: &str) -> Option<Notify> {
        Some(Notify {
            user: at.clone(),
            text: text.to_owned(),
        })
    }
}
