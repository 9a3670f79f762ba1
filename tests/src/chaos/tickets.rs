//! A conversation completes and a CRM gets its ticket: both of Haptik's events of it, three times each,
//! through the real edge, ledger and processor, with the process killed at one chosen step.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use haptik_bridge_processor::Limits;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::State;
use haptik_bridge_simulator::{
    CompletedBy, MESSAGE_PATH, Running, Simulator, USER_PATH, signature,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::doorbell::Doorbell;
use super::process::{self, Secrets, Setup, Surroundings};
use super::proxy::Upstreams;
use super::world::{KillAt, Rates, World};
use super::{HAPTIKS_PACE, Neighbours, evidence, load};
use crate::app;
use crate::fake_crm::{FakeCrm, Kind, Ticket};

/// A run.
#[derive(Debug, Clone, Copy)]
pub struct Completions {
    /// The CRM.
    pub crm: Kind,
    /// Whether `webhook_conversation_complete` comes before `chat_complete`.
    pub longer_first: bool,
    /// Whether the ticket is opened when an agent joins, before the conversation completes.
    pub opened: bool,
    /// Where the process is killed.
    pub kill_at: Option<KillAt>,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// How many steps the bridge made until all had come once and was at rest.
    pub steps: u64,
    /// Whether the process was killed.
    pub was_killed: bool,
    /// What is not as it should be.
    pub problems: Vec<String>,
}

/// What the user says; the bot's reply has it too.
const SAID: &str = "Where is my <b>order</b>?";

/// Who the user is at Haptik.
const AUTH_ID: &str = "asha42";

/// How long everything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a pause between two tries is at most.
const LONGEST_PAUSE: Duration = Duration::from_millis(65);

/// Waits are short here: there is nobody who takes long.
fn limits() -> Limits {
    Limits {
        completion_wait: Duration::from_millis(60),
        longest_settling: Duration::from_millis(60),
        ..Limits::default()
    }
}

impl Completions {
    /// Carries it out.
    ///
    /// # Errors
    /// When something of the surroundings fails.
    pub async fn run(self) -> anyhow::Result<Outcome> {
        let (world, kills) = World::new(1, Rates::NONE, self.kill_at);
        let neighbours =
            Neighbours::start(super::slack().await, load::bot(2), 1, 0.0, HAPTIKS_PACE).await?;
        let crm = self.crm.start().await;
        crm.set_search_lag(Duration::ZERO);
        let upstreams = Upstreams {
            sink: crm.base_url().to_owned(),
            ..neighbours.upstreams()
        };
        let setup = Setup {
            config: super::configuration_of,
            secrets: Secrets::of(&neighbours.haptik),
            provider: neighbours.provider.clone(),
            sinks: self.sinks(),
            limits: limits(),
        };
        let doorbell = Doorbell::with_pauses(1.0, LONGEST_PAUSE);
        let surroundings = Surroundings::new(world, doorbell, upstreams, setup).await?;
        let url = format!("{}/haptik/main", surroundings.url()?);
        let client = app::client()?;
        let events = self.events(&client, &neighbours.haptik).await?;
        let keeping = tokio::spawn(process::keep_alive(surroundings.clone(), kills));
        let mut steps = 0;
        for round in 0..3 {
            for event in &events {
                deliver(&client, neighbours.haptik.simulator(), &url, event).await?;
            }
            if round == 0 {
                rest(&surroundings.doorbell).await;
                steps = surroundings.world.steps();
            }
        }
        rest(&surroundings.doorbell).await;
        let problems = self.problems(&surroundings, &crm).await?;
        keeping.abort();
        Ok(Outcome {
            steps,
            was_killed: !surroundings.world.tally().is_empty(),
            problems,
        })
    }

    fn sinks(self) -> String {
        format!(
            "[sinks.crm]\n{}\nbase_url = '@sink@'\nrate_per_second = 1000\n\
             events = ['webhook_conversation_complete', 'chat_complete'{}]\n",
            self.crm.login(),
            if self.opened { ", 'chat_pinned'" } else { "" },
        )
    }

    /// Has a user chat with the bot and the conversation complete; returns Haptik's events of that, in the
    /// order in which they are to come.
    async fn events(
        self,
        client: &reqwest::Client,
        haptik: &Running,
    ) -> anyhow::Result<Vec<String>> {
        let simulator = haptik.simulator();
        let settings = simulator.settings();
        let business_id = settings.business_id;
        let user = json!({"auth_id": AUTH_ID, "name": "Asha", "email": "asha@x.example"});
        let message = json!({"user": {"auth_id": AUTH_ID}, "message_body": SAID,
            "message_type": 0, "business_id": business_id});
        for (path, body) in [(USER_PATH, user), (MESSAGE_PATH, message)] {
            let call = client.post(format!("{}{path}", haptik.base_url()));
            let call = call.header("client-id", &settings.client_id);
            let call = call.bearer_auth(settings.token.expose_secret());
            call.json(&body).send().await?.error_for_status()?;
        }
        let mut names = vec!["webhook_conversation_complete", "chat_complete"];
        if !self.longer_first {
            names.reverse();
        }
        if self.opened {
            simulator.agent_joins(AUTH_ID)?;
            names.insert(0, "chat_pinned");
        }
        simulator.completes(AUTH_ID, CompletedBy::Agent)?;
        let body_of = |name: &str| {
            simulator.records(|seen| {
                let mut bodies = seen.deliveries.iter().map(|delivery| &delivery.body);
                let body = bodies.find(|body| {
                    let event: Value = serde_json::from_str(body).unwrap_or_default();
                    event["event_name"] == name
                });
                body.map(ToString::to_string)
            })
        };
        let events = names
            .into_iter()
            .map(|name| body_of(name).context("the simulator tells of it"));
        events.collect()
    }

    async fn problems(self, around: &Surroundings, crm: &FakeCrm) -> anyhow::Result<Vec<String>> {
        let mut problems = crm.ignored();
        let tickets = crm.tickets();
        match tickets.as_slice() {
            [ticket] => problems.extend(self.missing(ticket)),
            others => problems.push(format!("{} tickets", others.len())),
        }
        for entry in evidence::entries(&around.database.table).await? {
            if matches!(entry.lane, Lane::Sink { .. }) && entry.state != State::Delivered {
                let reason = entry.reason.as_deref().unwrap_or("-");
                problems.push(format!("{} is {:?}: {reason}", entry.key, entry.state));
            }
        }
        if !problems.is_empty() {
            problems.push(crm.report());
        }
        Ok(problems)
    }

    /// What a ticket lacks of the transcript, or says twice.
    fn missing(self, ticket: &Ticket) -> Option<String> {
        let mut text = self.crm.description(ticket);
        // Of a long transcript all is attached.
        let files = ticket.attachments.iter();
        text.extend(files.map(|file| String::from_utf8_lossy(&file.content)));
        let comments = self.crm.comments(ticket);
        if self.opened {
            let ends = comments
                .iter()
                .filter(|comment| comment.contains("The chat completed"));
            let count = ends.count();
            if count != 1 {
                return Some(format!("it is completed {count} times: {comments:#?}"));
            }
            text.extend(comments.iter().map(String::as_str));
        }
        let lines = [format!("user: {SAID}"), " r0".to_owned(), " r1".to_owned()];
        let lacks = lines.iter().find(|line| !text.contains(*line));
        if let Some(line) = lacks {
            return Some(format!("the ticket lacks {line:?}: {text}"));
        }
        if ticket.attachments.len() > 1 {
            return Some(format!("{} transcripts", ticket.attachments.len()));
        }
        // What says more is one where it comes once the shorter event has made, or completed, the ticket.
        let most = 1 + usize::from(self.opened);
        (comments.len() > most).then(|| format!("{} comments: {comments:#?}", comments.len()))
    }
}

/// Delivers an event as Haptik does: until it is taken.
async fn deliver(
    client: &reqwest::Client,
    haptik: &Simulator,
    url: &str,
    event: &str,
) -> anyhow::Result<()> {
    let secret = haptik.settings().webhook_secret.expose_secret();
    let signature = format!("sha1={}", signature(secret, event.as_bytes()));
    for _ in 0..100 {
        let call = client.post(url).header("x-hub-signature", &signature);
        let answer = call.body(event.to_owned()).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("a delivery was never acknowledged")
}

/// Waits until no sink has anything to do, or for as long as it may take.
async fn rest(doorbell: &Doorbell) {
    let deadline = Instant::now() + PATIENCE;
    let mut quiet = 0;
    while quiet < 3 && Instant::now() < deadline {
        quiet = if doorbell.sinks_are_busy() {
            0
        } else {
            quiet + 1
        };
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}
