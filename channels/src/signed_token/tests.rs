use haptik_bridge_shared::net::client;
use haptik_bridge_shared::net::fake::{Answer, Fake};
use proptest::prelude::*;
use ring::rsa::{KeyPair, PublicKeyComponents};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::json;

use super::service_account::sign;
use super::*;

pub(crate) const FIRST: &str = include_str!("samples/first.pem");
pub(crate) const SECOND: &str = include_str!("samples/second.pem");
const CERTIFICATE: &str = include_str!("samples/first.crt");

pub(crate) fn now() -> Timestamp {
    "2026-11-28T10:00:00Z".parse().expect("a time")
}

pub(crate) fn key(pem: &str) -> KeyPair {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).expect("PEM");
    KeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("an RSA key")
}

/// A JWK of this name.
pub(crate) fn jwk(id: &str, pem: &str) -> Value {
    let numbers = PublicKeyComponents::<Vec<u8>>::from(key(pem).public());
    let encode = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
    json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "n": encode(&numbers.n), "e": encode(&numbers.e),
        "endorsements": ["msteams"],
    })
}

pub(crate) fn header(id: &str) -> Value {
    json!({"alg": "RS256", "kid": id, "typ": "JWT"})
}

pub(crate) fn claims() -> Value {
    let now = now().as_second();
    json!({"iss": "them", "aud": "us", "iat": now, "nbf": now, "exp": now + 3_600, "email": "a@b.example"})
}

pub(crate) fn expected() -> Expected<'static> {
    Expected {
        issuers: &["them"],
        audiences: &["us"],
        leeway: SignedDuration::from_mins(5),
    }
}

pub(crate) fn token(header: &Value, claims: &Value) -> String {
    sign(&key(FIRST), header, claims).expect("a signature")
}

async fn published(document: Value) -> (Fake, KeySource) {
    let document = document.to_string();
    let fake = Fake::start(move |_| Answer::new(200, document.clone())).await;
    let source = KeySource::new(client().expect("a client"), fake.url("keys"));
    (fake, source)
}

async fn refused(source: &KeySource, token: &str) -> &'static str {
    match source.verify(token, &expected(), now()).await {
        Err(TokenError::Refused(reason)) => reason,
        other => panic!("{other:?}: {token}"),
    }
}

#[tokio::test]
async fn a_token_is_verified_with_a_jwk_and_with_a_certificate() {
    let good = token(&header("k1"), &claims());
    let set = json!({"keys": [{"kty": "EC", "kid": "k1"}, jwk("k0", SECOND), jwk("k1", FIRST)]});
    for (document, endorsed) in [(set, true), (json!({"k1": CERTIFICATE}), false)] {
        let (_fake, source) = published(document).await;
        let verified = source.verify(&good, &expected(), now()).await;
        let verified = verified.expect("a genuine token");
        assert_eq!(verified.claims["email"], "a@b.example");
        assert_eq!(
            verified.endorsements.contains(&"msteams".to_owned()),
            endorsed
        );
    }
}

#[tokio::test]
async fn each_claim_has_to_be_as_expected() {
    let (_fake, source) = published(json!({"keys": [jwk("k1", FIRST)]})).await;
    let at = now().as_second();
    let changed = |claim: &str, value: Value| {
        let mut claims = claims();
        claims[claim] = value;
        token(&header("k1"), &claims)
    };
    for good in [
        changed("exp", (at - 299).into()),
        changed("nbf", (at + 299).into()),
        changed("iat", json!(0.5)),
    ] {
        let verified = source.verify(&good, &expected(), now()).await;
        assert!(verified.is_ok(), "{verified:?}");
    }
    for (claim, bad) in [
        ("iss", json!("others")),
        ("iss", json!("them ")),
        ("iss", json!(["them"])),
        ("iss", Value::Null),
        ("aud", json!("others")),
        ("aud", json!("us/")),
        ("aud", json!(["us", "others"])),
        ("aud", Value::Null),
        ("exp", json!(at - 300)),
        ("exp", json!((at + 3_600).to_string())),
        ("exp", Value::Null),
        ("exp", json!(-1)),
        ("nbf", json!(at + 301)),
        ("nbf", json!("soon")),
        ("nbf", Value::Null),
        ("iat", json!(at + 301)),
    ] {
        refused(&source, &changed(claim, bad)).await;
    }
    let mut endless = claims();
    endless.as_object_mut().expect("an object").remove("exp");
    let reason = refused(&source, &token(&header("k1"), &endless)).await;
    assert_eq!(reason, "the token has no end");
}

#[tokio::test]
async fn nothing_but_rs256_with_a_published_key_is_taken() {
    let (fake, source) = published(json!({"keys": [jwk("k1", FIRST)]})).await;
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    for algorithm in [
        "none", "None", "HS256", "RS384", "RS512", "PS256", "ES256", "rs256", "",
    ] {
        let header = json!({"alg": algorithm, "kid": "k1"});
        let reason = refused(&source, &token(&header, &claims())).await;
        assert_eq!(reason, "the token is not signed with RS256", "{algorithm}");
        let unsigned = format!("{}.{}.", encoded(&header), encoded(&claims()));
        refused(&source, &unsigned).await;
    }
    // Nothing of that asked for keys.
    assert_eq!(fake.requests().len(), 0);
    let own = jwk("k1", SECOND);
    let elsewhere = fake.url("own").to_string();
    for header in [
        json!({"alg": "RS256", "kid": "k1"}),
        json!({"alg": "RS256", "kid": "k1", "jwk": own}),
        json!({"alg": "RS256", "kid": "k1", "jku": elsewhere}),
        json!({"alg": "RS256", "kid": "k1", "x5u": elsewhere, "x5c": [CERTIFICATE]}),
    ] {
        let forged = sign(&key(SECOND), &header, &claims()).expect("a signature");
        let reason = refused(&source, &forged).await;
        assert_eq!(reason, "the token's signature does not match");
    }
    for header in [
        json!({"alg": "RS256"}),
        json!({"alg": "RS256", "kid": ""}),
        json!({"alg": "RS256", "kid": 1}),
        json!({"alg": "RS256", "kid": "k1", "crit": ["exp"]}),
    ] {
        refused(&source, &token(&header, &claims())).await;
    }
    let paths: Vec<_> = fake
        .requests()
        .into_iter()
        .map(|asked| asked.path)
        .collect();
    assert_eq!(paths, ["/keys"]);
}

#[tokio::test]
async fn every_flipped_bit_is_refused() {
    let (_fake, source) = published(json!({"keys": [jwk("k1", FIRST)]})).await;
    let good = token(&header("k1"), &claims());
    for at in 0..good.len() * 6 {
        let mut bytes = good.clone().into_bytes();
        bytes[at / 6] ^= 1 << (at % 6);
        let flipped = String::from_utf8(bytes).expect("ASCII");
        refused(&source, &flipped).await;
    }
    for odd in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        &good[1..],
        &good[..good.len() - 1],
    ] {
        refused(&source, odd).await;
    }
    for added in [format!("{good}="), format!(" {good}"), format!("{good}.x")] {
        refused(&source, &added).await;
    }
}

#[test]
fn there_is_one_bearer_token_or_none() {
    let headers = |values: &[&str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().expect("a header"));
        }
        headers
    };
    assert_eq!(bearer(&headers(&["Bearer a.b.c"])), Ok("a.b.c"));
    for none in [
        &[][..],
        &["Basic a"],
        &["Bearer"],
        &["Bearer a", "Bearer a"],
    ] {
        assert!(bearer(&headers(none)).is_err(), "{none:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_shown_is_no_token(token in "(\\PC|[A-Za-z0-9_-]{0,8}|\\.|e30|eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0){0,8}") {
        if let Ok(read) = Unverified::read(&token) {
            prop_assert!(read.check(&expected(), now()).is_err());
        }
    }
}
