//! The page's files, and who may ask for them.

use axum::extract::{Path, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use http::{StatusCode, header};

use crate::local_only::is_local;

/// What the page may load: its own files, and the pictures that messages name.
const POLICY: &str = "default-src 'self'; img-src http: https: data:; style-src 'self' 'unsafe-inline'; \
                      object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

macro_rules! files {
    ($($name:literal: $kind:literal),* $(,)?) => {
        /// Each file's name, its type and its text.
        const FILES: &[(&str, &str, &str)] = &[$(($name, $kind, include_str!(concat!("page/", $name)))),*];
    };
}

files! {
    "index.html": "text/html; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "kit.js": "text/javascript; charset=utf-8",
    "users.js": "text/javascript; charset=utf-8",
    "elements.js": "text/javascript; charset=utf-8",
    "chat.js": "text/javascript; charset=utf-8",
    "hops.js": "text/javascript; charset=utf-8",
    "controls.js": "text/javascript; charset=utf-8",
    "main.js": "text/javascript; charset=utf-8",
}

/// The page at `/`, and its files below `/page`.
pub(super) fn router() -> Router {
    Router::new()
        .route("/", get(|| async { file("index.html") }))
        .route(
            "/page/{name}",
            get(|Path(name): Path<String>| async move { file(&name) }),
        )
}

fn file(name: &str) -> Response {
    let Some((_, kind, text)) = FILES.iter().find(|(known, ..)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, *kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, *text).into_response()
}

/// Answers only those who call this machine by its address or as `localhost`. A name that somebody else's
/// server resolves to this machine (DNS rebinding) is refused, or any web page could drive the demo.
pub(super) fn guarded(router: Router) -> Router {
    router.layer(middleware::from_fn(async |request: Request, next: Next| {
        if is_local(request.headers()) {
            return next.run(request).await;
        }
        let said = "the demo answers only at an IP address or at localhost\n";
        (StatusCode::MISDIRECTED_REQUEST, said).into_response()
    }))
}
