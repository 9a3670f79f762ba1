//! Ending a hand-off, from whichever direction its end becomes known.

use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::ingest::RequestContext;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload};
use haptik_bridge_shared::message::UserAction;
use haptik_bridge_shared::message::handoff::{Ended, Reason};
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::users::Over;
use jiff::Timestamp;

/// Ends a hand-off, if it is on.
pub(crate) async fn end_handoff(
    bridge: &Bridge,
    auth_id: &AuthId,
    id: &str,
    ended: &Ended,
) -> Result<Over, Failure> {
    let now = Timestamp::now();
    let over = bridge.end_handoff(
        RequestContext::new("processor", now),
        auth_id,
        id,
        ended,
        false,
    );
    Ok(over.await?)
}

/// Where an entry that becomes a dead letter was to bring a user to a human, ends the hand-off.
pub(crate) async fn end_handoff_after_dead_letter(
    bridge: &Bridge,
    entry: &Entry,
    error: &str,
) -> Result<(), TableError> {
    let (Lane::Haptik(auth_id), Payload::Inbound { inbound, .. }) = (&entry.lane, &entry.payload)
    else {
        return Ok(());
    };
    let id = match &inbound.action {
        UserAction::Handoff { id, .. } | UserAction::MoveToAgent { handoff: id } => id,
        _ => entry.key.as_str(),
    };
    let ended = Ended {
        error: Some(error.to_owned()),
        ..Ended::of(Reason::Failed, Timestamp::now().as_millisecond())
    };
    let over = end_handoff(bridge, auth_id, id, &ended).await;
    over.map(drop)
        .map_err(|failure| TableError::Unavailable(failure.reason))
}
