//! Messages at random, by the thousand: Slack takes what they become, nothing visible is lost, and the text
//! that stands for the blocks says, read alone, what they say.

use haptik_bridge_channels::preview::Preview;
use haptik_bridge_channels::registry;
use haptik_bridge_shared::message::Sender;
use haptik_bridge_shared::message::hsl::{Element, Hsl};
use haptik_bridge_tests::fake_slack::block_kit::{check_blocks, check_view};
use haptik_bridge_tests::random_hsl::{
    addresses, any_json, hsl, hsl_with_machine_parts, missing, samples, seen, texts,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

/// What a message becomes in Slack.
fn preview(body: &Value, sender: &Sender) -> Vec<Preview> {
    let slack = registry::find("slack").expect("it is a channel");
    (slack.preview)(body, sender)
}

/// All that some messages show, in order: letters and digits, and addresses as they are.
#[derive(Default)]
struct Shown {
    texts: String,
    addresses: String,
}

impl Shown {
    fn of(messages: &[&Value]) -> Self {
        let mut shown = Self::default();
        for message in messages {
            match message.get("blocks").and_then(Value::as_array) {
                Some(blocks) => blocks.iter().for_each(|block| shown.look_at(block)),
                None => shown.read(&message["text"], true),
            }
        }
        shown
    }

    /// The parts of a block, as Slack shows them from top to bottom.
    fn look_at(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.look_at(item)),
            Value::Object(fields) => {
                let kind = value["type"].as_str().unwrap_or_default();
                if matches!(kind, "mrkdwn" | "plain_text") {
                    return self.read(&value["text"], kind == "mrkdwn");
                }
                for key in [
                    "hero_image",
                    "image_url",
                    "text",
                    "title",
                    "subtitle",
                    "body",
                    "elements",
                    "url",
                    "actions",
                ] {
                    match fields.get(key) {
                        Some(Value::String(address)) => self.address(address),
                        Some(part) => self.look_at(part),
                        None => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// Panics when the text could notify somebody.
    fn read(&mut self, text: &Value, escaped: bool) {
        let text = text.as_str().expect("a text");
        let notifies = ["<!", "<@", "<#"]
            .iter()
            .any(|mention| text.contains(mention));
        assert!(!notifies, "{text}");
        let text = if escaped {
            unescaped(text)
        } else {
            text.to_owned()
        };
        self.texts += &seen(&text);
        self.address(&text);
    }

    fn address(&mut self, address: &str) {
        self.addresses.push('\n');
        self.addresses += address;
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// Panics when Slack would refuse one of these.
fn check(previews: &[Preview]) {
    for Preview { kind, payload, .. } in previews {
        if *kind == "modal" {
            check_view(payload).expect("Slack takes the modal");
            continue;
        }
        let text = payload["text"].as_str().expect("a text");
        assert!(!text.trim().is_empty(), "nothing to read out");
        assert!(
            text.chars().count() <= 4_000,
            "{} characters of text",
            text.len()
        );
        if let Some(blocks) = payload.get("blocks") {
            check_blocks(blocks).expect("Slack takes the blocks");
        }
        Shown::of(&[payload]);
    }
}

fn messages(previews: &[Preview]) -> Vec<&Value> {
    let messages = previews.iter().filter(|preview| preview.kind == "message");
    messages.map(|preview| &preview.payload).collect()
}

/// Panics when something of a message is not shown, or not read out.
fn check_whole(raw: &Value) {
    let (hsl, previews) = (Hsl::read(raw), preview(raw, &Sender::default()));
    check(&previews);
    if hsl.element == Element::Silent {
        return assert!(previews.is_empty());
    }
    let messages = messages(&previews);
    let shown = Shown::of(&messages);
    let (texts, addresses) = (texts(&hsl), addresses(&hsl));
    let expected: Vec<String> = texts.iter().map(|text| seen(text)).collect();
    assert_eq!(
        missing(&shown.texts, &expected),
        None,
        "not in {}",
        shown.texts
    );
    assert_eq!(
        missing(&shown.addresses, &addresses),
        None,
        "not in {}",
        shown.addresses
    );
    let read = messages
        .iter()
        .filter_map(|message| message["text"].as_str());
    let read = unescaped(&read.collect::<Vec<_>>().join("\n"));
    assert_eq!(
        missing(&seen(&read), &expected),
        None,
        "not read out in {read}"
    );
    for block in messages
        .iter()
        .filter_map(|message| message["blocks"].as_array())
        .flatten()
    {
        check_read_out(block, &read);
    }
}

/// What keeps signs of a text from being marks, and the sign for which another stands then.
const UNSEEN: [char; 4] = ['\u{2060}', '\u{200b}', '`', '\u{2035}'];

/// Panics when a picture's description or a link's target is not read out.
fn check_read_out(value: &Value, read: &str) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| check_read_out(item, read)),
        Value::Object(fields) => {
            if let Some(description) = fields.get("alt_text").and_then(Value::as_str) {
                // Slack's own words may not be broken up in the text, where they are escaped.
                let description = description.replace(UNSEEN, "");
                let start: String = description.chars().take(100).collect();
                assert!(
                    read.replace(UNSEEN, "").contains(start.trim_end()),
                    "{start:?} is not read out in {read}"
                );
            }
            if let Some(url) = fields
                .get("url")
                .and_then(Value::as_str)
                .filter(|url| url.len() < 1_000)
            {
                assert!(read.contains(url), "{url} is not read out in {read}");
            }
            fields
                .values()
                .for_each(|field| check_read_out(field, read));
        }
        _ => {}
    }
}

/// What a button, a menu or a form carries without showing it, by its key in what a provider is sent; `hsl` is
/// for an application that shows messages itself.
const CARRIED: [&str; 9] = [
    "value",
    "private_metadata",
    "callback_data",
    "data",
    "parameters",
    "hsl",
    "metadata",
    "id",
    "action_id",
];

/// The texts of a payload that people may see.
fn visible(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| visible(item, texts)),
        Value::Object(fields) => {
            let shown = fields
                .iter()
                .filter(|(key, _)| !CARRIED.contains(&key.as_str()));
            shown.for_each(|(_, value)| visible(value, texts));
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 1_000, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn no_channel_shows_a_machine_part(raw in hsl_with_machine_parts()) {
        for channel in registry::CHANNELS {
            for Preview { kind, payload, .. } in (channel.preview)(&raw, &Sender::default()) {
                let mut texts = Vec::new();
                visible(&payload, &mut texts);
                let shows = texts.iter().find(|text| text.contains("unseen"));
                prop_assert_eq!(shows, None, "{} in {}: {:#}", kind, channel.name, payload);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, max_shrink_iters: 2_000, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn any_message_is_taken_and_shown_and_read_out_whole(raw in hsl()) {
        check_whole(&raw);
    }

    #[test]
    fn any_json_is_taken(raw in any_json()) {
        check(&preview(&raw, &Sender::default()));
        check(&preview(&Value::from(raw.to_string()), &Sender::default()));
    }
}

#[test]
fn every_sample_is_taken_and_shown_and_read_out_whole() {
    for sample in samples() {
        check_whole(&sample);
    }
}

#[test]
fn a_card_beyond_what_slacks_own_hold_is_shown_all_the_same() {
    for (title, description, buttons) in [(151, 10, 1), (150, 201, 1), (150, 200, 4), (150, 200, 3)]
    {
        let button = |number: usize| json!({"actionable_text": format!("B{number}")});
        let buttons: Vec<Value> = (0..buttons).map(button).collect();
        let card = json!({"title": "t".repeat(title), "description": "d".repeat(description), "actionables": buttons});
        let raw = json!({"type": "CAROUSEL", "data": {"items": [card.clone(), card]}});
        check_whole(&raw);
        let previews = preview(&raw, &Sender::default());
        let is_native = previews[0].payload["blocks"][0]["type"] == "carousel";
        assert_eq!(
            is_native,
            title == 150 && description == 200 && buttons.len() == 3
        );
    }
}
