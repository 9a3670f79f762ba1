//! Interactions and slash commands
//! (<https://docs.slack.dev/reference/interaction-payloads>).

use serde_json::{Value, json};

use super::{
    FakeSlack, Message, OpenView, Payload, arguments::encode_form, message::direct_channel,
    methods::others::shown_view,
};

/// One interaction, not yet sent: a form with the JSON in its field `payload`.
#[derive(Clone, Debug)]
pub struct Interaction {
    payload: Value,
}

impl Interaction {
    /// The JSON of the interaction.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.payload
    }

    /// An interaction of any shape, such as one of the fixtures.
    #[must_use]
    pub fn from_json(payload: Value) -> Self {
        Self { payload }
    }
}

impl Payload for Interaction {
    fn body(&self) -> Vec<u8> {
        encode_form(&[("payload", &self.payload.to_string())]).into_bytes()
    }

    fn content_type(&self) -> &'static str {
        "application/x-www-form-urlencoded"
    }
}

/// One slash command, not yet sent.
#[derive(Clone, Debug)]
pub struct SlashCommand {
    fields: Vec<(&'static str, String)>,
}

impl Payload for SlashCommand {
    fn body(&self) -> Vec<u8> {
        let fields = self.fields.iter();
        let pairs: Vec<(&str, &str)> = fields
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        encode_form(&pairs).into_bytes()
    }

    fn content_type(&self) -> &'static str {
        "application/x-www-form-urlencoded"
    }
}

impl FakeSlack {
    /// A user taps the button with this text or `action_id`.
    ///
    /// # Panics
    ///
    /// When the message, as it is now, has no such button.
    #[must_use]
    pub fn tap(&self, message: &Message, user: &str, button: &str) -> Interaction {
        let message = self.current(message);
        let (block_id, element) = self.element(&message, button);
        let mut action = json!({
            "type": "button",
            "action_id": element.get("action_id"),
            "block_id": block_id,
            "text": element.get("text"),
            "action_ts": self.mint_ts(),
        });
        if let Some(fields) = action.as_object_mut() {
            for name in ["value", "style", "url"] {
                if let Some(value) = element.get(name) {
                    fields.insert(name.to_owned(), value.clone());
                }
            }
        }
        self.block_actions(&message, user, &action)
    }

    /// A user chooses the option with this text in the menu that
    /// offers it.
    ///
    /// # Panics
    ///
    /// When the message, as it is now, has no such option.
    #[must_use]
    pub fn choose(&self, message: &Message, user: &str, option_text: &str) -> Interaction {
        let message = self.current(message);
        let has_text = |option: &&Value| {
            option.pointer("/text/text").and_then(Value::as_str) == Some(option_text)
        };
        let found = message
            .elements()
            .into_iter()
            .find_map(|(block_id, element)| {
                let options = element.get("options").and_then(Value::as_array);
                let groups = element.get("option_groups").and_then(Value::as_array);
                let grouped = groups
                    .into_iter()
                    .flatten()
                    .filter_map(|group| group.get("options")?.as_array());
                let option = options
                    .into_iter()
                    .chain(grouped)
                    .flatten()
                    .find(has_text)?;
                Some(json!({
                    "type": element.get("type"),
                    "action_id": element.get("action_id"),
                    "block_id": block_id,
                    "selected_option": option,
                    "placeholder": element.get("placeholder"),
                    "action_ts": self.mint_ts(),
                }))
            });
        let action = found.unwrap_or_else(|| {
            panic!("no option {option_text:?} in {:#?}", message.blocks);
        });
        self.block_actions(&message, user, &action)
    }

    /// A user submits a modal; each value is `(block_id, action_id, value)`, where a value is
    /// shaped as in `view.state.values`, or a string for a text input.
    #[must_use]
    pub fn submit_view(
        &self,
        view: &OpenView,
        user: &str,
        values: &[(&str, &str, Value)],
    ) -> Interaction {
        let mut state = json!({});
        for (block_id, action_id, value) in values {
            let value = match value {
                Value::String(text) => json!({"type": "plain_text_input", "value": text}),
                shaped => shaped.clone(),
            };
            let blocks = state.as_object_mut();
            let block = blocks.map(|blocks| blocks.entry(*block_id).or_insert_with(|| json!({})));
            if let Some(fields) = block.and_then(Value::as_object_mut) {
                fields.insert((*action_id).to_owned(), value);
            }
        }
        let mut shown = shown_view(self.workspace(), &view.id, &view.view);
        if let Some(fields) = shown.as_object_mut() {
            fields.insert("state".to_owned(), json!({ "values": state }));
        }
        self.interaction(
            user,
            json!({"type": "view_submission", "view": shown, "response_urls": []}),
        )
    }

    /// A user taps a button of the Home tab.
    ///
    /// # Panics
    /// When the tab has no such button.
    #[must_use]
    pub fn tap_home(&self, view: &OpenView, user: &str, action_id: &str) -> Interaction {
        let shown = shown_view(self.workspace(), &view.id, &view.view);
        let blocks = view.view["blocks"].as_array().into_iter().flatten();
        let mut buttons =
            blocks.flat_map(|block| block["elements"].as_array().into_iter().flatten());
        let button = buttons.find(|button| button["action_id"] == action_id);
        let mut action = button
            .unwrap_or_else(|| panic!("no {action_id} on the Home tab"))
            .clone();
        action["block_id"] = json!("home");
        action["action_ts"] = json!(self.mint_ts());
        self.interaction(
            user,
            json!({
                "type": "block_actions",
                "container": {"type": "view", "view_id": view.id},
                "view": shown,
                "actions": [action],
            }),
        )
    }

    /// A user chooses a shortcut on a message.
    #[must_use]
    pub fn message_shortcut(&self, channel: &str, user: &str, message: &Value) -> Interaction {
        let response_url = self.state.issue_response_url();
        self.interaction(
            user,
            json!({
                "type": "message_action",
                "callback_id": "ask_bot",
                "action_ts": self.mint_ts(),
                "message_ts": message.get("ts"),
                "channel": {"id": channel, "name": "general"},
                "response_url": response_url,
                "message": message,
            }),
        )
    }

    /// A user writes a slash command, in direct messages or a channel.
    #[must_use]
    pub fn slash_command(
        &self,
        channel: &str,
        user: &str,
        command: &str,
        text: &str,
    ) -> SlashCommand {
        let workspace = self.workspace();
        let response_url = self.state.issue_response_url();
        let channel_name = if channel == direct_channel(user) {
            "directmessage"
        } else {
            "general"
        };
        SlashCommand {
            fields: vec![
                ("token", "fake-verification-token".to_owned()),
                ("team_id", workspace.team_id.clone()),
                ("team_domain", workspace.team_domain.clone()),
                ("channel_id", channel.to_owned()),
                ("channel_name", channel_name.to_owned()),
                ("user_id", user.to_owned()),
                ("user_name", user.to_ascii_lowercase()),
                ("command", command.to_owned()),
                ("text", text.to_owned()),
                ("api_app_id", workspace.api_app_id.clone()),
                (
                    "enterprise_id",
                    workspace.enterprise_id.clone().unwrap_or_default(),
                ),
                ("is_enterprise_install", workspace.is_org_wide.to_string()),
                ("response_url", response_url),
                ("trigger_id", self.state.issue_trigger()),
            ],
        }
    }

    fn block_actions(&self, message: &Message, user: &str, action: &Value) -> Interaction {
        let response_url = self.state.issue_response_url();
        let mut container = json!({
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": false,
        });
        if let (Some(fields), Some(thread_ts)) = (container.as_object_mut(), &message.thread_ts) {
            fields.insert("thread_ts".to_owned(), json!(thread_ts));
        }
        let name = if message.channel.starts_with('D') {
            "directmessage"
        } else {
            "general"
        };
        self.interaction(
            user,
            json!({
                "type": "block_actions",
                "container": container,
                "channel": {"id": message.channel, "name": name},
                "message": escaped(message.to_json(self.workspace(), false)),
                "state": {"values": {}},
                "response_url": response_url,
                "actions": [escaped(action.clone())],
            }),
        )
    }

    /// What all interactions carry, together with what this one does.
    fn interaction(&self, user: &str, special: Value) -> Interaction {
        let workspace = self.workspace();
        let mut payload = json!({
            "type": "",
            "user": {
                "id": user,
                "username": user.to_ascii_lowercase(),
                "name": user.to_ascii_lowercase(),
                "team_id": workspace.team_id,
            },
            "api_app_id": workspace.api_app_id,
            "token": "fake-verification-token",
            "trigger_id": self.state.issue_trigger(),
            "team": {"id": workspace.team_id, "domain": workspace.team_domain},
            "enterprise": null,
            "is_enterprise_install": workspace.is_org_wide,
        });
        if let Some(enterprise_id) = &workspace.enterprise_id {
            payload["enterprise"] = json!({"id": enterprise_id, "name": "an organisation"});
        }
        if workspace.is_org_wide {
            payload["team"] = Value::Null;
        }
        if let (Some(fields), Value::Object(special)) = (payload.as_object_mut(), special) {
            fields.extend(special);
        }
        Interaction { payload }
    }

    /// The message after all edits, which is what a user can tap on.
    fn current(&self, message: &Message) -> Message {
        self.message(&message.channel, &message.ts)
            .unwrap_or_else(|| message.clone())
    }

    fn element(&self, message: &Message, button: &str) -> (String, Value) {
        let found = message.elements().into_iter().find(|(_, element)| {
            let label = element.pointer("/text/text").and_then(Value::as_str);
            let action_id = element.get("action_id").and_then(Value::as_str);
            element.get("type").and_then(Value::as_str) == Some("button")
                && (label == Some(button) || action_id == Some(button))
        });
        let (block_id, element) = found.unwrap_or_else(|| {
            panic!(
                "no button {button:?} among {:?}\n{}",
                message.buttons(),
                self.report()
            );
        });
        (block_id, element.clone())
    }
}

/// What a message shows, as it is in an interaction: `&`, `<` and `>` are escaped in plain texts, too
/// (<https://github.com/slackapi/bolt-python/issues/513>).
fn escaped(mut shown: Value) -> Value {
    let is_plain = shown.get("type").and_then(Value::as_str) == Some("plain_text");
    match &mut shown {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| *item = escaped(item.take())),
        Value::Object(fields) => {
            for (name, field) in fields {
                let text = field.as_str().filter(|_| is_plain && name == "text");
                *field = match text {
                    Some(text) => {
                        let text = text.replace('&', "&amp;").replace('<', "&lt;");
                        text.replace('>', "&gt;").into()
                    }
                    None => escaped(field.take()),
                };
            }
        }
        _ => {}
    }
    shown
}
