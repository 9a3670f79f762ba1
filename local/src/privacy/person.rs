//! Who is meant, and under which names the table has them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use haptik_bridge_shared::ids::{AuthId, ConnectionId};
use haptik_bridge_shared::items::Whose;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Ledger, Payload};
use haptik_bridge_shared::message::Profile;
use haptik_bridge_shared::table::{Item, TableError};
use haptik_bridge_shared::users::UserMap;
use jiff::Timestamp;

use super::kind;

/// The shortest text by which a body that says of nobody whose it is may name somebody.
const SHORTEST: usize = 5;

/// A person, by all names that the table has. Where each thread is a conversation, one has many `auth_id`s.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Haptik's names.
    pub auth_ids: BTreeSet<AuthId>,
    /// The connections, with the channel's own id of the user there.
    pub places: BTreeSet<(ConnectionId, String)>,
    /// By what a body that says of nobody whose it is names them: these, Haptik's `user_name`, e-mail addresses and
    /// phone numbers.
    pub(super) named_by: BTreeSet<String>,
    /// As `named_by`, but by what was received until these times, in milliseconds since the epoch: names of somebody who
    /// was forgotten then and has written since.
    pub(super) named_until: BTreeMap<String, i64>,
}

/// The `auth_id`s that a text may name: itself, or `CONNECTION/USER` or `CONNECTION/USER/THREAD`, whose connection may
/// derive them or not.
#[must_use]
pub fn auth_ids(text: &str) -> Vec<AuthId> {
    let mut parts = text.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(connection), Some(user), thread) => {
            let derived = AuthId::derive(&ConnectionId::from(connection), user, thread);
            let own = thread
                .is_none()
                .then(|| AuthId::chosen(user).ok())
                .flatten();
            [Some(derived), own].into_iter().flatten().collect()
        }
        _ => vec![AuthId::from(text)],
    }
}

/// Those of [`auth_ids`] that may be meant. A user's own id after a connection is an `auth_id` only of somebody who came
/// by that connection: of another it may be somebody else's.
async fn candidates(
    ledger: &Ledger,
    users: &UserMap,
    text: &str,
) -> Result<BTreeSet<AuthId>, TableError> {
    let mut candidates: BTreeSet<AuthId> = auth_ids(text).into_iter().collect();
    let Some((connection, own)) = text.split_once('/') else {
        return Ok(candidates);
    };
    let own = AuthId::from(own);
    if !candidates.contains(&own) {
        return Ok(candidates);
    }
    let user = users.get(&own).await?;
    let mut came_by_it = user.is_some_and(|user| user.connection.as_str() == connection);
    if !came_by_it {
        let acts = ledger.entries(&Lane::Haptik(own.clone())).await?;
        came_by_it = acts.iter().any(|entry| match &entry.payload {
            Payload::Inbound { connection: by, .. } => by.as_str() == connection,
            _ => false,
        });
    }
    if !came_by_it {
        candidates.remove(&own);
    }
    Ok(candidates)
}

/// What the scan for a person finds.
#[derive(Debug, Default)]
struct Found {
    /// The `auth_id`s of the text itself of which there is anything.
    direct: BTreeSet<AuthId>,
    /// The users, with where they are, whom the channel calls so.
    called: BTreeSet<(AuthId, (ConnectionId, String))>,
}

impl Person {
    /// Whom a text names: an `auth_id`, `CONNECTION/USER`, `CONNECTION/USER/THREAD`, or the channel's own id alone.
    /// With whom it names, all conversations of the same user at the same connection. Reads the keys of the whole
    /// table.
    ///
    /// # Errors
    /// When nothing is known of anybody of this name, or the channel's own id alone names several.
    pub async fn named(ledger: &Ledger, users: &UserMap, text: &str) -> anyhow::Result<Self> {
        let candidates = candidates(ledger, users, text).await?;
        let mut seeds = BTreeSet::new();
        for candidate in &candidates {
            let user = users.get(candidate).await?;
            seeds.extend(user.map(|user| (user.connection, user.channel_user)));
        }
        let mut found = Found::default();
        let names = ["pk", "sk", "connection", "channel_user", "lane"];
        let scan = ledger.table().scan(None, true, &names, |item| {
            found.add(item, text, &candidates, &seeds);
        });
        scan.await?;
        let Found { direct, called } = found;
        let mut places: BTreeSet<_> = called.iter().map(|(_, place)| place.clone()).collect();
        if !seeds.is_empty() {
            places.retain(|place| seeds.contains(place));
        }
        // Somebody whose auth_id it is, and who is nowhere, may be another than whom a channel calls so.
        let is_nowhere = !direct.is_empty() && seeds.is_empty();
        let others = usize::from(is_nowhere && called.iter().any(|(id, _)| !direct.contains(id)));
        if (direct.is_empty() || is_nowhere) && places.len() + others > 1 {
            let places = places.iter();
            let places = places.map(|(connection, user)| format!("{connection}/{user}"));
            bail!(
                "several people are called {text:?}: name one of {}",
                places.collect::<Vec<_>>().join(", ")
            );
        }
        let mut person = Self {
            auth_ids: direct,
            ..Self::default()
        };
        let of_places = called.iter().filter(|(_, place)| places.contains(place));
        person.auth_ids.extend(of_places.map(|(id, _)| id.clone()));
        person.places = places;
        if person.auth_ids.is_empty() {
            bail!(
                "nothing is known of {text:?}: neither as an auth_id, nor as CONNECTION/USER or a channel's id of a user"
            );
        }
        person.learn_names(ledger, users).await?;
        Ok(person)
    }

    /// The person of these `auth_id`s, with where the table has them.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn of(
        ledger: &Ledger,
        users: &UserMap,
        auth_ids: BTreeSet<AuthId>,
    ) -> anyhow::Result<Self> {
        let mut person = Self {
            auth_ids,
            ..Self::default()
        };
        for auth_id in &person.auth_ids {
            let user = users.get(auth_id).await?;
            person
                .places
                .extend(user.map(|user| (user.connection, user.channel_user)));
        }
        person.learn_names(ledger, users).await?;
        Ok(person)
    }

    /// Of people who were forgotten, those who have written since are named by what came before alone, and are nowhere
    /// where they are now. `back` says when they were forgotten, in milliseconds since the epoch.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub(super) async fn of_forgotten(
        ledger: &Ledger,
        users: &UserMap,
        gone: BTreeSet<AuthId>,
        back: &BTreeMap<AuthId, i64>,
    ) -> anyhow::Result<Self> {
        let mut person = Self::of(ledger, users, gone).await?;
        for (auth_id, at) in back {
            let one = Self::of(ledger, users, [auth_id.clone()].into()).await?;
            let names = one.named_by.into_iter().map(|name| (name, *at));
            person.named_until.extend(names);
            person.auth_ids.extend(one.auth_ids);
        }
        Ok(person)
    }

    /// Learns by what bodies may name the person.
    async fn learn_names(&mut self, ledger: &Ledger, users: &UserMap) -> anyhow::Result<()> {
        let mut names: BTreeSet<String> = self.auth_ids.iter().map(ToString::to_string).collect();
        for (_, user) in &self.places {
            names.insert(user.clone());
            names.extend(user.rsplit(':').next().map(ToOwned::to_owned));
        }
        for auth_id in &self.auth_ids {
            let user = users.get(auth_id).await?;
            names.extend(user.and_then(|user| user.user_name));
            for entry in ledger.entries(&Lane::Haptik(auth_id.clone())).await? {
                if let Payload::Inbound { inbound, .. } = entry.payload {
                    let Profile {
                        email, mobile_no, ..
                    } = inbound.profile.unwrap_or_default();
                    names.extend([email, mobile_no].into_iter().flatten());
                    names.insert(inbound.user);
                }
            }
        }
        names.retain(|name| name.len() >= SHORTEST);
        self.named_by = names;
        Ok(())
    }

    /// Whether a body names the person: by one of these names, as a word of its own, as it is or encoded as in forms.
    #[must_use]
    pub(super) fn is_named_in(&self, body: &str, received_at: Timestamp) -> bool {
        let mut decoded = String::new();
        for (key, value) in url::form_urlencoded::parse(body.as_bytes()) {
            decoded.extend([&*key, " ", &*value, "\n"]);
        }
        let received_at = received_at.as_millisecond();
        let until = self
            .named_until
            .iter()
            .filter(|(_, at)| received_at <= **at);
        let names = &mut self.named_by.iter().chain(until.map(|(name, _)| name));
        names.any(|name| has_word(body, name) || has_word(&decoded, name))
    }

    /// Whether it has this place.
    pub(super) fn is_at(&self, connection: &str, user: &str) -> bool {
        let places = &mut self.places.iter();
        places.any(|(at, called)| at.as_str() == connection && called == user)
    }
}

impl Found {
    fn add(
        &mut self,
        item: &Item,
        text: &str,
        candidates: &BTreeSet<AuthId>,
        seeds: &BTreeSet<(ConnectionId, String)>,
    ) {
        let attribute = |name: &str| item.get(name)?.as_s().ok().map(String::as_str);
        let (Some(pk), Some(sk)) = (attribute("pk"), attribute("sk")) else {
            return;
        };
        let Some(kind) = kind(pk, sk) else { return };
        if matches!(kind.whose, Whose::User | Whose::Lane) {
            let owner = kind.user(item);
            self.direct
                .extend(owner.filter(|owner| candidates.contains(owner)));
        }
        let user = (attribute("connection"), attribute("channel_user"));
        let ("user", Some(auth_id), (Some(connection), Some(user))) =
            (sk, pk.strip_prefix("user#"), user)
        else {
            return;
        };
        let place = (ConnectionId::from(connection), user.to_owned());
        if seeds.contains(&place) || is_called(text, connection, user) {
            self.called.insert((auth_id.into(), place));
        }
    }
}

/// Whether a text names a user of a connection: `CONNECTION/USER`, or the channel's own id alone, also without the
/// workspace that may stand before it.
fn is_called(text: &str, connection: &str, user: &str) -> bool {
    let of_connection = text.strip_prefix(connection);
    let of_connection = of_connection.and_then(|rest| rest.strip_prefix('/'));
    text == user || user.rsplit(':').next() == Some(text) || of_connection == Some(user)
}

/// Whether a text has this word, with nothing before or behind it that could be a part of it.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |char: char| char.is_alphanumeric();
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_by_connection_and_id_or_by_the_auth_id() {
        assert_eq!(auth_ids("a1"), ["a1".into()]);
        let derived = AuthId::derive(&"acme-slack".into(), "U1", None);
        assert_eq!(auth_ids("acme-slack/U1"), [derived, "U1".into()]);
        let of_thread = AuthId::derive(&"acme-slack".into(), "U1", Some("1.2"));
        assert_eq!(auth_ids("acme-slack/U1/1.2"), [of_thread]);
    }

    #[test]
    fn a_user_is_called_by_the_channels_id_with_its_connection_or_alone() {
        for text in ["T1:U2", "U2", "acme/T1:U2"] {
            assert!(is_called(text, "acme", "T1:U2"), "{text}");
        }
        assert!(is_called("chat/users/123", "chat", "users/123"));
        for text in ["U", "acme/U2", "other/T1:U2", "acme", ""] {
            assert!(!is_called(text, "acme", "T1:U2"), "{text}");
        }
    }

    #[test]
    fn a_body_names_somebody_by_a_whole_word_as_it_is_or_in_a_form() {
        let names = ["asha@example.com", "+15550100", "U00000ASHA"];
        let person = Person {
            named_by: names.map(ToOwned::to_owned).into(),
            ..Person::default()
        };
        for body in [
            r#"{"user": "U00000ASHA"}"#,
            "From=%2B15550100&Body=hi",
            "mail=asha%40example.com",
            "Dear asha@example.com,",
        ] {
            assert!(person.is_named_in(body, Timestamp::UNIX_EPOCH), "{body}");
        }
        for body in ["U00000ASHAX", "+155501001", "sasha@example.com", ""] {
            assert!(!person.is_named_in(body, Timestamp::UNIX_EPOCH), "{body}");
        }
    }
}
