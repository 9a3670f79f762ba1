//! Faults on request, files, modals, reactions, the end of the fake.

use std::time::{Duration, Instant};

use haptik_bridge_tests::app;
use haptik_bridge_tests::fake_slack::Fault;
use serde_json::json;

use super::{Bridge, DM, actions, button, section};

#[tokio::test]
async fn faults_come_as_often_as_asked_for_and_where() -> anyhow::Result<()> {
    let bridge = Bridge::start().await;
    let slack = &bridge.slack;
    let say =
        |channel: &str| bridge.json("chat.postMessage", json!({"channel": channel, "text": "x"}));
    slack.fail_next(
        "chat.postMessage",
        1,
        Fault::Error("fatal_error".to_owned()),
    );
    assert_eq!(say(DM).await?.1["error"], "fatal_error");
    slack.fail_next_in(DM, "chat.postMessage", 1, Fault::RateLimited(7));
    assert_eq!(say("D0OTHER").await?.0, 200);
    let token = &slack.workspace().bot_token;
    let limited = bridge
        .http
        .post(bridge.url("chat.postMessage"))
        .bearer_auth(token);
    let limited = limited
        .json(&json!({"channel": DM, "text": "x"}))
        .send()
        .await?;
    assert_eq!(
        (
            limited.status().as_u16(),
            limited.headers()["retry-after"].to_str()?
        ),
        (429, "7")
    );
    slack.fail_next("*", 1, Fault::DropBefore);
    assert!(say(DM).await.is_err());
    assert!(
        slack.messages(DM).is_empty(),
        "dropped before it was stored"
    );
    slack.fail_next("chat.postMessage", 1, Fault::DropAfter);
    assert!(say(DM).await.is_err());
    assert_eq!(slack.messages(DM).len(), 1, "dropped after it was stored");
    slack.fail_next(
        "chat.postMessage",
        1,
        Fault::Delay(Duration::from_millis(60)),
    );
    let start = Instant::now();
    assert_eq!(say(DM).await?.0, 200);
    assert!(start.elapsed() >= Duration::from_millis(60));
    slack.set_down(true);
    assert!(say(DM).await.is_err());
    slack.set_down(false);
    assert_eq!(say(DM).await?.0, 200);
    assert_eq!(slack.clear_faults(), 0, "all faults were used up");
    slack.assert_nothing_refused();
    Ok(())
}

#[tokio::test]
async fn private_files_need_the_token() -> anyhow::Result<()> {
    let bridge = Bridge::start().await;
    let file = bridge.slack.add_file("bill.pdf", "application/pdf", "%PDF");
    let url = file["url_private_download"].as_str().expect("a URL");
    let without = bridge.http.get(url).send().await?;
    assert!(
        without.headers()["content-type"]
            .to_str()?
            .starts_with("text/html")
    );
    assert_eq!(bridge.slack.take_refusals().len(), 1);
    let token = &bridge.slack.workspace().bot_token;
    let with = bridge.http.get(url).bearer_auth(token).send().await?;
    assert_eq!(with.headers()["content-type"], "application/pdf");
    assert_eq!(with.text().await?, "%PDF");
    let id = file["id"].as_str().expect("an id");
    let info = bridge.form("files.info", &[("file", id)]).await?;
    assert_eq!(info["file"], file);
    Ok(())
}

#[tokio::test]
async fn a_file_is_uploaded_in_three_steps() -> anyhow::Result<()> {
    let bridge = Bridge::start().await;
    let asked = bridge
        .form(
            "files.getUploadURLExternal",
            &[("filename", "a.txt"), ("length", "5")],
        )
        .await?;
    let id = &asked["file_id"];
    let complete =
        json!({"files": [{"id": id, "title": "A"}], "channel_id": DM, "initial_comment": "look"});
    let (_, early) = bridge
        .json("files.completeUploadExternal", complete.clone())
        .await?;
    assert_eq!(early["error"], "file_not_found");
    let url = asked["upload_url"].as_str().expect("a URL");
    assert_eq!(
        bridge.http.post(url).body("four").send().await?.status(),
        400
    );
    assert_eq!(
        bridge.http.post(url).body("hello").send().await?.status(),
        200
    );
    let (_, done) = bridge
        .json("files.completeUploadExternal", complete)
        .await?;
    assert_eq!(done["files"][0]["title"], "A");
    assert_eq!(bridge.slack.wait_for_text(DM, "look").await.files.len(), 1);
    let content = bridge.slack.file_content(id.as_str().expect("an id"));
    assert_eq!(content.as_deref(), Some(b"hello".as_slice()));
    Ok(())
}

#[tokio::test]
async fn a_trigger_opens_one_view_and_a_response_url_replaces_the_message() -> anyhow::Result<()> {
    let bridge = Bridge::start().await;
    bridge
        .post(
            json!({"channel": DM, "text": "x", "blocks": [actions(&[button("Fill in", "fill")])]}),
        )
        .await;
    let messages = bridge.slack.wait_for_messages(DM, 1).await;
    let message = messages.first().expect("one message");
    let tap = bridge.slack.tap(message, "U0ASHA", "Fill in");
    assert_eq!(tap.json()["actions"][0]["action_id"], "fill");
    assert_eq!(tap.json()["actions"][0]["value"], "v");
    let view = json!({"type": "modal", "title": {"type": "plain_text", "text": "Form"}, "blocks": [section("x")]});
    let arguments = json!({"trigger_id": tap.json()["trigger_id"], "view": view});
    assert_eq!(
        bridge.json("views.open", arguments.clone()).await?.1["ok"],
        true
    );
    assert_eq!(
        bridge.json("views.open", arguments).await?.1["error"],
        "exchanged_trigger_id"
    );
    let opened = bridge.slack.opened_views();
    let submitted = bridge.slack.submit_view(
        opened.first().expect("a view"),
        "U0ASHA",
        &[("b", "a", json!("Asha"))],
    );
    assert_eq!(
        submitted.json()["view"]["state"]["values"]["b"]["a"]["value"],
        "Asha"
    );
    let response_url = tap.json()["response_url"]
        .as_str()
        .expect("a URL")
        .to_owned();
    let replace = json!({"replace_original": true, "text": "You chose: Fill in"});
    assert_eq!(
        bridge
            .http
            .post(response_url)
            .json(&replace)
            .send()
            .await?
            .status(),
        200
    );
    assert_eq!(bridge.slack.wait_for_text(DM, "You chose").await.edits, 1);
    Ok(())
}

#[tokio::test]
async fn reactions_and_statuses_are_kept() -> anyhow::Result<()> {
    let bridge = Bridge::start().await;
    let theirs = bridge.slack.dm("U0ASHA", "hi");
    let reaction = json!({"channel": DM, "timestamp": theirs.ts(), "name": "eyes"});
    assert_eq!(
        bridge.json("reactions.add", reaction.clone()).await?.1["ok"],
        true
    );
    assert_eq!(
        bridge.json("reactions.add", reaction.clone()).await?.1["error"],
        "already_reacted"
    );
    assert_eq!(
        bridge.json("reactions.remove", reaction.clone()).await?.1["ok"],
        true
    );
    assert_eq!(
        bridge.json("reactions.remove", reaction).await?.1["error"],
        "no_reaction"
    );
    let status = json!({"channel_id": DM, "thread_ts": theirs.ts(), "status": "is typing…"});
    assert_eq!(
        bridge.json("assistant.threads.setStatus", status).await?.1["ok"],
        true
    );
    assert_eq!(bridge.slack.statuses().len(), 1);
    Ok(())
}

#[tokio::test]
async fn it_stops_with_its_last_handle() -> anyhow::Result<()> {
    let bridge = Bridge::start().await;
    let (url, second) = (bridge.url("auth.test"), bridge.slack.clone());
    drop(bridge);
    // A client of its own each time: one that is kept would keep its connection.
    let fresh = async || anyhow::Ok(app::client()?.post(&url).send().await?.status());
    assert_eq!(fresh().await?, 200);
    drop(second);
    let stopped = async {
        while fresh().await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), stopped).await?;
    Ok(())
}
