//! `[sinks.NAME]`: where events go besides.

use std::fmt;

use http::{HeaderName, Method};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::{Freshdesk, HubSpot, Jira, Salesforce, Secrets, ServiceNow, origin};
use crate::template::Template;
use crate::wire;

/// `[sinks.NAME]`: something outside that gets events.
#[derive(Debug, Clone)]
pub struct Sink {
    /// `events`: the names of the events that it gets, `"*"` for all; at least one.
    pub events: Vec<String>,
    /// `when`: what else must hold of an event; all of it. Default: nothing.
    pub when: Vec<Condition>,
    /// `rate_per_second`: how many requests it gets at most. Default: 10 for what makes tickets, no limit
    /// for others.
    pub rate_per_second: Option<u32>,
    /// `type`, and the keys that come with it.
    pub kind: SinkKind,
}

/// One condition on an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The path of a value in the event, with dots between its keys; or in its `data`.
    pub path: String,
    /// The values that it may have, as text.
    pub values: Vec<String>,
}

/// What a sink is.
#[derive(Clone)]
pub enum SinkKind {
    /// `type = "webhook"`: a signed request for every event, as
    /// [Standard Webhooks](https://www.standardwebhooks.com).
    Webhook {
        /// `url`: where the events go.
        url: Url,
        /// `signing_secrets`: `whsec_` and padded base64; each signs.
        signing_secrets: Secrets,
    },
    /// `type = "eventbridge"`: a bus of Amazon EventBridge.
    EventBridge(EventBridge),
    /// `type = "http"`: any REST API.
    Http(Box<Http>),
    /// `type = "zendesk"`.
    Zendesk(Zendesk),
    /// `type = "freshdesk"`.
    Freshdesk(Freshdesk),
    /// `type = "salesforce"`.
    Salesforce(Salesforce),
    /// `type = "hubspot"`.
    HubSpot(HubSpot),
    /// `type = "servicenow"`.
    ServiceNow(ServiceNow),
    /// `type = "jira"`.
    Jira(Jira),
}

/// `type = "eventbridge"`: a bus of Amazon EventBridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventBridge {
    /// `event_bus`: its name or ARN. Default: `default`.
    pub event_bus: String,
    /// `source`: the source that its events have. Default: `haptik-bridge`.
    pub source: String,
}

/// `type = "http"`: any REST API, by templates.
#[derive(Debug, Clone)]
pub struct Http {
    /// `method`. Default: `POST`.
    pub method: Method,
    /// `url`: with its scheme and host written out.
    pub url: Template,
    /// `headers`. Default: none but `content-type`.
    pub headers: Vec<(HeaderName, Template)>,
    /// `content_type`: the MIME type of the body. Default: `application/json`.
    pub content_type: String,
    /// `body`. Default: none.
    pub body: Option<Template>,
    /// `secrets`: what templates know as `secrets.NAME`. Default: none.
    pub secrets: Vec<(String, SecretString)>,
    /// `taken_before`: the statuses with which the API says that it has had the same request. Default:
    /// none.
    pub taken_before: Vec<u16>,
}

/// `type = "zendesk"`: an account at Zendesk Support.
#[derive(Debug, Clone)]
pub struct Zendesk {
    /// `base_url`: `https://SUBDOMAIN.zendesk.com`. Ends in a slash.
    pub base_url: Url,
    /// `email`: the address of the agent whose API token it is.
    pub email: String,
    /// `api_token`: an API token
    /// ([Zendesk](https://support.zendesk.com/hc/en-us/articles/4408889192858)).
    pub api_tokens: Secrets,
    /// What its tickets say.
    pub ticket: Box<TicketTexts>,
}

/// What the tickets of a sink say: the keys that all ticket sinks have.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketTexts {
    /// `subject`.
    pub subject: Template,
    /// `description`.
    pub description: Template,
    /// `requester_name`.
    pub requester_name: Template,
    /// `requester_email`.
    pub requester_email: Template,
    /// `requester_phone`.
    pub requester_phone: Template,
    /// `tags`. Default: `haptik`.
    pub tags: Vec<Template>,
    /// `fields`: the CRM's own fields, by their API names. Default: none.
    pub fields: Vec<(String, FieldValue)>,
    /// `custom_fields`: custom fields, by what the CRM calls them. Default: none.
    pub custom_fields: Vec<(String, FieldValue)>,
    /// `transcript`: where it goes. Default: `"body"`.
    pub transcript: TranscriptPlace,
    /// `follow_ups`: what comes after the completion is added to the ticket as comments. Default: false.
    pub follow_ups: bool,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// A template; one that is an expression and nothing else keeps the type of its value.
    Template(Template),
    /// A number, `true` or `false`, as it is.
    Fixed(Value),
}

/// Where the transcript of a conversation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TranscriptPlace {
    /// `"body"`: to the end of the description; what does not fit is attached, where the CRM takes files.
    Body,
    /// `"attachment"`: into a file.
    Attachment,
    /// `"none"`: nowhere; it is not fetched.
    None,
}

impl Sink {
    /// Whether it gets the events of this name.
    #[must_use]
    pub fn wants(&self, event_name: &str) -> bool {
        let follow_ups = self.ticket().is_some_and(|ticket| ticket.follow_ups);
        (follow_ups && event_name == "message")
            || self
                .events
                .iter()
                .any(|event| event == "*" || event == event_name)
    }

    /// Whether it gets this event, which is called `event_name`.
    #[must_use]
    pub fn wants_event(&self, event_name: &str, event: &Value) -> bool {
        // A follow-up belongs to a completion that was looked at.
        let is_follow_up = event_name == "message" && self.ticket().is_some();
        self.wants(event_name)
            && (is_follow_up || self.when.iter().all(|condition| condition.holds(event)))
    }

    /// What its tickets say, where it makes tickets.
    #[must_use]
    pub fn ticket(&self) -> Option<&TicketTexts> {
        match &self.kind {
            SinkKind::Webhook { .. } | SinkKind::EventBridge(_) | SinkKind::Http(_) => None,
            SinkKind::Zendesk(zendesk) => Some(&zendesk.ticket),
            SinkKind::Freshdesk(freshdesk) => Some(&freshdesk.ticket),
            SinkKind::Salesforce(salesforce) => Some(&salesforce.ticket),
            SinkKind::HubSpot(hubspot) => Some(&hubspot.ticket),
            SinkKind::ServiceNow(servicenow) => Some(&servicenow.ticket),
            SinkKind::Jira(jira) => Some(&jira.ticket),
        }
    }
}

impl Http {
    /// Whether a body of this MIME type is JSON.
    #[must_use]
    pub fn is_json(content_type: &str) -> bool {
        let name = content_type.split(';').next().unwrap_or_default().trim();
        name.eq_ignore_ascii_case("application/json") || name.to_lowercase().ends_with("+json")
    }
}

impl Condition {
    /// Whether it holds of an event.
    #[must_use]
    pub fn holds(&self, event: &Value) -> bool {
        let data = event.get("data").map(wire::unwrapped);
        let found = at(event, &self.path)
            .or_else(|| data.as_deref().and_then(|data| at(data, &self.path)))
            .unwrap_or_default();
        self.values.contains(&found)
    }
}

/// The value at a path, as text. A key may have dots itself: the longest that is there counts.
fn at(value: &Value, path: &str) -> Option<String> {
    let value = wire::unwrapped(value);
    let ends = path.match_indices('.').map(|(end, _)| end);
    let mut ends: Vec<usize> = ends.chain([path.len()]).collect();
    ends.reverse();
    let (end, found) = ends.into_iter().find_map(|end| {
        let found = value.get(path.get(..end)?)?;
        Some((end, found))
    })?;
    match path.get(end + 1..) {
        Some(rest) => at(found, rest),
        None => Some(match found {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        }),
    }
}

impl fmt::Debug for SinkKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Webhook {
                url,
                signing_secrets,
            } => formatter
                .debug_struct("Webhook")
                .field("url", &origin(url))
                .field("signing_secrets", signing_secrets)
                .finish(),
            Self::EventBridge(bus) => bus.fmt(formatter),
            Self::Http(http) => http.fmt(formatter),
            Self::Zendesk(zendesk) => zendesk.fmt(formatter),
            Self::Freshdesk(freshdesk) => freshdesk.fmt(formatter),
            Self::Salesforce(salesforce) => salesforce.fmt(formatter),
            Self::HubSpot(hubspot) => hubspot.fmt(formatter),
            Self::ServiceNow(servicenow) => servicenow.fmt(formatter),
            Self::Jira(jira) => jira.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(path: &str, values: &[&str]) -> bool {
        let event = json!({
            "business_id": 343,
            "agent": {"is_automated": false},
            "data": {
                "completion_type": "agent",
                "closing_categories": {"reason": "Refund"},
                "conversation_details": {"a.b": {"c.d": "x"}, "none": null},
            },
        });
        let values = values.iter().map(ToString::to_string).collect();
        let path = path.to_owned();
        Condition { path, values }.holds(&event)
    }

    #[test]
    fn a_condition_is_on_the_event_or_its_data_and_compares_text() {
        assert!(holds("business_id", &["1", "343"]));
        assert!(holds("agent.is_automated", &["false"]));
        assert!(holds("data.completion_type", &["agent"]));
        assert!(holds("completion_type", &["agent"]));
        assert!(holds("closing_categories.reason", &["Refund"]));
        assert!(!holds("closing_categories.reason", &["refund"]));
        assert!(holds("conversation_details.a.b.c.d", &["x"]));
        assert!(!holds("closing_categories.reason.deep", &["Refund"]));
        assert!(!holds("missing", &["x"]));
        assert!(holds("missing", &[""]) && holds("conversation_details.none", &[""]));
    }
}
