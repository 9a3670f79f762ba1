//! Hand-offs: an application begins and ends one, and one with a bot of its own is heard only during one.

use super::*;

#[test]
fn a_hand_off_is_begun_and_ended() {
    let mut body = message();
    body["message"] = json!("wants a refund");
    body["team_name"] = json!("Support");
    body["receiver"] = json!(" athena ");
    let body = body.to_string();
    let ask = |method: &Method, path: &str, body: &str| {
        let headers = signed(body.as_bytes());
        let request = Request {
            method,
            path,
            ..posted(&headers, body.as_bytes())
        };
        receive_at(&request, now())
    };
    let begun = ask(&Method::POST, "/handoff", &body).expect("received");
    let auth_id = AuthId::derive(&"my-app".into(), "u-42", None);
    assert_eq!(
        begun.response,
        Response::json(202, &json!({"id": "m-1", "auth_id": auth_id}))
    );
    let mut effects = begun.effects;
    let (Some(Effect::Peer(PeerRequest::Begin(inbound))), []) = (effects.pop(), effects.as_slice())
    else {
        panic!("one thing is asked");
    };
    let action = UserAction::Handoff {
        id: "m-1".into(),
        says: vec!["wants a refund".into()],
        team_name: Some("Support".into()),
        receiver: Some("athena".into()),
    };
    assert_eq!((inbound.action, inbound.auth_id), (action, auth_id));
    let ended = ask(&Method::DELETE, "/handoff/a/ü b", "").expect("received");
    let auth_id = AuthId::derive(&"my-app".into(), "a/ü b", None);
    let [Effect::Peer(PeerRequest::End(whom))] = ended.effects.as_slice() else {
        panic!("{:?}", ended.effects);
    };
    assert_eq!(*whom, auth_id);
    let headers = signed(b"other");
    let unsigned = Request {
        method: &Method::DELETE,
        path: "/handoff/u-42",
        ..posted(&headers, b"")
    };
    assert!(matches!(
        receive_at(&unsigned, now()),
        Err(Rejected::Unauthorized(_))
    ));
}

/// Whether the user is handed over is for whoever takes it to see: it is passed on as such.
#[test]
fn what_users_say_to_a_bot_of_ones_own_is_taken_only_while_they_are_handed_over() {
    let settings = config::Custom {
        handoff_only: true,
        ..settings(secret_path())
    };
    let edge = edge_with(&settings).expect("good secrets");
    let body = message().to_string();
    let headers = signed(body.as_bytes());
    let request = posted(&headers, body.as_bytes());
    let received = receive_with(edge.as_ref(), &request, now()).expect("received");
    let [Effect::Peer(PeerRequest::Forward(forwarded))] = received.effects.as_slice() else {
        panic!("{:?}", received.effects);
    };
    assert_eq!(**forwarded, inbound(&message()));
}
