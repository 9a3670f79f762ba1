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

/// A header that some clients know and Cisco's pages do not: the hash's name, and the HMAC of the same body by it.
/// Where it comes so, it has to be right too; in another form it is not read. It never stands for the other.
const WEBEX: &str = "X-Webex-Signature";
const BY_HASH: [(&str, Hash); 2] = [("sha256=", Hash::Sha256), ("sha512=", Hash::Sha512)];

/// Checks that one of the secrets has signed the body.
pub(super) fn verify(
    headers: &HeaderMap,
    secrets: &Secrets,
    body: &[u8],
) -> Result<(), Unverified> {
    SPARK.verify(headers, secrets, &[body])?;
    let shown = headers.get_all(WEBEX).iter();
    for shown in shown.filter_map(|shown| shown.to_str().ok()) {
        let known = BY_HASH.iter().find(|(name, _)| shown.starts_with(name));
        let Some((prefix, hash)) = known else {
            continue;
        };
        let signature = Signature {
            header: WEBEX,
            prefix,
            hash: *hash,
            encoding: Encoding::Hex,
        };
        signature.verify(headers, secrets, &[body])?;
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
    const SHA512: &str = "7712f273012e46057880ab7f085d5a382c8ed47f1a8afdd4cd8cd2237029d78ca634f8ba1631f408f6bdbac264cf30621d6dfb03aef99588d95727b6d48b206f";

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

    /// A vector that others have published
    /// (<https://github.com/valgaze/speedybot-mini/blob/main/docs/webhooks.md>).
    #[test]
    fn a_published_vector_is_verified() {
        let signed = headers(Some("01e0cb6a53731b9615b483335d77d97023410c72"), None);
        let body = br#"{"a":1,"b":2,"c":{"d":3}}"#;
        assert_eq!(verify(&signed, &secrets(&["myBongoSecret"]), body), Ok(()));
        assert!(verify(&signed, &secrets(&["myBongoSecret"]), b"{}").is_err());
    }

    #[test]
    fn the_other_signature_has_to_be_right_where_it_comes_and_is_not_enough() {
        let (short, long) = (format!("sha256={SHA256}"), format!("sha512={SHA512}"));
        // A form that is not known says nothing.
        for other in [short.as_str(), &long, SHA256, "v2=abc"] {
            let both = headers(Some(SHA1), Some(other));
            assert_eq!(verify(&both, &secrets(&[SECRET]), BODY), Ok(()), "{other}");
        }
        for odd in [
            headers(None, Some(&short)),
            headers(None, Some(&long)),
            headers(Some(SHA1), Some(&format!("sha256={}", "0".repeat(64)))),
            headers(Some(SHA1), Some(&format!("sha512={SHA256}"))),
            headers(Some(SHA1), Some("sha256=")),
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
