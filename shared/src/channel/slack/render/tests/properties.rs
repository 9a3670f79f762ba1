//! Any HSL renders within Slack's limits, and nothing visible is lost.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{block_kit, outgoing, parts};
use crate::channel::Part;
use crate::haptik::hsl::{Actionable, Effect, Element, Hsl};

/// Texts as bots have them, and as somebody hostile has them.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => "[a-zA-Z0-9]{1,12} ",
        2 => "\\PC{0,8}",
        1 => prop_oneof![
            Just("<!channel>".to_owned()), Just("<@U123>".to_owned()), Just("&amp;".to_owned()), Just(" & ".to_owned()),
            Just("*bold*".to_owned()), Just("**bold**".to_owned()), Just("```".to_owned()), Just("`x`".to_owned()),
            Just("\n\n".to_owned()), Just("https://a.example/b?c=d&e=f ".to_owned()), Just("\u{0}\r\n".to_owned()),
            Just("{task}".to_owned()), Just("🔢👩\u{200d}👧".to_owned()), Just("नमस्ते ".to_owned()),
        ],
    ];
    prop_oneof![
        1 => Just(String::new()),
        6 => vec(piece.clone(), 0..8).prop_map(|pieces| pieces.concat()),
        2 => vec(piece.clone(), 50..200).prop_map(|pieces| pieces.concat()),
        1 => (vec(piece, 1..8), 100..600_usize).prop_map(|(pieces, times)| pieces.concat().repeat(times)),
    ]
}

fn actionable() -> impl Strategy<Value = Value> {
    let uri = prop_oneof![
        3 => Just(""), 1 => Just("LINK"), 1 => Just("CALL"), 1 => Just("SEND_LOCATION"),
        1 => Just("IMAGE_UPLOAD"), 1 => Just("CAROUSEL_DETAIL"),
    ];
    let kind = prop_oneof![4 => Just("TEXT_ONLY"), 2 => Just("APP_ACTION"), 1 => Just("APP_FEEDBACK"), 1 => Just("SHARE")];
    let url = prop_oneof![
        Just("https://a.example/x".to_owned()),
        Just(String::new()),
        "[a-z]{1,9}",
        "https://a\\.example/[a-z]{3000,3100}"
    ];
    let texts = (text(), text(), text(), text());
    (kind, uri, url, texts, any::<bool>()).prop_map(|(kind, uri, url, (label, message, title, description), flag)| {
        json!({"actionable_text": label, "type": kind, "uri": uri, "is_default": flag, "payload": {
            "message": message, "gogo_message": if flag { &title } else { "" }, "url": url, "phone": "+91 12",
            "title": title, "description": description, "images": ["https://a.example/a.png"],
        }})
    })
}

fn card() -> impl Strategy<Value = Value> {
    let image = prop_oneof![
        3 => Just("https://a.example/a.png".to_owned()), 1 => Just("https://youtu.be/x".to_owned()), 1 => text(),
    ];
    (text(), text(), text(), image, vec(actionable(), 0..4)).prop_map(|(title, sub_title, description, image, actionables)| {
        json!({"title": title, "sub_title": sub_title, "description": description, "thumbnail": {"image": image}, "actionables": actionables})
    })
}

fn hsl() -> impl Strategy<Value = Value> {
    let field = (text(), vec(text(), 0..5))
        .prop_map(|(hint, options)| json!({"key": "k", "hint": hint, "options": options}));
    prop_oneof![
        (text(), vec(actionable(), 0..6)).prop_map(|(text, items)| json!({"text": text, "type": "TEXT", "data": {"quick_replies": items}})),
        (text(), vec(actionable(), 0..60)).prop_map(|(text, items)| json!({"text": text, "type": "BUTTON", "data": {"items": items}})),
        (text(), vec(card(), 0..30)).prop_map(|(text, items)| json!({"text": text, "type": "CAROUSEL", "data": {"items": items}})),
        (text(), text(), vec(field, 0..9)).prop_map(|(title, text, fields)| json!({"title": title, "subtitle": text, "type": "FORM", "data": {"fields": fields}})),
        (text(), "[A-Z_]{0,9}").prop_map(|(text, kind)| json!({"text": text, "type": kind})),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "CAROUSEL|BUTTON|TEXT|FORM|LINK|APP_ACTION".prop_map(Value::from),
    ];
    let key = "text|type|data|items|quick_replies|title|sub_title|thumbnail|image|actionables|payload|message|fields|options|hint|uri|url";
    leaf.prop_recursive(6, 60, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            vec((key, inner), 0..8).prop_map(|pairs| Value::Object(pairs.into_iter().collect()))
        ]
    })
}

/// What can be seen of a text whatever becomes of its markup.
fn seen(text: &str) -> String {
    text.chars()
        .filter(|character| character.is_alphanumeric())
        .collect()
}

fn undone(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// All that the parts show, in order.
fn shown(parts: &[Part]) -> String {
    let mut shown = String::new();
    for part in parts {
        let Some(blocks) = part.body.get("blocks").and_then(Value::as_array) else {
            shown += &seen(&undone(part.body["text"].as_str().expect("a text")));
            continue;
        };
        for block in blocks {
            let elements = block["elements"]
                .as_array()
                .map_or(std::slice::from_ref(block), Vec::as_slice);
            for element in elements {
                let Some(object) = element
                    .get("text")
                    .map(|text| if text.is_object() { text } else { element })
                else {
                    continue;
                };
                let text = object["text"].as_str().expect("a text");
                shown += &if object["type"] == "mrkdwn" {
                    seen(&undone(text))
                } else {
                    seen(text)
                };
            }
        }
    }
    shown
}

fn visible(hsl: &Hsl) -> Vec<String> {
    let mut visible = vec![hsl.text.clone()];
    match &hsl.element {
        Element::Text {
            quick_replies: items,
        }
        | Element::Button { items } => visible.extend(items.iter().flat_map(of_actionable)),
        Element::Carousel { items } => {
            for card in items {
                if !card.thumbnail.starts_with("https://") {
                    visible.push(card.thumbnail.clone());
                }
                visible.extend([
                    card.title.clone(),
                    card.sub_title.clone(),
                    card.description.clone(),
                ]);
                visible.extend(card.actionables.iter().flat_map(of_actionable));
            }
        }
        Element::Form(form) => {
            visible.extend([form.title.clone(), form.subtitle.clone()]);
            for field in &form.fields {
                visible.push(field.hint.clone());
                visible.extend(field.options.clone());
            }
        }
        _ => {}
    }
    visible
}

fn of_actionable(actionable: &Actionable) -> Vec<String> {
    let label = actionable.label();
    let payload = &actionable.payload;
    let texts = vec![
        payload.title.clone(),
        payload.sub_title.clone(),
        payload.description.clone(),
    ];
    // The start of what a button shows: 75 UTF-16 units, white space closed up.
    let start: String = label
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(36)
        .collect();
    match actionable.effect() {
        Effect::Say { .. } => vec![start],
        Effect::Open { url } if url.len() <= 3_000 && url.starts_with("https") => vec![start],
        Effect::Open { url } => vec![label, url],
        Effect::Call { number } => vec![label, number],
        Effect::Detail if payload.url.len() <= 3_000 && payload.url.starts_with("https") => {
            [texts, vec![start]].concat()
        }
        Effect::Detail => [vec![label], texts].concat(),
        Effect::Location | Effect::Upload | Effect::Feedback => vec![label],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_hsl_renders_within_the_limits_and_loses_nothing_visible(raw in hsl()) {
        let parts = parts(&outgoing(raw.clone()));
        block_kit::validate(&parts);
        let shown = shown(&parts);
        let mut from = 0;
        for text in visible(&Hsl::read(&raw)) {
            let expected = seen(&text);
            let at = shown[from..].find(&expected);
            prop_assert!(at.is_some(), "{expected:?} is not shown after {from} in {shown:?}");
            from += at.unwrap_or_default() + expected.len();
        }
    }

    #[test]
    fn any_json_renders_within_the_limits(raw in any_json()) {
        block_kit::validate(&parts(&outgoing(raw.clone())));
        block_kit::validate(&parts(&outgoing(Value::from(raw.to_string()))));
    }
}
