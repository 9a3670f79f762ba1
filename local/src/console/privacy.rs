//! What is known of a person, from the conversation: it is exported, and removed, once the person's id was typed in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use haptik_bridge_local::privacy::{
    Holdings, Person, Progress, Receipt, WayToForget, elsewhere, export, forget,
};
use haptik_bridge_shared::ids::{CorrelationId, EntryKey};
use haptik_bridge_shared::lane::Lane;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::audit::Of;
use super::{Answer, Asked, Console, Refused};

/// How long is waited for what is under way.
const PATIENCE: Duration = Duration::from_mins(2);

/// How many are remembered.
const MOST: usize = 20;

/// Those who were forgotten here.
#[derive(Default)]
pub(super) struct Forgets(Mutex<BTreeMap<u64, Forget>>);

/// How far forgetting somebody has come.
#[derive(Clone, Default)]
struct Forget {
    says: String,
    receipt: Option<Receipt>,
    /// Also beside a receipt: the file still has the bytes.
    error: Option<String>,
    is_over: bool,
}

/// Whom, and that it is meant.
#[derive(Deserialize)]
pub(super) struct Confirmed {
    /// The `auth_id`.
    user: String,
    /// What the operator typed in: the `auth_id` or `CONNECTION/USER`.
    typed: String,
    /// Whether what is under way is cut off.
    #[serde(default)]
    cut_off: bool,
}

impl Forgets {
    fn all(&self) -> MutexGuard<'_, BTreeMap<u64, Forget>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> u64 {
        let mut all = self.all();
        let id = all.last_key_value().map_or(1, |(last, _)| last + 1);
        all.insert(id, Forget::default());
        if all.len() > MOST {
            all.pop_first();
        }
        id
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Forget)) {
        if let Some(forget) = self.all().get_mut(&id) {
            change(forget);
        }
    }
}

impl Console {
    /// The person of a conversation.
    async fn person(&self, user: &str) -> Result<Person, Refused> {
        let (ledger, users) = (&self.operated.ledger, &self.operated.users);
        let person = Person::named(ledger, users, user).await;
        person.map_err(|error| Refused::not_found(error.to_string()))
    }

    /// The person whom the operator named twice.
    async fn confirmed(&self, confirmed: &Confirmed) -> Result<Person, Refused> {
        let person = self.person(&confirmed.user).await?;
        if !names(&person).contains(&confirmed.typed) {
            let words = "What was typed in is not the person's id: nothing was done.";
            return Err(Refused::bad(words));
        }
        Ok(person)
    }
}

/// What may be typed in for a person.
fn names(person: &Person) -> Vec<String> {
    let places = person.places.iter();
    let places = places.map(|(connection, user)| format!("{connection}/{user}"));
    places
        .chain(person.auth_ids.iter().map(ToString::to_string))
        .collect()
}

/// What there is of a person (`user`): how many items of each kind, and where else something may be.
pub(super) async fn person(State(console): State<Arc<Console>>, Query(asked): Asked) -> Answer {
    let user = asked.get("user").map_or("", String::as_str);
    let person = console.person(user).await?;
    let holdings = Holdings::of(&console.operated.ledger, &person).await?;
    let elsewhere = elsewhere(console.config(), &person, &holdings);
    Ok(Json(json!({
        "names": names(&person), "counts": holdings.counts(), "elsewhere": elsewhere, "bodies": console.bodies,
    })))
}

/// All that is known of a person, where what was said may be shown.
pub(super) async fn exported(
    State(console): State<Arc<Console>>,
    Json(confirmed): Json<Confirmed>,
) -> Answer {
    if !console.bodies {
        let words = "An export has what was said: start the console with --bodies.";
        return Err(Refused::new(StatusCode::FORBIDDEN, words));
    }
    let person = console.confirmed(&confirmed).await?;
    console.record("exported", Of::Person(&person), 1).await?;
    let ledger = &console.operated.ledger;
    Ok(Json(export(ledger, console.config(), &person).await?))
}

/// Forgets a person. It begins at once; the answer names the job.
pub(super) async fn forgotten(
    State(console): State<Arc<Console>>,
    Json(confirmed): Json<Confirmed>,
) -> Answer {
    let person = console.confirmed(&confirmed).await?;
    let holdings = Holdings::of(&console.operated.ledger, &person).await?;
    let count = holdings.items.len();
    console.record("forgot", Of::Person(&person), count).await?;
    let id = console.forgets.begin();
    let working = console.clone();
    tokio::spawn(async move {
        let done = Box::pin(carry_out(
            &working,
            id,
            &person,
            &holdings,
            confirmed.cut_off,
        ))
        .await;
        if let Err(error) = done {
            let error = format!("{error:#}");
            let is_over = |forget: &mut Forget| forget.error = Some(error);
            working.forgets.change(id, is_over);
        }
        working.forgets.change(id, |forget| forget.is_over = true);
    });
    Ok(Json(shown(id, &Forget::default())))
}

async fn carry_out(
    console: &Console,
    id: u64,
    person: &Person,
    holdings: &Holdings,
    cut_off: bool,
) -> anyhow::Result<()> {
    let operated = &console.operated;
    let elsewhere = elsewhere(console.config(), person, holdings);
    let (until_known, _alone) = operated.until_known();
    let way = WayToForget {
        cut_off,
        patience: PATIENCE,
        until_known,
    };
    let forgotten = forget(&operated.ledger, &operated.users, person, way, |progress| {
        console
            .forgets
            .change(id, |forget| forget.says = in_words(progress));
    });
    let receipt = forgotten.await?;
    let entries = holdings.items.iter().filter_map(|item| {
        let lane: Lane = item.pk.parse().ok()?;
        Some(CorrelationId::of(&lane, &EntryKey::from(item.sk.as_str())))
    });
    console.steps.forget(entries);
    let receipt = Receipt {
        elsewhere,
        ..receipt
    };
    let is_removed = |forget: &mut Forget| forget.receipt = Some(receipt);
    console.forgets.change(id, is_removed);
    operated.compact().await
}

fn in_words(progress: Progress) -> String {
    match progress {
        Progress::Waiting(count) => format!("Waiting for {count} deliveries that are under way…"),
        Progress::Settling(time) => format!(
            "Waiting {} s until every process of the bridge knows…",
            time.as_secs()
        ),
        Progress::Removed(count) => format!("{count} items are removed…"),
    }
}

/// How far it is.
pub(super) async fn progress(State(console): State<Arc<Console>>, Path(id): Path<u64>) -> Answer {
    let forget = console.forgets.all().get(&id).cloned();
    let forget =
        forget.ok_or_else(|| Refused::not_found("Nobody is being forgotten by this number."))?;
    Ok(Json(shown(id, &forget)))
}

fn shown(id: u64, forget: &Forget) -> Value {
    json!({
        "job": id,
        "says": forget.says,
        "done": forget.is_over,
        "receipt": forget.receipt,
        "error": forget.error,
    })
}
