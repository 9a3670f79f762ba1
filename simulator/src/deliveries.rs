//! Deliveries to the webhook: signature, retries, disabling, and the queue of a disabled webhook
//! (docs.haptik.ai, webhooks/protocols).
//!
//! Every event is carried by its own task, so that several are under way at once and may arrive in
//! any order, as with the real platform. Between two tries a task holds the simulator weakly: when
//! the last handle is dropped, what was still to be tried is forgotten.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::Value;
use sha1::Sha1;
use tokio::time::{Instant, sleep};

use super::{
    account::{Inner, Simulator},
    faults::DeliveryPlan,
    records::{Attempt, Delivery, DeliveryKind, DeliveryState},
    state::State,
    webhook::{HeldEvent, QueuedDelivery},
};

/// How long after each failed try the next one follows, before scaling.
const RETRY_PAUSES: [u64; 6] = [5, 25, 125, 625, 1410, 1410];

/// How long an event waits for a disabled webhook, before scaling.
const WAITING_TIME: Duration = Duration::from_hours(1);

impl Simulator {
    /// Where events are delivered from now on. Those that wait for a URL are sent at once.
    pub fn set_webhook_url(&self, url: impl Into<String>) {
        let url = url.into();
        let ready = self.change(|state| {
            state.webhook.url = Some(url);
            self.take_waiting(state)
        });
        self.send_all(ready);
    }

    /// Enables the webhook, as somebody can in the platform's dashboard. What waits is delivered.
    pub fn enable_webhook(&self) {
        let ready = self.change(|state| {
            state.webhook.enabled = true;
            self.take_waiting(state)
        });
        self.send_all(ready);
    }

    /// Disables the webhook, as the platform does after the last failed try of a delivery.
    pub fn disable_webhook(&self) {
        self.change(|state| state.webhook.enabled = false);
    }

    /// Whether the webhook is enabled.
    #[must_use]
    pub fn webhook_is_enabled(&self) -> bool {
        self.read(|state| state.webhook.enabled)
    }

    /// How many events wait for the webhook to be enabled, or for its URL.
    #[must_use]
    pub fn waiting_events(&self) -> usize {
        self.read(|state| state.webhook.waiting.len())
    }

    /// Lets this much of the platform's time pass, unscaled: an event that has waited an hour for the
    /// webhook is lost, and a chat without a word for [`Behaviour::idle_seconds`](super::Behaviour)
    /// completes.
    pub fn let_time_pass(&self, time: Duration) {
        let scaled = self.inner.settings.scaled(time);
        self.change(|state| state.webhook.ahead += scaled);
        self.complete_the_idle();
    }

    /// Delivers a body as it is, signed, with retries. It need not be an event, or JSON at all.
    pub fn deliver_raw(&self, body: impl Into<String>) {
        let body: Arc<str> = body.into().into();
        let event = serde_json::from_str(&body).unwrap_or(Value::Null);
        self.dispatch(&event, body);
    }

    /// Delivers an event as it is, signed, with retries.
    pub fn deliver(&self, event: &Value) {
        self.dispatch(event, event.to_string().into());
    }

    fn dispatch(&self, event: &Value, body: Arc<str>) {
        let about = EventSummary::of(event);
        let at = Timestamp::now();
        let (parcel, plan, held) = self.change(|state| {
            let mut plan = DeliveryPlan::default();
            let parcel = record(state, &about, body, DeliveryKind::Event, at);
            if !state.webhook.is_open() {
                self.put_in_queue(state, parcel.clone());
                return (None, plan, None);
            }
            let State {
                faults,
                random,
                webhook,
                records,
                ..
            } = state;
            plan = faults.for_delivery(about.event_name.as_deref(), random);
            let user = about.auth_id.clone().unwrap_or_default();
            // A second one held for the same user would hide the first, so it is sent instead.
            let held = webhook.held.remove(&user);
            if held.is_none() && plan.hold.is_some() {
                webhook.held.insert(user, parcel.clone());
                if let Some(delivery) = records.deliveries.numbered(parcel.number) {
                    delivery.state = DeliveryState::Held;
                }
            } else {
                plan.hold = None;
            }
            (Some(parcel), plan, held)
        });
        let Some(parcel) = parcel else { return };
        self.send_extras(&about, &parcel, &plan, at);
        match plan.hold {
            Some(longest) => {
                self.release_after(longest, about.auth_id.unwrap_or_default(), parcel.number);
            }
            None => self.send(parcel, plan.delay, held),
        }
    }

    /// What the faults send beside the delivery.
    fn send_extras(
        &self,
        about: &EventSummary,
        parcel: &QueuedDelivery,
        plan: &DeliveryPlan,
        at: Timestamp,
    ) {
        let garbage: Arc<str> = "{\"event_name\": \"message\", \"message\": {".into();
        let extras = [
            (plan.duplicate, DeliveryKind::Duplicate, &parcel.body),
            (plan.garbage, DeliveryKind::Garbage, &garbage),
            (plan.forged, DeliveryKind::Forged, &parcel.body),
        ];
        for (_, kind, body) in extras.into_iter().filter(|(wanted, ..)| *wanted) {
            let extra = self.change(|state| record(state, about, Arc::clone(body), kind, at));
            self.send(extra, Duration::ZERO, None);
        }
    }

    /// Sends a held delivery even though the user's next one never came.
    fn release_after(&self, longest: Duration, user: String, number: u64) {
        let weak = Arc::downgrade(&self.inner);
        self.spawn(async move {
            sleep(longest).await;
            let Some(simulator) = upgrade(&weak) else {
                return;
            };
            let parcel = simulator.change(|state| {
                let still_held = state.webhook.held.get(&user)?.number == number;
                still_held
                    .then(|| state.webhook.held.remove(&user))
                    .flatten()
            });
            if let Some(parcel) = parcel {
                simulator.send(parcel, Duration::ZERO, None);
            }
        });
    }

    fn send_all(&self, parcels: Vec<QueuedDelivery>) {
        for parcel in parcels {
            self.send(parcel, Duration::ZERO, None);
        }
    }

    /// Carries a delivery through all its tries; `then` follows its first one.
    fn send(&self, parcel: QueuedDelivery, delay: Duration, mut then: Option<QueuedDelivery>) {
        let weak = Arc::downgrade(&self.inner);
        let settings = &self.inner.settings;
        let mut pauses = vec![delay];
        // What a fault sends beside the event is tried once: it is not the platform's delivery.
        if parcel.kind == DeliveryKind::Event {
            pauses.extend(RETRY_PAUSES.map(|pause| settings.scaled(Duration::from_secs(pause))));
        }
        self.spawn(async move {
            for pause in pauses {
                if !pause.is_zero() {
                    sleep(pause).await;
                }
                let Some(simulator) = upgrade(&weak) else {
                    return;
                };
                let done = simulator.try_once(&parcel).await;
                if let Some(next) = then.take() {
                    simulator.send(next, Duration::ZERO, None);
                }
                if done {
                    return;
                }
            }
            if let Some(simulator) = upgrade(&weak) {
                simulator.give_up(&parcel);
            }
        });
    }

    /// One try. True when nothing is left to do: it was delivered, or waits in the queue.
    async fn try_once(&self, parcel: &QueuedDelivery) -> bool {
        let url = self.change(|state| {
            if !state.webhook.is_open() {
                self.put_in_queue(state, parcel.clone());
                return None;
            }
            set_state(state, parcel.number, DeliveryState::Pending);
            state.webhook.url.clone()
        });
        let Some(url) = url else { return true };
        let at = Timestamp::now();
        let started = Instant::now();
        let (status, error) = self.post(&url, parcel).await;
        let delivered = status.is_some_and(|status| (200..300).contains(&status));
        self.change(|state| {
            if let Some(delivery) = state.records.deliveries.numbered(parcel.number) {
                delivery.attempts.push(Attempt {
                    at,
                    status,
                    error,
                    took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                });
                if delivered {
                    delivery.state = DeliveryState::Delivered;
                }
            }
        });
        delivered
    }

    async fn post(
        &self,
        url: &str,
        parcel: &QueuedDelivery,
    ) -> (Option<u16>, Option<&'static str>) {
        let Some(client) = &self.inner.client else {
            return (None, Some("no client"));
        };
        let secret = self.inner.settings.webhook_secret.expose_secret();
        let mut signature = signature(secret, parcel.body.as_bytes());
        if parcel.kind == DeliveryKind::Forged {
            signature = signature.chars().rev().collect();
        }
        let sent = client
            .post(url)
            .timeout(self.inner.settings.delivery_timeout)
            .header("Content-Type", "application/json")
            .header("X-Hub-Signature", format!("sha1={signature}"))
            .body(parcel.body.to_string())
            .send()
            .await;
        match sent {
            Ok(response) => (Some(response.status().as_u16()), None),
            Err(error) if error.is_timeout() => (None, Some("timeout")),
            Err(error) if error.is_connect() => (None, Some("connect")),
            Err(_) => (None, Some("broken")),
        }
    }

    fn give_up(&self, parcel: &QueuedDelivery) {
        self.change(|state| {
            set_state(state, parcel.number, DeliveryState::Failed);
            if parcel.kind == DeliveryKind::Event {
                state.webhook.enabled = false;
            }
        });
    }

    fn put_in_queue(&self, state: &mut State, parcel: QueuedDelivery) {
        set_state(state, parcel.number, DeliveryState::Waiting);
        state.webhook.waiting.push_back(HeldEvent {
            parcel,
            since: Instant::now(),
            ahead: state.webhook.ahead,
        });
        if state.webhook.waiting.len() > self.inner.settings.keep_records.max(1)
            && let Some(oldest) = state.webhook.waiting.pop_front()
        {
            set_state(state, oldest.parcel.number, DeliveryState::Lost);
        }
    }

    /// What waits and is not too old, when it can be sent.
    fn take_waiting(&self, state: &mut State) -> Vec<QueuedDelivery> {
        if !state.webhook.is_open() {
            return Vec::new();
        }
        let limit = self.inner.settings.scaled(WAITING_TIME);
        let ahead = state.webhook.ahead;
        let waited =
            |waiting: &HeldEvent| waiting.since.elapsed() + ahead.saturating_sub(waiting.ahead);
        let (fresh, old): (Vec<_>, Vec<_>) = std::mem::take(&mut state.webhook.waiting)
            .into_iter()
            .partition(|waiting| waited(waiting) <= limit);
        for waiting in old {
            set_state(state, waiting.parcel.number, DeliveryState::Lost);
        }
        fresh.into_iter().map(|waiting| waiting.parcel).collect()
    }
}

/// The hexadecimal HMAC-SHA1 of a body, as `X-Hub-Signature` has it after `sha1=`.
#[must_use]
pub fn signature(secret: &str, body: &[u8]) -> String {
    // HMAC takes a key of any length, so there is always a code to compute.
    Hmac::<Sha1>::new_from_slice(secret.as_bytes())
        .map(|mac| hex::encode(mac.chain_update(body).finalize().into_bytes()))
        .unwrap_or_default()
}

/// What a record says about an event.
struct EventSummary {
    event_name: Option<String>,
    message_id: Option<u64>,
    auth_id: Option<String>,
}

impl EventSummary {
    fn of(event: &Value) -> Self {
        let text = |pointer| Some(event.pointer(pointer)?.as_str()?.to_owned());
        Self {
            event_name: text("/event_name"),
            message_id: event.pointer("/message/id").and_then(Value::as_u64),
            auth_id: text("/user/auth_id"),
        }
    }
}

fn record(
    state: &mut State,
    about: &EventSummary,
    body: Arc<str>,
    kind: DeliveryKind,
    at: Timestamp,
) -> QueuedDelivery {
    let number = state.records.deliveries.push(Delivery {
        at,
        kind,
        event_name: about.event_name.clone(),
        message_id: about.message_id,
        auth_id: about.auth_id.clone(),
        body: body.to_string(),
        attempts: Vec::new(),
        state: DeliveryState::Pending,
    });
    QueuedDelivery { number, body, kind }
}

fn set_state(state: &mut State, number: u64, to: DeliveryState) {
    if let Some(delivery) = state.records.deliveries.numbered(number) {
        delivery.state = to;
    }
}

fn upgrade(weak: &Weak<Inner>) -> Option<Simulator> {
    weak.upgrade().map(|inner| Simulator { inner })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_hmac_of_rfc_2202() {
        assert_eq!(
            signature("Jefe", b"what do ya want for nothing?"),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        );
    }
}
