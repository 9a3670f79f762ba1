//! What the rules of all blocks are made of: lengths, counts, identifiers, text objects.

use std::{collections::HashSet, fmt};

use reqwest::Url;
use serde_json::{Map, Value};

use super::Surface;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A JSON pointer into the arguments of the call, such as `/blocks/1/text/text`.
    pub pointer: String,
    /// What is wrong there, in words close to Slack's.
    pub what: String,
}

impl Problem {
    pub(crate) fn new(pointer: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            what: what.into(),
        }
    }
}

/// As Slack writes it: `must be less than 3001 characters [json-pointer:/blocks/1/text/text]`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [json-pointer:{}]", self.what, self.pointer)
    }
}

/// Which text objects a place takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    Plain,
    Any,
}

/// One pass over the blocks of one message or view.
#[derive(Debug)]
pub(crate) struct Check {
    surface: Surface,
    problems: Vec<Problem>,
    action_ids: HashSet<String>,
    block_ids: HashSet<String>,
    characters: usize,
}

impl Check {
    pub(crate) fn new(surface: Surface) -> Self {
        Self {
            surface,
            problems: Vec::new(),
            action_ids: HashSet::new(),
            block_ids: HashSet::new(),
            characters: 0,
        }
    }

    /// The problems, and the characters of all texts.
    pub(crate) fn finish(self) -> (Vec<Problem>, usize) {
        (self.problems, self.characters)
    }

    pub(crate) fn surface(&self) -> Surface {
        self.surface
    }

    pub(crate) fn fail(&mut self, at: &str, what: impl Into<String>) {
        self.problems.push(Problem::new(at, what));
    }

    /// The `type` of an object; a problem when there is none.
    pub(crate) fn kind<'v>(&mut self, at: &str, value: &'v Value) -> Option<&'v str> {
        let kind = value.get("type").and_then(Value::as_str);
        if kind.is_none() {
            self.fail(at, "missing required field: type");
        }
        kind
    }

    /// The fields of an object, which has all of `required` and nothing beyond `optional`.
    pub(crate) fn object<'v>(
        &mut self,
        at: &str,
        value: &'v Value,
        required: &[&str],
        optional: &[&str],
    ) -> Option<&'v Map<String, Value>> {
        let Some(fields) = value.as_object() else {
            self.fail(at, "must be an object");
            return None;
        };
        for name in required {
            if !fields.contains_key(*name) {
                self.fail(at, format!("missing required field: {name}"));
            }
        }
        for name in fields.keys() {
            if !required.contains(&name.as_str()) && !optional.contains(&name.as_str()) {
                self.fail(at, format!("no additional properties allowed: {name}"));
            }
        }
        Some(fields)
    }

    pub(crate) fn count(&mut self, at: &str, count: usize, least: usize, most: usize) {
        if count < least {
            self.fail(at, format!("no fewer than {least} items allowed"));
        }
        if count > most {
            self.fail(at, format!("no more than {most} items allowed"));
        }
    }

    /// The items of the array `name`, each with its place; none when the field is absent.
    pub(crate) fn items<'v>(
        &mut self,
        at: &str,
        value: &'v Value,
        name: &str,
        least: usize,
        most: usize,
    ) -> Vec<(String, &'v Value)> {
        let Some(field) = value.get(name) else {
            return Vec::new();
        };
        let place = format!("{at}/{name}");
        let Some(items) = field.as_array() else {
            self.fail(&place, "must be an array");
            return Vec::new();
        };
        self.count(&place, items.len(), least, most);
        items
            .iter()
            .enumerate()
            .map(|(index, item)| (format!("{place}/{index}"), item))
            .collect()
    }

    /// A string of `least` to `most` characters, when the field is there.
    pub(crate) fn string<'v>(
        &mut self,
        at: &str,
        value: &'v Value,
        name: &str,
        least: usize,
        most: usize,
    ) -> Option<&'v str> {
        let field = value.get(name)?;
        let place = format!("{at}/{name}");
        let Some(text) = field.as_str() else {
            self.fail(&place, "must be a string");
            return None;
        };
        let length = text.chars().count();
        if length < least {
            let more_than = least.saturating_sub(1);
            self.fail(&place, format!("must be more than {more_than} characters"));
        }
        if length > most {
            let limit = most.saturating_add(1);
            self.fail(&place, format!("must be less than {limit} characters"));
        }
        Some(text)
    }

    /// A string that counts towards the size of the whole message.
    pub(crate) fn counted_string(
        &mut self,
        at: &str,
        value: &Value,
        name: &str,
        least: usize,
        most: usize,
    ) {
        if let Some(text) = self.string(at, value, name, least, most) {
            self.characters += text.chars().count();
        }
    }

    pub(crate) fn boolean(&mut self, at: &str, value: &Value, name: &str) {
        if value.get(name).is_some_and(|field| !field.is_boolean()) {
            self.fail(&format!("{at}/{name}"), "must be a boolean");
        }
    }

    pub(crate) fn one_of(&mut self, at: &str, value: &Value, name: &str, allowed: &[&str]) {
        let Some(field) = value.get(name) else {
            return;
        };
        if !field.as_str().is_some_and(|text| allowed.contains(&text)) {
            self.fail(
                &format!("{at}/{name}"),
                format!("must be one of {allowed:?}"),
            );
        }
    }

    /// A `block_id`: up to 255 characters, unique within the message.
    pub(crate) fn block_id(&mut self, at: &str, block: &Value) {
        if let Some(id) = self.string(at, block, "block_id", 1, 255)
            && !self.block_ids.insert(id.to_owned())
        {
            self.fail(&format!("{at}/block_id"), "`block_id` is not unique");
        }
    }

    /// An `action_id`: up to 255 characters, unique within the message.
    ///
    /// Slack asks for uniqueness within the block; a tap is told apart by both ids only if the
    /// block's id is stable, so the whole message is the safer measure.
    pub(crate) fn action_id(&mut self, at: &str, element: &Value) {
        if let Some(id) = self.string(at, element, "action_id", 1, 255)
            && !self.action_ids.insert(id.to_owned())
        {
            self.fail(&format!("{at}/action_id"), "`action_id` is not unique");
        }
    }

    /// The text object in the field `name`, when it is there.
    pub(crate) fn text(
        &mut self,
        at: &str,
        value: &Value,
        name: &str,
        flavor: Flavor,
        most: usize,
    ) {
        if let Some(text) = value.get(name) {
            self.text_object(&format!("{at}/{name}"), text, flavor, most);
        }
    }

    /// A text object (<https://docs.slack.dev/reference/block-kit/composition-objects/text-object>).
    pub(crate) fn text_object(&mut self, at: &str, value: &Value, flavor: Flavor, most: usize) {
        match (self.kind(at, value), flavor) {
            (Some("plain_text"), _) => {
                self.object(at, value, &["type", "text"], &["emoji"]);
                self.boolean(at, value, "emoji");
            }
            (Some("mrkdwn"), Flavor::Any) => {
                self.object(at, value, &["type", "text"], &["verbatim"]);
                self.boolean(at, value, "verbatim");
            }
            (Some("mrkdwn"), Flavor::Plain) => self.fail(at, "must be plain_text"),
            (Some(other), _) => self.fail(at, format!("unsupported type: {other}")),
            (None, _) => return,
        }
        self.counted_string(at, value, "text", 1, most);
    }

    /// A URL of up to 3,000 characters with one of the schemes.
    pub(crate) fn url(&mut self, at: &str, value: &Value, name: &str, schemes: &[&str]) {
        let Some(text) = self.string(at, value, name, 1, 3000) else {
            return;
        };
        let valid = Url::parse(text).is_ok_and(|url| {
            schemes.contains(&url.scheme())
                && (!url.scheme().starts_with("http") || url.has_host())
                && !text.contains(char::is_whitespace)
        });
        if !valid {
            self.fail(
                &format!("{at}/{name}"),
                format!("must be a valid URL with one of the schemes {schemes:?}"),
            );
        }
    }

    /// The description and the address of an image.
    pub(crate) fn image_source(&mut self, at: &str, image: &Value) {
        self.counted_string(at, image, "alt_text", 1, 2000);
        self.url(at, image, "image_url", &["http", "https"]);
        if image.get("image_url").is_none() {
            self.fail(at, "must define either `image_url` or `slack_file`");
        }
    }
}
