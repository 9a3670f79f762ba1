use proptest::prelude::*;

use super::*;
use crate::limits::Unit;
use haptik_bridge_shared::message::hsl::{Element, Hsl};

fn form(body: &Value) -> Form {
    match Hsl::read(body).element {
        Element::Form(form) => form,
        other => panic!("not a form: {other:?}"),
    }
}

fn fields(fields: &Value) -> Form {
    form(&json!({"type": "FORM", "title": "Details", "data": {"fields": fields}}))
}

fn somewhere() -> Origin {
    Origin {
        channel: "C1".into(),
        thread_ts: Some("1700000000.000100".into()),
        ts: "1700000001.000100".into(),
        is_direct: false,
        action_ts: "1700000002.000100".into(),
    }
}

fn shown(form: &Form) -> Value {
    view(form, &somewhere()).expect("a modal")
}

fn input_types(view: &Value) -> Vec<String> {
    let inputs = lenient_json::list(view, "blocks").filter(|block| block["type"] == "input");
    inputs
        .map(|block| lenient_json::text(&block["element"], "type"))
        .collect()
}

/// The view as it comes back, each input with a state.
fn filled(form: &Form, states: &[Value]) -> Value {
    let mut view = shown(form);
    let inputs = lenient_json::list(&view, "blocks").filter(|block| block["type"] == "input");
    let ids: Vec<String> = inputs
        .map(|block| lenient_json::text(block, "block_id"))
        .collect();
    assert_eq!(ids.len(), states.len());
    for (id, state) in ids.iter().zip(states) {
        view["state"]["values"][id] = json!({"answer": state});
    }
    view
}

fn text(kind: &str, value: &str) -> Value {
    json!({"type": kind, "value": value})
}

#[test]
fn every_field_type_gets_the_input_that_suits_it() {
    let options = ["S", "M"];
    let asked = [
        ("text", "normal", "plain_text_input"),
        ("text", "email", "email_text_input"),
        ("text", "number", "number_input"),
        ("date", "normal", "datepicker"),
        ("startdate", "normal", "datepicker"),
        ("enddate", "", "datepicker"),
        ("dob", "normal", "datepicker"),
        ("time", "normal", "timepicker"),
        ("PICKER", "normal", "static_select"),
        ("search", "normal", "static_select"),
        ("multiselectpicker", "normal", "multi_static_select"),
        ("multidaypicker", "normal", "multi_static_select"),
        ("searcheditable", "normal", "plain_text_input"),
        ("contactpicker", "number", "plain_text_input"),
        ("savedaddress", "normal", "plain_text_input"),
        ("hologram", "", "static_select"),
    ];
    let described: Vec<Value> = asked
        .iter()
        .map(|(kind, keyboard, _)| json!({"type": kind, "keyboard_type": keyboard, "hint": kind, "options": options}))
        .collect();
    let expected: Vec<_> = asked.iter().map(|(.., input)| *input).collect();
    assert_eq!(input_types(&shown(&fields(&json!(described)))), expected);
    let without = fields(
        &json!([{"type": "picker", "hint": "Q"}, {"type": "multiselectpicker", "hint": "Q"}]),
    );
    assert_eq!(input_types(&shown(&without)), ["plain_text_input"; 2]);
}

#[test]
fn a_submission_is_one_line_for_each_answer_in_field_order() {
    let form = fields(&json!([
        {"key": "b", "type": "picker", "hint": "Size & fit", "options": ["S", "M"], "order": 2},
        {"key": "a", "type": "text", "hint": "Full\nname", "order": 1},
        {"key": "c", "type": "multiselectpicker", "hint": "Extras", "options": ["Cap", "Bag"], "order": 3},
        {"key": "d", "type": "time", "order": 4},
        {"key": "e", "type": "text", "hint": "Remark", "order": 5, "optional": true},
    ]));
    let view = filled(
        &form,
        &[
            text("plain_text_input", " Asha\nAdmin: yes "),
            json!({"type": "static_select", "selected_option": {"value": "M", "text": {"text": "M"}}}),
            json!({"type": "multi_static_select", "selected_options": [{"value": "Cap"}, {"value": "Bag"}]}),
            json!({"type": "timepicker", "selected_time": "14:30"}),
            json!({"type": "plain_text_input", "value": null}),
        ],
    );
    let lines = "Full name: Asha Admin: yes\nSize & fit: M\nExtras: Cap, Bag\nd: 14:30";
    assert_eq!(submission(&view), Submission::Answers(lines.into()));
    assert_eq!(origin(&view), Some(somewhere()));
}

#[test]
fn what_is_wrong_is_told_for_each_input() {
    let form = fields(&json!([
        {"type": "text", "keyboard_type": "email", "hint": "Email"},
        {"type": "text", "keyboard_type": "number", "hint": "Count"},
        {"type": "startdate", "hint": "From"},
        {"type": "enddate", "hint": "To"},
        {"type": "text", "hint": "Name"},
    ]));
    let view = filled(
        &form,
        &[
            text("email_text_input", "asha at example"),
            text("number_input", "many"),
            json!({"type": "datepicker", "selected_date": "2026-02-02"}),
            json!({"type": "datepicker", "selected_date": "2026-02-01"}),
            json!({"type": "plain_text_input", "value": null}),
        ],
    );
    let Submission::Errors(errors) = submission(&view) else {
        panic!("it is wrong")
    };
    let ids: Vec<_> = errors.keys().map(String::as_str).collect();
    assert_eq!(ids, ["field-0", "field-1", "end-3", "field-4"]);
}

#[test]
fn long_lists_stand_in_groups_and_long_options_beside_a_text_input() {
    let many: Vec<String> = (0..250).map(|number| format!("Option {number}")).collect();
    let view = shown(&fields(
        &json!([{"type": "picker", "hint": "Q", "options": many}]),
    ));
    let groups = view["blocks"][0]["element"]["option_groups"]
        .as_array()
        .expect("groups");
    assert_eq!(groups.len(), 3);
    assert_eq!(groups[2]["label"]["text"], "201–250");
    let long = fields(&json!([{"type": "picker", "hint": "Q", "options": ["x".repeat(151)]}]));
    let view = shown(&long);
    assert_eq!(view["blocks"][0]["text"]["text"], "x".repeat(151));
    assert_eq!(input_types(&view), ["plain_text_input"]);
}

#[test]
fn a_form_that_no_modal_holds_is_left_to_the_chat() {
    let many: Vec<Value> = (0..101)
        .map(|number| json!({"hint": format!("Q{number}")}))
        .collect();
    assert_eq!(view(&fields(&json!(many)), &somewhere()), None);
    assert_eq!(view(&fields(&json!([])), &somewhere()), None);
}

#[test]
fn questions_too_long_to_keep_are_read_from_the_labels() {
    let hint = "why ".repeat(400).trim().to_owned();
    let asked = json!([{"type": "text", "hint": &hint}, {"type": "text", "hint": &hint}]);
    let answer = text("plain_text_input", "yes");
    let view = filled(&fields(&asked), &[answer.clone(), answer]);
    assert!(lenient_json::text(&view, "private_metadata").len() < 200);
    let lines = format!("{hint}: yes\n{hint}: yes");
    assert_eq!(submission(&view), Submission::Answers(lines));
}

proptest! {
    #[test]
    fn any_form_keeps_the_limits_of_a_modal(
        title in "\\PC{0,60}",
        asked in proptest::collection::vec(("\\PC{0,80}", "[a-z]{0,8}", proptest::collection::vec("\\PC{0,200}", 0..4)), 0..30),
    ) {
        let asked: Vec<Value> = asked.into_iter()
            .map(|(hint, kind, options)| json!({"type": kind, "hint": hint, "options": options})).collect();
        let form = form(&json!({"type": "FORM", "title": title, "data": {"fields": asked}}));
        let Some(view) = view(&form, &somewhere()) else { return Ok(()) };
        let text = |at: &str| view.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        prop_assert!((1..=24).contains(&Unit::Utf16.length(&text("/title/text"))));
        prop_assert!(text("/private_metadata").len() <= 3_000);
        let blocks = view["blocks"].as_array().expect("blocks");
        prop_assert!(blocks.len() <= 100);
        for block in blocks.iter().filter(|block| block["type"] == "input") {
            let label = lenient_json::text(&block["label"], "text");
            prop_assert!((1..=2_000).contains(&Unit::Utf16.length(&label)));
            for option in lenient_json::list(&block["element"], "options") {
                prop_assert!((1..=75).contains(&Unit::Utf16.length(&lenient_json::text(&option["text"], "text"))));
                prop_assert!((1..=150).contains(&Unit::Utf16.length(&lenient_json::text(option, "value"))));
            }
        }
    }
}
