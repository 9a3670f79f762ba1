//! Samples for every parser of what others send, and a seeded [`Mutator`] that makes new inputs of them.
//! The fuzz targets begin with the same samples (`fuzz/seed`).

use std::path::Path;

use haptik_bridge_parsers::Parser;

use crate::fake_slack::{self, fixtures};

/// Samples of what a parser reads.
///
/// # Panics
/// When a sample cannot be read.
#[must_use]
pub fn samples(parser: Parser) -> Vec<Vec<u8>> {
    let shared = |prefix| read_all("shared/tests/samples", prefix);
    match parser {
        Parser::Slack => {
            let client = fake_slack::SlackClient::new("any secret");
            fixtures()
                .iter()
                .map(|fixture| client.signed_parts(fixture.delivery()).1)
                .collect()
        }
        Parser::SlackInteraction => read_all("tests/fixtures/slack", "interaction_"),
        Parser::Custom => read_all("tests/fixtures/custom", ""),
        Parser::Haptik => shared("webhook-"),
        Parser::Hsl => shared("hsl-"),
        Parser::Toml => read_all(".", "bridge.example"),
    }
}

/// Makes new inputs of samples: the same ones for the same seed.
#[derive(Debug)]
pub struct Mutator {
    random: fastrand::Rng,
    samples: Vec<Vec<u8>>,
}

impl Mutator {
    /// A mutator of these samples.
    #[must_use]
    pub fn new(seed: u64, samples: Vec<Vec<u8>>) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            samples,
        }
    }

    /// The next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.sample();
        for _ in 0..self.random.usize(1..8) {
            let at = self.random.usize(..=input.len());
            let length = self.random.usize(0..64).min(input.len() - at);
            match self.random.u8(0..6) {
                0 => drop(input.drain(at..at + length)),
                1 => {
                    let copy = input[at..at + length].to_vec();
                    input.splice(at..at, copy);
                }
                2 => {
                    let other = self.sample();
                    let from = self.random.usize(..=other.len());
                    input.splice(at.., other[from..].iter().copied());
                }
                3 if at < input.len() => input[at] = self.random.u8(..),
                _ => {
                    let token = self.random.choice(TOKENS).copied().unwrap_or_default();
                    input.splice(at..at + length, token.bytes());
                }
            }
            input.truncate(64 * 1024);
        }
        input
    }

    fn sample(&mut self) -> Vec<u8> {
        let index = self.random.usize(..self.samples.len().max(1));
        self.samples.get(index).cloned().unwrap_or_default()
    }
}

/// What parsers stumble over.
const TOKENS: &[&str] = &[
    "",
    "null",
    "{}",
    "[]",
    "\"\"",
    "true",
    "-1",
    "1e999",
    "18446744073709551616",
    "0.0000001",
    "\"",
    "\\u0000",
    "\\ud800",
    "ü",
    "👩‍👩‍👧",
    "\u{202e}",
    "<!channel>",
    "<@U1|",
    "&lt;",
    "```",
    "*_~`",
    "{{{{",
    "[[[[[[[[[[[[",
    "{\"data\":{\"data\":",
    "%",
    "%00",
    "payload=",
    "=",
    "#",
    "\n",
    "\r\n",
    "[channels.x]\n",
    "\"\"\"",
    "2026-13-45T99:99:99Z",
    "9999999999.999999",
    "https://[::1]",
    "http://169.254.169.254/",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

/// The files in a directory of the repository whose name begins like this.
fn read_all(directory: &str, prefix: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(directory);
    let files = std::fs::read_dir(&directory).expect("the directory of the samples");
    let mut paths: Vec<_> = files
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy());
            name.is_some_and(|name| name.starts_with(prefix))
        })
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).expect("a readable sample"))
        .collect()
}
