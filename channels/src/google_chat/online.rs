//! What `haptik-bridge check --online` tries: the service account, which Google gives an access token.

use super::api::ChatApi;
use crate::channel::{Finding, Verdict};

/// What to do about credentials that are not good.
const MEND: &str = "make a new JSON key of the service account in Google's console";

/// Tries the credentials of a connection. Whom Google's own tokens are for is seen with the first message.
pub(super) async fn try_app(api: ChatApi) -> Vec<Finding> {
    let account = match api.try_account().await {
        Ok(()) => Verdict::Accepted("Google gives an access token".to_owned()),
        Err(error) => error.verdict(MEND),
    };
    let how =
        "write to the app in Google Chat: where a token is for another audience, the log says so";
    vec![
        Finding::new("service_account", account),
        Finding::untried("audience", how),
    ]
}
