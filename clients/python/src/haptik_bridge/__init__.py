"""The custom channel of haptik-bridge: requests to it, and what it posts to your application.

`docs/custom-channel.md` explains every key, `docs/openapi.yaml` is the same as a document for machines.
"""

from .client import Client, Refused, Unanswered, new_id, now
from .inbox import Inbox, MemorySeen, Seen
from .signing import Delivery, Unverified, sign, verify
from .types import (
    Accepted,
    Action,
    AgentJoinedEvent,
    Attachment,
    ConversationCompleteEvent,
    Event,
    Feedback,
    Handoff,
    HandoffEndedEvent,
    Line,
    Message,
    MessageDeliveredEvent,
    MessageEvent,
    MessageFailedEvent,
    MessageReturnedEvent,
    Offer,
    Request,
    ReturnedFile,
    Sender,
    User,
)

__all__ = [
    "Accepted", "Action", "AgentJoinedEvent", "Attachment", "Client", "ConversationCompleteEvent", "Delivery",
    "Event", "Feedback", "Handoff", "HandoffEndedEvent", "Inbox", "Line", "MemorySeen", "Message",
    "MessageDeliveredEvent", "MessageEvent", "MessageFailedEvent", "MessageReturnedEvent", "Offer", "Refused",
    "Request", "ReturnedFile", "Seen", "Sender", "Unanswered", "Unverified", "User", "new_id", "now", "sign",
    "verify",
]
