//! Ticket sinks: after a conversation completes, a ticket is in the CRM, and exactly one.
//!
//! [`Tickets`] is what they have in common: which ticket an event belongs to (`case`), what it says
//! (`text`) with the conversation's transcript, and that it is created once. A CRM's own
//! part is a [`Crm`]: to find, to create, to attach, to comment. How it is called is a [`CrmClient`].
//!
//! A ticket is created in three steps, each of which may be the last of a process: the table is told that
//! it is begun (`Case`), the CRM creates it, the table is told its number. Whoever finds one
//! that is begun and has no number asks the CRM for it by its external id before it creates another; where
//! the CRM's answer to that can be late, it waits for [`CrmType::SEARCH_LAG`] first. A CRM that has idempotency
//! keys gets the external id as one, besides.

use std::marker::PhantomData;
use std::time::Duration;

use crate::context::filled;
use async_trait::async_trait;
use haptik_bridge_shared::config::{self, Condition, SinkDefinition};
use haptik_bridge_shared::haptik::webhook::{Event, EventKind};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::net::CallError;
use haptik_bridge_shared::net::api::{ApiRequest, Preview};
use haptik_bridge_shared::net::online::{Finding, Verdict};
use jiff::Timestamp;
use serde_json::Value;

use crate::config::ticket::{TicketSink as _, TicketTexts, TranscriptPlace};
use crate::plain::without_space;
use crate::transcript::{Fetched, Transcript, line};
use crate::{Delivered, Delivery, Sink, SinkDeps, SinkError, SinkType, context, transcript};

mod case;
mod crm;
mod text;
mod ticket;

pub use crate::sink::TicketRef;
pub use crm::{Auth, Crm, CrmClient, CrmType, Limits};
pub use ticket::{Attachment, Comment, Requester, Ticket};

use case::{Case, CaseMatch};

/// A sink that makes tickets, in any CRM.
#[derive(Debug)]
pub struct Tickets {
    crm: Box<dyn Crm>,
    limits: Limits,
    search_lag: Duration,
    deps: SinkDeps,
    texts: TicketTexts,
    /// Whether both events of a completion come here.
    gets_both: bool,
    opening: EarlyTicket,
}

/// What opens a ticket before the conversation is complete: what the operator's `events` name, without `*`.
#[derive(Debug)]
struct EarlyTicket {
    /// `chat_pinned`: an agent joins.
    on_pinned: bool,
    /// `message`: the chat begins.
    on_message: bool,
    /// What else must hold of it.
    when: Vec<Condition>,
}

impl EarlyTicket {
    fn of(sink: &config::Sink) -> Self {
        let names = |name: &str| sink.events.iter().any(|event| event == name);
        Self {
            on_pinned: names("chat_pinned"),
            on_message: names("message"),
            when: sink.when.clone(),
        }
    }

    fn is_by(&self, kind: EventKind) -> bool {
        match kind {
            EventKind::ChatPinned => self.on_pinned,
            EventKind::Message => self.on_message,
            EventKind::ChatComplete | EventKind::ConversationComplete | EventKind::Unknown => false,
        }
    }

    fn is_due(&self, delivery: &Delivery<'_>) -> bool {
        let event: Value = lenient_json::read(delivery.unmasked.as_bytes()).unwrap_or_default();
        self.is_by(delivery.event.kind) && self.when.iter().all(|condition| condition.holds(&event))
    }
}

/// The type of sink that makes tickets in this CRM.
#[derive(Debug)]
pub struct Ticketing<C>(PhantomData<C>);

impl<C: CrmType> SinkType for Ticketing<C> {
    const NAME: &'static str = C::NAME;
    const ERASURE: &'static str = C::ERASURE;
    const DEFINITION: SinkDefinition = C::DEFINITION;
    type Config = C::Config;

    fn build(config: &C::Config, of: &config::Sink, deps: &SinkDeps) -> Box<dyn Sink> {
        let both = ["chat_complete", "webhook_conversation_complete"];
        Box::new(Tickets {
            crm: Box::new(C::new(config, deps.http.clone())),
            limits: C::LIMITS,
            search_lag: C::SEARCH_LAG,
            deps: deps.clone(),
            texts: config.ticket().clone(),
            gets_both: both.iter().all(|event| of.wants(event)),
            opening: EarlyTicket::of(of),
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
            CaseMatch::Duplicate => {
                let reason = "the other completion event has made the ticket";
                return Ok(Delivered::Nothing(reason));
            }
            CaseMatch::New(_) | CaseMatch::Opened(..)
                if is_short && self.gets_both && waited < delivery.completion_wait =>
            {
                let left = delivery.completion_wait.saturating_sub(waited);
                let reason = "the other completion event, which says more, may come";
                return Ok(Delivered::Later(left, reason));
            }
            CaseMatch::Opened(case, open) => case.adopted(&self.deps, delivery, open).await?,
            CaseMatch::New(case) | CaseMatch::Known(case) => case,
        };
        if let Some(ticket) = case.ticket.clone() {
            return self.add(delivery, case, &ticket).await;
        }
        self.create(delivery, case).await
    }

    /// What an event comes to that opens a ticket before the conversation is complete.
    async fn open(&self, delivery: &Delivery<'_>) -> Result<Delivered, SinkError> {
        match Case::opening(&self.deps, delivery).await? {
            CaseMatch::Duplicate | CaseMatch::Opened(..) => {
                Ok(Delivered::Nothing("the conversation has its ticket"))
            }
            CaseMatch::New(case) | CaseMatch::Known(case) if case.ticket.is_none() => {
                self.create(delivery, case).await
            }
            CaseMatch::New(_) | CaseMatch::Known(_) => Ok(Delivered::Done),
        }
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
            if case.is_open && !case::opens(delivery.event.kind) {
                case.found(&self.deps, delivery, found.clone()).await?;
                return self.complete(delivery, case, &found).await;
            }
            found
        } else {
            let search_lag_left =
                begun_at.map_or(Duration::ZERO, |at| self.search_lag_left(at, delivery));
            if !search_lag_left.is_zero() {
                let reason = "an earlier try may still become a ticket";
                return Ok(Delivered::Later(search_lag_left, reason));
            }
            if !case.begin(&self.deps, delivery).await? {
                let reason = "another process creates the ticket";
                let pause = self.search_lag.max(BESIDE);
                return Ok(Delivered::Later(
                    pause.min(delivery.longest_settling),
                    reason,
                ));
            }
            let created = self.crm.create(&ticket).await;
            if created.as_ref().is_err_and(CallError::left_nothing) {
                case.not_begun(&self.deps, delivery).await?;
            }
            created?
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
    fn search_lag_left(&self, begun_at: Timestamp, delivery: &Delivery<'_>) -> Duration {
        let past = Duration::try_from(delivery.now.duration_since(begun_at)).unwrap_or_default();
        let search_lag = self.search_lag.min(delivery.longest_settling);
        search_lag.saturating_sub(past)
    }

    fn makes_a_ticket(&self, event: &Event) -> bool {
        !case::opens(event.kind) || self.opening.is_by(event.kind)
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
            let attachment = text::attachment(&case, &transcript);
            self.attach(delivery, &mut case, to, &attachment, true)
                .await?;
        }
        if case.has(delivery.key) {
            return Ok(Delivered::Done);
        }
        if case.is_open {
            return self.complete(delivery, case, to).await;
        }
        if !case.is_provisional && !self.texts.follow_ups {
            return Ok(Delivered::Nothing("the conversation has its ticket"));
        }
        let values = filled(context::values(delivery));
        let text = text::description_of(&self.texts, &values)?;
        let text = self.limits.comment.text(&text);
        self.comment(delivery, &mut case, to, text).await
    }

    /// Adds the end of a conversation to a ticket that was opened before: what the description says of it
    /// now, and the transcript.
    async fn complete(
        &self,
        delivery: &Delivery<'_>,
        mut case: Case,
        to: &TicketRef,
    ) -> Result<Delivered, SinkError> {
        let transcript = match self.transcript(delivery).await? {
            Fetched::Transcript(transcript) => transcript,
            Fetched::NotYet(pause, reason) => return Ok(Delivered::Later(pause, reason)),
        };
        let limit = self.limits.comment;
        let end = text::end(&self.texts, limit, delivery, &transcript)?;
        let is_there = delivery.again && {
            // A transcript may be another on another try.
            let begins = without_space(&limit.with_most(limit.most / 4).start(&end.about));
            let comments = self.crm.comments(to).await?;
            comments
                .iter()
                .any(|other| without_space(other).starts_with(&begins))
        };
        if !is_there {
            let comment = Comment {
                key: case::short(&[&case.external_id, delivery.key.as_str()]),
                text: end.text,
            };
            self.crm.comment(to, &comment).await?;
        }
        case.completed(&self.deps, delivery, end.attach).await?;
        if end.attach {
            let attachment = text::attachment(&case, &transcript);
            self.attach(delivery, &mut case, to, &attachment, delivery.again)
                .await?;
        }
        Ok(Delivered::Ticket(to.clone()))
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
        let text = transcript::seen_of_message(&Hsl::read(&delivery.event.body));
        if text.is_empty() {
            return Ok(Delivered::Nothing("a message in which nothing can be seen"));
        }
        // Without HTML it may say what was hidden in it.
        let text = self.deps.transcripts.told(delivery, text).await?;
        let text = line(
            delivery.event.timestamp.or(Some(delivery.received_at)),
            &delivery.event.sender.name,
            &text,
        );
        let text = self.limits.comment.text(&text);
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

    /// The transcript; none where none is wanted, or the conversation is not complete.
    async fn transcript(&self, delivery: &Delivery<'_>) -> Result<Fetched, SinkError> {
        if text::wants_transcript(&self.texts) && !case::opens(delivery.event.kind) {
            let source = self.texts.transcript_from;
            self.deps.transcripts.fetch(delivery, source).await
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
        let follows_up = self.texts.follow_ups && delivery.event.kind == EventKind::Message;
        match delivery.event.kind {
            EventKind::ChatComplete | EventKind::ConversationComplete | EventKind::Unknown => {
                self.completion(delivery).await
            }
            EventKind::Message | EventKind::ChatPinned if self.opening.is_due(delivery) => {
                match self.open(delivery).await? {
                    Delivered::Nothing(_) if follows_up => self.follow_up(delivery).await,
                    delivered => Ok(delivered),
                }
            }
            EventKind::Message if follows_up => self.follow_up(delivery).await,
            EventKind::Message | EventKind::ChatPinned => {
                Ok(Delivered::Nothing("the event makes no ticket"))
            }
        }
    }

    async fn preview(&self, delivery: &Delivery<'_>) -> Result<Vec<Preview>, SinkError> {
        if !self.makes_a_ticket(delivery.event) {
            return Err(SinkError::Unsendable(format!(
                "{} makes no ticket",
                delivery.event.event_name
            )));
        }
        let case = Case::new(delivery);
        let is_complete = !case::opens(delivery.event.kind);
        let transcript = if is_complete && text::wants_transcript(&self.texts) {
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
        self.makes_a_ticket(event) || (self.texts.follow_ups && event.kind == EventKind::Message)
    }
}
