//! Rings for what is pending already.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use super::NotDurable;
use crate::bridge::Bridge;
use crate::lane::Lane;
use crate::queue::{Repeat, Ring};

/// How many lanes are rung side by side, where all are that have something pending.
const RINGS_AT_ONCE: usize = 32;

impl Bridge {
    /// Rings every lane that has something pending; returns how many. For a schedule: an edge that was
    /// stopped between its entry and its ring, and whose sender gave up, left an entry that nobody rang
    /// for; and so does a ring that went to the dead-letter queue. A ring too many does no harm. What waits for a sink
    /// that needs attention is left out: it is rung for when that is over.
    pub async fn ring_pending(&self, now: Timestamp) -> Result<usize, NotDurable> {
        let mut closed = BTreeSet::new();
        for name in self.config.sinks.keys() {
            if self.breakers.of(name).await?.attention.is_some() {
                closed.insert(name);
            }
        }
        let can_go_on =
            |lane: &Lane| !matches!(lane, Lane::Sink { sink, .. } if closed.contains(sink));
        self.ring_lanes(can_go_on, now).await
    }

    /// As [`Bridge::ring_pending`], for the lanes of one sink: it works again.
    pub async fn ring_pending_of(&self, sink: &str, now: Timestamp) -> Result<usize, NotDurable> {
        let of_sink = |lane: &Lane| matches!(lane, Lane::Sink { sink: name, .. } if name == sink);
        self.ring_lanes(of_sink, now).await
    }

    async fn ring_lanes(
        &self,
        wanted: impl Fn(&Lane) -> bool,
        now: Timestamp,
    ) -> Result<usize, NotDurable> {
        let lanes = self.ledger.pending_lanes().await?.into_iter();
        let mut lanes: Vec<Lane> = lanes.filter(wanted).collect();
        // Whoever is stopped in the middle comes to others the next time.
        fastrand::shuffle(&mut lanes);
        let count = lanes.len();
        let rings: Vec<_> = lanes
            .into_iter()
            .map(|lane| self.ring_again(lane, now))
            .collect();
        let mut rings = stream::iter(rings).buffer_unordered(RINGS_AT_ONCE);
        while let Some(rung) = rings.next().await {
            rung?;
        }
        Ok(count)
    }

    /// Rings a lane that has something pending.
    pub async fn ring_again(&self, lane: Lane, now: Timestamp) -> Result<(), NotDurable> {
        let ring = Ring::V1 {
            lane,
            key: "pending".into(),
            at: now,
        };
        Ok(self.queue.ring(&ring, Repeat::Again).await?)
    }
}
