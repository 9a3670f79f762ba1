//! The events that the bridge tells sinks only where they name them: what became of each message, and what happens
//! to the bridge itself.

/// The events by which sinks and applications hear what became of a message.
pub const RECEIPTS: [&str; 2] = ["message_delivered", "message_failed"];

/// An event of the bridge's own working, of nobody's conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorEvent {
    /// A sink refuses the credentials: nothing is delivered there until somebody mends it.
    SinkOff,
    /// A sink that was off takes events again.
    SinkOn,
    /// Haptik had disabled the webhook, as is known now.
    WebhookDisabled,
    /// It is enabled again, and what was dropped meanwhile is delivered as far as it could be.
    WebhookEnabled,
    /// The app was installed in a workspace.
    WorkspaceInstalled,
    /// The app was removed from a workspace.
    WorkspaceGone,
    /// A token or another secret of the configuration is not accepted.
    SecretRefused,
}

impl OperatorEvent {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::SinkOff,
        Self::SinkOn,
        Self::WebhookDisabled,
        Self::WebhookEnabled,
        Self::WorkspaceInstalled,
        Self::WorkspaceGone,
        Self::SecretRefused,
    ];

    /// The event's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SinkOff => "sink_off",
            Self::SinkOn => "sink_on",
            Self::WebhookDisabled => "webhook_disabled",
            Self::WebhookEnabled => "webhook_enabled",
            Self::WorkspaceInstalled => "workspace_installed",
            Self::WorkspaceGone => "workspace_gone",
            Self::SecretRefused => "secret_refused",
        }
    }

    /// Whether an event of this name is one of them.
    #[must_use]
    pub fn is_named(name: &str) -> bool {
        Self::ALL.iter().any(|event| event.name() == name)
    }
}
