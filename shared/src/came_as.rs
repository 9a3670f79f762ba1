//! What entries and users are found by who are not known by their key: a digest of the one name that they have
//! elsewhere, in their own item, which the sparse index [`CAME_AS_INDEX`] has. It is written with the item itself
//! and costs no call.
//!
//! | item | its name |
//! |---|---|
//! | what a user did | what the channel calls it; where that is a time, the digits of it |
//! | a message of Haptik's, towards the channel and each sink | `message.id` |
//! | the end of a conversation or of a hand-off | what names that |
//! | any other entry | its key |
//! | a user | the channel's own id of the user, without a workspace before it |
//!
//! An entry's correlation id begins with the same digest, and so is found by the same index.

use sha2::{Digest, Sha256};

use crate::ids::{CorrelationId, EntryKey};
use crate::key::KeyKind;
use crate::lane::Lane;

/// The global secondary index over the entries and the users, by the digest of what they are called.
pub const CAME_AS_INDEX: &str = "came_as";

/// How many hexadecimal digits a digest has, and how many of a correlation id's sixteen are one.
pub(crate) const DIGEST_LENGTH: usize = 8;

/// The digest of a name.
pub(crate) fn digest(name: &str) -> String {
    hex::encode(&Sha256::digest(name)[..DIGEST_LENGTH / 2])
}

/// What an entry is found by.
pub(crate) fn of_entry(lane: &Lane, key: &EntryKey) -> String {
    digest(&match lane {
        Lane::Haptik(_) | Lane::Task(_) => name_of_act(key),
        Lane::Channel(_) | Lane::Sink { .. } => name_of_event(key),
        Lane::NotUnderstood { .. } => key.to_string(),
    })
}

/// What a user is found by whom a channel calls so.
pub(crate) fn of_user(channel_user: &str) -> String {
    digest(&format!("user#{}", without_workspace(channel_user)))
}

/// A channel's id of a user without the workspace and the thread that may stand before it.
pub(crate) fn without_workspace(channel_user: &str) -> &str {
    channel_user.rsplit(':').next().unwrap_or(channel_user)
}

impl CorrelationId {
    /// The id of the message that has this key in this lane: 16 hexadecimal digits, of which the first 8 are
    /// the digest by which it is found.
    #[must_use]
    pub fn of(lane: &Lane, key: &EntryKey) -> Self {
        let own = digest(&format!("{lane}\0{key}"));
        format!("{}{own}", of_entry(lane, key)).into()
    }
}

/// The name of what a user did.
pub(crate) fn name_of_act(key: &EntryKey) -> String {
    let id = key.act_id();
    let conversation = id.split('#').next().unwrap_or(id);
    match digits_of(key) {
        Some(digits) if has_microseconds(&digits) && is_conversation_id(conversation) => digits,
        _ => name_of_id(id).to_owned(),
    }
}

/// The name of what Haptik or the bridge has to say.
pub(crate) fn name_of_event(key: &EntryKey) -> String {
    match key.kind() {
        Some(KeyKind::Message { id } | KeyKind::AgentJoined { id }) => id.to_string(),
        Some(KeyKind::Completion { id, .. } | KeyKind::HandoffEnded { handoff: id, .. }) => id,
        Some(
            KeyKind::Notice { .. }
            | KeyKind::Event { .. }
            | KeyKind::MessageReturned { .. }
            | KeyKind::UserAction { .. },
        )
        | None => key.to_string(),
    }
}

/// The name in a channel's id of something: where that is a conversation and the number of a message there, the
/// number; where something follows the id in a key, what stands before that.
pub(crate) fn name_of_id(id: &str) -> &str {
    let mut parts = id.split('#');
    let first = parts.next().unwrap_or(id);
    parts.next().filter(|part| is_number(part)).unwrap_or(first)
}

/// The number with which a key begins, without the zeros before it.
pub(crate) fn digits_of(key: &EntryKey) -> Option<String> {
    let (number, _) = key.as_str().split_once('#')?;
    let is_padded = number.len() == 20 && is_number(number);
    let number = number.trim_start_matches('0');
    (is_padded && !number.is_empty()).then(|| number.to_owned())
}

/// Whether a text is digits alone, and at least one.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Where times are the names of messages, they have microseconds to tell them apart; an application's hardly ever have.
fn has_microseconds(digits: &str) -> bool {
    !digits.ends_with("000")
}

/// Whether it is of the form of a conversation's id, as `C024BE91L`.
fn is_conversation_id(text: &str) -> bool {
    let is_upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    text.len() > 1 && text.starts_with(['C', 'D', 'G']) && text.bytes().all(is_upper)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_user_did_has_the_name_that_people_see() {
        let name = |key: &str| name_of_act(&key.into());
        assert_eq!(name("00001795561837856425#C024BE91L"), "1795561837856425");
        assert_eq!(
            name("00001795561837856425#D024BE91L#choice#@acme"),
            "1795561837856425"
        );
        assert_eq!(name("00001795561837000000#-1001#456"), "456");
        assert_eq!(
            name("00001795561837856000#19:a@thread.v2#1795561837856"),
            "1795561837856"
        );
        assert_eq!(name("00001795561837000000#wish-2#@app"), "wish-2");
        assert_eq!(name("00001795561837856000#CASE12345"), "CASE12345");
        assert_eq!(name("odd"), "odd");
    }

    proptest! {
        #[test]
        fn a_correlation_id_is_found_where_its_entry_is(
            lane in "(haptik|channel|task|sink#crm)#[a-z]{1,8}", key in "[!-~]{1,80}",
        ) {
            let lane: Lane = lane.parse().expect("a lane");
            let key = EntryKey::from(key);
            let id = CorrelationId::of(&lane, &key);
            prop_assert_eq!(id.as_str().len(), 16);
            prop_assert!(id.as_str().starts_with(&of_entry(&lane, &key)));
        }
    }
}
