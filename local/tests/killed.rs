//! The real binary, killed with SIGKILL in the middle of its work and started again on the same data:
//! nothing is lost, the order is kept, and Slack, which can be asked, shows nothing twice. Stopped with SIGTERM, as an
//! update stops it, nothing is told twice at all. A disk that is full loses nothing either.

#[path = "killed/scene.rs"]
mod scene;

use std::process::Command;
use std::time::Duration;

use haptik_bridge_simulator::{DeliveryState, Records};

use scene::{AS_LONG_AS_SLACK, BINARY, MESSAGES, PATIENCE, Scene, USERS};

/// How often it is killed.
const KILLS: u64 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_that_is_killed_again_and_again_loses_doubles_and_reorders_nothing()
-> anyhow::Result<()> {
    let mut scene = Scene::begin(AS_LONG_AS_SLACK).await?;
    let mut bridge = scene.start(BINARY)?;
    scene.write()?;
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(random.u64(300..900))).await;
        bridge.kill()?;
        bridge = scene.start(BINARY)?;
    }
    let mut outcome = scene.end().await?;
    // Haptik cannot be asked: what a kill left unrecorded is told again, and right away.
    outcome.heard.iter_mut().for_each(Vec::dedup);
    outcome.check();
    Ok(())
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_whose_disk_is_full_says_so_and_loses_nothing() -> anyhow::Result<()> {
    let mut scene = Scene::begin(AS_LONG_AS_SLACK).await?;
    let mut bridge = scene.start_with_little_room()?;
    scene.answers().await?;
    scene.write()?;
    let said = scene.health(503).await?;
    let why = "the ledger does not take what is written: ";
    assert!(said.contains(why), "{said}");
    // What is small may be taken in between.
    let listen = scene.listen.to_string();
    let ask = || {
        Command::new(BINARY)
            .args(["health", "--listen", &listen])
            .output()
    };
    let mut asked = ask()?;
    for _ in 0..100 {
        if !asked.status.success() {
            break;
        }
        asked = ask()?;
    }
    let printed = String::from_utf8_lossy(&asked.stderr);
    assert!(
        !asked.status.success() && printed.contains(why),
        "{printed}"
    );
    bridge.stop()?;
    let mut bridge = scene.start(BINARY)?;
    let mut outcome = scene.end().await?;
    // Haptik cannot be asked: what could not be recorded is told again, and right away.
    outcome.heard.iter_mut().for_each(Vec::dedup);
    outcome.check();
    bridge.stop()
}

/// With `HAPTIK_BRIDGE_OTHER`, the path of another version's binary, it is updated from that one and goes back to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_that_is_updated_and_goes_back_under_traffic_loses_doubles_and_reorders_nothing()
-> anyhow::Result<()> {
    let other = std::env::var_os("HAPTIK_BRIDGE_OTHER").unwrap_or_else(|| BINARY.into());
    let mut scene = Scene::begin(AS_LONG_AS_SLACK).await?;
    let mut bridge = scene.start(&other)?;
    scene.write()?;
    let mut random = fastrand::Rng::with_seed(7);
    for binary in [BINARY.into(), other.clone(), BINARY.into()] {
        scene.answers().await?;
        tokio::time::sleep(Duration::from_millis(random.u64(300..900))).await;
        bridge.stop()?;
        bridge = scene.start(binary)?;
    }
    scene.answers().await?;
    scene.end().await?.check();
    bridge.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_that_is_stopped_ends_what_it_sends_and_leaves_what_waits_in_the_ledger()
-> anyhow::Result<()> {
    let mut scene = Scene::begin(Duration::from_millis(500)).await?;
    let mut bridge = scene.start(BINARY)?;
    scene.write()?;
    scene.all_is_taken().await?;
    let all_have_come = |seen: &Records| {
        let answers = seen.deliveries.iter().filter(|it| it.message_id.is_some());
        let taken = answers.filter(|it| it.state == DeliveryState::Delivered);
        taken.count() == 2 * USERS * MESSAGES
    };
    let haptik = scene.haptik.simulator();
    haptik.wait_until(PATIENCE, all_have_come).await?;
    bridge.stop()?;
    // Each user has answers that wait, for longer than a stop may take; one that is cut off would come again.
    let shown = scene.slack.posts().len();
    assert!(shown < 2 * USERS * MESSAGES, "all were sent: {shown}");
    let mut bridge = scene.start(BINARY)?;
    scene.answers().await?;
    scene.end().await?.check();
    bridge.stop()
}
