//! The configuration: one TOML text, read into a [`Config`] that is complete, checked and typed.
//!
//! Locally the text is a file; in AWS it is the value of one Secrets Manager secret.
//! `bridge.example.toml` shows every key, and `docs/configuration.md` explains them.
//!
//! [`Config::parse`] reports everything that is wrong with a text at once ([`ConfigErrors`]); what
//! is allowed but probably not meant is in [`Config::warnings`]. Neither says the value of a
//! secret, and the `Debug` of everything here leaves secrets out.
//!
//! The configuration knows no channel and no sink by name: which types there are is said by a [`Registry`],
//! and what was read of a type's own keys is in [`Settings`].
//!
//! In `config/`, `declare` has the macro by which each key is said once, `tables`, `handoff` and `read` the
//! tables, `section` is the table being read, `key_doc` and `table_doc` describe them, [`kind`] has the kinds of values, `wording` is how errors say
//! things without saying secrets.

mod declare;
mod error;
mod handoff;
mod key_doc;
pub mod kind;
mod read;
mod registry;
mod secrets;
mod section;
mod sinks;
mod table_doc;
mod tables;
mod wording;

use std::collections::BTreeMap;

use toml::de::DeTable;

pub use declare::Part;
pub use error::{ConfigError, ConfigErrors, Position, Reported};
pub use handoff::{Handoff, RatingWhen};
pub use key_doc::{KeyDoc, WhenMissing};
pub use kind::{Forms, MaskedField, RequiredFields, Shown, Submit};
pub use registry::{ChannelDefinition, Configure, OwnIds, Registry, Settings, SinkDefinition};
pub use secrets::Secrets;
pub use section::{Defaults, Section};
pub use sinks::{Condition, Sink};
pub use table_doc::TableDoc;
pub use tables::{Delivery, Haptik, Outbound};

use crate::ids::AuthIdSource;
use crate::template::Check;
pub use crate::template::{Escape, Template};

/// A whole configuration, checked.
///
/// The names of accounts, connections and sinks are 1 to 40 of `a-z`, `0-9` and `-`, and don't
/// start with `-`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[haptik.NAME]`: the accounts at Haptik; at least one. Haptik's webhook URL of an account
    /// is `POST /haptik/NAME`.
    pub haptik: BTreeMap<String, Haptik>,
    /// `[channels.NAME]`: the connections; at least one. The URL of a connection is
    /// `/channels/NAME`.
    pub channels: BTreeMap<String, Channel>,
    /// `[sinks.NAME]`: where events go besides.
    pub sinks: BTreeMap<String, Sink>,
    /// `[delivery]`.
    pub delivery: Delivery,
    /// `[outbound]`.
    pub outbound: Outbound,
    warnings: Vec<String>,
}

/// `[channels.NAME]`: one connection to a channel.
#[derive(Debug, Clone)]
pub struct Channel {
    /// `haptik`: the name of its account, a key of [`Config::haptik`]. Default: the only one.
    pub haptik: String,
    /// `business_id`: the Haptik queue that it talks to. Default: the account's.
    pub business_id: u64,
    /// `rate_per_second`: how many requests it may bring in a second. Default: no limit.
    pub rate_per_second: Option<u32>,
    /// `auth_id`: what its users are called at Haptik.
    pub auth_id: AuthIdSource,
    /// How forms are filled in and sent.
    pub forms: Forms,
    /// How a user gets to a human, and back.
    pub handoff: Handoff,
    /// `type`.
    pub type_name: &'static str,
    /// The keys that come with it.
    pub settings: Settings,
}

impl Config {
    /// Reads a configuration, which may name the types of `registry`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, at once. A text that is not TOML is refused for that
    /// alone: what its keys are is not known then.
    pub fn parse(toml: &str, registry: &Registry) -> Result<Self, ConfigErrors> {
        Self::read(toml, registry, Template::check)
    }

    /// Reads a configuration for somebody who sends nothing to its sinks: as [`Config::parse`], but
    /// what is inside a template is not looked at, and so the engine for that is not needed.
    ///
    /// # Errors
    ///
    /// As [`Config::parse`], without those of templates.
    pub fn parse_without_templates(toml: &str, registry: &Registry) -> Result<Self, ConfigErrors> {
        Self::read(toml, registry, |_, _| Ok(()))
    }

    fn read(toml: &str, registry: &Registry, check: Check) -> Result<Self, ConfigErrors> {
        let report = error::Report::default();
        let (table, mut faults) = DeTable::parse_recoverable(toml);
        faults.sort_by_key(|fault| fault.span().map(|span| span.start));
        // The parser's own `Display` prints the line, which can hold a secret. Of one line, only the
        // first fault says something; the others follow from it.
        let mut broken = None;
        let mut line_of_last = 0..0;
        for fault in &faults {
            let at = fault.span().map(|span| span.start);
            if at.is_some_and(|at| line_of_last.contains(&at)) {
                continue;
            }
            if let Some(at) = at {
                let rest = toml.get(at..).unwrap_or_default();
                line_of_last = at..at + rest.find('\n').unwrap_or(rest.len()) + 1;
            }
            let message = format!("not TOML: {}", fault.message());
            broken = Some(report.add(at, String::new(), message));
        }
        // After a duplicate key the rest is still what was meant; after other faults it may not be.
        let only_duplicates = faults
            .iter()
            .all(|fault| fault.message() == "duplicate key");
        let config = match broken {
            Some(reported) if !only_duplicates => Err(reported),
            _ => read::config(
                &Section::root(Some(table.get_ref()), &report, check),
                registry,
            ),
        };
        let (config, warnings) = report.conclude(config, toml)?;
        Ok(Self { warnings, ..config })
    }

    /// What is allowed but probably not meant, one sentence each, without secrets.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The secrets and ids that are still those of the example, each by its place: a bridge cannot work with them.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        let ends = [kind::EXAMPLE, kind::EXAMPLE_TEXT];
        let warnings = self.warnings.iter();
        warnings.filter_map(move |warning| ends.iter().find_map(|end| warning.strip_suffix(end)))
    }

    /// The account of a connection; `None` when there is no such connection.
    #[must_use]
    pub fn haptik_of(&self, connection: &str) -> Option<&Haptik> {
        self.haptik.get(&self.channels.get(connection)?.haptik)
    }
}

/// The text of `bridge.example.toml`, which shows every key with its default. It is a valid
/// configuration, whose secrets are worthless.
#[must_use]
pub fn example() -> &'static str {
    include_str!("../../bridge.example.toml")
}
