//! `Debug` of what carries people's words: which message and how long, never what it says. Whatever
//! prints one of these (a log line, a panic, a failed test) prints nothing that was said.

use std::fmt::{self, Debug, Formatter};

use super::{Act, Attachment, Content, Mark, Opening, Part, Reply, Request, Sender, Task};

/// Stands for a text: its length.
pub(crate) struct Bytes(pub(crate) usize);

impl Debug for Bytes {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} bytes", self.0)
    }
}

impl Debug for Request<'_> {
    /// Without the headers, which have the signature.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Request")
            .field("method", self.method)
            .field("body", &Bytes(self.body.len()))
            .finish_non_exhaustive()
    }
}

impl Debug for Reply {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Reply")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .field("body", &Bytes(self.body.len()))
            .finish()
    }
}

impl Debug for Act {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { text, attachments } => formatter
                .debug_struct("Message")
                .field("text", &Bytes(text.len()))
                .field("attachments", attachments)
                .finish_non_exhaustive(),
            Self::Tap {
                auth_id,
                key,
                index,
            } => formatter
                .debug_struct("Tap")
                .field("auth_id", auth_id)
                .field("key", key)
                .field("index", index)
                .finish_non_exhaustive(),
            Self::Feedback {
                rating, resolved, ..
            } => formatter
                .debug_struct("Feedback")
                .field("rating", rating)
                .field("resolved", resolved)
                .finish_non_exhaustive(),
            Self::Handoff { .. } => formatter.write_str("Handoff { .. }"),
            Self::MoveToAgent { .. } => formatter.write_str("MoveToAgent { .. }"),
        }
    }
}

impl Debug for Attachment {
    /// Without the name, and the URL, which is often all that protects the file.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Attachment")
            .field("id", &self.id)
            .field("mime_type", &self.mime_type)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl Debug for Mark {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Mark")
            .field("stays", &self.stays)
            .finish_non_exhaustive()
    }
}

impl Debug for Task {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Task")
            .field("key", &self.key)
            .field("at", &self.at)
            .field("auth_id", &self.auth_id)
            .finish_non_exhaustive()
    }
}

impl Debug for Opening {
    /// Without the provider's permission to open something.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Opening")
            .field("auth_id", &self.auth_id)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Debug for Sender {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sender")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Debug for Content {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { hsl, .. } => formatter
                .debug_struct("Message")
                .field("hsl", hsl)
                .finish_non_exhaustive(),
            Self::AgentJoined { .. } => formatter
                .debug_struct("AgentJoined")
                .finish_non_exhaustive(),
            Self::ConversationComplete { completed_by, .. } => formatter
                .debug_struct("ConversationComplete")
                .field("completed_by", completed_by)
                .finish_non_exhaustive(),
            Self::HandoffEnded { .. } => formatter.write_str("HandoffEnded { .. }"),
            Self::MessageReturned { .. } => formatter.write_str("MessageReturned { .. }"),
        }
    }
}

impl Debug for Part {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Part")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}
