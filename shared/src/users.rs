//! The user map: one item per `auth_id`, which says where the user is and what Haptik knows.
//!
//! `handoff` has the changes of the user's hand-off, `due` what remembers that it was asked for and when it
//! is to be looked after.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::came_as::{self, CAME_AS_INDEX};
use crate::ids::{AuthId, ConnectionId};
use crate::message::chat_form::{AskedForm, FormAnswers};
use crate::message::completion::Completion;
use crate::message::handoff::Handoff;
use crate::message::offer::{Offer, OfferEnd};
use crate::message::{Address, Profile};
use crate::redacted_debug;
use crate::table::{self, Query, Table, TableError, Update, equals, number, present, text};

mod due;
mod handoff;

pub use due::{Due, RecordOutcome};
pub use handoff::EndOutcome;

/// A user.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Haptik's name for the user.
    pub auth_id: AuthId,
    /// The connection by which the user came.
    pub connection: ConnectionId,
    /// The channel's own id of the user.
    pub channel_user: String,
    /// Where to answer: where the user last wrote.
    pub address: Address,
    /// What Haptik was told about the user, as a hash; `None` until the user is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<String>,
    /// What Haptik was told of the user, where a sink is not told all of that (`mask`), to be found in what was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Box<Profile>>,
    /// What the channel itself said of the user when it was asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<ProfileLookup>,
    /// Haptik's `user_name`, learnt from its deliveries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Who answers.
    #[serde(default)]
    pub mode: Mode,
    /// When an agent last took the chat, by Haptik's clock, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_took_at: Option<i64>,
    /// The last end of a conversation that was shown: Haptik tells of each twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion: Option<ShownCompletion>,
    /// The hand-off to a human that is on, or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff: Option<Handoff>,
    /// The activity indicators that are shown until the user is answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activities: Vec<String>,
    /// The numbered choices that the user was offered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
    /// What of the user's ended the last offer that was ended so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_end: Option<OfferEnd>,
    /// The form that the user was asked last in the chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_form: Option<AskedForm>,
    /// When the user last wrote, in milliseconds since the epoch.
    pub last_activity: i64,
    /// When the request was received that set [`User::connection`] and [`User::address`], in milliseconds since the
    /// epoch. A request that was received earlier, and is delivered later, does not change them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed_at: Option<i64>,
    /// When the user last wrote from another place than before, in milliseconds since the epoch; `None` where
    /// the user always wrote from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_place_at: Option<i64>,
}

impl User {
    /// A user of whom nothing is known but the place.
    #[must_use]
    pub fn new(
        auth_id: AuthId,
        connection: ConnectionId,
        channel_user: String,
        address: Address,
    ) -> Self {
        Self {
            auth_id,
            connection,
            channel_user,
            address,
            registered: None,
            profile: None,
            asked: None,
            user_name: None,
            mode: Mode::Bot,
            agent_took_at: None,
            completion: None,
            handoff: None,
            activities: Vec::new(),
            offer: None,
            offer_end: None,
            asked_form: None,
            last_activity: 0,
            placed_at: None,
            changed_place_at: None,
        }
    }
}

/// What a channel said of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileLookup {
    /// When it was asked, in milliseconds since the epoch.
    pub at: i64,
    /// A hash of what it said; empty where it is not known.
    pub hash: String,
}

// Without the user's names and addresses, and with the indicators, which have them too, counted.
redacted_debug!(User {
    auth_id,
    connection,
    registered: is_some,
    profile: is_some,
    asked,
    user_name: is_some,
    mode,
    agent_took_at,
    completion,
    handoff,
    activities: len,
    offer,
    offer_end,
    asked_form,
    last_activity,
    placed_at,
    changed_place_at,
});

/// Who answers the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Haptik's bot.
    #[default]
    Bot,
    /// A human agent.
    Agent,
}

/// The end of a conversation that was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownCompletion {
    /// The event that was shown.
    pub event: Completion,
    /// Whether an agent had the chat.
    #[serde(default)]
    pub of_agent: bool,
}

/// How far the times of two events may differ, in milliseconds, where one of them is ours since Haptik named none.
const CLOCKS_DIFFER: i64 = 2_000;

/// How long a thread in which the bot was addressed is remembered.
const THREAD_TTL: Duration = Duration::from_hours(30 * 24);

/// How long the answers of a form that is filled in in the chat are kept: longer than one may take, and what
/// was answered last may be tried again.
const FORM_TTL: Duration = Duration::from_hours(2 * 24);

/// The most users of one name that are found at once.
const MOST_FOUND: i32 = 50;

/// The user map.
#[derive(Debug, Clone)]
pub struct UserMap {
    table: Table,
}

impl UserMap {
    /// The user map in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// The user with this `auth_id`, if there is one.
    pub async fn get(&self, auth_id: &AuthId) -> Result<Option<User>, TableError> {
        let item = self.table.get(&user_key(auth_id), "user").await?;
        Ok(item.map(serde_dynamo::from_item).transpose()?)
    }

    /// Puts where the user is and when the user last wrote, and nothing else: what the other direction
    /// may have learnt in the meantime stays.
    pub async fn put_place(&self, user: &User) -> Result<(), TableError> {
        self.place(user)?.send().await
    }

    /// The users whom a channel calls so: by its own id of the user, also without the workspace and the thread that
    /// may be a part of it.
    pub async fn called(&self, name: &str) -> Result<Vec<AuthId>, TableError> {
        let found = self.query_of(name).all().await?;
        self.are_called(name, found).await
    }

    /// The first of them, fifty at most, and whether there are more. One query, and one call for what it finds.
    pub async fn first_called(&self, name: &str) -> Result<(Vec<AuthId>, bool), TableError> {
        let (found, are_more) = self.query_of(name).page(MOST_FOUND).await?;
        Ok((self.are_called(name, found).await?, are_more))
    }

    fn query_of(&self, name: &str) -> Query {
        let query = self.table.query_by("came_as", came_as::of_user(name));
        query.index(CAME_AS_INDEX).only(&["pk", "sk"])
    }

    /// Those of what an index has found who are called so.
    async fn are_called(
        &self,
        name: &str,
        found: Vec<table::Item>,
    ) -> Result<Vec<AuthId>, TableError> {
        let is_called_so = |item: &table::Item| {
            let user = item.get("channel_user").and_then(|user| user.as_s().ok());
            user.is_some_and(|user| user == name || came_as::without_workspace(user) == name)
        };
        let items = self.table.get_many(found).await?;
        let users = items.iter().filter(|item| is_called_so(item));
        let ids = users.filter_map(|item| item.get("pk")?.as_s().ok()?.strip_prefix("user#"));
        Ok(ids.map(AuthId::from).collect())
    }

    /// Puts where the user is, where that is still what it was `from`: the conversation has moved.
    pub async fn put_moved(
        &self,
        auth_id: &AuthId,
        from: &Address,
        to: &Address,
    ) -> Result<(), TableError> {
        let unchanged = equals("address", serde_dynamo::to_attribute_value(from)?);
        let update = self.update(auth_id).condition(unchanged);
        let update = update.set("address", serde_dynamo::to_attribute_value(to)?);
        // The user has written from elsewhere since then: that is newer.
        update.send_if().await.map(drop)
    }

    /// Notes what Haptik was told about the user.
    pub async fn put_registered(
        &self,
        auth_id: &AuthId,
        profile_hash: &str,
    ) -> Result<(), TableError> {
        let update = self.update(auth_id).set("registered", text(profile_hash));
        update.send_if().await.map(drop)
    }

    /// Keeps what Haptik was told of the user.
    pub async fn put_profile(&self, auth_id: &AuthId, profile: &Profile) -> Result<(), TableError> {
        let profile = serde_dynamo::to_attribute_value(profile)?;
        let update = self.update(auth_id).set("profile", profile);
        update.send_if().await.map(drop)
    }

    /// Notes what the channel said of the user.
    pub async fn put_profile_lookup(
        &self,
        auth_id: &AuthId,
        asked: &ProfileLookup,
    ) -> Result<(), TableError> {
        let asked = serde_dynamo::to_attribute_value(asked)?;
        let update = self.update(auth_id).set("asked", asked);
        update.send_if().await.map(drop)
    }

    /// Notes what Haptik's deliveries tell of the user: its `user_name`, who answers, the completion.
    pub async fn put_conversation(&self, user: &User) -> Result<(), TableError> {
        let mode = serde_dynamo::to_attribute_value(user.mode)?;
        let mut update = self.update(&user.auth_id).set("mode", mode);
        if let Some(user_name) = &user.user_name {
            update = update.set("user_name", text(user_name));
        }
        if let Some(at) = user.agent_took_at {
            update = update.set("agent_took_at", number(at));
        }
        if let Some(completion) = &user.completion {
            update = update.set("completion", serde_dynamo::to_attribute_value(completion)?);
        }
        update.send_if().await.map(drop)
    }

    /// Notes what is to be taken away with the answer.
    pub async fn add_activity(&self, auth_id: &AuthId, activity: &str) -> Result<(), TableError> {
        let activity = AttributeValue::Ss(vec![activity.to_owned()]);
        let update = self.update(auth_id).add("activities", activity);
        update.send_if().await.map(drop)
    }

    /// Forgets some of them.
    pub async fn remove_activities(
        &self,
        auth_id: &AuthId,
        activities: Vec<String>,
    ) -> Result<(), TableError> {
        let activities = AttributeValue::Ss(activities);
        let update = self.update(auth_id).delete("activities", activities);
        update.send_if().await.map(drop)
    }

    /// Notes the numbered choices that the user is offered: the last ones.
    pub async fn put_offer(&self, auth_id: &AuthId, offer: &Offer) -> Result<(), TableError> {
        let offer = serde_dynamo::to_attribute_value(offer)?;
        let update = self.update(auth_id).set("offer", offer);
        update.send_if().await.map(drop)
    }

    /// Notes what of the user's ended an offer.
    pub async fn put_offer_end(&self, auth_id: &AuthId, end: &OfferEnd) -> Result<(), TableError> {
        let end = serde_dynamo::to_attribute_value(end)?;
        let update = self.update(auth_id).set("offer_end", end);
        update.send_if().await.map(drop)
    }

    /// Notes the form that the user is asked in the chat: the last one.
    pub async fn put_asked_form(
        &self,
        auth_id: &AuthId,
        asked: &AskedForm,
    ) -> Result<(), TableError> {
        let asked = serde_dynamo::to_attribute_value(asked)?;
        let update = self.update(auth_id).set("asked_form", asked);
        update.send_if().await.map(drop)
    }

    /// What the user has answered of a form in the chat, the last one.
    pub async fn form_answers(&self, auth_id: &AuthId) -> Result<Option<FormAnswers>, TableError> {
        let item = self.table.get(&user_key(auth_id), FORM).await?;
        Ok(item.map(serde_dynamo::from_item).transpose()?)
    }

    /// Keeps what the user has answered, for two days at most.
    pub async fn put_form_answers(
        &self,
        auth_id: &AuthId,
        answers: &FormAnswers,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let mut item: table::Item = serde_dynamo::to_item(answers)?;
        item.extend(table::key(user_key(auth_id), FORM.to_owned()));
        let expires_at = now.as_second().saturating_add_unsigned(FORM_TTL.as_secs());
        item.insert("expires_at".to_owned(), number(expires_at));
        self.table.put(item).await
    }

    /// Remembers that the bot was addressed by this user in this thread.
    pub async fn open_thread(
        &self,
        auth_id: &AuthId,
        thread: &str,
        now: Timestamp,
    ) -> Result<(), TableError> {
        let expires_at = now
            .as_second()
            .saturating_add_unsigned(THREAD_TTL.as_secs());
        let mut item = table::key(user_key(auth_id), thread_key(thread));
        item.insert("expires_at".to_owned(), number(expires_at));
        self.table.put(item).await
    }

    /// Whether the bot was addressed by this user in this thread.
    pub async fn is_thread_open(&self, auth_id: &AuthId, thread: &str) -> Result<bool, TableError> {
        Ok(self
            .table
            .get(&user_key(auth_id), &thread_key(thread))
            .await?
            .is_some())
    }

    /// An update of where the user is and when the user last wrote: the one that makes the item.
    fn place(&self, user: &User) -> Result<Update<'_>, TableError> {
        let update = self
            .table
            .update(user_key(&user.auth_id), "user")
            .set("auth_id", text(user.auth_id.as_str()))
            .set("connection", text(user.connection.as_str()))
            .set("channel_user", text(user.channel_user.as_str()))
            .set("came_as", text(came_as::of_user(&user.channel_user)))
            .set("address", serde_dynamo::to_attribute_value(&user.address)?)
            .set("last_activity", number(user.last_activity));
        let times = [
            ("placed_at", user.placed_at),
            ("changed_place_at", user.changed_place_at),
        ];
        let times = times.into_iter().filter_map(|(name, at)| Some((name, at?)));
        Ok(times.fold(update, |update, (name, at)| update.set(name, number(at))))
    }

    /// An update of the user's item, where it is there: what is under way for a user who was forgotten must not make a
    /// stump of one.
    fn update(&self, auth_id: &AuthId) -> Update<'_> {
        let update = self.table.update(user_key(auth_id), "user");
        update.condition(present("pk"))
    }
}

impl User {
    /// The connection by which the last hand-off was asked for; where there is none, the user's.
    #[must_use]
    pub fn handoff_connection(&self) -> &ConnectionId {
        let origin = self
            .handoff
            .as_ref()
            .and_then(|handoff| handoff.origin.as_ref());
        origin.map_or(&self.connection, |origin| &origin.connection)
    }

    /// The user as somebody who is at this connection and address, as long as nothing of that is put.
    #[must_use]
    pub fn at(&self, connection: ConnectionId, channel_user: String, address: Address) -> Self {
        Self {
            connection,
            channel_user,
            address,
            ..self.clone()
        }
    }

    /// Whether an agent took the chat only after this time, in milliseconds since the epoch: an end that happened then,
    /// and is told late, is of the conversation before.
    #[must_use]
    pub fn is_taken_after(&self, happened_at: Option<i64>) -> bool {
        let taken = self.agent_took_at.zip(happened_at);
        taken.is_some_and(|(taken, happened)| happened.saturating_add(CLOCKS_DIFFER) < taken)
    }

    /// Whether this event tells again of the end that was shown last, by the other of the two events, and so
    /// has nothing new to say. Remembers it.
    pub fn is_duplicate_completion(&mut self, event: Completion) -> bool {
        // One that is handled again, after a failure, is of an agent if it was.
        let before = self
            .completion
            .as_ref()
            .filter(|last| last.event.key == event.key);
        let has_agent = self.mode == Mode::Agent && !self.is_taken_after(event.happened_at);
        let of_agent = has_agent || before.is_some_and(|last| last.of_agent);
        if let Some(last) = &mut self.completion
            && last.event.is_told_again_by(&event)
        {
            last.event.other = Some(event.key);
            return true;
        }
        self.completion = Some(ShownCompletion { event, of_agent });
        false
    }
}

/// The sort key of the answers of a form.
const FORM: &str = "form";

fn user_key(auth_id: &AuthId) -> String {
    format!("user#{auth_id}")
}

fn thread_key(thread: &str) -> String {
    format!("thread#{thread}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::completion::CompletionKind;

    #[test]
    fn the_second_event_of_an_end_is_known_and_the_next_end_is_new() {
        let nowhere = Address(serde_json::Value::Null);
        let mut user = User::new("a".into(), "c".into(), "u".into(), nowhere);
        let mut completes = |event_name: &str, key: &str, seconds: i64| {
            let at = Timestamp::from_second(seconds).expect("in range");
            let kind = CompletionKind::of_event(event_name).expect("one of the two");
            let event = Completion::new(kind, key.into(), Some(seconds * 1_000), at);
            user.is_duplicate_completion(event)
        };
        assert!(!completes("webhook_conversation_complete", "1", 0));
        assert!(
            !completes("webhook_conversation_complete", "1", 0),
            "tried again after a failure"
        );
        assert!(completes("chat_complete", "2", 60));
        assert!(
            completes("chat_complete", "2", 60),
            "handled again after a crash"
        );
        assert!(!completes("chat_complete", "3", 120));
        assert!(!completes("chat_complete", "4", 180));
        assert!(!completes(
            "webhook_conversation_complete",
            "5",
            180 + 76 * 60
        ));
    }
}
