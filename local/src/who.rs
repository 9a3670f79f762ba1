//! Who operates a bridge, as records of it say.

use anyhow::Context as _;
use aws_config::SdkConfig;
use haptik_bridge_shared::net::aws;

/// Who an AWS caller is: the ARN of the user or of the session.
///
/// # Errors
/// When AWS does not say.
pub(crate) async fn caller(sdk: &SdkConfig) -> anyhow::Result<String> {
    let asked = aws_sdk_sts::Client::new(sdk).get_caller_identity().send();
    let identity = asked
        .await
        .map_err(|error| anyhow::anyhow!("AWS does not say who you are: {}", aws::reason(error)))?;
    let arn = identity.arn().context("AWS does not say who you are")?;
    Ok(arn.to_owned())
}

/// Who uses this machine: the user's name there and the machine's. By `sudo` it is who called it, as whom.
pub(crate) fn on_this_machine() -> String {
    let named = |variable: &str| crate::variable(variable).filter(|name| !name.is_empty());
    let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(named);
    let user = match (named("SUDO_USER"), user) {
        (Some(caller), Some(user)) if caller != user => Some(format!("{caller} as {user}")),
        (Some(caller), _) => Some(caller),
        (None, user) => user,
    };
    let machine = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let machine = crate::variable("HOSTNAME").unwrap_or_else(|| machine.trim().to_owned());
    let user = user.unwrap_or_else(|| "somebody".to_owned());
    match machine.as_str() {
        "" => user,
        machine => format!("{user}@{machine}"),
    }
}
