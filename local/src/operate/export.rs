//! `haptik-bridge export USER`.

use haptik_bridge_local::privacy::export;
use haptik_bridge_shared::ids::AuthId;

use super::Target;
use super::person::PersonArguments;
use crate::terminal::print_json;

/// Whose data.
#[derive(Debug, clap::Args)]
#[command(mut_arg("user", |user| user.required(true)))]
pub(crate) struct Arguments {
    #[command(flatten)]
    of: PersonArguments,
    #[command(flatten)]
    place: Target,
}

pub(crate) async fn run(
    arguments: Arguments,
    variable: fn(&str) -> Option<String>,
) -> anyhow::Result<()> {
    let operated = arguments.place.open(variable).await?;
    let config = arguments.of.configuration(&operated)?;
    let person = arguments.of.person(&operated).await?;
    let what = operated
        .hashed(person.auth_ids.iter().map(AuthId::as_str))
        .await?;
    operated
        .record(&arguments.place, "exported", &what, 1)
        .await?;
    let exported = export(&operated.ledger, config.as_ref(), &person).await?;
    print_json(&exported)
}
