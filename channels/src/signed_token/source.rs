//! Where keys are published: fetched once for all who wait, kept for as long as the provider says, and
//! asked for again when a token names a key that is not among them, but never in a flood.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::{self, Unreachable};
use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES};
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use url::Url;

use super::keys::{self, Key};
use super::{Expected, TokenError, Unverified, Verified};

/// How long one document may take.
const TIMEOUT: Duration = Duration::from_secs(4);

/// The largest document that is read, in bytes. Microsoft's has about a hundred thousand.
const LARGEST: usize = 2 * 1024 * 1024;

/// How long keys are kept where nothing is said, and the least and the most where it is.
const USUAL: SignedDuration = SignedDuration::from_hours(1);
const LEAST: SignedDuration = SignedDuration::from_mins(1);
const MOST: SignedDuration = SignedDuration::from_hours(24);

/// How long after one attempt the next one is made: while there are keys, and while there are none.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);
const PAUSE_WITHOUT: SignedDuration = SignedDuration::from_secs(10);

/// The keys of one provider.
#[derive(Debug)]
pub struct KeySource {
    http: reqwest::Client,
    place: KeysUrl,
    kept: Mutex<CachedKeys>,
    /// Held while they are fetched: who comes then waits for what comes of it.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
enum KeysUrl {
    /// The keys' own URL.
    Keys(Url),
    /// The URL of a document that names it (`jwks_uri`).
    Discovery(Url),
}

/// What is known.
#[derive(Debug, Default)]
struct CachedKeys {
    set: Option<Set>,
    attempt: Option<Attempt>,
}

#[derive(Debug)]
struct Set {
    keys: Vec<Arc<Key>>,
    /// From when on they are fetched again while they are still good, so that nobody waits for it when the
    /// provider's server does not answer just then.
    stale: Timestamp,
    ends: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Attempt {
    at: Timestamp,
    failed: bool,
}

/// What is known of a key.
enum Found {
    Key(Arc<Key>),
    /// The provider has no such key.
    None,
    /// The keys could not be had just now.
    Unavailable,
    /// That has to be asked.
    Ask,
}

impl KeySource {
    /// The keys that are published at this URL: a JWK set, or certificates by their keys' names.
    #[must_use]
    pub fn new(http: reqwest::Client, url: Url) -> Self {
        Self::at(http, KeysUrl::Keys(url))
    }

    /// The keys whose URL a document at this one says, as `jwks_uri`
    /// (<https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata>).
    #[must_use]
    pub fn discovered(http: reqwest::Client, url: Url) -> Self {
        Self::at(http, KeysUrl::Discovery(url))
    }

    fn at(http: reqwest::Client, place: KeysUrl) -> Self {
        Self {
            http,
            place,
            kept: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// Verifies a token: its form, its claims, and that one of these keys has signed it. What cannot be good
    /// asks for no keys.
    ///
    /// # Errors
    /// When it is not genuine, or not for us; and when the keys cannot be had.
    pub async fn verify(
        &self,
        token: &str,
        expected: &Expected<'_>,
        now: Timestamp,
    ) -> Result<Verified, TokenError> {
        let token = Unverified::read(token)?;
        token.check(expected, now)?;
        let key = self.key(&token.key_id, now).await?;
        if !token.is_signed_by(&key) {
            return Err(TokenError::Refused("the token's signature does not match"));
        }
        Ok(Verified {
            endorsements: key.endorsements.clone(),
            claims: token.claims,
        })
    }

    async fn key(&self, id: &str, now: Timestamp) -> Result<Arc<Key>, TokenError> {
        let mut found = self.find(id, now);
        if !matches!(found, Found::Key(_)) {
            // Somebody else may be fetching them just now.
            let _one_at_a_time = self.fetching.lock().await;
            found = self.find(id, now);
            if matches!(found, Found::Ask) {
                self.fetch(now).await;
                found = self.find(id, now);
            }
        }
        match found {
            Found::Key(key) => Ok(key),
            Found::None => Err(TokenError::Refused("the token names an unknown key")),
            Found::Unavailable | Found::Ask => {
                let reason = "the keys that tokens are verified with cannot be had";
                Err(TokenError::NoKeys(reason.to_owned()))
            }
        }
    }

    fn find(&self, id: &str, now: Timestamp) -> Found {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let good = kept.set.as_ref().filter(|set| now < set.ends);
        let pause = if good.is_some() { PAUSE } else { PAUSE_WITHOUT };
        let rests = |attempt: &Attempt| now.duration_since(attempt.at).abs() < pause;
        let rested = kept.attempt.filter(rests);
        let known = good.and_then(|set| {
            let key = set.keys.iter().find(|key| key.id == id)?;
            Some((key, set.stale))
        });
        match (known, rested) {
            (Some((key, stale)), rested) if now < stale || rested.is_some() => {
                Found::Key(Arc::clone(key))
            }
            (_, None) => Found::Ask,
            (_, Some(Attempt { failed: false, .. })) if good.is_some() => Found::None,
            (_, Some(_)) => Found::Unavailable,
        }
    }

    /// Fetches the keys and keeps them. What goes wrong is logged; the keys that there are stay.
    async fn fetch(&self, now: Timestamp) {
        // Whoever asked may not wait for the end of it.
        self.keep(CachedKeys::attempted(now, true));
        match self.fetched().await {
            Ok((keys, lifetime)) => {
                let add = |time: SignedDuration| now.checked_add(time).unwrap_or(now);
                let set = Set {
                    keys: keys.into_iter().map(Arc::new).collect(),
                    stale: add(lifetime * 3 / 4),
                    ends: add(lifetime),
                };
                self.keep(CachedKeys {
                    set: Some(set),
                    ..CachedKeys::attempted(now, false)
                });
            }
            Err(reason) => tracing::warn!(reason, "keys could not be fetched"),
        }
    }

    fn keep(&self, new: CachedKeys) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.attempt = new.attempt;
        if new.set.is_some() {
            kept.set = new.set;
        }
    }

    /// The keys, and how long they are good.
    async fn fetched(&self) -> Result<(Vec<Key>, SignedDuration), String> {
        let url = match &self.place {
            KeysUrl::Keys(url) => url.clone(),
            KeysUrl::Discovery(url) => {
                let (document, _) = self.document(url).await?;
                let named = lenient_json::text(&document, "jwks_uri");
                let named = Url::parse(&named).map_err(|_| "the document names no jwks_uri")?;
                // Whoever could change it on the way could name keys of his own.
                if named.scheme() != "https" && named.origin() != url.origin() {
                    return Err("the document's jwks_uri is not https".to_owned());
                }
                named
            }
        };
        let (document, lifetime) = self.document(&url).await?;
        let keys = keys::read(&document).ok_or("the document has no keys")?;
        Ok((keys, lifetime))
    }

    async fn document(&self, url: &Url) -> Result<(Value, SignedDuration), String> {
        let sent = self.http.get(url.clone()).timeout(TIMEOUT).send().await;
        let response = sent.map_err(|error| Unreachable::from(&error).to_string())?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(format!("the answer is {status}"));
        }
        let lifetime = lifetime(response.headers(), Timestamp::now());
        let body = net::read(response, LARGEST).await;
        let body = body.map_err(|error| error.to_string())?;
        let document = lenient_json::read(&body).map_err(|_| "the answer is not JSON")?;
        Ok((document, lifetime))
    }
}

impl CachedKeys {
    fn attempted(at: Timestamp, failed: bool) -> Self {
        Self {
            set: None,
            attempt: Some(Attempt { at, failed }),
        }
    }
}

/// How long an answer may be kept: `Cache-Control`, less its `Age`; else `Expires`
/// ([RFC 9111](https://www.rfc-editor.org/rfc/rfc9111#section-4.2)).
fn lifetime(headers: &HeaderMap, now: Timestamp) -> SignedDuration {
    let header = |name| headers.get(name)?.to_str().ok();
    let whole = |text: &str| text.trim().trim_matches('"').parse::<i64>().ok();
    let told = header(CACHE_CONTROL).and_then(|directives| {
        let mut directives = directives.split(',').map(|each| each.trim().to_lowercase());
        directives.find_map(|directive| match directive.split_once('=') {
            Some(("max-age", age)) => whole(age),
            None if directive == "no-store" || directive == "no-cache" => Some(0),
            _ => None,
        })
    });
    let age = header(AGE).and_then(whole).unwrap_or_default().max(0);
    let told = told.map(|most| SignedDuration::from_secs(most.saturating_sub(age)));
    let date = |name| {
        let date = rfc2822::parse(header(name)?).ok()?;
        Some(date.timestamp())
    };
    let expires = || Some(date(EXPIRES)?.duration_since(date(DATE).unwrap_or(now)));
    told.or_else(expires).unwrap_or(USUAL).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests;
