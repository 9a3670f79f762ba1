//! Pages → Block Kit (<https://docs.slack.dev/block-kit/>), one `chat.postMessage` a page. What becomes of
//! a message is the same for all channels ([`crate::render`]), within Slack's [`limits`].

use serde_json::{Map, Value, json};

use super::markup::{bold, plain};
use super::tap::{BUTTONS, FILL, OPEN, RATE, RATING, REMARK, REPLIES, SAY};
use super::{LIMITS, METADATA, limits};
use crate::callback::Tap;
use crate::limits::{Buttons, Limits};
use crate::part::Part;
use crate::render::{Block, Button, Card, Markup, Page, Picture, Role, Span, Target, split};
use haptik_bridge_shared::message::Outgoing;

mod fallback;

pub(super) use fallback::fallback;

/// What a connection may show that another may not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Agents appear under their own name and picture.
    pub(super) agent_identity: bool,
    /// Cards stand side by side.
    pub(super) carousels: bool,
    /// A link that has something to say says it when it is tapped.
    pub(super) link_says: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            agent_identity: true,
            carousels: true,
            link_says: true,
        }
    }
}

impl Style {
    /// Slack's limits, as far as the connection goes.
    pub(super) fn limits(self) -> Limits {
        Limits {
            agent_identity: LIMITS.agent_identity.filter(|_| self.agent_identity),
            cards: LIMITS.cards.filter(|_| self.carousels),
            buttons: LIMITS.buttons.map(|buttons| Buttons {
                url_taps: self.link_says,
                ..buttons
            }),
            ..LIMITS
        }
    }
}

/// The requests that show something, in order: the bodies of `chat.postMessage` without the place.
pub(super) fn parts(outgoing: &Outgoing, style: Style) -> Vec<Part> {
    Part::of_pages(outgoing, &style.limits(), encode)
}

/// The body of `chat.postMessage` (<https://docs.slack.dev/reference/methods/chat.postMessage>),
/// without the place. `parse` keeps Slack from reading names in plain text as mentions; links get no
/// previews, which would push the bot's own cards apart.
pub(super) fn encode(page: &Page) -> Value {
    let payload = json!({"auth_id": page.auth_id, "key": page.key, "part": page.index});
    let mut body = json!({"text": page.fallback});
    // A text alone needs no blocks, and may be longer than one.
    if !matches!(page.blocks.as_slice(), [Block::Text(_)]) {
        body["blocks"] = blocks(&page.blocks).into();
    }
    body["parse"] = "none".into();
    body["unfurl_links"] = false.into();
    body["unfurl_media"] = false.into();
    if let Some(sender) = &page.sender {
        body["username"] = plain(&sender.name, limits::USERNAME).into();
        if let Some(picture) = &sender.picture {
            body["icon_url"] = picture.as_str().into();
        }
    }
    body["metadata"] = json!({"event_type": METADATA, "event_payload": payload});
    body
}

/// A message of an agent's own, as the bot says it: with the agent's name above it. `None` when it is
/// under nobody else's name.
pub(super) fn in_the_bots_name(body: &Value) -> Option<Value> {
    let mut body = body.clone();
    let fields = body.as_object_mut()?;
    let name = bold(fields.remove("username")?.as_str()?);
    fields.remove("icon_url");
    if let Some(blocks) = body.get_mut("blocks").and_then(Value::as_array_mut)
        && blocks.len() < limits::BLOCKS
    {
        blocks.insert(0, context(&name));
    }
    let text = body.get("text").and_then(Value::as_str).unwrap_or_default();
    body["text"] = format!("{name}\n{text}").into();
    Some(body)
}

/// The blocks of a page, with a place for a remark before each rating, where there is room for it.
fn blocks(page: &[Block]) -> Vec<Value> {
    let mut room = limits::BLOCKS.saturating_sub(page.len());
    let mut blocks = Vec::with_capacity(page.len());
    for one in page {
        if let Block::Buttons {
            id,
            role: Role::Rating,
            ..
        } = one
            && room > 0
        {
            room -= 1;
            blocks.push(remark(*id));
        }
        blocks.push(block(one));
    }
    blocks
}

/// The place for a remark beside the rating of this number: what stands in it goes along with the rating
/// (<https://docs.slack.dev/reference/block-kit/blocks/input-block>, which messages may have).
fn remark(rating: usize) -> Value {
    json!({
        "type": "input",
        "block_id": format!("{REMARK}{rating}"),
        "optional": true,
        "label": {"type": "plain_text", "text": REMARK_LABEL},
        "element": {"type": "plain_text_input", "action_id": format!("{REMARK}{rating}"), "multiline": true},
    })
}

/// What is written above it.
const REMARK_LABEL: &str = "Would you like to add something?";

/// A block (<https://docs.slack.dev/reference/block-kit/blocks>).
fn block(block: &Block) -> Value {
    match block {
        Block::Text(text) => section(text),
        Block::Notice { text, picture } => {
            let mut block = context(&mrkdwn(text));
            let elements = block.get_mut("elements").and_then(Value::as_array_mut);
            if let (Some(elements), Some(picture)) = (elements, picture) {
                elements.insert(0, image(picture));
            }
            block
        }
        Block::Picture(picture) => image(picture),
        Block::Card(one) => card(one),
        Block::Carousel(cards) => {
            let cards: Vec<Value> = cards.iter().map(card).collect();
            json!({"type": "carousel", "elements": cards})
        }
        Block::Buttons { id, role, buttons } => actions(*id, *role, buttons),
        // Slack's limits leave none of these: there are always buttons.
        Block::Menu { id, role, rows, .. } => actions(*id, *role, rows),
        Block::Form { id, button, .. } => actions(*id, Role::Buttons, std::slice::from_ref(button)),
        Block::Numbered { .. } => section(&block.text()),
    }
}

/// A text as sections, in as many as it takes.
pub(super) fn sections(text: &[Span]) -> impl Iterator<Item = Value> {
    let Limits {
        markup, counted, ..
    } = LIMITS;
    let texts = split::split(text, limits::SECTION_TEXT, markup, counted);
    texts.into_iter().map(|text| section(&text))
}

fn section(text: &[Span]) -> Value {
    json!({"type": "section", "text": text_object(&mrkdwn(text))})
}

fn mrkdwn(text: &[Span]) -> String {
    Markup::Mrkdwn.print(text)
}

/// A text as mrkdwn. `verbatim` keeps Slack from reading names in plain text as mentions; links are
/// made of what was read as one.
pub(super) fn text_object(text: &str) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

/// A text without markup, in which names of emoji are emoji.
pub(super) fn plain_text(text: &str) -> Value {
    json!({"type": "plain_text", "text": text, "emoji": true})
}

/// A block of small grey print.
pub(super) fn context(text: &str) -> Value {
    json!({"type": "context", "elements": [text_object(text)]})
}

/// An image, as a block and as an element.
fn image(picture: &Picture) -> Value {
    let alt = plain(&picture.alt, limits::ALT_TEXT).unwrap_or_else(|| "Image".to_owned());
    json!({"type": "image", "image_url": picture.url, "alt_text": alt})
}

/// A card (<https://docs.slack.dev/reference/block-kit/blocks/card-block>).
fn card(card: &Card) -> Value {
    let mut fields = Map::new();
    if let Some(picture) = &card.picture {
        fields.insert("hero_image".to_owned(), image(picture));
    }
    for (key, text) in [
        ("title", &card.title),
        ("subtitle", &card.subtitle),
        ("body", &card.body),
    ] {
        if !text.is_empty() {
            fields.insert(key.to_owned(), text_object(&mrkdwn(text)));
        }
    }
    if !card.buttons.is_empty() {
        let buttons = card.buttons.iter();
        let buttons: Value = buttons
            .map(|one| button(card.id, Role::Buttons, one))
            .collect();
        fields.insert("actions".to_owned(), buttons);
    }
    fields.insert("type".to_owned(), "card".into());
    let block_id = format!("{BUTTONS}{}", card.id);
    fields.insert("block_id".to_owned(), block_id.into());
    Value::Object(fields)
}

fn actions(id: usize, role: Role, buttons: &[Button]) -> Value {
    let kind = match role {
        Role::Replies => REPLIES,
        Role::Buttons => BUTTONS,
        Role::Rating => RATING,
    };
    let buttons: Vec<Value> = buttons.iter().map(|one| button(id, role, one)).collect();
    json!({"type": "actions", "block_id": format!("{kind}{id}"), "elements": buttons})
}

/// A button (<https://docs.slack.dev/reference/block-kit/block-elements/button-element>).
fn button(block: usize, role: Role, button: &Button) -> Value {
    let Button { index, target, .. } = button;
    let label = plain(&button.label, limits::BUTTON_TEXT).unwrap_or_else(|| "…".to_owned());
    let action_id = match target {
        Target::Callback { tap, .. } => match tap {
            Tap::Say { .. } => format!("{SAY}{index}"),
            Tap::Rate { rating, .. } => format!("{RATE}{index}-{rating}"),
            Tap::Fill => format!("{FILL}{block}"),
        },
        Target::Url(_) | Target::Phone(_) => format!("{OPEN}{index}"),
    };
    let mut written = json!({
        "type": "button",
        "action_id": action_id,
        "text": plain_text(&label),
    });
    let is_form = matches!(target, Target::Callback { tap: Tap::Fill, .. });
    if is_form {
        written["style"] = "primary".into();
    }
    match target {
        Target::Callback { data, .. } => written["value"] = data.as_deref().into(),
        Target::Url(url) => {
            written["url"] = url.as_str().into();
            if let Some(says) = &button.says {
                written["value"] = says.as_str().into();
            }
        }
        Target::Phone(number) => written["url"] = format!("tel:{number}").into(),
    }
    if button.is_default && role == Role::Buttons && !is_form {
        written["style"] = "primary".into();
    }
    written
}

#[cfg(test)]
mod tests;
