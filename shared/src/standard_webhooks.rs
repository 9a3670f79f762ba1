//! Standard Webhooks, both ways: signed requests of an application, signed callbacks and signed
//! events of a sink (<https://www.standardwebhooks.com>). Against a replay attack, a signature is good for
//! five minutes.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use sha2::{Digest, Sha256};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};
use url::Url;

use crate::config::Secrets;
use crate::lenient_json;
use crate::net::api::{Api, ApiRequest};
use crate::net::{CallError, CallErrorKind};

/// How far a request's time may be from ours, either way.
pub const TOLERANCE: Duration = Duration::from_mins(5);

/// What is asked of the receiver, to follow "to".
const CALL: &str = "take a message";

/// The most bytes that are read of an answer, which is of no interest.
pub const ANSWER_LIMIT: usize = 64 * 1024;

/// Why a request's signature is not accepted. Never says what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is missing or has no meaning.
    #[error(
        "webhook-id, webhook-timestamp and webhook-signature must be there, the timestamp in seconds"
    )]
    Headers,
    /// The request is too old, or from the future.
    #[error("webhook-timestamp is more than 5 minutes from now")]
    Time,
    /// No secret has signed this body.
    #[error("webhook-signature is not that of this body")]
    Mismatch,
}

/// Verifies a request.
///
/// # Errors
/// When none of the secrets has signed this body within the last five minutes.
pub fn verify(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &Secrets,
    now: Timestamp,
) -> Result<(), SignatureError> {
    let header = |name| lenient_json::header(headers, name).ok_or(SignatureError::Headers);
    let (id, signatures) = (
        header(HEADER_WEBHOOK_ID)?,
        header(HEADER_WEBHOOK_SIGNATURE)?,
    );
    let at: i64 = header(HEADER_WEBHOOK_TIMESTAMP)?
        .parse()
        .map_err(|_| SignatureError::Headers)?;
    // The library's own `verify` reads the clock and does not survive every number.
    if now.as_second().abs_diff(at) > TOLERANCE.as_secs() {
        return Err(SignatureError::Time);
    }
    let signed = secrets
        .iter()
        .filter_map(|secret| sign_with(secret.expose_secret(), id, at, body))
        .any(|expected| {
            signatures.split(' ').fold(false, |found, signature| {
                found | constant_time_eq(signature, &expected)
            })
        });
    if signed {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// The `webhook-id` of what these parts name: the same on every try.
#[must_use]
pub fn message_id(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    format!("msg_{}", hex::encode(&hash.finalize()[..16]))
}

/// Posts a body, signed with every secret, newest first, so that the receiver can change to a new one
/// at its own time.
///
/// # Errors
/// When it is not taken.
pub async fn post(
    http: &reqwest::Client,
    url: &Url,
    secrets: &Secrets,
    id: &str,
    body: &Value,
    now: Timestamp,
) -> Result<(), CallError> {
    let (body, at) = (body.to_string(), now.as_second());
    let signatures: Vec<String> = secrets
        .iter()
        .filter_map(|secret| sign_with(secret.expose_secret(), id, at, body.as_bytes()))
        .collect();
    if signatures.is_empty() {
        let reason = "no signing secret can be used";
        return Err(CallError::new(CALL, CallErrorKind::Unsendable(reason)));
    }
    let header = HeaderName::from_static;
    let request = ApiRequest::post(CALL, url.clone())
        .header(header(HEADER_WEBHOOK_ID), id)
        .header(header(HEADER_WEBHOOK_TIMESTAMP), at.to_string())
        .header(header(HEADER_WEBHOOK_SIGNATURE), signatures.join(" "))
        .bytes("application/json", body)
        .limit(ANSWER_LIMIT);
    match Api::new(http.clone()).send(request).await {
        Ok(_) => Ok(()),
        // The status has said it all.
        Err(error) => Err(CallError {
            detail: None,
            ..error
        }),
    }
}

/// The signature of a body, whatever its bytes are: the library signs UTF-8 only, and what an application cuts inside
/// a character, or writes as UTF-16, is signed all the same. `None` for what is no secret.
fn sign_with(secret: &str, id: &str, at: i64, body: &[u8]) -> Option<String> {
    let key = secret.strip_prefix("whsec_").unwrap_or(secret);
    let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(key).ok()?).ok()?;
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(body);
    Some(format!(
        "v1,{}",
        STANDARD.encode(mac.finalize().into_bytes())
    ))
}

/// Compares without telling by its time where the first difference is.
fn constant_time_eq(left: &str, right: &str) -> bool {
    left.len() == right.len()
        && left
            .bytes()
            .zip(right.bytes())
            .fold(0, |difference, (left, right)| difference | (left ^ right))
            == 0
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::net::fake::{Answer, Fake};
    use crate::retry::{Retry, Retryable as _};

    /// The published example of the specification's own libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secrets(texts: &[&str]) -> Secrets {
        Secrets::from_newest_first(texts.iter().map(|text| SecretString::from(*text)))
            .expect("not empty")
    }

    fn headers(at: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (HEADER_WEBHOOK_ID, ID),
            (HEADER_WEBHOOK_TIMESTAMP, at),
            (HEADER_WEBHOOK_SIGNATURE, signature),
        ] {
            headers.insert(name, value.parse().expect("a header"));
        }
        headers
    }

    #[test]
    fn the_published_example_is_accepted_by_any_of_the_secrets() {
        let now = Timestamp::from_second(AT + 299).expect("in range");
        let both = secrets(&["whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", SECRET]);
        let headers = headers(&AT.to_string(), &format!("v1a,xyz {SIGNATURE}"));
        assert_eq!(verify(&headers, BODY, &both, now), Ok(()));
        assert_eq!(
            verify(&headers, b"{}", &both, now),
            Err(SignatureError::Mismatch)
        );
        let others = secrets(&["whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]);
        assert_eq!(
            verify(&headers, BODY, &others, now),
            Err(SignatureError::Mismatch)
        );
    }

    #[test]
    fn a_body_that_is_no_text_is_signed_as_the_bytes_that_it_is() {
        let now = Timestamp::from_second(AT).expect("in range");
        let cut = b"{\"text\":\"cut \xf0\x9f\"}";
        let signature = "v1,T1nPCxu2zcfnuZoVBG1h3sNRkJ8ol8rulJekFPeSA2k=";
        let headers = headers(&AT.to_string(), signature);
        assert_eq!(verify(&headers, cut, &secrets(&[SECRET]), now), Ok(()));
        let other = b"{\"text\":\"cut \xf0\x9e\"}";
        let refused = verify(&headers, other, &secrets(&[SECRET]), now);
        assert_eq!(refused, Err(SignatureError::Mismatch));
        let library = standardwebhooks::Webhook::new(SECRET).expect("a secret");
        for text in ["", "{}", "é \u{0} 日本"] {
            let signed = library.sign(ID, AT, text.as_bytes()).expect("text");
            assert_eq!(sign_with(SECRET, ID, AT, text.as_bytes()), Some(signed));
        }
    }

    #[test]
    fn a_time_too_far_away_is_refused_and_no_number_is_too_large() {
        let now = Timestamp::from_second(AT).expect("in range");
        let secrets = secrets(&[SECRET]);
        for at in [AT - 301, AT + 301, i64::MIN, i64::MAX] {
            let headers = headers(&at.to_string(), SIGNATURE);
            assert_eq!(
                verify(&headers, BODY, &secrets, now),
                Err(SignatureError::Time),
                "{at}"
            );
        }
        for odd in ["", "now", "99999999999999999999"] {
            assert_eq!(
                verify(&headers(odd, SIGNATURE), BODY, &secrets, now),
                Err(SignatureError::Headers)
            );
        }
        assert_eq!(
            verify(&HeaderMap::new(), BODY, &secrets, now),
            Err(SignatureError::Headers)
        );
    }

    #[tokio::test]
    async fn a_refusal_is_repeated_only_where_that_can_help() {
        let fake = Fake::start(|request| {
            let status = request.path.trim_start_matches('/').parse();
            Answer::new(status.expect("a status"), "what the receiver says")
        })
        .await;
        let http = crate::net::client().expect("a client");
        let retry = async |status: u16| {
            let (url, now) = (fake.url(&status.to_string()), Timestamp::UNIX_EPOCH);
            let posted = post(&http, &url, &secrets(&[SECRET]), ID, &Value::Null, now).await;
            let error = posted.expect_err("it is not taken");
            assert_eq!(error.detail(), None, "{status}");
            error.retry()
        };
        for status in [400, 404, 410, 422] {
            assert_eq!(retry(status).await, Retry::Never, "{status}");
        }
        for status in [302, 401, 429, 500, 503] {
            assert_eq!(retry(status).await, Retry::Later(None), "{status}");
        }
    }
}
