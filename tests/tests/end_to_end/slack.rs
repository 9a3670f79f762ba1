use std::time::Duration;

use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::fake_slack::fixtures;
use haptik_bridge_tests::{Options, Stage};
use serde_json::json;

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}", message.text))]
}

#[tokio::test]
async fn a_direct_message_is_answered_where_it_was_written() -> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    let said = "hi &lt;there&gt;";
    let channel = stage.slack_user_says("U00000ASHA", said).await;
    let answer = format!("You said: {said}");
    let answer = stage.slack.wait_for_text(&channel, &answer).await;
    assert!(
        !answer.is_reply(),
        "an answer in a direct message opens no thread"
    );
    stage.finish().await
}

#[tokio::test]
async fn a_mention_comes_twice_and_is_answered_once_in_its_thread() -> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    let (mention, second) = stage
        .slack
        .mention("C000000001", "U00000ASHA", "what is new?", None);
    for event in [&second, &mention] {
        stage.slack_sends(event).await;
    }
    let answer = stage
        .slack
        .wait_for_text("C000000001", "You said: what is new?")
        .await;
    assert_eq!(answer.thread_ts.as_deref(), Some(mention.ts()));
    stage.slack.wait_for_messages("C000000001", 1).await;
    stage.haptik_was_told(1).await?;
    stage.finish().await
}

#[tokio::test]
async fn the_same_message_eleven_times_with_other_event_ids_is_said_once() -> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    let event = stage.slack.dm("U00000ASHA", "once");
    for number in 0..11 {
        let again = event.clone().with_event_id(&format!("Ev{number}"));
        stage.slack_sends(&again).await;
    }
    stage
        .slack
        .wait_for_text(event.channel(), "You said: once")
        .await;
    stage.haptik_was_told(1).await?;
    stage.finish().await
}

#[tokio::test]
async fn a_thread_reply_is_for_the_bot_only_where_it_was_addressed() -> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    let stranger = stage.slack.channel_message(
        "C000000001",
        "U00000ASHA",
        "not for the bot",
        Some("1700000000.000100"),
    );
    let chatter = stage
        .slack
        .channel_message("C000000001", "U00000ASHA", "nor is this", None);
    let (mention, _) = stage
        .slack
        .mention("C000000001", "U00000ASHA", "first", None);
    for event in [&stranger, &chatter, &mention] {
        stage.slack_sends(event).await;
    }
    stage
        .slack
        .wait_for_text("C000000001", "You said: first")
        .await;
    let reply =
        stage
            .slack
            .channel_message("C000000001", "U00000ASHA", "second", Some(mention.ts()));
    let by_another = stage.slack.channel_message(
        "C000000001",
        "U00000RAVI",
        "between people",
        Some(mention.ts()),
    );
    for event in [&reply, &by_another] {
        stage.slack_sends(event).await;
    }
    let answer = stage
        .slack
        .wait_for_text("C000000001", "You said: second")
        .await;
    assert_eq!(answer.thread_ts.as_deref(), Some(mention.ts()));
    stage.slack.wait_for_messages("C000000001", 2).await;
    stage.finish().await
}

#[tokio::test]
async fn in_thread_mode_each_thread_of_a_user_is_one_conversation() -> anyhow::Result<()> {
    let options = Options {
        slack: r#"conversation = "thread""#,
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    let (first, _) = stage.slack.mention("C000000001", "U00000ASHA", "one", None);
    let (other, _) = stage.slack.mention("C000000001", "U00000ASHA", "two", None);
    let joined = stage
        .slack
        .channel_message("C000000001", "U00000ASHA", "three", Some(first.ts()));
    for event in [&first, &other, &joined] {
        stage.slack_sends(event).await;
    }
    for (text, thread) in [("one", &first), ("two", &other), ("three", &first)] {
        let answer = stage
            .slack
            .wait_for_text("C000000001", &format!("You said: {text}"))
            .await;
        assert_eq!(answer.thread_ts.as_deref(), Some(thread.ts()), "{text}");
    }
    stage.simulator().records(|seen| {
        let who = |text: &str| {
            seen.messages
                .iter()
                .find(|said| said.text == text)
                .map(|said| &said.auth_id)
        };
        assert_eq!(who("one"), who("three"));
        assert_ne!(who("one"), who("two"));
    });
    stage.finish().await
}

#[tokio::test]
async fn bots_and_system_messages_are_not_forwarded() -> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    let event = stage.slack.dm("U00000ASHA", "hi");
    stage.slack_sends(&event).await;
    let answer = stage
        .slack
        .wait_for_text(event.channel(), "You said: hi")
        .await;
    let ignored = [
        stage.slack.echo(&answer),
        stage.slack.bot_message(event.channel(), "beep"),
        stage.slack.other_app_message(event.channel(), "boop"),
        stage.slack.message_changed(&event, "hi!"),
        stage.slack.message_deleted(&event),
        stage.slack.channel_join("C000000001", "U00000ASHA"),
    ];
    for event in &ignored {
        stage.slack_sends(event).await;
    }
    stage.haptik_was_told(1).await?;
    stage.finish().await
}

#[tokio::test]
async fn a_user_is_registered_once_with_the_profile_that_slack_has() -> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    let (channel, _) = tokio::join!(
        stage.slack_user_says("U00000ASHA", "one"),
        stage.slack_user_says("U00000ASHA", "two"),
    );
    stage.slack.wait_for_messages(&channel, 2).await;
    assert_eq!(stage.slack.calls("users.info").len(), 1);
    stage.simulator().records(|seen| {
        assert_eq!(seen.users.len(), 1);
        let fields = &seen.users.last().expect("one user").fields;
        for key in ["name", "email", "language_code"] {
            assert!(
                fields[key].as_str().is_some_and(|text| !text.is_empty()),
                "{key}: {fields:?}"
            );
        }
        assert!(fields["custom_data"]["time_zone"].is_string(), "{fields:?}");
    });
    stage.finish().await
}

#[tokio::test]
async fn a_tap_sends_what_the_bot_expects_and_leaves_what_the_user_chose() -> anyhow::Result<()> {
    let stage = Stage::with_bot(|message: &UserMessage| match message.text.as_str() {
        "hi" => vec![Reply::Hsl(json!({"text": "Well?", "type": "TEXT", "data": {"quick_replies": [
            {"actionable_text": "Stop", "type": "TEXT_ONLY", "payload": {"message": "Stop it{task: 7}", "gogo_message": ""}},
            {"actionable_text": "Go on", "type": "TEXT_ONLY", "payload": {"message": "Go", "gogo_message": "go{on}"}},
        ]}}))],
        text => vec![Reply::Text(format!("You said: {text}"))],
    })
    .await?;
    let channel = stage.slack_user_says("U00000ASHA", "hi").await;
    let question = stage.slack.wait_for_text(&channel, "Well?").await;
    let tap = stage.slack.tap(&question, "U00000ASHA", "Stop");
    for _ in 0..3 {
        stage.slack_sends(&tap).await;
    }
    stage
        .slack
        .wait_for_text(&channel, "You said: Stop it")
        .await;
    // The machine part is for the bot alone.
    stage.simulator().records(|seen| {
        let said = seen.messages.last().map(|message| message.text.as_str());
        assert_eq!(said, Some("Stop it{task: 7}"));
    });
    let chosen = stage.slack.wait_for_text(&channel, "Stop it").await;
    let question = stage
        .slack
        .wait_until("the replies to go away", Duration::from_secs(5), || {
            stage
                .slack
                .message(&channel, &question.ts)
                .filter(|question| question.buttons().is_empty())
        })
        .await;
    let shown = question.visible_text();
    assert!(
        shown.contains("Well?") && shown.contains("Stop it") && !shown.contains('{'),
        "{shown}"
    );
    assert!(chosen.ts >= question.ts);
    stage.haptik_was_told(2).await?;
    stage.finish().await
}

#[tokio::test]
async fn a_tap_too_long_for_slack_still_sends_every_character() -> anyhow::Result<()> {
    let long = "x".repeat(5_000);
    let sent = long.clone();
    let stage = Stage::with_bot(move |message: &UserMessage| match message.text.as_str() {
        "hi" => vec![Reply::Hsl(json!({"text": "Well?", "type": "BUTTON", "data": {"items": [
            {"actionable_text": "Long", "type": "TEXT_ONLY", "payload": {"message": "Long", "gogo_message": sent}},
        ]}}))],
        text => vec![Reply::Text(format!("{} characters", text.len()))],
    })
    .await?;
    let channel = stage.slack_user_says("U00000ASHA", "hi").await;
    let question = stage.slack.wait_for_text(&channel, "Well?").await;
    let tap = stage.slack.tap(&question, "U00000ASHA", "Long");
    stage.slack_sends(&tap).await;
    stage.slack.wait_for_text(&channel, "5000 characters").await;
    stage.finish().await
}

#[tokio::test]
async fn a_card_that_is_tapped_stays_and_shows_what_was_chosen() -> anyhow::Result<()> {
    let card = |title: &str| {
        json!({"title": title, "thumbnail": {"image": "https://a.example/a.png"}, "actionables": [
            {"actionable_text": format!("Buy {title}"), "payload": {"message": format!("I take the {title}")}},
            {"actionable_text": "More", "type": "APP_ACTION", "uri": "LINK", "payload": {"url": "https://a.example/?a=1&b=2"}},
        ]})
    };
    let carousel =
        json!({"text": "Well?", "type": "CAROUSEL", "data": {"items": [card("Hat"), card("Bag")]}});
    let stage = Stage::with_bot(move |message: &UserMessage| match message.text.as_str() {
        "hi" => vec![Reply::Hsl(carousel.clone())],
        text => vec![Reply::Text(format!("You said: {text}"))],
    })
    .await?;
    let channel = stage.slack_user_says("U00000ASHA", "hi").await;
    let offer = stage.slack.wait_for_text(&channel, "Well?").await;
    assert_eq!(offer.blocks[1]["type"], "carousel");
    assert_eq!(
        offer.text,
        "Well?\nHat\nChoose: Buy Hat\nMore: <https://a.example/?a=1&amp;b=2>\nBag\nChoose: Buy Bag\nMore: <https://a.example/?a=1&amp;b=2>"
    );
    let tap = stage.slack.tap(&offer, "U00000ASHA", "Buy Bag");
    stage.slack_sends(&tap).await;
    stage
        .slack
        .wait_for_text(&channel, "You said: I take the Bag")
        .await;
    let chosen = stage
        .slack
        .wait_for_text(&channel, "✓ I take the Bag")
        .await;
    assert_eq!((&chosen.ts, chosen.blocks.len()), (&offer.ts, 3));
    assert_eq!(chosen.blocks[1]["elements"], offer.blocks[1]["elements"]);
    assert!(
        chosen.text.ends_with("\n✓ I take the Bag"),
        "{}",
        chosen.text
    );
    stage.finish().await
}

#[tokio::test]
async fn a_file_and_its_text_reach_haptik_once_each() -> anyhow::Result<()> {
    let stage = Stage::with_bot(|_: &UserMessage| Vec::new()).await?;
    let png = stage
        .slack
        .add_file("bill.png", "image/png", vec![7_u8; 2_000]);
    let exe = stage
        .slack
        .add_file("tool.exe", "application/octet-stream", vec![7_u8; 10]);
    let channel = stage.slack.dm_channel("U00000ASHA");
    let event = stage
        .slack
        .file_share(&channel, "U00000ASHA", "my bill", &[png.clone(), exe]);
    let second = stage.slack.file_shared(&channel, "U00000ASHA", &png);
    for event in [&event, &second] {
        stage.slack_sends(event).await;
    }
    let told = stage.haptik_was_told(2).await?;
    assert_eq!(told[0], "my bill");
    assert!(told[1].contains("tool.exe"), "{told:?}");
    stage.simulator().records(|seen| {
        let file = seen.files.last().expect("a file");
        assert_eq!(
            (seen.files.len(), file.name.as_str(), file.size),
            (1, "bill.png", 2_000)
        );
    });
    stage.finish().await
}

#[tokio::test]
async fn the_file_of_a_mention_comes_with_either_of_its_events() -> anyhow::Result<()> {
    let stage = Stage::with_bot(|_: &UserMessage| Vec::new()).await?;
    let channel = "C000000001";
    for (number, order) in [[0, 1], [1, 0]].into_iter().enumerate() {
        let png = stage
            .slack
            .add_file(&format!("{number}.png"), "image/png", vec![7_u8; 200]);
        let text = format!("see {number}");
        let (mention, message) = stage.slack.mention(channel, "U00000ASHA", &text, None);
        let message = message
            .with("subtype", json!("file_share"))
            .with("files", json!([png]));
        let events = [mention, message];
        for index in order.into_iter().chain(order) {
            stage.slack_sends(&events[index]).await;
        }
        let came = |seen: &haptik_bridge_simulator::Records| seen.files.len() > number;
        let patience = std::time::Duration::from_secs(30);
        stage.simulator().wait_until(patience, came).await?;
    }
    assert_eq!(stage.haptik_was_told(2).await?, ["see 0", "see 1"]);
    stage.simulator().records(|seen| {
        let names: Vec<_> = seen.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["0.png", "1.png"]);
    });
    stage.finish().await
}

#[tokio::test]
async fn every_sample_that_slack_publishes_is_acknowledged() -> anyhow::Result<()> {
    let stage = Stage::with_bot(|_: &UserMessage| Vec::new()).await?;
    let url = stage.channel_url("acme-slack");
    let samples = fixtures();
    assert!(samples.len() > 100);
    for sample in samples {
        let reply = stage.slack.client().deliver(&url, sample.delivery()).await;
        assert_eq!(reply.status, 200, "{}: {}", sample.name, reply.body);
        assert!(
            reply.is_acknowledged(),
            "{} took {:?}",
            sample.name,
            reply.took
        );
    }
    // The messages and files of the samples are in no workspace: there is nothing to react to or to fetch.
    let refused = stage.slack.take_refusals();
    let is_expected = |error: &str| ["message_not_found", "file_not_found"].contains(&error);
    assert!(
        refused.iter().all(|call| is_expected(&call.error)),
        "{refused:#?}"
    );
    for expected in [
        "good morning 👋🏻 :acme-logo:",
        "Forwarded message from Ravi: The order is late",
    ] {
        stage
            .simulator()
            .wait_until(Duration::from_secs(20), |seen| {
                seen.messages.iter().any(|said| said.text == expected)
            })
            .await?;
    }
    let dead = stage.finish_with_dead().await?;
    for entry in &dead {
        assert!(
            entry.lane.to_string().starts_with("not_understood#"),
            "{} {:?}",
            entry.lane,
            entry.reason
        );
    }
    Ok(())
}

#[tokio::test]
async fn every_element_of_the_simulated_bot_is_shown_and_none_is_refused() -> anyhow::Result<()> {
    let stage = Stage::start().await?;
    let mut labels = vec!["Text".to_owned()];
    let mut number = 0;
    // The last is the agent, who does not know the menu.
    while labels
        .get(number)
        .is_some_and(|label| !label.to_lowercase().contains("agent"))
    {
        let channel = stage.slack_user_says("U00000ASHA", "hi").await;
        // Replies go away once one is used: the menu that still has some is the new one.
        let menu = stage
            .slack
            .wait_until("the menu", Duration::from_secs(10), || {
                let mut messages = stage.slack.messages(&channel).into_iter();
                messages.rfind(|message| message.buttons().len() > 10)
            });
        let menu = menu.await;
        labels = menu
            .buttons()
            .into_iter()
            .map(|button| button.label)
            .collect();
        let (label, said) = (
            &labels[number],
            stage.simulator().records(|seen| seen.messages.total()),
        );
        let tap = stage.slack.tap(&menu, "U00000ASHA", label);
        stage.slack_sends(&tap).await;
        let told = stage
            .simulator()
            .wait_until(Duration::from_secs(10), |seen| seen.messages.total() > said);
        told.await?;
        stage
            .slack
            .wait_until("the choice", Duration::from_secs(10), || {
                stage
                    .slack
                    .message(&channel, &menu.ts)
                    .filter(|menu| menu.buttons().is_empty())
            })
            .await;
        number += 1;
    }
    assert!(number > 15, "{labels:?}");
    stage.finish().await
}

#[tokio::test]
async fn what_stays_after_a_tap_is_read_as_it_was() -> anyhow::Result<()> {
    let bot = |message: &UserMessage| match message.text.as_str() {
        "hi" => vec![Reply::Hsl(
            json!({"text": "Choose", "type": "BUTTON", "data": {"items": [
                {"actionable_text": "Terms & <b>", "payload": {"message": "terms"}},
                {"actionable_text": "More", "payload": {"message": "more"}},
            ]}}),
        )],
        _ => echo(message),
    };
    let stage = Stage::with_bot(bot).await?;
    let channel = stage.slack_user_says("U00000ASHA", "hi").await;
    let offered = stage.slack.wait_for_text(&channel, "Choose").await;
    for label in ["More", "Terms & <b>"] {
        let tap = stage.slack.tap(&offered, "U00000ASHA", label);
        stage.slack_sends(&tap).await;
    }
    let choice = stage.slack.wait_for_text(&channel, "✓ terms").await;
    assert!(
        choice.text.contains("Terms &amp; &lt;b&gt; · More"),
        "read alone: {}",
        choice.text
    );
    stage.finish().await
}
