//! Adaptive Cards (<https://adaptivecards.io/explorer/>): a page's blocks as the JSON of a card. Microsoft
//! Teams and Webex show them, each up to a [version](Version) of its own.
//!
//! - [`card`] is a page as one card, [`of_card`] one of several cards side by side, [`elements`] what both are
//!   made of.
//! - What a button carries comes back in an object, with what is filled in beside it: [`Submitted`] reads it.
//! - [`form`] has the inputs of a form and their answers.
//!
//! A text has bold, italics, lists and links, and nothing else ([`Markup::Card`]): what is code or struck through is
//! text. A host that does not know an element drops it, so that a card has what its version has and no more.

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::redacted_debug;
use serde_json::{Map, Value, json};

use crate::limits::Size;
use crate::render::{Block, Button, Card, Markup, Page, Picture, Role, Span, Target};

pub mod form;

/// The content type of a card among the attachments of a message.
pub const CONTENT_TYPE: &str = "application/vnd.microsoft.card.adaptive";

/// The schema that cards name.
const SCHEMA: &str = "http://adaptivecards.io/schemas/adaptive-card.json";

/// How many buttons stand in one row: Microsoft's renderer drops more, where its host has not set another number.
const ROW: usize = 5;

/// The names of what our buttons carry: their data, their label where they go away once one is used, and the
/// place of their page.
const DATA: &str = "k";
const LABEL: &str = "l";
const PAGE: &str = "p";

/// Up to which version a host shows cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Inputs have labels and can be required.
    V1_3,
    /// Texts can be headings.
    V1_5,
}

impl Version {
    /// As cards write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_3 => "1.3",
            Self::V1_5 => "1.5",
        }
    }
}

/// A page as one card: several cards stand below each other in it.
#[must_use]
pub fn card(page: &Page, version: Version) -> Value {
    let elements = page
        .blocks
        .iter()
        .flat_map(|block| elements(block, page.index, version));
    of_elements(elements.collect(), version)
}

/// A card that stands beside others.
#[must_use]
pub fn of_card(card: &Card, page: usize, version: Version) -> Value {
    of_elements(in_card(card, page, version), version)
}

/// A card of these elements.
#[must_use]
pub fn of_elements(body: Vec<Value>, version: Version) -> Value {
    let mut card = json!({
        "type": "AdaptiveCard",
        "$schema": SCHEMA,
        "version": version.as_str(),
    });
    card["body"] = body.into();
    card
}

/// A card as an attachment of a message.
#[must_use]
pub fn attachment(card: Value) -> Value {
    let mut attachment = json!({"contentType": CONTENT_TYPE});
    attachment["content"] = card;
    attachment
}

/// Whether a value, as it is sent, is no longer than this.
#[must_use]
pub fn fits(value: &Value, most: Size) -> bool {
    most.fits(&value.to_string())
}

/// What shows a block, from top to bottom; `page` is the place of its page.
#[must_use]
pub fn elements(block: &Block, page: usize, version: Version) -> Vec<Value> {
    match block {
        Block::Text(_) | Block::Numbered { .. } => vec![text(&block.text())],
        Block::Notice { text: words, .. } => {
            let mut small = text(words);
            small["isSubtle"] = true.into();
            vec![small]
        }
        Block::Picture(picture) => vec![image(picture)],
        Block::Card(card) => vec![container(card, page, version)],
        Block::Carousel(cards) => cards
            .iter()
            .map(|card| container(card, page, version))
            .collect(),
        Block::Buttons { role, buttons, .. }
        | Block::Menu {
            role,
            rows: buttons,
            ..
        } => action_sets(buttons, *role, page),
        Block::Form { form, button, .. } => {
            let mut elements = form::inputs(form);
            let send = action(button, Role::Buttons, page).map(|mut send| {
                // This one sends what is filled in.
                if let Some(send) = send.as_object_mut() {
                    send.remove("associatedInputs");
                }
                action_set(&[send])
            });
            elements.extend(send);
            elements
        }
    }
}

/// Several cards below each other are told apart.
fn container(card: &Card, page: usize, version: Version) -> Value {
    json!({
        "type": "Container",
        "separator": true,
        "items": in_card(card, page, version),
    })
}

/// What is in a card.
fn in_card(card: &Card, page: usize, version: Version) -> Vec<Value> {
    let mut elements: Vec<Value> = card.picture.iter().map(image).collect();
    if !card.title.is_empty() {
        let mut title = text(&card.title);
        title["weight"] = "Bolder".into();
        if version >= Version::V1_5 {
            title["style"] = "heading".into();
        }
        elements.push(title);
    }
    if !card.subtitle.is_empty() {
        let mut subtitle = text(&card.subtitle);
        subtitle["isSubtle"] = true.into();
        elements.push(subtitle);
    }
    if !card.body.is_empty() {
        elements.push(text(&card.body));
    }
    elements.extend(action_sets(&card.buttons, Role::Buttons, page));
    elements
}

/// A text (<https://adaptivecards.io/explorer/TextBlock.html>).
#[must_use]
pub fn text(text: &[Span]) -> Value {
    json!({"type": "TextBlock", "text": Markup::Card.print(text), "wrap": true})
}

/// A picture (<https://adaptivecards.io/explorer/Image.html>), which hosts load from an https address only.
fn image(picture: &Picture) -> Value {
    if picture.url.starts_with("https:") {
        return json!({
            "type": "Image", "url": picture.url, "altText": picture.alt, "size": "Stretch",
        });
    }
    text(&[
        Span::Text("🔗 ".to_owned()),
        Span::Link {
            url: picture.url.clone(),
            label: picture.alt.clone(),
        },
    ])
}

/// Buttons, in rows (<https://adaptivecards.io/explorer/ActionSet.html>).
fn action_sets(buttons: &[Button], role: Role, page: usize) -> Vec<Value> {
    let actions: Vec<Value> = buttons
        .iter()
        .filter_map(|button| action(button, role, page))
        .collect();
    actions.chunks(ROW).map(action_set).collect()
}

fn action_set(actions: &[Value]) -> Value {
    json!({"type": "ActionSet", "actions": actions})
}

/// A button (<https://adaptivecards.io/explorer/Action.Submit.html>). It sends none of the inputs that stand
/// in the card, whose required ones would hold it back.
fn action(button: &Button, role: Role, page: usize) -> Option<Value> {
    let label = button.label.as_str();
    let mut action = match &button.target {
        Target::Callback { data, .. } => {
            let mut carried = json!({DATA: data.as_deref()?});
            if role.vanishes() {
                carried[LABEL] = label.into();
                carried[PAGE] = page.into();
            }
            json!({
                "type": "Action.Submit", "title": label, "data": carried, "associatedInputs": "none",
            })
        }
        Target::Url(url) => json!({"type": "Action.OpenUrl", "title": label, "url": url}),
        // There are no such buttons: the renderer was told so.
        Target::Phone(_) => return None,
    };
    if button.is_default {
        action["style"] = "positive".into();
    }
    Some(action)
}

/// What a button of ours came back with.
#[derive(Clone, PartialEq)]
pub struct Submitted {
    /// What the button carries.
    pub data: String,
    /// Its label and the place of its page, where it goes away once it is used.
    pub used: Option<(String, usize)>,
    /// What is filled in, by the inputs' names.
    pub inputs: Value,
}

redacted_debug!(Submitted {});

impl Submitted {
    /// Reads the object that came back; `None` where it is of no button of ours.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        let data = value.get(DATA)?.as_str()?.to_owned();
        let label = lenient_json::some_text(value, LABEL);
        let page = value.get(PAGE).and_then(Value::as_u64);
        let page = page.and_then(|page| usize::try_from(page).ok());
        let inputs: Map<String, Value> = value
            .as_object()?
            .iter()
            .filter(|(name, _)| form::is_name(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Some(Self {
            data,
            used: label.zip(page),
            inputs: Value::Object(inputs),
        })
    }
}

/// A page as a card in which the buttons that go away are gone, and which says what was chosen.
#[must_use]
pub fn settled(page: &Page, chosen: &str, version: Version) -> Value {
    let vanishes = |block: &&Block| match block {
        Block::Buttons { role, .. } | Block::Menu { role, .. } => role.vanishes(),
        _ => false,
    };
    let kept = page.blocks.iter().filter(|block| !vanishes(block));
    let mut body: Vec<Value> = kept
        .flat_map(|block| elements(block, page.index, version))
        .collect();
    body.push(text(&[Span::Bold(vec![Span::Text(format!("✓ {chosen}"))])]));
    of_elements(body, version)
}

#[cfg(test)]
mod tests;
