//! The queue is a doorbell: a ring says that a lane has something to deliver, and no more. What the processor could
//! not even begin with is in SQS's dead-letter queue (`template.yaml`): rings, and never a message.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::{AuthId, ConnectionId, EntryKey};
use crate::lane::Lane;
use crate::net::aws;

/// A queue with the guarantees of SQS FIFO: rings of one lane are handled one batch at a time and in
/// order, lanes side by side, and a ring that was not handled comes again.
#[async_trait]
pub trait Queue: fmt::Debug + Send + Sync {
    /// Rings. After this has returned, the ring is durable.
    ///
    /// # Errors
    /// When the queue does not take it: nothing is to be answered but 503.
    async fn ring(&self, ring: &Ring, repeat: Repeat) -> Result<(), QueueError>;

    /// Says by which connection a user comes, to a queue that lets connections have their turns.
    fn comes_by(&self, user: &AuthId, connection: &ConnectionId) {
        let _ = (user, connection);
    }
}

/// Whether a ring is the first for its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// The first ring: a copy of it within five minutes is one too many.
    First,
    /// Another ring for an entry that is still pending or is to be delivered again: it must come
    /// through, although SQS swallows what looks the same for five minutes.
    Again,
}

/// What a ring says. Tagged with a version, so that rings of an older version are understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "v")]
pub enum Ring {
    /// The first version.
    #[serde(rename = "1")]
    V1 {
        /// The lane that has something to deliver.
        lane: Lane,
        /// Which entry it was rung for: with the lane it makes the ring's de-duplication id. Where it is rung
        /// for whatever is pending it is a word that says why. What is delivered does not depend on it.
        key: EntryKey,
        /// When it was rung.
        at: Timestamp,
    },
}

/// The queue did not take a ring.
#[derive(Debug, thiserror::Error)]
#[error("queue: {0}")]
pub struct QueueError(pub String);

/// The SQS FIFO queues: one for the chats, and one for the sinks. Each has a mapping of its own to the
/// processor, so that a sink that hangs shares neither a batch nor the number of invocations with a chat.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: aws_sdk_sqs::Client,
    chats: String,
    sinks: String,
}

impl SqsQueue {
    /// The queues at these URLs, which may be one.
    #[must_use]
    pub fn new(
        client: aws_sdk_sqs::Client,
        chats: impl Into<String>,
        sinks: impl Into<String>,
    ) -> Self {
        Self {
            client,
            chats: chats.into(),
            sinks: sinks.into(),
        }
    }

    /// The URL of the queue for a lane.
    fn url(&self, lane: &Lane) -> &str {
        match lane {
            Lane::Sink { .. } => &self.sinks,
            Lane::Haptik(_) | Lane::Channel(_) | Lane::Task(_) | Lane::NotUnderstood { .. } => {
                &self.chats
            }
        }
    }

    /// The URL of the queue that has this ARN; that of the chats where it is another's.
    fn url_of(&self, arn: &str) -> &str {
        let name = |text: &str, separator| text.rsplit(separator).next().map(ToOwned::to_owned);
        if name(arn, ':') == name(&self.sinks, '/') {
            &self.sinks
        } else {
            &self.chats
        }
    }

    /// Keeps a message that was received from the queue with this ARN from coming again before `pause` is
    /// over: `LONGEST_PAUSE` at most.
    ///
    /// # Errors
    /// When SQS does not take it: the message then comes again after the queue's visibility timeout.
    pub async fn postpone(
        &self,
        arn: &str,
        receipt_handle: &str,
        pause: Duration,
    ) -> Result<(), QueueError> {
        let seconds = pause.as_secs_f64().ceil().min(LONGEST_PAUSE.as_secs_f64());
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is between 0 and 43,200"
        )]
        let seconds = seconds as i32;
        self.client
            .change_message_visibility()
            .queue_url(self.url_of(arn))
            .receipt_handle(receipt_handle)
            .visibility_timeout(seconds)
            .send()
            .await
            .map_err(|error| QueueError(aws::reason(error)))?;
        Ok(())
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn ring(&self, ring: &Ring, repeat: Repeat) -> Result<(), QueueError> {
        let Ring::V1 { lane, key, .. } = ring;
        let body = serde_json::to_string(ring).map_err(|error| QueueError(error.to_string()))?;
        self.client
            .send_message()
            .queue_url(self.url(lane))
            .message_body(body)
            .message_group_id(lane.to_string())
            .message_deduplication_id(deduplication_id(lane, key, repeat))
            .send()
            .await
            .map_err(|error| QueueError(aws::reason(error)))?;
        Ok(())
    }
}

/// The longest pause: SQS takes twelve hours from when a message was received, which may be some minutes ago
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html>).
const LONGEST_PAUSE: Duration = Duration::from_mins(12 * 60 - 20);

/// SQS swallows a message whose de-duplication id it has seen in the last five minutes
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-exactly-once-processing.html>).
fn deduplication_id(lane: &Lane, key: &EntryKey, repeat: Repeat) -> String {
    let mut hash = Sha256::new();
    hash.update(lane.to_string());
    hash.update([0]);
    hash.update(key.as_str());
    if repeat == Repeat::Again {
        hash.update([0]);
        hash.update(fastrand::u128(..).to_be_bytes());
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_ring_has_a_fresh_deduplication_id() {
        let (lane, key) = (Lane::Haptik("a".into()), EntryKey::from("1"));
        let id = |repeat| deduplication_id(&lane, &key, repeat);
        assert_eq!(id(Repeat::First), id(Repeat::First));
        assert_ne!(id(Repeat::First), id(Repeat::Again));
        assert_ne!(id(Repeat::Again), id(Repeat::Again));
    }

    #[test]
    fn a_ring_for_a_sink_goes_to_the_sinks_queue_and_is_postponed_there() {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
            .build();
        let client = aws_sdk_sqs::Client::from_conf(config);
        let (chats, sinks) = (
            "https://sqs.example/1/a.fifo",
            "https://sqs.example/1/a-sinks.fifo",
        );
        let queue = SqsQueue::new(client, chats, sinks);
        let sink = Lane::Sink {
            sink: "crm".into(),
            auth_id: "a".into(),
        };
        assert_eq!(queue.url(&sink), sinks);
        for lane in [
            Lane::Haptik("a".into()),
            Lane::Channel("a".into()),
            Lane::Task("a".into()),
        ] {
            assert_eq!(queue.url(&lane), chats);
        }
        assert_eq!(queue.url_of("arn:aws:sqs:eu-west-1:1:a-sinks.fifo"), sinks);
        assert_eq!(queue.url_of("arn:aws:sqs:eu-west-1:1:a.fifo"), chats);
        assert_eq!(queue.url_of(""), chats);
    }

    #[test]
    fn a_ring_is_read_back() {
        let ring = Ring::V1 {
            lane: Lane::Haptik("a".into()),
            key: "1".into(),
            at: Timestamp::UNIX_EPOCH,
        };
        let json = serde_json::to_string(&ring).expect("a ring is JSON");
        assert!(
            json.contains(r#""v":"1""#) && json.contains(r#""lane":"haptik#a""#),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<Ring>(&json).expect("readable"), ring);
    }
}
