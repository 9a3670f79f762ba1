//! Packing blocks into as few pages as the provider's limits allow.

use super::block::{Block, Button, Card, Picture, Target};
use super::fallback;
use super::inline::{Rich, Span};
use super::page::GAP;
use super::printers::Measure;
use crate::limits::{Limits, Pictures, Shape, Size};

/// Blocks that belong together, such as those of a card: they stay in one page where they fit into one.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The blocks, in order.
    pub(super) blocks: Vec<Block>,
    /// Whether it starts a page of its own in a [bubble](Shape::Bubble).
    pub(super) apart: bool,
}

impl From<Vec<Block>> for Group {
    fn from(blocks: Vec<Block>) -> Self {
        Self {
            blocks,
            apart: false,
        }
    }
}

/// Packs groups into pages, in order.
pub(super) fn pack(groups: Vec<Group>, limits: &Limits) -> Vec<Vec<Block>> {
    let mut pages = Vec::new();
    let mut current = Load::new(limits);
    for group in groups {
        let apart = group.apart && limits.is_bubble() && !current.blocks.is_empty();
        let moves = || !current.takes(&group.blocks) && Load::new(limits).takes(&group.blocks);
        if apart || moves() {
            pages.push(current.finish());
            current = Load::new(limits);
        }
        for block in group.blocks {
            if !current.takes(std::slice::from_ref(&block)) {
                pages.push(current.finish());
                current = Load::new(limits);
            }
            current.add(block);
        }
    }
    pages.push(current.finish());
    pages.retain(|page| !page.is_empty());
    pages
}

/// Whether one page takes all of these blocks.
pub(super) fn fits(blocks: &[Block], limits: &Limits) -> bool {
    Load::new(limits).takes(blocks)
}

/// Whether one page takes all of these blocks, whatever stands for them in notifications.
pub(super) fn takes(blocks: &[Block], limits: &Limits) -> bool {
    let Shape::Blocks { most, weight, .. } = limits.shape else {
        return fits(blocks, limits);
    };
    let mut load = Load::new(limits);
    for block in blocks {
        load.count(block);
    }
    load.count <= most && load.weight <= weight.max
}

impl Limits {
    pub(super) const fn is_bubble(&self) -> bool {
        matches!(self.shape, Shape::Bubble)
    }
}

/// What a page holds.
struct Load<'a> {
    limits: &'a Limits,
    blocks: Vec<Block>,
    count: usize,
    weight: usize,
    fallback: usize,
}

impl<'a> Load<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            blocks: Vec::new(),
            count: 0,
            weight: 0,
            fallback: 0,
        }
    }

    /// Whether there is room for more. One block is left for the choice that a tap adds.
    fn takes(&self, more: &[Block]) -> bool {
        let Shape::Blocks { most, weight, .. } = self.limits.shape else {
            return Bubble::of(self.blocks.iter().chain(more), self.limits).is_some();
        };
        let mut whole = Self {
            blocks: Vec::new(),
            ..*self
        };
        for block in more {
            whole.count(block);
        }
        whole.count < most && whole.weight <= weight.max && whole.fallback <= self.limits.text.max
    }

    fn count(&mut self, block: &Block) {
        // Below each other, where the provider does not take them so, cards are up to three each.
        self.count += match block {
            Block::Card(_) => 3,
            Block::Carousel(cards) => cards.len() * 3,
            _ => 1,
        };
        self.weight += weight(block, self.limits);
        let unit = self.limits.text.unit;
        self.fallback += unit.length(&fallback::of_block(block, self.limits.markup)) + 1;
    }

    fn add(&mut self, block: Block) {
        self.count(&block);
        self.blocks.push(block);
    }

    fn finish(self) -> Vec<Block> {
        let mut blocks = self.blocks;
        let is_bare = |block: &Block| matches!(block, Block::Buttons { .. } | Block::Menu { .. });
        if self.limits.is_bubble() && blocks.first().is_some_and(is_bare) {
            // A bubble has a text.
            blocks.insert(0, Block::Text(vec![Span::Text("Choose:".to_owned())]));
        }
        blocks
    }
}

/// What a bubble holds: a picture, then texts, then one set of buttons or rows; or cards.
#[derive(Default)]
struct Bubble {
    picture: bool,
    text: Rich,
    choices: bool,
    whole: bool,
}

impl Bubble {
    /// Reads blocks in order; `None` when they are more than one bubble.
    fn of<'b>(blocks: impl Iterator<Item = &'b Block>, limits: &Limits) -> Option<Self> {
        let mut bubble = Self::default();
        for block in blocks {
            bubble.add(block, limits)?;
        }
        Some(bubble)
    }

    fn add(&mut self, block: &Block, limits: &Limits) -> Option<()> {
        let is_empty = !self.picture && self.text.is_empty() && !self.choices;
        if self.whole {
            return None;
        }
        match block {
            Block::Picture(_) => {
                is_empty.then_some(())?;
                self.picture = true;
            }
            Block::Card(_) | Block::Carousel(_) | Block::Form { .. } => {
                is_empty.then_some(())?;
                self.whole = true;
            }
            Block::Buttons { .. } | Block::Menu { .. } => {
                (!self.choices).then_some(())?;
                self.choices = true;
            }
            Block::Text(_) | Block::Notice { .. } | Block::Numbered { .. } => {
                (!self.choices).then_some(())?;
                if !self.text.is_empty() {
                    self.text.push(Span::Text(GAP.to_owned()));
                }
                self.text.extend(block.text());
                let room = match limits.pictures {
                    Pictures::ByUrl { caption, .. } if self.picture => caption,
                    _ => limits.text,
                };
                fits_in(&self.text, room, limits).then_some(())?;
            }
        }
        Some(())
    }
}

/// Whether a text, printed, is no longer than a size.
pub(super) fn fits_in(text: &[Span], size: Size, limits: &Limits) -> bool {
    let size = size.of(&limits.markup.print(text));
    Measure::new(limits.markup, limits.counted, size.unit).length(text) <= size.max
}

/// What may be counted in a block beside its texts: providers do not say what they count, so values and
/// addresses are counted too.
pub(super) fn weight(block: &Block, limits: &Limits) -> usize {
    let unit = limits.text.unit;
    let text = |text: &[Span]| unit.length(&limits.markup.print(text));
    let picture = |picture: &Picture| unit.length(&picture.url) + unit.length(&picture.alt);
    let buttons = |buttons: &[Button]| -> usize {
        buttons
            .iter()
            .map(|button| button_weight(button, limits))
            .sum()
    };
    let card = |card: &Card| {
        // The names of its parts, too.
        let names = 100 + 40 * card.buttons.len();
        names
            + card.picture.as_ref().map_or(0, picture)
            + card.texts().map(|one| text(one)).sum::<usize>()
            + buttons(&card.buttons)
    };
    match block {
        Block::Text(one) => text(one),
        Block::Notice {
            text: one,
            picture: shown,
        } => text(one) + shown.as_ref().map_or(0, picture),
        Block::Picture(one) => picture(one),
        Block::Card(one) => card(one),
        Block::Carousel(cards) => cards.iter().map(card).sum(),
        Block::Buttons { buttons: all, .. } | Block::Menu { rows: all, .. } => buttons(all),
        Block::Numbered { .. } => text(&block.text()),
        Block::Form { form, button, .. } => {
            text(&super::form::questions(form)) + button_weight(button, limits)
        }
    }
}

/// Everything in a button that may be counted.
pub(super) fn button_weight(button: &Button, limits: &Limits) -> usize {
    let unit = limits.text.unit;
    let carried = match &button.target {
        Target::Callback { data, .. } => data.as_deref().unwrap_or_default(),
        Target::Url(url) => url,
        Target::Phone(number) => number,
    };
    let says = button.says.as_deref().unwrap_or_default();
    unit.length(&button.label) + unit.length(carried) + unit.length(says)
}
