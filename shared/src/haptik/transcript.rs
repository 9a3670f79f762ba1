//! The transcripts of one user's conversations: what their lines are, and walking through them.

use crate::haptik::client::{HaptikClient, HaptikError, History, HistoryMessage};
use crate::retry::{Retry, Retryable as _};

/// What a transcript has in place of a message that has no text: the type of its HSL.
const TYPES: [&str; 9] = [
    "TEXT",
    "BUTTON",
    "CAROUSEL",
    "FORM",
    "NATIVE_ACTION",
    "SILENT",
    "SYSTEM",
    "TAB_LIST",
    "RECEIPT",
];

/// Whether a line of a transcript is the type of a message, in place of its words.
#[must_use]
pub fn is_type(text: &str) -> bool {
    TYPES.contains(&text.trim())
}

/// Asks for the transcripts of a user's conversations, from `first` on and of `most` at most, and hands each
/// to `take`, which says whether it is the user's and the walk goes on. Haptik numbers a user's
/// conversations, and there is no call that lists them.
///
/// A conversation that there is not ends the walk, except for the first: the last one that is known to have
/// completed may be gone by now, and what follows it not. Haptik's refusal of it is returned.
///
/// # Errors
/// When Haptik does not answer.
pub async fn walk(
    haptik: &HaptikClient,
    history: &History<'_>,
    first: u64,
    most: u64,
    mut take: impl FnMut(Vec<HistoryMessage>) -> bool,
) -> Result<Option<HaptikError>, HaptikError> {
    let mut refused = None;
    for number in first..first.saturating_add(most) {
        let number_as_text = number.to_string();
        let history = History {
            conversation_no: Some(&number_as_text),
            ..*history
        };
        let goes_on = match haptik.get_chat_history(&history).await {
            Ok(messages) => take(messages),
            Err(error) if error.retry() != Retry::Never => return Err(error),
            Err(error) => {
                refused = Some(error);
                false
            }
        };
        if !goes_on && number > first {
            break;
        }
    }
    Ok(refused)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::{self, Secrets};
    use crate::net::{self, fake};

    /// Walks from conversation 3 on; what is answered for each, and up to which it came.
    async fn walk_from_3(
        most: u64,
        answers: &'static [(u16, &'static str)],
    ) -> (Result<Option<HaptikError>, HaptikError>, Vec<String>) {
        let answer = move |request: &fake::Request| {
            let asked = |number| request.path.contains(&format!("conversation_no={number}"));
            let mut numbered = (3..).zip(answers);
            let found = numbered.find(|(number, _)| asked(*number));
            let (status, text) = found.map_or((404, ""), |(_, answer)| *answer);
            let line = json!({"message_id": 1, "sender": "bot", "text": text});
            let lines: Vec<Value> = (!text.is_empty()).then_some(line).into_iter().collect();
            fake::Answer::new(status, json!({"chat_json": lines}).to_string())
        };
        let fake = fake::Fake::start(answer).await;
        let config = config::Haptik {
            base_url: fake.url("messaging/"),
            integration_base_url: fake.url(""),
            sync_url: None,
            sync_timeout: std::time::Duration::from_secs(35),
            client_id: "client-1".into(),
            tokens: Secrets::new("token", []),
            integration_tokens: Secrets::new("token", []),
            webhook_secrets: Secrets::new("unused", []),
            business_id: None,
            business_ids: Vec::new(),
            device_platforms: vec![13],
            rate_per_second: None,
        };
        let haptik = HaptikClient::new(&config, net::client().expect("a client"));
        let history = History {
            business_id: 343,
            user_name: "hu1",
            conversation_no: None,
            limit: None,
        };
        let mut said = Vec::new();
        let take = |messages: Vec<HistoryMessage>| {
            said.extend(messages.iter().map(|message| message.text.clone()));
            !messages.is_empty()
        };
        let walked = walk(&haptik, &history, 3, most, take).await;
        (walked, said)
    }

    #[tokio::test]
    async fn a_walk_ends_at_the_first_conversation_that_is_not_there_but_for_its_first() {
        let (walked, said) = walk_from_3(8, &[(404, ""), (200, "four"), (200, "five")]).await;
        assert_eq!(said, ["four", "five"]);
        assert!(matches!(walked, Ok(Some(_))), "{walked:?}");
        let (walked, said) = walk_from_3(8, &[(200, ""), (200, ""), (200, "five")]).await;
        assert_eq!(said, [""; 0]);
        assert!(matches!(walked, Ok(None)), "{walked:?}");
    }

    #[tokio::test]
    async fn a_walk_asks_for_no_more_conversations_than_its_limit() {
        let (_, said) = walk_from_3(2, &[(200, "three"), (200, "four"), (200, "five")]).await;
        assert_eq!(said, ["three", "four"]);
    }

    #[tokio::test]
    async fn a_walk_fails_when_haptik_does_not_answer() {
        let (walked, said) = walk_from_3(8, &[(200, "three"), (503, ""), (200, "five")]).await;
        assert_eq!(said, ["three"]);
        assert!(walked.is_err());
    }
}
