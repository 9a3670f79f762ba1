//! Signed requests towards the application
//! (<https://docs.slack.dev/authentication/verifying-requests-from-slack>).

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use jiff::Timestamp;
use reqwest::Url;
use serde_json::Value;
use sha2::Sha256;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

/// Something that Slack sends: its body and the body's type.
pub trait Payload {
    /// The raw body.
    fn body(&self) -> Vec<u8>;
    /// The value of `Content-Type`.
    fn content_type(&self) -> &'static str;
}

/// JSON as it is.
impl Payload for Value {
    fn body(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }

    fn content_type(&self) -> &'static str {
        "application/json"
    }
}

/// How header names are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeaderCase {
    /// `x-slack-signature`
    #[default]
    Lower,
    /// `X-SLACK-SIGNATURE`
    Upper,
    /// `x-SlAcK-SiGnAtUrE`
    Mixed,
}

/// Signs and sends.
#[derive(Clone)]
pub struct SlackClient {
    signing_secret: String,
    http: reqwest::Client,
}

/// One request, signed when it is sent. What was changed about it stays with its clones.
#[derive(Clone, Debug)]
pub struct Delivery {
    body: Vec<u8>,
    content_type: &'static str,
    timestamp: Option<String>,
    secret: Option<String>,
    signature: Signature,
    case: HeaderCase,
    headers: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
enum Signature {
    Made,
    Given(String),
    Absent,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
    /// How long it took; Slack waits three seconds.
    pub took: Duration,
}

impl Reply {
    /// Whether Slack takes the delivery as done: a 2xx within three seconds.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        (200..300).contains(&self.status) && self.took < Duration::from_secs(3)
    }

    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

impl Delivery {
    /// A correct request.
    #[must_use]
    pub fn of(payload: &impl Payload) -> Self {
        Self::raw(payload.body(), payload.content_type())
    }

    /// A correctly signed request with any body.
    #[must_use]
    pub fn raw(body: impl Into<Vec<u8>>, content_type: &'static str) -> Self {
        Self {
            body: body.into(),
            content_type,
            timestamp: None,
            secret: None,
            signature: Signature::Made,
            case: HeaderCase::Lower,
            headers: Vec::new(),
        }
    }

    /// Signed with another secret, such as an older one.
    #[must_use]
    pub fn signed_with(mut self, secret: &str) -> Self {
        self.secret = Some(secret.to_owned());
        self
    }

    /// Signed, correctly, as of another time.
    #[must_use]
    pub fn signed_at(mut self, at: Timestamp) -> Self {
        self.timestamp = Some(at.as_second().to_string());
        self
    }

    /// With any text as the timestamp, which is signed as it is.
    #[must_use]
    pub fn with_timestamp_header(mut self, text: &str) -> Self {
        self.timestamp = Some(text.to_owned());
        self
    }

    /// With this in the place of the signature.
    #[must_use]
    pub fn with_signature(mut self, signature: &str) -> Self {
        self.signature = Signature::Given(signature.to_owned());
        self
    }

    /// With no signature at all.
    #[must_use]
    pub fn unsigned(mut self) -> Self {
        self.signature = Signature::Absent;
        self
    }

    /// With header names written this way.
    #[must_use]
    pub fn with_header_case(mut self, case: HeaderCase) -> Self {
        self.case = case;
        self
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// As Slack's repetition number `number` (1 to 3), for a reason such as `http_timeout`.
    #[must_use]
    pub fn as_retry(self, number: u8, reason: &str) -> Self {
        self.with_header("x-slack-retry-num", &number.to_string())
            .with_header("x-slack-retry-reason", reason)
    }
}

impl SlackClient {
    pub(crate) fn new(signing_secret: &str) -> Self {
        // Fails when a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            signing_secret: signing_secret.to_owned(),
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(30))
                .build()
                .expect("a client with nothing special about it"),
        }
    }

    /// Sends what Slack would send, correctly signed as of now.
    ///
    /// # Panics
    ///
    /// When there is no answer; [`Self::try_send`] returns the error.
    pub async fn send(&self, url: &str, payload: &impl Payload) -> Reply {
        self.deliver(url, &Delivery::of(payload)).await
    }

    /// Sends a request that was made by hand.
    ///
    /// # Panics
    ///
    /// When there is no answer; [`Self::try_send`] returns the error.
    pub async fn deliver(&self, url: &str, delivery: &Delivery) -> Reply {
        self.try_send(url, delivery)
            .await
            .expect("the application answers")
    }

    /// Sends a request that was made by hand.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn try_send(&self, url: &str, delivery: &Delivery) -> anyhow::Result<Reply> {
        let start = Instant::now();
        let headers = self.headers(delivery);
        let (status, body) = if delivery.case == HeaderCase::Lower {
            let mut request = self.http.post(url).body(delivery.body.clone());
            for (name, value) in &headers {
                request = request.header(name, value);
            }
            let response = request.send().await?;
            (response.status().as_u16(), response.text().await?)
        } else {
            send_verbatim(url, &headers, &delivery.body).await?
        };
        Ok(Reply {
            status,
            body,
            took: start.elapsed(),
        })
    }

    /// The headers of a request and its body, for those who send it in another way (a tower
    /// service, an API Gateway event).
    #[must_use]
    pub fn headers(&self, delivery: &Delivery) -> Vec<(String, String)> {
        let timestamp = delivery
            .timestamp
            .clone()
            .unwrap_or_else(|| Timestamp::now().as_second().to_string());
        let secret = delivery.secret.as_ref().unwrap_or(&self.signing_secret);
        let mut headers = vec![
            ("content-type".to_owned(), delivery.content_type.to_owned()),
            (
                "user-agent".to_owned(),
                "Slackbot 1.0 (+https://api.slack.com/robots)".to_owned(),
            ),
        ];
        let signature = match &delivery.signature {
            Signature::Made => Some(sign(secret, &timestamp, &delivery.body)),
            Signature::Given(signature) => Some(signature.clone()),
            Signature::Absent => None,
        };
        headers.extend(signature.map(|signature| ("x-slack-signature".to_owned(), signature)));
        headers.push(("x-slack-request-timestamp".to_owned(), timestamp));
        headers.extend(delivery.headers.iter().cloned());
        headers
            .into_iter()
            .map(|(name, value)| (delivery.case.apply(&name), value))
            .collect()
    }

    /// As [`Self::headers`], as a map, together with the body.
    #[must_use]
    pub fn signed_parts(&self, delivery: &Delivery) -> (HeaderMap, Vec<u8>) {
        let headers = self.headers(delivery).into_iter();
        let map = headers
            .filter_map(|(name, value)| {
                let name = http::HeaderName::from_bytes(name.as_bytes()).ok()?;
                Some((name, http::HeaderValue::from_str(&value).ok()?))
            })
            .collect();
        (map, delivery.body.clone())
    }
}

impl fmt::Debug for SlackClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackClient").finish_non_exhaustive()
    }
}

impl HeaderCase {
    fn apply(self, name: &str) -> String {
        match self {
            Self::Lower => name.to_owned(),
            Self::Upper => name.to_ascii_uppercase(),
            Self::Mixed => name
                .chars()
                .enumerate()
                .map(|(index, letter)| {
                    if index % 2 == 0 {
                        letter
                    } else {
                        letter.to_ascii_uppercase()
                    }
                })
                .collect(),
        }
    }
}

/// `v0=` and the hex HMAC-SHA256 of `v0:{timestamp}:{body}`.
pub(crate) fn sign(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(b"v0:");
    mac.update(timestamp.as_bytes());
    mac.update(b":");
    mac.update(body);
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}

/// A POST whose header names arrive as they are written; HTTP libraries write them in lower case.
async fn send_verbatim(
    url: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> anyhow::Result<(u16, String)> {
    let url = Url::parse(url)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    let mut stream = TcpStream::connect((host.as_str(), port)).await?;
    // HTTP/1.0: the answer ends with the connection and comes in one piece.
    let mut head = format!("POST {} HTTP/1.0\r\nHost: {host}:{port}\r\n", url.path());
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = write!(head, "Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| anyhow::anyhow!("no complete answer"))?;
    let status = head
        .split(' ')
        .nth(1)
        .ok_or_else(|| anyhow::anyhow!("no status line"))?;
    Ok((status.parse()?, body.to_owned()))
}
