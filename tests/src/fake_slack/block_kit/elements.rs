//! Interactive elements, options and confirmation dialogs
//! (<https://docs.slack.dev/reference/block-kit/block-elements>).

mod catalog;

use serde_json::Value;

use super::{Check, Flavor};
use catalog::{ELEMENTS, IN_INPUT};
pub(super) use catalog::{IN_ACTIONS, IN_SECTION};

/// Checks one element, which must be of one of the `allowed` types.
pub(super) fn element(check: &mut Check, at: &str, value: &Value, allowed: &[&str]) {
    let Some(kind) = check.kind(at, value) else {
        return;
    };
    let known = ELEMENTS
        .iter()
        .find(|(name, ..)| *name == kind && allowed.contains(name));
    let Some((_, required, optional)) = known else {
        check.fail(at, format!("unsupported type: {kind}"));
        return;
    };
    let required: Vec<&str> = ["type"].iter().chain(*required).copied().collect();
    check.object(at, value, &required, optional);
    common_fields(check, at, value);
    match kind {
        "button" | "icon_button" => check.text(at, value, "text", Flavor::Plain, 75),
        "image" => check.image_source(at, value),
        "feedback_buttons" => feedback(check, at, value),
        "overflow" => options(check, at, value, 5, Flavor::Plain, true),
        "radio_buttons" | "checkboxes" => options(check, at, value, 10, Flavor::Any, false),
        "static_select" | "multi_static_select" => select(check, at, value),
        "number_input" | "email_text_input" | "url_text_input" => {
            check.string(at, value, "initial_value", 1, 3000);
        }
        "plain_text_input" => {
            check.string(at, value, "initial_value", 0, 3000);
            check.integer(at, value, "min_length", 0, 3000);
            check.integer(at, value, "max_length", 1, 3000);
        }
        "datepicker" => pattern(check, at, value, "initial_date", "0000-00-00"),
        "timepicker" => pattern(check, at, value, "initial_time", "00:00"),
        _ => {}
    }
}

/// An `input` block, which modals have.
pub(super) fn input_block(check: &mut Check, at: &str, block: &Value) {
    check.object(
        at,
        block,
        &["type", "label", "element"],
        &["block_id", "hint", "optional", "dispatch_action"],
    );
    check.text(at, block, "label", Flavor::Plain, 2000);
    check.text(at, block, "hint", Flavor::Plain, 2000);
    check.boolean(at, block, "optional");
    check.boolean(at, block, "dispatch_action");
    if let Some(inner) = block.get("element") {
        element(check, &format!("{at}/element"), inner, IN_INPUT);
    }
}

fn common_fields(check: &mut Check, at: &str, value: &Value) {
    check.action_id(at, value);
    check.text(at, value, "placeholder", Flavor::Plain, 150);
    check.string(at, value, "accessibility_label", 1, 75);
    check.string(at, value, "value", 1, 2000);
    check.url(
        at,
        value,
        "url",
        &["http", "https", "mailto", "tel", "slack"],
    );
    check.one_of(at, value, "style", &["primary", "danger"]);
    for name in [
        "focus_on_load",
        "multiline",
        "is_decimal_allowed",
        "response_url_enabled",
        "default_to_current_conversation",
    ] {
        check.boolean(at, value, name);
    }
    check.integer(at, value, "max_selected_items", 1, 100);
    check.integer(at, value, "max_files", 1, 10);
    check.integer(at, value, "min_query_length", 0, 100);
    check.integer(at, value, "initial_date_time", 1_000_000_000, 9_999_999_999);
    if let Some(dialog) = value.get("confirm") {
        confirm(check, &format!("{at}/confirm"), dialog);
    }
}

fn confirm(check: &mut Check, at: &str, dialog: &Value) {
    check.object(
        at,
        dialog,
        &["title", "text", "confirm", "deny"],
        &["style"],
    );
    check.text(at, dialog, "title", Flavor::Plain, 100);
    check.text(at, dialog, "text", Flavor::Any, 300);
    check.text(at, dialog, "confirm", Flavor::Plain, 30);
    check.text(at, dialog, "deny", Flavor::Plain, 30);
    check.one_of(at, dialog, "style", &["primary", "danger"]);
}

fn feedback(check: &mut Check, at: &str, value: &Value) {
    for side in ["positive_button", "negative_button"] {
        let Some(button) = value.get(side) else {
            continue;
        };
        let place = format!("{at}/{side}");
        check.object(&place, button, &["text", "value"], &["accessibility_label"]);
        check.text(&place, button, "text", Flavor::Plain, 75);
        check.string(&place, button, "value", 1, 2000);
        check.string(&place, button, "accessibility_label", 1, 75);
    }
}

fn select(check: &mut Check, at: &str, value: &Value) {
    match (value.get("options"), value.get("option_groups")) {
        (Some(_), None) => options(check, at, value, 100, Flavor::Plain, false),
        (None, Some(_)) => {
            for (place, group) in check.items(at, value, "option_groups", 1, 100) {
                check.object(&place, group, &["label", "options"], &[]);
                check.text(&place, group, "label", Flavor::Plain, 75);
                options(check, &place, group, 100, Flavor::Plain, false);
            }
        }
        _ => check.fail(at, "must define either `options` or `option_groups`"),
    }
    let Some(initial) = value.get("initial_option") else {
        return;
    };
    let listed = |list: Option<&Value>| {
        list.and_then(Value::as_array)
            .is_some_and(|options| options.contains(initial))
    };
    let in_groups = value
        .get("option_groups")
        .and_then(Value::as_array)
        .is_some_and(|groups| groups.iter().any(|group| listed(group.get("options"))));
    if !listed(value.get("options")) && !in_groups {
        check.fail(
            &format!("{at}/initial_option"),
            "must match exactly one of the options",
        );
    }
}

fn options(
    check: &mut Check,
    at: &str,
    value: &Value,
    most: usize,
    flavor: Flavor,
    with_url: bool,
) {
    for (place, option) in check.items(at, value, "options", 1, most) {
        let optional: &[&str] = if with_url {
            &["description", "url"]
        } else {
            &["description"]
        };
        check.object(&place, option, &["text", "value"], optional);
        check.text(&place, option, "text", flavor, 75);
        check.text(&place, option, "description", flavor, 75);
        check.string(&place, option, "value", 1, 150);
        check.url(
            &place,
            option,
            "url",
            &["http", "https", "mailto", "tel", "slack"],
        );
    }
}

/// A string shaped as the sample: digits where it has zeros, its own characters elsewhere.
fn pattern(check: &mut Check, at: &str, value: &Value, name: &str, sample: &str) {
    let Some(text) = check.string(at, value, name, 1, 32) else {
        return;
    };
    let fits = text.len() == sample.len()
        && text.chars().zip(sample.chars()).all(|(got, like)| {
            if like == '0' {
                got.is_ascii_digit()
            } else {
                got == like
            }
        });
    if !fits {
        check.fail(&format!("{at}/{name}"), format!("must look like {sample}"));
    }
}
