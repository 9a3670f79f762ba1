//! Activity indicators (a typing indicator, a status, a reaction) that stay until they are cleared: what is noted of one with the user.

use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::message::Address;
use serde::{Deserialize, Serialize};

/// An indicator that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShownIndicator {
    /// By which connection; `None` by the user's.
    #[serde(rename = "by", default, skip_serializing_if = "Option::is_none")]
    pub(crate) connection: Option<ConnectionId>,
    /// Where.
    #[serde(rename = "at")]
    pub(crate) address: Address,
    /// On which message of the user's.
    #[serde(rename = "on")]
    pub(crate) message_id: String,
    /// What is shown there, as the channel needs it to clear it.
    #[serde(rename = "is", default, skip_serializing_if = "String::is_empty")]
    pub(crate) indicator: String,
}

impl ShownIndicator {
    /// As it is noted.
    pub(crate) fn written(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// Reads what [`ShownIndicator::written`] made.
    pub(crate) fn read(noted: &str) -> Option<Self> {
        serde_json::from_str(noted).ok()
    }
}
