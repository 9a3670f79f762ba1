//! The checker: what was said and what arrived.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::load::{SentText, pieces};
use super::world::{Dependency, Fault, Tally};
use crate::app::Callback;
use crate::provider::{Report as Said, Reports};

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// How many steps the bridge made: calls to its dependencies and rings.
    pub steps: u64,
    /// What went wrong.
    pub faults: Tally,
    /// What the users wrote, and what of it Haptik was told.
    pub to_haptik: Counts,
    /// What Haptik delivered, and what of it the channel shows.
    pub to_channel: Counts,
    /// What Haptik delivered, and what of it the sink got.
    pub to_sink: Counts,
    /// Messages that have ended, and the receipts of them that the sink got.
    pub receipts: Counts,
    /// Receipts that say something else than what the channel reported.
    pub contradicted: Vec<String>,
    /// Entries that are still pending, with the reason of the last failure.
    pub pending: Vec<String>,
    /// Entries that were given up, with the reason.
    pub dead: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

/// One direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// What there was to arrive.
    pub messages: u64,
    /// What did not arrive.
    pub lost: u64,
    /// What arrived more than once, copies counted.
    pub doubled: u64,
    /// What arrived after something that came after it, although it was durable in time.
    pub reordered: u64,
    /// What arrived after something that came after it, because it was durable only once the reorder
    /// window of the other was over.
    pub late: u64,
}

/// How many entries are listed of those that are pending or dead.
const LISTED: usize = 20;

/// Something on its way: what it is, and when it became durable.
#[derive(Debug, Clone)]
pub(crate) struct Sent<K> {
    pub(crate) id: K,
    /// When the edge that stored it had received it.
    pub(crate) received: Timestamp,
    /// When it was first under way, where nothing else says when it was sent.
    pub(crate) began: Option<Timestamp>,
    /// When it was in the ledger at the latest.
    pub(crate) durable: Timestamp,
}

/// What was sent to one user, and what arrived.
type OneUser<K> = (Vec<Sent<K>>, Vec<K>);

/// Compares what was sent, in order, with what arrived.
pub(crate) fn compare<K: Ord + Clone>(sent: &[Sent<K>], arrived: &[K], window: Duration) -> Counts {
    let mut counts = Counts {
        messages: sent.len() as u64,
        ..Counts::default()
    };
    let mut place = BTreeMap::new();
    for id in arrived {
        let next = place.len();
        if place.contains_key(id) {
            counts.doubled += 1;
        } else {
            place.insert(id.clone(), next);
        }
    }
    for (index, earlier) in sent.iter().enumerate() {
        let Some(here) = place.get(&earlier.id) else {
            counts.lost += 1;
            continue;
        };
        let overtaken_by = sent
            .iter()
            .skip(index + 1)
            .filter(|later| place.get(&later.id).is_some_and(|there| there < here))
            .filter(|later| is_known_to_be_later(later, earlier));
        let (mut late, mut reordered) = (false, false);
        for later in overtaken_by {
            if earlier.durable <= later.received + window {
                reordered = true;
            } else {
                late = true;
            }
        }
        counts.reordered += u64::from(reordered);
        counts.late += u64::from(late && !reordered);
    }
    counts
}

/// Whether it can be known that one was sent after the other: it was under way only once the other was stored, unless
/// both say when they were sent.
fn is_known_to_be_later<K>(later: &Sent<K>, earlier: &Sent<K>) -> bool {
    later.began.is_none_or(|began| earlier.durable <= began)
}

/// When something was stored: `received` lies in one of the tries, at whose end it was durable.
pub(crate) fn durable(tries: &[(Timestamp, Timestamp)], received: Timestamp) -> Timestamp {
    let slack = Duration::from_millis(2);
    let stored = tries
        .iter()
        .filter(|(began, _)| *began <= received + slack)
        .max_by_key(|(began, _)| *began);
    stored.map_or(received, |(_, ended)| *ended)
}

/// When the first of the tries began, and when the last ended.
fn within(tries: &[(Timestamp, Timestamp)]) -> (Timestamp, Timestamp) {
    let began = tries.first().map(|(began, _)| *began);
    let ended = tries.last().map(|(_, ended)| *ended);
    (began.unwrap_or_default(), ended.unwrap_or_default())
}

pub(crate) fn to_haptik(
    said: &[SentText],
    told: &[String],
    received: &HashMap<String, Timestamp>,
    says_when: bool,
    window: Duration,
) -> Counts {
    let mut users: BTreeMap<usize, OneUser<u64>> = BTreeMap::new();
    for said in said {
        let (received, durable) = match received.get(&said.text) {
            Some(received) => (*received, durable(&said.tries, *received)),
            // An entry of a request that carried only an id has no text: the tries say when, at the earliest
            // and at the latest.
            None => within(&said.tries),
        };
        users.entry(said.user).or_default().0.push(Sent {
            id: number(&said.text, 'm'),
            received,
            began: (!says_when).then(|| within(&said.tries).0),
            durable,
        });
    }
    for text in told {
        let user = usize::try_from(number(text, 'u')).unwrap_or(usize::MAX);
        users.entry(user).or_default().1.push(number(text, 'm'));
    }
    users
        .into_values()
        .fold(Counts::default(), |sum, (mut sent, arrived)| {
            sent.sort_by_key(|sent| sent.id);
            sum + compare(&sent, &arrived, window)
        })
}

/// What Haptik delivered to one user.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delivered {
    pub(crate) tries: Vec<(Timestamp, Timestamp)>,
    pub(crate) text: String,
}

/// Compares, piece by piece, with the texts that each user is shown, by the user's number.
pub(crate) fn to_channel(
    delivered: &BTreeMap<u64, Delivered>,
    shown: &[Vec<String>],
    received: &HashMap<u64, Timestamp>,
    window: Duration,
) -> Counts {
    let mut users: BTreeMap<u64, OneUser<String>> = BTreeMap::new();
    for (id, event) in delivered {
        let received = received.get(id).copied().unwrap_or_default();
        let sent = pieces(&event.text).map(|piece| Sent {
            id: piece,
            received,
            began: None,
            durable: durable(&event.tries, received),
        });
        let user = users.entry(number(&event.text, 'u')).or_default();
        user.0.extend(sent);
    }
    for (user, texts) in (0..).zip(shown) {
        let arrived = texts.iter().flat_map(|text| pieces(text));
        users.entry(user).or_default().1 = arrived.collect();
    }
    users
        .into_values()
        .fold(Counts::default(), |sum, (sent, arrived)| {
            sum + compare(&sent, &arrived, window)
        })
}

pub(crate) fn to_sink(delivered: &BTreeMap<u64, Delivered>, got: &[Callback]) -> Counts {
    let ids = got.iter().filter_map(|callback| {
        callback
            .body
            .pointer("/data/message/id")
            .and_then(Value::as_u64)
    });
    let mut times: BTreeMap<u64, u64> = BTreeMap::new();
    for id in ids {
        *times.entry(id).or_default() += 1;
    }
    let events = got
        .iter()
        .filter(|callback| correlation_id(callback).is_none());
    let one_each: BTreeSet<&str> = events.map(|callback| callback.id.as_str()).collect();
    Counts {
        messages: delivered.len() as u64,
        lost: delivered
            .keys()
            .filter(|id| !times.contains_key(id))
            .count() as u64,
        // A copy that has the same webhook-id is one that the receiver can tell; another is not.
        doubled: (one_each.len() as u64).saturating_sub(times.len() as u64),
        ..Counts::default()
    }
}

/// Compares the messages that have ended with their receipts: one for each, and none for another.
pub(crate) fn receipts(ended: &BTreeSet<String>, got: &[Callback]) -> Counts {
    let mut receipts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for callback in got {
        if let Some(message) = correlation_id(callback) {
            receipts.entry(message).or_default().insert(&callback.id);
        }
    }
    let expected = |message: &str| u64::from(ended.contains(message));
    let told = |message: &String| receipts.contains_key(message.as_str());
    Counts {
        messages: ended.len() as u64,
        lost: ended.iter().filter(|message| !told(message)).count() as u64,
        doubled: receipts
            .iter()
            .map(|(message, ids)| (ids.len() as u64).saturating_sub(expected(message)))
            .sum(),
        ..Counts::default()
    }
}

/// The receipts that say something else than what the channel reported of the messages that they are of: one that the
/// bridge took counts, and one that it did not may.
pub(crate) fn contradicted(reports: &Reports, got: &[Callback]) -> Vec<String> {
    let mut contradicted = Vec::new();
    for callback in got {
        let Some(message) = correlation_id(callback) else {
            continue;
        };
        let data = &callback.body["data"]["data"];
        let ids = data["sent_as"].as_array().into_iter().flatten();
        let of: Vec<Option<Said>> = ids
            .map(|id| reports.of.get(id.as_str().unwrap_or_default()).copied())
            .collect();
        if data["direction"] != "to_channel" || of.is_empty() {
            continue;
        }
        let any = |is: fn(&Said) -> bool| of.iter().flatten().any(is);
        let is_known = of
            .iter()
            .all(|report| report.is_some_and(|report| report.taken));
        let has_failed = callback.body["type"] == "message_failed";
        let is_confirmed = data["confirmed"] == true;
        let is_right = match (has_failed, is_confirmed) {
            (true, true) => any(|report| report.failed),
            (false, true) => !any(|report| report.failed),
            (false, false) => !is_known && !any(|report| report.failed && report.taken),
            (true, false) => false,
        };
        if !is_right {
            contradicted.push(format!("{message}: {data} after {of:?}"));
        }
    }
    contradicted
}

/// Of which message a receipt is; `None` of another event.
fn correlation_id(callback: &Callback) -> Option<&str> {
    let name = callback.body["type"].as_str()?;
    let is_receipt = matches!(name, "message_delivered" | "message_failed");
    let id = callback.body.pointer("/data/data/correlation_id");
    id.filter(|_| is_receipt)?.as_str()
}

/// The number behind a letter: 7 for `m` in `u3 m7`.
fn number(text: &str, letter: char) -> u64 {
    text.split(' ')
        .find_map(|word| word.strip_prefix(letter)?.parse().ok())
        .unwrap_or(u64::MAX)
}

impl Report {
    /// Nothing was lost or changed places, and nothing was doubled where that can be told.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let [haptik, channel, sink] = [self.to_haptik, self.to_channel, self.to_sink];
        let kept = [haptik, channel, sink, self.receipts]
            .iter()
            .all(|counts| counts.lost == 0 && counts.reordered == 0);
        kept && channel.doubled == 0
            && sink.doubled == 0
            && self.receipts.doubled == 0
            && self.contradicted.is_empty()
            && self.pending.is_empty()
            && self.dead.is_empty()
    }

    /// As [`Report::is_good`], in a channel that may show a message twice: its provider knows no repeats.
    #[must_use]
    pub fn is_good_but_for_repeats(&self) -> bool {
        let to_channel = Counts {
            doubled: 0,
            ..self.to_channel
        };
        let report = Self {
            to_channel,
            ..self.clone()
        };
        report.is_good()
    }

    /// How often the process was killed.
    #[must_use]
    pub fn kills(&self) -> u64 {
        let kills = self
            .faults
            .iter()
            .filter(|((_, fault), _)| matches!(fault, Fault::KilledBefore | Fault::KilledAfter));
        kills.map(|(_, times)| times).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "seed {}, {} steps, {} kills, {:.1} s\n",
            self.seed,
            self.steps,
            self.kills(),
            self.took.as_secs_f64()
        )?;
        write!(formatter, "{:10}", "faults")?;
        for fault in Fault::ALL {
            write!(formatter, " {fault:>13}")?;
        }
        writeln!(formatter)?;
        for place in [
            Dependency::DynamoDb,
            Dependency::Queue,
            Dependency::Haptik,
            Dependency::Channel,
            Dependency::Sink,
        ] {
            write!(formatter, "{place:10}")?;
            for fault in Fault::ALL {
                let times = self.faults.get(&(place, fault)).copied().unwrap_or(0);
                write!(formatter, " {times:>13}")?;
            }
            writeln!(formatter)?;
        }
        writeln!(
            formatter,
            "\n{:10} {:>13} {:>13} {:>13} {:>13} {:>13}",
            "direction", "messages", "lost", "doubled", "reordered", "late"
        )?;
        for (name, counts) in [
            ("to Haptik", self.to_haptik),
            ("to channel", self.to_channel),
            ("to sink", self.to_sink),
            ("receipts", self.receipts),
        ] {
            writeln!(
                formatter,
                "{name:10} {:>13} {:>13} {:>13} {:>13} {:>13}",
                counts.messages, counts.lost, counts.doubled, counts.reordered, counts.late
            )?;
        }
        for (what, entries) in [
            ("contradicted", &self.contradicted),
            ("pending", &self.pending),
            ("dead", &self.dead),
        ] {
            for entry in entries.iter().take(LISTED) {
                writeln!(formatter, "{what}: {entry}")?;
            }
            if entries.len() > LISTED {
                writeln!(formatter, "{what}: {} more", entries.len() - LISTED)?;
            }
        }
        Ok(())
    }
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            messages: self.messages + other.messages,
            lost: self.lost + other.lost,
            doubled: self.doubled + other.doubled,
            reordered: self.reordered + other.reordered,
            late: self.late + other.late,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(id: u32, received: i64, durable: i64) -> Sent<u32> {
        let at = |millisecond| Timestamp::from_millisecond(millisecond).expect("in range");
        Sent {
            id,
            received: at(received),
            began: None,
            durable: at(durable),
        }
    }

    #[test]
    fn where_nothing_says_when_only_what_began_after_the_other_was_stored_is_the_later_one() {
        let under_way = |id: u32, began: i64, durable: i64| Sent {
            began: Timestamp::from_millisecond(began).ok(),
            ..sent(id, began + 1, durable)
        };
        let window = Duration::from_millis(200);
        let beside = [under_way(1, 0, 10), under_way(2, 5, 8)];
        assert_eq!(compare(&beside, &[2, 1], window).reordered, 0);
        let after = [under_way(1, 0, 10), under_way(2, 10, 18)];
        assert_eq!(compare(&after, &[2, 1], window).reordered, 1);
    }

    #[test]
    fn the_checker_sees_receipts_that_contradict_what_was_reported() {
        let report = |failed, taken| Said { failed, taken };
        let of = [("good", report(false, true)), ("bad", report(true, true))];
        let unheard = [("unheard", report(true, false))];
        let of = of.into_iter().chain(unheard);
        let reports = Reports {
            under_way: 0,
            of: of.map(|(id, report)| (id.to_owned(), report)).collect(),
        };
        let told = |kind: &str, sent_as: &[&str], confirmed: bool| Callback {
            id: "1".to_owned(),
            body: serde_json::json!({"type": kind, "data": {"data": {
                "correlation_id": "a", "direction": "to_channel", "sent_as": sent_as, "confirmed": confirmed,
            }}}),
        };
        let (delivered, failed) = ("message_delivered", "message_failed");
        for right in [
            told(delivered, &["good"], true),
            told(failed, &["good", "bad"], true),
            told(failed, &["unheard"], true),
            told(delivered, &["good", "unheard"], false),
        ] {
            assert_eq!(contradicted(&reports, &[right]), Vec::<String>::new());
        }
        for wrong in [
            told(delivered, &["good", "bad"], true),
            told(delivered, &["bad"], false),
            told(delivered, &["good"], false),
            told(delivered, &["unheard"], true),
            told(failed, &["good"], true),
        ] {
            assert_eq!(contradicted(&reports, &[wrong]).len(), 1);
        }
    }

    #[test]
    fn the_checker_sees_receipts_that_are_missing_doubled_and_of_nothing() {
        let callback = |id: &str, message: &str| Callback {
            id: id.to_owned(),
            body: serde_json::json!({
                "type": "message_delivered", "data": {"data": {"correlation_id": message}},
            }),
        };
        let ended = ["a", "b"].map(ToOwned::to_owned).into();
        let good = receipts(
            &ended,
            &[callback("1", "a"), callback("2", "b"), callback("2", "b")],
        );
        assert_eq!((good.lost, good.doubled), (0, 0));
        let got = [
            callback("1", "a"),
            callback("2", "a"),
            callback("3", "pending"),
        ];
        let bad = receipts(&ended, &got);
        assert_eq!((bad.lost, bad.doubled), (1, 2));
    }

    #[test]
    fn the_checker_sees_what_is_lost_doubled_reordered_and_late() {
        let window = Duration::from_millis(200);
        let sent = [
            sent(1, 150, 160),
            sent(2, 0, 5),
            sent(3, 500, 505),
            sent(4, 0, 1),
        ];
        let good = compare(&sent[..3], &[1, 2, 3], window);
        assert_eq!(
            (good.lost, good.doubled, good.reordered, good.late),
            (0, 0, 0, 0)
        );
        let bad = compare(&sent[..3], &[2, 1, 1], window);
        assert_eq!(
            (bad.lost, bad.doubled, bad.reordered, bad.late),
            (1, 1, 1, 0)
        );
        let late = compare(&sent, &[1, 2, 4, 3], window);
        assert_eq!((late.reordered, late.late), (0, 1));
    }
}
