//! Search fields: what the user types is asked of the form's own API
//! (<https://docs.haptik.ai/bot-builder/basic/chat-elements#search>), whose answer Slack shows as a menu.

use std::collections::HashSet;

use haptik_bridge_shared::lenient_json;
use serde_json::{Value, json};
use url::Url;

use super::{FormMetadata, Origin, number, option};
use crate::render::form::{one_line, option_label};
use crate::slack::limits;

/// A search, which a user has begun in a field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::slack) struct Search {
    /// What is asked, without the query.
    pub(in crate::slack) url: Url,
    /// What was typed.
    pub(in crate::slack) typed: String,
    /// Where the form was tapped.
    pub(in crate::slack) origin: Origin,
}

/// Reads what a user typed who searches in a field
/// (<https://docs.slack.dev/reference/interaction-payloads/block_suggestion-payload>); `None` where there is
/// nothing to ask.
pub(in crate::slack) fn search(payload: &Value) -> Option<Search> {
    let kept = FormMetadata::read(payload.get("view")?)?;
    let index = number(&lenient_json::text(payload, "block_id"))?;
    Some(Search {
        url: Url::parse(kept.searches.get(index)?).ok()?,
        typed: lenient_json::text(payload, "value"),
        origin: kept.origin,
    })
}

/// The choices that a search found
/// (<https://docs.haptik.ai/bot-builder/basic/chat-elements#search>), as Slack takes them.
pub(in crate::slack) fn found(answer: &Value) -> Value {
    let titles =
        lenient_json::list(answer, "data").map(|one| one_line(&lenient_json::text(one, "title")));
    let mut seen = HashSet::new();
    let titles = titles.filter(|title| {
        !option_label(title).is_empty()
            && limits::OPTION_VALUE.fits(title)
            && seen.insert(title.clone())
    });
    let options: Vec<Value> = titles
        .take(limits::OPTIONS)
        .map(|title| option(&title))
        .collect();
    json!({"options": options})
}
