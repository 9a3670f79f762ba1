//! Hand-offs that a bot which lives elsewhere asks for: what depends on the user's state.

use haptik_bridge_channels::channel::{HandoffAsked, Reply};
use haptik_bridge_shared::bridge::{Bridge, Connection};
use haptik_bridge_shared::edge::NotDurable;
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Payload;
use haptik_bridge_shared::message::{Inbound, UserAction};
use jiff::Timestamp;
use serde_json::json;

/// Begins or ends a hand-off; returns the answer where it is not that of the channel.
pub(super) async fn accept(
    bridge: &Bridge,
    connection: (&ConnectionId, &Connection),
    source: &str,
    asked: HandoffAsked,
    now: Timestamp,
) -> Result<Option<Reply>, NotDurable> {
    match asked {
        HandoffAsked::Begin(inbound) => {
            let accepted = bridge
                .accept_handoff(source, connection, *inbound, now)
                .await?;
            Ok(accepted.err().map(|other| {
                let error = "the user is handed over already: end that hand-off first, or wait for its handoff_ended";
                Reply::json(409, &json!({"error": error, "handoff_id": other}))
            }))
        }
        HandoffAsked::End(auth_id) => {
            let ended = bridge
                .take_back(source, connection.0, &auth_id, now)
                .await?;
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

/// The hand-off in which something is said that counts only in one, or the answer that there is none. A
/// rating is taken at any time.
pub(super) async fn within(
    bridge: &Bridge,
    inbound: &Inbound,
    only_in_handoff: bool,
) -> Result<Result<Option<String>, Reply>, NotDurable> {
    if !only_in_handoff || matches!(inbound.action, UserAction::Feedback { .. }) {
        return Ok(Ok(None));
    }
    if let Some(handoff) = bridge.handoff_of(&inbound.auth_id).await? {
        return Ok(Ok(Some(handoff.id)));
    }
    // What was taken while one was on, and is sent again since the answer was lost, was taken.
    let lane = Lane::Haptik(inbound.auth_id.clone());
    let taken = bridge.ledger.entry(&lane, &inbound.key).await?;
    if let Some(Payload::Inbound { handoff, .. }) = taken.map(|entry| entry.payload) {
        return Ok(Ok(handoff));
    }
    let error = "this user is not handed over to a human, and the connection is for hand-offs only (handoff_only): the message is not taken, answer it yourself or POST …/handoff first";
    Ok(Err(Reply::json(409, &json!({"error": error}))))
}
