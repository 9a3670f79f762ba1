//! Ways to begin beside writing: slash commands, shortcuts, the Home tab, the assistant.
//!
//! What is asked by a command or a shortcut is asked in private, so it is answered in the direct
//! conversation: a message to a user's id goes there
//! (<https://docs.slack.dev/reference/methods/chat.postMessage#app_home>).

use std::collections::HashMap;

use serde_json::{Value, json};

use super::ts::Ts;
use super::words::Words;
use super::{MessagePlace, Reader, Reading, nothing};
use crate::channel::Response;
use crate::slack::address::{Address, Command, Method};
use crate::slack::emoji::EmojiNames;
use crate::slack::home;
use crate::slack::markup::mrkdwn;
use crate::slack::notice::{asked_about, posted};
use crate::slack::text::{Readable, readable};
use haptik_bridge_shared::ids::EntryKey;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{Addressed, Attachment, Inbound, UserAction};

/// What is said to the bot by one who begins without words.
pub(super) const START: &str = "Hi";

impl Reader<'_> {
    /// A slash command (<https://docs.slack.dev/interactivity/implementing-slash-commands/>).
    pub(super) fn command(self, fields: &HashMap<String, String>) -> Reading {
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let user = field("user_id");
        if user.is_empty() {
            return nothing();
        }
        let Readable { text, mentions } = readable(field("text"), &[], EmojiNames::default());
        let text = if text.is_empty() { START } else { &text };
        let key = self.sent_key(user, field("trigger_id"));
        // Wherever it was given, also in a direct message of other people, where the app cannot write.
        let mut inbound = self.inbound_message(user, user, key, text, Vec::new());
        inbound.mentions = mentions;
        let text = "The answer comes in our direct messages.";
        let response = Response::json(200, &json!({"response_type": "ephemeral", "text": text}));
        Reading {
            response,
            inbound: vec![inbound],
            ..nothing()
        }
    }

    /// A shortcut on a message
    /// (<https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload>): the user
    /// says what the message says.
    pub(super) fn message_action(self, payload: &Value) -> Reading {
        let user = at(payload, "/user/id");
        let message = payload.get("message").unwrap_or(&Value::Null);
        if user.is_empty() {
            return nothing();
        }
        let words = Words::of(message);
        let Readable { text, mentions } = words.readable(&[]);
        let about = words.named(&[]);
        let key = self.sent_key(user, at(payload, "/trigger_id"));
        if text.is_empty() && words.files.is_empty() {
            let address = self.address(direct(user));
            let notice = posted(&address, "There is nothing in that message to ask about.");
            return self.only_task(user, key.then("about"), notice);
        }
        let mut inbound = self.inbound_message(user, user, key, &text, words.files);
        inbound.mentions = mentions;
        let key = inbound.key.then("about");
        let notice = asked_about(&inbound.address, about.text, about.mentions);
        let task = self.task(key, inbound.at, inbound.auth_id.clone(), notice);
        Reading {
            inbound: vec![inbound],
            tasks: vec![task],
            ..nothing()
        }
    }

    /// A shortcut that is on no message, or the button of the Home tab: the user says hello.
    pub(super) fn start(self, payload: &Value) -> Reading {
        self.begin(payload, START)
    }

    /// The button of the Home tab that asks for a human: the user says what it says.
    pub(super) fn ask(self, payload: &Value) -> Reading {
        match at(payload, "/actions/0/value") {
            "" => nothing(),
            phrase => self.begin(payload, phrase),
        }
    }

    fn begin(self, payload: &Value, text: &str) -> Reading {
        let user = at(payload, "/user/id");
        if user.is_empty() {
            return nothing();
        }
        let time = payload
            .pointer("/actions/0/action_ts")
            .or_else(|| payload.get("action_ts"));
        let time = time.and_then(Value::as_str).and_then(Ts::read);
        let key = time.map_or_else(
            || self.sent_key(user, at(payload, "/trigger_id")),
            |time| time.key(user),
        );
        Reading {
            inbound: vec![self.inbound_message(user, user, key, text, Vec::new())],
            ..nothing()
        }
    }

    /// The Home tab was opened (<https://docs.slack.dev/reference/events/app_home_opened>): it is
    /// published once for each user, and again when it has changed.
    pub(super) fn home_opened(self, event: &Value) -> Reading {
        let user = lenient_json::text(event, "user");
        let is_shown = event
            .get("view")
            .is_some_and(|view| home::is_shown(view, self.welcome, self.agent_phrase));
        if user.is_empty() || lenient_json::text(event, "tab") == "messages" || is_shown {
            return nothing();
        }
        let time = Ts::read(&lenient_json::text(event, "event_ts"));
        let time = time.unwrap_or_else(|| Ts::of(self.sent));
        let body = json!({"user_id": user, "view": home::view(self.welcome, self.agent_phrase)});
        let key = time.key(&user).then("home");
        self.only_task(&user, key, Command::of(Method::PublishView, body))
    }

    /// A thread with the assistant begins
    /// (<https://docs.slack.dev/reference/events/assistant_thread_started>): it is welcomed, and some
    /// things to say are suggested.
    pub(super) fn assistant_started(self, event: &Value) -> Reading {
        let user = at(event, "/assistant_thread/user_id");
        let channel = at(event, "/assistant_thread/channel_id");
        let thread_ts = at(event, "/assistant_thread/thread_ts");
        let Some(time) = Ts::read(thread_ts).filter(|_| !user.is_empty() && !channel.is_empty())
        else {
            return nothing();
        };
        let address = Address {
            channel: channel.to_owned(),
            thread_ts: Some(thread_ts.to_owned()),
            workspace: None,
        };
        let key = time.key(channel);
        let welcome = posted(&address, &mrkdwn(self.welcome));
        let mut reading = self.only_task(user, key.then("welcome"), welcome);
        if !self.suggested_prompts.is_empty() {
            let prompts: Vec<Value> = self
                .suggested_prompts
                .iter()
                .map(|prompt| json!({"title": prompt, "message": prompt}))
                .collect();
            let body = json!({"channel_id": channel, "thread_ts": thread_ts, "prompts": prompts});
            let command = Command::of(Method::SetSuggestedPrompts, body);
            let more = self.only_task(user, key.then("prompts"), command);
            reading.tasks.extend(more.tasks);
        }
        reading
    }

    /// Something said in the direct conversation, by other means than a message there.
    fn inbound_message(
        self,
        user: &str,
        channel: &str,
        key: EntryKey,
        text: &str,
        attachments: Vec<Attachment>,
    ) -> Inbound<Address> {
        let place = direct(channel);
        Inbound {
            key,
            at: self.sent,
            auth_id: self.auth_id(user, place),
            user: self.user(user),
            address: self.address(place),
            message_id: None,
            profile: None,
            addressed: Addressed::Yes,
            action: UserAction::Message {
                text: text.to_owned(),
                attachments,
            },
            mentions: Vec::new(),
        }
    }

    /// A request that leads to nothing but something done in Slack.
    fn only_task(self, user: &str, key: EntryKey, command: Command) -> Reading {
        let auth_id = self.auth_id(user, direct(user));
        Reading {
            tasks: vec![self.task(key, self.sent, auth_id, command)],
            ..nothing()
        }
    }

    /// The place of what has no time but that of its request, which is signed with it: the same request
    /// once more has the same key.
    fn sent_key(self, user: &str, trigger_id: &str) -> EntryKey {
        Ts::of(self.sent).key(user).then(trigger_id)
    }
}

/// The direct conversation of this id, or with this user.
fn direct(channel: &str) -> MessagePlace<'_> {
    MessagePlace {
        channel,
        thread_ts: None,
        ts: "",
        is_direct: true,
    }
}

fn at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
