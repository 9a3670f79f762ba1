//! Forgetting somebody is killed before and after every call that it makes; it is done again, and nothing is left.

use std::collections::BTreeSet;
use std::time::Duration;

use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::privacy::{Person, WayToForget, forget, forget_again};
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::ledger::Ledger;
use haptik_bridge_shared::table::Table;
use haptik_bridge_shared::users::UserMap;
use haptik_bridge_tests::chaos::{KillAt, KillableTable};

use super::scene::{BEN, NAMES, Scene, UNTIL_KNOWN, planted};
use super::table::{bytes_of, copy};

const WAY: WayToForget = WayToForget {
    cut_off: true,
    patience: Duration::ZERO,
    until_known: Duration::from_millis(1),
};

async fn forget_both(table: &Table, names: [&str; 2]) -> anyhow::Result<()> {
    let ledger = Ledger::new(table.clone(), Duration::from_hours(1));
    let users = UserMap::new(table.clone());
    for name in names {
        match Person::named(&ledger, &users, name).await {
            Ok(person) => drop(forget(&ledger, &users, &person, WAY, |_| {}).await?),
            // All is removed, but that it is may not be noted yet.
            Err(error) if error.to_string().contains("nothing is known") => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn killed(
    from: &Table,
    names: [&str; 2],
    kill_at: Option<KillAt>,
) -> anyhow::Result<(EmbeddedDynamoDb, u64)> {
    let database = EmbeddedDynamoDb::start(None).await?;
    copy(from, &database.table, "pieces#sink").await?;
    let mut killable = KillableTable::of(&database, kill_at).await?;
    let table = killable.table.clone();
    let done = killable.run(Box::pin(forget_both(&table, names))).await;
    assert_eq!(done.is_none(), kill_at.is_some(), "{kill_at:?}");
    done.transpose()?;
    Ok((database, killable.steps()))
}

async fn left_in(table: &Table, auth_ids: &BTreeSet<AuthId>) -> anyhow::Result<Vec<String>> {
    let bytes = bytes_of(table).await?;
    assert!(bytes.contains(BEN), "what others said stays");
    let names = planted().chain(auth_ids.iter().map(ToString::to_string));
    Ok(names.filter(|name| bytes.contains(name)).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_killed_while_somebody_is_forgotten_does_it_again() -> anyhow::Result<()> {
    let scene = Scene::busy().await?;
    let (names, auth_ids) = (NAMES, scene.auth_ids().await?);
    let (database, steps) = Box::pin(killed(scene.table(), names, None)).await?;
    assert!(left_in(&database.table, &auth_ids).await?.is_empty());
    assert!(steps > 20, "only {steps} calls");
    eprintln!("{steps} calls");
    for kill_at in KillAt::between(0..steps) {
        let (database, _) = Box::pin(killed(scene.table(), names, Some(kill_at))).await?;
        // By the name, as far as it still finds anybody.
        forget_both(&database.table, names).await?;
        let left = left_in(&database.table, &auth_ids).await?;
        assert!(left.is_empty(), "{kill_at:?}: {left:?}");
        // And what was begun is ended by the tombstones.
        let ledger = Ledger::new(database.table.clone(), Duration::from_hours(1));
        let users = UserMap::new(database.table.clone());
        forget_again(&ledger, &users, None, UNTIL_KNOWN / 60, |_| {}).await?;
        let tombstones = database.table.tombstones().await?;
        assert!(
            tombstones
                .iter()
                .all(|tombstone| tombstone.under_way_until.is_none()),
            "{kill_at:?}: {tombstones:?}"
        );
    }
    scene.end().await
}
