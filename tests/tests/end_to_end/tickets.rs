//! Ticket sinks, with the whole bridge around them: one ticket, whatever comes how often and in which
//! order, and a CRM that is down, slow or not to be logged in to.

use std::time::Duration;

use haptik_bridge_processor::Limits;
use haptik_bridge_shared::breaker::CircuitBreaker;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::ingest::RequestContext;
use haptik_bridge_shared::ledger::Payload;
use haptik_bridge_shared::retry::Detail;
use haptik_bridge_simulator::{
    CompletedBy, CompletionEvents, DeliveryFault, DeliveryOutcome, Settings, signature,
};
use haptik_bridge_tests::fake_crm::{FakeCrm, Fault, Kind, Ticket};
use haptik_bridge_tests::{Options, Stage};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::sinks::echo;

#[path = "tickets/breaker.rs"]
mod breaker;
#[path = "tickets/which.rs"]
mod which;

/// Where a ticket is created.
const CREATION: (&str, &str) = ("POST", "/api/v2/tickets");

fn sink(desk: &FakeCrm, more: &str) -> Options {
    Options {
        tables: format!(
            "[sinks.crm]\n{}\nevents = ['webhook_conversation_complete', 'chat_complete']\n\
             base_url = '{}'\n{more}\n",
            Kind::Zendesk.login(),
            desk.base_url()
        ),
        limits: Limits {
            completion_wait: Duration::from_millis(300),
            probe_every: Duration::from_millis(200),
            ..Limits::default()
        },
        ..Options::default()
    }
}

/// A bridge with this sink and somebody who has chatted: who that is at Haptik.
async fn scene(desk: &FakeCrm, more: &str) -> anyhow::Result<(Stage, (String, String))> {
    let stage = Stage::with(sink(desk, more), echo).await?;
    let user = chat(&stage, "U00000ASHA").await;
    Ok((stage, user))
}

/// Delivers that the conversation of a user is complete.
async fn complete(stage: &Stage, user: &(String, String)) {
    let name = "webhook_conversation_complete";
    deliver(stage, &completion(name, (&user.0, &user.1), &json!({}))).await;
}

fn description(ticket: &Ticket) -> String {
    Kind::Zendesk.description(ticket)
}

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

/// Has somebody chat, and returns who it is at Haptik.
async fn chat(stage: &Stage, user: &str) -> (String, String) {
    let event = stage.slack.dm(user, "hi");
    let client = stage.slack.client();
    client.send(&stage.channel_url("acme-slack"), &event).await;
    stage
        .slack
        .wait_for_text(event.channel(), "You said: hi.")
        .await;
    let records = stage.simulator();
    let auth_id = records.records(|seen| seen.messages.last().expect("one").auth_id.clone());
    let id = AuthId::from(auth_id.as_str());
    let user = stage.local.bridge.users.get(&id);
    let user = user.await.expect("the map").expect("the user");
    (auth_id, user.user_name.expect("Haptik has said it"))
}

fn completion(name: &str, user: (&str, &str), details: &Value) -> Value {
    let mut event = json!({
        "event_name": name,
        "timestamp": Timestamp::now().to_string(),
        "business_id": 343,
        "user": {"auth_id": user.0, "user_name": user.1},
        "agent": {"name": "gogo", "is_automated": true},
    });
    if name == "chat_complete" {
        event["message"] = json!({"id": 99_999_999, "body": {"text": "The conversation has been completed", "type": "SYSTEM", "data": {}}});
    } else {
        event["data"] = json!({
            "conversation_no": "1",
            "conversation_identifier": format!("conversation-of-{}", user.0),
            "completion_type": "agent",
            "completion_by": "Prateek",
            "closing_categories": {"reason": "Refund"},
            "conversation_details": details,
            "user_details": {"name": "Asha", "email": "asha@x.example"},
        });
    }
    event
}

async fn deliver(stage: &Stage, event: &Value) {
    let body = event.to_string();
    let secret = stage.simulator().settings().webhook_secret.clone();
    let response = haptik_bridge_tests::app::client()
        .expect("a client")
        .post(format!("{}/haptik/main", stage.url))
        .header(
            "x-hub-signature",
            format!(
                "sha1={}",
                signature(secret.expose_secret(), body.as_bytes())
            ),
        )
        .body(body)
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn both_completion_events_in_any_order_and_number_are_one_ticket_with_the_transcript()
-> anyhow::Result<()> {
    let orders = [
        ["webhook_conversation_complete", "chat_complete"],
        ["chat_complete", "webhook_conversation_complete"],
    ];
    for order in orders {
        // Longer than `chat_complete` is held, so that it makes the ticket when it comes first.
        for between in [Duration::ZERO, Duration::from_millis(700)] {
            let desk = FakeCrm::zendesk().await;
            let (stage, (auth_id, user_name)) = scene(&desk, "").await?;
            if between.is_zero() {
                desk.fail_next(CREATION.0, CREATION.1, 2, Fault::Status(503));
            }
            let events = order
                .map(|name| completion(name, (&auth_id, &user_name), &json!({"order_no": "A-1"})));
            for _ in 0..3 {
                deliver(&stage, &events[0]).await;
            }
            tokio::time::sleep(between).await;
            for _ in 0..3 {
                deliver(&stage, &events[1]).await;
                deliver(&stage, &events[0]).await;
            }
            desk.wait_for_tickets(1).await;
            stage.finish().await?;
            let ticket = desk.wait_for_tickets(1).await.remove(0);
            let body = description(&ticket);
            assert!(
                body.contains("user: hi\n") && body.contains("You said: hi."),
                "{body}"
            );
            let comments = Kind::Zendesk.comments(&ticket);
            assert!(comments.len() <= 1, "{comments:?}");
            let said = body + comments.first().map_or("", String::as_str);
            assert_eq!(said.matches("order_no: A-1").count(), 1, "{said}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn details_of_any_kind_are_in_the_ticket() -> anyhow::Result<()> {
    let desk = FakeCrm::zendesk().await;
    let custom = "custom_fields = { 1 = '{{ conversation_details.number }}', 2 = '{{ conversation_details.html }}', 3 = '{{ conversation_details.none }}' }";
    let (stage, user) = scene(&desk, custom).await?;
    let mut details = json!({
        "html": "<script>alert('x')</script> & \"more\"", "none": null, "number": 49.9,
        "nested": {"list": [1, null, {"deep": "<b>"}]},
    });
    for index in 0..500 {
        details[format!("key {index} <i>")] = json!(format!("value {index}"));
    }
    let event = completion(
        "webhook_conversation_complete",
        (&user.0, &user.1),
        &details,
    );
    deliver(&stage, &event).await;
    let ticket = desk.wait_for_tickets(1).await.remove(0);
    let body = description(&ticket);
    assert!(
        body.contains("html: <script>alert('x')</script> & \"more\"\n"),
        "{body}"
    );
    assert!(
        body.contains("nested: {\"list\":[1,null,{\"deep\":\"<b>\"}]}\n"),
        "{body}"
    );
    assert!(body.contains("key 499 <i>: value 499\n"), "{body}");
    let fields = json!([
        {"id": 1, "value": 49.9},
        {"id": 2, "value": "<script>alert('x')</script> & \"more\""},
    ]);
    assert_eq!(ticket.fields["custom_fields"], fields);
    stage.finish().await
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
async fn a_refusal_is_kept_with_the_crms_own_words() -> anyhow::Result<()> {
    let desk = FakeCrm::zendesk().await;
    desk.fail_next(CREATION.0, CREATION.1, 1, Fault::Status(422));
    let (stage, user) = scene(&desk, "").await?;
    complete(&stage, &user).await;
    let dead = stage.finish_with_dead().await?;
    let [entry] = &dead[..] else {
        panic!("one refusal: {dead:#?}");
    };
    let reason = entry.reason.as_deref();
    assert_eq!(reason, Some("the sink refused (422) to create a ticket"));
    let words = entry.detail.as_ref().map(Detail::as_str);
    let page = "<html><body>something went wrong</body></html>";
    assert_eq!(words, Some(page));
    Ok(())
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

/// In full: `BURST=10000 cargo test -p haptik-bridge-tests --test end_to_end burst -- --nocapture`, with a
/// CRM that takes ten a second.
#[tokio::test]
async fn a_burst_keeps_to_the_rate_and_every_completion_arrives_once() -> anyhow::Result<()> {
    let in_full: Option<usize> = option_env!("BURST").and_then(|text| text.parse().ok());
    let count = in_full.unwrap_or(60);
    let desk = FakeCrm::zendesk().await;
    let rate = if in_full.is_some() { 10 } else { 40 };
    desk.allow_a_second(rate);
    // Faster than the CRM allows: what it refuses comes again, and more slowly.
    let lines = format!("rate_per_second = {}\ntranscript = 'none'", rate * 3 / 2);
    let stage = Stage::with(sink(&desk, &lines), echo).await?;
    let began = Instant::now();
    for index in 0..count {
        complete(&stage, &(format!("user{index}"), "somebody".to_owned())).await;
    }
    let accepted = began.elapsed();
    chat(&stage, "U00000ASHA").await;
    let until = Instant::now() + Duration::from_secs(60 + count as u64 / 4);
    while desk.ticket_count() < count && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(desk.ticket_count(), count);
    let calls = desk.calls();
    let refused = calls.iter().filter(|call| call.status == 429).count();
    eprintln!(
        "{count} completions were accepted in {accepted:.1?}, and tickets after {:.1?}; \
         {refused} of {} requests were answered 429",
        began.elapsed(),
        calls.len()
    );
    assert_eq!(calls.len(), count + refused);
    // Each time that the rate is lowered, a few are on their way.
    let most = 15.max(count / 50);
    assert!(refused <= most, "{refused} were asked for in vain");
    stage.finish().await
}

#[tokio::test]
async fn a_chat_is_answered_while_a_burst_waits_for_a_crm_that_hangs() -> anyhow::Result<()> {
    let desk = FakeCrm::zendesk().await;
    let (stage, _) = scene(&desk, "rate_per_second = 1000\ntranscript = 'none'").await?;
    desk.hold(true);
    for index in 0..100 {
        complete(&stage, &(format!("user{index}"), "somebody".to_owned())).await;
    }
    desk.wait_for_held_calls(3).await;
    chat(&stage, "U00000RAVI").await;
    assert_eq!(desk.calls().len(), 0, "the CRM has answered nobody yet");
    desk.hold(false);
    desk.wait_for_tickets(100).await;
    stage.finish().await
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

#[tokio::test]
async fn what_comes_after_the_completion_is_a_comment_in_order_and_once() -> anyhow::Result<()> {
    for longer_twin in [true, false] {
        let desk = FakeCrm::zendesk().await;
        let options = Options {
            haptik: Settings {
                completion_events: CompletionEvents {
                    conversation_complete: longer_twin,
                    chat_complete: true,
                },
                ..Settings::default()
            },
            ..sink(&desk, "follow_ups = true")
        };
        let stage = Stage::with(options, echo).await?;
        let (auth_id, _) = chat(&stage, "U00000ASHA").await;
        // The ticket is not there yet when they come.
        desk.hold(true);
        let haptik = stage.simulator();
        haptik.completes(&auth_id, CompletedBy::Agent)?;
        tokio::time::sleep(Duration::from_millis(20)).await;
        haptik.add_delivery_fault(DeliveryFault::of(DeliveryOutcome::Duplicate));
        for text in ["One more thing", "Two <b>more</b>", "Three"] {
            haptik.agent_says_text(&auth_id, text)?;
        }
        desk.wait_for_held_calls(1).await;
        desk.hold(false);
        desk.wait_until("three comments", || {
            desk.tickets()
                .first()
                .filter(|ticket| ticket.comments.len() >= 3)
                .map(|_| ())
        })
        .await;
        // And when it has long been there.
        haptik.agent_says_text(&auth_id, "Four")?;
        desk.wait_until("four comments", || {
            desk.tickets()
                .first()
                .filter(|ticket| ticket.comments.len() >= 4)
                .map(|_| ())
        })
        .await;
        // What is said once the user has written again is of another conversation.
        assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
        let event = stage.slack.dm("U00000ASHA", "hi again");
        let url = stage.channel_url("acme-slack");
        stage.slack.client().send(&url, &event).await;
        let channel = event.channel();
        stage
            .slack
            .wait_for_text(channel, "You said: hi again.")
            .await;
        stage.finish().await?;
        let ticket = desk.wait_for_tickets(1).await.remove(0);
        assert!(description(&ticket).contains("user: hi\n"));
        let comments = Kind::Zendesk.comments(&ticket);
        let said = ["One more thing", "Two <b>more</b>", "Three", "Four"];
        assert_eq!(comments.len(), said.len(), "{comments:#?}");
        for (comment, text) in comments.iter().zip(said) {
            assert!(
                comment.ends_with(&format!("Prateek: {text}")),
                "{comments:#?}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_has_waited_for_an_operator_for_a_day_is_not_given_up_at_its_first_failure()
-> anyhow::Result<()> {
    let desk = FakeCrm::zendesk().await;
    desk.revoke(true);
    let stage = Stage::with(sink(&desk, "transcript = 'none'"), echo).await?;
    let yesterday = Timestamp::now() - SignedDuration::from_hours(25);
    for user in ["asha", "ravi"] {
        let name = "webhook_conversation_complete";
        let body = completion(name, (user, user), &json!({})).to_string();
        let payload = Payload::Webhook {
            account: "main".into(),
            body: body.clone(),
        };
        let event = Event::read(body.as_bytes())?;
        let bridge = &stage.local.bridge;
        let context = RequestContext::new("haptik/main", yesterday);
        bridge
            .accept_for_sinks(context, &event, &payload, body.as_bytes())
            .await?;
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
