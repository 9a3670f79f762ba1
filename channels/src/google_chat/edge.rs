//! What Google Chat sends.

use async_trait::async_trait;
use haptik_bridge_shared::config::Forms;
use haptik_bridge_shared::ids::{AuthId, AuthIdSource, AuthIds};
use haptik_bridge_shared::message::hsl::{Element, Form};
use haptik_bridge_shared::message::{Addressed, Inbound, MessageRef, Task, UserAction};
use haptik_bridge_shared::offers::Offers;
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::config::{Config, Conversation};
use super::receive::{self, Message, Read, Tap, UserEvent};
use super::verify::Verifier;
use super::{Command, GoogleChat, encode, form};
use crate::callback;
use crate::channel::{Edge, EdgeDeps, Effect, Receipt, Rejected, Request, Response};

/// The side that receives.
#[derive(Debug)]
pub(super) struct GoogleChatEdge {
    auth_ids: AuthIds,
    conversation: Conversation,
    welcome: String,
    verifier: Verifier,
    offers: Offers,
    forms: Forms,
}

impl GoogleChatEdge {
    pub(super) fn new(config: &Config, deps: EdgeDeps) -> Self {
        Self {
            auth_ids: deps.auth_ids,
            conversation: config.conversation,
            welcome: config.welcome.clone(),
            verifier: Verifier::new(config, deps.http),
            offers: deps.offers,
            forms: deps.forms,
        }
    }

    /// The user at Haptik: the same in a direct message and in spaces, unless each thread is one.
    fn auth_id<A>(&self, user_event: &UserEvent<A>) -> AuthId {
        let thread = match self.conversation {
            Conversation::User => None,
            Conversation::Thread => user_event.place.thread.as_deref(),
        };
        let email = user_event.profile.email.as_deref();
        let by_email = match self.auth_ids.source() {
            AuthIdSource::Email => self.auth_ids.of_own_user(&user_event.user, email).ok(),
            AuthIdSource::Derived | AuthIdSource::User => None,
        };
        // Who has no address that Haptik takes is derived.
        by_email.unwrap_or_else(|| self.auth_ids.of_user(&user_event.user, thread))
    }

    fn inbound<A>(
        &self,
        user_event: UserEvent<A>,
        message_id: Option<String>,
        action: UserAction,
    ) -> Effect<GoogleChat> {
        let auth_id = self.auth_id(&user_event);
        Effect::Inbound(Box::new(Inbound {
            key: user_event.key,
            at: user_event.at,
            auth_id,
            user: user_event.user,
            address: user_event.place,
            message_id,
            profile: Some(user_event.profile),
            addressed: Addressed::Yes,
            action,
            mentions: Vec::new(),
        }))
    }

    fn task<A>(
        &self,
        user_event: &UserEvent<A>,
        what: &str,
        command: Command,
    ) -> Effect<GoogleChat> {
        Effect::Run(Task {
            key: user_event.key.then(what),
            at: user_event.at,
            auth_id: self.auth_id(user_event),
            command,
        })
    }

    /// Who added the app is greeted: under a name that is the same for the same event.
    fn greeted(&self, user_event: &UserEvent<()>) -> Effect<GoogleChat> {
        let command = Command::Greet {
            place: user_event.place.clone(),
            id: named(user_event, "welcome"),
            text: self.welcome.clone(),
        };
        self.task(user_event, "welcome", command)
    }

    fn message_effect(&self, mut user_event: UserEvent<Message>) -> Effect<GoogleChat> {
        let text = std::mem::take(&mut user_event.action.text);
        let attachments = std::mem::take(&mut user_event.action.files);
        let name = Some(user_event.action.name.clone()).filter(|name| !name.is_empty());
        let action = UserAction::Message { text, attachments };
        self.inbound(user_event, name, action)
    }

    /// A tap is told, where it is on one of our buttons; those that were used up go away.
    async fn tapped(
        &self,
        user_event: UserEvent<Tap>,
    ) -> Result<Vec<Effect<GoogleChat>>, Rejected> {
        let auth_id = self.auth_id(&user_event);
        let Some(tapped) = callback::read(&user_event.action.data) else {
            return Ok(Vec::new());
        };
        let message = tapped.message(&auth_id);
        let Some(action) = tapped.action(message.clone()) else {
            return self.filled(user_event, &message).await;
        };
        let used = user_event
            .action
            .message
            .clone()
            .zip(user_event.action.label.clone());
        let settled = used.map(|(message, chosen)| {
            self.task(&user_event, "settle", Command::Settle { message, chosen })
        });
        let told = self.inbound(user_event, None, action);
        Ok(settled.into_iter().chain([told]).collect())
    }

    /// A form that was sent is told as a message; what is wrong with it is said to the user, who has it still.
    async fn filled(
        &self,
        user_event: UserEvent<Tap>,
        message: &MessageRef,
    ) -> Result<Vec<Effect<GoogleChat>>, Rejected> {
        let form = self.form(message).await?;
        let inputs = &user_event.action.inputs;
        let answers = match form::submission(inputs, form.as_ref(), self.forms, user_event.at) {
            Ok(answers) => answers,
            Err(wrong) => {
                let command = Command::Notify {
                    place: user_event.place.clone(),
                    id: named(&user_event, "wrong"),
                    text: wrong,
                };
                return Ok(vec![self.task(&user_event, "wrong", command)]);
            }
        };
        let changed = user_event.action.message.clone().map(|message| {
            let answers = answers.clone();
            self.task(&user_event, "filled", Command::Filled { message, answers })
        });
        let told = self.inbound(
            user_event,
            None,
            UserAction::Message {
                text: answers,
                attachments: Vec::new(),
            },
        );
        Ok(changed.into_iter().chain([told]).collect())
    }

    /// The form of a message; `None` when it is not in the ledger any more.
    async fn form(&self, message: &MessageRef) -> Result<Option<Form>, Rejected> {
        let offered = self.offers.offered(message).await;
        let offered = offered.map_err(|error| Rejected::Unavailable(error.to_string()))?;
        Ok(offered.and_then(|hsl| match hsl.element {
            Element::Form(form) => Some(form),
            _ => None,
        }))
    }
}

/// The name of a message that follows from what was done.
fn named<A>(user_event: &UserEvent<A>, what: &str) -> String {
    encode::name(&Sha256::digest(user_event.key.then(what).as_str()))
}

#[async_trait]
impl Edge<GoogleChat> for GoogleChatEdge {
    /// Everything is answered with an object that posts nothing: answers come by the API, and one here would
    /// be a second one.
    async fn receive(
        &self,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<Receipt<GoogleChat>, Rejected> {
        request.is_post_here()?;
        self.verifier.verify(request.headers, now).await?;
        let mut receipt = Receipt::nothing(Response::json(200, &json!({})));
        receipt.effects = match receive::read(request.body) {
            Read::Nothing => Vec::new(),
            Read::Message(user_event) => vec![self.message_effect(*user_event)],
            Read::Tapped(user_event) => self.tapped(*user_event).await?,
            Read::Added(user_event) => vec![self.greeted(&user_event)],
            Read::Odd(reason) => vec![Effect::NotUnderstood(reason.to_owned())],
        };
        Ok(receipt)
    }
}
