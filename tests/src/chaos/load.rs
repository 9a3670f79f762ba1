//! What is said: users who write, as the provider delivers it, and a bot that answers each time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use haptik_bridge_simulator::{Reply, UserMessage};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Load;
use crate::app;
use crate::provider::{FakeProvider, Request, send};

/// How many pieces a long reply has, and how long each is, in characters: together they are more than one
/// message of any provider, and each is less than one.
const PIECES: usize = 10;
const PIECE: usize = 900;

/// The longest pause between two tries of a delivery to the bridge: a provider's own pauses are minutes.
const LONGEST_PAUSE_MS: u64 = 300;

/// How long a user waits for answers before another one takes the place.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// A message that a user wrote, and its deliveries to the bridge.
#[derive(Debug)]
pub(crate) struct SentText {
    pub(crate) user: usize,
    pub(crate) text: String,
    /// When each try began and ended, in order.
    pub(crate) tries: Vec<(Timestamp, Timestamp)>,
}

/// What the bot answers: each reply names the message that it answers, by Haptik's id of it, so that
/// the answers to a message that Haptik heard twice are told apart. Each piece of a reply has a mark. What a user says
/// first, and every fifth time after it, is answered at length: it follows from what was said, so that each run makes the
/// same steps.
pub(crate) fn bot(replies: usize) -> impl Fn(&UserMessage) -> Vec<Reply> + Send + Sync + 'static {
    move |message| {
        let id = message.message_id;
        let nth = message.text.rsplit('m').next();
        let nth = nth.and_then(|nth| nth.parse::<usize>().ok());
        let is_answered_at_length = nth.is_some_and(|nth| nth.is_multiple_of(5));
        let reply = |number: usize| {
            let mut text = format!("{} h{id} r{number} p{id}.{number}.0", message.text);
            if number + 1 == replies && is_answered_at_length {
                for piece in 1..=PIECES {
                    let words = " and more".repeat(PIECE / 9);
                    text = format!("{text} p{id}.{number}.{piece}{words}");
                }
            }
            Reply::Text(text)
        };
        (0..replies).map(reply).collect()
    }
}

/// The marks of the pieces that are in a text, in order.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = String> {
    let marks = text.split_whitespace().filter(|word| {
        let mark = word.strip_prefix('p');
        mark.is_some_and(|mark| mark.split('.').count() == 3)
    });
    marks.map(str::to_owned)
}

/// Lets every user write, so many of them at a time; returns when each message was acknowledged.
pub(crate) async fn speak(
    provider: &Arc<dyn FakeProvider>,
    load: &Load,
) -> anyhow::Result<Vec<SentText>> {
    let places = Arc::new(Semaphore::new(load.at_once));
    let mut users = JoinSet::new();
    for user in 0..load.users {
        let (provider, places) = (provider.clone(), places.clone());
        let random = fastrand::Rng::with_seed(load.seed ^ (user as u64).wrapping_mul(0x9e37));
        let Load {
            messages, replies, ..
        } = *load;
        users.spawn(async move {
            let _place = places.acquire().await?;
            let said = converse(provider.clone(), user, messages, random).await?;
            answered(&*provider, user, messages * replies).await;
            Ok::<_, anyhow::Error>(said)
        });
    }
    let mut said = Vec::new();
    while let Some(one) = users.join_next().await {
        said.extend(one??);
    }
    Ok(said)
}

/// Waits until a user has so many answers, for as long as it may take.
async fn answered(provider: &dyn FakeProvider, user: usize, answers: usize) {
    let user = provider.user(user);
    let deadline = Instant::now() + LONGEST_WAIT;
    while Instant::now() < deadline && provider.shown(&user).len() < answers {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn converse(
    provider: Arc<dyn FakeProvider>,
    user: usize,
    messages: usize,
    mut random: fastrand::Rng,
) -> anyhow::Result<Vec<SentText>> {
    let mut deliveries = JoinSet::new();
    let mut said: Vec<SentText> = Vec::new();
    for number in 0..messages {
        // Where nothing says when a message was written, it is known to be the later one if the other was taken.
        if !provider.says_when() && random.bool() {
            while let Some(one) = deliveries.join_next().await {
                said.push(one??);
            }
        }
        // Several messages are often on their way at the same moment.
        let pause = if random.bool() { 0 } else { random.u64(0..400) };
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let text = format!("u{user} m{number}");
        let request = provider.say(&provider.user(user), &text);
        let (provider, random) = (provider.clone(), random.fork());
        deliveries.spawn(async move {
            let tries = deliver(&*provider, &request, random).await?;
            Ok::<_, anyhow::Error>(SentText { user, text, tries })
        });
    }
    while let Some(one) = deliveries.join_next().await {
        said.push(one??);
    }
    Ok(said)
}

/// Delivers a request until it is acknowledged, and sometimes once more.
pub(crate) async fn deliver(
    provider: &dyn FakeProvider,
    request: &Request,
    mut random: fastrand::Rng,
) -> anyhow::Result<Vec<(Timestamp, Timestamp)>> {
    // On their way two deliveries can change places, but not by more than the reorder window.
    tokio::time::sleep(Duration::from_millis(random.u64(0..60))).await;
    let (client, mut tries) = (app::client()?, Vec::new());
    for number in 0..1_000_u64 {
        let began = Timestamp::now();
        // Each try is signed when it is made.
        let fresh = provider.signed_at(request, began);
        let answer = send(&client, fresh.as_ref().unwrap_or(request)).await;
        tries.push((began, Timestamp::now()));
        if answer.is_ok_and(|(status, _)| (200..300).contains(&status)) {
            if random.u8(..) < 25 {
                // Whatever is answered: it is one too many.
                let _ = send(&client, &provider.again(request)).await;
            }
            return Ok(tries);
        }
        let pause = (20 << number.min(4)).min(LONGEST_PAUSE_MS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    anyhow::bail!("a delivery was never acknowledged")
}
