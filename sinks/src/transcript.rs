//! The transcript of a conversation, from Haptik, for the ticket that is about to be made.

use std::collections::BTreeMap;
use std::time::Duration;

use haptik_bridge_shared::activity::Activity;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::haptik::client::{HaptikClient, History, HistoryMessage};
use haptik_bridge_shared::haptik::webhook::EventKind;
use haptik_bridge_shared::ids::AccountId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Ledger;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::retry::{Retry, Retryable as _};
use haptik_bridge_shared::table::Table;
use haptik_bridge_shared::users::UserMap;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{Delivery, SinkError};

/// How long after a completion its transcript may lack the last message that Haptik delivered.
const INCOMPLETE_FOR: Duration = Duration::from_mins(2);

/// How long after a completion its transcript is asked for, where Haptik does not answer.
const MISSING_FOR: Duration = Duration::from_hours(1);

/// How many conversations of a user are looked through for the last one.
const MOST_CONVERSATIONS: u64 = 20;

/// How far Haptik's times of messages and of events may differ.
const CLOCKS_DIFFER: Duration = Duration::from_secs(2);

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
        let line = |sender: &str, text: &str| (sender.to_owned(), text.to_owned(), at);
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

    fn of(messages: Vec<(String, String, Option<Timestamp>)>) -> Self {
        let lines = messages
            .iter()
            .map(|(sender, text, at)| line(*at, sender, text))
            .collect();
        let messages = messages
            .into_iter()
            .map(|(sender, text, at)| {
                json!({"sender": sender, "text": text, "timestamp": at.map(|at| at.to_string())})
            })
            .collect();
        Self {
            messages,
            lines,
            note: None,
        }
    }
}

/// What came of asking for a transcript.
pub(crate) enum Fetched {
    /// It is there, or will never be.
    Transcript(Transcript),
    /// It is not complete yet: how long to wait for it, and why.
    NotYet(Duration, &'static str),
}

impl Fetched {
    fn missing(note: &'static str) -> Self {
        Self::Transcript(Transcript {
            note: Some(note),
            ..Transcript::default()
        })
    }
}

/// Where transcripts are: at Haptik, by what is known here of the user and the conversation.
#[derive(Debug, Clone)]
pub(crate) struct Transcripts {
    /// The accounts, with the Haptik queue of each.
    accounts: BTreeMap<AccountId, (HaptikClient, Option<u64>)>,
    users: UserMap,
    activity: Activity,
    ledger: Ledger,
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
        }
    }

    /// Fetches the transcript of the conversation that an event completed.
    ///
    /// # Errors
    /// When the table does not answer.
    pub(crate) async fn fetch(&self, delivery: &Delivery<'_>) -> Result<Fetched, SinkError> {
        let nothing = |note| Ok(Fetched::missing(note));
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
                return match error.retry() {
                    Retry::Later(after) if waited < MISSING_FOR => {
                        let pause = after.map_or(pause, |after| after.max(pause));
                        let reason = "Haptik does not give the transcript yet";
                        Ok(Fetched::NotYet(pause, reason))
                    }
                    _ => nothing("(There is no transcript: Haptik did not give it.)"),
                };
            }
            Err(error) => return Err(error),
        };
        let complete = self.is_complete(delivery, &messages).await?;
        if !complete && waited < INCOMPLETE_FOR {
            let reason = "the transcript is not complete yet";
            return Ok(Fetched::NotYet(pause, reason));
        }
        let messages = messages
            .into_iter()
            .map(|message| (message.sender, message.text, message.timestamp));
        let mut transcript = Transcript::of(messages.collect());
        if !complete {
            transcript.note = Some("(Haptik gave the transcript without its last messages.)");
        }
        Ok(Fetched::Transcript(transcript))
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
        let first = completed.unwrap_or(1);
        let mut last = None;
        for number in first..first.saturating_add(MOST_CONVERSATIONS) {
            let conversation_no = number.to_string();
            let history = History {
                conversation_no: Some(&conversation_no),
                ..history
            };
            match haptik.get_chat_history(&history).await {
                Ok(messages) if began_before(&messages, at) => last = Some(messages),
                Err(error) if error.retry() != Retry::Never => return Err(error.into()),
                // The last that completed may be gone by now; what follows it may not.
                _ if number > first => break,
                _ => {}
            }
        }
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
