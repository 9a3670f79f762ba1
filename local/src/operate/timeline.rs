//! `haptik-bridge timeline USER`.

use std::collections::BTreeSet;

use anyhow::bail;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::users::{Mode, User};

use super::{Common, Operated, auth_id, user_of};

/// Whose timeline.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The user: an `auth_id`; `CONNECTION/USER` with the channel's own id, as `acme-slack/U024BE7LH`
    /// (`CONNECTION/USER/THREAD` where each thread is a conversation, `acme-slack/T024BE7LR:U024BE7LH`
    /// where many workspaces have the app); or the channel's own id alone, a correlation id or an id of a
    /// message, for which the whole table is read.
    user: String,
    /// A sink whose deliveries to show too; may be repeated. Of a deployed bridge, all are shown.
    #[arg(long, value_name = "NAME")]
    sink: Vec<String>,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(
    arguments: Arguments,
    variable: fn(&str) -> Option<String>,
) -> anyhow::Result<()> {
    let operated = arguments.common.place.open(variable).await?;
    let named = auth_id(&arguments.user);
    let mut users = BTreeSet::from([named.clone()]);
    let mut lanes = lanes(&operated, &named, &arguments.sink);
    let mut known = operated.users.get(&named).await?;
    if known.is_none()
        && operated
            .ledger
            .entries(&Lane::Channel(named))
            .await?
            .is_empty()
    {
        lanes = Vec::new();
        users = operated
            .ledger
            .lanes_with(&arguments.user)
            .await?
            .iter()
            .filter_map(user_of)
            .cloned()
            .collect();
        for user in &users {
            lanes.extend(self::lanes(&operated, user, &arguments.sink));
            known = operated.users.get(user).await?;
        }
    }
    let mut entries = Vec::new();
    for lane in &lanes {
        entries.extend(operated.ledger.entries(lane).await?);
    }
    entries.sort_by_key(|entry| entry.received_at);
    if entries.is_empty() && known.is_none() {
        bail!(
            "nothing is known of {:?}: neither as an auth_id or CONNECTION/USER, nor as the id of a message",
            arguments.user
        );
    }
    if let (false, Some(user)) = (arguments.common.json, &known) {
        println!("{}\n", about(user));
    } else if !arguments.common.json {
        let users: Vec<&str> = users.iter().map(AuthId::as_str).collect();
        println!("{}\n", users.join(", "));
    }
    arguments.common.print(&entries)
}

fn lanes(operated: &Operated, user: &AuthId, sinks: &[String]) -> Vec<Lane> {
    let configured = operated.deployed.iter();
    let configured = configured.flat_map(|bridge| bridge.config.sinks.keys());
    let sinks: BTreeSet<&String> = configured.chain(sinks).collect();
    let sinks = sinks.into_iter().map(|sink| Lane::Sink {
        sink: sink.clone(),
        auth_id: user.clone(),
    });
    [
        Lane::Haptik(user.clone()),
        Lane::Channel(user.clone()),
        Lane::Task(user.clone()),
    ]
    .into_iter()
    .chain(sinks)
    .collect()
}

fn about(user: &User) -> String {
    format!(
        "{} is {} of {}; {} at Haptik, answered by {}",
        user.auth_id,
        user.channel_user,
        user.connection,
        match (&user.registered, &user.user_name) {
            (_, Some(name)) => name,
            (Some(_), None) => "registered",
            (None, None) => "not registered",
        },
        match user.mode {
            Mode::Bot => "the bot",
            Mode::Agent => "an agent",
        },
    )
}
