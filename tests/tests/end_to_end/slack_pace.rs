//! Slack's limits of messages, as the fake enforces them.

use std::time::{Duration, Instant};

use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::Stage;
use haptik_bridge_tests::fake_slack::Fault;

/// A little below Slack's second, so that no message is refused for a millisecond.
const INTERVAL: Duration = Duration::from_millis(950);

fn bot(message: &UserMessage) -> Vec<Reply> {
    match message.text.as_str() {
        "many" => (1..=8)
            .map(|number| Reply::Text(format!("answer {number}")))
            .collect(),
        "long" => vec![Reply::Text("word ".repeat(5_500))],
        text => vec![Reply::Text(format!("You said: {text}"))],
    }
}

fn refused(stage: &Stage) -> usize {
    let calls = stage.slack.calls("chat.postMessage");
    calls
        .iter()
        .filter(|call| call.outcome == "ratelimited")
        .count()
}

#[tokio::test]
async fn a_burst_of_answers_is_refused_once_and_no_other_user_waits() -> anyhow::Result<()> {
    let stage = Stage::with_bot(bot).await?;
    stage.slack.limit_messages(3, INTERVAL);
    let channel = stage.slack_user_says("U00000ASHA", "many").await;
    stage
        .slack
        .wait_until("the pause", Duration::from_secs(20), || {
            (refused(&stage) > 0).then_some(())
        })
        .await;
    let other = Instant::now();
    let quick = stage.slack_user_says("U00000RAVI", "quick").await;
    stage.slack.wait_for_text(&quick, "You said: quick").await;
    let quick_took = other.elapsed();
    let messages = stage.slack.wait_for_messages(&channel, 8).await;
    let texts: Vec<_> = messages
        .iter()
        .map(|message| message.text.as_str())
        .collect();
    let expected: Vec<_> = (1..=8).map(|number| format!("answer {number}")).collect();
    assert_eq!(texts, expected);
    // Without its pace, each of the last five would be refused first.
    assert!(refused(&stage) <= 2, "{} times", refused(&stage));
    assert!(
        quick_took < Duration::from_secs(3),
        "another user waited too: {quick_took:?}"
    );
    // What waits its turn is not in doubt: nobody has to ask what is there already.
    assert!(stage.slack.calls("conversations.history").is_empty());
    stage.finish().await
}

#[tokio::test]
async fn a_long_answer_arrives_whole_at_slacks_pace() -> anyhow::Result<()> {
    let stage = Stage::with_bot(bot).await?;
    stage.slack.limit_messages(4, INTERVAL);
    let channel = stage.slack_user_says("U00000ASHA", "long").await;
    let messages = stage.slack.wait_for_messages(&channel, 7).await;
    let words: usize = messages
        .iter()
        .map(|one| one.text.split_whitespace().count())
        .sum();
    assert_eq!(words, 5_500);
    assert!(refused(&stage) <= 2, "{} times", refused(&stage));
    stage.finish().await
}

#[tokio::test]
async fn a_lively_chat_goes_on_where_conversations_are_read_once_a_minute() -> anyhow::Result<()> {
    let stage = Stage::with_bot(bot).await?;
    let channel = stage.slack_user_says("U00000ASHA", "many").await;
    stage.slack.wait_for_messages(&channel, 8).await;
    stage.slack_user_says("U00000ASHA", "many").await;
    stage.slack.wait_for_messages(&channel, 16).await;
    stage.slack.limit_reading();
    // It is shown, and nobody hears of it: it is looked for, among more than are read at once.
    let posts = "chat.postMessage";
    stage.slack.fail_next(posts, 1, Fault::CutAfter);
    stage.slack_user_says("U00000ASHA", "quick").await;
    let looks = || stage.slack.calls("conversations.history").len();
    stage
        .slack
        .wait_until("a second page", Duration::from_secs(20), || {
            (looks() == 2).then_some(())
        })
        .await;
    assert!(stage.local.queue.idle(Duration::from_secs(20)).await);
    stage.slack_user_says("U00000ASHA", "another").await;
    stage
        .slack
        .wait_for_text(&channel, "You said: another")
        .await;
    let messages = stage.slack.wait_for_messages(&channel, 18).await;
    assert_eq!(messages[16].text, "You said: quick");
    stage.finish().await
}
