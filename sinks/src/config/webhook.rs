//! `type = "webhook"`.

use url::Url;

use haptik_bridge_shared::config::kind::{FullUrl, SecretList};
use haptik_bridge_shared::config::{Secrets, SinkDefinition};
use haptik_bridge_shared::section;

/// The type.
pub const DEFINITION: SinkDefinition = SinkDefinition::of::<Webhook>("webhook");

section! {
    /// `type = "webhook"`: a signed request for every event, as
    /// [Standard Webhooks](https://www.standardwebhooks.com).
    pub struct Webhook {
        /// Where the events go.
        url: Url = required(FullUrl),
        /// As of a `custom` channel. Each signs.
        signing_secrets: Secrets = required(SecretList::STANDARD_WEBHOOKS),
    }
}
