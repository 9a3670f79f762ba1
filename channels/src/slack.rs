//! Slack (<https://docs.slack.dev>): events, messages and taps in; Block Kit out.
//!
//! - `edge`: what Slack sends. `verify` is the request signature, `parse` reads messages, mentions, taps
//!   and submitted forms.
//! - `outlet`: what Slack is sent. `render` makes messages of blocks, with `markup`, `split` and `limits`;
//!   `history` is what a conversation shows already, `profile` who a user is.
//! - `tap`: what our buttons carry; `choice`: showing what the user chose; `notice`: small print.
//! - `form`: forms in modals, out and back in; `home`: the Home tab.
//! - `address`: what the ledger keeps. `api`: the Web API; `workspaces`: what Slack makes different about
//!   installing the app.
//! - `capability`, `preview`: what is shown how, before anybody sees it. `online`: whether the tokens are
//!   good.
//!
//! In a channel the bot is spoken to by a mention, answers in the thread, and from then on hears what
//! that user says there. In a direct message it hears everything.

use haptik_bridge_shared::config::ChannelDefinition;
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::message::Sender;
use haptik_bridge_shared::table::Table;
use serde_json::Value;

use crate::capability::{Capability, Feature};
use crate::channel::{
    BuildError, ChannelType, Edge, EdgeDeps, OnlineDeps, Outlet, OutletDeps, Trial,
};
use crate::facts::Facts;
use crate::limits::{Buttons, Cards, Counted, Forms, Limits, Pace, Pictures, Shape, WITH_WEBP};
use crate::memory::Memory;
use crate::preview::Preview;
use crate::render::Markup;

use self::address::{Address, Command};
use self::api::Api;
use self::edge::SlackEdge;
use self::outlet::SlackOutlet;

mod address;
mod api;
mod capability;
mod choice;
pub mod config;
mod edge;
mod emoji;
mod form;
mod history;
mod home;
mod limits;
mod markup;
mod notice;
mod online;
mod outlet;
mod parse;
mod preview;
mod profile;
mod render;
mod tap;
mod text;
mod verify;
mod workspaces;

/// The `event_type` of our messages' metadata (<https://docs.slack.dev/messaging/message-metadata/>).
const METADATA: &str = "haptik_bridge";

/// What the renderer has to know of Slack. Where a connection shows less, its limits are a copy of these.
/// Lengths are UTF-16 units, as Slack may count them, and never fewer than characters.
const LIMITS: Limits = Limits {
    text: limits::MESSAGE_TEXT,
    counted: Counted::AsSent,
    markup: Markup::Mrkdwn,
    shape: Shape::Blocks {
        most: limits::BLOCKS,
        section: limits::SECTION_TEXT,
        weight: limits::BLOCKS_TEXT,
    },
    address: limits::URL,
    buttons: Some(Buttons {
        most: limits::ACTIONS,
        label: limits::BUTTON_TEXT,
        data: limits::BUTTON_VALUE,
        codec: tap::write,
        urls: true,
        // They open web addresses only.
        url_taps: true,
        phones: false,
    }),
    menu: None,
    cards: Some(Cards {
        most: limits::CARDS,
        title: limits::CARD_TITLE,
        body: limits::CARD_BODY,
        actions: limits::CARD_ACTIONS,
    }),
    pictures: Pictures::Inline {
        alt: limits::ALT_TEXT,
        // Another type is refused at once, and a link then.
        types: WITH_WEBP,
    },
    forms: Forms::Modal { fits: form::fits },
    notices: true,
    agent_identity: Some(limits::USERNAME),
    // <https://docs.slack.dev/apis/web-api/rate-limits>: about one a second in a conversation; the length of
    // the "short bursts" is not published.
    pace: Pace {
        per_conversation: Some(std::time::Duration::from_secs(1)),
        learn_bursts: true,
        per_group: None,
    },
    reply_window: None,
};

/// `type = "slack"`: one app, in a Slack workspace or in many.
#[derive(Debug)]
pub struct Slack;

impl ChannelType for Slack {
    const NAME: &'static str = "slack";
    const SECRET_FIELDS: &'static [&'static str] = &["token", "response_url"];
    const DEFINITION: ChannelDefinition = config::DEFINITION;
    const LIMITS: Option<&'static Limits> = Some(&LIMITS);
    const FACTS: Facts = capability::FACTS;
    type Config = config::Slack;
    type Address = Address;
    type Command = Command;

    fn capability(feature: Feature) -> Capability {
        capability::capability(feature)
    }

    fn preview(body: &Value, sender: &Sender) -> Vec<Preview> {
        preview::preview(body, sender)
    }

    fn edge(config: &config::Slack, deps: EdgeDeps) -> Result<Box<dyn Edge<Self>>, BuildError> {
        let api = api(
            config,
            &deps.connection,
            deps.http.clone(),
            &deps.table,
            &deps.memory,
        )?;
        Ok(Box::new(SlackEdge::new(config, deps, api)))
    }

    fn online(config: &config::Slack, deps: OnlineDeps) -> Trial {
        Box::pin(online::try_app(config.clone(), deps.http))
    }

    fn outlet(
        config: &config::Slack,
        deps: OutletDeps,
    ) -> Result<Box<dyn Outlet<Self>>, BuildError> {
        let api = api(
            config,
            &deps.connection,
            deps.http,
            &deps.table,
            &deps.memory,
        )?;
        Ok(Box::new(SlackOutlet::new(config, deps.fetcher, api)))
    }
}

fn api(
    config: &config::Slack,
    connection: &ConnectionId,
    http: reqwest::Client,
    table: &Table,
    memory: &Memory,
) -> Result<Api, BuildError> {
    let workspaces = workspaces::workspaces(connection, config, &http, table, memory)
        .map_err(|error| BuildError(error.to_string()))?;
    Ok(Api::new(http, config.api_base_url.clone(), workspaces))
}

#[cfg(test)]
mod tests;
