//! What there is to know of a channel before it is chosen, and that nobody can compute: a constant of each.
//! [`comparison`](crate::comparison) puts them side by side.

/// What there is to know of a channel that neither its capabilities nor its limits say, in Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// What people call it.
    pub title: &'static str,
    /// Its page, as a link from a page in `docs/`.
    pub page: &'static str,
    /// Where people speak with the bot.
    pub places: &'static str,
    /// Whether Haptik has such a channel of its own.
    pub at_haptik: &'static str,
    /// What is known of a part that was cut off between its sending and its record.
    pub repeats: Repeats,
    /// How long setting it up takes, and what has to be there.
    pub setup: &'static str,
    /// How what somebody wrote and was shown is removed there, which no bridge can do: `docs/privacy.md` has it.
    pub erasure: &'static str,
}

/// Whether a message that the provider took unheard is shown again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeats {
    /// Never: this is how a repeat is recognised.
    Recognised(&'static str),
    /// In direct conversations never; elsewhere perhaps. This is how.
    RecognisedInDirect(&'static str),
    /// Perhaps: this is why.
    Unrecognised(&'static str),
}

impl Repeats {
    /// The same in words.
    #[must_use]
    pub fn written(self) -> String {
        match self {
            Self::Recognised(how) => format!("never: {how}"),
            Self::RecognisedInDirect(how) => format!("not in the direct conversation: {how}"),
            Self::Unrecognised(why) => format!("perhaps, after a kill or a lost answer: {why}"),
        }
    }
}
