//! Webex (<https://developer.webex.com/docs/bots>): hooks in; texts and Adaptive Cards out.
//!
//! - `edge`: what Webex sends. `verify` is who sends it, `receive` reads who did something to what: a hook has
//!   ids only.
//! - `outlet`: what Webex is sent. `resolve` makes of what was fetched by an id what the user did, `encode`
//!   makes a message of a page, `history` knows it again, `api` calls, `files` fetches, `disposition` is how
//!   files are called, `refusal` is what the answers mean.
//! - `config`: its keys. `webhooks`: what `register` does. `online`: whether the token and the webhooks are
//!   good.
//!
//! In the direct room the bot hears everything; in others what mentions it, which it answers in a thread. All
//! that is more than text is one card a message; beside a card no text is seen.

use haptik_bridge_shared::config::ChannelDefinition;
use haptik_bridge_shared::message::Sender;
use haptik_bridge_shared::redacted_debug;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::adaptive_cards;
use crate::callback;
use crate::capability::{Capability, Feature};
use crate::channel::{
    BuildError, ChannelType, Edge, EdgeDeps, OnlineDeps, Outlet, OutletDeps, Registration, Trial,
};
use crate::facts::Facts;
use crate::limits::{
    Buttons, Cards, Counted, Forms, Limits, Pace, Pictures, Shape, Size, WITH_GIF,
};
use crate::pace::Bucket;
use crate::preview::Preview;
use crate::render::Markup;
use api::WebexApi;
use config::Config;
use edge::WebexEdge;
use outlet::WebexOutlet;

mod api;
mod capability;
mod config;
mod disposition;
mod edge;
mod encode;
mod files;
mod history;
mod online;
mod outlet;
mod preview;
mod receive;
mod refusal;
mod resolve;
mod verify;
mod webhooks;

/// `type = "webex"`: a bot in Webex.
#[derive(Debug)]
pub struct Webex;

/// The longest text of a message
/// (<https://developer.webex.com/docs/api/v1/messages/create-a-message>).
const TEXT: Size = Size::bytes(7_439);

/// How many blocks a page has. Not documented.
const BLOCKS: usize = 30;

/// What Webex takes.
const LIMITS: Limits = Limits {
    text: TEXT,
    counted: Counted::AsSent,
    markup: Markup::CommonMark,
    shape: Shape::Blocks {
        most: BLOCKS,
        section: TEXT,
        // What makes too long a message of so much is in several: `encode::pages`.
        weight: TEXT,
    },
    // Not documented.
    address: Size::bytes(3_000),
    buttons: Some(Buttons {
        // Not documented: about 20 actions a card are known to be shown.
        most: 20,
        // Not documented.
        label: Size::chars(80),
        // Not documented; what is tapped is found in the ledger.
        data: Size::bytes(64),
        codec: callback::write,
        urls: true,
        url_taps: false,
        phones: false,
    }),
    menu: None,
    cards: Some(Cards {
        // Cards stand below each other, in one: a message has one
        // (<https://developer.webex.com/docs/buttons-and-cards>).
        most: 1,
        title: Size::bytes(300),
        body: Size::bytes(2_000),
        actions: 6,
    }),
    pictures: Pictures::Inline {
        alt: Size::bytes(500),
        // Not documented; what Microsoft says of Adaptive Cards.
        types: WITH_GIF,
    },
    forms: Forms::Inline {
        fits: adaptive_cards::form::fits,
    },
    notices: false,
    agent_identity: None,
    // Webex says when it is too much (<https://developer.webex.com/docs/basics#rate-limiting>).
    pace: Pace::FREE,
    reply_window: None,
};

/// Where to answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The room's id.
    room: String,
    /// The message that the thread begins with, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    /// A message in whose thread it is answered, where that is in one: which is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beside: Option<String>,
}

impl Place {
    /// A room, outside of threads.
    fn room(room: String) -> Self {
        Self {
            room,
            parent: None,
            beside: None,
        }
    }

    /// The room.
    fn bucket(&self) -> Bucket {
        Bucket::of(self.room.clone())
    }
}

/// What a request leaves for later.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// A user who added a bot is greeted, where that bot is this one.
    Greet {
        /// Where.
        place: Place,
        /// The id of the bot that was added.
        bot: String,
        /// With this text, which may have markup.
        text: String,
    },
    /// A user is told something on the bridge's own account.
    Notify {
        /// Where.
        place: Place,
        /// What.
        text: String,
    },
}

redacted_debug!(enum Command {
    Greet { place, bot, text: bytes },
    Notify { place, text: bytes },
});

impl ChannelType for Webex {
    const NAME: &'static str = "webex";
    const EXAMPLE: &'static str = include_str!("webex/config.example.toml");
    const DEFINITION: ChannelDefinition = config::DEFINITION;
    const LIMITS: Option<&'static Limits> = Some(&LIMITS);
    const FACTS: Facts = capability::FACTS;
    type Config = Config;
    type Address = Place;
    type Command = Command;

    fn capability(feature: Feature) -> Capability {
        capability::capability(feature)
    }

    fn preview(body: &Value, sender: &Sender) -> Vec<Preview> {
        preview::preview(body, sender)
    }

    fn edge(config: &Config, deps: EdgeDeps) -> Result<Box<dyn Edge<Self>>, BuildError> {
        Ok(Box::new(WebexEdge::new(config, deps)))
    }

    fn outlet(config: &Config, deps: OutletDeps) -> Result<Box<dyn Outlet<Self>>, BuildError> {
        Ok(Box::new(WebexOutlet::new(config, deps)))
    }

    fn online(config: &Config, deps: OnlineDeps) -> Trial {
        let api = WebexApi::new(deps.http, config);
        Box::pin(online::try_bot(api, config.tell_edits, deps.url))
    }

    fn register(config: &Config, http: reqwest::Client, url: &str) -> Option<Registration> {
        let api = WebexApi::new(http, config);
        let secret = config.webhook_secrets.newest().clone();
        let wanted = webhooks::wanted(config.tell_edits);
        let url = url.to_owned();
        Some(Box::pin(webhooks::register(api, secret, wanted, url)))
    }
}

#[cfg(test)]
mod tests;
