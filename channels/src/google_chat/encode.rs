//! A page as a message (<https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages>):
//! its text, a card below it, and accessory buttons below that.
//!
//! What begins a page and is text is the message's text. From the first picture, card or form on everything
//! is in the card. Buttons that go away once one is used are accessory buttons, which can be taken away by
//! themselves; others are when there is neither a card nor such buttons.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::form;
use super::receive::{DATA, LABEL};
use crate::limits::Size;
use crate::render::{Block, Button, Card, Markup, Page, Picture, Role, Span, Target};

/// The card of a form, which is replaced once it is filled in.
pub(super) const FORM: &str = "form";

/// The card of anything else.
const CARD: &str = "card";

/// What stands for the cards where they are not shown. Its length is not documented.
const FALLBACK: Size = Size::bytes(1_000);

/// A part: the name of its message, and the message without its thread.
pub(super) fn encode(page: &Page, function: &str) -> Value {
    json!({"id": id(page), "message": message(page, function)})
}

/// Under which name a page is created
/// (<https://developers.google.com/workspace/chat/create-messages#name_a_created_message>): the same on every
/// try, and of no other page.
fn id(page: &Page) -> String {
    let mut hash = Sha256::new();
    for part in [page.auth_id.as_str(), page.key.as_str()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update((page.index as u64).to_be_bytes());
    name(&hash.finalize())
}

/// A name of our own for a message: up to 63 lower-case letters, digits and hyphens.
pub(super) fn name(of: &[u8]) -> String {
    let digits: String = hex::encode(of).chars().take(48).collect();
    format!("client-{digits}")
}

/// The message that shows a page. What a button calls is `function`: add-ons want it to be the endpoint's
/// URL, and for Chat apps any name will do.
pub(super) fn message(page: &Page, function: &str) -> Value {
    let is_carded = |block: &Block| {
        matches!(
            block,
            Block::Picture(_) | Block::Card(_) | Block::Carousel(_) | Block::Form { .. }
        )
    };
    let has_card = page.blocks.iter().any(is_carded);
    let vanishes = |block: &Block| matches!(block, Block::Buttons { role, .. } if role.vanishes());
    let mut message = Message {
        buttons_in_card: has_card || page.blocks.iter().any(vanishes),
        function,
        text: Vec::new(),
        sections: Vec::new(),
        accessory: Vec::new(),
        card_id: CARD,
    };
    for block in &page.blocks {
        message.add(block);
    }
    message.finish(&page.fallback)
}

struct Message<'a> {
    function: &'a str,
    /// Whether buttons that stay are in the card.
    buttons_in_card: bool,
    text: Vec<String>,
    sections: Vec<Vec<Value>>,
    accessory: Vec<Value>,
    card_id: &'static str,
}

impl Message<'_> {
    fn add(&mut self, block: &Block) {
        match block {
            Block::Text(_) | Block::Notice { .. } | Block::Numbered { .. } => {
                let text = block.text();
                if self.sections.is_empty() {
                    self.text.push(Markup::Chat.print(&text));
                } else {
                    self.widget(paragraph(&text));
                }
            }
            Block::Picture(picture) => self.widget(image(picture)),
            Block::Card(card) => {
                let widgets = self.card(card);
                self.sections.push(widgets);
            }
            Block::Carousel(cards) => {
                let carousel = self.carousel(cards);
                self.widget(carousel);
            }
            Block::Buttons { role, buttons, .. }
            | Block::Menu {
                role,
                rows: buttons,
                ..
            } => {
                let encoded = self.buttons(buttons, *role);
                if role.vanishes() || !self.buttons_in_card {
                    self.accessory.extend(encoded);
                } else if !encoded.is_empty() {
                    self.widget(button_list(&encoded));
                }
            }
            Block::Form { form, button, .. } => {
                self.card_id = FORM;
                let required = form::required(form);
                let mut widgets = form::inputs(form);
                let send = self.button(button, Role::Buttons).map(|mut send| {
                    send["onClick"]["action"]["requiredWidgets"] = required.into();
                    button_list(&[send])
                });
                widgets.extend(send);
                self.sections.push(widgets);
            }
        }
    }

    fn widget(&mut self, widget: Value) {
        match self.sections.last_mut() {
            Some(section) => section.push(widget),
            None => self.sections.push(vec![widget]),
        }
    }

    /// A card's widgets, below each other.
    fn card(&self, card: &Card) -> Vec<Value> {
        let picture = card.picture.iter().map(image);
        let texts = card.texts().map(|text| paragraph(text));
        let mut widgets: Vec<Value> = picture.chain(texts).collect();
        let buttons = self.buttons(&card.buttons, Role::Buttons);
        if !buttons.is_empty() {
            widgets.push(button_list(&buttons));
        }
        widgets
    }

    /// Cards side by side (<https://developers.google.com/workspace/chat/api/reference/rest/v1/cards#carousel>).
    fn carousel(&self, cards: &[Card]) -> Value {
        let cards: Vec<Value> = cards
            .iter()
            .map(|card| json!({"widgets": self.card(card)}))
            .collect();
        json!({"carousel": {"carouselCards": cards}})
    }

    fn buttons(&self, buttons: &[Button], role: Role) -> Vec<Value> {
        let encoded = buttons.iter().map(|button| self.button(button, role));
        encoded.flatten().collect()
    }

    /// <https://developers.google.com/workspace/chat/api/reference/rest/v1/cards#button>
    fn button(&self, button: &Button, role: Role) -> Option<Value> {
        let label = button.label.as_str();
        let on_click = match &button.target {
            Target::Callback { data, .. } => {
                let mut parameters = vec![json!({"key": DATA, "value": data.as_deref()?})];
                if role.vanishes() {
                    parameters.push(json!({"key": LABEL, "value": label}));
                }
                json!({"action": {"function": self.function, "parameters": parameters}})
            }
            Target::Url(url) => json!({"openLink": {"url": url}}),
            // There are no such buttons: the renderer was told so.
            Target::Phone(_) => return None,
        };
        Some(json!({"text": label, "onClick": on_click}))
    }

    fn finish(self, fallback: &str) -> Value {
        let mut message = json!({});
        let has_cards = !self.sections.is_empty();
        if has_cards {
            message["cardsV2"] = json!([card(self.card_id, self.sections)]);
            message["fallbackText"] = FALLBACK.clip(fallback).into_owned().into();
        }
        let text = self.text.join("\n\n");
        if !text.is_empty() {
            message["text"] = text.into();
        } else if !has_cards {
            // Accessory buttons are below something.
            message["text"] = "Choose:".into();
        }
        if !self.accessory.is_empty() {
            message["accessoryWidgets"] = json!([button_list(&self.accessory)]);
        }
        message
    }
}

/// A card of these sections.
pub(super) fn card(id: &str, sections: Vec<Vec<Value>>) -> Value {
    let sections: Vec<Value> = sections
        .into_iter()
        .map(|widgets| json!({"widgets": widgets}))
        .collect();
    json!({"cardId": id, "card": {"sections": sections}})
}

pub(super) fn button_list(buttons: &[Value]) -> Value {
    json!({"buttonList": {"buttons": buttons}})
}

/// A text in a card.
pub(super) fn paragraph(text: &[Span]) -> Value {
    json!({"textParagraph": {"text": html(text)}})
}

/// The HTML of cards (<https://developers.google.com/workspace/chat/format-messages#card-formatting>), which
/// has no code.
fn html(text: &[Span]) -> String {
    let mut html = Markup::Html.print(text);
    for tag in ["<code>", "</code>", "<pre>", "</pre>"] {
        html = html.replace(tag, "");
    }
    html.replace('\n', "<br>")
}

/// A picture in a card, which Google loads from an https address only.
fn image(picture: &Picture) -> Value {
    if picture.url.starts_with("https:") {
        return json!({"image": {"imageUrl": picture.url, "altText": picture.alt}});
    }
    paragraph(&[
        Span::Text("🔗 ".to_owned()),
        Span::Link {
            url: picture.url.clone(),
            label: picture.alt.clone(),
        },
    ])
}
