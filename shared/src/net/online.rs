//! Trying what is configured without anybody seeing it: what came of it ([`Finding`]), and how a bridge
//! knows the one who asks whether its public URL leads to it ([`proof`]).

use std::fmt;
use std::pin::Pin;

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use super::{CallError, CallErrorKind};
use crate::config::Secrets;

/// The header of a `GET /health` by which somebody who has an account's secret asks whether a bridge has it
/// too.
pub const CHECK_HEADER: &str = "x-haptik-bridge-check";

/// How old such a header may be, or how far in the future, in seconds.
const TOLERANCE: u64 = 300;

/// Something that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What: the key of the configuration, mostly.
    pub item: String,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of trying something. No text has a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It works. May say what was learnt.
    Accepted(String),
    /// The other side refuses it, or it cannot work.
    Refused {
        /// Why.
        why: String,
        /// What to do about it.
        mend: String,
    },
    /// The other side could not be asked: nothing is known.
    Unreached(String),
    /// There is no way to try it that nobody would see; says how it can be tried.
    Untried(String),
}

/// What tries the credentials of something, each of them.
pub type Trial = Pin<Box<dyn Future<Output = Vec<Finding>> + Send>>;

impl Finding {
    /// A finding.
    #[must_use]
    pub fn new(item: impl Into<String>, verdict: Verdict) -> Self {
        Self {
            item: item.into(),
            verdict,
        }
    }

    /// A finding of something that cannot be tried without being seen.
    #[must_use]
    pub fn untried(item: impl Into<String>, how: impl Into<String>) -> Self {
        Self::new(item, Verdict::Untried(how.into()))
    }
}

impl Verdict {
    /// What the failure of a call says of what it was made with; `who` was called, and `mend` is what to do
    /// where that refuses.
    #[must_use]
    pub fn of_error(error: &CallError, who: &'static str, mend: &str) -> Self {
        Self::of_kind(&error.kind, error.by(who).to_string(), mend)
    }

    /// What a call that failed so, for this reason, says of what it was made with; `mend` is what to do where
    /// that is refused.
    #[must_use]
    pub fn of_kind(kind: &CallErrorKind, why: String, mend: &str) -> Self {
        match kind {
            CallErrorKind::Unauthorized
            | CallErrorKind::Refused
            | CallErrorKind::Unsendable(_)
            | CallErrorKind::Unreadable => Self::Refused {
                why,
                mend: mend.to_owned(),
            },
            CallErrorKind::RateLimited
            | CallErrorKind::Unavailable
            | CallErrorKind::Unreachable(_) => Self::Unreached(why),
        }
    }

    /// Whether somebody has to do something before the bridge works.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Unreached(_) => true,
            Self::Accepted(_) | Self::Untried(_) => false,
        }
    }
}

/// One line: `ok`, `refused` or `could not be tried`, and what there is to say.
impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let item = &self.item;
        match &self.verdict {
            Verdict::Accepted(learnt) if learnt.is_empty() => write!(formatter, "ok: {item}"),
            Verdict::Accepted(learnt) => write!(formatter, "ok: {item}: {learnt}"),
            Verdict::Refused { why, mend } => {
                write!(formatter, "refused: {item}: {why}. {mend}")
            }
            Verdict::Unreached(why) => {
                write!(formatter, "could not be tried: {item}: {why}")
            }
            Verdict::Untried(how) => {
                write!(formatter, "could not be tried: {item}: {how}")
            }
        }
    }
}

/// The value of [`CHECK_HEADER`]: that whoever sends it has this secret of the account. It is good for five
/// minutes.
#[must_use]
pub fn proof(account: &str, secret: &SecretString, now: Timestamp) -> String {
    let at = now.as_second();
    let code = mac(account, secret, at).map(|mac| hex::encode(mac.finalize().into_bytes()));
    format!("{at}.{account}.{}", code.unwrap_or_default())
}

/// The account of which this header proves a secret; `secrets_of` has an account's. What is wrong with
/// another header is not said.
#[must_use]
pub fn proven<'a, 's>(
    header: &'a str,
    secrets_of: impl FnOnce(&str) -> Option<&'s Secrets>,
    now: Timestamp,
) -> Option<&'a str> {
    let (at, rest) = header.split_once('.')?;
    let (account, code) = rest.rsplit_once('.')?;
    let (at, code) = (at.parse::<i64>().ok()?, hex::decode(code).ok()?);
    if now.as_second().abs_diff(at) > TOLERANCE {
        return None;
    }
    let is_good = |secret: &SecretString| {
        mac(account, secret, at).is_some_and(|mac| mac.verify_slice(&code).is_ok())
    };
    secrets_of(account)?.iter().any(is_good).then_some(account)
}

/// What is signed is no delivery of Haptik's, and cannot be taken for one: it is not JSON.
fn mac(account: &str, secret: &SecretString, at: i64) -> Option<Hmac<Sha256>> {
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    Some(mac.chain_update(format!("haptik-bridge check\n{at}\n{account}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn a_proof_is_good_with_any_of_the_secrets_and_for_five_minutes() {
        let secrets = Secrets::new("new", ["old".into()]);
        let of = |account: &str| (account == "main").then_some(&secrets);
        for secret in ["new", "old"] {
            let header = proof("main", &secret.into(), at(1_000));
            assert_eq!(proven(&header, of, at(1_300)), Some("main"));
            assert_eq!(proven(&header, of, at(1_301)), None);
            assert_eq!(proven(&header, of, at(699)), None);
        }
        let other = proof("main", &"other".into(), at(1_000));
        assert_eq!(proven(&other, of, at(1_000)), None);
        let elsewhere = proof("backup", &"new".into(), at(1_000));
        assert_eq!(proven(&elsewhere, of, at(1_000)), None);
    }

    proptest! {
        #[test]
        fn nothing_else_proves_anything(header in "\\PC*") {
            let secrets = Secrets::new("new", []);
            prop_assert_eq!(proven(&header, |_| Some(&secrets), at(1_000)), None);
        }
    }

    #[test]
    fn a_refusal_is_told_from_an_answer_that_never_came() {
        let call = |kind| CallError::new("say who we are", kind);
        let of = |kind| Verdict::of_error(&call(kind), "the CRM", "Make another token.");
        for kind in [CallErrorKind::Unauthorized, CallErrorKind::Refused] {
            let verdict = of(kind);
            assert!(matches!(verdict, Verdict::Refused { .. }), "{verdict:?}");
            let line = Finding::new("api_token", verdict).to_string();
            assert!(line.starts_with("refused: api_token: the CRM "), "{line}");
            assert!(line.ends_with(". Make another token."), "{line}");
        }
        for kind in [CallErrorKind::RateLimited, CallErrorKind::Unavailable] {
            assert!(matches!(of(kind), Verdict::Unreached(_)));
        }
    }
}
