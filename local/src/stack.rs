//! A deployed stack, found by its name with the operator's own AWS credentials: the environment, a profile,
//! single sign-on, a credential process, as the AWS tools find them.

use std::collections::HashMap;

use anyhow::{Context as _, bail};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudformation::config::ProvideCredentials as _;

use haptik_bridge_shared::net::{self, aws};

/// A stack's outputs, and the variables of its functions that they stand for.
const OUTPUTS: [(&str, &str); 4] = [
    ("ConfigSecretArn", "CONFIG_SECRET_ARN"),
    ("TableName", "TABLE_NAME"),
    ("QueueUrl", "QUEUE_URL"),
    ("SinkQueueUrl", "SINK_QUEUE_URL"),
];

/// Which stack, and by whose rights.
#[derive(Debug, clap::Args)]
pub(crate) struct Deployed {
    /// A deployed bridge, by the name of its stack in `CloudFormation`. Credentials are found as the AWS tools
    /// find them: variables, profiles, single sign-on
    #[arg(long, value_name = "NAME", env = "HAPTIK_BRIDGE_STACK")]
    pub(crate) stack: Option<String>,
    /// The profile of the AWS configuration [default: `AWS_PROFILE`, or the default one]
    #[arg(long, value_name = "NAME", requires = "stack")]
    profile: Option<String>,
    /// The stack's region [default: that of the profile or the environment]
    #[arg(long, value_name = "REGION", requires = "stack")]
    region: Option<String>,
}

impl Deployed {
    /// What AWS clients are made of, with the operator's own credentials, which are fetched anew as they expire.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub(crate) async fn sdk(&self) -> anyhow::Result<SdkConfig> {
        let http = aws::http_client(net::client()?);
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        Ok(loader.load().await)
    }

    /// The environment that the stack's functions have, with the operator's credentials.
    ///
    /// # Errors
    /// When there is no such stack, or nothing that says who the operator is.
    pub(crate) async fn environment(&self, stack: &str) -> anyhow::Result<HashMap<String, String>> {
        let sdk = self.sdk().await?;
        let sdk = &sdk;
        let region = sdk.region().context(
            "no AWS region is known: name one with --region, or in AWS_REGION or the profile",
        )?;
        let mut variables = HashMap::from([("AWS_REGION".to_owned(), region.to_string())]);
        let provider = sdk
            .credentials_provider()
            .context("there are no AWS credentials")?;
        let profile = self.profile.clone();
        let profile = profile.or_else(|| crate::variable("AWS_PROFILE"));
        let of_profile = profile.map_or_else(String::new, |profile| {
            format!(" with the profile {profile}")
        });
        let credentials = provider.provide_credentials().await.map_err(|error| {
            anyhow::anyhow!(
                "there are no AWS credentials{of_profile} ({}): set AWS_PROFILE or name --profile, and where it \
                 signs on by a browser run `aws sso login` first",
                aws::chain(&error)
            )
        })?;
        let mut put = |name: &str, value: &str| {
            variables.insert(name.to_owned(), value.to_owned());
        };
        put("AWS_ACCESS_KEY_ID", credentials.access_key_id());
        put("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key());
        // An empty one in place of what the environment may have of somebody else.
        put(
            "AWS_SESSION_TOKEN",
            credentials.session_token().unwrap_or_default(),
        );
        let client = aws_sdk_cloudformation::Client::new(sdk);
        let described = client.describe_stacks().stack_name(stack).send().await;
        let described = described.map_err(|error| {
            anyhow::anyhow!(
                "the stack {stack} cannot be looked up in {region}: {}",
                aws::reason(error)
            )
        })?;
        let outputs = described
            .stacks()
            .iter()
            .flat_map(aws_sdk_cloudformation::types::Stack::outputs);
        let outputs: HashMap<_, _> = outputs
            .filter_map(|output| Some((output.output_key()?, output.output_value()?)))
            .collect();
        for (output, variable) in OUTPUTS {
            let Some(value) = outputs.get(output) else {
                bail!("the stack {stack} has no output {output}: is it one of haptik-bridge?");
            };
            put(variable, value);
        }
        Ok(variables)
    }
}
