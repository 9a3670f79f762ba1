//! `type = "zendesk"`: tickets of Zendesk Support
//! (<https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/>).
//!
//! One ticket: it is created with an `Idempotency-Key`, which Zendesk keeps for two hours, and with an
//! `external_id`, by which it is looked for before it is created again after that. Both are exact at once,
//! so there is nothing to wait for.
//!
//! Comments and the description are private: only agents see them, and no mail goes to the requester.

use std::time::Duration;

use async_trait::async_trait;
use http::HeaderName;
use http::Method;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use url::Url;

use super::tickets::{Attachment, Comment, Crm, Limits, Ticket, TicketRef};
use crate::config;
use crate::net::api::{Api, ApiAnswer, ApiRequest, below};
use crate::net::{CallError, CallErrorKind};
use crate::wire;

/// <https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency>
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Zendesk takes 65,535 bytes a comment, of which the description is the first.
const LONGEST_COMMENT: usize = 65_000;

/// Zendesk shows 150 characters of a subject.
const LONGEST_SUBJECT: usize = 150;

/// An account at Zendesk.
#[derive(Debug)]
pub struct Zendesk {
    config: config::Zendesk,
}

impl Zendesk {
    /// The account of this configuration.
    #[must_use]
    pub fn new(config: config::Zendesk) -> Self {
        Self { config }
    }

    fn url(&self, path: &str) -> Url {
        below(&self.config.base_url, &format!("api/v2/{path}"))
    }

    /// With the credentials: an API token of the user with this address
    /// (<https://developer.zendesk.com/api-reference/introduction/security-and-auth/#api-token>).
    async fn send(&self, api: &Api, request: ApiRequest) -> Result<ApiAnswer, CallError> {
        let sign = |token: &SecretString| self.signed(request.clone(), token);
        api.send_signed(&self.config.api_tokens, sign).await
    }

    fn signed(&self, request: ApiRequest, token: &secrecy::SecretString) -> ApiRequest {
        request.basic_auth(&format!("{}/token", self.config.email), token)
    }

    fn creation(&self, ticket: &Ticket) -> ApiRequest {
        let mut body = Map::new();
        body.extend(ticket.fields.clone());
        let own = json!({
            "external_id": ticket.external_id,
            "subject": ticket.subject,
            "comment": {"body": ticket.description, "public": false},
            "tags": ticket.tags.iter().map(|tag| tag_of(tag)).collect::<Vec<_>>(),
        });
        if let Value::Object(own) = own {
            body.extend(own);
        }
        if !ticket.requester.email.is_empty() {
            let name = Some(ticket.requester.name.as_str()).filter(|name| !name.is_empty());
            let requester = json!({
                "name": name.unwrap_or(&ticket.requester.email),
                "email": ticket.requester.email,
            });
            body.insert("requester".to_owned(), requester);
        }
        if !ticket.custom_fields.is_empty() {
            let fields = ticket.custom_fields.iter();
            // A field is named by its number.
            let fields = fields.map(|(id, value)| match id.parse::<u64>() {
                Ok(id) => json!({"id": id, "value": value}),
                Err(_) => json!({"id": id, "value": value}),
            });
            body.insert("custom_fields".to_owned(), fields.collect());
        }
        ApiRequest::post("create a ticket", self.url("tickets.json"))
            .header(IDEMPOTENCY_KEY, &ticket.external_id)
            .json(json!({"ticket": body}))
            .expect(&[400, 409])
    }

    fn ticket_ref(&self, ticket: &Value) -> Option<TicketRef> {
        let id = wire::some_text(ticket, "id")?;
        let url = below(&self.config.base_url, &format!("agent/tickets/{id}"));
        Some(TicketRef {
            id,
            url: Some(url.to_string()),
        })
    }

    async fn comments(&self, api: &Api, to: &TicketRef) -> Result<Vec<Value>, CallError> {
        // The newest first, so that one page is enough.
        let mut url = self.url(&format!("tickets/{}/comments.json", to.id));
        url.set_query(Some("sort_order=desc&per_page=100"));
        let answer = self
            .send(api, ApiRequest::get("list comments", url))
            .await?;
        Ok(wire::list(&answer.body, "comments").cloned().collect())
    }

    async fn update(&self, api: &Api, to: &TicketRef, comment: Value) -> Result<(), CallError> {
        let url = self.url(&format!("tickets/{}.json", to.id));
        let request = ApiRequest::new("add a comment", Method::PUT, url)
            .json(json!({"ticket": {"comment": comment}}));
        self.send(api, request).await?;
        Ok(())
    }
}

#[async_trait]
impl Crm for Zendesk {
    async fn find(&self, api: &Api, ticket: &Ticket) -> Result<Option<TicketRef>, CallError> {
        let mut url = self.url("tickets.json");
        url.query_pairs_mut()
            .append_pair("external_id", &ticket.external_id);
        let answer = self
            .send(api, ApiRequest::get("find a ticket", url))
            .await?;
        let tickets = answer.body.get("tickets").and_then(Value::as_array);
        let tickets = tickets.ok_or_else(|| answer.unreadable())?;
        Ok(tickets.first().and_then(|found| self.ticket_ref(found)))
    }

    async fn create(&self, api: &Api, ticket: &Ticket) -> Result<TicketRef, CallError> {
        let answer = self.send(api, self.creation(ticket)).await?;
        match answer.status {
            // The key was used with another body: the ticket is there.
            400 if answer.body.to_string().to_lowercase().contains("idempoten") => {
                let found = self.find(api, ticket).await?;
                found.ok_or_else(|| answer.error(CallErrorKind::Refused))
            }
            400 => Err(answer.error(CallErrorKind::Refused)),
            409 => Err(answer.error(CallErrorKind::Unavailable)),
            _ => {
                let created = answer.body.get("ticket");
                let created = created.and_then(|created| self.ticket_ref(created));
                created.ok_or_else(|| answer.unreadable())
            }
        }
    }

    async fn comment(
        &self,
        api: &Api,
        to: &TicketRef,
        comment: &Comment,
        again: bool,
    ) -> Result<(), CallError> {
        let same = |other: &Value| {
            let texts = ["plain_body", "body"].map(|key| wire::text(other, key));
            texts.iter().any(|text| text.trim() == comment.text.trim())
        };
        if again && self.comments(api, to).await?.iter().any(same) {
            return Ok(());
        }
        let comment = json!({"body": comment.text, "public": false});
        self.update(api, to, comment).await
    }

    async fn attach(
        &self,
        api: &Api,
        to: &TicketRef,
        attachment: &Attachment,
        again: bool,
    ) -> Result<(), CallError> {
        let same = |comment: &Value| {
            wire::list(comment, "attachments")
                .any(|other| wire::text(other, "file_name") == attachment.name)
        };
        if again && self.comments(api, to).await?.iter().any(same) {
            return Ok(());
        }
        let mut url = self.url("uploads.json");
        url.query_pairs_mut()
            .append_pair("filename", &attachment.name);
        let upload = ApiRequest::post("upload a file", url)
            .bytes(attachment.mime_type, attachment.bytes.clone());
        let answer = self.send(api, upload).await?;
        let token = answer
            .body
            .get("upload")
            .and_then(|upload| wire::some_text(upload, "token"));
        let token = token.ok_or_else(|| answer.unreadable())?;
        let comment =
            json!({"body": "The transcript of the chat.", "public": false, "uploads": [token]});
        self.update(api, to, comment).await
    }

    fn requests(&self, ticket: &Ticket) -> Vec<ApiRequest> {
        vec![self.signed(self.creation(ticket), self.config.api_tokens.newest())]
    }

    fn limits(&self) -> Limits {
        Limits {
            subject: LONGEST_SUBJECT,
            description: LONGEST_COMMENT,
            comment: LONGEST_COMMENT,
        }
    }

    fn size_of(&self, text: &str) -> usize {
        text.len()
    }

    fn settles_in(&self) -> Duration {
        Duration::ZERO
    }
}

/// A tag as Zendesk takes it: without white space.
fn tag_of(tag: &str) -> String {
    let words: Vec<&str> = tag.split_whitespace().collect();
    words.join("_").to_lowercase()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::config::{Config, SinkKind};
    use crate::net::client;
    use crate::net::fake::{Answer, Fake, Request};
    use crate::sink::tickets::Requester;

    async fn zendesk(
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> (Zendesk, Api, Fake) {
        let fake = Fake::start(answer).await;
        let text = format!(
            "[haptik.main]\nbase_url = 'https://h.example'\nclient_id = 'c'\ntoken = 't'\n\
             webhook_secrets = 's'\nbusiness_id = 1\n[channels.app]\ntype = 'custom'\n\
             signing_secrets = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\ncallback_url = 'https://a.example'\n\
             [sinks.crm]\ntype = 'zendesk'\nevents = ['*']\nbase_url = '{}'\nemail = 'a@b.example'\n\
             api_token = ['new', 'old']",
            fake.url("")
        );
        let config = Config::parse(&text).expect("a configuration");
        let Some(SinkKind::Zendesk(config)) = config.sinks.get("crm").map(|sink| sink.kind.clone())
        else {
            panic!("it is Zendesk")
        };
        let api = Api::new(client().expect("a client"));
        (Zendesk::new(config), api, fake)
    }

    fn ticket() -> Ticket {
        let fields = |value: Value| value.as_object().cloned().expect("an object");
        Ticket {
            external_id: "haptik-1".to_owned(),
            begun_at: Timestamp::UNIX_EPOCH,
            subject: "Chat".to_owned(),
            description: "<b>".to_owned(),
            requester: Requester {
                name: String::new(),
                email: "asha@x.example".to_owned(),
                phone: String::new(),
            },
            tags: vec!["Late Parcel".to_owned()],
            fields: fields(json!({"priority": "high", "subject": "not this"})),
            custom_fields: fields(json!({"360001": 49.9})),
        }
    }

    #[tokio::test]
    async fn a_ticket_is_created_as_zendesk_documents_it_and_with_any_of_the_tokens() {
        let (zendesk, api, fake) = zendesk(|request| {
            // base64 of "a@b.example/token:old"
            if request.header("authorization") == "Basic YUBiLmV4YW1wbGUvdG9rZW46b2xk" {
                Answer::new(201, json!({"ticket": {"id": 35, "url": "x"}}).to_string())
            } else {
                Answer::new(401, r#"{"error": "Couldn't authenticate you"}"#)
            }
        })
        .await;
        let created = zendesk.create(&api, &ticket()).await.expect("created");
        assert_eq!(created.id, "35");
        assert!(
            created
                .url
                .is_some_and(|url| url.ends_with("/agent/tickets/35"))
        );
        let requests = fake.requests();
        let request = requests.last().expect("a request");
        assert_eq!(
            (requests.len(), request.path.as_str()),
            (2, "/api/v2/tickets.json")
        );
        assert_eq!(request.header("idempotency-key"), "haptik-1");
        let sent: Value = serde_json::from_str(&request.text()).expect("JSON");
        let expected = json!({"ticket": {
            "priority": "high",
            "subject": "Chat",
            "external_id": "haptik-1",
            "comment": {"body": "<b>", "public": false},
            "tags": ["late_parcel"],
            "requester": {"name": "asha@x.example", "email": "asha@x.example"},
            "custom_fields": [{"id": 360_001, "value": 49.9}],
        }});
        assert_eq!(sent, expected);
        let shown = format!("{}", zendesk.requests(&ticket()).remove(0).preview());
        assert!(shown.contains("idempotency-key: haptik-1"), "{shown}");
        assert!(!shown.contains("new") && !shown.contains("bmV3"), "{shown}");
    }

    #[tokio::test]
    async fn a_key_that_was_used_is_a_ticket_that_is_there() {
        let (zendesk, api, _fake) = zendesk(|request| {
            if request.method == "POST" {
                Answer::new(400, r#"{"error": "IdempotentRequestError"}"#)
            } else {
                assert_eq!(request.path, "/api/v2/tickets.json?external_id=haptik-1");
                Answer::new(200, r#"{"tickets": [{"id": 7}]}"#)
            }
        })
        .await;
        assert_eq!(
            zendesk.create(&api, &ticket()).await.expect("found").id,
            "7"
        );
    }

    #[tokio::test]
    async fn a_refusal_keeps_zendesks_own_words_out_of_the_reason() {
        let (zendesk, api, _fake) = zendesk(|_| {
            Answer::new(422, r#"{"error":"RecordInvalid","description":"Email: asha is not properly formatted"}"#)
        })
        .await;
        let error = zendesk.create(&api, &ticket()).await.expect_err("refused");
        let failure = crate::retry::Failure::from(crate::sink::SinkError::from(error));
        assert_eq!(failure.reason, "the sink refused (422) to create a ticket");
        assert!(failure.in_full().contains("asha is not properly formatted"));
        assert_eq!(failure.retry, crate::retry::Retry::Never);
    }

    #[tokio::test]
    async fn a_comment_that_may_be_there_is_looked_for_first() {
        let (zendesk, api, fake) =
            zendesk(|_| Answer::new(200, r#"{"comments": [{"plain_body": "It is there."}]}"#))
                .await;
        let to = TicketRef {
            id: "7".to_owned(),
            url: None,
        };
        let comment = |text: &str| Comment {
            key: "k".to_owned(),
            text: text.to_owned(),
        };
        for (text, again) in [
            ("It is there.", true),
            ("It is new.", true),
            ("It is there.", false),
        ] {
            let added = zendesk.comment(&api, &to, &comment(text), again).await;
            added.expect("it is there");
        }
        let methods: Vec<_> = fake.requests().into_iter().map(|one| one.method).collect();
        assert_eq!(methods, ["GET", "GET", "PUT", "PUT"]);
    }
}
