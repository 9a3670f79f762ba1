//! Which ticket an event belongs to: what the table knows of a user's conversations at one sink.
//!
//! A user's events towards a sink are one lane, which has one writer at a time: what is read here is still
//! so when it is written, but for the begin of a creation, which is a conditional write all the same.
//!
//! Haptik tells of a completion by `webhook_conversation_complete`, which names the conversation, and by
//! `chat_complete`, which does not; either may come first, and each is repeated for an hour. Which two tell of
//! one end is in [`completion`](haptik_bridge_shared::message::completion). The later one has the ticket of
//! the earlier one.
//!
//! A sink may open its tickets before that, when an agent joins or the chat begins. Neither event names the
//! conversation: the user has one that is open ([`Open`]), and the completion that follows has its ticket.

use std::collections::HashMap;
use std::time::Duration;

use haptik_bridge_shared::haptik::webhook::EventKind;
use haptik_bridge_shared::ids::EntryKey;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::completion::Completion;
use haptik_bridge_shared::table::{Item, TableError, absent, equals, number, text};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::TicketRef;
use crate::{Delivery, SinkDeps, SinkError};

mod open;

pub(super) use open::{Open, opens};

/// How much longer than entries, which may be replayed, it is known which ticket they made.
const KEPT_LONGER: Duration = Duration::from_hours(30 * 24);

/// How many events of a case are remembered.
const MOST_EVENTS: usize = 50;

/// The ticket of one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Case {
    /// The sort key of its item.
    name: String,
    /// What names the ticket at our side.
    pub(super) external_id: String,
    /// Whether it was made of `chat_complete` alone.
    #[serde(default)]
    pub(super) is_provisional: bool,
    /// Whether it was opened before the conversation was complete, and has nothing of its end yet.
    #[serde(default)]
    pub(super) is_open: bool,
    /// When its creation was first begun, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_begun_at: Option<i64>,
    /// When a creation was begun of which it is not known what it came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begun_at: Option<i64>,
    /// The ticket, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ticket: Option<TicketRef>,
    /// Whether the transcript is still to be attached.
    #[serde(default)]
    pub(super) owes_attachment: bool,
    /// The events that are in the ticket.
    #[serde(default)]
    events: Vec<String>,
}

/// The last completion of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LastCompletion {
    /// The event that told of it first.
    event: Completion,
    /// The name of its case.
    case: String,
}

/// What an event is to the cases of its user.
#[derive(Debug)]
pub(super) enum CaseMatch {
    /// It has nothing to add to an event of the same conversation that came before.
    Duplicate,
    /// It completes the conversation that is open, whose case this is: to be [adopted](Case::adopted).
    Opened(Case, Open),
    /// It is the first of its case.
    New(Case),
    /// Its case is known.
    Known(Case),
}

impl Case {
    /// The case of an event that asks for a ticket.
    pub(super) async fn of(
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
    ) -> Result<CaseMatch, SinkError> {
        let new = Self::new(delivery);
        let last = if delivery.event.completion().is_some() && !delivery.user().is_empty() {
            read::<LastCompletion>(deps, delivery, LAST).await?
        } else {
            None
        };
        let taken_over =
            |last: &LastCompletion| last.event.key == *delivery.key && last.event.other.is_some();
        if let Some(last) = &last
            && delivery.event.kind == EventKind::ChatComplete
            && (taken_over(last) || last.is_told_again_by(delivery))
        {
            last.paired(deps, delivery, last.case.clone()).await?;
            return Ok(CaseMatch::Duplicate);
        }
        let mut known = read::<Self>(deps, delivery, &new.name).await?;
        if let Some(last) = last.filter(|last| last.is_told_again_by(delivery)) {
            // The event that says more came later: it has the ticket of the other, under its own name.
            if known.is_none()
                && let Some(mut adopted) = read::<Self>(deps, delivery, &last.case).await?
            {
                adopted.name.clone_from(&new.name);
                adopted.write(deps, delivery).await?;
                known = Some(adopted);
            }
            last.paired(deps, delivery, new.name.clone()).await?;
        }
        let open = Open::completed_by(deps, delivery).await?;
        let adopted = match (&known, &open) {
            (Some(known), Some(open)) => {
                (known.external_id == open.external_id).then(|| known.clone())
            }
            (None, Some(open)) => {
                // Where there is none, nothing was begun.
                let opened = read::<Self>(deps, delivery, &open.case).await?;
                let mut opened = opened.unwrap_or_else(|| new.clone());
                opened.name.clone_from(&new.name);
                Some(opened)
            }
            (_, None) => None,
        };
        Ok(match (adopted, open, known) {
            (Some(adopted), Some(open), _) => CaseMatch::Opened(adopted, open),
            (_, _, Some(known)) => CaseMatch::Known(known),
            (_, _, None) => CaseMatch::New(new),
        })
    }

    /// The case of the last completion, where that was not longer ago and the user has not written
    /// since.
    pub(super) async fn before(
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
        within: Duration,
    ) -> Result<Option<Self>, SinkError> {
        // What names no user may be of anybody.
        if delivery.user().is_empty() {
            return Ok(None);
        }
        let Some(last) = read::<LastCompletion>(deps, delivery, LAST).await? else {
            return Ok(None);
        };
        let completed = last.event.happened_at.unwrap_or(last.event.received_at);
        let at = delivery.event.timestamp.unwrap_or(delivery.received_at);
        let after = at.as_millisecond() - completed;
        if after < 0 || after.unsigned_abs() > millis(within) {
            return Ok(None);
        }
        if last.is_followed_by(deps, delivery).await? {
            return Ok(None);
        }
        read(deps, delivery, &last.case).await
    }

    /// A case of which nothing is known.
    pub(super) fn new(delivery: &Delivery<'_>) -> Self {
        let event = delivery.event;
        let conversation = (event.kind == EventKind::ConversationComplete)
            .then(|| {
                lenient_json::some_text(&event.data, "conversation_identifier").or_else(|| {
                    let number = lenient_json::some_text(&event.data, "conversation_no")?;
                    Some(format!("{:?} {number}", event.business_id))
                })
            })
            .flatten();
        let name = match &conversation {
            Some(conversation) => format!("case#{}", short(&[conversation])),
            None => format!("event#{}", short(&[delivery.key.as_str()])),
        };
        let account = delivery.account.as_str();
        let of = conversation.as_deref().unwrap_or(delivery.key.as_str());
        // A conversation's identifier names it; a number does so for one user only.
        let user = if lenient_json::some_text(&event.data, "conversation_identifier").is_some() {
            ""
        } else {
            delivery.user()
        };
        Self {
            name,
            external_id: format!("haptik-{}", short(&[delivery.sink, account, user, of])),
            is_provisional: event.kind == EventKind::ChatComplete,
            is_open: opens(event.kind),
            first_begun_at: None,
            begun_at: None,
            ticket: None,
            owes_attachment: false,
            events: Vec::new(),
        }
    }

    /// When its creation was first begun; now, where it was not.
    pub(super) fn first_begun_at(&self, now: Timestamp) -> Timestamp {
        self.first_begun_at.and_then(moment).unwrap_or(now)
    }

    /// When a creation was begun of which it is not known what it came to.
    pub(super) fn begun_at(&self) -> Option<Timestamp> {
        self.begun_at.and_then(moment)
    }

    /// Whether an event is in the ticket.
    pub(super) fn has(&self, key: &EntryKey) -> bool {
        self.events.iter().any(|event| event == key.as_str())
    }

    /// Notes that its creation begins; `false` where another process begins it at this moment.
    pub(super) async fn begin(
        &mut self,
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
    ) -> Result<bool, SinkError> {
        self.is_open = opens(delivery.event.kind);
        if self.is_open {
            self.note_open(deps, delivery).await?;
        } else {
            self.note_last(deps, delivery).await?;
        }
        let seen = self.begun_at;
        let now = delivery.now.as_millisecond();
        self.begun_at = Some(now);
        self.first_begun_at.get_or_insert(now);
        let item = self.item(deps, delivery)?;
        let seen = equals("begun", number(seen.unwrap_or_default()));
        Ok(deps.table.put_if(item, absent("pk").or(seen)).await?)
    }

    /// Notes that what was begun came to nothing.
    pub(super) async fn not_begun(
        &mut self,
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
    ) -> Result<(), SinkError> {
        self.begun_at = None;
        self.write(deps, delivery).await
    }

    /// Notes the ticket.
    pub(super) async fn created(
        &mut self,
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
        ticket: TicketRef,
        owes_attachment: bool,
    ) -> Result<(), SinkError> {
        self.ticket = Some(ticket);
        self.owes_attachment = owes_attachment;
        // What the event that says more says is in the ticket from the start.
        self.is_provisional = delivery.event.kind == EventKind::ChatComplete;
        self.is_open = opens(delivery.event.kind);
        self.event_added(deps, delivery).await
    }

    /// Notes the ticket that an earlier event opened, and of which it was not known.
    pub(super) async fn found(
        &mut self,
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
        ticket: TicketRef,
    ) -> Result<(), SinkError> {
        self.ticket = Some(ticket);
        self.write(deps, delivery).await
    }

    /// Notes that the end of the conversation, which was open, is in the ticket.
    pub(super) async fn completed(
        &mut self,
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
        owes_attachment: bool,
    ) -> Result<(), SinkError> {
        self.owes_attachment = owes_attachment;
        self.is_provisional = delivery.event.kind == EventKind::ChatComplete;
        self.is_open = false;
        self.event_added(deps, delivery).await
    }

    /// Notes that the transcript is attached.
    pub(super) async fn attached(
        &mut self,
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
    ) -> Result<(), SinkError> {
        self.owes_attachment = false;
        self.write(deps, delivery).await
    }

    /// Notes that an event is in the ticket.
    pub(super) async fn event_added(
        &mut self,
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
    ) -> Result<(), SinkError> {
        if !self.has(delivery.key) {
            self.events.push(delivery.key.to_string());
            let too_many = self.events.len().saturating_sub(MOST_EVENTS);
            self.events.drain(..too_many);
        }
        if delivery.event.kind == EventKind::ConversationComplete {
            self.is_provisional = false;
        }
        self.write(deps, delivery).await
    }

    async fn write(&self, deps: &SinkDeps, delivery: &Delivery<'_>) -> Result<(), SinkError> {
        Ok(deps.table.put(self.item(deps, delivery)?).await?)
    }

    fn item(&self, deps: &SinkDeps, delivery: &Delivery<'_>) -> Result<Item, TableError> {
        let mut item = item(deps, delivery, &self.name, self)?;
        let begun = number(self.begun_at.unwrap_or_default());
        item.insert("begun".to_owned(), begun);
        Ok(item)
    }

    async fn note_last(&self, deps: &SinkDeps, delivery: &Delivery<'_>) -> Result<(), SinkError> {
        let Some(event) = completion(delivery).filter(|_| !delivery.user().is_empty()) else {
            return Ok(());
        };
        if let Some(last) = read::<LastCompletion>(deps, delivery, LAST).await?
            && (last.event.key == event.key || last.event.other.as_ref() == Some(&event.key))
        {
            return Ok(());
        }
        let case = self.name.clone();
        let last = LastCompletion { event, case };
        Ok(deps.table.put(item(deps, delivery, LAST, &last)?).await?)
    }
}

impl LastCompletion {
    /// Whether an event, which is not this one, tells of the same completion.
    fn is_told_again_by(&self, delivery: &Delivery<'_>) -> bool {
        let later = completion(delivery);
        later.is_some_and(|later| self.event.is_told_again_by(&later))
    }

    /// Notes that the other event has come, and which case both have.
    async fn paired(
        &self,
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
        case: String,
    ) -> Result<(), SinkError> {
        let mut event = self.event.clone();
        if event.key != *delivery.key {
            event.other = Some(delivery.key.clone());
        }
        let paired = Self { event, case };
        if paired == *self {
            return Ok(());
        }
        Ok(deps.table.put(item(deps, delivery, LAST, &paired)?).await?)
    }
}

/// 32 hexadecimal digits that depend on the parts.
pub(super) fn short(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(&hash.finalize()[..16])
}

fn moment(milliseconds: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(milliseconds).ok()
}

/// The sort key of the last completion.
const LAST: &str = "last";

fn happened_at(delivery: &Delivery<'_>) -> Timestamp {
    delivery.event.timestamp.unwrap_or(delivery.received_at)
}

/// The completion that an event tells of, if it does.
fn completion(delivery: &Delivery<'_>) -> Option<Completion> {
    let event = delivery.event;
    let happened_at = event.timestamp.map(Timestamp::as_millisecond);
    let (key, came) = (delivery.key.clone(), delivery.received_at);
    let kind = event.completion()?;
    Some(Completion::new(kind, key, happened_at, came))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn partition(delivery: &Delivery<'_>) -> String {
    let user = if delivery.user().is_empty() {
        "nobody"
    } else {
        delivery.user()
    };
    format!("tickets#{}#{user}", delivery.sink)
}

async fn read<T: for<'de> Deserialize<'de>>(
    deps: &SinkDeps,
    delivery: &Delivery<'_>,
    name: &str,
) -> Result<Option<T>, SinkError> {
    let item = deps.table.get(&partition(delivery), name).await?;
    let value = item.and_then(|item| item.get("value")?.as_s().ok().cloned());
    let value = value.map(|value| serde_json::from_str(&value)).transpose();
    value.map_err(|_| TableError::Unreadable(format!("{} {name}", partition(delivery))).into())
}

fn item<T: Serialize>(
    deps: &SinkDeps,
    delivery: &Delivery<'_>,
    name: &str,
    value: &T,
) -> Result<Item, TableError> {
    let value =
        serde_json::to_string(value).map_err(|error| TableError::Unreadable(error.to_string()))?;
    let ttl = deps.entry_ttl + KEPT_LONGER;
    let expires_at = delivery
        .now
        .as_second()
        .saturating_add_unsigned(ttl.as_secs());
    Ok(HashMap::from([
        ("pk".to_owned(), text(partition(delivery))),
        ("sk".to_owned(), text(name)),
        ("value".to_owned(), text(value)),
        ("expires_at".to_owned(), number(expires_at)),
    ]))
}
