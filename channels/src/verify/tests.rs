use http::HeaderValue;
use proptest::prelude::*;
use secrecy::SecretString;

use super::*;

fn secrets(all: &[&str]) -> Secrets {
    Secrets::from_newest_first(all.iter().map(|secret| SecretString::from(*secret)))
        .expect("there is one")
}

fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
    let values = values.iter().map(|value| {
        let name = name.to_ascii_lowercase().parse().expect("a name");
        (name, HeaderValue::from_str(value).expect("a value"))
    });
    let mut headers = HeaderMap::new();
    values.for_each(|(name, value): (http::HeaderName, _)| {
        headers.append(name, value);
    });
    headers
}

/// Signatures whose providers publish vectors, or whose hash has published ones.
const SIGNED: [(Signature, &str, &[&[u8]], &str); 4] = [
    // RFC 2202, case 2, in hexadecimal digits, as Webex writes it.
    (
        Signature {
            header: "X-Spark-Signature",
            prefix: "",
            hash: Hash::Sha1,
            encoding: Encoding::Hex,
        },
        "Jefe",
        &[b"what do ya want ", b"for nothing?"],
        "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
    ),
    // The same in base64, as Twilio writes it.
    (
        Signature {
            header: "X-Twilio-Signature",
            prefix: "",
            hash: Hash::Sha1,
            encoding: Encoding::Base64,
        },
        "Jefe",
        &[b"what do ya want for nothing?"],
        "7/zfauXrL6LSdBbV8YTfnCWafHk=",
    ),
    // RFC 4231, case 2, as LINE writes it.
    (
        Signature {
            header: "X-Line-Signature",
            prefix: "",
            hash: Hash::Sha256,
            encoding: Encoding::Base64,
        },
        "Jefe",
        &[b"what do ya want for nothing?"],
        "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=",
    ),
    // GitHub's documentation.
    (
        Signature {
            header: "X-Hub-Signature-256",
            prefix: "sha256=",
            hash: Hash::Sha256,
            encoding: Encoding::Hex,
        },
        "It's a Secret to Everybody",
        &[b"Hello, World!"],
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    ),
];

#[test]
fn published_vectors_are_accepted_with_any_of_the_secrets() {
    for (signature, secret, signed, shown) in SIGNED {
        let headers = headers(signature.header, &[shown]);
        let verify = |all: &[&str]| signature.verify(&headers, &secrets(all), signed);
        assert_eq!(verify(&[secret]), Ok(()), "{signature:?}");
        assert_eq!(verify(&["new", secret]), Ok(()));
        let mismatch = Err(Unverified::Mismatch(signature.header));
        assert_eq!(verify(&["new", "old"]), mismatch);
    }
}

#[test]
fn a_header_that_is_missing_twice_there_or_no_signature_is_refused() {
    for (signature, secret, signed, shown) in SIGNED {
        let verify = |shown: &[&str]| {
            signature.verify(
                &headers(signature.header, shown),
                &secrets(&[secret]),
                signed,
            )
        };
        let missing = Err(Unverified::Missing(signature.header));
        assert_eq!(verify(&[]), missing);
        assert_eq!(verify(&[shown, shown]), missing);
        let longer = format!("{shown}{shown}");
        for odd in ["", "=", "sha1=", "zz", &shown[..shown.len() / 2], &longer] {
            let malformed = Err(Unverified::Malformed(signature.header));
            assert_eq!(verify(&[odd]), malformed, "{odd}");
        }
    }
}

#[test]
fn a_time_is_good_within_its_tolerance_and_is_digits() {
    const AT: SentAt = SentAt {
        header: "X-Time",
        tolerance: Duration::from_mins(5),
    };
    let now = |later: i64| Timestamp::from_second(1_531_420_618 + later).expect("a time");
    let read = |written: &[&str], later| {
        let headers = headers(AT.header, written);
        AT.read(&headers, now(later)).map(|(sent, _)| sent)
    };
    let expired = Err(Unverified::Expired(AT.header));
    for (later, expected) in [
        (300, Ok(now(0))),
        (-300, Ok(now(0))),
        (301, expired),
        (-301, expired),
    ] {
        assert_eq!(read(&["1531420618"], later), expected, "{later}");
    }
    assert_eq!(read(&[], 0), Err(Unverified::Missing(AT.header)));
    for odd in [
        "",
        "now",
        "+1531420618",
        "1531420618.0",
        "-1",
        "99999999999999999999",
        " 1531420618",
    ] {
        assert_eq!(
            read(&[odd], 0),
            Err(Unverified::Malformed(AT.header)),
            "{odd}"
        );
    }
}

proptest! {
    #[test]
    fn any_flipped_bit_is_refused(which in 0..SIGNED.len(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let (signature, secret, signed, shown) = SIGNED[which];
        let secrets = secrets(&[secret]);
        let mut body = signed.concat();
        body[at.index(signed.concat().len())] ^= 1 << bit;
        let good = headers(signature.header, &[shown]);
        let mismatch = Err(Unverified::Mismatch(signature.header));
        prop_assert_eq!(signature.verify(&good, &secrets, &[&body]), mismatch);
        let mut mac = signature.read(shown).expect("a MAC");
        let at = at.index(mac.len());
        mac[at] ^= 1 << bit;
        let forged = match signature.encoding {
            Encoding::Hex => hex::encode(mac),
            Encoding::Base64 => STANDARD.encode(mac),
        };
        let forged = headers(signature.header, &[&format!("{}{forged}", signature.prefix)]);
        prop_assert_eq!(signature.verify(&forged, &secrets, signed), mismatch);
    }

    #[test]
    fn of_texts_only_the_secrets_themselves_are_secrets(shown in "[ -~]{0,40}", one in "[ -~]{1,40}", two in "[ -~]{1,40}") {
        let all = secrets(&[&one, &two]);
        prop_assert!(is_one_of(&one, &all) && is_one_of(&two, &all));
        prop_assert_eq!(is_one_of(&shown, &all), shown == one || shown == two);
        let both = [one.as_str(), &two, "x"].concat();
        prop_assert!(!is_one_of(&both, &all));
    }
}
