//! The demo, as `cargo run` serves it.

use std::time::Duration;

use haptik_bridge_local::demo::Demo;
use haptik_bridge_local::feed::Feed;
use haptik_bridge_local::gateway::LocalBridge;
use haptik_bridge_shared::net::aws::AwsEnvironment;
use haptik_bridge_simulator::{CompletedBy, Records};
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_conversation_that_completes_is_among_the_tickets_of_the_page() -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let demo = Demo::new(url.clone());
    let local = LocalBridge::start(demo.config()?, None, &AwsEnvironment::read(|_| None)).await?;
    let simulator = demo.simulator();
    let router =
        local
            .router()
            .merge(demo.router(local.bridge.clone(), Feed::new(), &simulator)?);
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let client = haptik_bridge_shared::net::client()?;
    let tickets = async || {
        let answer = client.get(format!("{url}/demo/tickets")).send().await?;
        answer.error_for_status()?.json::<Vec<Value>>().await
    };
    assert!(tickets().await?.is_empty());
    let said = json!({"type": "message", "user": {"id": "asha", "name": "Asha"},
        "text": "Where is my order?"});
    let sent = client.post(format!("{url}/demo/do")).json(&said).send();
    sent.await?.error_for_status()?;
    let find = |seen: &Records| seen.messages.last().map(|said| said.auth_id.clone());
    let auth_id = simulator.wait_for(Duration::from_secs(20), find).await?;
    simulator.completes(&auth_id, CompletedBy::Bot)?;
    let mut made = Vec::new();
    for _ in 0..400 {
        made = tickets().await?;
        if !made.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(made.len(), 1, "{made:?}");
    let says = made[0]["comments"][0]["body"].as_str().unwrap_or_default();
    assert!(says.contains("user: Where is my order?"), "{says}");
    serving.abort();
    Ok(())
}
