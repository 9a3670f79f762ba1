//! What a simulated Haptik account looks like, and how fast its clock runs.

use std::time::Duration;

use secrecy::SecretString;

use super::behaviour::Behaviour;

/// The simulated account: credentials, names, limits and the speed of time.
///
/// The defaults are good for a demonstration; a test mostly changes
/// [`webhook_url`](Settings::webhook_url) and [`time_scale`](Settings::time_scale).
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the `client-id` header of every call must say.
    pub client_id: String,
    /// What the `Authorization: Bearer` header of every call must say.
    pub token: SecretString,
    /// What it must say for the integration API (moving a chat, transcripts), which has a token of its own
    /// in the Business Manager. `None`: the same.
    pub integration_token: Option<SecretString>,
    /// Whether the integration API has a host of its own:
    /// [`serve_integration`](super::Simulator::serve_integration) serves it, and
    /// [`serve`](super::Simulator::serve) does not.
    pub integration_elsewhere: bool,
    /// The agent tools that `v2.0/send_chat_to_agent` knows; `athena` is Haptik's own.
    pub receivers: Vec<String>,
    /// Whether an `auth_id` with anything but letters and digits is refused, as the documentation's word
    /// "alphanumeric" may mean. Otherwise it may have what a URL's path may, which integrations in use rely
    /// on.
    pub alphanumeric_auth_ids: bool,
    /// What may change while the simulator runs.
    pub behaviour: Behaviour,
    /// The key of the HMAC-SHA1 in `X-Hub-Signature`.
    pub webhook_secret: SecretString,
    /// Where events are delivered. It can be set later with
    /// [`Simulator::set_webhook_url`](super::Simulator::set_webhook_url); until then events wait.
    pub webhook_url: Option<String>,
    /// Under which address the simulator's own pictures, files and chats can be opened, without a
    /// slash at the end. [`Simulator::serve`](super::Simulator::serve) fills it in when it is `None`.
    pub public_url: Option<String>,
    /// The Haptik queue or channel.
    pub business_id: u64,
    /// Its name in webhook payloads.
    pub business_name: String,
    /// Businesses that `send_chat_to_agent` refuses as inactive.
    pub inactive_businesses: Vec<u64>,
    /// The only teams that exist. Empty: every name is a team.
    pub teams: Vec<String>,
    /// Teams that `send_chat_to_agent` refuses as inactive.
    pub inactive_teams: Vec<String>,
    /// The human agent who joins.
    pub agent_name: String,
    /// The team of that agent where nobody asked for another one.
    pub team_name: String,
    /// When an agent joins a chat that was moved to a team.
    pub agent_joins: AgentJoins,
    /// Which events tell that a conversation is complete.
    pub completion_events: CompletionEvents,
    /// What every waiting time of the platform is multiplied by: retries, the hour that events wait
    /// for a disabled webhook, the hour between two feedbacks, the countdown to an agent, the eight minutes
    /// without a word. 1.0 is the
    /// real thing, 0.001 makes an hour 3.6 seconds. The time-out of a delivery is not scaled.
    pub time_scale: f64,
    /// How long a webhook may take to answer (Haptik: 5 seconds).
    pub delivery_timeout: Duration,
    /// How many records of each kind are kept, and how many events wait at most.
    pub keep_records: usize,
    /// How many users are kept; the one created first is forgotten first.
    pub keep_users: usize,
    /// The first `message.id`. By default the milliseconds since 1970, so that the ids go on growing
    /// over a restart.
    pub first_message_id: Option<u64>,
    /// The seed of every random choice, so that a run can be repeated.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            client_id: "simulator-client".to_owned(),
            token: SecretString::from("simulator-token"),
            integration_token: None,
            integration_elsewhere: false,
            receivers: vec!["athena".to_owned()],
            alphanumeric_auth_ids: false,
            behaviour: Behaviour::default(),
            webhook_secret: SecretString::from("simulator-webhook-secret"),
            webhook_url: None,
            public_url: None,
            business_id: 343,
            business_name: "Haptik simulator".to_owned(),
            inactive_businesses: Vec::new(),
            teams: Vec::new(),
            inactive_teams: Vec::new(),
            agent_name: "Prateek".to_owned(),
            team_name: "Support".to_owned(),
            agent_joins: AgentJoins::default(),
            completion_events: CompletionEvents::default(),
            time_scale: 1.0,
            delivery_timeout: Duration::from_secs(5),
            keep_records: 10_000,
            keep_users: 100_000,
            first_message_id: None,
            seed: 0,
        }
    }
}

impl Settings {
    /// A platform's waiting time, as long as it is in this simulation.
    #[must_use]
    pub fn scaled(&self, time: Duration) -> Duration {
        Duration::try_from_secs_f64(time.as_secs_f64() * self.time_scale).unwrap_or(time)
    }
}

/// When an agent joins a chat that was moved to a team.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AgentJoins {
    /// When the countdown is over.
    #[default]
    AfterCountdown,
    /// After this time, whatever the countdown; it is scaled as every waiting time.
    After(Duration),
    /// By itself never: all agents are busy. The chat waits in the queue, and the bot stays silent until it
    /// completes.
    Never,
}

/// Which of the two completion events are sent; the real platform may send either or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompletionEvents {
    /// `webhook_conversation_complete`.
    pub conversation_complete: bool,
    /// `chat_complete`, which is deprecated.
    pub chat_complete: bool,
}

impl Default for CompletionEvents {
    fn default() -> Self {
        Self {
            conversation_complete: true,
            chat_complete: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_the_token_nor_the_webhook_secret_is_printed() {
        let printed = format!("{:?}", Settings::default());
        assert!(!printed.contains("simulator-token"), "{printed}");
        assert!(!printed.contains("simulator-webhook-secret"), "{printed}");
    }

    #[test]
    fn an_impossible_scale_leaves_the_time_as_it_is() {
        let settings = Settings {
            time_scale: f64::NAN,
            ..Settings::default()
        };
        let hour = Duration::from_hours(1);
        assert_eq!(settings.scaled(hour), hour);
    }
}
