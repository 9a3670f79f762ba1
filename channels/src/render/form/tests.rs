use serde_json::json;

use super::*;
use crate::render::Markup;
use haptik_bridge_shared::message::hsl::{Element, Hsl};

fn form(fields: &serde_json::Value) -> Form {
    match Hsl::read(&json!({"type": "FORM", "data": {"fields": fields}})).element {
        Element::Form(form) => form,
        other => panic!("not a form: {other:?}"),
    }
}

#[test]
fn e_mail_addresses_are_told_from_other_texts() {
    for good in ["a@b.example", "a.b+c@d-e.example", "ü@bücher.example"] {
        assert!(is_email(good), "{good}");
    }
    for bad in [
        "",
        "a",
        "a@",
        "@b.example",
        "a@b",
        "a@b.",
        "a@.b",
        "a b@c.example",
        "a@b@c.example",
        ".a@b.example",
        "a..b@c.example",
        "a@-b.example",
        "a@b_c.example",
    ] {
        assert!(!is_email(bad), "{bad}");
    }
}

#[test]
fn what_is_missing_or_wrong_is_said_field_by_field() {
    let form = form(&json!([
        {"hint": "Name", "type": "text"},
        {"hint": "Mail", "type": "text", "keyboard_type": "email", "optional": true},
        {"hint": "Age", "type": "text", "keyboard_type": "number"},
        {"hint": "From", "type": "startdate"},
        {"hint": "To", "type": "enddate"},
        {"hint": "At", "type": "time"},
    ]));
    let answers = |answers: [&str; 6]| answers.map(ToOwned::to_owned);
    let right = answers(["Asha", "", "30", "2026-01-02", "2026-01-02", "18:30"]);
    assert_eq!(wrong(&form, &right), []);
    let all_wrong = answers(["  ", "asha", "old", "2026-01-02", "2026-01-01", "late"]);
    let words = wrong(&form, &all_wrong);
    let places: Vec<usize> = words.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [0, 1, 2, 4, 5]);
    assert_eq!(wrong(&form, &[]).len(), 5);
}

#[test]
fn an_end_that_is_left_empty_is_not_before_the_start() {
    let form = form(&json!([
        {"hint": "From", "type": "startdate"},
        {"hint": "To", "type": "enddate", "optional": true},
    ]));
    assert_eq!(wrong(&form, &["2026-01-02".to_owned()]), []);
}

#[test]
fn the_answers_are_a_line_each() {
    let answers = [
        (Some("Name\nor so"), "Asha\nRao"),
        (Some("Mail"), " "),
        (Some(""), "30"),
        (None, "Pune"),
    ];
    assert_eq!(said(answers), "Name or so: Asha Rao\n30\nPune");
}

#[test]
fn options_that_no_menu_carries_are_typed() {
    let picker = form(&json!([{"type": "picker", "options": ["S", " S ", "", "M"]}]));
    let field = &picker.fields[0];
    assert_eq!(
        Input::of(field, |_| true),
        Input::One(vec!["S".into(), "M".into()])
    );
    let typed = Input::Text {
        placeholder: "",
        multiline: false,
    };
    assert_eq!(Input::of(field, |options| options.len() < 2), typed);
}

#[test]
fn questions_are_a_list() {
    let form = form(&json!([
        {"hint": "Name"},
        {"hint": "Size", "options": ["S", "M"]},
        {"hint": ""},
    ]));
    assert_eq!(
        Markup::Plain.print(&questions(&form)),
        "• Name\n• Size (S, M)"
    );
}
