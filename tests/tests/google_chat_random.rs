//! Messages at random, by the hundred: Google Chat takes what they become, and nothing visible is lost.

use haptik_bridge_channels::preview::Preview;
use haptik_bridge_channels::registry;
use haptik_bridge_shared::message::Sender;
use haptik_bridge_shared::message::hsl::{Element, Hsl};
use haptik_bridge_tests::fake_google_chat::{Kind, takes};
use haptik_bridge_tests::random_hsl::{any_json, assert_whole, hsl, samples, seen};
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
                        ("textParagraph", _) => {
                            self.html(value["text"].as_str().unwrap_or_default());
                        }
                        ("text" | "label" | "hintText", Some(text)) => self.texts += &seen(text),
                        ("imageUrl" | "url", Some(url)) => self.address(url),
                        ("parameters" | "function", _) => {}
                        _ => self.look_at(value),
                    }
                }
            }
            _ => {}
        }
    }

    /// A text of a card. Its addresses are no letters of it.
    fn html(&mut self, html: &str) {
        let decoded = |text: &str| {
            let text = text.replace("&lt;", "<").replace("&gt;", ">");
            text.replace("&quot;", "\"").replace("&amp;", "&")
        };
        let mut rest = html;
        while let Some((before, after)) = rest.split_once('<') {
            self.texts += &seen(&decoded(before));
            self.address(&decoded(before));
            let (tag, after) = after.split_once('>').expect("a tag ends");
            if let Some(url) = tag.strip_prefix("a href=\"") {
                self.address(&decoded(url));
            }
            rest = after;
        }
        self.texts += &seen(&decoded(rest));
        self.address(&decoded(rest));
    }

    /// A text in Google Chat's markup: the address of a link is no letter of it.
    fn markup(&mut self, text: &str) {
        let text = text.replace('\u{2060}', "");
        self.address(&text);
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('<') {
            self.texts += &seen(before);
            let link = after.split_once('>').and_then(|(inside, after)| {
                let (_, label) = inside
                    .split_once('|')
                    .filter(|_| inside.starts_with("http"))?;
                Some((label, after))
            });
            rest = match link {
                Some((label, after)) => {
                    self.texts += &seen(label);
                    after
                }
                None => after,
            };
        }
        self.texts += &seen(rest);
    }

    fn address(&mut self, address: &str) {
        self.addresses.push('\n');
        self.addresses += address;
    }
}

fn check_whole(raw: &Value) {
    let (hsl, previews) = (Hsl::read(raw), preview(raw));
    check(&previews);
    if hsl.element == Element::Silent {
        return assert!(previews.is_empty());
    }
    let mut shown = Shown::default();
    // Accessory buttons stand below all else of their message, whatever they were between.
    for parts in [&["text", "cardsV2"][..], &["accessoryWidgets"]] {
        for Preview { payload, .. } in &previews {
            for part in parts {
                match &payload[*part] {
                    Value::String(text) => shown.markup(text),
                    part => shown.look_at(part),
                }
            }
        }
    }
    assert_whole(&hsl, &shown.texts, &shown.addresses);
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
    for sample in samples() {
        check_whole(&sample);
    }
}
