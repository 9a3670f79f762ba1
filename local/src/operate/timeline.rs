//! `haptik-bridge timeline USER`.

use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::users::{Mode, User};

use super::Common;
use crate::terminal::visible;

/// Whose timeline.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The user: an `auth_id`; `CONNECTION/USER` with the channel's own id, as `acme-slack/U024BE7LH`
    /// (`CONNECTION/USER/THREAD` where each thread is a conversation, `acme-slack/T024BE7LR:U024BE7LH`
    /// where many workspaces have the app); or the channel's own id alone, a correlation id or an id of a
    /// message, for which the whole table is read.
    user: String,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(
    arguments: Arguments,
    variable: fn(&str) -> Option<String>,
) -> anyhow::Result<()> {
    let operated = arguments.common.place.open(variable).await?;
    let users = operated.users_named(&arguments.user).await?;
    let mut entries = Vec::new();
    for lane in operated.lanes_of(&users).await? {
        entries.extend(operated.ledger.entries(&lane).await?);
    }
    if !arguments.common.json {
        for user in &users {
            let known = operated.users.get(user).await?;
            let known = known.as_ref().map_or_else(|| user.to_string(), about);
            println!("{}", visible(&known));
        }
        println!();
    }
    entries.sort_by_key(|entry| entry.received_at);
    let what = if arguments.common.bodies {
        operated.hashed(users.iter().map(AuthId::as_str)).await?
    } else {
        String::new()
    };
    arguments.common.print(&operated, &entries, &what).await
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
