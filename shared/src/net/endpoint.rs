//! Where a request goes, with the parts of it that are secret.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// Where a request goes, and how people are shown that. A URL that has a token in it, as some providers want,
/// is made here and is never shown: neither `Debug` nor `Display` nor a preview has it.
#[derive(Clone)]
pub struct Endpoint {
    url: Url,
    shown: String,
}

/// What is shown in the place of a secret.
const SECRET: &str = "[…]";

impl Endpoint {
    /// One more segment of the path, after those that there are.
    #[must_use]
    pub fn segment(self, segment: &str) -> Self {
        self.push(segment, segment)
    }

    /// One more segment of the path: `before`, and a secret.
    #[must_use]
    pub fn secret_segment(self, before: &str, secret: &SecretString) -> Self {
        let segment = format!("{before}{}", secret.expose_secret());
        self.push(&segment, &format!("{before}{SECRET}"))
    }

    /// The URL as it is called. Who has it sees to it that it is written nowhere.
    #[must_use]
    pub fn expose(&self) -> &Url {
        &self.url
    }

    fn push(mut self, segment: &str, shown: &str) -> Self {
        // An URL that cannot have a path is none that can be called either.
        if let Ok(mut path) = self.url.path_segments_mut() {
            path.pop_if_empty().push(segment);
        }
        self.shown = format!("{}/{shown}", self.shown.trim_end_matches('/'));
        self
    }
}

impl From<Url> for Endpoint {
    fn from(url: Url) -> Self {
        let shown = url.to_string();
        Self { url, shown }
    }
}

impl From<&Url> for Endpoint {
    fn from(url: &Url) -> Self {
        url.clone().into()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use proptest::prelude::*;

    use super::super::api::ApiRequest;
    use super::*;

    fn base() -> Url {
        "https://api.telegram.org/".parse().expect("a URL")
    }

    #[test]
    fn a_secret_is_in_the_url_and_in_nothing_that_is_shown() {
        let endpoint = Endpoint::from(base())
            .secret_segment("bot", &"123:abc-DEF".into())
            .segment("sendMessage");
        assert_eq!(
            endpoint.expose().as_str(),
            "https://api.telegram.org/bot123:abc-DEF/sendMessage"
        );
        let shown = "https://api.telegram.org/bot[…]/sendMessage";
        assert_eq!(endpoint.to_string(), shown);
        let request = ApiRequest::new("send a message", Method::POST, endpoint);
        assert_eq!(request.preview().url, shown);
        let printed = format!("{request:?} {}", request.preview());
        assert!(!printed.contains("abc"));
    }

    proptest! {
        #[test]
        fn whatever_the_secret_is_no_output_has_it(secret in "[0-9]{4,10}:[A-Za-z0-9_ /?#%-]{8,40}") {
            let endpoint = Endpoint::from(base()).secret_segment("bot", &secret.as_str().into());
            let encoded = endpoint.expose().path_segments().and_then(|mut path| path.next_back());
            let encoded = encoded.expect("a segment")[3..].to_owned();
            let request = ApiRequest::get("ask", endpoint.segment("getMe"));
            let printed = [format!("{request:?}"), request.preview().to_string()].concat();
            prop_assert!(!printed.contains(&secret) && !printed.contains(&encoded));
        }
    }
}
