//! Towards a sink: an event, as Haptik delivered it, as soon as the sink as a whole can take it.

use std::time::Duration;

use haptik_bridge_shared::breaker::{Admission, CircuitBreaker};
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::AccountId;
use haptik_bridge_shared::ingest::{Occurrence, RequestContext};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload};
use haptik_bridge_shared::net::CallErrorKind;
use haptik_bridge_shared::own_events::OperatorEvent;
use haptik_bridge_shared::retry::{self, Failure};
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::telemetry::{Hop, Outcome};
use haptik_bridge_sinks::{Delivered, Delivery, SinkError, Sinks};
use jiff::Timestamp;

use crate::attempt::{Attempt, DeliveryOutcome, LaneStopped};
use crate::limits::Limits;

/// The longest time that is waited for here: a longer one is waited for in the queue.
const SHORT_WAIT: Duration = Duration::from_secs(1);

/// How often a delivery comes in at the time that is reserved for it, before it comes less and less often.
const OFTEN_IN_VAIN: u32 = 20;

/// Delivers Haptik's events to sinks.
pub(crate) struct ToSink<'a> {
    pub(crate) bridge: &'a Bridge,
    pub(crate) sinks: &'a Sinks,
    pub(crate) limits: &'a Limits,
}

impl ToSink<'_> {
    /// Whether an entry may be delivered now, as far as its sink as a whole goes; and what is known of
    /// that. One of another lane may always. `receives` is how often its ring was handed over.
    pub(crate) async fn admit(
        &self,
        entry: &Entry,
        receives: u32,
    ) -> Result<Result<CircuitBreaker, LaneStopped>, TableError> {
        let (Lane::Sink { sink: name, .. }, Payload::Webhook { body, .. }) =
            (&entry.lane, &entry.payload)
        else {
            return Ok(Ok(CircuitBreaker::default()));
        };
        let (Some(sink), Some(configured)) =
            (self.sinks.get(name), self.bridge.config.sinks.get(name))
        else {
            return Ok(Ok(CircuitBreaker::default()));
        };
        if Event::read(body.as_bytes()).is_ok_and(|event| !sink.sends(&event)) {
            return Ok(Ok(CircuitBreaker::default()));
        }
        let mut reserved = entry.reserved;
        loop {
            let entered = self.bridge.breakers.enter(
                name,
                configured.rate_per_second,
                sink.requests(),
                reserved,
                self.limits.probe_every,
            );
            match entered.await? {
                Admission::Open(breaker) => return Ok(Ok(breaker)),
                Admission::Closed => return Ok(Err(LaneStopped { pause: None })),
                Admission::Wait(pause, at) if pause <= SHORT_WAIT => {
                    tokio::time::sleep(pause).await;
                    reserved = at.or(reserved);
                }
                // Who only waits comes less and less often: the queue counts how often.
                Admission::Wait(pause, None) => {
                    let pause = pause.max(retry::pause(receives, None));
                    return Ok(Err(LaneStopped { pause: Some(pause) }));
                }
                Admission::Wait(pause, at) => {
                    if at != entry.reserved {
                        self.bridge.ledger.put_off(entry, at).await?;
                    }
                    // Its time has come in vain again and again: of a sink that goes on answering 429.
                    let in_vain = receives.saturating_sub(OFTEN_IN_VAIN);
                    let pause = pause.max(retry::pause(in_vain, None));
                    return Ok(Err(LaneStopped { pause: Some(pause) }));
                }
            }
        }
    }

    pub(crate) async fn deliver(
        &self,
        attempt: &Attempt<'_>,
        name: &str,
        account: &AccountId,
        body: &str,
        again: bool,
    ) -> Result<DeliveryOutcome, Failure> {
        let entry = attempt.entry;
        let sink = self.sinks.get(name);
        let sink = sink.ok_or_else(|| Failure::not_configured("the sink is not configured"))?;
        let event =
            Event::read(body.as_bytes()).map_err(|error| Failure::permanent(error.to_string()))?;
        let delivered = sink
            .deliver(&Delivery {
                sink: name,
                account,
                event: &event,
                body,
                unmasked: body,
                key: &entry.key,
                received_at: entry.received_at,
                now: Timestamp::now(),
                again,
                completion_wait: self.limits.completion_wait,
                longest_settling: self.limits.longest_settling,
            })
            .await;
        match delivered {
            Ok(Delivered::Done) => {
                self.on_success(name, &attempt.breaker).await?;
                Ok(DeliveryOutcome::Whole)
            }
            Ok(Delivered::Ticket(ticket)) => {
                self.on_success(name, &attempt.breaker).await?;
                Ok(DeliveryOutcome::Shown(vec![ticket.id]))
            }
            Ok(Delivered::Nothing(reason)) => Ok(DeliveryOutcome::Nothing(reason)),
            Ok(Delivered::Later(pause, reason)) => Ok(DeliveryOutcome::Later(pause, reason)),
            Err(error) => self.on_failure(attempt, name, error).await,
        }
    }

    /// Notes that a sink works; when it needed attention until now, all that is pending there is rung for.
    async fn on_success(&self, name: &str, breaker: &CircuitBreaker) -> Result<(), TableError> {
        if !self.bridge.breakers.record_success(name, breaker).await? {
            return Ok(());
        }
        tracing::info!(sink = name, "the sink's credentials are accepted again");
        self.tell_operator(OperatorEvent::SinkOn, name, breaker, None)
            .await;
        if let Err(error) = self.bridge.ring_pending_of(name, Timestamp::now()).await {
            // It is rung for within the hour, and by every further event.
            tracing::warn!(sink = name, %error, "what is pending could not be rung for");
        }
        Ok(())
    }

    /// Tells the sinks that ask for it that one is off or on.
    async fn tell_operator(
        &self,
        event: OperatorEvent,
        name: &str,
        breaker: &CircuitBreaker,
        reason: Option<&str>,
    ) {
        let now = Timestamp::now();
        let occurrence = Occurrence {
            event,
            place: &format!("sinks/{name}"),
            part: None,
            since: breaker.since.unwrap_or(now),
            reason,
        };
        let context = RequestContext::new("processor", now);
        self.bridge.try_to_tell_operator(context, occurrence).await;
    }

    /// What a failure means for its entry and for the sink.
    async fn on_failure(
        &self,
        attempt: &Attempt<'_>,
        name: &str,
        error: SinkError,
    ) -> Result<DeliveryOutcome, Failure> {
        let breakers = &self.bridge.breakers;
        let error = refused_alone(attempt, error);
        if error.needs_attention() {
            let is_forbidden = matches!(&error, SinkError::Call(call) if call.code == "403");
            let now = Timestamp::now();
            let failure = Failure::from(error);
            let (reason, every) = (failure.in_full(), self.limits.probe_every);
            let closed = breakers.needs_attention(name, &attempt.breaker, &reason, every);
            if !closed.await? {
                let reason = "others have been taken since it began";
                return Ok(DeliveryOutcome::Later(SHORT_WAIT, reason));
            }
            if is_forbidden {
                self.bridge.ledger.forbidden(attempt.entry, now).await?;
            }
            record_needs_attention(attempt, name, &failure.reason);
            if attempt.breaker.attention.is_none() {
                let now_known = breakers.of(name).await?;
                let reason = Some(failure.reason.as_str());
                self.tell_operator(OperatorEvent::SinkOff, name, &now_known, reason)
                    .await;
            }
            return Ok(DeliveryOutcome::SinkClosed);
        }
        if let SinkError::Call(call) = &error {
            let pause = breakers.failed(name, &attempt.breaker, call).await?;
            match call.kind {
                CallErrorKind::RateLimited => {
                    return Ok(DeliveryOutcome::RateLimited(pause.unwrap_or(SHORT_WAIT)));
                }
                CallErrorKind::Refused => self.on_success(name, &attempt.breaker).await?,
                _ => {}
            }
        }
        Err(error.into())
    }
}

/// What an error is of: a 403 that an entry got before, when others have been taken since, is not of the
/// sink as a whole. It is this entry that the credentials do not allow for, and it is refused.
fn refused_alone(attempt: &Attempt<'_>, error: SinkError) -> SinkError {
    let Attempt { entry, breaker, .. } = attempt;
    let others_were_taken = entry.forbidden_at.is_some() && breaker.resumed_at > entry.forbidden_at;
    match error {
        SinkError::Call(call)
            if call.kind == CallErrorKind::Unauthorized
                && call.code == "403"
                && others_were_taken
                && breaker.attention.is_none() =>
        {
            call.as_kind(CallErrorKind::Refused).into()
        }
        error => error,
    }
}

/// Records that a sink needs attention: once for each try, so that an alarm lasts as long as it does.
fn record_needs_attention(attempt: &Attempt<'_>, name: &str, reason: &str) {
    Hop::new("needs_attention", &format!("sinks/{name}"))
        .entry(&attempt.entry.lane, &attempt.entry.key)
        .outcome(Outcome::WillRetry)
        .reason(Some(reason))
        .emit();
}
