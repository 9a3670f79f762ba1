//! SMS, MMS, WhatsApp and RCS by Twilio (<https://www.twilio.com/docs/messaging>): messages of numbers in,
//! texts and pictures out, with what can be chosen as numbered lines.
//!
//! - `edge`: what Twilio sends. `verify` is who sends it, `receive` reads messages and what became of ours,
//!   `consent` is STOP, START and HELP, `kept` what is remembered of both.
//! - `outlet`: what Twilio is sent. `encode` makes a message of a page, `segments` counts what a text costs,
//!   `api` calls, `refusal` is what the answers mean.
//! - `config`: its keys. `webhook`: what `register` does. `online`: whether the token and the webhook are good.

use std::time::Duration;

use haptik_bridge_shared::config::ChannelDefinition;
use haptik_bridge_shared::message::Sender;
use haptik_bridge_shared::redacted_debug;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::capability::{Capability, Feature};
use crate::channel::{
    BuildError, ChannelType, Edge, EdgeDeps, OnlineDeps, Outlet, OutletDeps, Registration, Trial,
};
use crate::limits::{Counted, Forms, Limits, Pace, Pictures, Shape, Size};
use crate::preview::Preview;
use crate::render::Markup;
use api::Api;
use config::Config;
use edge::TwilioEdge;
use outlet::TwilioOutlet;

mod api;
mod capability;
mod config;
mod consent;
mod edge;
mod encode;
mod kept;
mod online;
mod outlet;
mod preview;
mod receive;
mod refusal;
mod segments;
mod verify;
mod webhook;

/// `type = "twilio"`: a sender at Twilio.
#[derive(Debug)]
pub struct Twilio;

/// The longest text (<https://www.twilio.com/docs/api/errors/21617>): "1600 character limit", which are UTF-16
/// units where a text is no GSM-7.
const TEXT: Size = Size::utf16(1_600);

/// What Twilio takes.
const LIMITS: Limits = Limits {
    text: TEXT,
    counted: Counted::AsSent,
    markup: Markup::Plain,
    shape: Shape::Bubble,
    // Not documented for `MediaUrl`; what other providers take.
    address: Size::utf16(2_048),
    // Those of the Content API are resources that have to be made first.
    buttons: None,
    menu: None,
    cards: None,
    pictures: Pictures::ByUrl {
        // <https://www.twilio.com/docs/messaging/api/message-resource>: `MediaUrl`, 5 MB of JPEG, PNG and GIF.
        max_bytes: 5 << 20,
        caption: TEXT,
    },
    forms: Forms::Chat,
    notices: false,
    agent_identity: None,
    // A long number sends one a second, and Twilio keeps what is more than that for it
    // (<https://www.twilio.com/docs/messaging/guides/scaling-queueing-latency>).
    pace: Pace {
        per_conversation: Some(Duration::from_secs(1)),
        learn_bursts: true,
        per_group: None,
    },
    // It is WhatsApp's alone, and the address does not tell it: Twilio says so (63016).
    reply_window: None,
};

/// As [`LIMITS`], of a number from which no MMS can be sent: those outside of North America. Twilio lists them by
/// the capabilities of each number; that `+1` has it is not documented as a rule.
const WITHOUT_MMS: Limits = Limits {
    pictures: Pictures::LinkOnly,
    ..LIMITS
};

/// Where to answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user's address: a number, with the name of the channel before it where that is not SMS.
    to: String,
}

/// What is told on the bridge's own account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// To whom.
    user: User,
    /// What.
    text: String,
}

redacted_debug!(User {});
redacted_debug!(Notify { text: bytes });

impl ChannelType for Twilio {
    const NAME: &'static str = "twilio";
    const EXAMPLE: &'static str = include_str!("twilio/config.example.toml");
    const DEFINITION: ChannelDefinition = config::DEFINITION;
    const LIMITS: Option<&'static Limits> = Some(&LIMITS);
    type Config = Config;
    type Address = User;
    type Command = Notify;

    fn capability(feature: Feature) -> Capability {
        capability::capability(feature)
    }

    fn preview(body: &Value, sender: &Sender) -> Vec<Preview> {
        preview::preview(body, sender)
    }

    fn edge(config: &Config, deps: EdgeDeps) -> Result<Box<dyn Edge<Self>>, BuildError> {
        Ok(Box::new(TwilioEdge::new(config, deps)))
    }

    fn outlet(config: &Config, deps: OutletDeps) -> Result<Box<dyn Outlet<Self>>, BuildError> {
        Ok(Box::new(TwilioOutlet::new(config, deps)))
    }

    fn online(config: &Config, deps: OnlineDeps) -> Trial {
        let config = config.clone();
        Box::pin(online::try_account(config, deps))
    }

    fn register(config: &Config, http: reqwest::Client, url: &str) -> Option<Registration> {
        let number = config.from.number()?.to_owned();
        let url = config.public_url.clone().unwrap_or_else(|| url.to_owned());
        let api = Api::new(http, config);
        Some(Box::pin(webhook::register(api, number, url)))
    }
}

#[cfg(test)]
mod tests;
