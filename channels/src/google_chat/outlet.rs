//! What Google Chat is sent.

use async_trait::async_trait;
use bytes::Bytes;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{Attachment, Outgoing};
use haptik_bridge_shared::net::Fetcher;
use haptik_bridge_shared::retry::Failure;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Value, json};
use url::Url;

use super::api::ChatApi;
use super::config::{Audience, Config};
use super::receive::is_name;
use super::{Address, Command, GoogleChat, LIMITS, encode};
use crate::channel::{Commands, Files, Outlet, OutletDeps, Part, Refusal, SendError, Sent};
use crate::limits::Size;
use crate::pace::Bucket;
use crate::render::inline::{read, verbatim};
use crate::render::{Markup, Span};

/// What a button calls where the app's URL is not known: then it is no add-on.
const FUNCTION: &str = "tap";

/// How long what was filled in may be where it stands in place of a form.
const FILLED: Size = Size::bytes(8_000);

/// The side that sends.
#[derive(Debug)]
pub(super) struct GoogleChatOutlet {
    api: ChatApi,
    fetcher: Fetcher,
    function: String,
}

impl GoogleChatOutlet {
    pub(super) fn new(config: &Config, deps: OutletDeps) -> Self {
        Self {
            api: ChatApi::new(deps.http, config),
            fetcher: deps.fetcher,
            function: match &config.audience {
                Audience::Url(url) => url.clone(),
                Audience::Project(_) => FUNCTION.to_owned(),
            },
        }
    }

    /// Leaves of the buttons below a message the one that was chosen, at rest.
    async fn show_choice(&self, message: &str, chosen: &str) -> Result<(), SendError> {
        let widgets = if chosen.is_empty() {
            json!([])
        } else {
            let button = json!({
                "text": format!("✓ {chosen}"), "disabled": true,
                "onClick": {"action": {"function": self.function}},
            });
            json!([encode::button_list(&[button])])
        };
        let message_fields = json!({"accessoryWidgets": widgets});
        self.change(message, "accessoryWidgets", message_fields)
            .await
    }

    /// Shows in place of a form what was filled in.
    async fn filled(&self, message: &str, answers: &str) -> Result<(), SendError> {
        let answers = format!("✓ {}", FILLED.clip(answers));
        let widgets = vec![encode::paragraph(&verbatim(&answers))];
        let card = encode::card(encode::FORM, vec![widgets]);
        self.change(message, "cardsV2", json!({"cardsV2": [card]}))
            .await
    }

    /// Creates a message that is a text.
    async fn post(&self, place: &Address, id: &str, text: &[Span]) -> Result<(), SendError> {
        let message = json!({"text": Markup::Chat.print(text)});
        self.api.create(place, id, &message).await.map(drop)
    }

    /// Changes a message, which may be gone: that is worth no more than a try.
    async fn change(&self, name: &str, fields: &str, message: Value) -> Result<(), SendError> {
        if !is_name(name, "messages") {
            return Ok(());
        }
        match self.api.patch(name, fields, message).await {
            Err(error) if matches!(error.refusal, Refusal::Refused | Refusal::TooRich) => Ok(()),
            changed => changed,
        }
    }
}

#[async_trait]
impl Outlet<GoogleChat> for GoogleChatOutlet {
    fn render(&self, outgoing: &Outgoing) -> Vec<Part> {
        Part::of_pages(outgoing, &LIMITS, |page| {
            encode::encode(page, &self.function)
        })
    }

    fn simpler(&self, part: &Part) -> Option<Part> {
        part.simpler(|page| encode::encode(page, &self.function))
    }

    fn bucket(&self, to: &Address) -> Bucket {
        to.bucket()
    }

    /// <https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create>
    async fn send(&self, to: &Address, part: &Part) -> Result<Sent, SendError> {
        let id = lenient_json::some_text(&part.body, "id");
        let id = id.ok_or_else(|| SendError::refused("a part that is no message"))?;
        let message = part.body.get("message").unwrap_or(&Value::Null);
        self.api.create(to, &id, message).await
    }

    fn files(&self) -> Option<&dyn Files<GoogleChat>> {
        Some(self)
    }

    fn commands(&self) -> Option<&dyn Commands<GoogleChat>> {
        Some(self)
    }
}

#[async_trait]
impl Files<GoogleChat> for GoogleChatOutlet {
    async fn download(
        &self,
        _: &Address,
        attachment: &Attachment,
        limit: usize,
    ) -> Result<Bytes, SendError> {
        if let Some(resource) = &attachment.id {
            return self.api.file(resource, &self.fetcher, limit).await;
        }
        if attachment.url.starts_with("https://drive.google.com/") {
            return Err(SendError::refused(
                "the file is on Google Drive, which the app may not read",
            ));
        }
        let url = Url::parse(&attachment.url)
            .map_err(|_| SendError::refused("Google does not say where the file is"))?;
        let file = self.fetcher.fetch(&url, None, |_| false, limit).await;
        file.map_err(|error| Failure::from(error).into())
    }
}

#[async_trait]
impl Commands<GoogleChat> for GoogleChatOutlet {
    async fn run(&self, command: &Command) -> Result<(), SendError> {
        match command {
            Command::Settle { message, chosen } => self.show_choice(message, chosen).await,
            Command::Filled { message, answers } => self.filled(message, answers).await,
            Command::Greet { place, id, text } => self.post(place, id, &read(text)).await,
            Command::Notify { place, id, text } => {
                let text = [Span::Italic(verbatim(text))];
                self.post(place, id, &text).await
            }
        }
    }

    fn bucket(&self, command: &Command) -> Option<Bucket> {
        match command {
            // Google counts changes of messages as well: the space is the beginning of a message's name.
            Command::Settle { message, .. } | Command::Filled { message, .. } => {
                let space = message.split("/messages/").next()?;
                Some(Bucket::of(space))
            }
            Command::Greet { place, .. } | Command::Notify { place, .. } => Some(place.bucket()),
        }
    }

    fn notice(&self, at: &Address, text: &str) -> Option<Command> {
        // The command is kept, and so the name is the same on every try.
        let mut random = [0; 24];
        SystemRandom::new().fill(&mut random).ok()?;
        Some(Command::Notify {
            place: at.clone(),
            id: encode::name(&random),
            text: text.to_owned(),
        })
    }
}
