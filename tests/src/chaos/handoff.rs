//! A hand-off's life from its beginning to its end, with the process killed at one chosen step: who asks
//! for it and what ends it are chosen too, and whether the application repeats what was not answered.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use haptik_bridge_processor::Limits;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::message::handoff::Handoff;
use haptik_bridge_shared::users::UserMap;
use haptik_bridge_simulator::{
    AgentJoins, CompletedBy, CompletionEvents, Reply, Running, Settings, Simulator, UserMessage,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::doorbell::Doorbell;
use super::process::{self, Secrets, Setup, Surroundings};
use super::proxy::Upstreams;
use super::world::{KillAt, Rates, World};
use super::{HAPTIKS_PACE, PACE, settle};
use crate::app::{self, App};

mod judge;

/// What happens in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Who asks for a human.
    pub asked_by: Asker,
    /// What ends it.
    pub end: End,
    /// Whether the application leaves it at one try to begin and to end it, whatever comes of that.
    pub gives_up: bool,
    /// Where to kill the process.
    pub kill_at: Option<KillAt>,
}

/// Who asks for a human.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// The application's own bot, by `POST …/handoff`.
    Bot,
    /// The user, by a phrase.
    User,
}

/// What ends a hand-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The agent completes the conversation.
    Completed,
    /// The bot takes its user back, by `DELETE …/handoff`.
    TakenBack,
    /// Nobody joins.
    NoAgent,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Lived {
    /// The steps that the bridge made, but for the last housekeeping.
    pub steps: Range<u64>,
    /// Those of them that the end took, and what followed from it.
    pub end: Range<u64>,
    /// The steps of the requests that begin and end it.
    pub edges: Vec<Range<u64>>,
    /// What is not as promised.
    pub wrong: Vec<String>,
}

/// How long anything that should come may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// More than an hour, after which housekeeping rings for all that is pending.
const AN_HOUR: SignedDuration = SignedDuration::from_mins(61);

const USER: &str = "u-42";
const REASON: &str = "wants a refund";
const PHRASE: &str = "agent";
const WAITING: &str = "waiting for a colleague";
const MISSED: &str = "nobody is free";

struct Scene {
    life: Life,
    surroundings: Arc<Surroundings>,
    haptik: Running,
    app: App,
    url: String,
    auth_id: AuthId,
    edges: Vec<Range<u64>>,
    hours: i32,
}

/// Carries out one life.
///
/// # Errors
/// When something of the surroundings fails, or what should come does not.
pub async fn live(life: Life) -> anyhow::Result<Lived> {
    let (world, kills) = World::new(1, Rates::NONE, life.kill_at);
    let app = App::start().await?;
    let haptik = haptik(life).await?;
    let upstreams = Upstreams {
        haptik: haptik.base_url(),
        sink: app.url().to_owned(),
        ..Upstreams::default()
    };
    let setup = Setup {
        config: match (life.asked_by, life.end) {
            (Asker::User, _) => of_user,
            (Asker::Bot, End::NoAgent) => of_bot,
            (Asker::Bot, _) => of_patient_bot,
        },
        secrets: Secrets::of(&haptik),
        provider: Arc::new(app.clone()),
        sinks: String::new(),
        limits: Limits::default(),
    };
    let surroundings = Surroundings::new(world, Doorbell::new(PACE), upstreams, setup).await?;
    let url = surroundings.url()?;
    let webhook = format!("{url}/haptik/main");
    haptik.simulator().set_webhook_url(webhook);
    let keeping = tokio::spawn(process::keep_alive(surroundings.clone(), kills));
    let mut scene = Scene {
        life,
        surroundings,
        haptik,
        app,
        url: format!("{url}/channels/my-app"),
        auth_id: AuthId::derive(&"my-app".into(), USER, None),
        edges: Vec::new(),
        hours: 0,
    };
    let id = scene.begin().await?;
    scene.go_on().await?;
    let ends_at = scene.surroundings.world.steps();
    scene.end(id.as_deref()).await?;
    settle(&scene.surroundings, scene.haptik.simulator(), PATIENCE).await;
    let rests_at = scene.surroundings.world.steps();
    scene.pass_an_hour().await?;
    let wrong = scene.judge(id.as_deref()).await?;
    keeping.abort();
    Ok(Lived {
        steps: 0..rests_at,
        end: ends_at..rests_at,
        edges: scene.edges,
        wrong,
    })
}

impl Scene {
    /// Somebody asks for a human; the id of the hand-off, where a bot did.
    async fn begin(&mut self) -> anyhow::Result<Option<String>> {
        if self.life.asked_by == Asker::User {
            self.say("m-0", PHRASE).await?;
            self.told(PHRASE).await?;
            return Ok(None);
        }
        let mut id = "h-1";
        if !self.hand_over(id).await? {
            self.pass_an_hour().await?;
            if self.handoff().await?.is_none_or(|on| !on.is_on()) {
                // Nothing of it is left in the way of the next.
                id = "h-2";
                self.life.gives_up = false;
                self.hand_over(id).await?;
            }
        }
        self.told(REASON).await?;
        Ok(Some(id.to_owned()))
    }

    /// An agent joins, unless nobody does, the user says something, the agent too.
    async fn go_on(&self) -> anyhow::Result<()> {
        let joins = self.life.end != End::NoAgent;
        let moved = self.haptik.simulator();
        let moved = moved.wait_until(PATIENCE, |seen| !seen.agent_moves.is_empty());
        moved.await.context("the chat is not moved")?;
        if joins {
            self.came("agent_joined", |_| true).await?;
        }
        self.say("m-1", "hello?").await?;
        self.told("hello?").await?;
        if joins {
            let simulator = self.haptik.simulator();
            simulator.agent_says_text(self.auth_id.as_str(), "Done!")?;
            self.came("message", |body| body["text"] == "Done!").await?;
        }
        // What Haptik has been told is recorded too before anything ends: it would go both ways.
        settle(&self.surroundings, self.haptik.simulator(), PATIENCE).await;
        Ok(())
    }

    async fn end(&mut self, id: Option<&str>) -> anyhow::Result<()> {
        match self.life.end {
            End::Completed => {
                let simulator = self.haptik.simulator();
                simulator.completes(self.auth_id.as_str(), CompletedBy::Agent)?;
                self.came("conversation_complete", |_| true).await?;
            }
            End::TakenBack => {
                if !self.withdraw_handoff().await? {
                    self.pass_an_hour().await?;
                    if self.handoff().await?.is_some_and(|on| on.is_on()) {
                        self.life.gives_up = false;
                        self.withdraw_handoff().await?;
                    }
                }
            }
            End::NoAgent => self.run_maintenance(SignedDuration::from_mins(6)).await?,
        }
        if let Some(id) = id {
            self.came("handoff_ended", |body| body["id"] == id).await?;
        } else if self.life.end == End::NoAgent {
            self.came("message", |body| body["text"] == MISSED).await?;
        }
        Ok(())
    }

    /// Hands the user over; whether that was answered.
    async fn hand_over(&mut self, id: &str) -> anyhow::Result<bool> {
        let asked = json!({
            "id": id, "timestamp": Timestamp::now().to_string(), "user": {"id": USER},
            "message": REASON, "transcript": [{"sender": "user", "text": "my money"}],
        });
        let (url, once) = (format!("{}/handoff", self.url), self.life.gives_up);
        let began = self.surroundings.world.steps();
        let taken = self
            .until_taken(once, async || self.app.send(&url, &asked).await)
            .await;
        self.edges.push(began..self.surroundings.world.steps() + 1);
        taken
    }

    async fn withdraw_handoff(&mut self) -> anyhow::Result<bool> {
        let (url, once) = (format!("{}/handoff/{USER}", self.url), self.life.gives_up);
        let began = self.surroundings.world.steps();
        let taken = self
            .until_taken(once, async || self.app.delete(&url).await)
            .await;
        self.edges.push(began..self.surroundings.world.steps() + 1);
        taken
    }

    async fn say(&self, id: &str, text: &str) -> anyhow::Result<()> {
        let said = json!({"type": "message", "id": id, "timestamp": Timestamp::now().to_string(),
                          "user": {"id": USER}, "text": text});
        self.until_taken(false, async || self.app.send(&self.url, &said).await)
            .await
            .map(drop)
    }

    /// Sends a request until it is answered 202, or once; whether it was.
    async fn until_taken(
        &self,
        once: bool,
        send: impl AsyncFn() -> anyhow::Result<(u16, Value)>,
    ) -> anyhow::Result<bool> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match send().await {
                Ok((202, _)) => return Ok(true),
                Ok((status, answer)) if status < 500 => bail!("{status}: {answer}"),
                _ if once => return Ok(false),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        bail!("it was never answered")
    }

    async fn told(&self, text: &str) -> anyhow::Result<()> {
        let simulator = self.haptik.simulator();
        let told = simulator.wait_until(PATIENCE, |seen| {
            seen.messages.iter().any(|said| said.text == text)
        });
        told.await.with_context(|| format!("{text} is not told"))
    }

    async fn came(&self, kind: &str, is: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.app.of_type(kind).iter().any(|one| is(&one.body)) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bail!(
            "{kind} does not come; there came {:#?}",
            self.app.callbacks()
        )
    }

    /// The next hourly housekeeping comes, and all that is on its way arrives.
    async fn pass_an_hour(&mut self) -> anyhow::Result<()> {
        self.hours += 1;
        self.run_maintenance(AN_HOUR * self.hours).await?;
        settle(&self.surroundings, self.haptik.simulator(), PATIENCE).await;
        Ok(())
    }

    /// Keeps house as of a time to come; again, as a schedule does, where the process was killed in it.
    async fn run_maintenance(&self, ahead: SignedDuration) -> anyhow::Result<()> {
        while !self.surroundings.run_maintenance(ahead).await? {}
        Ok(())
    }

    async fn handoff(&self) -> anyhow::Result<Option<Handoff>> {
        let users = UserMap::new(self.surroundings.database.table.clone());
        let user = users.get(&self.auth_id).await?;
        Ok(user.and_then(|user| user.handoff))
    }
}

/// Says once that an agent will come, which tells Haptik's name of the user.
fn one_moment(message: &UserMessage) -> Vec<Reply> {
    let asks = [REASON, PHRASE].contains(&message.text.as_str());
    let said = asks.then(|| Reply::Text("One moment.".into()));
    said.into_iter().collect()
}

async fn haptik(life: Life) -> anyhow::Result<Running> {
    let mut settings = Settings {
        time_scale: HAPTIKS_PACE,
        completion_events: CompletionEvents {
            conversation_complete: true,
            chat_complete: false,
        },
        ..Settings::default()
    };
    if life.end == End::NoAgent {
        settings.agent_joins = AgentJoins::Never;
    }
    let simulator = Simulator::with_bot(settings, one_moment);
    Ok(simulator.serve("127.0.0.1:0").await?)
}

/// Nobody looks after its hand-offs: what ends them has to do so by itself.
fn of_patient_bot(surroundings: &Surroundings, process: u64) -> String {
    config(
        surroundings,
        process,
        "handoff_only = true\nno_agent_after = 'never'",
    )
}

fn of_bot(surroundings: &Surroundings, process: u64) -> String {
    config(surroundings, process, "handoff_only = true")
}

fn of_user(surroundings: &Surroundings, process: u64) -> String {
    let lines = format!(
        "agent_phrases = ['{PHRASE}']\nno_agent_after = '5m'\nwaiting_notice = '{WAITING}'\nrequested_notice = '{WAITING}'\nmissed_notice = '{MISSED}'"
    );
    config(surroundings, process, &lines)
}

fn config(surroundings: &Surroundings, process: u64, lines: &str) -> String {
    let Surroundings { proxy, setup, .. } = surroundings;
    let secrets = &setup.secrets;
    format!(
        r#"
        {account}
        [channels.my-app]
        type = "custom"
        signing_secrets = ["{signing_secret}"]
        callback_url = "{application}"
        team_name = "Support"
        {lines}

        [sinks.crm]
        type = "webhook"
        events = ["missed_handoff"]
        url = "{application}"
        signing_secrets = ["{signing_secret}"]

        [delivery]
        reorder_window_ms = 0
        "#,
        account = super::account(proxy, secrets, process),
        signing_secret = app::SECRET,
        application = proxy.url(process, "sink"),
    )
}
