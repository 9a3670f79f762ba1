//! Which types of channels and sinks there are: the configuration is told, and knows none by name.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::declare::Part;
use super::error::Reported;
use super::key_doc::KeyDoc;
use super::section::{Defaults, Section};

/// The types of channels and sinks that a configuration may name.
#[derive(Debug, Clone, Copy)]
pub struct Registry {
    /// What `type` may be in `[channels.NAME]`.
    pub channels: &'static [ChannelDefinition],
    /// What `type` may be in `[sinks.NAME]`.
    pub sinks: &'static [SinkDefinition],
}

/// Reads the keys that come with a type.
pub type Configure = fn(&Section<'_>) -> Result<Settings, Reported>;

/// A type of channel.
#[derive(Debug, Clone, Copy)]
pub struct ChannelDefinition {
    /// The value of `type`.
    pub name: &'static str,
    /// Reads the type's own keys.
    pub configure: Configure,
    /// What there is to say of them.
    pub keys: fn() -> Vec<KeyDoc>,
    /// Its own defaults for keys of every connection.
    pub defaults: Defaults,
    /// What its users can be called at Haptik.
    pub auth_ids: OwnIds,
    /// What `check` says to paste where: what to do, and with which URL, of a connection that is reached
    /// at this URL.
    pub setup: fn(&Settings, &str) -> Vec<(&'static str, String)>,
}

/// What the users of a channel can be called at Haptik, besides by a derived id: which values `auth_id` may
/// have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnIds {
    /// Nothing else.
    None,
    /// `"user"`: the provider's ids are all such as Haptik takes.
    User,
    /// `"user"`: some of the provider's ids are such as Haptik refuses, and stay derived.
    SomeUsers,
    /// `"user"` and `"email"`: the interface is ours, and what Haptik refuses is turned away.
    UserOrEmail,
}

/// A type of sink.
#[derive(Debug, Clone, Copy)]
pub struct SinkDefinition {
    /// The value of `type`.
    pub name: &'static str,
    /// Reads the type's own keys.
    pub configure: Configure,
    /// What there is to say of them.
    pub keys: fn() -> Vec<KeyDoc>,
    /// Its own defaults for keys of every sink.
    pub defaults: Defaults,
    /// For what makes tickets of conversations: whether messages that come later are added to them.
    pub follow_ups: Option<fn(&Settings) -> bool>,
}

impl ChannelDefinition {
    /// A type of channel whose keys are these, and which has nothing to paste anywhere.
    #[must_use]
    pub const fn of<T: Part + fmt::Debug + Send + Sync + 'static>(name: &'static str) -> Self {
        Self {
            name,
            configure: configure::<T>,
            keys: T::keys,
            defaults: &[],
            auth_ids: OwnIds::None,
            setup: |_, _| Vec::new(),
        }
    }
}

impl SinkDefinition {
    /// A type of sink whose keys are these, and which makes no tickets.
    #[must_use]
    pub const fn of<T: Part + fmt::Debug + Send + Sync + 'static>(name: &'static str) -> Self {
        Self {
            name,
            configure: configure::<T>,
            keys: T::keys,
            defaults: &[],
            follow_ups: None,
        }
    }
}

fn configure<T: Part + fmt::Debug + Send + Sync + 'static>(
    section: &Section<'_>,
) -> Result<Settings, Reported> {
    T::read(section).map(Settings::new)
}

/// The keys that come with a type, read: only who defined the type knows what they are.
#[derive(Clone)]
pub struct Settings(Arc<dyn Held>);

trait Held: Any + fmt::Debug + Send + Sync {}

impl<T: Any + fmt::Debug + Send + Sync> Held for T {}

impl Settings {
    /// What was read.
    pub fn new<T: Any + fmt::Debug + Send + Sync>(settings: T) -> Self {
        Self(Arc::new(settings))
    }

    /// What was read, for who knows its type.
    #[must_use]
    pub fn get<T: Any>(&self) -> Option<&T> {
        let settings: &dyn Any = self.0.as_ref();
        settings.downcast_ref()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}
