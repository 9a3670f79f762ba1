//! An entry as DynamoDB has it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Entry, FileUrls, Payload, Reservation, State};
use crate::ids::ConnectionId;
use crate::retry::Detail;
use crate::table::TableError;

/// Times are milliseconds since the epoch, `expires_at` seconds (TTL).
#[derive(Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) pk: String,
    pub(super) sk: String,
    pub(super) state: State,
    /// The sort key again, while it is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pending: Option<String>,
    /// The payload as JSON; empty when it is kept in pieces.
    pub(super) payload: String,
    #[serde(default)]
    pub(super) pieces: usize,
    /// Which pieces: a hash of the payload, so that a repeated delivery whose body is another does not
    /// mix with it.
    #[serde(default)]
    pub(super) pieces_of: String,
    pub(super) at: i64,
    pub(super) received_at: i64,
    pub(super) correlation_id: String,
    /// What it is found by; an older version wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) came_as: Option<String>,
    #[serde(default)]
    pub(super) attempts: u32,
    #[serde(default)]
    pub(super) starts: u32,
    #[serde(default)]
    pub(super) overruns: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revived_at: Option<i64>,
    /// The day on which it was given up and the cause, while it is; of a delivered entry, what it was sent as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dead: Option<String>,
    #[serde(default)]
    pub(super) parts_done: usize,
    #[serde(default)]
    pub(super) begun: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shown_by: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) message_ids: Vec<String>,
    /// `PART URL`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) file_urls: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reserved: Option<i64>,
    /// In which round.
    #[serde(default)]
    pub(super) reserved_in: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) forbidden_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// The provider's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended_at: Option<i64>,
    pub(super) expires_at: i64,
}

impl Item {
    /// The entry, where this version understands it.
    pub(super) fn into_entry(self) -> Result<Entry, TableError> {
        // The error of serde_json may quote the payload: it is left out.
        let payload = serde_json::from_str(&self.payload);
        let payload = payload.map_err(|_| unreadable(&self.pk, &self.sk, "payload"))?;
        self.into_entry_with(payload)
    }

    /// The entry, with this in the place of its payload.
    pub(super) fn into_entry_with(self, payload: Payload) -> Result<Entry, TableError> {
        let unreadable = |what: &str| unreadable(&self.pk, &self.sk, what);
        let moment = |milliseconds| {
            Timestamp::from_millisecond(milliseconds).map_err(|_| unreadable("time"))
        };
        Ok(Entry {
            lane: self.pk.parse().map_err(|_| unreadable("lane"))?,
            key: self.sk.as_str().into(),
            state: self.state,
            payload,
            at: moment(self.at)?,
            received_at: moment(self.received_at)?,
            correlation_id: self.correlation_id.as_str().into(),
            attempts: self.attempts,
            starts: self.starts,
            overruns: self.overruns,
            revived_at: self.revived_at.map(moment).transpose()?,
            parts_done: self.parts_done,
            begun: self.begun,
            shown_by: self.shown_by.map(ConnectionId::from),
            message_ids: self.message_ids,
            file_urls: FileUrls(
                self.file_urls
                    .iter()
                    .filter_map(|url| file_url(url))
                    .collect(),
            ),
            reserved: self
                .reserved
                .map(moment)
                .transpose()?
                .map(|at| Reservation {
                    at,
                    round: self.reserved_in,
                }),
            forbidden_at: self.forbidden_at.map(moment).transpose()?,
            ended_at: self.ended_at.map(moment).transpose()?,
            reason: self.reason,
            detail: self.detail.as_deref().map(Detail::from),
        })
    }
}

fn unreadable(pk: &str, sk: &str, what: &str) -> TableError {
    TableError::Unreadable(format!("{pk} {sk}: {what}"))
}

fn file_url(text: &str) -> Option<(usize, String)> {
    let (part, url) = text.split_once(' ')?;
    Some((part.parse().ok()?, url.to_owned()))
}
