//! Slots that connections get in turn: one with ten thousand lanes that wait does not keep another waiting.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// So many slots. A clone has the same ones.
#[derive(Debug, Clone)]
pub(super) struct FairSlots(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: usize,
    /// Who waits, by whose turn it can be; none of them is empty.
    waiting: BTreeMap<String, VecDeque<oneshot::Sender<Slot>>>,
    /// Whose turn it was last.
    last: String,
}

/// A slot, which is free again once this is dropped.
#[derive(Debug)]
pub(super) struct Slot(FairSlots);

impl FairSlots {
    pub(super) fn new(slots: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: slots,
            waiting: BTreeMap::new(),
            last: String::new(),
        })))
    }

    /// Waits for a slot, in the turn of `whose`.
    pub(super) async fn acquire(&self, whose: &str) -> Slot {
        let waits = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return Slot(self.clone());
            }
            let (slot, waits) = oneshot::channel();
            let queue = state.waiting.entry(whose.to_owned()).or_default();
            queue.push_back(slot);
            waits
        };
        // Who gives slots away is never gone while somebody has them; else there is no one to wait for.
        waits.await.unwrap_or_else(|_| Slot(self.clone()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Who is next: the first of whose turn it is, behind the last one's.
    fn next(&mut self) -> Option<oneshot::Sender<Slot>> {
        let behind = (
            std::ops::Bound::Excluded(&self.last),
            std::ops::Bound::Unbounded,
        );
        let whose = self.waiting.range::<String, _>(behind).next();
        let whose = whose.or_else(|| self.waiting.iter().next())?.0.clone();
        let queue = self.waiting.get_mut(&whose)?;
        let next = queue.pop_front();
        if queue.is_empty() {
            self.waiting.remove(&whose);
        }
        self.last = whose;
        next
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let next = {
            let mut state = self.0.state();
            let next = state.next();
            state.free += usize::from(next.is_none());
            next
        };
        if let Some(next) = next {
            // One that is not waited for any more comes back, and goes to the next one.
            drop(next.send(Slot(self.0.clone())));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn a_connection_with_many_lanes_does_not_keep_another_waiting() {
        let slots = FairSlots::new(1);
        let first = slots.acquire("busy").await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = tokio::task::JoinSet::new();
        for whose in ["busy"; 50].into_iter().chain(["quiet", "slow"]) {
            let (slots, order) = (slots.clone(), order.clone());
            tasks.spawn(async move {
                let slot = slots.acquire(whose).await;
                order.lock().expect("no panic").push(whose);
                tokio::task::yield_now().await;
                drop(slot);
            });
            tokio::task::yield_now().await;
        }
        drop(first);
        while tasks.join_next().await.is_some() {}
        let order = order.lock().expect("no panic");
        assert_eq!(order.len(), 52);
        let place = |whose| order.iter().position(|one| *one == whose);
        assert!(
            place("quiet") <= Some(2) && place("slow") <= Some(2),
            "{order:?}"
        );
    }

    #[tokio::test]
    async fn a_slot_of_one_that_does_not_wait_any_more_goes_to_the_next() {
        let slots = FairSlots::new(1);
        let first = slots.acquire("a").await;
        let mut gone = Box::pin(slots.acquire("a"));
        tokio::select! {
            biased;
            _ = &mut gone => panic!("the only slot is taken"),
            () = std::future::ready(()) => {}
        }
        drop(gone);
        drop(first);
        drop(slots.acquire("b").await);
        assert_eq!(slots.state().free, 1);
    }
}
