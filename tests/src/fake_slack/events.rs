//! The events of the Events API (<https://docs.slack.dev/apis/events-api>).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Author, FakeSlack, Message, Payload,
    message::{bot_profile, direct_channel},
};

/// One delivery of an event, not yet sent.
#[derive(Clone, Debug)]
pub struct Event {
    body: Value,
}

impl Payload for Event {
    fn body(&self) -> Vec<u8> {
        self.body.to_string().into_bytes()
    }

    fn content_type(&self) -> &'static str {
        "application/json"
    }
}

impl Event {
    /// The body, envelope included.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.body
    }

    /// The conversation of the message.
    #[must_use]
    pub fn channel(&self) -> &str {
        self.field("channel")
    }

    /// The `ts` of the message.
    #[must_use]
    pub fn ts(&self) -> &str {
        self.field("ts")
    }

    /// The id of the delivery, `Ev…`.
    #[must_use]
    pub fn event_id(&self) -> &str {
        let id = self.body.get("event_id");
        id.and_then(Value::as_str).unwrap_or_default()
    }

    /// The same message under another `event_id`, as Slack has been seen to send
    /// (slackapi/node-slack-sdk#2141).
    #[must_use]
    pub fn with_event_id(mut self, event_id: &str) -> Self {
        if let Some(fields) = self.body.as_object_mut() {
            fields.insert("event_id".to_owned(), json!(event_id));
        }
        self
    }

    /// With one field of the inner event set.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        if let Some(event) = self.body.get_mut("event").and_then(Value::as_object_mut) {
            event.insert(name.to_owned(), value);
        }
        self
    }

    /// With one field of the envelope set.
    #[must_use]
    pub fn with_outer(mut self, name: &str, value: Value) -> Self {
        if let Some(fields) = self.body.as_object_mut() {
            fields.insert(name.to_owned(), value);
        }
        self
    }

    fn field(&self, name: &str) -> &str {
        let field = self.body.get("event").and_then(|event| event.get(name));
        field.and_then(Value::as_str).unwrap_or_default()
    }
}

/// What people do in the workspace. Messages are kept, so that `conversations.history` and
/// `conversations.replies` know them.
impl FakeSlack {
    /// The conversation of direct messages with a user.
    #[must_use]
    pub fn dm_channel(&self, user: &str) -> String {
        direct_channel(user)
    }

    /// A direct message to the application.
    #[must_use]
    pub fn dm(&self, user: &str, text: &str) -> Event {
        self.dm_reply(user, text, None)
    }

    /// A direct message, in a thread when there is a `thread_ts`.
    #[must_use]
    pub fn dm_reply(&self, user: &str, text: &str, thread_ts: Option<&str>) -> Event {
        let channel = direct_channel(user);
        let ts = self.say(&channel, user, text, thread_ts, &[]);
        self.envelope(&self.user_message(&channel, "im", user, text, &ts, thread_ts))
    }

    /// A message in a channel that mentions the application, which comes twice: as `app_mention`
    /// and as `message`, with the same `ts`. The mention is put before the text.
    #[must_use]
    pub fn mention(
        &self,
        channel: &str,
        user: &str,
        text: &str,
        thread_ts: Option<&str>,
    ) -> (Event, Event) {
        let text = format!("<@{}> {text}", self.workspace().bot_user_id);
        let ts = self.say(channel, user, &text, thread_ts, &[]);
        let message = self.user_message(channel, "channel", user, &text, &ts, thread_ts);
        let mut mention = message.clone();
        if let Some(fields) = mention.as_object_mut() {
            fields.insert("type".to_owned(), json!("app_mention"));
            fields.remove("channel_type");
        }
        (self.envelope(&mention), self.envelope(&message))
    }

    /// A message in a channel that mentions nobody, in a thread when there is a `thread_ts`.
    #[must_use]
    pub fn channel_message(
        &self,
        channel: &str,
        user: &str,
        text: &str,
        thread_ts: Option<&str>,
    ) -> Event {
        let ts = self.say(channel, user, text, thread_ts, &[]);
        self.envelope(&self.user_message(channel, "channel", user, text, &ts, thread_ts))
    }

    /// A message with files, in a direct conversation or a channel; the files are those of
    /// [`Self::add_file`].
    #[must_use]
    pub fn file_share(&self, channel: &str, user: &str, text: &str, files: &[Value]) -> Event {
        let ts = self.say(channel, user, text, None, files);
        let kind = channel_type(channel);
        let event = self.user_message(channel, kind, user, text, &ts, None);
        let event = self.envelope(&event);
        event
            .with("subtype", json!("file_share"))
            .with("files", json!(files))
            .with("upload", json!(false))
            .with("display_as_bot", json!(false))
    }

    /// The event that comes beside [`Self::file_share`] for each file.
    #[must_use]
    pub fn file_shared(&self, channel: &str, user: &str, file: &Value) -> Event {
        let id = file.get("id").cloned().unwrap_or_default();
        let ts = self.mint_ts();
        self.envelope(&json!({
            "type": "file_shared",
            "channel_id": channel,
            "file_id": id,
            "user_id": user,
            "file": {"id": id},
            "event_ts": ts,
        }))
    }

    /// A file as it is in the event of a Slack Connect channel: a stub whose content has to be
    /// asked for with `files.info`.
    #[must_use]
    pub fn file_stub(&self, file: &Value) -> Value {
        json!({
            "id": file.get("id").cloned().unwrap_or_default(),
            "created": 1_700_000_000,
            "timestamp": 1_700_000_000,
            "name": null,
            "title": null,
            "mimetype": "",
            "filetype": "",
            "pretty_type": "",
            "user_team": self.workspace().team_id,
            "mode": "file_access",
            "is_external": false,
            "file_access": "check_file_info",
        })
    }

    /// One of the application's own messages coming back, as Slack sends them.
    #[must_use]
    pub fn echo(&self, message: &Message) -> Event {
        let shown = message.to_json(self.workspace(), false);
        self.envelope(&shown)
            .with("channel", json!(message.channel))
            .with("channel_type", json!(channel_type(&message.channel)))
            .with("event_ts", json!(message.ts))
    }

    /// A message of another application.
    #[must_use]
    pub fn bot_message(&self, channel: &str, text: &str) -> Event {
        let ts = self.mint_ts();
        self.envelope(&json!({
            "type": "message",
            "subtype": "bot_message",
            "bot_id": "B0OTHERBOT",
            "username": "another bot",
            "icons": {"emoji": ":robot_face:"},
            "text": text,
            "ts": ts,
            "channel": channel,
            "channel_type": channel_type(channel),
            "event_ts": ts,
        }))
    }

    /// A message of another application in the newer shape: a bot's user, and no subtype.
    #[must_use]
    pub fn other_app_message(&self, channel: &str, text: &str) -> Event {
        let ts = self.mint_ts();
        let workspace = self.workspace();
        let mut profile = bot_profile(workspace);
        for (name, value) in [("id", "B0OTHERBOT"), ("app_id", "A0OTHERAPP")] {
            if let Some(fields) = profile.as_object_mut() {
                fields.insert(name.to_owned(), json!(value));
            }
        }
        self.envelope(&json!({
            "type": "message",
            "user": "U0OTHERBOT",
            "bot_id": "B0OTHERBOT",
            "app_id": "A0OTHERAPP",
            "bot_profile": profile,
            "text": text,
            "team": workspace.team_id,
            "ts": ts,
            "channel": channel,
            "channel_type": channel_type(channel),
            "event_ts": ts,
        }))
    }

    /// A person edits an earlier message.
    #[must_use]
    pub fn message_changed(&self, original: &Event, text: &str) -> Event {
        let previous = original.json().get("event").cloned().unwrap_or_default();
        let mut changed = previous.clone();
        let ts = self.mint_ts();
        if let Some(fields) = changed.as_object_mut() {
            fields.insert("text".to_owned(), json!(text));
            let user = previous.get("user").cloned().unwrap_or_default();
            fields.insert("edited".to_owned(), json!({"user": user, "ts": ts}));
        }
        self.envelope(&json!({
            "type": "message",
            "subtype": "message_changed",
            "message": changed,
            "previous_message": previous,
            "channel": original.channel(),
            "hidden": true,
            "ts": ts,
            "event_ts": ts,
            "channel_type": channel_type(original.channel()),
        }))
    }

    /// A person deletes an earlier message.
    #[must_use]
    pub fn message_deleted(&self, original: &Event) -> Event {
        let ts = self.mint_ts();
        self.envelope(&json!({
            "type": "message",
            "subtype": "message_deleted",
            "previous_message": original.json().get("event").cloned().unwrap_or_default(),
            "channel": original.channel(),
            "hidden": true,
            "deleted_ts": original.ts(),
            "ts": ts,
            "event_ts": ts,
            "channel_type": channel_type(original.channel()),
        }))
    }

    /// A person deletes an earlier message that has replies: Slack leaves a tombstone in its place.
    #[must_use]
    pub fn message_deleted_with_replies(&self, original: &Event) -> Event {
        let ts = original.ts();
        self.message_changed(original, "").with(
            "message",
            json!({
                "type": "message",
                "subtype": "tombstone",
                "user": "USLACKBOT",
                "text": "This message was deleted.",
                "hidden": true,
                "ts": ts,
                "thread_ts": ts,
            }),
        )
    }

    /// A person joins a channel.
    #[must_use]
    pub fn channel_join(&self, channel: &str, user: &str) -> Event {
        let ts = self.mint_ts();
        self.envelope(&json!({
            "type": "message",
            "subtype": "channel_join",
            "user": user,
            "text": format!("<@{user}> has joined the channel"),
            "inviter": "U0INVITER",
            "ts": ts,
            "channel": channel,
            "channel_type": "channel",
            "event_ts": ts,
        }))
    }

    /// The handshake of a request URL, which is answered with the challenge.
    #[must_use]
    pub fn url_verification(&self, challenge: &str) -> Event {
        Event {
            body: json!({
                "token": "fake-verification-token",
                "challenge": challenge,
                "type": "url_verification",
            }),
        }
    }

    /// Any event in its envelope, with an `event_id` of its own.
    #[must_use]
    pub fn envelope(&self, event: &Value) -> Event {
        let workspace = self.workspace();
        let event_id = self.state.change(|store| store.next_id("Ev"));
        Event {
            body: json!({
                "token": "fake-verification-token",
                "team_id": workspace.team_id,
                "context_team_id": workspace.team_id,
                "enterprise_id": workspace.enterprise_id,
                "context_enterprise_id": workspace.enterprise_id,
                "api_app_id": workspace.api_app_id,
                "event": event,
                "type": "event_callback",
                "event_id": event_id,
                "event_time": Timestamp::now().as_second(),
                "authorizations": [{
                    "enterprise_id": workspace.enterprise_id,
                    "team_id": workspace.team_id,
                    "user_id": workspace.bot_user_id,
                    "is_bot": true,
                    "is_enterprise_install": workspace.is_org_wide,
                }],
                "is_ext_shared_channel": false,
                "event_context": "4-fake-event-context",
            }),
        }
    }

    /// A message id that no message has yet.
    #[must_use]
    pub fn mint_ts(&self) -> String {
        let now = Timestamp::now();
        self.state.change(|store| store.next_ts(now))
    }

    fn say(
        &self,
        channel: &str,
        user: &str,
        text: &str,
        thread_ts: Option<&str>,
        files: &[Value],
    ) -> String {
        let ts = self.mint_ts();
        let author = Author::User(user.to_owned());
        let mut message = Message::new(channel, ts.clone(), author, text);
        message.thread_ts = thread_ts.map(str::to_owned);
        message.files = files.to_vec();
        self.state.change(|store| store.post(message));
        ts
    }

    fn user_message(
        &self,
        channel: &str,
        channel_type: &str,
        user: &str,
        text: &str,
        ts: &str,
        thread_ts: Option<&str>,
    ) -> Value {
        let mut event = json!({
            "type": "message",
            "user": user,
            "ts": ts,
            "client_msg_id": format!("client-{ts}"),
            "text": text,
            "team": self.workspace().team_id,
            "blocks": [{
                "type": "rich_text",
                "block_id": "Fake1",
                "elements": [{
                    "type": "rich_text_section",
                    "elements": [{"type": "text", "text": text}],
                }],
            }],
            "channel": channel,
            "event_ts": ts,
            "channel_type": channel_type,
        });
        if let Some(fields) = event.as_object_mut().filter(|_| text.is_empty()) {
            fields.remove("blocks");
        }
        if let (Some(fields), Some(thread_ts)) = (event.as_object_mut(), thread_ts) {
            fields.insert("thread_ts".to_owned(), json!(thread_ts));
            fields.insert(
                "parent_user_id".to_owned(),
                json!(self.workspace().bot_user_id),
            );
        }
        event
    }
}

fn channel_type(channel: &str) -> &'static str {
    match channel.chars().next() {
        Some('D') => "im",
        Some('G') => "group",
        _ => "channel",
    }
}
