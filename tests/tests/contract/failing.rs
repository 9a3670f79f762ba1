//! A provider that asks for a pause, fails, refuses, and a bridge that is killed.

use std::time::{Duration, Instant};

use haptik_bridge_shared::lane::Lane;
use haptik_bridge_tests::chaos::{self, KillAt, Load, Rates};
use haptik_bridge_tests::faults::Fault;
use tokio::task::JoinSet;

use super::{Start, count, echo, is_answered, scene, sees};

pub(super) async fn a_pause_that_is_asked_for_is_made_and_nobody_else_waits(
    start: Start,
) -> anyhow::Result<()> {
    let stage = scene(start, echo).await?;
    let provider = &stage.provider;
    let (slow, quick) = (provider.user(1), provider.user(2));
    let faults = provider.server().faults();
    faults.add(provider.showing(Some(&slow)), 1, Fault::RateLimited(4));
    let began = Instant::now();
    stage.takes(&provider.say(&slow, "slow")).await?;
    is_answered(&stage, &quick, "quick").await?;
    let waits = count(&provider.shown(&slow), "You said: slow.") == 0;
    let took = began.elapsed();
    assert!(waits, "the other user was answered only after {took:?}");
    sees(&stage, &slow, "You said: slow.", 1).await?;
    let took = began.elapsed();
    assert!(
        took >= Duration::from_secs(4),
        "asked again after {took:?}: the fake names a pause of 4 s (`Dialect::too_many`), which is to be made"
    );
    assert_eq!(faults.failed().len(), 1);
    stage.finish().await
}

pub(super) async fn what_fails_in_passing_is_sent_again(start: Start) -> anyhow::Result<()> {
    let stage = scene(start, echo).await?;
    let provider = &stage.provider;
    let (user, faults) = (provider.user(1), provider.server().faults());
    for fault in [Fault::Status(500), Fault::Status(503), Fault::CutBefore] {
        faults.add(provider.showing(None), 1, fault.clone());
        is_answered(&stage, &user, &format!("{fault:?}")).await?;
    }
    assert_eq!(faults.failed().len(), 3);
    stage.haptik_was_told(3).await?;
    stage.finish().await
}

pub(super) async fn what_was_taken_unheard_is_not_lost_and_holds_up_nothing(
    start: Start,
) -> anyhow::Result<()> {
    let stage = scene(start, echo).await?;
    let provider = &stage.provider;
    let (user, faults) = (provider.user(1), provider.server().faults());
    for fault in [Fault::CutAfter, Fault::StatusAfter(502)] {
        faults.add(provider.showing(None), 1, fault.clone());
        stage
            .takes(&provider.say(&user, &format!("{fault:?}")))
            .await?;
        is_answered(&stage, &user, &format!("after {fault:?}")).await?;
        let times = count(&provider.shown(&user), &format!("You said: {fault:?}."));
        let most = if provider.may_show_twice() { 2 } else { 1 };
        assert!(
            (1..=most).contains(&times),
            "{fault:?} is shown {times} times"
        );
    }
    assert_eq!(faults.failed().len(), 2);
    stage.finish().await
}

pub(super) async fn what_is_refused_for_good_is_a_dead_letter_and_the_next_goes_on(
    start: Start,
) -> anyhow::Result<()> {
    let stage = scene(start, echo).await?;
    let provider = &stage.provider;
    let (user, faults) = (provider.user(1), provider.server().faults());
    faults.add(provider.showing(None), 1, provider.refusal());
    stage.takes(&provider.say(&user, "one")).await?;
    stage.haptik_was_told(1).await?;
    is_answered(&stage, &user, "two").await?;
    assert_eq!(count(&provider.shown(&user), "You said: one."), 0);
    assert_eq!(provider.refusals(), Vec::<String>::new());
    let dead = stage.finish_with_dead().await?;
    let [entry] = &dead[..] else {
        panic!("one dead letter, not {}", dead.len());
    };
    assert!(matches!(entry.lane, Lane::Channel(_)), "{}", entry.lane);
    assert!(entry.reason.is_some());
    Ok(())
}

pub(super) async fn one_who_cannot_be_reached_holds_up_nobody_else(
    start: Start,
) -> anyhow::Result<()> {
    let stage = scene(start, echo).await?;
    let provider = &stage.provider;
    let (out_of_reach, other) = (provider.user(1), provider.user(2));
    let faults = provider.server().faults();
    faults.add(
        provider.showing(Some(&out_of_reach)),
        usize::MAX,
        Fault::Status(500),
    );
    for number in 0..4 {
        for user in [&out_of_reach, &other] {
            stage
                .takes(&provider.say(user, &format!("{user} {number}")))
                .await?;
        }
    }
    for number in 0..4 {
        sees(&stage, &other, &format!("You said: {other} {number}."), 1).await?;
    }
    // What the one says reaches Haptik all the same, in order.
    let told = stage.haptik_was_told(8).await?;
    let of_one: Vec<_> = told
        .iter()
        .filter(|text| text.starts_with(&out_of_reach))
        .collect();
    let said: Vec<String> = (0..4)
        .map(|number| format!("{out_of_reach} {number}"))
        .collect();
    assert_eq!(of_one, said.iter().collect::<Vec<_>>());
    assert_eq!(count(&provider.shown(&out_of_reach), "You said"), 0);
    // It goes on where it was.
    faults.clear();
    sees(
        &stage,
        &out_of_reach,
        &format!("You said: {out_of_reach} 3."),
        1,
    )
    .await?;
    stage.finish().await
}

pub(super) async fn a_kill_before_or_after_any_step_costs_nothing(
    start: Start,
) -> anyhow::Result<()> {
    let exchange = |kill_at| Load {
        seed: 1,
        users: 1,
        at_once: 1,
        messages: 1,
        replies: 2,
        rates: Rates::NONE,
        kill_at,
        disorder: 0.0,
        patience: Duration::from_secs(20),
    };
    let provider = start().await?;
    let calm = chaos::run_with(provider.clone(), exchange(None)).await?;
    assert!(calm.is_good() && calm.to_haptik.doubled == 0, "{calm}");
    assert!(calm.steps >= 10, "{calm}");
    let mut runs = JoinSet::new();
    let mut kills = KillAt::between(0..calm.steps);
    while !kills.is_empty() || !runs.is_empty() {
        while runs.len() < 4
            && let Some(kill_at) = kills.pop()
        {
            let load = exchange(Some(kill_at));
            runs.spawn(async move {
                let report = chaos::run_with(start().await?, load).await?;
                anyhow::Ok((kill_at, report))
            });
        }
        if let Some(run) = runs.join_next().await {
            let (kill_at, report) = run??;
            let good = if provider.may_show_twice() {
                report.is_good_but_for_repeats()
            } else {
                report.is_good()
            };
            assert!(good, "killed at {kill_at:?}\n{report}");
        }
    }
    Ok(())
}
