//! Graceful degradation: one level simpler, for when a provider refuses a page all the same: a picture that it cannot load, a
//! block that a workspace does not have yet, markup that it cannot read.

use std::cell::Cell;

use super::Markup;
use super::block::{Block, Button, Card, Picture, Role, Target};
use super::inline::{self, LONGEST_LINK, Rich, Span, read, verbatim};
use super::pack::{fits, fits_in, takes};
use super::page::Page;
use crate::callback::Tap;
use crate::limits::{Limits, Size};

impl Page {
    /// The page one level simpler, with the same index; `None` when there is nothing simpler, or it would be
    /// longer than the provider takes. The first of these that changes something:
    ///
    /// 1. cards below each other: picture, text, buttons;
    /// 2. pictures as links;
    /// 3. texts without markup;
    /// 4. buttons and menus as numbered choices, what a form asks as text.
    #[must_use]
    pub fn simpler(&self) -> Option<Self> {
        let limits = &self.limits;
        let levels: [&Level<'_>; 4] = [
            &|blocks| stacked(blocks, limits, self.first_number),
            &|blocks| each(blocks, |block| without_picture(block, limits)),
            &|blocks| each(blocks, without_markup),
            &|blocks| without_buttons(blocks, self.first_number),
        ];
        let changed = |(at, level): (usize, &&Level<'_>)| Some((at, level(&self.blocks)?));
        let (level, simple) = levels.iter().enumerate().find_map(changed)?;
        let is_shown = !simple.is_empty() && takes(&simple, limits);
        is_shown.then(|| match level {
            // What stands for cards and pictures stands for these too.
            0 | 1 => Self {
                blocks: simple,
                ..self.clone()
            },
            _ => self.with(simple),
        })
    }

    /// The page with numbered choices in place of its buttons and menus, and all else as it is; `None` when it has
    /// none, or would be longer than the provider takes.
    #[must_use]
    pub fn without_buttons(&self) -> Option<Self> {
        let numbered = without_buttons(&self.blocks, self.first_number)?;
        takes(&numbered, &self.limits).then(|| self.with(numbered))
    }
}

/// What makes blocks simpler; `None` when it changes none of them.
type Level<'a> = dyn Fn(&[Block]) -> Option<Vec<Block>> + 'a;

/// The blocks with some of them replaced; `None` when none is.
fn each(blocks: &[Block], replaced: impl Fn(&Block) -> Option<Vec<Block>>) -> Option<Vec<Block>> {
    let mut changed = false;
    let blocks = blocks.iter().flat_map(|block| {
        let others = replaced(block);
        changed |= others.is_some();
        others.unwrap_or_else(|| vec![block.clone()])
    });
    let blocks: Vec<Block> = blocks.collect();
    changed.then_some(blocks)
}

/// Cards below each other. In a bubble, which has room for one picture and one set of buttons, pictures are
/// links, and the buttons of all cards stand together: as choices from this number on, where they are too many.
fn stacked(blocks: &[Block], limits: &Limits, first: usize) -> Option<Vec<Block>> {
    let mut stacked = each(blocks, |block| match block {
        Block::Card(card) => Some(below_each_other(card)),
        Block::Carousel(cards) => Some(cards.iter().flat_map(below_each_other).collect()),
        _ => None,
    })?;
    if limits.is_bubble() && !fits(&stacked, limits) {
        let linked = |block: &Block| without_picture(block, limits);
        stacked = each(&stacked, linked).unwrap_or(stacked);
        let mut all = Vec::new();
        stacked.retain_mut(|block| match block {
            Block::Buttons { buttons, .. } => {
                all.append(buttons);
                false
            }
            _ => true,
        });
        if !all.is_empty() {
            stacked.push(Block::Buttons {
                id: 0,
                role: Role::Buttons,
                buttons: all,
            });
        }
        let most = limits.buttons.map_or(0, |buttons| buttons.most);
        let is_too_much =
            |block: &Block| matches!(block, Block::Buttons { buttons, .. } if buttons.len() > most);
        if stacked.iter().any(is_too_much) {
            stacked = without_buttons(&stacked, first)?;
        }
    }
    Some(stacked)
}

/// A card as a picture, a text and buttons.
fn below_each_other(card: &Card) -> Vec<Block> {
    let mut blocks = Vec::new();
    blocks.extend(card.picture.clone().map(Block::Picture));
    let text = inline::lines(card.texts().cloned());
    if !text.is_empty() {
        blocks.push(Block::Text(text));
    }
    if !card.buttons.is_empty() {
        blocks.push(Block::Buttons {
            id: card.id,
            role: Role::Buttons,
            buttons: card.buttons.clone(),
        });
    }
    blocks
}

/// How long a picture's description is as the label of a link.
const LINK_LABEL: Size = Size::utf16(LONGEST_LINK.max / 4);

/// A picture as a link to it, small print without its picture; `None` for any other block.
fn without_picture(block: &Block, limits: &Limits) -> Option<Vec<Block>> {
    match block {
        Block::Notice {
            text,
            picture: Some(_),
        } => Some(vec![Block::Notice {
            text: text.clone(),
            picture: None,
        }]),
        Block::Picture(Picture { url, alt }) => {
            let label = LINK_LABEL.clip(alt).into_owned();
            let url = url.clone();
            let words = verbatim(&label);
            let link = vec![Span::Link { url, label }];
            let text = if fits_in(&link, limits.section(), limits) {
                link
            } else {
                words
            };
            Some(vec![Block::Notice {
                text,
                picture: None,
            }])
        }
        _ => None,
    }
}

/// A text without markup; `None` for any other block.
fn without_markup(block: &Block) -> Option<Vec<Block>> {
    let plain = |text: &Rich| {
        // The sign of a list's item stays one when it is read again.
        let is_plain = |span: &Span| matches!(span, Span::Text(_) | Span::LineBreak | Span::Bullet);
        let has_markup = !text.iter().all(is_plain);
        has_markup.then(|| verbatim(&Markup::Plain.print(text)))
    };
    match block {
        Block::Text(text) => Some(vec![Block::Text(plain(text)?)]),
        Block::Notice { text, picture } => Some(vec![Block::Notice {
            text: plain(text)?,
            picture: picture.clone(),
        }]),
        _ => None,
    }
}

/// Buttons and menus as numbered choices, from this number on; `None` where there are none.
fn without_buttons(blocks: &[Block], first: usize) -> Option<Vec<Block>> {
    let next = Cell::new(first);
    each(blocks, |block| match block {
        Block::Buttons { buttons, .. } | Block::Menu { rows: buttons, .. } => {
            Some(numbers(buttons, &next))
        }
        Block::Form { form, .. } => {
            let questions = super::form::questions(form);
            let asked = inline::lines([read("Please answer:"), questions]);
            Some(vec![Block::Text(asked)])
        }
        _ => None,
    })
}

fn numbers(buttons: &[Button], next: &Cell<usize>) -> Vec<Block> {
    let mut lines = Vec::new();
    let mut choices = Vec::new();
    for button in buttons {
        let mut line = vec![Span::Text(format!("{}: ", button.label))];
        match &button.target {
            // The questions are in the message already.
            Target::Callback { tap: Tap::Fill, .. } => continue,
            Target::Callback { tap, .. } => {
                let tap = tap.clone();
                choices.push(Button {
                    target: Target::Callback { tap, data: None },
                    ..button.clone()
                });
                continue;
            }
            Target::Url(url) => line.extend(inline::address(url)),
            Target::Phone(number) => line.push(Span::Text(number.clone())),
        }
        lines.push(line);
    }
    let mut blocks = Vec::new();
    let lines = inline::lines(lines);
    if !lines.is_empty() {
        blocks.push(Block::Text(lines));
    }
    if !choices.is_empty() {
        let first = next.get();
        next.set(first + choices.len());
        blocks.push(Block::Numbered { first, choices });
    }
    blocks
}

#[cfg(test)]
mod tests;
