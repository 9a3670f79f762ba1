//! Google Chat (<https://developers.google.com/workspace/chat/api/reference/rest>): interaction events in;
//! texts, cards and buttons out.
//!
//! - `edge`: what Google sends. `verify` is who sends it, `receive` reads messages, taps and forms, in both
//!   dialects: that of Chat apps, and that of Google Workspace add-ons.
//! - `outlet`: what Google is sent. `encode` makes a message of a page, `form` the inputs of a form and their
//!   answers, `api` calls, `refusal` is what the answers mean.
//! - `config`: its keys.
//!
//! In the direct message the app hears everything; in a space it is spoken to by a mention or by a command,
//! and answers in that thread. Every message is created under a name of our own, so that a repeat is the same
//! message.

use std::time::Duration;

use haptik_bridge_shared::config::ChannelDefinition;
use haptik_bridge_shared::message::Sender;
use haptik_bridge_shared::redacted_debug;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::callback;
use crate::capability::{Capability, Feature};
use crate::channel::{
    BuildError, ChannelType, Edge, EdgeDeps, OnlineDeps, Outlet, OutletDeps, Trial,
};
use crate::facts::Facts;
use crate::limits::{Buttons, Cards, Counted, Forms, Limits, Pace, Pictures, STILL, Shape, Size};
use crate::pace::Bucket;
use crate::preview::Preview;
use crate::render::Markup;
use config::Config;
use edge::GoogleChatEdge;
use outlet::GoogleChatOutlet;

mod api;
mod capability;
mod config;
mod edge;
mod encode;
mod form;
mod online;
mod outlet;
mod preview;
mod receive;
mod refusal;
mod verify;

/// `type = "google_chat"`: an app in Google Chat.
#[derive(Debug)]
pub struct GoogleChat;

/// What Google Chat takes. A message has 32,000 bytes in all, its cards 32 KB
/// (<https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create>). Whether the
/// names of JSON count is not documented; with these it is within both as JSON too.
const LIMITS: Limits = Limits {
    text: Size::bytes(12_000),
    counted: Counted::AsSent,
    markup: Markup::Chat,
    shape: Shape::Blocks {
        // A card has 100 widgets, of which the rest is dropped
        // (<https://developers.google.com/workspace/chat/api/reference/rest/v1/cards#section>).
        most: 50,
        // Not documented.
        section: Size::bytes(4_000),
        // The names of buttons and inputs come on top of it.
        weight: Size::bytes(8_000),
    },
    // Not documented.
    address: Size::bytes(2_048),
    buttons: Some(Buttons {
        // Not documented. Each takes some 200 bytes beside its label.
        most: 20,
        // Not documented.
        label: Size::chars(80),
        // Not documented; what is tapped is found in the ledger.
        data: Size::bytes(64),
        codec: callback::write,
        urls: true,
        // A click that opens a link is none of the events.
        url_taps: false,
        phones: false,
    }),
    menu: None,
    cards: Some(Cards {
        // Not documented.
        most: 10,
        title: Size::bytes(300),
        body: Size::bytes(2_000),
        actions: 6,
    }),
    pictures: Pictures::Inline {
        alt: Size::bytes(500),
        // <https://developers.google.com/workspace/chat/add-text-image-card-dialog>: "Only PNG and JPG".
        types: STILL,
    },
    forms: Forms::Inline { fits: form::fits },
    notices: false,
    agent_identity: None,
    // <https://developers.google.com/workspace/chat/limits>: in a space one write a second, which all apps
    // there share; what it takes of short bursts is not documented.
    pace: Pace {
        per_conversation: Some(Duration::from_secs(1)),
        learn_bursts: true,
        per_group: None,
    },
    reply_window: None,
};

/// Where to answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The space's name: `spaces/AAAA`.
    space: String,
    /// The thread's, `spaces/AAAA/threads/BBBB`, where there are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thread: Option<String>,
}

impl Address {
    /// The space, whose writes Google counts in all threads together.
    fn bucket(&self) -> Bucket {
        Bucket::of(self.space.clone())
    }
}

/// What a request leaves for later.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// The buttons below a message go away, since one of them was used, and show which.
    Settle {
        /// The message's name.
        message: String,
        /// The label of what was chosen; may be empty.
        chosen: String,
    },
    /// A form becomes what was filled in.
    Filled {
        /// The name of its message.
        message: String,
        /// The answers, a line each.
        answers: String,
    },
    /// A user who added the app is greeted.
    Greet {
        /// Where.
        place: Address,
        /// Under which name of our own.
        id: String,
        /// With this text, which may have markup.
        text: String,
    },
    /// A user is told something on the bridge's own account.
    Notify {
        /// Where.
        place: Address,
        /// Under which name of our own.
        id: String,
        /// What.
        text: String,
    },
}

redacted_debug!(enum Command {
    Settle { message },
    Filled { message, answers: bytes },
    Greet { place, id, text: bytes },
    Notify { place, id, text: bytes },
});

impl ChannelType for GoogleChat {
    const NAME: &'static str = "google_chat";
    const EXAMPLE: &'static str = include_str!("google_chat/config.example.toml");
    const DEFINITION: ChannelDefinition = config::DEFINITION;
    const LIMITS: Option<&'static Limits> = Some(&LIMITS);
    const FACTS: Facts = capability::FACTS;
    /// The token that the request is signed with is in the body too.
    const SECRET_FIELDS: &'static [&'static str] = &[
        "systemIdToken",
        "userIdToken",
        "userOAuthToken",
        "token",
        "configCompleteRedirectUrl",
        "configCompleteRedirectUri",
        "downloadUri",
        "thumbnailUri",
    ];
    type Config = Config;
    type Address = Address;
    type Command = Command;

    fn capability(feature: Feature) -> Capability {
        capability::capability(feature)
    }

    fn preview(body: &Value, sender: &Sender) -> Vec<Preview> {
        preview::preview(body, sender)
    }

    fn edge(config: &Config, deps: EdgeDeps) -> Result<Box<dyn Edge<Self>>, BuildError> {
        Ok(Box::new(GoogleChatEdge::new(config, deps)))
    }

    fn outlet(config: &Config, deps: OutletDeps) -> Result<Box<dyn Outlet<Self>>, BuildError> {
        Ok(Box::new(GoogleChatOutlet::new(config, deps)))
    }

    fn online(config: &Config, deps: OnlineDeps) -> Trial {
        Box::pin(online::try_app(api::ChatApi::new(deps.http, config)))
    }
}

#[cfg(test)]
mod tests;
