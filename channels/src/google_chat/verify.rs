//! Who sends: the token that Google shows with each request
//! (<https://developers.google.com/workspace/chat/verify-requests-from-chat>). There are three kinds:
//!
//! | audience | signed by | who it says it is |
//! |---|---|---|
//! | the endpoint's URL | Google's accounts | Chat, by its e-mail address |
//! | the same, of an add-on | the same | the add-ons' service of the app's own project, by its e-mail address |
//! | the project number | Chat itself | Chat, as the issuer |
//!
//! Anybody can have Google sign a token for our URL, with an address of his own: the address is what counts,
//! and it is compared as a whole. The token says nothing of the body.

use haptik_bridge_shared::lenient_json;
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use url::Url;

use super::config::{Audience, Config};
use crate::signed_token::{Expected, KeySource, TokenError, bearer};

/// Chat itself.
const CHAT: &str = "chat@system.gserviceaccount.com";

/// Who signs tokens for URLs, and the keys it does that with
/// (<https://accounts.google.com/.well-known/openid-configuration>).
const ACCOUNTS: &str = "https://accounts.google.com";
const ACCOUNTS_KEYS: &str = "https://www.googleapis.com/oauth2/v3/certs";

/// Chat's own keys. Google's page names them as certificates, at `…/v1/metadata/x509/…`; these are the same.
const CHAT_KEYS: &str =
    "https://www.googleapis.com/service_accounts/v1/jwk/chat@system.gserviceaccount.com";

/// How far Google's clock may be from ours.
const LEEWAY: SignedDuration = SignedDuration::from_mins(5);

/// Verifies the tokens of one connection.
#[derive(Debug)]
pub(super) struct Verifier {
    keys: KeySource,
    audience: Audience,
    /// The add-ons' service of the app's project.
    add_on: Option<String>,
}

impl Verifier {
    pub(super) fn new(config: &Config, http: reqwest::Client) -> Self {
        let published = match &config.audience {
            Audience::Url(_) => ACCOUNTS_KEYS,
            Audience::Project(_) => CHAT_KEYS,
        };
        let published = || Url::parse(published).expect("a URL");
        let add_on = config.project_number.as_ref();
        Self {
            keys: KeySource::new(http, config.certs_url.clone().unwrap_or_else(published)),
            audience: config.audience.clone(),
            add_on: add_on.map(|number| {
                format!("service-{number}@gcp-sa-gsuiteaddons.iam.gserviceaccount.com")
            }),
        }
    }

    /// Checks that Google sends a request, on account of our app.
    pub(super) async fn verify(
        &self,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<(), TokenError> {
        let token = bearer(headers)?;
        let (issuer, audience) = match &self.audience {
            Audience::Url(url) => (ACCOUNTS, url),
            Audience::Project(number) => (CHAT, number),
        };
        let expected = Expected {
            issuers: &[issuer],
            audiences: &[audience],
            leeway: LEEWAY,
        };
        let verified = self.keys.verify(token, &expected, now).await?;
        match &self.audience {
            Audience::Url(_) if !self.is_chat(&verified.claims) => Err(TokenError::Refused(
                "the token is neither Google Chat's nor that of an add-on of project_number",
            )),
            Audience::Url(_) | Audience::Project(_) => Ok(()),
        }
    }

    fn is_chat(&self, claims: &Value) -> bool {
        let email = lenient_json::text(claims, "email");
        let is_known = email == CHAT || self.add_on.as_ref() == Some(&email);
        is_known && claims.get("email_verified") == Some(&Value::Bool(true))
    }
}

#[cfg(test)]
mod tests;
