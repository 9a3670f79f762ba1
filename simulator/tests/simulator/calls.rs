//! Every call, its success and each documented refusal.

use haptik_bridge_simulator::{
    AGENT_PATH, AGENT_TOOL_PATH, FEEDBACK_PATH, FILE_PATH, HISTORY_PATH, MESSAGE_PATH,
    SYNCHRONOUS_PATH, Settings, USER_PATH, WEBHOOK_PATH,
};
use reqwest::{StatusCode, multipart::Form};
use serde_json::{Value, json};

use crate::{BAD, Haptik, answer, error, message, with_webhook};

#[tokio::test]
async fn every_call_refuses_wrong_credentials() {
    let haptik = Haptik::plain().await;
    let calls = [
        (USER_PATH, "POST"),
        (USER_PATH, "PUT"),
        (MESSAGE_PATH, "POST"),
        (SYNCHRONOUS_PATH, "POST"),
        (FILE_PATH, "POST"),
        (FEEDBACK_PATH, "POST"),
        (WEBHOOK_PATH, "POST"),
        (AGENT_PATH, "POST"),
        (AGENT_TOOL_PATH, "POST"),
        (HISTORY_PATH, "GET"),
    ];
    let wrong = [
        (None, Some("simulator-client")),
        (Some("Bearer simulator-token"), None),
        (Some("Bearer wrong"), Some("simulator-client")),
        (Some("Bearer simulator-token"), Some("wrong")),
        (Some("simulator-token"), Some("simulator-client")),
    ];
    for (path, method) in calls {
        for (token, client_id) in wrong {
            let method = method.parse().expect("a method");
            let mut request = haptik.client.request(method, haptik.url(path));
            if let Some(token) = token {
                request = request.header("Authorization", token);
            }
            if let Some(client_id) = client_id {
                request = request.header("client-id", client_id);
            }
            let (status, body) = answer(request).await;
            assert_eq!(status, 401, "{path}");
            if path.starts_with("/v1.0/") {
                assert_eq!(body, error("invalid authorization details"));
            } else {
                assert!(body["error_message"].is_string());
            }
        }
    }
}

#[tokio::test]
async fn a_user_is_created_updated_and_echoed() {
    let haptik = Haptik::plain().await;
    let user = json!({
        "auth_id": "asha1", "name": "Asha", "email": "a@example.com", "language_code": "en",
        "custom_data": {"plan": "gold", "age": 30},
    });
    assert_eq!(
        haptik.post(USER_PATH, user.clone()).await,
        (StatusCode::OK, user)
    );
    let put = |body: Value| answer(haptik.call("PUT", USER_PATH).json(&body));
    assert_eq!(
        put(json!({"auth_id": "asha1", "name": "Asha B"})).await.0,
        200
    );
    let refused = (StatusCode::FORBIDDEN, error("user is not registered"));
    assert_eq!(put(json!({"auth_id": "nobody"})).await, refused);
    let created: Vec<bool> = haptik
        .simulator
        .records(|seen| seen.users.iter().map(|user| user.created).collect());
    assert_eq!(created, [true, false]);
}

#[tokio::test]
async fn a_malformed_user_is_refused_with_the_key_that_is_wrong() {
    let haptik = Haptik::plain().await;
    let wrong = [
        (json!({}), "auth_id"),
        (json!({"auth_id": ""}), "auth_id"),
        (json!({"auth_id": 7}), "auth_id"),
        (json!({"auth_id": "a b"}), "auth_id"),
        (json!({"auth_id": "a/b"}), "auth_id"),
        (json!({"auth_id": "a", "name": 7}), "name"),
        (
            json!({"auth_id": "a", "language_code": "english"}),
            "language_code",
        ),
        (
            json!({"auth_id": "a", "custom_data": "gold"}),
            "custom_data",
        ),
        (
            json!({"auth_id": "a", "custom_data": {"address": {"city": "Pune"}}}),
            "address",
        ),
        (
            json!({"auth_id": "a", "custom_data": {"list": [{}]}}),
            "list",
        ),
        (json!([]), "object"),
    ];
    for (body, key) in wrong {
        let (status, refusal) = haptik.post(USER_PATH, body).await;
        let message = refusal["error_message"].as_str().expect("a message");
        assert_eq!(status, 400, "{message}");
        assert!(message.contains(key), "{message} does not name {key}");
    }
    assert!(haptik.simulator.records(|seen| seen.users.is_empty()));
}

#[tokio::test]
async fn a_message_is_logged_for_a_registered_user_only() {
    let haptik = Haptik::plain().await;
    let refused = (StatusCode::FORBIDDEN, error("user is not registered"));
    assert_eq!(haptik.says("asha1", "hi").await, refused);
    haptik.create("asha1").await;
    let (status, first) = haptik.says("asha1", "hi").await;
    assert_eq!(status, 200);
    assert_eq!(first["message_body"], "hi");
    assert_eq!(first["message_type"], 0);
    assert!(first["created_at"].is_string());
    let (_, second) = haptik.says("asha1", "there").await;
    assert!(second["message_id"].as_u64() > first["message_id"].as_u64());
    let said: Vec<String> = haptik
        .simulator
        .records(|seen| seen.messages.iter().map(|it| it.text.clone()).collect());
    assert_eq!(said, ["hi", "there"]);
}

#[tokio::test]
async fn a_malformed_message_is_refused_with_the_key_that_is_wrong() {
    let haptik = Haptik::plain().await;
    haptik.create("asha1").await;
    for key in ["user", "message_body", "business_id", "message_type"] {
        let mut body = message("asha1", "hi");
        body.as_object_mut().expect("an object").remove(key);
        let refused = (BAD, error(&format!("{key} is missing")));
        assert_eq!(haptik.post(MESSAGE_PATH, body).await, refused);
    }
    let mut body = message("asha1", "hi");
    body["user"] = json!({});
    let refused = (BAD, error("user.auth_id is missing"));
    assert_eq!(haptik.post(MESSAGE_PATH, body).await, refused);
    assert_eq!(haptik.says("asha1", "").await.0, 400);
    let refused = (BAD, error("Content-Type must be application/json"));
    assert_eq!(
        answer(haptik.call("POST", MESSAGE_PATH).body("{}")).await,
        refused
    );
}

#[tokio::test]
async fn a_file_is_logged_with_its_digest() {
    let haptik = Haptik::plain().await;
    let refused = (StatusCode::FORBIDDEN, error("user is not registered"));
    assert_eq!(
        haptik.sends("52", "bill.PDF", b"abc".to_vec()).await,
        refused
    );
    haptik.create("asha1").await;
    let (status, body) = haptik.sends("52", "bill.PDF", b"abc".to_vec()).await;
    assert_eq!(
        (status, &body["message_type"]),
        (StatusCode::OK, &json!(52))
    );
    let file_url = body["file_url"].as_str().expect("a URL");
    let (_, kept) = answer(haptik.client.get(file_url)).await;
    assert_eq!(kept["sha1"], "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_eq!(
        (&kept["size"], &kept["name"]),
        (&json!(3), &json!("bill.PDF"))
    );
}

#[tokio::test]
async fn a_file_of_the_wrong_kind_or_size_is_refused() {
    let haptik = Haptik::plain().await;
    haptik.create("asha1").await;
    let ten_megabytes = 10 * 1024 * 1024;
    let attempts = [
        ("1", "photo.jpg", 1, 200),
        ("52", "photo.jpg", 1, 400),
        ("1", "bill.pdf", 1, 400),
        ("7", "bill.pdf", 1, 400),
        ("52", "noextension", 1, 400),
        ("52", "empty.pdf", 0, 400),
        ("52", "large.pdf", ten_megabytes, 200),
        ("52", "large.pdf", ten_megabytes + 1, 400),
    ];
    for (message_type, name, size, expected) in attempts {
        let (status, body) = haptik.sends(message_type, name, vec![b'x'; size]).await;
        assert_eq!(status, expected, "{name} as {message_type}: {body}");
    }
    let form = Form::new()
        .text("auth_id", "asha1")
        .text("business_id", "343")
        .text("message_type", "1");
    let request = haptik.call("POST", FILE_PATH).multipart(form);
    assert_eq!(answer(request).await, (BAD, error("file is missing")));
}

#[tokio::test]
async fn feedback_needs_a_user_and_a_conversation_and_comes_once_an_hour() {
    let haptik = Haptik::plain().await;
    let rating = |rating: u64| json!({"auth_id": "asha1", "business_id": 343, "query_resolved": true, "query_rating": rating});
    let refused = (StatusCode::FORBIDDEN, error("Invalid_User"));
    assert_eq!(haptik.post(FEEDBACK_PATH, rating(5)).await, refused);
    haptik.create("asha1").await;
    assert_eq!(haptik.post(FEEDBACK_PATH, rating(5)).await.0, 404);
    haptik.says("asha1", "hi").await;
    for wrong in [0, 6] {
        assert_eq!(haptik.post(FEEDBACK_PATH, rating(wrong)).await.0, 400);
    }
    let taken = (StatusCode::CREATED, json!({"success": true}));
    assert_eq!(haptik.post(FEEDBACK_PATH, rating(4)).await, taken);
    let refused = (BAD, error("duplicate feedback"));
    assert_eq!(haptik.post(FEEDBACK_PATH, rating(5)).await, refused);
    let ratings: Vec<u64> = haptik
        .simulator
        .records(|seen| seen.feedback.iter().map(|it| it.query_rating).collect());
    assert_eq!(ratings, [4]);
}

#[tokio::test]
async fn the_synchronous_call_answers_with_what_the_bot_says() {
    let haptik = Haptik::plain().await;
    haptik.create("asha1").await;
    let (status, body) = haptik
        .post(SYNCHRONOUS_PATH, message("asha1", "buttons"))
        .await;
    assert_eq!((status, &body["version"]), (StatusCode::OK, &json!("1.0")));
    assert_eq!(body["agent"]["is_automated"], true);
    assert_eq!(body["message"][0]["body"]["type"], "BUTTON");
    assert!(body["message"][0]["id"].is_u64());
    assert!(haptik.simulator.records(|seen| seen.deliveries.is_empty()));
}

#[tokio::test]
async fn a_chat_is_moved_to_an_agent_who_answers_and_completes() {
    let (haptik, _receiver) = with_webhook().await;
    haptik.says("asha1", "hello?").await;
    let user_name = haptik.user_name("asha1").await;
    let body =
        json!({"team_name": "Sales", "user_name": user_name, "business_id": 343, "countdown": 5});
    let moved = (StatusCode::OK, json!({"success": true}));
    assert_eq!(haptik.post(AGENT_PATH, body).await, moved);
    let pinned = haptik.event("chat_pinned", "asha1").await;
    assert_eq!(
        pinned["message"]["body"]["data"]["payload"]["team_name"],
        "Sales"
    );
    assert_eq!(pinned["agent"]["is_automated"], false);
    haptik.says("asha1", "bye").await;
    let complete = haptik.event("webhook_conversation_complete", "asha1").await;
    assert_eq!(complete["data"]["completion_type"], "agent");
    assert_eq!(complete["data"]["completion_by"], "Prateek");
    haptik.event("chat_complete", "asha1").await;
    let moved = haptik
        .simulator
        .records(|seen| seen.agent_moves.last().cloned());
    assert_eq!(moved.map(|moved| moved.countdown), Some(5));
}

#[tokio::test]
async fn a_move_that_cannot_be_is_refused_as_documented() {
    let haptik = Haptik::start(Settings {
        teams: vec!["Support".into()],
        inactive_teams: vec!["Old".into()],
        inactive_businesses: vec![7],
        ..Settings::default()
    })
    .await;
    haptik.create("asha1").await;
    haptik.says("asha1", "hi").await;
    let user_name = haptik.user_name("asha1").await;
    let good = json!({"user_name": user_name, "business_id": 343, "team_name": "Support"});
    let attempts = [
        ("user_name", Value::Null, "user_name missing in the request"),
        (
            "business_id",
            Value::Null,
            "business_id missing in the request",
        ),
        ("team_name", Value::Null, "team_name missing in the request"),
        ("user_name", json!("asha1"), "invalid user_name"),
        ("business_id", json!(1), "invalid business_id provided"),
        ("business_id", json!(7), "business \"7\" is inactive"),
        ("team_name", json!("Who"), "invalid team_name provided"),
        ("team_name", json!("Old"), "team \"Old\" is inactive"),
        ("countdown", json!(11), "countdown must be 5 to 10 seconds"),
    ];
    for (key, value, expected) in attempts {
        let mut body = good.clone();
        body[key] = value;
        assert_eq!(haptik.post(AGENT_PATH, body).await, (BAD, error(expected)));
    }
    haptik.create("silent1").await;
    haptik
        .simulator
        .say_text("silent1", "hello")
        .expect("a user");
    let mut body = good.clone();
    body["user_name"] = json!(haptik.user_name("silent1").await);
    let refused = (BAD, error("user has not sent a message"));
    assert_eq!(haptik.post(AGENT_PATH, body).await, refused);
}

#[tokio::test]
async fn a_transcript_comes_as_json_and_as_text() {
    let haptik = Haptik::plain().await;
    haptik.create("asha1").await;
    haptik.says("asha1", "what a day{task}").await;
    let user_name = haptik.user_name("asha1").await;
    let path = format!("{HISTORY_PATH}?business_id=343&user_name={user_name}&conversation_no=1");
    let (status, body) = answer(haptik.call("GET", &path)).await;
    assert_eq!(status, 200);
    assert_eq!(body["chat_json"][0]["text"], "what a day{task}");
    assert_eq!(body["chat_json"][1]["sender"], "bot");
    assert!(body["chat_json"][0]["message_id"].is_u64());
    let as_text = format!("{path}&response_type=text&limit=1");
    let (_, body) = answer(haptik.call("GET", &as_text)).await;
    assert_eq!(body, json!({"chat_text": "user: what a day{task}\n"}));
    for wrong in [
        format!("{HISTORY_PATH}?business_id=343&user_name={user_name}"),
        format!("{HISTORY_PATH}?business_id=x&user_name={user_name}&conversation_no=1"),
        format!("{HISTORY_PATH}?business_id=343&user_name=who&conversation_no=1"),
        format!("{path}&response_type=xml"),
        format!("{path}&limit=some"),
    ] {
        let (status, body) = answer(haptik.call("GET", &wrong)).await;
        assert_eq!(status, 400, "{wrong}");
        assert!(body["error_message"].is_string());
    }
}
