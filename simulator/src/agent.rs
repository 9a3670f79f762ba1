//! What happens in a chat: the bot and the agent speak, an agent joins, the conversation completes.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    account::Simulator,
    bot::{Reply, UserMessage},
    events::{CompletedBy, Frame, Speaker},
    state::State,
};

/// Nobody with this `auth_id` was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownUser {
    auth_id: String,
}

impl fmt::Display for UnknownUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the user {} was never created", self.auth_id)
    }
}

impl std::error::Error for UnknownUser {}

impl Simulator {
    /// The bot says something: HSL (an object, or one serialised as a string). Returns the
    /// message's id.
    ///
    /// # Errors
    ///
    /// When there is no such user.
    pub fn say(&self, auth_id: &str, hsl: &Value) -> Result<u64, UnknownUser> {
        self.speak(auth_id, Speaker::Bot, hsl)
    }

    /// The bot says a plain text. Returns the message's id.
    ///
    /// # Errors
    ///
    /// When there is no such user.
    pub fn say_text(&self, auth_id: &str, text: &str) -> Result<u64, UnknownUser> {
        self.say(auth_id, &plain(text))
    }

    /// The agent says something: HSL. Returns the message's id.
    ///
    /// # Errors
    ///
    /// When there is no such user.
    pub fn agent_says(&self, auth_id: &str, hsl: &Value) -> Result<u64, UnknownUser> {
        self.speak(auth_id, Speaker::Agent, hsl)
    }

    /// The agent says a plain text. Returns the message's id.
    ///
    /// # Errors
    ///
    /// When there is no such user.
    pub fn agent_says_text(&self, auth_id: &str, text: &str) -> Result<u64, UnknownUser> {
        self.agent_says(auth_id, &plain(text))
    }

    /// An agent of the usual team takes the chat (`chat_pinned`). From then on the bot is silent.
    ///
    /// # Errors
    ///
    /// When there is no such user.
    pub fn agent_joins(&self, auth_id: &str) -> Result<(), UnknownUser> {
        self.agent_joins_from(auth_id, &self.inner.settings.team_name)
    }

    /// An agent of this team takes the chat.
    ///
    /// # Errors
    ///
    /// When there is no such user.
    pub fn agent_joins_from(&self, auth_id: &str, team_name: &str) -> Result<(), UnknownUser> {
        let event = self.change(|state| {
            let message_id = state.message_id();
            let user = state.users.get_mut(auth_id)?;
            user.open_conversation(message_id);
            user.agent_team = Some(team_name.to_owned());
            Some(
                self.frame(state, auth_id)?
                    .chat_pinned(message_id, team_name),
            )
        });
        self.deliver(&event.ok_or_else(|| unknown(auth_id))?);
        Ok(())
    }

    /// Somebody plays the agent who has the chat: the scripted one is silent until it completes.
    ///
    /// # Errors
    ///
    /// When there is no such user.
    pub fn play_agent(&self, auth_id: &str) -> Result<(), UnknownUser> {
        let played = self.change(|state| {
            state.users.get_mut(auth_id)?.agent_is_played = true;
            Some(())
        });
        played.ok_or_else(|| unknown(auth_id))
    }

    /// Whether the user has an open conversation.
    ///
    /// # Errors
    ///
    /// When there is no such user.
    pub fn is_in_conversation(&self, auth_id: &str) -> Result<bool, UnknownUser> {
        let open = self.read(|state| Some(state.users.get(auth_id)?.conversation.is_some()));
        open.ok_or_else(|| unknown(auth_id))
    }

    /// The conversation completes, with the events that the settings ask for. The user's next
    /// message opens another one, with the bot.
    ///
    /// # Errors
    ///
    /// When there is no such user.
    pub fn completes(&self, auth_id: &str, by: CompletedBy) -> Result<(), UnknownUser> {
        let wanted = self.inner.settings.completion_events;
        let events = self.change(|state| {
            let message_id = state.message_id();
            let user = state.users.get_mut(auth_id)?;
            let conversation = user.open_conversation(message_id);
            user.conversation = None;
            user.agent_team = None;
            user.agent_is_played = false;
            let link = format!("/_simulator/chats/{}", user.user_name);
            let link = state.link(&link);
            let frame = self.frame(state, auth_id)?;
            let complete = wanted
                .conversation_complete
                .then(|| frame.conversation_complete(conversation, by, &link));
            let deprecated = wanted
                .chat_complete
                .then(|| frame.chat_complete(message_id));
            Some([complete, deprecated])
        });
        for event in events.ok_or_else(|| unknown(auth_id))?.iter().flatten() {
            self.deliver(event);
        }
        Ok(())
    }

    /// Asks whoever has the chat for an answer.
    pub(super) fn ask(&self, message: &UserMessage) -> Vec<Reply> {
        let with_agent = self.change(|state| {
            let user = state.users.get_mut(&message.auth_id)?;
            user.business_id = message.business_id;
            user.open_conversation(message.message_id);
            user.has_spoken = true;
            let text = match &message.file {
                Some(file) => format!("{} {}", file.name, message.text),
                None => message.text.clone(),
            };
            user.remember("user".to_owned(), text, message.message_id, message.at);
            Some((user.agent_team.is_some(), user.agent_is_played))
        });
        match with_agent {
            Some((true, false)) => self.inner.bot.agent_answer(message),
            Some((false, _)) => self.inner.bot.answer(message),
            Some((true, true)) | None => Vec::new(),
        }
    }

    /// Does what the bot, or the agent who has the chat, wants done.
    pub(super) fn perform(&self, auth_id: &str, reply: Reply) {
        // A user forgotten in the meantime has nobody to answer.
        let _ = match reply {
            Reply::Text(text) => self
                .speak(auth_id, self.speaker_for(auth_id), &plain(&text))
                .map(drop),
            Reply::Hsl(hsl) => self
                .speak(auth_id, self.speaker_for(auth_id), &hsl)
                .map(drop),
            Reply::AgentJoins { team_name } => match team_name {
                Some(team_name) => self.agent_joins_from(auth_id, &team_name),
                None => self.agent_joins(auth_id),
            },
            Reply::Completes(by) => self.completes(auth_id, by),
            Reply::Event(event) => {
                self.deliver(&event);
                Ok(())
            }
        };
    }

    /// Notes something said to the user without delivering it; returns its id.
    pub(super) fn note(&self, auth_id: &str, speaker: Speaker, hsl: &Value) -> Option<u64> {
        self.change(|state| {
            let message_id = state.message_id();
            let sender = match speaker {
                Speaker::Bot => "bot".to_owned(),
                Speaker::Agent => self.inner.settings.agent_name.clone(),
            };
            let user = state.users.get_mut(auth_id)?;
            user.remember(sender, text_of(hsl), message_id, Timestamp::now());
            Some(message_id)
        })
    }

    pub(super) fn speaker_for(&self, auth_id: &str) -> Speaker {
        let with_agent = self.read(|state| state.users.get(auth_id)?.agent_team.clone());
        if with_agent.is_some() {
            Speaker::Agent
        } else {
            Speaker::Bot
        }
    }

    fn speak(&self, auth_id: &str, speaker: Speaker, hsl: &Value) -> Result<u64, UnknownUser> {
        let message_id = self
            .note(auth_id, speaker, hsl)
            .ok_or_else(|| unknown(auth_id))?;
        let event = self.read(|state| {
            Some(
                self.frame(state, auth_id)?
                    .message(speaker, message_id, hsl),
            )
        });
        self.deliver(&event.ok_or_else(|| unknown(auth_id))?);
        Ok(message_id)
    }

    pub(super) fn frame<'a>(&'a self, state: &'a State, auth_id: &str) -> Option<Frame<'a>> {
        Some(Frame {
            settings: &self.inner.settings,
            user: state.users.get(auth_id)?,
            at: Timestamp::now(),
        })
    }
}

/// A text message without quick replies.
pub(super) fn plain(text: &str) -> Value {
    json!({"text": text, "type": "TEXT", "data": {"quick_replies": []}})
}

/// What a transcript shows of a message; its type where it has no text, as the platform does.
fn text_of(hsl: &Value) -> String {
    let field = |name| {
        hsl.get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    hsl.as_str()
        .or_else(|| field("text"))
        .or_else(|| field("title"))
        .or_else(|| field("type"))
        .unwrap_or_default()
        .to_owned()
}

fn unknown(auth_id: &str) -> UnknownUser {
    UnknownUser {
        auth_id: auth_id.to_owned(),
    }
}
