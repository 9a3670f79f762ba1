//! Interactive elements and their options
//! (<https://docs.slack.dev/reference/block-kit/block-elements>).

use serde_json::Value;

use super::{Check, Flavor};

/// Elements of an `actions` block.
pub(super) const IN_ACTIONS: &[&str] = &["button", "static_select"];

/// Elements beside the text of a `section` block.
pub(super) const IN_SECTION: &[&str] = &["button", "image", "static_select"];

const IN_INPUT: &[&str] = &[
    "datepicker",
    "email_text_input",
    "external_select",
    "multi_static_select",
    "number_input",
    "plain_text_input",
    "static_select",
    "timepicker",
];

/// Each element's type, with its required and its optional fields beside `type`.
const ELEMENTS: &[(&str, &[&str], &[&str])] = &[
    ("button", &["text"], &["action_id", "url", "value", "style"]),
    ("datepicker", &[], &["action_id", "placeholder"]),
    ("email_text_input", &[], &["action_id", "placeholder"]),
    (
        "external_select",
        &[],
        &["action_id", "placeholder", "min_query_length"],
    ),
    ("image", &["alt_text"], &["image_url"]),
    (
        "multi_static_select",
        &[],
        &["action_id", "placeholder", "options", "option_groups"],
    ),
    (
        "number_input",
        &["is_decimal_allowed"],
        &["action_id", "placeholder"],
    ),
    (
        "plain_text_input",
        &[],
        &["action_id", "placeholder", "multiline"],
    ),
    (
        "static_select",
        &[],
        &["action_id", "placeholder", "options", "option_groups"],
    ),
    ("timepicker", &[], &["action_id", "placeholder"]),
];

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
    check.action_id(at, value);
    check.text(at, value, "placeholder", Flavor::Plain, 150);
    for name in ["multiline", "is_decimal_allowed"] {
        check.boolean(at, value, name);
    }
    match kind {
        "button" => button(check, at, value),
        "image" => check.image_source(at, value),
        "static_select" | "multi_static_select" => select(check, at, value),
        _ => {}
    }
}

/// An `input` block, which modals, messages and the Home tab have.
pub(super) fn input_block(check: &mut Check, at: &str, block: &Value) {
    let required = ["type", "label", "element"];
    check.object(at, block, &required, &["block_id", "hint", "optional"]);
    check.text(at, block, "label", Flavor::Plain, 2000);
    check.text(at, block, "hint", Flavor::Plain, 2000);
    check.boolean(at, block, "optional");
    if let Some(inner) = block.get("element") {
        element(check, &format!("{at}/element"), inner, IN_INPUT);
    }
}

fn button(check: &mut Check, at: &str, value: &Value) {
    check.text(at, value, "text", Flavor::Plain, 75);
    check.string(at, value, "value", 1, 2000);
    let schemes = ["http", "https", "mailto", "tel", "slack"];
    check.url(at, value, "url", &schemes);
    check.one_of(at, value, "style", &["primary", "danger"]);
}

fn select(check: &mut Check, at: &str, value: &Value) {
    match (value.get("options"), value.get("option_groups")) {
        (Some(_), None) => options(check, at, value),
        (None, Some(_)) => {
            for (place, group) in check.items(at, value, "option_groups", 1, 100) {
                check.object(&place, group, &["label", "options"], &[]);
                check.text(&place, group, "label", Flavor::Plain, 75);
                options(check, &place, group);
            }
        }
        _ => check.fail(at, "must define either `options` or `option_groups`"),
    }
}

fn options(check: &mut Check, at: &str, value: &Value) {
    for (place, option) in check.items(at, value, "options", 1, 100) {
        check.object(&place, option, &["text", "value"], &["description"]);
        check.text(&place, option, "text", Flavor::Plain, 75);
        check.text(&place, option, "description", Flavor::Plain, 75);
        check.string(&place, option, "value", 1, 150);
    }
}
