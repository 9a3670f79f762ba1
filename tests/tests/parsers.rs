//! No bytes that a sender of requests can choose bring a parser down.

use haptik_bridge_parsers::Parser;
use haptik_bridge_tests::parsers::{Mutator, samples};

/// How many inputs are made of the samples of each parser.
const INPUTS: usize = 3_000;

#[test]
fn no_input_brings_a_parser_down() {
    for parser in Parser::ALL {
        let samples = samples(parser);
        assert!(!samples.is_empty(), "{parser:?} has no samples");
        for sample in &samples {
            parser.read(sample);
        }
        let mut mutator = Mutator::new(1, samples);
        for _ in 0..INPUTS {
            parser.read(&mutator.next_input());
        }
    }
}

#[test]
fn no_depth_and_no_length_brings_a_parser_down() {
    for parser in Parser::ALL {
        for (open, close) in [
            ("[", "]"),
            ("{\"data\":", "}"),
            ("{\"a\":[", "]}"),
            ("a.", ""),
        ] {
            for depth in [100, 127, 128, 10_000] {
                let text = format!("{}{}", open.repeat(depth), close.repeat(depth));
                parser.read(text.as_bytes());
                parser.read(format!("x = {text}").as_bytes());
            }
        }
        parser.read(&vec![b'a'; 1 << 20]);
        parser.read(&[0xff; 1024]);
        parser.read(&[]);
    }
}

/// A message is never accepted and then found to be unreadable: what was taken at any depth can be stored
/// and read back ([`Parser::read`] checks that).
#[test]
fn what_is_accepted_at_any_depth_can_be_read_back_from_the_ledger() {
    for depth in 1..=130 {
        let deep = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let custom = format!(
            r#"{{"type": "message", "id": "1", "timestamp": "2026-11-22T10:00:00Z", "text": "hello",
                 "user": {{"id": "u", "custom_data": {{"deep": {deep}}}}}}}"#
        );
        Parser::Custom.read(custom.as_bytes());
        let hsl = format!(r#"{{"type": "CAROUSEL", "text": "hello", "data": {deep}}}"#);
        Parser::Hsl.read(hsl.as_bytes());
        let interaction = format!(
            r#"{{"type": "block_actions", "user": {{"id": "U1"}}, "channel": {{"id": "D1"}},
                 "message": {{"ts": "1.000001", "blocks": {deep}}}, "container": {{"message_ts": "1.000001"}},
                 "actions": [{{"type": "button", "value": "x", "action_id": "a", "block_id": "b",
                               "action_ts": "2.000001", "extra": {deep}}}]}}"#
        );
        Parser::SlackInteraction.read(interaction.as_bytes());
    }
}
