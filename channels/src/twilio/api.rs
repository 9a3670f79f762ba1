//! The API (<https://www.twilio.com/docs/usage/api>): one call, with the account's credentials, which go to
//! its own origin and nowhere else.

use bytes::Bytes;
use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::api::{self, ApiAnswer, ApiRequest};
use haptik_bridge_shared::net::{self, CallError, Endpoint, FetchError, Fetcher, Unreachable};
use haptik_bridge_shared::retry::Failure;
use http::header::LOCATION;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::config::{Config, Sender};
use super::refusal;
use crate::channel::{Refusal, SendError};

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// The API as one account sees it.
#[derive(Debug, Clone)]
pub(super) struct Api {
    http: reqwest::Client,
    api: api::Api,
    base_url: Url,
    account: String,
    tokens: Secrets,
    from: Sender,
    status_callback: Option<String>,
}

impl Api {
    pub(super) fn new(http: reqwest::Client, config: &Config) -> Self {
        Self {
            api: api::Api::new(http.clone()),
            http,
            base_url: config.api_base_url.clone(),
            account: config.account_sid.clone(),
            tokens: config.auth_tokens.clone(),
            from: config.from.clone(),
            status_callback: config.public_url.clone(),
        }
    }

    /// Below the account: `/2010-04-01/Accounts/{AccountSid}`, and these segments.
    fn endpoint(&self, below: &[&str]) -> Endpoint {
        let account = Endpoint::from(&self.base_url)
            .segment("2010-04-01")
            .segment("Accounts");
        match below {
            [] => account.segment(&format!("{}.json", self.account)),
            below => below
                .iter()
                .fold(account.segment(&self.account), |at, name| at.segment(name)),
        }
    }

    /// Sends a message with these fields; gives its SID.
    pub(super) async fn create(
        &self,
        to: &str,
        fields: Vec<(&'static str, String)>,
    ) -> Result<Option<String>, SendError> {
        let mut form = vec![("To", to.to_owned()), self.from.field()];
        form.extend(fields);
        if !to.contains(':') {
            // Quotes and dashes that GSM-7 has not would more than double the price.
            form.push(("SmartEncoded", "true".to_owned()));
        }
        let callback = self.status_callback.clone();
        form.extend(callback.map(|url| ("StatusCallback", url)));
        let method = "send a message";
        let message = self.post(method, &["Messages.json"], form).await?;
        Ok(lenient_json::some_text(&message, "sid"))
    }

    /// What the API says of the account itself.
    pub(super) async fn account(&self, token: &SecretString) -> Result<Value, CallError> {
        let request = ApiRequest::get("show the account", self.endpoint(&[]))
            .basic_auth(&self.account, token)
            .limit(LARGEST_ANSWER);
        Ok(self.api.send(request).await?.body)
    }

    /// The account's tokens, newest first.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &SecretString> {
        self.tokens.iter()
    }

    /// The account's own number, as the API has it; `None` where it is not one of the account's.
    pub(super) async fn number(&self, number: &str) -> Result<Option<Value>, SendError> {
        let mut url = self
            .endpoint(&["IncomingPhoneNumbers.json"])
            .expose()
            .clone();
        url.query_pairs_mut().append_pair("PhoneNumber", number);
        let answer = self
            .send(|token| {
                ApiRequest::get("find the number", url.clone()).basic_auth(&self.account, token)
            })
            .await?;
        let found = answer_of("find the number", &answer)?;
        let mut numbers = lenient_json::list(found, "incoming_phone_numbers");
        Ok(numbers
            .find(|found| lenient_json::text(found, "phone_number") == number)
            .cloned())
    }

    /// Changes something of the account's number with this SID.
    pub(super) async fn change_number(
        &self,
        sid: &str,
        fields: Vec<(&'static str, String)>,
    ) -> Result<(), SendError> {
        let resource = format!("{sid}.json");
        let path = ["IncomingPhoneNumbers", resource.as_str()];
        self.post("change the number", &path, fields)
            .await
            .map(drop)
    }

    async fn post(
        &self,
        method: &'static str,
        path: &[&str],
        form: Vec<(&'static str, String)>,
    ) -> Result<Value, SendError> {
        let endpoint = self.endpoint(path);
        let answer = self
            .send(|token| {
                ApiRequest::post(method, endpoint.clone())
                    .basic_auth(&self.account, token)
                    .form(form.clone())
            })
            .await?;
        answer_of(method, &answer).cloned()
    }

    async fn send(
        &self,
        sign: impl Fn(&SecretString) -> ApiRequest + Send + Sync,
    ) -> Result<ApiAnswer, SendError> {
        let sign = |token: &SecretString| sign(token).limit(LARGEST_ANSWER).expect(refusal::READ);
        let sent = self.api.send_signed(&self.tokens, sign).await;
        sent.map_err(|error| refusal::of_call(&error))
    }

    /// The content of a file that a user sent (<https://www.twilio.com/docs/messaging/api/media-resource>).
    /// Twilio redirects to where it is; the credentials do not go there, nor to any origin but the API's.
    pub(super) async fn file(
        &self,
        url: &str,
        fetcher: &Fetcher,
        limit: usize,
    ) -> Result<Bytes, SendError> {
        let url = Url::parse(url).map_err(|_| SendError::refused("a file without a URL"))?;
        if url.origin() != self.base_url.origin() {
            return fetched(fetcher, &url, limit).await;
        }
        let mut last = SendError::refused("there is no token to fetch a file with");
        for token in self.tokens.iter() {
            match self.own_file(&url, token, limit).await {
                Ok(Found::Content(content)) => return Ok(content),
                Ok(Found::At(there)) => return fetched(fetcher, &there, limit).await,
                Err(error) if error.refusal == Refusal::Unauthorized => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    async fn own_file(
        &self,
        url: &Url,
        token: &SecretString,
        limit: usize,
    ) -> Result<Found, SendError> {
        let asked = self.http.get(url.clone());
        let asked = asked.basic_auth(&self.account, Some(token.expose_secret()));
        let response = asked.send().await.map_err(|error| {
            let reason = format!("Twilio could not be reached: {}", Unreachable::from(&error));
            SendError::new(Refusal::Unavailable(None), reason)
        })?;
        let status = response.status().as_u16();
        match status {
            200..=299 => {
                let content = net::read(response, limit).await;
                let content = content.map_err(|error| Failure::from(FetchError::from(error)))?;
                Ok(Found::Content(content))
            }
            301 | 302 | 303 | 307 | 308 => {
                let there = response.headers().get(LOCATION);
                let there = there.and_then(|there| url.join(there.to_str().ok()?).ok());
                there
                    .map(Found::At)
                    .ok_or_else(|| SendError::refused("Twilio does not say where the file is"))
            }
            status => {
                let error = CallError::of_status("give the file", status, "", None);
                Err(SendError::of_call("Twilio", &error))
            }
        }
    }
}

/// What is at the URL of a file.
enum Found {
    Content(Bytes),
    At(Url),
}

/// A file from elsewhere, through the guard and without credentials.
async fn fetched(fetcher: &Fetcher, url: &Url, limit: usize) -> Result<Bytes, SendError> {
    let content = fetcher.fetch(url, None, |_| false, limit).await;
    content.map_err(|error| Failure::from(error).into())
}

/// The body of an answer, unless it refuses.
fn answer_of<'a>(method: &str, answer: &'a ApiAnswer) -> Result<&'a Value, SendError> {
    if (200..300).contains(&answer.status) {
        Ok(&answer.body)
    } else {
        Err(refusal::of_answer(method, answer))
    }
}
