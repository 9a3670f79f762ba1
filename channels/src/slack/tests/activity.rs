//! How it is shown that a message is being answered.

use super::*;
use crate::channel::{Activity, Indicator};

/// An outlet that shows a message as taken with a reaction.
fn reacting(fake: &Fake) -> SlackOutlet {
    outlet_with(&config::Slack {
        reaction: Some("eyes".into()),
        ..settings(fake.url("api/"))
    })
}

#[tokio::test]
async fn what_is_being_answered_has_a_reaction_until_the_answer() {
    let fake = answering(&[
        json!({"ok": true}),
        json!({"ok": false, "error": "already_reacted"}),
        json!({"ok": true}),
        json!({"ok": false, "error": "no_reaction"}),
        json!({"ok": false, "error": "message_not_found"}),
        json!({"ok": false, "error": "fatal_error"}),
    ])
    .await;
    let (outlet, direct, ts) = (reacting(&fake), at("D1", None), Some("2.000001"));
    let eyes = Indicator::Sticky("eyes".to_owned());
    assert_eq!(outlet.indicator(&address(), ts), Some(eyes.clone()));
    assert_eq!(outlet.indicator(&direct, ts), Some(eyes.clone()));
    for _ in 0..2 {
        outlet.show(&address(), ts).await.expect("it is shown");
    }
    for _ in 0..3 {
        outlet.clear(&direct, ts, "eyes").await.expect("it is gone");
    }
    outlet.show(&address(), ts).await.expect_err("it is not");
    outlet
        .clear(&address(), ts, "eyes")
        .await
        .expect_err("it is not");
    let paths: Vec<String> = fake.requests().into_iter().map(|it| it.path).collect();
    let (add, remove) = ("/api/reactions.add", "/api/reactions.remove");
    assert_eq!(paths, [add, add, remove, remove, remove, add, remove]);
    let reaction =
        |channel: &str| json!({"channel": channel, "timestamp": "2.000001", "name": "eyes"});
    assert_eq!(
        (&bodies(&fake)[0], &bodies(&fake)[2]),
        (&reaction("C1"), &reaction("D1"))
    );
}

#[tokio::test]
async fn in_a_thread_with_the_assistant_there_is_a_status_that_goes_by_itself() {
    let fake = answering(&[json!({"ok": true})]).await;
    let (thread, ts) = (at("D1", Some("1.000001")), Some("2.000001"));
    // Whether or not there is a reaction elsewhere.
    for outlet in [outlet(&fake), reacting(&fake)] {
        assert_eq!(outlet.indicator(&thread, ts), Some(Indicator::Passing));
        outlet.show(&thread, ts).await.expect("it is shown");
        outlet
            .clear(&thread, ts, "eyes")
            .await
            .expect("nothing is to do");
    }
    let status = json!({"channel_id": "D1", "thread_ts": "1.000001", "status": "is thinking…"});
    assert_eq!(bodies(&fake), [status.clone(), status]);
    let path = "/api/assistant.threads.setStatus";
    assert!(fake.requests().iter().all(|request| request.path == path));
}

#[tokio::test]
async fn where_there_is_no_reaction_or_no_message_nothing_is_shown() {
    let fake = answering(&[json!({"ok": true})]).await;
    let ts = Some("2.000001");
    for (outlet, ts) in [(outlet(&fake), ts), (reacting(&fake), None)] {
        assert_eq!(outlet.indicator(&address(), ts), None);
        outlet.show(&address(), ts).await.expect("nothing is to do");
    }
    for (ts, shown) in [(ts, ""), (None, "eyes")] {
        let cleared = reacting(&fake).clear(&address(), ts, shown).await;
        cleared.expect("nothing is to do");
    }
    let thread = at("D1", Some("1.000001"));
    assert_eq!(reacting(&fake).indicator(&thread, None), None);
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn a_reaction_goes_under_the_name_that_it_came_with() {
    let fake = answering(&[json!({"ok": true})]).await;
    let ts = Some("2.000001");
    let shown = reacting(&fake).indicator(&address(), ts);
    let Some(Indicator::Sticky(shown)) = shown else {
        panic!("it stays: {shown:?}");
    };
    let renamed = config::Slack {
        reaction: Some("hourglass".into()),
        ..settings(fake.url("api/"))
    };
    for outlet in [outlet_with(&renamed), outlet(&fake)] {
        outlet
            .clear(&address(), ts, &shown)
            .await
            .expect("it is gone");
    }
    let names: Vec<Value> = bodies(&fake)
        .iter()
        .map(|body| body["name"].clone())
        .collect();
    assert_eq!(names, ["eyes", "eyes"]);
}
