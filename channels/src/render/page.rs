//! Pages: one message of the provider's each.

use std::fmt;

use super::block::{Block, Button, Picture, Targets};
use super::inline::Rich;
use super::{Markup, fallback};
use crate::limits::Limits;
use haptik_bridge_shared::ids::{AuthId, EntryKey};
use haptik_bridge_shared::message::Outgoing;

/// One request to the provider: a message or a part of one. It is within the channel's limits.
#[derive(Clone)]
pub struct Page {
    /// Its place among the pages of its message, from 0. It is the same for a [simpler](Page::simpler) form.
    pub index: usize,
    /// Whom the message is for.
    pub auth_id: AuthId,
    /// The message: [`Outgoing::key`]. With the index, it names the page: the same
    /// on every try, and of no other page.
    pub key: EntryKey,
    /// Under whose name it stands, where that is not the bot's.
    pub sender: Option<Identity>,
    /// What it shows, from top to bottom; never nothing.
    pub blocks: Vec<Block>,
    /// The text that stands for the blocks in notifications and for screen readers, in the channel's
    /// markup: read alone, it says what is shown, what can be chosen and where links lead.
    pub fallback: String,
    /// What it was laid out for.
    pub(super) limits: Limits,
    /// The number of its first choice, where its buttons become numbered choices.
    pub(super) first_number: usize,
}

/// Under which name and picture a message stands.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The https address of a picture.
    pub picture: Option<String>,
}

impl Page {
    /// All text of the page in one, in a markup: its texts, small print and numbered choices, with a blank
    /// line between them. In a [bubble](crate::limits::Shape::Bubble) it is within the limit of a
    /// text, or of a caption where the page has a picture. It may be empty where there is a picture.
    #[must_use]
    pub fn text(&self, markup: Markup) -> String {
        let texts = self
            .blocks
            .iter()
            .map(Block::text)
            .filter(|text: &Rich| !text.is_empty());
        let texts: Vec<String> = texts.map(|text| markup.print(&text)).collect();
        texts.join(GAP)
    }

    /// The first picture that stands by itself.
    #[must_use]
    pub fn picture(&self) -> Option<&Picture> {
        self.blocks.iter().find_map(|block| match block {
            Block::Picture(picture) => Some(picture),
            _ => None,
        })
    }

    /// What can be chosen outside of cards, in order.
    pub fn choices(&self) -> impl Iterator<Item = Targets<'_>> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Buttons { role, buttons, .. } => Some(Targets::Buttons(*role, buttons)),
            Block::Menu {
                role, open, rows, ..
            } => Some(Targets::Menu(*role, open, rows)),
            Block::Numbered { first, choices } => Some(Targets::Numbered(*first, choices)),
            Block::Form { .. }
            | Block::Text(_)
            | Block::Notice { .. }
            | Block::Picture(_)
            | Block::Card(_)
            | Block::Carousel(_) => None,
        })
    }

    /// Every numbered choice, with its number: what [`choices::chosen`](crate::choices::chosen) chooses from. They run on through
    /// the pages of a message, and so do those that buttons become on a page that was made [simpler](Page::simpler).
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &Button)> {
        self.choices().flat_map(|targets| match targets {
            Targets::Numbered(first, choices) => (first..).zip(choices),
            Targets::Buttons(..) | Targets::Menu(..) => (0..).zip(&[]),
        })
    }

    /// Every button, in the order in which they are shown, those of cards included.
    pub fn buttons(&self) -> impl Iterator<Item = &Button> {
        self.blocks.iter().flat_map(|block| match block {
            Block::Buttons { buttons, .. } => buttons.iter().collect::<Vec<_>>(),
            Block::Menu { rows, .. } => rows.iter().collect(),
            Block::Numbered { choices, .. } => choices.iter().collect(),
            Block::Card(card) => card.buttons.iter().collect(),
            Block::Carousel(cards) => cards.iter().flat_map(|card| &card.buttons).collect(),
            Block::Form { button, .. } => vec![button],
            Block::Text(_) | Block::Notice { .. } | Block::Picture(_) => Vec::new(),
        })
    }

    /// Counts the choices of a message's pages, so that no two have one number where buttons become numbered
    /// choices. It is for [`pages`](super::pages), and for a channel that makes others of them.
    pub fn count_choices(pages: &mut [Self]) {
        let ends = pages.iter().flat_map(Self::numbered);
        let mut next = ends.map(|(number, _)| number + 1).max().unwrap_or(1);
        for page in pages {
            page.first_number = next;
            next += page.buttons().filter(|one| one.becomes_number()).count();
        }
    }

    /// A page of a message.
    pub(super) fn new(
        outgoing: &Outgoing,
        limits: &Limits,
        index: usize,
        sender: Option<Identity>,
        blocks: Vec<Block>,
    ) -> Self {
        Self {
            index,
            auth_id: outgoing.auth_id.clone(),
            key: outgoing.key.clone(),
            sender,
            fallback: fallback::of(&blocks, limits.markup),
            blocks,
            limits: *limits,
            first_number: 1,
        }
    }

    /// The page with other blocks, which show the same in other words.
    pub(super) fn with(&self, blocks: Vec<Block>) -> Self {
        let fallback = fallback::of(&blocks, self.limits.markup);
        // Numbers may make it too long.
        let fallback = Some(fallback).filter(|fallback| self.limits.text.fits(fallback));
        let fallback = fallback.unwrap_or_else(|| self.fallback.clone());
        Self {
            blocks,
            fallback,
            ..self.clone()
        }
    }
}

/// What stands between two texts of a page.
pub(super) const GAP: &str = "\n\n";

impl fmt::Debug for Page {
    /// Leaves out what it says.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Page")
            .field("index", &self.index)
            .field("key", &self.key)
            .field("blocks", &self.blocks.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Identity {
    /// Leaves out who it is.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Identity").finish_non_exhaustive()
    }
}
