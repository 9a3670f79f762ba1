//! The bridge between the fake Twilio and a bot that repeats what it is told, in a process of its own, for
//! `tests/twilio`: once under a number, once on WhatsApp. Prints where all is as one line of JSON, and runs until its
//! standard input ends.

#![expect(clippy::print_stdout, reason = "it says where they listen")]

use std::sync::Arc;

use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::fake_twilio::{ACCOUNT, FakeTwilio, NUMBER, TOKEN, WHATSAPP};
use haptik_bridge_tests::{Options, Stage};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

/// Offers two choices to who asks for an offer, and repeats anything else.
fn bot(message: &UserMessage) -> Vec<Reply> {
    if message.text != "offer" {
        return vec![Reply::Text(format!("You said: {}.", message.text))];
    }
    let choice = |label: &str| {
        let payload = json!({"message": format!("I take {label}")});
        json!({"actionable_text": label, "type": "TEXT_ONLY", "payload": payload})
    };
    let items = [choice("tea"), choice("coffee")];
    vec![Reply::Hsl(
        json!({"text": "Well?", "type": "BUTTON", "data": {"items": items}}),
    )]
}

async fn stage(fake: FakeTwilio) -> anyhow::Result<Stage> {
    let options = Options {
        provider: Some(Arc::new(fake)),
        ..Options::default()
    };
    Stage::with(options, bot).await
}

fn where_it_is(stage: &Stage, from: &str) -> Value {
    json!({
        "bridge": stage.channel_url(stage.provider.connection()),
        "api": stage.provider.server().origin(),
        "from": from,
    })
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let sms = stage(FakeTwilio::start().await).await?;
    let whatsapp = stage(FakeTwilio::whatsapp().await).await?;
    println!(
        "{}",
        json!({
            "account": ACCOUNT, "token": TOKEN,
            "sms": where_it_is(&sms, NUMBER),
            "whatsapp": where_it_is(&whatsapp, WHATSAPP),
        })
    );
    // An input that cannot be read has ended too.
    let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
    sms.abandon();
    whatsapp.abandon();
    Ok(())
}
