//! A type of sink, and what sinks are built with.

use std::time::Duration;

use haptik_bridge_shared::config::{self, Config, MaskedField, SinkDefinition};
use haptik_bridge_shared::ledger::Ledger;
use haptik_bridge_shared::net::aws::{AwsEnvironment, MissingVariables};
use haptik_bridge_shared::table::Table;
use haptik_bridge_shared::users::UserMap;

use crate::mask::Mask;
use crate::sink::Sink;
use crate::transcript::Transcripts;

/// A type of sink.
pub trait SinkType: 'static {
    /// The value of `type`.
    const NAME: &'static str;

    /// How what it was given of a person is removed there, as its vendor documents it: no bridge does that.
    /// `docs/privacy.md` has it.
    const ERASURE: &'static str;

    /// Its keys in the configuration.
    const DEFINITION: SinkDefinition;

    /// The keys that come with it.
    type Config: 'static;

    /// A sink. `of` are the keys that every sink has. Nothing is called yet.
    fn build(config: &Self::Config, of: &config::Sink, deps: &SinkDeps) -> Box<dyn Sink>;
}

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
    /// The HTTP client (see [`client`](haptik_bridge_shared::net::client)).
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

    /// What a sink is not told that masks these fields; `None` where it is told all.
    pub(crate) fn mask_of(&self, fields: &[MaskedField]) -> Option<Mask> {
        let ledger = Ledger::new(self.table.clone(), self.entry_ttl);
        (!fields.is_empty()).then(|| Mask::new(fields.to_vec(), ledger))
    }

    /// The same, for a sink that is not told everything.
    pub(crate) fn with_mask(&self, mask: Option<&Mask>) -> Self {
        Self {
            transcripts: self.transcripts.clone().with_mask(mask.cloned()),
            ..self.clone()
        }
    }
}
