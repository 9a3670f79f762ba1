//! Turns of connections at what all of them use: one with ten thousand messages that wait does not keep another's
//! waiting.
//!
//! [`FairSlots`] are so many of something, and who waits gets one in turn. [`Turns`] are those at the database, and know
//! by which connection a user came.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use haptik_bridge_shared::ids::{AuthId, ConnectionId};
use haptik_bridge_shared::lane::Lane;
use tokio::sync::oneshot;

/// Of how many users it is remembered by which connection they came.
const MOST_KNOWN: usize = 100_000;

/// How many calls of the database are under way at once. Its connection is behind one lock; while one call has it,
/// another's request is read or answer written.
const AT_DATABASE: usize = 2;

/// Whose turn it is at the database. A clone is the same.
#[derive(Clone)]
pub(crate) struct Turns {
    slots: FairSlots,
    /// By which connection users came last, as far as this process knows.
    connections: Arc<Mutex<HashMap<AuthId, ConnectionId>>>,
}

impl fmt::Debug for Turns {
    /// Without the users.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Turns").finish_non_exhaustive()
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            slots: FairSlots::new(AT_DATABASE),
            connections: Arc::default(),
        }
    }
}

impl Turns {
    /// A user came by a connection.
    pub(crate) fn comes_by(&self, user: &AuthId, connection: &ConnectionId) {
        let mut connections = self.connections();
        if connections.len() >= MOST_KNOWN {
            connections.clear();
        }
        connections.insert(user.clone(), connection.clone());
    }

    /// By which connection a user came last.
    pub(crate) fn connection_of(&self, user: &AuthId) -> Option<String> {
        self.connections().get(user).map(ToString::to_string)
    }

    /// Waits for the turn of a request to the database: that of the connection whose rate or whose user's item it is
    /// about.
    pub(crate) async fn at_database(&self, request: &[u8]) -> Slot {
        let of_user = || owner(request).and_then(|user| self.connection_of(&user));
        let connection = rated(request).map(ToOwned::to_owned).or_else(of_user);
        let whose = connection.unwrap_or_default();
        self.slots.acquire(&whose).await
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<AuthId, ConnectionId>> {
        let connections = self.connections.lock();
        connections.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection whose rate a request counts.
fn rated(request: &[u8]) -> Option<&str> {
    let request = std::str::from_utf8(request).ok()?;
    let (_, place) = request.split_once("{\"S\":\"rate#channels/")?;
    place.split('"').next()
}

/// Whose the first partition key is that a request has which is a user's: a lane, or the user's own item.
fn owner(request: &[u8]) -> Option<AuthId> {
    let request = std::str::from_utf8(request).ok()?;
    request.split("{\"S\":\"").skip(1).find_map(|value| {
        let key = value.split('"').next()?;
        if let Some(user) = key.strip_prefix("user#") {
            return Some(user.into());
        }
        key.parse::<Lane>().ok()?.user().cloned()
    })
}

/// So many slots. A clone has the same ones.
#[derive(Debug, Clone)]
pub(crate) struct FairSlots(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: usize,
    /// How many one may have of each that is free; any number where there is none.
    share: Option<usize>,
    /// How many each has.
    held: BTreeMap<String, usize>,
    /// Who waits, by whose turn it can be; none of them is empty.
    waiting: BTreeMap<String, VecDeque<oneshot::Sender<Slot>>>,
    /// Whose turn it was last.
    last: String,
}

/// A slot, which is free again once this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    of: FairSlots,
    whose: String,
}

impl FairSlots {
    /// So many, which one may have all of while no other waits.
    pub(crate) fn new(slots: usize) -> Self {
        Self::with(slots, None)
    }

    /// So many, of which some stay free for another: one may have at most `share` times as many as are free.
    pub(crate) fn sharing(slots: usize, share: usize) -> Self {
        Self::with(slots, Some(share))
    }

    fn with(slots: usize, share: Option<usize>) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: slots,
            share,
            held: BTreeMap::new(),
            waiting: BTreeMap::new(),
            last: String::new(),
        })))
    }

    /// Waits for a slot, in the turn of `whose`.
    pub(crate) async fn acquire(&self, whose: &str) -> Slot {
        let slot = || Slot {
            of: self.clone(),
            whose: whose.to_owned(),
        };
        let waits = {
            let mut state = self.state();
            if state.may_have(whose) {
                state.take(whose);
                return slot();
            }
            let (slot, waits) = oneshot::channel();
            let queue = state.waiting.entry(whose.to_owned()).or_default();
            queue.push_back(slot);
            waits
        };
        if let Ok(slot) = waits.await {
            return slot;
        }
        // Who gives slots away is never gone while somebody has them; else there is no one to wait for.
        self.state().take(whose);
        slot()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn may_have(&self, whose: &str) -> bool {
        let held = self.held.get(whose).copied().unwrap_or_default();
        self.free > 0 && self.share.is_none_or(|share| held < share * self.free)
    }

    fn take(&mut self, whose: &str) {
        self.free = self.free.saturating_sub(1);
        *self.held.entry(whose.to_owned()).or_default() += 1;
    }

    fn give_back(&mut self, whose: &str) {
        self.free += 1;
        if let Some(held) = self.held.get_mut(whose) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                self.held.remove(whose);
            }
        }
    }

    /// Takes a slot for who is next, if one may have it: the first of whose turn it is, behind the last one's.
    fn next(&mut self) -> Option<(String, oneshot::Sender<Slot>)> {
        let behind = (
            std::ops::Bound::Excluded(&self.last),
            std::ops::Bound::Unbounded,
        );
        let in_turn = self.waiting.range::<String, _>(behind);
        let mut in_turn = in_turn.chain(self.waiting.iter()).map(|(whose, _)| whose);
        let whose = in_turn.find(|whose| self.may_have(whose))?.clone();
        let queue = self.waiting.get_mut(&whose)?;
        // Those that are not waited for any more are left out.
        let next = std::iter::from_fn(|| queue.pop_front()).find(|next| !next.is_closed());
        if queue.is_empty() {
            self.waiting.remove(&whose);
        }
        let Some(next) = next else {
            return self.next();
        };
        self.last.clone_from(&whose);
        self.take(&whose);
        Some((whose, next))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.of.state().give_back(&self.whose);
        // One for the slot that came back, and more where that lets others have more.
        loop {
            let Some((whose, next)) = self.of.state().next() else {
                return;
            };
            // One that is not waited for any more comes back, and goes to the next one.
            drop(next.send(Slot {
                of: self.of.clone(),
                whose,
            }));
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
    async fn one_leaves_some_for_another_however_much_it_has_to_do() {
        let slots = FairSlots::sharing(8, 3);
        let mut busy = Vec::new();
        for _ in 0..6 {
            busy.push(slots.acquire("busy").await);
        }
        let mut waits = Box::pin(slots.acquire("busy"));
        tokio::select! {
            biased;
            _ = &mut waits => panic!("it has three quarters"),
            () = std::future::ready(()) => {}
        }
        let quiet = slots.acquire("quiet").await;
        assert_eq!(slots.state().free, 1, "and for a third");
        drop(quiet);
        drop(busy.pop());
        drop(waits.await);
        drop(busy);
        let state = slots.state();
        assert_eq!((state.free, state.held.len()), (8, 0));
    }

    #[test]
    fn a_request_is_of_the_user_whose_item_it_names() {
        for (request, user) in [
            (
                r#"{"Key":{"sk":{"S":"1"},"pk":{"S":"haptik#a1"}}}"#,
                Some("a1"),
            ),
            (
                r#"{"Item":{"payload":{"S":"{\"S\":\"user#no\"}"},"pk":{"S":"sink#crm#a@b.example"}}}"#,
                Some("a@b.example"),
            ),
            (r#"{":v0":{"S":"channel#a1"}}"#, Some("a1")),
            (r#"{"Key":{"pk":{"S":"outages"}}}"#, None),
            ("", None),
        ] {
            assert_eq!(
                owner(request.as_bytes()),
                user.map(AuthId::from),
                "{request}"
            );
        }
    }

    #[test]
    fn a_request_that_counts_a_rate_is_of_the_connection() {
        let counts = r#"{"Key":{"pk":{"S":"rate#channels/acme"},"sk":{"S":"rate"}}}"#;
        assert_eq!(rated(counts.as_bytes()), Some("acme"));
        let other = r#"{"Key":{"pk":{"S":"user#rate"}}}"#;
        assert_eq!(rated(other.as_bytes()), None);
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
