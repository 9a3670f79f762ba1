//! What Slack, or another channel, is sent for Haptik's samples and for messages at random, a JSON text a line,
//! for another checker than the fakes: `tests/slack_sdk/run` holds it against Slack's own SDK,
//! `tests/google_chat/run` against Google's, `tests/teams/run` against Microsoft's, `tests/webex/run` against Webex's.

#![expect(clippy::print_stdout, reason = "it is a command line")]

use clap::Parser;
use haptik_bridge_channels::registry;
use haptik_bridge_shared::message::{Sender, SenderKind};
use haptik_bridge_tests::random_hsl::{hsl, samples};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

/// Prints what a channel is sent.
#[derive(Debug, Parser)]
struct Arguments {
    /// The seed of the messages.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many messages at random.
    #[arg(long, default_value_t = 1_000)]
    messages: usize,
    /// Which channel.
    #[arg(long, default_value = "slack")]
    channel: String,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    for sample in samples() {
        print(&arguments.channel, &sample);
    }
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&arguments.seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    for _ in 0..arguments.messages {
        let message = hsl().new_tree(&mut runner);
        print(
            &arguments.channel,
            &message
                .map_err(|why| anyhow::anyhow!("no message: {why}"))?
                .current(),
        );
    }
    Ok(())
}

fn print(channel: &str, message: &Value) {
    let agent = Sender {
        kind: SenderKind::Agent,
        name: "Prateek".to_owned(),
        profile_image: "https://a.example/p.png".to_owned(),
    };
    let Some(channel) = registry::find(channel) else {
        return;
    };
    for sender in [Sender::default(), agent] {
        for preview in (channel.preview)(message, &sender) {
            println!(
                "{}",
                json!({"kind": preview.kind, "payload": preview.payload})
            );
        }
    }
}
