//! Identifiers, each a type of its own, so that one is never taken for another.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Declares a newtype over a string that shows as the string itself.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        text_id!(@shown $name);

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
    (@shown $name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// Haptik's `auth_id`: our alphanumeric name for one user. See [`AuthId::derive`].
    AuthId
}
text_id! {
    /// The name of a channel connection: `acme` in `[channels.acme]`.
    ConnectionId
}
text_id! {
    /// The name of a Haptik account: `main` in `[haptik.main]`.
    AccountId
}
/// The place of an entry in its lane: the ledger's sort key. Two deliveries of one thing have the same
/// key, and keys of one lane sort in the order in which their things are to be delivered. 1 to 512
/// bytes: of a longer text the end is replaced by its hash, since DynamoDB takes up to 1,024 bytes. What
/// keys are made of is in [`crate::key`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryKey(String);

text_id!(@shown EntryKey);

text_id! {
    /// What follows one message through every hop and log line, from the request to the channel.
    CorrelationId
}

impl EntryKey {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 9 bytes of its SHA-256, as base64url without padding: what callback data carries of it.
    #[must_use]
    pub fn digest(&self) -> String {
        let digest = Sha256::digest(&self.0);
        URL_SAFE_NO_PAD.encode(digest.get(..9).unwrap_or_default())
    }
}

impl From<&str> for EntryKey {
    fn from(text: &str) -> Self {
        Self(match text.len() {
            0 => "-".to_owned(),
            1..=512 => text.to_owned(),
            _ => {
                let start = &text[..text.floor_char_boundary(400)];
                format!("{start}#{}", hex::encode(Sha256::digest(text)))
            }
        })
    }
}

impl From<String> for EntryKey {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl AuthId {
    /// The `auth_id` of a channel's user: 32 hexadecimal digits that depend on the connection, the
    /// user's id there and, where each thread is a conversation of its own, the thread. It is the same
    /// every time, so that nothing has to be looked up.
    #[must_use]
    pub fn derive(connection: &ConnectionId, user: &str, thread: Option<&str>) -> Self {
        let mut hash = Sha256::new();
        // Each part is preceded by its length, so that no two triples run together.
        for part in [Some(connection.as_str()), Some(user), thread]
            .into_iter()
            .flatten()
        {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hex::encode(&hash.finalize()[..16]))
    }

    /// Stands for the user of an event that names none: it still reaches the sinks.
    #[must_use]
    pub fn anonymous() -> Self {
        Self("nobody".to_owned())
    }

    /// The `auth_id` that a Haptik delivery names. It may be another system's, of any form: one that
    /// would not fit into a lane's name (SQS takes 128 characters) is replaced by its hash.
    #[must_use]
    pub fn of_delivery(text: &str) -> Self {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@+".contains(&byte);
        if text.len() <= 64 && text.bytes().all(plain) {
            Self(text.to_owned())
        } else {
            Self(hex::encode(&Sha256::digest(text)[..16]))
        }
    }
}

impl CorrelationId {
    /// The id of the message that has this key in this lane: 16 hexadecimal digits.
    #[must_use]
    pub fn of(lane: &str, key: &EntryKey) -> Self {
        let mut hash = Sha256::new();
        hash.update(lane.as_bytes());
        hash.update([0]);
        hash.update(key.as_str().as_bytes());
        Self(hex::encode(&hash.finalize()[..8]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_has_one_auth_id_and_other_users_threads_and_connections_have_others() {
        let derive =
            |connection: &str, user, thread| AuthId::derive(&connection.into(), user, thread);
        let id = derive("acme", "U1", None);
        assert_eq!(id, derive("acme", "U1", None));
        assert!(
            id.as_str().len() == 32 && id.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric())
        );
        for other in [
            derive("acme", "U2", None),
            derive("acm", "eU1", None),
            derive("acme", "U1", Some("1.2")),
        ] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn keys_and_foreign_auth_ids_fit_where_they_are_kept() {
        let long = "ü".repeat(1_000);
        assert!(EntryKey::from(long.as_str()).as_str().len() <= 512);
        assert_ne!(
            EntryKey::from(long.as_str()),
            EntryKey::from(format!("{long}!"))
        );
        assert_eq!(
            EntryKey::from(EntryKey::from(long.as_str()).as_str()),
            EntryKey::from(long.as_str())
        );
        assert_eq!(EntryKey::from("").as_str().len(), 1);
        assert_eq!(AuthId::of_delivery("a@b.example").as_str(), "a@b.example");
        for odd in [long.as_str(), "a b", "a#b"] {
            assert_eq!(AuthId::of_delivery(odd).as_str().len(), 32, "{odd}");
        }
    }
}
