//! Edits: `editMessageText`, `editMessageCaption`, `editMessageReplyMarkup`.

use serde_json::Value;

use super::{Arguments, chat};
use crate::fake_telegram::state::State;
use crate::fake_telegram::text;
use crate::fake_telegram::{Message, Refused, keyboard};

/// <https://core.telegram.org/bots/api#editmessagetext>
pub(super) fn text(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let formatted = text::of_message(arguments)?;
    edit(state, arguments, |message| {
        if message.is_caption {
            return Err(Refused::bad_request(
                "there is no text in the message to edit",
            ));
        }
        (message.text, message.entities) = (formatted.text, formatted.entities);
        Ok(())
    })
}

/// <https://core.telegram.org/bots/api#editmessagecaption>
pub(super) fn caption(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let formatted = text::of_caption(arguments)?;
    edit(state, arguments, |message| {
        if !message.is_caption {
            return Err(Refused::bad_request(
                "there is no caption in the message to edit",
            ));
        }
        (message.text, message.entities) = (formatted.text, formatted.entities);
        Ok(())
    })
}

/// <https://core.telegram.org/bots/api#editmessagereplymarkup>
pub(super) fn keyboard(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    edit(state, arguments, |_| Ok(()))
}

/// An edit takes the keyboard away unless it brings one.
fn edit(
    state: &State,
    arguments: &Arguments,
    change: impl FnOnce(&mut Message) -> Result<(), Refused>,
) -> Result<Value, Refused> {
    let keyboard = keyboard::inline(arguments, true)?;
    let id = arguments
        .get("message_id")
        .and_then(Value::as_i64)
        .unwrap_or_default();
    state.change(|store| {
        let chat = chat::writable(store, arguments)?;
        let message = store.message(chat, id);
        let message = message.ok_or_else(|| Refused::bad_request("message to edit not found"))?;
        if message.from != state.bot_id {
            return Err(Refused::bad_request("message can't be edited"));
        }
        let mut edited = message.clone();
        edited.keyboard = keyboard;
        change(&mut edited)?;
        if edited == *message {
            return Err(Refused::bad_request(
                "message is not modified: specified new message content and reply markup are exactly the \
                 same as a current content and reply markup of the message",
            ));
        }
        edited.edited = true;
        let shown = store.chats.get(&chat).map(super::super::state::Chat::to_json);
        let answer = edited.to_json(state, &shown.unwrap_or_default());
        if let Some(message) = store.message_mut(chat, id) {
            *message = edited;
        }
        Ok(answer)
    })
}
