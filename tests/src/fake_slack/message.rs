//! A message as the fake keeps it, and what a person would see of it.

use serde_json::{Map, Value, json};

use super::Workspace;

/// Who wrote a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Author {
    /// The application under test.
    Bot,
    /// A person, or another bot, by user id.
    User(String),
}

/// One stored message.
#[derive(Clone, Debug)]
pub struct Message {
    /// The conversation.
    pub channel: String,
    /// The message's id within the conversation, `1700000000.000100`.
    pub ts: String,
    /// The `ts` of the thread's first message, in a thread.
    pub thread_ts: Option<String>,
    /// Who wrote it.
    pub author: Author,
    /// The `text` argument, which is only the notification when there are blocks.
    pub text: String,
    /// The blocks, with the ids that Slack gives to those that have none.
    pub blocks: Vec<Value>,
    /// `metadata`, which the platform shows only to those who ask for it.
    pub metadata: Option<Value>,
    /// The name shown in the place of the bot's.
    pub username: Option<String>,
    /// The picture shown in the place of the bot's: `icon_url` or `icon_emoji`.
    pub icon: Option<String>,
    /// The files that came with it.
    pub files: Vec<Value>,
    /// Emoji name and user id of each reaction.
    pub reactions: Vec<(String, String)>,
    /// How many times it was edited.
    pub edits: u32,
}

/// A button of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// The text on it.
    pub label: String,
    /// Its `action_id`.
    pub action_id: String,
    /// The block it is in.
    pub block_id: String,
    /// What a tap carries.
    pub value: Option<String>,
    /// What a tap opens.
    pub url: Option<String>,
}

impl Message {
    pub(crate) fn new(channel: &str, ts: String, author: Author, text: &str) -> Self {
        Self {
            channel: channel.to_owned(),
            ts,
            thread_ts: None,
            author,
            text: text.to_owned(),
            blocks: Vec::new(),
            metadata: None,
            username: None,
            icon: None,
            files: Vec::new(),
            reactions: Vec::new(),
            edits: 0,
        }
    }

    /// Whether the application under test wrote it.
    #[must_use]
    pub fn is_from_bot(&self) -> bool {
        self.author == Author::Bot
    }

    /// Whether it is a reply, not the first message of its thread.
    #[must_use]
    pub fn is_reply(&self) -> bool {
        self.thread_ts.as_ref().is_some_and(|ts| *ts != self.ts)
    }

    /// Everything a person reads, in order, one text a line: the blocks' texts, or the message's
    /// own when it has none.
    #[must_use]
    pub fn visible_text(&self) -> String {
        if self.blocks.is_empty() {
            return self.text.clone();
        }
        let mut texts = Vec::new();
        for block in &self.blocks {
            collect_texts(block, &mut texts);
        }
        texts.join("\n")
    }

    /// The buttons, in order.
    #[must_use]
    pub fn buttons(&self) -> Vec<Button> {
        self.elements()
            .into_iter()
            .filter(|(_, element)| kind(element) == "button")
            .map(|(block_id, element)| Button {
                label: text_of(element.get("text")),
                action_id: text_of(element.get("action_id")),
                block_id,
                value: element
                    .get("value")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                url: element
                    .get("url")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            })
            .collect()
    }

    /// The labels of what the menus offer, in order.
    #[must_use]
    pub fn options(&self) -> Vec<String> {
        let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
        let mut labels = Vec::new();
        for (_, element) in self.elements() {
            let groups = list(element, "option_groups");
            for offered in groups.iter().chain([element]) {
                let options = list(offered, "options");
                labels.extend(options.iter().map(|option| text_of(option.get("text"))));
            }
        }
        labels
    }

    /// The URLs of the images, in order.
    #[must_use]
    pub fn images(&self) -> Vec<String> {
        let mut found = Vec::new();
        for block in &self.blocks {
            collect_images(block, &mut found);
        }
        found
    }

    /// Every interactive element with the id of its block.
    pub(crate) fn elements(&self) -> Vec<(String, &Value)> {
        let mut found = Vec::new();
        for block in &self.blocks {
            collect_elements(block, &mut found);
        }
        found
    }

    /// The message as Slack's API shows it.
    pub(crate) fn to_json(&self, workspace: &Workspace, with_metadata: bool) -> Value {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("type", json!("message"));
        match &self.author {
            Author::Bot => {
                put("user", json!(workspace.bot_user_id));
                put("bot_id", json!(workspace.bot_id));
                put("app_id", json!(workspace.api_app_id));
                put("bot_profile", bot_profile(workspace));
                if let Some(name) = &self.username {
                    put("subtype", json!("bot_message"));
                    put("username", json!(name));
                }
                if let Some(icon) = &self.icon {
                    let shape = if icon.starts_with(':') {
                        json!({ "emoji": icon })
                    } else {
                        json!({ "image_48": icon })
                    };
                    put("icons", shape);
                }
            }
            Author::User(id) => {
                put("user", json!(id));
            }
        }
        put("team", json!(workspace.team_id));
        put("text", json!(self.text));
        put("ts", json!(self.ts));
        if let Some(thread_ts) = &self.thread_ts {
            put("thread_ts", json!(thread_ts));
        }
        if !self.blocks.is_empty() {
            put("blocks", json!(self.blocks));
        }
        if !self.files.is_empty() {
            put("files", json!(self.files));
        }
        if self.edits > 0 {
            put("edited", json!({"user": workspace.bot_id, "ts": self.ts}));
        }
        if let Some(metadata) = self.metadata.as_ref().filter(|_| with_metadata) {
            put("metadata", metadata.clone());
        }
        Value::Object(fields)
    }
}

/// The profile that Slack adds to messages of an application.
pub(crate) fn bot_profile(workspace: &Workspace) -> Value {
    json!({
        "id": workspace.bot_id,
        "app_id": workspace.api_app_id,
        "user_id": workspace.bot_user_id,
        "name": workspace.bot_name,
        "icons": {"image_36": "https://avatars.example/36.png"},
        "deleted": false,
        "updated": 1_700_000_000,
        "team_id": workspace.team_id,
    })
}

/// Gives ids to blocks and elements that came without, as Slack does.
pub(crate) fn name_blocks(blocks: &mut [Value], ts: &str) {
    let mut count = 0_usize;
    for block in blocks {
        name_block(block, ts, &mut count);
    }
}

fn name_block(value: &mut Value, ts: &str, count: &mut usize) {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| name_block(item, ts, count)),
        Value::Object(fields) => {
            let kind = fields
                .get("type")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let id = match kind {
                "actions" | "card" | "carousel" | "context" | "divider" | "header" | "input"
                | "section" => Some("block_id"),
                "image" if fields.contains_key("title") => Some("block_id"),
                "button" | "datepicker" | "timepicker" => Some("action_id"),
                kind if kind.ends_with("_select") => Some("action_id"),
                _ => None,
            };
            if let Some(id) = id.filter(|id| !fields.contains_key(*id)) {
                *count += 1;
                fields.insert(id.to_owned(), json!(format!("auto-{ts}-{count}")));
            }
            fields
                .values_mut()
                .for_each(|field| name_block(field, ts, count));
        }
        _ => {}
    }
}

fn kind(value: &Value) -> &str {
    value
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn text_of(value: Option<&Value>) -> String {
    let text = value.map(|value| value.get("text").unwrap_or(value));
    text.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Texts in the order of the fields, leaving out ids and values, which nobody sees.
fn collect_texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, into)),
        Value::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), field.as_str()) {
                    ("text" | "alt_text", Some(text)) => into.push(text.to_owned()),
                    (_, Some(_)) => {}
                    _ => collect_texts(field, into),
                }
            }
        }
        _ => {}
    }
}

fn collect_images(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_images(item, into)),
        Value::Object(fields) => {
            if let Some(url) = fields.get("image_url").and_then(Value::as_str) {
                into.push(url.to_owned());
            }
            fields
                .values()
                .for_each(|field| collect_images(field, into));
        }
        _ => {}
    }
}

fn collect_elements<'v>(block: &'v Value, into: &mut Vec<(String, &'v Value)>) {
    let block_id = text_of(block.get("block_id"));
    if kind(block) == "carousel" {
        let cards = block.get("elements").and_then(Value::as_array);
        cards
            .into_iter()
            .flatten()
            .for_each(|card| collect_elements(card, into));
        return;
    }
    for list in ["elements", "actions"] {
        let elements = block.get(list).and_then(Value::as_array);
        into.extend(
            elements
                .into_iter()
                .flatten()
                .map(|element| (block_id.clone(), element)),
        );
    }
    for single in ["accessory", "element"] {
        into.extend(block.get(single).map(|element| (block_id.clone(), element)));
    }
}

/// The direct-message conversation of a user: here, the user's id with another first letter.
pub(crate) fn direct_channel(user: &str) -> String {
    let mut letters = user.chars();
    letters.next();
    format!("D{}", letters.as_str())
}
