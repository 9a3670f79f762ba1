// The bodies, as docs/openapi.yaml has them; a test holds the two against each other.

/** Your user. What a request says here goes to Haptik when the user is created there, and when it changes. */
export interface User {
  id: string | number;
  name?: string | null;
  email?: string | null;
  mobile_no?: string | number | null;
  language_code?: string | null;
  phone_model?: string | null;
  os_version?: string | null;
  package_name?: string | null;
  auth_code?: string | null;
  custom_data?: Record<string, string | number | boolean | null> | null;
}

/** A file that the bridge fetches, without a log-in. */
export interface Attachment {
  url: string;
  name?: string | null;
  mime_type?: string | null;
  size?: number | null;
}

/** The user said something, sent files, or both: `text`, `attachments` or both are needed. */
export interface Message {
  type: "message";
  id: string | number;
  timestamp: string;
  user: User;
  text?: string | null;
  attachments?: Attachment[] | null;
}

/** The user tapped an action: its `value`, unchanged. */
export interface Action {
  type: "action";
  id: string | number;
  timestamp: string;
  user: User;
  value: string;
}

/** The user rated the conversation, from 1 to 5. */
export interface Feedback {
  type: "feedback";
  id: string | number;
  timestamp: string;
  user: User;
  rating: number;
  resolved: boolean;
  comment?: string | null;
}

export type Request = Message | Action | Feedback;

/** A line of what was said before a hand-off. */
export interface Line {
  sender: string;
  text?: string | null;
  timestamp?: string | null;
}

/** A user is handed over to a human: `message`, `transcript` or both are needed. */
export interface Handoff {
  id: string | number;
  timestamp: string;
  user: User;
  message?: string | null;
  team_name?: string | null;
  receiver?: string | null;
  transcript?: Line[] | null;
}

/** It is stored. `auth_id` is Haptik's name for the user. */
export interface Accepted {
  id: string;
  auth_id: string;
}

/** Who speaks. */
export interface Sender {
  kind: "bot" | "agent";
  name: string;
  profile_image?: string;
}

/** What can be tapped: its label, and one of the others (a link may have `url` and `value`). */
export interface Offer {
  label: string;
  value?: string;
  url?: string;
  feedback?: true;
  location?: true;
  upload?: true;
}

interface EventBase {
  id: string;
  timestamp: string;
  user: { id: string };
  in_reply_to?: string;
}

/** The bot or an agent says something. */
export interface MessageEvent extends EventBase {
  type: "message";
  handoff_id?: string;
  sender: Sender;
  text: string;
  actions: Offer[];
  images: string[];
  hsl: Record<string, unknown>;
}

/** A human took the chat. */
export interface AgentJoinedEvent extends EventBase {
  type: "agent_joined";
  handoff_id?: string;
  sender: Sender;
  team_name: string;
}

export type CompletedBy = "bot" | "agent" | "timeout" | "";

/** The conversation is complete. */
export interface ConversationCompleteEvent extends EventBase {
  type: "conversation_complete";
  handoff_id?: string;
  completed_by: CompletedBy;
  data: Record<string, unknown>;
}

/** The bot has its user back; once for every hand-off, after all that was said in it. */
export interface HandoffEndedEvent extends EventBase {
  type: "handoff_ended";
  handoff_id: string;
  reason: "completed" | "ended_by_bot" | "no_agent" | "failed";
  agent_joined: boolean;
  completed_by?: CompletedBy;
  completion_by?: string;
  error?: string;
}

/** A file of a message that came back. */
export interface ReturnedFile {
  url: string;
  name: string;
  mime_type: string;
  size?: number;
}

/** What no agent could read any more: answer it as if the user had just said it. */
export interface MessageReturnedEvent extends EventBase {
  type: "message_returned";
  handoff_id: string;
  text: string;
  attachments: ReturnedFile[];
}

/** Which way a message went. */
export type Direction = "to_haptik" | "to_channel";

/** With `receipts`: a message was delivered, of your user's or of Haptik's; once for each. */
export interface MessageDeliveredEvent extends EventBase {
  type: "message_delivered";
  message_id: string;
  direction: Direction;
  reason?: string;
  replayed?: true;
}

/** With `receipts`: a message was given up; once for each. */
export interface MessageFailedEvent extends EventBase {
  type: "message_failed";
  message_id: string;
  direction: Direction;
  reason: string;
  replayed?: true;
}

/** There may be other types, and other keys, in time: ignore them. */
export type Event =
  | MessageEvent
  | AgentJoinedEvent
  | ConversationCompleteEvent
  | HandoffEndedEvent
  | MessageReturnedEvent
  | MessageDeliveredEvent
  | MessageFailedEvent;
