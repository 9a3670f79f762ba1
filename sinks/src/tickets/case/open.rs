//! Conversations that have a ticket before they are complete.

use std::time::Duration;

use haptik_bridge_shared::haptik::webhook::EventKind;
use haptik_bridge_shared::message::completion::APART_AT_MOST;
use serde::{Deserialize, Serialize};

use super::{Case, CaseMatch, LAST, LastCompletion, happened_at, item, millis, read};
use crate::{Delivery, SinkDeps, SinkError};

/// The sort key of the conversation that is open.
const OPEN: &str = "open";

/// How long a conversation without an end is taken for open.
const OPEN_FOR: Duration = Duration::from_hours(7 * 24);

/// The conversation of a user that is open, and has a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::tickets) struct Open {
    /// The name of its case.
    pub(super) case: String,
    /// The external id of its ticket.
    pub(super) external_id: String,
    /// When the event happened that opened it, in milliseconds since the epoch.
    opened_at: i64,
    /// Whether the conversation is complete.
    #[serde(default)]
    is_over: bool,
}

/// Whether an event tells of a conversation before it is complete.
pub(in crate::tickets) fn opens(kind: EventKind) -> bool {
    matches!(kind, EventKind::Message | EventKind::ChatPinned)
}

impl Open {
    /// The conversation that an event completes, where one is open.
    pub(super) async fn completed_by(
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
    ) -> Result<Option<Self>, SinkError> {
        if delivery.event.completion().is_none() || delivery.user().is_empty() {
            return Ok(None);
        }
        let open = read::<Self>(deps, delivery, OPEN).await?;
        let completed_at = happened_at(delivery).as_millisecond();
        Ok(open.filter(|open| open.is_on(delivery) && open.opened_at <= completed_at))
    }

    /// Whether it is still open. One of which no end was ever told is not for ever.
    fn is_on(&self, delivery: &Delivery<'_>) -> bool {
        let since = delivery.now.as_millisecond() - self.opened_at;
        !self.is_over && since <= i64::try_from(millis(OPEN_FOR)).unwrap_or(i64::MAX)
    }
}

impl Case {
    /// The case of an event that opens a ticket before the conversation is complete.
    pub(in crate::tickets) async fn opening(
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
    ) -> Result<CaseMatch, SinkError> {
        // Whose conversation it is, is not known: its end opens the ticket.
        if delivery.user().is_empty() {
            return Ok(CaseMatch::Duplicate);
        }
        let new = Self::new(delivery);
        let open = read::<Open>(deps, delivery, OPEN).await?;
        if let Some(open) = open.filter(|open| open.is_on(delivery)) {
            if open.case != new.name {
                return Ok(CaseMatch::Duplicate);
            }
            let known = read::<Self>(deps, delivery, &new.name).await?;
            return Ok(known.map_or(CaseMatch::New(new), CaseMatch::Known));
        }
        let last = read::<LastCompletion>(deps, delivery, LAST).await?;
        if let Some(last) = last
            && !last.is_followed_by(deps, delivery).await?
        {
            return Ok(CaseMatch::Duplicate);
        }
        Ok(CaseMatch::New(new))
    }

    /// The case of a conversation that was open, now that this event completes it. May be repeated.
    pub(in crate::tickets) async fn adopted(
        mut self,
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
        open: Open,
    ) -> Result<Self, SinkError> {
        if self.ticket.is_none() && self.begun_at.is_none() {
            // There is nothing to complete: it is made as of this event.
            self.is_open = false;
        }
        self.write(deps, delivery).await?;
        self.note_last(deps, delivery).await?;
        let over = Open {
            is_over: true,
            ..open
        };
        deps.table.put(item(deps, delivery, OPEN, &over)?).await?;
        Ok(self)
    }

    /// Notes that the user's conversation is open, and has this case.
    pub(super) async fn note_open(
        &self,
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
    ) -> Result<(), SinkError> {
        let open = Open {
            case: self.name.clone(),
            external_id: self.external_id.clone(),
            opened_at: happened_at(delivery).as_millisecond(),
            is_over: false,
        };
        Ok(deps.table.put(item(deps, delivery, OPEN, &open)?).await?)
    }
}

impl LastCompletion {
    /// Whether an event is of a conversation after this one: the user has written since; of a user who is not
    /// known here, it happened a while later.
    pub(super) async fn is_followed_by(
        &self,
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
    ) -> Result<bool, SinkError> {
        let completed = self.event.happened_at.unwrap_or(self.event.received_at);
        if happened_at(delivery).as_millisecond() <= completed {
            return Ok(false);
        }
        let user = match &delivery.event.auth_id {
            Some(auth_id) => deps.users.get(auth_id).await?,
            None => None,
        };
        let later = happened_at(delivery).as_millisecond().abs_diff(completed);
        Ok(match user {
            Some(user) => user.last_activity > self.event.received_at,
            // What the bot says right after the end is no other chat.
            None => later > millis(APART_AT_MOST),
        })
    }
}
