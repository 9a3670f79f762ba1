//! Who sends: the header that Telegram shows with each request
//! (<https://core.telegram.org/bots/api#setwebhook>). It is a constant, neither of the body nor of a time.

use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::lenient_json;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use secrecy::ExposeSecret as _;
use sha2::Sha256;

const HEADER: &str = "x-telegram-bot-api-secret-token";

/// Checks that the header is one of the secrets. How long that takes says nothing about them.
pub(super) fn verify(headers: &HeaderMap, secrets: &Secrets) -> Result<(), &'static str> {
    let shown = lenient_json::header(headers, HEADER);
    let shown =
        shown.ok_or("X-Telegram-Bot-Api-Secret-Token is missing, or there several times")?;
    let shown = tag(shown).finalize().into_bytes();
    // All are compared.
    let is_one = secrets.iter().fold(false, |found, secret| {
        tag(secret.expose_secret()).verify_slice(&shown).is_ok() | found
    });
    is_one
        .then_some(())
        .ok_or("X-Telegram-Bot-Api-Secret-Token does not match")
}

/// A text of the same length for every text, which is compared in constant time.
fn tag(text: &str) -> Hmac<Sha256> {
    // A key of any length is taken.
    let mut mac = Hmac::<Sha256>::new_from_slice(b"secret_token").expect("a key of any length");
    mac.update(text.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use secrecy::SecretString;

    fn secrets(all: &[&str]) -> Secrets {
        Secrets::from_newest_first(all.iter().map(|secret| SecretString::from(*secret)))
            .expect("there is one")
    }

    fn headers(shown: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in shown {
            headers.append(
                "X-Telegram-Bot-Api-Secret-Token",
                HeaderValue::from_str(value).expect("a header"),
            );
        }
        headers
    }

    #[test]
    fn each_of_the_secrets_is_good_and_nothing_else() {
        let two = secrets(&["newest-secret", "older-secret"]);
        for good in ["newest-secret", "older-secret"] {
            assert_eq!(verify(&headers(&[good]), &two), Ok(()));
        }
        for bad in [
            "",
            "newest-secre",
            "newest-secrets",
            "NEWEST-SECRET",
            "newest-secret,older-secret",
        ] {
            assert!(verify(&headers(&[bad]), &two).is_err(), "{bad}");
        }
        assert!(verify(&headers(&[]), &two).is_err());
        assert!(verify(&headers(&["newest-secret", "newest-secret"]), &two).is_err());
    }

    #[test]
    fn each_flipped_bit_is_refused() {
        let secret = "s3cret_T0ken-";
        for at in 0..secret.len() * 8 {
            let mut bytes = secret.as_bytes().to_vec();
            bytes[at / 8] ^= 1 << (at % 8);
            let Ok(value) = HeaderValue::from_bytes(&bytes) else {
                continue;
            };
            let mut headers = HeaderMap::new();
            headers.insert("x-telegram-bot-api-secret-token", value);
            assert!(verify(&headers, &secrets(&[secret])).is_err(), "{at}");
        }
    }
}
