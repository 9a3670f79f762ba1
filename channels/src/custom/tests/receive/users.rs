//! Users: what they are called at Haptik, and what an application says of them.

use super::*;

/// What an application's request is answered whose users are called by this at Haptik.
async fn received_by(
    source: AuthIdSource,
    path: &str,
    body: &str,
) -> Result<Receipt<Custom>, Rejected> {
    let callback_url = "https://my-app.example/".parse().expect("a URL");
    let edge = edge_by(&settings(callback_url), source).expect("good secrets");
    let headers = signed(body.as_bytes());
    let method = if body.is_empty() {
        &Method::DELETE
    } else {
        &Method::POST
    };
    let request = Request {
        method,
        path,
        ..posted(&headers, body.as_bytes())
    };
    edge.receive(&request, now()).await
}

#[tokio::test]
async fn haptik_gets_the_id_or_the_address_and_one_that_it_refuses_is_named() {
    let handoff = |user: Value| {
        json!({"id": "h", "timestamp": "2026-11-22T10:00:00Z", "message": "m", "user": user})
            .to_string()
    };
    for (source, user, expected) in [
        (AuthIdSource::User, json!({"id": "u_4-2:x"}), Ok("u_4-2:x")),
        (AuthIdSource::User, json!({"id": 42}), Ok("42")),
        (
            AuthIdSource::User,
            json!({"id": "u 42"}),
            Err("user.id is another text"),
        ),
        (
            AuthIdSource::User,
            json!({"id": "ü"}),
            Err("user.id is another text"),
        ),
        (
            AuthIdSource::Email,
            json!({"id": "u 42", "email": "A@b.example"}),
            Ok("A@b.example"),
        ),
        (
            AuthIdSource::Email,
            json!({"id": "u"}),
            Err("user.email is missing"),
        ),
        (
            AuthIdSource::Email,
            json!({"id": "u", "email": " "}),
            Err("user.email is missing"),
        ),
        (
            AuthIdSource::Email,
            json!({"id": "u", "email": "a/b@c"}),
            Err("user.email is another text"),
        ),
    ] {
        let message = with("/user", user.clone()).to_string();
        for (path, body) in [("", &message), ("/handoff", &handoff(user.clone()))] {
            let answer = received_by(source, path, body).await;
            match (answer, expected) {
                (Ok(receipt), Ok(auth_id)) => {
                    let answer: Value = serde_json::from_str(&receipt.response.body).expect("JSON");
                    assert_eq!(answer["auth_id"], auth_id, "{path} {user}");
                }
                (Err(Rejected::BadRequest(reason)), Err(named)) => {
                    assert!(reason.starts_with(named), "{path} {user}: {reason}");
                }
                (answer, _) => panic!("{path} {user}: {answer:?}"),
            }
        }
    }
    let ended = received_by(AuthIdSource::Email, "/handoff/a@b.example", "").await;
    let effects = ended.expect("received").effects;
    assert!(
        matches!(effects.as_slice(), [Effect::Peer(PeerRequest::End(whom))] if whom.as_str() == "a@b.example"),
        "{effects:?}"
    );
}

#[test]
fn a_users_device_and_login_are_told_and_the_login_is_not_shown() {
    let user = json!({"id": "u-42", "phone_model": "Pixel 9", "os_version": "16", "package_name": "com.acme.shop", "auth_code": "my-login-code"});
    let read = inbound(&with("/user", user));
    let profile = read.profile.as_ref().expect("a profile");
    assert_eq!(profile.phone_model.as_deref(), Some("Pixel 9"));
    assert_eq!(profile.os_version.as_deref(), Some("16"));
    assert_eq!(profile.package_name.as_deref(), Some("com.acme.shop"));
    assert_eq!(
        profile.auth_code.clone().map(String::from).as_deref(),
        Some("my-login-code")
    );
    assert!(!format!("{read:?} {profile:?}").contains("my-login-code"));
    let reason = bad(&with(
        "/user",
        json!({"id": "u", "auth_code": ["my-login-code"]}),
    ));
    assert!(reason.starts_with("user.auth_code is a list") && !reason.contains("my-login-code"));
}
