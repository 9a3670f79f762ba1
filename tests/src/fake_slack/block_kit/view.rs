//! Modal views (<https://docs.slack.dev/reference/views/modal-views>).

use serde_json::Value;

use super::{Check, Flavor, Problem, Rejection, Surface, check_block};

/// Bytes of a view, at most (<https://docs.slack.dev/reference/methods/views.open#errors>).
const MAX_VIEW_BYTES: usize = 250_000;

/// Checks a `view` given to `views.open`.
///
/// # Errors
///
/// Every problem found, under `invalid_arguments` as Slack answers.
pub fn check_view(view: &Value) -> Result<(), Rejection> {
    let at = "/view";
    let mut check = Check::new(Surface::Modal);
    check.object(
        at,
        view,
        &["type", "title", "blocks"],
        &["submit", "close", "private_metadata", "callback_id"],
    );
    check.one_of(at, view, "type", &["modal"]);
    for name in ["title", "submit", "close"] {
        check.text(at, view, name, Flavor::Plain, 24);
    }
    check.string(at, view, "private_metadata", 0, 3000);
    check.string(at, view, "callback_id", 1, 255);
    let mut has_input = false;
    for (place, block) in check.items(at, view, "blocks", 1, 100) {
        has_input |= block.get("type").and_then(Value::as_str) == Some("input");
        check_block(&mut check, &place, block);
    }
    if has_input && view.get("submit").is_none() {
        check.fail(at, "missing required field: submit");
    }
    verdict(check, view)
}

/// Checks a `view` given to `views.publish`
/// (<https://docs.slack.dev/reference/views/home-tab-views>).
///
/// # Errors
///
/// Every problem found, under `invalid_arguments` as Slack answers.
pub fn check_home(view: &Value) -> Result<(), Rejection> {
    let at = "/view";
    let mut check = Check::new(Surface::Modal);
    check.object(
        at,
        view,
        &["type", "blocks"],
        &["private_metadata", "callback_id"],
    );
    check.one_of(at, view, "type", &["home"]);
    check.string(at, view, "private_metadata", 0, 3000);
    check.string(at, view, "callback_id", 1, 255);
    for (place, block) in check.items(at, view, "blocks", 1, 100) {
        check_block(&mut check, &place, block);
    }
    verdict(check, view)
}

fn verdict(check: Check, view: &Value) -> Result<(), Rejection> {
    let (mut problems, _) = check.finish();
    let mut error = "invalid_arguments";
    let bytes = view.to_string().len();
    if bytes > MAX_VIEW_BYTES {
        error = "view_too_large";
        let what = format!("{bytes} bytes, {MAX_VIEW_BYTES} are allowed");
        problems.push(Problem::new("/view", what));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Rejection { error, problems })
    }
}
