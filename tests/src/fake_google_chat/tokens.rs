//! The tokens of both directions: what Google signs
//! (<https://developers.google.com/workspace/chat/verify-requests-from-chat>), and the assertions that a
//! service account signs (<https://developers.google.com/identity/protocols/oauth2/service-account#httprest>).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaPublicKeyComponents};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::{AUDIENCE, Kind, PROJECT};

/// Google's keys, by their names, and the service account's. They are made for tests.
const KEYS: [(&str, &str); 2] = [
    (
        "k1",
        include_str!("../../../channels/src/signed_token/samples/first.pem"),
    ),
    (
        "k2",
        include_str!("../../../channels/src/signed_token/samples/second.pem"),
    ),
];
pub(super) const ACCOUNT_KEY: &str =
    include_str!("../../../channels/src/signed_token/samples/account.pem");

/// The service account's address.
pub const ACCOUNT: &str = "bridge@acme.iam.gserviceaccount.com";

/// What an app may do in its own name.
const SCOPE: &str = "https://www.googleapis.com/auth/chat.bot";

fn key(pem: &str) -> KeyPair {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).expect("PEM");
    KeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("an RSA key")
}

fn numbers(pem: &str) -> PublicKeyComponents<Vec<u8>> {
    PublicKeyComponents::from(key(pem).public())
}

/// A token of this header and these claims, signed with the key of this name.
///
/// # Panics
/// When there is no such key.
#[must_use]
pub fn signed(header: &Value, claims: &Value, key_id: &str) -> String {
    let (_, pem) = KEYS
        .iter()
        .find(|(id, _)| *id == key_id)
        .expect("a key of this name");
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    let key = key(pem);
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .expect("a signature");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The claims of Google's token for an app of this kind, at this time in seconds since 1970.
#[must_use]
pub fn claims(kind: Kind, now: i64) -> Value {
    let email = match kind {
        Kind::Chat | Kind::Project => "chat@system.gserviceaccount.com".to_owned(),
        Kind::AddOn => format!("service-{PROJECT}@gcp-sa-gsuiteaddons.iam.gserviceaccount.com"),
    };
    match kind {
        Kind::Project => json!({"iss": email, "aud": PROJECT, "iat": now, "exp": now + 3_600}),
        Kind::Chat | Kind::AddOn => json!({
            "iss": "https://accounts.google.com", "aud": AUDIENCE, "azp": "1", "sub": "1", "email": email,
            "email_verified": true, "iat": now, "exp": now + 3_600,
        }),
    }
}

/// The header of Google's tokens.
#[must_use]
pub fn header(key_id: &str) -> Value {
    json!({"alg": "RS256", "kid": key_id, "typ": "JWT"})
}

/// The keys as they are published; those up to the one of this name.
pub(crate) fn published(newest: &str) -> Value {
    let count = KEYS
        .iter()
        .position(|(id, _)| *id == newest)
        .map_or(0, |at| at + 1);
    let keys = KEYS.iter().take(count).map(|(id, pem)| {
        let numbers = numbers(pem);
        let encode = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
        json!({
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": id, "n": encode(&numbers.n), "e": encode(&numbers.e),
        })
    });
    json!({"keys": keys.collect::<Vec<_>>()})
}

/// The file that Google's console gives as the key of a service account.
pub(super) fn account_file() -> Value {
    json!({
        "type": "service_account", "project_id": "acme", "private_key_id": "sa1", "private_key": ACCOUNT_KEY,
        "client_email": ACCOUNT, "client_id": "1", "token_uri": "https://oauth2.googleapis.com/token",
    })
}

/// What is wrong with an assertion, if something is.
pub(super) fn wrong(assertion: &str, now: i64) -> Option<&'static str> {
    let mut parts = assertion.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Some("not three parts");
    };
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    let json = |part: &str| serde_json::from_slice::<Value>(&decoded(part)).unwrap_or_default();
    let (head, said) = (json(header), json(claims));
    let numbers = numbers(ACCOUNT_KEY);
    let key = RsaPublicKeyComponents {
        n: &numbers.n,
        e: &numbers.e,
    };
    let signed = format!("{header}.{claims}");
    let verified = key.verify(
        &RSA_PKCS1_2048_8192_SHA256,
        signed.as_bytes(),
        &decoded(signature),
    );
    let (issued, ends) = (said["iat"].as_i64(), said["exp"].as_i64());
    if head["alg"] != "RS256" || verified.is_err() {
        Some("Invalid JWT Signature.")
    } else if said["iss"] != ACCOUNT {
        Some("Invalid grant: account not found")
    } else if said["aud"] != "https://oauth2.googleapis.com/token" {
        Some("Invalid JWT: Failed audience check.")
    } else if said["scope"] != SCOPE {
        Some("Invalid OAuth scope or ID token audience provided.")
    } else if !issued.zip(ends).is_some_and(|(issued, ends)| {
        (issued - now).abs() < 60 && ends > now && ends - issued <= 3_600
    }) {
        Some(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.",
        )
    } else {
        None
    }
}
