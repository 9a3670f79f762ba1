//! A message as activities
//! (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages>).
//!
//! What is only text is a text in Markdown. Anything else is a card, with the texts in it; cards that stand
//! beside each other are an activity of their own. So are buttons that go away once one is used where others
//! stay: then the activity can be replaced by one without them.

use haptik_bridge_shared::message::Outgoing;
use serde_json::{Value, json};

use super::{LIMITS, VERSION};
use crate::adaptive_cards;
use crate::channel::Part;
use crate::limits::Size;
use crate::render::{self, Block, Markup, Page, Span};

/// What stands for a card in notifications. Its length is not documented.
const SUMMARY: Size = Size::bytes(500);

/// A message as parts.
pub(super) fn parts(outgoing: &Outgoing) -> Vec<Part> {
    let pages = pages(outgoing).into_iter();
    pages
        .map(|page| Part {
            index: page.index,
            body: activity(&page),
            page: Some(page),
        })
        .collect()
}

/// A message as pages, an activity each.
pub(super) fn pages(outgoing: &Outgoing) -> Vec<Page> {
    let mut pages = Vec::new();
    for page in render::pages(outgoing, &LIMITS) {
        for blocks in apart(&page.blocks) {
            let mut part = page.clone();
            part.index = pages.len();
            part.blocks = blocks;
            pages.push(part);
        }
    }
    Page::count_choices(&mut pages);
    pages
}

/// The blocks of a page, in order, by the activities that they stand in.
fn apart(blocks: &[Block]) -> Vec<Vec<Block>> {
    let mut activities: Vec<Vec<Block>> = Vec::new();
    for block in blocks {
        let goes_on = activities
            .last()
            .is_some_and(|before| can_stand_below(before, block));
        match activities.last_mut() {
            Some(activity) if goes_on => activity.push(block.clone()),
            _ => activities.push(vec![block.clone()]),
        }
    }
    activities
}

fn can_stand_below(before: &[Block], block: &Block) -> bool {
    let is_carousel = |block: &Block| matches!(block, Block::Carousel(_));
    if is_carousel(block) || before.iter().any(is_carousel) {
        return false;
    }
    if vanishes(block) {
        return !before.iter().any(stays);
    }
    !(stays(block) && before.iter().any(vanishes))
}

fn vanishes(block: &Block) -> bool {
    match block {
        Block::Buttons { role, .. } | Block::Menu { role, .. } => role.vanishes(),
        _ => false,
    }
}

/// Whether it has buttons that are still there when others are gone.
fn stays(block: &Block) -> bool {
    match block {
        Block::Buttons { role, .. } | Block::Menu { role, .. } => !role.vanishes(),
        Block::Card(_) | Block::Form { .. } => true,
        Block::Carousel(_)
        | Block::Text(_)
        | Block::Notice { .. }
        | Block::Picture(_)
        | Block::Numbered { .. } => false,
    }
}

/// The activity that shows a page.
pub(super) fn activity(page: &Page) -> Value {
    if let [Block::Carousel(cards)] = page.blocks.as_slice() {
        let cards = cards.iter().map(|card| {
            adaptive_cards::attachment(adaptive_cards::of_card(card, page.index, VERSION))
        });
        return of_cards(cards.collect(), &summary(page));
    }
    let is_text = |block: &Block| {
        matches!(
            block,
            Block::Text(_) | Block::Notice { .. } | Block::Numbered { .. }
        )
    };
    if page.blocks.iter().all(is_text) {
        return of_markdown(&page.text(Markup::CommonMark));
    }
    let card = adaptive_cards::attachment(adaptive_cards::card(page, VERSION));
    of_cards(vec![card], &summary(page))
}

/// What stands for a card in notifications, which show no markup.
fn summary(page: &Page) -> String {
    match page.text(Markup::Plain) {
        text if text.is_empty() => page.fallback.clone(),
        text => text,
    }
}

/// An activity that shows a page whose buttons were used.
pub(super) fn settled(page: &Page, chosen: &str) -> Value {
    let card = adaptive_cards::settled(page, chosen, VERSION);
    of_cards(vec![adaptive_cards::attachment(card)], chosen)
}

/// An activity that shows what was filled in.
pub(super) fn filled(answers: &[Span]) -> Value {
    let body = vec![adaptive_cards::text(answers)];
    let card = adaptive_cards::of_elements(body, VERSION);
    of_cards(vec![adaptive_cards::attachment(card)], "✓")
}

/// An activity that is a text.
pub(super) fn text(text: &[Span]) -> Value {
    of_markdown(&Markup::CommonMark.print(text))
}

fn of_cards(cards: Vec<Value>, summary: &str) -> Value {
    let mut activity = json!({"type": "message", "summary": SUMMARY.clip(summary)});
    if cards.len() > 1 {
        activity["attachmentLayout"] = "carousel".into();
    }
    activity["attachments"] = cards.into();
    activity
}

fn of_markdown(printed: &str) -> Value {
    json!({"type": "message", "textFormat": "markdown", "text": lines(printed)})
}

/// Markdown as Teams reads it: a line ends with a blank one, but in a code block.
fn lines(printed: &str) -> String {
    let mut out = String::new();
    let mut is_code = false;
    for line in printed.split('\n') {
        if line.is_empty() && !is_code {
            continue;
        }
        if !out.is_empty() {
            out.push_str(if is_code { "\n" } else { "\n\n" });
        }
        if line.starts_with("```") {
            is_code = !is_code;
        }
        out.push_str(line);
    }
    out
}
