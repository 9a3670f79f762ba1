//! A sink is given what the ledger has.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use haptik_bridge_local::fill::{Progress, Wanted, fill};
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Payload, State};
use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::app::{App, SECRET};
use haptik_bridge_tests::fake_crm::{FakeCrm, Kind};
use haptik_bridge_tests::{Options, Stage};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}", message.text))]
}

fn sink(name: &str, receiver: &App, events: &str) -> String {
    format!(
        "[sinks.{name}]\ntype = \"webhook\"\nevents = [\"{events}\"]\nurl = \"{}\"\nsigning_secrets = [\"{SECRET}\"]\n",
        receiver.url()
    )
}

fn wanted(sink: &str) -> Wanted {
    Wanted {
        sink: sink.to_owned(),
        since: Timestamp::now() - SignedDuration::from_hours(1),
        until: Timestamp::now(),
        users: BTreeSet::new(),
    }
}

#[tokio::test]
async fn a_sink_that_came_later_gets_what_was_delivered_and_one_that_had_it_gets_it_again()
-> anyhow::Result<()> {
    let (audit, late) = (App::start().await?, App::start().await?);
    let options = Options {
        tables: sink("audit", &audit, "message") + &sink("late", &late, "nothing_yet"),
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    for (user, text) in [
        ("U00000ASHA", "one"),
        ("U00000ASHA", "two"),
        ("U000000BEN", "three"),
    ] {
        let channel = stage.slack_user_says(user, text).await;
        let answer = format!("You said: {text}");
        stage.slack.wait_for_text(&channel, &answer).await;
    }
    let had = audit.wait_for(3).await;
    assert!(late.callbacks().is_empty());

    // The sink that came later wants messages, as a new configuration would have it.
    let mut config = stage.local.bridge.config.clone();
    let events = &mut config.sinks.get_mut("late").expect("it is there").events;
    *events = vec!["message".to_owned()];
    let bridge = haptik_bridge_shared::bridge::Bridge::new(
        config,
        stage.local.bridge.ledger.table().clone(),
        stage.local.bridge.queue.clone(),
    )?;
    let given = fill(&bridge, &wanted("late"), |_| {}).await?;
    let expected = Progress {
        users: (2, 2),
        new: 3,
        ..Progress::default()
    };
    assert_eq!(given, expected);
    let got = late.wait_for(3).await;
    let data = |callbacks: &[haptik_bridge_tests::app::Callback]| {
        let mut ids: Vec<String> = callbacks
            .iter()
            .map(|callback| callback.body["data"]["message"]["id"].to_string())
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(data(&got), data(&had));
    let place = |text: &str| {
        let is_it = |callback: &haptik_bridge_tests::app::Callback| {
            callback.body["data"]["message"]["body"]["text"] == text
        };
        got.iter().position(is_it).expect("it came")
    };
    assert!(place("You said: one") < place("You said: two"), "in order");

    let again = fill(&bridge, &wanted("audit"), |_| {}).await?;
    assert_eq!((again.new, again.again), (0, 3));
    let all = audit.wait_for(6).await;
    let ids: BTreeSet<&str> = all.iter().map(|callback| callback.id.as_str()).collect();
    assert_eq!(ids.len(), 3, "the same ids");
    stage
        .local
        .queue
        .idle(std::time::Duration::from_secs(10))
        .await;
    stage.finish().await
}

#[tokio::test]
async fn a_run_that_was_stopped_goes_on_and_gives_nothing_twice() -> anyhow::Result<()> {
    let audit = App::start().await?;
    let options = Options {
        tables: sink("audit", &audit, "message"),
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    for user in ["U00000ASHA", "U000000BEN"] {
        let channel = stage.slack_user_says(user, "hi").await;
        stage.slack.wait_for_text(&channel, "You said: hi").await;
    }
    audit.wait_for(2).await;
    let bridge = stage.local.bridge.clone();
    let run = tokio::spawn(async move {
        // It is stopped after its first user.
        fill(&bridge, &wanted("audit"), |_| panic!("stopped")).await
    });
    assert!(run.await.is_err());
    let first = audit.wait_for(3).await.len();
    let given = fill(&stage.local.bridge, &wanted("audit"), |_| {}).await?;
    assert_eq!((first, given.again, given.there), (3, 1, 1));
    audit.wait_for(4).await;
    stage.finish().await
}

/// How many users there are, and how many events of each, the last of which is the end of a conversation:
/// `HAPTIK_BRIDGE_EVENTS` in all.
#[expect(
    clippy::disallowed_methods,
    reason = "it says how long the test may take"
)]
fn size() -> (usize, usize) {
    const EACH: usize = 50;
    let wanted = std::env::var("HAPTIK_BRIDGE_EVENTS").ok();
    let wanted = wanted.and_then(|wanted| wanted.parse::<usize>().ok());
    (wanted.unwrap_or(400).div_ceil(EACH), EACH)
}

/// An event as Haptik delivers it: a message, or the end of a conversation.
fn event(user: &AuthId, number: usize, is_end: bool, at: Timestamp) -> Value {
    let person =
        json!({"auth_id": user, "user_name": format!("name-{user}"), "device_platform": "13"});
    let common = json!({
        "version": "1.0", "timestamp": at, "business_id": 343, "business_name": "Acme", "user": person,
        "agent": {"id": 4415, "name": "gogo", "profile_image": "", "is_automated": true},
    });
    let more = if is_end {
        json!({"event_name": "webhook_conversation_complete", "data": {
            "conversation_no": number.to_string(), "collection_id": number.to_string(), "completion_type": "agent",
            "conversation_identifier": format!("{user}-{number}"), "completion_by": "Prateek", "user_details": {},
        }})
    } else {
        let body = json!({"text": format!("number {number}"), "type": "TEXT", "data": {"quick_replies": []}});
        json!({"event_name": "message", "message": {"id": number, "body": body}})
    };
    let mut event = common;
    let fields = event.as_object_mut().expect("an object");
    fields.extend(more.as_object().cloned().unwrap_or_default());
    event
}

/// The ledger gets what was delivered before there was a sink.
async fn past(stage: &Stage, (users, each): (usize, usize)) -> anyhow::Result<()> {
    let ledger = &stage.local.bridge.ledger;
    let begin = Timestamp::now() - SignedDuration::from_mins(50);
    for user in 0..users {
        let auth_id = AuthId::from(format!("{user:032x}").as_str());
        let lane = Lane::Channel(auth_id.clone());
        for place in 0..each {
            let at = begin + SignedDuration::from_secs(i64::try_from(place)?);
            let number = 1 + user * each + place;
            let body = event(&auth_id, number, place + 1 == each, at).to_string();
            let key = Event::read(body.as_bytes())?.key(body.as_bytes());
            let payload = Payload::Webhook {
                account: "main".into(),
                body,
            };
            let now = Timestamp::now();
            ledger.append(&lane, &key, &payload, at, now).await?;
            let entry = ledger.entry(&lane, &key).await?.expect("it is there");
            ledger.end(&entry, State::Delivered, None, now).await?;
        }
    }
    Ok(())
}

/// A run that is killed and begun again, each time a seventh further; how often. None is killed once it has given all:
/// whoever begins again then wants all once more.
async fn fill_killed(stage: &Stage, wanted: &Wanted, users: usize) -> anyhow::Result<usize> {
    for part in 1..=6 {
        let (bridge, wanted) = (stage.local.bridge.clone(), wanted.clone());
        let (told, mut far_enough) = tokio::sync::watch::channel(0);
        let run = tokio::spawn(async move {
            fill(&bridge, &wanted, |progress| {
                told.send_replace(progress.users.0);
            })
            .await
        });
        let enough = far_enough.wait_for(|done| *done >= users * part / 7);
        anyhow::ensure!(enough.await.is_ok(), "the run has ended");
        // Anywhere within the next user's events.
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..40))).await;
        run.abort();
        anyhow::ensure!(run.await.is_err(), "it was killed");
    }
    fill(&stage.local.bridge, wanted, |_| {}).await?;
    Ok(6)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_sink_gets_each_event_of_the_past_once_and_in_order_however_often_it_is_killed()
-> anyhow::Result<()> {
    let (users, each) = size();
    let (audit, crm) = (App::start().await?, FakeCrm::zendesk().await);
    let desk = format!(
        "[sinks.crm]\n{}\nevents = ['webhook_conversation_complete']\nbase_url = '{}'\ntranscript = 'none'\n",
        Kind::Zendesk.login(),
        crm.base_url()
    );
    let options = Options {
        tables: sink("audit", &audit, "*") + &desk,
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    past(&stage, (users, each)).await?;
    let began = Instant::now();
    let mut kills = Vec::new();
    for sink in ["audit", "crm"] {
        kills.push(fill_killed(&stage, &wanted(sink), users).await?);
    }
    let filled = began.elapsed();
    let all = users * each;
    let until = began + Duration::from_mins(1) + Duration::from_millis(60) * u32::try_from(all)?;
    while audit.callbacks().len() < all || crm.ticket_count() < users {
        let so_far = (audit.callbacks().len(), crm.ticket_count());
        anyhow::ensure!(Instant::now() < until, "{so_far:?} of {all} and {users}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::ensure!(
        stage.local.queue.idle(Duration::from_mins(5)).await,
        "it is at rest"
    );
    eprintln!(
        "{all} events of {users} users: given in {filled:.1?} with {kills:?} kills, delivered in {:.1?}",
        began.elapsed()
    );
    // Each once, none missing, those of a user in their order.
    let callbacks = audit.callbacks();
    let mut of_user: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for callback in &callbacks {
        let data = &callback.body["data"];
        let number = data["message"]["id"].as_u64();
        let number = number.or_else(|| data["data"]["collection_id"].as_str()?.parse().ok());
        let user = data["user"]["auth_id"].as_str().unwrap_or_default();
        let numbers = of_user.entry(user.to_owned()).or_default();
        numbers.push(number.expect("a number"));
    }
    assert_eq!(callbacks.len(), all);
    let ids: BTreeSet<&str> = callbacks.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids.len(), all, "each has an id of its own");
    for user in 0..users {
        let first = u64::try_from(1 + user * each)?;
        let expected: Vec<u64> = (first..first + u64::try_from(each)?).collect();
        assert_eq!(of_user[&format!("{user:032x}")], expected, "user {user}");
    }
    assert_eq!(
        crm.ticket_count(),
        users,
        "one ticket for each conversation"
    );
    stage.finish().await
}

/// One person has as many users as threads, where each is a conversation of its own.
#[tokio::test]
async fn a_sink_is_given_what_it_missed_of_as_many_users_as_there_are() -> anyhow::Result<()> {
    let audit = App::start().await?;
    let options = Options {
        tables: sink("audit", &audit, "message"),
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    let channel = stage.slack_user_says("U00000ASHA", "one").await;
    stage.slack.wait_for_text(&channel, "You said: one").await;
    audit.wait_for(1).await;
    assert!(stage.local.queue.idle(Duration::from_secs(15)).await);
    let mut wanted = wanted("audit");
    let threads = (0..100).map(|thread| format!("thread {thread}"));
    wanted.users = threads
        .map(|thread| AuthId::derive(&"acme-slack".into(), "U00000ASHA", Some(&thread)))
        .collect();
    let asha = AuthId::derive(&"acme-slack".into(), "U00000ASHA", None);
    wanted.users.insert(asha);
    let given = fill(&stage.local.bridge, &wanted, |_| {}).await?;
    assert_eq!((given.users, given.again), ((101, 101), 1), "{given:?}");
    audit.wait_for(2).await;
    stage.finish().await
}
