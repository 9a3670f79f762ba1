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

use super::config::{Config, OVERRIDES, Sender};
use super::limits::Medium;
use super::refusal::{self, Declined};
use crate::channel::{Refusal, SendError};

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// How many senders are looked through for ours.
const SENDERS: &str = "1000";

/// The API as one account sees it.
#[derive(Debug, Clone)]
pub(super) struct Api {
    http: reqwest::Client,
    calls: api::Api,
    base_url: Url,
    content_base_url: Url,
    messaging_base_url: Url,
    account: String,
    tokens: Secrets,
    from: Sender,
    status_callback: Option<String>,
}

/// A message that Twilio took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Created {
    /// Its SID.
    pub(super) sid: Option<String>,
    /// How many segments it has, where Twilio says it at once: a messaging service does not.
    pub(super) segments: Option<u64>,
}

impl Api {
    pub(super) fn new(http: reqwest::Client, config: &Config) -> Self {
        Self {
            calls: api::Api::new(http.clone()),
            http,
            base_url: config.api_base_url.clone(),
            content_base_url: config.content_base_url.clone(),
            messaging_base_url: config.messaging_base_url(),
            account: config.account_sid.clone(),
            tokens: config.auth_tokens.clone(),
            from: config.from.clone(),
            status_callback: config
                .public_url
                .as_ref()
                .map(|url| format!("{url}{OVERRIDES}")),
        }
    }

    /// Whether Twilio is asked to say what becomes of each message.
    pub(super) fn asks_for_reports(&self) -> bool {
        self.status_callback.is_some()
    }

    /// Below the account: `/2010-04-01/Accounts/{AccountSid}`, and these segments.
    fn endpoint(&self, below: &[&str]) -> Endpoint {
        let account = Endpoint::from(&self.base_url)
            .segment("2010-04-01")
            .segment("Accounts");
        match below {
            [] => account.segment(&format!("{}.json", self.account)),
            below => joined(account.segment(&self.account), below),
        }
    }

    fn messaging(&self, below: &[&str]) -> Endpoint {
        joined(Endpoint::from(&self.messaging_base_url), below)
    }

    /// Sends a message with these fields.
    pub(super) async fn create(
        &self,
        to: &str,
        fields: Vec<(&'static str, String)>,
    ) -> Result<Created, Declined> {
        let mut form = vec![("To", to.to_owned()), self.from.field()];
        form.extend(fields);
        if Medium::of(to) == Medium::Sms {
            // Quotes and dashes that GSM-7 has not would more than double the price.
            form.push(("SmartEncoded", "true".to_owned()));
        }
        let callback = self.status_callback.clone();
        form.extend(callback.map(|url| ("StatusCallback", url)));
        let call = "send a message";
        let request = ApiRequest::post(call, self.endpoint(&["Messages.json"])).form(form);
        let message = self.call(call, request).await?;
        Ok(Created {
            sid: lenient_json::some_text(&message, "sid"),
            segments: lenient_json::whole(&message, "num_segments").filter(|count| *count > 0),
        })
    }

    /// Makes a content (<https://www.twilio.com/docs/content/content-api-resources>); gives its SID.
    pub(super) async fn create_content(&self, content: &Value) -> Result<String, SendError> {
        let call = "make a content";
        let endpoint = joined(Endpoint::from(&self.content_base_url), &["v1", "Content"]);
        let request = ApiRequest::post(call, endpoint).json(content.clone());
        let content = self.call(call, request).await?;
        let sid = lenient_json::some_text(&content, "sid");
        sid.ok_or_else(|| {
            SendError::new(
                Refusal::Unavailable(None),
                "Twilio made a content without a SID",
            )
        })
    }

    /// Shows on WhatsApp that this message of a user's is being answered.
    pub(super) async fn type_on_whatsapp(&self, message_id: &str) -> Result<(), SendError> {
        let call = "show that it is typing";
        let endpoint = self.messaging(&["v2", "Indicators", "Typing.json"]);
        let request = ApiRequest::post(call, endpoint).form([
            ("channel", "whatsapp".to_owned()),
            ("messageId", message_id.to_owned()),
        ]);
        Ok(self.call(call, request).await.map(drop)?)
    }

    /// What the API says of the account itself.
    pub(super) async fn account(&self, token: &SecretString) -> Result<Value, CallError> {
        let request = ApiRequest::get("show the account", self.endpoint(&[]))
            .basic_auth(&self.account, token)
            .limit(LARGEST_ANSWER);
        Ok(self.calls.send(request).await?.body)
    }

    /// The account's tokens, newest first.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &SecretString> {
        self.tokens.iter()
    }

    /// The account's own number, as the API has it; `None` where it is not one of the account's.
    pub(super) async fn number(&self, number: &str) -> Result<Option<Value>, SendError> {
        let numbers = self.endpoint(&["IncomingPhoneNumbers.json"]);
        let url = with_pairs(&numbers, &[("PhoneNumber", number)]);
        let call = "find the number";
        let found = self.call(call, ApiRequest::get(call, url)).await?;
        let mut numbers = lenient_json::list(&found, "incoming_phone_numbers");
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
        let endpoint = self.endpoint(&["IncomingPhoneNumbers", &format!("{sid}.json")]);
        let call = "change the number";
        let request = ApiRequest::post(call, endpoint).form(fields);
        Ok(self.call(call, request).await.map(drop)?)
    }

    /// A messaging service of the account's
    /// (<https://www.twilio.com/docs/messaging/api/service-resource>).
    pub(super) async fn service(&self, sid: &str) -> Result<Value, SendError> {
        let call = "find the messaging service";
        let request = ApiRequest::get(call, self.messaging(&["v1", "Services", sid]));
        Ok(self.call(call, request).await?)
    }

    /// Changes something of it.
    pub(super) async fn change_service(
        &self,
        sid: &str,
        fields: Vec<(&'static str, String)>,
    ) -> Result<(), SendError> {
        let call = "change the messaging service";
        let request = ApiRequest::post(call, self.messaging(&["v1", "Services", sid]));
        Ok(self.call(call, request.form(fields)).await.map(drop)?)
    }

    /// The account's own sender of WhatsApp or RCS, as the API has it
    /// (<https://www.twilio.com/docs/whatsapp/api/senders>); `None` where it has no such one.
    pub(super) async fn sender(&self, address: &str) -> Result<Option<Value>, SendError> {
        let channel = address.split(':').next().unwrap_or_default();
        let senders = self.messaging(&["v2", "Channels", "Senders"]);
        let url = with_pairs(&senders, &[("Channel", channel), ("PageSize", SENDERS)]);
        let call = "find the sender";
        let found = self.call(call, ApiRequest::get(call, url)).await?;
        let mut senders = lenient_json::list(&found, "senders");
        Ok(senders
            .find(|found| lenient_json::text(found, "sender_id") == address)
            .cloned())
    }

    /// Changes something of the sender with this SID.
    pub(super) async fn change_sender(&self, sid: &str, change: Value) -> Result<(), SendError> {
        let call = "change the sender";
        let endpoint = self.messaging(&["v2", "Channels", "Senders", sid]);
        let request = ApiRequest::post(call, endpoint).json(change);
        Ok(self.call(call, request).await.map(drop)?)
    }

    /// Makes a call, with the first of the tokens that is accepted; gives the body of the answer.
    async fn call(&self, call: &'static str, request: ApiRequest) -> Result<Value, Declined> {
        let request = request.limit(LARGEST_ANSWER).expect(refusal::READ);
        let sign = |token: &SecretString| request.clone().basic_auth(&self.account, token);
        let answer: ApiAnswer = self
            .calls
            .send_signed(&self.tokens, sign)
            .await
            .map_err(|error| refusal::of_call(&error))?;
        if (200..300).contains(&answer.status) {
            Ok(answer.body)
        } else {
            Err(refusal::of_answer(call, &answer))
        }
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
            // It says so of the file, not of the token.
            403 => Err(SendError::refused("Twilio does not give the file")),
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

/// Below an endpoint, these segments.
fn joined(endpoint: Endpoint, below: &[&str]) -> Endpoint {
    below.iter().fold(endpoint, |at, name| at.segment(name))
}

fn with_pairs(endpoint: &Endpoint, pairs: &[(&str, &str)]) -> Url {
    let mut url = endpoint.expose().clone();
    url.query_pairs_mut().extend_pairs(pairs);
    url
}

#[cfg(test)]
mod tests;
