//! HSL, Haptik's message language (<https://docs.haptik.ai/hsl>), as a tolerant reader sees it.
//!
//! Reading never fails: a missing key is empty, a number may be a string, a body may be an object
//! serialised into a string, and a type that is not known is kept as [`Element::Other`] with its text.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lenient_json;
use crate::redact::Bytes;

/// One message body: `{"text", "type", "data"}`.
#[derive(Clone, PartialEq, Default)]
pub struct Hsl {
    /// The text; light markup (`*bold*`, emoji, newlines, links). Empty when there is none.
    pub text: String,
    /// What goes with the text.
    pub element: Element,
}

/// What goes with the text of a message: HSL's `type` and `data`.
#[derive(Debug, Clone, PartialEq)]
pub enum Element {
    /// `TEXT`: replies that can be tapped and go away once one is used.
    Text {
        /// The replies on offer, often none.
        quick_replies: Vec<Actionable>,
    },
    /// `BUTTON`: buttons that stay.
    Button {
        /// The buttons.
        items: Vec<Actionable>,
    },
    /// `CAROUSEL`: cards; one card that is only a thumbnail is an image.
    Carousel {
        /// The cards, in order.
        items: Vec<Card>,
    },
    /// `FORM`: fields to fill in.
    Form(Form),
    /// `NATIVE_ACTION`: meant for a host app; only the text is shown.
    NativeAction {
        /// The host app's method.
        method: String,
    },
    /// `SILENT`: nothing is shown.
    Silent,
    /// `SYSTEM`: a notice, such as "Prateek has entered the conversation".
    System {
        /// The event that it tells of, such as `chat_pinned`; may be empty.
        event_name: String,
        /// The event's own keys, as sent.
        payload: Value,
    },
    /// `TAB_LIST`, `RECEIPT` and whatever comes: its text is shown.
    Other {
        /// HSL's `type`, as sent.
        kind: String,
        /// HSL's `data`, as sent.
        data: Value,
    },
}

/// A card of a carousel.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Card {
    /// The title; may be empty, as every text here.
    pub title: String,
    /// The line below the title.
    pub sub_title: String,
    /// The text of the card.
    pub description: String,
    /// The URL of an image or of a video that can be embedded; may be empty.
    pub thumbnail: String,
    /// The card's buttons, its `mini_actionable` last.
    pub actionables: Vec<Actionable>,
}

/// A form.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Form {
    /// The form's title.
    pub title: String,
    /// The line below it.
    pub subtitle: String,
    /// What stands on the button that sends it; may be empty.
    pub submit_text: String,
    /// The fields, by their `order`.
    pub fields: Vec<Field>,
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Field {
    /// The name for machines.
    pub key: String,
    /// HSL's field type: `text`, `picker`, `time`, `date`, `multiselectpicker` …, as sent.
    pub kind: String,
    /// `normal`, `number` or `email`.
    pub keyboard_type: String,
    /// The question for people; the key where it was left out.
    pub hint: String,
    /// What can be chosen, for the pickers.
    pub options: Vec<String>,
    /// Whether the form says that it has to be filled in, or that it need not be. Haptik publishes no key
    /// for it: `required` and `mandatory` are understood, and `optional`.
    pub required: Option<bool>,
    /// The URL that is asked for what can be chosen, of search fields
    /// (<https://docs.haptik.ai/bot-builder/basic/chat-elements#search>); may be empty.
    pub search_source: String,
    /// What an answer has to be like.
    pub rules: Rules,
}

/// What the answer to a field has to be like, beside its kind; each may be empty. The form builder has all
/// of it (<https://docs.haptik.ai/bot-builder/basic/chat-elements#forms>), and Haptik publishes no keys:
/// those that suggest themselves are understood.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Rules {
    /// A regular expression that all of it matches.
    #[serde(default, rename = "p", skip_serializing_if = "String::is_empty")]
    pub pattern: String,
    /// The least number of characters.
    #[serde(default, rename = "a", skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u64>,
    /// The most.
    #[serde(default, rename = "z", skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// The lowest number, or the first day.
    #[serde(default, rename = "l", skip_serializing_if = "String::is_empty")]
    pub min: String,
    /// The highest number, or the last day.
    #[serde(default, rename = "h", skip_serializing_if = "String::is_empty")]
    pub max: String,
    /// Whether it is a day that is not in the future.
    #[serde(default, rename = "b", skip_serializing_if = "std::ops::Not::not")]
    pub is_past: bool,
    /// What is said to the user whose answer is not like that.
    #[serde(default, rename = "e", skip_serializing_if = "String::is_empty")]
    pub error: String,
}

/// Something that can be tapped.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Actionable {
    /// The label.
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
    /// A link (HSL has it as `url` and as `link`).
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
}

/// What a tap does, whichever channel it is tapped on.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// The user says `shown`, and the bot receives `sent`.
    Say {
        /// What people see, without the machine parts in braces. Never empty.
        shown: String,
        /// What the bot receives. Never empty.
        sent: String,
    },
    /// A link opens.
    Open {
        /// The link.
        url: String,
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
    /// The payload's title, text and images are shown.
    Detail,
    /// The user is asked for a rating of 1 to 5.
    Feedback,
}

impl Default for Element {
    fn default() -> Self {
        Self::Text {
            quick_replies: Vec::new(),
        }
    }
}

impl fmt::Debug for Hsl {
    /// Leaves out what it says.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Hsl")
            .field("text", &Bytes(self.text.len()))
            .field("actionables", &self.actionables().count())
            .finish_non_exhaustive()
    }
}

impl Hsl {
    /// Reads a message body as Haptik sends it: an object, or one serialised into a string. Any other
    /// string is a plain text; anything else an empty one.
    #[must_use]
    pub fn read(body: &Value) -> Self {
        let body = lenient_json::unwrapped(body);
        let body = body.as_ref();
        if let Value::String(text) = body {
            return Self {
                text: text.clone(),
                element: Element::default(),
            };
        }
        let nothing = Value::Null;
        let data = lenient_json::unwrapped(body.get("data").unwrap_or(&nothing));
        Self {
            text: lenient_json::text(body, "text"),
            element: Element::read(body, data.as_ref()),
        }
    }

    /// Whether there is nothing for a person to see.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        match &self.element {
            Element::Silent => true,
            Element::Text {
                quick_replies: items,
            }
            | Element::Button { items } => self.text.trim().is_empty() && items.is_empty(),
            Element::Carousel { items } => self.text.trim().is_empty() && items.is_empty(),
            Element::Form(form) => {
                let texts = [&self.text, &form.title, &form.subtitle];
                form.fields.is_empty() && texts.iter().all(|text| text.trim().is_empty())
            }
            Element::NativeAction { .. } | Element::System { .. } | Element::Other { .. } => {
                self.text.trim().is_empty()
            }
        }
    }

    /// Everything that can be tapped, in the order in which it is shown.
    pub fn actionables(&self) -> impl Iterator<Item = &Actionable> {
        let (flat, cards): (&[Actionable], &[Card]) = match &self.element {
            Element::Text {
                quick_replies: items,
            }
            | Element::Button { items } => (items, &[]),
            Element::Carousel { items } => (&[], items),
            _ => (&[], &[]),
        };
        flat.iter()
            .chain(cards.iter().flat_map(|card| &card.actionables))
    }
}

impl Element {
    fn read(body: &Value, data: &Value) -> Self {
        let kind = lenient_json::text(body, "type");
        match kind.to_uppercase().as_str() {
            "TEXT" | "" => Self::Text {
                quick_replies: Actionable::read_all(data, "quick_replies"),
            },
            "BUTTON" => Self::Button {
                items: Actionable::read_all(data, "items"),
            },
            "CAROUSEL" => Self::Carousel {
                items: lenient_json::list(data, "items").map(Card::read).collect(),
            },
            "FORM" => Self::Form(Form::read(body, data)),
            "NATIVE_ACTION" => Self::NativeAction {
                method: lenient_json::text(data, "method"),
            },
            "SILENT" => Self::Silent,
            "SYSTEM" => Self::System {
                event_name: lenient_json::text(data, "event_name"),
                payload: data.get("payload").cloned().unwrap_or_default(),
            },
            _ => Self::Other {
                kind,
                data: data.clone(),
            },
        }
    }
}

impl Card {
    fn read(item: &Value) -> Self {
        let mini = item.get("mini_actionable").filter(|mini| mini.is_object());
        Self {
            title: lenient_json::text(item, "title"),
            sub_title: lenient_json::text(item, "sub_title"),
            description: lenient_json::text(item, "description"),
            thumbnail: item
                .get("thumbnail")
                .map(|thumbnail| match thumbnail {
                    Value::String(url) => url.clone(),
                    other => lenient_json::text(other, "image"),
                })
                .map(|url| unescaped(&url))
                .unwrap_or_default(),
            actionables: Actionable::read_all(item, "actionables")
                .into_iter()
                .chain(mini.map(Actionable::read))
                .collect(),
        }
    }

    /// Whether the card is a picture and nothing else.
    #[must_use]
    pub fn is_image(&self) -> bool {
        let texts = [&self.title, &self.sub_title, &self.description];
        !self.thumbnail.is_empty()
            && self.actionables.is_empty()
            && texts.iter().all(|text| text.trim().is_empty())
    }
}

impl Form {
    fn read(body: &Value, data: &Value) -> Self {
        let mut fields: Vec<(u64, Field)> = lenient_json::list(data, "fields")
            .map(|field| {
                (
                    lenient_json::whole(field, "order").unwrap_or(u64::MAX),
                    Field::read(field),
                )
            })
            .collect();
        fields.sort_by_key(|(order, _)| *order);
        Self {
            title: lenient_json::text(body, "title"),
            subtitle: lenient_json::text(body, "subtitle"),
            submit_text: [data, body]
                .into_iter()
                .find_map(|of| first(of, &["submit_text", "submit_button_text", "button_text"]))
                .unwrap_or_default(),
            fields: fields.into_iter().map(|(_, field)| field).collect(),
        }
    }
}

impl Field {
    fn read(field: &Value) -> Self {
        let key = lenient_json::text(field, "key");
        Self {
            kind: lenient_json::text(field, "type"),
            keyboard_type: lenient_json::text(field, "keyboard_type"),
            hint: lenient_json::some_text(field, "hint").unwrap_or_else(|| key.clone()),
            options: lenient_json::texts(field, "options"),
            required: required(field),
            search_source: lenient_json::text(field, "search_source").trim().to_owned(),
            rules: Rules::read(field),
            key,
        }
    }
}

/// What a form says of a field's having to be filled in.
fn required(field: &Value) -> Option<bool> {
    let flag = |key: &str| {
        let is_said = field.get(key).is_some_and(|said| !said.is_null());
        is_said.then(|| lenient_json::flag(field, key))
    };
    let required = ["required", "is_required", "mandatory", "is_mandatory"];
    let optional = ["optional", "is_optional"];
    let required = required.iter().find_map(|key| flag(key));
    required.or_else(|| optional.iter().find_map(|key| flag(key)).map(|said| !said))
}

impl Rules {
    fn read(field: &Value) -> Self {
        let nothing = Value::Null;
        let inner = lenient_json::unwrapped(field.get("validation").unwrap_or(&nothing));
        let text = |keys: &[&str]| {
            let mut places = [inner.as_ref(), field].into_iter();
            places
                .find_map(|place| first(place, keys))
                .unwrap_or_default()
        };
        let number = |keys: &[&str]| text(keys).trim().parse().ok();
        let length = number(&["length", "fixed_length"]);
        Self {
            pattern: text(&["regex", "pattern", "validation_regex"]),
            min_length: number(&["min_length"]).or(length),
            max_length: number(&["max_length"]).or(length),
            min: text(&["min", "min_value", "start_date", "min_date"]),
            max: text(&["max", "max_value", "end_date", "max_date"]),
            is_past: lenient_json::text(field, "type").eq_ignore_ascii_case("dob"),
            error: text(&["error_message", "error_text", "error"]),
        }
    }
}

/// The first of these texts that is there.
fn first(value: &Value, keys: &[&str]) -> Option<String> {
    let texts = keys.iter().map(|key| lenient_json::text(value, key));
    let mut there = texts.filter(|text| !text.trim().is_empty());
    there.next()
}

impl Actionable {
    fn read(value: &Value) -> Self {
        let nothing = Value::Null;
        let payload = lenient_json::unwrapped(value.get("payload").unwrap_or(&nothing));
        Self {
            text: lenient_json::text(value, "actionable_text"),
            kind: lenient_json::text(value, "type"),
            uri: lenient_json::text(value, "uri"),
            emoji: lenient_json::text(value, "emoji"),
            is_default: lenient_json::flag(value, "is_default"),
            payload: Payload::read(payload.as_ref()),
        }
    }

    fn read_all(value: &Value, key: &str) -> Vec<Self> {
        lenient_json::list(value, key)
            .filter(|item| item.is_object())
            .map(Self::read)
            .collect()
    }

    /// What to write on the button: the label, else what tapping it says, else a word for what it does.
    /// Never empty.
    #[must_use]
    pub fn label(&self) -> String {
        let label = [
            self.text.trim(),
            spoken(&self.payload.message).trim(),
            self.payload.title.trim(),
        ]
        .into_iter()
        .find(|text| !text.is_empty())
        .map_or_else(|| "…".to_owned(), ToOwned::to_owned);
        match self.emoji.trim() {
            "" => label,
            emoji => format!("{emoji} {label}"),
        }
    }

    /// What a tap does.
    #[must_use]
    pub fn effect(&self) -> Effect {
        let payload = &self.payload;
        let url = payload.url.trim();
        match (
            self.kind.to_uppercase().as_str(),
            self.uri.to_uppercase().as_str(),
        ) {
            ("APP_FEEDBACK", _) => Effect::Feedback,
            (_, "CALL") if !payload.phone.trim().is_empty() => Effect::Call {
                number: payload.phone.trim().to_owned(),
            },
            (_, "SEND_LOCATION" | "SEND_MULTIPLE_LOCATIONS" | "SAVED_ADDRESSES") => {
                Effect::Location
            }
            (_, "GALLERY_PICKER" | "IMAGE_UPLOAD" | "DOCUMENT_PICKER") => Effect::Upload,
            (_, "CAROUSEL_DETAIL") if payload.has_detail() => Effect::Detail,
            (_, "LINK" | "SELF_SERVE_WEB" | "CAROUSEL_DETAIL") | ("SHARE", _) if opens(url) => {
                Effect::Open {
                    url: url.to_owned(),
                }
            }
            _ => self.says(),
        }
    }

    fn says(&self) -> Effect {
        let message = &self.payload.message;
        let sent = [&self.payload.gogo_message, message, &self.text]
            .into_iter()
            .find(|text| !text.trim().is_empty())
            .cloned()
            .unwrap_or_else(|| self.label());
        let shown = Some(spoken(message)).filter(|text| !text.trim().is_empty());
        Effect::Say {
            shown: shown.unwrap_or_else(|| self.label()),
            sent,
        }
    }
}

impl Payload {
    fn read(payload: &Value) -> Self {
        let images = lenient_json::texts(payload, "images");
        let url = lenient_json::some_text(payload, "url")
            .unwrap_or_else(|| lenient_json::text(payload, "link"));
        Self {
            message: lenient_json::text(payload, "message"),
            gogo_message: lenient_json::text(payload, "gogo_message"),
            title: lenient_json::text(payload, "title"),
            sub_title: lenient_json::text(payload, "sub_title"),
            description: lenient_json::text(payload, "description"),
            images: if images.is_empty() {
                lenient_json::some_text(payload, "image")
                    .into_iter()
                    .collect()
            } else {
                images
            },
            phone: [
                "phone",
                "number",
                "phone_number",
                "mobile_no",
                "contact_number",
            ]
            .iter()
            .find_map(|key| lenient_json::some_text(payload, key))
            .or_else(|| {
                let url = url.strip_prefix("tel:")?;
                Some(url.to_owned())
            })
            .unwrap_or_default(),
            url,
        }
    }

    fn has_detail(&self) -> bool {
        let texts = [&self.title, &self.sub_title, &self.description];
        !self.images.is_empty() || texts.iter().any(|text| !text.trim().is_empty())
    }
}

/// `text` as a person says it: without the machine parts in braces (`Show another quote{task}` is said
/// as `Show another quote`). A brace that is never closed is left as it is.
#[must_use]
pub fn spoken(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let Some(length) = closing_brace(&rest[start..]) else {
            break;
        };
        said.push_str(&rest[..start]);
        rest = &rest[start + length..];
    }
    said.push_str(rest);
    said.trim().to_owned()
}

/// The length of the group in braces that `text` starts with, inner groups included.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// Whether `url` is a link that opens something: the web, or an app by a scheme of its own, but not
/// what runs or reads something where it is opened.
fn opens(url: &str) -> bool {
    const DANGEROUS: [&str; 5] = ["javascript", "vbscript", "data", "file", "blob"];
    url.split_once(':').is_some_and(|(scheme, rest)| {
        let is_scheme = scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let is_dangerous = DANGEROUS
            .iter()
            .any(|dangerous| scheme.eq_ignore_ascii_case(dangerous));
        !scheme.is_empty() && !rest.is_empty() && is_scheme && !is_dangerous
    })
}

/// A URL with HTML's `&amp;` undone: Haptik's own samples have it.
fn unescaped(url: &str) -> String {
    url.trim().replace("&amp;", "&")
}

#[cfg(test)]
mod tests;
