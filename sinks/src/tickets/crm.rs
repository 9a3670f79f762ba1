//! What a CRM is: what it declares, what it can be asked for, and how it is called.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use haptik_bridge_shared::config::{Secrets, SinkDefinition};
use haptik_bridge_shared::net::CallError;
use haptik_bridge_shared::net::api::{Api, ApiAnswer, ApiRequest, Classify, below};
use haptik_bridge_shared::net::oauth::OAuthClient;
use http::HeaderName;
use secrecy::SecretString;
use url::Url;

use super::{Attachment, Comment, Ticket, TicketRef};
use crate::Limit;
use crate::config::ticket::{TicketSink, definition};
use crate::fit::one_line;

/// A type of CRM: one module each, whose documentation says how it keeps one ticket from becoming two.
pub trait CrmType: Crm + Sized + 'static {
    /// The value of `type`.
    const NAME: &'static str;

    /// How what it was given of a person is removed there: [`SinkType::ERASURE`](crate::SinkType::ERASURE).
    const ERASURE: &'static str;

    /// What fits.
    const LIMITS: Limits;

    /// How long after a creation was begun [`Crm::find`] can still miss what it created: the time that
    /// the request may take on its way, and that a search index is behind. Zero where the CRM itself
    /// refuses to create the same ticket twice.
    const SEARCH_LAG: Duration = Duration::ZERO;

    /// The type in the configuration.
    const DEFINITION: SinkDefinition = definition::<Self::Config>(Self::NAME);

    /// Its keys in the configuration: a `section!`.
    type Config: TicketSink;

    /// A CRM. Nothing is called yet.
    fn new(config: &Self::Config, http: reqwest::Client) -> Self;
}

/// A CRM, as far as tickets go.
#[async_trait]
pub trait Crm: fmt::Debug + Send + Sync {
    /// Asks the CRM something that it tells only those who may work with its tickets, and that changes
    /// nothing: who we are, mostly. Gives what is worth telling an operator of it; may be empty.
    ///
    /// # Errors
    /// When the CRM does not say it.
    async fn me(&self) -> Result<String, CallError>;

    /// The ticket that has this external id, if there is one. Asked only where an earlier try may have
    /// created it.
    ///
    /// # Errors
    /// When the CRM does not say.
    async fn find(&self, ticket: &Ticket) -> Result<Option<TicketRef>, CallError>;

    /// Creates a ticket, with its external id. Where the CRM says that there is one already, returns
    /// that.
    ///
    /// # Errors
    /// When it is not created, or may not be.
    async fn create(&self, ticket: &Ticket) -> Result<TicketRef, CallError>;

    /// What the comments on a ticket say, in any order; white space may differ. Asked only where an
    /// earlier try may have added one.
    ///
    /// # Errors
    /// When the CRM does not say.
    async fn comments(&self, to: &TicketRef) -> Result<Vec<String>, CallError>;

    /// Adds a comment that only the CRM's agents see.
    ///
    /// # Errors
    /// When it is not added, or may not be.
    async fn comment(&self, to: &TicketRef, comment: &Comment) -> Result<(), CallError>;

    /// The names of the files that are attached to a ticket, in any order. Asked only where an earlier
    /// try may have attached one.
    ///
    /// # Errors
    /// When the CRM does not say.
    async fn attachments(&self, to: &TicketRef) -> Result<Vec<String>, CallError>;

    /// Attaches a file.
    ///
    /// # Errors
    /// When it is not attached, or may not be.
    async fn attach(&self, to: &TicketRef, attachment: &Attachment) -> Result<(), CallError>;

    /// The requests of a [`Crm::create`], with placeholders for what answers would bring.
    fn requests(&self, ticket: &Ticket) -> Vec<ApiRequest>;
}

/// The most that a CRM takes, of each thing that it is sent. `docs/sinks.md` has them as a table.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of a subject.
    pub subject: Limit,
    /// Of a description.
    pub description: Limit,
    /// Of a comment.
    pub comment: Limit,
    /// Of a requester's name.
    pub name: Limit,
    /// Of a requester's address: a longer one is left out, since one that is cut is another.
    pub email: Limit,
    /// Of a requester's number.
    pub phone: Limit,
    /// Of a tag.
    pub tag: Limit,
    /// A tag as the CRM takes it; may be longer than it may be, and empty where nothing is left.
    pub tag_of: fn(&str) -> String,
    /// Of a field that is text, whichever it is: one of which the CRM's administrator allows less is refused
    /// by the CRM.
    pub field: Limit,
}

impl Limits {
    /// What a CRM takes that documents these limits and no others.
    #[must_use]
    pub const fn of(subject: Limit, description: Limit, comment: Limit) -> Self {
        Self {
            subject,
            description,
            comment,
            name: Limit::characters(200),
            email: Limit::bytes(254),
            phone: Limit::characters(50),
            tag: Limit::characters(80),
            tag_of: one_line,
            field: Limit::characters(65_000),
        }
    }
}

/// A CRM, ready to be called.
#[derive(Debug)]
pub struct CrmClient {
    api: Api,
    base_url: Url,
    auth: Auth,
    headers: Vec<(HeaderName, &'static str)>,
}

/// How requests are signed. Of several secrets, an older one is tried where the newest is not accepted.
#[derive(Debug)]
pub enum Auth {
    /// By a user and a password.
    Basic(String, Secrets),
    /// By a secret that is the user; the password is anything.
    BasicKey(Secrets),
    /// By a secret in a header of the CRM's own.
    Header(HeaderName, Secrets),
    /// By a token.
    Bearer(Secrets),
    /// By a token of OAuth, for credentials.
    OAuth(OAuthClient),
}

impl CrmClient {
    /// The CRM at this URL.
    #[must_use]
    pub fn new(http: reqwest::Client, base_url: &Url, auth: Auth) -> Self {
        Self {
            api: Api::new(http),
            base_url: base_url.clone(),
            auth,
            headers: Vec::new(),
        }
    }

    /// With answers that mean something of their own.
    #[must_use]
    pub fn classify(mut self, classify: Classify) -> Self {
        self.api = self.api.classify(classify);
        self
    }

    /// With this header on each request.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> Url {
        below(&self.base_url, path)
    }

    /// The URL of a path, with a query.
    #[must_use]
    pub fn query(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query);
        url
    }

    /// Sends a request, signed.
    ///
    /// # Errors
    /// When it is not taken, or there is no answer.
    pub async fn send(&self, request: ApiRequest) -> Result<ApiAnswer, CallError> {
        let request = self.with_headers(request);
        match &self.auth {
            Auth::OAuth(client) => client.send(&self.api, request).await,
            Auth::Basic(_, secrets)
            | Auth::BasicKey(secrets)
            | Auth::Header(_, secrets)
            | Auth::Bearer(secrets) => {
                let sign = |secret: &SecretString| self.auth.sign(request.clone(), secret);
                self.api.send_signed(secrets, sign).await
            }
        }
    }

    /// The requests as people are shown them: with the one for a token, where one is needed.
    #[must_use]
    pub fn shown(&self, request: ApiRequest) -> Vec<ApiRequest> {
        let request = self.with_headers(request);
        match &self.auth {
            Auth::OAuth(client) => client.shown(request),
            Auth::Basic(_, secrets)
            | Auth::BasicKey(secrets)
            | Auth::Header(_, secrets)
            | Auth::Bearer(secrets) => {
                vec![self.auth.sign(request, secrets.newest())]
            }
        }
    }

    fn with_headers(&self, request: ApiRequest) -> ApiRequest {
        let headers = self.headers.iter();
        headers.fold(request, |request, (name, value)| {
            request.header(name.clone(), *value)
        })
    }
}

impl Auth {
    fn sign(&self, request: ApiRequest, secret: &SecretString) -> ApiRequest {
        match self {
            Self::Basic(user, _) => request.basic_auth(user, secret),
            Self::BasicKey(_) => request.basic_key(secret),
            Self::Header(name, _) => {
                request.secret_header(name.clone(), secret.clone(), "[the secret]")
            }
            Self::Bearer(_) | Self::OAuth(_) => request.bearer_auth(secret),
        }
    }
}

#[cfg(test)]
mod tests {
    use haptik_bridge_shared::net::client;
    use haptik_bridge_shared::net::fake::{Answer, Fake};

    use super::*;

    #[tokio::test]
    async fn a_header_of_the_crms_own_has_any_of_the_secrets_and_is_not_shown() {
        let fake = Fake::start(|request| match request.header("x-api-token") {
            "older" => Answer::new(200, "{}"),
            _ => Answer::new(401, "{}"),
        })
        .await;
        let secrets = ["newest", "older"].map(SecretString::from);
        let secrets = Secrets::from_newest_first(secrets).expect("there are some");
        let auth = Auth::Header(HeaderName::from_static("x-api-token"), secrets);
        let crm = CrmClient::new(client().expect("a client"), &fake.url(""), auth);
        let request = || ApiRequest::get("say who we are", crm.url("me"));
        crm.send(request()).await.expect("the older one is good");
        assert_eq!(fake.requests().len(), 2);
        let shown = crm.shown(request()).remove(0).preview().to_string();
        assert!(shown.contains("x-api-token: [the secret]"), "{shown}");
    }
}
