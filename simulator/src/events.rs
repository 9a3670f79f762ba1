//! The payloads of webhook events, shaped like the samples that Haptik publishes
//! (docs.haptik.ai, webhooks/webhook-payload).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    settings::Settings,
    state::{Conversation, User},
};

/// The picture of the bot and of the agents, where the simulator has no address of its own.
const PROFILE_IMAGE: &str = "https://assets.haptikapi.com/content/42e123411bk1109823bf.jpg";

/// Who says something to the user.
#[derive(Clone, Copy)]
pub(super) enum Speaker {
    Bot,
    Agent,
}

/// Why a conversation ended: `completion_type` of `webhook_conversation_complete`, and `completion_by`,
/// which is the state of the conversation before, or somebody's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompletedBy {
    /// The bot ended it: `gogo`, `Bot completed`.
    Bot,
    /// The agent ended it: `agent`, and the agent's name.
    Agent,
    /// Nobody wrote for long enough: `autocomplete`, `Waiting for User`.
    Timeout,
    /// It was moved to a team of which nobody was online: `autocomplete`, `Team Offline Flag`.
    TeamOffline,
}

impl CompletedBy {
    fn completion_type(self) -> &'static str {
        match self {
            Self::Bot => "gogo",
            Self::Agent => "agent",
            Self::Timeout | Self::TeamOffline => "autocomplete",
        }
    }
}

/// What every payload is made from.
pub(super) struct Frame<'a> {
    pub(super) settings: &'a Settings,
    pub(super) user: &'a User,
    pub(super) at: Timestamp,
}

impl Frame<'_> {
    /// A message; `answers` is the id of the user's message that it answers.
    pub(super) fn message(
        &self,
        speaker: Speaker,
        message_id: u64,
        body: &Value,
        answers: Option<u64>,
    ) -> Value {
        let mut event = self.common("message", speaker);
        event.insert("message".into(), json!({"id": message_id, "body": body}));
        if let Some(answered) = answers {
            event.insert("user_message_info".into(), json!({"id": answered}));
        }
        Value::Object(event)
    }

    pub(super) fn chat_pinned(&self, message_id: u64, team_name: &str) -> Value {
        let agent_name = &self.settings.agent_name;
        let mut event = self.common("chat_pinned", Speaker::Agent);
        let body = json!({
            "text": format!("{agent_name} has entered the Conversation"),
            "type": "SYSTEM",
            "data": {
                "event_name": "chat_pinned",
                "payload": {
                    "profile_image": self.picture(),
                    "agent_name": agent_name,
                    "team_name": team_name,
                },
            },
        });
        event.insert("message".into(), json!({"id": message_id, "body": body}));
        Value::Object(event)
    }

    pub(super) fn chat_complete(&self, message_id: u64) -> Value {
        let mut event = self.common("chat_complete", Speaker::Bot);
        let body = json!({
            "text": "The conversation has been completed",
            "type": "SYSTEM",
            "data": {},
        });
        event.insert("message".into(), json!({"id": message_id, "body": body}));
        Value::Object(event)
    }

    pub(super) fn conversation_complete(
        &self,
        conversation: Conversation,
        by: CompletedBy,
        completion_by: Option<&str>,
        chat_link: &str,
    ) -> Value {
        let mut event = self.common("webhook_conversation_complete", Speaker::Bot);
        let completion_by = completion_by.unwrap_or(match by {
            CompletedBy::Agent => &self.settings.agent_name,
            CompletedBy::Bot => "Bot completed",
            CompletedBy::Timeout => "Waiting for User",
            CompletedBy::TeamOffline => "Team Offline Flag",
        });
        let user_name = &self.user.user_name;
        let first_message_id = conversation.first_message_id;
        event.insert("follow_up_details".into(), json!({}));
        event.insert(
            "data".into(),
            json!({
                "conversation_no": conversation.number.to_string(),
                "collection_id": first_message_id.to_string(),
                "conversation_identifier": format!("{user_name}-{first_message_id}"),
                "chat_link": chat_link,
                "complete_chat_link": chat_link,
                "completion_type": by.completion_type(),
                "completion_by": completion_by,
                "closing_categories": {"reason": "", "subReason": "", "comment": ""},
                "conversation_details": {},
                "user_details": self.user.profile.get("custom_data").cloned().unwrap_or_else(|| json!({})),
            }),
        );
        Value::Object(event)
    }

    /// An event of a name that no documentation has yet.
    pub(super) fn unknown(&self, event_name: &str) -> Value {
        let mut event = self.common(event_name, Speaker::Bot);
        event.insert("data".into(), json!({"labels": ["vip"]}));
        Value::Object(event)
    }

    /// The `agent` of a payload, which the synchronous call answers with as well.
    pub(super) fn speaker(&self, speaker: Speaker) -> Value {
        match speaker {
            Speaker::Bot => json!({
                "id": 4415,
                "name": "gogo",
                "profile_image": self.picture(),
                "is_automated": true,
                "email": null,
            }),
            Speaker::Agent => json!({
                "id": 235,
                "name": self.settings.agent_name,
                "profile_image": self.picture(),
                "is_automated": false,
                "email": "agent@example.com",
            }),
        }
    }

    /// A picture that the simulator draws itself, so that the demo needs no network.
    fn picture(&self) -> String {
        let drawn = |base: &String| format!("{base}/_simulator/images/face.png");
        let base = self.settings.public_url.as_ref();
        base.map_or_else(|| PROFILE_IMAGE.to_owned(), drawn)
    }

    fn common(&self, event_name: &str, speaker: Speaker) -> Map<String, Value> {
        let mut event = Map::new();
        event.insert("version".into(), json!("1.0"));
        event.insert("timestamp".into(), json!(iso(self.at)));
        event.insert(
            "user".into(),
            json!({
                "auth_id": self.user.auth_id,
                "device_platform": "13",
                "device_platform_name": "Webhook",
                "user_name": self.user.user_name,
                "user_id": self.user.user_id,
                "phone_model": self.user.field("phone_model"),
                "os_version": self.user.field("os_version"),
                "package_name": self.user.field("package_name"),
            }),
        );
        event.insert("business_id".into(), json!(self.user.business_id));
        event.insert("business_name".into(), json!(self.settings.business_name));
        event.insert("event_name".into(), json!(event_name));
        event.insert("agent".into(), self.speaker(speaker));
        event
    }
}

/// A time as the platform writes it: `2018-10-04T12:41:27.980Z`.
pub(super) fn iso(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_three_decimals_also_where_they_are_zero() {
        let at: Timestamp = "2018-10-04T12:41:27.980Z".parse().expect("a timestamp");
        assert_eq!(iso(at), "2018-10-04T12:41:27.980Z");
        assert_eq!(iso(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    }
}
