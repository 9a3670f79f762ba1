//! Who sends: the token of Microsoft's Bot Connector
//! (<https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication>).
//!
//! It says which bot it is for and where answers go, and nothing else of the body. So what the body says is
//! held against the token, against what its key is endorsed for, and against the configuration: the channel,
//! the bot, the tenant, and that answers go to one of Microsoft's own servers, which are given the bot's
//! access token.

use haptik_bridge_shared::lenient_json;
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use url::Url;

use super::config::Config;
use crate::signed_token::{Expected, KeySource, TokenError, Verified, bearer};

/// Who signs.
const CONNECTOR: &str = "https://api.botframework.com";

/// What Teams is called among the channels of the connector.
const CHANNEL: &str = "msteams";

/// How far Microsoft's clock may be from ours.
const LEEWAY: SignedDuration = SignedDuration::from_mins(5);

/// Microsoft's own servers
/// (<https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages>).
const HOSTS: &[&str] = &[
    "smba.trafficmanager.net",
    "smba.infra.gcc.teams.microsoft.com",
    "smba.infra.gov.teams.microsoft.us",
];

/// Verifies the tokens of one connection.
#[derive(Debug)]
pub(super) struct Verifier {
    keys: KeySource,
    app_id: String,
    tenant_id: String,
    bot: String,
    allowed: Allowed,
}

/// Where answers may be sent.
#[derive(Debug, Clone)]
pub(super) struct Allowed {
    others: Vec<Url>,
}

impl Allowed {
    pub(super) fn new(config: &Config) -> Self {
        Self::of(config.service_urls.clone().unwrap_or_default())
    }

    /// Microsoft's own servers, and those at these origins.
    pub(super) fn of(others: Vec<Url>) -> Self {
        Self { others }
    }

    /// Whether a URL is at one of the origins that the operator has named.
    pub(super) fn is_configured(&self, url: &Url) -> bool {
        let mut others = self.others.iter();
        others.any(|other| other.origin() == url.origin())
    }

    /// The URL below which the API is, if it is at an allowed origin. Its path ends in a slash.
    pub(super) fn service_url(&self, text: &str) -> Option<Url> {
        let mut url = Url::parse(text).ok()?;
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let is_microsofts = url.scheme() == "https"
            && url.port().is_none()
            && url.host_str().is_some_and(|host| HOSTS.contains(&host));
        if !is_plain || !(is_microsofts || self.is_configured(&url)) {
            return None;
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Some(url)
    }
}

impl Verifier {
    pub(super) fn new(config: &Config, http: reqwest::Client) -> Self {
        Self {
            keys: KeySource::discovered(http, config.openid_url.clone()),
            app_id: config.app_id.clone(),
            tenant_id: config.tenant_id.clone(),
            bot: config.bot(),
            allowed: Allowed::new(config),
        }
    }

    /// Checks that the connector sends a request to our bot; what it says is still to be
    /// [checked](Self::check).
    pub(super) async fn verify(
        &self,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Verified, TokenError> {
        let token = bearer(headers)?;
        let expected = Expected {
            issuers: &[CONNECTOR],
            audiences: &[self.app_id.as_str()],
            leeway: LEEWAY,
        };
        self.keys.verify(token, &expected, now).await
    }

    /// Checks that an activity is what its token is for: in Teams, to this bot, in this tenant, with its
    /// answers to where the token says.
    pub(super) fn check(&self, verified: &Verified, activity: &Value) -> Result<(), TokenError> {
        let refused = |reason| Err(TokenError::Refused(reason));
        let endorsements = &verified.endorsements;
        if !endorsements.is_empty() && !endorsements.iter().any(|channel| channel == CHANNEL) {
            return refused("the token's key is not endorsed for msteams");
        }
        let url = lenient_json::text(activity, "serviceUrl");
        let claimed = lenient_json::text(&verified.claims, "serviceurl");
        if claimed.is_empty() || !is_same(&claimed, &url) {
            return refused("the activity has another serviceUrl than the token");
        }
        self.check_activity(activity)
    }

    /// Checks what can be checked of an activity without its token.
    pub(super) fn check_activity(&self, activity: &Value) -> Result<(), TokenError> {
        let refused = |reason| Err(TokenError::Refused(reason));
        if lenient_json::text(activity, "channelId") != CHANNEL {
            return refused("the activity is not of the channel msteams");
        }
        let url = lenient_json::text(activity, "serviceUrl");
        if self.allowed.service_url(&url).is_none() {
            return refused("the activity's serviceUrl is none of Microsoft's");
        }
        let recipient = activity.get("recipient").unwrap_or(&Value::Null);
        if !lenient_json::text(recipient, "id").eq_ignore_ascii_case(&self.bot) {
            return refused("the activity is for another bot");
        }
        if !self.is_of_tenant(activity) {
            return refused("the activity is of another tenant");
        }
        Ok(())
    }

    /// Whether an activity names the tenant, and no other.
    fn is_of_tenant(&self, activity: &Value) -> bool {
        let places = ["/conversation/tenantId", "/channelData/tenant/id"];
        let named = places
            .iter()
            .filter_map(|place| activity.pointer(place))
            .filter(|tenant| !tenant.is_null());
        let mut is_named = false;
        for tenant in named {
            let is_ours = tenant
                .as_str()
                .is_some_and(|tenant| tenant.eq_ignore_ascii_case(&self.tenant_id));
            if !is_ours {
                return false;
            }
            is_named = true;
        }
        is_named
    }
}

/// Whether two URLs are the same to Microsoft, which is not strict about case and a slash at the end.
fn is_same(one: &str, other: &str) -> bool {
    let bare = |url: &str| url.strip_suffix('/').unwrap_or(url).to_ascii_lowercase();
    bare(one) == bare(other)
}

#[cfg(test)]
mod tests;
