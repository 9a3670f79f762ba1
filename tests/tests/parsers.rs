//! No bytes that a sender of requests can choose bring a parser down.

use haptik_bridge_tests::parsers::{Mutator, Parser};

/// How many inputs are made of the samples of each parser.
const INPUTS: usize = 3_000;

#[test]
fn no_input_brings_a_parser_down() {
    for parser in Parser::ALL {
        let samples = parser.samples();
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
