//! Message ordering: the order in which the entries of a lane are delivered.

use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::message::completion::{self, CompletionKind};

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
pub(super) fn order_completions(entries: &mut [Entry]) {
    completion::conversation_first(entries, |entry| {
        Some((entry.key.kind()?.completion()?, entry.at))
    });
}

/// Whether an entry is the deprecated `chat_complete`, which says less of the same conversation.
pub(super) fn is_chat_complete(entry: &Entry) -> bool {
    let kind = entry.key.kind().and_then(|kind| kind.completion());
    kind == Some(CompletionKind::Chat)
}

/// Whether an entry of a lane of Haptik's events goes by its time.
fn is_by_time(entry: &Entry) -> bool {
    matches!(entry.lane, Lane::Channel(_) | Lane::Sink { .. })
        && entry.key.kind().is_some_and(|kind| kind.is_by_time())
}
