//! HSL, Haptik's message language (<https://docs.haptik.ai/hsl>), as a tolerant reader sees it.
//!
//! Reading never fails: a missing key is empty, a number may be a string, a body may be an object
//! serialised into a string, and a type that is not known is kept as [`Element::Other`] with its text.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::machine_parts::{bare, says_nothing, without_machine_parts};
use crate::lenient_json;
use crate::redact::Bytes;

mod actionable;
mod address;

pub use actionable::{Actionable, Effect, Payload, TapMessage};
pub use address::opened;

/// One message body: `{"text", "type", "data"}`.
#[derive(Clone, PartialEq, Default)]
pub struct Hsl {
    /// The text, without its machine parts; light markup (`*bold*`, emoji, newlines, links). Empty when there
    /// is nothing for people in it.
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
    /// What can be chosen, for the pickers, with its machine parts: the bot gets them, and
    /// [`visible_text`] is what people see.
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
        let nothing = Value::Null;
        let data = lenient_json::unwrapped(body.get("data").unwrap_or(&nothing));
        let (text, mut element) = match body {
            Value::String(text) => (text.clone(), Element::default()),
            body => (
                lenient_json::text(body, "text"),
                Element::read(body, data.as_ref()),
            ),
        };
        if asks_for_rating(&text) {
            element.ask_for_rating();
        }
        Self {
            text: for_people(&text),
            element,
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

    /// Everything that can be tapped, in the order in which it is shown: what a detail holds follows it.
    pub fn actionables(&self) -> impl Iterator<Item = &Actionable> {
        let (flat, cards): (&[Actionable], &[Card]) = match &self.element {
            Element::Text {
                quick_replies: items,
            }
            | Element::Button { items } => (items, &[]),
            Element::Carousel { items } => (&[], items),
            _ => (&[], &[]),
        };
        let mut all = Vec::new();
        for actionable in flat
            .iter()
            .chain(cards.iter().flat_map(|card| &card.actionables))
        {
            actionable.add_to(&mut all);
        }
        all.into_iter()
    }
}

/// Whether a text is `{feedback}`, which asks for a rating.
fn asks_for_rating(text: &str) -> bool {
    let text = bare(text);
    let inside = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    inside.is_some_and(|inside| inside.trim().eq_ignore_ascii_case("feedback"))
}

/// A text as people see it; empty where it says nothing to them.
fn for_people(text: &str) -> String {
    if says_nothing(text) {
        return String::new();
    }
    without_machine_parts(text).into_owned()
}

/// A text of an object, as people see it.
fn shown(value: &Value, key: &str) -> String {
    for_people(&lenient_json::text(value, key))
}

impl Element {
    fn read(body: &Value, data: &Value) -> Self {
        let kind = lenient_json::text(body, "type");
        match kind.to_uppercase().as_str() {
            "TEXT" | "" => Self::Text {
                quick_replies: Actionable::choices(data, "quick_replies"),
            },
            "BUTTON" => Self::Button {
                items: Actionable::choices(data, "items"),
            },
            "CAROUSEL" => Self::Carousel {
                items: lenient_json::list(data, "items")
                    .map(|item| Card::read(item, 0))
                    .filter(|card| !card.is_blank())
                    .collect(),
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
            _ => match Actionable::intents(data) {
                quick_replies if !quick_replies.is_empty() => Self::Text { quick_replies },
                _ => Self::Other {
                    kind,
                    data: data.clone(),
                },
            },
        }
    }

    /// Adds a rating to what can be tapped.
    fn ask_for_rating(&mut self) {
        match self {
            Self::Text {
                quick_replies: items,
            }
            | Self::Button { items } => items.push(Actionable::rating()),
            Self::NativeAction { .. } | Self::Other { .. } => {
                *self = Self::Text {
                    quick_replies: vec![Actionable::rating()],
                };
            }
            Self::Carousel { .. } | Self::Form(_) | Self::Silent | Self::System { .. } => {}
        }
    }
}

impl Card {
    fn read(item: &Value, depth: usize) -> Self {
        let mini = item.get("mini_actionable").filter(|mini| mini.is_object());
        let mini = mini.map(|mini| Actionable::read_at(mini, depth));
        Self {
            title: shown(item, "title"),
            sub_title: shown(item, "sub_title"),
            description: shown(item, "description"),
            thumbnail: item
                .get("thumbnail")
                .map(|thumbnail| match thumbnail {
                    Value::String(url) => url.clone(),
                    other => lenient_json::text(other, "image"),
                })
                .map(|url| address::picture(&url))
                .unwrap_or_default(),
            actionables: Actionable::read_all_at(item, "actionables", depth)
                .into_iter()
                .chain(mini.filter(|mini| !mini.is_blank()))
                .collect(),
        }
    }

    /// Whether there is nothing on the card.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let texts = [
            &self.title,
            &self.sub_title,
            &self.description,
            &self.thumbnail,
        ];
        self.actionables.is_empty() && texts.iter().all(|text| text.trim().is_empty())
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
            .filter(|field| field.is_object())
            .map(|field| {
                (
                    lenient_json::whole(field, "order").unwrap_or(u64::MAX),
                    Field::read(field),
                )
            })
            .collect();
        fields.sort_by_key(|(order, _)| *order);
        Self {
            title: shown(body, "title"),
            subtitle: shown(body, "subtitle"),
            submit_text: [data, body]
                .into_iter()
                .find_map(|of| first(of, &["submit_text", "submit_button_text", "button_text"]))
                .map(|text| for_people(&text))
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
            hint: Some(shown(field, "hint"))
                .filter(|hint| !hint.is_empty())
                .unwrap_or_else(|| key.clone()),
            options: lenient_json::texts(field, "options"),
            required: required(field),
            search_source: address::unescaped(&lenient_json::text(field, "search_source")),
            rules: Rules::read(field),
            key,
        }
    }
}

/// What a form says of a field's having to be filled in. A word that is neither yes nor no says nothing.
fn required(field: &Value) -> Option<bool> {
    let validations = validations(field);
    let places: Vec<&Value> = validations.iter().chain([field]).collect();
    let flag = |place: &Value, key: &str| match lenient_json::text(place, key)
        .trim()
        .to_lowercase()
        .as_str()
    {
        "true" | "yes" | "y" | "1" | "required" | "mandatory" => Some(true),
        "false" | "no" | "n" | "0" | "optional" => Some(false),
        _ => None,
    };
    let said = |keys: &[&str]| {
        let keys = keys.iter();
        keys.flat_map(|key| places.iter().map(move |place| (place, key)))
            .find_map(|(place, key)| flag(place, key))
    };
    said(&["required", "is_required", "mandatory", "is_mandatory"])
        .or_else(|| said(&["optional", "is_optional"]).map(|said| !said))
}

/// What a field has as its validation: an object, or several.
fn validations(field: &Value) -> Vec<Value> {
    let there = ["validation", "validations"];
    let there = there.iter().filter_map(|key| field.get(key));
    let each = there.flat_map(|value| match lenient_json::unwrapped(value).into_owned() {
        Value::Array(list) => list,
        one => vec![one],
    });
    each.filter(Value::is_object).collect()
}

impl Rules {
    /// Rules that no answer could keep are none: nobody would get past the form.
    fn read(field: &Value) -> Self {
        let validations = validations(field);
        let text = |keys: &[&str]| {
            let mut places = validations.iter().chain([field]);
            places
                .find_map(|place| first(place, keys))
                .unwrap_or_default()
        };
        let number = |keys: &[&str]| {
            let number = text(keys).trim().parse().ok();
            number.filter(|number: &u64| *number > 0)
        };
        let length = number(&["length", "fixed_length"]);
        let (min_length, max_length) = (
            number(&["min_length"]).or(length),
            number(&["max_length"]).or(length),
        );
        let crosses = min_length
            .zip(max_length)
            .is_some_and(|(min, max)| min > max);
        Self {
            pattern: expression(&text(&["regex", "pattern", "validation_regex"])),
            min_length: min_length.filter(|_| !crosses),
            max_length: max_length.filter(|_| !crosses),
            min: text(&["min", "min_value", "start_date", "min_date"]),
            max: text(&["max", "max_value", "end_date", "max_date"]),
            is_past: lenient_json::text(field, "type").eq_ignore_ascii_case("dob"),
            error: for_people(&text(&["error_message", "error_text", "error"])),
        }
    }
}

/// A regular expression, also where it is written as in JavaScript: `/…/`, with its flags behind it. Empty where it
/// begins so and does not end so: no answer could match that.
fn expression(written: &str) -> String {
    let Some(rest) = written.strip_prefix('/') else {
        return written.to_owned();
    };
    let (between, flags) = rest.rsplit_once('/').unwrap_or_default();
    if between.is_empty() || !flags.chars().all(|flag| "dgimsuvy".contains(flag)) {
        return String::new();
    }
    // The others say how often, or how, is looked for.
    let flags: String = flags.chars().filter(|flag| "ims".contains(*flag)).collect();
    let flags = Some(flags).filter(|flags| !flags.is_empty());
    flags.map_or_else(String::new, |flags| format!("(?{flags})")) + between
}

/// The first of these texts that is there.
fn first(value: &Value, keys: &[&str]) -> Option<String> {
    let texts = keys.iter().map(|key| lenient_json::text(value, key));
    let mut there = texts.filter(|text| !text.trim().is_empty());
    there.next()
}

/// `text` as a person says it: [without its machine parts](without_machine_parts), and what stands around it.
#[must_use]
pub fn visible_text(text: &str) -> String {
    without_machine_parts(text).trim().to_owned()
}

#[cfg(test)]
mod tests;
