//! What the AWS clients have in common.

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

/// The HTTP client of the AWS SDK: rustls with ring, as everywhere else in the bridge, so that there is
/// one TLS stack in the binary.
#[must_use]
pub fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

/// Why a call failed: the code where the service gave one (its message may quote a value), else what
/// kept it from answering.
pub fn reason<E, R>(error: SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match error.as_service_error() {
        Some(service) => service
            .code()
            .unwrap_or("an error without a code")
            .to_owned(),
        None => DisplayErrorContext(error).to_string(),
    }
}
