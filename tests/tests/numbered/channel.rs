//! A channel without buttons: what it is sent is a text.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use haptik_bridge_channels::callback;
use haptik_bridge_channels::capability::{self, Capability, Feature};
use haptik_bridge_channels::channel::{
    BuildError, ChannelType, Edge, EdgeDeps, OnlineDeps, Outlet, OutletDeps, Part, Refusal,
    SendError, Sent, Trial,
};
use haptik_bridge_channels::facts::Facts;
use haptik_bridge_channels::limits::{
    Buttons, Counted, Forms, Limits, Pace, Pictures, Shape, Size,
};
use haptik_bridge_channels::preview::Preview;
use haptik_bridge_channels::render::{Block, Markup, Page};
use haptik_bridge_shared::config::{ChannelDefinition, Outbound as OutboundSettings};
use haptik_bridge_shared::message::{Outgoing, Sender};
use serde_json::{Value, json};

/// A channel that takes texts. With buttons in its limits, it refuses them all the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    pub(super) shown: Arc<Mutex<Vec<(String, String)>>>,
    pub(super) has_buttons: bool,
}

const TEXTS: Limits = Limits {
    text: Size::utf16(1_600),
    counted: Counted::AsSent,
    markup: Markup::Plain,
    shape: Shape::Bubble,
    address: Size::utf16(2_000),
    buttons: None,
    menu: None,
    cards: None,
    pictures: Pictures::LinkOnly,
    forms: Forms::Chat,
    notices: false,
    agent_identity: None,
    pace: Pace::FREE,
    reply_window: None,
};

const WITH_BUTTONS: Limits = Limits {
    buttons: Some(Buttons {
        most: 10,
        label: Size::utf16(64),
        data: Size::bytes(64),
        codec: callback::write,
        urls: true,
        url_taps: false,
        phones: false,
    }),
    ..TEXTS
};

impl ChannelType for Texts {
    const NAME: &'static str = "texts";
    const DEFINITION: ChannelDefinition = ChannelDefinition::of::<OutboundSettings>("texts");
    const LIMITS: Option<&'static Limits> = Some(&TEXTS);
    const FACTS: Facts = <haptik_bridge_channels::custom::Custom as ChannelType>::FACTS;
    type Config = OutboundSettings;
    type Address = String;
    type Command = ();

    fn capability(feature: Feature) -> Capability {
        capability::within(&TEXTS, feature)
    }

    fn preview(_body: &Value, _sender: &Sender) -> Vec<Preview> {
        Vec::new()
    }

    fn edge(_: &Self::Config, _: EdgeDeps) -> Result<Box<dyn Edge<Self>>, BuildError> {
        Err(BuildError("nothing comes in".to_owned()))
    }

    fn online(_: &Self::Config, _: OnlineDeps) -> Trial {
        Box::pin(async { Vec::new() })
    }

    fn outlet(_: &Self::Config, _: OutletDeps) -> Result<Box<dyn Outlet<Self>>, BuildError> {
        Ok(Box::new(Self::default()))
    }
}

fn encode(page: &Page) -> Value {
    json!(page.text(Markup::Plain))
}

#[async_trait]
impl Outlet<Texts> for Texts {
    fn render(&self, outgoing: &Outgoing) -> Vec<Part> {
        let limits = if self.has_buttons {
            &WITH_BUTTONS
        } else {
            &TEXTS
        };
        Part::of_pages(outgoing, limits, encode)
    }

    fn simpler(&self, part: &Part) -> Option<Part> {
        part.simpler(encode)
    }

    async fn send(&self, to: &String, part: &Part) -> Result<Sent, SendError> {
        let page = part.page.as_ref().expect("all are made of pages");
        let has_buttons = |block: &Block| matches!(block, Block::Buttons { .. });
        if page.blocks.iter().any(has_buttons) {
            return Err(SendError::new(Refusal::TooRich, "no buttons here"));
        }
        let text = part.body.as_str().unwrap_or_default().to_owned();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.push((to.clone(), text));
        Ok(Sent {
            message_id: Some(format!("m{}", shown.len())),
        })
    }
}
