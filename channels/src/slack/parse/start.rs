//! Ways to begin beside writing: slash commands, shortcuts, the Home tab, the assistant.
//!
//! What is asked by a command or a shortcut is asked in private, so it is answered in the direct
//! conversation: a message to a user's id goes there
//! (<https://docs.slack.dev/reference/methods/chat.postMessage#app_home>).

use std::collections::HashMap;

use serde_json::{Value, json};

use super::ts::Ts;
use super::words::Words;
use super::{Reader, Reading, nothing};
use crate::channel::Response;
use crate::slack::address::{Address, Command, Method, Place};
use crate::slack::emoji::EmojiNames;
use crate::slack::home;
use crate::slack::markup::mrkdwn;
use crate::slack::notice::{asked_about, posted};
use crate::slack::text::{Readable, readable};
use haptik_bridge_shared::ids::EntryKey;
use haptik_bridge_shared::lenient_json::{self, text_at};
use haptik_bridge_shared::message::{Attachment, Inbound, UserAction};

/// What is said to the bot by one who begins without words.
pub(super) const START: &str = "Hi";

impl Reader<'_> {
    /// A slash command (<https://docs.slack.dev/interactivity/implementing-slash-commands/>).
    pub(super) fn command(self, fields: &HashMap<String, String>) -> Option<Reading> {
        let field = |name: &str| fields.get(name).map(String::as_str);
        let user = field("user_id").filter(|user| !user.is_empty())?;
        let text = field("text").unwrap_or_default();
        let Readable { text, mentions } = readable(text, &[], EmojiNames::default());
        let text = if text.is_empty() { START } else { &text };
        let key = self.sent_key(user, field("trigger_id"));
        // Wherever it was given, also in a direct message of other people, where the app cannot write.
        let mut inbound = self.said_directly(user, key, text, Vec::new());
        inbound.mentions = mentions;
        let text = "The answer comes in our direct messages.";
        let response = Response::json(200, &json!({"response_type": "ephemeral", "text": text}));
        Some(Reading {
            inbound: vec![inbound],
            ..Reading::answered(response)
        })
    }

    /// A shortcut on a message
    /// (<https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload>): the user
    /// says what the message says.
    pub(super) fn message_action(self, payload: &Value) -> Option<Reading> {
        let user = text_at(payload, "/user/id")?;
        let words = Words::of(payload.get("message").unwrap_or(&Value::Null));
        let Readable { text, mentions } = words.readable(&[]);
        let about = words.named(&[]);
        let key = self.sent_key(user, text_at(payload, "/trigger_id"));
        let address = self.address(&Place::direct(user));
        if text.is_empty() && words.files.is_empty() {
            let notice = posted(&address, "There is nothing in that message to ask about.");
            return Some(self.only_task(user, key.then("about"), notice));
        }
        let notice = asked_about(&address, about.text, about.mentions);
        let mut inbound = self.said_directly(user, key.clone(), &text, words.files);
        inbound.mentions = mentions;
        Some(Reading {
            inbound: vec![inbound],
            ..self.only_task(user, key.then("about"), notice)
        })
    }

    /// A shortcut that is on no message, or the button of the Home tab: the user says hello.
    pub(super) fn start(self, payload: &Value) -> Option<Reading> {
        self.begin(payload, START)
    }

    /// The button of the Home tab that asks for a human: the user says what it says.
    pub(super) fn ask(self, payload: &Value) -> Option<Reading> {
        self.begin(payload, text_at(payload, "/actions/0/value")?)
    }

    fn begin(self, payload: &Value, text: &str) -> Option<Reading> {
        let user = text_at(payload, "/user/id")?;
        let time = text_at(payload, "/actions/0/action_ts");
        let time = time.or_else(|| text_at(payload, "/action_ts"));
        let key = match time.and_then(Ts::read) {
            Some(time) => time.key(user),
            None => self.sent_key(user, text_at(payload, "/trigger_id")),
        };
        Some(Reading {
            inbound: vec![self.said_directly(user, key, text, Vec::new())],
            ..nothing()
        })
    }

    /// The Home tab was opened (<https://docs.slack.dev/reference/events/app_home_opened>): it is
    /// published once for each user, and again when it has changed.
    pub(super) fn home_opened(self, event: &Value) -> Option<Reading> {
        let user = text_at(event, "/user")?;
        let is_shown = event
            .get("view")
            .is_some_and(|view| home::is_shown(view, self.welcome, self.agent_phrase));
        if is_shown || lenient_json::text(event, "tab") == "messages" {
            return None;
        }
        let body = json!({"user_id": user, "view": home::view(self.welcome, self.agent_phrase)});
        let key = self.time_of(event).key(user).then("home");
        Some(self.only_task(user, key, Command::of(Method::PublishView, body)))
    }

    /// A thread with the assistant begins
    /// (<https://docs.slack.dev/reference/events/assistant_thread_started>): it is welcomed, and some
    /// things to say are suggested.
    pub(super) fn assistant_started(self, event: &Value) -> Option<Reading> {
        let user = text_at(event, "/assistant_thread/user_id")?;
        let channel = text_at(event, "/assistant_thread/channel_id")?;
        let thread_ts = text_at(event, "/assistant_thread/thread_ts")?;
        let key = Ts::read(thread_ts)?.key(channel);
        let address = Address {
            channel: channel.to_owned(),
            thread_ts: Some(thread_ts.to_owned()),
            workspace: None,
        };
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
        Some(reading)
    }

    /// Something said in the direct conversation, by other means than a message there.
    fn said_directly(
        self,
        user: &str,
        key: EntryKey,
        text: &str,
        attachments: Vec<Attachment>,
    ) -> Inbound<Address> {
        let text = text.to_owned();
        let action = UserAction::Message { text, attachments };
        self.inbound(key, self.sent, user, &Place::direct(user), action)
    }

    /// A request that leads to nothing but something done in Slack.
    fn only_task(self, user: &str, key: EntryKey, command: Command) -> Reading {
        let auth_id = self.auth_id(user, &Place::direct(user));
        Reading {
            tasks: vec![self.task(key, self.sent, auth_id, command)],
            ..nothing()
        }
    }

    /// The place of what has no time but that of its request, which is signed with it: the same request
    /// once more has the same key.
    fn sent_key(self, user: &str, trigger_id: Option<&str>) -> EntryKey {
        Ts::of(self.sent)
            .key(user)
            .then(trigger_id.unwrap_or_default())
    }

    /// When an event of no message happened; where it does not say it, when it was sent.
    pub(super) fn time_of(self, event: &Value) -> Ts {
        let time = text_at(event, "/event_ts").and_then(Ts::read);
        time.unwrap_or_else(|| Ts::of(self.sent))
    }
}
