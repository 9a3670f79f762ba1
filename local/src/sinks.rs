//! `haptik-bridge sink test` and `haptik-bridge sink preview`: a sink, before any event comes.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::AccountId;
use haptik_bridge_shared::net;
use haptik_bridge_shared::net::aws::AwsEnvironment;
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_sinks::{Delivered, Delivery, SinkDeps, Sinks, context};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::terminal::visible;

/// What to do with a sink.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send an event through a sink, as a new one, and print what came of it.
    Test(Arguments),
    /// Print the requests that an event would become, without secrets. Sends nothing.
    Preview(Arguments),
}

/// Which sink, and which event.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The sink's name in the configuration.
    name: String,
    /// The configuration.
    #[arg(long, value_name = "FILE", env = "HAPTIK_BRIDGE_CONFIG", default_value = crate::CONFIG_FILE)]
    config: PathBuf,
    /// An event, as Haptik delivers it; `-` reads standard input [default: a sample of
    /// `webhook_conversation_complete`]
    #[arg(long, value_name = "FILE.json")]
    event: Option<PathBuf>,
    /// The account that it came by [default: the first one]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

/// How long ago the event has come: so long that there is nothing to wait for any more.
const AGO: SignedDuration = SignedDuration::from_hours(2);

pub(crate) async fn run(command: Command) -> anyhow::Result<()> {
    let (arguments, send) = match command {
        Command::Test(arguments) => (arguments, true),
        Command::Preview(arguments) => (arguments, false),
    };
    let config = crate::check::read(&arguments.config)?;
    let account = account(&config, arguments.account.as_deref())?;
    let body = arguments.body()?;
    let event = Event::read(body.as_bytes()).context("the event is none of Haptik's")?;
    let Some(configured) = config.sinks.get(&arguments.name) else {
        let names: Vec<_> = config.sinks.keys().map(String::as_str).collect();
        bail!(
            "there is no [sinks.{}] in {}; there {}",
            arguments.name,
            arguments.config.display(),
            match names.as_slice() {
                [] => "is none".to_owned(),
                names => format!("is {}", names.join(", ")),
            }
        );
    };
    let value: Value = serde_json::from_str(&body)?;
    if !configured.wants_event(&event.event_name, &value) {
        println!(
            "Note: the sink does not get such an event by its `events` and `when`; it is tried all the same.\n"
        );
    }
    let database = EmbeddedDynamoDb::start(None).await?;
    let aws = AwsEnvironment::read(crate::variable);
    let deps = SinkDeps::new(&config, &database.table, &net::client()?, &aws);
    let sinks = Sinks::new(&config, &deps);
    let sink = sinks.get(&arguments.name);
    let sink = sink.context("the sink was not made")?;
    let now = Timestamp::now();
    let delivery = Delivery {
        sink: &arguments.name,
        account: &account,
        event: &event,
        body: &body,
        unmasked: &body,
        key: &event.key(body.as_bytes()),
        received_at: now - AGO,
        now,
        again: false,
        completion_wait: Duration::ZERO,
        longest_settling: Duration::MAX,
    };
    if !send {
        let previews = sink.preview(&delivery).await.map_err(failure)?;
        for preview in previews {
            println!("{}", visible(&preview.to_string()));
        }
        return Ok(());
    }
    match sink.deliver(&delivery).await.map_err(failure)? {
        Delivered::Done => println!("{} took the event.", arguments.name),
        Delivered::Ticket(ticket) => {
            let url = ticket.url.map(|url| format!(", {url}")).unwrap_or_default();
            let ticket = format!("ticket {}{url}", ticket.id);
            println!("{} took the event: {}", arguments.name, visible(&ticket));
        }
        Delivered::Nothing(reason) => println!("Nothing was sent: {reason}."),
        Delivered::Later(_, reason) => bail!("it would be tried again later: {reason}"),
    }
    Ok(())
}

impl Arguments {
    /// The event; the sample is another conversation each time, so that a test makes a ticket each time.
    fn body(&self) -> anyhow::Result<String> {
        if let Some(file) = &self.event {
            return crate::show::read(file);
        }
        let mut sample: Value = serde_json::from_str(context::sample())?;
        let conversation = format!("sample-{:016x}", fastrand::u64(..));
        if let Some(data) = sample.get_mut("data").and_then(Value::as_object_mut) {
            data.insert("conversation_identifier".to_owned(), json!(conversation));
        }
        if let Some(sample) = sample.as_object_mut() {
            let now = format!("{:.3}", Timestamp::now());
            sample.insert("timestamp".to_owned(), json!(now));
        }
        Ok(sample.to_string())
    }
}

/// The account that is meant.
fn account(config: &Config, name: Option<&str>) -> anyhow::Result<AccountId> {
    let names: Vec<_> = config.haptik.keys().map(String::as_str).collect();
    match name {
        Some(name) if !config.haptik.contains_key(name) => {
            bail!("there is no [haptik.{name}]; there is {}", names.join(", "))
        }
        Some(name) => Ok(AccountId::from(name)),
        None => {
            let first = names.first().copied();
            Ok(AccountId::from(first.context("there is no account")?))
        }
    }
}

/// What went wrong, the receiver's own words included: the operator asked for them.
fn failure(error: impl Into<Failure>) -> anyhow::Error {
    anyhow::Error::msg(error.into().in_full())
}
