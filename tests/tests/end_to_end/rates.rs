//! Limits of one's own: what a connection or an account may bring in a second.

use haptik_bridge_simulator::{Reply, UserMessage};
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
