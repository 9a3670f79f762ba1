//! Ticket sinks: after a conversation completes, a ticket is in the CRM, and exactly one.
//!
//! [`Tickets`] is what they have in common: which ticket an event belongs to (`case`), what it says
//! (`text`) with the conversation's transcript (`transcript`), and that it is created once. A CRM's own
//! part is a [`Crm`]: to find, to create, to attach, to comment.
//!
//! A ticket is created in three steps, each of which may be the last of a process: the table is told that
//! it is begun (`Case`), the CRM creates it, the table is told its number. Whoever finds one
//! that is begun and has no number asks the CRM for it by its external id before it creates another; where
//! the CRM's answer to that can be late, it waits for [`Crm::settles_in`] first. A CRM that has idempotency
//! keys gets the external id as one, besides.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Delivered, Delivery, Sink, SinkDeps, SinkError, context};
use crate::config::TicketTexts;
use crate::haptik::hsl::Hsl;
use crate::haptik::webhook::{Event, EventKind};
use crate::net::CallError;
use crate::net::api::{Api, ApiRequest, Preview};
use crate::template::context::filled;

mod case;
mod text;
pub(crate) mod transcript;

pub use text::html;

use case::{Case, Place};
use transcript::{Fetched, Transcript};

/// A CRM, as far as tickets go. One module each; its documentation says how it keeps one ticket from
/// becoming two.
#[async_trait]
pub trait Crm: fmt::Debug + Send + Sync {
    /// The ticket that has this external id, if there is one. Asked only where an earlier try may have
    /// created it.
    ///
    /// # Errors
    /// When the CRM does not say.
    async fn find(&self, api: &Api, ticket: &Ticket) -> Result<Option<TicketRef>, CallError>;

    /// Creates a ticket, with its external id. Where the CRM says that there is one already, returns
    /// that.
    ///
    /// # Errors
    /// When it is not created, or may not be.
    async fn create(&self, api: &Api, ticket: &Ticket) -> Result<TicketRef, CallError>;

    /// Adds a comment that only the CRM's agents see. `again`: it may be there already, and is then not
    /// added.
    ///
    /// # Errors
    /// When it is not added, or may not be.
    async fn comment(
        &self,
        api: &Api,
        to: &TicketRef,
        comment: &Comment,
        again: bool,
    ) -> Result<(), CallError>;

    /// Attaches a file. `again`: one of this name may be there already, and is then not attached. Called
    /// only where [`Crm::attaches`].
    ///
    /// # Errors
    /// When it is not attached, or may not be.
    async fn attach(
        &self,
        api: &Api,
        to: &TicketRef,
        attachment: &Attachment,
        again: bool,
    ) -> Result<(), CallError>;

    /// The requests of a [`Crm::create`], with placeholders for what answers would bring.
    fn requests(&self, ticket: &Ticket) -> Vec<ApiRequest>;

    /// What fits.
    fn limits(&self) -> Limits;

    /// The size of a text in the unit of [`Limits`], as the CRM stores it: characters unless a CRM counts
    /// otherwise, what escaping adds for example.
    fn size_of(&self, text: &str) -> usize {
        text.chars().count()
    }

    /// Whether files can be attached.
    fn attaches(&self) -> bool {
        true
    }

    /// How long after a creation was begun [`Crm::find`] can still miss what it created: the time that
    /// the request may take on its way, and that a search index is behind. Zero where the CRM itself
    /// refuses to create the same ticket twice.
    fn settles_in(&self) -> Duration;
}

/// The most that a CRM takes, in units of [`Crm::size_of`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of a subject.
    pub subject: usize,
    /// Of a description.
    pub description: usize,
    /// Of a comment.
    pub comment: usize,
}

/// A ticket to be. All texts are plain: a CRM that shows HTML escapes them.
#[derive(Clone, PartialEq)]
pub struct Ticket {
    /// What names it at our side: letters, digits and hyphens, 39 at most. The same for the same
    /// conversation and sink, and for no other. Also the idempotency key.
    pub external_id: String,
    /// When its creation was first begun.
    pub begun_at: Timestamp,
    /// The subject, in one line. Not empty.
    pub subject: String,
    /// The description, with the transcript where that is to be in it. Not empty.
    pub description: String,
    /// Whose request it is.
    pub requester: Requester,
    /// Tags; not empty, none twice.
    pub tags: Vec<String>,
    /// The CRM's own fields, by their API names.
    pub fields: Map<String, Value>,
    /// Custom fields, by what the CRM calls them, where it tells them from its own.
    pub custom_fields: Map<String, Value>,
}

/// Whose request a ticket is; empty where it is not known.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Requester {
    /// The name.
    pub name: String,
    /// The e-mail address; has the form of one.
    pub email: String,
    /// The telephone number.
    pub phone: String,
}

/// A ticket that there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRef {
    /// The CRM's id of it.
    pub id: String,
    /// Where people see it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A comment to be.
#[derive(Clone, PartialEq, Eq)]
pub struct Comment {
    /// What names it: letters, digits and hyphens.
    pub key: String,
    /// What it says: plain, the same on every try, and not the same as any other of the ticket.
    pub text: String,
}

/// A file to be attached.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, which no other attachment of the ticket has.
    pub name: String,
    /// Its MIME type.
    pub mime_type: &'static str,
    /// What is in it.
    pub bytes: Bytes,
}

/// A sink that makes tickets.
#[derive(Debug)]
pub struct Tickets {
    crm: Box<dyn Crm>,
    api: Api,
    deps: SinkDeps,
    texts: TicketTexts,
    /// Whether both twins of a completion come here.
    both_twins: bool,
}

/// How long to wait for another process that creates the same ticket.
const BESIDE: Duration = Duration::from_secs(15);

/// How long after a completion a message may be a follow-up of it.
const FOLLOW_UP_WITHIN: Duration = Duration::from_hours(24);

impl Tickets {
    /// A sink that makes tickets in `crm`. `both_twins`: it gets `chat_complete` as well as
    /// `webhook_conversation_complete`.
    #[must_use]
    pub fn new(crm: Box<dyn Crm>, deps: &SinkDeps, texts: TicketTexts, both_twins: bool) -> Self {
        Self {
            crm,
            api: Api::new(deps.http.clone()),
            deps: deps.clone(),
            texts,
            both_twins,
        }
    }

    /// What an event that asks for a ticket comes to.
    async fn completion(&self, delivery: &Delivery<'_>) -> Result<Delivered, SinkError> {
        let waited = delivery.now.duration_since(delivery.received_at);
        let waited = Duration::try_from(waited).unwrap_or_default();
        let is_short = delivery.event.kind == EventKind::ChatComplete;
        let case = match Case::of(&self.deps, delivery).await? {
            Place::Twin => {
                return Ok(Delivered::Nothing("its twin has made the ticket"));
            }
            Place::New(_) if is_short && self.both_twins && waited < delivery.twin_wait => {
                let left = delivery.twin_wait.saturating_sub(waited);
                return Ok(Delivered::Later(
                    left,
                    "its twin, which says more, may come",
                ));
            }
            Place::New(case) | Place::Known(case) => case,
        };
        if let Some(ticket) = case.ticket.clone() {
            return self.add(delivery, case, &ticket).await;
        }
        self.create(delivery, case).await
    }

    /// Creates the ticket of a case that has none.
    async fn create(
        &self,
        delivery: &Delivery<'_>,
        mut case: Case,
    ) -> Result<Delivered, SinkError> {
        let transcript = match self.transcript(delivery).await? {
            Fetched::Transcript(transcript) => transcript,
            Fetched::NotYet(pause, reason) => return Ok(Delivered::Later(pause, reason)),
        };
        let (ticket, attachment) = self.ticket(delivery, &case, &transcript)?;
        let begun_at = case.begun_at();
        let found = match begun_at {
            Some(_) => self.crm.find(&self.api, &ticket).await?,
            None => None,
        };
        let created = if let Some(found) = found {
            found
        } else {
            let unsettled = begun_at.map_or(Duration::ZERO, |at| self.unsettled(at, delivery));
            if !unsettled.is_zero() {
                let reason = "an earlier try may still become a ticket";
                return Ok(Delivered::Later(unsettled, reason));
            }
            if !case.begin(&self.deps, delivery).await? {
                let reason = "another process creates the ticket";
                let pause = self.crm.settles_in().max(BESIDE);
                return Ok(Delivered::Later(
                    pause.min(delivery.longest_settling),
                    reason,
                ));
            }
            match self.crm.create(&self.api, &ticket).await {
                Ok(created) => created,
                Err(error) => {
                    if error.left_nothing() {
                        case.not_begun(&self.deps, delivery).await?;
                    }
                    return Err(error.into());
                }
            }
        };
        let owes_attachment = attachment.is_some();
        case.created(&self.deps, delivery, created.clone(), owes_attachment)
            .await?;
        if let Some(attachment) = attachment {
            self.attach(
                delivery,
                &mut case,
                &created,
                &attachment,
                begun_at.is_some(),
            )
            .await?;
        }
        Ok(Delivered::Ticket(created))
    }

    /// How long a try that was begun then can still come to something.
    fn unsettled(&self, begun_at: Timestamp, delivery: &Delivery<'_>) -> Duration {
        let past = Duration::try_from(delivery.now.duration_since(begun_at)).unwrap_or_default();
        let settles_in = self.crm.settles_in().min(delivery.longest_settling);
        settles_in.saturating_sub(past)
    }

    async fn attach(
        &self,
        delivery: &Delivery<'_>,
        case: &mut Case,
        to: &TicketRef,
        attachment: &Attachment,
        again: bool,
    ) -> Result<(), SinkError> {
        self.crm.attach(&self.api, to, attachment, again).await?;
        case.attached(&self.deps, delivery).await?;
        Ok(())
    }

    /// Adds to a ticket what an event has to say besides, if it has.
    async fn add(
        &self,
        delivery: &Delivery<'_>,
        mut case: Case,
        to: &TicketRef,
    ) -> Result<Delivered, SinkError> {
        if case.owes_attachment {
            let transcript = match self.transcript(delivery).await? {
                Fetched::Transcript(transcript) => transcript,
                Fetched::NotYet(pause, reason) => return Ok(Delivered::Later(pause, reason)),
            };
            if let (_, Some(attachment)) = self.ticket(delivery, &case, &transcript)? {
                self.attach(delivery, &mut case, to, &attachment, true)
                    .await?;
            }
        }
        if case.has(delivery.key) {
            return Ok(Delivered::Done);
        }
        if !case.is_provisional && !self.texts.follow_ups {
            return Ok(Delivered::Nothing("the conversation has its ticket"));
        }
        let text = self.texts.description(&filled(context::values(delivery)))?;
        let text = text::cut(&text, self.crm.limits().comment, |text| {
            self.crm.size_of(text)
        });
        self.comment(delivery, &mut case, to, text).await
    }

    /// Adds a message that came after the completion.
    async fn follow_up(&self, delivery: &Delivery<'_>) -> Result<Delivered, SinkError> {
        let Some(mut case) = Case::before(&self.deps, delivery, FOLLOW_UP_WITHIN).await? else {
            return Ok(Delivered::Nothing("a message outside of a ticket"));
        };
        let Some(ticket) = case.ticket.clone() else {
            return Ok(Delivered::Nothing("a message outside of a ticket"));
        };
        if case.has(delivery.key) {
            return Ok(Delivered::Done);
        }
        let hsl = Hsl::read(&delivery.event.body);
        if hsl.text.trim().is_empty() {
            return Ok(Delivered::Nothing("a message without text"));
        }
        let text = text::line(
            delivery.event.timestamp.or(Some(delivery.received_at)),
            &delivery.event.sender.name,
            &hsl.text,
        );
        let text = text::cut(&text, self.crm.limits().comment, |text| {
            self.crm.size_of(text)
        });
        self.comment(delivery, &mut case, &ticket, text).await
    }

    async fn comment(
        &self,
        delivery: &Delivery<'_>,
        case: &mut Case,
        to: &TicketRef,
        text: String,
    ) -> Result<Delivered, SinkError> {
        let comment = Comment {
            key: case::short(&[&case.external_id, delivery.key.as_str()]),
            text,
        };
        self.crm
            .comment(&self.api, to, &comment, delivery.again)
            .await?;
        case.event_added(&self.deps, delivery).await?;
        Ok(Delivered::Done)
    }

    /// The transcript; none where none is wanted.
    async fn transcript(&self, delivery: &Delivery<'_>) -> Result<Fetched, SinkError> {
        if self.texts.wants_transcript() {
            self.deps.transcripts.fetch(delivery).await
        } else {
            Ok(Fetched::Transcript(Transcript::default()))
        }
    }

    /// The ticket, and what is to be attached to it.
    fn ticket(
        &self,
        delivery: &Delivery<'_>,
        case: &Case,
        transcript: &Transcript,
    ) -> Result<(Ticket, Option<Attachment>), SinkError> {
        text::ticket(&self.texts, self.crm.as_ref(), delivery, case, transcript)
    }
}

#[async_trait]
impl Sink for Tickets {
    async fn deliver(&self, delivery: &Delivery<'_>) -> Result<Delivered, SinkError> {
        match delivery.event.kind {
            EventKind::ChatComplete | EventKind::ConversationComplete | EventKind::Unknown => {
                self.completion(delivery).await
            }
            EventKind::Message if self.texts.follow_ups => self.follow_up(delivery).await,
            EventKind::Message | EventKind::ChatPinned => {
                Ok(Delivered::Nothing("the event makes no ticket"))
            }
        }
    }

    async fn preview(&self, delivery: &Delivery<'_>) -> Result<Vec<Preview>, SinkError> {
        if !makes_a_ticket(delivery.event) {
            return Err(SinkError::Unsendable(format!(
                "{} makes no ticket",
                delivery.event.event_name
            )));
        }
        let case = Case::new(delivery);
        let transcript = if self.texts.wants_transcript() {
            Transcript::sample()
        } else {
            Transcript::default()
        };
        let (ticket, _) = self.ticket(delivery, &case, &transcript)?;
        let requests = self.crm.requests(&ticket);
        Ok(requests.iter().map(ApiRequest::preview).collect())
    }

    fn requests(&self) -> u32 {
        1 + u32::from(self.texts.always_attaches())
    }

    fn sends(&self, event: &Event) -> bool {
        makes_a_ticket(event) || (self.texts.follow_ups && event.kind == EventKind::Message)
    }
}

fn makes_a_ticket(event: &Event) -> bool {
    !matches!(event.kind, EventKind::Message | EventKind::ChatPinned)
}

impl fmt::Debug for Ticket {
    /// Leaves out what was said and who people are.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Ticket")
            .field("external_id", &self.external_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Requester {
    /// Leaves out who it is.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Requester").finish_non_exhaustive()
    }
}

impl fmt::Debug for Comment {
    /// Leaves out what it says.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Comment")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Attachment {
    /// Leaves out what is in it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Attachment")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
