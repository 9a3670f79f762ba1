//! ServiceNow: incidents by the Table API, files by the Attachment API.
//!
//! <https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/inbound-rest/concept/c_TableAPI.html>
//! and `c_AttachmentAPI.html` beside it, unless a rule names its page.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::server::{Request, fields};
use super::store::{Attachment, Comment, Store, Ticket};

/// The user of the integration.
pub const USERNAME: &str = "haptik.bridge";
/// The password.
pub const PASSWORD: &str = "servicenow-password";
/// The OAuth client that may get a token by its credentials.
pub const CLIENT_ID: &str = "servicenow-client";
/// Its secret.
pub const CLIENT_SECRET: &str = "servicenow-client-secret";

/// Columns of an incident, and the most characters of those that are text: longer ones are cut without a
/// word, and unknown columns ignored (the dictionary entries of `task` and `incident`).
const INCIDENT: [(&str, usize); 17] = [
    ("short_description", 160),
    ("description", 4_000),
    ("comments", 4_000),
    ("work_notes", 4_000),
    ("correlation_id", 100),
    ("correlation_display", 100),
    ("caller_id", 32),
    ("category", 40),
    ("subcategory", 40),
    ("contact_type", 40),
    ("impact", 40),
    ("urgency", 40),
    ("state", 40),
    ("assignment_group", 32),
    ("assigned_to", 32),
    ("opened_by", 32),
    ("u_insurance_no", 40),
];

#[derive(Debug)]
pub(super) struct ServiceNow;

impl super::Api for ServiceNow {
    fn answer(&self, request: &Request, store: &mut Store) -> Answer {
        let (method, path) = request.route();
        if let ("POST", ["oauth_token.do"]) = (method, path.as_slice()) {
            return token(request, store);
        }
        let basic = request.basic() == Some((USERNAME.to_owned(), PASSWORD.to_owned()));
        let bearer = request
            .bearer()
            .is_some_and(|token| store.tokens.contains(token));
        if store.revoked || !(basic || bearer) {
            return failure(
                401,
                "User Not Authenticated",
                "Required to provide Auth information",
            );
        }
        let (["api", "now", "v1" | "v2", path @ ..] | ["api", "now", path @ ..]) = path.as_slice()
        else {
            return no_such_path(request);
        };
        let answer = match (method, path) {
            ("POST", ["table", "incident"]) => create(request, store),
            ("GET", ["table", "incident"]) => Ok(list(request, store)),
            ("GET", ["table", "incident", id]) => show(id, store),
            ("PATCH" | "PUT", ["table", "incident", id]) => update(id, request, store),
            ("GET", ["table", "sys_user"]) => Ok(users(request, store)),
            ("GET", ["table", "sys_journal_field"]) => Ok(journal_entries(request, store)),
            ("POST", ["attachment", "file"]) => attach(request, store),
            ("GET", ["attachment"]) => Ok(attachments(request, store)),
            ("GET" | "POST", ["table", other, ..]) => {
                Err(failure(400, &format!("Invalid table {other}"), ""))
            }
            _ => Err(no_such_path(request)),
        };
        answer.unwrap_or_else(|refused| refused)
    }

    /// `concept/inbound-REST-API-rate-limiting.html`: `X-RateLimit-Reset` is when the hour is over, in
    /// seconds since 1970.
    fn too_many(&self, seconds: u64) -> Answer {
        let reset = jiff::Timestamp::now().as_second().unsigned_abs() + seconds;
        failure(
            429,
            "Rate limit exceeded",
            "Rejected due to rate limit rule",
        )
        .header("x-ratelimit-limit", "100")
        .header("x-ratelimit-reset", reset.to_string())
        .header("retry-after", seconds.to_string())
    }

    fn login(&self) -> String {
        format!("username = '{USERNAME}'\npassword = '{PASSWORD}'")
    }

    fn credentials(&self) -> Value {
        json!({"username": USERNAME, "password": PASSWORD})
    }

    fn creation(&self) -> (&'static str, &'static str) {
        ("POST", "/table/incident")
    }

    fn comment(&self) -> (&'static str, &'static str) {
        ("PATCH", "/table/incident/")
    }

    fn attachment(&self) -> (&'static str, &'static str) {
        ("POST", "/attachment/file")
    }

    fn subject(&self, ticket: &Ticket) -> String {
        ticket.text("short_description").to_owned()
    }
}

/// OAuth 2.0 at `/oauth_token.do`, by client credentials or password.
fn token(request: &Request, store: &mut Store) -> Answer {
    let form = request.form();
    let field = |name: &str| {
        let found = form.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let client = field("client_id") == CLIENT_ID && field("client_secret") == CLIENT_SECRET;
    let granted = match field("grant_type") {
        "client_credentials" => true,
        "password" => field("username") == USERNAME && field("password") == PASSWORD,
        _ => false,
    };
    if store.revoked || !client || !granted {
        let body = json!({"error_description": "access_denied", "error": "server_error"});
        return Answer::json(401, body);
    }
    let token = format!("servicenow-token-{}", store.next_id());
    store.tokens.insert(token.clone());
    let body = json!({"access_token": token, "scope": "useraccount", "token_type": "Bearer", "expires_in": 1_799});
    Answer::json(200, body)
}

fn body(request: &Request) -> Result<Map<String, Value>, Answer> {
    if !request.is_json() {
        let detail = format!("Content-Type {} is not supported", request.content_type());
        return Err(failure(415, "Unsupported Media Type", &detail));
    }
    let accept = request.header("accept").unwrap_or("*/*");
    if !accept.contains("application/json") && !accept.contains("*/*") {
        return Err(failure(
            406,
            "Requested response format not supported",
            accept,
        ));
    }
    if let Some(Value::Object(body)) = request.json() {
        return Ok(body);
    }
    let detail = "The payload is not valid JSON.";
    Err(failure(400, "Exception while reading request", detail))
}

/// The values as the table keeps them: all text.
fn kept(body: Map<String, Value>, store: &mut Store) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in body {
        let Some((_, longest)) = INCIDENT.iter().find(|(known, _)| *known == name) else {
            store.ignore(format!("incident.{name}"));
            continue;
        };
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), ToOwned::to_owned);
        if text.chars().count() > *longest {
            store.ignore(format!("incident.{name} beyond {longest} characters"));
        }
        // A reference that names nobody stays empty.
        if name == "caller_id" && !store.people.iter().any(|user| user["sys_id"] == text) {
            store.ignore("incident.caller_id that is nobody's");
            continue;
        }
        kept.insert(name, Value::String(text.chars().take(*longest).collect()));
    }
    kept
}

fn create(request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    let body = body(request)?;
    let mut kept = kept(body, store);
    let number = store.next_id();
    let id = format!("{number:032x}");
    let first: Vec<_> = ["comments", "work_notes"]
        .iter()
        .filter_map(|name| Some((*name, kept.remove(*name)?)))
        .collect();
    kept.insert("sys_id".to_owned(), json!(id));
    kept.insert("number".to_owned(), json!(format!("INC{number:07}")));
    kept.entry("state").or_insert(json!("1"));
    let location = format!("{}/api/now/table/incident/{id}", store.base_url);
    let ticket = store.add_ticket_as(id, Value::Object(kept));
    for (name, text) in first {
        journal(ticket, name, &text);
    }
    Ok(Answer::json(201, json!({"result": shown(ticket, None)})).header("location", location))
}

/// `comments` are for the customer, `work_notes` are not; each value written is one more entry.
fn journal(ticket: &mut Ticket, name: &str, text: &Value) {
    let body = text.as_str().unwrap_or_default().to_owned();
    if !body.is_empty() {
        ticket.comments.push(Comment::new(body, name == "comments"));
    }
}

/// An encoded query, from the database. Of the language: `field=value`, and `^` between conditions.
fn list(request: &Request, store: &Store) -> Answer {
    let query = request.query("sysparm_query").unwrap_or_default();
    let conditions = query
        .split('^')
        .filter(|part| !part.is_empty() && !part.starts_with("ORDERBY"));
    let mut wanted = Vec::new();
    for condition in conditions {
        // A condition that the instance cannot read is left out, and everything is found.
        match condition.split_once('=') {
            Some((name, value))
                if INCIDENT.iter().any(|(known, _)| *known == name)
                    || ["number", "sys_id"].contains(&name) =>
            {
                wanted.push((name, value));
            }
            _ => {}
        }
    }
    let limit = request
        .query("sysparm_limit")
        .and_then(|text| text.parse().ok())
        .unwrap_or(10_000);
    let only = request.query("sysparm_fields");
    let found: Vec<_> = store
        .tickets
        .iter()
        .filter(|ticket| {
            wanted
                .iter()
                .all(|(name, value)| ticket.text(name) == *value)
        })
        .take(limit)
        .map(|ticket| shown(ticket, only))
        .collect();
    let count = found.len().to_string();
    Answer::json(200, json!({"result": found})).header("x-total-count", count)
}

fn users(request: &Request, store: &Store) -> Answer {
    let query = request.query("sysparm_query").unwrap_or_default();
    let wanted: Vec<_> = query
        .split('^')
        .filter_map(|part| part.split_once('='))
        .collect();
    let found: Vec<_> = store
        .people
        .iter()
        .filter(|user| wanted.iter().all(|(name, value)| user[*name] == *value))
        .collect();
    Answer::json(200, json!({"result": found}))
}

/// The entries of journal fields are a table of their own.
fn journal_entries(request: &Request, store: &Store) -> Answer {
    let query = request.query("sysparm_query").unwrap_or_default();
    let of = |name: &str| {
        let mut conditions = query.split('^').filter_map(|part| part.split_once('='));
        let found = conditions.find(|(key, _)| *key == name);
        found.map(|(_, value)| value)
    };
    let tickets = store.tickets.iter();
    let entries: Vec<_> = tickets
        .filter(|ticket| of("element_id").is_none_or(|id| ticket.id == id))
        .flat_map(|ticket| &ticket.comments)
        .filter(|entry| of("element").is_none_or(|name| (name == "comments") == entry.public))
        .map(|entry| json!({"value": entry.body}))
        .collect();
    Answer::json(200, json!({"result": entries}))
}

fn show(id: &str, store: &mut Store) -> Result<Answer, Answer> {
    let ticket = store.ticket(id).ok_or_else(no_record)?;
    Ok(Answer::json(200, json!({"result": shown(ticket, None)})))
}

fn update(id: &str, request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    let body = body(request)?;
    let kept = kept(body, store);
    let ticket = store.ticket(id).ok_or_else(no_record)?;
    for (name, value) in kept {
        if ["comments", "work_notes"].contains(&name.as_str()) {
            journal(ticket, &name, &value);
        } else {
            ticket.fields[name] = value;
        }
    }
    Ok(Answer::json(200, json!({"result": shown(ticket, None)})))
}

/// The bytes as they are; `table_name`, `table_sys_id` and `file_name` in the query.
fn attach(request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    let parameters = ["table_name", "table_sys_id", "file_name"].map(|name| request.query(name));
    let [Some("incident"), Some(id), Some(name)] = parameters else {
        return Err(failure(
            400,
            "Query parameters missing",
            "table_name, table_sys_id, file_name",
        ));
    };
    if request.content_type().is_empty() {
        return Err(failure(
            415,
            "Unsupported Media Type",
            "Content-Type is missing",
        ));
    }
    let file_id = format!("{:032x}", store.next_id());
    let ticket = store.ticket(id).ok_or_else(no_record)?;
    ticket.attachments.push(Attachment {
        name: name.to_owned(),
        content_type: request.content_type().to_owned(),
        content: request.body.clone(),
    });
    let size = request.body.len().to_string();
    let body = json!({"result": {"sys_id": file_id, "file_name": name, "table_name": "incident", "table_sys_id": id, "content_type": request.content_type(), "size_bytes": size}});
    Ok(Answer::json(201, body))
}

fn attachments(request: &Request, store: &Store) -> Answer {
    let query = request.query("sysparm_query").unwrap_or_default();
    let wanted: Vec<_> = query
        .split('^')
        .filter_map(|part| part.split_once('='))
        .collect();
    let of = |name: &str| {
        let found = wanted.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| *value)
    };
    let tickets = store.tickets.iter();
    let found: Vec<_> = tickets
        .filter(|ticket| of("table_sys_id").is_none_or(|id| ticket.id == id))
        .flat_map(|ticket| {
            let id = &ticket.id;
            let files = ticket.attachments.iter();
            let files = files.filter(|file| of("file_name").is_none_or(|name| file.name == name));
            files.map(move |file| json!({"file_name": file.name, "table_sys_id": id, "content_type": file.content_type}))
        })
        .collect();
    Answer::json(200, json!({"result": found}))
}

fn shown(ticket: &Ticket, only: Option<&str>) -> Value {
    let all = fields(&ticket.fields);
    let Some(only) = only else {
        return Value::Object(all);
    };
    let names: Vec<_> = only.split(',').collect();
    all.into_iter()
        .filter(|(name, _)| names.contains(&name.as_str()))
        .collect()
}

fn no_record() -> Answer {
    let detail = "Record doesn't exist or ACL restricts the record retrieval";
    failure(404, "No Record found", detail)
}

fn no_such_path(request: &Request) -> Answer {
    let path = request.path.join("/");
    let message = format!("Requested URI does not represent any resource: /{path}");
    Answer::json(
        400,
        json!({"error": {"message": message, "detail": null}, "status": "failure"}),
    )
}

fn failure(status: u16, message: &str, detail: &str) -> Answer {
    let body = json!({"error": {"message": message, "detail": detail}, "status": "failure"});
    Answer::json(status, body)
}
