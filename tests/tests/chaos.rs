//! What is promised under faults, in short: `docs/guarantees.md` names these tests.

use std::time::Duration;

use haptik_bridge_tests::chaos::{self, KillAt, Load, Rates};
use tokio::task::JoinSet;

/// One user, one message, two replies.
const ONE_EXCHANGE: Load = Load {
    seed: 1,
    users: 1,
    messages: 1,
    replies: 2,
    rates: Rates::NONE,
    kill_at: None,
    disorder: 0.0,
    patience: Duration::from_secs(20),
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_faults_everywhere_and_kills_nothing_is_lost_doubled_or_out_of_order()
-> anyhow::Result<()> {
    let report = chaos::run(Load {
        users: 12,
        messages: 5,
        rates: Rates {
            fault: 0.06,
            kill: 0.004,
        },
        disorder: 0.1,
        patience: Duration::from_mins(1),
        ..ONE_EXCHANGE
    })
    .await?;
    assert!(report.kills() > 0 && report.is_good(), "{report}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_before_or_after_any_step_of_an_exchange_costs_nothing() -> anyhow::Result<()> {
    let calm = chaos::run(ONE_EXCHANGE).await?;
    assert!(calm.is_good() && calm.to_haptik.doubled == 0, "{calm}");
    assert!(calm.steps >= 20, "{calm}");
    let mut runs = JoinSet::new();
    let mut steps: Vec<KillAt> = (0..calm.steps)
        .flat_map(|step| [false, true].map(|takes_effect| KillAt { step, takes_effect }))
        .collect();
    let mut doubled_at_haptik = 0;
    while !steps.is_empty() || !runs.is_empty() {
        while runs.len() < 8
            && let Some(kill_at) = steps.pop()
        {
            runs.spawn(async move {
                let load = Load {
                    kill_at: Some(kill_at),
                    ..ONE_EXCHANGE
                };
                (kill_at, chaos::run(load).await)
            });
        }
        if let Some(run) = runs.join_next().await {
            let (kill_at, report) = run?;
            let report = report?;
            assert!(report.is_good(), "killed at {kill_at:?}\n{report}");
            // Haptik cannot be asked: a kill between the call that tells it and its record says one thing
            // twice. Steps of the answer, which Haptik delivers at once, may fall in between too.
            assert!(
                report.to_haptik.doubled <= 1,
                "killed at {kill_at:?}\n{report}"
            );
            doubled_at_haptik += report.to_haptik.doubled;
        }
    }
    // The window is a part of the exchange, and a small one.
    assert!(
        doubled_at_haptik * 4 <= calm.steps * 2,
        "{doubled_at_haptik} of {} kills",
        calm.steps * 2
    );
    Ok(())
}
