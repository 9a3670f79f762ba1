//! What Telegram is sent.

use async_trait::async_trait;
use bytes::Bytes;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{Attachment, Outgoing};
use haptik_bridge_shared::net::Fetcher;
use serde_json::{Value, json};

use super::api::{Api, CallFailure};
use super::config::Config;
use super::refusal::RefusalReason;
use super::{Chat, Command, LIMITS, Telegram, encode};
use crate::channel::{
    Activity, Commands, Files, Indicator, Outlet, OutletDeps, Part, SendError, Sent,
};
use crate::limits::Size;
use crate::pace::Bucket;

/// The longest text that is shown when a tap is answered
/// (<https://core.telegram.org/bots/api#answercallbackquery>).
const ANSWER: Size = Size::utf16(200);

/// The side that sends.
#[derive(Debug)]
pub(super) struct TelegramOutlet {
    api: Api,
    fetcher: Fetcher,
}

impl TelegramOutlet {
    pub(super) fn new(config: &Config, deps: OutletDeps) -> Self {
        Self {
            api: Api::new(deps.http, config),
            fetcher: deps.fetcher,
        }
    }

    /// Calls a method in a chat.
    async fn write(
        &self,
        to: &Chat,
        method: &'static str,
        arguments: &Value,
    ) -> Result<Value, CallFailure> {
        let written = |to: &Chat| {
            let mut arguments = arguments.clone();
            to.write(&mut arguments);
            arguments
        };
        let sent = self.api.call(method, &written(to)).await;
        match sent {
            // A topic that is gone, or has become the whole chat, is none to send to: the reply says what is answered.
            Err(CallFailure::Refused { refused, .. })
                if to.topic.is_some() && refused.is_no_topic() =>
            {
                let chat = Chat {
                    topic: None,
                    ..to.clone()
                };
                self.api.call(method, &written(&chat)).await
            }
            sent => sent,
        }
    }

    /// Tells something in a chat. A group that has become a supergroup has another id since then.
    async fn notify(&self, chat: &Chat, text: &str) -> Result<(), SendError> {
        let (method, arguments) = (
            "sendMessage",
            json!({"text": text, "disable_notification": true}),
        );
        let told = match self.write(chat, method, &arguments).await {
            Err(CallFailure::Refused {
                refused: RefusalReason::Migrated(id),
                ..
            }) => self.write(&Chat::group(id), method, &arguments).await,
            told => told,
        };
        Ok(told.map(drop)?)
    }

    /// Answers a tap, and takes away the keyboard that was used up by it. Neither is worth more than a try
    /// that Telegram refuses: the message is gone, or the time for it is, or the group is a supergroup now, whose
    /// messages have other ids.
    async fn answer(
        &self,
        query: &str,
        chosen: &str,
        vanishes: Option<(i64, i64)>,
    ) -> Result<(), SendError> {
        let mut arguments = json!({"callback_query_id": query});
        if vanishes.is_some() && !chosen.is_empty() {
            arguments["text"] = ANSWER.clip(&format!("✓ {chosen}")).into_owned().into();
        }
        unless_refused(self.api.call("answerCallbackQuery", &arguments).await)?;
        if let Some((chat, message)) = vanishes {
            let arguments = json!({
                "chat_id": chat, "message_id": message, "reply_markup": {"inline_keyboard": []},
            });
            unless_refused(self.api.call("editMessageReplyMarkup", &arguments).await)?;
        }
        Ok(())
    }
}

/// A call of which it does not matter that Telegram refuses it.
fn unless_refused(called: Result<Value, CallFailure>) -> Result<(), SendError> {
    match called {
        Err(CallFailure::Refused {
            refused:
                RefusalReason::Moot(_)
                | RefusalReason::Refused(_)
                | RefusalReason::TooRich(_)
                | RefusalReason::Migrated(_),
            ..
        }) => Ok(()),
        called => Ok(called.map(drop)?),
    }
}

#[async_trait]
impl Outlet<Telegram> for TelegramOutlet {
    fn render(&self, outgoing: &Outgoing) -> Vec<Part> {
        Part::of_pages(outgoing, &LIMITS, encode::encode)
    }

    fn simpler(&self, part: &Part) -> Option<Part> {
        part.simpler(encode::encode)
    }

    fn bucket(&self, to: &Chat) -> Bucket {
        to.bucket()
    }

    /// <https://core.telegram.org/bots/api#sendmessage>, <https://core.telegram.org/bots/api#sendphoto>
    async fn send(&self, to: &Chat, part: &Part) -> Result<Sent, SendError> {
        let body = &part.body;
        let method =
            encode::method(body).ok_or_else(|| SendError::refused("a part that is no message"))?;
        let arguments = body.get("arguments").unwrap_or(&Value::Null);
        let message = self.write(to, method, arguments).await?;
        Ok(Sent {
            message_id: lenient_json::some_text(&message, "message_id"),
        })
    }

    fn files(&self) -> Option<&dyn Files<Telegram>> {
        Some(self)
    }

    fn activity(&self) -> Option<&dyn Activity<Telegram>> {
        Some(self)
    }

    fn commands(&self) -> Option<&dyn Commands<Telegram>> {
        Some(self)
    }
}

#[async_trait]
impl Files<Telegram> for TelegramOutlet {
    async fn download(
        &self,
        _: &Chat,
        attachment: &Attachment,
        limit: usize,
    ) -> Result<Bytes, SendError> {
        let id = attachment.id.as_deref();
        let id = id.ok_or_else(|| SendError::refused("a file without an id"))?;
        self.api.file(id, &self.fetcher, limit).await
    }
}

/// "typing…", which Telegram takes away with the answer, or after five seconds
/// (<https://core.telegram.org/bots/api#sendchataction>).
#[async_trait]
impl Activity<Telegram> for TelegramOutlet {
    fn indicator(&self, _: &Chat, _: Option<&str>) -> Option<Indicator> {
        Some(Indicator::Passing)
    }

    async fn show(&self, at: &Chat, _: Option<&str>) -> Result<(), SendError> {
        let mut arguments = json!({"action": "typing"});
        at.place(&mut arguments);
        Ok(self
            .api
            .call("sendChatAction", &arguments)
            .await
            .map(drop)?)
    }
}

#[async_trait]
impl Commands<Telegram> for TelegramOutlet {
    fn bucket(&self, command: &Command) -> Option<Bucket> {
        match command {
            Command::Answer { .. } => None,
            Command::Notify { chat, .. } => Some(chat.bucket()),
        }
    }

    async fn run(&self, command: &Command) -> Result<(), SendError> {
        match command {
            Command::Answer {
                query,
                chosen,
                vanishes,
            } => self.answer(query, chosen, *vanishes).await,
            Command::Notify { chat, text } => self.notify(chat, text).await,
        }
    }

    fn notice(&self, at: &Chat, text: &str) -> Option<Command> {
        Some(Command::Notify {
            chat: at.clone(),
            text: text.to_owned(),
        })
    }
}
