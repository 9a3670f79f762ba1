//! A page as a call of the Bot API: a text or a photo, and a keyboard below it.

use super::CAPTION;
use crate::render::{Block, Button, Markup, Page, Role, Span, Target, Targets};
use serde_json::{Value, json};

/// What the data of a button begins with that goes away once it is used.
const VANISHES: char = '-';

/// How long labels may be, in UTF-16 units, that stand beside others: so many of them in a row. Not
/// documented: a telephone shows about 36 characters in all before it cuts.
const BESIDE: &[(usize, usize)] = &[(6, 4), (10, 3), (16, 2)];

/// The five of a rating stand in one row.
const RATING: usize = 5;

/// What stands before a link to a file.
const SIGN: &str = "🔗 ";

/// The call that shows a page, without its chat: `{"method", "arguments"}`.
pub(super) fn encode(page: &Page) -> Value {
    let text = page.text(Markup::Html);
    let rows: Vec<Value> = page.choices().flat_map(rows).collect();
    let (method, mut arguments) = match (page.picture(), document(page)) {
        (Some(picture), _) => ("sendPhoto", json!({"photo": picture.url, "caption": text})),
        (None, Some(url)) => ("sendDocument", json!({"document": url, "caption": text})),
        (None, None) => ("sendMessage", json!({"text": text})),
    };
    arguments["parse_mode"] = "HTML".into();
    if !rows.is_empty() {
        arguments["reply_markup"] = json!({"inline_keyboard": rows});
        if method == "sendMessage" {
            // A preview would push the buttons away from what they answer.
            arguments["link_preview_options"] = json!({"is_disabled": true});
        }
    }
    // What is about the conversation rings nobody's bell.
    if page
        .blocks
        .iter()
        .all(|block| matches!(block, Block::Notice { .. }))
    {
        arguments["disable_notification"] = true.into();
    }
    json!({"method": method, "arguments": arguments})
}

/// The file that a page links to with a sign before it, as what is no picture is linked to, where Telegram
/// fetches it: PDF and ZIP (<https://core.telegram.org/bots/api#sending-files>).
fn document(page: &Page) -> Option<&str> {
    let texts = page.blocks.iter().filter_map(|block| match block {
        Block::Text(text) => Some(text),
        _ => None,
    });
    let mut pairs = texts.flat_map(|text| text.windows(2));
    let url = pairs.find_map(|pair| match pair {
        [Span::Text(sign), Span::Link { url, .. }] if sign.ends_with(SIGN) => Some(url.as_str()),
        _ => None,
    })?;
    let path = url
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let is_fetched = [".pdf", ".zip"].iter().any(|ending| path.ends_with(ending));
    (is_fetched && CAPTION.fits(&page.text(Markup::Plain))).then_some(url)
}

/// The rows of a keyboard (<https://core.telegram.org/bots/api#inlinekeyboardmarkup>).
fn rows(targets: Targets<'_>) -> Vec<Value> {
    let (role, buttons) = match targets {
        Targets::Buttons(role, buttons) | Targets::Menu(role, _, buttons) => (role, buttons),
        Targets::Numbered(..) => return Vec::new(),
    };
    let encoded: Vec<Value> = buttons
        .iter()
        .filter_map(|button| encoded(button, role))
        .collect();
    let rows = encoded.chunks(beside(buttons, role));
    rows.map(|row| Value::Array(row.to_vec())).collect()
}

/// How many buttons stand in a row.
fn beside(buttons: &[Button], role: Role) -> usize {
    if role == Role::Rating {
        return RATING;
    }
    let longest = buttons
        .iter()
        .map(|button| button.label.encode_utf16().count());
    let longest = longest.max().unwrap_or_default();
    let fitting = BESIDE.iter().find(|(length, _)| longest <= *length);
    fitting.map_or(1, |(_, count)| *count)
}

/// <https://core.telegram.org/bots/api#inlinekeyboardbutton>
fn encoded(button: &Button, role: Role) -> Option<Value> {
    let label = &button.label;
    match &button.target {
        Target::Callback { data, .. } => {
            let data = data.as_deref()?;
            let data = if role.vanishes() {
                format!("{VANISHES}{data}")
            } else {
                data.to_owned()
            };
            Some(json!({"text": label, "callback_data": data}))
        }
        Target::Url(url) => Some(json!({"text": label, "url": url})),
        // There are no such buttons: the renderer was told so.
        Target::Phone(_) => None,
    }
}

/// The method of an encoded page.
pub(super) fn method(body: &Value) -> Option<&'static str> {
    let method = body.get("method").and_then(Value::as_str)?;
    ["sendMessage", "sendPhoto", "sendDocument"]
        .into_iter()
        .find(|known| *known == method)
}

/// What a button carries, and whether it goes away once it is used.
pub(super) fn carried(data: &str) -> (&str, bool) {
    match data.strip_prefix(VANISHES) {
        Some(data) => (data, true),
        None => (data, false),
    }
}
