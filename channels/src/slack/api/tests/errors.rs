//! What every error means that Slack publishes for the methods that are called
//! (<https://docs.slack.dev/reference/methods>), as of August 2026.

use super::*;

/// Those that Slack explains as passing, and those of its own making.
#[rustfmt::skip]
const PASSING: &[&str] = &[
    "external_channel_migrating", "fatal_error", "internal_error", "list_record_comment_fetch_failed",
    "message_limit_exceeded", "org_login_required", "request_timeout", "service_unavailable",
    "streaming_state_conflict", "team_added_to_org", "unknown_method", "update_failed",
];

/// Those that an operator mends: the token, its scopes, the app's settings, the organisation's rules.
#[rustfmt::skip]
const CREDENTIALS: &[&str] = &[
    "access_denied", "accesslimited", "account_inactive", "ekm_access_denied", "enterprise_is_restricted",
    "invalid_auth", "messages_tab_disabled", "missing_scope", "no_permission", "not_agent_app",
    "not_allowed_token_type", "not_authed", "not_enabled", "team_access_not_granted", "token_expired",
    "token_revoked", "two_factor_setup_required",
];

/// Those that no time and no operator mends.
#[rustfmt::skip]
const FINAL: &[&str] = &[
    "already_reacted", "app_access_restricted", "as_user_not_supported", "attachment_payload_limit_exceeded",
    "bad_timestamp", "block_mismatch", "blocked_file_type", "cannot_reply_to_message", "cant_broadcast_message",
    "cant_update_message", "canvas_disabled_file_team", "canvas_disabled_user_team", "canvas_globally_disabled",
    "channel_is_limited_access", "channel_not_found", "deprecated_endpoint", "draft_already_deleted",
    "draft_already_sent", "draft_has_conflict", "draft_not_found", "duplicate_channel_not_found",
    "duplicate_external_id", "duplicate_message_not_found", "edit_window_closed", "exchanged_trigger_id",
    "expired_trigger_id", "file_comment_not_found", "file_deleted", "file_is_deleted", "file_not_found",
    "file_share_limit_reached", "hash_conflict", "invalid_arg_name", "invalid_array_arg", "invalid_attachments",
    "invalid_blocks", "invalid_blocks_format", "invalid_charset", "invalid_cursor", "invalid_form_data",
    "invalid_metadata_filter_keys", "invalid_metadata_format", "invalid_metadata_schema", "invalid_name",
    "invalid_post_type", "invalid_thread_ts", "invalid_trigger_id", "invalid_ts_latest", "invalid_ts_oldest",
    "invalid_user_combination", "is_archived", "is_bot", "is_inactive", "markdown_text_conflict",
    "max_file_sharing_exceeded", "message_not_found", "metadata_must_be_sent_from_app", "metadata_too_large",
    "method_deprecated", "method_not_supported_for_channel_type", "missing_file_data", "missing_post_type",
    "missing_profile_id", "msg_blocks_too_long", "msg_too_long", "no_access",
    "no_dual_broadcast_content_update", "no_item_specified", "no_reaction", "no_text", "not_enough_users",
    "not_implemented", "not_in_channel", "not_reactable", "not_visible", "posting_to_channel_denied",
    "reserved_username", "restricted_action", "restricted_action_non_threadable_channel",
    "restricted_action_read_only_channel", "restricted_action_thread_locked",
    "restricted_action_thread_only_channel", "send_on_behalf_not_allowed", "slack_connect_blocked_file_type",
    "slack_connect_canvas_sharing_blocked", "slack_connect_clip_sharing_blocked",
    "slack_connect_file_link_sharing_blocked", "slack_connect_file_upload_sharing_blocked",
    "slack_connect_lists_sharing_blocked", "team_not_found", "template_not_visible", "thread_locked",
    "thread_not_found", "too_many_attachments", "too_many_contact_cards", "too_many_emoji",
    "too_many_reactions", "too_many_users", "unable_to_share_files", "user_disabled", "user_not_found",
    "user_not_visible", "users_list_not_supplied", "view_too_large",
];

#[test]
fn every_published_error_is_known_as_passing_final_or_a_matter_of_credentials() {
    for (kind, codes, retry) in [
        (CallErrorKind::Unavailable, PASSING, Retry::Later(None)),
        (CallErrorKind::Unauthorized, CREDENTIALS, Retry::Later(None)),
        (
            CallErrorKind::RateLimited,
            &["ratelimited", "rate_limited"],
            Retry::Later(None),
        ),
        (CallErrorKind::Refused, FINAL, Retry::Never),
    ] {
        for code in codes {
            assert_eq!(kind_of(code), kind, "{code}");
            let error = CallError::new("chat.postMessage", kind_of(code));
            assert_eq!(error.retry(), retry, "{code}");
        }
    }
    // Nothing else is anything but final.
    assert_eq!(PASSING, UNAVAILABLE);
    assert_eq!(CREDENTIALS, UNAUTHORIZED);
    assert_eq!(kind_of("an_error_of_tomorrow"), CallErrorKind::Refused);
}
