//! The keys of a connection that say how its users get to a human, and back.

use std::time::Duration;

use super::error::Reported;
use super::kind::{Kind as _, OneOf, OrNever, Seconds, Text, Texts};
use super::section::Section;
use super::{Handoff, Transcript};

/// Reads the keys. `no_agent_after` is the default of the connection's type.
pub(super) fn handoff(
    section: &Section<'_>,
    no_agent_after: Option<Duration>,
) -> Result<Handoff, Reported> {
    let notice = |key, default: &str| section.or(key, &NOTICE, default.to_owned());
    let team_name = section.optional("team_name", &Text { max: 100 });
    let countdown = section.optional("countdown", &Seconds { min: 5, max: 10 });
    let agent_phrases = section.or("agent_phrases", &PHRASES, Vec::new());
    let no_agent_after = section.or("no_agent_after", &NO_AGENT_AFTER, no_agent_after);
    let rating = section.or("rating", &super::kind::Flag, false);
    let rating_prompt = notice("rating_prompt", RATING);
    let requested_notice = notice("requested_notice", REQUESTED);
    let waiting_notice = notice("waiting_notice", WAITING);
    let missed_notice = notice("missed_notice", MISSED);
    let completed_notice = section.optional("completed_notice", &NOTICE);
    let (team_name, agent_phrases) = (team_name?, agent_phrases?);
    if !agent_phrases.is_empty() && team_name.is_none() && !section.has("team_name") {
        let message = format!(
            "missing, and there are agent_phrases; needed: the team that Haptik moves the chat to, {}",
            Text { max: 100 }.allowed()
        );
        return Err(section.missing("team_name", &message));
    }
    Ok(Handoff {
        team_name,
        countdown: countdown?,
        agent_phrases,
        no_agent_after: no_agent_after?,
        rating: rating?,
        rating_prompt: rating_prompt?,
        requested_notice: requested_notice?,
        waiting_notice: waiting_notice?,
        missed_notice: missed_notice?,
        completed_notice: completed_notice?,
    })
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

/// How a transcript is told.
pub(super) const TRANSCRIPTS: OneOf<Transcript> = OneOf {
    words: &[
        ("message", Transcript::Message),
        ("lines", Transcript::Lines),
    ],
    note: "",
};

/// How long an agent may take by default where a bot waits to have its user back.
pub(super) const CUSTOM_NO_AGENT_AFTER: Duration = Duration::from_mins(5);

const NOTICE: Text = Text { max: 1_000 };

const PHRASES: Texts = Texts { count: 50, max: 75 };

const NO_AGENT_AFTER: OrNever = OrNever {
    min: Duration::from_secs(10),
    max: Duration::from_hours(7 * 24),
    allowed: "a duration such as \"5m\", from \"10s\" to \"7d\", or \"never\"",
};

const RATING: &str = "How was this conversation?";
const REQUESTED: &str = "One moment, I am asking a colleague to join.";
const WAITING: &str =
    "I will ask a colleague to join as soon as the conversation is set up. One moment.";
const MISSED: &str = "Nobody is free at the moment, I am sorry. Please try again later.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_the_whole_message_in_any_case_and_spacing() {
        let handoff = Handoff {
            team_name: None,
            countdown: None,
            agent_phrases: vec!["Talk to an agent".to_owned(), "agent".to_owned()],
            no_agent_after: None,
            rating: false,
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
