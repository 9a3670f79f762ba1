//! Cards.

use super::Layout;
use super::actions::Mode;
use crate::limits::{Cards, Pictures, Shape};
use crate::render::block::{self, Block, Picture, Role};
use crate::render::fallback;
use crate::render::inline::{self, Rich, read, title};
use crate::render::media;
use crate::render::pack::{Group, fits_in, weight};
use crate::render::web_address::web_address;
use haptik_bridge_shared::message::hsl::Card;

impl Layout<'_> {
    /// Cards, in groups that stay together: as the provider's own where these hold them, else as pictures,
    /// texts and buttons below each other. `text` is the message's own, which describes a picture that has
    /// no title.
    pub(super) fn cards(&mut self, cards: &[Card], text: &str) -> Vec<Group> {
        if let Some(carousels) = self.carousels(cards, text) {
            let group = |block| vec![block].into();
            return carousels.into_iter().map(group).collect();
        }
        let apart = cards
            .iter()
            .any(|card| !card.thumbnail.trim().is_empty() || !card.actionables.is_empty());
        let groups = cards.iter().map(|card| Group {
            blocks: self.card(card, text),
            apart,
        });
        groups.collect()
    }

    /// A card: picture, title, texts, buttons.
    pub(super) fn card(&mut self, card: &Card, text: &str) -> Vec<Block> {
        let mut blocks = self.picture(&card.thumbnail, &[&card.title, text]);
        blocks.extend(self.texts(&inline::lines([
            title(&card.title),
            read(&card.sub_title),
            read(&card.description),
        ])));
        blocks.extend(self.actionables(Role::Buttons, &card.actionables));
        blocks
    }

    /// Cards in as few carousels as hold them, a single one by itself; `None` when one of them has more
    /// than a card of the provider's takes, or is a picture alone, which is larger by itself.
    fn carousels(&mut self, cards: &[Card], text: &str) -> Option<Vec<Block>> {
        let limits = self.limits.cards?;
        let is_picture_alone = cards.len() == 1 && cards.iter().all(Card::is_image);
        if cards.is_empty() || is_picture_alone {
            return None;
        }
        let actionable = self.actionable;
        let own: Option<Vec<block::Card>> = cards
            .iter()
            .map(|card| self.own(card, text, &limits))
            .collect();
        let Some(own) = own else {
            self.actionable = actionable;
            return None;
        };
        let mut carousels: Vec<Vec<block::Card>> = Vec::new();
        for card in own {
            match carousels.last_mut() {
                Some(current) if self.takes_card(current, &card, &limits) => current.push(card),
                _ => carousels.push(vec![card]),
            }
        }
        Some(carousels.into_iter().filter_map(carousel).collect())
    }

    /// A card of the provider's.
    fn own(&mut self, card: &Card, text: &str, limits: &Cards) -> Option<block::Card> {
        let picture = if card.thumbnail.trim().is_empty() {
            None
        } else {
            let url = web_address(&card.thumbnail, self.limits.address)?;
            let is_shown = media::kind(&url, self.limits.pictures.types()) == media::Kind::Image
                && !matches!(self.limits.pictures, Pictures::LinkOnly);
            let alt = media::described(&[&card.title, text], self.limits.alt());
            Some(is_shown.then_some(Picture { url, alt })?)
        };
        let shown = |text: &str, room| -> Option<Rich> {
            let text = read(text.trim());
            if inline::is_blank(&text) {
                return Some(Rich::new());
            }
            fits_in(&text, room, self.limits).then_some(text)
        };
        let title = shown(&card.title, limits.title)?;
        let subtitle = shown(&card.sub_title, limits.title)?;
        let body = shown(&card.description, limits.body)?;
        if card.actionables.len() > limits.actions {
            return None;
        }
        let mut buttons = Vec::new();
        for actionable in &card.actionables {
            self.limits.buttons?;
            buttons.push(self.button(Mode::Buttons, actionable, self.actionable)?);
            self.actionable += 1;
        }
        // A line below no title is nothing by itself.
        let is_none =
            picture.is_none() && title.is_empty() && body.is_empty() && buttons.is_empty();
        (!is_none).then_some(block::Card {
            id: 0,
            picture,
            title,
            subtitle,
            body,
            buttons,
        })
    }

    /// Whether a carousel takes another card, and a message the carousel.
    fn takes_card(&self, cards: &[block::Card], card: &block::Card, limits: &Cards) -> bool {
        let cards: Vec<_> = cards.iter().chain([card]).cloned().collect();
        let count = cards.len();
        let Some(carousel) = carousel(cards) else {
            return false;
        };
        let has_room = match self.limits.shape {
            Shape::Bubble => true,
            Shape::Blocks { weight: room, .. } => {
                let text = fallback::of_block(&carousel, self.limits.markup);
                weight(&carousel, self.limits) <= room.max && self.limits.text.fits(&text)
            }
        };
        count <= limits.most && has_room
    }
}

/// Cards side by side; a single one is by itself.
fn carousel(mut cards: Vec<block::Card>) -> Option<Block> {
    match (cards.pop(), cards.is_empty()) {
        (Some(card), true) => Some(Block::Card(card)),
        (Some(last), false) => {
            cards.push(last);
            Some(Block::Carousel(cards))
        }
        (None, _) => None,
    }
}
