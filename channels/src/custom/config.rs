//! `type = "custom"` in the configuration.

use url::Url;

use haptik_bridge_shared::config::kind::{Flag, FullUrl, OneOf, SecretList};
use haptik_bridge_shared::config::{ChannelDefinition, OwnIds, Secrets};
use haptik_bridge_shared::section;

/// The type.
pub const DEFINITION: ChannelDefinition = ChannelDefinition {
    // A bot waits to have its user back.
    defaults: &[("no_agent_after", "\"5m\"")],
    auth_ids: OwnIds::UserOrEmail,
    setup: |_, url| {
        let paste = "Paste into your application, as the URL that it posts to";
        vec![(paste, url.to_owned())]
    },
    ..ChannelDefinition::of::<Custom>("custom")
};

section! {
    /// `type = "custom"`: an application of one's own, signed both ways as
    /// [Standard Webhooks](https://www.standardwebhooks.com).
    pub struct Custom {
        /// `whsec_` and the base64 of at least 16 random bytes, 24 to 64 being usual: `echo whsec_$(openssl rand -base64 32)`.
        signing_secrets: Secrets = required(SecretList::STANDARD_WEBHOOKS),
        /// Where your application gets its messages.
        callback_url: Url = required(FullUrl),
        /// The application has a bot of its own: what its users say is taken only during a [hand-off](custom-channel.md#hand-off-a-bot-of-your-own-and-haptiks-agents), and answered 409 outside one.
        handoff_only: bool = default(Flag, false),
        /// Whether an action that opens a link and says something by it has a `value` beside its `url`.
        link_says: bool = default(Flag, true),
        /// Whether the application is told [what became of each message](custom-channel.md#receipts), of its users' and of Haptik's: `message_delivered` or `message_failed`.
        receipts: bool = default(Flag, false),
        /// How Haptik is told what was said before a hand-off: in one message, or as few as it fits into, or line by line.
        transcript: Transcript = default(TRANSCRIPTS, "message"),
    }
}

/// How a transcript is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transcript {
    /// `"message"`: as one message, or as few as it fits into.
    #[default]
    Message,
    /// `"lines"`: line by line.
    Lines,
}

const TRANSCRIPTS: OneOf<Transcript> = OneOf {
    words: &[
        ("message", Transcript::Message),
        ("lines", Transcript::Lines),
    ],
};
