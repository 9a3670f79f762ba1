//! `type = "webhook"`: every event is one signed request, as Standard Webhooks has it
//! (<https://www.standardwebhooks.com>).

use async_trait::async_trait;
use haptik_bridge_shared::config::kind::{FullUrl, SecretList};
use haptik_bridge_shared::config::{Secrets, SinkDefinition};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::CallError;
use haptik_bridge_shared::net::api::Preview;
use haptik_bridge_shared::net::online::Finding;
use haptik_bridge_shared::section;
use haptik_bridge_shared::standard_webhooks;
use serde_json::{Value, json};
use url::Url;

use crate::{Delivered, Delivery, Sink, SinkDeps, SinkError, SinkType};

/// What is asked of the receiver, to follow "to".
const CALL: &str = "take an event";

section! {
    /// `type = "webhook"`: a signed request for every event, as
    /// [Standard Webhooks](https://www.standardwebhooks.com).
    pub struct Config {
        /// Where the events go.
        url: Url = required(FullUrl),
        /// As of a `custom` channel. Each signs.
        signing_secrets: Secrets = required(SecretList::STANDARD_WEBHOOKS),
    }
}

/// A sink of the kind `webhook`.
#[derive(Debug)]
pub struct Webhook {
    url: Url,
    signing_secrets: Secrets,
    http: reqwest::Client,
}

impl SinkType for Webhook {
    const NAME: &'static str = "webhook";
    const ERASURE: &'static str = "by who receives the webhook: the events name the auth_id";
    const DEFINITION: SinkDefinition = SinkDefinition::of::<Config>("webhook");
    type Config = Config;

    fn build(
        config: &Self::Config,
        _of: &haptik_bridge_shared::config::Sink,
        deps: &SinkDeps,
    ) -> Box<dyn Sink> {
        Box::new(Self {
            url: config.url.clone(),
            signing_secrets: config.signing_secrets.clone(),
            http: deps.http.clone(),
        })
    }
}

#[async_trait]
impl Sink for Webhook {
    /// Sends an event: `{"type", "timestamp", "data"}`, where `type` is Haptik's `event_name` and
    /// `data` what Haptik delivered. The `webhook-id` is the same on every try of one event.
    async fn deliver(&self, delivery: &Delivery<'_>) -> Result<Delivered, SinkError> {
        let posted = standard_webhooks::post(
            &self.http,
            &self.url,
            &self.signing_secrets,
            &delivery.id(),
            &body(delivery)?,
            delivery.now,
        )
        .await;
        match posted {
            Ok(()) => Ok(Delivered::Done),
            Err(error) => Err(CallError {
                method: CALL,
                ..error
            }
            .into()),
        }
    }

    async fn online(&self) -> Vec<Finding> {
        let how = "only an event shows whether it is taken: `haptik-bridge sink test` sends one";
        vec![Finding::untried("signing_secrets, url", how)]
    }

    async fn preview(&self, delivery: &Delivery<'_>) -> Result<Vec<Preview>, SinkError> {
        let headers = [
            ("content-type", "application/json".to_owned()),
            (standardwebhooks::HEADER_WEBHOOK_ID, delivery.id()),
            (
                standardwebhooks::HEADER_WEBHOOK_TIMESTAMP,
                delivery.now.as_second().to_string(),
            ),
            (
                standardwebhooks::HEADER_WEBHOOK_SIGNATURE,
                vec!["v1,[signature]"; self.signing_secrets.iter().count()].join(" "),
            ),
        ];
        Ok(vec![Preview {
            method: "POST".to_owned(),
            url: self.url.to_string(),
            headers: headers
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            body: format!("{:#}", body(delivery)?),
        }])
    }
}

fn body(delivery: &Delivery<'_>) -> Result<Value, SinkError> {
    let data = lenient_json::read(delivery.body.as_bytes())
        .map_err(|_| SinkError::Unsendable("it is not JSON".to_owned()))?;
    let at = delivery.event.timestamp.unwrap_or(delivery.received_at);
    Ok(json!({
        "type": delivery.event.event_name,
        "timestamp": at.to_string(),
        "data": data,
    }))
}
