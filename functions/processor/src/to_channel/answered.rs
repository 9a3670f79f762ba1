//! What a message of Haptik's answers, and where it is shown therefore.

use std::time::Duration;

use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Payload, SentMessage};
use haptik_bridge_shared::message::UserAction;
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::users::User;
use jiff::Timestamp;

use super::ToChannel;
use crate::attempt::outlet;

/// Within what time after Haptik took a message it is noted how Haptik calls it.
const NOTED_WITHIN: Duration = Duration::from_millis(300);

/// How long after somebody wrote from another place an answer may be to what was written before.
const ANSWERED_WITHIN: Duration = Duration::from_hours(24);

impl ToChannel<'_> {
    /// Has an event shown where the message is that it answers, where Haptik says which: in its thread, not where
    /// the user has written since. What the channel calls that message, where it shows that instead.
    pub(super) async fn place_answer(
        &self,
        user: &mut User,
        event: &Event,
    ) -> Result<Option<String>, Failure> {
        let outlet = outlet(self.outlets, &user.connection)?;
        let Some(id) = event.answers else {
            return Ok(None);
        };
        let is_shown = outlet.shows_what_is_answered();
        if !is_shown && !has_changed_place(user, Timestamp::now()) {
            return Ok(None);
        }
        let (id, ledger) = (id.to_string(), &self.bridge.ledger);
        let lane = Lane::Haptik(user.auth_id.clone());
        let mut told = ledger.find_sent(&lane, &id).await?;
        if told == SentMessage::Unrecorded && is_shown {
            // The answer came before it was noted how Haptik calls the message. Its place is the user's until
            // then, and need not be waited for.
            tokio::time::sleep(NOTED_WITHIN).await;
            told = ledger.find_sent(&lane, &id).await?;
        }
        let SentMessage::Entry(key) = told else {
            return Ok(None);
        };
        if key
            .connection()
            .is_some_and(|name| user.connection != name.into())
        {
            return Ok(None);
        }
        // Without a hand-off the key says it all, and is not read for.
        if is_shown && user.handoff.is_none() {
            return Ok(Some(key.act_id().to_owned()));
        }
        let entry = ledger.entry(&lane, &key).await?;
        let Some(Payload::Inbound {
            connection,
            inbound,
            ..
        }) = entry.map(|entry| entry.payload)
        else {
            return Ok(None);
        };
        if connection != user.connection {
            return Ok(None);
        }
        if is_shown {
            return Ok(Some(match inbound.action {
                UserAction::Handoff { id, .. } => id,
                _ => key.act_id().to_owned(),
            }));
        }
        user.address = inbound.address;
        Ok(None)
    }
}

/// Whether the message that is answered now may have been written elsewhere than the user is: only then is it looked
/// for, which costs two reads.
fn has_changed_place(user: &User, now: Timestamp) -> bool {
    let changed = user.changed_place_at;
    let changed = changed.and_then(|at| Timestamp::from_millisecond(at).ok());
    changed.is_some_and(|at| now.duration_since(at).unsigned_abs() < ANSWERED_WITHIN)
}
