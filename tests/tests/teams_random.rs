//! Messages at random, by the hundred: Teams takes what they become, and nothing visible is lost.

use haptik_bridge_channels::preview::Preview;
use haptik_bridge_channels::registry;
use haptik_bridge_shared::message::Sender;
use haptik_bridge_shared::message::hsl::{Element, Hsl};
use haptik_bridge_tests::fake_teams::takes;
use haptik_bridge_tests::random_hsl::{any_json, assert_whole, hsl, samples, seen};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::Value;

fn preview(body: &Value) -> Vec<Preview> {
    let channel = registry::find("teams").expect("it is a channel");
    (channel.preview)(body, &Sender::default())
}

/// Panics when Teams would refuse one of these.
fn check(previews: &[Preview]) {
    for Preview { payload, .. } in previews {
        if let Err(refused) = takes(payload) {
            panic!("{refused}: {payload:#}");
        }
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
                        ("text" | "title" | "label" | "placeholder", Some(text)) => {
                            self.markdown(text);
                        }
                        ("url", Some(url)) => self.address(url),
                        // What stands for a card in notifications, and what a button carries.
                        ("summary" | "data", _) => {}
                        _ => self.look_at(value),
                    }
                }
            }
            _ => {}
        }
    }

    /// A text in Markdown: the address of a link is no letter of it.
    fn markdown(&mut self, text: &str) {
        self.address(&text.replace('\\', ""));
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("](") {
            self.texts += &seen(before);
            rest = after.split_once(')').map_or(after, |(_, after)| after);
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
    for Preview { payload, .. } in &previews {
        shown.look_at(payload);
    }
    assert_whole(&hsl, &shown.texts, &shown.addresses);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, max_shrink_iters: 1_000, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

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
