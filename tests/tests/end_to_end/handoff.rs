//! Hand-offs from a bot that lives elsewhere, over the custom channel.

use haptik_bridge_local::simulator::UserMessage;
use haptik_bridge_tests::{Options, Stage};
use serde_json::{Value, json};

/// An application whose users talk with a bot of its own.
const HANDOFF_ONLY: &str = "handoff_only = true\nteam_name = 'Support'";

async fn stage() -> anyhow::Result<Stage> {
    let options = Options {
        app: HANDOFF_ONLY,
        ..Options::default()
    };
    Stage::with(options, |_: &UserMessage| Vec::new()).await
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

fn asked(id: &str) -> Value {
    json!({
        "id": id, "timestamp": now(), "message": "wants a refund", "team_name": "Support",
        "user": {"id": "u-42", "name": "Asha", "email": "a@example.com", "custom_data": {"plan": "gold"}},
        "transcript": [{"sender": "user", "text": "I want my money back"},
                       {"sender": "bot", "text": "I am bringing a colleague."}],
    })
}

fn said(id: &str, text: &str) -> Value {
    json!({"type": "message", "id": id, "timestamp": now(), "text": text, "user": {"id": "u-42"}})
}

#[tokio::test]
async fn the_interface_answers_as_documented() -> anyhow::Result<()> {
    let stage = stage().await?;
    let (url, app) = (stage.channel_url("my-app"), &stage.app);
    let handoff = format!("{url}/handoff");
    let user = format!("{handoff}/u-42");

    let (status, answer) = app.send(&url, &said("m-0", "hello")).await?;
    assert_eq!(status, 409, "{answer}");
    assert!(
        answer["error"]
            .as_str()
            .is_some_and(|error| error.contains("handoff_only"))
    );
    assert_eq!(app.delete(&user).await?.0, 404);

    let (status, begun) = app.send(&handoff, &asked("h-1")).await?;
    assert_eq!((status, &begun["id"]), (202, &json!("h-1")));
    assert_eq!(app.send(&url, &said("m-1", "hello")).await?.0, 202);
    assert_eq!(
        app.send(&handoff, &asked("h-1")).await?,
        (202, begun.clone())
    );
    let (status, another) = app.send(&handoff, &asked("h-2")).await?;
    assert_eq!((status, &another["handoff_id"]), (409, &json!("h-1")));

    for _ in 0..2 {
        assert_eq!(app.delete(&user).await?, (202, begun.clone()));
    }
    assert_eq!(app.send(&url, &said("m-2", "hello")).await?.0, 409);
    assert_eq!(app.send(&handoff, &asked("h-1")).await?, (202, begun));
    assert_eq!(app.send(&url, &said("m-3", "hello")).await?.0, 409);

    let mut nested = asked("h-3");
    nested["user"]["custom_data"] = json!({"plan": {"name": "gold"}});
    let (status, answer) = app.send(&handoff, &nested).await?;
    assert_eq!(status, 400);
    assert!(
        answer["error"]
            .as_str()
            .is_some_and(|error| error.starts_with("user.custom_data.plan is an object")),
        "{answer}"
    );
    assert_eq!(app.delete(&format!("{handoff}/%FF")).await?.0, 400);
    assert_eq!(app.delete(&format!("{handoff}/")).await?.0, 404);
    assert_eq!(app.delete(&handoff).await?.0, 405);
    let client = haptik_bridge_tests::app::client()?;
    let unsigned = client.delete(&user).send().await?;
    assert_eq!(unsigned.status(), 401);
    let unsigned = client.post(&handoff).body(asked("h-4").to_string());
    assert_eq!(unsigned.send().await?.status(), 401);
    stage.finish().await
}
