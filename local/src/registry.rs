//! The types of channels and sinks that a configuration may name.

use haptik_bridge_channels::registry::DEFINITIONS as CHANNELS;
use haptik_bridge_shared::config::Registry;
use haptik_bridge_sinks::DEFINITIONS as SINKS;

/// All of them.
#[must_use]
pub const fn all() -> Registry {
    Registry {
        channels: CHANNELS,
        sinks: SINKS,
    }
}
