//! Where in Slack to answer, and what is left to be done there: the types that the ledger keeps for this
//! channel.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::workspaces::WorkspaceId;
use haptik_bridge_shared::message::Mention;
use haptik_bridge_shared::redacted_debug;

/// A conversation, and a thread in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The conversation's id, or a user's, whose direct conversation is meant.
    pub(super) channel: String,
    /// The thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) thread_ts: Option<String>,
    /// The workspace; `None` where there is one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) workspace: Option<WorkspaceId>,
}

impl Address {
    /// Whether this is a thread with the assistant: those are threads of a direct conversation.
    pub(super) fn is_assistant_thread(&self) -> bool {
        self.thread_ts.is_some() && self.channel.starts_with('D')
    }
}

/// A call of the Web API that a request left for later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The method.
    pub(super) method: Method,
    /// The body to call it with.
    pub(super) body: Value,
    /// What the body says was asked, where that is to be said with the names of those who are mentioned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) about: Option<About>,
    /// In which workspace; `None` where there is one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) workspace: Option<WorkspaceId>,
}

impl Command {
    /// A call where there is one workspace only.
    pub(super) fn of(method: Method, body: Value) -> Self {
        Self {
            method,
            body,
            about: None,
            workspace: None,
        }
    }
}

/// What was asked of the bot.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    /// What was asked.
    pub(super) text: String,
    /// What stands in it in place of names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) mentions: Vec<Mention>,
}

redacted_debug!(About {
    text: bytes,
    mentions: len
});

/// The methods that a command may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Method {
    /// <https://docs.slack.dev/reference/methods/assistant.threads.setSuggestedPrompts>
    #[serde(rename = "assistant.threads.setSuggestedPrompts")]
    SetSuggestedPrompts,
    /// <https://docs.slack.dev/reference/methods/chat.postMessage>
    #[serde(rename = "chat.postMessage")]
    PostMessage,
    /// <https://docs.slack.dev/reference/methods/chat.update>
    #[serde(rename = "chat.update")]
    Update,
    /// <https://docs.slack.dev/reference/methods/views.publish>
    #[serde(rename = "views.publish")]
    PublishView,
}

impl Method {
    /// The method's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SetSuggestedPrompts => "assistant.threads.setSuggestedPrompts",
            Self::PostMessage => "chat.postMessage",
            Self::Update => "chat.update",
            Self::PublishView => "views.publish",
        }
    }
}
