//! The HTTP client for the base URLs that the operator configured, and what is read of its answers.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::{Client, ClientBuilder, Response, redirect};

use super::tls;

/// The longest `Retry-After` that is kept; a longer one is taken as this.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);
const POOL_IDLE: Duration = Duration::from_mins(1);
const LONGEST_CAUSE: usize = 200;

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The client's settings.
    #[error("the HTTP client could not be made")]
    Client(#[source] reqwest::Error),
}

/// A request that had no answer, or lost it half-way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    what: &'static str,
    cause: Box<str>,
    never_sent: bool,
}

/// Why the body of an answer was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It has more bytes than are wanted.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The most bytes that were wanted.
        limit: usize,
    },
    /// The connection broke, or the time was up.
    #[error(transparent)]
    Broken(#[from] Unreachable),
}

/// The client for base URLs that the operator configured; cheap to clone, and to be made once.
///
/// 3 s to connect and 10 s in all unless a request says otherwise. A redirect is an answer like any
/// other: what was meant for a configured host goes nowhere else.
///
/// # Errors
/// When TLS cannot be set up.
pub fn client() -> Result<Client, ClientError> {
    build(|builder| builder)
}

/// Reads the body of an answer, as long as it has no more than `limit` bytes. `Content-Length` only
/// makes it refuse sooner.
///
/// # Errors
/// When it is larger, or the connection breaks.
pub async fn read(mut response: Response, limit: usize) -> Result<Bytes, BodyError> {
    let too_large = BodyError::TooLarge { limit };
    if response
        .content_length()
        .is_some_and(|length| length > limit as u64)
    {
        return Err(too_large);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| Unreachable::from(&error))?
    {
        if chunk.len() > limit - body.len() {
            return Err(too_large);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// How long an answer asks to wait: the `Retry-After` header, in seconds or as a date
/// ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#field.retry-after)). `None` when there is none
/// that can be read; at most [`LONGEST_RETRY_AFTER`].
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a long time too.
        text.parse()
            .map_or(LONGEST_RETRY_AFTER, Duration::from_secs)
    } else if let Ok(seconds) = text.parse::<f64>() {
        Duration::try_from_secs_f64(seconds).ok()?
    } else {
        let until = rfc2822::parse(text).ok()?.timestamp();
        Duration::try_from(until.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

impl From<&reqwest::Error> for Unreachable {
    fn from(error: &reqwest::Error) -> Self {
        let what = match error {
            error if error.is_timeout() && error.is_connect() => "the connection timed out",
            error if error.is_timeout() => "the answer did not come in time",
            error if error.is_builder() => "the request could not be made",
            error if error.is_connect() => "could not connect",
            _ => "the connection broke",
        };
        // reqwest's own text has the URL; the innermost cause (refused, no such name, certificate
        // expired) has not.
        let cause = causes(error)
            .last()
            .map(ToString::to_string)
            .unwrap_or_default();
        let cause = if error.is_timeout() {
            String::new()
        } else {
            shortened(&cause, LONGEST_CAUSE)
        };
        let never_sent = error.is_connect() || error.is_builder();
        Self {
            what,
            cause: cause.into(),
            never_sent,
        }
    }
}

impl Unreachable {
    /// Whether it is certain that nothing of the request was sent.
    #[must_use]
    pub fn never_sent(&self) -> bool {
        self.never_sent
    }

    /// Why a call through an SDK, which sends with our client, had no answer.
    #[must_use]
    pub fn behind(error: &(dyn Error + 'static)) -> Self {
        let reqwest = causes(error).find_map(|cause| cause.downcast_ref::<reqwest::Error>());
        // Without one, it was the SDK's own time that ended.
        reqwest.map_or_else(Self::out_of_time, Self::from)
    }

    /// An answer for which there was no time left.
    pub(super) fn out_of_time() -> Self {
        Self {
            what: "the answer did not come in time",
            cause: Box::default(),
            never_sent: false,
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.what)?;
        if self.cause.is_empty() {
            Ok(())
        } else {
            write!(formatter, ": {}", self.cause)
        }
    }
}

impl Error for Unreachable {}

/// `text` in one line of at most `limit` characters: what others wrote, as it may stand in an error.
#[must_use]
pub fn shortened(text: &str, limit: usize) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.retain(|character| !character.is_control());
    if let Some((end, _)) = line.char_indices().nth(limit) {
        line.truncate(end);
        line.push('…');
    }
    line
}

/// What lies behind an error, outermost first.
pub(super) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&error| error.source())
}

/// A client with what all of them have, and what `adapt` adds.
pub(super) fn build(
    adapt: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<Client, ClientError> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls::config()?)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .pool_idle_timeout(POOL_IDLE)
        .redirect(redirect::Policy::none())
        .no_proxy()
        // A small answer is not to become a large one in memory, whatever features reqwest is built with.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .retry(reqwest::retry::never())
        .user_agent(concat!("haptik-bridge/", env!("CARGO_PKG_VERSION")));
    adapt(builder).build().map_err(ClientError::Client)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::fake::{Answer, Fake};

    fn headers(retry_after: &str) -> HeaderMap {
        let value = retry_after.parse().expect("a header");
        HeaderMap::from_iter([(RETRY_AFTER, value)])
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().expect("a time");
        let wait = |text: &str| retry_after(&headers(text), now).map(|wait| wait.as_secs_f64());
        assert_eq!(wait("30"), Some(30.0));
        assert_eq!(wait(" 0 "), Some(0.0));
        assert_eq!(wait("1.5"), Some(1.5));
        assert_eq!(wait("Sun, 22 Nov 2026 10:02:00 GMT"), Some(120.0));
        assert_eq!(wait("Sun, 22 Nov 2026 09:00:00 GMT"), Some(0.0));
        assert_eq!(wait("99999999999999999999999999"), Some(86_400.0));
        assert_eq!(wait("1e300"), None);
        for unreadable in ["", "soon", "-1", "NaN", "inf", "-inf"] {
            assert_eq!(wait(unreadable), None, "{unreadable}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn what_others_wrote_is_cut_at_a_character_and_has_no_line_ends() {
        assert_eq!(shortened("a\n b\u{0}\t c", 10), "a b c");
        assert_eq!(shortened("ééééé", 3), "ééé…");
        assert_eq!(shortened("ééé", 3), "ééé");
    }

    #[tokio::test]
    async fn the_client_follows_no_redirect_and_says_who_it_is() {
        let fake = Fake::start(|request| {
            assert_eq!(
                request.header("user-agent"),
                concat!("haptik-bridge/", env!("CARGO_PKG_VERSION"))
            );
            Answer::new(302, "").header("location", "/elsewhere")
        })
        .await;
        let response = client()
            .expect("a client")
            .get(fake.url(""))
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 302);
        assert_eq!(fake.requests().len(), 1);
    }

    #[tokio::test]
    async fn a_body_above_the_limit_is_refused_whether_its_length_is_told_or_not() {
        let fake = Fake::start(|request| match request.path.as_str() {
            "/told" => Answer::new(200, "x".repeat(11)),
            "/untold" => Answer::new(200, "x".repeat(11)).chunked(),
            _ => Answer::new(200, "x".repeat(10)).chunked(),
        })
        .await;
        let client = client().expect("a client");
        for (path, expected) in [("told", None), ("untold", None), ("fits", Some(10))] {
            let response = client.get(fake.url(path)).send().await.expect("an answer");
            let body = read(response, 10).await;
            match expected {
                Some(length) => assert_eq!(body.expect("a body").len(), length),
                None => assert_eq!(body, Err(BodyError::TooLarge { limit: 10 }), "{path}"),
            }
        }
    }

    #[tokio::test]
    async fn an_error_names_the_cause_and_not_the_url() {
        let url = "http://127.0.0.1:1/secret-path?token=secret";
        let error = client()
            .expect("a client")
            .get(url)
            .send()
            .await
            .expect_err("nobody listens");
        let error = Unreachable::from(&error);
        assert!(
            error
                .to_string()
                .starts_with("could not connect: Connection refused"),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
