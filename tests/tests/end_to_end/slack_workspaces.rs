//! One connection in many workspaces: each is talked with by its own token, and none hears of another.

use std::time::Duration;

use haptik_bridge_channels::connections::Outlets;
use haptik_bridge_channels::memory::Memory;
use haptik_bridge_local::registry;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::config::Config;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::message::Address;
use haptik_bridge_shared::net;
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::table::text;
use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::browser::Browser;
use haptik_bridge_tests::fake_slack::{FakeSlack, Fault, Payload, Workspace, fixtures};
use haptik_bridge_tests::stage::{ENCRYPTION_KEY, oauth};
use haptik_bridge_tests::{Options, Stage};
use jiff::SignedDuration;
use serde_json::json;

const USER: &str = "U00000ASHA";

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}", message.text))]
}

pub(super) fn many() -> Options {
    Options {
        oauth: true,
        ..Options::default()
    }
}

/// Another workspace, in which the ids of users and conversations are the same.
fn other_workspace() -> Workspace {
    Workspace {
        team_id: "T0OTHER".to_owned(),
        team_domain: "globex-example".to_owned(),
        bot_user_id: "U0OTHERBOT".to_owned(),
        bot_id: "B0OTHERBOT".to_owned(),
        ..Workspace::default()
    }
}

/// Somebody installs the app in a workspace.
pub(super) async fn install(stage: &Stage, slack: &FakeSlack) -> anyhow::Result<()> {
    let browser = Browser::default();
    let url = stage.channel_url("acme-slack");
    let sent = browser.get(&format!("{url}/install")).await?;
    let shown = browser.get(&slack.consent(sent.location())).await?;
    assert_eq!(shown.status, 200, "{}", shown.body);
    Ok(())
}

async fn send(stage: &Stage, slack: &FakeSlack, payload: &impl Payload) {
    let url = stage.channel_url("acme-slack");
    let reply = slack.client().send(&url, payload).await;
    assert!(reply.is_acknowledged(), "{reply:?}");
}

#[tokio::test]
async fn two_workspaces_each_talk_with_their_own_token() -> anyhow::Result<()> {
    let stage = Stage::with(many(), echo).await?;
    let acme = stage.slack.clone();
    let other = acme.also(other_workspace());
    install(&stage, &acme).await?;
    install(&stage, &other).await?;
    for (slack, text) in [(&acme, "from acme"), (&other, "from globex")] {
        let event = slack.dm(USER, text);
        send(&stage, slack, &event).await;
        let answer = format!("You said: {text}");
        slack.wait_for_text(event.channel(), &answer).await;
    }
    for (slack, foreign) in [(&acme, "globex"), (&other, "acme")] {
        let messages = slack.wait_for_messages("D00000ASHA", 1).await;
        assert!(!messages[0].visible_text().contains(foreign));
        assert_eq!(slack.calls("users.info").len(), 1, "{}", slack.report());
        assert!(slack.calls("reactions.add").len() == 1);
        let workspace = slack.workspace();
        let auth_id = AuthId::derive(
            &"acme-slack".into(),
            &format!("{}:{USER}", workspace.team_id),
            None,
        );
        stage.simulator().records(|seen| {
            let of_user = seen
                .messages
                .iter()
                .filter(|said| said.auth_id == auth_id.as_str());
            assert_eq!(of_user.count(), 1);
        });
    }
    other.assert_nothing_refused();
    stage.finish().await
}

#[tokio::test]
async fn everything_that_is_done_in_a_workspace_is_done_by_its_token() -> anyhow::Result<()> {
    let options = Options {
        slack: r#"suggested_prompts = ["Where is my order?"]"#,
        ..many()
    };
    let form = |message: &UserMessage| match message.text.as_str() {
        "form" => vec![Reply::Hsl(
            json!({"type": "FORM", "title": "Your name", "data": {"fields": [
                {"key": "name", "type": "text", "order": 1, "hint": "Name", "options": []},
            ]}}),
        )],
        _ => echo(message),
    };
    let stage = Stage::with(options, form).await?;
    let other = stage.slack.also(other_workspace());
    install(&stage, &other).await?;
    // A form, opened at the edge.
    let event = other.dm(USER, "form");
    send(&stage, &other, &event).await;
    let form = other.wait_for_text(event.channel(), "Your name").await;
    let button = form.buttons().remove(0);
    send(&stage, &other, &other.tap(&form, USER, &button.label)).await;
    assert_eq!(other.opened_views().len(), 1, "{}", other.report());
    // The Home tab, the assistant's pane, a command, a file of another side of Slack Connect, names.
    let home = json!({"type": "app_home_opened", "user": USER, "channel": "D00000ASHA", "tab": "home",
        "event_ts": other.mint_ts()});
    send(&stage, &other, &other.envelope(&home)).await;
    let thread_ts = other.mint_ts();
    let assistant = json!({"type": "assistant_thread_started", "event_ts": thread_ts,
        "assistant_thread": {"user_id": USER, "channel_id": "D00000ASHA", "thread_ts": thread_ts, "context": {}}});
    send(&stage, &other, &other.envelope(&assistant)).await;
    let command = other.slash_command("C000000001", USER, "/haptik", "hello from a command");
    send(&stage, &other, &command).await;
    let file = other.add_file("bill.pdf", "application/pdf", "%PDF-1.7 bill");
    let stub = other.file_stub(&file);
    let shared = other.file_share("D00000ASHA", USER, "ask <@U00000RAVI>", &[stub]);
    send(&stage, &other, &shared).await;
    let patience = Duration::from_secs(40);
    let done = || {
        let prompts = !other.suggested_prompts().is_empty();
        let file = other
            .calls("files-pri")
            .iter()
            .any(|call| call.outcome == "ok");
        (prompts && file && other.home(USER).is_some()).then_some(())
    };
    other.wait_until("all of it", patience, done).await;
    assert!(stage.local.queue.idle(patience).await);
    stage.simulator().records(|seen| {
        let texts: Vec<&str> = seen
            .messages
            .iter()
            .map(|said| said.text.as_str())
            .collect();
        assert!(texts.contains(&"hello from a command"), "{texts:?}");
        assert!(texts.contains(&"ask @Person u00000ravi"), "{texts:?}");
    });
    assert!(
        stage
            .slack
            .calls("*")
            .iter()
            .all(|call| call.method == "oauth.v2.access")
    );
    other.assert_nothing_refused();
    stage.finish().await
}

#[tokio::test]
async fn one_is_uninstalled_in_the_middle_of_a_conversation_and_the_other_goes_on()
-> anyhow::Result<()> {
    let stage = Stage::with(many(), echo).await?;
    let acme = stage.slack.clone();
    let other = acme.also(other_workspace());
    install(&stage, &acme).await?;
    install(&stage, &other).await?;
    for slack in [&acme, &other] {
        let event = slack.dm(USER, "one");
        send(&stage, slack, &event).await;
        slack.wait_for_text(event.channel(), "You said: one").await;
    }
    // An answer is on its way, and cannot be sent yet.
    other.fail_next("chat.postMessage", 1_000, Fault::Status(503));
    let waiting = other.dm(USER, "two");
    send(&stage, &other, &waiting).await;
    other
        .wait_until("a try", Duration::from_secs(40), || {
            let tries = other.failed();
            tries.first().map(|_| ())
        })
        .await;
    let (revoked, uninstalled) = other.uninstall();
    send(&stage, &other, &uninstalled).await;
    other.clear_faults();
    // What is still said there is nobody's to answer, and acknowledged all the same.
    let late = other.dm(USER, "is anybody there?");
    send(&stage, &other, &late).await;
    send(&stage, &other, &revoked).await;
    let event = acme.dm(USER, "three");
    send(&stage, &acme, &event).await;
    acme.wait_for_text(event.channel(), "You said: three").await;
    assert!(stage.local.queue.idle(Duration::from_secs(40)).await);
    let (pending, dead) = stage.left_over().await?;
    assert!(pending.is_empty());
    let reasons: Vec<_> = dead
        .iter()
        .filter_map(|entry| entry.reason.as_deref())
        .collect();
    assert_eq!(dead.len(), 2, "{reasons:?}");
    for reason in &reasons {
        assert_eq!(*reason, "the app was removed from the workspace T0OTHER");
    }
    assert!(
        dead.iter().all(|entry| entry.attempts <= 3),
        "it is given up at once"
    );
    stage.simulator().records(|seen| {
        assert!(
            seen.messages
                .iter()
                .all(|said| said.text != "is anybody there?")
        );
    });
    // It is installed again. What Slack repeats of the first end changes nothing.
    install(&stage, &other).await?;
    let old = jiff::Timestamp::now() - SignedDuration::from_mins(1);
    for event in [uninstalled, revoked] {
        let event = event.with_outer("event_time", json!(old.as_second()));
        send(&stage, &other, &event).await;
    }
    let event = other.dm(USER, "back again");
    send(&stage, &other, &event).await;
    other
        .wait_for_text(event.channel(), "You said: back again")
        .await;
    let _ = other.take_refusals();
    assert_eq!(stage.finish_with_dead().await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn an_end_that_nobody_told_of_is_noticed_at_the_next_call() -> anyhow::Result<()> {
    let stage = Stage::with(many(), echo).await?;
    install(&stage, &stage.slack).await?;
    let channel = stage.slack_user_says(USER, "one").await;
    stage.slack.wait_for_text(&channel, "You said: one").await;
    let _untold = stage.slack.uninstall();
    stage.slack_user_says(USER, "two").await;
    assert!(stage.local.queue.idle(Duration::from_secs(40)).await);
    // Installed again, the token that is remembered is not the one that is good.
    install(&stage, &stage.slack).await?;
    let channel = stage.slack_user_says(USER, "three").await;
    stage.slack.wait_for_text(&channel, "You said: three").await;
    let _ = stage.slack.take_refusals();
    let dead = stage.finish_with_dead().await?;
    let [dead] = dead.as_slice() else {
        panic!("the answer alone is given up: {dead:?}")
    };
    assert_eq!(
        dead.reason.as_deref(),
        Some(
            "the app was removed from the workspace T0FAKETEAM: Slack answered account_inactive to chat.postMessage"
        )
    );
    assert_eq!(dead.attempts, 1);
    Ok(())
}

#[tokio::test]
async fn an_organisation_installs_once_for_all_of_its_workspaces() -> anyhow::Result<()> {
    let stage = Stage::with(many(), echo).await?;
    let org = stage.slack.also(Workspace {
        enterprise_id: Some("E0ORG".to_owned()),
        is_org_wide: true,
        ..other_workspace()
    });
    install(&stage, &org).await?;
    let event = org.dm(USER, "from one workspace");
    send(&stage, &org, &event).await;
    let answer = org
        .wait_for_text(event.channel(), "You said: from one workspace")
        .await;
    // The same person in another workspace of the organisation.
    let authorizations = json!([{"enterprise_id": "E0ORG", "team_id": "T0THIRD", "user_id": "U0OTHERBOT",
        "is_bot": true, "is_enterprise_install": true}]);
    let event = org
        .dm(USER, "from another")
        .with_outer("team_id", json!("T0THIRD"))
        .with_outer("context_team_id", json!("T0THIRD"))
        .with_outer("authorizations", authorizations);
    send(&stage, &org, &event).await;
    org.wait_for_text(event.channel(), "You said: from another")
        .await;
    let command = org.slash_command(&answer.channel, USER, "/haptik", "by a command");
    send(&stage, &org, &command).await;
    org.wait_for_text(&answer.channel, "You said: by a command")
        .await;
    stage.simulator().records(|seen| {
        let auth_id = AuthId::derive(&"acme-slack".into(), &format!("E0ORG:{USER}"), None);
        assert_eq!(seen.messages.len(), 3);
        assert!(
            seen.messages
                .iter()
                .all(|said| said.auth_id == auth_id.as_str())
        );
    });
    let (_, uninstalled) = org.uninstall();
    let uninstalled = uninstalled.with_outer("team_id", json!(null));
    let uninstalled = uninstalled.with_outer("context_team_id", json!(null));
    send(&stage, &org, &uninstalled).await;
    send(&stage, &org, &org.dm(USER, "too late")).await;
    let _ = org.take_refusals();
    let dead = stage.finish_with_dead().await?;
    let reasons: Vec<_> = dead
        .iter()
        .filter_map(|entry| entry.reason.as_deref())
        .collect();
    assert_eq!(reasons, ["the app was removed from the workspace E0ORG"]);
    Ok(())
}

#[tokio::test]
async fn where_the_app_is_not_installed_nothing_is_told_to_haptik() -> anyhow::Result<()> {
    let stage = Stage::with(many(), echo).await?;
    stage.slack_user_says(USER, "hello?").await;
    stage.simulator().records(|seen| {
        assert!(seen.messages.is_empty());
    });
    assert!(stage.slack.calls("*").is_empty());
    let dead = stage.finish_with_dead().await?;
    let reasons: Vec<_> = dead
        .iter()
        .filter_map(|entry| entry.reason.as_deref())
        .collect();
    assert_eq!(
        reasons,
        ["the app is not installed in the workspace T0FAKETEAM"]
    );
    Ok(())
}

#[tokio::test]
async fn every_published_sample_is_acknowledged_by_an_app_in_many_workspaces() -> anyhow::Result<()>
{
    let stage = Stage::with(many(), echo).await?;
    let url = stage.channel_url("acme-slack");
    for fixture in fixtures() {
        let reply = stage.slack.client().deliver(&url, fixture.delivery()).await;
        assert!(reply.is_acknowledged(), "{}: {reply:?}", fixture.name);
    }
    // Their workspaces have not installed the app; a few are of types that there are not.
    for dead in stage.finish_with_dead().await? {
        let reason = dead.reason.as_deref().unwrap_or_default();
        assert!(
            reason.starts_with("the app is not installed in the workspace")
                || reason.contains(" of the type "),
            "{} {}: {reason}",
            dead.lane,
            dead.key
        );
    }
    Ok(())
}

/// What is in the table for the workspace's token.
async fn encrypted(stage: &Stage) -> anyhow::Result<String> {
    let table = stage.local.bridge.ledger.table();
    let item = table.get("installations#acme-slack", "T0FAKETEAM").await?;
    let encrypted = item.and_then(|item| item.get("encrypted_token").cloned());
    let encrypted = encrypted.and_then(|encrypted| encrypted.as_s().ok().cloned());
    Ok(encrypted.expect("a encrypted token"))
}

#[tokio::test]
async fn a_token_is_nowhere_in_clear() -> anyhow::Result<()> {
    let stage = Stage::with(many(), echo).await?;
    install(&stage, &stage.slack).await?;
    let channel = stage.slack_user_says(USER, "one").await;
    stage.slack.wait_for_text(&channel, "You said: one").await;
    let token = stage.slack.tokens().pop().expect("one was issued");
    let table = stage.local.bridge.ledger.table();
    let whole = table
        .client()
        .scan()
        .table_name(table.name())
        .send()
        .await?;
    assert!(whole.items().len() > 3);
    assert!(!format!("{:?}", whole.items()).contains(&token));
    assert!(encrypted(&stage).await?.starts_with("v1:"));
    let printed = format!("{:?}", stage.local);
    assert!(printed.contains("Installations") && !printed.contains(&token));
    stage.finish().await
}

/// Whether another bridge, with these keys, opens the workspace's token in the same table.
async fn can_answer(stage: &Stage, keys: &str, workspace: &str) -> Result<(), Failure> {
    let toml = format!(
        "[haptik.main]\nbase_url = 'http://localhost'\nclient_id = 'c'\ntoken = 't'\n\
         webhook_secrets = 's'\nbusiness_id = 1\n[channels.acme-slack]\ntype = 'slack'\n\
         signing_secrets = 's'\n{}",
        oauth(stage.slack.origin(), &stage.url, keys)
    );
    let config = Config::parse(&toml, &registry::all()).expect("a good configuration");
    let (table, queue) = (
        stage.local.bridge.ledger.table().clone(),
        stage.local.bridge.queue.clone(),
    );
    let http = net::client().expect("a client");
    let bridge = Bridge::with_client(config, table.clone(), queue, &http).expect("a bridge");
    let outlets = Outlets::new(&bridge, &table, &http, &Memory::default()).expect("outlets");
    let outlet = outlets.get(&"acme-slack".into()).expect("the connection");
    let address = Address(json!({"workspace": workspace, "channel": "D00000ASHA"}));
    Ok(outlet.can_answer(&address).await?)
}

#[tokio::test]
async fn a_token_moves_to_the_newest_key_and_opens_in_its_own_place_only() -> anyhow::Result<()> {
    let stage = Stage::with(many(), echo).await?;
    install(&stage, &stage.slack).await?;
    let (team, new_key) = (
        "T0FAKETEAM",
        "\"ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=\"",
    );
    let by_the_first = encrypted(&stage).await?;
    let refused = can_answer(&stage, new_key, team).await;
    assert_eq!(
        refused.expect_err("the old key is needed").reason,
        "no key of token_encryption_keys opens the token of the workspace T0FAKETEAM"
    );
    let both = format!("{new_key}, {ENCRYPTION_KEY}");
    can_answer(&stage, &both, team)
        .await
        .expect("both are there");
    assert_ne!(
        encrypted(&stage).await?,
        by_the_first,
        "it is encrypted again"
    );
    can_answer(&stage, new_key, team)
        .await
        .expect("the old key can go");
    // Copied to another workspace, it opens nothing.
    let table = stage.local.bridge.ledger.table();
    let item = table.get("installations#acme-slack", team).await?;
    let mut item = item.expect("the installation");
    item.insert("sk".to_owned(), text("T0OTHER"));
    table.put(item).await?;
    let copied = can_answer(&stage, new_key, "T0OTHER").await;
    assert_eq!(
        copied.expect_err("it is bound to its workspace").reason,
        "no key of token_encryption_keys opens the token of the workspace T0OTHER"
    );
    stage.finish().await
}
