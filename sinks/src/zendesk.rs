//! `type = "zendesk"`: tickets of Zendesk Support
//! (<https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/>).
//!
//! One ticket: it is created with an `Idempotency-Key`, which Zendesk keeps for two hours, and with an
//! `external_id`, by which it is looked for before it is created again after that. Both are exact at once,
//! so there is nothing to wait for.
//!
//! Comments and the description are private: only agents see them, and no mail goes to the requester.

use async_trait::async_trait;
use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::config::kind::{BaseUrl, SecretList, TextOf};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::api::{ApiAnswer, ApiRequest};
use haptik_bridge_shared::net::{CallError, CallErrorKind};
use haptik_bridge_shared::section;
use http::{HeaderName, Method};
use serde_json::{Map, Value, json};
use url::Url;

use crate::Limit;
use crate::config::ticket::{TicketSink, TicketTexts};
use crate::plain::record_id;
use crate::tickets::{
    Attachment, Auth, Comment, Crm, CrmClient, CrmType, Limits, Ticket, TicketRef,
};

/// <https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency>
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Zendesk takes 65,535 bytes a comment, of which the description is the first.
const COMMENT: Limit = Limit::bytes(65_000);

/// Zendesk shows 150 characters of a subject.
const SUBJECT: Limit = Limit::characters(150);

section! {
    /// `type = "zendesk"`: an account at Zendesk Support.
    pub struct Config {
        /// `https://SUBDOMAIN.zendesk.com`.
        base_url: Url = required(BaseUrl),
        /// The address of the agent whose API token it is.
        email: String = required(TextOf::USER_NAME),
        /// An [API token](https://support.zendesk.com/hc/en-us/articles/4408889192858).
        api_tokens as "api_token": Secrets = required(SecretList::TOKENS),
        /// What its tickets say.
        ticket: Box<TicketTexts> = part(),
    }
}

impl TicketSink for Config {
    fn ticket(&self) -> &TicketTexts {
        &self.ticket
    }
}

/// An account at Zendesk.
#[derive(Debug)]
pub struct Zendesk {
    client: CrmClient,
}

impl CrmType for Zendesk {
    const NAME: &'static str = "zendesk";
    const ERASURE: &'static str = "delete the tickets and the user, then the user for good (`DELETE /api/v2/deleted_users/{id}`)";
    const LIMITS: Limits = Limits {
        tag_of,
        field: Limit::bytes(65_000),
        ..Limits::of(SUBJECT, COMMENT, COMMENT)
    };
    type Config = Config;

    /// With an API token of the user with this address
    /// (<https://developer.zendesk.com/api-reference/introduction/security-and-auth/#api-token>).
    fn new(config: &Self::Config, http: reqwest::Client) -> Self {
        let user = format!("{}/token", config.email);
        let auth = Auth::Basic(user, config.api_tokens.clone());
        Self {
            client: CrmClient::new(http, &config.base_url, auth).classify(passing),
        }
    }
}

/// Somebody else changes the same ticket at this moment (`DatabaseConflict`).
fn passing(status: u16, _: &str) -> Option<CallErrorKind> {
    (status == 409).then_some(CallErrorKind::Unavailable)
}

impl Zendesk {
    fn creation(&self, ticket: &Ticket) -> ApiRequest {
        let mut body = Map::new();
        body.extend(ticket.fields.clone());
        let own = json!({
            "external_id": ticket.external_id,
            "subject": ticket.subject,
            "comment": {"body": ticket.description, "public": false},
            "tags": ticket.tags,
        });
        if let Value::Object(own) = own {
            body.extend(own);
        }
        if !ticket.requester.email.is_empty() {
            let requester = json!({
                "name": ticket.requester.name_or_email(),
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
        ApiRequest::post("create a ticket", self.client.url("api/v2/tickets.json"))
            .header(IDEMPOTENCY_KEY, &ticket.external_id)
            .json(json!({"ticket": body}))
            .expect(&[400, 409])
    }

    fn ticket_ref(&self, ticket: &Value) -> Option<TicketRef> {
        let id = record_id(ticket, "id")?;
        let url = self.client.url(&format!("agent/tickets/{id}"));
        Some(TicketRef::at(id, &url))
    }

    async fn comments_of(&self, to: &TicketRef) -> Result<ApiAnswer, CallError> {
        // The newest first, so that one page is enough.
        let path = format!("api/v2/tickets/{}/comments.json", to.id);
        let query = [("sort_order", "desc"), ("per_page", "100")];
        let request = ApiRequest::get("list comments", self.client.query(&path, &query));
        self.client.send(request).await
    }

    async fn update(&self, to: &TicketRef, comment: Value) -> Result<(), CallError> {
        let url = self.client.url(&format!("api/v2/tickets/{}.json", to.id));
        let request = ApiRequest::new("add a comment", Method::PUT, url)
            .json(json!({"ticket": {"comment": comment}}));
        self.client.send(request).await.map(drop)
    }
}

#[async_trait]
impl Crm for Zendesk {
    /// The user whose token it is. To somebody whom it does not know, Zendesk says `200` and nobody
    /// (<https://developer.zendesk.com/api-reference/ticketing/users/users/#show-self>).
    async fn me(&self) -> Result<String, CallError> {
        let request = ApiRequest::get("say who we are", self.client.url("api/v2/users/me.json"));
        let answer = self.client.send(request).await?;
        let me = answer.body.get("user").unwrap_or(&Value::Null);
        if lenient_json::some_text(me, "id").is_none() {
            return Err(answer.error(CallErrorKind::Unauthorized));
        }
        let role = lenient_json::text(me, "role");
        if role == "end-user" {
            return Err(answer.error(CallErrorKind::Refused));
        }
        Ok(format!("Zendesk knows the user, whose role is {role}"))
    }

    async fn find(&self, ticket: &Ticket) -> Result<Option<TicketRef>, CallError> {
        let query = [("external_id", ticket.external_id.as_str())];
        let url = self.client.query("api/v2/tickets.json", &query);
        let answer = self
            .client
            .send(ApiRequest::get("find a ticket", url))
            .await?;
        let tickets = answer.body.get("tickets").and_then(Value::as_array);
        let tickets = tickets.ok_or_else(|| answer.unreadable())?;
        Ok(tickets.first().and_then(|found| self.ticket_ref(found)))
    }

    async fn create(&self, ticket: &Ticket) -> Result<TicketRef, CallError> {
        let answer = self.client.send(self.creation(ticket)).await?;
        match answer.status {
            // The key was used with another body: the ticket is there.
            400 if answer.body.to_string().to_lowercase().contains("idempoten") => {
                let found = self.find(ticket).await?;
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

    async fn comments(&self, to: &TicketRef) -> Result<Vec<String>, CallError> {
        let answer = self.comments_of(to).await?;
        let comments = lenient_json::list(&answer.body, "comments");
        let texts = comments
            .flat_map(|other| ["plain_body", "body"].map(|key| lenient_json::text(other, key)));
        Ok(texts.collect())
    }

    async fn comment(&self, to: &TicketRef, comment: &Comment) -> Result<(), CallError> {
        let comment = json!({"body": comment.text, "public": false});
        self.update(to, comment).await
    }

    async fn attachments(&self, to: &TicketRef) -> Result<Vec<String>, CallError> {
        let answer = self.comments_of(to).await?;
        let comments = lenient_json::list(&answer.body, "comments");
        let files = comments.flat_map(|comment| lenient_json::list(comment, "attachments"));
        Ok(files
            .map(|file| lenient_json::text(file, "file_name"))
            .collect())
    }

    async fn attach(&self, to: &TicketRef, attachment: &Attachment) -> Result<(), CallError> {
        let query = [("filename", attachment.name.as_str())];
        let url = self.client.query("api/v2/uploads.json", &query);
        let upload = ApiRequest::post("upload a file", url)
            .bytes(attachment.mime_type, attachment.bytes.clone());
        let answer = self.client.send(upload).await?;
        let token = answer
            .body
            .get("upload")
            .and_then(|upload| lenient_json::some_text(upload, "token"));
        let token = token.ok_or_else(|| answer.unreadable())?;
        let comment =
            json!({"body": "The transcript of the chat.", "public": false, "uploads": [token]});
        self.update(to, comment).await
    }

    fn requests(&self, ticket: &Ticket) -> Vec<ApiRequest> {
        self.client.shown(self.creation(ticket))
    }
}

/// A tag as Zendesk takes it: letters, digits and `-_:/`
/// (<https://support.zendesk.com/hc/en-us/articles/4408835059482>).
fn tag_of(tag: &str) -> String {
    let allowed = |character: char| character.is_alphanumeric() || "-_:/".contains(character);
    let words = tag.split(|character| !allowed(character));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("_").to_lowercase()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::tickets::Requester;
    use haptik_bridge_shared::config::Config;
    use haptik_bridge_shared::net::client;
    use haptik_bridge_shared::net::fake::{Answer, Fake, Request};

    async fn zendesk(
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> (Zendesk, Fake) {
        let fake = Fake::start(answer).await;
        let text = format!(
            "[haptik.main]\nbase_url = 'https://h.example'\nclient_id = 'c'\ntoken = 't'\n\
             webhook_secrets = 's'\nbusiness_id = 1\n[channels.app]\ntype = 'custom'\n\
             signing_secrets = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\ncallback_url = 'https://a.example'\n\
             [sinks.crm]\ntype = 'zendesk'\nevents = ['*']\nbase_url = '{}'\nemail = 'a@b.example'\n\
             api_token = ['new', 'old']",
            fake.url("")
        );
        let config = Config::parse(&text, &crate::registry::REGISTRY).expect("a configuration");
        let config = config.sinks["crm"].settings.get().expect("it is Zendesk");
        let http = client().expect("a client");
        (Zendesk::new(config, http), fake)
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
            tags: vec![tag_of("Late, #Parcel!")],
            fields: fields(json!({"priority": "high", "subject": "not this"})),
            custom_fields: fields(json!({"360001": 49.9})),
        }
    }

    #[tokio::test]
    async fn a_ticket_is_created_as_zendesk_documents_it_and_with_any_of_the_tokens() {
        let (zendesk, fake) = zendesk(|request| {
            // base64 of "a@b.example/token:old"
            if request.header("authorization") == "Basic YUBiLmV4YW1wbGUvdG9rZW46b2xk" {
                Answer::new(201, json!({"ticket": {"id": 35, "url": "x"}}).to_string())
            } else {
                Answer::new(401, r#"{"error": "Couldn't authenticate you"}"#)
            }
        })
        .await;
        let created = zendesk.create(&ticket()).await.expect("created");
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
        let (zendesk, _fake) = zendesk(|request| {
            if request.method == "POST" {
                Answer::new(400, r#"{"error": "IdempotentRequestError"}"#)
            } else {
                assert_eq!(request.path, "/api/v2/tickets.json?external_id=haptik-1");
                Answer::new(200, r#"{"tickets": [{"id": 7}]}"#)
            }
        })
        .await;
        assert_eq!(zendesk.create(&ticket()).await.expect("found").id, "7");
    }

    #[tokio::test]
    async fn a_refusal_keeps_zendesks_own_words_out_of_the_reason() {
        let (zendesk, _fake) = zendesk(|_| {
            Answer::new(422, r#"{"error":"RecordInvalid","description":"Email: asha is not properly formatted"}"#)
        })
        .await;
        let error = zendesk.create(&ticket()).await.expect_err("refused");
        let failure = haptik_bridge_shared::retry::Failure::from(crate::SinkError::from(error));
        assert_eq!(failure.reason, "the sink refused (422) to create a ticket");
        assert!(failure.in_full().contains("asha is not properly formatted"));
        assert_eq!(failure.retry, haptik_bridge_shared::retry::Retry::Never);
    }

    #[tokio::test]
    async fn comments_that_are_there_are_told_in_both_of_their_forms() {
        let (zendesk, fake) = zendesk(|_| {
            let comment = r#"{"plain_body": "It is there.", "body": "*It* is there."}"#;
            Answer::new(200, format!(r#"{{"comments": [{comment}]}}"#))
        })
        .await;
        let to = TicketRef {
            id: "7".to_owned(),
            url: None,
        };
        let comments = zendesk.comments(&to).await.expect("they are told");
        assert_eq!(comments, ["It is there.", "*It* is there."]);
        let comment = Comment {
            key: "k".to_owned(),
            text: "It is new.".to_owned(),
        };
        let added = zendesk.comment(&to, &comment).await;
        added.expect("it is added");
        let methods: Vec<_> = fake.requests().into_iter().map(|one| one.method).collect();
        assert_eq!(methods, ["GET", "PUT"]);
    }
}
