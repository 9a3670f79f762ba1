"""The bodies, as docs/openapi.yaml has them; a test holds the two against each other."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

Scalar: TypeAlias = str | int | float | bool | None


class User(TypedDict):
    """Your user. What a request says here goes to Haptik when the user is created there, and when it changes."""

    id: str | int
    name: NotRequired[str | None]
    email: NotRequired[str | None]
    mobile_no: NotRequired[str | int | None]
    language_code: NotRequired[str | None]
    phone_model: NotRequired[str | None]
    os_version: NotRequired[str | None]
    package_name: NotRequired[str | None]
    auth_code: NotRequired[str | None]
    custom_data: NotRequired[dict[str, Scalar] | None]


class Attachment(TypedDict):
    """A file that the bridge fetches, without a log-in."""

    url: str
    name: NotRequired[str | None]
    mime_type: NotRequired[str | None]
    size: NotRequired[int | None]


class Message(TypedDict):
    """The user said something, sent files, or both: `text`, `attachments` or both are needed."""

    type: Literal["message"]
    id: str | int
    timestamp: str
    user: User
    text: NotRequired[str | None]
    attachments: NotRequired[list[Attachment] | None]


class Action(TypedDict):
    """The user tapped an action: its `value`, unchanged."""

    type: Literal["action"]
    id: str | int
    timestamp: str
    user: User
    value: str


class Feedback(TypedDict):
    """The user rated the conversation, from 1 to 5."""

    type: Literal["feedback"]
    id: str | int
    timestamp: str
    user: User
    rating: int
    resolved: bool
    comment: NotRequired[str | None]


Request: TypeAlias = Message | Action | Feedback


class Line(TypedDict):
    """A line of what was said before a hand-off."""

    sender: str
    text: NotRequired[str | None]
    timestamp: NotRequired[str | None]


class Handoff(TypedDict):
    """A user is handed over to a human: `message`, `transcript` or both are needed."""

    id: str | int
    timestamp: str
    user: User
    message: NotRequired[str | None]
    team_name: NotRequired[str | None]
    receiver: NotRequired[str | None]
    transcript: NotRequired[list[Line] | None]


class Accepted(TypedDict):
    """It is stored. `auth_id` is Haptik's name for the user."""

    id: str
    auth_id: str


class EventUser(TypedDict):
    """Your id of the user."""

    id: str


class Sender(TypedDict):
    """Who speaks."""

    kind: Literal["bot", "agent"]
    name: str
    profile_image: NotRequired[str]


class Offer(TypedDict):
    """What can be tapped: its label, and one of the others (a link may have `url` and `value`)."""

    label: str
    value: NotRequired[str]
    url: NotRequired[str]
    feedback: NotRequired[Literal[True]]
    location: NotRequired[Literal[True]]
    upload: NotRequired[Literal[True]]


class _Event(TypedDict):
    id: str
    timestamp: str
    user: EventUser
    in_reply_to: NotRequired[str]


class MessageEvent(_Event):
    """The bot or an agent says something."""

    type: Literal["message"]
    handoff_id: NotRequired[str]
    sender: Sender
    text: str
    actions: list[Offer]
    images: list[str]
    hsl: dict[str, Any]


class AgentJoinedEvent(_Event):
    """A human took the chat."""

    type: Literal["agent_joined"]
    handoff_id: NotRequired[str]
    sender: Sender
    team_name: str


CompletedBy: TypeAlias = Literal["bot", "agent", "timeout", ""]


class ConversationCompleteEvent(_Event):
    """The conversation is complete."""

    type: Literal["conversation_complete"]
    handoff_id: NotRequired[str]
    completed_by: CompletedBy
    data: dict[str, Any]


class HandoffEndedEvent(_Event):
    """The bot has its user back; once for every hand-off, after all that was said in it."""

    type: Literal["handoff_ended"]
    handoff_id: str
    reason: Literal["completed", "ended_by_bot", "no_agent", "failed"]
    agent_joined: bool
    completed_by: NotRequired[CompletedBy]
    completion_by: NotRequired[str]
    error: NotRequired[str]


class ReturnedFile(TypedDict):
    """A file of a message that came back."""

    url: str
    name: str
    mime_type: str
    size: NotRequired[int]


class MessageReturnedEvent(_Event):
    """What no agent could read any more: answer it as if the user had just said it."""

    type: Literal["message_returned"]
    handoff_id: str
    text: str
    attachments: list[ReturnedFile]


Direction: TypeAlias = Literal["to_haptik", "to_channel"]


class MessageDeliveredEvent(_Event):
    """With `receipts`: a message was delivered, of your user's or of Haptik's; once for each."""

    type: Literal["message_delivered"]
    message_id: str
    direction: Direction
    reason: NotRequired[str]
    replayed: NotRequired[Literal[True]]


class MessageFailedEvent(_Event):
    """With `receipts`: a message was given up; once for each."""

    type: Literal["message_failed"]
    message_id: str
    direction: Direction
    reason: str
    replayed: NotRequired[Literal[True]]


Event: TypeAlias = (
    MessageEvent | AgentJoinedEvent | ConversationCompleteEvent | HandoffEndedEvent | MessageReturnedEvent
    | MessageDeliveredEvent | MessageFailedEvent
)
