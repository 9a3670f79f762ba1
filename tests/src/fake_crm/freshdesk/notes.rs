//! Notes of tickets.

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::server::Request;
use super::super::store::{Comment, Store, Ticket};
use super::checks::unknown;
use super::found::number;
use super::{at, body, error, invalid, plain, text};

/// `#add_note_to_a_ticket`: `body` is HTML; a note is private unless it says otherwise.
pub(super) fn note(id: &str, request: &Request, store: &mut Store) -> Result<Answer, Answer> {
    let body = body(request)?;
    let note_id = store.next_id();
    let ticket = store.ticket(id).ok_or_else(|| Answer::empty(404))?;
    let mut errors = Vec::new();
    unknown(
        &body,
        &[
            "body",
            "private",
            "incoming",
            "notify_emails",
            "user_id",
            "attachments",
        ],
        &[],
        &mut errors,
    );
    if text(&body, "body").trim().is_empty() {
        errors.push(error("body", "It should be a/an String", "missing_field"));
    }
    let private = body.get("private").cloned().unwrap_or(json!(true));
    if !private.is_boolean() {
        errors.push(error(
            "private",
            "It should be a/an Boolean",
            "datatype_mismatch",
        ));
    }
    if !errors.is_empty() {
        return Err(invalid(&errors));
    }
    let comment = Comment {
        files: request
            .files
            .iter()
            .map(|(_, file)| file.name.clone())
            .collect(),
        ..Comment::new(text(&body, "body"), private == json!(false))
    };
    let answer = shown_note(note_id, &comment, ticket);
    ticket.comments.push(comment);
    ticket
        .attachments
        .extend(request.files.iter().map(|(_, file)| file.clone()));
    Ok(Answer::json(201, answer))
}

/// `#list_all_ticket_notes`: oldest first.
pub(super) fn conversations(
    id: &str,
    request: &Request,
    store: &mut Store,
) -> Result<Answer, Answer> {
    let ticket = store.ticket(id).ok_or_else(|| Answer::empty(404))?;
    let per_page = number(request, "per_page", 30);
    let page = number(request, "page", 1).max(1);
    let numbered = (1..).zip(&ticket.comments);
    let notes: Vec<_> = numbered
        .map(|(id, comment)| shown_note(id, comment, ticket))
        .skip((page - 1) * per_page)
        .take(per_page)
        .collect();
    Ok(Answer::json(200, json!(notes)))
}

fn shown_note(id: u64, comment: &Comment, ticket: &Ticket) -> Value {
    let files = comment.files.iter();
    let files: Vec<_> = files.map(|name| json!({"name": name})).collect();
    json!({
        "id": id,
        "ticket_id": ticket.fields["id"],
        "body": comment.body,
        "body_text": plain(&comment.body),
        "private": !comment.public,
        "incoming": false,
        "attachments": files,
        "created_at": at(ticket),
        "updated_at": at(ticket),
    })
}
