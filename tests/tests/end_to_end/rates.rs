//! Limits of one's own: what a connection or an account may bring in a second.

use std::time::Duration;

use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_shared::ids::{AuthId, ConnectionId};
use haptik_bridge_shared::ingest::RequestContext;
use haptik_bridge_shared::key::KeyKind;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Payload;
use haptik_bridge_shared::message::{Address, Addressed, Inbound, UserAction};
use haptik_bridge_shared::rate_limit::RateLimits;
use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::app::SECRET;
use haptik_bridge_tests::{Options, Stage};
use jiff::Timestamp;
use serde_json::{Value, json};

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}", message.text))]
}

fn said(number: usize) -> Value {
    json!({
        "type": "message", "id": format!("m-{number}"), "timestamp": Timestamp::now().to_string(),
        "text": "hi", "user": {"id": format!("u-{number}")},
    })
}

#[tokio::test]
async fn what_comes_faster_than_the_connections_rate_is_answered_429_and_another_is_taken()
-> anyhow::Result<()> {
    let options = Options {
        app: "rate_per_second = 3",
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    let url = stage.channel_url("my-app");
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    let began = Timestamp::now().as_second();
    for number in 0..30 {
        let (status, answer) = stage.app.send(&url, &said(number)).await?;
        match status {
            202 => taken.push(number),
            429 => {
                assert!(
                    answer["error"]
                        .as_str()
                        .is_some_and(|why| why.contains("rate_per_second"))
                );
                refused.push(number);
            }
            other => panic!("{other} {answer}"),
        }
    }
    let seconds = Timestamp::now().as_second() - began + 1;
    let seconds = usize::try_from(seconds)?;
    assert!(taken.len() <= 3 * seconds, "{} in {seconds} s", taken.len());
    assert!(!refused.is_empty());
    // Another connection is not slower.
    let channel = stage.slack_user_says("U00000ASHA", "hi").await;
    stage.slack.wait_for_text(&channel, "You said: hi").await;
    // What was refused is taken when it is sent again.
    let mut again = refused.into_iter().peekable();
    while let Some(number) = again.peek() {
        match stage.app.send(&url, &said(*number)).await?.0 {
            202 => drop(again.next()),
            _ => tokio::time::sleep(std::time::Duration::from_millis(200)).await,
        }
    }
    stage.app.wait_for(30).await;
    stage.finish().await
}

#[tokio::test]
async fn an_account_has_a_rate_too_and_nothing_of_haptiks_is_lost() -> anyhow::Result<()> {
    let options = Options {
        account: "rate_per_second = 3".to_owned(),
        haptik: haptik_bridge_simulator::Settings {
            time_scale: 0.01,
            ..haptik_bridge_simulator::Settings::default()
        },
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    for number in 0..6 {
        stage.app_sends(&said(number)).await?;
    }
    stage.app.wait_for(6).await;
    let refused = stage.simulator().records(|seen| {
        let attempts = seen
            .deliveries
            .iter()
            .flat_map(|delivery| &delivery.attempts);
        attempts
            .filter(|attempt| attempt.status == Some(429))
            .count()
    });
    assert!(refused > 0, "six at once are more than three a second");
    stage.finish().await
}

/// How many users of one connection have something that waits.
const MANY: usize = 10_000;

/// What a user of an application wrote.
pub(crate) fn inbound(connection: &ConnectionId, number: usize, at: Timestamp) -> Inbound {
    let user = format!("u-{number}");
    Inbound {
        key: KeyKind::act(at, "m-1").into(),
        at,
        auth_id: AuthId::derive(connection, &user, None),
        address: Address(json!({"user": user})),
        user,
        message_id: None,
        profile: None,
        addressed: Addressed::Yes,
        action: UserAction::Message {
            text: format!("{connection} {number}"),
            attachments: Vec::new(),
        },
        mentions: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_ten_thousand_of_one_connection_wait_another_is_among_the_next() -> anyhow::Result<()>
{
    let quiet = format!(
        "[delivery]\nreorder_window_ms = 0\n[channels.quiet]\ntype = \"custom\"\nsigning_secrets = [\"{SECRET}\"]\n\
         callback_url = \"http://127.0.0.1:9/\"\n"
    );
    let options = Options {
        tables: quiet,
        ..Options::default()
    };
    let stage = Stage::with(options, |_: &UserMessage| Vec::new()).await?;
    let (bridge, connection) = (&stage.local.bridge, ConnectionId::from("my-app"));
    let now = Timestamp::now();
    let all: Vec<Inbound> = (0..MANY)
        .map(|number| inbound(&connection, number, Timestamp::now()))
        .collect();
    for one in &all {
        let lane = Lane::Haptik(one.auth_id.clone());
        let payload = Payload::Inbound {
            connection: connection.clone(),
            inbound: Box::new(one.clone()),
            handoff: None,
        };
        let appended = bridge.ledger.append(&lane, &one.key, &payload, now, now);
        appended.await?;
    }
    // All of them at once, so that hardly one is done before the other comes.
    for one in all {
        bridge.queue.comes_by(&one.auth_id, &connection);
        let lane = Lane::Haptik(one.auth_id);
        bridge.ring_again(lane, now).await?;
    }
    let quiet = ConnectionId::from("quiet");
    let context = RequestContext::new("channels/quiet", now);
    bridge
        .accept_inbound(context, &quiet, inbound(&quiet, 0, Timestamp::now()), None)
        .await?;
    let simulator = stage.simulator();
    let told = simulator.wait_until(Duration::from_mins(2), |seen| {
        seen.messages.iter().any(|said| said.text == "quiet 0")
    });
    told.await?;
    let before = simulator.records(|seen| {
        let told = seen.messages.iter();
        told.take_while(|said| said.text != "quiet 0").count()
    });
    // Those who had a slot already, which are 256, and those who get one until it has its turn and is delivered.
    assert!(before < MANY / 5, "{before} were told before");
    stage.abandon();
    Ok(())
}

/// Three processes at one table.
async fn processes() -> anyhow::Result<(EmbeddedDynamoDb, [RateLimits; 3])> {
    let database = EmbeddedDynamoDb::start(None).await?;
    let processes = [(); 3].map(|()| RateLimits::new(database.table.clone()));
    Ok((database, processes))
}

/// Of ten a second, at the beginning of this second: whether it is taken.
async fn is_taken(process: &RateLimits, second: i64) -> bool {
    let at = Timestamp::from_second(second).expect("in range");
    process.admit("channels/acme", Some(10), at).await.is_ok()
}

#[tokio::test]
async fn who_comes_to_be_counted_when_the_next_second_has_begun_is_counted_there()
-> anyhow::Result<()> {
    let (_database, [quick, slow, other]) = processes().await?;
    assert!(is_taken(&quick, 1_001).await);
    assert!(is_taken(&slow, 1_000).await, "nine are left");
    assert!(is_taken(&slow, 1_001).await, "and eight of its own second");
    for left in 0..7 {
        assert!(is_taken(&other, 1_001).await, "{left}");
    }
    for process in [&quick, &slow, &other] {
        assert!(!is_taken(process, 1_001).await, "ten were taken");
        assert!(!is_taken(process, 1_000).await);
    }
    for process in [&quick, &slow, &other] {
        assert!(is_taken(process, 1_002).await);
    }
    Ok(())
}

#[tokio::test]
async fn a_clock_that_was_wrong_holds_nobody_up() -> anyhow::Result<()> {
    let (_database, [wrong, right, _]) = processes().await?;
    for _ in 0..10 {
        assert!(is_taken(&wrong, 5_000).await);
    }
    assert!(is_taken(&right, 1_000).await);
    Ok(())
}

#[tokio::test]
async fn a_table_that_takes_long_holds_up_no_request() -> anyhow::Result<()> {
    let database = EmbeddedDynamoDb::start(None).await?;
    // It takes connections, and never answers.
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let endpoint = format!("http://{}", silent.local_addr()?);
    let process = RateLimits::new(database.table_through(&endpoint)?);
    let counted = is_taken(&process, 1_000);
    let taken = tokio::time::timeout(Duration::from_secs(3), counted).await?;
    assert!(taken, "whether it can be stored is for the ledger to say");
    Ok(())
}
