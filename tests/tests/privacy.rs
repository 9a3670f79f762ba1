//! A person's data are exported, and forgotten: forty strings are planted in messages, names, files and tickets, and
//! then every byte of the table, its file and the log is searched.

#[path = "privacy/document.rs"]
mod document;
#[path = "privacy/kills.rs"]
mod kills;
#[path = "privacy/late.rs"]
mod late;
#[path = "privacy/named.rs"]
mod named;
#[path = "privacy/others.rs"]
mod others;
#[path = "privacy/scene.rs"]
mod scene;
#[path = "privacy/table.rs"]
mod table;
#[path = "privacy/under_way.rs"]
mod under_way;

use std::collections::BTreeSet;

use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::privacy::{
    Holdings, Person, export, forget_again, forgotten, kind, kinds,
};
use haptik_bridge_shared::items::Whose;
use haptik_bridge_shared::ledger::Ledger;
use haptik_bridge_shared::users::UserMap;
use haptik_bridge_tests::log::Log;
use haptik_bridge_tests::provider::FakeProvider as _;

use scene::{BEN, NAMES, Scene, planted};
use table::{all_of, bytes_of, keys};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_table_has_no_item_of_an_unknown_kind() -> anyhow::Result<()> {
    let scene = Scene::busy().await?;
    let mut found = BTreeSet::new();
    for (pk, sk) in keys(scene.table()).await? {
        let kind = kind(&pk, &sk);
        assert!(kind.is_some(), "{pk} {sk} is in no list");
        found.extend(kind.map(|kind| kind.name));
    }
    // The others need another channel, or are there for a moment only.
    let elsewhere = [
        "first times of Twilio's messages",
        "consents at Twilio",
        "templates at Twilio",
        "used links of installations",
        "installations",
        "rates",
        "answers of forms",
        "circuit breakers",
    ];
    let all: BTreeSet<&str> = kinds().iter().map(|kind| kind.name).collect();
    let missing: Vec<&&str> = all.difference(&found).collect();
    let missing: Vec<_> = missing
        .into_iter()
        .filter(|name| !elsewhere.contains(name))
        .collect();
    assert!(missing.is_empty(), "the table has none of {missing:?}");
    scene.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_has_all_that_was_planted_and_nothing_of_anybody_else() -> anyhow::Result<()> {
    let scene = Scene::busy().await?;
    let mut exported = String::new();
    for name in NAMES {
        let person = scene.person(name).await?;
        let json = export(scene.ledger(), Some(&scene.bridge().config), &person).await?;
        assert!(
            json["items"]["entries"]
                .as_array()
                .is_some_and(|entries| entries.len() > 3)
        );
        exported += &json.to_string();
    }
    let missing: Vec<String> = planted().filter(|said| !exported.contains(said)).collect();
    assert!(missing.is_empty(), "the export lacks {missing:?}");
    assert!(!exported.contains(BEN), "it has what somebody else said");
    assert!(exported.contains("channels/my-app") && exported.contains("sinks/crm"));
    scene.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_somebody_who_was_forgotten_no_byte_is_left() -> anyhow::Result<()> {
    let log = Log::start();
    let scene = Scene::busy().await?;
    let before = bytes_of(scene.table()).await?;
    let missing: Vec<String> = planted().filter(|said| !before.contains(said)).collect();
    assert!(
        missing.is_empty(),
        "these are not in the table to begin with: {missing:?}"
    );
    let of_others = before.matches(BEN).count();
    assert!(of_others > 0);
    let auth_ids = scene.auth_ids().await?;

    for name in NAMES {
        let receipt = scene.forget(name).await?;
        assert!(receipt.removed["entries"] > 3, "{receipt:?}");
        let said = serde_json::to_string(&receipt)?;
        assert!(planted().all(|planted| !said.contains(&planted)), "{said}");
        assert!(
            auth_ids.iter().all(|id| !said.contains(id.as_str())),
            "{said}"
        );
    }

    let after = bytes_of(scene.table()).await?;
    let left: Vec<String> = planted().filter(|said| after.contains(said)).collect();
    assert!(left.is_empty(), "the table still has {left:?}");
    let left: Vec<_> = auth_ids
        .iter()
        .filter(|id| after.contains(id.as_str()))
        .collect();
    assert!(left.is_empty(), "the table still has {left:?}");
    assert_eq!(
        after.matches(BEN).count(),
        of_others,
        "what others said stays"
    );
    scene.compact().await?;
    let file = scene.file()?;
    let left: Vec<String> = planted()
        .filter(|said| {
            file.windows(said.len())
                .any(|bytes| bytes == said.as_bytes())
        })
        .collect();
    assert!(left.is_empty(), "the file still has {left:?}");
    let has = |said: &str| {
        file.windows(said.len())
            .any(|bytes| bytes == said.as_bytes())
    };
    assert!(has(BEN), "and it is the file of the table");
    let queue = format!("{:?}", scene.stage.local.queue);
    let text = log.text();
    assert!(text.contains("delivered"), "too little is logged");
    for said in planted() {
        assert!(
            !text.contains(&said) && !queue.contains(&said),
            "the log has {said}"
        );
    }
    scene.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_backup_is_forgotten_again_by_the_tombstones() -> anyhow::Result<()> {
    let scene = Scene::busy().await?;
    let backup = EmbeddedDynamoDb::start(None).await?;
    scene.copy_to(&backup.table).await?;
    for name in NAMES {
        scene.forget(name).await?;
    }
    let tombstones = serde_json::to_string(&forgotten(scene.table()).await?)?;
    assert!(
        planted().all(|said| !tombstones.contains(&said)),
        "{tombstones}"
    );

    // The table of the backup has no tombstone: they were kept elsewhere.
    let (ledger, users) = (
        Ledger::new(backup.table.clone(), std::time::Duration::from_hours(1)),
        UserMap::new(backup.table.clone()),
    );
    let again = Some(serde_json::from_str(&tombstones)?);
    let receipt = forget_again(&ledger, &users, again, scene::UNTIL_KNOWN, |_| {}).await?;
    assert!(receipt.removed["entries"] > 6, "{receipt:?}");
    let after = bytes_of(&backup.table).await?;
    let left: Vec<String> = planted().filter(|said| after.contains(said)).collect();
    assert!(left.is_empty(), "the backup still has {left:?}");
    assert!(after.contains(BEN), "what others said stays");
    // And once more, by its own: nothing is left to be done.
    let receipt = forget_again(&ledger, &users, None, scene::UNTIL_KNOWN, |_| {}).await?;
    assert!(receipt.removed.is_empty(), "{receipt:?}");
    scene.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_that_is_a_persons_is_found_for_the_person() -> anyhow::Result<()> {
    let scene = Scene::busy().await?;
    let mut found = BTreeSet::new();
    let reports_later = format!("{}/{}", scene.twilio.connection(), scene.twilio.user(1));
    let names = NAMES.map(ToOwned::to_owned);
    for name in names.into_iter().chain([reports_later]) {
        let person = scene.person(&name).await?;
        found.extend(
            Holdings::of(scene.ledger(), &person)
                .await?
                .counts()
                .into_keys(),
        );
    }
    for (pk, sk) in keys(scene.table()).await? {
        let kind = kind(&pk, &sk).expect("a kind");
        let is_of_pieces = kind.name.starts_with("pieces");
        assert!(
            !kind.whose.is_removed() || is_of_pieces || found.contains(kind.name),
            "nobody has {}",
            kind.name
        );
    }
    assert!(kinds().iter().any(|kind| kind.whose == Whose::Cursor));
    scene.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_forgotten_by_a_name_of_several_or_of_none() -> anyhow::Result<()> {
    let scene = Scene::busy().await?;
    let (ledger, users) = (scene.ledger(), &scene.bridge().users);
    let unknown = Person::named(ledger, users, "U00000NONE")
        .await
        .expect_err("nobody");
    assert!(
        unknown.to_string().contains("nothing is known of"),
        "{unknown}"
    );
    // The same id at two connections is two people.
    scene.app_says("m-twin", "U00000ASHA", "hello").await?;
    let several = Person::named(ledger, users, "U00000ASHA")
        .await
        .expect_err("several");
    let said = several.to_string();
    assert!(
        said.contains("acme-slack/U00000ASHA") && said.contains("my-app/U00000ASHA"),
        "{said}"
    );
    let one = Person::named(ledger, users, "my-app/U00000ASHA").await?;
    assert_eq!(one.auth_ids.len(), 1);
    all_of(scene.table()).await?;
    scene.end().await
}
