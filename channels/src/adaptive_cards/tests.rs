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
fn questions_are_labels_from_1_3_on_and_texts_before() {
    let new = form::inputs(&form(), Version::V1_3);
    assert_eq!(new.len(), 4);
    assert_eq!(new[0]["label"], "Name");
    assert_eq!(new[0]["isRequired"], true);
    let old = form::inputs(&form(), Version::V1_2);
    assert_eq!(old.len(), 8);
    assert_eq!(old[0]["type"], "TextBlock");
    assert!(old.iter().all(|element| element.get("label").is_none()));
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
