//! What Webex sends.

use async_trait::async_trait;
use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::ids::{AuthId, AuthIds};
use haptik_bridge_shared::message::{Addressed, Inbound, Profile, Task, UserAction};
use jiff::Timestamp;

use super::config::Config;
use super::receive::{self, Deed, Read, What};
use super::resolve::Reference;
use super::{Command, Webex, verify};
use crate::channel::{Edge, EdgeDeps, Effect, Receipt, Rejected, Request};

/// What is told of a message that was deleted: what it said is gone by then.
const DELETED: &str = "Deleted a message.";

/// The side that receives. It calls nobody.
#[derive(Debug)]
pub(super) struct WebexEdge {
    auth_ids: AuthIds,
    secrets: Secrets,
    tell_edits: bool,
    welcome: String,
}

impl WebexEdge {
    pub(super) fn new(config: &Config, deps: EdgeDeps) -> Self {
        Self {
            auth_ids: deps.auth_ids,
            secrets: config.webhook_secrets.clone(),
            tell_edits: config.tell_edits,
            welcome: config.welcome.clone(),
        }
    }

    /// What follows from a body that was verified, or why it is not understood.
    fn take(&self, body: &[u8]) -> Result<Receipt<Webex>, &'static str> {
        match receive::read(body) {
            Read::Nothing => Ok(Receipt::ok()),
            Read::Unknown(kind) => Ok(Receipt::ok().with(Effect::Unknown(kind))),
            Read::Done(deed) => Ok(self.done(*deed)),
            Read::Odd(reason) => Err(reason),
        }
    }

    fn done(&self, deed: Deed) -> Receipt<Webex> {
        let auth_id = self.auth_ids.of_user(&deed.user, None);
        let fetched = |reference: &Reference| UserAction::Unresolved {
            reference: reference.to_json(),
        };
        let (message_id, action) = match &deed.what {
            What::Added(bot) => {
                let greeted = self.greeted(&deed, bot.clone(), auth_id);
                return Receipt::ok().with(greeted);
            }
            What::Edited(_) | What::Deleted if !self.tell_edits => return Receipt::ok(),
            What::Said(id) => (
                Some(id.clone()),
                fetched(&Reference::Message { id: id.clone() }),
            ),
            What::Edited(id) => (None, fetched(&Reference::Edit { id: id.clone() })),
            What::Submitted(id) => {
                let (id, by) = (id.clone(), auth_id.clone());
                (None, fetched(&Reference::Action { id, by }))
            }
            What::Deleted => (
                None,
                UserAction::Message {
                    text: DELETED.to_owned(),
                    attachments: Vec::new(),
                },
            ),
        };
        Receipt::ok().with(Effect::Inbound(Box::new(Inbound {
            key: deed.key,
            at: deed.at,
            auth_id,
            user: deed.user,
            address: deed.place,
            message_id,
            profile: deed.email.map(|email| Profile {
                email: Some(email),
                ..Profile::default()
            }),
            addressed: Addressed::Yes,
            action,
            mentions: Vec::new(),
        })))
    }

    /// Who added the bot is greeted.
    fn greeted(&self, deed: &Deed, bot: String, auth_id: AuthId) -> Effect<Webex> {
        Effect::Run(Task {
            key: deed.key.then("welcome"),
            at: deed.at,
            auth_id,
            command: Command::Greet {
                place: deed.place.clone(),
                bot,
                text: self.welcome.clone(),
            },
        })
    }
}

#[async_trait]
impl Edge<Webex> for WebexEdge {
    async fn receive(
        &self,
        request: &Request<'_>,
        _: Timestamp,
    ) -> Result<Receipt<Webex>, Rejected> {
        request.is_post_here()?;
        verify::verify(request.headers, &self.secrets, request.body)
            .map_err(Rejected::Unauthorized)?;
        let taken = self.take(request.body);
        Ok(taken.unwrap_or_else(Receipt::not_understood))
    }

    async fn read_again(
        &self,
        body: &[u8],
        _: Timestamp,
    ) -> Result<Option<Receipt<Webex>>, Rejected> {
        Ok(self.take(body).ok())
    }
}
