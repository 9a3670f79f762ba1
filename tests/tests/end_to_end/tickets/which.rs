//! Which ticket a completion makes.

use std::time::Duration;

use haptik_bridge_tests::Stage;
use haptik_bridge_tests::fake_crm::FakeCrm;
use serde_json::json;

use super::{chat, complete, completion, deliver, description, echo, sink};

#[tokio::test]
async fn two_sinks_of_one_crm_make_a_ticket_each() -> anyhow::Result<()> {
    let desk = FakeCrm::zendesk().await;
    let mut options = sink(&desk, "");
    options.tables += &options.tables.replace("[sinks.crm]", "[sinks.other]");
    let stage = Stage::with(options, echo).await?;
    let user = chat(&stage, "U00000ASHA").await;
    complete(&stage, &user).await;
    desk.wait_for_tickets(2).await;
    stage.finish().await?;
    assert_eq!(desk.tickets().len(), 2, "{}", desk.report());
    Ok(())
}

#[tokio::test]
async fn the_twin_that_says_more_makes_the_ticket_when_it_comes_in_time() -> anyhow::Result<()> {
    let desk = FakeCrm::zendesk().await;
    let mut options = sink(&desk, "");
    options.limits.completion_wait = Duration::from_secs(3);
    let stage = Stage::with(options, echo).await?;
    let (auth_id, user_name) = chat(&stage, "U00000ASHA").await;
    for name in ["chat_complete", "webhook_conversation_complete"] {
        let details = json!({"order_no": "A-1"});
        let event = completion(name, (&auth_id, &user_name), &details);
        deliver(&stage, &event).await;
        // So that the shorter one is tried alone.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    desk.wait_for_tickets(1).await;
    stage.finish().await?;
    let ticket = desk.wait_for_tickets(1).await.remove(0);
    assert!(description(&ticket).contains("order_no: A-1"));
    assert!(ticket.comments.is_empty(), "{:?}", ticket.comments);
    Ok(())
}
