//! The `state` of an installation: that who comes back from the provider is who was sent there, and not
//! somebody who was made to follow another's link
//! (<https://www.rfc-editor.org/rfc/rfc6749#section-10.12>).
//!
//! The browser keeps a random number in a cookie. The `state` is an expiry and a MAC over that and the
//! number, so that it is worth nothing in another browser. That it is used once is noted in the table.

use jiff::Timestamp;
use ring::hmac::{self, HMAC_SHA256};
use sha2::{Digest, Sha256};

use haptik_bridge_shared::encryption::{self, KEY_LENGTH, NoRandomness};
use haptik_bridge_shared::ids::ConnectionId;

/// How long an installation may take from the first page to the last.
pub(super) const LIFETIME_SECONDS: i64 = 600;

/// Makes and checks `state`s.
pub(super) struct States {
    connection: ConnectionId,
    /// Newest first.
    keys: Vec<hmac::Key>,
}

/// A `state` that is being given to a browser.
pub(super) struct NewState {
    /// What the browser keeps.
    pub(super) cookie: String,
    /// What goes to the provider and comes back.
    pub(super) state: String,
}

/// A `state` that is good.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ValidState {
    /// What it is remembered by once it is used.
    pub(super) hash: String,
    /// Until when it is good, in seconds since the epoch.
    pub(super) expires: i64,
}

/// Why a `state` is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadState {
    /// There is none, or no cookie, or they do not belong together.
    NotOurs,
    /// It is too old.
    Expired,
}

impl States {
    /// Their MACs are made with keys that are derived from these, newest first, for this provider.
    pub(super) fn new(provider: &str, connection: ConnectionId, keys: &[[u8; KEY_LENGTH]]) -> Self {
        let label = format!("haptik-bridge: state of a {provider} installation");
        let keys = keys.iter().map(|key| derived(key, label.as_bytes()));
        let keys = keys.collect();
        Self { connection, keys }
    }

    /// A new one.
    pub(super) fn fresh(&self, now: Timestamp) -> Result<NewState, NoRandomness> {
        let cookie = hex::encode(encryption::random::<32>()?);
        let expires = now.as_second().saturating_add(LIFETIME_SECONDS);
        let key = self.keys.first().ok_or(NoRandomness)?;
        let mac = hmac::sign(key, &self.message(&cookie, expires));
        let state = format!("{expires}.{}", hex::encode(mac.as_ref()));
        Ok(NewState { cookie, state })
    }

    /// Whether a `state` that came back belongs to the browser's cookie and is in time.
    pub(super) fn check(
        &self,
        state: &str,
        cookie: Option<&str>,
        now: Timestamp,
    ) -> Result<ValidState, BadState> {
        let cookie = cookie
            .filter(|cookie| !cookie.is_empty())
            .ok_or(BadState::NotOurs)?;
        let (expires, mac) = state.split_once('.').ok_or(BadState::NotOurs)?;
        let expires: i64 = expires.parse().map_err(|_| BadState::NotOurs)?;
        let mac = hex::decode(mac).map_err(|_| BadState::NotOurs)?;
        let message = self.message(cookie, expires);
        let made_by = |key| hmac::verify(key, &message, &mac).is_ok();
        if !self.keys.iter().any(made_by) {
            return Err(BadState::NotOurs);
        }
        if expires <= now.as_second() {
            return Err(BadState::Expired);
        }
        let hash = hex::encode(Sha256::digest(&mac));
        Ok(ValidState { hash, expires })
    }

    /// What a MAC is over.
    fn message(&self, cookie: &str, expires: i64) -> Vec<u8> {
        let mut message = Vec::new();
        for part in [self.connection.as_str(), cookie, &expires.to_string()] {
            message.extend((part.len() as u64).to_be_bytes());
            message.extend(part.as_bytes());
        }
        message
    }
}

/// A key of its own for the MAC: the same bytes encrypt the tokens.
fn derived(key: &[u8; KEY_LENGTH], label: &[u8]) -> hmac::Key {
    let key = hmac::Key::new(HMAC_SHA256, key);
    hmac::Key::new(HMAC_SHA256, hmac::sign(&key, label).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(connection: &str, keys: &[u8]) -> States {
        let keys: Vec<_> = keys.iter().map(|byte| [*byte; KEY_LENGTH]).collect();
        States::new("Acme", connection.into(), &keys)
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).expect("a time")
    }

    #[test]
    fn a_state_is_good_in_the_browser_that_it_was_given_to_for_ten_minutes() {
        let acme = states("acme", &[1]);
        let fresh = acme.fresh(at(0)).expect("randomness");
        let check = |states: &States, state: &str, cookie, seconds| {
            states
                .check(state, cookie, at(seconds))
                .map(|good| good.expires)
        };
        let cookie = Some(fresh.cookie.as_str());
        let good = Ok(at(600).as_second());
        assert_eq!(check(&acme, &fresh.state, cookie, 0), good);
        assert_eq!(check(&acme, &fresh.state, cookie, 599), good);
        assert_eq!(
            check(&acme, &fresh.state, cookie, 600),
            Err(BadState::Expired)
        );
        let other = acme.fresh(at(0)).expect("randomness");
        for cookie in [None, Some(""), Some(other.cookie.as_str())] {
            assert_eq!(
                check(&acme, &fresh.state, cookie, 0),
                Err(BadState::NotOurs)
            );
        }
        let elsewhere = states("other", &[1]);
        assert_eq!(
            check(&elsewhere, &fresh.state, cookie, 0),
            Err(BadState::NotOurs)
        );
        let rotated = states("acme", &[2, 1]);
        assert_eq!(check(&rotated, &fresh.state, cookie, 0), good);
        let later = fresh.state.replacen("17", "18", 1);
        assert_eq!(check(&acme, &later, cookie, 0), Err(BadState::NotOurs));
    }

    #[test]
    fn a_forged_oauth_state_is_refused() {
        let acme = states("acme", &[1]);
        let fresh = acme.fresh(at(0)).expect("randomness");
        let cookie = Some(fresh.cookie.as_str());
        let mac = fresh.state.split_once('.').map_or("", |(_, mac)| mac);
        for state in [
            "",
            ".",
            "x",
            mac,
            &format!(".{mac}"),
            &format!("x.{mac}"),
            &fresh.state[..40],
            "1790000600.",
            "1790000600.zz",
        ] {
            assert_eq!(
                acme.check(state, cookie, at(0)),
                Err(BadState::NotOurs),
                "{state}"
            );
        }
    }
}
