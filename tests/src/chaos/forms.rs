//! A form that is asked in the chat: question by question through the real edge, ledger and processor, with the
//! process killed at one chosen step. The user answers what is asked, a wrong answer among them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use haptik_bridge_processor::Limits;
use haptik_bridge_shared::ledger::State;
use haptik_bridge_simulator::{Reply, UserMessage};
use serde_json::{Value, json};

use super::doorbell::Doorbell;
use super::process::{self, Secrets, Setup, Surroundings};
use super::world::{KillAt, Rates, World};
use super::{HAPTIKS_PACE, Neighbours, PACE, come_to_rest, evidence, load};
use crate::provider::{FakeProvider, Request, Shown};

/// What came of it.
#[derive(Debug)]
pub struct Filled {
    /// How many steps the bridge made.
    pub steps: u64,
    /// Whether the process was killed.
    pub was_killed: bool,
    /// What Haptik was told, in order.
    pub told: Vec<String>,
    /// What is not as it should be.
    pub problems: Vec<String>,
}

/// What the user says first, to which the bot answers with the form.
pub const ASKED: &str = "a form, please";

/// What Haptik is to be told of the form.
pub const WHOLE: &str = "Name: Asha\nE-mail: asha@b.example\nCity: Pune";

/// What the bot says to that.
const THANKS: &str = "Thank you.";

/// How long everything may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// What the user says to a question, and whether the question was asked again for a wrong answer.
const ANSWERS: [(&str, bool, &str); 4] = [
    ("1 of 3: Name", false, "Asha"),
    ("2 of 3: E-mail", false, "asha"),
    ("2 of 3: E-mail", true, "asha@b.example"),
    ("3 of 3: City", false, "Pune"),
];

/// Carries out one.
///
/// # Errors
/// When something of the surroundings fails.
pub async fn fill(
    provider: Arc<dyn FakeProvider>,
    kill_at: Option<KillAt>,
) -> anyhow::Result<Filled> {
    let (world, kills) = World::new(1, Rates::NONE, kill_at);
    let neighbours = Neighbours::start(provider, bot, 1, 0.0, HAPTIKS_PACE).await?;
    let setup = Setup {
        config,
        secrets: Secrets::of(&neighbours.haptik),
        provider: neighbours.provider.clone(),
        sinks: String::new(),
        limits: Limits::default(),
    };
    let upstreams = neighbours.upstreams();
    let around = Surroundings::new(world, Doorbell::new(PACE), upstreams, setup).await?;
    neighbours.set_bridge(&around.url()?);
    let keeping = tokio::spawn(process::keep_alive(around.clone(), kills));
    let user = neighbours.provider.user(0);
    answer(&*neighbours.provider, &user).await?;
    come_to_rest(&around, &neighbours, PATIENCE).await;
    let told: Vec<String> = neighbours
        .haptik
        .simulator()
        .records(|seen| seen.messages.iter().map(|said| said.text.clone()).collect());
    let filled = Filled {
        steps: around.world.steps(),
        was_killed: !around.world.tally().is_empty(),
        problems: problems(&around, &neighbours, &user, &told).await?,
        told,
    };
    keeping.abort();
    Ok(filled)
}

/// Asks for the form and answers it, until the bot has said its thanks. A question that is shown once more, since
/// the process was killed, is not answered once more; a form that is shown once more is.
async fn answer(provider: &dyn FakeProvider, user: &str) -> anyhow::Result<()> {
    deliver(provider, &provider.say(user, ASKED)).await?;
    let (mut seen, mut answered) = (0, HashSet::new());
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let shown = provider.shown(user);
        let is_new_form = |shown: &Shown| shown.text.contains("Please answer 3 questions");
        if shown.iter().skip(seen).any(is_new_form) {
            answered.clear();
        }
        seen = shown.len();
        let last = shown.last().cloned().unwrap_or_default();
        if last.text.contains(THANKS) {
            break;
        }
        let next = ANSWERS.into_iter().find(|(question, again, _)| {
            last.text.contains(question) && *again == last.text.contains("This is not")
        });
        if let Some((question, again, text)) = next
            && answered.insert((question, again))
        {
            let is_tapped = last.buttons.iter().any(|label| label == text);
            let request = if is_tapped {
                provider.tap(user, text)
            } else {
                provider.say(user, text)
            };
            deliver(provider, &request).await?;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

async fn deliver(provider: &dyn FakeProvider, request: &Request) -> anyhow::Result<()> {
    load::deliver(provider, request, fastrand::Rng::with_seed(7))
        .await
        .map(drop)
}

async fn problems(
    around: &Surroundings,
    neighbours: &Neighbours,
    user: &str,
    told: &[String],
) -> anyhow::Result<Vec<String>> {
    // A repetition after a kill, such as the answer to a tap, may be one too many for the provider.
    let mut problems = match around.kills() {
        0 => neighbours.provider.refusals(),
        _ => Vec::new(),
    };
    let others = told.iter().filter(|text| *text != ASKED && *text != WHOLE);
    problems.extend(others.map(|text| format!("Haptik was told {text:?}")));
    for text in [ASKED, WHOLE] {
        if !told.iter().any(|other| other == text) {
            problems.push(format!("Haptik was not told {text:?}"));
        }
    }
    let shown = neighbours.provider.shown(user);
    if !shown.iter().any(|shown| shown.text.contains(THANKS)) {
        problems.push(format!("the user is not thanked: {shown:#?}"));
    }
    for entry in evidence::entries(&around.database.table).await? {
        if entry.state != State::Delivered {
            let reason = entry.reason.as_deref().unwrap_or("-");
            problems.push(format!("{} is {:?}: {reason}", entry.key, entry.state));
        }
    }
    Ok(problems)
}

/// Nothing is held back: what the user says comes in order.
fn config(around: &Surroundings, process: u64) -> String {
    let config = super::configuration_of(around, process);
    format!("{config}\n[delivery]\nreorder_window_ms = 0\n")
}

fn bot(message: &UserMessage) -> Vec<Reply> {
    vec![match message.text.as_str() {
        ASKED => Reply::Hsl(form()),
        WHOLE => Reply::Text(THANKS.to_owned()),
        other => Reply::Text(format!("I did not ask for {other}.")),
    }]
}

fn form() -> Value {
    json!({"type": "FORM", "text": "", "title": "Where to?", "data": {"fields": [
        {"key": "name", "type": "text", "order": 1, "hint": "Name", "required": true},
        {"key": "mail", "type": "text", "keyboard_type": "email", "order": 2, "hint": "E-mail", "required": true},
        {"key": "city", "type": "picker", "order": 3, "hint": "City", "options": ["Mumbai", "Pune"], "required": true},
    ]}})
}
