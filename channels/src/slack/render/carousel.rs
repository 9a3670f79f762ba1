//! Cards as Slack's own, side by side (<https://docs.slack.dev/reference/block-kit/blocks/carousel-block>),
//! where they hold all that a card has.

use serde_json::{Map, Value, json};

use super::Renderer;
use super::cards::{described, is_picture};
use super::fallback;
use super::piece::{Piece, text_object};
use crate::slack::limits;
use crate::slack::markup::{mrkdwn, web_address};
use crate::slack::tap::BUTTONS;
use haptik_bridge_shared::message::hsl::Card;

impl Renderer<'_> {
    /// Cards in as few carousels as hold them, a single one by itself; `None` when one of them has more
    /// than a card of Slack's takes, or is a picture alone, which is larger by itself. `text` is the
    /// message's own.
    pub(super) fn carousels(&mut self, cards: &[Card], text: &str) -> Option<Vec<Piece>> {
        let (actionable, block) = (self.actionable, self.block);
        let shown: Option<Vec<Value>> = cards.iter().map(|card| self.native(card, text)).collect();
        let is_picture_alone = cards.len() == 1 && cards.iter().all(Card::is_image);
        let shown = shown.filter(|shown| !shown.is_empty() && !is_picture_alone);
        let Some(shown) = shown else {
            (self.actionable, self.block) = (actionable, block);
            return None;
        };
        let mut carousels = vec![Vec::new()];
        for card in shown {
            let mut current = carousels.pop().unwrap_or_default();
            current.push(card);
            if current.len() == 1 || fits(&current) {
                carousels.push(current);
                continue;
            }
            let card = current.pop();
            carousels.push(current);
            carousels.push(card.into_iter().collect());
        }
        Some(carousels.into_iter().map(carousel).collect())
    }

    /// A card of Slack's (<https://docs.slack.dev/reference/block-kit/blocks/card-block>).
    fn native(&mut self, card: &Card, text: &str) -> Option<Value> {
        let mut fields = Map::new();
        if !card.thumbnail.trim().is_empty() {
            let url = web_address(&card.thumbnail, limits::URL).filter(|url| is_picture(url))?;
            let alt_text = described(&[&card.title, text]);
            let image = json!({"type": "image", "image_url": url, "alt_text": alt_text});
            fields.insert("hero_image".to_owned(), image);
        }
        for (key, text, limit) in [
            ("title", &card.title, limits::CARD_TITLE),
            ("subtitle", &card.sub_title, limits::CARD_TITLE),
            ("body", &card.description, limits::CARD_BODY),
        ] {
            let text = mrkdwn(text.trim());
            if text.trim().is_empty() {
                continue;
            }
            limits::fits(&text, limit)
                .then(|| fields.insert(key.to_owned(), text_object(&text)))?;
        }
        if card.actionables.len() > limits::CARD_ACTIONS {
            return None;
        }
        let mut buttons = Vec::new();
        for actionable in &card.actionables {
            buttons.push(self.button(BUTTONS, actionable, self.actionable)?);
            self.actionable += 1;
        }
        if !buttons.is_empty() {
            fields.insert("actions".to_owned(), buttons.into());
        }
        // A sub-title alone is none to Slack.
        fields.keys().find(|key| *key != "subtitle")?;
        fields.insert("type".to_owned(), "card".into());
        fields.insert(
            "block_id".to_owned(),
            format!("{BUTTONS}{}", self.block).into(),
        );
        self.block += 1;
        Some(Value::Object(fields))
    }
}

/// Whether a carousel takes these cards, and a message the carousel.
fn fits(cards: &[Value]) -> bool {
    let piece = carousel(cards.to_vec());
    cards.len() <= limits::CARDS
        && piece.weight <= limits::BLOCKS_TEXT
        && limits::fits(&piece.text, limits::MESSAGE_TEXT)
}

fn carousel(mut cards: Vec<Value>) -> Piece {
    let weight = cards.iter().map(weight).sum();
    // Below each other, where Slack does not take them so, each is up to three.
    let blocks = cards.len() * 3;
    let block = match (cards.pop(), cards.is_empty()) {
        (Some(card), true) => card,
        (last, _) => {
            cards.extend(last);
            json!({"type": "carousel", "elements": cards})
        }
    };
    Piece {
        text: fallback::of_block(&block),
        weight,
        blocks,
        block,
    }
}

/// All that Slack may count in a card.
fn weight(card: &Value) -> usize {
    match card {
        Value::String(text) => limits::length(text),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(fields) => fields.values().map(weight).sum(),
        _ => 0,
    }
}
