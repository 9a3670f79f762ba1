use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::render::Markup;
use haptik_bridge_shared::config::RequiredFields;
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
    let all = Forms {
        required: RequiredFields::All,
        ..Forms::default()
    };
    assert_eq!(wrong(&form, &right, all), []);
    let all_wrong = answers(["  ", "asha", "old", "2026-01-02", "2026-01-01", "late"]);
    let words = wrong(&form, &all_wrong, all);
    let places: Vec<usize> = words.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [0, 1, 2, 4, 5]);
    assert_eq!(wrong(&form, &[], all).len(), 5);
    assert_eq!(wrong(&form, &[], Forms::default()), [], "nothing is marked");
}

#[test]
fn an_end_that_is_left_empty_is_not_before_the_start() {
    let form = form(&json!([
        {"hint": "From", "type": "startdate"},
        {"hint": "To", "type": "enddate", "optional": true},
    ]));
    let answers = ["2026-01-02".to_owned()];
    assert_eq!(wrong(&form, &answers, Forms::default()), []);
}

#[test]
fn the_answers_are_a_line_each() {
    let answers = [
        (Some("Name\nor so"), "Asha\nRao"),
        (Some("Mail"), " "),
        (Some(""), "30"),
        (None, "Pune"),
    ];
    assert_eq!(answers_as_lines(answers), "Name or so: Asha Rao\n30\nPune");
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

#[test]
fn bounds_that_cross_ask_for_nothing() {
    let today = Date::constant(2026, 11, 22);
    let bounds = |min: &str, max: &str| Rules {
        min: min.to_owned(),
        max: max.to_owned(),
        ..Rules::default()
    };
    for (min, max, within, beyond) in [
        ("1", "12", "5", "13"),
        ("01-12-2026", "2026-12-31", "2026-12-24", "2027-01-01"),
    ] {
        let wrong = |min, max, answer| breaks(&bounds(min, max), answer, today).is_some();
        assert!(!wrong(min, max, within) && wrong(min, max, beyond), "{min}");
        assert!(!wrong(max, min, within), "{max}");
    }
}

#[test]
fn a_rule_as_javascript_writes_it_is_kept_with_its_flags() {
    let pan = form(&json!([{"hint": "PAN", "regex": "/^[a-z]{5}[0-9]{4}[a-z]$/i"}]));
    let now = Timestamp::UNIX_EPOCH;
    let said = |answer: &str| submitted(&pan, &[answer.to_owned()], Forms::default(), now);
    assert_eq!(said("ABCPE1234f").as_deref(), Ok("PAN: ABCPE1234f"));
    assert!(said("ABCPE1234").is_err());
}

#[test]
fn a_rule_that_cannot_be_read_asks_for_nothing() {
    let today = Date::constant(2026, 11, 22);
    let rules = |pattern: &str| Rules {
        pattern: pattern.to_owned(),
        ..Rules::default()
    };
    for pattern in ["", "(", "[", "(?<x", "a{99999}{99999}"] {
        assert_eq!(breaks(&rules(pattern), "x", today), None, "{pattern}");
    }
    assert!(
        breaks(&rules("a|b"), "ab", today).is_some(),
        "all of it is meant"
    );
    assert_eq!(
        breaks(&rules("a"), "", today),
        None,
        "what is empty is another matter"
    );
}

proptest! {
    #[test]
    fn answers_as_json_are_read_back(answers in proptest::collection::vec(("\\PC{1,12}", "\\PC{0,20}"), 0..8)) {
        let said = answers_as_json(answers.iter().map(|(name, answer)| (name.as_str(), answer.as_str())));
        let mut expected = serde_json::Map::new();
        for (name, answer) in &answers {
            if !one_line(answer).is_empty() {
                expected.insert(name.clone(), one_line(answer).into());
            }
        }
        if expected.is_empty() {
            prop_assert_eq!(said, "");
        } else {
            let read: serde_json::Value = serde_json::from_str(&said).expect("it is JSON");
            prop_assert_eq!(read, serde_json::Value::Object(expected));
        }
    }

    #[test]
    fn no_rule_and_no_answer_is_too_odd(pattern in "\\PC{0,30}", bound in "\\PC{0,12}", answer in "\\PC{0,30}") {
        let rules = Rules { pattern, min: bound.clone(), max: bound, is_past: true, ..Rules::default() };
        let _ = breaks(&rules, &answer, Date::constant(2026, 11, 22));
    }
}
