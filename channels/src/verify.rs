//! Who sends: what the webhook signatures of providers have in common. A channel says which header has what, and
//! what is signed; the rest is here: comparison in constant time, several secrets, and the age, which keeps
//! a replay attack to a few minutes, in which the ledger knows the message by its key.
//!
//! | provider signs by | use |
//! |---|---|
//! | an HMAC over the body, or over more than it | [`Signature`] |
//! | a constant that it shows with each request | [`shown_secret`]; [`is_one_of`] where that is no header |
//! | a time, signed too | [`SentAt`] |

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::lenient_json;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// Why a request is not believed to be the provider's. Names the header; never says what was shown, or what
/// should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// The header is not there exactly once.
    #[error("{0} is missing, or there several times")]
    Missing(&'static str),
    /// The header has not the form of what it should be.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// The time in it is too far from now.
    #[error("{0} is too far from now")]
    Expired(&'static str),
    /// None of the secrets has made what is in it.
    #[error("{0} does not match")]
    Mismatch(&'static str),
    /// Something else, in words that may be logged.
    #[error("{0}")]
    Other(&'static str),
}

impl From<&'static str> for Unverified {
    fn from(reason: &'static str) -> Self {
        Self::Other(reason)
    }
}

/// The hash of an HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1, which is good enough for this still, and what Twilio and Webex have.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// How the bytes of an HMAC are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal digits, in either case.
    Hex,
    /// Base64, with padding.
    Base64,
}

/// A header that has the HMAC of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// The header, as its documentation writes it.
    pub header: &'static str,
    /// What stands before the HMAC: `v0=`, `sha256=`; may be empty.
    pub prefix: &'static str,
    /// Its hash.
    pub hash: Hash,
    /// How it is written.
    pub encoding: Encoding,
}

/// A header that says when a request was sent, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentAt {
    /// The header, as its documentation writes it.
    pub header: &'static str,
    /// How far that may be from now, either way.
    pub tolerance: Duration,
}

impl Signature {
    /// Checks that one of the secrets has signed these bytes, which are taken as one. The key is the text
    /// of the secret.
    ///
    /// # Errors
    /// When the header is not there once, is no HMAC, or is that of something else.
    pub fn verify(
        &self,
        headers: &HeaderMap,
        secrets: &Secrets,
        signed: &[&[u8]],
    ) -> Result<(), Unverified> {
        let shown = lenient_json::header(headers, self.header);
        let shown = shown.ok_or(Unverified::Missing(self.header))?;
        let shown = self.read(shown).ok_or(Unverified::Malformed(self.header))?;
        let matches = |secret: &str| match self.hash {
            Hash::Sha1 => is_mac::<Hmac<Sha1>>(secret, signed, &shown),
            Hash::Sha256 => is_mac::<Hmac<Sha256>>(secret, signed, &shown),
            Hash::Sha512 => is_mac::<Hmac<Sha512>>(secret, signed, &shown),
        };
        let mut secrets = secrets.iter();
        secrets
            .any(|secret| matches(secret.expose_secret()))
            .then_some(())
            .ok_or(Unverified::Mismatch(self.header))
    }

    /// The bytes of what a header shows; `None` where they are none, or not as many as the hash has.
    fn read(&self, shown: &str) -> Option<Vec<u8>> {
        let written = shown.strip_prefix(self.prefix)?;
        let bytes = match self.encoding {
            Encoding::Hex => hex::decode(written).ok()?,
            Encoding::Base64 => STANDARD.decode(written).ok()?,
        };
        let length = match self.hash {
            Hash::Sha1 => 20,
            Hash::Sha256 => 32,
            Hash::Sha512 => 64,
        };
        Some(bytes).filter(|bytes| bytes.len() == length)
    }
}

impl SentAt {
    /// When a request was sent, and that as it is written, for what is signed.
    ///
    /// # Errors
    /// When the header is not there once, is no such number, or too far from now.
    pub fn read<'a>(
        &self,
        headers: &'a HeaderMap,
        now: Timestamp,
    ) -> Result<(Timestamp, &'a str), Unverified> {
        let written = lenient_json::header(headers, self.header);
        let written = written.ok_or(Unverified::Missing(self.header))?;
        let malformed = Unverified::Malformed(self.header);
        // Without a sign, which a number may have.
        let is_digits = written.bytes().all(|byte| byte.is_ascii_digit());
        let seconds: i64 = written.parse().map_err(|_| malformed)?;
        let sent = Timestamp::from_second(seconds).ok();
        let sent = sent.filter(|_| is_digits).ok_or(malformed)?;
        if now.as_second().abs_diff(seconds) > self.tolerance.as_secs() {
            return Err(Unverified::Expired(self.header));
        }
        Ok((sent, written))
    }
}

/// Checks that a header shows one of the secrets.
///
/// # Errors
/// When it is not there once, or shows something else.
pub fn shown_secret(
    headers: &HeaderMap,
    header: &'static str,
    secrets: &Secrets,
) -> Result<(), Unverified> {
    let shown = lenient_json::header(headers, header).ok_or(Unverified::Missing(header))?;
    is_one_of(shown, secrets)
        .then_some(())
        .ok_or(Unverified::Mismatch(header))
}

/// Whether a text is one of the secrets. How long that takes says nothing about them.
#[must_use]
pub fn is_one_of(shown: &str, secrets: &Secrets) -> bool {
    let shown = tag(shown).finalize().into_bytes();
    // All are compared.
    secrets.iter().fold(false, |found, secret| {
        tag(secret.expose_secret()).verify_slice(&shown).is_ok() | found
    })
}

/// As many bytes for every text, which are compared in constant time.
fn tag(text: &str) -> Hmac<Sha256> {
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(b"shown secret");
    let mut mac = mac.expect("a key of any length is one");
    mac.update(text.as_bytes());
    mac
}

/// Whether bytes are the MAC of others.
fn is_mac<M: Mac + KeyInit>(secret: &str, signed: &[&[u8]], shown: &[u8]) -> bool {
    // A key of any length is one.
    <M as KeyInit>::new_from_slice(secret.as_bytes()).is_ok_and(|mac| {
        let mac = signed.iter().fold(mac, Mac::chain_update);
        mac.verify_slice(shown).is_ok()
    })
}

#[cfg(test)]
mod tests;
