//! What Slack sends to the one URL, once it is verified: events and handshakes as JSON, interactions
//! and slash commands as forms.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use super::address::{Address, Command, Place};
use super::config::Conversation;
use super::form;
use super::workspaces::{Ended, WorkspaceId};
use crate::channel::Response;
use crate::request::json_object;
use haptik_bridge_shared::ids::{AuthId, AuthIds, EntryKey};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{Inbound, MessageRef, Task, UserAction};
use haptik_bridge_shared::redacted_debug;

mod blocks;
mod event_types;
mod interaction;
mod message;
mod start;
mod ts;
mod user_change;
mod words;
mod workspace;

pub(super) use words::attachment;

/// For whom requests are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    /// What users are called at Haptik.
    pub(super) auth_ids: &'a AuthIds,
    /// What is one user at Haptik.
    pub(super) conversation: Conversation,
    /// Whether Haptik is told of edits and deletions.
    pub(super) tell_edits: bool,
    /// What is said first.
    pub(super) welcome: &'a str,
    /// What asks for a human, where something does.
    pub(super) agent_phrase: Option<&'a str>,
    /// What the assistant suggests to say.
    pub(super) suggested_prompts: &'a [String],
    /// Whether the app is in many workspaces.
    pub(super) many: bool,
    /// The one in which something happened, where there are many.
    pub(super) workspace: Option<&'a WorkspaceId>,
    /// When the request was sent, in whole seconds.
    pub(super) sent: Timestamp,
}

/// What a request says, before anything is done about it.
#[derive(Debug, PartialEq)]
pub(super) struct Reading {
    /// What is answered.
    pub(super) response: Response,
    /// What Haptik is told.
    pub(super) inbound: Vec<Inbound<Address>>,
    /// What is done in Slack later.
    pub(super) tasks: Vec<Task<Command>>,
    /// The form that is opened at once.
    pub(super) opening: Option<FormToOpen>,
    /// What is searched for at once, and by whom.
    pub(super) search: Option<(form::Search, AuthId)>,
    /// The installation that ended.
    pub(super) ended: Option<Ended>,
    /// The event of a type that is new to us.
    pub(super) unknown: Option<String>,
    /// Why it is not understood.
    pub(super) not_understood: Option<String>,
}

/// A form to be opened: Slack's permission to do so ends after three seconds, and there is nothing to
/// repeat when it fails.
#[derive(Clone, PartialEq)]
pub(super) struct FormToOpen {
    /// The message with the form.
    pub(super) message: MessageRef,
    /// Slack's permission.
    pub(super) trigger_id: String,
    /// Where it was tapped.
    pub(super) origin: form::Origin,
    /// The workspace; `None` where there is one only.
    pub(super) workspace: Option<WorkspaceId>,
    /// What is done instead when it cannot be opened.
    pub(super) fallback: Task<Command>,
}

impl Reading {
    /// A request that is answered and leads to nothing.
    fn answered(response: Response) -> Self {
        Self {
            response,
            inbound: Vec::new(),
            tasks: Vec::new(),
            opening: None,
            search: None,
            ended: None,
            unknown: None,
            not_understood: None,
        }
    }

    fn not_understood(reason: String) -> Self {
        Self {
            not_understood: Some(reason),
            ..nothing()
        }
    }

    /// Something that Slack has added since: it is acknowledged.
    fn unknown(kind: &str) -> Self {
        Self {
            unknown: Some(kind.to_owned()),
            ..nothing()
        }
    }

    fn leads_to_nothing(&self) -> bool {
        self.inbound.is_empty() && self.tasks.is_empty() && self.opening.is_none()
    }
}

// Without Slack's permission to open something.
redacted_debug!(FormToOpen { message });

impl Reader<'_> {
    /// Reads a verified body. Whatever it is, it is answered 200: one odd payload must not make Slack
    /// disable the endpoint.
    pub(super) fn read(self, body: &[u8]) -> Reading {
        let start = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
        // A form is of ASCII, without a zero; JSON may be UTF-16.
        let is_wide = matches!(
            body,
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{', 0, ..] | [0, b'{', ..]
        );
        let read = match start.trim_ascii_start().first() {
            Some(first) if is_wide || *first == b'{' => json_object(body)
                .map_err(ToOwned::to_owned)
                .and_then(|envelope| self.object(&envelope)),
            Some(_) => self.form(body),
            None => Err("an empty body".to_owned()),
        };
        read.unwrap_or_else(Reading::not_understood)
    }

    /// An event, or one of those interactions that are sent as JSON, where an app is built on Slack's own
    /// tools.
    fn object(self, object: &Value) -> Result<Reading, String> {
        if event_types::is_interaction(&lenient_json::text(object, "type")) {
            let workspace = workspace::of_interaction(object);
            return self.within(workspace.as_ref(), |reader| reader.interaction(object));
        }
        let workspace = workspace::of_event(object);
        self.within(workspace.as_ref(), |reader| reader.envelope(object))
    }

    /// The Events API's outer object (<https://docs.slack.dev/apis/events-api/#event-type-structure>).
    fn envelope(self, envelope: &Value) -> Result<Reading, String> {
        match lenient_json::text(envelope, "type").as_str() {
            "url_verification" => {
                let challenge = lenient_json::some_text(envelope, "challenge")
                    .ok_or("url_verification without a challenge")?;
                Ok(Reading::answered(Response::text(200, challenge)))
            }
            "event_callback" => {
                let event = envelope.get("event").filter(|event| event.is_object());
                let event = event.ok_or("event_callback without an event")?;
                match lenient_json::text(event, "type").as_str() {
                    "message" | "app_mention" => self.message(envelope, event),
                    "app_home_opened" => Ok(self.home_opened(event).unwrap_or_else(nothing)),
                    "assistant_thread_started" => {
                        Ok(self.assistant_started(event).unwrap_or_else(nothing))
                    }
                    "user_change" | "user_profile_changed" => {
                        Ok(self.profile_changed(event).unwrap_or_else(nothing))
                    }
                    "app_uninstalled" | "tokens_revoked" => Ok(self.ended(envelope, event)),
                    kind if event_types::is_documented(kind) => Ok(nothing()),
                    "" => Err("an event without a type".to_owned()),
                    kind => Ok(Reading::unknown(kind)),
                }
            }
            // Slack says that it dropped events: there is nothing in it to pass on.
            "app_rate_limited" => Ok(nothing()),
            "" => Err("a request without a type".to_owned()),
            kind => Ok(Reading::unknown(kind)),
        }
    }

    /// An interaction (<https://docs.slack.dev/interactivity/handling-user-interaction/>), or a slash
    /// command (<https://docs.slack.dev/interactivity/implementing-slash-commands/>).
    fn form(self, body: &[u8]) -> Result<Reading, String> {
        let fields: HashMap<String, String> =
            url::form_urlencoded::parse(body).into_owned().collect();
        if let Some(payload) = fields.get("payload") {
            let payload = json_object(payload.as_bytes())?;
            let workspace = workspace::of_interaction(&payload);
            return self.within(workspace.as_ref(), |reader| reader.interaction(&payload));
        }
        if fields.contains_key("ssl_check") {
            return Ok(nothing());
        }
        if fields.contains_key("command") {
            let workspace = workspace::of_command(&fields);
            return self.within(workspace.as_ref(), |reader| {
                Ok(reader.command(&fields).unwrap_or_else(nothing))
            });
        }
        Err("a body that is neither JSON nor a form of Slack's".to_owned())
    }

    /// Haptik's name for the user: one per person, or one per person and thread.
    fn auth_id(self, user: &str, place: &Place) -> AuthId {
        let thread = match self.conversation {
            Conversation::User => None,
            // Without a thread, all of a direct conversation is one.
            Conversation::Thread if place.is_direct && place.thread_ts.is_none() => None,
            Conversation::Thread => Some(place.thread()),
        };
        self.auth_ids.of_user(&self.user(user), thread.as_deref())
    }

    /// What a user did at this place, for the bot.
    fn inbound(
        self,
        key: EntryKey,
        at: Timestamp,
        user: &str,
        place: &Place,
        action: UserAction,
    ) -> Inbound<Address> {
        Inbound {
            key,
            at,
            auth_id: self.auth_id(user, place),
            user: self.user(user),
            address: self.address(place),
            message_id: None,
            profile: None,
            addressed: place.addressed(),
            action,
            mentions: Vec::new(),
        }
    }

    /// The channel's name of a user: unique within a workspace only.
    fn user(self, user: &str) -> String {
        match self.workspace {
            Some(workspace) => workspace.user(user),
            None => user.to_owned(),
        }
    }

    /// Where to answer: in a channel in the thread, in a direct conversation where it was said.
    fn address(self, place: &Place) -> Address {
        let thread_ts = if place.is_direct {
            place.thread_ts.clone()
        } else {
            Some(place.root().to_owned())
        };
        Address {
            channel: place.channel.clone(),
            thread_ts,
            workspace: self.workspace.cloned(),
        }
    }

    /// Something done in Slack on account of what Haptik is told.
    fn task_of(self, inbound: &Inbound<Address>, command: Command) -> Task<Command> {
        let key = inbound.key.clone();
        self.task(key, inbound.at, inbound.auth_id.clone(), command)
    }

    /// Something done in Slack on account of what a user did.
    fn task(
        self,
        key: EntryKey,
        at: Timestamp,
        auth_id: AuthId,
        command: Command,
    ) -> Task<Command> {
        Task {
            key,
            at,
            auth_id,
            command: Command {
                workspace: self.workspace.cloned(),
                ..command
            },
        }
    }
}

fn nothing() -> Reading {
    Reading::answered(Response::ok())
}

#[cfg(test)]
mod tests;
