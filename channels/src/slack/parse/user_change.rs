//! A user's profile has changed.

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{Addressed, Inbound, UserAction};
use serde_json::Value;

use super::ts::Ts;
use super::{Reader, Reading, nothing};
use crate::slack::address::Address;
use crate::slack::config::Conversation;

impl Reader<'_> {
    /// `user_change` (<https://docs.slack.dev/reference/events/user_change>): what it changed is asked for, as
    /// it is for everybody. Where each thread is a user of its own, it is not known which there are: those are
    /// asked for once a day.
    pub(super) fn profile_changed(self, event: &Value) -> Reading {
        let user = event.get("user");
        let id = user.and_then(|user| lenient_json::some_text(user, "id"));
        let (Some(id), Conversation::User) = (id, self.conversation) else {
            return nothing();
        };
        let time = lenient_json::some_text(event, "event_ts").and_then(|ts| Ts::read(&ts));
        let time = time.unwrap_or_else(|| Ts::of(self.sent));
        let user = self.user(&id);
        let change = Inbound {
            key: time.key(&id).then("profile"),
            at: time.at(),
            auth_id: self.auth_ids.of_user(&user, None),
            user,
            address: Address {
                channel: id,
                thread_ts: None,
                workspace: self.workspace.cloned(),
            },
            message_id: None,
            profile: None,
            addressed: Addressed::Yes,
            action: UserAction::ProfileChanged,
            mentions: Vec::new(),
        };
        Reading {
            inbound: vec![change],
            ..nothing()
        }
    }
}
