//! What an account does in ways that its owner can change in Haptik's dashboard, or that differ between
//! accounts: it may change while the simulator runs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How the account behaves. As JSON, the names of the fields are the keys, and what is left out stays as
/// it is.
///
/// ```
/// use haptik_bridge_simulator::{Settings, Simulator, WhenOffline};
///
/// let haptik = Simulator::new(Settings::default());
/// haptik.behave(|behaviour| behaviour.offline_teams = vec!["*".to_owned()]);
/// assert_eq!(haptik.behaviour().when_offline, WhenOffline::Complete);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Teams of which nobody is online; `*` is every team.
    pub offline_teams: Vec<String>,
    /// What becomes of a chat that is moved to such a team.
    pub when_offline: WhenOffline,
    /// What the bot says then; nothing when it is empty.
    pub offline_message: String,
    /// What transcripts have of a bot's message.
    pub transcripts: Transcripts,
    /// Whether transcripts of completed conversations have `******` for e-mail addresses, for numbers of 6
    /// to 16 digits and for Indian tax numbers (Data Masking, on by default for new accounts).
    pub masking: bool,
    /// How long the synchronous call takes beyond what the bot takes, in milliseconds. It is not scaled.
    pub sync_delay_ms: u64,
    /// After how many seconds without a word a chat with the bot completes by itself (Haptik: 480); it is
    /// scaled as every waiting time. `None` is never.
    pub idle_seconds: Option<u64>,
    /// Whether a rating is taken after the conversation has completed. The documentation asks for an
    /// active one; its reports have ratings that came later.
    pub ratings_after_completion: bool,
    /// Whether a message that answers one of the user's names it in `user_message_info`.
    pub user_message_info: bool,
    /// The HTTP status with which the integration API refuses credentials. None is published.
    pub refusal_status: u16,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            offline_teams: Vec::new(),
            when_offline: WhenOffline::default(),
            offline_message: "Sorry, no agents are available at the moment.".to_owned(),
            transcripts: Transcripts::default(),
            masking: false,
            sync_delay_ms: 0,
            idle_seconds: None,
            ratings_after_completion: false,
            user_message_info: true,
            refusal_status: 401,
        }
    }
}

impl Behaviour {
    /// With what this JSON object changes.
    ///
    /// # Errors
    ///
    /// When it has a key that there is not, or a value that is not allowed; the text says which.
    pub fn with(&self, changes: &Value) -> Result<Self, String> {
        let changes = changes.as_object().ok_or("it must be a JSON object")?;
        let mut all = serde_json::to_value(self).map_err(|error| error.to_string())?;
        if let Some(all) = all.as_object_mut() {
            all.extend(changes.clone());
        }
        serde_json::from_value(all).map_err(|error| error.to_string())
    }

    pub(super) fn is_offline(&self, team: &str) -> bool {
        self.offline_teams
            .iter()
            .any(|name| name == "*" || name == team)
    }
}

/// What becomes of a chat that is moved to a team of which nobody is online: the switch "Marking Chat as
/// complete" of the team's settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenOffline {
    /// It completes at once, by `Team Offline Flag`.
    #[default]
    Complete,
    /// It stays in the queue, and the bot stays silent.
    Queue,
}

/// What transcripts have of a bot's message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transcripts {
    /// What it says.
    #[default]
    Words,
    /// Its type only, such as `TEXT`: as in all samples of the documentation.
    Types,
}

/// A text as Data Masking leaves it.
pub(super) fn masked(text: &str) -> String {
    text.split_inclusive(char::is_whitespace)
        .map(masked_word)
        .collect()
}

fn masked_word(word: &str) -> String {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    if is_email(bare) || is_tax_number(bare) {
        return word.replacen(bare, MASK, 1);
    }
    let mut masked = String::new();
    let mut digits = String::new();
    for letter in word.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
        } else {
            end_number(&mut masked, &mut digits);
            masked.push(letter);
        }
    }
    end_number(&mut masked, &mut digits);
    masked
}

const MASK: &str = "******";

fn end_number(masked: &mut String, digits: &mut String) {
    let is_masked = (6..=16).contains(&digits.len());
    masked.push_str(if is_masked { MASK } else { digits });
    digits.clear();
}

fn is_email(word: &str) -> bool {
    word.split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

/// Five letters, four digits, a letter.
fn is_tax_number(word: &str) -> bool {
    word.len() == 10
        && word.bytes().enumerate().all(|(index, byte)| match index {
            5..=8 => byte.is_ascii_digit(),
            _ => byte.is_ascii_uppercase(),
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_stays_as_it_is() {
        let masking = Behaviour::default().with(&json!({"masking": true}));
        let masking = masking.expect("a behaviour");
        let slow = masking.with(&json!({"sync_delay_ms": 12_000, "idle_seconds": 480}));
        let slow = slow.expect("a behaviour");
        assert!(slow.masking);
        assert_eq!((slow.sync_delay_ms, slow.idle_seconds), (12_000, Some(480)));
        for wrong in [json!({"mask": true}), json!({"masking": 1}), json!([])] {
            assert!(slow.with(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_and_long_numbers_are_masked_and_nothing_else() {
        let masks = [
            ("Order 1234567, please", "Order ******, please"),
            ("asha@example.com.", "******."),
            ("call +919812345678 at 10", "call +****** at 10"),
            ("PAN ABCDE1234F", "PAN ******"),
            ("12345 and 12345678901234567", "12345 and 12345678901234567"),
            ("a @ b, 5\n6", "a @ b, 5\n6"),
        ];
        for (text, expected) in masks {
            assert_eq!(masked(text), expected);
        }
    }
}
