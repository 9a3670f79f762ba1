//! Entries by the names that people have for them: a correlation id of a log, a provider's id or permalink, the
//! number of a ticket. Two indexes have them, so that nothing is read to find an entry but what has its name, and
//! nothing is written but the entry.

use std::collections::BTreeSet;

use super::{DEAD_INDEX, Ledger};
use crate::came_as::{self, CAME_AS_INDEX};
use crate::ids::{CorrelationId, EntryKey};
use crate::lane::Lane;
use crate::table::{Query, TableError};

/// The longest id by which an entry is found that was sent as it, in bytes.
const LONGEST_SENT: usize = 200;

/// The most entries of one name that are found.
const MOST_FOUND: usize = 50;

/// The most entries that are looked at for one of them.
const MOST_READ: i32 = 1_000;

impl Ledger {
    /// The places of the entries that have this name: a correlation id, a key of the ledger, Haptik's `message.id`,
    /// a channel's or an application's id of a message, the link to a message, the number of a ticket;
    /// what an entry was sent as is the first message where it is several. A few queries, and fifty places at most.
    pub async fn places_of(&self, name: &str) -> Result<Vec<(Lane, EntryKey)>, TableError> {
        let wanted = Wanted::of(name);
        let mut places = BTreeSet::new();
        for digest in &wanted.digests {
            let query = self.table.query_by("came_as", digest.as_str());
            let found = found(query.index(CAME_AS_INDEX)).await?;
            let found = found.into_iter().filter(|(lane, key)| wanted.is(lane, key));
            places.extend(found.take(MOST_FOUND));
        }
        for sent_as in wanted.names.iter().filter_map(|name| sent_as(name)) {
            let query = self.table.query_by("dead", sent_as);
            let found = found(query.index(DEAD_INDEX)).await?;
            places.extend(found.into_iter().take(MOST_FOUND));
        }
        let is_there = |key: &EntryKey| {
            let channel = wanted.channel.as_deref();
            channel.is_none_or(|channel| key.as_str().split('#').any(|part| part == channel))
        };
        // A time may be that of two messages; a link says in which channel.
        if places.iter().any(|(_, key)| is_there(key)) {
            places.retain(|(_, key)| is_there(key));
        }
        Ok(places.into_iter().take(MOST_FOUND).collect())
    }
}

/// The places that a query of an index finds.
async fn found(query: Query) -> Result<Vec<(Lane, EntryKey)>, TableError> {
    let (items, _) = query.only(&["pk", "sk"]).page(MOST_READ).await?;
    let places = items.iter().filter_map(|item| {
        let lane = item.get("pk")?.as_s().ok()?.parse().ok()?;
        let key = item.get("sk")?.as_s().ok()?.as_str();
        Some((lane, EntryKey::from(key)))
    });
    Ok(places.collect())
}

/// By what an entry is found in [`DEAD_INDEX`] that was sent as the message with this id; `None` where that is
/// empty or longer than 200 bytes.
pub(super) fn sent_as(id: &str) -> Option<String> {
    let is_short = (1..=LONGEST_SENT).contains(&id.len());
    is_short.then(|| format!("sent#{}", plain(id)))
}

/// A provider's id as it is looked up: a time in seconds with a fraction, as the channel has it, by its digits.
fn plain(id: &str) -> String {
    let parts = id.split_once('.');
    if parts.is_some_and(|(seconds, part)| came_as::is_number(seconds) && came_as::is_number(part))
    {
        id.replacen('.', "", 1)
    } else {
        id.to_owned()
    }
}

/// What somebody looks for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    /// What it is called, in each form.
    names: BTreeSet<String>,
    /// What it may have come as.
    digests: BTreeSet<String>,
    /// The channel that a link names.
    channel: Option<String>,
}

impl Wanted {
    fn of(text: &str) -> Self {
        let text = text.trim().trim_start_matches('#');
        if let Some((channel, message)) = message_link(text) {
            return Self {
                // What happened on a full millisecond may have come as its conversation.
                digests: [&message, &channel]
                    .map(|name| came_as::digest(name))
                    .into(),
                names: [message].into(),
                channel: Some(channel),
            };
        }
        let key = EntryKey::from(text);
        let mut names = BTreeSet::from([text.to_owned(), plain(text)]);
        // The link to a ticket or a message ends with its number.
        if let Some((_, path)) = text.split_once("://") {
            let path = path.split(['?', '#']).next().unwrap_or_default();
            let last = path.trim_end_matches('/').rsplit('/').next();
            names.extend(last.map(plain));
        }
        let mut came_as: BTreeSet<String> = names
            .iter()
            .map(|name| came_as::name_of_id(name).to_owned())
            .collect();
        // A key of the ledger: its number is a name.
        if let Some(digits) = came_as::digits_of(&key) {
            names.insert(digits);
            came_as.extend([came_as::name_of_act(&key), came_as::name_of_event(&key)]);
        }
        came_as.insert(key.to_string());
        let mut digests: BTreeSet<String> =
            came_as.iter().map(|name| came_as::digest(name)).collect();
        digests.extend(digest_in(text).map(ToOwned::to_owned));
        Self {
            names,
            digests,
            channel: None,
        }
    }

    /// Whether this entry is it.
    fn is(&self, lane: &Lane, key: &EntryKey) -> bool {
        let is_name_of_it = |name: &String| {
            key.matches_provider_id(name) || name == CorrelationId::of(lane, key).as_str()
        };
        self.names.iter().any(is_name_of_it)
    }
}

/// The digest with which a correlation id begins, if the text is one.
fn digest_in(text: &str) -> Option<&str> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_one = text.len() == 2 * came_as::DIGEST_LENGTH && text.bytes().all(is_hex);
    text.get(..came_as::DIGEST_LENGTH).filter(|_| is_one)
}

/// The channel and the message of a link to a message that ends in both: `…/archives/C024BE91L/p1795561837856425`.
fn message_link(text: &str) -> Option<(String, String)> {
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
    use crate::key::KeyKind;

    /// Whether a search for this text comes upon the entry, and takes it for what is meant.
    fn is_found(text: &str, lane: &Lane, key: &EntryKey) -> bool {
        let wanted = Wanted::of(text);
        wanted.digests.contains(&came_as::of_entry(lane, key)) && wanted.is(lane, key)
    }

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
            let key = EntryKey::from(format!("{digits:0>20}#D024BE91L"));
            let lane = Lane::Haptik("a".into());
            let link = format!("https://acme.slack.com/archives/D024BE91L/p{digits}");
            let id = CorrelationId::of(&lane, &key).to_string();
            let mut forms = vec![link, key.to_string(), id];
            // An application's times end so, and a link says the conversation.
            if fraction % 1_000 != 0 {
                forms.extend([ts.clone(), digits.clone()]);
            }
            for form in forms {
                prop_assert!(is_found(&form, &lane, &key), "{} finds {}", form, key);
            }
            prop_assert_eq!(sent_as(&ts), Some(format!("sent#{digits}")));
            prop_assert!(Wanted::of(&ts).names.contains(&digits));
        }

        #[test]
        fn what_an_application_or_haptik_calls_a_message_finds_it(
            at in 0_u64..4_000_000_000_000, id in "[a-zA-Z#./_-]{0,12}[0-9][a-zA-Z0-9#./_-]{0,12}", number: u64,
        ) {
            prop_assume!(!id.starts_with('#'));
            let key = KeyKind::UserAction { at: at * 1_000, id: id.clone() };
            let key = EntryKey::from(key).at_connection(&"app".into());
            prop_assert!(is_found(&id, &Lane::Haptik("a".into()), &key), "{} finds {}", id, key);
            let key = EntryKey::from(KeyKind::Message { id: number });
            let sink = Lane::Sink { sink: "crm".to_owned(), auth_id: "a".into() };
            for lane in [Lane::Channel("a".into()), sink] {
                let id = CorrelationId::of(&lane, &key).to_string();
                for form in [number.to_string(), key.to_string(), id] {
                    prop_assert!(is_found(&form, &lane, &key), "{} finds {}", form, key);
                }
            }
        }

        #[test]
        fn any_text_is_looked_up_as_itself(text in "[!-~]{1,60}") {
            let text = text.trim_start_matches('#');
            prop_assume!(!text.contains("/archives/"));
            prop_assert!(Wanted::of(text).names.contains(text));
        }
    }
}
