//! Telegram (<https://core.telegram.org/bots/api>): updates in; messages with inline keyboards out.
//!
//! - `edge`: what Telegram sends. `verify` is who sends it, `receive` reads messages, edits and taps.
//! - `outlet`: what Telegram is sent. `encode` makes a call of a page, `api` calls, `refusal` is what the
//!   answers mean.
//! - `config`: its keys. `webhook`: what `register` does. `online`: whether the token and the webhook are good.
//!
//! In the private chat the bot hears everything. In a group it is spoken to by its name, by a reply or by a
//! command, and answers with a reply. A topic is a conversation of its own.

use std::time::Duration;

use haptik_bridge_shared::config::ChannelDefinition;
use haptik_bridge_shared::message::Sender;
use haptik_bridge_shared::redacted_debug;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::callback;
use crate::capability::{Capability, Feature};
use crate::channel::{
    BuildError, ChannelType, Edge, EdgeDeps, OnlineDeps, Outlet, OutletDeps, Registration, Trial,
};
use crate::facts::Facts;
use crate::limits::{
    Buttons, Counted, Forms, Limits, Pace, Pictures, Rate, Shape, Size, WITH_WEBP,
};
use crate::pace::Bucket;
use crate::preview::Preview;
use crate::render::Markup;
use api::Api;
use config::Config;
use edge::TelegramEdge;
use outlet::TelegramOutlet;

mod api;
mod capability;
mod config;
mod edge;
mod encode;
mod online;
mod outlet;
mod preview;
mod receive;
mod refusal;
mod verify;
mod webhook;

/// `type = "telegram"`: a bot on Telegram.
#[derive(Debug)]
pub struct Telegram;

/// The longest caption (<https://core.telegram.org/bots/api#sendphoto>).
const CAPTION: Size = Size::utf16(1_024);

/// What Telegram takes. Lengths are counted as its entities are, in UTF-16 units: its documentation says
/// "characters", and its server counts code points, of which there are never more.
const LIMITS: Limits = Limits {
    // <https://core.telegram.org/bots/api#sendmessage>: "1-4096 characters after entities parsing"
    text: Size::utf16(4_096),
    counted: Counted::AsShown,
    markup: Markup::Html,
    shape: Shape::Bubble,
    // Not documented; a URL of 2,048 characters is opened.
    address: Size::utf16(2_048),
    buttons: Some(Buttons {
        // Not documented: python-telegram-bot 22.8, `constants.InlineKeyboardMarkupLimit`.
        most: 100,
        // Not documented: a telephone shows about 36.
        label: Size::utf16(64),
        // <https://core.telegram.org/bots/api#inlinekeyboardbutton>: 1-64 bytes, of which `encode` takes one.
        data: Size::bytes(63),
        codec: callback::write,
        urls: true,
        url_taps: false,
        phones: false,
    }),
    menu: None,
    cards: None,
    pictures: Pictures::ByUrl {
        // <https://core.telegram.org/bots/api#sending-files>
        max_bytes: 5 << 20,
        caption: CAPTION,
        // Another type is refused at once, and a link then.
        types: WITH_WEBP,
    },
    forms: Forms::Chat,
    notices: false,
    agent_identity: None,
    // <https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this>: one a second in a
    // chat, "short bursts" pass; in a group 20 a minute.
    pace: Pace {
        per_conversation: Some(Duration::from_secs(1)),
        learn_bursts: true,
        per_group: Some(Rate {
            messages: 20,
            per: Duration::from_mins(1),
        }),
    },
    reply_window: None,
};

/// Where to answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chat {
    /// The chat's id.
    #[serde(rename = "chat_id")]
    id: i64,
    /// The topic in it.
    #[serde(
        default,
        rename = "message_thread_id",
        skip_serializing_if = "Option::is_none"
    )]
    topic: Option<i64>,
    /// The message that is answered, where others talk too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<i64>,
}

impl Chat {
    /// The private chat with a user, which has the user's id.
    fn private(user: i64) -> Self {
        Self {
            id: user,
            topic: None,
            reply_to: None,
        }
    }

    /// A group, whose messages and topics are not known.
    fn group(id: i64) -> Self {
        // It differs in the sign of its id only.
        Self::private(id)
    }

    /// The chat, whose messages Telegram counts in all topics together. That of a user has the user's id, and
    /// groups and channels have negative ones.
    fn bucket(&self) -> Bucket {
        if self.id < 0 {
            Bucket::group(self.id.to_string())
        } else {
            Bucket::of(self.id.to_string())
        }
    }

    /// Writes the place into the arguments of a call.
    fn place(&self, arguments: &mut Value) {
        arguments["chat_id"] = self.id.into();
        if let Some(fields) = arguments.as_object_mut() {
            fields.remove("message_thread_id");
            fields.extend(
                self.topic
                    .map(|topic| ("message_thread_id".to_owned(), topic.into())),
            );
        }
    }

    /// Writes the place, and what is answered there, into the arguments of a call that sends a message.
    fn write(&self, arguments: &mut Value) {
        self.place(arguments);
        if let Some(fields) = arguments.as_object_mut() {
            fields.remove("reply_parameters");
            let reply = self.reply_to.map(|message| {
                let reply =
                    serde_json::json!({"message_id": message, "allow_sending_without_reply": true});
                ("reply_parameters".to_owned(), reply)
            });
            fields.extend(reply);
        }
    }
}

/// What a request leaves for later.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// A tap is answered, and its keyboard taken away where it is used up.
    Answer {
        /// The tap's id.
        query: String,
        /// The label of what was tapped; may be empty.
        chosen: String,
        /// The chat and the message whose keyboard goes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        vanishes: Option<(i64, i64)>,
    },
    /// A user is told something on the bridge's own account.
    Notify {
        /// Where.
        chat: Chat,
        /// What.
        text: String,
    },
}

redacted_debug!(enum Command { Answer { vanishes }, Notify { chat, text: bytes } });

impl ChannelType for Telegram {
    const NAME: &'static str = "telegram";
    const EXAMPLE: &'static str = include_str!("telegram/config.example.toml");
    const DEFINITION: ChannelDefinition = config::DEFINITION;
    const LIMITS: Option<&'static Limits> = Some(&LIMITS);
    const FACTS: Facts = capability::FACTS;
    type Config = Config;
    type Address = Chat;
    type Command = Command;

    fn capability(feature: Feature) -> Capability {
        capability::capability(feature)
    }

    fn preview(body: &Value, sender: &Sender) -> Vec<Preview> {
        preview::preview(body, sender)
    }

    fn edge(config: &Config, deps: EdgeDeps) -> Result<Box<dyn Edge<Self>>, BuildError> {
        Ok(Box::new(TelegramEdge::new(config, deps)))
    }

    fn outlet(config: &Config, deps: OutletDeps) -> Result<Box<dyn Outlet<Self>>, BuildError> {
        Ok(Box::new(TelegramOutlet::new(config, deps)))
    }

    fn online(config: &Config, deps: OnlineDeps) -> Trial {
        Box::pin(online::try_bot(Api::new(deps.http, config), deps.url))
    }

    fn register(config: &Config, http: reqwest::Client, url: &str) -> Option<Registration> {
        let (api, secret) = (
            Api::new(http, config),
            config.secret_tokens.newest().clone(),
        );
        Some(Box::pin(webhook::register(api, secret, url.to_owned())))
    }
}

#[cfg(test)]
mod tests;
