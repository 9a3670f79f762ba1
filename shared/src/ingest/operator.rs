//! Telling sinks what happens to the bridge itself.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{NotDurable, RequestContext};
use crate::bridge::Bridge;
use crate::haptik::webhook::Event;
use crate::ids::AccountId;
use crate::key::KeyKind;
use crate::ledger::Payload;
use crate::own_events::OperatorEvent;

/// What happened to which part of the bridge.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence<'a> {
    /// What.
    pub event: OperatorEvent,
    /// To what, as logs name it: `sinks/crm`, `haptik/main`, `channels/acme`.
    pub place: &'a str,
    /// Which part of it, where it has several: a workspace's id.
    pub part: Option<&'a str>,
    /// When it began. With the rest it says which occurrence it is: what has the same is told once.
    pub since: Timestamp,
    /// Why, in words that may be logged.
    pub reason: Option<&'a str>,
}

impl Bridge {
    /// Tells an occurrence to the sinks that ask for it by its name. Telling it again changes nothing.
    ///
    /// # Errors
    /// When it is not durable: to be done again.
    pub async fn tell_operator(
        &self,
        context: RequestContext<'_>,
        occurrence: Occurrence<'_>,
    ) -> Result<(), NotDurable> {
        let name = occurrence.event.name();
        let wants = |sink: &crate::config::Sink| sink.wants(name);
        if !self.config.sinks.values().any(wants) {
            return Ok(());
        }
        let Some(account) = self.account_of(occurrence.place) else {
            return Ok(());
        };
        let body = body(context.now, occurrence).to_string();
        let Ok(event) = Event::read(body.as_bytes()) else {
            return Ok(());
        };
        let payload = Payload::Webhook { account, body };
        let part = occurrence.part.unwrap_or_default();
        let key = format!("{name}-{}-{part}", occurrence.place);
        let key = KeyKind::notice(occurrence.since, key).into();
        let told = self.append_for_sinks(context, &event, &payload, &key);
        told.await.map(drop)
    }

    /// As [`Bridge::tell_operator`], where nothing hangs on it: a failure is logged, and no more.
    pub async fn try_to_tell_operator(
        &self,
        context: RequestContext<'_>,
        occurrence: Occurrence<'_>,
    ) {
        if let Err(error) = self.tell_operator(context, occurrence).await {
            let name = occurrence.event.name();
            tracing::warn!(place = occurrence.place, name, %error, "sinks are not told");
        }
    }

    /// The account that a place belongs to: the first one for a sink, which has events of all.
    fn account_of(&self, place: &str) -> Option<AccountId> {
        match place.split_once('/')? {
            ("haptik", name) => Some(name.into()),
            ("channels", name) => Some(self.connection(name)?.1.account.clone()),
            _ => self.haptik.keys().next().cloned(),
        }
    }
}

fn body(now: Timestamp, occurrence: Occurrence<'_>) -> Value {
    json!({
        "event_name": occurrence.event.name(),
        "timestamp": format!("{now:.3}"),
        "data": {
            "place": occurrence.place,
            "part": occurrence.part,
            "since": format!("{:.3}", occurrence.since),
            "reason": occurrence.reason,
        },
    })
}
