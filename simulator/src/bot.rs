//! Who answers: the [`Bot`], what it is asked, and what it may do.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use serde_json::Value;

use super::{behaviour::Behaviour, events::CompletedBy, faults::CallFault};

mod demo;
mod elements;
mod manners;

pub use demo::DemoBot;

/// The script of the bot, and of the agent once one has joined.
///
/// A closure `Fn(&UserMessage) -> Vec<Reply>` is a bot too, with an agent who says nothing by
/// itself. The closure may call the simulator.
pub trait Bot: Send + Sync + 'static {
    /// What the bot answers.
    fn answer(&self, message: &UserMessage) -> Vec<Reply>;

    /// What the agent answers who has the chat.
    fn agent_answer(&self, message: &UserMessage) -> Vec<Reply> {
        let _ = message;
        Vec::new()
    }
}

impl<F> Bot for F
where
    F: Fn(&UserMessage) -> Vec<Reply> + Send + Sync + 'static,
{
    fn answer(&self, message: &UserMessage) -> Vec<Reply> {
        self(message)
    }
}

/// Something that a user said or sent.
#[derive(Clone)]
pub struct UserMessage {
    /// Our id of the user.
    pub auth_id: String,
    /// Haptik's name of the user.
    pub user_name: String,
    /// The user's own name, where it was given.
    pub name: Option<String>,
    /// What was said, machine parts in braces included.
    pub text: String,
    /// The file, when it is one.
    pub file: Option<FileSent>,
    /// On which queue.
    pub business_id: u64,
    /// The id that the call is answered with.
    pub message_id: u64,
    /// When it was received.
    pub at: Timestamp,
    /// Where the simulator serves its pictures: a URL without a slash at the end.
    pub pictures: String,
}

impl fmt::Debug for UserMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserMessage")
            .field("auth_id", &self.auth_id)
            .field("message_id", &self.message_id)
            .finish_non_exhaustive()
    }
}

/// A file that came with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSent {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
}

/// One thing that the bot or the agent does.
#[derive(Clone)]
pub enum Reply {
    /// Says a plain text.
    Text(String),
    /// Says a message in HSL: an object, or one serialised as a string.
    Hsl(Value),
    /// Hands the chat to an agent, of this team or of the usual one.
    AgentJoins {
        /// The team's name.
        team_name: Option<String>,
    },
    /// Moves the chat to this team or the usual one, as `send_chat_to_agent` does: the bot is silent
    /// until an agent has joined.
    MovesToTeam {
        /// The team's name.
        team_name: Option<String>,
    },
    /// Completes the conversation.
    Completes(CompletedBy),
    /// Completes the conversation, with this `completion_by`: Haptik has the name of the bot's last step
    /// there, for example.
    CompletesAs(CompletedBy, String),
    /// Lets this time pass before what follows; it is scaled as every waiting time. In a synchronous call,
    /// the answer waits.
    Waits(Duration),
    /// Changes how the account behaves.
    Behaves(fn(&mut Behaviour)),
    /// Lets calls go wrong.
    Fails(CallFault),
    /// Delivers an event of this name about the user, such as no documentation has.
    UnknownEvent(String),
    /// Delivers an event as it is.
    Event(Value),
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Hsl(_) => "Hsl",
            Self::AgentJoins { .. } => "AgentJoins",
            Self::MovesToTeam { .. } => "MovesToTeam",
            Self::Completes(_) => "Completes",
            Self::CompletesAs(..) => "CompletesAs",
            Self::Waits(_) => "Waits",
            Self::Behaves(_) => "Behaves",
            Self::Fails(_) => "Fails",
            Self::UnknownEvent(_) => "UnknownEvent",
            Self::Event(_) => "Event",
        })
    }
}

/// A text without its machine parts in braces: what a person sees of it.
pub(super) fn visible(text: &str) -> String {
    let mut depth = 0_usize;
    let mut seen = String::new();
    for letter in text.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => seen.push(letter),
            _ => {}
        }
    }
    seen.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_parts_are_not_visible() {
        assert_eq!(visible("Show another quote{task}"), "Show another quote");
        assert_eq!(visible("a {b {c} d} e"), "a  e");
        assert_eq!(visible("open } {end"), "open");
    }
}
