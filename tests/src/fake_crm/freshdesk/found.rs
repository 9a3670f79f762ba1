//! Tickets that are looked for: by their requester, and by a tag.

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::server::Request;
use super::super::store::Store;
use super::{error, invalid, shown};

/// `#list_all_tickets`: by requester, from the database, newest first; "by default, only tickets that
/// have been created within the past 30 days". A requester that there is not is an error.
pub(super) fn list(request: &Request, store: &Store) -> Result<Answer, Answer> {
    let mut requester = request.query("requester_id").map(ToOwned::to_owned);
    for key in ["email", "unique_external_id"] {
        if let Some(value) = request.query(key) {
            let person = store.people.iter().find(|person| person[key] == value);
            let Some(person) = person else {
                let message = format!("There is no contact matching the given {key}");
                return Err(invalid(&[error(key, &message, "invalid_value")]));
            };
            requester = Some(person["id"].to_string());
        }
    }
    let per_page = number(request, "per_page", 30);
    if !(1..=100).contains(&per_page) {
        let message = "It should be a Positive Integer less than or equal to 100";
        return Err(invalid(&[error("per_page", message, "invalid_value")]));
    }
    let page = number(request, "page", 1);
    let tickets = store.tickets.iter().rev();
    let tickets = tickets.filter(|ticket| {
        requester
            .as_ref()
            .is_none_or(|id| text_of(&ticket.fields["requester_id"]) == *id)
    });
    let shown: Vec<_> = tickets
        .skip((page.max(1) - 1) * per_page)
        .take(per_page)
        .map(|ticket| {
            let mut shown = shown(ticket);
            // "description" is embedded on request only.
            if let (Some(shown), false) = (
                shown.as_object_mut(),
                request.query("include") == Some("description"),
            ) {
                shown.remove("description");
            }
            shown
        })
        .collect();
    Ok(Answer::json(200, json!(shown)))
}

/// `#filter_tickets`: "the updates will take a few minutes to get indexed".
pub(super) fn search(request: &Request, store: &Store) -> Result<Answer, Answer> {
    let query = request.query("query").unwrap_or_default();
    let tag = query
        .strip_prefix("\"tag:'")
        .and_then(|rest| rest.strip_suffix("'\""));
    let Some(tag) = tag else {
        return Err(invalid(&[error(
            "query",
            "Given query is invalid.",
            "invalid_value",
        )]));
    };
    let found = store.searchable().filter(|ticket| {
        ticket.fields["tags"]
            .as_array()
            .is_some_and(|tags| tags.contains(&json!(tag)))
    });
    let found: Vec<_> = found.map(shown).collect();
    Ok(Answer::json(
        200,
        json!({"total": found.len(), "results": found}),
    ))
}

pub(super) fn number(request: &Request, name: &str, default: usize) -> usize {
    request
        .query(name)
        .map_or(default, |text| text.parse().unwrap_or(0))
}

/// An id, as text.
fn text_of(id: &Value) -> String {
    id.as_str()
        .map_or_else(|| id.to_string(), ToOwned::to_owned)
}
