//! Keyboards (<https://core.telegram.org/bots/api#inlinekeyboardmarkup>), refused as Telegram does it:
//! after `get_inline_keyboard_button` and `check_link` of `tdlib/td`
//! (`td/telegram/ReplyMarkup.cpp`, `td/telegram/LinkManager.cpp`).

use serde_json::{Map, Value};
use url::Url;

use super::Refused;

/// The most bytes of `callback_data` (<https://core.telegram.org/bots/api#inlinekeyboardbutton>).
const CALLBACK_DATA: usize = 64;

/// The most buttons on a message, and in a row. Telegram does not document them: python-telegram-bot
/// 22.8, `constants.InlineKeyboardMarkupLimit`.
const BUTTONS: usize = 100;
const BUTTONS_A_ROW: usize = 8;

/// What an inline button does; each has exactly one.
const ACTIONS: &[&str] = &[
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
];

/// The keyboard of a message, rows of buttons, if it has one with buttons in it.
pub(super) fn inline(
    arguments: &Map<String, Value>,
    only_inline: bool,
) -> Result<Option<Value>, Refused> {
    let Some(markup) = arguments.get("reply_markup") else {
        return Ok(None);
    };
    let Some(markup) = markup.as_object() else {
        return Err(Refused::bad_request("object expected as reply markup"));
    };
    let Some(rows) = markup.get("inline_keyboard") else {
        let known = ["keyboard", "remove_keyboard", "force_reply"];
        let is_known = known.iter().any(|key| markup.contains_key(*key));
        if (only_inline || !is_known) && !markup.is_empty() {
            return Err(Refused::bad_request("inline keyboard expected"));
        }
        return Ok(None);
    };
    let expected =
        "field \"inline_keyboard\" of the InlineKeyboardMarkup must be an Array of Arrays";
    let rows = rows
        .as_array()
        .ok_or_else(|| Refused::bad_request(expected))?;
    let mut count = 0;
    for row in rows {
        let row = row
            .as_array()
            .ok_or_else(|| Refused::bad_request(expected))?;
        if row.len() > BUTTONS_A_ROW {
            return Err(Refused::bad_request(
                "BUTTON_ROW_TOO_LONG (undocumented: at most 8)",
            ));
        }
        for button in row {
            inline_button(button)?;
            count += 1;
        }
    }
    if count > BUTTONS {
        return Err(Refused::bad_request("reply markup is too long"));
    }
    Ok((count > 0).then(|| Value::Array(rows.clone())))
}

fn inline_button(button: &Value) -> Result<(), Refused> {
    let cannot = "can't parse inline keyboard button:";
    let fields = button.as_object().ok_or_else(|| {
        Refused::bad_request(format!("{cannot} InlineKeyboardButton must be an Object"))
    })?;
    let known = |name: &str| {
        ACTIONS.contains(&name) || ["text", "style", "icon_custom_emoji_id"].contains(&name)
    };
    if let Some(name) = fields.keys().find(|name| !known(name)) {
        return Err(Refused::bad_request(format!(
            "an inline button has no field {name:?} (Telegram ignores it)"
        )));
    }
    let text = fields.get("text").and_then(Value::as_str).ok_or_else(|| {
        Refused::bad_request(format!("{cannot} Field \"text\" must be of type String"))
    })?;
    if text.trim().is_empty() {
        return Err(Refused::bad_request(
            "inline keyboard button text must be non-empty",
        ));
    }
    let actions: Vec<&str> = ACTIONS
        .iter()
        .copied()
        .filter(|name| fields.contains_key(*name))
        .collect();
    if actions.len() > 1 {
        return Err(Refused::bad_request(format!(
            "a button with several actions: {actions:?}"
        )));
    }
    if let Some(url) = fields.get("url").and_then(Value::as_str) {
        return checked_link(url).map(drop).map_err(|reason| {
            Refused::bad_request(format!(
                "inline keyboard button URL '{url}' is invalid: {reason}"
            ))
        });
    }
    match fields.get("callback_data").and_then(Value::as_str) {
        Some(data) if data.len() > CALLBACK_DATA => {
            Err(Refused::bad_request("BUTTON_DATA_INVALID"))
        }
        Some(data) if !data.is_empty() => Ok(()),
        _ if actions.iter().any(|name| *name != "callback_data") => Ok(()),
        _ => Err(Refused::bad_request(format!(
            "{cannot} Text buttons are unallowed in the inline keyboard"
        ))),
    }
}

/// A link that may be opened; without a scheme it is `http`.
pub(super) fn checked_link(link: &str) -> Result<String, &'static str> {
    let whole = match link.split_once("://") {
        Some(_) => link.to_owned(),
        None if ["tel:", "mailto:", "javascript:", "data:"]
            .iter()
            .any(|scheme| link.starts_with(scheme)) =>
        {
            return Err("Unsupported URL protocol");
        }
        None => format!("http://{link}"),
    };
    let url = Url::parse(&whole).map_err(|_| "Wrong HTTP URL")?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_some_and(|host| host.contains(['.', ':'])) => {
            Ok(url.to_string())
        }
        "http" | "https" => Err("Wrong HTTP URL"),
        "tg" | "ton" | "tonsite" => Ok(whole),
        _ => Err("Unsupported URL protocol"),
    }
}
