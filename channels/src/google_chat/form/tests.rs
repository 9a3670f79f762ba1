use serde_json::json;

use haptik_bridge_shared::config::{RequiredFields, Submit};

use super::*;
use crate::render::form::Input;

fn field(kind: &str, hint: &str, options: &[&str]) -> Field {
    Field {
        kind: kind.to_owned(),
        hint: hint.to_owned(),
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        ..Field::default()
    }
}

fn form() -> Form {
    Form {
        title: "Visit".to_owned(),
        subtitle: String::new(),
        submit_text: String::new(),
        fields: vec![
            field("text", "Name", &[]),
            field("date", "Day", &[]),
            field("time", "Time", &[]),
            field("multiselectpicker", "Extras", &["Lunch", "Tour, guided"]),
            field("picker", "City", &["Mumbai", "Pune"]),
        ],
    }
}

/// What is said by a form of which nothing is asked.
fn answers(inputs: &Value, form: Option<&Form>) -> String {
    let said = submission(inputs, form, Forms::default(), Timestamp::UNIX_EPOCH);
    said.unwrap_or_else(|wrong| {
        assert_eq!(wrong, "Please fill in the form first.");
        String::new()
    })
}

#[test]
fn what_is_sent_is_as_the_connection_has_it_and_what_is_wrong_is_said() {
    let mut form = form();
    form.fields[0].key = "full_name".to_owned();
    let inputs = json!({
        "f0": {"stringInputs": {"value": ["Ann"]}},
        "f4": {"stringInputs": {"value": ["1"]}},
    });
    let settings = Forms {
        submit: Submit::Json,
        required: RequiredFields::All,
    };
    let sent =
        |form: &Form, settings| submission(&inputs, Some(form), settings, Timestamp::UNIX_EPOCH);
    let missing = sent(&form, settings).expect_err("all have to be filled in");
    assert_eq!(
        missing,
        "Day: Please fill this in.\nTime: Please fill this in.\nExtras: Please fill this in."
    );
    let settings = Forms {
        required: RequiredFields::AsMarked,
        ..settings
    };
    assert_eq!(
        sent(&form, settings).as_deref(),
        Ok(r#"{"full_name": "Ann", "City": "Pune"}"#)
    );
    form.fields[0].rules.min_length = Some(5);
    form.fields[0].rules.error = "Your full name, please.".to_owned();
    assert_eq!(
        sent(&form, settings).err().as_deref(),
        Some("Name: Your full name, please.")
    );
}

#[test]
fn what_comes_back_is_a_line_for_each_answer_in_the_order_of_the_fields() {
    let inputs = json!({
        "f4": {"stringInputs": {"value": ["1"]}},
        "f0": {"stringInputs": {"value": ["Ann\nfalse: line"]}},
        "f1": {"dateInput": {"msSinceEpoch": "1772323200000"}},
        "f2": {"timeInput": {"hours": 9.0, "minutes": 5}},
        "f3": {"stringInputs": {"value": ["0", "1"]}},
    });
    assert_eq!(
        answers(&inputs, Some(&form())),
        "Name: Ann false: line\nDay: 2026-03-01\nTime: 09:05\nExtras: Lunch, Tour, guided\nCity: Pune"
    );
    assert_eq!(
        answers(&inputs, None),
        "Ann false: line\n2026-03-01\n09:05\n0, 1\n1"
    );
}

#[test]
fn what_is_not_filled_in_or_odd_says_nothing() {
    for odd in [
        json!(null),
        json!({}),
        json!({"f0": {}, "f1": {"dateInput": {}}, "f3": {"stringInputs": {"value": []}}}),
        json!({"f0": {"stringInputs": {"value": [""]}}, "f1": {"dateInput": {"msSinceEpoch": "never"}}}),
        json!({"f1": {"dateInput": {"msSinceEpoch": 1e300}}}),
        json!({"f9": {"stringInputs": {"value": ["x"]}}, "f": 7}),
    ] {
        assert_eq!(answers(&odd, Some(&form())), "", "{odd}");
    }
    // Midnight comes without its zeros.
    let midnight = json!({"f2": {"timeInput": {}}});
    assert_eq!(answers(&midnight, Some(&form())), "Time: 00:00");
    // An option that is none is what it says.
    let unknown = json!({"f4": {"stringInputs": {"value": ["7"]}}});
    assert_eq!(answers(&unknown, Some(&form())), "City: 7");
}

#[test]
fn each_field_has_the_input_that_suits_it_and_a_name_of_its_own() {
    let widgets = inputs(&form());
    let kinds: Vec<(&str, &str)> = widgets
        .iter()
        .filter_map(|widget| {
            let (kind, input) = widget.as_object()?.iter().next()?;
            Some((kind.as_str(), input["name"].as_str()?))
        })
        .collect();
    assert_eq!(
        kinds,
        [
            ("textInput", "f0"),
            ("dateTimePicker", "f1"),
            ("dateTimePicker", "f2"),
            ("selectionInput", "f3"),
            ("selectionInput", "f4"),
        ]
    );
    assert_eq!(required(&form()), [""; 0]);
    let mut marked = form();
    marked.fields[1].required = Some(true);
    assert_eq!(required(&marked), ["f1"]);
}

#[test]
fn what_is_suggested_for_a_typed_answer_is_shown() {
    let suggested = field("text", "City", &["Mumbai", "Pune"]);
    let input = widget(0, &suggested);
    assert_eq!(input["textInput"]["hintText"], "Mumbai, Pune");
    let plain = widget(0, &field("text", "City", &[]));
    assert!(plain["textInput"].get("hintText").is_none());
}

#[test]
fn a_form_that_is_too_long_for_a_card_is_asked_in_the_chat() {
    assert!(fits(&form()));
    let many = |count: usize, hint: &str| Form {
        fields: vec![field("text", hint, &[]); count],
        ..form()
    };
    assert!(fits(&many(50, "Name")));
    assert!(!fits(&many(51, "Name")));
    assert!(!fits(&many(40, &"x".repeat(1_000))));
    // More options than an input has are typed.
    let options: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let long = field("picker", "Number", &options);
    assert!(matches!(input(&long), Input::Text { .. }));
    assert!(matches!(
        input(&field("picker", "Number", &options[..100])),
        Input::One(_)
    ));
}
