//! Slack's request signature (<https://docs.slack.dev/authentication/verifying-requests-from-slack/>).

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use sha2::Sha256;

use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::lenient_json;

const SIGNATURE: &str = "x-slack-signature";
const TIMESTAMP: &str = "x-slack-request-timestamp";

/// How far a request's time may be from ours, in seconds, either way.
const TOLERANCE: u64 = 5 * 60;

/// Why a request is not believed to be Slack's. Never says what the signature should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignatureError {
    Timestamp,
    Expired,
    Malformed,
    Mismatch,
}

/// Checks that one of the secrets signed the body, at about this time.
pub(super) fn verify(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &Secrets,
    now: Timestamp,
) -> Result<(), SignatureError> {
    let timestamp = lenient_json::header(headers, TIMESTAMP).ok_or(SignatureError::Timestamp)?;
    let digits = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let sent: i64 = timestamp
        .parse()
        .ok()
        .filter(|_| digits)
        .ok_or(SignatureError::Timestamp)?;
    if now.as_second().abs_diff(sent) > TOLERANCE {
        return Err(SignatureError::Expired);
    }
    let signature = lenient_json::header(headers, SIGNATURE)
        .and_then(|signature| signature.strip_prefix("v0="));
    let signature = signature.and_then(|digits| hex::decode(digits).ok());
    let signature = signature
        .filter(|bytes| bytes.len() == 32)
        .ok_or(SignatureError::Malformed)?;
    let signed_by = |secret: &str| {
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).is_ok_and(|mut mac| {
            mac.update(b"v0:");
            mac.update(timestamp.as_bytes());
            mac.update(b":");
            mac.update(body);
            mac.verify_slice(&signature).is_ok()
        })
    };
    if secrets
        .iter()
        .any(|secret| signed_by(secret.expose_secret()))
    {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// When a request was sent, to the second: signed with it, so the same for the same request.
pub(super) fn sent_at(headers: &HeaderMap) -> Option<Timestamp> {
    let seconds = lenient_json::header(headers, TIMESTAMP)?.parse().ok()?;
    Timestamp::from_second(seconds).ok()
}

impl SignatureError {
    /// It in words that may be logged.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Timestamp => "X-Slack-Request-Timestamp is missing or no time",
            Self::Expired => "X-Slack-Request-Timestamp is more than five minutes off",
            Self::Malformed => "X-Slack-Signature is missing or malformed",
            Self::Mismatch => "X-Slack-Signature does not match",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;
    use secrecy::SecretString;

    // Slack's own example.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const SENT: i64 = 1_531_420_618;
    const BODY: &[u8] = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNED: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    fn secrets(all: &[&str]) -> Secrets {
        Secrets::from_newest_first(all.iter().map(|secret| SecretString::from(*secret)))
            .expect("there is one")
    }

    fn headers(timestamp: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            "X-Slack-Request-Timestamp",
            timestamp.parse().expect("a header"),
        );
        headers.insert("X-SLACK-SIGNATURE", signature.parse().expect("a header"));
        headers
    }

    fn check(
        headers: &HeaderMap,
        body: &[u8],
        all: &[&str],
        later: i64,
    ) -> Result<(), SignatureError> {
        let now = Timestamp::from_second(SENT + later).expect("a time");
        verify(headers, body, &secrets(all), now)
    }

    #[test]
    fn slacks_published_vector_is_accepted_with_any_of_the_secrets() {
        let headers = headers("1531420618", SIGNED);
        assert_eq!(check(&headers, BODY, &[SECRET], 0), Ok(()));
        assert_eq!(check(&headers, BODY, &["new", SECRET], 0), Ok(()));
        assert_eq!(
            check(&headers, BODY, &["new", "old"], 0),
            Err(SignatureError::Mismatch)
        );
    }

    #[test]
    fn a_request_is_good_for_five_minutes_either_way() {
        let headers = headers("1531420618", SIGNED);
        for (later, expected) in [
            (300, Ok(())),
            (-300, Ok(())),
            (301, Err(SignatureError::Expired)),
            (-301, Err(SignatureError::Expired)),
        ] {
            assert_eq!(check(&headers, BODY, &[SECRET], later), expected, "{later}");
        }
    }

    #[test]
    fn what_is_missing_or_malformed_is_refused() {
        let good = headers("1531420618", SIGNED);
        for name in [TIMESTAMP, SIGNATURE] {
            let mut without = good.clone();
            without.remove(name);
            assert!(check(&without, BODY, &[SECRET], 0).is_err(), "{name}");
            let mut twice = good.clone();
            twice.append(name, HeaderValue::from_static("x"));
            assert!(check(&twice, BODY, &[SECRET], 0).is_err(), "{name}");
        }
        for timestamp in [
            "",
            "now",
            "+1531420618",
            "1531420618.0",
            "-1",
            "99999999999999999999",
        ] {
            assert_eq!(
                check(&headers(timestamp, SIGNED), BODY, &[SECRET], 0),
                Err(SignatureError::Timestamp)
            );
        }
        for signature in ["", "v0=", "v1=00", "a2114d57", &SIGNED[..40], "v0=zz"] {
            assert_eq!(
                check(&headers("1531420618", signature), BODY, &[SECRET], 0),
                Err(SignatureError::Malformed)
            );
        }
        assert_eq!(
            check(&headers("1531420619", SIGNED), BODY, &[SECRET], 0),
            Err(SignatureError::Mismatch)
        );
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_refused(at in 0..BODY.len(), bit in 0..8_u32, forged in 0..32_usize) {
            let mut body = BODY.to_vec();
            body[at] ^= 1 << bit;
            prop_assert_eq!(check(&headers("1531420618", SIGNED), &body, &[SECRET], 0), Err(SignatureError::Mismatch));
            let mut signature = hex::decode(&SIGNED[3..]).expect("hex");
            signature[forged] ^= 1 << bit;
            let signature = format!("v0={}", hex::encode(signature));
            prop_assert_eq!(check(&headers("1531420618", &signature), BODY, &[SECRET], 0), Err(SignatureError::Mismatch));
        }
    }
}
