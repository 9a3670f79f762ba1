//! Tokens that others sign: JSON Web Tokens ([RFC 7519](https://www.rfc-editor.org/rfc/rfc7519)) that a
//! provider shows with its requests, and that prove who sends, not what.
//!
//! - A token is signed with RS256, and with nothing else. Its key is one of a [`KeySource`], and never one
//!   that the token itself has or points to: `jwk`, `jku` and `x5u` are not looked at.
//! - `keys` reads the documents that keys are published in, `source` fetches them, keeps them and follows
//!   their rotation.
//! - [`service_account`] is the other direction: an assertion of our own, for an access token of Google's.
//!
//! A channel says what it [expects](Expected) of a token, asks [`KeySource::verify`], and looks at the
//! claims that only its provider has.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use haptik_bridge_shared::lenient_json;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::channel::Rejected;
use keys::Key;
pub use source::KeySource;

mod keys;
pub mod service_account;
mod source;

/// The longest token that is read, in bytes. Google's and Microsoft's have about a thousand.
const LONGEST: usize = 16 * 1024;

/// What a token has to say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Who may have signed it (`iss`).
    pub issuers: &'a [&'a str],
    /// Whom it may be for (`aud`).
    pub audiences: &'a [&'a str],
    /// How far its clock may be from ours.
    pub leeway: SignedDuration,
}

/// A token that was verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// All of its claims. `iss`, `aud` and its times are as expected.
    pub claims: Value,
    /// What its key is endorsed for, where that is published: the channels of Microsoft's Bot Connector
    /// (<https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication>).
    pub endorsements: Vec<String>,
}

/// Why a token is not believed. Never says what is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is not genuine, or not for us.
    #[error("{0}")]
    Refused(&'static str),
    /// The keys cannot be had now.
    #[error("{0}")]
    NoKeys(String),
}

impl From<TokenError> for Rejected {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused(reason) => Self::Unauthorized(reason.into()),
            TokenError::NoKeys(reason) => Self::Unavailable(reason),
        }
    }
}

/// The token of the header `Authorization: Bearer …`.
///
/// # Errors
/// When there is none, or more than one.
pub fn bearer(headers: &HeaderMap) -> Result<&str, TokenError> {
    let value = lenient_json::header(headers, AUTHORIZATION.as_str());
    let token = value.and_then(|value| value.strip_prefix("Bearer "));
    token.ok_or(TokenError::Refused(
        "Authorization is missing, there several times, or no bearer token",
    ))
}

/// A token that was read and not verified.
struct Unverified<'a> {
    /// The name of its key (`kid`).
    key_id: String,
    claims: Value,
    /// What is signed.
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Reads a token of the only form that is taken: three parts, RS256, a named key.
    fn read(token: &'a str) -> Result<Self, TokenError> {
        let malformed = || TokenError::Refused("the token is malformed");
        let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        if token.len() > LONGEST || claims.contains('.') {
            return Err(malformed());
        }
        let header = object(header).ok_or_else(malformed)?;
        if header.get("alg").and_then(Value::as_str) != Some("RS256") {
            return Err(TokenError::Refused("the token is not signed with RS256"));
        }
        // What must be understood is not (<https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11>).
        if header.get("crit").is_some() {
            return Err(malformed());
        }
        let key_id = header.get("kid").and_then(Value::as_str);
        let key_id = key_id.filter(|id| !id.is_empty());
        Ok(Self {
            key_id: key_id
                .ok_or(TokenError::Refused("the token names no key"))?
                .to_owned(),
            claims: object(claims).ok_or_else(malformed)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?,
        })
    }

    /// Checks the claims that every token has.
    fn check(&self, expected: &Expected<'_>, now: Timestamp) -> Result<(), TokenError> {
        let is_one = |claim: &str, of: &[&str]| {
            let claim = self.claims.get(claim).and_then(Value::as_str);
            claim.is_some_and(|claim| of.contains(&claim))
        };
        if !is_one("iss", expected.issuers) {
            return Err(TokenError::Refused("the token has another issuer"));
        }
        if !is_one("aud", expected.audiences) {
            return Err(TokenError::Refused("the token is for another audience"));
        }
        let (now, leeway) = (seconds(now), expected.leeway.as_secs_f64());
        let ends = self.time("exp")?;
        if ends.ok_or(TokenError::Refused("the token has no end"))? + leeway <= now {
            return Err(TokenError::Refused("the token is expired"));
        }
        for begins in ["nbf", "iat"] {
            if self
                .time(begins)?
                .is_some_and(|begins| begins - leeway > now)
            {
                return Err(TokenError::Refused("the token is not good yet"));
            }
        }
        Ok(())
    }

    /// A time, in seconds since 1970; one that is no number is not taken for a missing one.
    fn time(&self, claim: &str) -> Result<Option<f64>, TokenError> {
        let Some(time) = self.claims.get(claim) else {
            return Ok(None);
        };
        let time = time.as_f64().filter(|time| time.is_finite());
        let odd = TokenError::Refused("the token has a time that is none");
        time.map(Some).ok_or(odd)
    }

    fn is_signed_by(&self, key: &Key) -> bool {
        key.verify(self.signed.as_bytes(), &self.signature)
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

/// The JSON object of one part of a token.
fn object(part: &str) -> Option<Value> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&json).ok().filter(Value::is_object)
}

#[cfg(test)]
pub(crate) mod tests;
