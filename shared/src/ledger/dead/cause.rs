//! Causes: why entries were given up, the same for all that go the same way and failed for the same reason.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::DeadTime;
use crate::lane::Lane;
use crate::table::Item;

/// How many digits the id of a cause has.
const ID_LENGTH: usize = 12;

/// The longest reason that is kept with a cause, in characters.
const LONGEST_REASON: usize = 300;

/// How many digits in a row are a number that differs from entry to entry: more than a status or a provider's code has.
const LONG_NUMBER: usize = 6;

/// How many hexadecimal digits in a row are an id.
const LONG_ID: usize = 8;

/// Why entries were given up: the same for all that go the same way and failed for the same reason, whatever numbers
/// it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// What names it: 12 hexadecimal digits.
    pub id: String,
    /// Where they go: a lane's name without its user, as `haptik` or `sink#crm`.
    pub way: String,
    /// The reason, of the first of the day.
    pub reason: String,
}

/// A cause on a day (UTC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CauseOfDay {
    /// The day, as `2026-11-29`.
    pub day: String,
    /// The cause.
    pub cause: Cause,
}

/// Which causes this process has noted, of the last day on which it did.
#[derive(Debug, Default)]
pub(in crate::ledger) struct NotedCauses(Mutex<(String, BTreeSet<String>)>);

impl Cause {
    /// The cause for which an entry of this lane was given up.
    #[must_use]
    pub fn of(lane: &Lane, reason: &str) -> Self {
        let way = match lane {
            Lane::Haptik(_) => "haptik".to_owned(),
            Lane::Channel(_) => "channel".to_owned(),
            Lane::Task(_) => "task".to_owned(),
            Lane::Sink { sink, .. } => format!("sink#{sink}"),
            Lane::NotUnderstood { edge } => format!("not_understood#{edge}"),
        };
        let hash = hex::encode(Sha256::digest(format!(
            "{way}\0{}",
            without_numbers(reason)
        )));
        Self {
            id: hash.chars().take(ID_LENGTH).collect(),
            way,
            reason: reason.chars().take(LONGEST_REASON).collect(),
        }
    }
}

/// A reason without what differs from one entry to the next: long numbers, ids, and places in a text.
fn without_numbers(reason: &str) -> String {
    let mut plain = String::new();
    let mut is_place = false;
    for part in reason.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric()) {
        let word = part.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let is_id = word.len() >= LONG_ID
            && word.bytes().all(|byte| byte.is_ascii_hexdigit())
            && word.bytes().any(|byte| byte.is_ascii_digit());
        let differs = is_id || is_number && (is_place || word.len() >= LONG_NUMBER);
        is_place = matches!(word, "line" | "column");
        plain.push_str(if differs { "…" } else { word });
        plain.push_str(part.strip_prefix(word).unwrap_or_default());
    }
    plain
}

/// The partition of the index that has what was given up on a day for a cause.
pub(super) fn partition(day: &str, cause: &str) -> String {
    format!("{day}#{cause}")
}

impl CauseOfDay {
    pub(super) fn read(item: &Item) -> Option<Self> {
        let field = |name: &str| item.get(name)?.as_s().ok();
        let (day, id) = field("sk")?.split_once('#')?;
        Some(Self {
            day: day.to_owned(),
            cause: Cause {
                id: id.to_owned(),
                way: field("way")?.clone(),
                reason: field("reason")?.clone(),
            },
        })
    }

    pub(super) fn partition(&self) -> String {
        partition(&self.day, &self.cause.id)
    }
}

impl NotedCauses {
    pub(super) fn has(&self, day: &str, id: &str) -> bool {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.0 == day && noted.1.contains(id)
    }

    pub(super) fn add(&self, day: String, id: String) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.0 != day {
            *noted = (day, BTreeSet::new());
        }
        noted.1.insert(id);
    }
}

/// The day of a time, UTC, as `2026-11-23`.
pub(super) fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// The days of a time, in their order.
pub(super) fn days(DeadTime { since, until }: DeadTime) -> Vec<String> {
    let last = day(until);
    let mut days = Vec::new();
    let mut at = since;
    while at <= until {
        days.push(day(at));
        let Ok(next) = at.checked_add(SignedDuration::from_hours(24)) else {
            break;
        };
        at = next;
    }
    if since <= until && days.last() != Some(&last) {
        days.push(last);
    }
    days
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_days_of_a_time_are_all_that_it_touches() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let (since, until) = (at("2026-11-29T23:59:59Z"), at("2026-12-01T00:00:01Z"));
        let of = |since, until| days(DeadTime { since, until });
        let expected = ["2026-11-29", "2026-11-30", "2026-12-01"];
        assert_eq!(of(since, until), expected);
        assert_eq!(of(since, since), ["2026-11-29"]);
        assert!(of(until, since).is_empty());
    }

    #[test]
    fn a_cause_is_the_same_whatever_numbers_its_reason_has_and_another_for_each_status_and_way() {
        let lane = Lane::Haptik("a".into());
        let of = |reason: &str| Cause::of(&lane, reason).id;
        assert_eq!(
            of("the body is no JSON: expected value at line 1 column 7"),
            of("the body is no JSON: expected value at line 12 column 34")
        );
        assert_eq!(
            of("no user 18a7f3c2e1 is known at 1795561837"),
            of("no user 00ff12ab9d8e7c is known at 1795561999")
        );
        let refused = "Haptik refused the message (400)";
        assert_ne!(of(refused), of("Haptik refused the message (500)"));
        assert_ne!(of("refused (400, 63016)"), of("refused (400, 63024)"));
        assert_eq!(
            of(refused),
            Cause::of(&Lane::Haptik("b".into()), refused).id
        );
        assert_ne!(
            of(refused),
            Cause::of(&Lane::Channel("a".into()), refused).id
        );
    }

    proptest! {
        #[test]
        fn any_reason_has_a_cause(reason in ".{0,400}") {
            let cause = Cause::of(&Lane::Haptik("a".into()), &reason);
            prop_assert_eq!(cause.id.len(), ID_LENGTH);
            prop_assert!(cause.reason.chars().count() <= LONGEST_REASON);
        }

        #[test]
        fn a_reason_without_numbers_is_itself(reason in "[a-z ,:().-]{0,80}") {
            prop_assert_eq!(without_numbers(&reason), reason);
        }
    }
}
