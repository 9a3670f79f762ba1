//! The order in which the entries of a lane are delivered.

use std::time::Duration;

use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Entry;

/// How far apart the two events of one completion happen at most.
const COMPLETIONS_ARE_CLOSE: Duration = Duration::from_mins(5);

/// The entries in the order in which they are to be delivered: by key, except that an event without a
/// message id, whose key sorts last, comes before the first message that Haptik sent after it.
pub(super) fn in_order(entries: Vec<Entry>) -> Vec<Entry> {
    let (untimed, timed): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| !is_by_time(entry));
    if timed.is_empty() {
        return untimed;
    }
    let mut ordered = Vec::with_capacity(untimed.len() + timed.len());
    let mut timed = timed.into_iter().peekable();
    for entry in untimed {
        while let Some(earlier) = timed.next_if(|event| event.at < entry.at) {
            ordered.push(earlier);
        }
        ordered.push(entry);
    }
    ordered.extend(timed);
    ordered
}

/// Puts each `webhook_conversation_complete` before the `chat_complete` of the same conversation.
/// Nothing else changes places: what was said after a completion stays behind it.
pub(super) fn order_completions(entries: &mut [Entry]) {
    let is_same = |one: &Entry, other: &Entry| {
        one.at.duration_since(other.at).unsigned_abs() <= COMPLETIONS_ARE_CLOSE
    };
    // A `webhook_conversation_complete` that is before its `chat_complete` already.
    let mut in_place: Option<usize> = None;
    for index in 0..entries.len() {
        if is_conversation_complete(&entries[index]) {
            in_place = Some(index);
        }
        if !is_chat_complete(&entries[index]) {
            continue;
        }
        let paired = in_place.take();
        if paired.is_some_and(|before| is_same(&entries[before], &entries[index])) {
            continue;
        }
        let others = entries[index + 1..].iter();
        let mut up_to_the_next = others.take_while(|entry| !is_chat_complete(entry));
        let behind = up_to_the_next
            .position(|entry| is_conversation_complete(entry) && is_same(entry, &entries[index]));
        if let Some(behind) = behind {
            entries[index..=index + 1 + behind].rotate_right(1);
            in_place = Some(index);
        }
    }
}

/// Whether an entry is `webhook_conversation_complete`.
fn is_conversation_complete(entry: &Entry) -> bool {
    entry
        .key
        .as_str()
        .contains("#0-webhook_conversation_complete")
}

/// Whether an entry is the deprecated `chat_complete`, which says less of the same conversation.
pub(super) fn is_chat_complete(entry: &Entry) -> bool {
    entry.key.as_str().contains("#1-chat_complete")
}

/// Whether an entry of a lane of Haptik's events goes by its time: its key's second part begins with
/// a digit (see `Event::key`).
fn is_by_time(entry: &Entry) -> bool {
    let second = entry.key.as_str().split('#').nth(1).unwrap_or_default();
    matches!(entry.lane, Lane::Channel(_) | Lane::Sink { .. })
        && second.starts_with(|first: char| first.is_ascii_digit())
}
