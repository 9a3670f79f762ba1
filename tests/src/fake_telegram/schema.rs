//! Which fields each method has: the Bot API 10.1 of 11 June 2026, as published machine-readable in
//! `PaulSonOfLars/telegram-bot-api-spec` (`api.json`, taken from
//! <https://core.telegram.org/bots/api#available-methods>).
//!
//! Telegram ignores a field that it does not know, so that a misspelt one is lost without a word: here
//! it is refused.

use serde_json::{Map, Value};

use super::Refused;
use Kind::{Bool, Chat, File, Int, Json, Text};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Bool,
    Text,
    /// A chat's id, or its name with an `@`.
    Chat,
    /// A file's id or its URL.
    File,
    /// An object or a list.
    Json,
}

#[derive(Clone, Copy, Debug)]
struct Field {
    name: &'static str,
    kind: Kind,
    is_required: bool,
}

#[derive(Debug)]
struct Method {
    name: &'static str,
    fields: &'static [Field],
}

const fn required(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        is_required: true,
    }
}

const fn optional(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        is_required: false,
    }
}

/// The methods by their right names.
const METHODS: &[Method] = &[
    Method {
        name: "getMe",
        fields: &[],
    },
    Method {
        name: "sendMessage",
        fields: &[
            optional("business_connection_id", Text),
            required("chat_id", Chat),
            optional("message_thread_id", Int),
            optional("direct_messages_topic_id", Int),
            required("text", Text),
            optional("parse_mode", Text),
            optional("entities", Json),
            optional("link_preview_options", Json),
            optional("disable_notification", Bool),
            optional("protect_content", Bool),
            optional("allow_paid_broadcast", Bool),
            optional("message_effect_id", Text),
            optional("suggested_post_parameters", Json),
            optional("reply_parameters", Json),
            optional("reply_markup", Json),
        ],
    },
    Method {
        name: "sendPhoto",
        fields: &[
            optional("business_connection_id", Text),
            required("chat_id", Chat),
            optional("message_thread_id", Int),
            optional("direct_messages_topic_id", Int),
            required("photo", File),
            optional("caption", Text),
            optional("parse_mode", Text),
            optional("caption_entities", Json),
            optional("show_caption_above_media", Bool),
            optional("has_spoiler", Bool),
            optional("disable_notification", Bool),
            optional("protect_content", Bool),
            optional("allow_paid_broadcast", Bool),
            optional("message_effect_id", Text),
            optional("suggested_post_parameters", Json),
            optional("reply_parameters", Json),
            optional("reply_markup", Json),
        ],
    },
    Method {
        name: "sendDocument",
        fields: &[
            optional("business_connection_id", Text),
            required("chat_id", Chat),
            optional("message_thread_id", Int),
            optional("direct_messages_topic_id", Int),
            required("document", File),
            optional("thumbnail", File),
            optional("caption", Text),
            optional("parse_mode", Text),
            optional("caption_entities", Json),
            optional("disable_content_type_detection", Bool),
            optional("disable_notification", Bool),
            optional("protect_content", Bool),
            optional("allow_paid_broadcast", Bool),
            optional("message_effect_id", Text),
            optional("suggested_post_parameters", Json),
            optional("reply_parameters", Json),
            optional("reply_markup", Json),
        ],
    },
    Method {
        name: "editMessageText",
        fields: &[
            optional("business_connection_id", Text),
            optional("chat_id", Chat),
            optional("message_id", Int),
            optional("inline_message_id", Text),
            optional("text", Text),
            optional("parse_mode", Text),
            optional("entities", Json),
            optional("link_preview_options", Json),
            optional("rich_message", Json),
            optional("reply_markup", Json),
        ],
    },
    Method {
        name: "editMessageCaption",
        fields: &[
            optional("business_connection_id", Text),
            optional("chat_id", Chat),
            optional("message_id", Int),
            optional("inline_message_id", Text),
            optional("caption", Text),
            optional("parse_mode", Text),
            optional("caption_entities", Json),
            optional("show_caption_above_media", Bool),
            optional("reply_markup", Json),
        ],
    },
    Method {
        name: "editMessageReplyMarkup",
        fields: &[
            optional("business_connection_id", Text),
            optional("chat_id", Chat),
            optional("message_id", Int),
            optional("inline_message_id", Text),
            optional("reply_markup", Json),
        ],
    },
    Method {
        name: "answerCallbackQuery",
        fields: &[
            required("callback_query_id", Text),
            optional("text", Text),
            optional("show_alert", Bool),
            optional("url", Text),
            optional("cache_time", Int),
        ],
    },
    Method {
        name: "sendChatAction",
        fields: &[
            optional("business_connection_id", Text),
            required("chat_id", Chat),
            optional("message_thread_id", Int),
            required("action", Text),
        ],
    },
    Method {
        name: "getFile",
        fields: &[required("file_id", Text)],
    },
    Method {
        name: "setWebhook",
        fields: &[
            required("url", Text),
            optional("certificate", File),
            optional("ip_address", Text),
            optional("max_connections", Int),
            optional("allowed_updates", Json),
            optional("drop_pending_updates", Bool),
            optional("secret_token", Text),
        ],
    },
    Method {
        name: "deleteWebhook",
        fields: &[optional("drop_pending_updates", Bool)],
    },
    Method {
        name: "getWebhookInfo",
        fields: &[],
    },
    Method {
        name: "setMyCommands",
        fields: &[
            required("commands", Json),
            optional("scope", Json),
            optional("language_code", Text),
        ],
    },
];

/// The method of this name, whose case does not matter
/// (<https://core.telegram.org/bots/api#making-requests>).
pub(super) fn method(name: &str) -> Option<&'static str> {
    let mut all = METHODS.iter();
    let found = all.find(|method| method.name.eq_ignore_ascii_case(name))?;
    Some(found.name)
}

/// Whether the arguments are those of the method, each of its kind.
pub(super) fn check(method: &str, arguments: &Map<String, Value>) -> Result<(), Refused> {
    let fields = METHODS.iter().find(|known| known.name == method);
    let fields = fields.map_or(&[][..], |method| method.fields);
    for (name, value) in arguments {
        let field = fields.iter().find(|field| field.name == name);
        let field = field.ok_or_else(|| {
            Refused::bad_request(format!(
                "{method} has no field {name:?} (Telegram ignores it)"
            ))
        })?;
        if !is_of(field.kind, value) {
            let kind = field.kind;
            return Err(Refused::bad_request(format!(
                "{name} is not of the kind {kind:?}"
            )));
        }
    }
    // A chat, a text or a file that is missing is refused in Telegram's words, where it is used.
    let missing = fields.iter().find(|field| {
        let said_later = matches!(field.kind, Kind::Chat | Kind::File)
            || ["text", "action", "url", "file_id", "commands"].contains(&field.name);
        field.is_required && !said_later && !arguments.contains_key(field.name)
    });
    match missing {
        Some(field) => Err(Refused::bad_request(format!(
            "parameter \"{}\" is required",
            field.name
        ))),
        None => Ok(()),
    }
}

fn is_of(kind: Kind, value: &Value) -> bool {
    match kind {
        Kind::Int => value.is_i64() || value.is_u64(),
        Kind::Bool => value.is_boolean(),
        Kind::Text | Kind::File => value.is_string(),
        Kind::Chat => value.is_i64() || value.is_string(),
        Kind::Json => value.is_object() || value.is_array(),
    }
}
