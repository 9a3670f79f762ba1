//! Ticket sinks, with the whole bridge around them: one ticket, whatever comes how often and in which
//! order, and what is said after it.

use std::time::Duration;

use haptik_bridge_processor::Limits;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::retry::Detail;
use haptik_bridge_simulator::{
    CompletedBy, CompletionEvents, DeliveryFault, DeliveryOutcome, Settings, signature,
};
use haptik_bridge_tests::fake_crm::{FakeCrm, Fault, Kind, Ticket};
use haptik_bridge_tests::{Options, Stage};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::sinks::echo;

#[path = "tickets/breaker.rs"]
mod breaker;
#[path = "tickets/burst.rs"]
mod burst;
#[path = "tickets/credentials.rs"]
mod credentials;
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
        let said = ["One more thing", "Two more", "Three", "Four"];
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
