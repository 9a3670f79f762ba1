//! `docs/openapi.yaml` against the real routers: its examples are sent, really signed, and each answer is
//! what the document says. (`tests/openapi/run` sends it whatever the document allows and forbids. Every other test whose application sends or gets something holds that
//! against the document too.)

use std::collections::BTreeSet;

use axum::body::Body;
use haptik_bridge_shared::message::is_blank;
use haptik_bridge_tests::openapi::{Operation, document};
use http::{Request, header};
use serde_json::{Value, json};
use tower::ServiceExt as _;

#[path = "openapi/edges.rs"]
mod edges;

use edges::{Edges, Seen, Sent, Signed};

/// The first example of an operation with something else at a place.
fn with(operation: &Operation, pointer: &str, value: &Value) -> Value {
    let mut body = document().requests(operation)[0].1.clone();
    *body.pointer_mut(pointer).expect("it is there") = value.clone();
    body
}

#[tokio::test]
async fn each_example_is_taken_and_each_documented_answer_is_given_and_no_other()
-> anyhow::Result<()> {
    let edges = Edges::start().await?;
    let mut seen = Seen::default();
    for operation in document().operations() {
        for (name, body) in document().requests(&operation) {
            document().check_request(&operation, &body)?;
            let sent = Sent::new(&operation, &body);
            let (status, answer) = sent.to(&edges.whole, Signed::Well, &mut seen).await?;
            assert!(status < 300, "{operation:?} {name}: {status} {answer}");
        }
        refused_everywhere(&edges, &operation, &mut seen).await?;
    }
    refused_by_the_custom_channel(&edges, &mut seen).await?;
    told_of_hand_offs(&edges, &mut seen).await?;
    for operation in document().operations() {
        let answered = seen.0.remove(&operation).unwrap_or_default();
        let documented = document().answers(&operation);
        let statuses: BTreeSet<_> = answered.keys().collect();
        assert_eq!(
            statuses,
            documented.keys().collect(),
            "{operation:?}: what was answered, and what is documented"
        );
        for (status, examples) in documented {
            for (name, example) in examples {
                assert!(
                    answered[&status].contains(&example),
                    "{operation:?} was never answered {status} as in the example {name}: {:#?}",
                    answered[&status]
                );
            }
        }
    }
    Ok(())
}

/// What every operation is answered alike.
async fn refused_everywhere(
    edges: &Edges,
    operation: &Operation,
    seen: &mut Seen,
) -> anyhow::Result<()> {
    let examples = document().requests(operation);
    let body = examples.first().map(|(_, body)| body.to_string());
    let body = body.unwrap_or_default().into_bytes();
    let sent = || Sent::raw(operation, body.clone());
    let (status, _) = sent()
        .to(&edges.no_configuration, Signed::Well, seen)
        .await?;
    assert_eq!(status, 503, "{operation:?}");
    if operation.path == "/health" {
        let got = sent().to(&edges.whole, Signed::Not, seen).await?;
        assert_eq!(got, (200, json!({"status": "ok"})));
        return Ok(());
    }
    let (status, _) = sent().to(&edges.not_stored, Signed::Well, seen).await?;
    assert_eq!(status, 503, "{operation:?}");
    let mut tries = 0..100;
    while sent().to(&edges.limited, Signed::Well, seen).await?.0 != 429 {
        assert!(tries.next().is_some(), "{operation:?} has no limit");
    }
    for signed in [Signed::Not, Signed::Wrongly] {
        let (status, _) = sent().to(&edges.whole, signed, seen).await?;
        assert_eq!(status, 401, "{operation:?}");
    }
    let unreadable = operation.path.replace("{connection}", "%ff");
    let unreadable = unreadable.replace("{account}", "%ff");
    let unreadable = unreadable.replace("{user}", "u-42");
    let elsewhere = unreadable.replace("%ff", "nobody");
    let large = Sent::raw(operation, vec![b' '; 10 * 1024 * 1024 + 1]);
    for (expected, sent) in [
        (400, sent().at(&unreadable)),
        (404, sent().at(&elsewhere)),
        (413, large),
        (415, sent().encoded()),
    ] {
        let (status, _) = sent.to(&edges.whole, Signed::Well, seen).await?;
        assert_eq!(status, expected, "{operation:?}");
    }
    Ok(())
}

/// The operations by which a user is taken back.
fn take_back() -> [Operation; 2] {
    let handoff = "/channels/{connection}/handoff";
    [handoff.to_owned(), format!("{handoff}/{{user}}")].map(|path| Operation::new("DELETE", &path))
}

async fn refused_by_the_custom_channel(edges: &Edges, seen: &mut Seen) -> anyhow::Result<()> {
    let say = Operation::new("POST", "/channels/{connection}");
    let hand_over = Operation::new("POST", "/channels/{connection}/handoff");
    let [take_back, take_back_by_path] = take_back();
    for operation in [&say, &hand_over, &take_back, &take_back_by_path] {
        let expired = Sent::raw(operation, Vec::new());
        let (status, _) = expired.to(&edges.whole, Signed::LongAgo, seen).await?;
        assert_eq!(status, 401);
    }
    let nested = json!({"plan": {"name": "gold"}});
    let unseen = json!("\u{200b} \u{2060}\u{e0001}");
    let mut nothing_said = with(&hand_over, "/message", &json!(" "));
    nothing_said["transcript"] = json!([{"sender": "user", "text": ""}]);
    let mut nothing_seen = with(&hand_over, "/message", &unseen);
    nothing_seen["transcript"] = json!([{"sender": "user", "text": unseen}]);
    let mut by_nobody = with(&hand_over, "/id", &json!("h-3"));
    by_nobody["transcript"] = json!([{"sender": unseen, "text": "hello"}]);
    let said = document().requests(&say);
    let mut tapped = said.into_iter().map(|(_, body)| body);
    let mut tapped = tapped.find(|body| body["type"] == "action").expect("a tap");
    tapped["value"] = unseen.clone();
    for (operation, bad) in [
        (&say, with(&say, "/text", &unseen)),
        (&say, with(&say, "/id", &unseen)),
        (&say, with(&say, "/user/id", &unseen)),
        (&say, tapped),
        (&hand_over, nothing_seen),
        (&hand_over, by_nobody),
        (&say, with(&say, "/type", &json!("telepathy"))),
        (&say, with(&say, "/user", &json!({}))),
        (&say, with(&say, "/user/custom_data", &nested)),
        (&hand_over, with(&hand_over, "/user/custom_data", &nested)),
        (&hand_over, nothing_said),
    ] {
        let refused = document().check_request(operation, &bad);
        assert!(refused.is_err(), "the document has it: {bad}");
        let (status, _) = Sent::new(operation, &bad)
            .to(&edges.whole, Signed::Well, seen)
            .await?;
        assert_eq!(status, 400, "{bad}");
    }
    let no_json = Sent::raw(&say, b"hello".to_vec());
    let (status, _) = no_json.to(&edges.whole, Signed::Well, seen).await?;
    assert_eq!(status, 400);
    Ok(())
}

/// What depends on whether the user is handed over, who is since the example of a hand-off was sent.
async fn told_of_hand_offs(edges: &Edges, seen: &mut Seen) -> anyhow::Result<()> {
    let say = Operation::new("POST", "/channels/{connection}");
    let hand_over = Operation::new("POST", "/channels/{connection}/handoff");
    let [take_back, take_back_by_path] = take_back();
    let said = Sent::new(&say, &with(&say, "/id", &json!("m-8"))).at("/channels/own-bot");
    let another = Sent::new(&hand_over, &with(&hand_over, "/id", &json!("h-2")));
    let end = || Sent::raw(&take_back, Vec::new());
    let by_path = || Sent::raw(&take_back_by_path, Vec::new());
    for (expected, sent) in [
        (409, said),
        (409, another),
        (400, end().at("/channels/my-app/handoff")),
        (400, end().at("/channels/my-app/handoff?user=&id=u-42")),
        (404, end().at("/channels/my-app/handoff?user=u%2D42%25")),
        (404, by_path().at("/channels/my-app/handoff/nobody")),
        (202, end().at("/channels/my-app/handoff?id=1&user=u%2D42")),
        (202, end()),
        (202, by_path()),
    ] {
        let (status, answer) = sent.to(&edges.whole, Signed::Well, seen).await?;
        assert_eq!(status, expected, "{answer}");
    }
    Ok(())
}

#[tokio::test]
async fn a_method_that_is_not_documented_is_405_and_allow_says_which_are() -> anyhow::Result<()> {
    let edges = Edges::start().await?;
    let operations = document().operations();
    for Operation { path, .. } in &operations {
        let there = operations.iter().filter(|other| &other.path == path);
        let there: BTreeSet<&str> = there.map(|other| other.method.as_str()).collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            if there.contains(method) {
                continue;
            }
            let sent = Sent::raw(&Operation::new(method, path), Vec::new());
            let request = Request::builder().method(method).uri(&sent.path);
            let answer = edges
                .whole
                .clone()
                .oneshot(request.body(Body::empty())?)
                .await?;
            assert_eq!(answer.status(), 405, "{method} {path}");
            let allow = answer.headers()[header::ALLOW].to_str()?.replace(' ', "");
            let allowed: BTreeSet<&str> = allow
                .split(',')
                .filter(|method| *method != "HEAD")
                .collect();
            assert_eq!(allowed, there, "{method} {path}");
        }
    }
    Ok(())
}

#[test]
fn each_example_of_a_callback_is_as_its_schema_has_it() -> anyhow::Result<()> {
    let callbacks = document().callbacks();
    assert!(callbacks.len() > 3, "{callbacks:?}");
    for (kind, body) in callbacks {
        assert_eq!(body["type"], json!(kind));
        document().check_callback(&body)?;
        let mut more = body.clone();
        more["more"] = json!(1);
        assert!(document().check_callback(&more).is_err(), "{more}");
    }
    Ok(())
}

/// In all of the first plane of Unicode and around what is unseen in the others.
#[test]
fn a_text_of_which_nothing_can_be_seen_is_the_same_to_the_document_and_to_the_bridge()
-> anyhow::Result<()> {
    let visible = document().schema("VisibleText")?;
    let user = document().schema("User")?;
    let planes = [0..=0x1_0000, 0x1_d100..=0x1_d200, 0xd_ff00..=0xe_1100];
    for character in planes.into_iter().flatten().filter_map(char::from_u32) {
        let text = character.to_string();
        let is_visible = !is_blank(&text);
        assert_eq!(visible.is_valid(&json!(text)), is_visible, "{character:?}");
        // No character alone is a language: what can be seen is refused.
        let body = json!({"id": "u-42", "language_code": text});
        assert_eq!(user.is_valid(&body), !is_visible, "{character:?}");
        let beside = json!(format!("{text}a{text}"));
        assert!(visible.is_valid(&beside), "{character:?}");
    }
    Ok(())
}

/// The stack's routes, and what of them the document has.
#[test]
fn the_document_has_the_routes_of_the_stack() {
    let template = include_str!("../../template.yaml");
    let routes = template
        .lines()
        .filter_map(|line| line.trim().strip_prefix("RouteKey: "));
    let routes: Vec<(&str, &str)> = routes.filter_map(|route| route.split_once(' ')).collect();
    let leads_to = |(method, path): (&str, &str), operation: &Operation| {
        let below = path.strip_suffix("{proxy+}");
        let fits = below.map_or(operation.path == path, |below| {
            operation.path.starts_with(below)
        });
        fits && (method == "ANY" || method == operation.method)
    };
    let operations = document().operations();
    for operation in &operations {
        let deployed = routes.iter().any(|route| leads_to(*route, operation));
        assert!(deployed, "the stack has no route for {operation:?}");
    }
    for route in routes {
        // For the handshakes of providers, of which there are none yet: it is answered 405.
        let is_for_later = route == ("GET", "/channels/{connection}");
        let documented = operations
            .iter()
            .any(|operation| leads_to(route, operation));
        assert!(documented || is_for_later, "{route:?} is not documented");
    }
}

#[test]
fn each_body_that_the_pages_show_is_as_documented() -> anyhow::Result<()> {
    let say = Operation::new("POST", "/channels/{connection}");
    let hand_over = Operation::new("POST", "/channels/{connection}/handoff");
    let mut checked = 0;
    for page in [
        include_str!("../../docs/custom-channel.md"),
        include_str!("../../docs/handoff.md"),
    ] {
        let blocks = page.split("```json\n").skip(1);
        for block in blocks.filter_map(|block| block.split("```").next()) {
            let body: Value = serde_json::from_str(block)?;
            checked += 1;
            let has = |key: &str| !body[key].is_null();
            match body["type"].as_str() {
                Some("message" | "action" | "feedback") if !has("sender") => {
                    document().check_request(&say, &body)?;
                }
                Some(_) => document().check_callback(&body)?,
                None if has("message") => document().check_request(&hand_over, &body)?,
                // What a sink gets.
                None => assert_eq!(body["event_name"], "missed_handoff"),
            }
        }
    }
    assert!(checked > 12, "{checked}");
    Ok(())
}
