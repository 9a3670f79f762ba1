//! What `haptik-bridge check --online` tries: the client secret, for which Microsoft gives an access token.

use super::api::TeamsApi;
use crate::channel::{Finding, Verdict};

/// What to do about credentials that are not good.
const MEND: &str = "look at app_id and tenant_id, or make a new client secret of the app \
    registration; what is needed is its value, not its id";

/// Tries the credentials of a connection. Whether there is an Azure Bot for them is seen with the first
/// answer.
pub(super) async fn try_bot(api: TeamsApi) -> Vec<Finding> {
    let secret = match api.try_secret().await {
        Ok(()) => Verdict::Accepted("Microsoft gives an access token".to_owned()),
        Err(error) => error.verdict(MEND),
    };
    let how = "write to the bot in Teams: an answer needs an Azure Bot with this app_id";
    vec![
        Finding::new("client_secret", secret),
        Finding::untried("the Azure Bot", how),
    ]
}
