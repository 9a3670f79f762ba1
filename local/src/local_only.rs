//! Who may ask a page on this machine.

use http::{HeaderMap, header};

/// Whether a request calls this machine by its address or as `localhost`. A name that somebody else's server
/// resolves to this machine (DNS rebinding) is none: with one, any web page could drive what is served here.
#[must_use]
pub fn is_local(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .and_then(|host| host.parse::<http::uri::Authority>().ok());
    let Some(host) = host else {
        return false;
    };
    let host = host.host().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::is_local;

    #[test]
    fn only_addresses_and_localhost_are_answered() {
        let local = [
            "127.0.0.1:3000",
            "127.0.0.1",
            "localhost:3000",
            "LOCALHOST",
            "[::1]:3000",
            "10.1.2.3:80",
        ];
        let other = [
            "evil.example",
            "127.0.0.1.evil.example:3000",
            "localhost.evil.example",
            "",
            "a b",
        ];
        let host = |name: &str| {
            let value = HeaderValue::from_str(name).unwrap_or(HeaderValue::from_static(""));
            HeaderMap::from_iter([(header::HOST, value)])
        };
        for name in local {
            assert!(is_local(&host(name)), "{name}");
        }
        for name in other {
            assert!(!is_local(&host(name)), "{name}");
        }
        assert!(!is_local(&HeaderMap::new()));
    }
}
