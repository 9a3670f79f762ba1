//! Keeping to Slack's limits (<https://docs.slack.dev/apis/web-api/rate-limits>): about one message a second
//! in a conversation, with bursts of a length that Slack does not publish. So the length is learnt: a
//! conversation is written to as fast as there is something to write, until Slack asks for a pause; from
//! then on once a second, by all who write to it from this process, until a minute has passed without
//! another such answer. No other conversation is slower for it.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::api::SlackError;

/// From one message to the next, once Slack has asked for a pause.
const INTERVAL: Duration = Duration::from_secs(1);

/// For how long after such an answer the interval is kept to.
const CAREFUL: Duration = Duration::from_mins(1);

/// How long one message is waited with here. A longer pause is the lane's: it is left meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The pause after an answer that does not name one.
const DEFAULT_PAUSE: Duration = Duration::from_secs(1);

/// The conversations in which Slack has asked for a pause.
#[derive(Debug, Default)]
pub(super) struct Pace {
    places: Mutex<HashMap<String, Place>>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// When the next message may be sent.
    next: Instant,
    /// Until when the interval is kept to.
    careful_until: Instant,
}

impl Pace {
    /// Makes a call when its place has a turn, and again after a short pause that Slack asks for.
    ///
    /// # Errors
    /// Those of the call; [`SlackError::RateLimited`] with the time to wait where that is above 10 s.
    pub(super) async fn call<T, C, F>(
        &self,
        method: &'static str,
        place: &str,
        call: C,
    ) -> Result<T, SlackError>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, SlackError>> + Send,
    {
        let place = format!("{method} {place}");
        let patience = Instant::now() + LONGEST_WAIT;
        loop {
            let turn = self.turn(&place, patience);
            let turn = turn.map_err(|after| SlackError::RateLimited {
                method,
                code: "ratelimited".to_owned(),
                retry_after: Some(after),
            })?;
            tokio::time::sleep_until(turn).await;
            match call().await {
                Err(SlackError::RateLimited { retry_after, .. }) => {
                    self.slow_down(place.clone(), retry_after.unwrap_or(DEFAULT_PAUSE));
                }
                called => return called,
            }
        }
    }

    /// Takes the next turn of a place; where it comes after `patience`, takes none and says in how long it
    /// comes.
    fn turn(&self, place: &str, patience: Instant) -> Result<Instant, Duration> {
        let now = Instant::now();
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = places.get_mut(place) else {
            return Ok(now);
        };
        if known.careful_until <= now {
            places.remove(place);
            return Ok(now);
        }
        let turn = known.next.max(now);
        if turn > patience {
            return Err(turn - now);
        }
        known.next = turn + INTERVAL;
        Ok(turn)
    }

    fn slow_down(&self, place: String, pause: Duration) {
        let now = Instant::now();
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.retain(|_, known| known.careful_until > now);
        let next = now + pause;
        let careful_until = next + CAREFUL;
        places
            .entry(place)
            .and_modify(|known| {
                known.next = known.next.max(next);
                known.careful_until = careful_until;
            })
            .or_insert(Place {
                next,
                careful_until,
            });
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Arc;

    use super::*;

    /// Slack's side: a burst, and then one a second.
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

        fn post(&self) -> Result<(), SlackError> {
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
            Err(SlackError::RateLimited {
                method: "chat.postMessage",
                code: "ratelimited".to_owned(),
                retry_after: Some(Duration::from_secs(1)),
            })
        }

        fn refused(&self) -> u32 {
            self.state.lock().expect("a limit").2
        }
    }

    async fn post(pace: &Pace, channel: &str, limit: &Limit) -> Result<(), SlackError> {
        let call = || async { limit.post() };
        pace.call("chat.postMessage", channel, call).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_runs_into_slacks_limit_once_and_not_with_every_message() {
        let (pace, limit, start) = (Pace::default(), Limit::of(5), Instant::now());
        for _ in 0..40 {
            post(&pace, "D1", &limit).await.expect("it is sent");
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
        let pace = Pace::default();
        let (limit, other) = (Limit::of(1), Limit::of(9));
        let order = RefCell::new(Vec::new());
        let start = Instant::now();
        let one = |name: &'static str| {
            let (pace, limit, order) = (&pace, &limit, &order);
            async move {
                post(pace, "C1", limit).await.expect("it is sent");
                order.borrow_mut().push((name, start.elapsed().as_secs()));
            }
        };
        one("a").await;
        tokio::join!(one("b"), one("c"), one("d"));
        assert_eq!(*order.borrow(), [("a", 0), ("b", 1), ("c", 2), ("d", 3)]);
        let before = Instant::now();
        post(&pace, "C2", &other).await.expect("it is sent");
        assert_eq!(before.elapsed(), Duration::ZERO);
        assert!(limit.refused() <= 3, "{} times", limit.refused());
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_pause_is_left_to_the_lane_and_is_known_to_all() {
        let pace = Pace::default();
        let long = |pace: &Pace| {
            pace.slow_down("chat.postMessage D1".to_owned(), Duration::from_secs(30));
        };
        long(&pace);
        let limit = Limit::of(9);
        let start = Instant::now();
        let failure = post(&pace, "D1", &limit).await.expect_err("it has to wait");
        let SlackError::RateLimited { retry_after, .. } = failure else {
            panic!("{failure}");
        };
        assert_eq!(retry_after, Some(Duration::from_secs(30)));
        assert_eq!(start.elapsed(), Duration::ZERO);
        tokio::time::sleep(Duration::from_secs(30)).await;
        post(&pace, "D1", &limit).await.expect("it is sent");
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_minute_without_a_refusal_nothing_waits() {
        let pace = Pace::default();
        pace.slow_down("chat.postMessage D1".to_owned(), Duration::from_secs(1));
        tokio::time::sleep(Duration::from_secs(61)).await;
        let (limit, start) = (Limit::of(20), Instant::now());
        for _ in 0..20 {
            post(&pace, "D1", &limit).await.expect("it is sent");
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert!(pace.places.lock().expect("places").is_empty());
    }
}
