//! The names of those who are mentioned.

use std::time::{Duration, Instant};

use haptik_bridge_shared::message::Mention;

use super::*;
use crate::slack::address::{About, Method};

#[tokio::test]
async fn the_app_itself_has_no_name_where_it_is_mentioned() {
    let user = |is_bot: bool| json!({"ok": true, "user": {"id": "UBOT", "is_bot": is_bot, "profile": {"real_name": "Bridge"}}});
    let own = json!({"ok": true, "user_id": "UBOT", "bot_id": "B1"});
    let other = json!({"ok": true, "user_id": "U0", "bot_id": "B0"});
    let refused = json!({"ok": false, "error": "fatal_error"});
    for (answers, expected, calls) in [
        (vec![user(true), own], "", 2),
        (vec![user(true), other], "@Bridge", 2),
        (vec![user(true), refused], "@Bridge", 2),
        (vec![user(false)], "@Bridge", 1),
    ] {
        let fake = answering(&answers).await;
        let name = outlet(&fake).display_name(&address(), "@UBOT").await;
        assert_eq!(name.as_deref(), Some(expected));
        assert_eq!(fake.requests().len(), calls);
    }
}

#[tokio::test]
async fn names_that_take_long_keep_back_what_is_said_for_two_seconds_at_most() {
    let slow = Duration::from_millis(800);
    let fake = Fake::start(move |request| {
        let user = r#"{"ok":true,"user":{"id":"U1","profile":{"display_name":"Asha"}}}"#;
        match request.path.as_str() {
            "/api/users.info" => Answer::new(200, user).after(slow),
            _ => Answer::new(200, r#"{"ok":true,"ts":"1.0"}"#),
        }
    })
    .await;
    let mention = |number: usize| Mention {
        id: format!("@U{number}"),
        at: vec![4 * (number - 1)],
    };
    let mut command = Command::of(Method::PostMessage, json!({"channel": "C1", "text": "x"}));
    command.about = Some(About {
        text: "@U1 @U2 @U3 @U4 @U5".to_owned(),
        mentions: (1..=5).map(mention).collect(),
    });
    let start = Instant::now();
    outlet(&fake).run(&command).await.expect("it is said");
    let took = start.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    // Who was asked for in time has a name.
    let said = fake.requests().pop().expect("what is said").text();
    assert!(said.contains("@Asha") && said.contains("@U5"), "{said}");
}
