//! What happens in a chat: the bot and the agent speak, an agent joins, the conversation completes.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    account::Simulator,
    behaviour::WhenOffline,
    bot::{Reply, UserMessage},
    events::{CompletedBy, Frame, Speaker},
    settings::AgentJoins,
    state::{Responder, State, Utterance},
};

/// How long it takes to move a chat, where nobody says it.
const COUNTDOWN: Duration = Duration::from_secs(10);

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
        self.speak(auth_id, Speaker::Bot, hsl, None)
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
        self.speak(auth_id, Speaker::Agent, hsl, None)
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
            user.is_moving = false;
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
        self.complete(auth_id, by, None)
    }

    /// The conversation completes, with this `completion_by`.
    ///
    /// # Errors
    ///
    /// When there is no such user.
    pub fn completes_as(
        &self,
        auth_id: &str,
        by: CompletedBy,
        completion_by: &str,
    ) -> Result<(), UnknownUser> {
        self.complete(auth_id, by, Some(completion_by))
    }

    /// An event of a name that no documentation has, about a user.
    ///
    /// # Errors
    ///
    /// When there is no such user.
    pub fn unknown_event(&self, auth_id: &str, event_name: &str) -> Result<(), UnknownUser> {
        let event = self.read(|state| Some(self.frame(state, auth_id)?.unknown(event_name)));
        self.deliver(&event.ok_or_else(|| unknown(auth_id))?);
        Ok(())
    }

    /// The chat is moved to a team: the bot is silent, and when the countdown is over an agent joins, if
    /// the settings say so and somebody of the team is online.
    pub(super) fn move_chat(&self, auth_id: &str, team_name: &str, countdown: Duration) {
        let settings = &self.inner.settings;
        let offline = self.change(|state| {
            if let Some(user) = state.users.get_mut(auth_id) {
                user.is_moving = true;
            }
            let behaviour = &state.behaviour;
            behaviour
                .is_offline(team_name)
                .then(|| (behaviour.when_offline, behaviour.offline_message.clone()))
        });
        let wait = match (&offline, settings.agent_joins) {
            (None, AgentJoins::After(wait)) => wait,
            _ => countdown,
        };
        let wait = settings.scaled(wait);
        let (simulator, auth_id, team_name) =
            (self.clone(), auth_id.to_owned(), team_name.to_owned());
        self.spawn(async move {
            tokio::time::sleep(wait).await;
            // A user forgotten in the meantime has no chat.
            let _ = match offline {
                Some((then, message)) => simulator.nobody_is_online(&auth_id, then, &message),
                None => simulator.agent_comes(&auth_id, &team_name),
            };
        });
    }

    fn agent_comes(&self, auth_id: &str, team_name: &str) -> Result<(), UnknownUser> {
        match self.inner.settings.agent_joins {
            AgentJoins::AfterCountdown | AgentJoins::After(_) => {
                self.agent_joins_from(auth_id, team_name)
            }
            // It waits in the queue, and the bot stays silent.
            AgentJoins::Never => Ok(()),
        }
    }

    fn nobody_is_online(
        &self,
        auth_id: &str,
        then: WhenOffline,
        message: &str,
    ) -> Result<(), UnknownUser> {
        if !message.is_empty() {
            self.say_text(auth_id, message)?;
        }
        match then {
            WhenOffline::Complete => self.completes(auth_id, CompletedBy::TeamOffline),
            WhenOffline::Queue => Ok(()),
        }
    }

    fn complete(
        &self,
        auth_id: &str,
        by: CompletedBy,
        completion_by: Option<&str>,
    ) -> Result<(), UnknownUser> {
        let wanted = self.inner.settings.completion_events;
        let events = self.change(|state| {
            let message_id = state.message_id();
            let user = state.users.get_mut(auth_id)?;
            let conversation = user.open_conversation(message_id);
            user.conversation = None;
            user.agent_team = None;
            user.is_moving = false;
            user.agent_is_played = false;
            let link = format!("/_simulator/chats/{}", user.user_name);
            let link = state.link(&link);
            let frame = self.frame(state, auth_id)?;
            let complete = wanted
                .conversation_complete
                .then(|| frame.conversation_complete(conversation, by, completion_by, &link));
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
        let who = self.change(|state| {
            let ahead = state.webhook.ahead;
            let user = state.users.get_mut(&message.auth_id)?;
            user.quiet_since = (Instant::now(), ahead);
            user.business_id = message.business_id;
            user.open_conversation(message.message_id);
            user.has_spoken = true;
            let text = match &message.file {
                Some(file) => format!("{} {}", file.name, message.text),
                None => message.text.clone(),
            };
            let said = Utterance {
                sender: "user".to_owned(),
                text,
                bots: None,
            };
            user.remember(said, message.message_id, message.at);
            Some(user.who_answers())
        });
        self.completes_when_idle(&message.auth_id);
        match who {
            Some(Responder::Agent) => self.inner.bot.agent_answer(message),
            Some(Responder::Bot) => self.inner.bot.answer(message),
            Some(Responder::Nobody) | None => Vec::new(),
        }
    }

    /// Does what is wanted in answer to a message, in order, and waits where that is wanted.
    pub(super) fn perform_all(&self, message: &UserMessage, replies: Vec<Reply>) {
        let (auth_id, answers) = (&message.auth_id, Some(message.message_id));
        let mut replies = replies.into_iter();
        while let Some(reply) = replies.next() {
            let Reply::Waits(time) = reply else {
                self.perform(auth_id, reply, answers);
                continue;
            };
            let time = self.inner.settings.scaled(time);
            let (simulator, message) = (self.clone(), message.clone());
            let rest: Vec<_> = replies.collect();
            self.spawn(async move {
                tokio::time::sleep(time).await;
                simulator.perform_all(&message, rest);
            });
            return;
        }
    }

    /// Does what the bot, or the agent who has the chat, wants done.
    pub(super) fn perform(&self, auth_id: &str, reply: Reply, answers: Option<u64>) {
        let answers = answers.filter(|_| self.behaviour().user_message_info);
        // A user forgotten in the meantime has nobody to answer.
        let _ = match reply {
            Reply::Text(text) => self
                .speak(auth_id, self.speaker_for(auth_id), &plain(&text), answers)
                .map(drop),
            Reply::Hsl(hsl) => self
                .speak(auth_id, self.speaker_for(auth_id), &hsl, answers)
                .map(drop),
            Reply::AgentJoins { team_name } => match team_name {
                Some(team_name) => self.agent_joins_from(auth_id, &team_name),
                None => self.agent_joins(auth_id),
            },
            Reply::MovesToTeam { team_name } => {
                let team_name = team_name.unwrap_or_else(|| self.inner.settings.team_name.clone());
                self.move_chat(auth_id, &team_name, COUNTDOWN);
                Ok(())
            }
            Reply::Completes(by) => self.completes(auth_id, by),
            Reply::CompletesAs(by, completion_by) => self.completes_as(auth_id, by, &completion_by),
            // Whoever performs several waits between them.
            Reply::Waits(_) => Ok(()),
            Reply::Behaves(change) => {
                self.behave(change);
                Ok(())
            }
            Reply::Fails(fault) => {
                self.add_call_fault(fault);
                Ok(())
            }
            Reply::UnknownEvent(name) => self.unknown_event(auth_id, &name),
            Reply::Event(event) => {
                self.deliver(&event);
                Ok(())
            }
        };
    }

    /// Notes something said to the user without delivering it; returns its id.
    pub(super) fn note(&self, auth_id: &str, speaker: Speaker, hsl: &Value) -> Option<u64> {
        let noted = self.change(|state| {
            let message_id = state.message_id();
            let ahead = state.webhook.ahead;
            let user = state.users.get_mut(auth_id)?;
            user.quiet_since = (Instant::now(), ahead);
            let (sender, bots) = match speaker {
                Speaker::Bot => ("bot".to_owned(), Some(type_of(hsl))),
                Speaker::Agent => (self.inner.settings.agent_name.clone(), None),
            };
            let said = Utterance {
                sender,
                text: text_of(hsl),
                bots,
            };
            user.remember(said, message_id, Timestamp::now());
            Some(message_id)
        });
        self.completes_when_idle(auth_id);
        noted
    }

    pub(super) fn speaker_for(&self, auth_id: &str) -> Speaker {
        let with_agent = self.read(|state| state.users.get(auth_id)?.agent_team.clone());
        if with_agent.is_some() {
            Speaker::Agent
        } else {
            Speaker::Bot
        }
    }

    fn speak(
        &self,
        auth_id: &str,
        speaker: Speaker,
        hsl: &Value,
        answers: Option<u64>,
    ) -> Result<u64, UnknownUser> {
        let message_id = self
            .note(auth_id, speaker, hsl)
            .ok_or_else(|| unknown(auth_id))?;
        let event = self.read(|state| {
            Some(
                self.frame(state, auth_id)?
                    .message(speaker, message_id, hsl, answers),
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

/// The type of a message, `TEXT` where it says none.
fn type_of(hsl: &Value) -> String {
    let read: Value = hsl
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let kind = hsl.get("type").or_else(|| read.get("type"));
    kind.and_then(Value::as_str).unwrap_or("TEXT").to_owned()
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
