//! Where a user is: where the user wrote last.

use haptik_bridge_shared::activity::{self, Hour};
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::message::{Inbound, UserAction};
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::users::User;
use jiff::Timestamp;

use super::ToHaptik;
use crate::attempt::connection;

impl ToHaptik<'_> {
    /// Keeps in the user map where to answer: before Haptik hears of the message, so that no answer
    /// comes for a user who is nowhere. Who has written by another connection since stays there.
    pub(super) async fn remember_address(
        &self,
        connection_id: &ConnectionId,
        inbound: &Inbound,
        entry: &Entry,
    ) -> Result<User, Failure> {
        let known = self.bridge.users.get(&inbound.auth_id).await?;
        let at = Timestamp::now();
        let now = at.as_millisecond();
        // Who asks for a hand-off is put there when the request comes in, and the hour is not noted then.
        let is_noted = !matches!(inbound.action, UserAction::Handoff { .. });
        if let Some(user) = &known {
            let same = user.address == inbound.address && user.connection == *connection_id;
            // What follows a completion is another conversation, however soon it begins.
            let completed = user.completion.as_ref();
            let goes_on =
                completed.is_none_or(|shown| shown.event.received_at < user.last_activity);
            // A silence that begins with an hour looks at those who are noted in it.
            let is_noted_now = now - user.last_activity < activity::STEP
                && Hour::of_millisecond(user.last_activity) == Hour::of(at);
            let stays = is_noted && same && goes_on && is_noted_now;
            if stays || !moves(user, connection_id, inbound, entry) {
                return Ok(user.clone());
            }
        }
        // In which hour the user is known to have been active on this connection.
        let known_in = known
            .as_ref()
            .filter(|user| is_noted && user.connection == *connection_id);
        let known_in = known_in.map(|user| Hour::of_millisecond(user.last_activity));
        let changes_place = known.as_ref().is_some_and(|user| {
            user.address != inbound.address || user.connection != *connection_id
        });
        let changed_before = known.as_ref().and_then(|user| user.changed_place_at);
        let user = User {
            last_activity: now,
            placed_at: Some(entry.received_at.as_millisecond()),
            changed_place_at: changes_place.then_some(now).or(changed_before),
            ..placed(known, connection_id, inbound)
        };
        if known_in.is_none_or(|hour| hour != Hour::of(at)) {
            let account = &connection(self.bridge, connection_id)?.account;
            let activity = &self.bridge.activity;
            activity.note(account, &user.auth_id, at).await?;
        }
        self.bridge.users.put_place(&user).await?;
        Ok(user)
    }
}

/// Whether something has its user be where it was done: unless the user did nothing, or has written by another
/// connection since it was received.
fn moves(user: &User, connection_id: &ConnectionId, inbound: &Inbound, entry: &Entry) -> bool {
    if matches!(inbound.action, UserAction::MoveToAgent { .. }) {
        return false;
    }
    if user.connection == *connection_id {
        return true;
    }
    let received_at = entry.received_at.as_millisecond();
    user.placed_at
        .is_none_or(|placed_at| placed_at <= received_at)
}

/// The user, known or not, at the place of a request.
fn placed(known: Option<User>, connection_id: &ConnectionId, inbound: &Inbound) -> User {
    let (connection, channel_user) = (connection_id.clone(), inbound.user.clone());
    let address = inbound.address.clone();
    match known {
        Some(known) => known.at(connection, channel_user, address),
        None => User::new(inbound.auth_id.clone(), connection, channel_user, address),
    }
}
