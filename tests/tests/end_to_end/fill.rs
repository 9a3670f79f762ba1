//! A sink is given what the ledger has.

use std::collections::BTreeSet;

use haptik_bridge_local::fill::{Progress, Wanted, fill};
use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::app::{App, SECRET};
use haptik_bridge_tests::{Options, Stage};
use jiff::{SignedDuration, Timestamp};

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
