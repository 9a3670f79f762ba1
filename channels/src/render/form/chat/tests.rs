use haptik_bridge_shared::config::RequiredFields;
use haptik_bridge_shared::message::hsl::Rules;
use haptik_bridge_shared::message::hsl::{Actionable, Hsl};
use proptest::prelude::*;

use super::*;

fn field(kind: &str, hint: &str, options: &[&str]) -> Field {
    Field {
        kind: kind.to_owned(),
        hint: hint.to_owned(),
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        ..Field::default()
    }
}

fn form(fields: Vec<Field>) -> Form {
    Form {
        fields,
        ..Form::default()
    }
}

/// What is taken of an answer to a form's only question; else what is wrong with it.
fn taken(field: &Field, text: &str) -> Result<String, String> {
    let form = form(vec![field.clone()]);
    let mut answers = Vec::new();
    let given = Given::Typed(text);
    let now = Timestamp::from_second(1_795_600_000).expect("in range");
    match next(&form, Forms::default(), &mut answers, given, now) {
        FormStep::AskAgain { wrong } => {
            assert!(answers.is_empty());
            Err(wrong)
        }
        FormStep::Send | FormStep::Empty => Ok(answers.remove(0)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_an_option_has_for_machines_is_sent_and_not_shown() {
    let options = &["One{1}", "Two {2}"];
    let of = |kind: &str| form(vec![field(kind, "Q", options)]);
    for (kind, typed, answer) in [
        ("picker", "one", "One{1}"),
        ("picker", "2", "Two {2}"),
        ("picker", "One{1}", "One{1}"),
        ("multiselectpicker", "2, one", "One{1}, Two {2}"),
    ] {
        let field = field(kind, "Q", options);
        assert_eq!(taken(&field, typed).as_deref(), Ok(answer), "{typed}");
    }
    let several = question(&of("multiselectpicker"), Forms::default(), 0, None);
    let shown = several["text"].as_str().unwrap_or_default();
    assert!(shown.contains("1. One\n2. Two\n"), "{shown}");
    let suggested = question(&of("searcheditable"), Forms::default(), 0, None);
    let shown = suggested["text"].as_str().unwrap_or_default();
    assert!(shown.contains("(One, Two)"), "{shown}");
    let one = question(&of("picker"), Forms::default(), 0, None);
    let labels: Vec<String> = Hsl::read(&one)
        .actionables()
        .map(Actionable::label)
        .collect();
    assert_eq!(labels, ["One", "Two"]);
}

#[test]
fn an_answer_is_taken_as_forms_elsewhere_give_it() {
    let kinds = |kind: &str, written: &[(&str, &str)]| {
        for (text, answer) in written {
            let field = field(kind, "Q", &[]);
            assert_eq!(taken(&field, text).as_deref(), Ok(*answer), "{text:?}");
        }
    };
    kinds(
        "date",
        &[
            ("2026-12-01", "2026-12-01"),
            (" 1-12-2026 ", "2026-12-01"),
            ("01/12/2026", "2026-12-01"),
            ("1.12.2026", "2026-12-01"),
        ],
    );
    kinds(
        "time",
        &[
            ("18:30", "18:30"),
            ("6:30 pm", "18:30"),
            ("6.30 P.M.", "18:30"),
            ("6pm", "18:00"),
            ("12 am", "00:00"),
            ("12:05 PM", "12:05"),
            ("9:05", "09:05"),
            ("07:15:00", "07:15"),
        ],
    );
    kinds("text", &[(" Asha \n Rao ", "Asha Rao"), ("/skip", "")]);
    for (kind, text) in [
        ("date", "tomorrow"),
        ("date", "31-02-2026"),
        ("date", "31/01/26"),
        ("date", "01.02.90"),
        ("date", "1-2-226"),
        ("date", "31-01-2026-99"),
        ("time", "25:00"),
        ("time", "13 pm"),
        ("time", "6"),
        ("time", "6:5"),
        ("time", "soon"),
    ] {
        let wrong = taken(&field(kind, "Q", &[]), text);
        assert!(wrong.is_err_and(|wrong| wrong.starts_with("This is not a ")));
    }
}

#[test]
fn options_are_chosen_by_what_is_seen_of_them() {
    let picker = field("picker", "City", &["*Mumbai*", "Pune{code: 2}", "3"]);
    for (text, answer) in [
        ("mumbai", "*Mumbai*"),
        ("2", "Pune{code: 2}"),
        ("Pune{code: 2}", "Pune{code: 2}"),
        ("3", "3"),
    ] {
        assert_eq!(taken(&picker, text).as_deref(), Ok(answer), "{text:?}");
    }
    assert!(taken(&picker, "4").is_err());
    let several = field(
        "multiselectpicker",
        "Extras",
        &["Lunch", "Tour, guided", "1"],
    );
    for (text, answer) in [
        ("3, 1", "Lunch, 1"),
        ("1 2", "Lunch, Tour, guided"),
        ("Tour, guided", "Tour, guided"),
        ("lunch; 2", "Lunch, Tour, guided"),
        ("1\n3", "Lunch, 1"),
    ] {
        assert_eq!(taken(&several, text).as_deref(), Ok(answer), "{text:?}");
    }
    for text in ["4", "1, 4", "all", ","] {
        assert!(taken(&several, text).is_err(), "{text:?}");
    }
}

#[test]
fn rules_are_kept_in_the_forms_own_words() {
    let mut pin = field("text", "PIN", &[]);
    pin.rules = Rules {
        pattern: r"\d{6}".to_owned(),
        error: "Six digits, please.".to_owned(),
        ..Rules::default()
    };
    assert_eq!(taken(&pin, "411001").as_deref(), Ok("411001"));
    assert_eq!(
        taken(&pin, "4110").err().as_deref(),
        Some("Six digits, please.")
    );
    let mut day = field("date", "Day", &[]);
    day.rules.error = "Which day?".to_owned();
    assert_eq!(taken(&day, "soon").err().as_deref(), Some("Which day?"));
    let days = form(vec![
        field("startdate", "From", &[]),
        field("enddate", "To", &[]),
    ]);
    let mut answers = vec!["2026-12-10".to_owned()];
    let given = Given::Typed("9-12-2026");
    let step = next(
        &days,
        Forms::default(),
        &mut answers,
        given,
        Timestamp::UNIX_EPOCH,
    );
    let wrong = "This is before the start.".to_owned();
    assert_eq!((step, answers.len()), (FormStep::AskAgain { wrong }, 1));
}

#[test]
fn what_is_chosen_is_an_answer_only_where_it_is_an_option() {
    let form = form(vec![
        field("picker", "City", &["Mumbai", "Pune"]),
        field("text", "Name", &[]),
    ]);
    let step = |answers: &mut Vec<String>, text| {
        let given = Given::Chosen(text);
        next(
            &form,
            Forms::default(),
            answers,
            given,
            Timestamp::UNIX_EPOCH,
        )
    };
    let mut answers = Vec::new();
    assert_eq!(step(&mut answers, "Main menu"), FormStep::Leave);
    assert_eq!(step(&mut answers, "Pune"), FormStep::Ask);
    assert_eq!(step(&mut answers, "Main menu"), FormStep::Leave);
    assert_eq!(answers, ["Pune"]);
}

#[test]
fn what_has_to_be_answered_is_not_left_out() {
    let form = form(vec![field("text", "Name", &[])]);
    let all = Forms {
        required: RequiredFields::All,
        ..Forms::default()
    };
    let step = |settings, text| {
        let given = Given::Typed(text);
        next(
            &form,
            settings,
            &mut Vec::new(),
            given,
            Timestamp::UNIX_EPOCH,
        )
    };
    assert_eq!(step(Forms::default(), "/skip"), FormStep::Empty);
    let wrong = "Please fill this in.".to_owned();
    assert_eq!(step(all, "/skip"), FormStep::AskAgain { wrong });
    assert_eq!(step(all, "/Cancel@acme_bot"), FormStep::Cancel);
    assert_eq!(step(all, "cancel"), FormStep::Send);
}

fn any_field() -> impl Strategy<Value = Field> {
    let kinds = [
        "text",
        "picker",
        "time",
        "date",
        "contactpicker",
        "startdate",
        "enddate",
        "search",
        "searcheditable",
        "savedaddress",
        "dob",
        "multidaypicker",
        "multiselectpicker",
        "new",
    ];
    let kind = prop::sample::select(kinds.to_vec());
    let keyboard = prop::sample::select(vec!["normal", "number", "email", ""]);
    let options = prop::collection::vec("\\PC{0,8}", 0..4);
    (kind, keyboard, "\\PC{0,10}", options, any::<Option<bool>>()).prop_map(
        |(kind, keyboard, hint, options, required)| Field {
            kind: kind.to_owned(),
            keyboard_type: keyboard.to_owned(),
            hint,
            options,
            required,
            ..Field::default()
        },
    )
}

proptest! {
    /// Whatever is asked and said: an answer is one line, is added or is not, and the question after it can be
    /// shown.
    #[test]
    fn any_form_can_be_filled_in_or_left(
        fields in prop::collection::vec(any_field(), 1..5),
        said in prop::collection::vec(prop_oneof![
            "\\PC{0,12}", Just("1".to_owned()), Just("2026-12-01".to_owned()), Just("18:30".to_owned()),
            Just("a@b.example".to_owned()), Just("/skip".to_owned()),
        ], 0..20),
        all in any::<bool>(),
    ) {
        let form = form(fields);
        let required = if all { RequiredFields::All } else { RequiredFields::AsMarked };
        let settings = Forms { required, ..Forms::default() };
        let mut answers = Vec::new();
        for text in said {
            let before = answers.len();
            let step = next(&form, settings, &mut answers, Given::Typed(&text), Timestamp::UNIX_EPOCH);
            let is_taken = matches!(step, FormStep::Ask | FormStep::Send | FormStep::Empty);
            prop_assert_eq!(answers.len(), before + usize::from(is_taken));
            prop_assert!(answers.iter().all(|answer| !answer.contains('\n')));
            if !step.goes_on() {
                prop_assert_eq!(is_taken, answers.len() == form.fields.len());
                break;
            }
            let wrong = match &step {
                FormStep::AskAgain { wrong } => Some(wrong.as_str()),
                _ => None,
            };
            let asked = Hsl::read(&question(&form, settings, answers.len(), wrong));
            prop_assert!(!asked.is_silent());
            // What is offered is an answer.
            for offered in asked.actionables() {
                let mut with = answers.clone();
                let said = offered.effect();
                let haptik_bridge_shared::message::hsl::Effect::Say(said) = said else { continue };
                let step = next(&form, settings, &mut with, Given::Chosen(&said.sent), Timestamp::UNIX_EPOCH);
                prop_assert!(step != FormStep::Leave, "{:?}", said.sent);
            }
        }
    }
}
