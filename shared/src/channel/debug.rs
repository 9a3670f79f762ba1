//! What `Debug` shows of what carries people's words and names.

use super::{
    Act, Address, Attachment, Content, Inbound, Mark, Opening, Outgoing, Part, Profile, Reply,
    Request, Sender, Task,
};
use crate::redacted_debug;

// Without the headers, which have the signature.
redacted_debug!(Request<'_> { method, body: bytes });
redacted_debug!(Reply {
    status,
    content_type,
    body: bytes
});
// A user's own id, and an address, may be a number that can be called.
redacted_debug!(Inbound {
    key,
    at,
    auth_id,
    profile,
    gate,
    act,
    unnamed: len,
    mark,
});
redacted_debug!(Address {});
redacted_debug!(Outgoing {
    key,
    auth_id,
    at,
    received_at,
    sender,
    message_id,
    handoff,
    content,
});
redacted_debug!(enum Act {
    Message { text: bytes, attachments },
    Tap { auth_id, key, index },
    Feedback { rating, resolved },
    Handoff {},
    MoveToAgent {},
});
// Without the URL, which is often all that protects the file.
redacted_debug!(Attachment {
    id,
    mime_type,
    size
});
redacted_debug!(Mark { stays });
redacted_debug!(Task { key, at, auth_id });
// Without the provider's permission to open something.
redacted_debug!(Opening { auth_id, key });
redacted_debug!(Sender { kind });
redacted_debug!(enum Content {
    Message { hsl },
    AgentJoined {},
    ConversationComplete { completed_by },
    HandoffEnded {},
    MessageReturned {},
});
redacted_debug!(Part { index });
redacted_debug!(Profile {
    name: is_some,
    email: is_some,
    mobile_no: is_some,
    language_code,
    custom_data: len,
});
