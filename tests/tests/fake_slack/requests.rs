//! What the fake sends: signatures, events, interactions, samples.

use std::collections::HashSet;

use haptik_bridge_tests::fake_slack::{Delivery, FakeSlack, HeaderCase, Payload, fixtures};

use super::DM;

#[tokio::test]
async fn requests_are_signed_as_slack_documents() {
    // The example of https://docs.slack.dev/authentication/verifying-requests-from-slack
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let slack = FakeSlack::start().await;
    let delivery = Delivery::raw(body, "application/x-www-form-urlencoded")
        .signed_with("8f742231b10e8888abcd99yyyzzz85a5")
        .with_timestamp_header("1531420618");
    let (headers, _) = slack.client().signed_parts(&delivery);
    assert_eq!(
        headers["x-slack-signature"],
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    );
}

#[tokio::test]
async fn odd_header_names_arrive_as_they_are_written() -> anyhow::Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/channels/acme", listener.local_addr()?);
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await?;
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nfine").await?;
        anyhow::Ok(String::from_utf8_lossy(&request[..length]).into_owned())
    });
    let slack = FakeSlack::start().await;
    let delivery = Delivery::of(&slack.url_verification("c"))
        .with_header_case(HeaderCase::Upper)
        .as_retry(1, "http_timeout");
    let reply = slack.client().deliver(&url, &delivery).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "fine"));
    let request = server.await??;
    assert!(
        request.contains("X-SLACK-SIGNATURE: v0=") && request.contains("X-SLACK-RETRY-NUM: 1"),
        "{request}"
    );
    Ok(())
}

#[tokio::test]
async fn a_mention_and_its_twin_are_one_message_with_two_event_ids() {
    let slack = FakeSlack::start().await;
    let (mention, twin) = slack.mention("C0GENERAL", "U0ASHA", "hello", None);
    assert_eq!(
        (mention.ts(), mention.channel()),
        (twin.ts(), twin.channel())
    );
    assert_ne!(mention.event_id(), twin.event_id());
    assert_eq!(slack.conversation("C0GENERAL").len(), 1);
    assert!(
        slack.messages("C0GENERAL").is_empty(),
        "people's messages are not the bot's"
    );
    let again = mention.clone().with_event_id("Ev0AGAIN");
    assert_eq!((again.event_id(), again.ts()), ("Ev0AGAIN", mention.ts()));
}

#[tokio::test]
async fn slash_commands_and_taps_are_forms() {
    let slack = FakeSlack::start().await;
    let command = slack.slash_command(DM, "U0ASHA", "/help", "a b&c");
    let body = String::from_utf8(command.body()).expect("text");
    assert!(body.contains("command=%2Fhelp&text=a+b%26c&"), "{body}");
    assert_eq!(command.content_type(), "application/x-www-form-urlencoded");
}

#[test]
fn the_samples_are_complete_and_carry_no_tokens() {
    let samples = fixtures();
    let count = |prefix: &str| {
        samples
            .iter()
            .filter(|sample| sample.name.starts_with(prefix))
            .count()
    };
    assert!(count("event_") >= 25, "{} events", count("event_"));
    for kind in [
        "block_actions_button",
        "view_submission",
        "view_closed",
        "shortcut",
        "message_action",
        "block_suggestion",
    ] {
        assert_eq!(count(&format!("interaction_{kind}")), 1, "{kind}");
    }
    assert!(count("command_") >= 1);
    for sample in &samples {
        let text = sample.content.to_string();
        assert!(!text.contains("xox"), "{} has a token", sample.name);
    }
}

#[test]
fn no_two_sample_events_are_deliveries_of_the_same_one() {
    let mut seen = HashSet::new();
    for sample in fixtures() {
        if let Some(id) = sample.content["event_id"].as_str() {
            assert!(seen.insert(id.to_owned()), "{} repeats {id}", sample.name);
        }
    }
}
