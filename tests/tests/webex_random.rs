//! Messages at random, by the hundred: Webex takes what they become, and nothing visible is lost.

use haptik_bridge_channels::preview::Preview;
use haptik_bridge_channels::registry;
use haptik_bridge_shared::message::Sender;
use haptik_bridge_shared::message::hsl::{Element, Hsl};
use haptik_bridge_tests::fake_webex::{shown, takes};
use haptik_bridge_tests::random_hsl::{addresses, any_json, hsl, samples, seen, texts};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

fn preview(body: &Value) -> Vec<Preview> {
    let channel = registry::find("webex").expect("it is a channel");
    (channel.preview)(body, &Sender::default())
}

/// Panics when Webex would refuse one of these, or when one could mention somebody.
fn check(previews: &[Preview]) {
    for Preview { payload, .. } in previews {
        if let Err(refused) = takes(payload) {
            panic!("{refused}: {payload:#}");
        }
        let text = payload["markdown"].as_str().unwrap_or_default();
        assert!(!text.contains("<@"), "{text}");
        let card = payload["attachments"].to_string();
        assert!(card.len() <= 16_500, "{}", card.len());
    }
}

fn check_whole(raw: &Value) {
    let (hsl, previews) = (Hsl::read(raw), preview(raw));
    check(&previews);
    if hsl.element == Element::Silent {
        return assert!(previews.is_empty());
    }
    let (mut text, mut labels, mut there) = (String::new(), String::new(), String::new());
    for Preview { payload, .. } in &previews {
        let shown = shown(payload);
        text += &seen(&shown.text);
        for label in shown.buttons {
            labels = labels + &seen(&label) + "\n";
        }
        there = there + &shown.text + "\n";
        for (label, address) in shown.links {
            labels = labels + &seen(&label) + "\n";
            there = there + &address + "\n";
        }
        for address in shown.files {
            there = there + &address + "\n";
        }
    }
    let expected: Vec<String> = texts(&hsl).iter().map(|text| seen(text)).collect();
    let mut expected = expected.iter();
    let not_shown = expected.find(|one| !text.contains(*one) && !labels.contains(*one));
    assert_eq!(not_shown, None, "not in {text}\n{labels}");
    let addresses = addresses(&hsl);
    let mut addresses = addresses.iter();
    // What would end a link in a text is encoded there.
    let encoded = |text: &str| text.replace('(', "%28").replace(')', "%29");
    let there = encoded(&there);
    let not_there = addresses.find(|address| !there.contains(&encoded(address)));
    assert_eq!(not_there, None, "not in {there}");
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 60, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn any_long_text_is_taken_and_shown_whole(text in "\\PC{0,9000}|([a-z]\n){0,5000}|(\\PC{0,99}\n){0,90}|(<@all> ?){0,900}") {
        check_whole(&json!({"type": "TEXT", "text": text}));
    }
}

#[test]
fn every_sample_is_taken_and_shown_whole() {
    for sample in samples() {
        check_whole(&sample);
    }
}

#[test]
fn a_text_is_one_message_up_to_the_last_byte_that_webex_takes() {
    // Two bytes a letter.
    for (count, messages) in [(3_719, 1), (3_720, 2)] {
        let text = "ä".repeat(count);
        let previews = preview(&json!({"type": "TEXT", "text": text}));
        assert_eq!(previews.len(), messages, "{count}");
    }
}
