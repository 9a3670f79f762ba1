//! What can be tapped in a message, and what a tap does.

use std::collections::HashSet;
use std::slice;

use serde_json::Value;

use super::address::{opened, picture, unescaped};
use super::{Card, for_people, shown};
use crate::lenient_json;
use crate::message::machine_parts::says_nothing;

/// Something that can be tapped.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Actionable {
    /// The label, with its machine parts; [`Actionable::label`] is what people see.
    pub text: String,
    /// HSL's `type`: `APP_ACTION`, `TEXT_ONLY`, `APP_FEEDBACK` …, as sent.
    pub kind: String,
    /// HSL's `uri`: `LINK`, `CALL`, `CAROUSEL_DETAIL` …, as sent; may be empty.
    pub uri: String,
    /// An emoji to show with the label; may be empty.
    pub emoji: String,
    /// Whether it is the one to highlight.
    pub is_default: bool,
    /// What it carries.
    pub payload: Payload,
}

/// What an actionable carries; each text may be empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Payload {
    /// What the chat shows as said by the user.
    pub message: String,
    /// What the bot receives; empty: the same as `message`.
    pub gogo_message: String,
    /// A link (HSL has it as `url` and as `link`), as it [opens](opened); as sent where it opens nothing.
    pub url: String,
    /// The title of a detail view.
    pub title: String,
    /// The sub-title of a detail view.
    pub sub_title: String,
    /// The text of a detail view.
    pub description: String,
    /// The images of a detail view, or the one to share.
    pub images: Vec<String>,
    /// A number to call.
    pub phone: String,
    /// What can be tapped in a detail view.
    pub actionables: Vec<Actionable>,
    /// The cards of a detail view (`CAROUSEL_DEFAULT`).
    pub items: Vec<Card>,
}

/// What a tap does, whichever channel it is tapped on.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// The user says something.
    Say(TapMessage),
    /// A link opens.
    Open {
        /// The link.
        url: String,
        /// What the user says by opening it, where it says something.
        said: Option<TapMessage>,
    },
    /// A number is called.
    Call {
        /// The number, as sent.
        number: String,
    },
    /// The user is asked for a location.
    Location,
    /// The user is asked for a picture or a document.
    Upload,
    /// The payload's title, text, images, buttons and cards are shown.
    Detail,
    /// The payload's message and images are there to be passed on, by whoever sees them: `SHARE` is for apps.
    Share,
    /// The user is asked for a rating of 1 to 5.
    Feedback,
}

/// What a tap says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TapMessage {
    /// What people see, without machine parts. Never empty.
    pub shown: String,
    /// What the bot receives. Never empty.
    pub sent: String,
}

impl Actionable {
    /// Reads one. `depth` is in how many details it is.
    pub(super) fn read_at(value: &Value, depth: usize) -> Self {
        let nothing = Value::Null;
        let payload = lenient_json::unwrapped(value.get("payload").unwrap_or(&nothing));
        Self {
            text: lenient_json::text(value, "actionable_text"),
            kind: lenient_json::text(value, "type"),
            uri: lenient_json::text(value, "uri"),
            emoji: lenient_json::text(value, "emoji"),
            is_default: lenient_json::flag(value, "is_default"),
            payload: Payload::read(payload.as_ref(), depth),
        }
    }

    pub(super) fn read_all_at(value: &Value, key: &str, depth: usize) -> Vec<Self> {
        lenient_json::list(value, key)
            .filter(|item| item.is_object())
            .map(|item| Self::read_at(item, depth))
            .filter(|actionable| !actionable.is_blank())
            .collect()
    }

    /// Whether there is nothing to write on the button, and nothing that a tap does.
    pub(super) fn is_blank(&self) -> bool {
        let Payload {
            message,
            gogo_message,
            url,
            phone,
            ..
        } = &self.payload;
        let texts = [&self.text, &self.emoji, message, gogo_message, url, phone];
        texts.iter().all(|text| text.trim().is_empty())
            && !self.payload.has_detail()
            && matches!(self.effect(), Effect::Say(_) | Effect::Share)
    }

    /// What can be chosen: what Haptik asks whether the user meant it, unless that is among the actionables,
    /// and those.
    pub(super) fn choices(data: &Value, key: &str) -> Vec<Self> {
        let actionables = Self::read_all_at(data, key, 0);
        let is_among = |intent: &Self| {
            let says = |other: &Self| {
                let texts = [&other.text, &other.payload.message];
                texts.iter().any(|text| {
                    let (text, intent) = (for_people(text), for_people(&intent.text));
                    text.trim().eq_ignore_ascii_case(intent.trim())
                })
            };
            actionables.iter().any(says)
        };
        let mut choices = Self::intents(data);
        choices.retain(|intent| !is_among(intent));
        choices.extend(actionables);
        choices
    }

    /// `data.intents`: choices of a "did you mean", each once. A single one may stand without a list.
    pub(super) fn intents(data: &Value) -> Vec<Self> {
        let intents = data.get("intents").unwrap_or(&Value::Null);
        let intents = intents
            .as_array()
            .map_or(slice::from_ref(intents), Vec::as_slice);
        let texts = intents.iter().filter_map(|intent| match intent {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(lenient_json::digits(number)),
            other => lenient_json::first_text(other, &INTENT),
        });
        let mut seen = HashSet::new();
        let texts = texts.filter(|text| seen.insert(text.trim().to_lowercase()));
        let choice = |text: String| Self {
            payload: Payload {
                message: text.clone(),
                ..Payload::default()
            },
            text,
            kind: "TEXT_ONLY".to_owned(),
            ..Self::default()
        };
        texts
            .filter(|text| !says_nothing(text))
            .map(choice)
            .collect()
    }

    /// What asks for a rating.
    pub(super) fn rating() -> Self {
        Self {
            text: "How did we do?".to_owned(),
            kind: "APP_FEEDBACK".to_owned(),
            ..Self::default()
        }
    }

    /// Adds this and what its detail holds, in the order in which they are shown.
    pub(super) fn add_to<'a>(&'a self, all: &mut Vec<&'a Self>) {
        all.push(self);
        self.inner().for_each(|inner| inner.add_to(all));
    }

    /// What can be tapped in its detail, in the order in which it is shown; none where it has no detail.
    pub fn inner(&self) -> impl Iterator<Item = &Self> {
        let payload = Some(&self.payload).filter(|_| self.effect() == Effect::Detail);
        let cards = payload.map_or(&[][..], |payload| payload.items.as_slice());
        let own = payload.map_or(&[][..], |payload| payload.actionables.as_slice());
        own.iter()
            .chain(cards.iter().flat_map(|card| &card.actionables))
    }

    /// What to write on the button: the label, else what tapping it says, else a word for what it does.
    /// Never empty, and without machine parts.
    #[must_use]
    pub fn label(&self) -> String {
        let label = [
            for_people(&self.text),
            for_people(&self.payload.message),
            self.payload.title.clone(),
        ]
        .into_iter()
        .map(|text| text.trim().to_owned())
        .find(|text| !text.is_empty())
        .unwrap_or_else(|| "…".to_owned());
        match self.emoji.trim() {
            "" => label,
            emoji => format!("{emoji} {label}"),
        }
    }

    /// What a tap does.
    #[must_use]
    pub fn effect(&self) -> Effect {
        let payload = &self.payload;
        let kind = self.kind.to_uppercase();
        let (kind, uri) = (kind.trim(), self.uri.to_uppercase());
        let uri = uri.trim();
        let is_shared = kind.starts_with("SHARE") || uri.starts_with("SHARE");
        match (kind, uri) {
            ("APP_FEEDBACK", _) => Effect::Feedback,
            (_, "CALL") if !payload.phone.trim().is_empty() => Effect::Call {
                number: payload.phone.trim().to_owned(),
            },
            (_, "SEND_LOCATION" | "SEND_MULTIPLE_LOCATIONS" | "SAVED_ADDRESSES") => {
                Effect::Location
            }
            (_, "GALLERY_PICKER" | "IMAGE_UPLOAD" | "DOCUMENT_PICKER") => Effect::Upload,
            (_, "CAROUSEL_DETAIL" | "CAROUSEL_DEFAULT") if payload.has_detail() => Effect::Detail,
            (_, "LINK" | "SELF_SERVE_WEB" | "CAROUSEL_DETAIL" | "CAROUSEL_DEFAULT") => {
                match opened(&payload.url) {
                    Some(url) => Effect::Open {
                        url,
                        said: self.message_of_link(),
                    },
                    None => Effect::Say(self.tap_message()),
                }
            }
            _ if is_shared => self.shares(),
            _ => Effect::Say(self.tap_message()),
        }
    }

    fn tap_message(&self) -> TapMessage {
        let message = &self.payload.message;
        let sent = [&self.payload.gogo_message, message, &self.text]
            .into_iter()
            .find(|text| says(text))
            .cloned()
            .unwrap_or_else(|| self.label());
        let shown = Some(for_people(message)).filter(|text| !text.trim().is_empty());
        TapMessage {
            shown: shown.map_or_else(|| self.label(), |shown| shown.trim().to_owned()),
            sent,
        }
    }

    /// What is said by opening the link: only what the payload has for it.
    fn message_of_link(&self) -> Option<TapMessage> {
        let texts = [&self.payload.message, &self.payload.gogo_message];
        texts
            .iter()
            .any(|text| says(text))
            .then(|| self.tap_message())
    }

    /// The message of what is shared is never said; only `gogo_message` is for the bot.
    fn shares(&self) -> Effect {
        let gogo_message = &self.payload.gogo_message;
        let said = says(gogo_message).then(|| TapMessage {
            shown: self.label(),
            sent: gogo_message.clone(),
        });
        match (opened(&self.payload.url), said) {
            (Some(url), said) => Effect::Open { url, said },
            (None, Some(said)) => Effect::Say(said),
            (None, None) => Effect::Share,
        }
    }
}

impl Payload {
    fn read(payload: &Value, depth: usize) -> Self {
        let images = lenient_json::texts(payload, "images");
        let images = if images.is_empty() {
            lenient_json::some_text(payload, "image")
                .into_iter()
                .collect()
        } else {
            images
        };
        let url = lenient_json::some_text(payload, "url")
            .unwrap_or_else(|| lenient_json::text(payload, "link"));
        let url = opened(&url).unwrap_or_else(|| unescaped(&url));
        let (actionables, items) = if depth < DEEPEST {
            let actionables = Actionable::read_all_at(payload, "actionables", depth + 1);
            let items = lenient_json::list(payload, "items").filter(|item| item.is_object());
            let items = items.map(|item| Card::read(item, depth + 1));
            (actionables, items.filter(|card| !card.is_blank()).collect())
        } else {
            (Vec::new(), Vec::new())
        };
        Self {
            message: lenient_json::text(payload, "message"),
            gogo_message: lenient_json::text(payload, "gogo_message"),
            title: shown(payload, "title"),
            sub_title: shown(payload, "sub_title"),
            description: shown(payload, "description"),
            images: images.iter().map(|image| picture(image)).collect(),
            phone: lenient_json::first_text(payload, &PHONE)
                .or_else(|| {
                    let url = url.strip_prefix("tel:")?;
                    Some(url.to_owned())
                })
                .unwrap_or_default(),
            url,
            actionables,
            items,
        }
    }

    fn has_detail(&self) -> bool {
        let texts = [&self.title, &self.sub_title, &self.description];
        !self.images.is_empty()
            || !self.actionables.is_empty()
            || !self.items.is_empty()
            || texts.iter().any(|text| !text.trim().is_empty())
    }
}

/// Whether a text of a payload says something to the bot: `{}` is none.
fn says(text: &str) -> bool {
    let inside = text.trim().strip_prefix('{');
    let is_empty_pair = inside
        .and_then(|inside| inside.strip_suffix('}'))
        .is_some_and(|inside| inside.trim().is_empty());
    !text.trim().is_empty() && !is_empty_pair
}

/// The keys under which a number to call may be.
const PHONE: [&str; 5] = [
    "phone",
    "number",
    "phone_number",
    "mobile_no",
    "contact_number",
];

/// The keys under which an intent may have its text.
const INTENT: [&str; 6] = [
    "text",
    "title",
    "name",
    "display_name",
    "intent_name",
    "intent",
];

/// How deep details may be in details.
const DEEPEST: usize = 3;
