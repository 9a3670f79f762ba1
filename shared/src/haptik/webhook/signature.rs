//! The webhook signature of Haptik's deliveries (<https://docs.haptik.ai/webhooks/protocols>).

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use http::HeaderMap;
use secrecy::ExposeSecret;
use sha1::Sha1;
use sha2::Sha256;

use crate::config::Secrets;
use crate::lenient_json;

const SHA1_HEADER: &str = "x-hub-signature";
const SHA256_HEADER: &str = "x-hub-signature-256";

/// Why a delivery's signature is not accepted. The text names the header, never a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is none.
    #[error("the {0} header is missing")]
    Missing(&'static str),
    /// It is not `sha1=` or `sha256=` and as many hexadecimal digits as it takes.
    #[error("the {0} header is not a signature")]
    Malformed(&'static str),
    /// It is not the signature of this body with any of the secrets.
    #[error("the {0} header is not the signature of this body")]
    Mismatch(&'static str),
}

/// Verifies that a delivery is Haptik's: `X-Hub-Signature` is `sha1=` and the HMAC-SHA1 of the raw
/// body in hexadecimal digits, keyed with any of `secrets`. Where `X-Hub-Signature-256` is present it
/// must be the same with SHA-256, and the weaker one is not looked at.
///
/// There is no time in the signature: what keeps a delivery from being replayed is that it is
/// recognised (see [`Event::key`](super::Event::key)).
///
/// # Errors
/// When there is no signature, or it is not one of this body.
pub fn verify(headers: &HeaderMap, body: &[u8], secrets: &Secrets) -> Result<(), SignatureError> {
    if headers.contains_key(SHA256_HEADER) {
        check::<Hmac<Sha256>>(headers, SHA256_HEADER, "sha256=", body, secrets)
    } else {
        check::<Hmac<Sha1>>(headers, SHA1_HEADER, "sha1=", body, secrets)
    }
}

fn check<M: Mac + KeyInit>(
    headers: &HeaderMap,
    header: &'static str,
    prefix: &str,
    body: &[u8],
    secrets: &Secrets,
) -> Result<(), SignatureError> {
    if !headers.contains_key(header) {
        return Err(SignatureError::Missing(header));
    }
    let signature = lenient_json::header(headers, header)
        .and_then(|value| decoded(value.as_bytes(), prefix))
        .filter(|signature| signature.len() == M::output_size())
        .ok_or(SignatureError::Malformed(header))?;
    let matches = secrets.iter().any(|secret| {
        // A key of any length is one.
        <M as KeyInit>::new_from_slice(secret.expose_secret().as_bytes())
            .is_ok_and(|mac| mac.chain_update(body).verify_slice(&signature).is_ok())
    });
    if matches {
        Ok(())
    } else {
        Err(SignatureError::Mismatch(header))
    }
}

/// The bytes of `sha1=<hex>`, in whichever case of letters.
fn decoded(value: &[u8], prefix: &str) -> Option<Vec<u8>> {
    let (start, digits) = value.split_at_checked(prefix.len())?;
    let digits = Some(digits).filter(|_| start.eq_ignore_ascii_case(prefix.as_bytes()))?;
    hex::decode(digits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;
    use secrecy::SecretString;

    /// From GitHub's documentation of the same header.
    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const SHA256: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    name.parse().expect("a name"),
                    value.parse().expect("a value"),
                )
            })
            .collect()
    }

    fn secrets(newest: &str, older: &[&str]) -> Secrets {
        Secrets::new(
            newest,
            older.iter().map(|secret| SecretString::from(*secret)),
        )
    }

    fn sha1(secret: &[u8], body: &[u8]) -> String {
        let mac = <Hmac<Sha1> as KeyInit>::new_from_slice(secret).expect("any key");
        format!(
            "sha1={}",
            hex::encode(mac.chain_update(body).finalize().into_bytes())
        )
    }

    #[test]
    fn the_published_vectors_are_accepted() {
        // RFC 2202, cases 2 and 1 (whose key is text too).
        let vectors = [
            (
                "Jefe",
                "what do ya want for nothing?",
                "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
            ),
            (
                "\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}",
                "Hi There",
                "sha1=b617318655057264e28bc0b6fb378c8ef146be00",
            ),
        ];
        for (secret, body, signature) in vectors {
            assert_eq!(
                verify(
                    &headers(&[(SHA1_HEADER, signature)]),
                    body.as_bytes(),
                    &secrets(secret, &[])
                ),
                Ok(())
            );
        }
        assert_eq!(
            verify(
                &headers(&[(SHA256_HEADER, SHA256)]),
                BODY,
                &secrets(SECRET, &[])
            ),
            Ok(())
        );
    }

    #[test]
    fn any_secret_and_any_case_of_letters_will_do() {
        let signature = sha1(b"old", BODY);
        let upper = signature.to_uppercase();
        for signature in [signature.as_str(), upper.as_str()] {
            let headers = headers(&[("X-HUB-Signature", signature)]);
            assert_eq!(
                verify(&headers, BODY, &secrets("new", &["older", "old"])),
                Ok(())
            );
            assert_eq!(
                verify(&headers, BODY, &secrets("new", &[])),
                Err(SignatureError::Mismatch(SHA1_HEADER))
            );
        }
    }

    #[test]
    fn a_missing_or_malformed_signature_is_refused() {
        let secrets = secrets(SECRET, &[]);
        assert_eq!(
            verify(&HeaderMap::new(), BODY, &secrets),
            Err(SignatureError::Missing(SHA1_HEADER))
        );
        let good = sha1(SECRET.as_bytes(), BODY);
        let hex = good.trim_start_matches("sha1=");
        let malformed = [
            String::new(),
            "sha1".into(),
            "sha1=".into(),
            hex.into(),
            format!("sha256={hex}"),
            format!("sha1={}", &hex[..38]),
            format!("{good}00"),
            format!("sha1= {hex}"),
            format!("sha1={}", "z".repeat(40)),
        ];
        for signature in malformed {
            let verified = verify(&headers(&[(SHA1_HEADER, &signature)]), BODY, &secrets);
            assert_eq!(
                verified,
                Err(SignatureError::Malformed(SHA1_HEADER)),
                "{signature}"
            );
        }
        let not_text = HeaderValue::from_bytes(&[0xff; 45]).expect("a value");
        let headers = HeaderMap::from_iter([(SHA1_HEADER.parse().expect("a name"), not_text)]);
        assert_eq!(
            verify(&headers, BODY, &secrets),
            Err(SignatureError::Malformed(SHA1_HEADER))
        );
    }

    #[test]
    fn a_wrong_sha256_is_refused_even_beside_a_right_sha1() {
        let sha1 = sha1(SECRET.as_bytes(), BODY);
        let wrong = SHA256.replace('7', "8");
        let secrets = secrets(SECRET, &[]);
        let verify = |sha256: &str| {
            verify(
                &headers(&[(SHA1_HEADER, &sha1), (SHA256_HEADER, sha256)]),
                BODY,
                &secrets,
            )
        };
        assert_eq!(verify(SHA256), Ok(()));
        assert_eq!(verify(&wrong), Err(SignatureError::Mismatch(SHA256_HEADER)));
        assert_eq!(verify(""), Err(SignatureError::Malformed(SHA256_HEADER)));
    }

    #[test]
    fn an_error_says_no_signature() {
        let error = SignatureError::Mismatch(SHA256_HEADER);
        assert_eq!(
            error.to_string(),
            "the x-hub-signature-256 header is not the signature of this body"
        );
    }

    proptest! {
        #[test]
        fn any_flipped_bit_of_body_or_signature_is_refused(
            body in proptest::collection::vec(any::<u8>(), 1..200), at in any::<prop::sample::Index>(), bit in 0..8_u8,
        ) {
            let signature = sha1(SECRET.as_bytes(), &body);
            let good = headers(&[(SHA1_HEADER, &signature)]);
            prop_assert_eq!(verify(&good, &body, &secrets(SECRET, &[])), Ok(()));
            let mut flipped = body.clone();
            flipped[at.index(body.len())] ^= 1 << bit;
            prop_assert_eq!(verify(&good, &flipped, &secrets(SECRET, &[])), Err(SignatureError::Mismatch(SHA1_HEADER)));
            let mut bytes = hex::decode(&signature[5..]).expect("hexadecimal");
            bytes[at.index(20)] ^= 1 << bit;
            let forged = format!("sha1={}", hex::encode(bytes));
            let forged = verify(&headers(&[(SHA1_HEADER, &forged)]), &body, &secrets(SECRET, &[]));
            prop_assert_eq!(forged, Err(SignatureError::Mismatch(SHA1_HEADER)));
        }

        #[test]
        fn any_header_is_refused_without_a_panic(value in proptest::collection::vec(32..=255_u8, 0..80)) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                let headers = HeaderMap::from_iter([(SHA1_HEADER.parse().expect("a name"), value)]);
                prop_assert!(verify(&headers, BODY, &secrets(SECRET, &[])).is_err());
            }
        }
    }
}
