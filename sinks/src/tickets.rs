//! Ticket sinks: after a conversation completes, a ticket is in the CRM, and exactly one.
//!
//! [`Tickets`] is what they have in common: which ticket an event belongs to (`case`), what it says
//! (`text`) with the conversation's transcript, and that it is created once. A CRM's own
//! part is a [`Crm`]: to find, to create, to attach, to comment. How it is called is a [`CrmClient`].
//!
//! A ticket is created in three steps, each of which may be the last of a process: the table is told that
//! it is begun (`Case`), the CRM creates it, the table is told its number. Whoever finds one
//! that is begun and has no number asks the CRM for it by its external id before it creates another; where
//! the CRM's answer to that can be late, it waits for [`CrmType::SETTLES_IN`] first. A CRM that has idempotency
//! keys gets the external id as one, besides.

use std::marker::PhantomData;
use std::time::Duration;

use crate::context::filled;
use async_trait::async_trait;
use haptik_bridge_shared::config::{self, SinkDefinition};
use haptik_bridge_shared::haptik::webhook::{Event, EventKind};
use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::net::CallError;
use haptik_bridge_shared::net::api::{ApiRequest, Preview};
use haptik_bridge_shared::net::online::{Finding, Verdict};
use jiff::Timestamp;

use crate::config::ticket::{TicketSink as _, TicketTexts, TranscriptPlace};
use crate::plain::without_space;
use crate::transcript::{Fetched, Transcript, line};
use crate::{Delivered, Delivery, Sink, SinkDeps, SinkError, SinkType, context};

mod case;
mod crm;
mod text;
mod ticket;

pub use crate::sink::TicketRef;
pub use crm::{Auth, Crm, CrmClient, CrmType, Limits};
pub use ticket::{Attachment, Comment, Requester, Ticket};

use case::{Case, Place};

/// A sink that makes tickets, in any CRM.
#[derive(Debug)]
pub struct Tickets {
    crm: Box<dyn Crm>,
    limits: Limits,
    settles_in: Duration,
    deps: SinkDeps,
    texts: TicketTexts,
    /// Whether both twins of a completion come here.
    both_twins: bool,
}

/// The type of sink that makes tickets in this CRM.
#[derive(Debug)]
pub struct Ticketing<C>(PhantomData<C>);

impl<C: CrmType> SinkType for Ticketing<C> {
    const NAME: &'static str = C::NAME;
    const DEFINITION: SinkDefinition = C::DEFINITION;
    type Config = C::Config;

    fn build(config: &C::Config, of: &config::Sink, deps: &SinkDeps) -> Box<dyn Sink> {
        let both = ["chat_complete", "webhook_conversation_complete"];
        Box::new(Tickets {
            crm: Box::new(C::new(config, deps.http.clone())),
            limits: C::LIMITS,
            settles_in: C::SETTLES_IN,
            deps: deps.clone(),
            texts: config.ticket().clone(),
            both_twins: both.iter().all(|event| of.wants(event)),
        })
    }
}

/// What to do where the CRM refuses.
const MEND: &str = "Compare base_url and the credentials with docs/sinks.md, which says what the account must be allowed to do";

/// How long to wait for another process that creates the same ticket.
const BESIDE: Duration = Duration::from_secs(15);

/// How long after a completion a message may be a follow-up of it.
const FOLLOW_UP_WITHIN: Duration = Duration::from_hours(24);

impl Tickets {
    /// What an event that asks for a ticket comes to.
    async fn completion(&self, delivery: &Delivery<'_>) -> Result<Delivered, SinkError> {
        let waited = delivery.now.duration_since(delivery.received_at);
        let waited = Duration::try_from(waited).unwrap_or_default();
        let is_short = delivery.event.kind == EventKind::ChatComplete;
        let case = match Case::of(&self.deps, delivery).await? {
            Place::Duplicate => {
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
            Some(_) => self.crm.find(&ticket).await?,
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
                let pause = self.settles_in.max(BESIDE);
                return Ok(Delivered::Later(
                    pause.min(delivery.longest_settling),
                    reason,
                ));
            }
            match self.crm.create(&ticket).await {
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
        let settles_in = self.settles_in.min(delivery.longest_settling);
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
        let is_there = again && self.crm.attachments(to).await?.contains(&attachment.name);
        if !is_there {
            self.crm.attach(to, attachment).await?;
        }
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
        let values = filled(context::values(delivery));
        let text = text::description_of(&self.texts, &values)?;
        let text = text::cut(&text, self.limits.comment, self.limits.size_of);
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
        let text = line(
            delivery.event.timestamp.or(Some(delivery.received_at)),
            &delivery.event.sender.name,
            &hsl.text,
        );
        let text = text::cut(&text, self.limits.comment, self.limits.size_of);
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
        if !(delivery.again && self.has_comment(to, &comment).await?) {
            self.crm.comment(to, &comment).await?;
        }
        case.event_added(&self.deps, delivery).await?;
        Ok(Delivered::Done)
    }

    /// Whether a comment is there already. Not every CRM keeps white space as it was.
    async fn has_comment(&self, to: &TicketRef, comment: &Comment) -> Result<bool, CallError> {
        let text = without_space(&comment.text);
        let comments = self.crm.comments(to).await?;
        Ok(comments.iter().any(|other| without_space(other) == text))
    }

    /// The transcript; none where none is wanted.
    async fn transcript(&self, delivery: &Delivery<'_>) -> Result<Fetched, SinkError> {
        if text::wants_transcript(&self.texts) {
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
        text::ticket(&self.texts, &self.limits, delivery, case, transcript)
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
        let transcript = if text::wants_transcript(&self.texts) {
            Transcript::sample()
        } else {
            Transcript::default()
        };
        let (ticket, _) = self.ticket(delivery, &case, &transcript)?;
        let requests = self.crm.requests(&ticket);
        Ok(requests.iter().map(ApiRequest::preview).collect())
    }

    async fn online(&self) -> Vec<Finding> {
        let verdict = match self.crm.me().await {
            Ok(learnt) => Verdict::Accepted(learnt),
            Err(error) => Verdict::of_error(&error, "the CRM", MEND),
        };
        vec![Finding::new("credentials", verdict)]
    }

    fn requests(&self) -> u32 {
        1 + u32::from(self.texts.transcript == TranscriptPlace::Attachment)
    }

    fn sends(&self, event: &Event) -> bool {
        makes_a_ticket(event) || (self.texts.follow_ups && event.kind == EventKind::Message)
    }
}

fn makes_a_ticket(event: &Event) -> bool {
    !matches!(event.kind, EventKind::Message | EventKind::ChatPinned)
}
