//! What somebody who installs the app is shown.

use http::HeaderName;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS,
};
use url::Url;

use crate::request::Response;

/// What every page carries: it is nobody else's, holds nothing but itself and tells nobody whence one
/// came, since its URL has a code in it.
const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_TYPE, "text/html; charset=utf-8"),
    (CACHE_CONTROL, "no-store"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// A page with a heading and a few sentences, all of them plain text.
pub(super) fn page(status: u16, heading: &str, text: &str) -> Response {
    let (heading, text) = (escaped(heading), escaped(text));
    let body = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{heading}</title>\n\
         <style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}}</style>\n\
         <h1>{heading}</h1>\n<p>{text}</p>\n</html>\n"
    );
    let headers = HEADERS
        .into_iter()
        .map(|(name, value)| (name, value.to_owned()));
    Response {
        status,
        headers: headers.collect(),
        body,
    }
}

/// Sends the browser somewhere else, with a cookie.
pub(super) fn redirect(to: &Url, heading: &str, cookie: String) -> Response {
    let mut page = page(302, heading, to.as_str());
    page.headers.push((LOCATION, to.to_string()));
    with_cookie(page, cookie)
}

/// A page that sets a cookie.
pub(super) fn with_cookie(mut page: Response, cookie: String) -> Response {
    page.headers.push((SET_COOKIE, cookie));
    page
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_repeats_is_text_and_nothing_else() {
        let shown = page(400, "a<script>", "<img src=x onerror='a()'> & \"b\"").body;
        assert!(shown.contains("<h1>a&lt;script&gt;</h1>"), "{shown}");
        assert!(
            shown.contains("<p>&lt;img src=x onerror=&#39;a()&#39;&gt; &amp; &quot;b&quot;</p>"),
            "{shown}"
        );
    }
}
