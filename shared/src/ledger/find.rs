//! Entries by the names that people have for them: a correlation id of a log, a provider's id or permalink, the
//! number of a ticket. Each has a signpost in the table, put beside the entry, so that nothing is read to find it
//! but what is found.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Ledger, Payload};
use crate::ids::EntryKey;
use crate::key::KeyKind;
use crate::lane::Lane;
use crate::table::TableError;

impl Ledger {
    /// The places of the entries that have this name: a correlation id, a key of the ledger, Haptik's `message.id`,
    /// a channel's or an application's id of a message, the link to a message in Slack, the number of a ticket. A
    /// few queries, and fifty places of each form of the name at most.
    pub async fn places_of(&self, name: &str) -> Result<Vec<(Lane, EntryKey)>, TableError> {
        let mut places = BTreeSet::new();
        let wanted = Wanted::of(name);
        for name in &wanted.names {
            let found = self.table.found(name).await?;
            places.extend(found.into_iter().filter_map(|(pk, sk)| {
                let lane = pk.parse::<Lane>().ok()?;
                Some((lane, EntryKey::from(sk)))
            }));
        }
        let is_there = |key: &EntryKey| {
            let channel = wanted.channel.as_deref();
            channel.is_none_or(|channel| key.as_str().split('#').any(|part| part == channel))
        };
        // A time may be that of two messages; a link says in which channel.
        if places.iter().any(|(_, key)| is_there(key)) {
            places.retain(|(_, key)| is_there(key));
        }
        Ok(places.into_iter().collect())
    }

    /// Has an entry be found by these names for as long as it is kept. What cannot be found by a name is found by
    /// its user: a failure is logged, and no more.
    pub(super) async fn name(
        &self,
        lane: &Lane,
        key: &EntryKey,
        names: &BTreeSet<String>,
        now: Timestamp,
    ) {
        let ttl = i64::try_from(self.entry_ttl.as_secs()).unwrap_or(i64::MAX);
        let expires_at = now.as_second().saturating_add(ttl);
        let lane = lane.to_string();
        let table = &self.table;
        // On the heap: it is a part of what every append waits for.
        let put = Box::pin(table.put_signposts(names, &lane, key.as_str(), expires_at));
        if let Err(error) = put.await {
            tracing::warn!(%error, "an entry will not be found by its ids");
        }
    }
}

/// The names of a new entry.
pub(super) fn names(
    lane: &Lane,
    key: &EntryKey,
    payload: &Payload,
    correlation_id: &str,
) -> BTreeSet<String> {
    let mut names = BTreeSet::from([correlation_id.to_owned()]);
    match lane {
        Lane::Haptik(_) | Lane::Task(_) => {
            names.extend(digits_of(key));
            names.insert(key.act_id().to_owned());
        }
        Lane::Channel(_) | Lane::Sink { .. } => {
            if let Some(KeyKind::Message { id } | KeyKind::AgentJoined { id }) = key.kind() {
                names.insert(id.to_string());
            }
        }
        Lane::NotUnderstood { .. } => {}
    }
    if let Payload::Inbound { inbound, .. } = payload {
        let own = inbound.message_id.iter();
        names.extend(own.map(|id| id.replacen('.', "", 1)));
    }
    // A word would be the name of too many.
    names.retain(|name| name.bytes().any(|byte| byte.is_ascii_digit()));
    names
}

/// The names of an entry that was sent as these messages.
pub(super) fn provider_ids(message_ids: &[String]) -> BTreeSet<String> {
    message_ids.iter().map(|id| plain(id)).collect()
}

/// The number with which a key begins, without the zeros before it.
fn digits_of(key: &EntryKey) -> Option<String> {
    let (number, _) = key.as_str().split_once('#')?;
    let is_number = number.len() == 20 && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.trim_start_matches('0');
    (is_number && !number.is_empty()).then(|| number.to_owned())
}

/// A provider's id as it is looked up: a time in seconds with a fraction, as Slack has it, by its digits.
fn plain(id: &str) -> String {
    let is_time = id.split_once('.').is_some_and(|(seconds, fraction)| {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        is_number(seconds) && is_number(fraction)
    });
    if is_time {
        id.replacen('.', "", 1)
    } else {
        id.to_owned()
    }
}

/// What somebody looks for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    names: BTreeSet<String>,
    /// The channel that a link names.
    channel: Option<String>,
}

impl Wanted {
    fn of(text: &str) -> Self {
        let text = text.trim().trim_start_matches('#');
        if let Some((channel, message)) = slack_link(text) {
            return Self {
                names: [message].into(),
                channel: Some(channel),
            };
        }
        let mut names = BTreeSet::from([text.to_owned(), plain(text)]);
        // The link to a ticket or a message ends with its number.
        if let Some((_, path)) = text.split_once("://") {
            let path = path.split(['?', '#']).next().unwrap_or_default();
            let last = path.trim_end_matches('/').rsplit('/').next();
            names.extend(last.map(plain));
        }
        // A key of the ledger: its number is a name.
        names.extend(digits_of(&EntryKey::from(text)));
        Self {
            names,
            channel: None,
        }
    }
}

/// The channel and the message of a link to a message in Slack:
/// `https://acme.slack.com/archives/C024BE91L/p1795561837856425`
/// (<https://docs.slack.dev/reference/methods/chat.getPermalink>).
fn slack_link(text: &str) -> Option<(String, String)> {
    let (_, path) = text.split_once("/archives/")?;
    let path = path.split(['?', '#']).next()?;
    let (channel, message) = path.trim_end_matches('/').split_once('/')?;
    let digits = message.strip_prefix('p')?;
    let is_message = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_message.then(|| (channel.to_owned(), digits.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wanted(text: &str) -> Vec<String> {
        Wanted::of(text).names.into_iter().collect()
    }

    #[test]
    fn a_link_is_looked_up_by_what_it_names() {
        let link =
            "https://acme.slack.com/archives/C024BE91L/p1795561837856425?thread_ts=1.2&cid=C0";
        let found = Wanted::of(link);
        assert_eq!(found.channel.as_deref(), Some("C024BE91L"));
        assert_eq!(wanted(link), ["1795561837856425"]);
        let ticket = wanted("https://acme.zendesk.com/agent/tickets/4711");
        assert!(ticket.contains(&"4711".to_owned()), "{ticket:?}");
        assert_eq!(wanted(" #4711 "), ["4711"]);
    }

    proptest! {
        #[test]
        fn what_slack_calls_a_message_is_found_in_each_of_its_forms(
            seconds in 1_000_000_000_u64..4_000_000_000, fraction in 0_u32..1_000_000,
        ) {
            let ts = format!("{seconds}.{fraction:06}");
            let digits = format!("{seconds}{fraction:06}");
            let key = EntryKey::from(format!("{digits:0>20}#D1"));
            let payload = Payload::NotUnderstood { body: String::new(), base64: false };
            let names = names(&Lane::Haptik("a".into()), &key, &payload, "c1");
            for form in [
                ts.clone(), digits.clone(), key.to_string(),
                format!("https://acme.slack.com/archives/D1/p{digits}"),
            ] {
                let is_found = Wanted::of(&form).names.iter().any(|name| names.contains(name));
                prop_assert!(is_found, "{} in {:?}", form, names);
            }
            prop_assert!(provider_ids(&[ts]).contains(&digits));
        }

        #[test]
        fn any_text_is_looked_up_as_itself(text in "[!-~]{1,60}") {
            let text = text.trim_start_matches('#');
            prop_assume!(!text.contains("/archives/"));
            prop_assert!(Wanted::of(text).names.contains(text));
        }
    }
}
