//! Who sends: the header that Telegram shows with each request
//! (<https://core.telegram.org/bots/api#setwebhook>). It is a constant, neither of the body nor of a time.

use haptik_bridge_shared::config::Secrets;
use http::HeaderMap;

use crate::verify::{self, Unverified};

/// Checks that the header is one of the secrets.
pub(super) fn verify(headers: &HeaderMap, secrets: &Secrets) -> Result<(), Unverified> {
    verify::shown_secret(headers, "X-Telegram-Bot-Api-Secret-Token", secrets)
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
