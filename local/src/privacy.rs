//! What is known of a person, for the person to have ([`export()`]) or to be removed ([`forget()`]). What the table
//! holds is in [`items`](haptik_bridge_shared::items); all of it is read, since what is of one person is under many keys.
//!
//! `person` says whose, `holdings` finds what is theirs, `others` what others have that names them, `elsewhere` names
//! what lies outside of the bridge.

use haptik_bridge_channels::registry;
use haptik_bridge_shared::items::{KINDS, Kind, kind_of};

mod elsewhere;
mod export;
mod forget;
mod holdings;
mod others;
mod person;

pub use elsewhere::{Elsewhere, elsewhere};
pub use export::export;
pub use forget::{Again, Left, Progress, Receipt, WayToForget, forget, forget_again, forgotten};
pub use holdings::{Holding, Holdings};
pub use person::{Person, auth_ids};

/// The kinds of items that the table holds: those of the bridge, and those that channels keep of their own.
#[must_use]
pub fn kinds() -> Vec<&'static Kind> {
    KINDS.iter().chain(registry::items()).collect()
}

/// The kind of an item with this key; `None` where this version has no such items.
#[must_use]
pub fn kind(pk: &str, sk: &str) -> Option<&'static Kind> {
    kind_of(&registry::items(), pk, sk)
}
