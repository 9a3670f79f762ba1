//! A page as a message (<https://developer.webex.com/docs/api/v1/messages/create-a-message>): Markdown where it
//! is text, and one Adaptive Card where it is more. Beside a card the Markdown is not seen: it is for
//! notifications and for clients that show no cards, so that all of the page is in the card.

use haptik_bridge_shared::message::Outgoing;
use serde_json::{Value, json};

use super::{LIMITS, TEXT};
use crate::adaptive_cards::{self, Version};
use crate::limits::{Limits, Shape, Size};
use crate::render::{self, Block, Markup, Page};

/// Up to which version Webex shows cards (<https://developer.webex.com/docs/buttons-and-cards>).
const VERSION: Version = Version::V1_3;

/// How long a card may be. How much Webex takes is not documented; about 22 kB are said to be.
const CARD: Size = Size::bytes(16_000);

/// How much the blocks of a page hold where the message of a fuller page would be too long: each end of a line is
/// up to five bytes then, and each name in a card comes on top.
const NARROWER: [usize; 2] = [4_500, 2_200];

/// What shows a message: as few pages as Webex takes.
pub(super) fn pages(outgoing: &Outgoing) -> Vec<Page> {
    let mut pages = render::pages(outgoing, &LIMITS);
    for room in NARROWER {
        if pages.iter().all(fits) {
            break;
        }
        pages = render::pages(outgoing, &narrower(room));
    }
    pages
}

/// What Webex takes, in pages that hold so many bytes.
const fn narrower(room: usize) -> Limits {
    let room = Size::bytes(room);
    Limits {
        text: room,
        shape: Shape::Blocks {
            most: super::BLOCKS,
            section: room,
            weight: room,
        },
        ..LIMITS
    }
}

/// Whether a page becomes a message of a length that Webex takes.
fn fits(page: &Page) -> bool {
    if is_text(page) {
        return TEXT.fits(&hard_lines(&mentionless(&page.text(Markup::CommonMark))));
    }
    adaptive_cards::fits(&card(page), CARD)
}

/// The body of a part: the message that shows a page, without its room and thread, and the name of the part.
pub(super) fn part(page: &Page) -> Value {
    json!({"message": message(page), "name": format!("{}#{}", page.key, page.index)})
}

/// The message that shows a page, without its room and thread.
pub(super) fn message(page: &Page) -> Value {
    if is_text(page) {
        return text(&page.text(Markup::CommonMark));
    }
    json!({
        "markdown": TEXT.clip(&mentionless(&page.fallback)),
        "attachments": [adaptive_cards::attachment(card(page))],
    })
}

fn card(page: &Page) -> Value {
    let mut card = adaptive_cards::card(page, VERSION);
    make_harmless(&mut card);
    card
}

/// A message that is a text.
pub(super) fn text(markdown: &str) -> Value {
    let markdown = mentionless(markdown);
    let lines = Some(hard_lines(&markdown)).filter(|lines| TEXT.fits(lines));
    json!({"markdown": lines.unwrap_or_else(|| TEXT.clip(&markdown).into_owned())})
}

/// A text with a space of no width in what would mention somebody
/// (<https://developer.webex.com/docs/basics#formatting-messages>): whether Webex heeds an escape is not documented.
fn mentionless(markdown: &str) -> String {
    markdown.replace("<@", "<\u{2060}@")
}

/// A card whose texts mention nobody.
fn make_harmless(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "text" => {
                        *text = mentionless(text);
                    }
                    other => make_harmless(other),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(make_harmless),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A text whose lines end with two spaces, so that they end there.
fn hard_lines(markdown: &str) -> String {
    markdown.replace('\n', "  \n")
}

fn is_text(page: &Page) -> bool {
    page.blocks.iter().all(|block| match block {
        Block::Text(_) | Block::Notice { .. } | Block::Numbered { .. } => true,
        Block::Picture(_)
        | Block::Card(_)
        | Block::Carousel(_)
        | Block::Buttons { .. }
        | Block::Menu { .. }
        | Block::Form { .. } => false,
    })
}
