//! The transcript of a conversation, for the ticket that is about to be made: from Haptik, from the ledger's
//! own record (`record`), or from Haptik with what the record knows better (`merge`).

use std::collections::BTreeMap;
use std::time::Duration;

use haptik_bridge_shared::activity::Activity;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::haptik::client::{HaptikClient, History, HistoryMessage};
use haptik_bridge_shared::haptik::transcript::walk;
use haptik_bridge_shared::haptik::webhook::EventKind;
use haptik_bridge_shared::ids::AccountId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Ledger;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::message::machine_parts::says_nothing;
use haptik_bridge_shared::message::without_machine_parts;
use haptik_bridge_shared::retry::{Retry, Retryable as _};
use haptik_bridge_shared::table::Table;
use haptik_bridge_shared::users::UserMap;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::config::ticket::TranscriptSource;
use crate::mask::{Mask, MaskedValues};
use crate::plain::said_in_html;
use crate::{Delivery, SinkError};

mod merge;
mod record;

use record::RecordedMessage;

/// How long after a completion its transcript may lack the last message that Haptik delivered.
const INCOMPLETE_FOR: Duration = Duration::from_mins(2);

/// How long after a completion its transcript is asked for, where Haptik does not answer. Where it does not
/// accept the token, it is asked for until `give_up_after`.
const MISSING_FOR: Duration = Duration::from_hours(1);

/// How many conversations of a user are looked through for the last one.
const MOST_CONVERSATIONS: u64 = 20;

/// How far Haptik's times of messages and of events may differ.
const CLOCKS_DIFFER: Duration = Duration::from_secs(2);

/// How long before Haptik took it something that the user said may have been said.
const TOLD_WITHIN: Duration = Duration::from_mins(10);

/// What is said where the ledger has nothing of a conversation.
const NOT_RECORDED: &str =
    "(There is no transcript: the bridge has no record of the conversation.)";

/// The shortest and the longest pause between two tries.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// A transcript, or why there is none.
#[derive(Clone, Default)]
pub(crate) struct Transcript {
    /// The messages, as templates have them: `sender`, `text`, `timestamp`.
    pub(crate) messages: Vec<Value>,
    /// The messages, a line each.
    pub(crate) lines: Vec<String>,
    /// What to say where it is not the whole transcript.
    pub(crate) note: Option<&'static str>,
}

impl Transcript {
    /// A transcript for a try without a conversation.
    pub(crate) fn sample() -> Self {
        let at = Timestamp::from_second(1_795_600_000).ok();
        let line = |sender: &str, text: &str| Line {
            sender: sender.to_owned(),
            text: text.to_owned(),
            at,
        };
        Self::of(vec![
            line("user", "Where is my order?"),
            line("bot", "Let me find somebody who knows."),
            line("Prateek", "It arrives tomorrow."),
        ])
    }

    /// Adds what templates can use of it.
    pub(crate) fn fill_in(&self, values: &mut Map<String, Value>) {
        values.insert("transcript".to_owned(), self.messages.clone().into());
        values.insert("transcript_text".to_owned(), self.lines.join("\n").into());
    }

    /// It, without what is masked of what was said. Who said it, and when, stays.
    fn masked(mut self, values: &MaskedValues) -> Self {
        self.lines.clear();
        for message in &mut self.messages {
            let text = values.masked(&lenient_json::text(message, "text"));
            let at = lenient_json::text(message, "timestamp").parse().ok();
            let sender = lenient_json::text(message, "sender");
            self.lines.push(line(at, &sender, &text));
            message["text"] = text.into();
        }
        self
    }

    /// Of these messages; those of which people saw nothing are left out.
    fn of(messages: Vec<Line>) -> Self {
        let seen = messages.into_iter().filter(|line| !line.text.is_empty());
        let (lines, messages) = seen
            .map(|Line { sender, text, at }| {
                let timestamp = at.map(|at| at.to_string());
                let shown = line(at, &sender, &text);
                let message = json!({"sender": sender, "text": text, "timestamp": timestamp});
                (shown, message)
            })
            .unzip();
        Self {
            messages,
            lines,
            note: None,
        }
    }
}

/// A message of a transcript.
struct Line {
    /// `user`, `bot` or the agent's name.
    sender: String,
    /// What people saw; empty where that was nothing.
    text: String,
    at: Option<Timestamp>,
}

impl From<&RecordedMessage> for Line {
    fn from(said: &RecordedMessage) -> Self {
        Self {
            sender: said.sender.clone(),
            text: said.whole(),
            at: Some(said.at),
        }
    }
}

/// What people saw of a text; empty where that was nothing.
fn seen(text: &str) -> String {
    if says_nothing(text) {
        return String::new();
    }
    without_machine_parts(text).trim().to_owned()
}

/// What people saw of a text that was not the user's, and may have HTML; empty where that was nothing.
fn seen_of_others(text: &str) -> String {
    said_in_html(&seen(text))
}

/// What people saw of a message of the bot's or an agent's: its texts, and a line for each picture and link; empty
/// where that was nothing.
pub(crate) fn seen_of_message(hsl: &Hsl) -> String {
    record::whole(&record::text_of(hsl), &record::links_of(hsl))
}

/// What came of asking for a transcript.
pub(crate) enum Fetched {
    /// It is there, or will never be.
    Transcript(Transcript),
    /// It is not complete yet: how long to wait for it, and why.
    NotYet(Duration, &'static str),
}

/// What came of asking Haptik for a transcript.
enum TranscriptAnswer {
    /// It is there; with a note where it is not the whole.
    Messages(Vec<HistoryMessage>, Option<&'static str>),
    /// It is not complete yet: how long to wait for it, and why.
    NotYet(Duration, &'static str),
    /// There is none, for this reason.
    Missing(&'static str),
}

/// Where transcripts are: at Haptik, by what is known here of the user and the conversation.
#[derive(Debug, Clone)]
pub(crate) struct Transcripts {
    /// The accounts, with the Haptik queue of each.
    accounts: BTreeMap<AccountId, (HaptikClient, Option<u64>)>,
    users: UserMap,
    activity: Activity,
    ledger: Ledger,
    /// How long a transcript is waited for that Haptik does not give for want of a valid token.
    give_up_after: Duration,
    /// What is not told of the user, where something is not.
    mask: Option<Mask>,
}

impl Transcripts {
    /// Those of the accounts of this configuration.
    pub(crate) fn new(config: &Config, table: &Table, http: &reqwest::Client) -> Self {
        let accounts = config.haptik.iter().map(|(name, account)| {
            let name = AccountId::from(name.as_str());
            let client = HaptikClient::new(account, http.clone()).named(&name);
            (name, (client, account.business_id))
        });
        Self {
            accounts: accounts.collect(),
            users: UserMap::new(table.clone()),
            activity: Activity::new(table.clone()),
            ledger: Ledger::new(table.clone(), config.delivery.entry_ttl),
            give_up_after: config.delivery.give_up_after,
            mask: None,
        }
    }

    /// The same, without what a sink is not told.
    pub(crate) fn with_mask(self, mask: Option<Mask>) -> Self {
        Self { mask, ..self }
    }

    /// The transcript of the conversation that an event completed.
    ///
    /// # Errors
    /// When the table does not answer.
    pub(crate) async fn fetch(
        &self,
        delivery: &Delivery<'_>,
        source: TranscriptSource,
    ) -> Result<Fetched, SinkError> {
        let fetched = self.fetch_all(delivery, source).await?;
        match (fetched, &self.mask) {
            (Fetched::Transcript(transcript), Some(mask)) => {
                let values = mask.values(delivery).await?;
                Ok(Fetched::Transcript(transcript.masked(&values)))
            }
            (fetched, _) => Ok(fetched),
        }
    }

    /// A text that was said, as a sink is told it.
    ///
    /// # Errors
    /// When the table does not answer.
    pub(crate) async fn told(
        &self,
        delivery: &Delivery<'_>,
        text: String,
    ) -> Result<String, SinkError> {
        match &self.mask {
            Some(mask) => Ok(mask.values(delivery).await?.masked(&text)),
            None => Ok(text),
        }
    }

    async fn fetch_all(
        &self,
        delivery: &Delivery<'_>,
        source: TranscriptSource,
    ) -> Result<Fetched, SinkError> {
        let asked = match source {
            TranscriptSource::Ledger => TranscriptAnswer::Missing(NOT_RECORDED),
            TranscriptSource::Auto | TranscriptSource::Haptik => self.ask(delivery).await?,
        };
        let (messages, note) = match asked {
            TranscriptAnswer::NotYet(pause, reason) => return Ok(Fetched::NotYet(pause, reason)),
            TranscriptAnswer::Messages(messages, note) => (messages, note),
            TranscriptAnswer::Missing(note) => {
                let record = match source {
                    TranscriptSource::Haptik => Vec::new(),
                    TranscriptSource::Auto | TranscriptSource::Ledger => {
                        self.record(delivery, None).await?
                    }
                };
                let mut transcript = Transcript::of(merge::recorded(&record));
                if transcript.lines.is_empty() {
                    transcript.note = Some(note);
                }
                return Ok(Fetched::Transcript(transcript));
            }
        };
        let lines = match source {
            TranscriptSource::Haptik => merge::as_given(&messages),
            TranscriptSource::Auto | TranscriptSource::Ledger => {
                let began = messages
                    .iter()
                    .filter_map(|message| message.timestamp)
                    .min();
                let record = self.record(delivery, began).await?;
                merge::merged(&messages, &record)
            }
        };
        let mut transcript = Transcript::of(lines);
        transcript.note = note;
        Ok(Fetched::Transcript(transcript))
    }

    /// What the ledger has of the conversation, which began then.
    async fn record(
        &self,
        delivery: &Delivery<'_>,
        began: Option<Timestamp>,
    ) -> Result<Vec<RecordedMessage>, SinkError> {
        let until = delivery.event.timestamp.unwrap_or(delivery.received_at) + CLOCKS_DIFFER;
        // What the user said may have come to Haptik later.
        let since = began.map(|began| began - TOLD_WITHIN);
        Ok(record::of_conversation(&self.ledger, delivery, since, until).await?)
    }

    /// Asks Haptik for the transcript of the conversation that an event completed.
    async fn ask(&self, delivery: &Delivery<'_>) -> Result<TranscriptAnswer, SinkError> {
        let nothing = |note| Ok(TranscriptAnswer::Missing(note));
        let event = delivery.event;
        let Some((haptik, business_id)) = self.accounts.get(delivery.account) else {
            return nothing("(There is no transcript: the account is no longer configured.)");
        };
        let user_name = match (&event.user_name, &event.auth_id) {
            (Some(user_name), _) => Some(user_name.clone()),
            (None, Some(auth_id)) => {
                let user = self.users.get(auth_id).await?;
                user.and_then(|user| user.user_name)
            }
            (None, None) => None,
        };
        let (Some(business_id), Some(user_name)) = (event.business_id.or(*business_id), user_name)
        else {
            return nothing("(There is no transcript: Haptik did not name the user.)");
        };
        let conversation_no = lenient_json::some_text(&event.data, "conversation_no");
        let history = History {
            business_id,
            user_name: &user_name,
            conversation_no: conversation_no.as_deref(),
            limit: None,
        };
        let waited = delivery.now.duration_since(delivery.received_at);
        let waited = Duration::try_from(waited).unwrap_or_default();
        let pause = (waited / 2).clamp(PAUSES.0, PAUSES.1);
        let messages = match self.messages(delivery, haptik, history).await {
            Ok(messages) => messages,
            Err(SinkError::Haptik(error)) => {
                // Credentials are mended by people, who are alarmed, and the transcript is there all the while.
                let patience = if error.is_of_token() {
                    self.give_up_after
                } else {
                    MISSING_FOR
                };
                return match error.retry() {
                    Retry::Later(after) if waited < patience => {
                        let pause = after.map_or(pause, |after| after.max(pause));
                        let reason = "Haptik does not give the transcript yet";
                        Ok(TranscriptAnswer::NotYet(pause, reason))
                    }
                    _ => nothing("(There is no transcript: Haptik did not give it.)"),
                };
            }
            Err(error) => return Err(error),
        };
        let complete = self.is_complete(delivery, &messages).await?;
        if !complete && waited < INCOMPLETE_FOR {
            let reason = "the transcript is not complete yet";
            return Ok(TranscriptAnswer::NotYet(pause, reason));
        }
        let note = "(Haptik gave the transcript without its last messages.)";
        Ok(TranscriptAnswer::Messages(
            messages,
            (!complete).then_some(note),
        ))
    }

    /// The messages of the conversation. Haptik may want its number, which only
    /// `webhook_conversation_complete` has: where it is not known, it is that of the user's last
    /// conversation in which something was said before the event.
    async fn messages(
        &self,
        delivery: &Delivery<'_>,
        haptik: &HaptikClient,
        history: History<'_>,
    ) -> Result<Vec<HistoryMessage>, SinkError> {
        let refused = match haptik.get_chat_history(&history).await {
            Err(error) if history.conversation_no.is_none() && error.retry() == Retry::Never => {
                error
            }
            answered => return Ok(answered?),
        };
        let completed = match &delivery.event.auth_id {
            Some(auth_id) => self.activity.last_completed(auth_id).await?,
            None => None,
        };
        let at = delivery.event.timestamp.unwrap_or(delivery.received_at) + CLOCKS_DIFFER;
        let mut last = None;
        let take = |messages: Vec<HistoryMessage>| {
            let has_begun = began_before(&messages, at);
            if has_begun {
                last = Some(messages);
            }
            has_begun
        };
        let first = completed.unwrap_or(1);
        walk(haptik, &history, first, MOST_CONVERSATIONS, take).await?;
        Ok(last.ok_or(refused)?)
    }

    /// Whether a transcript has the last message that Haptik delivered before the completion.
    async fn is_complete(
        &self,
        delivery: &Delivery<'_>,
        messages: &[HistoryMessage],
    ) -> Result<bool, SinkError> {
        if messages.is_empty() {
            return Ok(false);
        }
        let Some(auth_id) = &delivery.event.auth_id else {
            return Ok(true);
        };
        if delivery.event.kind == EventKind::Unknown {
            return Ok(true);
        }
        let lane = Lane::Channel(auth_id.clone());
        let completed_at = delivery.event.timestamp.unwrap_or(delivery.received_at);
        let Some((last, at)) = self.ledger.last_message(&lane, completed_at).await? else {
            return Ok(true);
        };
        let known = messages
            .iter()
            .any(|message| message.message_id.is_none() && message.timestamp.is_none());
        Ok(known
            || messages.iter().any(|message| {
                message.message_id.is_some_and(|id| id >= last)
                    || message
                        .timestamp
                        .is_some_and(|said| said.as_second() >= at.as_second())
            }))
    }
}

/// Whether something was said by then.
fn began_before(messages: &[HistoryMessage], at: Timestamp) -> bool {
    let mut times = messages.iter().map(|message| message.timestamp);
    times.any(|said| said.is_none_or(|said| said <= at))
}

/// A message of a transcript, as a line.
pub(crate) fn line(at: Option<Timestamp>, sender: &str, text: &str) -> String {
    let at = at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC  ").to_string());
    format!("{}{sender}: {text}", at.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use haptik_bridge_shared::config::MaskedField;

    use super::*;

    #[test]
    fn who_said_it_and_when_is_never_masked() {
        let line = |sender: &str, text: &str| Line {
            sender: sender.to_owned(),
            text: text.to_owned(),
            at: "2026-11-24T10:00:00.250Z".parse().ok(),
        };
        let transcript = Transcript::of(vec![
            line("user", "I am Guest, since 2026"),
            line("Agent Smith", "Hi, Agent Guest"),
        ]);
        let mut values = MaskedValues::default();
        values.add_text(MaskedField::Name, "Guest User");
        values.add_text(MaskedField::Name, "Agent Smith");
        values.add_text(MaskedField::CustomData, "2026");
        let masked = transcript.masked(&values);
        assert_eq!(
            masked.lines,
            [
                "2026-11-24 10:00:00 UTC  user: I am [masked], since [masked]",
                "2026-11-24 10:00:00 UTC  Agent Smith: Hi, [masked] [masked]",
            ]
        );
        let timestamp = "2026-11-24T10:00:00.25Z";
        assert_eq!(
            masked.messages,
            [
                json!({"sender": "user", "text": "I am [masked], since [masked]", "timestamp": timestamp}),
                json!({"sender": "Agent Smith", "text": "Hi, [masked] [masked]", "timestamp": timestamp}),
            ]
        );
    }
}
