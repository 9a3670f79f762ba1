//! Who sends: `X-Twilio-Signature` (<https://www.twilio.com/docs/usage/security#validating-requests>), over the
//! URL exactly as Twilio called it.
//!
//! Behind the URL stand, for a form, the name and the value of each field, in order and without anything
//! between them; for JSON nothing, but the URL's query has the body's hash. No time is signed.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::lenient_json;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use sha2::{Digest as _, Sha256};
use url::{Url, form_urlencoded};

use crate::verify::{Encoding, Hash, Signature, Unverified};

/// The header with the signature.
const SIGNATURE: &str = "X-Twilio-Signature";

/// The header that says by which key and hash it was made, where that is not the auth token and SHA-1:
/// `key=…,algorithm=HMAC_SHA256`.
const SETTINGS: &str = "X-Twilio-Webhooks-Signature-Settings";

/// The pair of the query with the hash of a body that is no form, in hexadecimal digits.
const BODY_HASH: &str = "bodySHA256";

/// Checks that one of the secrets has signed a request that Twilio sent to this URL, which has its query.
pub(super) fn verify(
    headers: &HeaderMap,
    secrets: &Secrets,
    url: &str,
    body: &[u8],
) -> Result<(), Unverified> {
    let signature = Signature {
        header: SIGNATURE,
        prefix: "",
        hash: hash(headers)?,
        encoding: Encoding::Base64,
    };
    let fields = if is_form(headers) {
        fields(body)
    } else {
        check_hash(url, body)?;
        String::new()
    };
    let signed =
        |url: &String| signature.verify(headers, secrets, &[url.as_bytes(), fields.as_bytes()]);
    let mut refused = Unverified::Mismatch(SIGNATURE);
    for url in spellings(url) {
        match signed(&url) {
            Ok(()) => return Ok(()),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// The hash of the signature: by the header alone, so that none is tried that was not named. As Twilio's own
/// libraries read it: where it names no algorithm it is SHA-1, and case does not matter.
fn hash(headers: &HeaderMap) -> Result<Hash, Unverified> {
    if !headers.contains_key(SETTINGS) {
        return Ok(Hash::Sha1);
    }
    let settings = lenient_json::header(headers, SETTINGS);
    let settings = settings.ok_or(Unverified::Missing(SETTINGS))?;
    let pairs = settings.split(',').filter_map(|pair| pair.split_once('='));
    let mut named = pairs
        .filter(|(name, value)| name.trim() == "algorithm" && !value.trim().is_empty())
        .map(|(_, value)| value.trim().to_ascii_uppercase());
    match named.next().as_deref() {
        None | Some("HMAC_SHA1") => Ok(Hash::Sha1),
        Some("HMAC_SHA256") => Ok(Hash::Sha256),
        Some(_) => Err(Unverified::Malformed(SETTINGS)),
    }
}

/// Whether the body is a form. One that names no type is one.
fn is_form(headers: &HeaderMap) -> bool {
    let kind = lenient_json::header(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.is_empty() || kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The names and values of a form as they are signed: in order, each pair once.
fn fields(body: &[u8]) -> String {
    let pairs: BTreeSet<(Cow<'_, str>, Cow<'_, str>)> = form_urlencoded::parse(body).collect();
    let pairs = pairs.iter().flat_map(|(name, value)| [&**name, &**value]);
    pairs.collect()
}

/// Checks that the query, which is signed, has the hash of the body.
fn check_hash(url: &str, body: &[u8]) -> Result<(), Unverified> {
    let missing = Unverified::Other("bodySHA256 is missing in the URL of a body that is no form");
    let (_, query) = url.split_once('?').ok_or(missing)?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let shown = pairs.find(|(name, _)| name == BODY_HASH);
    let (_, shown) = shown.ok_or(missing)?;
    let is_right =
        hex::decode(shown.as_bytes()).is_ok_and(|hash| hash[..] == Sha256::digest(body)[..]);
    is_right
        .then_some(())
        .ok_or(Unverified::Other("bodySHA256 does not match"))
}

/// The ways in which Twilio may have written a URL that it signed: as it was called, as a browser would write it, and
/// with its query decoded and encoded again, each without its port and with it. It is not consistent in that, and
/// its own library for Node.js tries the same.
fn spellings(url: &str) -> Vec<String> {
    let normal = Url::parse(url).map(String::from).ok();
    let encoded = normal.as_deref().and_then(with_query_encoded);
    let mut spellings: Vec<String> = Vec::new();
    for url in [Some(url.to_owned()), normal, encoded]
        .into_iter()
        .flatten()
    {
        for spelling in without_and_with_port(&url) {
            if !spellings.contains(&spelling) {
                spellings.push(spelling);
            }
        }
    }
    spellings
}

/// A URL whose query is written as JavaScript's `encodeURIComponent` does; `None` where it has none.
fn with_query_encoded(url: &str) -> Option<String> {
    let (base, query) = url.split_once('?').filter(|(_, query)| !query.is_empty())?;
    let pairs = form_urlencoded::parse(query.as_bytes());
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{}={}", component(&name), component(&value)))
        .collect();
    Some(format!("{base}?{}", pairs.join("&")))
}

fn component(text: &str) -> String {
    let mut component = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            component.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(component, "%{byte:02X}");
        }
    }
    component
}

/// A URL without its port and with it.
fn without_and_with_port(url: &str) -> [String; 2] {
    let as_it_is = || [url.to_owned(), url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else {
        return as_it_is();
    };
    let port = match scheme.to_ascii_lowercase().as_str() {
        "https" => 443,
        "http" => 80,
        _ => return as_it_is(),
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    // Behind the bracket of an IPv6 address, if there is one.
    let name_end = host.rfind(']').map_or(0, |at| at + 1);
    let (before, last) = host.split_at(name_end);
    match last.split_once(':') {
        Some((name, _)) => [format!("{scheme}://{before}{name}{path}"), url.to_owned()],
        None => [url.to_owned(), format!("{scheme}://{host}:{port}{path}")],
    }
}

#[cfg(test)]
mod tests;
