//! Messages of Haptik's at random, as bots write them and as somebody hostile would, and what of one has to
//! be visible in any channel.

use haptik_bridge_channels::render::{Markup, read};
use haptik_bridge_shared::message::hsl::{Actionable, Effect, Element, Hsl, visible_text};
use haptik_bridge_shared::message::without_machine_parts;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Any message in HSL; most are of the size that bots send.
pub fn hsl() -> impl Strategy<Value = Value> {
    prop_oneof![19 => sized(4, 2), 1 => sized(60, 60)]
}

/// Any message in HSL with [`MACHINE_PART`] behind each text that people are to read, outside of code.
pub fn hsl_with_machine_parts() -> impl Strategy<Value = Value> {
    sized(4, 2).prop_map(|mut body| {
        body["data"]["submit_text"] = "Go".into();
        body["data"]["intents"] = json!(["Did you mean this?"]);
        add_machine_parts(&mut body);
        body
    })
}

/// What no channel shows.
pub const MACHINE_PART: &str = "{unseen: {part: 1}}";

/// The keys of the texts that people read.
const READ: [&str; 12] = [
    "text",
    "title",
    "subtitle",
    "sub_title",
    "description",
    "hint",
    "options",
    "actionable_text",
    "message",
    "submit_text",
    "error_message",
    "intents",
];

fn add_machine_parts(value: &mut Value) {
    let add = |text: &mut String| {
        *text = text.replace(['`', '~', '{', '}'], "") + MACHINE_PART;
    };
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if READ.contains(&key.as_str()) => add(text),
                    Value::Array(texts) if READ.contains(&key.as_str()) => {
                        for text in texts {
                            match text {
                                Value::String(text) => add(text),
                                other => add_machine_parts(other),
                            }
                        }
                    }
                    other => add_machine_parts(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(add_machine_parts),
        _ => {}
    }
}

/// Any JSON at all, with HSL's names in it.
pub fn any_json() -> impl Strategy<Value = Value> {
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

/// What a person is to see of a message, in order: its texts, the labels of what can be tapped (their
/// beginning, where a channel may shorten them), addresses that are shown as they are.
#[must_use]
pub fn texts(hsl: &Hsl) -> Vec<String> {
    let mut texts = vec![plain(&hsl.text)];
    match &hsl.element {
        Element::Text {
            quick_replies: items,
        }
        | Element::Button { items } => texts.extend(items.iter().flat_map(texts_of)),
        Element::Carousel { items } => {
            for card in items {
                if !is_web(&card.thumbnail) {
                    texts.push(card.thumbnail.clone());
                }
                texts.extend([
                    plain(&card.title),
                    plain(&card.sub_title),
                    plain(&card.description),
                ]);
                texts.extend(card.actionables.iter().flat_map(texts_of));
            }
        }
        Element::Form(form) => {
            texts.extend([plain(&form.title), plain(&form.subtitle)]);
            for field in &form.fields {
                texts.push(plain(&field.hint));
                let options = field.options.iter();
                texts.extend(options.map(|option| start(&plain(&visible_text(option)))));
            }
        }
        _ => {}
    }
    texts
}

/// Where a message's images are and its links lead, in order.
#[must_use]
pub fn addresses(hsl: &Hsl) -> Vec<String> {
    let mut addresses = Vec::new();
    let of = |actionable: &Actionable| {
        let payload = &actionable.payload;
        let all = match actionable.effect() {
            Effect::Open { url, .. } => vec![url],
            Effect::Share => payload.images.clone(),
            Effect::Detail => [payload.images.clone(), vec![payload.url.clone()]].concat(),
            _ => Vec::new(),
        };
        all.into_iter().filter(|address| is_web(address))
    };
    if let Element::Carousel { items } = &hsl.element {
        for card in items {
            addresses.extend(Some(card.thumbnail.clone()).filter(|address| is_web(address)));
            addresses.extend(card.actionables.iter().flat_map(of));
        }
    } else {
        addresses.extend(hsl.actionables().flat_map(of));
    }
    addresses
}

/// A text without its markup.
fn plain(text: &str) -> String {
    Markup::Plain.print(&read(text))
}

/// Haptik's samples: the message of each, or all of one that is no delivery.
///
/// # Panics
/// When one cannot be read, or there are none.
#[must_use]
pub fn samples() -> Vec<Value> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/tests/samples");
    let files = std::fs::read_dir(directory).expect("the samples");
    let samples: Vec<Value> = files
        .map(|file| {
            let text = std::fs::read_to_string(file.expect("a file").path()).expect("a text");
            let sample: Value = serde_json::from_str(&text).expect("JSON");
            sample.pointer("/message/body").unwrap_or(&sample).clone()
        })
        .collect();
    assert!(samples.len() > 10, "{}", samples.len());
    samples
}

/// Holds against a message what is shown of it: all its texts, compared as by [`seen`], and all its addresses.
///
/// # Panics
/// When one of them is not there.
pub fn assert_whole(hsl: &Hsl, shown_texts: &str, shown_addresses: &str) {
    let expected: Vec<String> = texts(hsl).iter().map(|text| seen(text)).collect();
    let not_shown = expected.iter().find(|text| !shown_texts.contains(*text));
    assert_eq!(not_shown, None, "not in {shown_texts}");
    let addresses = addresses(hsl);
    let mut addresses = addresses.iter();
    let not_there = addresses.find(|address| !shown_addresses.contains(*address));
    assert_eq!(not_there, None, "not in {shown_addresses}");
}

/// What is compared of a text: letters and digits, whatever becomes of the markup between them.
#[must_use]
pub fn seen(text: &str) -> String {
    text.chars().filter(|one| one.is_alphanumeric()).collect()
}

/// The first of these that is not in a text after those before it.
#[must_use]
pub fn missing<'a>(text: &str, expected: &'a [String]) -> Option<&'a String> {
    let mut from = 0;
    expected.iter().find(|expected| {
        let at = text
            .get(from..)
            .and_then(|rest| rest.find(expected.as_str()));
        from += at.unwrap_or_default() + expected.len();
        at.is_none()
    })
}

/// Whether an address can be behind a button or a picture. Others are shown as texts.
fn is_web(address: &str) -> bool {
    let is_proper = |byte: u8| byte.is_ascii_graphic() && !b"<>|\"\\`^{}".contains(&byte);
    let is_http = ["https://", "http://"]
        .iter()
        .any(|start| address.starts_with(start) && address.len() > start.len());
    is_http && address.len() <= ADDRESS && address.bytes().all(is_proper)
}

/// The longest of them.
const ADDRESS: usize = 3_000;

/// What is shown at least of a choice's label: 75 UTF-16 units, white space closed up.
fn start(label: &str) -> String {
    let words: Vec<&str> = label.split_whitespace().collect();
    words.join(" ").chars().take(36).collect()
}

fn texts_of(actionable: &Actionable) -> Vec<String> {
    let label = plain(&actionable.label());
    let payload = &actionable.payload;
    let detail = [&payload.title, &payload.sub_title, &payload.description].map(|text| plain(text));
    let start = start(&label);
    match actionable.effect() {
        Effect::Say(_) => vec![start],
        Effect::Open { url, .. } if is_web(&url) => vec![start],
        Effect::Open { url, .. } => vec![label, url],
        Effect::Share => vec![label, plain(&without_machine_parts(&payload.message))],
        Effect::Call { number } => vec![label, number],
        Effect::Detail if is_web(&payload.url) => [detail.to_vec(), vec![start]].concat(),
        Effect::Detail => [vec![label], detail.to_vec()].concat(),
        Effect::Location | Effect::Upload | Effect::Feedback => vec![label],
    }
}

/// Texts; one in so many is long, up to `times` times a short one.
fn text(times: usize) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => "[a-zA-Z0-9]{1,12} ",
        2 => "\\PC{0,8}",
        1 => prop_oneof![
            Just("<!channel>".to_owned()), Just("<@U123>".to_owned()), Just("&amp;".to_owned()), Just(" & ".to_owned()),
            Just("*bold*".to_owned()), Just("**bold**".to_owned()), Just("```".to_owned()), Just("`x`".to_owned()),
            Just("\n\n".to_owned()), Just("https://b.example/b?c=d&e=f ".to_owned()), Just("\u{0}\r\n".to_owned()),
            Just("{task}".to_owned()), Just("🔢👩\u{200d}👧".to_owned()), Just("नमस्ते ".to_owned()),
        ],
    ];
    prop_oneof![
        2 => Just(String::new()),
        12 => vec(piece.clone(), 0..8).prop_map(|pieces| pieces.concat()),
        1 => (vec(piece, 1..16), 1..=times * 8).prop_map(|(pieces, times)| pieces.concat().repeat(times)),
    ]
}

fn actionable(times: usize) -> impl Strategy<Value = Value> {
    let uri = prop_oneof![
        3 => Just(""), 2 => Just("LINK"), 1 => Just("CALL"), 1 => Just("SEND_LOCATION"),
        1 => Just("IMAGE_UPLOAD"), 1 => Just("CAROUSEL_DETAIL"),
    ];
    let kind = prop_oneof![4 => Just("TEXT_ONLY"), 2 => Just("APP_ACTION"), 1 => Just("APP_FEEDBACK"), 1 => Just("SHARE")];
    let url = prop_oneof![
        6 => "https://a\\.example/[a-z]{1,9}\\?a=1&b=[0-9]",
        2 => Just(String::new()),
        1 => "[a-z]{1,9}",
        1 => "https://a\\.example/[a-z]{3000,3100}"
    ];
    let texts = (text(times), text(times), text(times), text(times));
    (kind, uri, url, texts, any::<bool>()).prop_map(|(kind, uri, url, (label, message, title, description), flag)| {
        json!({"actionable_text": label, "type": kind, "uri": uri, "is_default": flag, "payload": {
            "message": message, "gogo_message": if flag { &title } else { "" }, "url": url, "phone": "+91 12",
            "title": title, "description": description, "images": ["https://a.example/detail.png"],
        }})
    })
}

/// A button that says or opens something, which any channel with buttons has.
fn plain_actionable() -> impl Strategy<Value = Value> {
    let url = prop_oneof![Just(String::new()), "https://a\\.example/[a-z]{1,9}"];
    ("[A-Za-z]{1,12}", url).prop_map(|(label, url)| {
        let uri = if url.is_empty() { "" } else { "LINK" };
        json!({"actionable_text": label, "type": "APP_ACTION", "uri": uri, "payload": {"url": url}})
    })
}

fn card(times: usize) -> impl Strategy<Value = Value> {
    let image = || {
        prop_oneof![
            3 => "https://a\\.example/[a-z]{1,9}\\.png", 1 => Just("https://youtu.be/x".to_owned()),
            // With words behind it, an address is one with odd characters in it: not what `is_web` says.
            1 => text(1).prop_map(|text| text.replace("https://", "")),
        ]
    };
    let odd = (
        text(times),
        text(times),
        text(times),
        image(),
        vec(actionable(times), 0..4),
    );
    // As most bots have them: a picture, a few words, a few buttons.
    let common = (
        "[A-Za-z ]{1,20}",
        "[A-Za-z ]{0,20}",
        "[A-Za-z &<]{0,40}",
        "https://a\\.example/[a-z]{1,9}\\.png",
        vec(plain_actionable(), 0..4),
    );
    prop_oneof![odd.boxed(), common.boxed()].prop_map(|(title, sub_title, description, image, actionables)| {
        json!({"title": title, "sub_title": sub_title, "description": description, "thumbnail": {"image": image}, "actionables": actionables})
    })
}

fn sized(items: usize, times: usize) -> impl Strategy<Value = Value> {
    let text = move || text(times);
    let kind = "text|picker|time|date|contactpicker|startdate|enddate|search|searcheditable|savedaddress|dob|multidaypicker|multiselectpicker|other";
    let field = (text(), vec(text(), 0..5), kind, "normal|number|email")
        .prop_map(|(hint, options, kind, keyboard)| json!({"key": "k", "hint": hint, "type": kind, "keyboard_type": keyboard, "options": options}));
    let common = vec(
        (
            "[A-Za-z ]{1,20}",
            "https://a\\.example/[a-z]{1,9}\\.png",
            vec(plain_actionable(), 0..4),
        ),
        1..items,
    );
    prop_oneof![
        (text(), vec(actionable(times), 0..items)).prop_map(|(text, items)| json!({"text": text, "type": "TEXT", "data": {"quick_replies": items}})),
        (text(), vec(actionable(times), 0..items)).prop_map(|(text, items)| json!({"text": text, "type": "BUTTON", "data": {"items": items}})),
        (text(), vec(card(times), 0..=items / 2)).prop_map(|(text, items)| json!({"text": text, "type": "CAROUSEL", "data": {"items": items}})),
        (text(), common).prop_map(|(text, items)| {
            let items = items.into_iter().map(|(title, image, actionables)| {
                json!({"title": title, "thumbnail": {"image": image}, "actionables": actionables})
            });
            json!({"text": text, "type": "CAROUSEL", "data": {"items": items.collect::<Vec<_>>()}})
        }),
        (text(), text(), vec(field, 0..9)).prop_map(|(title, text, fields)| json!({"title": title, "subtitle": text, "type": "FORM", "data": {"fields": fields}})),
        (text(), "[A-Z_]{0,9}").prop_map(|(text, kind)| json!({"text": text, "type": kind})),
    ]
}
