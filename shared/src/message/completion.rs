//! Ends of conversations.
//!
//! Haptik tells of one end by two events, in either order: by `webhook_conversation_complete`, which names
//! the conversation, and by `chat_complete`, which is deprecated and does not. The ledger keeps each of
//! them from coming twice; this tells which two belong together.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::EntryKey;
pub use crate::key::CompletionKind;

/// How long after one event of an end the other can come: Haptik repeats a delivery for an hour.
pub const REPEATED_WITHIN: Duration = Duration::from_mins(75);

/// How far apart the two events of one end are at most, by Haptik's clock or by ours.
pub const APART_AT_MOST: Duration = Duration::from_mins(5);

/// The end of a conversation, as one of its two events tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// Which event.
    pub kind: CompletionKind,
    /// The event's place.
    pub key: EntryKey,
    /// When it happened, by Haptik's clock, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub happened_at: Option<i64>,
    /// When the event came, in milliseconds since the epoch.
    pub received_at: i64,
    /// The place of the other event, once that has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<EntryKey>,
}

impl Completion {
    /// The event with this place, which came then.
    #[must_use]
    pub fn new(
        kind: CompletionKind,
        key: EntryKey,
        happened_at: Option<i64>,
        received_at: Timestamp,
    ) -> Self {
        Self {
            kind,
            key,
            happened_at,
            received_at: received_at.as_millisecond(),
            other: None,
        }
    }

    /// Whether `later` is the other event of this end. A third is of another end.
    #[must_use]
    pub fn is_told_again_by(&self, later: &Self) -> bool {
        let came = self.received_at.abs_diff(later.received_at);
        let happened = match (self.happened_at, later.happened_at) {
            (Some(one), Some(other)) => one.abs_diff(other),
            _ => 0,
        };
        self.kind != later.kind
            && self.other.as_ref().is_none_or(|other| *other == later.key)
            && came <= millis(REPEATED_WITHIN)
            && came.min(happened) <= millis(APART_AT_MOST)
    }
}

/// Whether Haptik's word, `completion_by`, is that a chat was completed at once since nobody of the team is
/// there: `Team Offline Flag` (<https://docs.haptik.ai/webhooks/webhook-payload>), however it is written.
#[must_use]
pub fn is_team_offline(word: &str) -> bool {
    let word = letters(word);
    word.contains("offline") && (word.contains("team") || word.contains("agent"))
}

/// Whether Haptik's word, `completion_by`, is a state and nobody's name.
#[must_use]
pub fn is_state(word: &str) -> bool {
    const STATES: [&str; 5] = [
        "waitingforuser",
        "waitingonuser",
        "botcompleted",
        "agentclaimname",
        "autocomplete",
    ];
    is_team_offline(word) || STATES.contains(&letters(word).as_str())
}

/// A word without what is no letter or digit, in small letters.
fn letters(word: &str) -> String {
    let letters = word.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Puts each `webhook_conversation_complete` before the `chat_complete` of the same end. Nothing else changes
/// places: what was said after a completion stays behind it. `told` says of an item by which event it tells of
/// an end, and when that happened.
pub fn conversation_first<T>(
    items: &mut [T],
    told: impl Fn(&T) -> Option<(CompletionKind, Timestamp)>,
) {
    let of_kind = |item: &T, kind| told(item).filter(|(of, _)| *of == kind).map(|(_, at)| at);
    let conversation = |item: &T| of_kind(item, CompletionKind::Conversation);
    let chat = |item: &T| of_kind(item, CompletionKind::Chat);
    let is_close = |one: Timestamp, other: Timestamp| {
        one.duration_since(other).unsigned_abs() <= APART_AT_MOST
    };
    // When the one happened that came before its other event by itself.
    let mut before: Option<Timestamp> = None;
    for index in 0..items.len() {
        if let Some(at) = conversation(&items[index]) {
            before = Some(at);
        }
        let Some(at) = chat(&items[index]) else {
            continue;
        };
        if before.take().is_some_and(|before| is_close(before, at)) {
            continue;
        }
        let others = items[index + 1..].iter();
        let mut up_to_the_next = others.take_while(|item| chat(item).is_none());
        let behind = up_to_the_next
            .position(|item| conversation(item).is_some_and(|other| is_close(other, at)));
        if let Some(behind) = behind {
            items[index..=index + 1 + behind].rotate_right(1);
            before = conversation(&items[index]);
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completion(kind: CompletionKind, key: &str, happened: Option<i64>, came: i64) -> Completion {
        let came = Timestamp::from_second(came).expect("in range");
        Completion::new(kind, key.into(), happened.map(|at| at * 1_000), came)
    }

    #[test]
    fn a_state_is_known_however_it_is_written_and_a_name_is_none() {
        for offline in [
            "Team Offline Flag",
            "team offline flag",
            "TEAM_OFFLINE_FLAG",
            " Team-Offline ",
            "Agents offline",
        ] {
            assert!(is_team_offline(offline) && is_state(offline), "{offline}");
        }
        for state in [
            "Waiting for User",
            "waiting_for_user",
            "Bot Completed",
            "AGENT_CLAIM_NAME",
        ] {
            assert!(is_state(state) && !is_team_offline(state), "{state}");
        }
        for name in ["Prateek", "Offline Sales", "", "User", "Teamer", "अनिल"] {
            assert!(!is_state(name), "{name}");
        }
    }

    #[test]
    fn two_events_are_of_one_end_when_they_happened_or_came_together() {
        use CompletionKind::{Chat, Conversation};
        let first = completion(Conversation, "1", Some(0), 0);
        let is_other =
            |kind, happened, came| first.is_told_again_by(&completion(kind, "2", happened, came));
        assert!(is_other(Chat, Some(1), 1));
        assert!(
            is_other(Chat, Some(1), 75 * 60),
            "it was repeated for an hour"
        );
        assert!(
            is_other(Chat, Some(3_600), 300),
            "Haptik's clock went wrong"
        );
        assert!(is_other(Chat, None, 75 * 60), "only when it came is known");
        assert!(!is_other(Chat, Some(1), 76 * 60));
        assert!(!is_other(Chat, Some(301), 301), "the end of the next one");
        assert!(!is_other(Conversation, Some(1), 1));
    }

    #[test]
    fn an_end_has_two_events_and_no_third() {
        let mut first = completion(CompletionKind::Chat, "1", None, 0);
        let second = completion(CompletionKind::Conversation, "2", None, 1);
        let third = completion(CompletionKind::Conversation, "3", None, 2);
        assert!(first.is_told_again_by(&second) && first.is_told_again_by(&third));
        first.other = Some(second.key.clone());
        assert!(first.is_told_again_by(&second), "it is handled again");
        assert!(!first.is_told_again_by(&third));
    }

    #[test]
    fn the_event_that_says_more_comes_first_and_what_is_between_stays_behind_both() {
        // `w` and `c` of one end have the same digit, which is when it happened, in tens of minutes.
        let ordered = |items: &str| {
            let mut items: Vec<&str> = items.split(' ').collect();
            conversation_first(&mut items, |item| {
                let kind = match item.get(..1)? {
                    "w" => CompletionKind::Conversation,
                    "c" => CompletionKind::Chat,
                    _ => return None,
                };
                let minutes: i64 = item.get(1..)?.parse().ok()?;
                Some((kind, Timestamp::from_second(minutes * 600).ok()?))
            });
            items.join(" ")
        };
        assert_eq!(ordered("m c1 m w1 m"), "m w1 c1 m m");
        assert_eq!(ordered("w1 c1 c2 w2"), "w1 c1 w2 c2");
        assert_eq!(ordered("c1 w2"), "c1 w2");
        assert_eq!(ordered("c1 c2 w1 w2"), "c1 w2 c2 w1");
        assert_eq!(ordered("w1 m c1 w1"), "w1 m c1 w1");
    }
}
