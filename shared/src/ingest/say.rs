//! What the bridge says to a user on its own account: as a message of Haptik's bot would be, in the order of the
//! conversation.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{NotDurable, RequestContext};
use crate::bridge::Bridge;
use crate::haptik::webhook::OWN;
use crate::key::KeyKind;
use crate::lane::Lane;
use crate::ledger::Payload;
use crate::users::User;

impl Bridge {
    /// Tells a user something on the bridge's own account, in the order of the conversation: as a message
    /// of Haptik's bot would be. `name` is the same for the same notice, `at` when it was due.
    pub async fn notify(
        &self,
        context: RequestContext<'_>,
        user: &User,
        name: &str,
        text: &str,
        at: i64,
    ) -> Result<(), NotDurable> {
        let body = json!({"text": text, "type": "SYSTEM", "data": {}});
        self.say(context, user, name, &body, at).await
    }

    /// Says something to a user as Haptik's bot would.
    pub async fn say(
        &self,
        context: RequestContext<'_>,
        user: &User,
        name: &str,
        hsl: &Value,
        at: i64,
    ) -> Result<(), NotDurable> {
        let Some(connection) = self.connections.get(&user.connection) else {
            return Ok(());
        };
        let at = Timestamp::from_millisecond(at).unwrap_or(context.now);
        let body = json!({
            "event_name": "message",
            "timestamp": at.to_string(),
            "business_id": connection.business_id,
            "user": {"auth_id": user.auth_id},
            "agent": {"is_automated": true},
            OWN: true,
            "message": {"body": hsl},
        });
        let payload = Payload::Webhook {
            account: connection.account.clone(),
            body: body.to_string(),
        };
        let key = KeyKind::notice(at, name).into();
        let lane = Lane::Channel(user.auth_id.clone());
        self.accept(context, &lane, &key, &payload, at).await
    }
}
