//! What sinks are built with.

use std::time::Duration;

use super::tickets::transcript::Transcripts;
use crate::config::Config;
use crate::net::aws::{AwsEnvironment, MissingVariables};
use crate::table::Table;
use crate::users::UserMap;

/// What sinks are built with, besides their configuration.
#[derive(Debug, Clone)]
pub struct SinkDeps {
    /// Who is where.
    pub(crate) users: UserMap,
    /// The transcripts of conversations.
    pub(crate) transcripts: Transcripts,
    /// Where a sink keeps what it has to know.
    pub(crate) table: Table,
    /// How long an event can be delivered again.
    pub(crate) entry_ttl: Duration,
    /// The HTTP client (see [`client`](crate::net::client)).
    pub(crate) http: reqwest::Client,
    /// Where services of AWS are; what is missing there is told when something is to be delivered.
    pub(crate) aws: Result<AwsEnvironment, MissingVariables>,
}

impl SinkDeps {
    /// What the sinks of this configuration are built with: their state is in `table`, they send with
    /// `http`, and to services of AWS as `aws` says.
    #[must_use]
    pub fn new(
        config: &Config,
        table: &Table,
        http: &reqwest::Client,
        aws: &Result<AwsEnvironment, MissingVariables>,
    ) -> Self {
        Self {
            users: UserMap::new(table.clone()),
            transcripts: Transcripts::new(config, table, http),
            table: table.clone(),
            entry_ttl: config.delivery.entry_ttl,
            http: http.clone(),
            aws: aws.clone(),
        }
    }
}
