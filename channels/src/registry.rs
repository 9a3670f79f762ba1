//! The list of channels: one line each at the end of this file.
//!
//! There are six tables, so that a function links what it uses: [`CHANNELS`] is what everybody may
//! know, [`EDGES`] builds the sides that receive, [`OUTLETS`] those that send, [`REGISTRATIONS`] tell
//! providers where a connection is, [`PACKAGES`] make what is uploaded to them, and [`TRIALS`] try its credentials.

use haptik_bridge_shared::config::{self, ChannelDefinition, Forms};
use haptik_bridge_shared::items::Kind;
use haptik_bridge_shared::message::Sender;
use haptik_bridge_shared::message::hsl::{Element, Hsl};
use serde_json::Value;

use crate::capability::Capabilities;
use crate::channel::{
    BuildError, ChannelType, EdgeDeps, OnlineDeps, OutletDeps, Registration, Trial,
};
use crate::erased::{AnyEdge, AnyOutlet, ErasedEdge, ErasedOutlet};
use crate::facts::Facts;
use crate::limits::Limits;
use crate::package::{About, PackedFile};
use crate::preview::Preview;
use crate::render::form::chat;

/// A registered type of channel.
#[derive(Debug, Clone, Copy)]
pub struct Registered {
    /// [`ChannelType::NAME`].
    pub name: &'static str,
    /// What it makes of each thing that Haptik sends.
    pub capabilities: Capabilities,
    /// What a message body of Haptik's becomes; of a form that is asked in the chat, the questions too.
    pub preview: fn(&Value, &Sender) -> Vec<Preview>,
    /// Its keys in the configuration, and what to paste where.
    pub definition: ChannelDefinition,
    /// What its provider takes.
    pub limits: Option<&'static Limits>,
    /// What there is to know of it before it is chosen.
    pub facts: Facts,
    /// [`ChannelType::EXAMPLE`].
    pub example: &'static str,
    /// [`ChannelType::ITEMS`].
    pub items: &'static [Kind],
}

/// Builds an edge of a connection's settings.
pub type BuildEdge = fn(&config::Channel, EdgeDeps) -> Result<Box<dyn AnyEdge>, BuildError>;

/// Builds an outlet of a connection's settings.
pub type BuildOutlet = fn(&config::Channel, OutletDeps) -> Result<Box<dyn AnyOutlet>, BuildError>;

/// Tells the provider of a connection with these settings where to send what users do.
pub type Register =
    fn(&config::Channel, reqwest::Client, &str) -> Result<Option<Registration>, BuildError>;

/// Makes what is uploaded to the provider of a connection with these settings.
pub type Pack = fn(&config::Channel, &About) -> Result<Option<Vec<PackedFile>>, BuildError>;

/// Tries the credentials of a connection with these settings.
pub type Try = fn(&config::Channel, OnlineDeps) -> Result<Trial, BuildError>;

/// The registered type of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Registered> {
    CHANNELS.iter().find(|channel| channel.name == name)
}

/// The kinds of items that channels keep of their own.
#[must_use]
pub fn items() -> Vec<&'static Kind> {
    CHANNELS.iter().flat_map(|channel| channel.items).collect()
}

fn settings<C: ChannelType>(channel: &config::Channel) -> Result<&C::Config, BuildError> {
    let other = || BuildError(format!("the settings are not those of {}", C::NAME));
    channel.settings.get().ok_or_else(other)
}

fn edge<C: ChannelType>(
    channel: &config::Channel,
    deps: EdgeDeps,
) -> Result<Box<dyn AnyEdge>, BuildError> {
    let edge = C::edge(settings::<C>(channel)?, deps)?;
    Ok(Box::new(ErasedEdge::<C>(edge)))
}

fn outlet<C: ChannelType>(
    channel: &config::Channel,
    deps: OutletDeps,
) -> Result<Box<dyn AnyOutlet>, BuildError> {
    let outlet = C::outlet(settings::<C>(channel)?, deps)?;
    Ok(Box::new(ErasedOutlet::<C>::new(outlet)))
}

fn register<C: ChannelType>(
    channel: &config::Channel,
    http: reqwest::Client,
    url: &str,
) -> Result<Option<Registration>, BuildError> {
    Ok(C::register(settings::<C>(channel)?, http, url))
}

fn package<C: ChannelType>(
    channel: &config::Channel,
    about: &About,
) -> Result<Option<Vec<PackedFile>>, BuildError> {
    C::package(settings::<C>(channel)?, about).transpose()
}

fn preview<C: ChannelType>(body: &Value, sender: &Sender) -> Vec<Preview> {
    let mut previews = C::preview(body, sender);
    if let Element::Form(form) = &Hsl::read(body).element
        && C::LIMITS.is_some_and(|limits| limits.asks_in_chat(form))
    {
        let questions = 0..form.fields.len();
        previews.extend(questions.flat_map(|place| {
            let question = chat::question(form, Forms::default(), place, None);
            C::preview(&question, sender)
        }));
    }
    previews
}

fn online<C: ChannelType>(
    channel: &config::Channel,
    deps: OnlineDeps,
) -> Result<Trial, BuildError> {
    Ok(C::online(settings::<C>(channel)?, deps))
}

macro_rules! channels {
    ($($channel:ty),* $(,)?) => {
        /// What everybody may know of the channels.
        pub static CHANNELS: &[Registered] = &[$(Registered {
            name: <$channel as ChannelType>::NAME,
            capabilities: <$channel as ChannelType>::capability,
            preview: preview::<$channel>,
            definition: <$channel as ChannelType>::DEFINITION,
            limits: <$channel as ChannelType>::LIMITS,
            facts: <$channel as ChannelType>::FACTS,
            example: <$channel as ChannelType>::EXAMPLE,
            items: <$channel as ChannelType>::ITEMS,
        }),*];

        /// Their keys in the configuration.
        pub const DEFINITIONS: &[ChannelDefinition] = &[$(<$channel as ChannelType>::DEFINITION),*];

        /// The sides that receive, by name. Only `inbound` names this table, so only there they are linked.
        pub static EDGES: &[(&str, BuildEdge)] =
            &[$((<$channel as ChannelType>::NAME, edge::<$channel>)),*];

        /// The sides that send, by name. Only `processor` names this table.
        pub static OUTLETS: &[(&str, BuildOutlet)] =
            &[$((<$channel as ChannelType>::NAME, outlet::<$channel>)),*];

        /// What tells providers where to send what users do, by name. Only the command line names this table.
        pub static REGISTRATIONS: &[(&str, Register)] =
            &[$((<$channel as ChannelType>::NAME, register::<$channel>)),*];

        /// What makes what is uploaded to providers, by name. Only the command line names this table.
        pub static PACKAGES: &[(&str, Pack)] =
            &[$((<$channel as ChannelType>::NAME, package::<$channel>)),*];

        /// What tries the credentials of connections, by name. Only the command line names this table.
        pub static TRIALS: &[(&str, Try)] =
            &[$((<$channel as ChannelType>::NAME, online::<$channel>)),*];
    };
}

channels!(
    crate::custom::Custom,
    crate::google_chat::GoogleChat,
    crate::slack::Slack,
    crate::teams::Teams,
    crate::telegram::Telegram,
    crate::twilio::Twilio,
    crate::webex::Webex
);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::capability;

    #[test]
    fn the_page_of_each_channel_has_the_table_that_is_printed() {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for channel in CHANNELS {
            let name = channel.name;
            let page = project.join("docs").join(channel.facts.page);
            let page = fs::read_to_string(page).expect("a page");
            let printed = capability::table(channel.capabilities);
            assert!(
                page.contains(&printed),
                "the page of {name} needs what `haptik-bridge capabilities {name}` prints:\n{printed}"
            );
        }
        assert!(find("slak").is_none());
    }
}
