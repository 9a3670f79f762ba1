use super::*;
use serde_json::json;

mod addresses;

#[test]
fn machine_parts_in_braces_are_not_said() {
    assert_eq!(
        visible_text("Show another quote{task}"),
        "Show another quote"
    );
    assert_eq!(visible_text("Stop{a: {b: 1}, c}{task} now"), "Stop now");
    assert_eq!(visible_text("an open { brace"), "an open { brace");
    assert_eq!(visible_text("{only}"), "");
}

#[test]
fn a_tap_sends_the_gogo_message_and_else_the_message() {
    let read = |payload: Value| {
        Actionable::read_at(&json!({"actionable_text": "Tap", "payload": payload}), 0)
    };
    assert_eq!(
        read(json!({"message": "Hi{x}", "gogo_message": "go"})).effect(),
        Effect::Say(TapMessage {
            shown: "Hi".into(),
            sent: "go".into()
        })
    );
    assert_eq!(
        read(json!({"message": "Hi{x}", "gogo_message": ""})).effect(),
        Effect::Say(TapMessage {
            shown: "Hi".into(),
            sent: "Hi{x}".into()
        })
    );
    assert_eq!(
        read(json!({"gogo_message": ""})).effect(),
        Effect::Say(TapMessage {
            shown: "Tap".into(),
            sent: "Tap".into()
        })
    );
}

#[test]
fn a_body_serialised_as_a_string_is_read_as_the_object() {
    let body =
        json!({"text": "Hi", "type": "BUTTON", "data": {"items": [{"actionable_text": "A"}]}});
    assert_eq!(Hsl::read(&json!(body.to_string())), Hsl::read(&body));
    assert_eq!(Hsl::read(&json!("plain")).text, "plain");
}

#[test]
fn a_link_opens_unless_it_runs_something_and_a_number_is_called() {
    let read = |uri: &str, payload: Value| {
        let value = json!({"actionable_text": "Go", "uri": uri, "payload": payload});
        Actionable::read_at(&value, 0).effect()
    };
    let open = |url: &str| read("LINK", json!({ "url": url }));
    for url in ["HTTPS://haptik.ai", "myapp://open"].map(ToOwned::to_owned) {
        assert_eq!(open(&url), Effect::Open { url, said: None });
    }
    for odd in [
        "JavaScript:alert(1)",
        "data:text/html,x",
        "java script:x",
        ":",
        "",
    ] {
        assert!(matches!(open(odd), Effect::Say(_)), "{odd}");
    }
    let number = || "+91 22".to_owned();
    let called = Effect::Call { number: number() };
    assert_eq!(read("CALL", json!({"number": number()})), called);
    assert_eq!(read("CALL", json!({"url": "tel:+91 22"})), called);
}

#[test]
fn an_unknown_type_is_kept_with_its_text() {
    let hsl = Hsl::read(&json!({"text": "Pay", "type": "UPI_QR", "data": {"vpa": 1}}));
    assert_eq!(hsl.text, "Pay");
    assert_eq!(
        hsl.element,
        Element::Other {
            kind: "UPI_QR".into(),
            data: json!({"vpa": 1})
        }
    );
}

fn actionable(value: &Value) -> Actionable {
    Actionable::read_at(value, 0)
}

#[test]
fn no_machine_part_is_seen_before_or_after_a_tap_and_the_bot_gets_it() {
    let tap = actionable(&json!({"actionable_text": "Yes{confirm}"}));
    assert_eq!(tap.label(), "Yes");
    let said = TapMessage {
        shown: "Yes".into(),
        sent: "Yes{confirm}".into(),
    };
    assert_eq!(tap.effect(), Effect::Say(said));
    let tap = actionable(&json!({"actionable_text": "{a}", "payload": {"message": "Go{b}"}}));
    assert_eq!(tap.label(), "Go");
    let card = json!({"title": "A{x}", "sub_title": "{y}", "description": "b {z} c"});
    let hsl =
        Hsl::read(&json!({"text": "Hi{task}", "type": "CAROUSEL", "data": {"items": [card]}}));
    assert_eq!(hsl.text, "Hi");
    let Element::Carousel { items } = &hsl.element else {
        panic!("cards")
    };
    let texts = items
        .iter()
        .flat_map(|card| [&card.title, &card.sub_title, &card.description]);
    assert_eq!(texts.collect::<Vec<_>>(), ["A", "", "b c"]);
}

#[test]
fn a_whole_text_in_braces_is_silent_and_one_of_them_asks_for_a_rating() {
    for text in ["{}", " {} ", "{taskbox}", "{a}{b}", "<p>{}</p>", "{}&nbsp;"] {
        assert!(Hsl::read(&json!({ "text": text })).is_silent(), "{text}");
        assert!(Hsl::read(&json!(text)).is_silent(), "{text}");
    }
    for text in [
        "{feedback}",
        "{Feedback}\n",
        "{ feedback }",
        "<p>{feedback}</p>",
        "{FEEDBACK}<br/>",
    ] {
        for kind in ["TEXT", "BUTTON", ""] {
            let hsl = Hsl::read(&json!({"text": text, "type": kind}));
            let effects: Vec<Effect> = hsl.actionables().map(Actionable::effect).collect();
            let shown = (hsl.text.as_str(), effects);
            assert_eq!(shown, ("", vec![Effect::Feedback]), "{text} {kind}");
            assert!(!hsl.is_silent());
        }
    }
    for text in [
        "{feedbacks}",
        "{feedback: 1}",
        "`{feedback}`",
        "Thanks {feedback}",
    ] {
        let hsl = Hsl::read(&json!({ "text": text }));
        assert_eq!(hsl.actionables().count(), 0, "{text}");
    }
    assert_eq!(
        Hsl::read(&json!({"text": "fn main() {}"})).text,
        "fn main() {}"
    );
}

#[test]
fn what_is_to_be_shared_is_never_said() {
    let shares = [
        ("SHARE", ""),
        ("SHARE_RECEIPT", ""),
        ("share_referral", ""),
        (" Share_App", "SHARE"),
        ("APP_ACTION", "share"),
    ];
    for (kind, uri) in shares {
        let share = |payload: Value| {
            actionable(
                &json!({"actionable_text": "Share", "type": kind, "uri": uri, "payload": payload}),
            )
            .effect()
        };
        assert_eq!(
            share(json!({"message": "A tip", "gogo_message": "{}"})),
            Effect::Share
        );
        assert_eq!(share(json!({"message": "A tip"})), Effect::Share);
        assert_eq!(share(json!({})), Effect::Share);
        let tracked = TapMessage {
            shown: "Share".into(),
            sent: "clicked".into(),
        };
        assert_eq!(
            share(json!({"message": "A tip", "gogo_message": "clicked"})),
            Effect::Say(tracked)
        );
        assert_eq!(
            share(json!({"message": "A tip", "url": "a.example/x"})),
            Effect::Open {
                url: "https://a.example/x".into(),
                said: None
            }
        );
    }
}

#[test]
fn a_link_says_what_it_has_for_it_and_nothing_else() {
    let link = |payload: Value| {
        actionable(&json!({"actionable_text": "Go", "uri": "LINK", "payload": payload})).effect()
    };
    let open = |said: Option<(&str, &str)>| Effect::Open {
        url: "https://a.example/?a=1&b=2".into(),
        said: said.map(|(shown, sent)| TapMessage {
            shown: shown.into(),
            sent: sent.into(),
        }),
    };
    let url = "https://a.example/?a=1&amp;b=2";
    assert_eq!(link(json!({ "url": url })), open(None));
    assert_eq!(
        link(json!({"url": url, "message": "Paid{x}"})),
        open(Some(("Paid", "Paid{x}")))
    );
    assert_eq!(link(json!({"url": url, "message": "{}"})), open(None));
    assert_eq!(
        link(json!({"url": url, "message": " ", "gogo_message": "{ }"})),
        open(None)
    );
    assert_eq!(
        link(json!({"link": url, "gogo_message": "paid"})),
        open(Some(("Go", "paid")))
    );
}

#[test]
fn intents_are_choices_beside_those_that_say_something_else() {
    for kind in ["TEXT", "BUTTON", "DISAMBIGUATION"] {
        for (intents, expected) in [
            (
                json!(["Refund", {"text": "Order"}, "", 7, 2.0, null, true, ["x"], "{}"]),
                vec!["Refund", "Order", "7", "2"],
            ),
            (
                json!(["Refund", " refund", {"title": "REFUND"}]),
                vec!["Refund"],
            ),
            (json!("Refund"), vec!["Refund"]),
            (json!({"name": "Refund"}), vec!["Refund"]),
        ] {
            let data = json!({"intents": intents});
            let hsl = Hsl::read(&json!({"text": "Did you mean?", "type": kind, "data": data}));
            let labels: Vec<String> = hsl.actionables().map(Actionable::label).collect();
            assert_eq!(labels, expected, "{kind}");
        }
    }
    let other = json!({"actionable_text": "None of these"});
    for key in ["quick_replies", "items"] {
        let kind = if key == "items" { "BUTTON" } else { "TEXT" };
        let named = json!({"actionable_text": "r", "payload": {"message": "REFUND{task}"}});
        let data = json!({"intents": ["Refund", {"display_name": "Order"}], key: [named, other]});
        let hsl = Hsl::read(&json!({"type": kind, "data": data.to_string()}));
        let labels: Vec<String> = hsl.actionables().map(Actionable::label).collect();
        assert_eq!(labels, ["Order", "r", "None of these"], "{kind}");
    }
}

#[test]
fn a_detail_keeps_what_it_holds_in_the_order_in_which_it_is_shown() {
    let inner = json!({"actionable_text": "Inner"});
    let card = json!({"title": "C", "actionables": [{"actionable_text": "On the card"}]});
    let detail = json!({"actionable_text": "More", "uri": "CAROUSEL_DETAIL",
        "payload": {"title": "T", "actionables": [inner]}});
    let cards =
        json!({"actionable_text": "All", "uri": "CAROUSEL_DEFAULT", "payload": {"items": [card]}});
    let last = json!({"actionable_text": "Last"});
    let hsl = Hsl::read(&json!({"type": "BUTTON", "data": {"items": [detail, cards, last]}}));
    let labels: Vec<String> = hsl.actionables().map(Actionable::label).collect();
    assert_eq!(labels, ["More", "Inner", "All", "On the card", "Last"]);
}

#[test]
fn a_carousel_with_broken_parts_shows_the_others() {
    let good = json!({"title": "Plan A", "thumbnail": {"image": "https://e.example/a.png"}, "mini_actionable": {},
        "actionables": [null, {}, {"payload": null}, "Tap", {"actionable_text": "", "uri": "LINK", "payload": {}},
                        {"actionable_text": "Yes"}]});
    let items = json!([null, "Plan 0", 7, {}, [], {"title": null, "actionables": {}, "thumbnail": []}, good]);
    let hsl = Hsl::read(&json!({"text": "", "type": "CAROUSEL", "data": {"items": items}}));
    let Element::Carousel { items } = &hsl.element else {
        panic!("cards")
    };
    assert_eq!(items.len(), 1);
    assert_eq!(
        (items[0].title.as_str(), items[0].actionables.len()),
        ("Plan A", 1)
    );
    assert_eq!(items[0].thumbnail, "https://e.example/a.png");
    let empty = json!({"text": "{}", "type": "CAROUSEL", "data": {"items": [{}, null]}});
    assert!(Hsl::read(&empty).is_silent());
    // What asks for something has something, without any text.
    let asks = json!({"type": "APP_ACTION", "uri": "SEND_LOCATION"});
    let hsl = Hsl::read(
        &json!({"type": "BUTTON", "data": {"items": [asks, {"type": "APP_FEEDBACK"}, {"emoji": "👍"}]}}),
    );
    assert_eq!(hsl.actionables().count(), 3);
}

fn fields(fields: &Value) -> Vec<Field> {
    let form = json!({"type": "FORM", "title": "F", "data": {"fields": fields}});
    match Hsl::read(&form).element {
        Element::Form(form) => form.fields,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_field_is_required_where_it_says_so_wherever_it_does() {
    for (said, required) in [
        (json!({"required": "Yes"}), Some(true)),
        (json!({"mandatory": 1}), Some(true)),
        (json!({"is_mandatory": " TRUE "}), Some(true)),
        (json!({"validation": {"required": true}}), Some(true)),
        (
            json!({"validation": "{\"is_required\": false}"}),
            Some(false),
        ),
        (
            json!({"validations": [{"regex": ".*"}, {"required": true}]}),
            Some(true),
        ),
        (json!({"optional": "no"}), Some(true)),
        (json!({"is_optional": true}), Some(false)),
        (json!({"required": null, "optional": true}), Some(false)),
        (json!({"required": "", "validation": []}), None),
        (json!({"required": "perhaps"}), None),
        (json!({"required": {}}), None),
        (json!({}), None),
    ] {
        let read = fields(&json!([said])).remove(0);
        assert_eq!(read.required, required, "{said}");
    }
}

#[test]
fn rules_that_no_answer_could_keep_are_none() {
    let rules = |rules: Value| {
        fields(&json!([{"key": "a", "validation": rules}]))
            .remove(0)
            .rules
    };
    let lengths = |value: Value| {
        let rules = rules(value);
        (rules.min_length, rules.max_length)
    };
    assert_eq!(
        lengths(json!({"min_length": 9, "max_length": 3})),
        (None, None)
    );
    assert_eq!(
        lengths(json!({"min_length": 0, "max_length": "0"})),
        (None, None)
    );
    assert_eq!(lengths(json!({"length": 0})), (None, None));
    assert_eq!(lengths(json!({"length": "6"})), (Some(6), Some(6)));
    assert_eq!(
        lengths(json!({"min_length": -1, "max_length": 2.5})),
        (None, None)
    );
    assert_eq!(
        rules(json!({"regex": "/^[0-9]{6}$/"})).pattern,
        "^[0-9]{6}$"
    );
    for (written, pattern) in [
        (r"/^[a-z]{5}$/i", "(?i)^[a-z]{5}$"),
        (r"/^a$/gimsu", "(?ims)^a$"),
        (r"/^a\/b$/g", r"^a\/b$"),
        ("/^a$/x", ""),
        ("/^a$", ""),
        ("/", ""),
        ("//i", ""),
        ("^a/b$", "^a/b$"),
    ] {
        assert_eq!(rules(json!({"regex": written})).pattern, pattern);
    }
    assert_eq!(
        rules(json!([{"pattern": "a+"}, {"error": "As, please"}])).error,
        "As, please"
    );
    assert_eq!(rules(json!("strict")), Rules::default());
    let odd = fields(
        &json!([null, "Name", {"key": "a", "order": "2"}, {"key": "b", "order": 1.0}, {"key": "c", "order": "last"}]),
    );
    let keys: Vec<&str> = odd.iter().map(|field| field.key.as_str()).collect();
    assert_eq!(keys, ["b", "a", "c"]);
}
