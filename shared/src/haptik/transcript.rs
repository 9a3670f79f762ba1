//! Walking through the transcripts of one user's conversations.

use crate::haptik::client::{HaptikClient, HaptikError, History, HistoryMessage};
use crate::retry::{Retry, Retryable as _};

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
