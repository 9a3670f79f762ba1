//! A service account of Google's: it signs an assertion, and gets an access token for it
//! (<https://developers.google.com/identity/protocols/oauth2/service-account#httprest>).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::oauth::{Assertion, OAuthClient};
use haptik_bridge_shared::redacted_debug;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

/// Whom an assertion is for, wherever it is sent.
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";

/// How long an assertion is good, in seconds: the most that Google takes.
const LASTS: i64 = 3_600;

/// A service account with its private key.
#[derive(Clone)]
pub struct ServiceAccount {
    /// Its address, such as `bridge@acme.iam.gserviceaccount.com`.
    pub email: String,
    key_id: Option<String>,
    key: Arc<KeyPair>,
}

redacted_debug!(ServiceAccount { email });

impl ServiceAccount {
    /// Reads the file that Google's console gives as the key of a service account.
    ///
    /// # Errors
    /// What is wrong with it, without anything of it.
    pub fn read(json: &str) -> Result<Self, &'static str> {
        let file: Value = serde_json::from_str(json).map_err(|_| "text that is no JSON")?;
        if lenient_json::text(&file, "type") != "service_account" {
            return Err("JSON whose \"type\" is not \"service_account\"");
        }
        let email = lenient_json::some_text(&file, "client_email");
        let pem = lenient_json::text(&file, "private_key");
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes());
        let der = der.map_err(|_| "JSON whose \"private_key\" is no PEM")?;
        let key = KeyPair::from_pkcs8(der.secret_pkcs8_der());
        Ok(Self {
            email: email.ok_or("JSON without \"client_email\"")?,
            key_id: lenient_json::some_text(&file, "private_key_id"),
            key: Arc::new(key.map_err(|_| "JSON whose \"private_key\" is no RSA key")?),
        })
    }

    /// What gets access tokens at `token_url` for some accounts, or keys of one, of which the first that is
    /// accepted counts; for this scope.
    #[must_use]
    pub fn client(accounts: &[Self], token_url: Url, scope: &'static str) -> OAuthClient {
        let name = accounts.first().map(|account| account.email.clone());
        let signers = accounts.iter().cloned().map(|account| -> Assertion {
            Box::new(move |now| account.assertion(scope, now).map(SecretString::from))
        });
        OAuthClient::by_assertion(token_url, name.unwrap_or_default(), signers.collect())
    }

    fn assertion(&self, scope: &str, now: Timestamp) -> Result<String, &'static str> {
        let mut header = json!({"alg": "RS256", "typ": "JWT"});
        if let Some(id) = &self.key_id {
            header["kid"] = id.as_str().into();
        }
        let issued = now.as_second();
        let claims = json!({
            "iss": self.email, "scope": scope, "aud": AUDIENCE, "iat": issued, "exp": issued + LASTS,
        });
        sign(&self.key, &header, &claims)
    }
}

/// A token that is signed with RS256.
pub(super) fn sign(key: &KeyPair, header: &Value, claims: &Value) -> Result<String, &'static str> {
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    let random = SystemRandom::new();
    key.sign(
        &RSA_PKCS1_SHA256,
        &random,
        signed.as_bytes(),
        &mut signature,
    )
    .map_err(|_| "the private key does not sign")?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

#[cfg(test)]
mod tests;
