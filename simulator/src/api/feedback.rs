//! Log feedback (docs.haptik.ai, webhooks/send-feedback-to-haptik).

use std::time::Duration;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Refusal, object, required_number, required_text};
use crate::{account::Simulator, records::LoggedFeedback};

/// A user may rate once in this time.
const ONCE_IN: Duration = Duration::from_hours(1);

pub(super) async fn log(
    State(simulator): State<Simulator>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let fields = object(&headers, &body)?;
    let auth_id = required_text(&fields, "auth_id")?.to_owned();
    let business_id = required_number(&fields, "business_id")?;
    let query_resolved = match fields.get("query_resolved") {
        Some(Value::Bool(resolved)) => *resolved,
        Some(_) => return Err(Refusal::bad("query_resolved must be a boolean")),
        None => return Err(Refusal::bad("query_resolved is missing")),
    };
    let query_rating = required_number(&fields, "query_rating")?;
    if !(1..=5).contains(&query_rating) {
        return Err(Refusal::bad("query_rating must be 1 to 5"));
    }
    let feedback = match fields.get("feedback") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => return Err(Refusal::bad("feedback must be a string")),
    };
    let at = Timestamp::now();
    let once_in = simulator.settings().scaled(ONCE_IN);
    simulator.change(|state| {
        let after_completion = state.behaviour.ratings_after_completion;
        let user = state
            .users
            .get_mut(&auth_id)
            .ok_or_else(|| Refusal::new(StatusCode::FORBIDDEN, "Invalid_User"))?;
        let taken = user.conversation.is_some() || (after_completion && user.has_spoken);
        if !taken {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "Failed to submit feedback, please make sure there is an active conversation with the agent",
            ));
        }
        let too_soon = |last: Timestamp| at.duration_since(last).unsigned_abs() < once_in;
        if user.feedback_at.is_some_and(too_soon) {
            return Err(Refusal::bad("duplicate feedback"));
        }
        user.feedback_at = Some(at);
        state.records.feedback.push(LoggedFeedback {
            at,
            auth_id,
            business_id,
            query_resolved,
            query_rating,
            feedback,
        });
        Ok(())
    })?;
    Ok((StatusCode::CREATED, Json(json!({"success": true}))))
}
