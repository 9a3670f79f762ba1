//! What the AWS clients have in common: one HTTP client, and how their failures are said.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::display::DisplayErrorContext;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// The HTTP client of the AWS SDK: the bridge's own ([`crate::outbound::client`]), so that a function
/// has one connection pool and one TLS stack, set up once.
#[must_use]
pub fn http_client(http: reqwest::Client) -> SharedHttpClient {
    SharedHttpClient::new(OverReqwest {
        http,
        read_timeout: None,
    })
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

/// As [`reason`], for the error of any of a service's calls.
#[must_use]
pub fn code(error: &(impl ProvideErrorMetadata + std::error::Error)) -> String {
    match error.code() {
        Some(code) => code.to_owned(),
        None => DisplayErrorContext(error).to_string(),
    }
}

/// The AWS SDK's idea of an HTTP client, over reqwest's.
#[derive(Debug, Clone)]
struct OverReqwest {
    http: reqwest::Client,
    /// How long an answer may take; without one, the client's own time-out.
    read_timeout: Option<Duration>,
}

impl HttpClient for OverReqwest {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Self {
            read_timeout: settings.read_timeout(),
            ..self.clone()
        })
    }
}

impl HttpConnector for OverReqwest {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { http, read_timeout } = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?;
            let mut request = reqwest::Request::try_from(request.map(reqwest::Body::wrap))
                .map_err(|error| ConnectorError::user(error.into()))?;
            *request.timeout_mut() = read_timeout;
            let response = http.execute(request).await.map_err(connector_error)?;
            let response = http::Response::from(response).map(SdkBody::from_body_1_x);
            HttpResponse::try_from(response)
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// What the SDK repeats is up to the kind of the error: a time-out and a broken connection are.
fn connector_error(error: reqwest::Error) -> ConnectorError {
    let error = error.without_url();
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}
