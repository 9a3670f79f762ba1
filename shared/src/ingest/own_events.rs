//! Events of the bridge's own, for the sinks: that nobody took a chat, a rating.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{NotDurable, RequestContext};
use crate::bridge::Bridge;
use crate::haptik::webhook::Event;
use crate::ids::ConnectionId;
use crate::ledger::Payload;
use crate::message::completion::{APART_AT_MOST, is_team_offline};
use crate::message::handoff::{AskedBy, Completed, Ended, Handoff};
use crate::users::{Mode, User};

impl Bridge {
    /// Tells the sinks that nobody took a chat, so that a ticket can be made.
    pub(super) async fn emit_missed(
        &self,
        context: RequestContext<'_>,
        user: &User,
        handoff: &Handoff,
        ended: &Ended,
    ) -> Result<(), NotDurable> {
        let mut data = json!({
            "handoff_id": handoff.id,
            "asked_by": handoff.asked_by,
            "requested_at": own_time(context, handoff.began_at),
            "team_name": handoff.team_name,
        });
        if ended.is_of_completion() {
            data["completed_by"] = ended.completed_by.as_str().into();
            data["completion_by"] = ended.completion_by.as_str().into();
        }
        let origin = handoff.origin.as_ref();
        let place = EventPlace {
            connection: user.handoff_connection(),
            channel_user: origin.map_or(&user.channel_user, |at| &at.channel_user),
        };
        self.emit_at(context, place, user, "missed_handoff", (ended.at, data))
            .await
            .map(drop)
    }

    /// Notes that Haptik completed a chat since its team is offline. Where nobody had asked the bridge for a
    /// human, Haptik's own bot had, and that is a missed hand-off too: the sinks and the user are told.
    ///
    /// # Errors
    /// When it is not durable: to be done again.
    pub async fn note_team_offline(
        &self,
        context: RequestContext<'_>,
        user: &User,
        completed: &Completed,
    ) -> Result<(), NotDurable> {
        let is_told = user.handoff.as_ref().is_some_and(|handoff| {
            let ended_at = handoff.ended.as_ref().map_or(i64::MAX, |ended| ended.at);
            let apart = i64::try_from(APART_AT_MOST.as_millis()).unwrap_or(i64::MAX);
            // What a bot handed over and took back is that bot's, until the user says something to Haptik's.
            let is_bots = handoff.asked_by == AskedBy::Application
                && *user.handoff_connection() == user.connection
                && user.last_activity <= ended_at;
            // One that is on ends by this completion, or already has by the other event of it.
            is_bots || ended_at >= completed.at.saturating_sub(apart)
        });
        if is_told || user.mode == Mode::Agent || !is_team_offline(&completed.word) {
            return Ok(());
        }
        let Some(connection) = self.connections.get(&user.connection) else {
            return Ok(());
        };
        let data = json!({
            "handoff_id": null,
            "asked_by": "haptik",
            "requested_at": null,
            "team_name": null,
            "completed_by": completed.by,
            "completion_by": completed.word,
        });
        let (name, text) = (
            format!("offline-{}", completed.at),
            &connection.handoff.missed_notice,
        );
        self.notify(context, user, &name, text, completed.at)
            .await?;
        self.emit(context, user, "missed_handoff", completed.at, data)
            .await
            .map(drop)
    }

    /// Tells the sinks an event of the bridge's own, of this user; whether one wants it. It is the same event
    /// as one of the same name and time whose `data` says the same.
    ///
    /// # Errors
    /// When it is not durable: to be done again.
    pub async fn emit(
        &self,
        context: RequestContext<'_>,
        user: &User,
        event_name: &str,
        at: i64,
        data: Value,
    ) -> Result<bool, NotDurable> {
        let place = EventPlace {
            connection: &user.connection,
            channel_user: &user.channel_user,
        };
        self.emit_at(context, place, user, event_name, (at, data))
            .await
    }

    async fn emit_at(
        &self,
        context: RequestContext<'_>,
        place: EventPlace<'_>,
        user: &User,
        event_name: &str,
        (at, mut data): (i64, Value),
    ) -> Result<bool, NotDurable> {
        let Some(connection) = self.connections.get(place.connection) else {
            return Ok(false);
        };
        let says = data.to_string();
        data["connection"] = json!(place.connection);
        data["channel_user"] = json!(place.channel_user);
        let body = json!({
            "event_name": event_name,
            "timestamp": own_time(context, at),
            "business_id": connection.business_id,
            "user": {"auth_id": user.auth_id, "user_name": user.user_name},
            "data": data,
        })
        .to_string();
        let Ok(event) = Event::read(body.as_bytes()) else {
            return Ok(false);
        };
        let key = event.key(says.as_bytes());
        let payload = Payload::Webhook {
            account: connection.account.clone(),
            body,
        };
        self.append_for_sinks(context, &event, &payload, &key).await
    }
}

/// Of which connection an event of the bridge's own is, and how its user is called there.
#[derive(Clone, Copy)]
struct EventPlace<'a> {
    connection: &'a ConnectionId,
    channel_user: &'a str,
}

/// A time as the bridge's own events have it.
fn own_time(context: RequestContext<'_>, at: i64) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or(context.now);
    format!("{at:.3}")
}
