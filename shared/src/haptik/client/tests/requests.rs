//! What is sent: paths, headers and bodies, of every call.

use super::*;

#[tokio::test]
async fn every_call_has_the_token_the_client_id_and_its_path() {
    let answers = r#"{"success": true, "enabled": true, "chat_json": [], "message": []}"#;
    let (fake, client) = start(move |_| Reply::new(200, answers)).await;
    let (auth_id, user) = (auth_id(), User::new(auth_id(), &Profile::default()));
    let file = File {
        auth_id: &auth_id,
        business_id: 343,
        kind: FileKind::Image,
        name: "a.png",
        mime_type: "image/png",
        bytes: Bytes::from_static(b"png"),
        text: "",
    };
    client.create_user(&user).await.expect("created");
    client.update_user(&user).await.expect("updated");
    log(&client).await.expect("logged");
    client.log_file(&file).await.expect("logged");
    rate(&client).await.expect("rated");
    client.enable_webhook(343, 13).await.expect("enabled");
    client.send_chat_to_agent(&to(None)).await.expect("moved");
    client
        .get_chat_history(&history())
        .await
        .expect("a transcript");
    client
        .send_sync_message(&auth_id, 343, "hi")
        .await
        .expect("an answer");
    let requests = fake.requests();
    for request in &requests {
        assert_eq!(request.header("authorization"), "Bearer new-token");
        assert_eq!(request.header("client-id"), "client-1");
        let is_right = match request.method.as_str() {
            "GET" => request.body.is_empty(),
            _ if request.path.contains("log_file") => request
                .header("content-type")
                .starts_with("multipart/form-data; boundary="),
            _ => request.header("content-type") == "application/json",
        };
        assert!(is_right, "{}", request.path);
    }
    let lines: Vec<_> = requests
        .iter()
        .map(|request| format!("{} {}", request.method, request.path))
        .collect();
    let query = "business_id=343&user_name=h+%26+u&conversation_no=12";
    assert_eq!(
        lines,
        [
            "POST /messaging/v1.0/user/",
            "PUT /messaging/v1.0/user/",
            "POST /messaging/v1.0/log_message_from_user/",
            "POST /messaging/v1.0/log_file_from_user/",
            "POST /messaging/v1.0/log_feedback_from_user/",
            "POST /messaging/v1.0/webhook/",
            "POST /integration/external/v1.0/send_chat_to_agent/",
            &format!("GET /integration/external/v2.0/get_chat_history/?{query}&response_type=json"),
            "POST /sync?key=k",
        ]
    );
}

#[tokio::test]
async fn bodies_are_as_haptik_documents_them() {
    let (fake, client) = start(|_| Reply::new(200, r#"{"success": true, "enabled": true}"#)).await;
    let mut profile = Profile {
        name: Some("Asha".into()),
        mobile_no: Some("98".into()),
        ..Profile::default()
    };
    profile.custom_data.insert("plan".into(), json!("gold"));
    profile.custom_data.insert("nested".into(), json!({"a": 1}));
    profile.custom_data.insert("nothing".into(), json!(null));
    client
        .create_user(&User::new(auth_id(), &profile))
        .await
        .expect("created");
    log(&client).await.expect("logged");
    rate(&client).await.expect("rated");
    client.enable_webhook(343, 13).await.expect("enabled");
    let to = MoveToAgent {
        team_name: Some("Support"),
        receiver: None,
        user_name: "h",
        business_id: 343,
        countdown: Some(5),
    };
    client.send_chat_to_agent(&to).await.expect("moved");
    let bodies: Vec<_> = fake.requests().iter().map(body).collect();
    assert_eq!(
        bodies,
        [
            json!({"auth_id": "u1", "name": "Asha", "mobile_no": "98",
                "custom_data": {"plan": "gold", "nested": "{\"a\":1}"}}),
            json!({"user": {"auth_id": "u1"}, "message_body": "my-secret-words", "message_type": 0, "business_id": 343}),
            json!({"auth_id": "u1", "business_id": 343, "query_resolved": true, "query_rating": 5, "feedback": "fine"}),
            json!({"enabled": true, "business_id": 343, "device_platform": 13}),
            json!({"team_name": "Support", "user_name": "h", "business_id": 343, "countdown": 5}),
        ]
    );
}

#[tokio::test]
async fn a_file_goes_as_a_form_with_every_field() {
    let (fake, client) =
        start(|_| Reply::new(200, r#"{"message_id": "7", "file_url": "x"}"#)).await;
    let auth_id = auth_id();
    let file = File {
        auth_id: &auth_id,
        business_id: 343,
        kind: FileKind::Document,
        name: "bill \"é\"\r\nX: y",
        mime_type: "application/pdf",
        bytes: Bytes::from_static(b"%PDF-1.7"),
        text: "my bill",
    };
    assert_eq!(
        client.log_file(&file).await.expect("logged").message_id,
        Some(7)
    );
    let text = fake.requests().first().expect("a request").text();
    for (name, value) in [
        ("auth_id", "u1"),
        ("business_id", "343"),
        ("message_type", "52"),
        ("message_body", "my bill"),
    ] {
        assert!(
            text.contains(&format!("name=\"{name}\"\r\n\r\n{value}\r\n")),
            "{text}"
        );
    }
    assert!(
        text.contains("Content-Type: application/pdf\r\n\r\n%PDF-1.7\r\n"),
        "{text}"
    );
    assert!(
        text.contains("name=\"file\"; filename") && text.contains(".pdf"),
        "{text}"
    );
    assert!(!text.contains("\r\nX: y"), "{text}");
}
