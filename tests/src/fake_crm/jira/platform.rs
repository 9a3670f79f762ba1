//! The Jira platform's own API, below `/rest/api`.

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::server::Request;
use super::super::store::{Comment, Store, Ticket};
use super::{LONGEST, body, find};

/// The text of a document in the Atlassian Document Format
/// (<https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/>), if it is one of
/// paragraphs: a line each.
pub(super) fn document(value: &Value) -> Option<String> {
    if value["type"] != "doc" || value["version"] != 1 {
        return None;
    }
    let paragraphs = value["content"].as_array()?.iter();
    let lines: Option<Vec<_>> = paragraphs
        .map(|paragraph| {
            if paragraph["type"] != "paragraph" {
                return None;
            }
            let nodes = paragraph["content"].as_array().cloned().unwrap_or_default();
            let texts: Option<Vec<_>> = nodes.iter().map(inline).collect();
            texts.map(|texts| texts.concat())
        })
        .collect();
    lines.map(|lines| lines.join("\n"))
}

/// A text node is not empty.
fn inline(node: &Value) -> Option<String> {
    match node["type"].as_str()? {
        "hardBreak" => Some("\n".to_owned()),
        "text" => {
            let text = node["text"].as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        }
        _ => None,
    }
}

/// Platform, "Add comment": internal with the property `sd.public.comment`
/// (<https://developer.atlassian.com/cloud/jira/service-desk/rest/intro/#comments>).
pub(super) fn rich_comment(
    id: &str,
    request: &Request,
    store: &mut Store,
) -> Result<Answer, Answer> {
    let body = body(request)?;
    let ticket = find(id, store)?;
    let text = document(&body["body"]).ok_or_else(|| error_list("Comment body is not valid!"))?;
    if body["body"].to_string().encode_utf16().count() > LONGEST {
        return Err(error_list("The entered text is too long."));
    }
    let properties = body["properties"].as_array().cloned().unwrap_or_default();
    let internal = properties
        .iter()
        .any(|one| one["key"] == "sd.public.comment" && one["value"]["internal"] == true);
    ticket.comments.push(Comment::new(text, !internal));
    let id = ticket.comments.len().to_string();
    Ok(Answer::json(
        201,
        json!({"id": id, "body": body["body"], "jsdPublic": !internal}),
    ))
}

/// Platform, "Get comments", newest first.
pub(super) fn rich_comments(id: &str, store: &mut Store) -> Result<Answer, Answer> {
    let ticket = find(id, store)?;
    let comments = ticket.comments.iter().rev();
    let comments: Vec<_> = comments
        .map(|comment| {
            let lines = comment.body.lines().map(
                |line| json!({"type": "paragraph", "content": [{"type": "text", "text": line}]}),
            );
            json!({"body": {"type": "doc", "version": 1, "content": lines.collect::<Vec<_>>()}})
        })
        .collect();
    Ok(Answer::json(
        200,
        json!({"startAt": 0, "total": comments.len(), "comments": comments}),
    ))
}

/// Platform, "Add attachment": multipart with `file`, and `X-Atlassian-Token: no-check`.
pub(super) fn attach_to_issue(
    id: &str,
    request: &Request,
    store: &mut Store,
) -> Result<Answer, Answer> {
    if request.header("x-atlassian-token") != Some("no-check") {
        return Err(Answer::text(403, "text/plain", "XSRF check failed"));
    }
    let ticket = find(id, store)?;
    let files = request.files.iter().filter(|(name, _)| name == "file");
    let files: Vec<_> = files.map(|(_, file)| file.clone()).collect();
    let made: Vec<_> = files
        .iter()
        .map(|file| json!({"filename": file.name, "size": file.content.len()}))
        .collect();
    ticket.attachments.extend(files);
    Ok(Answer::json(200, json!(made)))
}

/// "The string can match the prefix of the attribute's value", and an address may be hidden
/// (<https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-user-search/>). `hidden` is one that is.
pub(super) fn users(request: &Request, store: &Store) -> Answer {
    let query = request.query("query").unwrap_or_default();
    let begins = |person: &Value, key: &str| {
        let text = person[key].as_str().unwrap_or_default().to_lowercase();
        text.starts_with(&query.to_lowercase())
    };
    let is_found = |person: &&Value| {
        ["displayName", "emailAddress", "hidden"]
            .iter()
            .any(|key| begins(person, key))
    };
    let mut found: Vec<_> = store.people.iter().filter(is_found).cloned().collect();
    for person in found.iter_mut().filter_map(Value::as_object_mut) {
        person.remove("hidden");
    }
    Answer::json(200, json!(found))
}

/// Search "doesn't provide read-after-write consistency by default"
/// (<https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/>). Of JQL: conditions of
/// the form `project = X`, `labels = "x"` and `description ~ "\"x\""`, with `AND` between them.
pub(super) fn search(request: &Request, store: &Store) -> Result<Answer, Answer> {
    let body = request.json().unwrap_or_default();
    let jql = request
        .query("jql")
        .or_else(|| body["jql"].as_str())
        .unwrap_or_default();
    let jql = jql.split(" ORDER BY ").next().unwrap_or_default();
    let mut wanted = Vec::new();
    for condition in jql.split(" AND ") {
        let read = condition
            .split_once(" = ")
            .map(|(name, value)| (name, false, value));
        let read = read.or_else(|| {
            condition
                .split_once(" ~ ")
                .map(|(name, value)| (name, true, value))
        });
        let Some((name, within, value)) = read else {
            return Err(error_list("Error in the JQL Query."));
        };
        wanted.push((name, within, value.replace(['"', '\\'], "")));
    }
    let matches = |ticket: &Ticket| {
        wanted
            .iter()
            .all(|(name, within, value)| match (*name, within) {
                ("project", false) => value == "HELP" || value == "11001",
                ("labels", false) => ticket.fields["labels"]
                    .as_array()
                    .is_some_and(|labels| labels.contains(&json!(value))),
                ("description" | "text", true) => ticket.text("description").contains(value),
                _ => false,
            })
    };
    let found: Vec<_> = store
        .searchable()
        .filter(|ticket| matches(ticket))
        .map(|ticket| json!({"id": ticket.id, "key": ticket.text("key")}))
        .collect();
    Ok(Answer::json(200, json!({"issues": found, "isLast": true})))
}

pub(super) fn issue(id: &str, store: &mut Store) -> Result<Answer, Answer> {
    let ticket = find(id, store)?;
    let mut values = ticket.fields.clone();
    let files = ticket.attachments.iter();
    values["attachment"] = files.map(|file| json!({"filename": file.name})).collect();
    let body = json!({"id": ticket.id, "key": ticket.text("key"), "self": format!("/rest/api/2/issue/{}", ticket.id), "fields": values});
    Ok(Answer::json(200, body))
}

fn error_list(message: &str) -> Answer {
    Answer::json(400, json!({"errorMessages": [message], "errors": {}}))
}
