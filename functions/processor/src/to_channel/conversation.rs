//! What an event says of a conversation: who has it, and whether a hand-off goes on.

use haptik_bridge_shared::config::RatingWhen;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ingest::RequestContext;
use haptik_bridge_shared::key::KeyKind;
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::completion::{Completion, CompletionKind};
use haptik_bridge_shared::message::handoff::{AskedBy, Completed, Handoff};
use haptik_bridge_shared::message::{Addressed, Content, Inbound, SenderKind, UserAction};
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::users::{Mode, User};
use jiff::Timestamp;
use serde_json::json;

use super::ToChannel;
use crate::handoff_end::complete_handoff;

/// Whether an event is shown to the user.
pub(super) enum Relevance {
    /// It has nothing new to say, for this reason.
    Stale(&'static str),
    /// It is to be shown; `handoff` is the hand-off that it belongs to, where a bot asked for one.
    ToShow { handoff: Option<String> },
}

impl ToChannel<'_> {
    /// Keeps in the user map what an event says of the conversation, where that is new.
    ///
    /// What ends comes first and the record last: what fails in between is done again as it was.
    pub(super) async fn note_conversation(
        &self,
        user: &mut User,
        event: &Event,
        content: &Content,
        entry: &Entry,
    ) -> Result<Relevance, Failure> {
        let before = user.clone();
        if event.user_name.is_some() {
            user.user_name.clone_from(&event.user_name);
        }
        let at = event
            .timestamp
            .unwrap_or(entry.received_at)
            .as_millisecond();
        let relevance = match content {
            Content::AgentJoined { .. } if is_over(user, at) => {
                Relevance::Stale("an agent's joining of a conversation that is over")
            }
            Content::AgentJoined { .. } => {
                if user.mode == Mode::Bot {
                    let when = RatingWhen::Joined;
                    self.ask_for_rating(user, entry, at, when).await?;
                }
                user.mode = Mode::Agent;
                user.agent_took_at = user.agent_took_at.max(Some(at));
                self.note_agent(user, at).await?
            }
            Content::Message { .. } if event.sender.kind == SenderKind::Agent => {
                self.note_agent(user, at).await?
            }
            Content::ConversationComplete { completed_by, .. } => {
                if let Some(conversation_no) = lenient_json::whole(&event.data, "conversation_no") {
                    let activity = &self.bridge.activity;
                    activity.completed(&user.auth_id, conversation_no).await?;
                }
                let happened = Completed {
                    at,
                    by: completed_by.clone(),
                    word: lenient_json::text(&event.data, "completion_by"),
                };
                self.note_completion(user, event, entry, &happened).await?
            }
            Content::Message { .. } => Relevance::ToShow {
                handoff: of_bot(user).map(|handoff| handoff.id.clone()),
            },
        };
        if *user != before {
            self.bridge.users.put_conversation(user).await?;
        }
        if before.user_name.is_none() || waits(&before) {
            self.resume_move(user).await?;
        }
        Ok(relevance)
    }

    /// An agent joined, or said something, which is as good.
    async fn note_agent(&self, user: &User, at: i64) -> Result<Relevance, Failure> {
        let Some(handoff) = user.handoff.as_ref().filter(|handoff| handoff.is_on()) else {
            return Ok(Relevance::ToShow { handoff: None });
        };
        if !handoff.is_of(at) {
            return Ok(Relevance::ToShow { handoff: None });
        }
        let users = &self.bridge.users;
        let is_on = handoff.joined_at.is_some()
            || users.handoff_joined(&user.auth_id, &handoff.id, at).await?;
        let handoff = of_bot(user).filter(|_| is_on);
        Ok(Relevance::ToShow {
            handoff: handoff.map(|handoff| handoff.id.clone()),
        })
    }

    async fn note_completion(
        &self,
        user: &mut User,
        event: &Event,
        entry: &Entry,
        happened: &Completed,
    ) -> Result<Relevance, Failure> {
        let context = RequestContext::new("processor", Timestamp::now());
        let bridge = self.bridge;
        bridge.note_team_offline(context, user, happened).await?;
        let mut after = user.clone();
        let kind = CompletionKind::of_event(&event.event_name).unwrap_or(CompletionKind::Chat);
        let key = entry.key.clone();
        let completion = Completion::new(kind, key, Some(happened.at), entry.received_at);
        let is_duplicate = after.is_duplicate_completion(completion);
        if !user.is_taken_after(Some(happened.at)) {
            after.mode = Mode::Bot;
        }
        if is_duplicate {
            *user = after;
            return Ok(Relevance::Stale("the same completion was shown already"));
        }
        let handoff = self.end_completed_handoff(user, happened).await?;
        let of_agent = after
            .completion
            .as_ref()
            .is_some_and(|completion| completion.of_agent);
        if of_agent {
            let when = RatingWhen::Completed;
            self.ask_for_rating(user, entry, happened.at, when).await?;
        }
        *user = after;
        Ok(Relevance::ToShow { handoff })
    }

    /// Ends the hand-off whose conversation is complete; its id, where a bot asked for it.
    async fn end_completed_handoff(
        &self,
        user: &User,
        happened: &Completed,
    ) -> Result<Option<String>, Failure> {
        let Some(mut handoff) = user.handoff.clone() else {
            return Ok(None);
        };
        let (auth_id, id) = (&user.auth_id, handoff.id.clone());
        let id_for_bot = Some(id.clone()).filter(|_| handoff.asked_by == AskedBy::Application);
        if handoff.is_on() && handoff.opened_at.is_none() {
            let users = &self.bridge.users;
            if users
                .handoff_completed_early(auth_id, &id, happened)
                .await?
            {
                // Whether it is of this hand-off is known when Haptik has taken something of it.
                return Ok(None);
            }
            let user = users.get(auth_id).await?;
            let Some(now) = user
                .and_then(|user| user.handoff)
                .filter(|now| now.id == id)
            else {
                return Ok(None);
            };
            handoff = now;
        }
        if !handoff.is_on() {
            let by_this = handoff
                .ended
                .as_ref()
                .is_some_and(|ended| ended.is_of_completion() && ended.at == happened.at);
            if by_this {
                // It was handled before, perhaps not to the end.
                complete_handoff(self.bridge, auth_id, &id, happened).await?;
            }
            return Ok(id_for_bot.filter(|_| by_this));
        }
        if handoff.is_completed_at(happened.at) != Some(true) {
            return Ok(None);
        }
        complete_handoff(self.bridge, auth_id, &id, happened).await?;
        Ok(id_for_bot)
    }

    /// Asks the user to rate a conversation with an agent, where the connection is configured to do so then.
    async fn ask_for_rating(
        &self,
        user: &User,
        entry: &Entry,
        at: i64,
        when: RatingWhen,
    ) -> Result<(), Failure> {
        let Some(connection) = self.bridge.connections.get(&user.connection) else {
            return Ok(());
        };
        let handoff = &connection.handoff;
        if !handoff.rating || handoff.rating_when != when {
            return Ok(());
        }
        let hsl = json!({
            "text": "",
            "type": "BUTTON",
            "data": {"items": [
                {"actionable_text": connection.handoff.rating_prompt, "type": "APP_FEEDBACK", "payload": {}},
            ]},
        });
        let (name, now) = (format!("rating-{}", entry.key), Timestamp::now());
        self.bridge
            .say(RequestContext::new("processor", now), user, &name, &hsl, at)
            .await?;
        Ok(())
    }

    /// The connection's words for the end of a conversation with an agent, in place of Haptik's.
    pub(super) fn use_configured_notice(&self, user: &User, content: &mut Content) {
        let of_agent = user
            .completion
            .as_ref()
            .is_some_and(|completion| completion.of_agent);
        let connection = self.bridge.connections.get(&user.connection);
        let words = connection.and_then(|connection| connection.handoff.completed_notice.as_ref());
        if let (Content::ConversationComplete { notice, .. }, Some(words), true) =
            (content, words, of_agent)
        {
            notice.clone_from(words);
        }
    }

    /// Has the chat moved that waited for Haptik's `user_name`, which is known now.
    async fn resume_move(&self, user: &User) -> Result<(), Failure> {
        // Whether it waits is asked after the name was put: either this sees that it waits, or what
        // would have it wait sees the name.
        let Some(user) = self.bridge.users.get(&user.auth_id).await? else {
            return Ok(());
        };
        let Some(handoff) = user.handoff.as_ref().filter(|_| waits(&user)) else {
            return Ok(());
        };
        if user.user_name.is_none() {
            return Ok(());
        }
        let at = Timestamp::from_millisecond(handoff.began_at).unwrap_or_default();
        // By the queue and with the settings of the connection that asked for it.
        let user = match handoff.origin.clone() {
            Some(at) => user.at(at.connection, at.channel_user, at.address),
            None => user.clone(),
        };
        let inbound = Inbound {
            key: KeyKind::act(at, format!("move-{}", handoff.id)).into(),
            at,
            auth_id: user.auth_id.clone(),
            user: user.channel_user.clone(),
            address: user.address.clone(),
            profile: None,
            addressed: Addressed::Yes,
            message_id: None,
            action: UserAction::MoveToAgent {
                handoff: handoff.id.clone(),
            },
            mentions: Vec::new(),
        };
        let now = Timestamp::now();
        self.bridge
            .accept_inbound(
                RequestContext::new("processor", now),
                &user.connection,
                inbound,
                None,
            )
            .await?;
        Ok(())
    }
}

/// The hand-off that a bot asked for, while it is on.
fn of_bot(user: &User) -> Option<&Handoff> {
    let handoff = user.handoff.as_ref()?;
    (handoff.is_on() && handoff.asked_by == AskedBy::Application).then_some(handoff)
}

fn waits(user: &User) -> bool {
    let handoff = user.handoff.as_ref();
    handoff.is_some_and(|handoff| handoff.is_on() && handoff.waits_for_name)
}

/// Whether the conversation in which something happened at this time is known to be complete.
fn is_over(user: &User, at: i64) -> bool {
    let completion = user.completion.as_ref();
    completion.is_some_and(|shown| shown.event.happened_at.is_some_and(|then| then >= at))
}
