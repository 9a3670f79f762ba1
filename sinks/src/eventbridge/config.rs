//! `type = "eventbridge"`
//! (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html>).

use haptik_bridge_shared::config::SinkDefinition;
use haptik_bridge_shared::config::kind::{TextOf, quote};
use haptik_bridge_shared::section;

/// The type.
pub(super) const DEFINITION: SinkDefinition = SinkDefinition::of::<Config>("eventbridge");

section! {
    /// `type = "eventbridge"`: a bus of Amazon EventBridge.
    #[derive(PartialEq, Eq)]
    pub struct Config {
        /// The bus: its name, or its ARN.
        event_bus: String = default(EVENT_BUS, "default"),
        /// The `source` that its events have: 1 to 256 visible ASCII characters, not beginning with `aws.`.
        source: String = default(EVENT_SOURCE, "haptik-bridge"),
    }
}

/// The name or the ARN of an event bus.
const EVENT_BUS: TextOf = TextOf {
    name: "text",
    allowed: "the name of an event bus (1 to 256 of A-Z, a-z, 0-9 and ./-_) or its ARN \
        (arn:aws:events:REGION:ACCOUNT:event-bus/NAME)",
    check: |bus| {
        let name = if bus.contains(':') {
            name_in_arn(bus)
        } else {
            Some(bus)
        };
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"./-_".contains(&byte);
        let good = |name: &str| (1..=256).contains(&name.len()) && name.bytes().all(allowed);
        name.filter(|name| good(name))
            .map(drop)
            .ok_or_else(|| quote(bus))
    },
};

fn name_in_arn(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "events", region, account, resource] = parts.as_slice() else {
        return None;
    };
    let good = partition.starts_with("aws")
        && !region.is_empty()
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit());
    resource.strip_prefix("event-bus/").filter(|_| good)
}

/// The source of events on a bus.
const EVENT_SOURCE: TextOf = TextOf {
    name: "text",
    allowed: "1 to 256 visible ASCII characters that do not begin with \"aws.\"",
    check: |source| {
        let good = source.len() <= 256 && source.bytes().all(|byte| byte.is_ascii_graphic());
        if !good || source.starts_with("aws.") {
            return Err(quote(source));
        }
        Ok(())
    },
};
