//! Who sends: an HMAC over the raw body
//! (<https://developer.webex.com/blog/using-a-webhook-secret>). No time is signed: a request that is sent once
//! more is known by the ids in it.

use haptik_bridge_shared::config::Secrets;
use http::HeaderMap;

use crate::verify::{Encoding, Hash, Signature, Unverified};

/// What Webex documents.
const SPARK: Signature = Signature {
    header: "X-Spark-Signature",
    prefix: "",
    hash: Hash::Sha1,
    encoding: Encoding::Hex,
};

/// The HMAC-SHA256 of the same body, which some clients know and Cisco's pages do not: where it comes, it has to
/// be right too. It never stands for the other.
const WEBEX: Signature = Signature {
    header: "X-Webex-Signature",
    prefix: "sha256=",
    hash: Hash::Sha256,
    encoding: Encoding::Hex,
};

/// Checks that one of the secrets has signed the body.
pub(super) fn verify(
    headers: &HeaderMap,
    secrets: &Secrets,
    body: &[u8],
) -> Result<(), Unverified> {
    SPARK.verify(headers, secrets, &[body])?;
    if headers.contains_key(WEBEX.header) {
        WEBEX.verify(headers, secrets, &[body])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use secrecy::SecretString;

    use super::*;

    /// Computed with Python's `hmac`.
    const SECRET: &str = "somesupersecretphrase";
    const BODY: &[u8] = br#"{"id":"evt-1","resource":"messages","event":"created"}"#;
    const SHA1: &str = "234039198a52c45a8cd1350c3f8a888481720b99";
    const SHA256: &str = "ac46f4a24384d8dc89ddceb36ad8e6dfdab1402323e90f8892e8537ad83b905e";

    fn secrets(all: &[&str]) -> Secrets {
        Secrets::from_newest_first(all.iter().map(|secret| SecretString::from(*secret)))
            .expect("there is one")
    }

    fn headers(spark: Option<&str>, webex: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-spark-signature", spark), ("x-webex-signature", webex)] {
            if let Some(value) = value {
                headers.insert(name, HeaderValue::from_str(value).expect("a header"));
            }
        }
        headers
    }

    #[test]
    fn each_of_the_secrets_signs() {
        for all in [&[SECRET][..], &["newer", SECRET], &[SECRET, "older"]] {
            let signed = headers(Some(SHA1), None);
            assert_eq!(verify(&signed, &secrets(all), BODY), Ok(()));
        }
        let other = verify(&headers(Some(SHA1), None), &secrets(&["other"]), BODY);
        assert!(other.is_err());
    }

    #[test]
    fn the_other_signature_has_to_be_right_where_it_comes_and_is_not_enough() {
        let good = format!("sha256={SHA256}");
        let both = headers(Some(SHA1), Some(&good));
        assert_eq!(verify(&both, &secrets(&[SECRET]), BODY), Ok(()));
        for odd in [
            headers(None, Some(&good)),
            headers(Some(SHA1), Some(SHA256)),
            headers(Some(SHA1), Some(&format!("sha256={}", "0".repeat(64)))),
            headers(None, None),
        ] {
            assert!(verify(&odd, &secrets(&[SECRET]), BODY).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn each_flipped_bit_is_refused() {
        let signed = headers(Some(SHA1), None);
        for at in 0..BODY.len() * 8 {
            let mut body = BODY.to_vec();
            body[at / 8] ^= 1 << (at % 8);
            assert!(verify(&signed, &secrets(&[SECRET]), &body).is_err(), "{at}");
        }
    }
}
