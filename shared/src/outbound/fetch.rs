//! Fetching from URLs that users supply.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::LOCATION;
use jiff::Timestamp;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Response};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::{BodyError, ClientError, Unreachable, address, build, causes, read, retry_after};
use crate::retry::{Retry, Retryable};

const TIMEOUT: Duration = Duration::from_secs(20);
const MOST_REDIRECTS: usize = 5;

/// Fetches files from URLs that users supply, and never from a private network.
///
/// A host is judged by the address that is connected to: a name is judged when it is resolved, for
/// every connection and after every redirect, so that no second answer of the DNS comes in between.
#[derive(Debug, Clone)]
pub struct Fetcher {
    /// Connects to any address.
    open: Client,
    /// Connects to public addresses; `None` when private ones are allowed too.
    guarded: Option<Client>,
}

/// Why a file could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The URL is not one to fetch from.
    #[error("the file's URL {0}")]
    BadUrl(&'static str),
    /// It points at a private, loopback or otherwise special address.
    #[error("the file's URL points at an address that is not public")]
    ForbiddenAddress,
    /// It leads from redirect to redirect.
    #[error("the file's URL redirects more than {MOST_REDIRECTS} times")]
    TooManyRedirects,
    /// The file is larger than wanted.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// The most bytes that were wanted.
        limit: usize,
    },
    /// The server will not give it.
    #[error("the file's server answered {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// The server cannot give it now: 408, 425, 429 or 5xx.
    #[error("the file's server answered {status}")]
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The server does not answer.
    #[error("fetching the file: {0}")]
    Unreachable(Unreachable),
}

impl Fetcher {
    /// A fetcher; with `allow_private_networks`, for tests, one that connects to any address.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(allow_private_networks: bool) -> Result<Self, ClientError> {
        let guarded = if allow_private_networks {
            None
        } else {
            Some(build(|builder| {
                builder.timeout(TIMEOUT).dns_resolver(Arc::new(PublicOnly))
            })?)
        };
        let open = build(|builder| builder.timeout(TIMEOUT))?;
        Ok(Self { open, guarded })
    }

    /// Fetches a file of at most `limit` bytes within 20 s, over at most 5 redirects.
    ///
    /// The URLs for which `trusted` holds are the operator's: only they get the bearer token, and
    /// only they may have a private address. A redirect's target is judged like the URL itself.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn fetch(
        &self,
        url: &Url,
        bearer: Option<&SecretString>,
        trusted: impl Fn(&Url) -> bool + Send + Sync,
        limit: usize,
    ) -> Result<Bytes, FetchError> {
        let fetching = async {
            let response = self.follow(url, bearer, trusted).await?;
            read(response, limit).await.map_err(FetchError::from)
        };
        // The clients' own time limits start again with each redirect.
        tokio::time::timeout(TIMEOUT, fetching)
            .await
            .unwrap_or_else(|_| Err(FetchError::Unreachable(Unreachable::out_of_time())))
    }

    async fn follow(
        &self,
        url: &Url,
        bearer: Option<&SecretString>,
        trusted: impl Fn(&Url) -> bool + Send + Sync,
    ) -> Result<Response, FetchError> {
        let mut url = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let is_trusted = trusted(&url);
            let client = self.client_for(&url, is_trusted)?;
            let mut request = client.get(url.clone());
            if let Some(bearer) = bearer.filter(|_| is_trusted) {
                request = request.bearer_auth(bearer.expose_secret());
            }
            let response = request
                .send()
                .await
                .map_err(|error| FetchError::from(&error))?;
            match redirect(&url, &response)? {
                Some(target) => url = target,
                None => return Ok(response),
            }
        }
        Err(FetchError::TooManyRedirects)
    }

    /// The client that may connect to this URL.
    fn client_for(&self, url: &Url, is_trusted: bool) -> Result<&Client, FetchError> {
        if !["http", "https"].contains(&url.scheme()) {
            return Err(FetchError::BadUrl("is neither http nor https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::BadUrl("has a user name or password in it"));
        }
        let Some(guarded) = self.guarded.as_ref().filter(|_| !is_trusted) else {
            return Ok(&self.open);
        };
        // An address in the URL never gets to the resolver. However it was written (decimal, octal,
        // hexadecimal, shortened), the URL standard made it the address that it means.
        let is_public = match url.host().ok_or(FetchError::BadUrl("has no host"))? {
            Host::Ipv4(ip) => address::is_public(IpAddr::V4(ip)),
            Host::Ipv6(ip) => address::is_public(IpAddr::V6(ip)),
            Host::Domain(name) => !is_localhost(name),
        };
        if is_public {
            Ok(guarded)
        } else {
            Err(FetchError::ForbiddenAddress)
        }
    }
}

/// Where an answer redirects to, if it does; an error unless it is a success or a redirect.
fn redirect(url: &Url, response: &Response) -> Result<Option<Url>, FetchError> {
    let status = response.status();
    match status.as_u16() {
        200..=299 => Ok(None),
        301 | 302 | 303 | 307 | 308 => {
            let location = response
                .headers()
                .get(LOCATION)
                .and_then(|value| value.to_str().ok());
            let target = location.and_then(|location| url.join(location).ok());
            target.map(Some).ok_or(FetchError::Refused {
                status: status.as_u16(),
            })
        }
        408 | 425 | 429 | 500..=599 => Err(FetchError::Unavailable {
            status: status.as_u16(),
            retry_after: retry_after(response.headers(), Timestamp::now()),
        }),
        status => Err(FetchError::Refused { status }),
    }
}

/// Whether a name means this host whatever the DNS says
/// ([RFC 6761](https://www.rfc-editor.org/rfc/rfc6761#section-6.3)).
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// Resolves names to their public addresses.
#[derive(Debug)]
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(public(found)?)
        })
    }
}

fn public(found: impl Iterator<Item = SocketAddr>) -> Result<Addrs, NoPublicAddress> {
    let public: Vec<_> = found
        .filter(|found| address::is_public(found.ip()))
        .collect();
    if public.is_empty() {
        return Err(NoPublicAddress);
    }
    Ok(Box::new(public.into_iter()))
}

/// A name that resolves to addresses of which none is public.
#[derive(Debug)]
struct NoPublicAddress;

impl fmt::Display for NoPublicAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name has no public address")
    }
}

impl Error for NoPublicAddress {}

impl From<&reqwest::Error> for FetchError {
    fn from(error: &reqwest::Error) -> Self {
        if causes(error).any(<dyn Error>::is::<NoPublicAddress>) {
            Self::ForbiddenAddress
        } else {
            Self::Unreachable(Unreachable::from(error))
        }
    }
}

impl From<BodyError> for FetchError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { limit } => Self::TooLarge { limit },
            BodyError::Broken(error) => Self::Unreachable(error),
        }
    }
}

impl Retryable for FetchError {
    fn retry(&self) -> Retry {
        match self {
            Self::BadUrl(_)
            | Self::ForbiddenAddress
            | Self::TooManyRedirects
            | Self::TooLarge { .. }
            | Self::Refused { .. } => Retry::Never,
            Self::Unavailable { retry_after, .. } => Retry::Later(*retry_after),
            Self::Unreachable(_) => Retry::Later(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Answer, Fake};
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    fn bearer() -> SecretString {
        SecretString::from("xoxb-secret")
    }

    async fn guarded(target: &Url) -> Result<Bytes, FetchError> {
        let fetcher = Fetcher::new(false).expect("a fetcher");
        fetcher.fetch(target, Some(&bearer()), |_| false, 100).await
    }

    #[tokio::test]
    async fn private_addresses_are_refused_however_they_are_written() {
        let fake = Fake::start(|_| Answer::new(200, "inside")).await;
        let port = fake.port();
        let hosts = [
            "127.0.0.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0x7f.1",
            "127.1",
            "127.0.0.1.",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "x.localhost",
            "0",
            "0.0.0.0",
            "[::]",
            "10.0.0.1",
            "169.254.169.254",
            "[fd00:ec2::254]",
            "１２７.0.0.1",
            "127。0。0。1",
        ];
        for host in hosts {
            let target = url(&format!("http://{host}:{port}/"));
            assert_eq!(
                guarded(&target).await,
                Err(FetchError::ForbiddenAddress),
                "{host}"
            );
        }
        assert!(fake.requests().is_empty());
    }

    #[test]
    fn a_name_leads_only_to_its_public_addresses() {
        let found = |ips: &[&str]| {
            let ips: Vec<_> = ips
                .iter()
                .map(|ip| SocketAddr::new(ip.parse().expect("an IP"), 0))
                .collect();
            public(ips.into_iter()).map(|addresses| {
                addresses
                    .map(|found| found.ip().to_string())
                    .collect::<Vec<_>>()
            })
        };
        assert!(found(&["10.0.0.1", "::1"]).is_err());
        assert!(found(&[]).is_err());
        assert_eq!(found(&["10.0.0.1", "8.8.8.8"]).expect("one"), ["8.8.8.8"]);
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_a_private_address_is_refused() {
        // The resolver's own refusal, through all the layers that wrap it.
        let client = build(|builder| builder.dns_resolver(Arc::new(PublicOnly))).expect("a client");
        let error = client
            .get("http://localhost:1/")
            .send()
            .await
            .expect_err("refused");
        assert_eq!(FetchError::from(&error), FetchError::ForbiddenAddress);
    }

    #[tokio::test]
    async fn only_http_without_credentials_is_fetched() {
        for refused in [
            "ftp://example.com/",
            "file:///etc/passwd",
            "data:,x",
            "http://me:secret@example.com/",
        ] {
            let error = guarded(&url(refused)).await.expect_err(refused);
            assert!(matches!(error, FetchError::BadUrl(_)), "{refused}: {error}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[tokio::test]
    async fn a_redirect_to_a_private_address_is_refused_and_gets_no_token() {
        let inside = Fake::start(|_| Answer::new(200, "inside")).await;
        let target = inside.url("").to_string();
        let outside = Fake::start(move |_| Answer::new(302, "").header("location", &target)).await;
        let (fetcher, start) = (Fetcher::new(false).expect("a fetcher"), outside.url("file"));
        let is_outside = |url: &Url| url.port() == start.port();
        let outcome = fetcher
            .fetch(&start, Some(&bearer()), is_outside, 100)
            .await;
        assert_eq!(outcome, Err(FetchError::ForbiddenAddress));
        assert_eq!(
            outside.requests()[0].header("authorization"),
            "Bearer xoxb-secret"
        );
        assert!(inside.requests().is_empty());
    }

    #[tokio::test]
    async fn the_token_stays_with_trusted_urls() {
        let other = Fake::start(|_| Answer::new(200, "file")).await;
        let target = other.url("").to_string();
        let own = Fake::start(move |_| Answer::new(307, "").header("location", &target)).await;
        let fetcher = Fetcher::new(true).expect("a fetcher");
        let is_own = |url: &Url| url.port() == Some(own.port());
        let body = fetcher
            .fetch(&own.url(""), Some(&bearer()), is_own, 100)
            .await;
        assert_eq!(body.expect("the file"), "file");
        assert_eq!(other.requests()[0].header("authorization"), "");
    }

    #[tokio::test]
    async fn redirects_end_after_five_and_files_at_the_limit() {
        let fake = Fake::start(|request| match request.path.as_str() {
            "/large" => Answer::new(200, "x".repeat(101)).chunked(),
            "/nowhere" => Answer::new(302, ""),
            path => match path.trim_start_matches('/').parse::<usize>() {
                Ok(0) => Answer::new(200, "end"),
                Ok(left) => Answer::new(302, "").header("location", &format!("/{}", left - 1)),
                Err(_) => Answer::new(404, ""),
            },
        })
        .await;
        let fetcher = Fetcher::new(true).expect("a fetcher");
        let fetch = async |path: &str| fetcher.fetch(&fake.url(path), None, |_| false, 100).await;
        assert_eq!(fetch("5").await.expect("five redirects"), "end");
        assert_eq!(fetch("6").await, Err(FetchError::TooManyRedirects));
        assert_eq!(
            fetch("large").await,
            Err(FetchError::TooLarge { limit: 100 })
        );
        assert_eq!(
            fetch("nowhere").await,
            Err(FetchError::Refused { status: 302 })
        );
        assert_eq!(
            fetch("gone").await,
            Err(FetchError::Refused { status: 404 })
        );
    }

    #[tokio::test]
    async fn an_overloaded_server_is_asked_again_and_a_refusing_one_is_not() {
        let fake = Fake::start(|request| {
            let status = request
                .path
                .trim_start_matches('/')
                .parse()
                .expect("a status");
            Answer::new(status, "").header("retry-after", "7")
        })
        .await;
        let fetcher = Fetcher::new(true).expect("a fetcher");
        let seven = Retry::Later(Some(Duration::from_secs(7)));
        for (status, retry) in [
            ("400", Retry::Never),
            ("401", Retry::Never),
            ("403", Retry::Never),
            ("404", Retry::Never),
            ("410", Retry::Never),
            ("408", seven),
            ("429", seven),
            ("500", seven),
            ("503", seven),
        ] {
            let error = fetcher
                .fetch(&fake.url(status), None, |_| true, 100)
                .await
                .expect_err(status);
            assert_eq!(error.retry(), retry, "{status}");
        }
    }
}
