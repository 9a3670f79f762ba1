//! The checker: what was said and what arrived.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::load::{SentText, pieces};
use crate::app::Callback;

mod receipts;
mod report;

pub(crate) use receipts::{contradicted, receipts};
pub use report::{Counts, Report};

use receipts::correlation_id;

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

/// The number behind a letter: 7 for `m` in `u3 m7`.
fn number(text: &str, letter: char) -> u64 {
    text.split(' ')
        .find_map(|word| word.strip_prefix(letter)?.parse().ok())
        .unwrap_or(u64::MAX)
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
