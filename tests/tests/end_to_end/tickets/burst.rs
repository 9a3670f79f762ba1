//! Many completions at once, of which a CRM takes so many a second or none.

use std::time::Duration;

use haptik_bridge_tests::Stage;
use haptik_bridge_tests::fake_crm::FakeCrm;
use tokio::time::Instant;

use super::{chat, complete, echo, scene, sink};

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
