//! Towards a sink: an event, as Haptik delivered it.

use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::AccountId;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::sink::{Delivered, Delivery};
use jiff::Timestamp;

use crate::Processor;
use crate::drain::Done;

impl Processor {
    pub(crate) async fn to_sink(
        &self,
        entry: &Entry,
        name: &str,
        account: &AccountId,
        body: &str,
        again: bool,
    ) -> Result<Done, Failure> {
        let sink = self.bridge.sinks.get(name);
        let sink = sink.ok_or_else(|| Failure::permanent("the sink is no longer configured"))?;
        let event =
            Event::read(body.as_bytes()).map_err(|error| Failure::permanent(error.to_string()))?;
        let delivered = sink
            .deliver(&Delivery {
                bridge: &self.bridge,
                sink: name,
                account,
                event: &event,
                body,
                key: &entry.key,
                received_at: entry.received_at,
                now: Timestamp::now(),
                again,
                twin_wait: self.limits.twin_wait,
            })
            .await?;
        Ok(match delivered {
            Delivered::Done => Done::Delivered,
            Delivered::Nothing(reason) => Done::Nothing(reason),
            Delivered::Later(pause, reason) => Done::NotYet(pause, reason),
        })
    }
}
