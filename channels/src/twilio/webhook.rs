//! Telling Twilio where to send what is said to a number
//! (<https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource>).

use haptik_bridge_shared::lenient_json;

use super::api::Api;
use super::config::OVERRIDES;
use crate::channel::SendError;

/// Sets the webhook of the number to this URL, and the one for when that fails to the same: a request that was
/// not taken comes again.
pub(super) async fn register(api: Api, number: String, url: String) -> Result<String, SendError> {
    let found = api.number(&number).await?;
    let sid = found.and_then(|found| lenient_json::some_text(&found, "sid"));
    let sid = sid.ok_or_else(|| SendError::refused("the account has no such number"))?;
    let hook = format!("{url}{OVERRIDES}");
    let post = || "POST".to_owned();
    let fields = vec![
        ("SmsUrl", hook.clone()),
        ("SmsMethod", post()),
        ("SmsFallbackUrl", hook),
        ("SmsFallbackMethod", post()),
    ];
    api.change_number(&sid, fields).await?;
    Ok(format!("Twilio sends what is said to {number} to {url}"))
}
