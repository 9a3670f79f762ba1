//! The example in a terminal: you are the user.

#![expect(clippy::print_stdout, reason = "it is a command line")]

use clap::Parser;
use external_bot::{Bot, Client, router};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A bot of your own that hands its user over to Haptik's agents, and takes the user back. You are the user:
/// the bot repeats what you say; "agent" brings a human; "/bot" brings the bot back before the human is done.
#[derive(Debug, Parser)]
struct Arguments {
    /// The connection's URL.
    #[arg(long, default_value = "http://127.0.0.1:3000/channels/my-bot")]
    bridge: String,
    /// Its signing secret; the default is the demo's.
    #[arg(
        long,
        default_value = "whsec_aGFwdGlrLWJyaWRnZSBkZW1vOiBub3QgYSBzZWNyZXQ="
    )]
    secret: String,
    /// The port of the callback URL, `http://127.0.0.1:PORT/callback`.
    #[arg(long, value_name = "PORT", default_value_t = 4000)]
    listen: u16,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let http = haptik_bridge_shared::net::client()?;
    let client = Client::new(http, &arguments.bridge, &arguments.secret)?;
    let (screen, mut shown) = mpsc::unbounded_channel();
    let bot = Bot::new(client, json!({"id": "u-42", "name": "Asha"}), screen);
    let listener = TcpListener::bind(("127.0.0.1", arguments.listen)).await?;
    let server = router(bot.clone());
    tokio::spawn(async move { axum::serve(listener, server).await });
    tokio::spawn(async move {
        while let Some(line) = shown.recv().await {
            println!("{line}");
        }
    });
    println!("Say something; \"agent\" brings a human, \"/bot\" brings the bot back.");
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        match line.trim() {
            "" => {}
            text => bot.hear(text).await,
        }
    }
    Ok(())
}
