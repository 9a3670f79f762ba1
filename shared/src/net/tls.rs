//! TLS, set up once for all clients of the process.
//!
//! The system's CA certificates are read at the first handshake and not before: reading them takes
//! longer than everything else that a function does before it is ready, and it serves all clients.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// How all clients do TLS: rustls with ring, against the system's CA certificates.
///
/// # Errors
/// When ring has none of the protocol versions that rustls wants.
pub(super) fn config() -> Result<ClientConfig, Error> {
    static SHARED: OnceLock<Arc<SystemRoots>> = OnceLock::new();
    let provider = Arc::new(ring::default_provider());
    let verifier = SHARED.get_or_init(|| {
        Arc::new(SystemRoots {
            provider: provider.clone(),
            verifier: OnceLock::new(),
        })
    });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        // "Dangerous" is what rustls calls every verifier from outside; this one is the platform's.
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_no_client_auth();
    Ok(config)
}

/// The platform's verifier, made when it is first asked.
#[derive(Debug)]
struct SystemRoots {
    provider: Arc<CryptoProvider>,
    /// Or why there is none: in a bare container, there are no CA certificates. What needs none (the
    /// demo on one machine) works all the same, and every https request fails for that reason.
    verifier: OnceLock<Result<Verifier, Error>>,
}

impl SystemRoots {
    fn verifier(&self) -> Result<&Verifier, Error> {
        self.verifier
            .get_or_init(|| Verifier::new(self.provider.clone()))
            .as_ref()
            .map_err(Clone::clone)
    }
}

impl ServerCertVerifier for SystemRoots {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verifier()?.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier()?
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier()?
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        // The provider's, as the platform's verifier says too: asked before any certificate is seen.
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_nobody_is_refused() {
        let roots = SystemRoots {
            provider: Arc::new(ring::default_provider()),
            verifier: OnceLock::new(),
        };
        let name = ServerName::try_from("example.com").expect("a name");
        let nobodys = CertificateDer::from(vec![0x30, 0x00]);
        let now = UnixTime::now();
        assert!(
            roots
                .verify_server_cert(&nobodys, &[], &name, &[], now)
                .is_err()
        );
    }

    #[test]
    fn the_certificates_are_not_read_before_they_are_needed() {
        let roots = SystemRoots {
            provider: Arc::new(ring::default_provider()),
            verifier: OnceLock::new(),
        };
        assert!(!roots.supported_verify_schemes().is_empty());
        assert!(roots.verifier.get().is_none());
        let _ = roots.verifier();
        assert!(roots.verifier.get().is_some());
    }
}
