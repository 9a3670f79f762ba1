//! What the simulated platform knows: its users, their conversations, its webhook.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Map, Value};
use sha1::{Digest, Sha1};
use tokio::time::Instant;

use super::{
    behaviour::Behaviour, faults::Faults, records::Records, settings::Settings, webhook::Webhook,
};

/// How many lines of a user's chats are remembered for transcripts.
const KEPT_LINES: usize = 200;

pub(super) struct State {
    pub(super) users: Users,
    pub(super) webhook: Webhook,
    pub(super) faults: Faults,
    pub(super) behaviour: Behaviour,
    pub(super) records: Records,
    pub(super) random: fastrand::Rng,
    pub(super) public_url: Option<String>,
    next_message_id: u64,
}

impl State {
    pub(super) fn new(settings: &Settings, now: Timestamp) -> Self {
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(1);
        Self {
            users: Users::keeping(settings.keep_users),
            webhook: Webhook::at(settings.webhook_url.clone()),
            faults: Faults::default(),
            behaviour: settings.behaviour.clone(),
            records: Records::keeping(settings.keep_records),
            random: fastrand::Rng::with_seed(settings.seed),
            public_url: settings.public_url.clone(),
            next_message_id: settings.first_message_id.unwrap_or(milliseconds),
        }
    }

    /// A message id that is larger than every one before.
    pub(super) fn message_id(&mut self) -> u64 {
        let id = self.next_message_id;
        self.next_message_id = id.saturating_add(1);
        id
    }

    /// The address of something that the simulator itself serves.
    pub(super) fn link(&self, path: &str) -> String {
        let base = self
            .public_url
            .as_deref()
            .unwrap_or("http://127.0.0.1:3000");
        format!("{base}{path}")
    }
}

/// The users, by our id of them and by Haptik's.
pub(super) struct Users {
    by_auth_id: HashMap<String, User>,
    auth_ids: HashMap<String, String>,
    arrival: VecDeque<String>,
    limit: usize,
}

impl Users {
    fn keeping(limit: usize) -> Self {
        Self {
            by_auth_id: HashMap::new(),
            auth_ids: HashMap::new(),
            arrival: VecDeque::new(),
            limit: limit.max(1),
        }
    }

    pub(super) fn get(&self, auth_id: &str) -> Option<&User> {
        self.by_auth_id.get(auth_id)
    }

    pub(super) fn get_mut(&mut self, auth_id: &str) -> Option<&mut User> {
        self.by_auth_id.get_mut(auth_id)
    }

    pub(super) fn by_user_name(&self, user_name: &str) -> Option<&User> {
        self.get(self.auth_ids.get(user_name)?)
    }

    pub(super) fn auth_ids(&self) -> impl Iterator<Item = &String> {
        self.by_auth_id.keys()
    }

    pub(super) fn len(&self) -> usize {
        self.by_auth_id.len()
    }

    /// Creates the user, or gives one who exists these fields.
    pub(super) fn register(&mut self, auth_id: &str, fields: Map<String, Value>, business_id: u64) {
        if let Some(user) = self.by_auth_id.get_mut(auth_id) {
            user.profile.extend(fields);
            return;
        }
        if self.arrival.len() >= self.limit
            && let Some(oldest) = self.arrival.pop_front()
            && let Some(gone) = self.by_auth_id.remove(&oldest)
        {
            self.auth_ids.remove(&gone.user_name);
        }
        let user = User::new(auth_id, fields, business_id);
        self.auth_ids
            .insert(user.user_name.clone(), auth_id.to_owned());
        self.arrival.push_back(auth_id.to_owned());
        self.by_auth_id.insert(auth_id.to_owned(), user);
    }
}

/// A user of the platform.
#[expect(
    clippy::struct_field_names,
    reason = "these are the names in the payloads"
)]
pub(super) struct User {
    pub(super) auth_id: String,
    /// Haptik's own name of the user. It is derived from `auth_id`, so that it survives a restart.
    pub(super) user_name: String,
    pub(super) user_id: String,
    pub(super) profile: Map<String, Value>,
    /// The queue that the user wrote on last.
    pub(super) business_id: u64,
    /// The team of the agent who has the chat, if one has.
    pub(super) agent_team: Option<String>,
    /// Whether the chat is on its way to an agent: the bot is silent then.
    pub(super) is_moving: bool,
    /// When something was said last, and [`Webhook::ahead`] at that time.
    pub(super) quiet_since: (Instant, Duration),
    /// Whether somebody plays that agent.
    pub(super) agent_is_played: bool,
    pub(super) conversation: Option<Conversation>,
    pub(super) conversations: u64,
    /// Whether the user has ever said something.
    pub(super) has_spoken: bool,
    pub(super) history: VecDeque<Line>,
    pub(super) feedback_at: Option<Timestamp>,
}

impl User {
    fn new(auth_id: &str, profile: Map<String, Value>, business_id: u64) -> Self {
        let digest = hex::encode(Sha1::digest(auth_id));
        Self {
            auth_id: auth_id.to_owned(),
            user_name: format!("hu{}", digest.get(..16).unwrap_or_default()),
            user_id: u32::from_str_radix(digest.get(16..24).unwrap_or_default(), 16)
                .unwrap_or_default()
                .to_string(),
            profile,
            business_id,
            agent_team: None,
            is_moving: false,
            quiet_since: (Instant::now(), Duration::ZERO),
            agent_is_played: false,
            conversation: None,
            conversations: 0,
            has_spoken: false,
            history: VecDeque::new(),
            feedback_at: None,
        }
    }

    /// A text field of the profile; empty when it was never given.
    pub(super) fn field(&self, name: &str) -> &str {
        self.profile
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The open conversation, opened with this message when there is none.
    pub(super) fn open_conversation(&mut self, message_id: u64) -> Conversation {
        if let Some(open) = self.conversation {
            return open;
        }
        self.conversations += 1;
        let opened = Conversation {
            number: self.conversations,
            first_message_id: message_id,
        };
        self.conversation = Some(opened);
        opened
    }

    /// Who answers what the user says.
    pub(super) fn who_answers(&self) -> Responder {
        if self.agent_team.is_some() {
            if self.agent_is_played {
                Responder::Nobody
            } else {
                Responder::Agent
            }
        } else if self.is_moving {
            Responder::Nobody
        } else {
            Responder::Bot
        }
    }

    pub(super) fn remember(&mut self, said: Utterance, message_id: u64, at: Timestamp) {
        if self.history.len() >= KEPT_LINES {
            self.history.pop_front();
        }
        self.history.push_back(Line {
            conversation: self.conversations,
            said,
            message_id,
            at,
        });
    }
}

/// Who answers a user by a script.
#[derive(Clone, Copy)]
pub(super) enum Responder {
    /// The bot.
    Bot,
    /// The agent who has the chat.
    Agent,
    /// The chat is on its way to an agent, or somebody plays that agent.
    Nobody,
}

/// One conversation of a user, from the first message to its completion.
#[derive(Clone, Copy)]
pub(super) struct Conversation {
    /// 1 for the user's first.
    pub(super) number: u64,
    /// Makes the conversation's identifier unique over restarts.
    pub(super) first_message_id: u64,
}

/// Who said what.
pub(super) struct Utterance {
    /// `user`, `bot`, or the agent's name.
    pub(super) sender: String,
    /// What was said.
    pub(super) text: String,
    /// The type of a bot's message, such as `TEXT`.
    pub(super) bots: Option<String>,
}

/// A line of a transcript.
pub(super) struct Line {
    pub(super) conversation: u64,
    pub(super) said: Utterance,
    pub(super) message_id: u64,
    pub(super) at: Timestamp,
}
