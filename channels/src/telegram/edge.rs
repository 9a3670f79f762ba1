//! What Telegram sends.

use std::time::Duration;

use async_trait::async_trait;
use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::ids::{AuthId, AuthIds};
use haptik_bridge_shared::message::{Addressed, Inbound, Task, UserAction};
use jiff::Timestamp;
use tokio::sync::OnceCell;

use super::api::Api;
use super::config::Config;
use super::receive::{self, Me, Message, Tap, Update, UserEvent};
use super::{Command, Telegram, encode, verify};
use crate::callback;
use crate::channel::{Edge, EdgeDeps, Effect, Receipt, Rejected, Request};

/// How long Telegram may take to say what the bot is called.
const ASKING_TIMEOUT: Duration = Duration::from_secs(5);

/// The side that receives.
#[derive(Debug)]
pub(super) struct TelegramEdge {
    auth_ids: AuthIds,
    secrets: Secrets,
    tell_edits: bool,
    id: u64,
    /// What the bot is called, once it was asked for.
    name: OnceCell<String>,
    api: Api,
}

impl TelegramEdge {
    pub(super) fn new(config: &Config, deps: EdgeDeps) -> Self {
        Self {
            auth_ids: deps.auth_ids,
            secrets: config.secret_tokens.clone(),
            tell_edits: config.tell_edits,
            id: config.bot_token.id,
            name: OnceCell::new(),
            api: Api::new(deps.http, config),
        }
    }

    fn me(&self) -> Me {
        Me {
            id: self.id,
            name: self.name.get().cloned(),
        }
    }

    /// Reads an update; asks what the bot is called where it matters, once.
    async fn read(&self, body: &[u8]) -> Result<Update, Rejected> {
        let update = receive::read(body, &self.me(), self.tell_edits);
        if update != Update::NameNeeded {
            return Ok(update);
        }
        let named = self.name.get_or_try_init(|| self.api.name());
        let named = tokio::time::timeout(ASKING_TIMEOUT, named).await;
        let unavailable = |reason: String| Rejected::Unavailable(reason);
        let named = named.map_err(|_| unavailable("getMe at Telegram took too long".to_owned()))?;
        named.map_err(|error| unavailable(error.to_string()))?;
        Ok(receive::read(body, &self.me(), self.tell_edits))
    }

    /// What follows from an update, or why it is not understood.
    async fn take(
        &self,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Result<Receipt<Telegram>, &'static str>, Rejected> {
        let mut receipt = Receipt::ok();
        receipt.effects = match self.read(body).await? {
            Update::Nothing | Update::NameNeeded => Vec::new(),
            Update::Message(user_event) => vec![self.message_effect(*user_event, now)],
            Update::Tapped(user_event) => self.tapped(*user_event, now),
            Update::Odd(reason) => return Ok(Err(reason)),
        };
        Ok(Ok(receipt))
    }

    fn auth_id<A>(&self, user_event: &UserEvent<A>) -> AuthId {
        self.auth_ids
            .of_user(&user_event.user, user_event.thread.as_deref())
    }

    fn message_effect(&self, user_event: UserEvent<Message>, now: Timestamp) -> Effect<Telegram> {
        let auth_id = self.auth_id(&user_event);
        let Message { id, text, file } = user_event.action;
        Effect::Inbound(Box::new(Inbound {
            key: user_event.key,
            at: user_event.at.unwrap_or(now),
            auth_id,
            user: user_event.user,
            address: user_event.chat,
            message_id: Some(id.to_string()),
            profile: Some(user_event.profile),
            addressed: Addressed::Yes,
            action: UserAction::Message {
                text,
                attachments: file.into_iter().collect(),
            },
            mentions: Vec::new(),
        }))
    }

    /// A tap is answered, so that its button comes to rest, and told, where it is on one of ours.
    fn tapped(&self, user_event: UserEvent<Tap>, now: Timestamp) -> Vec<Effect<Telegram>> {
        let auth_id = self.auth_id(&user_event);
        let (data, vanishes) = encode::carried(&user_event.action.data);
        let action = chosen(data, &auth_id);
        let answer = Command::Answer {
            query: user_event.action.query,
            chosen: user_event.action.label,
            vanishes: user_event
                .action
                .message
                .filter(|_| vanishes && action.is_some())
                .map(|id| (user_event.chat.id, id)),
        };
        let mut effects = vec![Effect::Run(Task {
            key: user_event.key.then("answer"),
            at: now,
            auth_id: auth_id.clone(),
            command: answer,
        })];
        effects.extend(action.map(|action| {
            Effect::Inbound(Box::new(Inbound {
                key: user_event.key,
                at: now,
                auth_id,
                user: user_event.user,
                address: user_event.chat,
                message_id: None,
                profile: Some(user_event.profile),
                addressed: Addressed::Yes,
                action,
                mentions: Vec::new(),
            }))
        }));
        effects
    }
}

/// What a button means whose message was for `auth_id`, unless the button names somebody else; `None` for one
/// that is none of ours.
fn chosen(data: &str, auth_id: &AuthId) -> Option<UserAction> {
    let tapped = callback::read(data)?;
    tapped.action(tapped.message(auth_id))
}

#[async_trait]
impl Edge<Telegram> for TelegramEdge {
    async fn receive(
        &self,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<Receipt<Telegram>, Rejected> {
        request.is_post_here()?;
        verify::verify(request.headers, &self.secrets).map_err(Rejected::Unauthorized)?;
        match self.take(request.body, now).await? {
            Ok(receipt) => Ok(receipt),
            Err(reason) => Ok(Receipt::not_understood(reason)),
        }
    }

    async fn read_again(
        &self,
        body: &[u8],
        came: Timestamp,
    ) -> Result<Option<Receipt<Telegram>>, Rejected> {
        Ok(self.take(body, came).await?.ok())
    }
}
