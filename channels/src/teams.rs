//! Microsoft Teams (<https://learn.microsoft.com/microsoftteams/platform/bots/what-are-bots>), by the Bot
//! Connector: activities in; texts and Adaptive Cards out.
//!
//! - `edge`: what Teams sends. `verify` is who sends it, `receive` reads messages, taps and forms.
//! - `outlet`: what Teams is sent. `encode` makes activities of a message, with
//!   [`crate::adaptive_cards`]; `api` calls, `refusal` is what the answers mean.
//! - `config`: its keys; `package`: what is uploaded to Teams.
//!
//! In a personal chat the bot hears everything; in a group chat or a channel it is spoken to by a mention,
//! and answers in that thread. A text and a card never stand in one activity: Teams would take them apart,
//! and not say what they are called.

use std::time::Duration;

use haptik_bridge_shared::config::ChannelDefinition;
use haptik_bridge_shared::message::Sender;
use haptik_bridge_shared::redacted_debug;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::adaptive_cards::{self, Version};
use crate::callback;
use crate::capability::{Capability, Feature};
use crate::channel::{
    BuildError, ChannelType, Edge, EdgeDeps, OnlineDeps, Outlet, OutletDeps, Trial,
};
use crate::facts::Facts;
use crate::limits::{
    Buttons, Cards, Counted, Forms, Limits, Pace, Pictures, Rate, Shape, Size, WITH_GIF,
};
use crate::pace::Bucket;
use crate::package::{About, PackedFile};
use crate::preview::Preview;
use crate::render::Markup;
use config::Config;
use edge::TeamsEdge;
use outlet::TeamsOutlet;

mod api;
mod capability;
mod config;
mod edge;
mod encode;
mod online;
mod outlet;
mod package;
mod preview;
mod receive;
mod refusal;
mod verify;

/// `type = "teams"`: a bot in Microsoft Teams.
#[derive(Debug)]
pub struct Teams;

/// The newest version that Teams shows of bots
/// (<https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference>).
const VERSION: Version = Version::V1_5;

/// How long an activity may be as JSON. Teams documents 100 KB and says 28 KB elsewhere
/// (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages>).
const MOST: Size = Size::bytes(28 * 1024);

/// What Teams takes. With these, an activity is within [`MOST`].
const LIMITS: Limits = Limits {
    text: Size::bytes(9_000),
    counted: Counted::AsSent,
    markup: Markup::CommonMark,
    shape: Shape::Blocks {
        // Not documented.
        most: 40,
        // Not documented.
        section: Size::bytes(4_000),
        // The names of buttons and inputs come on top of it.
        weight: Size::bytes(7_000),
    },
    // Not documented.
    address: Size::bytes(2_000),
    buttons: Some(Buttons {
        // Not documented. They stand in rows of five.
        most: 20,
        // Not documented.
        label: Size::chars(80),
        // Not documented; what is tapped is found in the ledger.
        data: Size::bytes(64),
        codec: callback::write,
        urls: true,
        // A click that opens a link is none of the events.
        url_taps: false,
        // Whether `tel:` opens is not documented.
        phones: false,
    }),
    menu: None,
    cards: Some(Cards {
        // Not documented for Adaptive Cards; ten for others.
        most: 10,
        title: Size::bytes(300),
        body: Size::bytes(2_000),
        actions: 6,
    }),
    pictures: Pictures::Inline {
        alt: Size::bytes(500),
        // <https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference>
        types: WITH_GIF,
    },
    forms: Forms::Inline {
        fits: adaptive_cards::form::fits,
    },
    notices: false,
    agent_identity: None,
    // <https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit>: in a conversation 7 in a
    // second, 8 in two seconds, 60 in 30 seconds and 1,800 in an hour.
    pace: Pace {
        per_conversation: Some(Duration::from_millis(250)),
        learn_bursts: false,
        per_group: Some(Rate {
            messages: 60,
            per: Duration::from_secs(30),
        }),
    },
    reply_window: None,
};

/// Where to answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Below it is the API, for this conversation.
    service_url: String,
    /// The conversation; in a channel with its thread: `19:…@thread.tacv2;messageid=1767326000000`.
    conversation: String,
    /// Whether it is the chat of one person with the bot.
    personal: bool,
    /// The user, as the bot knows them: `29:…`.
    user: String,
}

redacted_debug!(Place {
    conversation,
    personal
});

impl Place {
    /// The conversation, whose messages Teams counts in all threads together.
    fn bucket(&self) -> Bucket {
        let whole = self.conversation.split(';').next();
        Bucket::group(whole.unwrap_or_default())
    }

    /// The thread of a channel.
    fn thread(&self) -> Option<&str> {
        let is_thread = self.conversation.contains(";messageid=");
        is_thread.then_some(self.conversation.as_str())
    }
}

/// What a request leaves for later.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// A card whose buttons were used, or which was filled in, becomes another.
    Replace {
        /// Where.
        place: Place,
        /// The id of its activity.
        message: String,
        /// The activity that takes its place.
        activity: Value,
    },
    /// A user who added the bot is greeted.
    Greet {
        /// Where.
        place: Place,
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
    Replace { place, message },
    Greet { place, text: bytes },
    Notify { place, text: bytes },
});

impl ChannelType for Teams {
    const NAME: &'static str = "teams";
    const EXAMPLE: &'static str = include_str!("teams/config.example.toml");
    const DEFINITION: ChannelDefinition = config::DEFINITION;
    const LIMITS: Option<&'static Limits> = Some(&LIMITS);
    const FACTS: Facts = capability::FACTS;
    /// The addresses of files, which have what opens them in them.
    const SECRET_FIELDS: &'static [&'static str] =
        &["downloadUrl", "contentUrl", "uploadUrl", "uploadInfo"];
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
        Ok(Box::new(TeamsEdge::new(config, deps)))
    }

    fn outlet(config: &Config, deps: OutletDeps) -> Result<Box<dyn Outlet<Self>>, BuildError> {
        Ok(Box::new(TeamsOutlet::new(config, deps)))
    }

    fn package(config: &Config, about: &About) -> Option<Result<Vec<PackedFile>, BuildError>> {
        Some(package::package(config, about))
    }

    fn online(config: &Config, deps: OnlineDeps) -> Trial {
        Box::pin(online::try_bot(api::TeamsApi::new(deps.http, config)))
    }
}

#[cfg(test)]
mod tests;
