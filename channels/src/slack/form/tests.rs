use proptest::prelude::*;

use super::*;
use crate::limits::Unit;
use haptik_bridge_shared::config::RequiredFields;
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
        place: Place {
            channel: "C1".into(),
            ts: "1700000001.000100".into(),
            is_direct: false,
            thread_ts: Some("1700000000.000100".into()),
        },
        action_ts: "1700000002.000100".into(),
    }
}

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().expect("a time")
}

fn shown(form: &Form) -> Value {
    view(form, &somewhere(), Forms::default()).expect("a modal")
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

#[test]
fn what_an_option_has_for_machines_is_sent_and_not_shown() {
    let form = fields(
        &json!([{"key": "k", "type": "picker", "hint": "Size", "options": ["S{1}", "{2}", "M"]}]),
    );
    let view = shown(&form);
    let options = view.pointer("/blocks/0/element/options").cloned();
    let options = options.unwrap_or_default();
    assert_eq!(options[0]["text"]["text"], "S");
    assert_eq!(options[0]["value"], "S{1}");
    assert_eq!(options.as_array().map(Vec::len), Some(2), "{options}");
}

/// What a view of ours says.
fn read_back(view: &Value) -> Submission {
    submission(view, now()).expect("it is ours")
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
    assert_eq!(read_back(&view), Submission::Answers(lines.into()));
    assert_eq!(origin(&view), Some(somewhere()));
}

#[test]
fn what_is_wrong_is_told_for_each_input() {
    let form = fields(&json!([
        {"type": "text", "keyboard_type": "email", "hint": "Email"},
        {"type": "text", "keyboard_type": "number", "hint": "Count"},
        {"type": "startdate", "hint": "From"},
        {"type": "enddate", "hint": "To"},
        {"type": "text", "hint": "Name", "required": true},
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
    let Submission::Errors(errors) = read_back(&view) else {
        panic!("it is wrong")
    };
    let ids: Vec<_> = errors.keys().map(String::as_str).collect();
    assert_eq!(ids, ["field-0", "field-1", "end-3", "field-4"]);
}

/// A form with a field of each kind of mark.
fn marked() -> Form {
    fields(&json!([
        {"hint": "A", "required": true}, {"hint": "B", "mandatory": "true"}, {"hint": "C", "optional": false},
        {"hint": "D"}, {"hint": "E", "required": null}, {"hint": "F", "required": false}, {"hint": "G", "optional": 1},
    ]))
}

#[test]
fn a_field_has_to_be_filled_in_where_the_form_says_so_and_else_as_configured() {
    for (required, expected) in [
        (RequiredFields::AsMarked, "ABC"),
        (RequiredFields::All, "ABCDE"),
    ] {
        let settings = Forms {
            required,
            ..Forms::default()
        };
        let view = view(&marked(), &somewhere(), settings).expect("a modal");
        let needed =
            lenient_json::list(&view, "blocks").filter(|block| block.get("optional").is_none());
        let needed: String = needed
            .map(|block| lenient_json::text(&block["label"], "text"))
            .collect();
        assert_eq!(needed, expected);
    }
}

#[test]
fn of_a_form_without_marks_something_has_to_be_filled_in() {
    let form = fields(&json!([{"hint": "Middle name"}, {"hint": "Name"}]));
    let empty = json!({"type": "plain_text_input", "value": null});
    let Submission::Errors(errors) = read_back(&filled(&form, &[empty.clone(), empty.clone()]))
    else {
        panic!("there is nothing to say");
    };
    assert_eq!(errors.keys().collect::<Vec<_>>(), ["field-0"]);
    let view = filled(&form, &[empty, text("plain_text_input", "Asha")]);
    assert_eq!(read_back(&view), Submission::Answers("Name: Asha".into()));
}

#[test]
fn what_the_form_says_of_an_answer_is_checked_in_its_own_words() {
    let form = fields(&json!([
        {"hint": "Card", "validation": {"regex": "[A-Z]{4}[0-9]", "error_message": "Four letters and a digit."}},
        {"hint": "PIN", "length": 4},
        {"hint": "Guests", "keyboard_type": "number", "min": 1, "max": 12, "error_message": "1 to 12."},
        {"hint": "Stay", "type": "date", "start_date": "01-12-2026", "end_date": "2026-12-31"},
        {"hint": "Born", "type": "dob"},
        {"hint": "Odd", "regex": "("},
    ]));
    let date = |day: &str| json!({"type": "datepicker", "selected_date": day});
    let submitted = |answers: [&str; 6]| {
        let [card, pin, guests, stay, born, odd] = answers;
        let line = |answer| text("plain_text_input", answer);
        read_back(&filled(
            &form,
            &[
                line(card),
                line(pin),
                text("number_input", guests),
                date(stay),
                date(born),
                line(odd),
            ],
        ))
    };
    let Submission::Answers(_) =
        submitted(["ABCD1", "1234", "12", "2026-12-01", "2026-11-23", "x"])
    else {
        panic!("it is right");
    };
    let Submission::Errors(errors) =
        submitted(["ABCD12", "12345", "13", "2027-01-01", "2026-11-24", "x"])
    else {
        panic!("it is wrong");
    };
    let ids: Vec<_> = errors.keys().map(String::as_str).collect();
    assert_eq!(ids, ["field-0", "field-1", "field-2", "field-3", "field-4"]);
    assert_eq!(errors["field-0"], "Four letters and a digit.");
    assert_eq!(errors["field-2"], "1 to 12.");
}

#[test]
fn the_answers_are_json_by_key_where_that_is_configured() {
    let settings = Forms {
        submit: Submit::Json,
        ..Forms::default()
    };
    let form = fields(&json!([
        {"key": "full_name", "hint": "Your name", "order": 2}, {"key": "pin", "hint": "PIN", "order": 1},
        {"hint": "No key", "order": 3}, {"key": "left", "hint": "Left out", "order": 4},
    ]));
    let mut view = view(&form, &somewhere(), settings).expect("a modal");
    for (index, answer) in ["1\"2", " Asha  Rao ", "x", ""].iter().enumerate() {
        view["state"]["values"][format!("field-{index}")] =
            json!({"answer": text("plain_text_input", answer)});
    }
    let said = r#"{"pin": "1\"2", "full_name": "Asha Rao", "No key": "x"}"#;
    assert_eq!(read_back(&view), Submission::Answers(said.into()));
}

#[test]
fn a_search_field_asks_the_forms_own_api() {
    let form = form(
        &json!({"type": "FORM", "data": {"submit_text": "Book", "fields": [
            {"key": "city", "type": "search", "hint": "City", "search_source": "https://api.example/cities?country=in"},
            {"key": "file", "type": "search", "hint": "File", "search_source": "file:///etc/passwd"},
            {"key": "zip", "type": "picker", "hint": "Zip", "search_source": "https://api.example/zips"},
        ]}}),
    );
    let view = shown(&form);
    assert_eq!(
        input_types(&view),
        ["external_select", "plain_text_input", "plain_text_input"]
    );
    assert_eq!(view["submit"]["text"], "Book");
    let typed = |block: &str| {
        search(
            &json!({"type": "block_suggestion", "block_id": block, "action_id": "a", "value": "pu", "view": view}),
        )
    };
    let asked = typed("field-0").expect("a search");
    assert_eq!(asked.url.as_str(), "https://api.example/cities?country=in");
    assert_eq!((asked.typed.as_str(), asked.origin), ("pu", somewhere()));
    for other in ["field-1", "field-2", "field-9", "x"] {
        assert_eq!(typed(other), None, "{other}");
    }
    let titles: Vec<Value> = (0..200)
        .map(|number| json!({"title": format!("Pune {number}")}))
        .collect();
    let options = found(&json!({"success": true, "data": titles}));
    assert_eq!(options["options"].as_array().map(Vec::len), Some(100));
    assert_eq!(
        options["options"][0],
        json!({"text": plain_text("Pune 0"), "value": "Pune 0"})
    );
    assert_eq!(found(&json!({"data": "odd"})), json!({"options": []}));
    let chosen = json!({"type": "external_select", "selected_option": {"value": "Pune"}});
    let nothing = json!({"type": "plain_text_input", "value": null});
    let view = filled(&form, &[chosen, nothing.clone(), nothing]);
    assert_eq!(read_back(&view), Submission::Answers("City: Pune".into()));
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
    let view = |asked: &Value| view(&fields(asked), &somewhere(), Forms::default());
    assert_eq!(view(&json!(many)), None);
    assert_eq!(view(&json!([])), None);
}

#[test]
fn questions_too_long_to_keep_are_read_from_the_labels() {
    let hint = "why ".repeat(400).trim().to_owned();
    let asked = json!([{"type": "text", "hint": &hint}, {"type": "text", "hint": &hint}]);
    let answer = text("plain_text_input", "yes");
    let view = filled(&fields(&asked), &[answer.clone(), answer]);
    assert!(lenient_json::text(&view, "private_metadata").len() < 200);
    let lines = format!("{hint}: yes\n{hint}: yes");
    assert_eq!(read_back(&view), Submission::Answers(lines));
}

#[test]
fn markup_and_html_are_read_where_a_modal_shows_plain_text() {
    let form = form(
        &json!({"type": "FORM", "title": "<b>Your</b> *plan*", "data": {"submit_text": "**Send** it", "fields": [
            {"key": "plan", "type": "picker", "hint": "<b>Which</b> *plan* &amp; when?", "options": ["*Gold*", "<i>Silver</i>{2}"]},
        ]}}),
    );
    let view = shown(&form);
    let text = |at: &str| view.pointer(at).and_then(Value::as_str).unwrap_or_default();
    assert_eq!(text("/title/text"), "Your plan");
    assert_eq!(text("/submit/text"), "Send it");
    assert_eq!(text("/blocks/0/label/text"), "Which plan & when?");
    assert_eq!(
        view["blocks"][0]["element"]["options"],
        json!([
            {"text": plain_text("Gold"), "value": "*Gold*"},
            {"text": plain_text("Silver"), "value": "<i>Silver</i>{2}"},
        ])
    );
}

/// A form of so many fields, each with a rule, and with what is said of who breaks it.
fn ruled(count: usize, hint: &str, error: &str) -> Form {
    let field = |number: usize| json!({"key": format!("key_{number}"), "order": number, "hint": hint, "regex": "[0-9]{6}", "error_message": error});
    fields(&(0..count).map(field).collect::<Vec<_>>().into())
}

/// What is wrong with a form whose fields all say this.
fn wrong_with(form: &Form, answer: &str) -> Map<String, Value> {
    let answers = vec![text("plain_text_input", answer); form.fields.len()];
    match read_back(&filled(form, &answers)) {
        Submission::Errors(errors) => errors,
        Submission::Answers(_) => Map::new(),
    }
}

#[test]
fn the_rules_of_a_form_in_any_script_are_kept() {
    let (hint, error) = ("प".repeat(40), "क".repeat(100));
    let form = ruled(8, &hint, &error);
    let metadata = lenient_json::text(&shown(&form), "private_metadata");
    assert!(metadata.len() > 3_000 && metadata.chars().count() <= 3_000);
    let errors = wrong_with(&form, "12345");
    assert_eq!(errors.len(), 8);
    assert!(errors.values().all(|said| *said == error));
    assert!(wrong_with(&form, "123456").is_empty());
}

/// The questions stand on the modal, and the words for what is wrong are the first that can be spared.
#[test]
fn where_there_is_no_room_for_all_of_them_the_rules_are_kept_without_their_words() {
    let long = ruled(8, &"why ".repeat(100), "A short word.");
    let errors = wrong_with(&long, "12345");
    assert_eq!(errors.len(), 8);
    assert!(errors.values().all(|said| *said == "A short word."));
    let wordy = ruled(8, "Name", &"no ".repeat(200));
    let errors = wrong_with(&wordy, "12345");
    assert_eq!(errors.len(), 8);
    assert!(
        errors
            .values()
            .all(|said| *said != "no ".repeat(200).trim())
    );
    assert!(wrong_with(&wordy, "123456").is_empty());
    let settings = Forms {
        submit: Submit::Json,
        ..Forms::default()
    };
    let view = view(&wordy, &somewhere(), settings).expect("a modal");
    let kept = FormMetadata::read(&view).expect("it is ours");
    assert_eq!(kept.names[7], "key_7");
    assert_eq!(kept.rules[7].pattern, "[0-9]{6}");
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
        let Some(view) = view(&form, &somewhere(), Forms::default()) else { return Ok(()) };
        let text = |at: &str| view.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        prop_assert!((1..=24).contains(&Unit::Utf16.length(&text("/title/text"))));
        prop_assert!(Unit::Utf16.length(&text("/private_metadata")) <= 3_000);
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
