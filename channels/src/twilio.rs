//! SMS, MMS, WhatsApp and RCS by Twilio (<https://www.twilio.com/docs/messaging>): messages of numbers in,
//! texts and pictures out, with what can be chosen as numbered lines.
//!
//! - `edge`: what Twilio sends. `verify` is who sends it, `receive` reads messages and what became of ours,
//!   `consent` is STOP, START and HELP, `kept` what is remembered of both.
//! - `outlet`: what Twilio is sent. `limits` is what it takes by which of its channels, `encode` makes a message
//!   of a page, `content` are the resources that buttons need, `segments` counts what a text costs, `api` calls,
//!   `refusal` is what the answers mean.
//! - `config`: its keys. `webhook`: what `register` does. `online`: whether the token and the webhook are good.

use haptik_bridge_shared::config::ChannelDefinition;
use haptik_bridge_shared::items::Kind;
use haptik_bridge_shared::message::Sender;
use haptik_bridge_shared::redacted_debug;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::capability::{Capability, Feature};
use crate::channel::{
    BuildError, ChannelType, Edge, EdgeDeps, OnlineDeps, Outlet, OutletDeps, Registration, Trial,
};
use crate::facts::Facts;
use crate::limits::Limits;
use crate::preview::Preview;
use api::Api;
use config::Config;
use edge::TwilioEdge;
use limits::SMS;
use outlet::TwilioOutlet;

mod api;
mod capability;
mod config;
mod consent;
mod content;
mod edge;
mod encode;
mod kept;
mod limits;
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
    const LIMITS: Option<&'static Limits> = Some(&SMS);
    const FACTS: Facts = capability::FACTS;
    const ITEMS: &'static [Kind] = kept::ITEMS;
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
        let url = config.public_url.clone().unwrap_or_else(|| url.to_owned());
        let (api, from) = (Api::new(http, config), config.from.clone());
        if from.is_short_code() {
            return None;
        }
        Some(Box::pin(webhook::register(api, from, url)))
    }
}

#[cfg(test)]
mod tests;
