//! What Lambda invokes the processor with, and what it answers: the part of SQS's event that is used
//! (<https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>), the partial batch failure that is answered, and the
//! schedule's.
//!
//! These few types stand in for `aws_lambda_events`, whose features would have each function compile the
//! AWS SDK for itself.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::Record;

/// An invocation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// A batch of an event source mapping.
    Rings {
        /// The messages.
        #[serde(rename = "Records")]
        records: Vec<Message>,
    },
    /// The schedule's `{"housekeeping": true}`.
    Housekeeping {
        /// That it is there says what is wanted.
        housekeeping: bool,
    },
}

/// A message of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Message {
    /// What names it in the answer.
    pub message_id: String,
    /// What it is postponed with.
    pub receipt_handle: Option<String>,
    /// A ring.
    pub body: String,
    /// The ARN of the queue that it came from.
    #[serde(rename = "eventSourceARN")]
    pub event_source_arn: String,
    /// What SQS says about it.
    pub attributes: HashMap<String, String>,
}

/// The answer to a batch: what was not handled, by
/// [`ReportBatchItemFailures`](https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The messages that are to come again.
    pub batch_item_failures: Vec<Failure>,
}

/// A message that is to come again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Its `messageId`.
    pub item_identifier: String,
}

impl Message {
    /// The message as the processor takes it.
    #[must_use]
    pub fn record(&self) -> Record {
        let receives = self.attributes.get("ApproximateReceiveCount");
        Record {
            id: self.message_id.clone(),
            body: self.body.clone(),
            receives: receives
                .and_then(|receives| receives.parse().ok())
                .unwrap_or(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_sqs_batch_is_read_as_aws_documents_it() {
        let event = json!({"Records": [{
            "messageId": "11d6ee51-4cc7-4302-9e22-7cd8afdaadf5",
            "receiptHandle": "AQEBBX8nesZEXmkhsmZeyIE8iQAMig7qw",
            "body": "Test message.",
            "attributes": {
                "ApproximateReceiveCount": "3",
                "SentTimestamp": "1573251510774",
                "SequenceNumber": "18849496460467696128",
                "MessageGroupId": "1",
                "SenderId": "AIDAIO23YVJENQZJOL4VO",
                "MessageDeduplicationId": "1",
                "ApproximateFirstReceiveTimestamp": "1573251510774"
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:fifo.fifo",
            "awsRegion": "us-east-2"
        }]});
        let Ok(Event::Rings { records }) = serde_json::from_value(event) else {
            panic!("it is a batch");
        };
        let message = records.first().expect("one message");
        assert!(message.event_source_arn.ends_with(":fifo.fifo"));
        let record = message.record();
        assert_eq!(record.body, "Test message.");
        assert_eq!(record.receives, 3);
    }

    #[test]
    fn the_schedules_event_is_distinguished_from_a_batch() {
        let event = serde_json::from_value(json!({"housekeeping": true}));
        assert_eq!(event.ok(), Some(Event::Housekeeping { housekeeping: true }));
        assert!(serde_json::from_value::<Event>(json!({"anything": "else"})).is_err());
    }

    #[test]
    fn failed_messages_are_named_in_lambdas_format() {
        let response = Response {
            batch_item_failures: vec![Failure {
                item_identifier: "m-1".to_owned(),
            }],
        };
        assert_eq!(
            serde_json::to_value(response).expect("it is JSON"),
            json!({"batchItemFailures": [{"itemIdentifier": "m-1"}]})
        );
    }
}
