//! Telling Twilio where to send what is said to a number
//! (<https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource>), to a messaging service
//! (<https://www.twilio.com/docs/messaging/api/service-resource>) or to a sender of WhatsApp or RCS
//! (<https://www.twilio.com/docs/whatsapp/api/senders>).

use haptik_bridge_shared::lenient_json;
use serde_json::{Value, json};

use super::api::Api;
use super::config::{OVERRIDES, Sender};
use crate::channel::SendError;

/// Where something that is written to sends it: the URL, and the method.
pub(super) struct Set {
    pub(super) url: String,
    pub(super) method: String,
    /// Whether the number's own URL comes before that of a messaging service.
    pub(super) is_overridden: bool,
}

/// Where what is said to this sender goes now; `None` where the account has no such sender, or where it cannot be
/// asked for.
pub(super) async fn set(api: &Api, from: &Sender) -> Result<Option<Set>, SendError> {
    let set = |found: &Value, url: &str, method: &str| Set {
        url: lenient_json::text(found, url),
        method: lenient_json::text(found, method),
        is_overridden: lenient_json::flag(found, "use_inbound_webhook_on_number"),
    };
    Ok(match from {
        Sender::Service(sid) => {
            let found = api.service(sid).await?;
            Some(set(&found, "inbound_request_url", "inbound_method"))
        }
        Sender::Address(address) if address.contains(':') => {
            let found = api.sender(address).await?;
            let webhook = found.as_ref().and_then(|found| found.get("webhook"));
            let webhook = webhook.unwrap_or(&Value::Null);
            found
                .as_ref()
                .map(|_| set(webhook, "callback_url", "callback_method"))
        }
        Sender::Address(number) => {
            let found = api.number(number).await?;
            found.map(|found| set(&found, "sms_url", "sms_method"))
        }
    })
}

/// Sets the webhook to this URL, and the one for when that fails to the same: a request that was not taken comes
/// again. What can say it says there, too, what became of messages.
pub(super) async fn register(api: Api, from: Sender, url: String) -> Result<String, SendError> {
    let hook = format!("{url}{OVERRIDES}");
    let post = || "POST".to_owned();
    let told = match &from {
        Sender::Service(sid) => {
            let fields = vec![
                ("InboundRequestUrl", hook.clone()),
                ("InboundMethod", post()),
                ("FallbackUrl", hook),
                ("FallbackMethod", post()),
                ("StatusCallback", url.clone()),
                ("UseInboundWebhookOnNumber", "false".to_owned()),
            ];
            api.change_service(sid, fields).await?;
            sid
        }
        Sender::Address(address) if address.contains(':') => {
            let found = api.sender(address).await?;
            let webhook = json!({
                "callback_url": hook, "callback_method": "POST",
                "fallback_url": hook, "fallback_method": "POST",
                "status_callback_url": url, "status_callback_method": "POST",
            });
            let sid = sid_of(found.as_ref(), "sender")?;
            api.change_sender(&sid, json!({"webhook": webhook})).await?;
            address
        }
        Sender::Address(number) => {
            let found = api.number(number).await?;
            let fields = vec![
                ("SmsUrl", hook.clone()),
                ("SmsMethod", post()),
                ("SmsFallbackUrl", hook),
                ("SmsFallbackMethod", post()),
            ];
            let sid = sid_of(found.as_ref(), "number")?;
            api.change_number(&sid, fields).await?;
            number
        }
    };
    Ok(format!("Twilio sends what is said to {told} to {url}"))
}

fn sid_of(found: Option<&Value>, what: &str) -> Result<String, SendError> {
    let sid = found.and_then(|found| lenient_json::some_text(found, "sid"));
    sid.ok_or_else(|| SendError::refused(format!("the account has no such {what}")))
}
