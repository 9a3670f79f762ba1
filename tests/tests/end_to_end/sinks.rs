use haptik_bridge_simulator::{CompletedBy, Reply, UserMessage};
use haptik_bridge_tests::app::{App, SECRET};
use haptik_bridge_tests::{Options, Stage};
use serde_json::json;

pub(crate) fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}.", message.text))]
}

pub(crate) fn sink(receiver: &App, events: &str) -> Options {
    let url = receiver.url();
    let tables = format!(
        "[sinks.audit]\ntype = \"webhook\"\nevents = {events}\nurl = \"{url}\"\nsigning_secrets = [\"{SECRET}\"]"
    );
    Options {
        tables,
        ..Options::default()
    }
}

#[tokio::test]
async fn a_sink_gets_the_events_that_it_wants_with_the_same_id_on_every_try() -> anyhow::Result<()>
{
    let receiver = App::start().await?;
    let stage = Stage::with(
        sink(&receiver, r#"["webhook_conversation_complete"]"#),
        echo,
    )
    .await?;
    let channel = stage.slack_user_says("U00000ASHA", "hi").await;
    stage.slack.wait_for_text(&channel, "You said: hi.").await;
    let auth_id = stage
        .simulator()
        .records(|seen| seen.messages.last().expect("one").auth_id.clone());
    receiver.answer_next(&[503]);
    stage.simulator().completes(&auth_id, CompletedBy::Bot)?;
    let callback = receiver.wait_for(1).await.remove(0);
    assert_eq!(callback.body["type"], "webhook_conversation_complete");
    assert_eq!(callback.body["data"]["user"]["auth_id"], json!(auth_id));
    assert!(callback.id.starts_with("msg_"));
    stage.finish().await
}

#[tokio::test]
async fn a_sink_that_is_down_does_not_hold_up_the_chat() -> anyhow::Result<()> {
    let receiver = App::start().await?;
    receiver.answer_next(&[500, 500]);
    let stage = Stage::with(sink(&receiver, r#"["*"]"#), echo).await?;
    let channel = stage.slack_user_says("U00000ASHA", "hi").await;
    stage.slack.wait_for_text(&channel, "You said: hi.").await;
    assert!(receiver.callbacks().is_empty());
    receiver.wait_for(1).await;
    stage.finish().await
}
