//! Messages at random, by the thousand: Google Chat takes what they become, and nothing visible is lost.

use haptik_bridge_channels::preview::Preview;
use haptik_bridge_channels::registry;
use haptik_bridge_shared::message::Sender;
use haptik_bridge_shared::message::hsl::{Element, Hsl};
use haptik_bridge_tests::fake_google_chat::{Kind, takes};
use haptik_bridge_tests::random_hsl::{addresses, any_json, hsl, seen, texts};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::Value;

fn preview(body: &Value) -> Vec<Preview> {
    let channel = registry::find("google_chat").expect("it is a channel");
    (channel.preview)(body, &Sender::default())
}

/// Panics when Google would refuse one of these, or when one could mention somebody.
fn check(previews: &[Preview]) {
    for Preview { payload, .. } in previews {
        if let Err(refused) = takes(payload, Kind::AddOn) {
            panic!("{refused}: {payload:#}");
        }
        let text = payload["text"].as_str().unwrap_or_default();
        assert!(!text.to_lowercase().contains("<users/"), "{text}");
    }
}

/// All that a message shows, in order: letters and digits, and addresses as they are.
#[derive(Default)]
struct Shown {
    texts: String,
    addresses: String,
}

impl Shown {
    fn look_at(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.look_at(item)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (name.as_str(), value.as_str()) {
                        ("text" | "label" | "hintText", Some(text)) => self.read(text),
                        ("imageUrl" | "url", Some(url)) => self.address(url),
                        ("parameters" | "function", _) => {}
                        _ => self.look_at(value),
                    }
                }
            }
            _ => {}
        }
    }

    /// A text, as HTML or in Google's markup: an address is no letter of it.
    fn read(&mut self, text: &str) {
        let text = text.replace('\u{2060}', "");
        self.address(&text.replace("&amp;", "&").replace("&quot;", "\""));
        let text = text.replace("&lt;", "\0").replace("&gt;", "\0");
        let text = text.replace("&amp;", "\0").replace("&quot;", "\0");
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('<') {
            self.texts += &seen(before);
            let (inside, after) = after.split_once('>').unwrap_or((after, ""));
            if let Some((url, label)) = inside.split_once('|')
                && url.starts_with("http")
            {
                self.texts += &seen(label);
            } else if !is_tag(inside) {
                self.texts += &seen(inside);
            }
            rest = after;
        }
        self.texts += &seen(rest);
    }

    fn address(&mut self, address: &str) {
        self.addresses.push('\n');
        self.addresses += address;
    }
}

fn is_tag(inside: &str) -> bool {
    ["b", "/b", "i", "/i", "s", "/s", "br", "/a"].contains(&inside) || inside.starts_with("a href=")
}

fn check_whole(raw: &Value) {
    let (hsl, previews) = (Hsl::read(raw), preview(raw));
    check(&previews);
    if hsl.element == Element::Silent {
        return assert!(previews.is_empty());
    }
    let mut shown = Shown::default();
    for Preview { payload, .. } in &previews {
        for part in ["text", "cardsV2", "accessoryWidgets"] {
            match &payload[part] {
                Value::String(text) => shown.read(text),
                part => shown.look_at(part),
            }
        }
    }
    // Accessory buttons stand below all else, whatever they were between.
    let expected: Vec<String> = texts(&hsl).iter().map(|text| seen(text)).collect();
    let not_shown = expected.iter().find(|text| !shown.texts.contains(*text));
    assert_eq!(not_shown, None, "not in {}", shown.texts);
    let addresses = addresses(&hsl);
    let mut addresses = addresses.iter();
    let not_there = addresses.find(|address| !shown.addresses.contains(*address));
    assert_eq!(not_there, None, "not in {}", shown.addresses);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, max_shrink_iters: 1_000, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn any_message_is_taken_and_shown_whole(raw in hsl()) {
        check_whole(&raw);
    }

    #[test]
    fn any_json_is_taken(raw in any_json()) {
        check(&preview(&raw));
    }
}

#[test]
fn every_sample_is_taken_and_shown_whole() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/tests/samples");
    for file in std::fs::read_dir(directory).expect("the samples") {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        let sample: Value = serde_json::from_str(&text).expect("JSON");
        check_whole(sample.pointer("/message/body").unwrap_or(&sample));
    }
}
