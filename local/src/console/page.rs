//! The page's files.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{StatusCode, header};

/// What the page may load: its own files, and nothing of anybody else's.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                                 img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Each file's name, its type and its text.
const FILES: &[(&str, &str, &str)] = &[
    ("index.html", HTML, include_str!("page/index.html")),
    ("style.css", CSS, include_str!("page/style.css")),
    // The demo's: small tools that both use.
    ("kit.js", SCRIPT, include_str!("../demo/page/kit.js")),
    ("app.js", SCRIPT, include_str!("page/app.js")),
    ("api.js", SCRIPT, include_str!("page/api.js")),
    ("replay.js", SCRIPT, include_str!("page/replay.js")),
    ("entries.js", SCRIPT, include_str!("page/entries.js")),
    ("dead.js", SCRIPT, include_str!("page/dead.js")),
    ("state.js", SCRIPT, include_str!("page/state.js")),
    ("preview.js", SCRIPT, include_str!("page/preview.js")),
    ("privacy.js", SCRIPT, include_str!("page/privacy.js")),
];

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
    ([(header::CONTENT_TYPE, *kind)], *text).into_response()
}

/// What whoever has no token sees.
pub(super) fn locked() -> Response {
    let page = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>haptik-bridge console</title>\
                <main><h1>This is locked</h1><p>Open the address that the console printed when it was started: it has \
                a token. A new one is made at each start.</p></main></html>";
    let headers = [(header::CONTENT_TYPE, HTML)];
    (StatusCode::UNAUTHORIZED, headers, page).into_response()
}
