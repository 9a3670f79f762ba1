//! Slack's request signature (<https://docs.slack.dev/authentication/verifying-requests-from-slack/>).

use std::time::Duration;

use haptik_bridge_shared::config::Secrets;
use http::HeaderMap;
use jiff::Timestamp;

use crate::verify::{Encoding, Hash, SentAt, Signature, Unverified};

const SIGNATURE: Signature = Signature {
    header: "X-Slack-Signature",
    prefix: "v0=",
    hash: Hash::Sha256,
    encoding: Encoding::Hex,
};

const SENT_AT: SentAt = SentAt {
    header: "X-Slack-Request-Timestamp",
    tolerance: Duration::from_mins(5),
};

/// Checks that one of the secrets signed the body, at about this time. Gives when it was sent, to the second:
/// signed with it, so the same for the same request.
pub(super) fn verify(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &Secrets,
    now: Timestamp,
) -> Result<Timestamp, Unverified> {
    let (sent, written) = SENT_AT.read(headers, now)?;
    let signed = [b"v0:", written.as_bytes(), b":", body];
    SIGNATURE.verify(headers, secrets, &signed)?;
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
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

    fn check(headers: &HeaderMap, body: &[u8], all: &[&str], later: i64) -> Result<(), Unverified> {
        let now = Timestamp::from_second(SENT + later).expect("a time");
        let sent = verify(headers, body, &secrets(all), now)?;
        assert!((SENT..=SENT + 1).contains(&sent.as_second()));
        Ok(())
    }

    #[test]
    fn slacks_published_vector_is_accepted_with_any_of_the_secrets() {
        let headers = headers("1531420618", SIGNED);
        assert_eq!(check(&headers, BODY, &[SECRET], 0), Ok(()));
        assert_eq!(check(&headers, BODY, &["new", SECRET], 0), Ok(()));
        assert_eq!(
            check(&headers, BODY, &["new", "old"], 0),
            Err(Unverified::Mismatch(SIGNATURE.header))
        );
    }

    #[test]
    fn a_request_is_good_for_five_minutes_either_way() {
        let headers = headers("1531420618", SIGNED);
        for (later, expected) in [
            (300, Ok(())),
            (-300, Ok(())),
            (301, Err(Unverified::Expired(SENT_AT.header))),
            (-301, Err(Unverified::Expired(SENT_AT.header))),
        ] {
            assert_eq!(check(&headers, BODY, &[SECRET], later), expected, "{later}");
        }
    }

    #[test]
    fn what_is_missing_or_malformed_is_refused() {
        let good = headers("1531420618", SIGNED);
        for name in [SENT_AT.header, SIGNATURE.header] {
            let mut without = good.clone();
            without.remove(name);
            assert!(check(&without, BODY, &[SECRET], 0).is_err(), "{name}");
            let mut twice = good.clone();
            twice.append(
                HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                HeaderValue::from_static("x"),
            );
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
                Err(Unverified::Malformed(SENT_AT.header))
            );
        }
        for signature in ["", "v0=", "v1=00", "a2114d57", &SIGNED[..40], "v0=zz"] {
            assert_eq!(
                check(&headers("1531420618", signature), BODY, &[SECRET], 0),
                Err(Unverified::Malformed(SIGNATURE.header))
            );
        }
        assert_eq!(
            check(&headers("1531420619", SIGNED), BODY, &[SECRET], 0),
            Err(Unverified::Mismatch(SIGNATURE.header))
        );
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_refused(at in 0..BODY.len(), bit in 0..8_u32, forged in 0..32_usize) {
            let mut body = BODY.to_vec();
            body[at] ^= 1 << bit;
            prop_assert_eq!(check(&headers("1531420618", SIGNED), &body, &[SECRET], 0), Err(Unverified::Mismatch(SIGNATURE.header)));
            let mut signature = hex::decode(&SIGNED[3..]).expect("hex");
            signature[forged] ^= 1 << bit;
            let signature = format!("v0={}", hex::encode(signature));
            prop_assert_eq!(check(&headers("1531420618", &signature), BODY, &[SECRET], 0), Err(Unverified::Mismatch(SIGNATURE.header)));
        }
    }
}
