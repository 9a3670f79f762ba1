//! Jira Service Management Cloud: customer requests, their comments and files, customers.
//!
//! <https://developer.atlassian.com/cloud/jira/service-desk/rest/> ("JSM" below) and
//! <https://developer.atlassian.com/cloud/jira/platform/rest/v3/>.

use serde_json::{Value, json};

use super::answer::Answer;
use super::server::{Request, fields, is_email};
use super::store::{Attachment, Comment, Store, Ticket};

mod platform;

use platform::{attach_to_issue, document, issue, rich_comment, rich_comments, search, users};

/// The account whose token is used.
pub const EMAIL: &str = "bridge@acme.example";
/// Its API token.
pub const API_TOKEN: &str = "jira-api-token";
/// The service desk that there is.
pub const SERVICE_DESK_ID: &str = "10";
/// The request type that there is, with the fields summary, description, labels and
/// `customfield_10050`.
pub const REQUEST_TYPE_ID: &str = "25";

const FIELDS: [&str; 4] = ["summary", "description", "labels", "customfield_10050"];

/// "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
const LONGEST: usize = 32_767;

#[derive(Debug)]
pub(super) struct Jira;

impl super::Api for Jira {
    fn answer(&self, request: &Request, store: &mut Store) -> Answer {
        let expected = (EMAIL.to_owned(), API_TOKEN.to_owned());
        if store.revoked || request.basic() != Some(expected) {
            let text = "Client must be authenticated to access this resource.";
            return Answer::text(401, "text/plain", text);
        }
        let (method, path) = request.route();
        let answer = match (method, path.as_slice()) {
            ("POST", ["rest", "servicedeskapi", "request"]) => create(request, store),
            ("GET", ["rest", "servicedeskapi", "request", id]) => show(id, store),
            ("POST", ["rest", "servicedeskapi", "request", id, "comment"]) => {
                comment(id, request, store)
            }
            ("GET", ["rest", "servicedeskapi", "request", id, "comment"]) => comments(id, store),
            ("POST", ["rest", "servicedeskapi", "request", id, "attachment"]) => {
                attach(id, request, store)
            }
            (
                "POST",
                [
                    "rest",
                    "servicedeskapi",
                    "servicedesk",
                    id,
                    "attachTemporaryFile",
                ],
            ) => upload(id, request, store),
            ("POST", ["rest", "servicedeskapi", "customer"]) => customer(request, store),
            ("GET", ["rest", "servicedeskapi", "servicedesk"]) => Ok(Answer::json(
                200,
                json!({"size": 1, "start": 0, "limit": 50, "isLastPage": true, "values": [{"id": SERVICE_DESK_ID, "projectId": "11001", "projectName": "Help", "projectKey": "HELP"}]}),
            )),
            ("GET", ["rest", "servicedeskapi", "servicedesk", SERVICE_DESK_ID]) => {
                Ok(Answer::json(
                    200,
                    json!({"id": SERVICE_DESK_ID, "projectId": "11001", "projectName": "Help", "projectKey": "HELP"}),
                ))
            }
            ("GET" | "POST", ["rest", "api", "2" | "3", "search", "jql"]) => search(request, store),
            ("POST", ["rest", "api", "3", "issue", id, "comment"]) => {
                rich_comment(id, request, store)
            }
            ("GET", ["rest", "api", "3", "issue", id, "comment"]) => rich_comments(id, store),
            ("POST", ["rest", "api", "2" | "3", "issue", id, "attachments"]) => {
                attach_to_issue(id, request, store)
            }
            ("GET", ["rest", "api", "2" | "3", "issue", id]) => issue(id, store),
            ("GET", ["rest", "api", "2" | "3", "user", "search"]) => Ok(users(request, store)),
            ("GET", ["rest", "api", "2" | "3", "serverInfo"]) => Ok(Answer::json(
                200,
                json!({"baseUrl": store.base_url, "version": "1001.0.0-SNAPSHOT", "versionNumbers": [1001, 0, 0], "deploymentType": "Cloud", "buildNumber": 100_275}),
            )),
            ("GET", ["rest", "api", "2" | "3", "field"]) => Ok(Answer::json(200, json!([]))),
            ("GET", ["rest", "api", "2" | "3", "myself"]) => Ok(Answer::json(
                200,
                json!({"accountId": "bridge", "emailAddress": EMAIL}),
            )),
            _ => Err(Answer::json(
                404,
                json!({"errorMessage": "Not found", "errorMessages": ["Not found"]}),
            )),
        };
        answer.unwrap_or_else(|refused| refused)
    }

    /// <https://developer.atlassian.com/cloud/jira/platform/rate-limiting/>
    fn too_many(&self, seconds: u64) -> Answer {
        Answer::text(429, "text/plain", "Rate limit exceeded.")
            .header("retry-after", seconds.to_string())
            .header("x-ratelimit-remaining", "0")
    }

    fn login(&self) -> String {
        format!(
            "email = '{EMAIL}'\napi_token = '{API_TOKEN}'\nservice_desk_id = {SERVICE_DESK_ID}\n\
             request_type_id = {REQUEST_TYPE_ID}"
        )
    }

    fn credentials(&self) -> Value {
        json!({
            "email": EMAIL,
            "api_token": API_TOKEN,
            "service_desk_id": SERVICE_DESK_ID,
            "request_type_id": REQUEST_TYPE_ID,
        })
    }

    fn creation(&self) -> (&'static str, &'static str) {
        ("POST", "/servicedeskapi/request")
    }

    fn comment(&self) -> (&'static str, &'static str) {
        ("POST", "/comment")
    }

    fn attachment(&self) -> (&'static str, &'static str) {
        ("POST", "/attachments")
    }

    fn subject(&self, ticket: &Ticket) -> String {
        ticket.text("summary").to_owned()
    }
}

/// JSM, "Create customer request".
fn create(request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    let body = body(request)?;
    for name in fields(&body).keys() {
        if ![
            "serviceDeskId",
            "requestTypeId",
            "requestFieldValues",
            "requestParticipants",
            "raiseOnBehalfOf",
            "isAdfRequest",
            "channel",
            "form",
        ]
        .contains(&name.as_str())
        {
            return Err(error(400, &format!("Unrecognized field \"{name}\"")));
        }
    }
    if text_of(&body["serviceDeskId"]) != SERVICE_DESK_ID {
        return Err(error(
            404,
            "The Service Desk you are trying to view does not exist.",
        ));
    }
    if text_of(&body["requestTypeId"]) != REQUEST_TYPE_ID {
        return Err(error(
            400,
            "The request type you are trying to use does not exist.",
        ));
    }
    let values = &body["requestFieldValues"];
    for (name, value) in fields(values) {
        if !FIELDS.contains(&name.as_str()) {
            let message = format!(
                "Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
            );
            return Err(error(400, &message));
        }
        if name == "labels" {
            labels(&value)?;
        } else if name == "description" && body["isAdfRequest"] == true {
            // With `isAdfRequest`, rich text is a document and nothing else.
            if document(&value).is_none() {
                return Err(error(400, "Failed to parse Atlassian Document"));
            }
        } else if !value.is_string() {
            return Err(error(
                400,
                &format!("Operation value must be a string: {name}"),
            ));
        }
    }
    let summary = values["summary"].as_str().unwrap_or_default();
    if summary.trim().is_empty() {
        return Err(error(400, "You must specify a summary of the issue."));
    }
    if summary.contains(['\n', '\r']) {
        return Err(error(
            400,
            "The summary is invalid because it contains newline characters.",
        ));
    }
    if summary.encode_utf16().count() > 255 {
        return Err(error(400, "Summary must be less than 255 characters."));
    }
    let description = match document(&values["description"]) {
        // What is stored is the document.
        Some(_) if values["description"].to_string().encode_utf16().count() > LONGEST => {
            return Err(too_long());
        }
        Some(text) => text,
        None => values["description"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    };
    if description.encode_utf16().count() > LONGEST {
        return Err(too_long());
    }
    let behalf = &body["raiseOnBehalfOf"];
    let account = behalf.as_str().unwrap_or_default();
    if !behalf.is_null()
        && !store
            .people
            .iter()
            .any(|person| person["accountId"] == account || person["emailAddress"] == account)
    {
        let message =
            format!("The user '{account}' does not exist or cannot be used to raise this request.");
        return Err(error(400, &message));
    }
    let number = store.next_id();
    let mut kept = values.clone();
    kept["description"] = json!(description);
    kept["key"] = json!(format!("HELP-{number}"));
    kept["raiseOnBehalfOf"] = behalf.clone();
    let ticket = store.add_ticket_as(number.to_string(), kept);
    Ok(Answer::json(201, shown(ticket)))
}

/// An id, which may be written as a number.
fn text_of(id: &Value) -> String {
    id.as_str()
        .map_or_else(|| id.to_string(), ToOwned::to_owned)
}

fn labels(labels: &Value) -> Result<(), Answer> {
    let wrong = "The label must be a string without spaces.";
    let labels = labels.as_array().ok_or_else(|| error(400, wrong))?;
    let good = |label: &Value| {
        label.as_str().is_some_and(|label| {
            (1..=255).contains(&label.chars().count()) && !label.contains(char::is_whitespace)
        })
    };
    if labels.iter().all(good) {
        Ok(())
    } else {
        Err(error(400, wrong))
    }
}

fn body(request: &Request) -> Result<Value, Answer> {
    if !request.is_json() {
        return Err(error(415, "Unsupported Media Type"));
    }
    let body = request.json().filter(Value::is_object);
    body.ok_or_else(|| error(400, "Unexpected character"))
}

fn find<'a>(id: &str, store: &'a mut Store) -> Result<&'a mut Ticket, Answer> {
    let mut tickets = store.tickets.iter_mut();
    let found = tickets.find(|ticket| ticket.id == id || ticket.text("key") == id);
    found.ok_or_else(|| {
        error(
            404,
            "Issue does not exist or you do not have permission to see it.",
        )
    })
}

fn show(id: &str, store: &mut Store) -> Result<Answer, Answer> {
    let ticket = find(id, store)?;
    Ok(Answer::json(200, shown(ticket)))
}

fn shown(ticket: &Ticket) -> Value {
    let key = ticket.text("key");
    let values: Vec<_> = FIELDS
        .iter()
        .map(|name| json!({"fieldId": name, "label": name, "value": ticket.fields[*name]}))
        .collect();
    json!({
        "issueId": ticket.id,
        "issueKey": key,
        "requestTypeId": REQUEST_TYPE_ID,
        "serviceDeskId": SERVICE_DESK_ID,
        "createdDate": {"iso8601": ticket.created_at.to_string(), "epochMillis": ticket.created_at.as_millisecond()},
        "requestFieldValues": values,
        "currentStatus": {"status": "Waiting for support"},
        "_links": {"web": format!("/servicedesk/customer/portal/10/{key}")},
    })
}

/// JSM, "Create request comment".
fn comment(id: &str, request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    let body = body(request)?;
    let ticket = find(id, store)?;
    let text = body["body"].as_str().unwrap_or_default();
    if text.trim().is_empty() {
        return Err(error(400, "Comment body can not be empty!"));
    }
    if text.encode_utf16().count() > LONGEST {
        return Err(too_long());
    }
    let public = body["public"].as_bool().unwrap_or(true);
    ticket.comments.push(Comment::new(text.to_owned(), public));
    let id = ticket.comments.len().to_string();
    Ok(Answer::json(
        201,
        json!({"id": id, "body": text, "public": public}),
    ))
}

fn comments(id: &str, store: &mut Store) -> Result<Answer, Answer> {
    let ticket = find(id, store)?;
    let comments = ticket.comments.iter().enumerate();
    let comments: Vec<_> = comments
        .map(|(index, comment)| json!({"id": index.to_string(), "body": comment.body, "public": comment.public}))
        .collect();
    Ok(Answer::json(
        200,
        json!({"size": comments.len(), "start": 0, "limit": 100, "isLastPage": true, "values": comments}),
    ))
}

/// JSM, "Attach temporary file": multipart with `file`, and `X-Atlassian-Token: no-check`.
fn upload(desk: &str, request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    if desk != SERVICE_DESK_ID {
        return Err(error(
            404,
            "The Service Desk you are trying to view does not exist.",
        ));
    }
    if request.header("x-atlassian-token") != Some("no-check") {
        return Err(Answer::text(403, "text/plain", "XSRF check failed"));
    }
    let mut made = Vec::new();
    for (name, file) in &request.files {
        if name != "file" {
            continue;
        }
        let id = format!("temp{}", store.next_id());
        made.push(json!({"temporaryAttachmentId": id, "fileName": file.name}));
        store.uploads.insert(id, file.clone());
    }
    if made.is_empty() {
        return Err(error(400, "No file was attached"));
    }
    Ok(Answer::json(201, json!({"temporaryAttachments": made})))
}

/// JSM, "Create attachment": the temporary files, and perhaps a comment with them.
fn attach(id: &str, request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    let body = body(request)?;
    find(id, store)?;
    let ids = body["temporaryAttachmentIds"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut files: Vec<Attachment> = Vec::new();
    for temporary in &ids {
        let file = store.uploads.remove(temporary.as_str().unwrap_or_default());
        files.push(
            file.ok_or_else(|| error(400, "The temporary attachment is unknown or was used"))?,
        );
    }
    if files.is_empty() || !body["public"].is_boolean() {
        return Err(error(400, "temporaryAttachmentIds and public are needed"));
    }
    let ticket = find(id, store)?;
    if let Some(text) = body["additionalComment"]["body"].as_str() {
        ticket
            .comments
            .push(Comment::new(text.to_owned(), body["public"] == true));
    }
    ticket.attachments.extend(files);
    Ok(Answer::json(
        201,
        json!({"attachments": {"size": ids.len()}}),
    ))
}

/// JSM, "Create customer".
fn customer(request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    let body = body(request)?;
    let email = body["email"].as_str().unwrap_or_default();
    if !is_email(email) || body["displayName"].as_str().unwrap_or_default().is_empty() {
        return Err(error(
            400,
            "The email address or the display name is not valid",
        ));
    }
    let is_theirs = |person: &Value| person["emailAddress"] == email || person["hidden"] == email;
    if store.people.iter().any(is_theirs) {
        return Err(error(400, "An account already exists for this email"));
    }
    let account = format!("qm:{}", store.next_id());
    let person = json!({"accountId": account, "emailAddress": email, "displayName": body["displayName"], "active": true});
    store.people.push(person.clone());
    Ok(Answer::json(201, person))
}

fn too_long() -> Answer {
    error(
        400,
        "The entered text is too long. It exceeds the allowed limit of 32,767 characters.",
    )
}

fn error(status: u16, message: &str) -> Answer {
    let body = json!({
        "errorMessage": message,
        "i18nErrorMessage": {"i18nKey": "sd.request.error", "parameters": []},
    });
    Answer::json(status, body)
}
