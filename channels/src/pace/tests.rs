use std::cell::RefCell;
use std::sync::Arc;

use haptik_bridge_shared::retry::{Retry, Retryable as _};

use super::*;

/// A provider that takes one message a second in a conversation, and at first a burst of unknown length.
const LEARNT: Pace = Pace {
    per_conversation: Some(Duration::from_secs(1)),
    learn_bursts: true,
    per_group: None,
};

/// One that takes bursts, but no more than this many messages in a group.
const GROUPS: Pace = Pace {
    per_group: Some(Rate {
        messages: 20,
        per: Duration::from_mins(1),
    }),
    ..LEARNT
};

/// The provider's side: a burst, and then one a second.
#[derive(Debug)]
struct Limit {
    burst: u32,
    state: Mutex<(f64, Instant, u32)>,
}

impl Limit {
    fn of(burst: u32) -> Arc<Self> {
        let state = Mutex::new((f64::from(burst), Instant::now(), 0));
        Arc::new(Self { burst, state })
    }

    fn post(&self) -> Result<(), SendError> {
        let mut state = self.state.lock().expect("a limit");
        let (tokens, at, refused) = &mut *state;
        let refilled = *tokens + at.elapsed().as_secs_f64();
        (*tokens, *at) = (refilled.min(f64::from(self.burst)), Instant::now());
        // A millisecond more or less is the clock's.
        if *tokens > 0.995 {
            *tokens -= 1.0;
            return Ok(());
        }
        *refused += 1;
        let pause = Some(Duration::from_secs(1));
        Err(SendError::new(Refusal::RateLimited(pause), "too many"))
    }

    fn refused(&self) -> u32 {
        self.state.lock().expect("a limit").2
    }
}

async fn post(pacer: &Pacer, bucket: &Bucket, limit: &Limit) -> Result<(), SendError> {
    pacer.call(bucket, || async { limit.post() }).await
}

#[tokio::test(start_paused = true)]
async fn a_burst_runs_into_the_limit_once_and_not_with_every_message() {
    let (pacer, limit, start) = (Pacer::new(LEARNT), Limit::of(5), Instant::now());
    for _ in 0..40 {
        post(&pacer, &Bucket::of("D1"), &limit)
            .await
            .expect("it is sent");
    }
    assert_eq!(limit.refused(), 1);
    assert_eq!(start.elapsed().as_secs(), 35);
    // As it is without: every message after the burst is refused once.
    let alone = Limit::of(5);
    for _ in 0..40 {
        while alone.post().is_err() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    assert_eq!(alone.refused(), 35);
}

#[tokio::test(start_paused = true)]
async fn all_who_write_to_a_conversation_share_its_turns_and_no_other_waits() {
    let pacer = Pacer::new(LEARNT);
    let (limit, other) = (Limit::of(1), Limit::of(9));
    let order = RefCell::new(Vec::new());
    let start = Instant::now();
    let bucket = Bucket::of("C1");
    let one = |name: &'static str| {
        let (pacer, limit, order, bucket) = (&pacer, &limit, &order, &bucket);
        async move {
            post(pacer, bucket, limit).await.expect("it is sent");
            order.borrow_mut().push((name, start.elapsed().as_secs()));
        }
    };
    one("a").await;
    tokio::join!(one("b"), one("c"), one("d"));
    assert_eq!(*order.borrow(), [("a", 0), ("b", 1), ("c", 2), ("d", 3)]);
    let before = Instant::now();
    post(&pacer, &Bucket::of("C2"), &other)
        .await
        .expect("it is sent");
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert!(limit.refused() <= 3, "{} times", limit.refused());
}

#[tokio::test(start_paused = true)]
async fn a_long_pause_is_left_to_the_lane_and_is_known_to_all() {
    let (pacer, bucket) = (Pacer::new(LEARNT), Bucket::of("D1"));
    let asked = || async {
        let pause = Some(Duration::from_secs(30));
        Err::<(), _>(SendError::new(Refusal::RateLimited(pause), "theirs"))
    };
    let start = Instant::now();
    let refused = pacer
        .call(&bucket, asked)
        .await
        .expect_err("it has to wait");
    let pause = Refusal::RateLimited(Some(Duration::from_secs(30)));
    // In the provider's words for who was told, and in ours for the others.
    assert_eq!(
        (refused.refusal, refused.reason.as_str()),
        (pause, "theirs")
    );
    let limit = Limit::of(9);
    let waits = post(&pacer, &bucket, &limit).await;
    assert_eq!(waits.expect_err("it has to wait").refusal, pause);
    assert_eq!(start.elapsed(), Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(30)).await;
    post(&pacer, &bucket, &limit).await.expect("it is sent");
}

#[tokio::test(start_paused = true)]
async fn after_a_minute_without_a_refusal_nothing_waits() {
    let (pacer, bucket) = (Pacer::new(LEARNT), Bucket::of("D1"));
    pacer.slow_down(&bucket, Duration::from_secs(1));
    tokio::time::sleep(Duration::from_secs(61)).await;
    let (limit, start) = (Limit::of(20), Instant::now());
    for _ in 0..20 {
        post(&pacer, &bucket, &limit).await.expect("it is sent");
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(pacer.buckets.lock().expect("buckets").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_group_is_sent_no_more_than_its_rate_from_the_first_message_on() {
    let (pacer, limit) = (Pacer::new(GROUPS), Limit::of(1_000));
    let group = Bucket::group("G1");
    let start = Instant::now();
    for _ in 0..20 {
        post(&pacer, &group, &limit).await.expect("it is sent");
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    let waits = post(&pacer, &group, &limit).await.expect_err("it waits");
    let minute = Some(Duration::from_mins(1));
    assert_eq!(waits.refusal, Refusal::RateLimited(minute));
    tokio::time::sleep(Duration::from_secs(55)).await;
    post(&pacer, &group, &limit).await.expect("it is sent");
    assert_eq!(start.elapsed(), Duration::from_mins(1));
    // Neither another group nor somebody who is alone with the bot waits for it.
    let before = Instant::now();
    for bucket in [Bucket::group("G2"), Bucket::of("D1")] {
        for _ in 0..20 {
            post(&pacer, &bucket, &limit).await.expect("it is sent");
        }
    }
    assert_eq!((before.elapsed(), limit.refused()), (Duration::ZERO, 0));
}

#[tokio::test(start_paused = true)]
async fn a_rate_without_bursts_is_kept_from_the_first_message_on() {
    let strict = Pace {
        learn_bursts: false,
        ..LEARNT
    };
    let (pacer, limit, start) = (Pacer::new(strict), Limit::of(1), Instant::now());
    for _ in 0..5 {
        post(&pacer, &Bucket::of("D1"), &limit)
            .await
            .expect("it is sent");
    }
    assert_eq!((start.elapsed().as_secs(), limit.refused()), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn who_has_no_pace_of_its_own_is_told_what_the_provider_says() {
    let (pacer, limit, start) = (Pacer::new(Pace::FREE), Limit::of(1), Instant::now());
    post(&pacer, &Bucket::of("D1"), &limit)
        .await
        .expect("it is sent");
    let refused = post(&pacer, &Bucket::of("D1"), &limit).await;
    refused.expect_err("it is refused");
    assert_eq!((start.elapsed(), limit.refused()), (Duration::ZERO, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_of_conversations_does_not_grow_without_end() {
    let (pacer, limit) = (Pacer::new(GROUPS), Limit::of(1_000_000));
    for number in 0..=MOST_BUCKETS {
        let bucket = Bucket::group(number.to_string());
        post(&pacer, &bucket, &limit).await.expect("it is sent");
        if number == MOST_BUCKETS - 1 {
            tokio::time::sleep(Duration::from_mins(2)).await;
        }
    }
    assert_eq!(pacer.buckets.lock().expect("buckets").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_pause_is_longer_than_a_day_whatever_a_provider_says() {
    let day = Some(Duration::from_hours(24));
    for pause in [Duration::MAX, Duration::from_secs(u64::MAX)] {
        let pacer = Pacer::new(LEARNT);
        let refused = SendError::new(Refusal::RateLimited(Some(pause)), "theirs");
        assert_eq!(refused.retry(), Retry::Later(day));
        let bucket = Bucket::of("D1");
        let call = || async { Err::<(), _>(refused.clone()) };
        let error = pacer.call(&bucket, call).await.expect_err("it waits");
        assert_eq!(error.refusal, Refusal::RateLimited(day));
    }
    let refused = SendError::new(Refusal::Unavailable(Some(Duration::MAX)), "theirs");
    assert_eq!(refused.retry(), Retry::Later(day));
}
