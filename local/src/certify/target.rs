//! The application, and what is posted to it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::Stream;
use haptik_bridge_shared::net::{self, BodyError, Unreachable};
use haptik_bridge_shared::standard_webhooks::ANSWER_LIMIT;
use http::StatusCode;
use http::header::DATE;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::Body;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook, WebhookError,
};
use url::Url;

use super::PATIENCE;

/// The pause before what was not taken now comes again.
const PAUSE: Duration = Duration::from_millis(300);

/// A secret that is not the application's: what is signed with it is forged.
const STRANGER: &str = "whsec_bm90IHRoZSBzZWNyZXQgb2YgYW55Ym9keSBhdCBhbGw=";

/// What the application should have taken of a text that certify sent.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    /// The check that sent it.
    pub(super) check: &'static str,
    /// A text that is in nothing else.
    pub(super) mark: String,
    /// How often it counts.
    pub(super) times: usize,
    /// What was done with it.
    pub(super) how: &'static str,
}

/// The application under test.
pub(super) struct Target {
    http: reqwest::Client,
    url: Url,
    secret: SecretString,
    webhook: Webhook,
    stranger: Webhook,
    /// The id of the user in the events.
    pub(super) user: String,
    run: String,
    count: Cell<u32>,
    expected: RefCell<Vec<Expected>>,
    kept: RefCell<Option<Signed>>,
}

/// A request, as it is signed.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    pub(super) id: String,
    pub(super) at: String,
    pub(super) signature: String,
    pub(super) body: String,
}

/// What came of a request.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// A status, and what else there is to say of it.
    Status(StatusCode, Rest),
    /// No answer, and why.
    Nothing(String),
}

/// What is said of an answer besides its status.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    /// When all of it was there, or the bridge waits no longer.
    pub(super) after: Duration,
    /// Whether its body is larger than what the bridge reads of one.
    pub(super) is_large: bool,
    /// How far ahead of this machine's the application's clock is, in seconds, where the answer says it.
    pub(super) ahead: Option<i64>,
}

impl Target {
    /// For the application at a URL with this signing secret.
    pub(super) fn new(
        http: reqwest::Client,
        url: Url,
        secret: &SecretString,
        user: String,
    ) -> Result<Self, WebhookError> {
        Ok(Self {
            http,
            url,
            webhook: Webhook::new(secret.expose_secret())?,
            secret: secret.clone(),
            stranger: Webhook::new(STRANGER)?,
            user,
            run: format!("{:08x}", fastrand::u32(..)),
            count: Cell::new(0),
            expected: RefCell::default(),
            kept: RefCell::default(),
        })
    }

    /// The signing secret, as the application has it.
    pub(super) fn secret(&self) -> &str {
        self.secret.expose_secret()
    }

    /// A text that is in nothing else, and that counts so many times.
    pub(super) fn mark(&self, check: &'static str, times: usize, how: &'static str) -> String {
        self.count.set(self.count.get() + 1);
        let mark = format!("certify-{}-{:03}", self.run, self.count.get());
        self.expected.borrow_mut().push(Expected {
            check,
            mark: mark.clone(),
            times,
            how,
        });
        mark
    }

    /// What should have been taken, in the order in which it was sent.
    pub(super) fn expected(&self) -> Vec<Expected> {
        self.expected.borrow().clone()
    }

    /// Keeps a message, to send it again later.
    pub(super) fn keep(&self, signed: Signed) {
        *self.kept.borrow_mut() = Some(signed);
    }

    /// The message that was kept.
    pub(super) fn kept(&self) -> Option<Signed> {
        self.kept.borrow().clone()
    }

    /// A request as the bridge makes it, with a new id.
    pub(super) fn signed(&self, body: &Value) -> Signed {
        self.signed_text(body.to_string(), Timestamp::now().as_second())
    }

    /// A request of any text and any time.
    pub(super) fn signed_text(&self, body: String, at: i64) -> Signed {
        let id = format!("msg_{:032x}", fastrand::u128(..));
        let signature = self.signature(&id, at, &body);
        Signed {
            id,
            at: at.to_string(),
            signature,
            body,
        }
    }

    /// A request of now with an id that was chosen.
    pub(super) fn signed_as(&self, id: &str, body: &Value) -> Signed {
        let signed = Signed {
            id: id.to_owned(),
            ..self.signed(body)
        };
        self.again(&signed)
    }

    /// The same once more: the id stays, the time and so the signature are of now.
    pub(super) fn again(&self, signed: &Signed) -> Signed {
        let at = Timestamp::now().as_second();
        Signed {
            at: at.to_string(),
            signature: self.signature(&signed.id, at, &signed.body),
            ..signed.clone()
        }
    }

    /// The same, signed by somebody who has another secret.
    pub(super) fn forged(&self, signed: &Signed) -> Signed {
        let at = signed.at.parse().unwrap_or_default();
        let signature = self.stranger.sign(&signed.id, at, signed.body.as_bytes());
        Signed {
            signature: signature.unwrap_or_default(),
            ..signed.clone()
        }
    }

    fn signature(&self, id: &str, at: i64, body: &str) -> String {
        let signature = self.webhook.sign(id, at, body.as_bytes());
        signature.unwrap_or_default()
    }

    /// Posts it, and waits as long as the bridge does.
    pub(super) async fn post(&self, signed: &Signed) -> Answer {
        let request = self.request(signed).body(signed.body.clone());
        sent(request).await
    }

    /// Posts it once more, as the bridge does: again, where the answer is "not now", for as long as an answer may
    /// take.
    pub(super) async fn post_again(&self, signed: &Signed) -> Answer {
        let begun = Instant::now();
        loop {
            let answer = self.post(&self.again(signed)).await;
            if !answer.is_not_now() || begun.elapsed() > PATIENCE {
                return answer;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Posts a body without the three headers.
    pub(super) async fn post_unsigned(&self, body: String) -> Answer {
        let request = self.http.post(self.url.clone()).timeout(PATIENCE);
        sent(
            request
                .header("content-type", "application/json")
                .body(body),
        )
        .await
    }

    /// Posts it without one of the three headers.
    pub(super) async fn post_without(&self, header: &str, signed: &Signed) -> Answer {
        let mut request = self.http.post(self.url.clone()).timeout(PATIENCE);
        for (name, value) in headers(signed) {
            if name != header {
                request = request.header(name, value);
            }
        }
        sent(request.body(signed.body.clone())).await
    }

    /// Posts it by parts that come when they come. The body that is announced is the whole.
    pub(super) async fn post_parts<S>(&self, signed: &Signed, length: usize, parts: S) -> Answer
    where
        S: Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static,
    {
        let request = self
            .request(signed)
            .header("content-length", length)
            .timeout(PATIENCE * 3)
            .body(Body::wrap_stream(parts));
        sent(request).await
    }

    fn request(&self, signed: &Signed) -> reqwest::RequestBuilder {
        let request = self.http.post(self.url.clone()).timeout(PATIENCE);
        headers(signed)
            .into_iter()
            .fold(request, |request, (name, value)| {
                request.header(name, value)
            })
    }
}

fn headers(signed: &Signed) -> [(&'static str, &str); 4] {
    [
        ("content-type", "application/json"),
        (HEADER_WEBHOOK_ID, &signed.id),
        (HEADER_WEBHOOK_TIMESTAMP, &signed.at),
        (HEADER_WEBHOOK_SIGNATURE, &signed.signature),
    ]
}

async fn sent(request: reqwest::RequestBuilder) -> Answer {
    let begun = Instant::now();
    match request.send().await {
        Ok(response) => {
            let status = response.status();
            let date = response.headers().get(DATE);
            let date = date.and_then(|date| rfc2822::parse(date.to_str().ok()?).ok());
            let ahead =
                date.map(|date| date.timestamp().as_second() - Timestamp::now().as_second());
            // The bridge waits for the body, and does not look at it.
            let is_large = matches!(
                net::read(response, ANSWER_LIMIT).await,
                Err(BodyError::TooLarge { .. })
            );
            let after = begun.elapsed();
            Answer::Status(
                status,
                Rest {
                    after,
                    is_large,
                    ahead,
                },
            )
        }
        Err(error) if error.is_timeout() => Answer::Nothing("no answer in time".to_owned()),
        Err(error) => Answer::Nothing(format!("no answer; {}", Unreachable::from(&error))),
    }
}

impl Answer {
    /// Whether the bridge goes on with the next message.
    pub(super) fn is_taken(&self) -> bool {
        matches!(self, Self::Status(status, _) if status.is_success())
    }

    /// Whether it is to come again, which is as right: the application is at the same already, or has much to do.
    pub(super) fn is_not_now(&self) -> bool {
        matches!(self, Self::Status(status, _) if matches!(status.as_u16(), 408 | 425 | 429 | 503))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status, _) => write!(formatter, "answered {}", status.as_u16()),
            Self::Nothing(why) => formatter.write_str(why),
        }
    }
}
