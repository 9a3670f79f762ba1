//! Zendesk Support: tickets, comments, uploads.
//!
//! <https://developer.zendesk.com/api-reference/ticketing/introduction/> unless a rule names its page.

use serde_json::{Value, json};

use super::answer::Answer;
use super::server::{Request, fields, is_email};
use super::store::{Attachment, Comment, Store};

/// The agent whose token is used.
pub const EMAIL: &str = "bridge@acme.example";
/// Its API token: <https://developer.zendesk.com/api-reference/introduction/security-and-auth/>.
pub const API_TOKEN: &str = "zendesk-api-token";

/// What a ticket may be made or changed with
/// (<https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/>). Anything else is ignored.
const WRITABLE: [&str; 22] = [
    "assignee_email",
    "assignee_id",
    "brand_id",
    "collaborator_ids",
    "comment",
    "custom_fields",
    "custom_status_id",
    "description",
    "email_ccs",
    "external_id",
    "followers",
    "group_id",
    "metadata",
    "organization_id",
    "priority",
    "requester",
    "requester_id",
    "status",
    "subject",
    "submitter_id",
    "tags",
    "type",
];

/// The longest comment, in bytes: 64 kB less one
/// (<https://support.zendesk.com/hc/en-us/articles/4408846544922>).
const LONGEST_COMMENT: usize = 65_535;

#[derive(Debug)]
pub(super) struct Zendesk;

impl super::Api for Zendesk {
    fn answer(&self, request: &Request, store: &mut Store) -> Answer {
        let expected = (format!("{EMAIL}/token"), API_TOKEN.to_owned());
        if store.revoked || request.basic() != Some(expected) {
            return Answer::json(401, json!({"error": "Couldn't authenticate you"}));
        }
        let (method, path) = request.route();
        // Every path may end in `.json`.
        let path: Vec<_> = path
            .into_iter()
            .map(|part| part.strip_suffix(".json").unwrap_or(part))
            .collect();
        match (method, path.as_slice()) {
            ("POST", ["api", "v2", "tickets"]) => once(request, store, create),
            ("GET", ["api", "v2", "tickets"]) => list(request, store),
            ("GET", ["api", "v2", "tickets", id]) => show(id, store),
            ("PUT", ["api", "v2", "tickets", id]) => update(id, request, store),
            ("GET", ["api", "v2", "tickets", id, "comments"]) => comments(id, request, store),
            ("POST", ["api", "v2", "uploads"]) => upload(request, store),
            ("GET", ["api", "v2", "search"]) => search(request, store),
            ("GET", ["api", "v2", "users", "me"]) => Answer::json(
                200,
                json!({"user": {"id": 1, "email": EMAIL, "role": "agent"}}),
            ),
            _ => not_found(),
        }
    }

    /// <https://developer.zendesk.com/api-reference/introduction/rate-limits/>
    fn too_many(&self, seconds: u64) -> Answer {
        let body = json!({
            "error": "APIRateLimitExceeded",
            "description": "Number of allowed API requests per minute exceeded",
        });
        Answer::json(429, body).header("retry-after", seconds.to_string())
    }

    fn login(&self) -> String {
        format!("email = '{EMAIL}'\napi_token = '{API_TOKEN}'")
    }

    fn credentials(&self) -> Value {
        json!({"email": EMAIL, "api_token": API_TOKEN})
    }

    fn creation(&self) -> (&'static str, &'static str) {
        ("POST", "/api/v2/tickets")
    }

    fn comment(&self) -> (&'static str, &'static str) {
        ("PUT", "/tickets/")
    }

    fn attachment(&self) -> (&'static str, &'static str) {
        ("PUT", "/tickets/")
    }
}

/// `Idempotency-Key`: the same key with the same body is answered as the first time and has no further
/// effect; with another body it is an error. The header `x-idempotency-lookup` says `miss` or `hit`. An
/// answer other than 2xx is not kept.
fn once(
    request: &Request,
    store: &mut Store,
    create: fn(&Request, &mut Store) -> Result<Answer, Answer>,
) -> Answer {
    let Some(key) = request.header("idempotency-key").map(ToOwned::to_owned) else {
        return create(request, store).unwrap_or_else(|refused| refused);
    };
    if let Some((body, answer)) = store.idempotency.get(&key) {
        if *body == request.body {
            return answer.clone().header("x-idempotency-lookup", "hit");
        }
        let error = json!({
            "error": "IdempotentRequestError",
            "description": "Request parameters are different to those used when creating the resource",
        });
        return Answer::json(400, error);
    }
    match create(request, store) {
        Ok(answer) => {
            let kept = (request.body.clone(), answer.clone());
            store.idempotency.insert(key, kept);
            answer.header("x-idempotency-lookup", "miss")
        }
        Err(refused) => refused,
    }
}

fn create(request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    let ticket = body(request)?;
    check(&ticket, store)?;
    let comment = &ticket["comment"];
    if text_of_comment(comment).is_none() {
        return Err(invalid(
            "base",
            "Description: cannot be blank",
            "BlankValue",
        ));
    }
    let requester_id = requester(&ticket["requester"], store)?;
    let mut kept = fields(&ticket);
    kept.remove("comment");
    kept.remove("requester");
    kept.entry("status").or_insert(json!("new"));
    kept.entry("tags").or_insert(json!([]));
    kept.insert("description".to_owned(), json!(text_of_comment(comment)));
    kept.insert("requester_id".to_owned(), json!(requester_id));
    let public = comment["public"].as_bool().unwrap_or(true);
    kept.insert("is_public".to_owned(), json!(public));
    let uploads = take_uploads(comment, store)?;
    let id = store.next_id();
    kept.insert("id".to_owned(), json!(id));
    kept.insert(
        "url".to_owned(),
        json!(format!("{}/api/v2/tickets/{id}.json", store.base_url)),
    );
    let created = store.add_ticket_as(id.to_string(), Value::Object(kept));
    created.attachments = uploads;
    let location = created.text("url").to_owned();
    let body = json!({"ticket": created.fields, "audit": {"id": id + 1_000_000, "ticket_id": id, "events": []}});
    Ok(Answer::json(201, body).header("location", location))
}

/// The ticket in the body: <https://developer.zendesk.com/api-reference/introduction/requests/>.
fn body(request: &Request) -> Result<Value, Answer> {
    let body = request.json().filter(|_| request.is_json());
    let ticket = body.map(|body| body["ticket"].clone()).unwrap_or_default();
    if ticket.is_object() {
        return Ok(ticket);
    }
    let error = json!({"error": {
        "title": "Invalid attribute",
        "message": "You passed an invalid value for the ticket attribute. Invalid parameter: ticket must be an object from api/v2/tickets/create",
    }});
    Err(Answer::json(400, error))
}

/// What is wrong with the fields that a new and a changed ticket have alike.
fn check(ticket: &Value, store: &mut Store) -> Result<(), Answer> {
    for name in fields(ticket).keys() {
        if !WRITABLE.contains(&name.as_str()) {
            store.ignore(format!("ticket.{name}"));
        }
    }
    for (name, allowed) in [
        ("priority", &["urgent", "high", "normal", "low"][..]),
        (
            "status",
            &["new", "open", "pending", "hold", "solved", "closed"],
        ),
        ("type", &["problem", "incident", "question", "task"]),
    ] {
        let value = &ticket[name];
        if !value.is_null() && !value.as_str().is_some_and(|value| allowed.contains(&value)) {
            let message = format!("{name}: {value} is not a valid {name}");
            return Err(invalid(name, &message, "InvalidValue"));
        }
    }
    // "Tags may only contain alphanumeric, dash, underscore, colon, and forward slash characters";
    // white space separates them.
    if let Some(tags) = ticket.get("tags") {
        let Some(tags) = tags.as_array() else {
            return Err(invalid("tags", "Tags: must be an array", "InvalidFormat"));
        };
        for tag in tags.iter().map(|tag| tag.as_str().unwrap_or_default()) {
            let allowed =
                |character: char| character.is_alphanumeric() || "-_:/".contains(character);
            if tag.is_empty() || !tag.chars().all(allowed) {
                let message = format!("Tags: {tag} contains invalid characters");
                return Err(invalid("tags", &message, "InvalidFormat"));
            }
        }
    }
    if let Some(custom) = ticket.get("custom_fields") {
        let each = custom.as_array().cloned().unwrap_or_default();
        let good = each
            .iter()
            .all(|field| field["id"].is_u64() && field.get("value").is_some());
        if !custom.is_array() || !good {
            let message = "Custom fields: must be an array of objects with id and value";
            return Err(invalid("custom_fields", message, "InvalidFormat"));
        }
    }
    if let Some(comment) = text_of_comment(&ticket["comment"])
        && comment.len() > LONGEST_COMMENT
    {
        let message = format!("Comment: is too long (maximum is {LONGEST_COMMENT} bytes)");
        return Err(invalid("comment", &message, "TooLong"));
    }
    if ticket["external_id"]
        .as_str()
        .is_some_and(|id| id.chars().count() > 255)
    {
        let message = "External ID: is too long (maximum is 255 characters)";
        return Err(invalid("external_id", message, "TooLong"));
    }
    Ok(())
}

/// The requester: an existing user by email, or a new one, who needs a name
/// (<https://developer.zendesk.com/documentation/ticketing/managing-tickets/creating-and-updating-tickets/#creating-a-ticket-with-a-new-requester>).
/// Without one, the requester is the agent.
fn requester(requester: &Value, store: &mut Store) -> Result<u64, Answer> {
    if requester.is_null() {
        return Ok(1);
    }
    let email = requester["email"].as_str().unwrap_or_default();
    if !requester["email"].is_null() && !is_email(email) {
        let message = format!("Email:  {email} is not properly formatted");
        return Err(invalid("requester", &message, "InvalidValue"));
    }
    if let Some(known) = store
        .people
        .iter()
        .find(|person| person["email"] == email && !email.is_empty())
    {
        return Ok(known["id"].as_u64().unwrap_or_default());
    }
    if requester["name"]
        .as_str()
        .unwrap_or_default()
        .trim()
        .is_empty()
    {
        let message = "Requester: Name: is too short (minimum is one character)";
        return Err(invalid("requester", message, "BlankValue"));
    }
    for name in fields(requester).keys() {
        if !["name", "email", "locale_id"].contains(&name.as_str()) {
            store.ignore(format!("ticket.requester.{name}"));
        }
    }
    let id = store.next_id();
    let person = json!({"id": id, "name": requester["name"], "email": requester["email"], "role": "end-user"});
    store.people.push(person);
    Ok(id)
}

fn text_of_comment(comment: &Value) -> Option<&str> {
    let text = comment["html_body"]
        .as_str()
        .or_else(|| comment["body"].as_str())?;
    Some(text).filter(|text| !text.trim().is_empty())
}

fn take_uploads(comment: &Value, store: &mut Store) -> Result<Vec<Attachment>, Answer> {
    let tokens = comment["uploads"].as_array().cloned().unwrap_or_default();
    let mut files = Vec::new();
    for token in tokens {
        let token = token.as_str().unwrap_or_default();
        let Some(file) = store.uploads.remove(token) else {
            return Err(invalid(
                "uploads",
                "Attachment token is invalid",
                "InvalidValue",
            ));
        };
        files.push(file);
    }
    Ok(files)
}

/// Listing by `external_id` reads the database: a new ticket is there at once
/// (<https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#list-tickets-by-external-id>).
fn list(request: &Request, store: &Store) -> Answer {
    let external_id = request.query("external_id");
    let tickets = store.tickets.iter();
    let tickets: Vec<_> = tickets
        .filter(|ticket| external_id.is_none_or(|id| ticket.fields["external_id"] == id))
        .map(|ticket| ticket.fields.clone())
        .collect();
    let count = tickets.len();
    Answer::json(
        200,
        json!({"tickets": tickets, "next_page": null, "previous_page": null, "count": count}),
    )
}

/// "It can take up to a few minutes for new tickets to be indexed for search"
/// (<https://developer.zendesk.com/api-reference/ticketing/ticket-management/search/>).
fn search(request: &Request, store: &Store) -> Answer {
    let query = request.query("query").unwrap_or_default();
    let wanted: Vec<_> = query
        .split_whitespace()
        .filter_map(|term| term.split_once(':'))
        .collect();
    let matches = |ticket: &Value| {
        wanted.iter().all(|(name, value)| match *name {
            "type" => *value == "ticket",
            "external_id" => ticket["external_id"] == *value,
            "tags" => ticket["tags"]
                .as_array()
                .is_some_and(|tags| tags.contains(&json!(value))),
            _ => false,
        })
    };
    let found: Vec<_> = store
        .searchable()
        .filter(|ticket| matches(&ticket.fields))
        .map(|ticket| {
            let mut found = ticket.fields.clone();
            found["result_type"] = json!("ticket");
            found
        })
        .collect();
    let count = found.len();
    Answer::json(
        200,
        json!({"results": found, "facets": null, "next_page": null, "previous_page": null, "count": count}),
    )
}

fn show(id: &str, store: &mut Store) -> Answer {
    match store.ticket(id) {
        Some(ticket) => Answer::json(200, json!({"ticket": ticket.fields})),
        None => not_found(),
    }
}

fn update(id: &str, request: &Request, store: &mut Store) -> Answer {
    let changed = match body(request) {
        Ok(changed) => changed,
        Err(refused) => return refused,
    };
    if store.ticket(id).is_none() {
        return not_found();
    }
    let files = check(&changed, store).and_then(|()| take_uploads(&changed["comment"], store));
    let files = match files {
        Ok(files) => files,
        Err(refused) => return refused,
    };
    let Some(ticket) = store.ticket(id) else {
        return not_found();
    };
    // "Closed tickets can't be updated".
    if ticket.fields["status"] == "closed" {
        return invalid(
            "status",
            "Status: closed prevents ticket update",
            "InvalidValue",
        );
    }
    if let Some(body) = text_of_comment(&changed["comment"]) {
        ticket.comments.push(Comment {
            files: files.iter().map(|file| file.name.clone()).collect(),
            ..Comment::new(body, changed["comment"]["public"].as_bool().unwrap_or(true))
        });
        ticket.attachments.extend(files);
    }
    for (name, value) in fields(&changed) {
        if !["comment", "requester"].contains(&name.as_str()) {
            ticket.fields[name] = value;
        }
    }
    Answer::json(200, json!({"ticket": ticket.fields}))
}

/// <https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/#list-comments>: oldest
/// first unless `sort_order` is `desc`; the description is the first.
fn comments(id: &str, request: &Request, store: &mut Store) -> Answer {
    let Some(ticket) = store.ticket(id) else {
        return not_found();
    };
    let public = ticket.fields["is_public"] == true;
    let first = Comment::new(ticket.text("description"), public);
    let all = std::iter::once(&first).chain(&ticket.comments).enumerate();
    let mut comments: Vec<_> = all
        .map(|(index, comment)| {
            let files = comment.files.iter();
            let files: Vec<_> = files.map(|name| json!({"file_name": name})).collect();
            json!({
                "id": index + 1,
                "type": "Comment",
                "body": comment.body,
                "plain_body": comment.body,
                "public": comment.public,
                "attachments": files,
            })
        })
        .collect();
    if request.query("sort_order") == Some("desc") {
        comments.reverse();
    }
    let count = comments.len();
    Answer::json(
        200,
        json!({"comments": comments, "next_page": null, "previous_page": null, "count": count}),
    )
}

/// <https://developer.zendesk.com/api-reference/ticketing/tickets/ticket-attachments/>: the raw bytes;
/// the token that is answered is good for one comment within an hour.
fn upload(request: &Request, store: &mut Store) -> Answer {
    let Some(name) = request.query("filename") else {
        return Answer::json(400, json!({"error": "Missing parameter filename"}));
    };
    let file = Attachment {
        name: name.to_owned(),
        content_type: request.content_type().to_owned(),
        content: request.body.clone(),
    };
    let shown = json!({"id": store.next_id(), "file_name": name, "content_type": file.content_type, "size": file.content.len()});
    let token = format!("upload-{}", store.next_id());
    store.uploads.insert(token.clone(), file);
    let body = json!({"upload": {"token": token, "attachment": shown, "attachments": [shown]}});
    Answer::json(201, body)
}

fn invalid(field: &str, description: &str, error: &str) -> Answer {
    let mut details = serde_json::Map::new();
    details.insert(
        field.to_owned(),
        json!([{"description": description, "error": error}]),
    );
    let body = json!({"error": "RecordInvalid", "description": "Record validation errors", "details": details});
    Answer::json(422, body)
}

fn not_found() -> Answer {
    Answer::json(
        404,
        json!({"error": "RecordNotFound", "description": "Not found"}),
    )
}
