//! What there is in Slack beside messages and taps: reactions, agents' names, commands, shortcuts, the
//! Home tab, the assistant, odd files, edits.

use std::time::{Duration, Instant};

use haptik_bridge_simulator::{Bot, Reply, UserMessage};
use haptik_bridge_tests::fake_slack::{Delivery, Fault};
use haptik_bridge_tests::{Options, Stage};
use jiff::Timestamp;
use serde_json::json;

const ASHA: &str = "U00000ASHA";

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}", message.text))]
}

#[tokio::test]
async fn a_message_is_marked_within_a_second_and_unmarked_with_the_answer() -> anyhow::Result<()> {
    let stage = Stage::with_bot(|message: &UserMessage| match message.text.as_str() {
        "quiet" => Vec::new(),
        text => vec![Reply::Text(format!("You said: {text}"))],
    })
    .await?;
    let quiet = stage.slack.dm(ASHA, "quiet");
    let reactions = |ts: &str| {
        let message = stage.slack.message(quiet.channel(), ts);
        message.map(|message| message.reactions).unwrap_or_default()
    };
    let start = Instant::now();
    stage.slack_sends(&quiet).await;
    stage
        .slack
        .wait_until("the reaction", Duration::from_secs(1), || {
            reactions(quiet.ts())
                .first()
                .cloned()
                .filter(|(name, _)| name == "eyes")
        })
        .await;
    assert!(start.elapsed() < Duration::from_secs(1));
    let loud = stage.slack.dm(ASHA, "loud");
    stage.slack_sends(&loud).await;
    stage
        .slack
        .wait_for_text(quiet.channel(), "You said: loud")
        .await;
    for event in [&quiet, &loud] {
        stage
            .slack
            .wait_until("no reaction", Duration::from_secs(5), || {
                reactions(event.ts()).is_empty().then_some(())
            })
            .await;
    }
    assert_eq!(stage.slack.calls("reactions.add").len(), 2);
    stage.finish().await
}

#[tokio::test]
async fn without_the_scope_for_reactions_everything_else_works() -> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    stage
        .slack
        .fail_next("reactions.add", 9, Fault::Refused("missing_scope".into()));
    let channel = stage.slack_user_says(ASHA, "hi").await;
    stage.slack.wait_for_text(&channel, "You said: hi").await;
    assert!(stage.slack.calls("reactions.remove").is_empty());
    stage.finish().await
}

#[tokio::test]
async fn no_reaction_is_made_where_none_is_wanted() -> anyhow::Result<()> {
    let options = Options {
        slack: r#"reaction = """#,
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    let channel = stage.slack_user_says(ASHA, "hi").await;
    stage.slack.wait_for_text(&channel, "You said: hi").await;
    assert!(stage.slack.calls("reactions.add").is_empty());
    stage.finish().await
}

/// A bot that hands over to an agent at once.
struct HandsOver;

impl Bot for HandsOver {
    fn answer(&self, _: &UserMessage) -> Vec<Reply> {
        vec![Reply::AgentJoins { team_name: None }]
    }

    fn agent_answer(&self, message: &UserMessage) -> Vec<Reply> {
        echo(message)
    }
}

#[tokio::test]
async fn an_agent_speaks_under_a_name_of_their_own_where_the_app_may() -> anyhow::Result<()> {
    let stage = Stage::with(Options::default(), HandsOver).await?;
    let channel = stage.slack_user_says(ASHA, "help").await;
    stage.slack.wait_for_messages(&channel, 1).await;
    stage.slack_user_says(ASHA, "one").await;
    let answer = stage.slack.wait_for_text(&channel, "You said: one").await;
    let name = answer.username.expect("the agent's name");
    assert!(!name.is_empty() && !answer.text.contains(&name));
    stage.slack.fail_next(
        "chat.postMessage",
        1,
        Fault::Refused("missing_scope".into()),
    );
    stage.slack_user_says(ASHA, "two").await;
    let answer = stage.slack.wait_for_text(&channel, "You said: two").await;
    assert_eq!(answer.username, None);
    assert!(answer.visible_text().contains(&name));
    stage.finish().await
}

#[tokio::test]
async fn a_slash_command_is_answered_in_the_direct_conversation() -> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    let command = stage
        .slack
        .slash_command("C000000001", ASHA, "/haptik", "where is &lt;it&gt;?");
    // A command has no time but that with which its request is signed.
    let request = Delivery::of(&command).signed_at(Timestamp::now());
    let url = stage.channel_url("acme-slack");
    for _ in 0..2 {
        let reply = stage.slack.client().deliver(&url, &request).await;
        assert!(reply.is_acknowledged(), "{reply:?}");
        assert!(reply.body.contains("ephemeral"), "{}", reply.body);
    }
    let channel = stage.slack.dm_channel(ASHA);
    stage
        .slack
        .wait_for_text(&channel, "You said: where is &lt;it&gt;?")
        .await;
    let bare = stage.slack.slash_command(&channel, ASHA, "/haptik", "");
    stage.slack_sends(&bare).await;
    stage.slack.wait_for_text(&channel, "You said: Hi").await;
    // A direct message of other people, where the app is not.
    let elsewhere = stage
        .slack
        .slash_command("D0SOMEBODY", ASHA, "/haptik", ":wave: two");
    let reply = stage.slack_sends(&elsewhere).await;
    assert!(reply.body.contains("direct messages"), "{}", reply.body);
    stage
        .slack
        .wait_for_text(&channel, "You said: 👋 two")
        .await;
    assert_eq!(stage.haptik_was_told(3).await?[2], "👋 two");
    stage.finish().await
}

/// The address is the person, whose direct messages Slack tells only when they are asked for by name.
#[tokio::test]
async fn the_answer_to_a_command_that_slack_took_without_saying_so_is_not_posted_twice()
-> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    let channel = stage.slack.dm_channel(ASHA);
    for (number, fault) in [Fault::CutAfter, Fault::CutBefore].into_iter().enumerate() {
        stage.slack.fail_next("chat.postMessage", 1, fault);
        let said = format!("order {number}");
        let command = stage
            .slack
            .slash_command("C000000001", ASHA, "/haptik", &said);
        stage.slack_sends(&command).await;
        let answer = format!("You said: {said}");
        stage.slack.wait_for_text(&channel, &answer).await;
        assert!(stage.local.queue.idle(Duration::from_secs(20)).await);
        stage.slack.wait_for_messages(&channel, number + 1).await;
    }
    assert!(!stage.slack.calls("conversations.open").is_empty());
    stage.finish().await
}

#[tokio::test]
async fn a_shortcut_asks_about_a_message() -> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    let message = json!({"type": "message", "user": "U00000RAVI", "ts": stage.slack.mint_ts(), "text": "Refund &amp; return?"});
    let shortcut = stage.slack.message_shortcut("C000000001", ASHA, &message);
    stage.slack_sends(&shortcut).await;
    let channel = stage.slack.dm_channel(ASHA);
    stage
        .slack
        .wait_for_text(&channel, "You asked about: Refund &amp; return?")
        .await;
    stage
        .slack
        .wait_for_text(&channel, "You said: Refund &amp; return?")
        .await;
    // The person reads the names that Haptik gets, and what there is where there are no words.
    let file = json!({"id": "F00000GONE", "name": "bill.zip"});
    let named = json!({"type": "message", "user": "U00000RAVI", "ts": stage.slack.mint_ts(), "text": "ask <@U00000RAVI>", "files": [file]});
    let shortcut = stage.slack.message_shortcut("C000000001", ASHA, &named);
    stage.slack_sends(&shortcut).await;
    let asked = stage
        .slack
        .wait_for_text(&channel, "You asked about: ask @")
        .await;
    let said = asked.visible_text();
    assert!(
        !said.contains("U00000RAVI") && said.contains("bill.zip"),
        "{said}"
    );
    stage.slack.wait_for_text(&channel, "You said: ask @").await;
    stage.abandon();
    Ok(())
}

#[tokio::test]
async fn the_home_tab_welcomes_and_its_button_begins_a_conversation() -> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    let opened = json!({"type": "app_home_opened", "user": ASHA, "channel": stage.slack.dm_channel(ASHA), "tab": "home", "event_ts": stage.slack.mint_ts()});
    stage.slack_sends(&stage.slack.envelope(&opened)).await;
    let home = stage
        .slack
        .wait_until("the Home tab", Duration::from_secs(5), || {
            stage.slack.home(ASHA)
        })
        .await;
    let mut again = opened;
    again["view"] = home.view.clone();
    stage.slack_sends(&stage.slack.envelope(&again)).await;
    stage
        .slack_sends(&stage.slack.tap_home(&home, ASHA, "start"))
        .await;
    let channel = stage.slack.dm_channel(ASHA);
    stage.slack.wait_for_text(&channel, "You said: Hi").await;
    assert_eq!(stage.slack.calls("views.publish").len(), 1);
    stage.finish().await
}

#[tokio::test]
async fn the_assistant_welcomes_suggests_and_shows_that_it_thinks() -> anyhow::Result<()> {
    let options = Options {
        slack: "welcome = \"Good morning & welcome\"\nsuggested_prompts = [\"Where is my order?\"]",
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    let (channel, thread) = (stage.slack.dm_channel(ASHA), stage.slack.mint_ts());
    let started = json!({"type": "assistant_thread_started", "event_ts": thread, "assistant_thread": {
        "user_id": ASHA, "context": {}, "channel_id": channel, "thread_ts": thread}});
    stage.slack_sends(&stage.slack.envelope(&started)).await;
    let welcome = stage
        .slack
        .wait_for_text(&channel, "Good morning &amp; welcome")
        .await;
    assert_eq!(welcome.thread_ts.as_ref(), Some(&thread));
    let message = stage
        .slack
        .dm_reply(ASHA, "Where is my order?", Some(&thread));
    stage.slack_sends(&message).await;
    let answer = stage.slack.wait_for_text(&channel, "You said").await;
    assert_eq!(answer.thread_ts.as_ref(), Some(&thread));
    assert_eq!(stage.slack.suggested_prompts(), [["Where is my order?"]]);
    let statuses = stage.slack.statuses();
    assert!(
        statuses
            .iter()
            .any(|(_, on, status)| *on == thread && status.contains("thinking")),
        "{statuses:?}"
    );
    assert!(stage.slack.calls("reactions.add").is_empty());
    stage.finish().await
}

#[tokio::test]
async fn files_that_cannot_be_passed_on_are_named_to_the_user() -> anyhow::Result<()> {
    let stage = Stage::with_bot(|_: &UserMessage| Vec::new()).await?;
    let channel = stage.slack.dm_channel(ASHA);
    let add =
        |name: &str, kind: &str, size: usize| stage.slack.add_file(name, kind, vec![7_u8; size]);
    let pdf = stage
        .slack
        .file_stub(&add("bill.pdf", "application/pdf", 900));
    let exe = add("tool.exe", "application/octet-stream", 10);
    let large = add("large.png", "image/png", 11 * 1024 * 1024);
    let mut gone = stage.slack.file_stub(&pdf);
    gone["id"] = json!("F0GONE");
    let event = stage
        .slack
        .file_share(&channel, ASHA, "", &[pdf, exe, large, gone]);
    stage.slack_sends(&event).await;
    stage
        .slack
        .wait_for_text(&channel, "tool.exe” could not be passed on. Pictures")
        .await;
    stage
        .slack
        .wait_for_text(&channel, "large.png” could not be passed on: it is larger")
        .await;
    stage
        .slack
        .wait_for_text(&channel, "could not be opened")
        .await;
    stage.simulator().records(|seen| {
        let names: Vec<_> = seen.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["bill.pdf"]);
    });
    let refused = stage.slack.take_refusals();
    assert!(
        refused
            .iter()
            .all(|refusal| refusal.error == "file_not_found"),
        "{refused:?}"
    );
    stage.finish().await
}

#[tokio::test]
async fn edits_and_deletions_are_told_where_that_is_wanted() -> anyhow::Result<()> {
    let options = Options {
        slack: "tell_edits = true",
        ..Options::default()
    };
    let stage = Stage::with(options, |_: &UserMessage| Vec::new()).await?;
    let event = stage.slack.dm(ASHA, "blue");
    stage.slack_sends(&event).await;
    stage.haptik_was_told(1).await?;
    for change in [
        stage.slack.message_changed(&event, "blue"),
        stage.slack.message_changed(&event, "red &amp; green"),
        stage.slack.message_deleted(&event),
        stage.slack.message_deleted_with_replies(&event),
    ] {
        stage.slack_sends(&change).await;
        stage.slack_sends(&change).await;
    }
    assert_eq!(
        stage.haptik_was_told(4).await?,
        [
            "blue",
            "Edited message: red & green",
            "Deleted message: blue",
            "Deleted message: blue"
        ]
    );
    stage.finish().await
}

#[tokio::test]
async fn people_and_channels_are_called_by_their_names() -> anyhow::Result<()> {
    let stage = Stage::with_bot(|_: &UserMessage| Vec::new()).await?;
    stage
        .slack_user_says(
            ASHA,
            "did <@U00000RAVI> or <@U00000MIRA|mira> say so in <#C000000001|>?",
        )
        .await;
    assert_eq!(
        stage.haptik_was_told(1).await?,
        ["did @Person u00000ravi or @mira say so in #channel-c000000001?"]
    );
    stage.finish().await
}
