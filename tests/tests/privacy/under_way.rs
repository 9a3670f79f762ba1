//! What is under way for somebody ends first, or is cut off and writes nothing any more.

use std::time::Duration;

use haptik_bridge_tests::fake_slack::Fault;

use super::scene::Scene;
use super::table::{bytes_of, having};

const SLOW: Duration = Duration::from_millis(1_500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_ends_before_somebody_is_forgotten() -> anyhow::Result<()> {
    let scene = Scene::quiet().await?;
    let slack = &scene.stage.slack;
    slack.fail_next("chat.postMessage", 1, Fault::Delay(SLOW));
    let channel = scene.stage.slack_user_says("U00000ASHA", "hello").await;
    scene.stage.haptik_was_told(1).await?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let receipt = scene.forget("acme-slack/U00000ASHA").await?;
    assert_eq!(receipt.cut_off, 0);
    let shown = slack.messages(&channel);
    assert_eq!(shown.len(), 1, "it was shown first: {shown:#?}");
    let left = having(scene.table(), &["U00000ASHA"]).await?;
    assert!(left.is_empty(), "{left:#?}");
    scene.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cut_off_leaves_nothing_whenever_it_ends() -> anyhow::Result<()> {
    // At the channel, at Haptik's registration, and at the message there.
    for (method, path) in [
        (Some("chat.postMessage"), ""),
        (None, haptik_bridge_simulator::USER_PATH),
        (None, haptik_bridge_simulator::MESSAGE_PATH),
    ] {
        let scene = Scene::quiet().await?;
        if let Some(method) = method {
            scene.stage.slack.fail_next(method, 1, Fault::Delay(SLOW));
        } else {
            let answer = haptik_bridge_simulator::CallOutcome::Answer;
            scene
                .stage
                .simulator()
                .add_call_fault(haptik_bridge_simulator::CallFault {
                    times: Some(1),
                    delay_ms: 1_500,
                    ..haptik_bridge_simulator::CallFault::on(path, answer)
                });
        }
        scene.stage.slack_user_says("U00000ASHA", "hello").await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        let person = scene.person("acme-slack/U00000ASHA").await?;
        let receipt = scene.forget_person(&person, true).await?;
        assert!(receipt.cut_off > 0, "{method:?} {path}");
        tokio::time::sleep(SLOW).await;
        scene.rest().await;
        let bytes = bytes_of(scene.table()).await?;
        for left in [
            "U00000ASHA",
            "hello",
            person.auth_ids.first().expect("one").as_str(),
        ] {
            assert!(
                !bytes.contains(left),
                "{method:?} {path}: the table has {left}"
            );
        }
        scene.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_ends_is_not_waited_for_and_nothing_is_removed() -> anyhow::Result<()> {
    let scene = Scene::quiet().await?;
    scene.stage.slack.set_down(true);
    scene.stage.slack_user_says("U00000ASHA", "hello").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let person = scene.person("acme-slack/U00000ASHA").await?;
    let way = haptik_bridge_local::privacy::WayToForget {
        cut_off: false,
        patience: Duration::from_millis(100),
        until_known: Duration::ZERO,
    };
    let (ledger, users) = (scene.ledger(), &scene.bridge().users);
    let refused = haptik_bridge_local::privacy::forget(ledger, users, &person, way, |_| {}).await;
    let said = refused.expect_err("it is under way").to_string();
    assert!(
        said.contains("still under way") && said.contains("--cut-off"),
        "{said}"
    );
    assert!(bytes_of(scene.table()).await?.contains("U00000ASHA"));
    scene.stage.slack.set_down(false);
    scene.end().await
}
