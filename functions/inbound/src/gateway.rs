//! What API Gateway makes of a path.

use http::Uri;
use http::uri::PathAndQuery;
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::{Request, RequestExt as _};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What no path has as it is.
const NOT_IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A request with the whole of its path. API Gateway decodes it, and from what was decoded `lambda_http` makes a URL: of a
/// user `tenant#42` only `tenant` is left, which may be another user.
#[must_use]
pub fn whole_path(mut request: Request) -> Request {
    let decoded = request.raw_http_path();
    if decoded.is_empty() {
        return request;
    }
    let query = if decoded.contains(['#', '?']) {
        let query = request.query_string_parameters_ref();
        query.map(QueryMap::to_query_string)
    } else {
        request.uri().query().map(str::to_owned)
    };
    let mut path = utf8_percent_encode(decoded, NOT_IN_PATHS).to_string();
    if let Some(query) = query {
        path.push('?');
        path.push_str(&query);
    }
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(path).ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::to_bytes;
    use axum::extract::{Path, RawQuery};
    use axum::routing::any;
    use lambda_http::tower::ServiceExt as _;
    use serde_json::json;

    use super::*;

    /// The user and the query that a request is understood to have, of an event with this path.
    async fn understood(path: &str, query: &str) -> (String, String) {
        let event = json!({
            "version": "2.0", "routeKey": "ANY /channels/{connection}/{proxy+}", "rawPath": path, "rawQueryString": query,
            "headers": {"host": "bridge.example"},
            "requestContext": {
                "accountId": "123456789012", "apiId": "api", "domainName": "bridge.example", "domainPrefix": "bridge",
                "http": {"method": "DELETE", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x"},
                "requestId": "id", "routeKey": "ANY /channels/{connection}/{proxy+}", "stage": "$default",
                "time": "22/Nov/2026:10:00:00 +0000", "timeEpoch": 1_795_341_600_000_i64,
            },
            "isBase64Encoded": false,
        });
        let request = lambda_http::request::from_str(&event.to_string()).expect("an event");
        let user = async |Path(user): Path<String>, RawQuery(query): RawQuery| {
            format!("{user}\n{}", query.unwrap_or_default())
        };
        let router = Router::new()
            .route("/channels/my-app/handoff/{*user}", any(user))
            .map_request(whole_path);
        let answer = router.oneshot(request).await.expect("an answer");
        let body = to_bytes(answer.into_body(), usize::MAX)
            .await
            .expect("a body");
        let body = String::from_utf8(body.to_vec()).expect("a text");
        let (user, query) = body.rsplit_once('\n').expect("two lines");
        (user.to_owned(), query.to_owned())
    }

    #[tokio::test]
    async fn a_user_is_named_by_the_whole_of_the_path() {
        for user in [
            "u-42",
            "tenant#42",
            "tenant?42",
            "50%",
            "a%41",
            "u/42",
            "..",
            "a/../b",
            "back\\slash",
            "a b\tc\nd",
            "asha+x@example.com;v=1",
            "\u{e9}\u{4e16}\u{754c}\u{1f44b}",
        ] {
            for query in ["", "a=b%20c%2541"] {
                let path = format!("/channels/my-app/handoff/{user}");
                let expected = (user.to_owned(), query.replace("%20", "+"));
                let (found, kept) = understood(&path, query).await;
                assert_eq!((found, kept.replace("%20", "+")), expected, "{user:?}");
            }
        }
    }
}
