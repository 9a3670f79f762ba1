//! A sink's circuit breaker, call by call, with a real table behind it.

use std::time::Duration;

use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_shared::breaker::{Admission, CircuitBreaker, CircuitBreakers};
use haptik_bridge_shared::ledger::Reservation;
use haptik_bridge_shared::net::CallError;
use haptik_bridge_tests::fake_crm::FakeCrm;
use jiff::{SignedDuration, Timestamp};

use super::{complete, scene};

const PROBE_EVERY: Duration = Duration::from_millis(300);

/// So many requests are ten seconds of the rate, which is one a second.
const TEN: u32 = 10;

/// A circuit breaker of its own.
struct Scene {
    breakers: CircuitBreakers,
    _database: EmbeddedDynamoDb,
}

impl Scene {
    async fn start() -> anyhow::Result<Self> {
        let database = EmbeddedDynamoDb::start(None).await?;
        Ok(Self {
            breakers: CircuitBreakers::new(database.table.clone()),
            _database: database,
        })
    }

    async fn enter(
        &self,
        requests: u32,
        reserved: Option<Reservation>,
    ) -> anyhow::Result<Admission> {
        let entered = self
            .breakers
            .enter("crm", Some(1), requests, reserved, PROBE_EVERY);
        Ok(entered.await?)
    }

    /// Has a delivery wait; returns the time that is reserved for it.
    async fn waits(
        &self,
        requests: u32,
        reserved: Option<Reservation>,
    ) -> anyhow::Result<Reservation> {
        match self.enter(requests, reserved).await? {
            Admission::Wait(_, Some(reservation)) => Ok(reservation),
            other => panic!("it waits with a time of its own, not {other:?}"),
        }
    }

    async fn fails(&self, error: &CallError) -> anyhow::Result<Option<Duration>> {
        let breaker = self.breakers.of("crm").await?;
        Ok(self.breakers.failed("crm", &breaker, error).await?)
    }

    /// How many of five deliveries may begin.
    async fn let_in(&self) -> anyhow::Result<(usize, CircuitBreaker)> {
        let (mut entered, mut last) = (0, CircuitBreaker::default());
        for _ in 0..5 {
            let entry = self.breakers.enter("crm", None, 1, None, PROBE_EVERY);
            if let Admission::Open(breaker) = entry.await? {
                (entered, last) = (entered + 1, breaker);
            }
        }
        Ok((entered, last))
    }
}

fn unavailable() -> CallError {
    CallError::of_status("create a ticket", 503, "", None)
}

fn too_many(retry_after: Duration) -> CallError {
    CallError::of_status("create a ticket", 429, "", Some(retry_after))
}

fn seconds(from: Reservation, to: Reservation) -> i64 {
    to.at.duration_since(from.at).as_secs()
}

#[tokio::test]
async fn each_delivery_has_a_time_of_its_own_and_comes_in_at_that() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    // Who is first has the time that is now.
    scene.enter(TEN, None).await?;
    let first = scene.waits(TEN, None).await?;
    let second = scene.waits(2 * TEN, None).await?;
    let third = scene.waits(TEN, None).await?;
    assert_eq!((seconds(first, second), seconds(second, third)), (10, 20));
    // Who comes back too early waits for the same time, and takes no other.
    assert_eq!(scene.waits(TEN, Some(first)).await?, first);
    assert_eq!(seconds(third, scene.waits(TEN, None).await?), 10);
    // Who comes back in time enters, although others wait; a time that is long over is nobody's.
    let over = |minutes: i64| Reservation {
        at: Timestamp::now() - SignedDuration::from_mins(minutes),
        round: 0,
    };
    assert!(matches!(
        scene.enter(TEN, Some(over(1))).await?,
        Admission::Open(_)
    ));
    assert_eq!(seconds(third, scene.waits(TEN, Some(over(3))).await?), 20);
    Ok(())
}

#[tokio::test]
async fn a_rate_between_whole_milliseconds_is_no_higher_than_it_says() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let mut last = None;
    for _ in 0..50 {
        // 600 a second are one in 1.67 ms.
        let entered = scene
            .breakers
            .enter("fast", Some(600), 600, None, PROBE_EVERY);
        entered.await?;
        let entered = scene
            .breakers
            .enter("fast", Some(600), 1, None, PROBE_EVERY);
        let Admission::Wait(_, Some(reserved)) = entered.await? else {
            continue;
        };
        if let Some(before) = last.replace(reserved.at) {
            let apart = reserved.at.duration_since(before).as_millis();
            assert!(apart >= 1_002, "601 requests had {apart} ms");
        }
    }
    assert!(last.is_some(), "none has waited");
    Ok(())
}

#[tokio::test]
async fn after_a_429_all_wait_and_reserve_again_at_a_lower_rate() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let mine = Reservation {
        at: Timestamp::now(),
        round: 0,
    };
    assert!(matches!(
        scene.enter(TEN, Some(mine)).await?,
        Admission::Open(_)
    ));
    let half_a_minute = Duration::from_secs(30);
    // The table has milliseconds.
    let began = Timestamp::from_millisecond(Timestamp::now().as_millisecond())?;
    assert!(scene.fails(&too_many(half_a_minute)).await? >= Some(half_a_minute));
    let (entered, _) = scene.let_in().await?;
    assert_eq!(entered, 0, "a sink without a rate waits too");
    let again = scene.waits(TEN, Some(mine)).await?;
    assert!(again.at >= began + half_a_minute, "{again:?}");
    let next = scene.waits(TEN, None).await?;
    let step = next.at.duration_since(again.at).as_millis();
    assert_eq!(step, 12_500, "a fifth slower");
    // Those that were on their way say nothing new.
    scene.fails(&too_many(Duration::from_secs(28))).await?;
    assert_eq!(scene.waits(TEN, Some(next)).await?, next);
    Ok(())
}

#[tokio::test]
async fn a_sink_that_is_down_is_tried_by_one_until_that_goes_well() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    for _ in 0..2 {
        scene.fails(&unavailable()).await?;
        assert_eq!(scene.let_in().await?.0, 5, "two failures are none");
    }
    let began = Timestamp::now();
    scene.fails(&unavailable()).await?;
    let closed = scene.breakers.of("crm").await?.closed_until;
    assert!(
        closed >= Some(began + Duration::from_millis(999)),
        "{closed:?}"
    );
    // A hundred that had begun before are the same outage.
    let before = CircuitBreaker::default();
    scene
        .breakers
        .failed("crm", &before, &unavailable())
        .await?;
    assert_eq!(scene.breakers.of("crm").await?.closed_until, closed);
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    let (entered, breaker) = scene.let_in().await?;
    assert_eq!(entered, 1);
    scene.fails(&unavailable()).await?;
    let closed = scene.breakers.of("crm").await?.closed_until;
    assert!(closed >= Some(began + Duration::from_secs(3)), "{closed:?}");
    assert!(!scene.breakers.record_success("crm", &breaker).await?);
    assert_eq!(scene.let_in().await?.0, 5, "it is well");
    Ok(())
}

#[tokio::test]
async fn a_sink_that_needs_attention_is_tried_by_one_at_a_time() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let breakers = &scene.breakers;
    let refused = async |breaker: &CircuitBreaker| {
        let closed = breakers.needs_attention("crm", breaker, "401", PROBE_EVERY);
        closed.await
    };
    assert!(refused(&CircuitBreaker::default()).await?);
    tokio::time::sleep(PROBE_EVERY).await;
    let (entered, breaker) = scene.let_in().await?;
    assert_eq!(entered, 1);
    assert!(
        breakers.record_success("crm", &breaker).await?,
        "all are to be rung for"
    );
    assert_eq!(scene.let_in().await?.0, 5);
    // What was sent before that is refused late, and says nothing new.
    assert!(!refused(&breaker).await?);
    assert_eq!(scene.let_in().await?.0, 5);
    let resumed = breakers.of("crm").await?;
    assert!(resumed.resumed_at.is_some() && refused(&resumed).await?);
    assert_eq!(scene.let_in().await?.0, 0);
    Ok(())
}

#[tokio::test]
async fn a_ticket_with_a_file_takes_the_time_of_two_requests() -> anyhow::Result<()> {
    let desk = FakeCrm::zendesk().await;
    let lines = "rate_per_second = 1\ntranscript = 'attachment'";
    let (stage, user) = scene(&desk, lines).await?;
    let began = Timestamp::now();
    complete(&stage, &user).await;
    desk.wait_for_tickets(1).await;
    let breakers = &stage.local.bridge.breakers;
    let next = match breakers.enter("crm", Some(1), 1, None, PROBE_EVERY).await? {
        Admission::Wait(_, Some(reservation)) => reservation.at,
        _ => Timestamp::now(),
    };
    assert!(
        next >= began + Duration::from_millis(1_999),
        "{began} {next}"
    );
    stage.finish().await
}

#[tokio::test]
async fn a_success_that_began_before_opens_nothing_that_was_closed_since() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let breakers = &scene.breakers;
    scene.fails(&unavailable()).await?;
    let (entered, before) = scene.let_in().await?;
    assert_eq!((entered, before.failures), (5, 1));
    // One of them is refused, then another one is taken.
    assert!(
        breakers
            .needs_attention("crm", &before, "401", PROBE_EVERY)
            .await?
    );
    assert!(!breakers.record_success("crm", &before).await?);
    let breaker = breakers.of("crm").await?;
    assert_eq!(breaker.attention.as_deref(), Some("401"));
    assert_eq!(scene.let_in().await?.0, 0);
    tokio::time::sleep(PROBE_EVERY).await;
    let (entered, probe) = scene.let_in().await?;
    assert_eq!(entered, 1);
    assert!(breakers.record_success("crm", &probe).await?);
    // So it is of a pause.
    scene.fails(&unavailable()).await?;
    let (_, before) = scene.let_in().await?;
    scene.fails(&too_many(Duration::from_mins(10))).await?;
    assert!(!breakers.record_success("crm", &before).await?);
    let breaker = breakers.of("crm").await?;
    let until = breaker.closed_until.expect("a pause");
    assert!(until.duration_since(Timestamp::now()) > SignedDuration::from_mins(9));
    assert_eq!(breaker.failures, 0, "it is not down");
    Ok(())
}
