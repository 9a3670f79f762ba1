//! Conversations with a bot as companies have them: nobody is online, words are masked, single sign-on, forms
//! with optional and searched fields, buttons that share and that open, choices that Haptik is not sure of,
//! threads.

use std::time::{Duration, Instant};

use haptik_bridge_processor::Limits;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::net::fake::{Answer, Fake};
use haptik_bridge_simulator::{
    AgentJoins, CallFault, CallOutcome, CompletedBy, FEEDBACK_PATH, Reply, Settings, Transcripts,
    UserMessage, WhenOffline,
};
use haptik_bridge_tests::app::{App, SECRET};
use haptik_bridge_tests::fake_crm::Kind;
use haptik_bridge_tests::fake_slack::{Interaction, Message, OpenView};
use haptik_bridge_tests::{Options, Stage};
use jiff::Timestamp;
use serde_json::{Value, json};

const ASHA: &str = "U00000ASHA";
const PATIENCE: Duration = Duration::from_secs(15);

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}", message.text))]
}

/// Who Asha is at Haptik when she writes in Slack.
fn asha() -> AuthId {
    AuthId::derive(&"acme-slack".into(), ASHA, None)
}

/// A bot that answers "go" with this, and anything else with an echo.
async fn stage_showing(hsl: Value) -> anyhow::Result<Stage> {
    let bot = move |message: &UserMessage| match message.text.as_str() {
        "go" => vec![Reply::Hsl(hsl.clone()), Reply::Text("That is all.".into())],
        _ => echo(message),
    };
    Stage::with_bot(bot).await
}

/// Has Asha say "go", and returns what she is shown, as one text, and the last message that can be tapped.
async fn shown(stage: &Stage) -> (String, Option<Message>) {
    let channel = stage.slack_user_says(ASHA, "go").await;
    stage.slack.wait_for_text(&channel, "That is all.").await;
    let messages = stage.slack.messages(&channel);
    let texts = messages.iter().map(Message::visible_text);
    let texts = texts.collect::<Vec<_>>().join("\n");
    let mut offers = messages.into_iter();
    (texts, offers.rfind(|message| !message.buttons().is_empty()))
}

fn labels(message: &Message) -> Vec<String> {
    let buttons = message.buttons().into_iter();
    buttons.map(|button| button.label).collect()
}

async fn taps(stage: &Stage, message: &Message, button: &str) {
    stage
        .slack_sends(&stage.slack.tap(message, ASHA, button))
        .await;
}

#[tokio::test]
async fn after_hours_the_user_hears_the_bot_and_that_nobody_is_there() -> anyhow::Result<()> {
    let sink = App::start().await?;
    let options = Options {
        slack: "team_name = 'Help'\nagent_phrases = ['agent']",
        haptik: Settings {
            time_scale: 0.001,
            agent_joins: AgentJoins::AfterCountdown,
            ..Settings::default()
        },
        tables: format!(
            "[sinks.crm]\ntype = 'webhook'\nevents = ['missed_handoff']\nurl = '{}'\nsigning_secrets = ['{SECRET}']",
            sink.url()
        ),
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    stage.simulator().behave(|account| {
        account.offline_teams = vec!["Help".to_owned()];
        account.when_offline = WhenOffline::Complete;
        account.offline_message = "We are back at nine{offline}.".to_owned();
    });
    let channel = stage.slack_user_says(ASHA, "hi").await;
    stage.slack.wait_for_text(&channel, "You said: hi").await;
    stage.slack_user_says(ASHA, "agent").await;
    stage
        .slack
        .wait_for_text(&channel, "We are back at nine.")
        .await;
    stage
        .slack
        .wait_for_text(&channel, "Nobody is free at the moment")
        .await;
    let missed = sink.wait_for(1).await.remove(0).body;
    assert_eq!(missed["data"]["data"]["completion_by"], "Team Offline Flag");
    // The bot has its chat back.
    stage.slack_user_says(ASHA, "thanks").await;
    stage
        .slack
        .wait_for_text(&channel, "You said: thanks")
        .await;
    stage.finish().await
}

#[tokio::test]
async fn a_ticket_has_the_words_that_haptik_has_masked_and_names_nobody_but_agents()
-> anyhow::Result<()> {
    let desk = Kind::Zendesk.start().await;
    let crm = Fake::start(|_| Answer::new(200, "{}")).await;
    let tables = format!(
        "[sinks.crm]\n{}\nevents = ['webhook_conversation_complete']\nbase_url = '{}'\n\
         [sinks.own]\ntype = 'http'\nevents = ['webhook_conversation_complete']\nurl = '{}'\n\
         body = '''{{\"agent\": \"{{{{ agent_name }}}}\", \"by\": \"{{{{ completion_by }}}}\"}}'''",
        Kind::Zendesk.login(),
        desk.base_url(),
        crm.url("own")
    );
    let options = Options {
        tables,
        limits: Limits {
            completion_wait: Duration::from_millis(300),
            ..Limits::default()
        },
        ..Options::default()
    };
    let stage = Stage::with(options, |message: &UserMessage| {
        vec![Reply::Text(format!("Noted {}{{next}}", message.text))]
    })
    .await?;
    stage.simulator().behave(|account| {
        account.masking = true;
        account.transcripts = Transcripts::Types;
    });
    let channel = stage.slack_user_says(ASHA, "order 1234567").await;
    stage
        .slack
        .wait_for_text(&channel, "Noted order 1234567")
        .await;
    stage.slack_user_says(ASHA, "asha@example.com").await;
    stage
        .slack
        .wait_for_text(&channel, "Noted asha@example.com")
        .await;
    stage
        .simulator()
        .completes_as(asha().as_str(), CompletedBy::Agent, "waiting_for_user")?;
    desk.wait_for_tickets(1).await;
    let description = Kind::Zendesk.description(&desk.tickets()[0]);
    for line in [
        "user: order 1234567",
        "bot: Noted order 1234567",
        "user: asha@example.com",
        "bot: Noted asha@example.com",
    ] {
        assert!(description.contains(line), "{line}: {description}");
    }
    for absent in ["***", ": TEXT", "{next}"] {
        assert!(!description.contains(absent), "{absent}: {description}");
    }
    let end = Instant::now() + PATIENCE;
    while crm.requests().is_empty() && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let told: Value = serde_json::from_slice(&crm.requests()[0].body)?;
    assert_eq!(told["by"], "waiting_for_user");
    let name = told["agent"].as_str().unwrap_or_default();
    assert!(!name.contains("waiting") && name != "gogo", "{told}");
    stage.finish().await
}

#[tokio::test]
async fn what_single_sign_on_gives_reaches_haptik_and_nobody_else() -> anyhow::Result<()> {
    let options = Options {
        app: "auth_id = 'user'",
        ..Options::default()
    };
    let stage = Stage::with(options, echo).await?;
    let said = json!({
        "type": "message", "id": "m-1", "timestamp": Timestamp::now().to_string(), "text": "hello",
        "user": {"id": "cust-77", "name": "Asha", "auth_code": "one-time-31415", "phone_model": "Fairphone 5",
                 "os_version": "15", "package_name": "example.acme.app", "custom_data": {"plan": "gold"}},
    });
    assert_eq!(stage.app_sends(&said).await?["auth_id"], "cust-77");
    let answer = stage.app.wait_for(1).await.remove(0).body;
    assert!(!answer.to_string().contains("31415"), "{answer}");
    stage.simulator().records(|seen| {
        let created = seen.users.last().expect("a user");
        for (key, value) in [
            ("auth_code", "one-time-31415"),
            ("phone_model", "Fairphone 5"),
            ("os_version", "15"),
            ("package_name", "example.acme.app"),
        ] {
            assert_eq!(created.fields[key], value, "{key}");
        }
    });
    // Another code is told, and the same one not again.
    for (id, code) in [("m-2", "two-27182"), ("m-3", "two-27182")] {
        let mut again = said.clone();
        again["id"] = json!(id);
        again["timestamp"] = json!(Timestamp::now().to_string());
        again["user"]["auth_code"] = json!(code);
        stage.app_sends(&again).await?;
    }
    stage.haptik_was_told(3).await?;
    let told = stage.simulator().records(|seen| seen.users.len());
    assert_eq!(told, 2);
    stage.finish().await
}

/// Somebody types in a field in which is searched.
fn search(stage: &Stage, view: &OpenView, block: &Value, typed: &str) -> Interaction {
    let submitted = stage.slack.submit_view(view, ASHA, &[]);
    let mut payload = submitted.json().clone();
    payload["type"] = json!("block_suggestion");
    payload["container"] = json!({"type": "view", "view_id": view.id});
    payload["block_id"] = block["block_id"].clone();
    payload["action_id"] = block["element"]["action_id"].clone();
    payload["value"] = json!(typed);
    Interaction::from_json(payload)
}

#[tokio::test]
async fn a_form_with_optional_and_searched_fields_is_filled_in_in_slack() -> anyhow::Result<()> {
    let cities = Fake::start(|request| {
        if request.path.contains("query=pu") {
            let found = r#"{"data": [{"title": "Pune"}, {"title": " Puri "}, {"title": "Pune"}, {"name": "x"}, null]}"#;
            return Answer::new(200, found);
        }
        Answer::new(500, "")
    })
    .await;
    let form = json!({"type": "FORM", "title": "Address", "data": {"submit_text": "Deliver it", "fields": [
        {"key": "middle", "type": "text", "hint": "Middle name", "order": 2},
        {"key": "name", "type": "text", "hint": "Name", "order": 1, "validation": {"required": true, "min_length": 9, "max_length": 2}},
        {"key": "city", "type": "search", "hint": "City", "order": 3, "search_source": cities.url("cities?country=in").to_string()},
    ]}});
    let stage = stage_showing(form).await?;
    let (_, offer) = shown(&stage).await;
    taps(&stage, &offer.expect("a form"), "Fill in the form").await;
    let view = stage.slack.opened_views().remove(0);
    assert_eq!(view.view["submit"]["text"], "Deliver it");
    let blocks = view.view["blocks"].as_array().expect("blocks").clone();
    let inputs: Vec<&Value> = blocks
        .iter()
        .filter(|block| block["type"] == "input")
        .collect();
    let optional: Vec<bool> = inputs
        .iter()
        .map(|block| block["optional"].as_bool().unwrap_or_default())
        .collect();
    assert_eq!(optional, [false, true, true]);
    let reply = stage
        .slack_sends(&search(&stage, &view, inputs[2], "pu"))
        .await;
    let found: Vec<Value> = reply.json()["options"]
        .as_array()
        .expect("options")
        .iter()
        .map(|option| option["text"]["text"].clone())
        .collect();
    assert_eq!(found, [json!("Pune"), json!("Puri")]);
    let asked = cities.requests().remove(0);
    let user = format!("user_id={}", asha());
    for part in ["country=in", "query=pu", user.as_str(), "user_name="] {
        assert!(asked.path.contains(part), "{part}: {}", asked.path);
    }
    // An API that fails leaves the field empty, and Slack without an error.
    let reply = stage
        .slack_sends(&search(&stage, &view, inputs[2], "zz"))
        .await;
    assert_eq!(reply.json()["options"], json!([]));
    let id = |block: &Value, key: &str| {
        let id = block.pointer(key).and_then(Value::as_str);
        id.expect("an id").to_owned()
    };
    let ids: Vec<(String, String)> = inputs
        .iter()
        .map(|block| (id(block, "/block_id"), id(block, "/element/action_id")))
        .collect();
    let chosen = json!({"text": {"type": "plain_text", "text": "Pune"}, "value": "Pune"});
    let city = json!({"type": "external_select", "selected_option": chosen});
    let nothing = json!({"type": "plain_text_input", "value": null});
    let values = [
        (ids[0].0.as_str(), ids[0].1.as_str(), json!("Asha")),
        (&ids[1].0, &ids[1].1, nothing.clone()),
        (&ids[2].0, &ids[2].1, city),
    ];
    let mut without = values.clone();
    without[0].2 = nothing;
    let reply = stage
        .slack_sends(&stage.slack.submit_view(&view, ASHA, &without))
        .await;
    let errors = reply.json()["errors"].as_object().expect("errors").clone();
    assert!(
        errors.contains_key(&ids[0].0) && errors.len() == 1,
        "{errors:?}"
    );
    stage
        .slack_sends(&stage.slack.submit_view(&view, ASHA, &values))
        .await;
    let told = stage.haptik_was_told(2).await?;
    assert_eq!(told[1], "Name: Asha\nCity: Pune");
    stage.finish().await
}

#[tokio::test]
async fn a_share_button_says_what_it_tracks_and_a_link_what_opening_it_says() -> anyhow::Result<()>
{
    let buttons = json!({"text": "A tip", "type": "BUTTON", "data": {"items": [
        {"actionable_text": "Share it", "type": "SHARE_CARD", "payload": {"message": "A great saving tip for you!"}},
        {"actionable_text": "Pass it on", "type": "APP_ACTION", "uri": "SHARE", "payload": {"message": "Not said", "gogo_message": "shared{1}"}},
        {"actionable_text": "Pay", "type": "APP_ACTION", "uri": "LINK", "payload": {"url": "https://pay.example/1", "message": "I have paid{paid}"}},
        {"actionable_text": "Terms", "type": "APP_ACTION", "uri": "LINK", "payload": {"url": "https://pay.example/t", "message": "{}"}},
        {},
    ]}});
    let stage = stage_showing(buttons.clone()).await?;
    let (texts, offer) = shown(&stage).await;
    assert!(texts.contains("A great saving tip for you!"), "{texts}");
    assert!(!texts.contains("paid}") && !texts.contains('…'), "{texts}");
    let offer = offer.expect("buttons");
    let labels = labels(&offer);
    assert!(
        !labels.iter().any(|label| label.contains("Share it")),
        "{labels:?}"
    );
    for button in ["Pass it on", "Terms", "Pay"] {
        taps(&stage, &offer, button).await;
    }
    let told = stage.haptik_was_told(3).await?;
    assert_eq!(told[1..], ["shared{1}", "I have paid{paid}"]);
    // The application is told which of them say something.
    let go = json!({"type": "message", "id": "m-1", "timestamp": Timestamp::now().to_string(), "text": "go", "user": {"id": "u-42"}});
    stage.app_sends(&go).await?;
    let actions = stage.app.wait_for(1).await.remove(0).body["actions"].take();
    assert_eq!(
        actions,
        json!([
            {"label": "Pass it on", "value": "shared{1}"},
            {"label": "Pay", "url": "https://pay.example/1", "value": "I have paid{paid}"},
            {"label": "Terms", "url": "https://pay.example/t"},
        ])
    );
    stage.finish().await
}

#[tokio::test]
async fn choices_that_haptik_is_not_sure_of_can_be_tapped_beside_the_others() -> anyhow::Result<()>
{
    let asks = json!({"text": "Did you mean?", "type": "TEXT", "data": {
        "intents": ["Track my order", "Cancel my order"],
        "quick_replies": [{"actionable_text": "Cancel my order", "type": "TEXT_ONLY"}, {"actionable_text": "None of these", "type": "TEXT_ONLY"}],
    }});
    let stage = stage_showing(asks).await?;
    let (_, offer) = shown(&stage).await;
    let offer = offer.expect("choices");
    assert_eq!(
        labels(&offer),
        ["Track my order", "Cancel my order", "None of these"]
    );
    taps(&stage, &offer, "Track my order").await;
    assert_eq!(stage.haptik_was_told(2).await?[1], "Track my order");
    stage.finish().await
}

#[tokio::test]
async fn what_says_nothing_is_not_shown_and_feedback_is_a_rating() -> anyhow::Result<()> {
    let texts = ["{}", "<p>{}</p>", "{taskbox}", "<br>", "&nbsp;"];
    let stage = Stage::with_bot(move |message: &UserMessage| match message.text.as_str() {
        "go" => {
            let silent = texts.iter().map(|text| Reply::Text((*text).to_owned()));
            let html = "Your <strong>order</strong>&nbsp;&amp; more{log}";
            let rest = [html, "<p>{feedback}</p>", "That is all."];
            let rest = rest.iter().map(|text| Reply::Text((*text).to_owned()));
            silent.chain(rest).collect()
        }
        _ => echo(message),
    })
    .await?;
    let (texts, offer) = shown(&stage).await;
    assert!(!texts.contains(['{', '}', '<']), "{texts}");
    assert!(
        texts.contains("order") && texts.contains("&amp; more"),
        "{texts}"
    );
    let channel = stage.slack.dm_channel(ASHA);
    assert_eq!(stage.slack.messages(&channel).len(), 3);
    taps(&stage, &offer.expect("a rating"), "4 ★").await;
    let rated = |seen: &haptik_bridge_simulator::Records| {
        let last = seen.feedback.last();
        last.is_some_and(|last| last.query_rating == 4)
    };
    stage.simulator().wait_until(PATIENCE, rated).await?;
    stage.finish().await
}

#[tokio::test]
async fn an_answer_comes_in_the_thread_of_the_message_that_it_answers() -> anyhow::Result<()> {
    let stage = Stage::with_bot(|_: &UserMessage| Vec::new()).await?;
    let (mention, _) = stage
        .slack
        .mention("C000000001", ASHA, "in the thread", None);
    stage.slack_sends(&mention).await;
    stage.haptik_was_told(1).await?;
    let direct = stage.slack_user_says(ASHA, "directly").await;
    stage.haptik_was_told(2).await?;
    let first = stage
        .simulator()
        .records(|seen| seen.messages.iter().map(|one| one.message_id).next());
    let answer = |id: u64, answers: Value| {
        json!({"event_name": "message", "timestamp": Timestamp::now().to_string(), "business_id": 343,
               "user": {"auth_id": asha()}, "agent": {"name": "gogo", "is_automated": true},
               "message": {"id": id, "body": {"text": format!("answer {id}"), "type": "TEXT", "data": {}}},
               "user_message_info": answers})
    };
    for (id, answers) in [
        (900_001, json!({"id": first})),
        (900_002, Value::Null),
        (900_003, json!({"id": 7})),
    ] {
        stage.simulator().deliver(&answer(id, answers));
    }
    let threaded = stage
        .slack
        .wait_for_text("C000000001", "answer 900001")
        .await;
    assert_eq!(threaded.thread_ts.as_deref(), Some(mention.ts()));
    for text in ["answer 900002", "answer 900003"] {
        stage.slack.wait_for_text(&direct, text).await;
    }
    assert_eq!(stage.slack.messages("C000000001").len(), 1);
    stage.finish().await
}

#[tokio::test]
async fn a_rating_that_haptik_never_takes_does_not_hold_up_what_the_user_writes()
-> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    stage.simulator().add_call_fault(CallFault::on(
        FEEDBACK_PATH,
        CallOutcome::Status {
            status: 403,
            retry_after: None,
            body: Some(json!({"error_message": "Invalid_User"})),
        },
    ));
    let user = json!({"id": "u-42"});
    let at = || Timestamp::now().to_string();
    let hello =
        json!({"type": "message", "id": "m-1", "timestamp": at(), "text": "hello", "user": user});
    stage.app_sends(&hello).await?;
    stage.app.wait_for(1).await;
    let rating = json!({"type": "feedback", "id": "f-1", "timestamp": at(), "user": user, "rating": 1, "resolved": false});
    stage.app_sends(&rating).await?;
    let more =
        json!({"type": "message", "id": "m-2", "timestamp": at(), "text": "more", "user": user});
    stage.app_sends(&more).await?;
    assert_eq!(stage.haptik_was_told(2).await?[1], "more");
    stage.finish().await
}
