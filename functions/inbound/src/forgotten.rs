//! What a user does may name another: a button says whom its message was for. Who was forgotten is not named.

use std::collections::BTreeSet;

use haptik_bridge_channels::callback::{users_in, without_users};
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::ingest::NotDurable;
use haptik_bridge_shared::message::{Inbound, Task, UserAction};
use haptik_bridge_shared::table::TableError;
use serde_json::Value;

/// Takes those who were forgotten out of what a user did.
///
/// # Errors
/// When DynamoDB does not answer.
pub(crate) async fn out_of_inbound(
    bridge: &Bridge,
    inbound: &mut Inbound,
) -> Result<(), NotDurable> {
    let (UserAction::Choice { .. } | UserAction::Unresolved { .. }) = &inbound.action else {
        return Ok(());
    };
    let unreadable = |error: serde_json::Error| TableError::Unreadable(error.to_string());
    let action = serde_json::to_value(&inbound.action).map_err(unreadable)?;
    if let Some(action) = without(bridge, &action, &inbound.auth_id).await? {
        inbound.action = serde_json::from_value(action).map_err(unreadable)?;
    }
    Ok(())
}

/// Takes those who were forgotten out of what is to be done in a channel.
///
/// # Errors
/// When DynamoDB does not answer.
pub(crate) async fn out_of_task(bridge: &Bridge, task: &mut Task) -> Result<(), NotDurable> {
    if let Some(command) = without(bridge, &task.command, &task.auth_id).await? {
        task.command = command;
    }
    Ok(())
}

/// Data of a user without those others who were forgotten and have not written since; `None` where they name none. No
/// call where nobody was forgotten.
async fn without(
    bridge: &Bridge,
    data: &Value,
    user: &AuthId,
) -> Result<Option<Value>, NotDurable> {
    let mut gone = BTreeSet::new();
    for other in users_in(data) {
        if other == *user {
            continue;
        }
        let tombstone = bridge.ledger.table().tombstone(other.as_str()).await?;
        if tombstone.is_some_and(|tombstone| tombstone.back_at.is_none()) {
            gone.insert(other);
        }
    }
    Ok(without_users(data, &gone))
}
