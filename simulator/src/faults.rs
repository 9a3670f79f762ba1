//! Faults on request: what goes wrong, how often, and with which calls or deliveries.
//!
//! Each rule can be given as JSON to the control routes as well; see the fields for its keys.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that goes wrong with calls to the platform.
///
/// ```
/// # use haptik_bridge_simulator::{CallFault, CallOutcome};
/// let overloaded = CallFault {
///     times: Some(3),
///     ..CallFault::on("/v1.0/log_message_from_user/", CallOutcome::status(503))
/// };
/// # drop(overloaded);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallFault {
    /// The path it happens on. A `*` at the end stands for whatever follows; `*` alone is every path.
    pub path: String,
    /// Only calls of this method, such as `POST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// How many more calls it happens to; without it, until the faults are cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// How likely it happens to a call, 0.0 to 1.0.
    #[serde(default = "always")]
    pub probability: f64,
    /// How long the answer is held back, in milliseconds.
    #[serde(default)]
    pub delay_ms: u64,
    /// Whether the call takes effect all the same: the answer of a call carried out is then lost or
    /// replaced.
    #[serde(default)]
    pub takes_effect: bool,
    /// What is answered.
    #[serde(default)]
    pub outcome: CallOutcome,
}

impl CallFault {
    /// A fault of every call on a path, until the faults are cleared.
    #[must_use]
    pub fn on(path: impl Into<String>, outcome: CallOutcome) -> Self {
        Self {
            path: path.into(),
            method: None,
            times: None,
            probability: 1.0,
            delay_ms: 0,
            takes_effect: false,
            outcome,
        }
    }

    fn concerns(&self, method: &str, path: &str) -> bool {
        let path_fits = match self.path.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => path == self.path,
        };
        path_fits
            && self
                .method
                .as_deref()
                .is_none_or(|only| only.eq_ignore_ascii_case(method))
    }
}

/// What a faulty call is answered with.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CallOutcome {
    /// The right answer, only later: for a delay.
    #[default]
    Answer,
    /// This status.
    Status {
        /// The HTTP status.
        status: u16,
        /// The value of a `Retry-After` header, in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
        /// The body; by default an `error_message`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
    },
    /// Nothing: the connection is closed without a byte.
    Drop,
    /// Status 200 with a body that says it is JSON and is not.
    Garbage,
}

impl CallOutcome {
    /// This status, with the default body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Status {
            status,
            retry_after: None,
            body: None,
        }
    }
}

impl fmt::Debug for CallOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer => f.write_str("Answer"),
            Self::Status {
                status,
                retry_after,
                ..
            } => write!(f, "Status({status}, Retry-After {retry_after:?})"),
            Self::Drop => f.write_str("Drop"),
            Self::Garbage => f.write_str("Garbage"),
        }
    }
}

/// Something that goes wrong with deliveries to the webhook.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryFault {
    /// Only deliveries of this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_name: Option<String>,
    /// How many more deliveries it happens to; without it, until the faults are cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// How likely it happens to a delivery, 0.0 to 1.0.
    #[serde(default = "always")]
    pub probability: f64,
    /// What happens.
    pub outcome: DeliveryOutcome,
}

impl DeliveryFault {
    /// A fault of every delivery, until the faults are cleared.
    #[must_use]
    pub fn of(outcome: DeliveryOutcome) -> Self {
        Self {
            event_name: None,
            times: None,
            probability: 1.0,
            outcome,
        }
    }

    /// A fault of the next delivery only.
    #[must_use]
    pub fn once(outcome: DeliveryOutcome) -> Self {
        Self {
            times: Some(1),
            ..Self::of(outcome)
        }
    }
}

/// What happens to a faulty delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DeliveryOutcome {
    /// It is sent twice, at the same time.
    Duplicate,
    /// It is held back until the next delivery for the same user has been answered.
    Swap {
        /// When it is sent even though no other one came, in milliseconds.
        #[serde(default = "a_second")]
        hold_ms: u64,
    },
    /// It is sent later.
    Delay {
        /// How much later, in milliseconds.
        delay_ms: u64,
    },
    /// Something that is not JSON is sent beside it, well signed.
    Garbage,
    /// It is sent a second time with a wrong signature.
    Forged,
}

/// The rules in force.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) calls: Vec<CallFault>,
    pub(super) deliveries: Vec<DeliveryFault>,
}

impl Faults {
    /// What happens to this call: the first rule that concerns it and comes up.
    pub(super) fn for_call(
        &mut self,
        method: &str,
        path: &str,
        random: &mut fastrand::Rng,
    ) -> Option<CallFault> {
        let index = self.calls.iter().position(|fault| {
            fault.concerns(method, path) && comes_up(fault.probability, random)
        })?;
        let fault = self.calls.get_mut(index)?;
        let happening = fault.clone();
        if spent(&mut fault.times) {
            self.calls.remove(index);
        }
        Some(happening)
    }

    /// What happens to this delivery: every rule that concerns it and comes up.
    pub(super) fn for_delivery(
        &mut self,
        event_name: Option<&str>,
        random: &mut fastrand::Rng,
    ) -> DeliveryPlan {
        let mut plan = DeliveryPlan::default();
        self.deliveries.retain_mut(|fault| {
            let concerned = fault.event_name.is_none() || fault.event_name.as_deref() == event_name;
            if !concerned || !comes_up(fault.probability, random) {
                return true;
            }
            match fault.outcome {
                DeliveryOutcome::Duplicate => plan.duplicate = true,
                DeliveryOutcome::Swap { hold_ms } => {
                    plan.hold = Some(Duration::from_millis(hold_ms));
                }
                DeliveryOutcome::Delay { delay_ms } => {
                    plan.delay += Duration::from_millis(delay_ms);
                }
                DeliveryOutcome::Garbage => plan.garbage = true,
                DeliveryOutcome::Forged => plan.forged = true,
            }
            !spent(&mut fault.times)
        });
        plan
    }
}

/// What the rules together make of one delivery.
#[derive(Default)]
pub(super) struct DeliveryPlan {
    pub(super) duplicate: bool,
    pub(super) hold: Option<Duration>,
    pub(super) delay: Duration,
    pub(super) garbage: bool,
    pub(super) forged: bool,
}

fn comes_up(probability: f64, random: &mut fastrand::Rng) -> bool {
    probability >= 1.0 || random.f64() < probability
}

/// Counts one occurrence; true when it was the last.
fn spent(times: &mut Option<u32>) -> bool {
    let Some(left) = times else { return false };
    *left = left.saturating_sub(1);
    *left == 0
}

fn always() -> f64 {
    1.0
}

fn a_second() -> u64 {
    1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_with_a_star_concerns_what_follows_and_only_its_method() {
        let fault = CallFault {
            method: Some("post".into()),
            ..CallFault::on("/v1.0/*", CallOutcome::Drop)
        };
        assert!(fault.concerns("POST", "/v1.0/user/"));
        assert!(!fault.concerns("PUT", "/v1.0/user/"));
        assert!(!fault.concerns("POST", "/integration/"));
    }

    #[test]
    fn a_rule_is_gone_after_its_last_time_and_the_same_seed_repeats_the_run() {
        let mut faults = Faults::default();
        faults.calls.push(CallFault {
            times: Some(2),
            ..CallFault::on("*", CallOutcome::Garbage)
        });
        let mut random = fastrand::Rng::with_seed(7);
        let hits = (0..5).filter(|_| faults.for_call("GET", "/", &mut random).is_some());
        assert_eq!(hits.count(), 2);

        let run = |seed| {
            let mut faults = Faults::default();
            faults.calls.push(CallFault {
                probability: 0.5,
                ..CallFault::on("*", CallOutcome::Garbage)
            });
            let mut random = fastrand::Rng::with_seed(seed);
            (0..64)
                .map(|_| faults.for_call("GET", "/", &mut random).is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert!(run(7).contains(&true) && run(7).contains(&false));
    }

    #[test]
    fn rules_are_read_from_json() {
        let call: CallFault = serde_json::from_str(
            r#"{"path": "/v1.0/user/", "times": 2, "outcome": {"kind": "status", "status": 429, "retry_after": 3}}"#,
        )
        .expect("a call fault");
        assert_eq!(call.times, Some(2));
        let delivery: DeliveryFault =
            serde_json::from_str(r#"{"outcome": {"kind": "swap"}}"#).expect("a delivery fault");
        assert_eq!(delivery.outcome, DeliveryOutcome::Swap { hold_ms: 1000 });
    }
}
