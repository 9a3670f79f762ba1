//! The vectors are those that Twilio publishes, in its documentation and with its libraries.

use http::{HeaderName, HeaderValue};
use proptest::prelude::*;
use secrecy::SecretString;

use super::*;

const TOKEN: &str = "12345";
const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
const FORM: &str = "CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309";
const SIGNED: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
const JSON: &str = "{\"property\": \"value\", \"boolean\": true}";
const JSON_URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
const JSON_SIGNED: &str = "a9nBmqA0ju/hNViExpshrM61xv4=";
const FORM_TYPE: &str = "application/x-www-form-urlencoded; charset=UTF-8";

fn secrets(all: &[&str]) -> Secrets {
    Secrets::from_newest_first(all.iter().map(|secret| SecretString::from(*secret)))
        .expect("there is one")
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        (name, HeaderValue::from_str(value).expect("a header"))
    });
    pairs.collect()
}

fn form(signature: &str) -> HeaderMap {
    headers(&[("content-type", FORM_TYPE), (SIGNATURE, signature)])
}

fn is_taken(headers: &HeaderMap, url: &str, body: &str) -> bool {
    verify(headers, &secrets(&[TOKEN]), url, body.as_bytes()).is_ok()
}

#[test]
fn a_form_is_signed_with_its_fields_in_order() {
    assert!(is_taken(&form(SIGNED), URL, FORM));
    // The documentation's example.
    let body = "CallSid=CA1234567890ABCDE&Caller=%2B12349013030&Digits=1234&From=%2B12349013030&To=%2B18005551212";
    let signed = form("3KI2uRuYyAdhZIJXcpU0izDUzWI=");
    assert!(is_taken(&signed, "https://mycompany.com/myapp", body));
    // A name that comes several times.
    let body = "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234";
    let signed = form("IK+Dwps556ElfBT0I3Rgjkr1wJU=");
    assert!(is_taken(&signed, URL, body));
    assert!(is_taken(&signed, URL, &format!("{body}&Digits=1234")));
    // A value that is empty.
    let body = "Body=&From=%2B15550001111&MessageSid=SM1&NumMedia=0";
    let signed = form("8xi7GOFLkyLB0d0wVHLTL/jV5wc=");
    assert!(is_taken(&signed, "https://example.com/t", body));
}

#[test]
fn the_port_may_be_signed_or_not() {
    let with_port = "https://mycompany.com:443/myapp.php?foo=1&bar=2";
    for signature in [SIGNED, "kvajT1Ptam85bY51eRf/AJRuM3w="] {
        for url in [URL, with_port] {
            assert!(is_taken(&form(signature), url, FORM), "{signature} {url}");
        }
    }
    assert_eq!(
        without_and_with_port("http://[::1]/a:b?c=d:e"),
        ["http://[::1]/a:b?c=d:e", "http://[::1]:80/a:b?c=d:e"]
    );
    assert_eq!(
        without_and_with_port("https://a.example:8443"),
        ["https://a.example", "https://a.example:8443"]
    );
}

#[test]
fn json_is_signed_by_its_hash_in_the_url() {
    let json =
        |signature: &str| headers(&[("content-type", "application/json"), (SIGNATURE, signature)]);
    assert!(is_taken(&json(JSON_SIGNED), JSON_URL, JSON));
    assert!(!is_taken(&json(JSON_SIGNED), JSON_URL, "{}"));
    assert!(!is_taken(&json(JSON_SIGNED), URL, JSON));
    // That of the URL alone is no form's, and no JSON's that has no hash.
    assert!(!is_taken(&json(SIGNED), URL, FORM));
    assert!(!is_taken(&form(JSON_SIGNED), JSON_URL, FORM));
}

#[test]
fn the_header_names_the_hash() {
    let signed = "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=";
    let by = |settings: &'static str, signature: &str| {
        let kind = ("content-type", FORM_TYPE);
        headers(&[kind, (SETTINGS, settings), (SIGNATURE, signature)])
    };
    for settings in [
        "key=SK1,algorithm=HMAC_SHA256",
        "algorithm=hmac_sha256",
        "algorithm=, algorithm = HMAC_SHA256 ,x",
    ] {
        assert!(is_taken(&by(settings, signed), URL, FORM), "{settings}");
        assert!(!is_taken(&by(settings, SIGNED), URL, FORM), "{settings}");
    }
    assert!(!is_taken(&form(signed), URL, FORM));
    // As Twilio's libraries have it: what names no algorithm is SHA-1.
    for settings in ["", "key=SK1", "key=SK1,algorithm=", "algorithm=HMAC_SHA1"] {
        assert!(is_taken(&by(settings, SIGNED), URL, FORM), "{settings}");
        assert!(!is_taken(&by(settings, signed), URL, FORM), "{settings}");
    }
    for odd in ["algorithm=none", "key=SK1,algorithm=HMAC_SHA512"] {
        assert!(!is_taken(&by(odd, signed), URL, FORM), "{odd}");
        assert!(!is_taken(&by(odd, SIGNED), URL, FORM), "{odd}");
    }
}

#[test]
fn a_url_may_be_signed_as_others_would_write_it() {
    let signed = spellings("https://a.example/é?q=it's a+b");
    assert_eq!(
        signed,
        [
            "https://a.example/é?q=it's a+b",
            "https://a.example:443/é?q=it's a+b",
            "https://a.example/%C3%A9?q=it%27s%20a+b",
            "https://a.example:443/%C3%A9?q=it%27s%20a+b",
            "https://a.example/%C3%A9?q=it's%20a%20b",
            "https://a.example:443/%C3%A9?q=it's%20a%20b",
        ]
    );
    assert_eq!(
        spellings("https://a.example/"),
        ["https://a.example/", "https://a.example:443/"]
    );
}

#[test]
fn each_of_the_tokens_is_good_and_nothing_else_is() {
    let signed = form(SIGNED);
    let taken = |all: &[&str]| verify(&signed, &secrets(all), URL, FORM.as_bytes()).is_ok();
    assert!(taken(&["new", TOKEN]) && !taken(&["new"]) && !taken(&["12345 "]));
    for url in [
        "http://mycompany.com/myapp.php?foo=1&bar=2",
        "https://mycompany.com/myapp.php?bar=2&foo=1",
        "https://mycompany.com/myapp.php",
        "https://mycompany.com/myapp.php/?foo=1&bar=2",
        "https://other.com/myapp.php?foo=1&bar=2",
    ] {
        assert!(!is_taken(&signed, url, FORM), "{url}");
    }
    assert!(!is_taken(&headers(&[]), URL, FORM));
    let twice = headers(&[(SIGNATURE, SIGNED), (SIGNATURE, SIGNED)]);
    assert!(!is_taken(&twice, URL, FORM));
}

#[test]
fn each_flipped_bit_of_a_signature_is_refused() {
    for at in 0..SIGNED.len() * 8 {
        let mut bytes = SIGNED.as_bytes().to_vec();
        bytes[at / 8] ^= 1 << (at % 8);
        let Ok(value) = HeaderValue::from_bytes(&bytes) else {
            continue;
        };
        let mut headers = form(SIGNED);
        headers.insert("x-twilio-signature", value);
        assert!(!is_taken(&headers, URL, FORM), "{at}");
    }
}

proptest! {
    #[test]
    fn no_other_field_passes(name in "[A-Za-z]{1,8}", value in "\\PC{0,8}") {
        let pair: String = form_urlencoded::Serializer::new(String::new())
            .append_pair(&name, &value)
            .finish();
        let is_there = FORM.split('&').any(|there| there == pair);
        prop_assert_eq!(is_taken(&form(SIGNED), URL, &format!("{FORM}&{pair}")), is_there);
    }
}
