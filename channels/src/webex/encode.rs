//! A page as a message (<https://developer.webex.com/docs/api/v1/messages/create-a-message>): Markdown where it
//! is text, and one Adaptive Card where it is more. Beside a card the Markdown is not seen: it is for
//! notifications and for clients that show no cards, so that all of the page is in the card.

use serde_json::{Value, json};

use super::TEXT;
use crate::adaptive_cards::{self, Version};
use crate::render::{Block, Markup, Page};

/// Up to which version Webex shows cards (<https://developer.webex.com/docs/buttons-and-cards>).
const VERSION: Version = Version::V1_3;

/// The message that shows a page, without its room and thread.
pub(super) fn encode(page: &Page) -> Value {
    if page.blocks.iter().all(is_text) {
        return text(&page.text(Markup::CommonMark));
    }
    let card = adaptive_cards::card(page, VERSION);
    json!({
        "markdown": TEXT.clip(&page.fallback),
        "attachments": [adaptive_cards::attachment(card)],
    })
}

/// A message that is a text.
pub(super) fn text(markdown: &str) -> Value {
    // Two spaces end a line.
    let lines = markdown.replace('\n', "  \n");
    let lines = Some(lines).filter(|lines| TEXT.fits(lines));
    json!({"markdown": lines.unwrap_or_else(|| markdown.to_owned())})
}

fn is_text(block: &Block) -> bool {
    match block {
        Block::Text(_) | Block::Notice { .. } | Block::Numbered { .. } => true,
        Block::Picture(_)
        | Block::Card(_)
        | Block::Carousel(_)
        | Block::Buttons { .. }
        | Block::Menu { .. }
        | Block::Form { .. } => false,
    }
}
