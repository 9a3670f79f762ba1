//! What a bot which lives elsewhere asks: what depends on the user's state.

use haptik_bridge_channels::channel::Response;
use haptik_bridge_channels::peer::PeerRequest;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::ingest::{BeginError, NotDurable};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Payload;
use haptik_bridge_shared::message::{Inbound, UserAction};
use serde_json::json;

use crate::Connected;

impl Connected<'_> {
    /// Accepts what a bot asks; the answer where it is not that of the channel.
    pub(crate) async fn accept_from_peer(
        &self,
        asked: PeerRequest<haptik_bridge_shared::message::Address>,
    ) -> Result<Option<Response>, NotDurable> {
        match asked {
            PeerRequest::Begin(mut inbound) => {
                inbound.key = self.key(inbound.key);
                self.begin(*inbound).await
            }
            PeerRequest::End(auth_id) => self.end(&auth_id).await.map(Some),
            PeerRequest::Forward(mut inbound) => {
                inbound.key = self.key(inbound.key);
                self.forward(*inbound).await
            }
        }
    }

    async fn begin(&self, inbound: Inbound) -> Result<Option<Response>, NotDurable> {
        let at = (self.id, self.connection);
        let accepted = self.bridge.accept_handoff(self.context, at, inbound);
        match accepted.await {
            Ok(()) => Ok(None),
            Err(BeginError::Another(other)) => {
                let error = "the user is handed over already: end that hand-off first, or wait for its handoff_ended";
                let refused = json!({"error": error, "handoff_id": other});
                Ok(Some(Response::json(409, &refused)))
            }
            Err(BeginError::NotDurable(error)) => Err(error),
        }
    }

    async fn end(&self, auth_id: &AuthId) -> Result<Response, NotDurable> {
        let ended = self
            .bridge
            .withdraw_handoff(self.context, self.id, auth_id)
            .await?;
        Ok(match ended {
            Some(id) => Response::json(202, &json!({"id": id, "auth_id": auth_id})),
            None => Response::json(
                404,
                &json!({"error": "this user is not handed over: there is no hand-off to end"}),
            ),
        })
    }

    /// Accepts what is taken only within a hand-off. A rating is taken at any time.
    async fn forward(&self, inbound: Inbound) -> Result<Option<Response>, NotDurable> {
        let handoff = if matches!(inbound.action, UserAction::Feedback { .. }) {
            None
        } else {
            match self.within(&inbound).await? {
                HandoffRoute::Handoff(handoff) => handoff,
                HandoffRoute::Nothing => {
                    let error = "this user is not handed over to a human, and the connection is for hand-offs only (handoff_only): the message is not taken, answer it yourself or POST …/handoff first";
                    return Ok(Some(Response::json(409, &json!({"error": error}))));
                }
            }
        };
        self.bridge
            .accept_inbound(self.context, self.id, inbound, handoff)
            .await?;
        Ok(None)
    }

    /// Within what something is said.
    async fn within(&self, inbound: &Inbound) -> Result<HandoffRoute, NotDurable> {
        if let Some(handoff) = self.bridge.handoff_of(&inbound.auth_id).await? {
            return Ok(HandoffRoute::Handoff(Some(handoff.id)));
        }
        // What was taken while one was on, and is sent again since the answer was lost, was taken.
        let lane = Lane::Haptik(inbound.auth_id.clone());
        let taken = self.bridge.ledger.entry(&lane, &inbound.key).await?;
        Ok(match taken.map(|entry| entry.payload) {
            Some(Payload::Inbound { handoff, .. }) => HandoffRoute::Handoff(handoff),
            _ => HandoffRoute::Nothing,
        })
    }
}

/// Within what something is said that counts only within a hand-off.
enum HandoffRoute {
    /// A hand-off that is on, or the one in which it was taken before.
    Handoff(Option<String>),
    /// None.
    Nothing,
}
