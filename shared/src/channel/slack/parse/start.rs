//! Ways to begin beside writing: slash commands, shortcuts, the Home tab, the assistant.
//!
//! What is asked by a command or a shortcut is asked in private, so it is answered in the direct
//! conversation: a message to a user's id goes there
//! (<https://docs.slack.dev/reference/methods/chat.postMessage#app_home>).

use std::collections::HashMap;

use serde_json::{Value, json};

use super::ts::Ts;
use super::words::Words;
use super::{Place, Reader, nothing, readable};
use crate::channel::limits::Size;
use crate::channel::slack::home;
use crate::channel::slack::limits;
use crate::channel::slack::markup::mrkdwn;
use crate::channel::slack::notice::posted;
use crate::channel::{Act, Address, Attachment, Gate, Inbound, Received, Reply, Task};
use crate::ids::EntryKey;
use crate::wire;

/// What is said to the bot by one who begins without words.
pub(super) const START: &str = "Hi";

impl Reader<'_> {
    /// A slash command (<https://docs.slack.dev/interactivity/implementing-slash-commands/>).
    pub(super) fn command(self, fields: &HashMap<String, String>) -> Received {
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let (user, channel) = (field("user_id"), field("channel_id"));
        if user.is_empty() {
            return nothing();
        }
        let is_direct = channel.starts_with('D');
        let text = readable(field("text"));
        let text = if text.is_empty() { START } else { &text };
        let place = if is_direct { channel } else { user };
        let key = self.sent_key(user, field("trigger_id"));
        let inbound = self.said(user, place, key, text, Vec::new());
        let reply = if is_direct {
            Reply::ok()
        } else {
            let text = "The answer comes in our direct messages.";
            Reply::json(200, &json!({"response_type": "ephemeral", "text": text}))
        };
        Received {
            reply,
            inbound: vec![inbound],
            ..nothing()
        }
    }

    /// A shortcut on a message
    /// (<https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload>): the user
    /// says what the message says.
    pub(super) fn message_action(self, payload: &Value) -> Received {
        let user = at(payload, "/user/id");
        let message = payload.get("message").unwrap_or(&Value::Null);
        if user.is_empty() {
            return nothing();
        }
        let words = Words::of(message);
        let (unnamed, text) = (words.unnamed(&[]), words.readable(&[]));
        let key = self.sent_key(user, at(payload, "/trigger_id"));
        if text.is_empty() && words.files.is_empty() {
            let address = direct(user).address();
            let notice = posted(&address, "There is nothing in that message to ask about.");
            return self.task(user, format!("{key}#about"), &notice);
        }
        let mut inbound = self.said(user, user, key, &text, words.files);
        inbound.unnamed = unnamed;
        let about = mrkdwn(&Size::utf16(limits::SECTION_TEXT.max / 10).clip(&text));
        let task = Task {
            key: EntryKey::from(format!("{}#about", inbound.key)),
            at: inbound.at,
            auth_id: inbound.auth_id.clone(),
            task: posted(&inbound.address, &format!("You asked about: {about}")),
        };
        Received {
            inbound: vec![inbound],
            tasks: vec![task],
            ..nothing()
        }
    }

    /// A shortcut that is on no message, or the button of the Home tab: the user says hello.
    pub(super) fn start(self, payload: &Value) -> Received {
        self.begin(payload, START)
    }

    /// The button of the Home tab that asks for a human: the user says what it says.
    pub(super) fn ask(self, payload: &Value) -> Received {
        match at(payload, "/actions/0/value") {
            "" => nothing(),
            phrase => self.begin(payload, phrase),
        }
    }

    fn begin(self, payload: &Value, text: &str) -> Received {
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
        Received {
            inbound: vec![self.said(user, user, key, text, Vec::new())],
            ..nothing()
        }
    }

    /// The Home tab was opened (<https://docs.slack.dev/reference/events/app_home_opened>): it is
    /// published once for each user, and again when it has changed.
    pub(super) fn home_opened(self, event: &Value) -> Received {
        let user = wire::text(event, "user");
        let is_shown = event
            .get("view")
            .is_some_and(|view| home::is_shown(view, self.welcome, self.agent_phrase));
        if user.is_empty() || wire::text(event, "tab") == "messages" || is_shown {
            return nothing();
        }
        let time = Ts::read(&wire::text(event, "event_ts"));
        let time = time.unwrap_or_else(|| Ts::of(self.sent));
        let body = json!({"user_id": user, "view": home::view(self.welcome, self.agent_phrase)});
        self.task(
            &user,
            format!("{}#home", time.key(&user)),
            &json!({"method": "views.publish", "body": body}),
        )
    }

    /// A thread with the assistant begins
    /// (<https://docs.slack.dev/reference/events/assistant_thread_started>): it is welcomed, and some
    /// things to say are suggested.
    pub(super) fn assistant_started(self, event: &Value) -> Received {
        let user = at(event, "/assistant_thread/user_id");
        let channel = at(event, "/assistant_thread/channel_id");
        let thread_ts = at(event, "/assistant_thread/thread_ts");
        let Some(time) = Ts::read(thread_ts).filter(|_| !user.is_empty() && !channel.is_empty())
        else {
            return nothing();
        };
        let address = Address(json!({"channel": channel, "thread_ts": thread_ts}));
        let key = time.key(channel);
        let mut received = self.task(
            user,
            format!("{key}#welcome"),
            &posted(&address, &mrkdwn(self.welcome)),
        );
        if !self.suggested_prompts.is_empty() {
            let prompts: Vec<Value> = self
                .suggested_prompts
                .iter()
                .map(|prompt| json!({"title": prompt, "message": prompt}))
                .collect();
            let body = json!({"channel_id": channel, "thread_ts": thread_ts, "prompts": prompts});
            let task = json!({"method": "assistant.threads.setSuggestedPrompts", "body": body});
            let more = self.task(user, format!("{key}#prompts"), &task);
            received.tasks.extend(more.tasks);
        }
        received
    }

    /// Something said in the direct conversation, by other means than a message there.
    fn said(
        self,
        user: &str,
        channel: &str,
        key: EntryKey,
        text: &str,
        attachments: Vec<Attachment>,
    ) -> Inbound {
        let place = direct(channel);
        Inbound {
            key,
            at: self.sent,
            auth_id: self.auth_id(user, place),
            user: user.to_owned(),
            address: place.address(),
            profile: None,
            gate: Gate::Open,
            act: Act::Message {
                text: text.to_owned(),
                attachments,
            },
            unnamed: Vec::new(),
            mark: None,
        }
    }

    fn task(self, user: &str, key: String, task: &Value) -> Received {
        let task = Task {
            key: key.into(),
            at: self.sent,
            auth_id: self.auth_id(user, direct(user)),
            task: task.clone(),
        };
        Received {
            tasks: vec![task],
            ..nothing()
        }
    }

    /// The place of what has no time but that of its request, which is signed with it: the same request
    /// once more has the same key.
    fn sent_key(self, user: &str, trigger_id: &str) -> EntryKey {
        EntryKey::from(format!("{}#{trigger_id}", Ts::of(self.sent).key(user)))
    }
}

/// The direct conversation of this id, or with this user.
fn direct(channel: &str) -> Place<'_> {
    Place {
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
