//! OAuth 2.0: an access token, kept until it ends or is refused. It is given for client credentials
//! ([RFC 6749](https://www.rfc-editor.org/rfc/rfc6749#section-4.4)), or for an assertion that the client
//! signs ([RFC 7523](https://www.rfc-editor.org/rfc/rfc7523#section-2.1)).

use std::fmt;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;
use url::Url;

use super::api::{Api, ApiAnswer, ApiRequest};
use super::{CallError, CallErrorKind};
use crate::config::Secrets;
use crate::lenient_json;

/// What is asked of the receiver, to follow "to".
const CALL: &str = "give an access token";

/// How long before its end a token is given up, so that it does not end on the way; of a short one, half
/// its time.
const MARGIN: Duration = Duration::from_mins(5);

/// A client that has credentials, and perhaps a token.
pub struct OAuthClient {
    token_url: Url,
    grant: Grant,
    kept: Mutex<Kept>,
}

/// Signs an assertion, as of now; or says why it cannot.
pub type Assertion = Box<dyn Fn(Timestamp) -> Result<SecretString, &'static str> + Send + Sync>;

/// What a token is given for.
enum Grant {
    Credentials {
        client_id: String,
        client_secrets: Secrets,
        scope: Option<String>,
    },
    Assertions {
        name: String,
        signers: Vec<Assertion>,
    },
}

/// What came of asking for a token.
#[derive(Default)]
struct Kept {
    token: Option<CachedToken>,
    /// When none was given last, and why.
    failed: Option<Box<(Instant, CallError)>>,
}

/// A token, and until when it is good, where that was said.
struct CachedToken {
    token: SecretString,
    until: Option<Timestamp>,
}

impl OAuthClient {
    /// A client with credentials, without a token.
    #[must_use]
    pub fn new(token_url: Url, client_id: String, client_secrets: Secrets) -> Self {
        Self::with(
            token_url,
            Grant::Credentials {
                client_id,
                client_secrets,
                scope: None,
            },
        )
    }

    /// A client that signs assertions, without a token: with the first of the signers that is accepted.
    /// `name` says in a `Debug` who it is.
    #[must_use]
    pub fn by_assertion(token_url: Url, name: String, signers: Vec<Assertion>) -> Self {
        Self::with(token_url, Grant::Assertions { name, signers })
    }

    fn with(token_url: Url, grant: Grant) -> Self {
        Self {
            token_url,
            grant,
            kept: Mutex::default(),
        }
    }

    /// With a `scope`, which client credentials are asked for; an assertion says it itself.
    #[must_use]
    pub fn scope(mut self, asked: impl Into<String>) -> Self {
        if let Grant::Credentials { scope, .. } = &mut self.grant {
            *scope = Some(asked.into());
        }
        self
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
        let nothing = SecretString::default();
        let token = match &self.grant {
            Grant::Credentials { client_secrets, .. } => {
                self.token_request(client_secrets.newest())
            }
            Grant::Assertions { .. } => self.token_request(&nothing),
        };
        vec![token, request.bearer_auth(&nothing)]
    }

    /// The token, if it has not ended and is another than the one that was refused; else a new one.
    /// Deliveries side by side wait for one another here, so that one token is asked for.
    ///
    /// # Errors
    /// When none is given.
    pub async fn token(
        &self,
        api: &Api,
        refused: Option<&SecretString>,
    ) -> Result<SecretString, CallError> {
        let asked_at = Instant::now();
        let mut kept = self.kept.lock().await;
        let is_refused = |token: &SecretString| {
            refused.is_some_and(|refused| refused.expose_secret() == token.expose_secret())
        };
        if let Some(cached) = &kept.token
            && !is_refused(&cached.token)
            && cached.until.is_none_or(|until| Timestamp::now() < until)
        {
            return Ok(cached.token.clone());
        }
        // Of those who waited for the one that failed, each would wait for a failure of its own.
        if let Some((failed_at, error)) = kept.failed.as_deref()
            && *failed_at >= asked_at
        {
            return Err(error.clone());
        }
        *kept = Kept::default();
        match self.new_token(api).await {
            Ok(new) => {
                let token = new.token.clone();
                kept.token = Some(new);
                Ok(token)
            }
            Err(error) => {
                kept.failed = Some(Box::new((Instant::now(), error.clone())));
                Err(error)
            }
        }
    }

    /// A token for the first of the secrets, or of the assertions, that is accepted.
    async fn new_token(&self, api: &Api) -> Result<CachedToken, CallError> {
        let secrets: Vec<SecretString> = match &self.grant {
            Grant::Credentials { client_secrets, .. } => client_secrets.iter().cloned().collect(),
            Grant::Assertions { signers, .. } => {
                let now = Timestamp::now();
                let signed: Result<_, _> = signers.iter().map(|sign| sign(now)).collect();
                signed.map_err(|reason| CallError::new(CALL, CallErrorKind::Unsendable(reason)))?
            }
        };
        let nobody = CallErrorKind::Unsendable("there are no credentials");
        let mut asked = Err(CallError::new(CALL, nobody));
        for secret in &secrets {
            asked = self.request_token(api, secret).await;
            match &asked {
                Err(error) if error.kind == CallErrorKind::Unauthorized => {}
                _ => break,
            }
        }
        asked
    }

    async fn request_token(
        &self,
        api: &Api,
        secret: &SecretString,
    ) -> Result<CachedToken, CallError> {
        let answer = api.send(self.token_request(secret)).await?;
        if answer.status == 400 {
            return Err(answer.error(CallErrorKind::Unauthorized));
        }
        let token = lenient_json::some_text(&answer.body, "access_token");
        let lasts = lenient_json::whole(&answer.body, "expires_in").map(Duration::from_secs);
        Ok(CachedToken {
            token: token.ok_or_else(|| answer.unreadable())?.into(),
            until: lasts.and_then(|lasts| {
                let lasts = lasts.saturating_sub(MARGIN.min(lasts / 2));
                Timestamp::now().checked_add(lasts).ok()
            }),
        })
    }

    /// Wrong credentials are answered 400 or 401
    /// ([RFC 6749](https://www.rfc-editor.org/rfc/rfc6749#section-5.2)).
    fn token_request(&self, secret: &SecretString) -> ApiRequest {
        let request = ApiRequest::post(CALL, self.token_url.clone()).expect(&[400]);
        match &self.grant {
            Grant::Credentials {
                client_id, scope, ..
            } => {
                let scope = scope.iter().map(|scope| ("scope", scope.clone()));
                let fields = [
                    ("grant_type", "client_credentials".to_owned()),
                    ("client_id", client_id.clone()),
                ];
                let request = request.form(fields.into_iter().chain(scope));
                request.secret_field("client_secret", secret)
            }
            Grant::Assertions { .. } => {
                let kind = "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned();
                let request = request.form([("grant_type", kind)]);
                request.secret_field("assertion", secret)
            }
        }
    }
}

impl fmt::Debug for OAuthClient {
    /// Leaves the token out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = match &self.grant {
            Grant::Credentials { client_id, .. } => client_id,
            Grant::Assertions { name, .. } => name,
        };
        formatter
            .debug_struct("OAuthClient")
            .field("client_id", client)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::net::client;
    use crate::net::fake::{Answer, Fake};

    /// A server that gives the tokens t1, t2, …, each for this long, and takes the newest.
    async fn server(expires_in: u64) -> Fake {
        let given = AtomicUsize::new(0);
        Fake::start(move |request| {
            if request.path == "/token" {
                let number = given.fetch_add(1, Ordering::SeqCst) + 1;
                let token = format!(r#"{{"access_token":"t{number}","expires_in":{expires_in}}}"#);
                return Answer::new(200, token);
            }
            let newest = format!("Bearer t{}", given.load(Ordering::SeqCst));
            let is_newest = request.header("authorization") == newest;
            Answer::new(if is_newest { 200 } else { 401 }, "{}")
        })
        .await
    }

    fn asked(fake: &Fake) -> Vec<String> {
        let requests = fake.requests().into_iter();
        let asked = requests.filter(|request| request.path == "/token");
        asked.map(|request| request.text()).collect()
    }

    fn signers() -> Vec<Assertion> {
        vec![Box::new(|_| Ok("signed".to_owned().into()))]
    }

    #[tokio::test]
    async fn deliveries_side_by_side_have_one_token_and_a_refused_one_is_renewed_once() {
        let fake = server(3_600).await;
        let api = Api::new(client().expect("a client"));
        let oauth = OAuthClient::by_assertion(fake.url("token"), "me".to_owned(), signers());
        let call = || oauth.send(&api, ApiRequest::get("sing", fake.url("call")));
        let (one, two, three) = tokio::join!(call(), call(), call());
        assert!(one.is_ok() && two.is_ok() && three.is_ok());
        let form =
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=signed";
        assert_eq!(asked(&fake), [form]);
        // Somebody has ended it.
        client()
            .expect("a client")
            .post(fake.url("token"))
            .send()
            .await
            .expect("an answer");
        let (one, two, three) = tokio::join!(call(), call(), call());
        assert!(one.is_ok() && two.is_ok() && three.is_ok());
        assert_eq!(asked(&fake).len(), 3);
        assert!(!format!("{oauth:?}").contains("t3"));
    }

    #[tokio::test]
    async fn those_who_waited_for_a_token_that_is_not_given_do_not_ask_one_after_the_other() {
        let fake = Fake::start(|_| Answer::new(503, "{}").after(Duration::from_millis(300))).await;
        let api = Api::new(client().expect("a client"));
        let oauth = OAuthClient::by_assertion(fake.url("token"), "me".to_owned(), signers());
        let call = || oauth.send(&api, ApiRequest::get("sing", fake.url("call")));
        let (one, two, three) = tokio::join!(call(), call(), call());
        assert!(one.is_err() && two.is_err() && three.is_err());
        assert_eq!(asked(&fake).len(), 1);
        // Who comes later asks again.
        assert!(call().await.is_err());
        assert_eq!(asked(&fake).len(), 2);
    }

    #[tokio::test]
    async fn a_token_is_not_used_beyond_its_time() {
        let api = Api::new(client().expect("a client"));
        for (expires_in, tokens) in [(0, 2), (10, 1)] {
            let fake = server(expires_in).await;
            let secrets = Secrets::new("secret".to_owned(), []);
            let oauth = OAuthClient::new(fake.url("token"), "me".to_owned(), secrets).scope("all");
            for _ in 0..2 {
                let call = ApiRequest::get("sing", fake.url("call"));
                oauth.send(&api, call).await.expect("an answer");
            }
            let asked = asked(&fake);
            assert_eq!(asked.len(), tokens, "{expires_in}");
            assert_eq!(
                asked[0],
                "grant_type=client_credentials&client_id=me&scope=all&client_secret=secret"
            );
        }
    }
}
