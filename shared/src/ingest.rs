//! What both edges do with what they verified: append it to the ledger, then ring.
//!
//! The errors at the edge, and what they are answered:
//!
//! | case | answer |
//! |---|---|
//! | bad, missing or expired signature | 401, nothing stored |
//! | our own interface (the custom channel), and a bad request | 400, which says what is wrong |
//! | unknown connection, account or path | 404 |
//! | a method that there is not | 405, with `Allow` |
//! | verified, an event of a kind that is new to us | 200, to the sinks that want it, and counted |
//! | verified, but not understood (odd shape) | 200, kept as a dead letter with its body |
//! | body above [`LARGEST_BODY`] | 413 |
//! | body with a `Content-Encoding` | 415 |
//! | more in a second than `rate_per_second` | 429, with `Retry-After` |
//! | not in the state that it needs: a second hand-off, a message outside one | 409 |
//! | not durable (DynamoDB or SQS down), no configuration, or a bug (a panic) | 503, so that the sender retries |
//!
//! An answer above 399 is JSON: `{"error": "…"}` says why ([`refusal`], [`normalize_error_response`]).
//!
//! An edge answers 2xx only after the entry is durable and the lane was rung. When it is stopped in
//! between, the sender's retry finds the entry pending and rings again.

use std::panic::AssertUnwindSafe;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::bridge::Bridge;
use crate::haptik::webhook::Event;
use crate::ids::{AuthId, ConnectionId, EntryKey};
use crate::lane::Lane;
use crate::ledger::{Appended, Payload};
use crate::lenient_json;
use crate::message::{Addressed, Inbound, Task, UserAction};
use crate::queue::{QueueError, Repeat, Ring};
use crate::rate_limit::TooMany;
use crate::retry::{Failure, Retry, Retryable};
use crate::table::{Erasure, TableError};
use crate::telemetry::{self, Hop, Outcome};

mod handoff;
mod operator;
mod own_events;
mod receipt;
mod report;
mod ring;
mod say;

pub use handoff::{Ask, BeginError, BeginOutcome};
pub use operator::Occurrence;
pub use receipt::ReceiptUser;

/// The largest body that an edge takes, in bytes: 10 MB, as much as API Gateway lets through
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>).
pub const LARGEST_BODY: usize = 10 * 1024 * 1024;

/// Where something that is to be made durable comes from, and when.
#[derive(Debug, Clone, Copy)]
pub struct RequestContext<'a> {
    /// Where it comes from, as logs and metrics name it: `channels/acme`, `haptik/main`, `processor`.
    pub source: &'a str,
    /// When it was received, by our clock.
    pub now: Timestamp,
}

impl<'a> RequestContext<'a> {
    /// Something that came from there and then.
    #[must_use]
    pub fn new(source: &'a str, now: Timestamp) -> Self {
        Self { source, now }
    }
}

/// Something could not be made durable: the answer is 503.
#[derive(Debug, thiserror::Error)]
pub enum NotDurable {
    /// The ledger did not take it.
    #[error(transparent)]
    Ledger(#[from] TableError),
    /// The queue did not take it.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// Others changed the same user each time it was tried.
    #[error("the user changes all the time")]
    Busy,
    /// The channel could not settle it.
    #[error("{0}")]
    Change(#[from] Failure),
}

/// The answer to a request that is turned away: `{"error": "…"}`, with this reason.
#[must_use]
pub fn refusal<B: From<String>>(status: StatusCode, reason: &str) -> Response<B> {
    let mut response = Response::new(json!({"error": reason}).to_string().into());
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// The answer to a request whose body is compressed, 415: what cannot be read is not acknowledged. `None` for
/// one that is sent as it is.
#[must_use]
pub fn refused_encoding<B: From<String>>(headers: &HeaderMap) -> Option<Response<B>> {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let is_as_it_is = |value: &HeaderValue| {
        let value = value.as_bytes().trim_ascii();
        value.is_empty() || value.eq_ignore_ascii_case(b"identity")
    };
    (!encodings.all(is_as_it_is)).then(|| {
        let reason = "the body is encoded (Content-Encoding); allowed: a body as it is";
        refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason)
    })
}

/// The answer to a request of which a connection or an account brings too many, 429, with `Retry-After`.
#[must_use]
pub fn refused_rate<B: From<String>>(too_many: TooMany) -> Response<B> {
    let mut response = refusal(
        StatusCode::TOO_MANY_REQUESTS,
        "more requests in a second than rate_per_second; send it again later",
    );
    let seconds = too_many.retry_after.as_secs().max(1);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// The answer of a handler; 503 where it panics. The panic's message, which may quote what somebody wrote, is not in the
/// answer, and not in what Lambda would be told of the failure.
pub async fn catch_panic<B: From<String>>(
    handler: impl Future<Output = Response<B>>,
) -> Response<B> {
    let answer = AssertUnwindSafe(handler).catch_unwind().await;
    answer.unwrap_or_else(|_| {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        refusal(status, "not stored, send it again")
    })
}

/// Gives an answer that the router made by itself, without a body or with a text, the form of
/// [`refusal`]: there is no such path, or the method or the body is not taken.
#[must_use]
pub fn normalize_error_response<B: From<String>>(response: Response<B>) -> Response<B> {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_page = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let is_ours = is_page || kind.is_some_and(|kind| kind == "application/json");
    if is_ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let reason = match status {
        StatusCode::NOT_FOUND => "there is nothing at this path",
        StatusCode::METHOD_NOT_ALLOWED => "this method is not allowed here; allowed: see Allow",
        StatusCode::PAYLOAD_TOO_LARGE => "the body is larger; allowed: at most 10 MB",
        StatusCode::BAD_REQUEST => "the path or the body cannot be read",
        other => other.canonical_reason().unwrap_or("refused"),
    };
    let mut ours = refusal(status, reason);
    if let Some(allow) = response.headers().get(header::ALLOW) {
        ours.headers_mut().insert(header::ALLOW, allow.clone());
    }
    ours
}

impl Retryable for NotDurable {
    fn retry(&self) -> Retry {
        match self {
            Self::Ledger(error) => error.retry(),
            Self::Queue(_) | Self::Busy => Retry::Later(None),
            Self::Change(failure) => failure.retry,
        }
    }
}

impl Bridge {
    /// Appends an entry and rings its lane. A repeated delivery rings again while its entry is pending. What is of
    /// before its user was forgotten is dropped.
    pub async fn accept(
        &self,
        context: RequestContext<'_>,
        lane: &Lane,
        key: &EntryKey,
        payload: &Payload,
        at: Timestamp,
    ) -> Result<(), NotDurable> {
        let accepted = self.accept_first(context, lane, key, payload, at);
        accepted.await.map(drop)
    }

    /// As [`Bridge::accept`]; returns whether it came for the first time.
    pub async fn accept_first(
        &self,
        context: RequestContext<'_>,
        lane: &Lane,
        key: &EntryKey,
        payload: &Payload,
        at: Timestamp,
    ) -> Result<bool, NotDurable> {
        if self.ledger.table().is_late(lane, at).await? {
            telemetry::of_forgotten(context.source, context.now);
            return Ok(false);
        }
        record_received(context, lane, key);
        let since = Timestamp::now();
        let ledger = &self.ledger;
        let appended = ledger.append_on_time(lane, key, payload, at, context.now);
        let appended = appended.await?;
        self.ring_for(context, lane, key, appended, since).await?;
        Ok(appended == Appended::New)
    }

    /// Rings for an entry that is in the ledger since `since`, unless nothing is left to be done of it.
    async fn ring_for(
        &self,
        context: RequestContext<'_>,
        lane: &Lane,
        key: &EntryKey,
        appended: Appended,
        since: Timestamp,
    ) -> Result<(), NotDurable> {
        let repeat = match appended {
            Appended::New => Some(Repeat::First),
            Appended::Pending => Some(Repeat::Again),
            Appended::Done | Appended::Late => None,
        };
        if let Some(repeat) = repeat {
            let ring = Ring::V1 {
                lane: lane.clone(),
                key: key.clone(),
                at: context.now,
            };
            self.queue.ring(&ring, repeat).await?;
        }
        let outcome = if appended == Appended::New {
            Outcome::Ok
        } else {
            Outcome::Repeated
        };
        Hop::new("appended", context.source)
            .entry(lane, key)
            .outcome(outcome)
            .since(since)
            .emit();
        Ok(())
    }

    /// Appends an event of Haptik's to the lane of each sink that wants it. `body` is the event as it came.
    pub async fn accept_for_sinks(
        &self,
        context: RequestContext<'_>,
        event: &Event,
        payload: &Payload,
        body: &[u8],
    ) -> Result<(), NotDurable> {
        if self.config.sinks.is_empty() {
            return Ok(());
        }
        let key = event.key(body);
        let told = self.append_for_sinks(context, event, payload, &key);
        told.await.map(drop)
    }

    /// Appends an event to the lane of each sink that wants it: one of Haptik's, or one of the bridge's
    /// own in the same form; whether one wants it. `key` is the event's place, `payload` has it as it came.
    /// One that names no user has the lane of [`AuthId::anonymous`].
    pub async fn append_for_sinks(
        &self,
        context: RequestContext<'_>,
        event: &Event,
        payload: &Payload,
        key: &EntryKey,
    ) -> Result<bool, NotDurable> {
        if self.config.sinks.is_empty() {
            return Ok(false);
        }
        let at = event.timestamp.unwrap_or(context.now);
        let value = match payload {
            Payload::Webhook { body, .. } => {
                lenient_json::read(body.as_bytes()).unwrap_or_default()
            }
            _ => Value::Null,
        };
        let mut is_wanted = false;
        for sink in self.sinks_for(&event.event_name, &value) {
            let lane = Lane::Sink {
                sink: sink.to_owned(),
                auth_id: event.auth_id.clone().unwrap_or_else(AuthId::anonymous),
            };
            self.accept(context, &lane, key, payload, at).await?;
            is_wanted = true;
        }
        Ok(is_wanted)
    }

    /// Keeps a body that was verified and not understood, for a look.
    pub async fn keep_not_understood(
        &self,
        context: RequestContext<'_>,
        body: &[u8],
        reason: &str,
    ) -> Result<(), NotDurable> {
        let lane = Lane::NotUnderstood {
            edge: context.source.to_owned(),
        };
        let key = EntryKey::from(hex::encode(Sha256::digest(body)));
        let payload = match std::str::from_utf8(body) {
            Ok(text) => Payload::NotUnderstood {
                body: text.to_owned(),
                base64: false,
            },
            Err(_) => Payload::NotUnderstood {
                body: STANDARD.encode(body),
                base64: true,
            },
        };
        self.ledger
            .append_dead(&lane, &key, &payload, reason, context.now)
            .await?;
        Hop::new("received", context.source)
            .entry(&lane, &key)
            .outcome(Outcome::NotUnderstood)
            .since(context.now)
            .reason(reason)
            .emit();
        Ok(())
    }

    /// Whether something said in public is for the bot.
    async fn is_for_the_bot(&self, inbound: &Inbound) -> Result<bool, NotDurable> {
        match &inbound.addressed {
            Addressed::Yes | Addressed::StartsThread(_) => Ok(true),
            Addressed::IfThreadActive(thread) => {
                Ok(self.users.is_thread_open(&inbound.auth_id, thread).await?)
            }
        }
    }

    /// Whether a user was forgotten who does something, at this time by the channel's clock. Who was forgotten before is a
    /// new user from then on, which is noted; what is from before is logged.
    pub async fn begin_anew(
        &self,
        context: RequestContext<'_>,
        auth_id: &AuthId,
        at: Timestamp,
    ) -> Result<Erasure, NotDurable> {
        let erasure = self.ledger.table().begin_anew(auth_id, at).await?;
        if erasure == Erasure::Since {
            telemetry::of_forgotten(context.source, context.now);
        }
        Ok(erasure)
    }

    /// Accepts something to be done in a channel.
    pub async fn accept_task(
        &self,
        context: RequestContext<'_>,
        connection: &ConnectionId,
        task: Task,
    ) -> Result<(), NotDurable> {
        if self.begin_anew(context, &task.auth_id, task.at).await? == Erasure::Since {
            return Ok(());
        }
        let (lane, key, at) = (Lane::Task(task.auth_id.clone()), task.key.clone(), task.at);
        let payload = Payload::Task {
            connection: connection.clone(),
            task,
        };
        self.accept(context, &lane, &key, &payload, at).await
    }

    /// Accepts what a user did; `handoff` is the one in which alone it counts.
    pub async fn accept_inbound(
        &self,
        context: RequestContext<'_>,
        connection: &ConnectionId,
        inbound: Inbound,
        handoff: Option<String>,
    ) -> Result<(), NotDurable> {
        if !self.is_for_the_bot(&inbound).await? {
            return Ok(());
        }
        self.queue.comes_by(&inbound.auth_id, connection);
        let is_news = matches!(inbound.action, UserAction::ProfileChanged);
        if is_news && self.users.get(&inbound.auth_id).await?.is_none() {
            // Providers tell of everybody, of whom few ever write.
            return Ok(());
        }
        let erasure = self
            .begin_anew(context, &inbound.auth_id, inbound.at)
            .await?;
        if erasure == Erasure::Since {
            return Ok(());
        }
        if let (Addressed::StartsThread(thread), Erasure::None) = (&inbound.addressed, erasure) {
            let users = &self.users;
            users
                .open_thread(&inbound.auth_id, thread, context.now)
                .await?;
        }
        let (lane, key, at) = (
            Lane::Haptik(inbound.auth_id.clone()),
            inbound.key.clone(),
            inbound.at,
        );
        let payload = Payload::Inbound {
            connection: connection.clone(),
            inbound: Box::new(inbound),
            handoff,
        };
        self.accept(context, &lane, &key, &payload, at).await
    }
}

/// Records that something came that is to be an entry.
fn record_received(context: RequestContext<'_>, lane: &Lane, key: &EntryKey) {
    let hop = Hop::new("received", context.source).entry(lane, key);
    hop.since(context.now).emit();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_without_what_the_panic_says() {
        let calm = catch_panic(async { Response::new("taken".to_owned()) }).await;
        assert_eq!(
            (calm.status(), calm.body().as_str()),
            (StatusCode::OK, "taken")
        );
        let panics = catch_panic(async {
            tokio::task::yield_now().await;
            panic!("byte index 1 is not a char boundary of `my card is 4111`")
        });
        let answer: Response<String> = panics.await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.body(), r#"{"error":"not stored, send it again"}"#);
    }
}
