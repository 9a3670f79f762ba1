//! Towards a sink: an event, as Haptik delivered it.

use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::AccountId;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::retry::Failure;
use jiff::Timestamp;

use crate::Processor;
use crate::drain::Done;

impl Processor {
    pub(crate) async fn to_sink(
        &self,
        entry: &Entry,
        sink: &str,
        account: &AccountId,
        body: &str,
    ) -> Result<Done, Failure> {
        let sink = self.bridge.sinks.get(sink);
        let sink = sink.ok_or_else(|| Failure::permanent("the sink is no longer configured"))?;
        let event =
            Event::read(body.as_bytes()).map_err(|error| Failure::permanent(error.to_string()))?;
        sink.deliver(account, &event, &entry.key, body, Timestamp::now())
            .await?;
        Ok(Done::Delivered)
    }
}
