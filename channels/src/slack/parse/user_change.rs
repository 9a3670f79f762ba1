//! A user's profile has changed.

use haptik_bridge_shared::lenient_json::text_at;
use haptik_bridge_shared::message::UserAction;
use serde_json::Value;

use super::{Reader, Reading, nothing};
use crate::slack::address::Place;
use crate::slack::config::Conversation;

impl Reader<'_> {
    /// `user_change` (<https://docs.slack.dev/reference/events/user_change>): what it changed is asked for, as
    /// it is for everybody. Where each thread is a user of its own, it is not known which there are: those are
    /// asked for once a day.
    pub(super) fn profile_changed(self, event: &Value) -> Option<Reading> {
        let user = text_at(event, "/user/id")?;
        if self.conversation == Conversation::Thread {
            return None;
        }
        let time = self.time_of(event);
        let (key, place) = (time.key(user).then("profile"), Place::direct(user));
        let change = self.inbound(key, time.at(), user, &place, UserAction::ProfileChanged);
        Some(Reading {
            inbound: vec![change],
            ..nothing()
        })
    }
}
