//! An event without what is masked. What is Haptik's or the bridge's own in it stays: its kind, its times, its ids, who
//! the agent is, and the names of its fields.

use std::collections::BTreeSet;

use haptik_bridge_shared::config::MaskedField;
use haptik_bridge_shared::lenient_json;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::values::is_callable;
use super::{CHANNEL_USER, KEYS, MASKED, Mask, MaskedValues};

/// A part of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Event,
    User,
    Message,
    FollowUp,
    Data,
    /// What the bot collected of the user.
    UserDetails,
    /// What the bot, or an application, has collected: its keys are data.
    Collected,
    /// What was said, and whatever else is in an event.
    Said,
}

/// What becomes of a field.
enum Fate {
    /// It stays.
    Stays,
    /// It names the user: it stays, unless by an address or a number.
    NamesUser,
    /// It is masked, as this part.
    Masked(Part),
}

impl Part {
    /// The fields that say nothing of the user: of Haptik's making, or the bridge's.
    const fn own(self) -> &'static [&'static str] {
        match self {
            Self::Event => &[
                "version",
                "timestamp",
                "event_name",
                "business_id",
                "business_name",
                "agent",
            ],
            Self::User => &[
                "user_id",
                "device_platform",
                "device_platform_name",
                "phone_model",
                "os_version",
                "package_name",
            ],
            Self::Message => &["id"],
            Self::FollowUp => &["follow_up_timestamp", "send_to", "expert_name", "team_id"],
            Self::Data => &[
                "conversation_no",
                "collection_id",
                "conversation_identifier",
                "chat_link",
                "complete_chat_link",
                "completion_type",
                "completion_by",
                // Of the bridge's own events.
                "completed_by",
                "connection",
                "correlation_id",
                "direction",
                "message_id",
                "sent_as",
                "failed_tries",
                "received_at",
                "handoff_id",
                "asked_by",
                "requested_at",
                "team_name",
                "rating",
                "place",
                "part",
                "since",
            ],
            Self::UserDetails | Self::Collected => &[],
            Self::Said => &["agent_name", "team_name", "profile_image"],
        }
    }

    /// What becomes of a field of this part.
    fn fate(self, key: &str, value: &Value) -> Fate {
        if self.own().contains(&key) || (self == Self::Said && is_kind(key, value)) {
            return Fate::Stays;
        }
        let part = match (self, key) {
            (Self::User, "auth_id" | "user_name") | (Self::Data, CHANNEL_USER) => {
                return Fate::NamesUser;
            }
            (Self::Event, "user") => Self::User,
            (Self::Event, "message" | "user_message_info") => Self::Message,
            (Self::Event, "follow_up_details") => Self::FollowUp,
            (Self::Event, "data") => Self::Data,
            (Self::Data, "user_details") => Self::UserDetails,
            (Self::UserDetails | Self::Collected, _)
            | (_, "conversation_details" | "user_details" | "custom_data") => Self::Collected,
            _ => Self::Said,
        };
        Fate::Masked(part)
    }

    /// Whether the fields that say who the user is stand in it.
    fn is_of_user(self) -> bool {
        matches!(self, Self::User | Self::Data | Self::UserDetails)
    }

    /// A key of it without values. A word of programs is one as a whole or not at all, and only where it is data.
    fn masked_key(self, key: &str, values: &MaskedValues) -> String {
        let is_field = KEYS.iter().any(|(_, keys)| keys.contains(&key));
        if is_field {
            return key.to_owned();
        }
        if !is_plain(key) {
            return values.masked(key);
        }
        let is_data = matches!(self, Self::UserDetails | Self::Collected);
        let is_value = || values.are_all_of(key) || values.are_all_of(&key.replace('_', " "));
        let masked = if is_data && is_value() { MASKED } else { key };
        masked.to_owned()
    }
}

/// Whether a value of a message says of which kind something is.
fn is_kind(key: &str, value: &Value) -> bool {
    ["type", "keyboard_type", "uri", "method", "event_name"].contains(&key)
        && value.as_str().is_some_and(is_plain)
}

/// Whether a text is a word of programs, `user_type`, and none that somebody may have said.
fn is_plain(text: &str) -> bool {
    const MOST_DIGITS: usize = 5;
    let is_part = |char: char| char.is_ascii_alphanumeric() || "_-".contains(char);
    let digits = text.chars().filter(char::is_ascii_digit);
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(is_part)
        && digits.count() <= MOST_DIGITS
}

/// Masks an event.
pub(super) struct EventMask<'a> {
    mask: &'a Mask,
    values: &'a MaskedValues,
    /// The fields that are emptied.
    emptied: BTreeSet<&'static str>,
}

impl<'a> EventMask<'a> {
    pub(super) fn new(mask: &'a Mask, values: &'a MaskedValues) -> Self {
        let masked = KEYS.iter().filter(|(field, _)| mask.has(*field));
        let emptied = masked.flat_map(|(_, keys)| keys.iter().copied()).collect();
        Self {
            mask,
            values,
            emptied,
        }
    }

    /// Masks all of an event.
    pub(super) fn mask(&self, event: &mut Value) {
        self.mask_part(Part::Event, event);
    }

    fn mask_part(&self, part: Part, value: &mut Value) {
        match value {
            Value::String(text) => self.mask_text(part, text),
            Value::Number(number) => {
                let text = number.to_string();
                if self.values.masked(&text) != text {
                    *value = MASKED.into();
                }
            }
            Value::Array(list) => list
                .iter_mut()
                .for_each(|value| self.mask_part(part, value)),
            Value::Object(fields) => {
                for (key, value) in fields.iter_mut() {
                    self.mask_field(part, key, value);
                }
                self.mask_keys(part, fields);
            }
            Value::Bool(_) | Value::Null => {}
        }
    }

    /// Masks a text, which may be JSON: then it stays JSON in a text, with its own fields.
    fn mask_text(&self, part: Part, text: &mut String) {
        let masked = self.values.masked(text);
        let Some(inner) = json_in(text) else {
            *text = masked;
            return;
        };
        let mut inner_masked = inner.clone();
        self.mask_part(part, &mut inner_masked);
        // Where nothing is masked it stays as it was written.
        if inner_masked != inner || masked != *text {
            *text = inner_masked.to_string();
        }
    }

    fn mask_field(&self, part: Part, key: &str, value: &mut Value) {
        let is_emptied = part.is_of_user() && self.emptied.contains(key);
        if is_emptied && !is_other_id(key, value) {
            empty(value);
            return;
        }
        match part.fate(key, value) {
            Fate::Stays => {}
            Fate::NamesUser => self.mask_id(value),
            Fate::Masked(part) => self.mask_part(part, value),
        }
    }

    /// What a user is called by stays one name of one user where it is an address or a number.
    fn mask_id(&self, value: &mut Value) {
        let id = match &*value {
            Value::String(id) => id.clone(),
            Value::Number(id) => id.to_string(),
            _ => return,
        };
        let is_contact = (self.mask.has(MaskedField::Email) && id.contains('@'))
            || (self.mask.has(MaskedField::MobileNo) && is_callable(&id))
            || self.values.have_contact_in(&id);
        if is_contact {
            let hash = hex::encode(Sha256::digest(&id).get(..16).unwrap_or_default());
            *value = format!("masked-{hash}").into();
        }
    }

    /// Masks the keys that are data. Two that are masked alike stay two.
    fn mask_keys(&self, part: Part, fields: &mut Map<String, Value>) {
        let masked = |key: &str| part.masked_key(key, self.values);
        let kept = fields.keys().filter(|key| masked(key) == **key);
        let mut taken: BTreeSet<String> = kept.cloned().collect();
        if taken.len() == fields.len() {
            return;
        }
        for (key, value) in std::mem::take(fields) {
            let mut name = masked(&key);
            if name != key {
                let numbered = (2..).map(|number| format!("{name} {number}"));
                let mut names = std::iter::once(name.clone()).chain(numbered);
                let free = names.find(|name| !taken.contains(name));
                name = free.unwrap_or_default();
                taken.insert(name.clone());
            }
            fields.insert(name, value);
        }
    }
}

/// The JSON that a text is: an object, a list, or such a text again.
fn json_in(text: &str) -> Option<Value> {
    let begins = text.trim_start_matches('\u{feff}').trim_start();
    if !begins.starts_with(['{', '[', '"']) {
        return None;
    }
    let read = lenient_json::read(text.as_bytes()).ok()?;
    let is_json = read.is_object() || read.is_array() || read.is_string();
    is_json.then_some(read)
}

/// Whether it is a channel's own id of a user, and none that says who that is: a number that can be called does.
pub(super) fn is_other_id(key: &str, value: &Value) -> bool {
    key == CHANNEL_USER && !value.as_str().is_some_and(is_callable)
}

/// What is left of a field: a template that has it still finds it.
fn empty(value: &mut Value) {
    match value {
        Value::Null => {}
        Value::Object(fields) => fields.clear(),
        Value::Array(values) => values.clear(),
        other => *other = Value::String(String::new()),
    }
}
