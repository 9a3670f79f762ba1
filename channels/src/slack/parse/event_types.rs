//! The types that Slack documents: what is known and not used is acknowledged and forgotten, what is
//! not known is acknowledged and counted.

/// The events (<https://docs.slack.dev/reference/events>), those of the retired RTM API included: an
/// app of that age may still be sent them.
#[rustfmt::skip]
const EVENTS: &[&str] = &[
    "accounts_changed", "agent_session_stopped", "agent_session_title_changed",
    "app_context_changed", "app_deleted", "app_home_opened", "app_installed", "app_mention",
    "app_rate_limited", "app_requested", "app_uninstalled", "app_uninstalled_team",
    "assistant_thread_context_changed", "assistant_thread_started", "bot_added", "bot_changed",
    "call_rejected", "channel_archive", "channel_created", "channel_deleted",
    "channel_history_changed", "channel_id_changed", "channel_joined", "channel_left",
    "channel_marked", "channel_rename", "channel_shared", "channel_unarchive", "channel_unshared",
    "commands_changed", "dnd_updated", "dnd_updated_user", "email_domain_changed", "emoji_changed",
    "entity_details_requested", "external_org_migration_finished",
    "external_org_migration_started", "file_change", "file_comment_added", "file_comment_deleted",
    "file_comment_edited", "file_created", "file_deleted", "file_public", "file_shared",
    "file_unshared", "function_executed", "goodbye", "grid_migration_finished",
    "grid_migration_started", "group_archive", "group_close", "group_deleted",
    "group_history_changed", "group_joined", "group_left", "group_marked", "group_open",
    "group_rename", "group_unarchive", "hello", "im_close", "im_created", "im_history_changed",
    "im_marked", "im_open", "invite_requested", "link_shared", "manual_presence_change",
    "member_joined_channel", "member_left_channel", "message", "message_metadata_deleted",
    "message_metadata_posted", "message_metadata_updated", "mpim_close", "mpim_history_changed",
    "mpim_joined", "mpim_open", "pin_added", "pin_removed", "pref_change", "presence_change",
    "presence_query", "presence_sub", "reaction_added", "reaction_removed", "reconnect_url",
    "resources_added", "resources_removed", "scope_denied", "scope_granted",
    "shared_channel_invite_accepted", "shared_channel_invite_approved",
    "shared_channel_invite_declined", "shared_channel_invite_received",
    "shared_channel_invite_requested", "star_added", "star_removed", "subteam_created",
    "subteam_members_changed", "subteam_self_added", "subteam_self_removed", "subteam_updated",
    "team_access_granted", "team_access_revoked", "team_domain_change", "team_domain_changed",
    "team_join", "team_migration_started", "team_plan_change", "team_pref_change",
    "team_profile_change", "team_profile_delete", "team_profile_reorder", "team_rename",
    "tokens_revoked", "url_verification", "user_change", "user_connection", "user_huddle_changed",
    "user_profile_changed", "user_resource_denied", "user_resource_granted",
    "user_resource_removed", "user_status_changed", "user_typing", "workflow_deleted",
    "workflow_published", "workflow_step_deleted", "workflow_step_execute", "workflow_unpublished",
];

/// The interactions (<https://docs.slack.dev/reference/interaction-payloads/>), old ones included.
#[rustfmt::skip]
const INTERACTIONS: &[&str] = &[
    "block_actions", "block_suggestion", "dialog_cancellation", "dialog_submission",
    "dialog_suggestion", "interactive_message", "message_action", "shortcut", "view_closed",
    "view_submission", "workflow_step_edit",
];

/// Whether Slack documents an event of this type. A message's second names (`message.im`) count too.
pub(super) fn is_documented(kind: &str) -> bool {
    EVENTS.contains(&kind) || kind.starts_with("message.")
}

/// Whether Slack documents an interaction of this type.
pub(super) fn is_interaction(kind: &str) -> bool {
    INTERACTIONS.contains(&kind)
}
