//! The comparison with transcripts goes on to its end, whatever fails in the middle of it.

use haptik_bridge_shared::activity::Hour;
use haptik_bridge_shared::outage::{Cursor, Unchecked};

use super::late::wrote_before;
use super::*;

/// How many of a user's messages came late.
fn late(stage: &Stage, channel: &str) -> usize {
    let shown = texts(stage, channel);
    let late = shown.iter().filter(|text| text.contains("delivered late"));
    late.count()
}

/// Two users who were answered nothing, in an outage that was noticed after 61 minutes; their channels.
async fn two_are_not_answered(stage: &Stage) -> anyhow::Result<[String; 2]> {
    run_maintenance_in(stage, Duration::ZERO).await;
    let asha = talk(stage, ASHA, "hello").await?;
    let milo = talk(stage, MILO, "hello too").await?;
    stage.simulator().disable_webhook();
    say(stage, ASHA, "one").await?;
    say(stage, MILO, "two").await?;
    stage.simulator().let_time_pass(minutes(61));
    run_maintenance_in(stage, minutes(61)).await;
    Ok([asha, milo])
}

#[tokio::test]
async fn a_comparison_goes_on_although_the_webhook_is_enabled_every_hour() -> anyhow::Result<()> {
    let stage = stage().await?;
    run_maintenance_in(&stage, Duration::ZERO).await;
    talk(&stage, ASHA, "hello").await?;
    talk(&stage, MILO, "hello too").await?;
    wrote_before(&stage, MILO, Duration::from_hours(20)).await?;
    // It has come as far as the hour in which Milo wrote.
    let (bridge, account) = (&stage.local.bridge, "main".into());
    let began = Timestamp::from_millisecond(Timestamp::now().as_millisecond())?;
    let enabled = began + Duration::from_secs(1);
    let mut outage = Outage::noticed("main".into(), began, began, Cause::Unattended);
    (outage.proof, outage.enabled) = (Some(Proof::DeliveriesHadWaited), Some(enabled));
    outage.ended = Some(enabled);
    let mut cursor = Cursor::new(enabled);
    let user = bridge.users.get(&auth_id(MILO)).await?;
    let last_activity = user.context("Milo is known")?.last_activity;
    cursor.hour = Hour::of_millisecond(last_activity);
    outage.cursor = Some(cursor);
    bridge.health.follow_outage(&account, began).await?;
    bridge.outages.put(&outage).await?;
    let count_enables = || stage.simulator().records(|seen| seen.webhook_enables.len());
    let before = count_enables();
    run_maintenance_in(&stage, minutes(61)).await;
    assert_eq!(count_enables(), before + 1, "the hour is over");
    run_maintenance_in(&stage, minutes(63)).await;
    let found = records(&stage).await?;
    let [(outage, _)] = &found[..] else {
        panic!("one record: {found:#?}");
    };
    assert_eq!(outage.checked, 1, "Asha was looked at before");
    assert!(outage.closed.is_some(), "{outage:#?}");
    stage.finish().await
}

#[tokio::test]
async fn a_user_whose_transcript_fails_holds_up_nobody_and_is_tried_again() -> anyhow::Result<()> {
    let stage = stage().await?;
    let channels = two_are_not_answered(&stage).await?;
    stage.simulator().add_call_fault(CallFault {
        times: Some(1),
        ..CallFault::on(HISTORY_PATH, CallOutcome::status(503))
    });
    let late = || {
        let mut late = channels.each_ref().map(|channel| late(&stage, channel));
        late.sort_unstable();
        late
    };
    run_maintenance_in(&stage, minutes(63)).await;
    assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
    assert_eq!(late(), [0, 2], "one of them");
    run_maintenance_in(&stage, minutes(64)).await;
    assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
    assert_eq!(late(), [2, 2], "and the other");
    let found = records(&stage).await?;
    let [(outage, findings)] = &found[..] else {
        panic!("one record: {found:#?}");
    };
    assert!(outage.closed.is_some() && findings.unchecked.is_empty());
    stage.finish().await
}

#[tokio::test]
async fn one_whose_transcript_always_fails_is_named_in_the_record_after_ten_tries()
-> anyhow::Result<()> {
    let stage = stage().await?;
    two_are_not_answered(&stage).await?;
    let unavailable = CallFault::on(HISTORY_PATH, CallOutcome::status(503));
    stage.simulator().add_call_fault(unavailable);
    let compared = async || {
        let found = records(&stage).await?;
        let [(outage, findings)] = &found[..] else {
            panic!("one record: {found:#?}");
        };
        anyhow::Ok((outage.compared_until.is_some(), findings.unchecked.len()))
    };
    for later in 0..10 {
        assert!(!compared().await?.0, "given up after {later} tries");
        run_maintenance_in(&stage, minutes(63 + later)).await;
    }
    assert_eq!(compared().await?, (true, 2));
    stage.finish().await
}

#[tokio::test]
async fn who_could_not_be_compared_and_is_later_is_no_longer_listed() -> anyhow::Result<()> {
    let stage = stage().await?;
    two_are_not_answered(&stage).await?;
    let found = records(&stage).await?;
    let outages = &stage.local.bridge.outages;
    let unchecked = Unchecked {
        auth_id: auth_id(ASHA),
        reason: "its transcript was not found".to_owned(),
        tries: None,
    };
    outages.unchecked(&found[0].0, &unchecked).await?;
    run_maintenance_in(&stage, minutes(63)).await;
    let found = records(&stage).await?;
    let (outage, findings) = &found[0];
    assert!(outage.closed.is_some(), "{outage:#?}");
    assert_eq!(findings.unchecked, [], "she was compared since");
    assert!(stage.local.queue.idle(Duration::from_secs(10)).await);
    stage.finish().await
}
