//! Forms that are filled in in the chat, as values: the channel has none of its own, so that the user is asked
//! one question after the other, and what was answered is told as one message.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionId, EntryKey};
use crate::message::MessageRef;
use crate::redacted_debug;

/// How long one question waits for its answer.
const ANSWERED_WITHIN: Duration = Duration::from_mins(30);

/// How long a form may take in all.
const FILLED_WITHIN: Duration = Duration::from_hours(3);

/// The form that a user was asked last in the chat. It is written where answers are shown, and nowhere else;
/// all times are those at which entries were received, in milliseconds since the epoch, so that a try that is
/// repeated decides as the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedForm {
    /// The form's message.
    pub message: MessageRef,
    /// By which connection it is asked: what the user says elsewhere is no answer to it.
    pub connection: ConnectionId,
    /// When the form's message was received.
    pub at: i64,
}

/// What the user has answered so far. It is written where users' messages are delivered, and nowhere else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormAnswers {
    /// The form's message.
    pub form: MessageRef,
    /// The answers, one a field in the form's order; an empty one where a field was left out.
    pub answers: Vec<String>,
    /// The user's message that was taken last.
    pub by: EntryKey,
    /// When it was received.
    pub at: i64,
    /// What follows from it.
    pub step: FormStep,
}

redacted_debug!(FormAnswers {
    form,
    answers: len,
    by,
    at,
    step
});

/// What follows from what the user said while a form was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum FormStep {
    /// The next question is asked.
    Ask,
    /// The same question is asked again.
    AskAgain {
        /// What is wrong with the answer, in words for the user.
        wrong: String,
    },
    /// All is answered, and told.
    Send,
    /// It was told.
    Sent,
    /// Nothing is told: nothing was filled in.
    Empty,
    /// Nothing is told: the user wants none of it.
    Cancel,
    /// It was no answer: the user did something else, and the form is over.
    Leave,
}

impl FormStep {
    /// Whether the form goes on.
    #[must_use]
    pub const fn goes_on(&self) -> bool {
        match self {
            Self::Ask | Self::AskAgain { .. } => true,
            Self::Send | Self::Sent | Self::Empty | Self::Cancel | Self::Leave => false,
        }
    }
}

impl AskedForm {
    /// Whether something that was received then may have to do with the form.
    #[must_use]
    pub fn may_concern(&self, received_at: Timestamp) -> bool {
        let since = received_at.as_millisecond().saturating_sub(self.at);
        since.unsigned_abs() <= milliseconds(FILLED_WITHIN)
    }

    /// Whether a question of it waits for something that was received then, given what was answered.
    #[must_use]
    pub fn is_open_at(&self, received_at: Timestamp, answers: Option<&FormAnswers>) -> bool {
        let answers = answers.filter(|answers| answers.form == self.message);
        if answers.is_some_and(|answers| !answers.step.goes_on()) {
            return false;
        }
        let at = received_at.as_millisecond();
        let asked_at = answers.map_or(self.at, |answers| answers.at);
        let waits = u64::try_from(at.saturating_sub(asked_at));
        self.at <= at
            && self.may_concern(received_at)
            && waits.is_ok_and(|waits| waits <= milliseconds(ANSWERED_WITHIN))
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::KeyRef;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).expect("in range")
    }

    fn answered(message: &MessageRef, minute: i64, step: FormStep) -> FormAnswers {
        FormAnswers {
            form: message.clone(),
            answers: vec!["Asha".to_owned()],
            by: "1".into(),
            at: at(minute).as_millisecond(),
            step,
        }
    }

    #[test]
    fn a_question_waits_for_half_an_hour_and_a_form_for_three() {
        let message = MessageRef {
            auth_id: "a1".into(),
            key: KeyRef::Key("k".into()),
        };
        let asked = AskedForm {
            message: message.clone(),
            connection: "c".into(),
            at: at(60).as_millisecond(),
        };
        let is_open = |minute, answers: Option<&FormAnswers>| asked.is_open_at(at(minute), answers);
        assert!(!is_open(59, None), "it was said before the form was there");
        assert!(is_open(60, None) && is_open(90, None) && !is_open(91, None));
        let one = answered(&message, 85, FormStep::Ask);
        assert!(is_open(115, Some(&one)) && !is_open(116, Some(&one)));
        let late = answered(&message, 239, FormStep::Ask);
        assert!(is_open(240, Some(&late)) && !is_open(241, Some(&late)));
        let over = answered(&message, 61, FormStep::Sent);
        assert!(!is_open(62, Some(&over)));
        let other = MessageRef {
            key: KeyRef::Key("other".into()),
            ..message
        };
        assert!(is_open(62, Some(&answered(&other, 61, FormStep::Sent))));
    }
}
