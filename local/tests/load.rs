//! The load rig (`benches/load`), with few messages and no look at the clock: nothing is lost, doubled or out of order,
//! and every figure is there.

use std::path::PathBuf;
use std::time::Duration;

use haptik_bridge_load::{Load, measure};

#[tokio::test(flavor = "multi_thread")]
async fn fifty_messages_arrive_once_and_in_order_and_are_measured() -> anyhow::Result<()> {
    let report = measure(&Load {
        bridge: PathBuf::from(env!("CARGO_BIN_EXE_haptik-bridge")),
        users: 5,
        count: Some(50),
        time: None,
        burst: 5,
        pause: Duration::ZERO,
        reorder_window_ms: None,
        history: 500,
        patience: Duration::from_mins(2),
    })
    .await?;
    assert_eq!(
        (report.lost, report.doubled, report.reordered),
        (0, 0, 0),
        "{report:#?}"
    );
    // Each was answered.
    assert_eq!(report.messages, 100);
    assert!(report.is_good());
    assert!(report.memory_before > 0 && report.memory_most >= report.memory_after);
    for (name, figure) in [
        ("messages a second", report.messages_per_second),
        ("processor time", report.processor_ms),
        ("the rig's", report.rig_ms),
        ("disk", report.disk_per_message),
    ] {
        assert!(figure > 0.0, "{name}: {report:#?}");
    }
    for name in [
        "message taken",
        "message at Haptik",
        "answer taken",
        "answer at the user",
        "there and back",
    ] {
        let latency = report.latency.get(name).copied().unwrap_or_default();
        assert!(
            0.0 < latency.p50 && latency.p50 <= latency.p99 && latency.p99 <= latency.most,
            "{name}: {report:#?}"
        );
    }
    for call in ["PutItem", "Query", "UpdateItem", "SendMessage"] {
        assert!(report.calls.contains_key(call), "{call}: {report:#?}");
    }
    Ok(())
}
