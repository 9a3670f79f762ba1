//! What messages are made of: files, deletions, commands, shortcuts, broken bytes.

use super::*;

#[test]
fn what_each_event_of_one_message_has_is_told_once() {
    let files = json!([{"id": "F1", "name": "a.png"}, {"id": "F2", "name": "b.png"}]);
    let mention = json!({"type": "app_mention", "user": "U1", "text": "<@UBOT> see", "ts": "1700000000.000100", "channel": "C1"});
    let second =
        in_channel(&json!({"subtype": "file_share", "text": "<@UBOT> see", "files": files}));
    let keys = |event: &Value| -> Vec<_> {
        let read = read(&envelope(event)).inbound.into_iter();
        read.map(|inbound| (inbound.key.clone(), kept(&inbound.action)))
            .collect()
    };
    let (first, second) = (keys(&mention), keys(&second));
    assert_eq!((first.len(), second.len()), (1, 3));
    assert_eq!(first[0], second[0]);
    let names: Vec<_> = second[1..]
        .iter()
        .map(|(_, action)| action["attachments"][0]["name"].clone())
        .collect();
    assert_eq!(names, ["a.png", "b.png"]);
    assert_eq!(second[1].1["text"], "");
    let wordless = in_channel(&json!({"subtype": "file_share", "text": "<@UBOT>", "files": files}));
    assert_eq!(keys(&wordless).len(), 2);
}

#[test]
fn a_table_that_only_one_event_of_a_mention_has_is_told_once() {
    let cell = |text: &str| json!({"type": "raw_text", "text": text});
    let table = json!({"type": "table", "rows": [[cell("Name"), cell("Amount")], [cell("A"), cell("1200")]]});
    let mention = json!({"type": "app_mention", "user": "U1", "text": "<@UBOT> sum?", "ts": "1700000000.000100", "channel": "C1"});
    let told = |event: &Value| -> Vec<_> {
        let read = read(&envelope(event)).inbound.into_iter();
        read.map(|inbound| (inbound.key.to_string(), said(&inbound).to_owned()))
            .collect()
    };
    let first = told(&mention);
    for extra in [
        json!({"blocks": [table.clone()]}),
        json!({"attachments": [{"id": 1, "fallback": "[no preview available]", "blocks": [table.clone()]}]}),
    ] {
        let mut twin = in_channel(&json!({"text": "<@UBOT> sum?"}));
        for (key, value) in extra.as_object().expect("an object") {
            twin[key] = value.clone();
        }
        let second = told(&twin);
        assert_eq!(first[0], second[0], "the words are one message");
        assert_eq!((first.len(), second.len()), (1, 2));
        assert_eq!(second[1].1, "Name | Amount\nA | 1200");
        let mut direct = twin.clone();
        direct["channel"] = "D1".into();
        direct["channel_type"] = "im".into();
        let direct = told(&direct);
        assert_eq!(direct.len(), 1);
        assert_eq!(direct[0].1, "sum?\nName | Amount\nA | 1200");
    }
}

#[test]
fn what_only_one_event_of_a_mention_forwards_is_told_once() {
    let shared = |words: &Value| {
        let mut shared = json!({"is_share": true, "author_name": "Ravi"});
        shared
            .as_object_mut()
            .expect("an object")
            .extend(words.as_object().expect("an object").clone());
        json!([shared])
    };
    let block = json!([{"type": "section", "text": {"type": "mrkdwn", "text": "Disk full"}}]);
    let mention = |text: &str| json!({"type": "app_mention", "user": "U1", "text": text, "ts": "1700000000.000100", "channel": "C1"});
    let told = |event: &Value| -> Vec<_> {
        let read = read(&envelope(event)).inbound.into_iter();
        read.map(|inbound| {
            (
                inbound.key.to_string(),
                said(&inbound).to_owned(),
                inbound.message_id,
            )
        })
        .collect()
    };
    for (words, forwarded) in [
        (
            json!({"text": "order 12 &amp; <@U222>"}),
            "order 12 & @U222",
        ),
        (
            json!({"message_blocks": [{"message": {"bot_id": "B1", "blocks": block}}]}),
            "Disk full",
        ),
        (
            json!({"is_share": false, "is_msg_unfurl": true, "text": "ask <@UBOT> now"}),
            "ask now",
        ),
    ] {
        let forwarded = format!("Forwarded message from Ravi: {forwarded}");
        for text in ["<@UBOT> and this?", "<@UBOT>"] {
            let bare = told(&mention(text));
            assert_eq!(bare.len(), 1);
            for mut twin in [in_channel(&json!({ "text": text })), mention(text)] {
                twin["attachments"] = shared(&words);
                let twin = told(&twin);
                assert_eq!(twin.last().map(|(_, text, _)| text), Some(&forwarded));
                // Only what is said of it is one entry, and one message is shown to be taken once.
                let same = twin.iter().filter(|(key, ..)| *key == bare[0].0);
                assert_eq!(same.count(), usize::from(text != "<@UBOT>"), "{text}");
                assert_eq!(twin.iter().filter(|(.., id)| id.is_some()).count(), 1);
                let keys: std::collections::BTreeSet<_> =
                    twin.iter().map(|(key, ..)| key).collect();
                assert_eq!(keys.len(), twin.len());
            }
        }
    }
}

#[test]
fn a_deletion_is_told_with_its_emoji_names_and_files_wherever_it_was() {
    let stone = json!({"type": "message", "subtype": "tombstone", "user": "USLACKBOT", "text": "This message was deleted.", "hidden": true});
    for (text, told) in [
        (
            ":wave::skin-tone-3: order 12 :partyparrot:",
            "👋🏼 order 12 :partyparrot:",
        ),
        (
            "a &lt;b&gt; &amp; `:wave:` 12:30:45",
            "a <b> & `:wave:` 12:30:45",
        ),
        (
            "see <https://e.com/?a=1&amp;b=2|the page>",
            "see the page (https://e.com/?a=1&b=2)",
        ),
    ] {
        for (channel, kind, thread) in [
            ("D1", "im", Some("1700000000.000100")),
            ("D1", "im", Some("1600000000.000100")),
            ("D1", "im", None),
            ("C1", "channel", Some("1600000000.000100")),
            ("G1", "group", Some("1600000000.000100")),
            ("G2", "mpim", Some("1600000000.000100")),
        ] {
            let mut was =
                json!({"type": "message", "user": "U1", "text": text, "ts": "1700000000.000100"});
            let mut now = stone.clone();
            now["ts"] = was["ts"].clone();
            if let Some(thread) = thread {
                was["thread_ts"] = thread.into();
                now["thread_ts"] = thread.into();
                was["reply_count"] = 2.into();
            }
            let event = |subtype: &str, now: Option<&Value>| {
                let mut event = json!({"type": "message", "subtype": subtype, "channel": channel, "channel_type": kind,
                    "hidden": true, "ts": "1700000009.000100", "deleted_ts": "1700000000.000100", "previous_message": was});
                if let Some(now) = now {
                    event["message"] = now.clone();
                }
                told_with_edits(&event)
            };
            let deleted = event("message_deleted", None);
            assert_eq!(deleted, event("message_changed", Some(&now)), "{channel}");
            assert_eq!(
                deleted[0].1,
                format!("Deleted message: {told}"),
                "{channel}"
            );
        }
    }
}

fn told_with_edits(event: &Value) -> Vec<(String, String)> {
    let auth_ids = AuthIds::new("acme".into(), AuthIdSource::Derived);
    let reader = Reader {
        auth_ids: &auth_ids,
        conversation: Conversation::User,
        tell_edits: true,
        welcome: "",
        agent_phrase: None,
        suggested_prompts: &[],
        many: false,
        workspace: None,
        sent: "2026-11-22T10:00:00Z".parse().expect("a time"),
    };
    let read = reader.read(envelope(event).to_string().as_bytes());
    let told = read.inbound.iter();
    told.map(|inbound| (inbound.key.to_string(), said(inbound).to_owned()))
        .collect()
}

#[test]
fn a_deletion_is_told_in_the_same_way_whichever_event_slack_makes_of_it() {
    let was = json!({"type": "message", "user": "U1", "text": "secret <@UBOT> 123", "ts": "1700000000.000100", "thread_ts": "1700000000.000100", "reply_count": 1});
    let stone = json!({"type": "message", "subtype": "tombstone", "user": "USLACKBOT", "text": "This message was deleted.", "hidden": true,
        "ts": "1700000000.000100", "thread_ts": "1700000000.000100"});
    let event = |channel: &str, kind: &str, ts: &str, now: Option<&Value>, was: &Value| {
        let mut event = json!({"type": "message", "channel": channel, "channel_type": kind, "hidden": true, "ts": ts, "previous_message": was});
        match now {
            Some(now) => {
                event["subtype"] = "message_changed".into();
                event["message"] = now.clone();
            }
            None => event["subtype"] = "message_deleted".into(),
        }
        told_with_edits(&event)
    };
    for (channel, kind) in [("D1", "im"), ("C1", "channel")] {
        let with_replies = event(channel, kind, "1700000009.000100", Some(&stone), &was);
        assert_eq!(
            with_replies,
            event(channel, kind, "1700000009.000100", None, &was)
        );
        assert_eq!(with_replies[0].1, "Deleted message: secret 123");
        // The stone goes in its turn when the replies do.
        assert_eq!(event(channel, kind, "1700000011.000100", None, &stone), []);
    }
    let mut unsaid = was.clone();
    unsaid["text"] = "lunch?".into();
    assert_eq!(
        event("C1", "channel", "1700000009.000100", Some(&stone), &unsaid),
        []
    );
    let mut with_file = was.clone();
    with_file["text"] = "".into();
    with_file["files"] = json!([{"id": "F1", "name": "bill.pdf"}]);
    assert_eq!(
        event("D1", "im", "1700000009.000100", None, &with_file)[0].1,
        "Deleted message: 📎 bill.pdf"
    );
}

#[test]
fn an_edit_that_says_nothing_any_more_is_not_told() {
    let edited = |text: &str| {
        let was = json!({"type": "message", "user": "U1", "text": "<@UBOT> hello", "ts": "1700000000.000100"});
        let mut now = was.clone();
        now["text"] = text.into();
        told_with_edits(
            &json!({"type": "message", "subtype": "message_changed", "channel": "C1", "channel_type": "channel",
            "hidden": true, "ts": "1700000009.000100", "message": now, "previous_message": was}),
        )
    };
    assert_eq!(edited("<@UBOT> hallo")[0].1, "Edited message: hallo");
    for nothing in ["<@UBOT>", "<@UBOT> \u{200b}", ""] {
        assert_eq!(edited(nothing), [], "{nothing}");
    }
}

#[test]
fn a_command_is_answered_where_the_app_can_write() {
    for channel in ["D0SOMEBODY", "C1", "G1"] {
        let body = format!(
            "command=%2Fhaptik&text=%3Awave%3A+hi+%3C%40U00001TEST%3E&user_id=U1&channel_id={channel}&trigger_id=1.2.a"
        );
        let received = read_as(Conversation::User, body.as_bytes());
        assert_eq!(kept(&received.inbound[0].address), json!({"channel": "U1"}));
        assert_eq!(said(&received.inbound[0]), "👋 hi @U00001TEST");
        assert_eq!(received.inbound[0].mentions[0].id, "@U00001TEST");
        assert!(received.response.body.contains("direct messages"));
    }
}

#[test]
fn a_shortcut_says_what_was_asked() {
    let asked = |message: Value| {
        let payload = json!({"type": "message_action", "user": {"id": "U1"}, "trigger_id": "1.2.a", "message": message});
        kept(&read(&payload).tasks[0].command)
    };
    let of_file = asked(json!({"text": "", "files": [{"id": "F1", "name": "bill.pdf"}]}));
    assert_eq!(of_file["body"]["text"], "You asked about: 📎 bill.pdf");
    let named = asked(json!({"text": "see <@U00001TEST>"}));
    assert_eq!(
        named["about"],
        json!({"text": "see @U00001TEST", "mentions": [{"id": "@U00001TEST", "at": [4]}]})
    );
}

#[test]
fn what_is_broken_in_a_body_costs_no_message() {
    for (good, broken) in [
        (
            r#""attachments":null"#,
            r#""attachments":[{"from_url":"https://e.com","text":"preview \ud83d"}]"#,
        ),
        (r#""odd":null"#, r#""odd":NaN"#),
        (r#""odd":null"#, r#""odd":-Infinity"#),
        (r#""odd":null"#, r#""odd":1e999"#),
        (r#""odd":null"#, "\"odd\":\"\u{1}\n\""),
    ] {
        let event = direct(&json!({"text": "hello", "odd": null, "attachments": null}));
        let body = envelope(&event).to_string().replace(good, broken);
        assert!(body.contains(broken), "{body}");
        for body in [body.clone(), format!("\u{feff}{body}")] {
            let received = read_as(Conversation::User, body.as_bytes());
            assert_eq!(said(&received.inbound[0]), "hello", "{broken}");
        }
    }
}
