//! What the AWS clients have in common: where they find their credentials, one HTTP client, and how their
//! failures are said.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use aws_sdk_dynamodb::config::retry::{ReconnectMode, RetryConfig};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_types::SdkConfig;
use secrecy::{ExposeSecret, SecretString};

/// The variables that Lambda sets for every function
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>). They are read here and
/// not by `aws-config`: its chain of profiles, metadata services and token exchanges is what a function
/// never needs, and would be a third of its binary.
#[derive(Debug, Clone)]
pub struct AwsEnvironment {
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: SecretString,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: Option<SecretString>,
    /// `AWS_ENDPOINT_URL`: another endpoint for every service, such as an emulator's.
    pub endpoint_url: Option<String>,
    /// `AWS_USE_FIPS_ENDPOINT`.
    pub use_fips: bool,
}

/// Variables are missing or not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("missing or wrong in the environment: {}", .0.join(", "))]
pub struct MissingVariables(Vec<&'static str>);

impl MissingVariables {
    pub(crate) fn new(names: Vec<&'static str>) -> Self {
        Self(names)
    }
}

/// How long one try of an AWS call may take, and the call with its repeats: an edge answers 503 before
/// its own time is up, so that the sender knows.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
const CALL_TIMEOUT: Duration = Duration::from_secs(8);

impl AwsEnvironment {
    /// Reads the environment through `variable`.
    ///
    /// # Errors
    /// When variables are missing or empty: all of them are named.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, MissingVariables> {
        let some = |name| variable(name).filter(|value: &String| !value.is_empty());
        let mut wrong = Vec::new();
        let mut read = |name| {
            some(name).unwrap_or_else(|| {
                wrong.push(name);
                String::new()
            })
        };
        let environment = Self::reading(&mut read, some);
        if wrong.is_empty() {
            Ok(environment)
        } else {
            Err(MissingVariables(wrong))
        }
    }

    pub(crate) fn reading(
        read: &mut impl FnMut(&'static str) -> String,
        some: impl Fn(&'static str) -> Option<String>,
    ) -> Self {
        Self {
            region: read("AWS_REGION"),
            access_key_id: read("AWS_ACCESS_KEY_ID"),
            secret_access_key: read("AWS_SECRET_ACCESS_KEY").into(),
            session_token: some("AWS_SESSION_TOKEN").map(SecretString::from),
            endpoint_url: some("AWS_ENDPOINT_URL"),
            use_fips: some("AWS_USE_FIPS_ENDPOINT").is_some_and(|value| value == "true"),
        }
    }

    /// What AWS clients are made of, which send with `http`.
    #[must_use]
    pub fn sdk_config(&self, http: reqwest::Client) -> SdkConfig {
        let credentials = Credentials::new(
            self.access_key_id.clone(),
            self.secret_access_key.expose_secret(),
            self.session_token
                .as_ref()
                .map(|token| token.expose_secret().to_owned()),
            None,
            "environment",
        );
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build();
        // A broken connection leaves reqwest's pool by itself. Told to close it, the SDK would warn at each
        // failure that it does not know which it was.
        let retries =
            RetryConfig::standard().with_reconnect_mode(ReconnectMode::ReuseAllConnections);
        let mut sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http_client(http))
            .region(Region::new(self.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .timeout_config(timeouts)
            .retry_config(retries)
            .use_fips(self.use_fips);
        sdk.set_endpoint_url(self.endpoint_url.clone());
        sdk.build()
    }
}

/// The HTTP client of the AWS SDK: the bridge's own ([`crate::net::client()`]), so that a function
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
#[expect(
    clippy::needless_pass_by_value,
    reason = "whoever asks is done with it, and gives it as it came: `map_err(reason)`"
)]
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
        None => chain(&error),
    }
}

/// As [`reason`], for the error of any of a service's calls.
#[must_use]
pub fn code(error: &(impl ProvideErrorMetadata + std::error::Error + 'static)) -> String {
    match error.code() {
        Some(code) => code.to_owned(),
        None => chain(error),
    }
}

/// What an error says, and what the errors behind it say, each once.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut said = vec![error.to_string()];
    let mut behind = error.source();
    while let Some(error) = behind {
        let says = error.to_string();
        if said.last().is_none_or(|last| !last.contains(&says)) {
            said.push(says);
        }
        behind = error.source();
    }
    said.join(": ")
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
