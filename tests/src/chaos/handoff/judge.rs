//! Whether a hand-off's life went as promised.

use std::collections::BTreeSet;

use haptik_bridge_shared::ledger::State;
use haptik_bridge_shared::users::UserMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::evidence::entries;
use super::{End, MISSED, PHRASE, REASON, Scene, WAITING};
use crate::app::Callback;

impl Scene {
    /// What is not as promised.
    pub(super) async fn judge(&self, id: Option<&str>) -> anyhow::Result<Vec<String>> {
        let mut wrong = Wrong::default();
        let came = once_each(self.app.callbacks());
        let joins = self.life.end != End::NoAgent;
        // Haptik cannot be asked whether it moved a chat: a kill before that is recorded moves it again, and
        // the agent, who may have joined by then, is told of again.
        let simulator = self.haptik.simulator();
        let moves = simulator.records(|seen| seen.agent_moves.len());
        wrong.unless((1..=2).contains(&moves), "how often the chat is moved");
        let pinned = if joins { moves } else { 0 };
        wrong.unless(count(&came, "agent_joined") == pinned, "agent_joined");
        let said = usize::from(joins);
        wrong.unless(says(&came, "Done!") == said, "what the agent said");
        let missed = count(&came, "missed_handoff");
        wrong.unless(missed == usize::from(!joins), "missed_handoff");
        if let Some(id) = id {
            self.judge_end(id, &came, &mut wrong);
        } else {
            wrong.unless(says(&came, WAITING) == 1, "the first notice");
            let missed = says(&came, MISSED);
            wrong.unless(missed == usize::from(!joins), "the notice of its end");
        }
        self.judge_told(id, count(&came, "message_returned"), &mut wrong);
        let is_on = self.handoff().await?.is_none_or(|handoff| handoff.is_on());
        wrong.unless(!is_on, "it is on");
        let users = UserMap::new(self.surroundings.database.table.clone());
        let far = Timestamp::now().checked_add(SignedDuration::from_hours(300))?;
        let due = users.handoffs_due(far, None).await?;
        wrong.unless(due.is_empty(), "it is due for ever");
        for entry in entries(&self.surroundings.database.table).await? {
            let why = entry.reason.as_deref().unwrap_or("-");
            let line = format!("{} {} is {:?}: {why}", entry.lane, entry.key, entry.state);
            wrong.unless(entry.state == State::Delivered, &line);
        }
        Ok(wrong.0)
    }

    /// Whether control returned to the bot, once, and nothing came after that.
    fn judge_end(&self, id: &str, came: &[Callback], wrong: &mut Wrong) {
        wrong.unless(count(came, "handoff_ended") == 1, "it does not end once");
        let reason = match self.life.end {
            End::Completed => "completed",
            End::TakenBack => "ended_by_bot",
            End::NoAgent => "no_agent",
        };
        let expected = json!([id, reason, self.life.end != End::NoAgent]);
        let mut after = came.iter().map(|one| &one.body);
        let ended = after.find(|body| body["type"] == "handoff_ended");
        let ended = ended.map(|body| json!([body["id"], body["reason"], body["agent_joined"]]));
        wrong.unless(ended == Some(expected), "how it ended");
        let mut after = after.filter(|body| body["type"] != "message_returned");
        let is_over = after.all(|body| body["handoff_id"] != id);
        wrong.unless(is_over, "it goes on after its end");
    }

    /// Whether Haptik was told all, in order.
    fn judge_told(&self, id: Option<&str>, returned: usize, wrong: &mut Wrong) {
        let told: Vec<String> = self.haptik.simulator().records(|seen| {
            let messages = seen.messages.iter();
            messages.map(|message| message.text.clone()).collect()
        });
        let mut first = BTreeSet::new();
        let mut order = told.clone();
        order.retain(|text| first.insert(text.clone()));
        let expected: &[&str] = match id {
            Some(_) => &["What was said before:\nuser: my money", REASON, "hello?"],
            None => &[PHRASE, "hello?"],
        };
        wrong.unless(order == expected, &format!("what was told: {told:?}"));
        // Haptik cannot be asked: what was told when the process was killed is told again, and goes back to
        // the bot where the hand-off is over by then.
        let once_more = usize::from(self.surroundings.kills() > 0);
        wrong.unless(
            told.len() <= order.len() + once_more,
            "told more than twice",
        );
        wrong.unless(returned <= once_more, "what was read goes back");
    }
}

/// What is not as promised.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn unless(&mut self, is: bool, what: &str) {
        if !is {
            self.0.push(what.to_owned());
        }
    }
}

fn count(came: &[Callback], kind: &str) -> usize {
    came.iter().filter(|one| one.body["type"] == kind).count()
}

fn says(came: &[Callback], text: &str) -> usize {
    came.iter().filter(|one| one.body["text"] == text).count()
}

/// What came, without what came again: a copy has the same `webhook-id`.
fn once_each(callbacks: Vec<Callback>) -> Vec<Callback> {
    let mut seen = BTreeSet::new();
    let mut callbacks = callbacks;
    callbacks.retain(|callback| seen.insert(callback.id.clone()));
    callbacks
}
