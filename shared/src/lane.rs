//! Lanes: the streams of entries that are each delivered one at a time and in order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::AuthId;

/// A stream of ledger entries with one writer at a time. Lanes run side by side: one user never blocks
/// another, and one direction never blocks the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Lane {
    /// What a user says, towards Haptik.
    Haptik(AuthId),
    /// What a user is shown, towards the channel.
    Channel(AuthId),
    /// What is to be done in the channel on account of a user's tap: apart from [`Lane::Channel`],
    /// because it may come before or after any message.
    Task(AuthId),
    /// A user's events, towards one sink.
    Sink {
        /// The sink's name in the configuration.
        sink: String,
        /// The user.
        auth_id: AuthId,
    },
    /// What was verified at an edge and not understood: kept, dead, for a look. Never delivered.
    NotUnderstood {
        /// The edge: `channels/acme` or `haptik/main`.
        edge: String,
    },
}

impl Lane {
    /// The direction, as logs and metrics name it.
    #[must_use]
    pub fn direction(&self) -> &'static str {
        match self {
            Self::Haptik(_) => "to_haptik",
            Self::Channel(_) | Self::Task(_) => "to_channel",
            Self::Sink { .. } => "to_sink",
            Self::NotUnderstood { .. } => "none",
        }
    }

    /// The user whose lane it is, if it is one's.
    #[must_use]
    pub fn user(&self) -> Option<&AuthId> {
        match self {
            Self::Haptik(auth_id)
            | Self::Channel(auth_id)
            | Self::Task(auth_id)
            | Self::Sink { auth_id, .. } => Some(auth_id),
            Self::NotUnderstood { .. } => None,
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Haptik(auth_id) => write!(formatter, "haptik#{auth_id}"),
            Self::Channel(auth_id) => write!(formatter, "channel#{auth_id}"),
            Self::Task(auth_id) => write!(formatter, "task#{auth_id}"),
            Self::Sink { sink, auth_id } => write!(formatter, "sink#{sink}#{auth_id}"),
            Self::NotUnderstood { edge } => write!(formatter, "not_understood#{edge}"),
        }
    }
}

/// A text that names no lane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no lane: expected haptik#ID, channel#ID, task#ID, sink#NAME#ID or not_understood#EDGE"
)]
pub struct NoLane(String);

impl FromStr for Lane {
    type Err = NoLane;

    fn from_str(text: &str) -> Result<Self, NoLane> {
        let no_lane = || NoLane(text.to_owned());
        let (kind, rest) = text.split_once('#').ok_or_else(no_lane)?;
        if rest.is_empty() {
            return Err(no_lane());
        }
        match kind {
            "haptik" => Ok(Self::Haptik(rest.into())),
            "channel" => Ok(Self::Channel(rest.into())),
            "task" => Ok(Self::Task(rest.into())),
            "sink" => {
                let (sink, auth_id) = rest.split_once('#').ok_or_else(no_lane)?;
                Ok(Self::Sink {
                    sink: sink.to_owned(),
                    auth_id: auth_id.into(),
                })
            }
            "not_understood" => Ok(Self::NotUnderstood {
                edge: rest.to_owned(),
            }),
            _ => Err(no_lane()),
        }
    }
}

impl From<Lane> for String {
    fn from(lane: Lane) -> Self {
        lane.to_string()
    }
}

impl TryFrom<String> for Lane {
    type Error = NoLane;

    fn try_from(text: String) -> Result<Self, NoLane> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_read_back_from_its_name() {
        let id = AuthId::from("a1");
        for lane in [
            Lane::Haptik(id.clone()),
            Lane::Channel(id.clone()),
            Lane::Task(id.clone()),
            Lane::Sink {
                sink: "crm".into(),
                auth_id: id,
            },
            Lane::NotUnderstood {
                edge: "haptik/main".into(),
            },
        ] {
            assert_eq!(lane.to_string().parse(), Ok(lane));
        }
        for text in ["", "haptik", "haptik#", "sink#crm", "mail#a1"] {
            assert!(text.parse::<Lane>().is_err(), "{text}");
        }
    }
}
