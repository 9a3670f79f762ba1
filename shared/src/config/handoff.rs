//! The keys of a connection that say how its users get to a human, and back.

use std::time::Duration;

use super::error::Reported;
use super::kind::{
    DurationOrNever, DurationRange, Flag, OneOf, Text, Texts, ValueType as _, Whole,
};
use super::section::Section;
use crate::section;

section! {
    /// How a connection's users get to a human, and back.
    #[derive(PartialEq, Eq)]
    pub struct Handoff {
        /// The team of agents that a user is handed to, as Haptik calls it; required with `agent_phrases`. Without it Haptik decides.
        team_name: Option<String> = optional(TEAM_NAME),
        /// Who gets the chat at Haptik: `athena` is Haptik's own agents, other agent tools have names of their own. It is sent to version 2 of the call that moves a chat; without it that is version 1. A hand-off's own `receiver` goes before it.
        receiver: Option<String> = optional(RECEIVER),
        /// How many seconds Haptik has the user wait before it looks for an agent.
        countdown: Option<u8> = optional(COUNTDOWN, "Haptik's, 10"),
        /// What a user says to ask for a human: up to 50 of up to 75 characters. It has to be the whole message; case, white space and a full stop make no difference. A button, a menu or a slash command that says one of them asks too.
        agent_phrases: Vec<String> = or(PHRASES, Ok(Vec::new()), "none"),
        /// How long an agent may take to join a hand-off before the user is given back. It is looked after every minute (locally every 15 s).
        no_agent_after: Option<Duration> = default(NO_AGENT_AFTER, "never"),
        /// Whether the user is asked for a rating of a conversation with an agent. The sinks get each as [`rating`](sinks.md#the-event-rating).
        rating: bool = default(Flag, false),
        /// When: `"completed"`, once the conversation is complete, or `"joined"`, as soon as an agent has the chat, for an account at which Haptik takes ratings of open conversations only.
        rating_when: RatingWhen = default(RATING_WHEN, "completed"),
        /// Haptik wants to know of each rating whether the query was resolved. Where the user was not asked that, a rating from here on says so.
        rating_resolved_from: u8 = default(RATING, 4),
        /// What the user is asked then. This and the next four: up to 1,000 characters.
        rating_prompt: String = default(NOTICE, "How was this conversation?", "a question"),
        /// What a user is told who asked for a human.
        requested_notice: String = default(NOTICE, "One moment, I am asking a colleague to join.", "a sentence"),
        /// The same, where the request has to wait until Haptik has told the user's `user_name`.
        waiting_notice: String = default(NOTICE, "I will ask a colleague to join as soon as the conversation is set up. One moment.", "a sentence"),
        /// What a user is told who asked for a human and gets none.
        missed_notice: String = default(NOTICE, "Nobody is free at the moment, I am sorry. Please try again later.", "a sentence"),
        /// What a user is told when a conversation with an agent is complete.
        completed_notice: Option<String> = optional(NOTICE, "Haptik's words"),
    }
    rule phrases_with_a_team(agent_phrases);
}

/// When a user is asked for a rating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RatingWhen {
    /// When the conversation is complete.
    Completed,
    /// When an agent takes the chat.
    Joined,
}

const RATING_WHEN: OneOf<RatingWhen> = OneOf {
    words: &[
        ("completed", RatingWhen::Completed),
        ("joined", RatingWhen::Joined),
    ],
};

const RATING: Whole<u8> = Whole {
    min: 1,
    max: 5,
    of: "",
};

const TEAM_NAME: Text = Text { max: 100 };

const RECEIVER: Text = Text { max: 100 };

const COUNTDOWN: Whole<u8> = Whole {
    min: 5,
    max: 10,
    of: " of seconds",
};

const PHRASES: Texts = Texts { count: 50, max: 75 };

const NO_AGENT_AFTER: DurationOrNever = DurationOrNever(DurationRange {
    min: "10s",
    max: "7d",
    example: "5m",
    note: "",
});

const NOTICE: Text = Text { max: 1_000 };

fn phrases_with_a_team(
    section: &Section<'_>,
    agent_phrases: &Result<Vec<String>, Reported>,
) -> Result<(), Reported> {
    match agent_phrases {
        Ok(phrases) if !phrases.is_empty() && !section.has("team_name") => {
            let message = format!(
                "missing, and there are agent_phrases; needed: the team that Haptik moves the chat to, {}",
                TEAM_NAME.allowed()
            );
            Err(section.missing("team_name", &message))
        }
        _ => Ok(()),
    }
}

impl Handoff {
    /// Whether a text asks for a human: it is one of the phrases and nothing else, be it in other case
    /// and with other white space.
    #[must_use]
    pub fn is_request(&self, text: &str) -> bool {
        let said = plain(text);
        !said.is_empty()
            && self
                .agent_phrases
                .iter()
                .any(|phrase| plain(phrase) == said)
    }
}

fn plain(text: &str) -> String {
    let words: Vec<String> = text
        .trim_matches(|end: char| end.is_whitespace() || ".!?,".contains(end))
        .split_whitespace()
        .map(str::to_lowercase)
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_the_whole_message_in_any_case_and_spacing() {
        let handoff = Handoff {
            team_name: None,
            receiver: None,
            countdown: None,
            agent_phrases: vec!["Talk to an agent".to_owned(), "agent".to_owned()],
            no_agent_after: None,
            rating: false,
            rating_when: RatingWhen::Completed,
            rating_resolved_from: 4,
            rating_prompt: String::new(),
            requested_notice: String::new(),
            waiting_notice: String::new(),
            missed_notice: String::new(),
            completed_notice: None,
        };
        for text in [
            "agent",
            " AGENT! ",
            "talk  to\nan Agent.",
            "Talk to an agent",
        ] {
            assert!(handoff.is_request(text), "{text}");
        }
        for text in ["", "!", "agents", "my agent", "talk to an agent now"] {
            assert!(!handoff.is_request(text), "{text}");
        }
    }
}
