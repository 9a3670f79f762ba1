//! Of which workspace a request is, where the app is in many: whose token answers it, and whose user it
//! is about.
//!
//! That is the workspace, or the organisation, where the app is *installed*, which in channels that
//! several workspaces share (Slack Connect) is not always the one that is named first, nor the user's
//! own.

use std::collections::HashMap;

use serde_json::Value;

use super::{Reader, Reading, nothing};
use crate::slack::workspaces::{Ended, WorkspaceId};
use haptik_bridge_shared::lenient_json;

impl Reader<'_> {
    /// Reads something of a workspace: what is read belongs there.
    pub(super) fn within(
        self,
        workspace: Option<&WorkspaceId>,
        read: impl FnOnce(Reader<'_>) -> Result<Reading, String>,
    ) -> Result<Reading, String> {
        if !self.many {
            return read(self);
        }
        let reading = read(Reader { workspace, ..self })?;
        // The handshake and such are of no workspace.
        if workspace.is_some() || reading.leads_to_nothing() {
            Ok(reading)
        } else {
            Err("a request that names no workspace".to_owned())
        }
    }

    /// The app was removed from a workspace
    /// (<https://docs.slack.dev/reference/events/app_uninstalled>), or its bot's token was revoked
    /// (<https://docs.slack.dev/reference/events/tokens_revoked>): either comes first, or alone.
    pub(super) fn ended(self, envelope: &Value, event: &Value) -> Reading {
        let users_only = lenient_json::text(event, "type") == "tokens_revoked"
            && event.pointer("/tokens/bot").is_none_or(is_empty_list);
        let Some(workspace) = self.workspace.filter(|_| !users_only) else {
            return nothing();
        };
        let at = lenient_json::whole(envelope, "event_time").and_then(|at| i64::try_from(at).ok());
        let ended = Ended {
            tenant: workspace.clone(),
            at: at.unwrap_or_else(|| self.sent.as_second()),
        };
        Reading {
            ended: Some(ended),
            ..nothing()
        }
    }
}

/// Of an event: the installation for which it was sent comes first
/// (<https://docs.slack.dev/apis/events-api/#authorizations>).
pub(super) fn of_event(envelope: &Value) -> Option<WorkspaceId> {
    let authorization = lenient_json::list(envelope, "authorizations").next();
    let authorized = authorization.and_then(installed);
    authorized
        .or_else(|| installed(envelope))
        .or_else(|| first(envelope, &["/context_team_id", "/context_enterprise_id"]))
}

/// Of an interaction (<https://docs.slack.dev/reference/interaction-payloads/>). In a shared channel
/// `team` is the app's workspace for a tap and the user's own for a modal, whose view says the app's.
pub(super) fn of_interaction(payload: &Value) -> Option<WorkspaceId> {
    let of_view = first(payload, &["/view/app_installed_team_id"]);
    if of_view.as_ref().is_some_and(WorkspaceId::is_organisation) {
        return of_view;
    }
    if lenient_json::flag(payload, "is_enterprise_install")
        && let Some(organisation) = first(payload, &["/enterprise/id"])
    {
        return Some(organisation);
    }
    of_view.or_else(|| first(payload, &["/team/id", "/enterprise/id", "/user/team_id"]))
}

/// Of a slash command.
pub(super) fn of_command(fields: &HashMap<String, String>) -> Option<WorkspaceId> {
    let field = |name: &str| WorkspaceId::read(fields.get(name)?);
    let by_organisation = fields
        .get("is_enterprise_install")
        .is_some_and(|flag| flag == "true");
    let organisation = || field("enterprise_id");
    if by_organisation && let Some(organisation) = organisation() {
        return Some(organisation);
    }
    field("team_id").or_else(organisation)
}

fn installed(ids: &Value) -> Option<WorkspaceId> {
    let organisation = || first(ids, &["/enterprise_id"]);
    if lenient_json::flag(ids, "is_enterprise_install")
        && let Some(organisation) = organisation()
    {
        return Some(organisation);
    }
    first(ids, &["/team_id"]).or_else(organisation)
}

fn first(value: &Value, pointers: &[&str]) -> Option<WorkspaceId> {
    pointers
        .iter()
        .find_map(|pointer| WorkspaceId::read(value.pointer(pointer)?.as_str()?))
}

fn is_empty_list(value: &Value) -> bool {
    value.as_array().is_none_or(Vec::is_empty)
}
