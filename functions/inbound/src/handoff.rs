//! Hand-offs that a bot which lives elsewhere asks for: what depends on the user's state.

use haptik_bridge_shared::bridge::{Bridge, Connection};
use haptik_bridge_shared::channel::{Act, HandoffAsked, Inbound, Reply};
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::ingest::{BeginError, NotDurable, RequestContext};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Payload;
use serde_json::json;

/// Begins or ends a hand-off; returns the answer where it is not that of the channel.
pub(super) async fn accept(
    bridge: &Bridge,
    connection: (&ConnectionId, &Connection),
    context: RequestContext<'_>,
    asked: HandoffAsked,
) -> Result<Option<Reply>, NotDurable> {
    match asked {
        HandoffAsked::Begin(inbound) => {
            let accepted = bridge.accept_handoff(context, connection, *inbound);
            match accepted.await {
                Ok(()) => Ok(None),
                Err(BeginError::Another(other)) => {
                    let error = "the user is handed over already: end that hand-off first, or wait for its handoff_ended";
                    let refused = json!({"error": error, "handoff_id": other});
                    Ok(Some(Reply::json(409, &refused)))
                }
                Err(BeginError::NotDurable(error)) => Err(error),
            }
        }
        HandoffAsked::End(auth_id) => {
            let ended = bridge.take_back(context, connection.0, &auth_id).await?;
            Ok(Some(match ended {
                Some(id) => Reply::json(202, &json!({"id": id, "auth_id": auth_id})),
                None => Reply::json(
                    404,
                    &json!({"error": "this user is not handed over: there is no hand-off to end"}),
                ),
            }))
        }
    }
}

/// Whether something is taken that counts only in a hand-off.
pub(super) enum Within {
    /// It is, in this one; in none, where it counts outside of one too.
    Taken(Option<String>),
    /// It is not, since none is on: with this answer.
    Refused(Reply),
}

/// Whether something that a user said is taken. A rating is at any time.
pub(super) async fn within(
    bridge: &Bridge,
    inbound: &Inbound,
    only_in_handoff: bool,
) -> Result<Within, NotDurable> {
    if !only_in_handoff || matches!(inbound.act, Act::Feedback { .. }) {
        return Ok(Within::Taken(None));
    }
    if let Some(handoff) = bridge.handoff_of(&inbound.auth_id).await? {
        return Ok(Within::Taken(Some(handoff.id)));
    }
    // What was taken while one was on, and is sent again since the answer was lost, was taken.
    let lane = Lane::Haptik(inbound.auth_id.clone());
    let taken = bridge.ledger.entry(&lane, &inbound.key).await?;
    if let Some(Payload::Inbound { handoff, .. }) = taken.map(|entry| entry.payload) {
        return Ok(Within::Taken(handoff));
    }
    let error = "this user is not handed over to a human, and the connection is for hand-offs only (handoff_only): the message is not taken, answer it yourself or POST …/handoff first";
    let refused = json!({"error": error});
    Ok(Within::Refused(Reply::json(409, &refused)))
}
