//! What a sink is not told of a user never reaches it, and everybody else is told as ever.

use haptik_bridge_simulator::CompletedBy;
use haptik_bridge_tests::app::{App, SECRET};
use haptik_bridge_tests::fake_crm::{FakeCrm, Kind};
use haptik_bridge_tests::{Options, Stage};
use serde_json::json;

use super::sinks::echo;

const EMAIL: &str = "asha.rao@example.com";
const PLAN: &str = "gold-4711";

#[tokio::test]
async fn what_is_masked_reaches_no_sink_wherever_it_was_said() -> anyhow::Result<()> {
    let (desk, audit, told) = (
        FakeCrm::zendesk().await,
        App::start().await?,
        App::start().await?,
    );
    let mask = "mask = ['name', 'email', 'mobile_no', 'custom_data']";
    let webhook = |name: &str, app: &App, more: &str| {
        let url = app.url();
        format!(
            "[sinks.{name}]\ntype = 'webhook'\nevents = ['*']\nurl = '{url}'\nsigning_secrets = ['{SECRET}']\n{more}\n"
        )
    };
    let tables = format!(
        "[sinks.crm]\n{}\nevents = ['webhook_conversation_complete']\nbase_url = '{}'\n\
         subject = 'Chat of {{{{ user.name }}}} {{{{ user.email }}}}'\n{mask}\n{}{}",
        Kind::Zendesk.login(),
        desk.base_url(),
        webhook("audit", &audit, mask),
        webhook("told", &told, ""),
    );
    let options = Options {
        tables,
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    let said = format!("I am Asha Rao, ASHA.RAO@example.com or +91 88267 55986, with {PLAN}");
    let answer = stage
        .app_sends(&json!({
            "type": "message", "id": "m-1", "timestamp": jiff::Timestamp::now().to_string(), "text": said,
            "user": {"id": "u-42", "name": "Asha Rao", "email": EMAIL, "mobile_no": "918826755986", "custom_data": {"plan": PLAN}},
        }))
        .await?;
    let auth_id = answer["auth_id"].as_str().expect("an auth_id").to_owned();
    stage.app.wait_for_type("message", 1).await;
    stage.simulator().completes(&auth_id, CompletedBy::Bot)?;
    let tickets = desk.wait_for_tickets(1).await;
    audit
        .wait_for_type("webhook_conversation_complete", 1)
        .await;
    told.wait_for_type("webhook_conversation_complete", 1).await;

    let bodies = |app: &App| {
        let callbacks = app.callbacks().into_iter();
        callbacks
            .map(|callback| callback.body.to_string())
            .collect::<Vec<_>>()
            .join("\n")
    };
    let at_the_crm = format!("{tickets:?} {:?}", desk.calls());
    for (name, text) in [("the CRM", at_the_crm), ("the webhook", bodies(&audit))] {
        let text = text.to_lowercase();
        for value in ["asha", "rao", EMAIL, "55986", PLAN] {
            assert!(!text.contains(value), "{name} has {value}: {text}");
        }
        assert!(
            text.contains("[masked]") && text.contains("you said: i am"),
            "{name}: {text}"
        );
    }
    assert!(
        bodies(&told).contains("ASHA.RAO@example.com"),
        "the other sink is told"
    );
    assert_eq!(stage.haptik_was_told(1).await?, [said]);
    stage.finish().await
}

#[tokio::test]
async fn a_follow_up_has_what_people_saw_and_nothing_that_is_masked() -> anyhow::Result<()> {
    let desk = FakeCrm::zendesk().await;
    let tables = format!(
        "[sinks.crm]\n{}\nevents = ['webhook_conversation_complete']\nbase_url = '{}'\nfollow_ups = true\n\
         mask = ['name', 'email']\n",
        Kind::Zendesk.login(),
        desk.base_url(),
    );
    let options = Options {
        tables,
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    let answer = stage
        .app_sends(&json!({
            "type": "message", "id": "m-1", "timestamp": jiff::Timestamp::now().to_string(), "text": "hi",
            "user": {"id": "u-42", "name": "José Card", "email": EMAIL},
        }))
        .await?;
    let auth_id = answer["auth_id"].as_str().expect("an auth_id").to_owned();
    stage.app.wait_for_type("message", 1).await;
    let haptik = stage.simulator();
    haptik.completes(&auth_id, CompletedBy::Agent)?;
    desk.wait_for_tickets(1).await;
    let picture = |title: &str| {
        let button = json!({
            "actionable_text": "<i>Track</i>", "type": "APP_ACTION", "uri": "LINK",
            "payload": {"url": "https://shop.example/track"},
        });
        let card = json!({"title": title, "thumbnail": "https://shop.example/seen.png", "actionables": [button]});
        json!({"text": "", "type": "CAROUSEL", "data": {"items": [card]}})
    };
    let said = [
        json!({"text": "<p>Your <b>order</b> left, J<b>os</b>é or asha.rao<i>@</i>example.com</p>", "type": "TEXT", "data": {}}),
        picture(""),
        picture("A <b>card</b>"),
    ];
    for hsl in &said {
        haptik.agent_says(&auth_id, hsl)?;
    }
    desk.wait_until("three comments", || {
        let tickets = desk.tickets();
        tickets
            .first()
            .filter(|ticket| ticket.comments.len() >= 3)
            .map(|_| ())
    })
    .await;
    stage.finish().await?;
    let comments = Kind::Zendesk.comments(&desk.tickets().remove(0));
    let links = "https://shop.example/seen.png\nTrack: https://shop.example/track";
    let expected = [
        "Your order left, [masked] or [masked]".to_owned(),
        links.to_owned(),
        format!("A [masked]\n{links}"),
    ];
    assert_eq!(comments.len(), expected.len(), "{comments:#?}");
    for (comment, text) in comments.iter().zip(expected) {
        assert!(
            comment.ends_with(&format!(": {text}")),
            "{comment:?} is not {text:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_opens_a_ticket_is_decided_by_what_was_said_and_not_by_what_is_masked()
-> anyhow::Result<()> {
    let desk = FakeCrm::zendesk().await;
    let tables = format!(
        "[sinks.crm]\n{}\nevents = ['message']\nbase_url = '{}'\nmask = ['name']\n\
         when = {{ 'message.body.text' = 'You said: I am José.' }}\n",
        Kind::Zendesk.login(),
        desk.base_url(),
    );
    let options = Options {
        tables,
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    stage
        .app_sends(&json!({
            "type": "message", "id": "m-1", "timestamp": jiff::Timestamp::now().to_string(),
            "text": "I am José", "user": {"id": "u-42", "name": "José Card"},
        }))
        .await?;
    let ticket = desk.wait_for_tickets(1).await.remove(0);
    assert!(!format!("{ticket:?}").contains("José"), "{ticket:?}");
    stage.finish().await
}

#[tokio::test]
async fn what_the_channel_alone_knows_of_a_user_is_masked_too() -> anyhow::Result<()> {
    let audit = App::start().await?;
    let tables = format!(
        "[sinks.audit]\ntype = 'webhook'\nevents = ['message']\nurl = '{}'\nsigning_secrets = ['{SECRET}']\n\
         mask = ['name', 'email']\n",
        audit.url()
    );
    let options = Options {
        tables,
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    let channel = stage.slack_user_says("U00000ASHA", "hello").await;
    stage.slack.wait_for_text(&channel, "You said: hello").await;
    let text = "I am Person u00000asha, u00000asha@acme.example";
    stage.slack_user_says("U00000ASHA", text).await;
    let events = audit.wait_for(2).await;
    let said = events[1].body.to_string();
    assert!(said.contains("You said: I am [masked], [masked]"), "{said}");
    stage.finish().await
}
