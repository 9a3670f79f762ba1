//! Where Haptik's calls are: the paths below its base URLs.

/// Create (`POST`) and update (`PUT`) a user.
pub const USER_PATH: &str = "/v1.0/user/";
/// Log a message.
pub const MESSAGE_PATH: &str = "/v1.0/log_message_from_user/";
/// Log a file.
pub const FILE_PATH: &str = "/v1.0/log_file_from_user/";
/// Log feedback.
pub const FEEDBACK_PATH: &str = "/v1.0/log_feedback_from_user/";
/// Enable the webhook.
pub const WEBHOOK_PATH: &str = "/v1.0/webhook/";
/// Say something and get the answer in the response. Haptik issues the URL of this call per account;
/// this path is the simulator's own.
pub const SYNCHRONOUS_PATH: &str = "/v1.0/sync_message/";
/// Move a chat to an agent.
pub const AGENT_PATH: &str = "/integration/external/v1.0/send_chat_to_agent/";
/// Move a chat to an agent of a tool that `receiver` names.
pub const AGENT_TOOL_PATH: &str = "/integration/external/v2.0/send_chat_to_agent/";
/// The transcript of a chat.
pub const HISTORY_PATH: &str = "/integration/external/v2.0/get_chat_history/";
