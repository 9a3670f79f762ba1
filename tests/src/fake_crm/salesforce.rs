//! Salesforce: a Case by its external id, case comments, files.
//!
//! <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/> ("REST" below) and
//! <https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/>
//! ("objects").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::answer::Answer;
use super::server::{Request, fields};
use super::store::{Attachment, Comment, Store, Ticket};

mod cases;

use cases::{by_external_id, by_id, insert, update, upsert};

/// The consumer key of the connected app.
pub const CLIENT_ID: &str = "3MVG9consumer";
/// Its consumer secret.
pub const CLIENT_SECRET: &str = "salesforce-client-secret";
/// The field on Case that is an external id, unique and case-sensitive.
pub const EXTERNAL_ID: &str = "Haptik_Conversation__c";

/// "The text of the `CaseComment`. The maximum size of the comment body is 4,000 bytes"
/// (objects, `sforce_api_objects_casecomment.htm`).
const COMMENT_BYTES: usize = 4_000;

#[derive(Debug)]
pub(super) struct Salesforce;

impl super::Api for Salesforce {
    fn answer(&self, request: &Request, store: &mut Store) -> Answer {
        let (method, path) = request.route();
        if let ("POST", ["services", "oauth2", "token"]) = (method, path.as_slice()) {
            return token(request, store);
        }
        let token = request.bearer().unwrap_or_default();
        if store.revoked || !store.tokens.contains(token) {
            return error(401, "INVALID_SESSION_ID", "Session expired or invalid");
        }
        let ["services", "data", version, rest @ ..] = path.as_slice() else {
            return error(404, "NOT_FOUND", "The requested resource does not exist");
        };
        // The version in a path has a `v` and a decimal.
        let number = version
            .strip_prefix('v')
            .and_then(|version| version.parse::<f32>().ok());
        let Some(version) = number.filter(|version| (21.0..=66.0).contains(version)) else {
            return error(404, "NOT_FOUND", "The requested resource does not exist");
        };
        match (method, rest) {
            ("PATCH", ["sobjects", "Case", field, value]) => {
                upsert(field, value, version, request, store)
            }
            ("PATCH", ["sobjects", "Case", id]) => update(id, request, store),
            ("GET", ["sobjects", "Case", field, value]) => by_external_id(field, value, store),
            ("GET", ["sobjects", "Case", id]) => by_id(id, store),
            ("POST", ["sobjects", "Case", ""] | ["sobjects", "Case"]) => insert(request, store),
            ("POST", ["sobjects", "CaseComment", ""] | ["sobjects", "CaseComment"]) => {
                comment(request, store)
            }
            ("POST", ["sobjects", "ContentVersion", ""] | ["sobjects", "ContentVersion"]) => {
                file(request, store)
            }
            ("POST", ["sobjects", "Contact", ""] | ["sobjects", "Contact"]) => {
                contact(request, store)
            }
            ("GET", ["query", ""] | ["query"]) => query(request, store),
            _ => error(404, "NOT_FOUND", "The requested resource does not exist"),
        }
    }

    /// REST, `errorcodes.htm`: 403 with `REQUEST_LIMIT_EXCEEDED`, and no header that says when.
    fn too_many(&self, _seconds: u64) -> Answer {
        error(
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "TotalRequests Limit exceeded.",
        )
    }

    fn login(&self) -> String {
        format!("client_id = '{CLIENT_ID}'\nclient_secret = ['{CLIENT_SECRET}', 'the-last-one']")
    }

    fn credentials(&self) -> Value {
        json!({
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "external_id": EXTERNAL_ID,
        })
    }

    fn creation(&self) -> (&'static str, &'static str) {
        ("PATCH", "/sobjects/Case/")
    }

    fn comment(&self) -> (&'static str, &'static str) {
        ("POST", "/CaseComment")
    }

    fn attachment(&self) -> (&'static str, &'static str) {
        ("POST", "/ContentVersion")
    }

    fn subject(&self, ticket: &Ticket) -> String {
        ticket.text("Subject").to_owned()
    }

    fn description(&self, ticket: &Ticket) -> String {
        ticket.text("Description").to_owned()
    }
}

/// <https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_client_credentials_flow.htm>: a
/// form; the answer has no expiry.
fn token(request: &Request, store: &mut Store) -> Answer {
    let form = request.form();
    let field = |name: &str| {
        let found = form.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let refused = |error: &str, description: &str| {
        Answer::json(
            400,
            json!({"error": error, "error_description": description}),
        )
    };
    if request.content_type() != "application/x-www-form-urlencoded" {
        return refused("invalid_request", "missing required parameters");
    }
    if field("grant_type") != "client_credentials" {
        return refused("unsupported_grant_type", "grant type not supported");
    }
    // Either way (RFC 6749, 2.3.1).
    let in_form = (
        field("client_id").to_owned(),
        field("client_secret").to_owned(),
    );
    let (id, secret) = request.basic().unwrap_or(in_form);
    if id != CLIENT_ID {
        return refused("invalid_client_id", "client identifier invalid");
    }
    if store.revoked || secret != CLIENT_SECRET {
        return refused("invalid_client", "invalid client credentials");
    }
    let token = format!("00Dxx0000001gPL!{}", store.next_id());
    store.tokens.insert(token.clone());
    let body = json!({
        "access_token": token,
        "signature": "c2lnbmF0dXJl",
        "scope": "api",
        "instance_url": store.base_url,
        "id": format!("{}/id/00Dxx0000001gPLEAY/005xx000001SwiUAAS", store.base_url),
        "token_type": "Bearer",
        "issued_at": "1764000000000",
        "api_instance_url": "https://api.salesforce.com",
    });
    Answer::json(200, body)
}

fn body(request: &Request) -> Result<Value, Answer> {
    if !request.is_json() {
        let message = "Content-Type header specified in HTTP request is not supported: ";
        return Err(error(
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            &format!("{message}{}", request.content_type()),
        ));
    }
    let body = request.json().filter(Value::is_object);
    body.ok_or_else(|| {
        error(
            400,
            "JSON_PARSER_ERROR",
            "Unexpected character at [line:1, column:1]",
        )
    })
}

/// Objects, `sforce_api_objects_casecomment.htm`.
fn comment(request: &Request, store: &mut Store) -> Answer {
    let body = match body(request) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    for name in fields(&body).keys() {
        if !["ParentId", "CommentBody", "IsPublished"].contains(&name.as_str()) {
            let message = format!("No such column '{name}' on sobject of type CaseComment");
            return error(400, "INVALID_FIELD", &message);
        }
    }
    let text = body["CommentBody"].as_str().unwrap_or_default().to_owned();
    if text.len() > COMMENT_BYTES {
        let message = format!("Body: data value too large: … (max length={COMMENT_BYTES})");
        return of_field(400, "STRING_TOO_LONG", &message, "CommentBody");
    }
    let id = format!("00axx{:013}", store.next_id());
    let parent = body["ParentId"].as_str().unwrap_or_default();
    let Some(case) = store.ticket(parent) else {
        let message = "Required fields are missing: [ParentId]";
        return of_field(400, "REQUIRED_FIELD_MISSING", message, "ParentId");
    };
    case.comments
        .push(Comment::new(text, body["IsPublished"] == true));
    Answer::json(201, json!({"id": id, "success": true, "errors": []}))
}

/// Objects, `sforce_api_objects_contentversion.htm`: `VersionData` is base64; `FirstPublishLocationId`
/// is the record that the file is put on; `PathOnClient` is needed.
fn file(request: &Request, store: &mut Store) -> Answer {
    let body = match body(request) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    for name in fields(&body).keys() {
        if ![
            "Title",
            "PathOnClient",
            "VersionData",
            "FirstPublishLocationId",
            "Description",
            "ReasonForChange",
            "Origin",
            "ContentLocation",
        ]
        .contains(&name.as_str())
        {
            let message = format!("No such column '{name}' on sobject of type ContentVersion");
            return error(400, "INVALID_FIELD", &message);
        }
    }
    let (Some(path), Some(data)) = (body["PathOnClient"].as_str(), body["VersionData"].as_str())
    else {
        let message = "Required fields are missing: [VersionData, PathOnClient]";
        return error(400, "REQUIRED_FIELD_MISSING", message);
    };
    let Ok(content) = STANDARD.decode(data) else {
        return error(400, "JSON_PARSER_ERROR", "VersionData: not base64");
    };
    let id = format!("068xx{:013}", store.next_id());
    let on = body["FirstPublishLocationId"].as_str().unwrap_or_default();
    let Some(case) = store.ticket(on) else {
        let message = "invalid cross reference id";
        return of_field(
            400,
            "INVALID_CROSS_REFERENCE_KEY",
            message,
            "FirstPublishLocationId",
        );
    };
    case.attachments.push(Attachment {
        name: body["Title"].as_str().unwrap_or(path).to_owned(),
        content_type: String::new(),
        content: content.into(),
    });
    Answer::json(201, json!({"id": id, "success": true, "errors": []}))
}

fn contact(request: &Request, store: &mut Store) -> Answer {
    let mut body = match body(request) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    if body["LastName"].as_str().unwrap_or_default().is_empty() {
        let message = "Required fields are missing: [LastName]";
        return of_field(400, "REQUIRED_FIELD_MISSING", message, "LastName");
    }
    let id = format!("003xx{:013}", store.next_id());
    body["Id"] = json!(id);
    store.people.push(body);
    Answer::json(201, json!({"id": id, "success": true, "errors": []}))
}

/// REST, `resources_query.htm`; of SOQL, one condition on one field.
fn query(request: &Request, store: &Store) -> Answer {
    let soql = request.query("q").unwrap_or_default();
    let parsed = soql.split_once(" FROM ").and_then(|(_, rest)| {
        let (object, condition) = rest.split_once(" WHERE ")?;
        let (field, value) = condition.split_once(" = ")?;
        let value = value.strip_prefix('\'')?;
        let value = value.split_once('\'').map_or(value, |(value, _)| value);
        Some((object, field, value.replace("\\'", "'")))
    });
    let records: Vec<_> = match parsed {
        Some(("Case", field, value)) => {
            let cases = store.tickets.iter().map(|case| &case.fields);
            cases.filter(|case| case[field] == value).cloned().collect()
        }
        Some(("Contact", field, value)) => {
            let people = store.people.iter();
            people
                .filter(|person| person[field] == value)
                .cloned()
                .collect()
        }
        Some(("CaseComment", "ParentId", id)) => {
            let cases = store.tickets.iter().filter(|case| case.id == id);
            let comments = cases.flat_map(|case| &case.comments);
            comments
                .map(|comment| json!({"CommentBody": comment.body}))
                .collect()
        }
        Some(("ContentDocumentLink", "LinkedEntityId", id)) => {
            let cases = store.tickets.iter().filter(|case| case.id == id);
            let files = cases.flat_map(|case| &case.attachments);
            files
                .map(|file| json!({"ContentDocument": {"Title": file.name}}))
                .collect()
        }
        _ => return error(400, "MALFORMED_QUERY", "unexpected token"),
    };
    Answer::json(
        200,
        json!({"totalSize": records.len(), "done": true, "records": records}),
    )
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, json!([{"message": message, "errorCode": code}]))
}

fn of_field(status: u16, code: &str, message: &str, field: &str) -> Answer {
    Answer::json(
        status,
        json!([{"message": message, "errorCode": code, "fields": [field]}]),
    )
}
