//! What Teams is sent.

use async_trait::async_trait;
use bytes::Bytes;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{Attachment, Outgoing, Profile};
use haptik_bridge_shared::net::Fetcher;
use serde_json::{Value, json};
use url::Url;

use super::api::TeamsApi;
use super::config::Config;
use super::receive::is_id;
use super::{Command, MOST, Place, Teams, encode};
use crate::adaptive_cards;
use crate::channel::{
    Activity, Commands, Directory, Files, Indicator, Outlet, OutletDeps, Part, Refusal, SendError,
    Sent,
};
use crate::pace::Bucket;
use crate::render::Span;
use crate::render::inline::{read, verbatim};

/// The side that sends.
#[derive(Debug)]
pub(super) struct TeamsOutlet {
    api: TeamsApi,
    fetcher: Fetcher,
}

impl TeamsOutlet {
    pub(super) fn new(config: &Config, deps: OutletDeps) -> Self {
        Self {
            api: TeamsApi::new(deps.http, config),
            fetcher: deps.fetcher,
        }
    }

    /// Replaces an activity, which may be gone: that is worth no more than a try.
    async fn replace(&self, place: &Place, id: &str, activity: &Value) -> Result<(), SendError> {
        if !is_id(id) || !adaptive_cards::fits(activity, MOST) {
            return Ok(());
        }
        match self.api.replace(place, id, activity).await {
            Err(error) if matches!(error.refusal, Refusal::Refused | Refusal::TooRich) => Ok(()),
            replaced => replaced,
        }
    }
}

#[async_trait]
impl Outlet<Teams> for TeamsOutlet {
    fn render(&self, outgoing: &Outgoing) -> Vec<Part> {
        encode::parts(outgoing)
    }

    fn simpler(&self, part: &Part) -> Option<Part> {
        part.simpler(encode::activity)
    }

    fn bucket(&self, to: &Place) -> Bucket {
        to.bucket()
    }

    async fn send(&self, to: &Place, part: &Part) -> Result<Sent, SendError> {
        if !adaptive_cards::fits(&part.body, MOST) {
            let reason = "an activity of more than 28 KB";
            return Err(SendError::new(Refusal::TooRich, reason));
        }
        self.api.create(to, &part.body).await
    }

    fn directory(&self) -> Option<&dyn Directory<Teams>> {
        Some(self)
    }

    fn files(&self) -> Option<&dyn Files<Teams>> {
        Some(self)
    }

    fn activity(&self) -> Option<&dyn Activity<Teams>> {
        Some(self)
    }

    fn commands(&self) -> Option<&dyn Commands<Teams>> {
        Some(self)
    }
}

/// <https://learn.microsoft.com/microsoftteams/platform/bots/how-to/get-teams-context>
#[async_trait]
impl Directory<Teams> for TeamsOutlet {
    async fn profile(&self, at: &Place, _: &str) -> Result<Option<Profile>, SendError> {
        let member = match self.api.member(at).await {
            // Who left is not in the roster.
            Err(error) if error.refusal == Refusal::Refused => return Ok(None),
            member => member?,
        };
        let text = |key: &str| lenient_json::some_text(&member, key);
        Ok(Some(Profile {
            name: text("name"),
            email: text("email").or_else(|| text("userPrincipalName")),
            ..Profile::default()
        }))
    }
}

#[async_trait]
impl Files<Teams> for TeamsOutlet {
    async fn download(
        &self,
        at: &Place,
        attachment: &Attachment,
        limit: usize,
    ) -> Result<Bytes, SendError> {
        let Some(place) = &attachment.id else {
            let reason = "the file of a channel is in SharePoint, where the bot may not read it";
            return Err(SendError::refused(reason));
        };
        let url = Url::parse(place)
            .map_err(|_| SendError::refused("Teams does not say where the file is"))?;
        // People have no address of what the connector has.
        if attachment.url.is_empty() {
            self.api.pasted(at, &url, &self.fetcher, limit).await
        } else {
            self.api.file(&url, &self.fetcher, limit).await
        }
    }
}

/// "typing…", which Teams takes away with the answer, or after a while.
#[async_trait]
impl Activity<Teams> for TeamsOutlet {
    fn indicator(&self, _: &Place, _: Option<&str>) -> Option<Indicator> {
        Some(Indicator::Passing)
    }

    async fn show(&self, at: &Place, _: Option<&str>) -> Result<(), SendError> {
        let typing = json!({"type": "typing"});
        self.api.create(at, &typing).await.map(drop)
    }
}

#[async_trait]
impl Commands<Teams> for TeamsOutlet {
    async fn run(&self, command: &Command) -> Result<(), SendError> {
        match command {
            Command::Replace {
                place,
                message,
                activity,
            } => self.replace(place, message, activity).await,
            Command::Greet { place, text } => {
                let text = encode::text(&read(text));
                self.api.create(place, &text).await.map(drop)
            }
            Command::Notify { place, text } => {
                let text = encode::text(&[Span::Italic(verbatim(text))]);
                self.api.create(place, &text).await.map(drop)
            }
        }
    }

    fn bucket(&self, command: &Command) -> Option<Bucket> {
        match command {
            Command::Replace { place, .. }
            | Command::Greet { place, .. }
            | Command::Notify { place, .. } => Some(place.bucket()),
        }
    }

    fn notice(&self, at: &Place, text: &str) -> Option<Command> {
        Some(Command::Notify {
            place: at.clone(),
            text: text.to_owned(),
        })
    }
}
