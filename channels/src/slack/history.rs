//! What a conversation shows already.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::METADATA;
use super::address::Address;
use super::api::{Api, SlackError};
use haptik_bridge_shared::lenient_json::{self, text_at};
use haptik_bridge_shared::message::Outgoing;

/// How many pages of a conversation are looked through for a message that may have been sent.
const PAGES: usize = 5;

/// How far our clock may be ahead of Slack's, when looking for a message: where it is further off, nothing of Slack's
/// is taken ([`super::verify`]). Longer, and what was said before would stand between: some apps see 15 messages only.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Which parts of a message are there, by the metadata that each is sent with; `None` when the app may not
/// look (<https://docs.slack.dev/reference/methods/conversations.history>).
///
/// An app that is distributed outside of the Marketplace may ask once a minute, for 15 messages. Of such a one the
/// first page is all: every try would begin with it again, and none would get to the next.
pub(super) async fn parts_sent(
    api: &Api,
    place: &Address,
    outgoing: &Outgoing,
) -> Result<Option<Vec<usize>>, SlackError> {
    let Some(channel) = conversation(api, place).await? else {
        return Ok(None);
    };
    let oldest = outgoing
        .received_at
        .checked_sub(CLOCK_SKEW)
        .unwrap_or(Timestamp::UNIX_EPOCH);
    let oldest = format!("{}.000000", oldest.as_second().max(0));
    let mut found = Vec::new();
    let mut cursor = String::new();
    for page in 0..PAGES {
        let mut arguments = vec![
            ("channel", channel.as_str()),
            ("include_all_metadata", "true"),
            ("limit", "100"),
            ("oldest", &oldest),
            ("cursor", &cursor),
        ];
        arguments.retain(|(_, value)| !value.is_empty());
        let method = match &place.thread_ts {
            Some(thread_ts) => {
                arguments.push(("ts", thread_ts));
                "conversations.replies"
            }
            None => "conversations.history",
        };
        let asked = api.read_if_allowed(place.workspace.as_ref(), method, &arguments);
        let answer = match asked.await {
            Err(error) if page > 0 && error.is_rate_limited() => break,
            answer => answer?,
        };
        let Some(answer) = answer else {
            return Ok(None);
        };
        found.extend(
            lenient_json::list(&answer, "messages")
                .filter_map(|message| part_of(message, outgoing)),
        );
        match text_at(&answer, "/response_metadata/next_cursor") {
            None => break,
            Some(next) => next.clone_into(&mut cursor),
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(Some(found))
}

/// The id of the conversation: of an address that is a user's, as that of what follows from a slash command, it is the
/// direct conversation with that user, which only `chat.postMessage` finds by itself. `None` when the app may not
/// ask, or there is none yet (<https://docs.slack.dev/reference/methods/conversations.open>).
async fn conversation(api: &Api, place: &Address) -> Result<Option<String>, SlackError> {
    if !place.channel.starts_with(['U', 'W']) {
        return Ok(Some(place.channel.clone()));
    }
    let arguments = [
        ("users", place.channel.as_str()),
        ("prevent_creation", "true"),
    ];
    let workspace = place.workspace.as_ref();
    let asked = api.read_if_allowed(workspace, "conversations.open", &arguments);
    let answer = asked.await?.unwrap_or_default();
    Ok(text_at(&answer, "/channel/id").map(ToOwned::to_owned))
}

/// Which part of this message another one in the conversation is, by its metadata.
fn part_of(message: &Value, outgoing: &Outgoing) -> Option<usize> {
    let metadata = message
        .get("metadata")
        .filter(|metadata| lenient_json::text(metadata, "event_type") == METADATA)?;
    let payload = metadata.get("event_payload")?;
    let is_it = lenient_json::text(payload, "key") == outgoing.key.as_str()
        && lenient_json::text(payload, "auth_id") == outgoing.auth_id.as_str();
    lenient_json::whole(payload, "part")
        .and_then(|part| usize::try_from(part).ok())
        .filter(|_| is_it)
}
