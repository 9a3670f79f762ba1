//! The keys that all ticket sinks have.

pub use super::kinds::FieldValue;
use super::kinds::{Filled, FilledField, FilledList};
use haptik_bridge_shared::config::kind::{Flag, OneOf, TableOf};
use haptik_bridge_shared::config::{Escape, Part, Settings, SinkDefinition, Template};
use haptik_bridge_shared::section;

section! {
    /// What the tickets of a sink say.
    #[derive(PartialEq)]
    pub struct TicketTexts {
        /// The subject.
        subject: Template = default(Filled, "Chat with {{ user.name or user.user_name or 'somebody' }}{% if closing_categories.reason %}: {{ closing_categories.reason }}{% endif %}", "`Chat with` and the user's name"),
        /// The description, to which the transcript is added.
        description: Template = or(Filled, Ok(description()), "what is known of the conversation"),
        /// Whose request it is.
        requester_name: Template = default(Filled, "{{ user.name or user.user_name }}"),
        /// The requester's address; what has not the form of one is left out.
        requester_email: Template = default(Filled, "{{ user.email }}"),
        /// The requester's number.
        requester_phone: Template = default(Filled, "{{ user.phone }}"),
        /// Tags; empty ones are left out.
        tags: Vec<Template> = default(FilledList, ["haptik"]),
        /// The CRM's own fields, by the names that its API has for them: numbers, `true`, `false`, or templates. A template that is one expression, `"{{ conversation_details.amount }}"`, keeps the type of its value; a field whose value is empty is left out.
        fields: Vec<(String, FieldValue)> = default(TableOf(FilledField), {}, "none"),
        /// Custom fields, by what the CRM calls them.
        custom_fields: Vec<(String, FieldValue)> = default(TableOf(FilledField), {}, "none"),
        /// Where the conversation's transcript goes. In the body, what does not fit is cut with a note, and the whole is attached where the CRM takes files.
        transcript: TranscriptPlace = default(TRANSCRIPT_PLACES, "body"),
        /// From whom the transcript is: from Haptik, with the bridge's own record of it where a line has no words or is masked, or where Haptik does not give it; from Haptik alone; or from the bridge's record alone.
        transcript_from: TranscriptSource = default(TRANSCRIPT_SOURCES, "auto"),
        /// Whether what comes after the completion, a message of an agent for example, is added to the ticket as a comment.
        follow_ups: bool = default(Flag, false),
    }
}

/// Where the transcript of a conversation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TranscriptPlace {
    /// `"body"`: to the end of the description; what does not fit is attached, where the CRM takes files.
    Body,
    /// `"attachment"`: into a file.
    Attachment,
    /// `"none"`: nowhere; it is not fetched.
    None,
}

const TRANSCRIPT_PLACES: OneOf<TranscriptPlace> = OneOf {
    words: &[
        ("body", TranscriptPlace::Body),
        ("attachment", TranscriptPlace::Attachment),
        ("none", TranscriptPlace::None),
    ],
};

/// From whom the transcript of a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TranscriptSource {
    /// `"auto"`: from Haptik, and from the ledger where that knows better.
    Auto,
    /// `"haptik"`: from Haptik alone.
    Haptik,
    /// `"ledger"`: from the ledger alone.
    Ledger,
}

pub(crate) const TRANSCRIPT_SOURCES: OneOf<TranscriptSource> = OneOf {
    words: &[
        ("auto", TranscriptSource::Auto),
        ("haptik", TranscriptSource::Haptik),
        ("ledger", TranscriptSource::Ledger),
    ],
};

fn description() -> Template {
    Template::new(include_str!("description.txt"), Escape::Text)
}

/// A configured CRM.
pub trait TicketSink: Part + std::fmt::Debug + Send + Sync + 'static {
    /// What its tickets say.
    fn ticket(&self) -> &TicketTexts;
}

/// The type of a sink that makes tickets.
pub(crate) const fn definition<T: TicketSink>(name: &'static str) -> SinkDefinition {
    SinkDefinition {
        // What the CRMs allow even small accounts, about.
        defaults: &[("rate_per_second", "10")],
        follow_ups: Some(follow_ups::<T>),
        ..SinkDefinition::of::<T>(name)
    }
}

fn follow_ups<T: TicketSink>(settings: &Settings) -> bool {
    let sink: Option<&T> = settings.get();
    sink.is_some_and(|sink| sink.ticket().follow_ups)
}
