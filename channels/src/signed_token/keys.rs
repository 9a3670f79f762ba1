//! The keys of a document: a JWK set ([RFC 7517](https://www.rfc-editor.org/rfc/rfc7517#section-5)), or, as
//! Google publishes those of its service accounts, an object of certificates by the keys' names.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use haptik_bridge_shared::lenient_json;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;
use webpki::EndEntityCert;

/// A public key that tokens are verified with.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name (`kid`).
    pub(super) id: String,
    /// What it is endorsed for.
    pub(super) endorsements: Vec<String>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Numbers { modulus: Vec<u8>, exponent: Vec<u8> },
    Certificate(CertificateDer<'static>),
}

impl Key {
    /// Whether this key has signed a message, with RS256; keys of fewer than 2,048 bits have not.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Numbers { modulus, exponent } => RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            .is_ok(),
            Material::Certificate(certificate) => {
                // That it is the provider's says the place where it is published.
                let certificate = EndEntityCert::try_from(certificate);
                let algorithm = webpki::ring::RSA_PKCS1_2048_8192_SHA256;
                certificate.is_ok_and(|certificate| {
                    let verified = certificate.verify_signature(algorithm, message, signature);
                    verified.is_ok()
                })
            }
        }
    }
}

/// The keys of a document that can have signed with RS256; `None` when it is neither of the two forms.
pub(super) fn read(document: &Value) -> Option<Vec<Key>> {
    if let Some(keys) = document.get("keys") {
        return Some(keys.as_array()?.iter().filter_map(of_jwk).collect());
    }
    let certificates = document.as_object()?.iter();
    let keys: Vec<Key> = certificates.filter_map(of_certificate).collect();
    (!keys.is_empty()).then_some(keys)
}

fn of_jwk(jwk: &Value) -> Option<Key> {
    let says = |key: &str, value: &str| lenient_json::text(jwk, key) == value;
    let may = |key: &str, value: &str| jwk.get(key).is_none_or(Value::is_null) || says(key, value);
    let is_ours = says("kty", "RSA") && may("use", "sig") && may("alg", "RS256");
    let number = |key: &str| URL_SAFE_NO_PAD.decode(lenient_json::text(jwk, key)).ok();
    Some(Key {
        id: lenient_json::some_text(jwk, "kid").filter(|_| is_ours)?,
        endorsements: lenient_json::texts(jwk, "endorsements"),
        material: Material::Numbers {
            modulus: number("n")?,
            exponent: number("e")?,
        },
    })
}

fn of_certificate((id, pem): (&String, &Value)) -> Option<Key> {
    let certificate = CertificateDer::from_pem_slice(pem.as_str()?.as_bytes()).ok()?;
    Some(Key {
        id: id.clone(),
        endorsements: Vec::new(),
        material: Material::Certificate(certificate),
    })
}
