//! Who may ask: whoever has the token that the console printed, from its own page.
//!
//! The token comes in the address that is opened (`/?token=…`) and is then kept in a cookie that no script reads.
//! Other programs on this machine share its name, so a cookie alone proves nothing: a request of the page has a header
//! besides, which no other origin can send without asking first, and nobody who asks is allowed to.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::anyhow;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect, Response};
use haptik_bridge_local::local_only::is_local;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::page;

/// The header that requests of the page have.
const OWN_HEADER: &str = "x-haptik-bridge-console";

/// The least bits of a token.
const TOKEN_BYTES: usize = 24;

/// What a request must have.
#[derive(Clone)]
pub(super) struct Guard(Arc<Inner>);

struct Inner {
    token: String,
    cookie: String,
    address: SocketAddr,
}

impl Guard {
    /// A new token, for a console at this address.
    ///
    /// # Errors
    /// When the machine has no random numbers.
    pub(super) fn new(address: SocketAddr) -> anyhow::Result<Self> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random numbers: {error}"))?;
        let token = bytes.iter().fold(String::new(), |mut token, byte| {
            let _ = write!(token, "{byte:02x}");
            token
        });
        let cookie = format!("haptik-bridge-console-{}", address.port());
        Ok(Self(Arc::new(Inner {
            token,
            cookie,
            address,
        })))
    }

    /// The address to open.
    pub(super) fn url(&self) -> String {
        format!("http://{}/?token={}", self.0.address, self.0.token)
    }

    pub(super) fn guarded(self, router: Router) -> Router {
        router.layer(from_fn_with_state(self, guard))
    }

    /// The answer to a request that may not go on, if it may not.
    fn refusal(&self, request: &Request) -> Option<Response> {
        let headers = request.headers();
        if !is_local(headers) {
            let said = "the console answers only at an IP address or at localhost\n";
            return Some((StatusCode::MISDIRECTED_REQUEST, said).into_response());
        }
        if is_from_elsewhere(headers) {
            let said = "the console answers no other page\n";
            return Some((StatusCode::FORBIDDEN, said).into_response());
        }
        let path = request.uri().path();
        if path == "/"
            && let Some(token) = token_of(request)
        {
            return Some(if self.is_token(token) {
                self.welcome()
            } else {
                page::locked()
            });
        }
        let is_bearer = bearer(headers).is_some_and(|token| self.is_token(token));
        let has_cookie = cookie(headers, &self.0.cookie).is_some_and(|token| self.is_token(token));
        let is_own = !path.starts_with("/api/") || headers.contains_key(OWN_HEADER);
        if is_bearer || (has_cookie && is_own) {
            return None;
        }
        Some(
            if request.method() == Method::GET && !path.starts_with("/api/") {
                page::locked()
            } else {
                let said = "open the address that the console printed when it was started\n";
                (StatusCode::UNAUTHORIZED, said).into_response()
            },
        )
    }

    /// Keeps the token in a cookie, and takes it out of the address.
    fn welcome(&self) -> Response {
        let Inner { token, cookie, .. } = &*self.0;
        let cookie = format!("{cookie}={token}; Path=/; HttpOnly; SameSite=Strict");
        let headers = [(header::SET_COOKIE, cookie)];
        (headers, Redirect::to("/")).into_response()
    }

    /// In the same time, however much of it is right.
    fn is_token(&self, text: &str) -> bool {
        let token = self.0.token.as_bytes();
        let differences = token.iter().zip(text.as_bytes()).map(|(a, b)| a ^ b);
        token.len() == text.len() && differences.fold(0, |all, one| all | one) == 0
    }
}

async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let mut response = match guard.refusal(&request) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, page::POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether another page asks. A browser says from where a request comes.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let text = |name: &header::HeaderName| headers.get(name).map(HeaderValue::as_bytes);
    let host = text(&header::HOST).unwrap_or_default();
    let is_own = |origin: &[u8]| origin.strip_prefix(b"http://".as_slice()) == Some(host);
    if text(&header::ORIGIN).is_some_and(|origin| !is_own(origin)) {
        return true;
    }
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    // A link that was followed comes from nowhere or elsewhere; it shows the page and does nothing.
    let is_opened = headers
        .get("sec-fetch-mode")
        .is_some_and(|mode| mode == "navigate");
    let is_near = [b"same-origin".as_slice(), b"none".as_slice()];
    site.is_some_and(|site| !is_near.contains(&site) && !is_opened)
}

fn token_of(request: &Request) -> Option<&str> {
    let query = request.uri().query()?;
    let mut pairs = query.split('&');
    pairs.find_map(|pair| pair.strip_prefix("token="))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let cookies = cookies.filter_map(|cookies| cookies.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';'));
    pairs.find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    async fn asked(headers: &[(&str, &str)], path: &str, guard: &Guard) -> Response {
        let router = Router::new()
            .route("/", get(|| async { "the page" }))
            .route("/api/dead", get(|| async { "what was given up" }));
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        let answered = guard.clone().guarded(router).oneshot(request).await;
        answered.expect("it never fails")
    }

    fn guard() -> Guard {
        Guard::new("127.0.0.1:3001".parse().expect("an address")).expect("random numbers")
    }

    #[tokio::test]
    async fn only_its_own_page_with_the_token_is_answered() {
        let guard = guard();
        let cookie = format!("a=b; {}={}", guard.0.cookie, guard.0.token);
        let wrong = format!("{}={}", guard.0.cookie, "0".repeat(guard.0.token.len()));
        let bearer = format!("Bearer {}", guard.0.token);
        let host = ("host", "127.0.0.1:3001");
        let own = (OWN_HEADER, "1");
        let cookie = ("cookie", cookie.as_str());
        let cases: &[(&[(&str, &str)], u16)] = &[
            (&[host, own, cookie], 200),
            (&[host, ("authorization", &bearer)], 200),
            (
                &[host, own, cookie, ("origin", "http://127.0.0.1:3001")],
                200,
            ),
            (&[host, own, cookie, ("sec-fetch-site", "same-origin")], 200),
            (&[host, own], 401),
            (&[host, cookie], 401),
            (&[host, own, ("cookie", &wrong)], 401),
            (&[host, ("authorization", "Bearer ")], 401),
            (&[host, own, cookie, ("origin", "http://evil.example")], 403),
            (&[host, own, cookie, ("origin", "null")], 403),
            (
                &[host, own, cookie, ("origin", "http://127.0.0.1:3000")],
                403,
            ),
            (&[host, own, cookie, ("sec-fetch-site", "cross-site")], 403),
            (&[host, own, cookie, ("sec-fetch-site", "same-site")], 403),
            (&[("host", "evil.example"), own, cookie], 421),
            (&[own, cookie], 421),
        ];
        for (headers, status) in cases {
            let answer = asked(headers, "/api/dead", &guard).await;
            assert_eq!(answer.status().as_u16(), *status, "{headers:?}");
            let policy = answer.headers().get(header::CONTENT_SECURITY_POLICY);
            assert!(policy.is_some(), "{headers:?}");
        }
    }

    #[tokio::test]
    async fn the_address_that_was_printed_opens_it_and_leaves_no_token_behind() {
        let guard = guard();
        let host = [("host", "127.0.0.1:3001")];
        let url = guard.url();
        let path = url.strip_prefix("http://127.0.0.1:3001").expect("its own");
        let answer = asked(&host, path, &guard).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert_eq!(answer.headers()[header::LOCATION], "/");
        let cookie = answer.headers()[header::SET_COOKIE].to_str().expect("text");
        assert!(
            cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
            "{cookie}"
        );
        for path in ["/", "/?token=", "/?token=x", "/?other=1"] {
            let answer = asked(&host, path, &guard).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        }
    }
}
