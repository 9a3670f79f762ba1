//! Ending a hand-off, from whichever direction its end becomes known.

use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::ingest::RequestContext;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Payload};
use haptik_bridge_shared::message::UserAction;
use haptik_bridge_shared::message::handoff::{Completed, Ended, Reason};
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::users::EndOutcome;
use jiff::Timestamp;

/// Ends a hand-off, if it is on.
pub(crate) async fn end_handoff(
    bridge: &Bridge,
    auth_id: &AuthId,
    id: &str,
    ended: &Ended,
) -> Result<EndOutcome, Failure> {
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

/// Ends a hand-off, if it is on, by the completion of its conversation: as missed where nobody had joined.
pub(crate) async fn complete_handoff(
    bridge: &Bridge,
    auth_id: &AuthId,
    id: &str,
    completed: &Completed,
) -> Result<EndOutcome, Failure> {
    let context = RequestContext::new("processor", Timestamp::now());
    let missed = Ended::missed(completed);
    // An agent may join in this moment: whether one had the chat is decided where it is written.
    match bridge
        .end_handoff(context, auth_id, id, &missed, true)
        .await?
    {
        EndOutcome::Joined => end_handoff(bridge, auth_id, id, &Ended::completed(completed)).await,
        over => Ok(over),
    }
}

/// Where an entry that becomes a dead letter was to bring a user to a human, ends the hand-off.
pub(crate) async fn end_handoff_after_dead_letter(
    bridge: &Bridge,
    entry: &Entry,
    error: &str,
) -> Result<(), Failure> {
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
    end_handoff(bridge, auth_id, id, &ended).await.map(drop)
}
