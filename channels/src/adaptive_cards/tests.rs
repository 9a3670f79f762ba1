use haptik_bridge_shared::config::{Forms, RequiredFields, Submit};
use haptik_bridge_shared::message::hsl::{Field, Form};
use serde_json::json;

use super::*;
use crate::render::inline::read;

fn form() -> Form {
    let field = |hint: &str, kind: &str, options: &[&str]| Field {
        hint: hint.to_owned(),
        kind: kind.to_owned(),
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        required: Some(true),
        ..Field::default()
    };
    Form {
        fields: vec![
            field("Name", "text", &[]),
            field("Day", "date", &[]),
            field("Size", "picker", &["S", "M"]),
            field("Extras", "multiselectpicker", &["Lunch, hot", "Tour"]),
        ],
        ..Form::default()
    }
}

#[test]
fn a_text_has_only_the_markup_that_cards_show() {
    let shown = text(&read("**b** ~~s~~ `c` [l](https://example.com)\nnext"));
    assert_eq!(shown["text"], "**b** s c [l](https://example.com)\n\nnext");
}

#[test]
fn an_input_has_its_question_as_its_label() {
    let mut form = form();
    form.fields[2].options = (0..9).map(|size| size.to_string()).collect();
    let inputs = form::inputs(&form);
    assert_eq!(inputs.len(), 4);
    assert_eq!(inputs[0]["label"], "Name");
    assert_eq!(inputs[0]["isRequired"], true);
    assert_eq!(inputs[2]["style"], "compact");
    assert_eq!(inputs[3]["isMultiSelect"], true);
    // What has no place of its own there stands with the question.
    form.fields[1].options = vec!["2026-12-24".to_owned()];
    assert_eq!(form::inputs(&form)[1]["label"], "Day (2026-12-24)");
}

#[test]
fn what_is_filled_in_is_said_by_labels() {
    let inputs = json!({"f0": "Ann", "f1": "2026-03-01", "f2": "1", "f3": "0,1", "f9": "x"});
    assert_eq!(
        form::answers(&inputs, Some(&form())),
        "Name: Ann\nDay: 2026-03-01\nSize: M\nExtras: Lunch, hot, Tour"
    );
    // A place that is none, and a value that is no text.
    let odd = json!({"f0": {"a": 1}, "f2": "7", "f3": "0,9"});
    assert_eq!(form::answers(&odd, Some(&form())), "Size: 7\nExtras: 0,9");
}

#[test]
fn what_is_wrong_with_a_form_is_said_and_what_is_right_is_sent_as_configured() {
    let now = "2026-11-28T10:00:00Z".parse().expect("a time");
    let sent =
        |inputs: Value, form: &Form, settings| form::submission(&inputs, Some(form), settings, now);
    let mut form = form();
    form.fields[0].key = "name".to_owned();
    form.fields[0].rules.max_length = Some(5);
    let good = json!({"f0": "Ann", "f1": "2026-03-01", "f2": "1", "f3": "0"});
    let lines = "Name: Ann\nDay: 2026-03-01\nSize: M\nExtras: Lunch, hot";
    assert_eq!(
        sent(good.clone(), &form, Forms::default()),
        Ok(lines.to_owned())
    );
    let as_json = Forms {
        submit: Submit::Json,
        ..Forms::default()
    };
    let named = r#"{"name": "Ann", "Day": "2026-03-01", "Size": "M", "Extras": "Lunch, hot"}"#;
    assert_eq!(sent(good, &form, as_json), Ok(named.to_owned()));
    let bad = json!({"f0": "Annabel", "f1": "tomorrow", "f3": "1"});
    assert_eq!(
        sent(bad, &form, Forms::default()),
        Err("Name: This is not allowed here. Please look at it again.\n\
             Day: This is not a date.\nSize: Please fill this in."
            .to_owned())
    );
    for field in &mut form.fields {
        field.required = None;
    }
    let nothing = sent(json!({}), &form, Forms::default());
    assert_eq!(nothing, Err("Please fill in the form first.".to_owned()));
    let all = Forms {
        required: RequiredFields::All,
        ..Forms::default()
    };
    assert!(sent(json!({"f0": "Ann"}), &form, all).is_err());
    let gone = form::submission(&json!({"f0": "Ann", "f1": 7}), None, all, now);
    assert_eq!(gone, Ok("Ann\n7".to_owned()));
}

#[test]
fn what_comes_back_is_ours_or_nothing() {
    let ours = json!({"k": "1abc", "l": "Yes", "p": 2, "f0": "Ann", "other": 1});
    let ours = Submitted::read(&ours).expect("ours");
    assert_eq!(ours.data, "1abc");
    assert_eq!(ours.used, Some(("Yes".to_owned(), 2)));
    assert_eq!(ours.inputs, json!({"f0": "Ann"}));
    for odd in [
        json!(null),
        json!([]),
        json!("k"),
        json!({}),
        json!({"k": 7}),
    ] {
        assert_eq!(Submitted::read(&odd), None, "{odd}");
    }
}
