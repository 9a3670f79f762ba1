//! What comes long after: entries that have expired, a configuration that is older than an entry, a sink that stays down.

use std::time::{Duration, Instant};

use haptik_bridge_processor::Record;
use haptik_bridge_shared::breaker::CircuitBreakers;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::{AuthId, ConnectionId, EntryKey};
use haptik_bridge_shared::key::KeyKind;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Ledger, Payload, State};
use haptik_bridge_shared::message::{KeyRef, MessageRef};
use haptik_bridge_shared::net::{CallError, CallErrorKind};
use haptik_bridge_shared::offers::Offers;
use haptik_bridge_shared::queue::Ring;
use haptik_bridge_shared::table::text;
use haptik_bridge_simulator::{CallFault, CallOutcome, FEEDBACK_PATH};
use haptik_bridge_tests::app::App;
use haptik_bridge_tests::{Options, Stage};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::handoff;
use super::sinks::echo;

/// The entries of a lane.
async fn entries(stage: &Stage, lane: &Lane) -> anyhow::Result<Vec<Entry>> {
    Ok(stage.local.bridge.ledger.entries(lane).await?)
}

/// Removes what is delivered in a lane, as its time to live does.
async fn expire(stage: &Stage, lane: &Lane) -> anyhow::Result<()> {
    assert!(stage.local.queue.idle(Duration::from_secs(15)).await);
    for entry in entries(stage, lane).await? {
        assert_eq!(entry.state, State::Delivered);
        stage.local.bridge.ledger.remove(lane, &entry.key).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_hand_off_that_is_long_over_is_not_ended_once_more() -> anyhow::Result<()> {
    let stage = Stage::with(handoff::options(), handoff::no_bot).await?;
    let user = format!("{}/handoff/u-42", stage.channel_url("my-app"));
    let auth_id = handoff::hand_over(&stage, &handoff::asked("h-1")).await?;
    let lane = Lane::Channel(AuthId::from(auth_id));
    assert_eq!(stage.app.delete(&user).await?.0, 202);
    stage.app.wait_for_type("handoff_ended", 1).await;
    expire(&stage, &lane).await?;
    // A bot that takes its user back again, and a user who comes back for another one.
    stage.app.delete(&user).await?;
    handoff::hand_over(&stage, &handoff::asked("h-2")).await?;
    assert_eq!(stage.app.delete(&user).await?.0, 202);
    let ended = stage.app.wait_for_type("handoff_ended", 2).await;
    assert_eq!(ended[1].body["id"], "h-2");
    assert!(stage.local.queue.idle(Duration::from_secs(15)).await);
    stage.app.wait_for_type("handoff_ended", 2).await;
    stage.finish().await
}

/// What a user did by a connection that this process does not know, so long ago.
async fn by_unknown(stage: &Stage, ago: Duration) -> anyhow::Result<(Lane, EntryKey)> {
    let (connection, at) = (ConnectionId::from("new"), Timestamp::now() - ago);
    let inbound = super::rates::inbound(&connection, 1, at);
    let (lane, key) = (Lane::Haptik(inbound.auth_id.clone()), inbound.key.clone());
    let payload = Payload::Inbound {
        connection,
        inbound: Box::new(inbound),
        handoff: None,
    };
    let bridge = &stage.local.bridge;
    bridge.ledger.append(&lane, &key, &payload, at, at).await?;
    Ok((lane, key))
}

/// Hands a lane's ring to the processor, which had it so often; for how long it is to come again then.
pub(super) async fn ring(
    stage: &Stage,
    lane: &Lane,
    receives: u32,
) -> anyhow::Result<Option<Duration>> {
    let ring = Ring::V1 {
        lane: lane.clone(),
        key: "1".into(),
        at: Timestamp::now(),
    };
    let record = Record {
        id: "1".to_owned(),
        body: serde_json::to_string(&ring)?,
        receives,
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    let unhandled = stage.local.processor.process(vec![record], deadline).await;
    Ok(unhandled.first().map(|unhandled| unhandled.pause))
}

#[tokio::test]
async fn what_comes_by_a_connection_that_is_new_waits_until_the_processor_knows_it()
-> anyhow::Result<()> {
    let stage = Stage::with(Options::default(), echo).await?;
    let (lane, key) = by_unknown(&stage, Duration::from_hours(1)).await?;
    assert!(ring(&stage, &lane, 1).await?.is_some());
    let ledger = &stage.local.bridge.ledger;
    let entry = ledger.entry(&lane, &key).await?.expect("it is there");
    assert_eq!((entry.state, entry.attempts), (State::Pending, 1));
    let why = entry.reason.as_deref();
    assert_eq!(why, Some("the connection new is not configured"));
    stage.abandon();
    // It is none that anybody would know by now.
    let stage = Stage::with(Options::default(), echo).await?;
    let (lane, _) = by_unknown(&stage, Duration::from_mins(70)).await?;
    assert_eq!(ring(&stage, &lane, 1).await?, None);
    let dead = stage.finish_with_dead().await?;
    assert_eq!(dead.len(), 1);
    Ok(())
}

#[tokio::test]
async fn who_waits_for_a_sink_that_stays_down_comes_less_and_less_often() -> anyhow::Result<()> {
    let receiver = App::start().await?;
    let stage = Stage::with(super::sinks::sink(&receiver, r#"["message"]"#), echo).await?;
    // It has been down for long.
    let breakers = CircuitBreakers::new(stage.local.bridge.ledger.table().clone());
    let down = CallError::new("tell the receiver", CallErrorKind::Unavailable);
    for _ in 0..4 {
        let known = breakers.of("audit").await?;
        breakers.failed("audit", &known, &down).await?;
    }
    let lane = Lane::Sink {
        sink: "audit".to_owned(),
        auth_id: "a-1".into(),
    };
    let body: Value = json!({
        "event_name": "message", "user": {"auth_id": "a-1"},
        "message": {"id": 7, "body": {"text": "hello", "type": "TEXT", "data": {}}},
    });
    let payload = Payload::Webhook {
        account: "main".into(),
        body: body.to_string(),
    };
    let (key, now) = (EntryKey::from("7"), Timestamp::now());
    let ledger = &stage.local.bridge.ledger;
    ledger.append(&lane, &key, &payload, now, now).await?;
    let first = ring(&stage, &lane, 1).await?.expect("it waits");
    let tenth = ring(&stage, &lane, 10).await?.expect("it waits");
    assert!(first < Duration::from_secs(80), "{first:?}");
    assert!(tenth > Duration::from_secs(80), "{tenth:?}");
    stage.abandon();
    Ok(())
}

#[tokio::test]
async fn a_rating_whose_answer_was_lost_is_one_that_was_taken() -> anyhow::Result<()> {
    let options = Options {
        app: "receipts = true",
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    let (user, at) = (json!({"id": "u-42"}), Timestamp::now().to_string());
    let hello =
        json!({"type": "message", "id": "m-1", "timestamp": at, "text": "hello", "user": user});
    stage.app_sends(&hello).await?;
    stage.app.wait_for_type("message_delivered", 2).await;
    let lost = CallFault {
        times: Some(1),
        takes_effect: true,
        ..CallFault::on(FEEDBACK_PATH, CallOutcome::Drop)
    };
    stage.simulator().add_call_fault(lost);
    let at = Timestamp::now().to_string();
    let rating = json!({"type": "feedback", "id": "f-1", "timestamp": at, "user": user, "rating": 4, "resolved": true});
    stage.app_sends(&rating).await?;
    let taken = stage.app.wait_for_type("message_delivered", 3).await;
    assert_eq!(taken[2].body["message_id"], "f-1");
    assert_eq!(stage.simulator().records(|seen| seen.feedback.len()), 1);
    // What the bot said, and nothing of a rating that was not recorded.
    assert_eq!(stage.app.wait_for_type("message", 1).await.len(), 1);
    stage.finish().await
}

/// A message of Haptik's of this length, given up.
async fn given_up(stage: &Stage, length: usize) -> anyhow::Result<Entry> {
    let (lane, key, now) = (
        Lane::Channel("a-1".into()),
        EntryKey::from("1"),
        Timestamp::now(),
    );
    let body = json!({"event_name": "message", "message": {"id": 1, "text": "m".repeat(length)}});
    let payload = Payload::Webhook {
        account: "main".into(),
        body: body.to_string(),
    };
    let ledger = &stage.local.bridge.ledger;
    ledger.append(&lane, &key, &payload, now, now).await?;
    let entry = ledger.entry(&lane, &key).await?.expect("it is there");
    let why = Some("the channel said no".into());
    ledger.end(&entry, State::Dead, why, now).await?;
    Ok(ledger.entry(&lane, &key).await?.expect("it is there"))
}

#[tokio::test]
async fn what_is_replayed_lives_as_long_as_its_pieces() -> anyhow::Result<()> {
    let stage = Stage::with(Options::default(), echo).await?;
    let entry = given_up(&stage, 700_000).await?;
    let ledger = &stage.local.bridge.ledger;
    let later = Timestamp::now() + Duration::from_hours(6 * 24);
    assert!(ledger.revive(&entry, later).await?);
    let table = ledger.table();
    let item = table
        .get(&entry.lane.to_string(), entry.key.as_str())
        .await?;
    let item = item.expect("it is there");
    let pieces = Ledger::keys_of_pieces(&item);
    assert_eq!(pieces.len(), 3);
    for piece in pieces {
        let part = |name: &str| piece[name].as_s().cloned().unwrap_or_default();
        let piece = table.get(&part("pk"), &part("sk")).await?;
        let piece = piece.expect("it is there");
        assert_eq!(piece["expires_at"], item["expires_at"]);
    }
    stage.abandon();
    Ok(())
}

#[tokio::test]
async fn what_nobody_can_be_rung_for_is_given_up_again_unless_it_was_delivered_meanwhile()
-> anyhow::Result<()> {
    let stage = Stage::with(Options::default(), echo).await?;
    let entry = given_up(&stage, 10).await?;
    let ledger = &stage.local.bridge.ledger;
    let found = || async {
        let entry = ledger.entry(&entry.lane, &entry.key).await?;
        anyhow::Ok(entry.expect("it is there").state)
    };
    let now = Timestamp::now();
    assert!(ledger.revive(&entry, now).await?);
    ledger.take_back(&entry, now).await?;
    assert_eq!(found().await?, State::Dead);
    assert_eq!(ledger.count_dead(now, 10).await?, 1);
    // Another ring of the lane came in between.
    assert!(ledger.revive(&entry, now).await?);
    ledger.end(&entry, State::Delivered, None, now).await?;
    ledger.take_back(&entry, now).await?;
    assert_eq!(found().await?, State::Delivered);
    stage.abandon();
    Ok(())
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_parked_for_a_cause_that_names_nobody() -> anyhow::Result<()>
{
    let stage = Stage::with(Options::default(), echo).await?;
    let (lane, key) = (
        Lane::Channel("asha@example.com".into()),
        EntryKey::from("1"),
    );
    let (payload, now) = (
        Payload::Webhook {
            account: "main".into(),
            body: "{}".to_owned(),
        },
        Timestamp::now(),
    );
    let ledger = &stage.local.bridge.ledger;
    ledger.append(&lane, &key, &payload, now, now).await?;
    let table = ledger.table();
    let damaged = table.update(lane.to_string(), key.as_str());
    damaged.set("payload", text("{")).send().await?;
    assert!(ledger.pending(&lane).await?.0.is_empty());
    let causes = table.query("causes").all().await?;
    assert_eq!(causes.len(), 1);
    let parked = table.get(&lane.to_string(), key.as_str()).await?;
    for said in [
        format!("{causes:?}"),
        format!("{:?}", parked.expect("it is there")["reason"]),
    ] {
        assert!(said.contains("cannot be read"), "{said}");
        assert!(!said.contains("asha"), "{said}");
    }
    stage.abandon();
    Ok(())
}

#[tokio::test]
async fn a_message_is_found_among_many_notices_that_sort_behind_it() -> anyhow::Result<()> {
    let stage = Stage::with(Options::default(), echo).await?;
    let (ledger, auth_id) = (&stage.local.bridge.ledger, AuthId::from("a1"));
    let (lane, now) = (Lane::Channel(auth_id.clone()), Timestamp::now());
    let body = json!({
        "event_name": "message", "message": {"id": 7, "body": {"text": "Which one?", "type": "TEXT", "data": {}}},
        "user": {"auth_id": auth_id},
    });
    let body = body.to_string();
    let key = Event::read(body.as_bytes())?.key(body.as_bytes());
    let payload = |body: String| Payload::Webhook {
        account: "main".into(),
        body,
    };
    ledger.append(&lane, &key, &payload(body), now, now).await?;
    for number in 0..350 {
        let notice = KeyKind::notice(now, format!("n-{number}")).into();
        ledger
            .append(&lane, &notice, &payload("{}".to_owned()), now, now)
            .await?;
    }
    let message = MessageRef {
        auth_id,
        key: KeyRef::KeyDigest(key.digest()),
    };
    let offered = Offers::new(ledger.clone()).offered(&message).await?;
    assert_eq!(offered.map(|hsl| hsl.text).as_deref(), Some("Which one?"));
    let last = ledger.last_message(&lane, now).await?;
    assert_eq!(last.map(|(id, _)| id), Some(7));
    stage.abandon();
    Ok(())
}
