//! `conversations.info`, `conversations.open`, `conversations.history` and `conversations.replies`.

use serde_json::{Value, json};

use crate::fake_slack::{
    Message,
    arguments::Arguments,
    state::{Reads, State},
};

use super::{conversation, is_timestamp};
use crate::fake_slack::message::direct_channel;
use crate::fake_slack::refused::Refused;

/// The direct conversation with a user; without a `channel` where nothing was said in it and none is to be made.
pub(crate) fn open(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let users = arguments.required("users")?;
    let channel = Some(users.as_str())
        .filter(|users| users.starts_with(['U', 'W']) && !users.contains(','))
        .map(direct_channel);
    let channel = channel.ok_or_else(|| Refused::new("user_not_found").because(&users))?;
    let is_open = state.read(|store| store.channels.contains_key(&channel));
    let creates = arguments.text("prevent_creation").as_deref() != Some("true");
    Ok(if is_open || creates {
        json!({"channel": {"id": channel}})
    } else {
        json!({})
    })
}

/// The id of a conversation to read: a user's id is none here.
fn readable(id: &str) -> Result<String, Refused> {
    let is_user = id.starts_with(['U', 'W']);
    let id = conversation(id).ok().filter(|_| !is_user);
    id.ok_or_else(|| Refused::new("channel_not_found").because("no conversation's id"))
}

/// A conversation, whose name is made from its id.
pub(crate) fn info(arguments: &Arguments) -> Result<Value, Refused> {
    let id = readable(&arguments.required("channel")?)?;
    let name = format!("channel-{}", id.to_ascii_lowercase());
    Ok(json!({"channel": {"id": id, "name": name, "is_channel": true, "is_member": true}}))
}

/// The newest messages of a conversation that are no replies, newest first.
pub(crate) fn history(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let channel = readable(&arguments.required("channel")?)?;
    let range = Range::of(state, arguments, 100)?;
    let mut messages = state.read(|store| {
        let all = store.channels.get(&channel).into_iter().flatten();
        all.filter(|message| !message.is_reply())
            .filter(|message| range.holds(&message.ts))
            .cloned()
            .collect::<Vec<_>>()
    });
    messages.reverse();
    Ok(page(state, arguments, &messages, &range))
}

/// A thread, its first message first; every page begins with that message, as Slack's do.
pub(crate) fn replies(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let channel = readable(&arguments.required("channel")?)?;
    let ts = arguments.required("ts")?;
    let range = Range::of(state, arguments, 1000)?;
    let messages = state.read(|store| {
        let asked = store.message(&channel, &ts)?;
        let root = asked.thread_ts.clone().unwrap_or_else(|| asked.ts.clone());
        let all = store.channels.get(&channel).into_iter().flatten();
        let in_thread = all.filter(|message| {
            message.ts == root
                || message.thread_ts.as_ref() == Some(&root) && range.holds(&message.ts)
        });
        Some(in_thread.cloned().collect::<Vec<_>>())
    });
    let messages = messages.ok_or_else(|| Refused::new("thread_not_found").because(&ts))?;
    Ok(page(state, arguments, &messages, &range))
}

/// Which messages are asked for, and how many at once.
struct Range {
    oldest: Option<String>,
    latest: Option<String>,
    inclusive: bool,
    limit: usize,
    offset: usize,
}

impl Range {
    fn of(state: &State, arguments: &Arguments, default_limit: usize) -> Result<Self, Refused> {
        let limit = arguments.number("limit")?.unwrap_or(default_limit);
        if limit == 0 || limit > 1000 {
            return Err(Refused::new("invalid_limit").because(limit));
        }
        let is_limited = state.read(|store| store.reads.is_some());
        let limit = if is_limited {
            limit.min(Reads::OBJECTS)
        } else {
            limit
        };
        let offset = match arguments.text("cursor") {
            None => 0,
            Some(cursor) => cursor
                .strip_prefix("next_")
                .and_then(|number| number.parse().ok())
                .ok_or_else(|| Refused::new("invalid_cursor").because(cursor))?,
        };
        Ok(Self {
            oldest: bound(arguments, "oldest", "invalid_ts_oldest")?,
            latest: bound(arguments, "latest", "invalid_ts_latest")?,
            inclusive: arguments.flag("inclusive"),
            limit,
            offset,
        })
    }

    fn holds(&self, ts: &str) -> bool {
        // Bounds have the shape of ids, whose order is that of their text.
        let after = self
            .oldest
            .as_deref()
            .is_none_or(|oldest| ts > oldest || self.inclusive && ts == oldest);
        let until = self
            .latest
            .as_deref()
            .is_none_or(|latest| ts < latest || self.inclusive && ts == latest);
        after && until
    }
}

/// A time in seconds, with or without a fraction, in the shape of a message's id.
fn bound(arguments: &Arguments, name: &str, error: &str) -> Result<Option<String>, Refused> {
    let Some(text) = arguments.text(name).filter(|text| text != "0") else {
        return Ok(None);
    };
    let (seconds, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let padded = format!("{seconds:0>10}.{fraction:0<6}");
    if is_timestamp(&padded) {
        Ok(Some(padded))
    } else {
        Err(Refused::new(error).because(text))
    }
}

fn page(state: &State, arguments: &Arguments, messages: &[Message], range: &Range) -> Value {
    let with_metadata = arguments.flag("include_all_metadata");
    let shown: Vec<Value> = messages
        .iter()
        .skip(range.offset)
        .take(range.limit)
        .map(|message| threaded(state, message, with_metadata))
        .collect();
    let end = range.offset.saturating_add(shown.len());
    let has_more = end < messages.len();
    let next_cursor = if has_more {
        format!("next_{end}")
    } else {
        String::new()
    };
    json!({
        "messages": shown,
        "has_more": has_more,
        "pin_count": 0,
        "response_metadata": {"next_cursor": next_cursor},
    })
}

/// A message with what Slack says of its thread.
fn threaded(state: &State, message: &Message, with_metadata: bool) -> Value {
    let mut shown = message.to_json(&state.workspace, with_metadata);
    let replies: Vec<String> = state.read(|store| {
        let all = store.channels.get(&message.channel).into_iter().flatten();
        all.filter(|other| other.is_reply() && other.thread_ts.as_ref() == Some(&message.ts))
            .map(|reply| reply.ts.clone())
            .collect()
    });
    if let (Some(fields), Some(latest)) = (shown.as_object_mut(), replies.last()) {
        fields.insert("thread_ts".to_owned(), json!(message.ts));
        fields.insert("reply_count".to_owned(), json!(replies.len()));
        fields.insert("latest_reply".to_owned(), json!(latest));
    }
    shown
}
