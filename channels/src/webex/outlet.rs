//! What Webex is sent.

use std::iter;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use haptik_bridge_shared::config::Forms;
use haptik_bridge_shared::ids::{AuthId, ConnectionId};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::hsl::{Element, Form};
use haptik_bridge_shared::message::{
    Attachment, MessageRef, Outgoing, Profile, UserAction, is_email,
};
use haptik_bridge_shared::net::Fetcher;
use haptik_bridge_shared::offers::Offers;
use haptik_bridge_shared::retry::Failure;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

use super::api::WebexApi;
use super::config::Config;
use super::history::{self, Created, Scope, Wanted};
use super::resolve::{self, Reference};
use super::{Command, Place, Webex, encode, webhooks};
use crate::adaptive_cards::{Submitted, form};
use crate::callback;
use crate::channel::{
    Commands, Directory, Files, History, Outlet, OutletDeps, Part, Refusal, Resolve, SendError,
    Sent, Upkeep,
};
use crate::pace::Bucket;
use crate::render::inline::{read, verbatim};
use crate::render::{Markup, Span};

/// The side that sends.
#[derive(Debug)]
pub(super) struct WebexOutlet {
    api: WebexApi,
    fetcher: Fetcher,
    offers: Offers,
    forms: Forms,
    connection: ConnectionId,
    webhook_secret: SecretString,
    created: Arc<Created>,
}

impl WebexOutlet {
    pub(super) fn new(config: &Config, deps: OutletDeps) -> Self {
        Self {
            api: WebexApi::new(deps.http, config),
            fetcher: deps.fetcher,
            offers: deps.offers,
            forms: deps.forms,
            created: deps.memory.of(&deps.connection),
            connection: deps.connection,
            webhook_secret: config.webhook_secrets.newest().clone(),
        }
    }

    /// Creates a message that is a text.
    async fn post(&self, place: &Place, text: &[Span]) -> Result<(), SendError> {
        let message = encode::text(&Markup::CommonMark.print(text));
        self.api.create(place, &message).await.map(drop)
    }

    /// Tells a user something on the bridge's own account.
    async fn notify(&self, place: &Place, text: &str) -> Result<(), SendError> {
        self.post(place, &[Span::Italic(verbatim(text))]).await
    }

    /// What the user did who sent these answers to a card; `None` where that was on none of our buttons.
    async fn submitted(
        &self,
        at: &Place,
        action: &Value,
        by: &AuthId,
    ) -> Result<Option<UserAction>, SendError> {
        let submitted = action.get("inputs").and_then(Submitted::read);
        let Some(submitted) = submitted else {
            return Ok(None);
        };
        let Some(tapped) = callback::read(&submitted.data) else {
            return Ok(None);
        };
        let message = tapped.message(by);
        if let Some(action) = tapped.action(message.clone()) {
            return Ok(Some(action));
        }
        let form = self.form(&message).await?;
        let (inputs, now) = (&submitted.inputs, Timestamp::now());
        match form::submission(inputs, form.as_ref(), self.forms, now) {
            Ok(text) => Ok(Some(UserAction::Message {
                text,
                attachments: Vec::new(),
            })),
            // The card is there still.
            Err(wrong) => {
                self.notify(at, &wrong).await?;
                Ok(None)
            }
        }
    }

    /// The form of a message; `None` when it is not in the ledger any more.
    async fn form(&self, message: &MessageRef) -> Result<Option<Form>, SendError> {
        let offered = self.offers.offered(message).await;
        let offered = offered
            .map_err(|error| SendError::new(Refusal::Unavailable(None), error.to_string()))?;
        Ok(offered.and_then(|hsl| match hsl.element {
            Element::Form(form) => Some(form),
            _ => None,
        }))
    }
}

#[async_trait]
impl Outlet<Webex> for WebexOutlet {
    fn render(&self, outgoing: &Outgoing) -> Vec<Part> {
        Part::of_laid_out(encode::pages(outgoing), encode::part)
    }

    fn simpler(&self, part: &Part) -> Option<Part> {
        part.simpler(encode::part)
    }

    fn bucket(&self, to: &Place) -> Bucket {
        to.bucket()
    }

    async fn send(&self, to: &Place, part: &Part) -> Result<Sent, SendError> {
        let message = part.body.get("message").unwrap_or(&Value::Null);
        let sent = self.api.create(to, message).await?;
        if let Some(id) = &sent.message_id {
            let name = lenient_json::text(&part.body, "name");
            self.created.keep(id.clone(), name);
        }
        Ok(sent)
    }

    fn history(&self) -> Option<&dyn History<Webex>> {
        Some(self)
    }

    fn directory(&self) -> Option<&dyn Directory<Webex>> {
        Some(self)
    }

    fn files(&self) -> Option<&dyn Files<Webex>> {
        Some(self)
    }

    fn commands(&self) -> Option<&dyn Commands<Webex>> {
        Some(self)
    }

    fn resolve(&self) -> Option<&dyn Resolve<Webex>> {
        Some(self)
    }

    fn upkeep(&self) -> Option<&dyn Upkeep> {
        Some(self)
    }
}

#[async_trait]
impl History<Webex> for WebexOutlet {
    /// Looks in the direct room with the user.
    async fn already_sent(
        &self,
        at: &Place,
        outgoing: &Outgoing,
    ) -> Result<Option<Vec<usize>>, SendError> {
        let Some(listed) = self.api.direct(&outgoing.user).await? else {
            return Ok(None);
        };
        let scope = Scope {
            room: &at.room,
            bot: &self.api.me().await?.id,
            since: outgoing.received_at,
        };
        let wanted = self.render(outgoing).into_iter().map(|part| Wanted {
            index: part.index,
            name: lenient_json::text(&part.body, "name"),
            forms: iter::successors(Some(part), |part| self.simpler(part))
                .filter_map(|part| part.body.get("message").cloned())
                .collect(),
        });
        let wanted: Vec<Wanted> = wanted.collect();
        let there = history::there(&listed, &scope, &self.created, &wanted);
        Ok(Some(there))
    }
}

#[async_trait]
impl Resolve<Webex> for WebexOutlet {
    async fn resolve(
        &self,
        at: &Place,
        reference: &Value,
    ) -> Result<Option<UserAction>, SendError> {
        match Reference::read(reference) {
            None => Ok(None),
            Some(Reference::Message { id }) => {
                let Some(message) = self.api.message(&id).await? else {
                    return Ok(None);
                };
                Ok(resolve::said(&message, self.api.me().await?))
            }
            Some(Reference::Edit { id }) => {
                let Some(message) = self.api.message(&id).await? else {
                    return Ok(None);
                };
                Ok(resolve::edited(&message, self.api.me().await?))
            }
            Some(Reference::Action { id, by }) => {
                let call = "give the answers to a card";
                let action = self.api.get(call, "attachment/actions", &id).await?;
                let Some(action) = action else {
                    return Ok(None);
                };
                self.submitted(at, &action, &by).await
            }
        }
    }
}

#[async_trait]
impl Directory<Webex> for WebexOutlet {
    /// <https://developer.webex.com/docs/api/v1/people/get-person-details>
    async fn profile(&self, _: &Place, user: &str) -> Result<Option<Profile>, SendError> {
        let person = self.api.get("say who a person is", "people", user).await;
        let person = match person {
            Ok(Some(person)) => person,
            Ok(None) => return Ok(None),
            // A bot may not see everybody.
            Err(error) if error.refusal == Refusal::Refused => return Ok(None),
            Err(error) => return Err(error),
        };
        let email = lenient_json::texts(&person, "emails").into_iter();
        let mut custom_data = Map::new();
        for (name, key) in [("webex_person", "id"), ("webex_timezone", "timezone")] {
            if let Some(value) = lenient_json::some_text(&person, key) {
                custom_data.insert(name.to_owned(), value.into());
            }
        }
        Ok(Some(Profile {
            name: lenient_json::some_text(&person, "displayName"),
            email: email.into_iter().find(|email| is_email(email)),
            custom_data,
            ..Profile::default()
        }))
    }
}

#[async_trait]
impl Files<Webex> for WebexOutlet {
    async fn resolve_attachment(
        &self,
        _: &Place,
        attachment: &Attachment,
    ) -> Result<Attachment, SendError> {
        self.api.named(attachment).await
    }

    async fn download(
        &self,
        _: &Place,
        attachment: &Attachment,
        limit: usize,
    ) -> Result<Bytes, SendError> {
        if let Some(id) = &attachment.id {
            return self.api.file(id, &self.fetcher, limit).await;
        }
        // It is not where Webex has files: it is fetched without the token.
        let url = Url::parse(&attachment.url)
            .map_err(|_| SendError::refused("Webex does not say where the file is"))?;
        let file = self.fetcher.fetch(&url, None, |_| false, limit).await;
        file.map_err(|error| Failure::from(error).into())
    }
}

#[async_trait]
impl Commands<Webex> for WebexOutlet {
    async fn run(&self, command: &Command) -> Result<(), SendError> {
        match command {
            Command::Greet { place, bot, text } => {
                if self.api.me().await?.id != *bot {
                    return Ok(());
                }
                self.post(place, &read(text)).await
            }
            Command::Notify { place, text } => self.notify(place, text).await,
        }
    }

    fn bucket(&self, command: &Command) -> Option<Bucket> {
        match command {
            Command::Greet { place, .. } | Command::Notify { place, .. } => Some(place.bucket()),
        }
    }

    fn notice(&self, at: &Place, text: &str) -> Option<Command> {
        Some(Command::Notify {
            place: at.clone(),
            text: text.to_owned(),
        })
    }
}

#[async_trait]
impl Upkeep for WebexOutlet {
    /// Webhooks that Webex has ended are made active again.
    async fn look_after(&self) -> Result<Option<String>, SendError> {
        webhooks::revive(&self.api, &self.connection, &self.webhook_secret).await
    }
}
