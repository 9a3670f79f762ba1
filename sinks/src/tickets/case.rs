//! Which ticket an event belongs to: what the table knows of a user's conversations at one sink.
//!
//! A user's events towards a sink are one lane, which has one writer at a time: what is read here is still
//! so when it is written, but for the begin of a creation, which is a conditional write all the same.
//!
//! Haptik tells of a completion by `webhook_conversation_complete`, which names the conversation, and by
//! `chat_complete`, which does not; either may come first, and each is repeated for an hour. They are twins
//! when they come within [`TWIN_COMES_WITHIN`] of each other and happened, or came, within
//! [`TWINS_ARE_CLOSE`]. The later twin of a pair has the ticket of the earlier one.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use haptik_bridge_shared::haptik::webhook::{Event, EventKind};
use haptik_bridge_shared::ids::EntryKey;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::table::{TableError, number, text};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::TicketRef;
use crate::{Delivery, SinkDeps, SinkError};

/// How long after a completion its twin can come: Haptik repeats a delivery for an hour.
const TWIN_COMES_WITHIN: Duration = Duration::from_mins(75);

/// How far apart the twins of one completion are at most, by Haptik's clock or by ours.
const TWINS_ARE_CLOSE: Duration = Duration::from_mins(5);

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
struct Last {
    /// Which of the twins told of it.
    event_name: String,
    /// That event's place.
    key: EntryKey,
    /// When it happened, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
    /// When it came, in milliseconds since the epoch.
    received_at: i64,
    /// The name of its case.
    case: String,
    /// The place of its twin, once that has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    twin: Option<EntryKey>,
}

/// What an event is to the cases of its user.
#[derive(Debug)]
pub(super) enum Place {
    /// It has nothing to add to the twin that came before.
    Twin,
    /// It is the first of its case.
    New(Case),
    /// Its case is known.
    Known(Case),
}

impl Case {
    /// The case of an event that asks for a ticket.
    pub(super) async fn of(deps: &SinkDeps, delivery: &Delivery<'_>) -> Result<Place, SinkError> {
        let new = Self::new(delivery);
        let last = if is_completion(delivery.event) && !delivery.user().is_empty() {
            read::<Last>(deps, delivery, LAST).await?
        } else {
            None
        };
        let taken_over = |last: &Last| last.key == *delivery.key && last.twin.is_some();
        if let Some(last) = &last
            && delivery.event.kind == EventKind::ChatComplete
            && (taken_over(last) || last.is_twin_of(delivery))
        {
            last.paired(deps, delivery, last.case.clone()).await?;
            return Ok(Place::Twin);
        }
        let mut known = read::<Self>(deps, delivery, &new.name).await?;
        if let Some(last) = last.filter(|last| last.is_twin_of(delivery)) {
            // The longer twin came later: it has the ticket of the shorter one, under its own name.
            if known.is_none()
                && let Some(mut adopted) = read::<Self>(deps, delivery, &last.case).await?
            {
                adopted.name.clone_from(&new.name);
                adopted.write(deps, delivery).await?;
                known = Some(adopted);
            }
            last.paired(deps, delivery, new.name.clone()).await?;
        }
        Ok(known.map_or(Place::New(new), Place::Known))
    }

    /// The case of the last completion, where that was not longer ago and the user has not written
    /// since.
    pub(super) async fn before(
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
        within: Duration,
    ) -> Result<Option<Self>, SinkError> {
        let Some(last) = read::<Last>(deps, delivery, LAST).await? else {
            return Ok(None);
        };
        let completed = last.timestamp.unwrap_or(last.received_at);
        let at = delivery.event.timestamp.unwrap_or(delivery.received_at);
        let after = at.as_millisecond() - completed;
        if after < 0 || after.unsigned_abs() > millis(within) {
            return Ok(None);
        }
        if let Some(auth_id) = &delivery.event.auth_id
            && let Some(user) = deps.users.get(auth_id).await?
            && user.last_activity > last.received_at
        {
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
        if is_completion(delivery.event) {
            self.note_last(deps, delivery).await?;
        }
        let seen = self.begun_at;
        let now = delivery.now.as_millisecond();
        self.begun_at = Some(now);
        self.first_begun_at.get_or_insert(now);
        let table = &deps.table;
        let put = table
            .client()
            .put_item()
            .table_name(table.name())
            .set_item(Some(self.item(deps, delivery)?))
            .condition_expression("attribute_not_exists(pk) OR begun = :seen")
            .expression_attribute_values(":seen", number(seen.unwrap_or_default()))
            .send()
            .await;
        match put {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(TableError::from_sdk(error).into()),
            },
        }
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
        // What the longer twin says is in the ticket from the start.
        self.is_provisional = delivery.event.kind == EventKind::ChatComplete;
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
        if let Some(last) = read::<Last>(deps, delivery, LAST).await?
            && (last.key == *delivery.key || last.twin.as_ref() == Some(delivery.key))
        {
            return Ok(());
        }
        let last = Last {
            event_name: delivery.event.event_name.clone(),
            key: delivery.key.clone(),
            timestamp: delivery.event.timestamp.map(Timestamp::as_millisecond),
            received_at: delivery.received_at.as_millisecond(),
            case: self.name.clone(),
            twin: None,
        };
        Ok(deps.table.put(item(deps, delivery, LAST, &last)?).await?)
    }
}

impl Last {
    /// Whether an event, which is not this one, tells of the same completion.
    fn is_twin_of(&self, delivery: &Delivery<'_>) -> bool {
        if self.event_name == delivery.event.event_name {
            return false;
        }
        if self.twin.as_ref().is_some_and(|twin| twin != delivery.key) {
            return false;
        }
        let received_at = delivery.received_at.as_millisecond();
        let came = self.received_at.abs_diff(received_at);
        let timestamp = delivery.event.timestamp.map(Timestamp::as_millisecond);
        let happened = match (self.timestamp, timestamp) {
            (Some(left), Some(right)) => left.abs_diff(right),
            _ => 0,
        };
        came <= millis(TWIN_COMES_WITHIN) && came.min(happened) <= millis(TWINS_ARE_CLOSE)
    }

    /// Notes that its twin has come, and which case both have.
    async fn paired(
        &self,
        deps: &SinkDeps,
        delivery: &Delivery<'_>,
        case: String,
    ) -> Result<(), SinkError> {
        let twin = if self.key == *delivery.key {
            self.twin.clone()
        } else {
            Some(delivery.key.clone())
        };
        let paired = Self {
            case,
            twin,
            ..self.clone()
        };
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

/// An item of the table.
type Item = HashMap<String, AttributeValue>;

/// The sort key of the last completion.
const LAST: &str = "last";

fn is_completion(event: &Event) -> bool {
    matches!(
        event.kind,
        EventKind::ChatComplete | EventKind::ConversationComplete
    )
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
