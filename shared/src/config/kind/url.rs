//! URLs.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::text::is_placeholder;
use super::{Fault, Faults, Given, ValueType};

/// A URL below which paths are called; its path always ends in a slash when it has been read, so
/// that [`Url::join`] with a relative path appends it.
#[derive(Debug)]
pub struct BaseUrl;

impl ValueType for BaseUrl {
    type Value = Url;

    fn name(&self) -> String {
        "base URL".to_owned()
    }

    fn allowed(&self) -> String {
        "an http or https URL with a host, without user, password, query and fragment".to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<Url, Faults> {
        let mut url = url(given.text()?)?;
        if url.query().is_some() {
            return Err(Fault::new("a URL with a query").into());
        }
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(url)
    }

    fn warnings(&self, url: &Url) -> Vec<String> {
        of_http(url)
    }

    fn show(&self, url: &Url, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(url.as_str(), formatter)
    }
}

/// A URL that is called as it is. Its path and its query can be what keeps it private.
#[derive(Debug)]
pub struct FullUrl;

impl ValueType for FullUrl {
    type Value = Url;

    fn name(&self) -> String {
        "URL".to_owned()
    }

    fn allowed(&self) -> String {
        "an http or https URL with a host, without user, password and fragment".to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<Url, Faults> {
        url(given.text()?)
    }

    fn warnings(&self, url: &Url) -> Vec<String> {
        of_http(url)
    }

    fn show(&self, url: &Url, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&url.origin().ascii_serialization(), formatter)
    }
}

/// A URL without the parts that no URL of a configuration has. What is wrong with it is said
/// without any of it: a token in the wrong key must not be printed, and a path may be a secret.
fn url(text: &str) -> Result<Url, Faults> {
    let fault = |found: &str| Fault::new(found).into();
    if is_placeholder(text) {
        return Err(fault("a placeholder"));
    }
    // The URL standard would remove these silently.
    if text
        .chars()
        .any(|character| character.is_whitespace() || character.is_control())
    {
        return Err(fault("a URL with white space or control characters in it"));
    }
    // … and add the slashes.
    let (scheme, _) = text
        .split_once("://")
        .ok_or_else(|| fault("text that is not a URL"))?;
    if !["http", "https"]
        .iter()
        .any(|allowed| scheme.eq_ignore_ascii_case(allowed))
    {
        return Err(fault("a URL that is neither http nor https"));
    }
    let url = Url::parse(text).map_err(|_| fault("text that is not a URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault("a URL with a user name or password"));
    }
    if url.fragment().is_some() {
        return Err(fault("a URL with a fragment"));
    }
    Ok(url)
}

fn of_http(url: &Url) -> Vec<String> {
    let warning =
        " is http: what is sent there, secrets included, can be read on the way; use https";
    let is_open = url.scheme() == "http" && !is_loopback(url);
    is_open.then(|| warning.to_owned()).into_iter().collect()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => Ipv6Addr::is_loopback(&address),
        None => false,
    }
}
