//! Where in Slack to answer, and what is left to be done there: the types that the ledger keeps for this
//! channel.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::workspaces::WorkspaceId;
use haptik_bridge_shared::message::{Addressed, Mention};
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
    /// Names the place in the body of a call that posts something.
    pub(super) fn write(&self, body: &mut Value) {
        body["channel"] = self.channel.as_str().into();
        if let Some(thread_ts) = &self.thread_ts {
            body["thread_ts"] = thread_ts.as_str().into();
        }
    }

    /// Whether this is a thread with the assistant: those are threads of a direct conversation.
    pub(super) fn is_assistant_thread(&self) -> bool {
        self.thread_ts.is_some() && self.channel.starts_with('D')
    }
}

/// Where a message is, as a form's modal keeps it too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The conversation's id.
    #[serde(rename = "c")]
    pub(super) channel: String,
    /// The message itself.
    #[serde(rename = "m")]
    pub(super) ts: String,
    /// Whether it is a direct message to the app.
    #[serde(rename = "d")]
    pub(super) is_direct: bool,
    /// The thread that it stands in, if it does.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(super) thread_ts: Option<String>,
}

impl Place {
    /// The direct conversation of this id, or with this user.
    pub(super) fn direct(channel: &str) -> Self {
        Self {
            channel: channel.to_owned(),
            ts: String::new(),
            is_direct: true,
            thread_ts: None,
        }
    }

    /// The first message of the thread that an answer in a channel goes to.
    pub(super) fn root(&self) -> &str {
        self.thread_ts.as_deref().unwrap_or(&self.ts)
    }

    /// The thread that an answer in a channel goes to.
    pub(super) fn thread(&self) -> String {
        format!("{}:{}", self.channel, self.root())
    }

    /// For whom something is that was said to the bot here.
    pub(super) fn addressed(&self) -> Addressed {
        if self.is_direct {
            Addressed::Yes
        } else {
            Addressed::StartsThread(self.thread())
        }
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
