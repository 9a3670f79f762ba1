//! Message ordering: the order in which the entries of a lane are delivered.

use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::message::completion::{self, CompletionKind};

/// The entries in the order in which they are to be delivered: by key, except that an event without a
/// message id, whose key sorts last, comes before the first message that Haptik sent after it.
pub(super) fn in_order(entries: Vec<Entry>) -> Vec<Entry> {
    let (messages, mut events): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| !is_by_time(entry));
    if events.is_empty() {
        return messages;
    }
    let mut ordered = Vec::with_capacity(messages.len() + events.len());
    for message in messages {
        ordered.extend(events.extract_if(.., |event| event.at < message.at));
        ordered.push(message);
    }
    ordered.extend(events);
    ordered
}

/// The first entries of a lane in order, as far as nothing that was not read can belong between them. `more_messages`
/// says that there may be messages behind those that were read, `more_events` events.
pub(super) fn in_order_so_far(
    entries: Vec<Entry>,
    more_messages: bool,
    more_events: bool,
) -> Vec<Entry> {
    let mut ordered = in_order(entries);
    let ends = [(more_messages, false), (more_events, true)].map(|(more, by_time)| {
        let last = ordered
            .iter()
            .rposition(|entry| is_by_time(entry) == by_time);
        last.filter(|_| more).map(|last| last + 1)
    });
    let end = ends.into_iter().flatten().min();
    ordered.truncate(end.unwrap_or(ordered.len()));
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

/// Whether a lane has Haptik's events.
pub(super) fn has_events(lane: &Lane) -> bool {
    matches!(lane, Lane::Channel(_) | Lane::Sink { .. })
}

/// Whether an entry of a lane of Haptik's events goes by its time.
pub(super) fn is_by_time(entry: &Entry) -> bool {
    has_events(&entry.lane) && entry.key.kind().is_some_and(|kind| kind.is_by_time())
}

#[cfg(test)]
mod tests {
    use haptik_bridge_shared::haptik::webhook::Event;
    use haptik_bridge_shared::key::FIRST_TIME;
    use haptik_bridge_shared::ledger::{FileUrls, Payload, State};
    use jiff::Timestamp;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// A message with this id, or an event without one, of this second.
    fn entry(id: Option<usize>, second: usize) -> Entry {
        let second = i64::try_from(second).expect("a second");
        let at = Timestamp::from_second(1_795_600_000 + second).expect("in range");
        let body = match id {
            Some(id) => json!({"event_name": "message", "message": {"id": id}}),
            None => {
                json!({"event_name": "webhook_conversation_complete", "timestamp": at.to_string()})
            }
        };
        let body = body.to_string();
        let event = Event::read(body.as_bytes()).expect("an event");
        Entry {
            lane: Lane::Channel("u".into()),
            key: event.key(body.as_bytes()),
            state: State::Pending,
            payload: Payload::Webhook {
                account: "main".into(),
                body,
            },
            at,
            received_at: at,
            correlation_id: "1".into(),
            attempts: 0,
            starts: 0,
            overruns: 0,
            revived_at: None,
            parts_done: 0,
            begun: 0,
            shown_by: None,
            message_ids: Vec::new(),
            file_urls: FileUrls::default(),
            reserved: None,
            forbidden_at: None,
            reason: None,
            detail: None,
            ended_at: None,
        }
    }

    proptest! {
        /// However many entries a query has, and whether Haptik's ids are less than times or among them, all come in the
        /// order that all of them have.
        #[test]
        fn what_is_read_page_by_page_is_in_the_order_of_the_whole(
            are_messages in prop::collection::vec(any::<bool>(), 0..40), page in 1..8_usize, first_id in first_id(),
        ) {
            let entries = are_messages.iter().enumerate();
            let entries = entries.map(|(second, is_message)| {
                entry(is_message.then_some(first_id + 1_000 * second), second)
            });
            let whole: Vec<Entry> = entries.collect();
            let mut left = whole.clone();
            left.sort_by(|one, other| one.key.cmp(&other.key));
            let mut delivered = Vec::new();
            while !left.is_empty() {
                let first: Vec<Entry> = left.iter().take(page).cloned().collect();
                let more = left.len() > first.len();
                let read = match first.last() {
                    Some(last) if more && is_by_time(last) => in_order_so_far(first, true, true),
                    Some(last) if more => {
                        let behind = last.key.as_str().max(FIRST_TIME).to_owned();
                        let events = left.iter().filter(|entry| entry.key.as_str() > behind.as_str());
                        let more_events = events.clone().count() > page;
                        let events = events.take(page).filter(|entry| is_by_time(entry)).cloned();
                        in_order_so_far(first.into_iter().chain(events).collect(), true, more_events)
                    }
                    _ => in_order(first),
                };
                prop_assert!(!read.is_empty());
                left.retain(|entry| read.iter().all(|read| read.key != entry.key));
                delivered.extend(read);
            }
            let places = |entries: &[Entry]| entries.iter().map(|entry| entry.at).collect::<Vec<_>>();
            prop_assert_eq!(places(&delivered), places(&whole));
        }
    }

    fn first_id() -> impl Strategy<Value = usize> {
        prop_oneof![Just(1), Just(1_795_600_000_500)]
    }
}
