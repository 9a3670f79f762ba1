//! A page as a message: the fields of a form
//! (<https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource>), without whose it
//! is and for whom. What has buttons is a [`content`] instead.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::content;
use super::limits::Medium;
use super::segments::segments;
use crate::callback::Tap;
use crate::channel::Part;
use crate::render::inline::verbatim;
use crate::render::{Block, Button, Markup, Page, Span, Target};

/// The fields of a message that a part may have.
const FIELDS: [&str; 2] = ["Body", "MediaUrl"];

/// By which channel it goes, where that is not SMS.
const MEDIUM: &str = "medium";

/// The messages of some pages.
pub(super) fn parts(pages: Vec<Page>, medium: Medium) -> Vec<Part> {
    let pages = pages.into_iter().map(with_distinct_labels);
    let mut pages: Vec<Page> = pages.flat_map(messages).collect();
    Page::count_choices(&mut pages);
    // What has no room for its numbers may have it without the lines above.
    let pages = pages.into_iter().map(with_distinct_labels);
    let parts = pages.enumerate().map(|(index, mut page)| {
        page.index = index;
        Part {
            index,
            body: encode(&page, medium),
            page: Some(page),
        }
    });
    parts.collect()
}

/// A page as messages. What has buttons is a content, and that has room for one line: a picture, and the lines above
/// the last one, are messages of their own before it.
fn messages(page: Page) -> Vec<Page> {
    if !has_buttons(&page) {
        return vec![page];
    }
    let (mut pictures, mut texts, mut below) = (Vec::new(), Vec::new(), Vec::new());
    for block in page.blocks.clone() {
        match block {
            Block::Picture(_) => pictures.push(block),
            Block::Buttons { .. } | Block::Menu { .. } => below.push(block),
            _ => texts.push(block),
        }
    }
    if let Some(line) = take_last_line(&mut texts) {
        below.insert(0, Block::Text(verbatim(&line)));
    }
    let messages = [pictures, texts, below].into_iter();
    messages
        .filter(|blocks| !blocks.is_empty())
        .map(|blocks| {
            let mut message = page.clone();
            message.blocks = blocks;
            message
        })
        .collect()
}

/// Takes the last line from some texts; `None` where it is nothing without the others, as an item of a list.
fn take_last_line(texts: &mut Vec<Block>) -> Option<String> {
    let last = texts.pop_if(|block| matches!(block, Block::Text(_) | Block::Notice { .. }))?;
    let text = Markup::Plain.print(&last.text());
    let (above, line) = match text.trim_end().rsplit_once('\n') {
        Some((above, line)) => (above.trim_end(), line),
        None => ("", text.as_str()),
    };
    if is_item(line) && !above.is_empty() {
        texts.push(last);
        return None;
    }
    if !above.is_empty() {
        texts.push(Block::Text(verbatim(above)));
    }
    Some(line.to_owned())
}

/// Whether a line is an item of a list: it begins with a sign or a number.
fn is_item(line: &str) -> bool {
    let (sign, _) = line.split_once(' ').unwrap_or_default();
    let number = sign.trim_end_matches(['.', ')']);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    ["•", "-", "*", "–"].contains(&sign) || is_number && number.len() < sign.len()
}

/// The same part, one level simpler.
pub(super) fn simpler(part: &Part) -> Option<Part> {
    let medium = match part.body.get(MEDIUM).and_then(Value::as_str) {
        None => Medium::Sms,
        Some("whatsapp") => Medium::WhatsApp,
        Some("rcs") => Medium::Rcs,
        Some(_) => Medium::Other,
    };
    part.simpler(|page| encode(page, medium))
}

/// WhatsApp refuses two buttons with one label: they are numbered choices, which are told apart.
fn with_distinct_labels(page: Page) -> Page {
    let labels = page.buttons().map(|button| button.label.as_str());
    let distinct: HashSet<&str> = labels.collect();
    if !has_buttons(&page) || distinct.len() == page.buttons().count() {
        return page;
    }
    page.without_buttons().unwrap_or(page)
}

fn has_buttons(page: &Page) -> bool {
    content::choices(page).is_some()
}

/// The message that shows a page.
pub(super) fn encode(page: &Page, medium: Medium) -> Value {
    let text = text(page, medium);
    let mut fields = match content::encode(page, &text, medium) {
        Some(content) => content,
        None => plain(page, text),
    };
    let name = match medium {
        Medium::Sms => None,
        Medium::WhatsApp => Some("whatsapp"),
        Medium::Rcs => Some("rcs"),
        Medium::Other => Some("other"),
    };
    if let Some(name) = name {
        fields.insert(MEDIUM.to_owned(), name.into());
    }
    Value::Object(fields)
}

fn plain(page: &Page, text: String) -> Map<String, Value> {
    let mut fields = Map::new();
    if !text.is_empty() {
        fields.insert("Body".to_owned(), text.into());
    }
    if let Some(picture) = page.picture() {
        fields.insert("MediaUrl".to_owned(), picture.url.as_str().into());
    }
    fields
}

/// The text of a page. By SMS the signs that the bridge itself puts before a link or a number are left out where
/// the text is GSM-7 without them: one of them would more than double the price.
fn text(page: &Page, medium: Medium) -> String {
    let text = page.text(Markup::Plain);
    if medium != Medium::Sms || segments(&text).is_gsm() {
        return text;
    }
    let mut page = page.clone();
    for block in &mut page.blocks {
        match block {
            Block::Text(spans) => {
                if let Some(Span::Text(sign)) = spans.first()
                    && SIGNS.contains(&sign.as_str())
                {
                    spans.remove(0);
                }
            }
            Block::Numbered { choices, .. } => choices.iter_mut().for_each(without_star),
            Block::Notice { .. }
            | Block::Picture(_)
            | Block::Card(_)
            | Block::Carousel(_)
            | Block::Buttons { .. }
            | Block::Menu { .. }
            | Block::Form { .. } => {}
        }
    }
    let cheap = page.text(Markup::Plain);
    if segments(&cheap).is_gsm() {
        cheap
    } else {
        text
    }
}

/// What the bridge puts before a number, a place, a file and a link.
const SIGNS: [&str; 4] = ["📞 ", "📍 ", "📎 ", "🔗 "];

/// One of the five of a rating, without the star.
fn without_star(choice: &mut Button) {
    if let Target::Callback {
        tap: Tap::Rate { rating, .. },
        ..
    } = &choice.target
    {
        choice.label = format!("{rating} of 5");
    }
}

/// The fields of an encoded page.
pub(super) fn fields(body: &Value) -> Vec<(&'static str, String)> {
    let fields = FIELDS.into_iter().filter_map(|name| {
        let text = body.get(name)?.as_str()?;
        Some((name, text.to_owned()))
    });
    fields.collect()
}
