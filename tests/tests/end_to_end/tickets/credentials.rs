//! A CRM that accepts no credentials: who waits until an operator has seen to it, who goes on, and that
//! nothing is lost meanwhile.

use std::time::Duration;

use haptik_bridge_shared::breaker::CircuitBreaker;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ingest::RequestContext;
use haptik_bridge_shared::ledger::Payload;
use haptik_bridge_tests::Stage;
use haptik_bridge_tests::fake_crm::{FakeCrm, Fault};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::time::Instant;

use super::{CREATION, chat, complete, completion, deliver, echo, scene, sink};

/// Waits until the sink's circuit breaker is like that.
async fn breaker_is(stage: &Stage, is: impl Fn(&CircuitBreaker) -> bool) -> anyhow::Result<()> {
    let until = Instant::now() + Duration::from_secs(30);
    while !is(&stage.local.bridge.breakers.of("crm").await?) {
        anyhow::ensure!(
            Instant::now() < until,
            "the circuit breaker never is like that"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Looks after the sinks, as every minute in AWS, until there are so many tickets.
async fn run_maintenance_until(stage: &Stage, desk: &FakeCrm, tickets: usize) {
    let until = Instant::now() + Duration::from_secs(30);
    while desk.tickets().len() < tickets && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(220)).await;
        stage
            .local
            .processor
            .run_scheduled_maintenance(Timestamp::now())
            .await;
    }
    desk.wait_for_tickets(tickets).await;
}

#[tokio::test]
async fn a_crm_that_accepts_no_credentials_waits_for_an_operator_and_goes_on_by_itself()
-> anyhow::Result<()> {
    let desk = FakeCrm::zendesk().await;
    desk.revoke(true);
    let stage = Stage::with(sink(&desk, ""), echo).await?;
    let mut users = Vec::new();
    for user in ["U00000ASHA", "U00000RAVI", "U0000WHOLE"] {
        users.push(chat(&stage, user).await);
    }
    for user in &users {
        complete(&stage, user).await;
    }
    assert!(
        stage.local.queue.idle(Duration::from_secs(10)).await,
        "no lane tries by itself"
    );
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        stage
            .local
            .processor
            .run_scheduled_maintenance(Timestamp::now())
            .await;
    }
    let breaker = stage.local.bridge.breakers.of("crm").await?;
    assert!(
        breaker
            .attention
            .is_some_and(|reason| reason.contains("401") && reason.contains("authenticate"))
    );
    let (pending, dead) = stage.left_over().await?;
    assert_eq!((pending.len(), dead.len()), (3, 0));
    assert!(
        pending.iter().all(|entry| entry.attempts == 0),
        "no attempts are burnt"
    );
    // Each of the three events may come when it is time for a probe, and each housekeeping makes one.
    let tries = desk.calls().len();
    assert!(tries <= 5, "one probe at a time, not {tries}");
    chat(&stage, "U00000ASHA").await;
    desk.revoke(false);
    run_maintenance_until(&stage, &desk, 3).await;
    stage.finish().await
}

#[tokio::test]
async fn a_ticket_that_alone_is_forbidden_is_refused_and_the_others_go_on() -> anyhow::Result<()> {
    let desk = FakeCrm::zendesk().await;
    let (stage, ravi) = scene(&desk, "").await?;
    let asha = chat(&stage, "U00000RAVI").await;
    desk.forbid(Some("VIP-1"));
    let name = "webhook_conversation_complete";
    let details = json!({"order_no": "VIP-1"});
    deliver(&stage, &completion(name, (&asha.0, &asha.1), &details)).await;
    assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
    let breaker = stage.local.bridge.breakers.of("crm").await?;
    assert!(breaker.attention.is_some(), "it may be the credentials");
    complete(&stage, &ravi).await;
    // Whichever is tried first: the other one is taken, and then it is known whose it is.
    run_maintenance_until(&stage, &desk, 1).await;
    let until = Instant::now() + Duration::from_secs(20);
    while stage.left_over().await?.1.is_empty() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let breaker = stage.local.bridge.breakers.of("crm").await?;
    assert_eq!(breaker.attention, None, "the sink as a whole is well");
    let whole = chat(&stage, "U0000WHOLE").await;
    complete(&stage, &whole).await;
    desk.wait_for_tickets(2).await;
    let dead = stage.finish_with_dead().await?;
    assert_eq!(dead.len(), 1);
    let reason = dead[0].reason.as_deref().unwrap_or_default();
    assert!(reason.starts_with("the sink refused (403) to "), "{reason}");
    Ok(())
}

#[tokio::test]
async fn a_crm_that_was_down_hung_and_accepted_no_credentials_gets_every_ticket_once()
-> anyhow::Result<()> {
    let desk = FakeCrm::zendesk().await;
    let (stage, asha) = scene(&desk, "rate_per_second = 1000").await?;
    desk.set_down(true);
    complete(&stage, &asha).await;
    breaker_is(&stage, |breaker| breaker.failures >= 3).await?;
    let ravi = chat(&stage, "U00000RAVI").await;
    complete(&stage, &ravi).await;
    desk.hold(true);
    desk.set_down(false);
    desk.wait_for_held_calls(1).await;
    let whole = chat(&stage, "U0000WHOLE").await;
    complete(&stage, &whole).await;
    desk.revoke(true);
    desk.hold(false);
    breaker_is(&stage, |breaker| breaker.attention.is_some()).await?;
    chat(&stage, "U00000ASHA").await;
    assert!(desk.tickets().is_empty(), "{}", desk.report());
    desk.revoke(false);
    run_maintenance_until(&stage, &desk, 3).await;
    stage.finish().await?;
    assert_eq!(desk.tickets().len(), 3, "{}", desk.report());
    Ok(())
}

/// A completion that was received so long ago, whose delivery begins now.
async fn complete_late(stage: &Stage, user: &str, age: SignedDuration) -> anyhow::Result<()> {
    let name = "webhook_conversation_complete";
    let body = completion(name, (user, user), &json!({})).to_string();
    let payload = Payload::Webhook {
        account: "main".into(),
        body: body.clone(),
    };
    let event = Event::read(body.as_bytes())?;
    let context = RequestContext::new("haptik/main", Timestamp::now() - age);
    let accepted = stage
        .local
        .bridge
        .accept_for_sinks(context, &event, &payload, body.as_bytes());
    accepted.await?;
    Ok(())
}

#[tokio::test]
async fn what_a_crm_answers_429_to_is_a_dead_letter_before_the_ledger_forgets_it()
-> anyhow::Result<()> {
    let desk = FakeCrm::zendesk().await;
    let stage = Stage::with(sink(&desk, "transcript = 'none'"), echo).await?;
    for (user, days, tickets) in [("asha", 5, 1), ("ravi", 6, 1)] {
        desk.fail_next(CREATION.0, CREATION.1, 1, Fault::Status(429));
        let age = SignedDuration::from_hours(24 * days + 4);
        complete_late(&stage, user, age).await?;
        assert!(stage.local.queue.idle(Duration::from_secs(20)).await);
        assert_eq!(desk.tickets().len(), tickets, "{user}");
    }
    let dead = stage.finish_with_dead().await?;
    let reasons: Vec<_> = dead.iter().filter_map(|one| one.reason.clone()).collect();
    assert_eq!(
        reasons,
        ["given up after 532800 s: the sink had too many requests (429)"]
    );
    Ok(())
}

#[tokio::test]
async fn what_has_waited_for_an_operator_for_a_day_is_not_given_up_at_its_first_failure()
-> anyhow::Result<()> {
    let desk = FakeCrm::zendesk().await;
    desk.revoke(true);
    let stage = Stage::with(sink(&desk, "transcript = 'none'"), echo).await?;
    for user in ["asha", "ravi"] {
        complete_late(&stage, user, SignedDuration::from_hours(25)).await?;
    }
    assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
    // One is tried and fails, one shows that the sink is well, and then the other one fails.
    let answered = Fault::DelayAfter(Duration::ZERO);
    for fault in [Fault::Status(503), answered, Fault::Status(503)] {
        desk.fail_next(CREATION.0, CREATION.1, 1, fault);
    }
    desk.revoke(false);
    run_maintenance_until(&stage, &desk, 2).await;
    stage.finish().await
}
