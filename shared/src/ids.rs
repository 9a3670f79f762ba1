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
    /// Haptik's `auth_id`: the name that a user has there. See [`AuthId::derive`] and [`AuthIdSource`].
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

    /// A name that the company's own systems have for a user, where Haptik takes it: 1 to
    /// [`LONGEST_AUTH_ID`] visible ASCII characters, without `#`, `/`, `?` and braces, and not
    /// [that of nobody](Self::anonymous).
    ///
    /// # Errors
    /// [`RefusedAuthId`] where it does not.
    pub fn chosen(text: &str) -> Result<Self, RefusedAuthId> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"#/?{}".contains(&byte);
        let is_plain = (1..=LONGEST_AUTH_ID).contains(&text.len()) && text.bytes().all(is_plain);
        if is_plain && text != NOBODY {
            Ok(Self(text.to_owned()))
        } else {
            Err(RefusedAuthId)
        }
    }

    /// Stands for the user of an event that names none: it still reaches the sinks.
    #[must_use]
    pub fn anonymous() -> Self {
        Self(NOBODY.to_owned())
    }

    /// The `auth_id` that a Haptik delivery names. It may be another system's, of any form: one that is
    /// not what [`AuthId::chosen`] takes, and so cannot be a user of ours, is replaced by its hash.
    #[must_use]
    pub fn of_delivery(text: &str) -> Self {
        Self::chosen(text).unwrap_or_else(|_| Self(hex::encode(&Sha256::digest(text)[..16])))
    }
}

/// What stands for a user where there is none. No user is called so: what is kept of one is found by the name.
const NOBODY: &str = "nobody";

/// The longest `auth_id` that is not derived, in bytes: with what stands before it, the name of a lane has
/// to be one of the 128 characters that SQS takes.
pub const LONGEST_AUTH_ID: usize = 80;

/// Haptik does not take a name as an `auth_id`, or the bridge has no room for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "1 to 80 visible ASCII characters without #, /, ?, {{ and }}, and not \"nobody\", since it is the user's auth_id at Haptik"
)]
pub struct RefusedAuthId;

/// What users are called at Haptik: `auth_id` of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuthIdSource {
    /// `"derived"`: [`AuthId::derive`], which nobody else knows.
    #[default]
    Derived,
    /// `"user"`: the channel's own id of the user.
    User,
    /// `"email"`: the user's e-mail address, as the request has it.
    Email,
}

/// What the users of one connection are called at Haptik.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthIds {
    connection: ConnectionId,
    source: AuthIdSource,
}

impl AuthIds {
    /// Those of this connection.
    #[must_use]
    pub fn new(connection: ConnectionId, source: AuthIdSource) -> Self {
        Self { connection, source }
    }

    /// Where they are from.
    #[must_use]
    pub fn source(&self) -> AuthIdSource {
        self.source
    }

    /// The `auth_id` of a provider's user. An id that Haptik does not take is derived from, and so is one
    /// whose connection goes by e-mail addresses: a provider's request has none.
    #[must_use]
    pub fn of_user(&self, user: &str, thread: Option<&str>) -> AuthId {
        match (self.source, AuthId::chosen(user)) {
            (AuthIdSource::User, Ok(chosen)) => chosen,
            _ => AuthId::derive(&self.connection, user, thread),
        }
    }

    /// The `auth_id` of a user of the operator's own application.
    ///
    /// # Errors
    /// What is wrong and what is allowed, where Haptik does not take the id or the address.
    pub fn of_own_user(&self, user: &str, email: Option<&str>) -> Result<AuthId, String> {
        let (key, name) = match self.source {
            AuthIdSource::Derived => return Ok(AuthId::derive(&self.connection, user, None)),
            AuthIdSource::User => ("user.id", user),
            AuthIdSource::Email => {
                let needed = "needed: an e-mail address, since auth_id = \"email\"";
                let email = email.ok_or_else(|| format!("user.email is missing; {needed}"))?;
                let parts = email.split_once('@');
                // Whatever else people have there may be somebody's name elsewhere.
                let is_address = |(name, host): (&str, &str)| {
                    !name.is_empty() && !host.is_empty() && !host.contains('@')
                };
                if !parts.is_some_and(is_address) {
                    return Err(format!("user.email is another text; {needed}"));
                }
                ("user.email", email)
            }
        };
        AuthId::chosen(name).map_err(|allowed| format!("{key} is another text; allowed: {allowed}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lane::Lane;

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

    #[test]
    fn an_id_that_haptik_refuses_is_derived_from_or_named() {
        let by_user = AuthIds::new("acme".into(), AuthIdSource::User);
        let by_email = AuthIds::new("acme".into(), AuthIdSource::Email);
        assert_eq!(by_user.of_user("U1", Some("t")).as_str(), "U1");
        assert_eq!(
            by_user.of_own_user("T1:u_4-2.b", None),
            Ok("T1:u_4-2.b".into())
        );
        assert_eq!(
            by_email.of_own_user("u", Some("a@b.example")),
            Ok("a@b.example".into())
        );
        for odd in [
            "", "a b", "a#b", "a/b", "a?b", "a{b", "a}b", "ü", "a\n", "a\u{7f}",
        ] {
            assert_eq!(
                by_user.of_user(odd, None),
                AuthId::derive(&"acme".into(), odd, None)
            );
            let refused = by_user.of_own_user(odd, None).expect_err(odd);
            assert!(refused.starts_with("user.id is "), "{refused}");
            for odd in [odd, &format!("{odd}@b.example"), &format!("a@{odd}")] {
                let refused = by_email.of_own_user("u", Some(odd)).expect_err(odd);
                assert!(refused.starts_with("user.email is "), "{refused}");
            }
        }
        // Somebody else's name, perhaps.
        for odd in ["asha", "@", "@b.example", "a@", "a@b@c.example"] {
            let refused = by_email.of_own_user("u", Some(odd)).expect_err(odd);
            assert!(refused.contains("an e-mail address"), "{refused}");
        }
        let missing = by_email.of_own_user("u", None).expect_err("no address");
        assert!(missing.starts_with("user.email is missing"), "{missing}");
    }

    proptest! {
        /// What Haptik is told, it tells back, and it is the same lane.
        #[test]
        fn a_chosen_id_comes_back_as_it_went(text in "\\PC{0,100}") {
            if let Ok(chosen) = AuthId::chosen(&text) {
                prop_assert_eq!(chosen.as_str(), text.as_str());
                prop_assert_eq!(&AuthId::of_delivery(&text), &chosen);
                let lane = Lane::Sink { sink: "s".repeat(40), auth_id: chosen };
                prop_assert!(lane.to_string().len() <= 128);
                prop_assert_eq!(lane.to_string().parse(), Ok(lane));
            } else {
                prop_assert!(AuthId::chosen(AuthId::of_delivery(&text).as_str()).is_ok());
            }
        }
    }
}
