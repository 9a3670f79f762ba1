//! What is said: users who write, as Slack delivers it, and a bot that answers each time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use haptik_bridge_local::simulator::{Reply, UserMessage};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Load;
use crate::fake_slack::{Delivery, Event, FakeSlack};

/// How long a reply is that Slack shows as several messages, in characters.
const LONG: usize = 9_000;

/// The longest pause between two tries of a delivery to the bridge: Slack's own pauses are minutes.
const LONGEST_PAUSE_MS: u64 = 300;

/// How long a user waits for answers before another one takes the place.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// A message that a user wrote, and its deliveries to the bridge.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) user: usize,
    pub(crate) text: String,
    /// When each try began and ended, in order.
    pub(crate) tries: Vec<(Timestamp, Timestamp)>,
}

/// The Slack user of this number.
pub(crate) fn user_id(user: usize) -> String {
    format!("UCHAOS{user:05}")
}

/// What the bot answers: each reply names the message that it answers, by Haptik's id of it, so that
/// the answers to a message that Haptik heard twice are told apart.
pub(crate) fn bot(replies: usize) -> impl Fn(&UserMessage) -> Vec<Reply> + Send + Sync + 'static {
    move |message| {
        let reply = |number: usize| {
            let mut text = format!("{} h{} r{number}", message.text, message.message_id);
            if number + 1 == replies && message.message_id % 5 == 0 {
                text.push_str(&" and more".repeat(LONG / 9));
            }
            Reply::Text(text)
        };
        (0..replies).map(reply).collect()
    }
}

/// Lets every user write, so many of them at a time; returns when each message was acknowledged.
pub(crate) async fn speak(slack: &FakeSlack, url: &str, load: &Load) -> anyhow::Result<Vec<Said>> {
    let places = Arc::new(Semaphore::new(load.at_once));
    let mut users = JoinSet::new();
    for user in 0..load.users {
        let (slack, url, places) = (slack.clone(), Arc::<str>::from(url), places.clone());
        let random = fastrand::Rng::with_seed(load.seed ^ (user as u64).wrapping_mul(0x9e37));
        let Load {
            messages, replies, ..
        } = *load;
        users.spawn(async move {
            let _place = places.acquire().await?;
            let said = converse(slack.clone(), url, user, messages, random).await?;
            answered(&slack, &user_id(user), messages * replies).await;
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
async fn answered(slack: &FakeSlack, user: &str, answers: usize) {
    let channel = slack.dm_channel(user);
    let deadline = Instant::now() + LONGEST_WAIT;
    while Instant::now() < deadline {
        let messages = slack.messages(&channel);
        if messages
            .iter()
            .filter(|message| message.is_from_bot())
            .count()
            >= answers
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn converse(
    slack: FakeSlack,
    url: Arc<str>,
    user: usize,
    messages: usize,
    mut random: fastrand::Rng,
) -> anyhow::Result<Vec<Said>> {
    let mut deliveries = JoinSet::new();
    for number in 0..messages {
        // Several messages are often on their way at the same moment.
        let pause = if random.bool() { 0 } else { random.u64(0..400) };
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let text = format!("u{user} m{number}");
        let event = slack.dm(&user_id(user), &text);
        let (slack, url, random) = (slack.clone(), url.clone(), random.fork());
        deliveries.spawn(async move {
            let tries = deliver(&slack, &url, &event, random).await?;
            Ok::<_, anyhow::Error>(Said { user, text, tries })
        });
    }
    let mut said = Vec::new();
    while let Some(one) = deliveries.join_next().await {
        said.push(one??);
    }
    Ok(said)
}

/// Delivers an event until it is acknowledged, and sometimes once more under another `event_id`.
async fn deliver(
    slack: &FakeSlack,
    url: &str,
    event: &Event,
    mut random: fastrand::Rng,
) -> anyhow::Result<Vec<(Timestamp, Timestamp)>> {
    // On their way two deliveries can change places, but not by more than the reorder window.
    tokio::time::sleep(Duration::from_millis(random.u64(0..60))).await;
    let mut tries = Vec::new();
    for number in 0..1_000_u64 {
        let began = Timestamp::now();
        let reply = slack.client().try_send(url, &Delivery::of(event)).await;
        tries.push((began, Timestamp::now()));
        if reply.is_ok_and(|reply| (200..300).contains(&reply.status)) {
            if random.u8(..) < 25 {
                let again = event.clone().with_event_id("EvAGAIN");
                // Whatever is answered: it is one too many.
                let _ = slack.client().try_send(url, &Delivery::of(&again)).await;
            }
            return Ok(tries);
        }
        let pause = (20 << number.min(4)).min(LONGEST_PAUSE_MS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    anyhow::bail!("a delivery was never acknowledged")
}
