//! OAuth 2.0 by client credentials ([RFC 6749](https://www.rfc-editor.org/rfc/rfc6749#section-4.4)): an
//! access token, kept until it is refused.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;
use url::Url;

use super::api::{Api, ApiAnswer, ApiRequest};
use super::{CallError, CallErrorKind};
use crate::config::Secrets;
use crate::lenient_json;

/// What is asked of the receiver, to follow "to".
const CALL: &str = "give an access token";

/// A client that has credentials, and perhaps a token.
pub struct OAuthClient {
    token_url: Url,
    client_id: String,
    client_secrets: Secrets,
    token: Mutex<Option<SecretString>>,
}

impl OAuthClient {
    /// A client without a token.
    #[must_use]
    pub fn new(token_url: Url, client_id: String, client_secrets: Secrets) -> Self {
        Self {
            token_url,
            client_id,
            client_secrets,
            token: Mutex::default(),
        }
    }

    /// Sends a request with an access token. When the token is refused, one new token is asked for:
    /// tokens end without notice.
    ///
    /// # Errors
    /// As [`Api::send`]; and when no token is given.
    pub async fn send(&self, api: &Api, request: ApiRequest) -> Result<ApiAnswer, CallError> {
        let token = self.token(api, None).await?;
        let refused = match api.send(request.clone().bearer_auth(&token)).await {
            Err(error) if error.is_unauthenticated() => token,
            sent => return sent,
        };
        let token = self.token(api, Some(&refused)).await?;
        api.send(request.bearer_auth(&token)).await
    }

    /// The requests as people are shown them: for a token, and with it.
    #[must_use]
    pub fn shown(&self, request: ApiRequest) -> Vec<ApiRequest> {
        let token = self.token_request(self.client_secrets.newest());
        vec![token, request.bearer_auth(&SecretString::default())]
    }

    /// The token, if it is another than the one that was refused; else a new one. Deliveries side by side
    /// wait for one another here, so that one token is asked for.
    async fn token(
        &self,
        api: &Api,
        refused: Option<&SecretString>,
    ) -> Result<SecretString, CallError> {
        let mut kept = self.token.lock().await;
        let is_refused = |token: &SecretString| {
            refused.is_some_and(|refused| refused.expose_secret() == token.expose_secret())
        };
        if let Some(token) = kept.as_ref().filter(|token| !is_refused(token)) {
            return Ok(token.clone());
        }
        *kept = None;
        let token = self.new_token(api).await?;
        *kept = Some(token.clone());
        Ok(token)
    }

    /// A token for the first of the secrets that is accepted.
    async fn new_token(&self, api: &Api) -> Result<SecretString, CallError> {
        let mut asked = self.ask(api, self.client_secrets.newest()).await;
        for secret in self.client_secrets.iter().skip(1) {
            match asked {
                Err(error) if error.kind == CallErrorKind::Unauthorized => {
                    asked = self.ask(api, secret).await;
                }
                _ => break,
            }
        }
        asked
    }

    async fn ask(&self, api: &Api, secret: &SecretString) -> Result<SecretString, CallError> {
        let answer = api.send(self.token_request(secret)).await?;
        if answer.status == 400 {
            return Err(answer.error(CallErrorKind::Unauthorized));
        }
        let token = lenient_json::some_text(&answer.body, "access_token");
        Ok(token.ok_or_else(|| answer.unreadable())?.into())
    }

    /// Wrong credentials are answered 400 or 401
    /// ([RFC 6749](https://www.rfc-editor.org/rfc/rfc6749#section-5.2)).
    fn token_request(&self, secret: &SecretString) -> ApiRequest {
        ApiRequest::post(CALL, self.token_url.clone())
            .form([
                ("grant_type", "client_credentials".to_owned()),
                ("client_id", self.client_id.clone()),
            ])
            .secret_field("client_secret", secret)
            .expect(&[400])
    }
}

impl fmt::Debug for OAuthClient {
    /// Leaves the token out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OAuthClient")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}
