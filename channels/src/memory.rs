//! What both sides of a connection keep in memory: one thing where they live in one process, and one each
//! where they are functions of their own.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use haptik_bridge_shared::ids::ConnectionId;

type Stored = HashMap<(ConnectionId, TypeId), Arc<dyn Any + Send + Sync>>;

/// The memory of the connections of one process. A clone is the same one.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Stored>>);

impl Memory {
    /// What a connection keeps of this type; its default until there is something.
    #[must_use]
    pub fn of<T: Default + Send + Sync + 'static>(&self, connection: &ConnectionId) -> Arc<T> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (connection.clone(), TypeId::of::<T>());
        let found = kept.entry(place).or_insert_with(|| Arc::new(T::default()));
        // The place names the type, so that it is always of that type.
        found.clone().downcast().unwrap_or_default()
    }
}

impl fmt::Debug for Memory {
    /// Leaves out what is kept.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Memory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_of_a_connection_have_the_same_and_others_their_own() {
        let memory = Memory::default();
        let acme: Arc<Mutex<u8>> = memory.of(&"acme".into());
        *acme.lock().expect("a number") = 7;
        let again: Arc<Mutex<u8>> = memory.clone().of(&"acme".into());
        let other: Arc<Mutex<u8>> = memory.of(&"other".into());
        assert_eq!(*again.lock().expect("a number"), 7);
        assert_eq!(*other.lock().expect("a number"), 0);
    }
}
