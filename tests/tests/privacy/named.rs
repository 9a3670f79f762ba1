//! Whom a name means, and what stays of somebody who has come back.

use std::time::Duration;

use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::privacy::{Person, forget_again, forgotten};
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Ledger, Payload};
use haptik_bridge_shared::message::Address;
use haptik_bridge_shared::table;
use haptik_bridge_shared::users::{User, UserMap};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::scene;

/// A table with these users: `auth_id`, connection, the channel's own id, and when each last wrote.
async fn with_users(
    users: &[(&AuthId, &str, &str, Timestamp)],
) -> anyhow::Result<(EmbeddedDynamoDb, Ledger, UserMap)> {
    let database = EmbeddedDynamoDb::start(None).await?;
    let table = database.table.clone();
    let map = UserMap::new(table.clone());
    for (auth_id, connection, user, wrote) in users {
        let address = Address(json!({"user": user}));
        let user = User {
            last_activity: wrote.as_millisecond(),
            ..User::new(
                (*auth_id).clone(),
                (*connection).into(),
                (*user).to_owned(),
                address,
            )
        };
        map.put_place(&user).await?;
    }
    let ledger = Ledger::new(table, Duration::from_hours(1));
    Ok((database, ledger, map))
}

#[tokio::test]
async fn a_user_of_a_connection_is_nobody_of_another_one() -> anyhow::Result<()> {
    let (own, now) = (AuthId::from("777"), Timestamp::now());
    let derived = AuthId::derive(&"web".into(), "777", None);
    let known = [(&own, "app", "777", now), (&derived, "web", "777", now)];
    let (_database, ledger, users) = with_users(&known).await?;
    for (name, meant) in [
        ("web/777", &derived),
        ("app/777", &own),
        ("777", &own),
        (derived.as_str(), &derived),
    ] {
        let person = Person::named(&ledger, &users, name).await?;
        assert_eq!(person.auth_ids, [meant.clone()].into(), "{name}");
        assert_eq!(person.places.len(), 1, "{name}");
    }
    let nobody = Person::named(&ledger, &users, "shop/777").await;
    assert!(nobody.is_err(), "{nobody:?}");
    Ok(())
}

#[tokio::test]
async fn whose_auth_id_is_what_a_channel_calls_another_is_not_forgotten_with_them()
-> anyhow::Result<()> {
    let now = Timestamp::now();
    let derived = AuthId::derive(&"web".into(), "12345", None);
    let (_database, ledger, users) = with_users(&[(&derived, "web", "12345", now)]).await?;
    // Of somebody who came through another system, there are events and no more.
    let payload = Payload::Webhook {
        account: "main".into(),
        body: "{}".to_owned(),
    };
    let lane = Lane::Channel("12345".into());
    ledger
        .append(&lane, &"1".into(), &payload, now, now)
        .await?;
    let several = Person::named(&ledger, &users, "12345").await;
    let several = several.expect_err("two people").to_string();
    assert!(several.contains("name one of web/12345"), "{several}");
    let person = Person::named(&ledger, &users, "web/12345").await?;
    assert_eq!(person.auth_ids, [derived].into());
    Ok(())
}

#[tokio::test]
async fn who_has_come_back_stays_with_what_was_said_since() -> anyhow::Result<()> {
    let (now, number) = (Timestamp::now(), "sms:+15550100");
    let auth_id = AuthId::derive(&"sms".into(), number, None);
    let (_database, ledger, users) = with_users(&[(&auth_id, "sms", number, now)]).await?;
    let table = ledger.table();
    // Forgotten an hour ago: the list is older than that somebody wrote again, and the table knows no more.
    let hour = SignedDuration::from_hours(1);
    table.put_tombstone(&auth_id, now - hour).await?;
    let kept = forgotten(table).await?;
    assert!(kept.tombstones.iter().all(|of| of.back_at.is_none()));
    let stop = table::key("twilio#sms", format!("consent#{number}"));
    table.put(stop).await?;
    let body = format!("From={number}&Body=hello");
    let odd = Payload::NotUnderstood {
        body,
        base64: false,
    };
    let edge = Lane::NotUnderstood {
        edge: "channels/sms".to_owned(),
    };
    for (key, at) in [("before", now - 2 * hour), ("since", now)] {
        ledger
            .append_dead(&edge, &key.into(), &odd, "odd", at)
            .await?;
    }
    let receipt = forget_again(&ledger, &users, Some(kept), scene::UNTIL_KNOWN, |_| {}).await?;
    let removed: Vec<_> = receipt.removed.iter().collect();
    assert_eq!(
        removed,
        [(&"bodies that were not understood", &1)],
        "{receipt:?}"
    );
    assert!(users.get(&auth_id).await?.is_some());
    let left = ledger.entries(&edge).await?;
    assert_eq!(left[0].key, "since".into());
    Ok(())
}
