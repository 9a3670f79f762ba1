//! What real accounts do beside what each call is documented to do.

use std::time::{Duration, Instant};

use haptik_bridge_simulator::{
    AGENT_PATH, AGENT_TOOL_PATH, AgentJoins, CompletedBy, FEEDBACK_PATH, HISTORY_PATH,
    SYNCHRONOUS_PATH, Settings, Transcripts, USER_PATH, WhenOffline,
};
use serde_json::{Value, json};

use crate::{Haptik, LONG, Receiver, answer, error, message, with_webhook};

/// A user `asha1` who has said this, with what Haptik calls them.
async fn spoken(settings: Settings, text: &str) -> (Haptik, Receiver, String) {
    let receiver = Receiver::default();
    let haptik = Haptik::start(Settings {
        webhook_url: Some(receiver.listen().await),
        ..settings
    })
    .await;
    haptik.create("asha1").await;
    haptik.says("asha1", text).await;
    let user_name = haptik.user_name("asha1").await;
    (haptik, receiver, user_name)
}

fn fast() -> Settings {
    Settings {
        time_scale: 0.001,
        ..Settings::default()
    }
}

async fn completion(haptik: &Haptik) -> (Value, Value) {
    let event = haptik.event("webhook_conversation_complete", "asha1").await;
    let data = &event["data"];
    (
        data["completion_type"].clone(),
        data["completion_by"].clone(),
    )
}

async fn completed(by: CompletedBy) -> (Value, Value) {
    let (haptik, _receiver, _) = spoken(fast(), "hello?").await;
    haptik.simulator.completes("asha1", by).expect("a user");
    completion(&haptik).await
}

#[tokio::test]
async fn a_completion_names_the_state_before_it_or_a_person() {
    let expected = [
        (CompletedBy::Bot, "gogo", "Bot completed"),
        (CompletedBy::Agent, "agent", "Prateek"),
        (CompletedBy::Timeout, "autocomplete", "Waiting for User"),
        (
            CompletedBy::TeamOffline,
            "autocomplete",
            "Team Offline Flag",
        ),
    ];
    for (by, completion_type, completion_by) in expected {
        assert_eq!(
            completed(by).await,
            (json!(completion_type), json!(completion_by))
        );
    }
}

#[tokio::test]
async fn a_completion_can_name_anything() {
    let (haptik, _receiver, _) = spoken(fast(), "last step").await;
    assert_eq!(
        completion(&haptik).await,
        (json!("gogo"), json!("Order status"))
    );
    haptik.says("asha1", "hello?").await;
    let path = "/_simulator/users/asha1/completes";
    let body = json!({"by": "team_offline", "completion_by": "Team Offline"});
    let sent = haptik.call("POST", path).json(&body).send().await;
    assert_eq!(sent.expect("an answer").status(), 204);
}

async fn move_to(haptik: &Haptik, user_name: &str, team: &str) {
    let body =
        json!({"user_name": user_name, "business_id": 343, "team_name": team, "countdown": 5});
    assert_eq!(haptik.post(AGENT_PATH, body).await.0, 200);
}

#[tokio::test]
async fn an_offline_team_completes_the_chat_before_anybody_joined() {
    let (haptik, receiver, user_name) = spoken(fast(), "hello?").await;
    haptik
        .simulator
        .behave(|behaviour| behaviour.offline_teams = vec!["Night".to_owned()]);
    move_to(&haptik, &user_name, "Night").await;
    assert_eq!(
        completion(&haptik).await,
        (json!("autocomplete"), json!("Team Offline Flag"))
    );
    haptik.delivered(4).await;
    let texts = receiver.texts();
    let told = "Sorry, no agents are available at the moment.";
    assert!(texts.iter().any(|text| text == told), "{texts:?}");
    let pinned = |name: &str| {
        haptik.simulator.records(|seen| {
            let mut events = seen.deliveries.iter();
            events.any(|event| event.event_name.as_deref() == Some(name))
        })
    };
    assert!(!pinned("chat_pinned"));
    // Another team is there.
    haptik.says("asha1", "hello?").await;
    move_to(&haptik, &user_name, "Day").await;
    haptik.event("chat_pinned", "asha1").await;
}

#[tokio::test]
async fn an_offline_team_may_let_the_chat_wait_and_the_bot_stays_silent() {
    let (haptik, _receiver, user_name) = spoken(fast(), "hello?").await;
    haptik.simulator.behave(|behaviour| {
        behaviour.offline_teams = vec!["*".to_owned()];
        behaviour.when_offline = WhenOffline::Queue;
        behaviour.offline_message.clear();
    });
    move_to(&haptik, &user_name, "Night").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    haptik.says("asha1", "anybody?").await;
    let events = haptik.simulator.records(|seen| seen.deliveries.total());
    assert_eq!(events, 1, "only the answer to the first message");
}

#[tokio::test]
async fn the_bot_is_silent_while_a_chat_is_being_moved() {
    let settings = Settings {
        agent_joins: AgentJoins::After(Duration::from_mins(10)),
        ..fast()
    };
    let (haptik, _receiver, user_name) = spoken(settings, "good day").await;
    move_to(&haptik, &user_name, "Sales").await;
    haptik.says("asha1", "hi").await;
    haptik.event("chat_pinned", "asha1").await;
    haptik.says("asha1", "are you there?").await;
    let answered = "Let me look into that: “are you there?”";
    let found = haptik.simulator.wait_until(LONG, |seen| {
        let mut events = seen.deliveries.iter();
        events.any(|event| event.body.contains(answered))
    });
    found.await.expect("the agent answers");
    let menu = haptik.simulator.records(|seen| {
        let mut events = seen.deliveries.iter();
        events.any(|event| event.body.contains("simulated bot"))
    });
    assert!(!menu, "the bot answered in between");
}

#[tokio::test]
async fn the_integration_api_has_a_token_and_a_host_of_its_own() {
    let settings = Settings {
        integration_token: Some("manager-token".into()),
        integration_elsewhere: true,
        ..fast()
    };
    let (haptik, _receiver, user_name) = spoken(settings, "hello?").await;
    let elsewhere = haptik.simulator.serve_integration("127.0.0.1:0").await;
    let elsewhere = elsewhere.expect("a port");
    let path = format!("{HISTORY_PATH}?business_id=343&user_name={user_name}&conversation_no=1");
    let asked = |host: String, token: &str| {
        let request = haptik.client.get(format!("{host}{path}"));
        let request = request.header("Authorization", format!("Bearer {token}"));
        request.header("client-id", "simulator-client")
    };
    let here = asked(haptik.running.base_url(), "manager-token")
        .send()
        .await;
    assert_eq!(here.expect("an answer").status(), 404);
    let (status, body) = answer(asked(elsewhere.base_url(), "simulator-token")).await;
    assert_eq!((status.as_u16(), body), (401, error("Invalid token")));
    let (status, body) = answer(asked(elsewhere.base_url(), "manager-token")).await;
    assert_eq!(
        (status.as_u16(), &body["chat_json"][0]["text"]),
        (200, &json!("hello?"))
    );
    // It may refuse in an answer that says 200.
    haptik
        .simulator
        .behave(|behaviour| behaviour.refusal_status = 200);
    let (status, body) = answer(asked(elsewhere.base_url(), "simulator-token")).await;
    assert_eq!((status.as_u16(), body), (200, error("Invalid token")));
}

#[tokio::test]
async fn the_newer_move_names_who_gets_the_chat() {
    let (haptik, _receiver, user_name) = spoken(fast(), "hello?").await;
    let body = |receiver: &str| json!({"user_name": user_name, "business_id": 343, "team_name": "Sales", "receiver": receiver});
    let refused = (crate::BAD, error("invalid receiver provided"));
    assert_eq!(
        haptik.post(AGENT_TOOL_PATH, body("salesforce")).await,
        refused
    );
    let (status, refusal) = haptik.post(AGENT_TOOL_PATH, body("")).await;
    assert_eq!(
        (status, refusal),
        (crate::BAD, error("receiver missing in the request"))
    );
    assert_eq!(haptik.post(AGENT_TOOL_PATH, body("athena")).await.0, 200);
    haptik.event("chat_pinned", "asha1").await;
    let receiver = haptik
        .simulator
        .records(|seen| seen.agent_moves.last().and_then(|one| one.receiver.clone()));
    assert_eq!(receiver.as_deref(), Some("athena"));
}

async fn transcript(haptik: &Haptik, user_name: &str) -> Vec<String> {
    let path = format!("{HISTORY_PATH}?business_id=343&user_name={user_name}&conversation_no=1");
    let (_, body) = answer(haptik.call("GET", &path)).await;
    let lines = body["chat_json"].as_array().expect("lines").iter();
    lines
        .map(|line| line["text"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn a_transcript_can_have_types_for_words_and_is_masked_once_it_is_over() {
    let said = "Where is 4417123456? asha@example.com";
    let (haptik, _receiver, user_name) = spoken(fast(), said).await;
    haptik.simulator.behave(|behaviour| {
        behaviour.transcripts = Transcripts::Types;
        behaviour.masking = true;
    });
    haptik.says("asha1", "buttons").await;
    assert_eq!(
        transcript(&haptik, &user_name).await,
        [said, "TEXT", "buttons", "BUTTON"]
    );
    haptik
        .simulator
        .completes("asha1", CompletedBy::Bot)
        .expect("a user");
    assert_eq!(
        transcript(&haptik, &user_name).await[0],
        "Where is ******? ******"
    );
}

#[tokio::test]
async fn a_synchronous_answer_may_take_long() {
    let haptik = Haptik::start(fast()).await;
    haptik.create("asha1").await;
    let changes = json!({"sync_delay_ms": 300});
    let put = haptik.call("PUT", "/_simulator/behaviour").json(&changes);
    assert_eq!(answer(put).await.1["sync_delay_ms"], 300);
    let began = Instant::now();
    let (status, body) = haptik
        .post(SYNCHRONOUS_PATH, message("asha1", "slow"))
        .await;
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(status, 200);
    let text = body["message"][0]["body"]["text"].as_str().expect("a text");
    assert!(text.contains("12 seconds"), "{text}");
}

#[tokio::test]
async fn the_behaviour_has_no_other_keys() {
    let haptik = Haptik::plain().await;
    let (status, refusal) = answer(
        haptik
            .call("PUT", "/_simulator/behaviour")
            .json(&json!({"maskings": true})),
    )
    .await;
    assert_eq!(status, 400);
    assert!(refusal["error_message"].to_string().contains("maskings"));
    let (_, behaviour) = answer(haptik.call("GET", "/_simulator/behaviour")).await;
    assert_eq!(behaviour["masking"], false);
}

#[tokio::test]
async fn a_bots_chat_completes_after_eight_minutes_without_a_word() {
    let settings = Settings {
        time_scale: 0.0005,
        ..Settings::default()
    };
    let (haptik, _receiver, _) = spoken(settings, "hello?").await;
    haptik
        .simulator
        .behave(|behaviour| behaviour.idle_seconds = Some(480));
    haptik.says("asha1", "still there").await;
    assert_eq!(
        completion(&haptik).await,
        (json!("autocomplete"), json!("Waiting for User"))
    );
}

#[tokio::test]
async fn eight_minutes_can_be_let_pass_and_an_agents_chat_stays_open() {
    let (haptik, _receiver) = with_webhook().await;
    haptik
        .simulator
        .behave(|behaviour| behaviour.idle_seconds = Some(480_000));
    haptik.says("asha1", "hello?").await;
    haptik.create("ravi1").await;
    haptik.says("ravi1", "agent").await;
    haptik.event("chat_pinned", "ravi1").await;
    let pass = |seconds: u64| {
        haptik
            .call("POST", "/_simulator/clock")
            .json(&json!({"seconds": seconds}))
    };
    let complete = || {
        haptik.simulator.records(|seen| {
            let events = seen.deliveries.iter();
            let complete = |name: &str| name == "webhook_conversation_complete";
            events
                .filter(|event| event.event_name.as_deref().is_some_and(complete))
                .filter_map(|event| event.auth_id.clone())
                .collect::<Vec<_>>()
        })
    };
    answer(pass(400_000)).await;
    assert!(complete().is_empty());
    answer(pass(90_000)).await;
    assert_eq!(complete(), ["asha1"]);
}

#[tokio::test]
async fn a_rating_after_the_end_is_taken_only_where_the_account_takes_it() {
    let (haptik, _receiver, _) = spoken(fast(), "hello?").await;
    haptik
        .simulator
        .completes("asha1", CompletedBy::Bot)
        .expect("a user");
    let rating =
        json!({"auth_id": "asha1", "business_id": 343, "query_resolved": true, "query_rating": 5});
    assert_eq!(haptik.post(FEEDBACK_PATH, rating.clone()).await.0, 404);
    haptik.says("asha1", "late rating").await;
    haptik
        .simulator
        .completes("asha1", CompletedBy::Bot)
        .expect("a user");
    assert_eq!(haptik.post(FEEDBACK_PATH, rating).await.0, 201);
}

#[tokio::test]
async fn an_answer_names_the_message_that_it_answers() {
    let (haptik, _receiver, _) = spoken(fast(), "hello?").await;
    let answered = haptik.event("message", "asha1").await;
    let said = haptik
        .simulator
        .records(|seen| seen.messages.last().map(|said| said.message_id));
    assert_eq!(answered["user_message_info"]["id"].as_u64(), said);
    // What the bot says of itself answers nothing.
    haptik
        .simulator
        .say_text("asha1", "By the way")
        .expect("a user");
    let body = haptik
        .simulator
        .records(|seen| seen.deliveries.last().map(|event| event.body.clone()));
    assert!(!body.expect("an event").contains("user_message_info"));
    haptik
        .simulator
        .behave(|behaviour| behaviour.user_message_info = false);
    haptik.says("asha1", "hello?").await;
    let body = haptik
        .simulator
        .records(|seen| seen.deliveries.last().map(|event| event.body.clone()));
    assert!(!body.expect("an event").contains("user_message_info"));
}

#[tokio::test]
async fn an_unknown_event_is_delivered_like_any_other() {
    let (haptik, _receiver, _) = spoken(fast(), "unknown event").await;
    let event = haptik.event("conversation_labelled", "asha1").await;
    assert_eq!(event["user"]["auth_id"], "asha1");
    let body = json!({"event_name": "chat_translated"});
    let path = "/_simulator/users/asha1/unknown_event";
    let sent = haptik.call("POST", path).json(&body).send().await;
    assert_eq!(sent.expect("an answer").status(), 204);
    haptik.event("chat_translated", "asha1").await;
}

#[tokio::test]
async fn a_token_is_refused_once_in_an_answer_that_says_200() {
    let (haptik, _receiver, user_name) = spoken(fast(), "invalid token").await;
    let path = format!("{HISTORY_PATH}?business_id=343&user_name={user_name}&conversation_no=1");
    let (status, body) = answer(haptik.call("GET", &path)).await;
    assert_eq!((status.as_u16(), body), (200, error("Invalid token")));
    assert_eq!(transcript(&haptik, &user_name).await[0], "invalid token");
}

#[tokio::test]
async fn the_demo_shows_what_texts_and_forms_of_real_bots_have() {
    let haptik = Haptik::plain().await;
    haptik.create("asha1").await;
    let shown = async |word: &str| {
        let (_, body) = haptik.post(SYNCHRONOUS_PATH, message("asha1", word)).await;
        body["message"][0]["body"].clone()
    };
    assert_eq!(
        shown("did you mean").await["data"]["intents"][0],
        "Show another quote"
    );
    for (word, text) in [
        ("skip", "{}"),
        ("feedback tag", "{feedback}"),
        ("task box", "{taskbox}"),
    ] {
        assert_eq!(shown(word).await["text"], text);
    }
    let html = shown("html").await["text"].to_string();
    assert!(html.contains("<br>") && html.contains("<strong>") && html.contains("&nbsp;"));
    let link = &shown("payment link").await["data"]["items"][0];
    assert_eq!(link["uri"], "LINK");
    assert_eq!(link["payload"]["message"], "I have paid");
    let share = &shown("share").await["data"]["items"][0]["mini_actionable"];
    assert_eq!(
        (&share["type"], &share["payload"]["url"]),
        (&json!("SHARE"), &Value::Null)
    );
    let form = shown("optional form").await;
    let fields = &form["data"]["fields"];
    assert_eq!(
        (&fields[0]["required"], &fields[1]["required"]),
        (&json!(true), &json!(false))
    );
    let source = fields[2]["search_source"].as_str().expect("a URL");
    let searched = haptik
        .client
        .get(format!("{source}?query=pu&user_id=1&user_name=a"));
    let (_, found) = answer(searched).await;
    assert_eq!(found["data"], json!([{"title": "Pune"}]));
}

#[tokio::test]
async fn a_wait_in_the_queue_is_told_while_the_bot_is_silent() {
    let (haptik, receiver) = with_webhook().await;
    haptik.says("asha1", "queue").await;
    haptik.event("chat_pinned", "asha1").await;
    haptik.delivered(3).await;
    let texts = receiver.texts();
    assert!(
        texts
            .iter()
            .any(|text| text.contains("number 2 in the queue")),
        "{texts:?}"
    );
}

#[tokio::test]
async fn an_auth_id_may_be_the_companys_own_unless_the_account_is_strict() {
    let haptik = Haptik::plain().await;
    let user = |auth_id: &str| json!({"auth_id": auth_id, "auth_code": "sso-1"});
    for auth_id in ["u-42", "asha@example.com", "a__b"] {
        let (status, echoed) = haptik.post(USER_PATH, user(auth_id)).await;
        assert_eq!(
            (status.as_u16(), &echoed["auth_code"]),
            (200, &json!("sso-1"))
        );
    }
    let strict = Haptik::start(Settings {
        alphanumeric_auth_ids: true,
        ..Settings::default()
    })
    .await;
    assert_eq!(strict.post(USER_PATH, user("u-42")).await.0, 400);
    assert_eq!(strict.post(USER_PATH, user("u42")).await.0, 200);
}
