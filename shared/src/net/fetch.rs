//! Fetching from URLs that users supply: a file's, which may be presigned and is then a secret.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, HeaderValue, LOCATION};
use jiff::Timestamp;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, ClientBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::client::{build, causes};
use super::{
    BodyError, CallError, CallErrorKind, ClientError, Unreachable, address, read, retry_after,
};
use crate::retry::{Retry, Retryable};

const TIMEOUT: Duration = Duration::from_secs(20);
const MOST_REDIRECTS: usize = 5;

/// Ports of other protocols, to which no browser sends a request either: a server of such a protocol
/// could take it for one of its own (<https://fetch.spec.whatwg.org/#port-blocking>).
#[rustfmt::skip]
const BAD_PORTS: [u16; 82] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103,
    104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513,
    514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720,
    1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
];

/// Fetches files from URLs that users supply, and never from a private network.
///
/// A host is judged by the address that is connected to: a name is judged when it is resolved, for
/// every connection and after every redirect, so that no second answer of the DNS comes in between.
#[derive(Debug, Clone)]
pub struct Fetcher {
    /// How long a file may take in all.
    timeout: Duration,
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
    /// The server does not answer, or not with the file.
    #[error("{}", .0.by("the file's server"))]
    Call(#[from] CallError),
}

/// What is asked of the server, to follow "to".
const CALL: &str = "give the file";

impl Fetcher {
    /// A fetcher; with `allow_private_networks`, for tests, one that connects to any address.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(allow_private_networks: bool) -> Result<Self, ClientError> {
        if allow_private_networks {
            return Self::through(None);
        }
        Self::guarded_by(PublicOnly {
            names: SystemNames,
            is_public: address::is_public,
        })
    }

    /// A fetcher that connects to no other addresses than these.
    fn guarded_by<N: Resolve + 'static>(resolver: PublicOnly<N>) -> Result<Self, ClientError> {
        let resolver = Arc::new(resolver);
        let guarded = build(|builder| settings(builder).dns_resolver(resolver))?;
        Self::through(Some(guarded))
    }

    fn through(guarded: Option<Client>) -> Result<Self, ClientError> {
        Ok(Self {
            timeout: TIMEOUT,
            open: build(settings)?,
            guarded,
        })
    }

    /// Fetches a file of at most `limit` bytes within 20 s, over at most 5 redirects.
    ///
    /// The URLs for which `trusted` holds are the operator's: only they get the bearer token, and
    /// only they may have a private address. A redirect's target is judged like the URL itself; what
    /// an URL that is not trusted redirects to is not trusted either, so that nobody from outside
    /// chooses what is asked of the operator's own servers.
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
        tokio::time::timeout(self.timeout, fetching)
            .await
            .unwrap_or_else(|_| Err(unreachable(Unreachable::out_of_time())))
    }

    async fn follow(
        &self,
        url: &Url,
        bearer: Option<&SecretString>,
        trusted: impl Fn(&Url) -> bool + Send + Sync,
    ) -> Result<Response, FetchError> {
        let mut url = url.clone();
        let mut is_trusted = true;
        for _ in 0..=MOST_REDIRECTS {
            is_trusted = is_trusted && trusted(&url);
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
        if !is_trusted && url.port().is_some_and(|port| BAD_PORTS.contains(&port)) {
            return Err(FetchError::BadUrl("has a port that is not for HTTP"));
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
            target.map(Some).ok_or_else(|| refused(response))
        }
        _ => Err(refused(response)),
    }
}

/// What an answer without the file means. Who may not have it may not later either, and a redirect to
/// nowhere stays one.
fn refused(response: &Response) -> FetchError {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers(), Timestamp::now());
    let error = CallError::of_status(CALL, status, "", retry_after);
    FetchError::Call(match (&error.kind, status) {
        (CallErrorKind::Unauthorized, _) | (CallErrorKind::Unavailable, ..400) => {
            error.as_kind(CallErrorKind::Refused)
        }
        _ => error,
    })
}

fn unreachable(cause: Unreachable) -> FetchError {
    CallError::new(CALL, CallErrorKind::Unreachable(cause)).into()
}

/// Whether a name means this host whatever the DNS says
/// ([RFC 6761](https://www.rfc-editor.org/rfc/rfc6761#section-6.3)).
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// What both clients have in common.
fn settings(builder: ClientBuilder) -> ClientBuilder {
    // The file as it is: nothing here unpacks what a server has packed.
    let as_it_is = (ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    builder
        .timeout(TIMEOUT)
        .default_headers(HeaderMap::from_iter([as_it_is]))
}

/// Resolves names to those of their addresses that are public.
#[derive(Debug)]
struct PublicOnly<N> {
    /// Which addresses a name has.
    names: N,
    /// Which addresses are public.
    is_public: fn(IpAddr) -> bool,
}

impl<N: Resolve> Resolve for PublicOnly<N> {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, is_public) = (self.names.resolve(name), self.is_public);
        Box::pin(async move {
            let public: Vec<_> = found.await?.filter(|found| is_public(found.ip())).collect();
            if public.is_empty() {
                return Err(NoPublicAddress.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// The system's resolver.
#[derive(Debug)]
struct SystemNames;

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
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
            unreachable(Unreachable::from(error))
        }
    }
}

impl From<BodyError> for FetchError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { limit } => Self::TooLarge { limit },
            BodyError::Broken(error) => unreachable(error),
        }
    }
}

impl Retryable for FetchError {
    fn retry(&self) -> Retry {
        match self {
            Self::BadUrl(_)
            | Self::ForbiddenAddress
            | Self::TooManyRedirects
            | Self::TooLarge { .. } => Retry::Never,
            Self::Call(error) => error.retry(),
        }
    }
}

#[cfg(test)]
mod tests;
