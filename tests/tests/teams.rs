//! The bridge between a fake Microsoft Teams and a simulated Haptik, end to end: what only this channel has.

use std::sync::Arc;
use std::time::Duration;

use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::fake_google_chat::tokens;
use haptik_bridge_tests::fake_teams::{APP, FakeTeams};
use haptik_bridge_tests::faults::{Calls, Fault};
use haptik_bridge_tests::provider::{FakeProvider as _, Step};
use haptik_bridge_tests::{Options, Stage};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A stage with a bot of Teams on it.
struct Scene {
    stage: Stage,
    teams: Arc<FakeTeams>,
    asha: String,
}

impl Scene {
    async fn with(
        connection: &'static str,
        bot: fn(&UserMessage) -> Vec<Reply>,
    ) -> anyhow::Result<Self> {
        let teams = Arc::new(FakeTeams::start().await);
        let options = Options {
            provider: Some(teams.clone()),
            connection,
            ..Options::default()
        };
        let stage = Stage::with(options, bot).await?;
        let asha = teams.user(1);
        Ok(Self { stage, teams, asha })
    }

    /// Teams sends an activity; gives the status and the answer's body.
    async fn sends(&self, activity: &Value) -> anyhow::Result<(u16, String)> {
        self.stage.receives(&self.teams.request(activity)).await
    }

    async fn takes(&self, activity: &Value) -> anyhow::Result<()> {
        assert_eq!(self.sends(activity).await?.0, 200);
        Ok(())
    }

    async fn says(&self, text: &str) -> anyhow::Result<()> {
        self.takes(&self.teams.activity(&self.asha, &json!({"text": text})))
            .await
    }

    fn personal(&self) -> String {
        self.teams.personal(&self.asha)
    }

    /// Waits until something is shown in a conversation.
    async fn sees(&self, conversation: &str, text: &str) -> anyhow::Result<Value> {
        let began = std::time::Instant::now();
        loop {
            let mut newest = self.teams.activities(conversation).into_iter().rev();
            if let Some(activity) = newest.find(|activity| activity.to_string().contains(text)) {
                return Ok(activity);
            }
            let is_patient = began.elapsed() < Duration::from_secs(30);
            assert!(is_patient, "waited for {text}\n{}", self.teams.report());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn told(&self, count: usize) -> anyhow::Result<Vec<String>> {
        assert!(self.stage.local.queue.idle(Duration::from_secs(30)).await);
        self.stage.haptik_was_told(count).await
    }

    async fn finish(self) -> anyhow::Result<()> {
        assert_eq!(self.teams.refusals(), [""; 0]);
        self.stage.finish().await
    }
}

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}.", message.text))]
}

/// Offers two replies, or a form.
fn offers(message: &UserMessage) -> Vec<Reply> {
    let say = |label: &str| json!({"actionable_text": label, "type": "TEXT_ONLY", "payload": {"message": label}});
    match message.text.as_str() {
        "replies" => vec![Reply::Hsl(json!({
            "text": "Well?", "type": "TEXT", "data": {"quick_replies": [say("Yes"), say("No")]},
        }))],
        "form" => vec![Reply::Hsl(json!({
            "type": "FORM", "title": "Where to?", "data": {"fields": [
                {"key": "name", "type": "text", "order": 1, "hint": "Name", "options": []},
                {"key": "day", "type": "date", "order": 2, "hint": "Day", "options": []},
            ]},
        }))],
        _ => Vec::new(),
    }
}

const THREAD: &str = "19:d441@thread.tacv2;messageid=1767326000000";

#[tokio::test]
async fn a_personal_chat_is_answered_and_its_user_is_known() -> anyhow::Result<()> {
    let scene = Scene::with("", echo).await?;
    scene.says("Fish &amp; chips &lt; 2").await?;
    let answer = scene.sees(&scene.personal(), "You said").await?;
    assert_eq!(answer["textFormat"], "markdown");
    assert_eq!(scene.told(1).await?, ["Fish & chips < 2"]);
    scene.stage.simulator().records(|seen| {
        let user = seen.users.iter().next().expect("a user");
        let fields = serde_json::to_string(&user.fields).unwrap_or_default();
        let email = format!("u{}@acme.example", scene.asha);
        assert!(
            fields.contains(&email) && fields.contains("\"en\""),
            "{fields}"
        );
    });
    scene.finish().await
}

#[tokio::test]
async fn a_mention_is_answered_in_its_thread_by_the_same_user_at_haptik() -> anyhow::Result<()> {
    let scene = Scene::with("", echo).await?;
    scene.says("alone").await?;
    scene.sees(&scene.personal(), "alone").await?;
    let not_meant = scene
        .teams
        .in_channel(&scene.asha, "to all", "1767326000000", false);
    scene.takes(&not_meant).await?;
    let mention = scene
        .teams
        .in_channel(&scene.asha, "in public", "1767326000000", true);
    scene.takes(&mention).await?;
    scene.sees(THREAD, "You said: in public.").await?;
    assert_eq!(scene.told(2).await?, ["alone", "in public"]);
    let users = scene.stage.simulator().records(|seen| seen.users.len());
    assert_eq!(users, 1);
    scene.finish().await
}

#[tokio::test]
async fn each_thread_is_a_user_where_the_connection_says_so() -> anyhow::Result<()> {
    let scene = Scene::with("conversation = 'thread'", echo).await?;
    for (thread, text) in [("1", "one"), ("2", "two"), ("1", "three")] {
        let mention = scene.teams.in_channel(&scene.asha, text, thread, true);
        scene.takes(&mention).await?;
        let thread = format!("19:d441@thread.tacv2;messageid={thread}");
        scene.sees(&thread, &format!("You said: {text}.")).await?;
    }
    let users = scene.stage.simulator().records(|seen| seen.users.len());
    assert_eq!(users, 2);
    scene.finish().await
}

#[tokio::test]
async fn a_reply_that_is_chosen_rests_and_a_form_becomes_what_was_filled_in() -> anyhow::Result<()>
{
    let scene = Scene::with("", offers).await?;
    let personal = scene.personal();
    scene.says("replies").await?;
    scene.sees(&personal, "Well?").await?;
    scene
        .stage
        .takes(&scene.teams.tap(&scene.asha, "Yes"))
        .await?;
    let settled = scene.sees(&personal, "✓ Yes").await?;
    let shown = settled.to_string();
    assert!(
        shown.contains("Well?") && !shown.contains("\"No\""),
        "{shown}"
    );
    // An agent's card goes on saying whose it is.
    let haptik = scene.stage.simulator();
    let user = haptik.records(|seen| seen.messages.last().map(|said| said.auth_id.clone()));
    let reply = json!({"actionable_text": "Nothing", "type": "TEXT_ONLY", "payload": {"message": "nothing"}});
    let offered =
        json!({"text": "Anything else?", "type": "TEXT", "data": {"quick_replies": [reply]}});
    haptik.agent_says(&user.expect("who wrote"), &offered)?;
    scene.sees(&personal, "Anything else?").await?;
    scene
        .stage
        .takes(&scene.teams.tap(&scene.asha, "Nothing"))
        .await?;
    let settled = scene.sees(&personal, "✓ Nothing").await?.to_string();
    assert!(settled.contains("Prateek"), "{settled}");
    scene.says("form").await?;
    scene.sees(&personal, "Where to?").await?;
    for (day, seen) in [
        ("someday", "Day: This is not a date."),
        ("2026-12-01", "✓ Name: Asha"),
    ] {
        let answers = [("Name", "Asha & <Co>"), ("Day", day)];
        let Some(Step::Send(request)) = scene.teams.fill(&scene.asha, &answers, 0) else {
            panic!("a form");
        };
        scene.stage.takes(&request).await?;
        scene.sees(&personal, seen).await?;
    }
    let told = scene.told(5).await?;
    let filled = "Name: Asha & <Co>\nDay: 2026-12-01";
    assert_eq!(told, ["replies", "Yes", "nothing", "form", filled]);
    scene.finish().await
}

#[tokio::test]
async fn what_wants_its_answer_at_once_has_it_in_the_reply() -> anyhow::Result<()> {
    let scene = Scene::with("", offers).await?;
    scene.says("replies").await?;
    let card = scene.sees(&scene.personal(), "Well?").await?;
    let body = &card["attachments"][0]["content"]["body"];
    let data = body[1]["actions"][0]["data"].clone();
    let invoke = |name: &str, value: Value| {
        let fields =
            json!({"type": "invoke", "name": name, "value": value, "replyToId": card["id"]});
        scene.teams.activity(&scene.asha, &fields)
    };
    let answer = async |activity: Value| -> anyhow::Result<Value> {
        let (status, body) = scene.sends(&activity).await?;
        assert_eq!(status, 200);
        Ok(serde_json::from_str(&body)?)
    };
    let action = |data: Value| json!({"action": {"type": "Action.Execute", "data": data}, "trigger": "manual"});
    let ours = answer(invoke("adaptiveCard/action", action(data))).await?;
    let message = "application/vnd.microsoft.activity.message";
    assert_eq!(
        ours,
        json!({"statusCode": 200, "type": message, "value": "✓ Yes"})
    );
    let foreign = answer(invoke("adaptiveCard/action", action(json!({"x": 1})))).await?;
    assert_eq!(foreign["statusCode"], 400);
    assert_eq!(foreign["type"], "application/vnd.microsoft.error");
    let task = answer(invoke("task/fetch", json!({"data": {"x": 1}}))).await?;
    assert_eq!(task["task"]["type"], "message");
    let consent = json!({"type": "fileUpload", "action": "decline", "context": {}});
    assert_eq!(
        answer(invoke("fileConsent/invoke", consent)).await?,
        json!({})
    );
    let unknown = scene
        .sends(&invoke("composeExtension/query", json!({})))
        .await?;
    assert_eq!(unknown.0, 501);
    assert_eq!(scene.told(2).await?, ["replies", "Yes"]);
    scene.finish().await
}

#[tokio::test]
async fn who_adds_the_bot_is_welcomed_once_and_haptik_hears_nothing() -> anyhow::Result<()> {
    let scene = Scene::with("welcome = 'Good *day*'", echo).await?;
    let bot = json!([{"id": format!("28:{APP}")}]);
    // Both say it, and Teams repeats what was not answered in time.
    let update = json!({"type": "conversationUpdate", "membersAdded": bot, "timestamp": "2026-01-02T03:04:05.1Z"});
    let installed = json!({"type": "installationUpdate", "action": "add", "timestamp": "2026-01-02T03:04:06.2Z"});
    for fields in [&update, &installed, &installed] {
        let mut activity = scene.teams.activity(&scene.asha, fields);
        activity["id"] = "f:1".into();
        scene.takes(&activity).await?;
    }
    let mut removed = installed.clone();
    removed["action"] = "remove".into();
    scene
        .takes(&scene.teams.activity(&scene.asha, &removed))
        .await?;
    scene.sees(&scene.personal(), "Good **day**").await?;
    assert_eq!(scene.told(0).await?, [""; 0]);
    assert_eq!(scene.teams.activities(&scene.personal()).len(), 1);
    scene.finish().await
}

#[tokio::test]
async fn edits_and_deletions_are_told_where_the_connection_says_so() -> anyhow::Result<()> {
    let scene = Scene::with("tell_edits = true", echo).await?;
    scene.says("one").await?;
    scene.sees(&scene.personal(), "said: one").await?;
    for (kind, event, text) in [
        ("messageUpdate", "editMessage", "two"),
        ("messageDelete", "softDeleteMessage", ""),
        ("messageUpdate", "undeleteMessage", "two"),
    ] {
        let fields = json!({"type": kind, "text": text});
        let mut activity = scene.teams.activity(&scene.asha, &fields);
        activity["channelData"]["eventType"] = event.into();
        // Each of them comes twice.
        for _ in 0..2 {
            scene.takes(&activity).await?;
        }
    }
    let told = scene.told(4).await?;
    assert_eq!(
        told,
        [
            "one",
            "Edited message: two",
            "Deleted a message.",
            "Restored message: two"
        ]
    );
    scene.finish().await
}

#[tokio::test]
async fn what_is_pasted_is_had_with_the_bots_token_and_a_file_without_it() -> anyhow::Result<()> {
    let scene = Scene::with("", |_| Vec::new()).await?;
    let pasted = json!({"attachments": [scene.teams.pasted(&[7; 900])]});
    scene
        .takes(&scene.teams.activity(&scene.asha, &pasted))
        .await?;
    let file = scene.teams.attach(&scene.asha, "bill.pdf", "", &[8; 500]);
    scene.stage.takes(&file.expect("a file")).await?;
    let simulator = scene.stage.simulator();
    let came = simulator.wait_until(Duration::from_secs(30), |seen| seen.files.len() == 2);
    came.await?;
    simulator.records(|seen| {
        let sizes: Vec<_> = seen.files.iter().map(|file| file.size).collect();
        assert_eq!(sizes, [900, 500]);
    });
    scene.finish().await
}

#[tokio::test]
async fn a_file_of_a_channel_is_named_and_the_user_is_told() -> anyhow::Result<()> {
    let scene = Scene::with("", |_| Vec::new()).await?;
    let mut mention = scene
        .teams
        .in_channel(&scene.asha, "look", "1767326000000", true);
    mention["attachments"] = json!([{
        "contentType": "reference", "name": "plan.pdf",
        "contentUrl": "https://acme.sharepoint.example/plan.pdf",
    }]);
    scene.takes(&mention).await?;
    scene.sees(THREAD, "could not be passed on").await?;
    assert_eq!(
        scene.told(2).await?,
        [
            "look",
            "📎 plan.pdf (https://acme.sharepoint.example/plan.pdf)"
        ]
    );
    scene.finish().await
}

#[tokio::test]
async fn what_is_not_for_this_bot_or_not_of_the_connector_is_refused() -> anyhow::Result<()> {
    let scene = Scene::with("", echo).await?;
    let activity = scene
        .teams
        .activity(&scene.asha, &json!({"text": "between you and me"}));
    let now = Timestamp::now().as_second();
    let good = || tokens::signed(&tokens::header("k1"), &scene.teams.claims(now), "k1");
    let mut forged = Vec::new();
    for (claim, value) in [
        (
            "iss",
            json!("https://sts.windows.net/a1b2c3d4-e5f6-7890-abcd-ef1234567890/"),
        ),
        ("aud", json!("11111111-2222-3333-4444-555555555556")),
        ("aud", json!([APP])),
        ("serviceurl", json!("https://smba.trafficmanager.net/emea/")),
        ("serviceurl", Value::Null),
        ("exp", json!(now - 301)),
        ("exp", Value::Null),
        ("nbf", json!(now + 400)),
    ] {
        let mut claims = scene.teams.claims(now);
        claims[claim] = value;
        forged.push(tokens::signed(&tokens::header("k1"), &claims, "k1"));
    }
    for header in [
        json!({"alg": "none", "kid": "k1"}),
        json!({"alg": "HS256", "kid": "k1"}),
        json!({"alg": "RS512", "kid": "k1"}),
        json!({"alg": "RS256"}),
        json!({"alg": "RS256", "kid": "k9"}),
    ] {
        forged.push(tokens::signed(&header, &scene.teams.claims(now), "k1"));
    }
    // Signed by another key than it says.
    forged.push(tokens::signed(
        &tokens::header("k1"),
        &scene.teams.claims(now),
        "k2",
    ));
    forged.push(String::new());
    for token in forged {
        let request = scene.teams.request_with(&activity, &token);
        assert_eq!(scene.stage.receives(&request).await?.0, 401, "{token}");
    }
    for (place, value) in [
        ("/channelId", json!("webchat")),
        ("/serviceUrl", json!("https://mallory.example/amer/")),
        ("/recipient/id", json!("28:another")),
        ("/conversation/tenantId", json!("another")),
        ("/channelData/tenant/id", json!("another")),
    ] {
        let mut changed = activity.clone();
        *changed.pointer_mut(place).expect("a place") = value;
        let request = scene.teams.request_with(&changed, &good());
        assert_eq!(scene.stage.receives(&request).await?.0, 401, "{place}");
    }
    // All of them asked for the keys once, but for the one that names an unknown key.
    assert!(scene.teams.calls("/keys") <= 2);
    assert!(scene.stage.local.bridge.ledger.lanes().await?.is_empty());
    scene.finish().await
}

#[tokio::test]
async fn a_key_that_is_good_for_another_channel_alone_is_refused() -> anyhow::Result<()> {
    let scene = Scene::with("", echo).await?;
    scene.teams.endorse(vec!["webchat", "directline"]);
    let activity = scene.teams.activity(&scene.asha, &json!({"text": "hello"}));
    assert_eq!(scene.sends(&activity).await?.0, 401);
    scene.finish().await
}

#[tokio::test]
async fn without_keys_requests_are_to_come_again() -> anyhow::Result<()> {
    let scene = Scene::with("", echo).await?;
    let faults = scene.teams.server().faults();
    faults.add(Calls::to("/openid"), usize::MAX, Fault::Status(500));
    let activity = scene.teams.activity(&scene.asha, &json!({"text": "hello"}));
    for _ in 0..3 {
        assert_eq!(scene.sends(&activity).await?.0, 503);
    }
    assert_eq!(faults.failed().len(), 1);
    faults.clear();
    scene.finish().await
}

#[tokio::test]
async fn an_access_token_that_ended_is_renewed_once_for_all() -> anyhow::Result<()> {
    let scene = Scene::with("", echo).await?;
    scene.says("one").await?;
    scene.sees(&scene.personal(), "said: one").await?;
    scene.teams.end_tokens();
    let users: Vec<String> = (1..4).map(|number| scene.teams.user(number)).collect();
    for user in &users {
        let activity = scene.teams.activity(user, &json!({"text": "two"}));
        scene.takes(&activity).await?;
    }
    for user in &users {
        scene.sees(&scene.teams.personal(user), "said: two").await?;
    }
    assert_eq!(scene.teams.calls("/token"), 2);
    scene.finish().await
}

#[tokio::test]
async fn a_bot_that_was_removed_gives_up_at_once_and_others_go_on() -> anyhow::Result<()> {
    let scene = Scene::with("", echo).await?;
    scene.teams.remove_from(&scene.personal());
    scene.says("one").await?;
    let other = scene.teams.user(2);
    scene
        .takes(&scene.teams.activity(&other, &json!({"text": "two"})))
        .await?;
    scene
        .sees(&scene.teams.personal(&other), "said: two")
        .await?;
    scene.told(2).await?;
    let dead = scene.stage.finish_with_dead().await?;
    assert_eq!(dead.len(), 1);
    let reason = dead[0].reason.clone().unwrap_or_default();
    assert!(reason.contains("removed"), "{reason}");
    Ok(())
}

#[tokio::test]
async fn a_conflict_in_the_conversation_passes() -> anyhow::Result<()> {
    let scene = Scene::with("", echo).await?;
    let faults = scene.teams.server().faults();
    faults.add(scene.teams.showing(None), 1, Fault::Status(412));
    scene.says("hi").await?;
    scene.sees(&scene.personal(), "You said: hi.").await?;
    assert_eq!(faults.failed().len(), 1);
    scene.finish().await
}

#[tokio::test]
async fn a_bot_can_look_its_users_up_by_their_object_id() -> anyhow::Result<()> {
    let scene = Scene::with("auth_id = 'user'", echo).await?;
    scene.says("hi").await?;
    scene.sees(&scene.personal(), "You said: hi.").await?;
    let said = scene.stage.simulator().records(|seen| {
        let said = seen.messages.last().expect("a message");
        said.auth_id.clone()
    });
    assert_eq!(said, scene.asha);
    scene.finish().await
}
