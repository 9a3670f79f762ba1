//! `X-Twilio-Signature`, written as Twilio's library for Python has it (`request_validator.py`).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

/// The signature of a form that is sent to this URL.
pub(super) fn signature(token: &str, url: &str, fields: &[(String, String)]) -> String {
    let mut sorted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in fields {
        sorted.entry(name).or_default().push(value);
    }
    let mut signed = url.to_owned();
    for (name, mut values) in sorted {
        values.sort_unstable();
        values.dedup();
        for value in values {
            signed.push_str(name);
            signed.push_str(value);
        }
    }
    let mac = <Hmac<Sha1> as KeyInit>::new_from_slice(token.as_bytes());
    let mut mac = mac.expect("a key of any length is one");
    mac.update(signed.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_twilios_documentation() {
        let fields = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+12349013030"),
            ("Digits", "1234"),
            ("From", "+12349013030"),
            ("To", "+18005551212"),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let signed = signature("12345", "https://mycompany.com/myapp", &fields);
        assert_eq!(signed, "3KI2uRuYyAdhZIJXcpU0izDUzWI=");
    }
}
