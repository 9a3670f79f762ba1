//! A secret that may be rotated: a list of values, the newest first.

use secrecy::SecretString;

/// One secret of the configuration: never empty, the newest value first.
///
/// What is sent or signed uses [`newest`](Secrets::newest); what is verified accepts any of
/// [`iter`](Secrets::iter), so that the old and the new value work side by side during a rotation.
/// Its `Debug` says how many values there are, and nothing of them.
#[derive(Clone)]
pub struct Secrets {
    newest: SecretString,
    older: Vec<SecretString>,
}

impl Secrets {
    /// A secret with its newest value and the older ones that are still accepted, newest first.
    pub fn new(
        newest: impl Into<SecretString>,
        older: impl IntoIterator<Item = SecretString>,
    ) -> Self {
        Self {
            newest: newest.into(),
            older: older.into_iter().collect(),
        }
    }

    /// The values, newest first; `None` when there are none.
    pub fn from_newest_first(values: impl IntoIterator<Item = SecretString>) -> Option<Self> {
        let mut values = values.into_iter();
        let newest = values.next()?;
        Some(Self::new(newest, values))
    }

    /// The value to send or to sign with.
    #[must_use]
    pub fn newest(&self) -> &SecretString {
        &self.newest
    }

    /// Every value that is accepted, newest first; at least one.
    pub fn iter(&self) -> impl Iterator<Item = &SecretString> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Secrets([{} REDACTED])", 1 + self.older.len())
    }
}
