use super::*;
use serde_json::json;

fn read(message: &Value) -> String {
    Words::of(message).readable(&["UBOT"]).text
}

#[test]
fn emoji_are_shown_as_the_characters_that_slack_says_they_are() {
    let elements = json!([
        {"type": "emoji", "name": "wave", "unicode": "1f44b-1f3fb", "skin_tone": 2},
        {"type": "emoji", "name": "wave", "unicode": "1f44b"},
        {"type": "emoji", "name": "flag-in", "unicode": "1f1ee-1f1f3"},
        {"type": "emoji", "name": "acme"},
        {"type": "emoji", "name": "odd", "unicode": "zz"},
    ]);
    let message = json!({
        "text": ":wave::skin-tone-2: :wave: from :flag-in: by :acme: at 10:30 :odd:",
        "blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}],
    });
    assert_eq!(read(&message), "👋🏻 👋 from 🇮🇳 by :acme: at 10:30 :odd:");
}

#[test]
fn a_forwarded_message_is_told_with_its_author_and_its_files() {
    let message = json!({
        "text": "<@UBOT> is this right?",
        "attachments": [{
            "is_share": true, "is_msg_unfurl": true, "author_name": "Ravi", "text": "a &amp; b <@U222>",
            "fallback": "[today] Ravi: a", "files": [{"id": "F1", "name": "bill.pdf"}],
        }, {"text": "a preview of a link", "from_url": "https://a.example"}],
    });
    let words = Words::of(&message);
    assert_eq!(
        words.readable(&["UBOT"]).text,
        "is this right?\nForwarded message from Ravi: a & b @U222"
    );
    assert_eq!(words.own_text(), "<@UBOT> is this right?");
    assert_eq!(words.readable(&["UBOT"]).mentions[0].id, "@U222");
    assert_eq!(words.files[0].name, "bill.pdf");
    let blocks = json!([{"message": {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "in blocks"}}]}}]);
    let bare = json!({"text": "", "attachments": [{"is_share": true, "text": "", "message_blocks": blocks}]});
    assert_eq!(read(&bare), "Forwarded message: in blocks");
    let link = "https://a.slack.com/archives/C1/p1?thread_ts=1.1&cid=C1";
    let unfurled = |text: &str| json!({"text": text, "attachments": [{"is_msg_unfurl": true, "from_url": link, "text": "in C1"}]});
    let pasted = format!("see <{}>", link.replace('&', "&amp;"));
    assert_eq!(read(&unfurled(&pasted)), format!("see {link}"));
    assert_eq!(read(&unfurled("see")), "see\nForwarded message: in C1");
    let empty = json!({"attachments": [{"is_share": true, "fallback": "[no preview available]"}]});
    assert_eq!(read(&empty), "Forwarded message: [no preview available]");
}

#[test]
fn what_has_no_text_is_read_from_its_blocks() {
    let section = |elements: Value| json!({"type": "rich_text_section", "elements": elements});
    let text = |text: &str| json!({"type": "text", "text": text});
    let rich = json!({"type": "rich_text", "elements": [
        section(json!([text("a & <b> "), {"type": "link", "url": "https://a.example/?x&y", "text": "here"}, {"type": "user", "user_id": "U222"},
            {"type": "channel", "channel_id": "C222"}, {"type": "usergroup", "usergroup_id": "S1"}, {"type": "broadcast", "range": "here"},
            {"type": "date", "timestamp": 1, "fallback": "today"}])),
        {"type": "rich_text_list", "style": "ordered", "offset": 1, "elements": [section(json!([text("two")])), section(json!([text("three")]))]},
        {"type": "rich_text_list", "style": "bullet", "indent": 1, "elements": [section(json!([text("dot")]))]},
        {"type": "rich_text_quote", "elements": [text("said\nso")]},
        {"type": "rich_text_preformatted", "elements": [text("let x;")]},
    ]});
    let message = json!({"text": " ", "blocks": [
        rich,
        {"type": "header", "text": {"type": "plain_text", "text": "Head"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "Body"}, "fields": [{"type": "mrkdwn", "text": "F1"}]},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "small"}, {"type": "image", "alt_text": "x"}]},
        {"type": "image", "alt_text": "A cat"},
        {"type": "carousel", "elements": [{"type": "card", "title": {"type": "mrkdwn", "text": "Card"}}]},
        {"type": "divider"},
    ]});
    assert_eq!(
        read(&message),
        "a & <b> here (https://a.example/?x&y)@U222#C222@S1@heretoday\n2. two\n3. three\n    • dot\n> said\n> so\n```\nlet x;\n```\nHead\nBody\nF1\nsmall\nA cat\nCard"
    );
    assert_eq!(
        read(&json!({"attachments": [{"fallback": "An alert"}]})),
        "An alert"
    );
    assert_eq!(read(&json!({})), "");
}

fn cell(text: &str) -> Value {
    json!({"type": "raw_text", "text": text})
}

#[test]
fn a_pasted_table_is_told_wherever_slack_puts_it() {
    let rich = json!({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
        {"type": "text", "text": "a & b "}, {"type": "link", "url": "https://e.com", "text": "here"},
        {"type": "emoji", "name": "wave", "unicode": "1f44b"}, {"type": "user", "user_id": "UBOT"}]}]});
    let rows = json!([
        [cell("Name"), cell("Amount")],
        [cell("Item <A>"), {"type": "raw_number", "value": 1200.0, "text": "1,200"}],
        [rich, {"type": "raw_number", "value": 12}],
        [cell(""), cell("")],
        [cell("Item <A>"), {"type": "raw_number", "value": 1200.0, "text": "1,200"}],
        [{"type": "mrkdwn", "text": "*b*"}, "x\ny"],
    ]);
    let told = "Name | Amount\nItem <A> | 1,200\na & b here (https://e.com)👋 | 12\nItem <A> | 1,200\n*b* | x y";
    let table = json!({"type": "table", "rows": rows});
    let in_attachment = json!([{"id": 1, "fallback": "[no preview available]", "blocks": [table]}]);
    assert_eq!(
        read(&json!({"text": "what is this?", "attachments": in_attachment})),
        format!("what is this?\n{told}")
    );
    assert_eq!(
        read(&json!({"text": "", "attachments": in_attachment})),
        told
    );
    assert_eq!(
        read(&json!({"text": "see", "blocks": [table]})),
        format!("see\n{told}")
    );
    let said = json!({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "see"}]}]});
    assert_eq!(
        read(&json!({"blocks": [said, table]})),
        format!("see\n{told}")
    );
    let inside = json!([{"is_share": true, "text": "see", "message_blocks": [{"message": {"blocks": [said, table]}}]}]);
    assert_eq!(
        read(&json!({"attachments": inside})),
        format!("Forwarded message: see\n{told}")
    );
    let held = json!({"type": "container", "title": {"type": "plain_text", "text": "T"}, "blocks": [table]});
    assert_eq!(
        read(&json!({"bot_id": "B1", "text": "x", "blocks": [held]})),
        format!("T\n{told}")
    );
    let data = json!({"type": "data_table", "caption": "Sums", "rows": rows});
    assert_eq!(
        read(&json!({"bot_id": "B1", "blocks": [data]})),
        format!("Sums\n{told}")
    );
}

#[test]
fn an_apps_message_is_told_by_what_it_shows() {
    let section = json!([{"type": "section", "text": {"type": "mrkdwn", "text": "Disk full on db-1 at 97%"}}]);
    let told = "Disk full on db-1 at 97%";
    for text in ["New alert", "This content can't be displayed.", ""] {
        assert_eq!(
            read(&json!({"bot_id": "B1", "text": text, "blocks": section})),
            told
        );
    }
    let attachment = json!({"fallback": "stand-in", "pretext": "Before", "author_name": "Ann", "title": "Alert",
        "title_link": "https://e.com/1", "text": "db-1 &amp; db-2", "footer": "Monitor",
        "fields": [{"title": "Disk", "value": "97%"}, {"title": "", "value": "now"}]});
    assert_eq!(
        read(&json!({"bot_id": "B1", "text": "Hello", "attachments": [attachment]})),
        "Hello\nBefore\nAnn\nAlert (https://e.com/1)\ndb-1 & db-2\nDisk: 97%\nnow\nMonitor"
    );
    assert_eq!(
        read(
            &json!({"subtype": "bot_message", "text": "Hello", "attachments": [{"text": "Hello", "fallback": "x"}]})
        ),
        "Hello"
    );
    assert_eq!(
        read(
            &json!({"bot_id": "B1", "text": "stand-in", "blocks": section, "attachments": [{"fallback": "x", "blocks": section}]})
        ),
        format!("{told}\n{told}")
    );
    assert_eq!(
        read(&json!({"bot_id": "B1", "text": "", "attachments": [{"fallback": "An alert"}]})),
        "An alert"
    );
    // A person's own words stay as they are, once; a preview of a link is none of them.
    let rich = json!([{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "hi"}]}]}]);
    let preview = json!([{"from_url": "https://e.com", "title": "A page", "text": "about"}]);
    assert_eq!(
        read(&json!({"text": "hi", "blocks": rich, "attachments": preview})),
        "hi"
    );
}

#[test]
fn an_emoji_is_one_only_where_the_blocks_have_one() {
    let of = |text: &str, elements: Value| {
        let blocks = json!([{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}]);
        read(&json!({"text": text, "blocks": blocks}))
    };
    let wave = json!({"type": "emoji", "name": "wave", "unicode": "1f44b"});
    let code = json!({"type": "text", "text": ":wave:", "style": {"code": true}});
    assert_eq!(
        of(
            "`:wave:` :wave:",
            json!([code, {"type": "text", "text": " "}, wave])
        ),
        "`:wave:` 👋"
    );
    assert_eq!(
        of(
            ":wave: is :wave: and :new:",
            json!([{"type": "text", "text": ":wave: is "}, wave, {"type": "text", "text": " and "},
            {"type": "emoji", "name": "new", "unicode": "1f195-1f195"}])
        ),
        ":wave: is 👋 and 🆕🆕"
    );
    // Where the two do not agree, the text decides.
    assert_eq!(
        of(":wave: :wave: `:wave:`", json!([wave])),
        "👋 👋 `:wave:`"
    );
}

mod any_message {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the cells are made of, each is told, in order.
        #[test]
        fn every_cell_of_a_table_is_told(
            rows in proptest::collection::vec(proptest::collection::vec(("[a-z<&>]{1,6}", 0..5_u8), 1..5), 1..6),
            place in 0..4_u8,
        ) {
            let made = |(text, kind): &(String, u8)| match kind {
                0 => cell(text),
                1 => json!({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}]}),
                2 => json!({"type": "raw_number", "text": text}),
                3 => json!({"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}]}),
                _ => json!(text),
            };
            let cells: Vec<Vec<Value>> = rows.iter().map(|row| row.iter().map(made).collect()).collect();
            let blocks = json!([{"type": "table", "rows": cells}]);
            let message = match place {
                0 => json!({"text": "q", "blocks": blocks}),
                1 => json!({"text": "q", "attachments": [{"fallback": "no", "blocks": blocks}]}),
                2 => json!({"bot_id": "B1", "text": "q", "attachments": [{"fallback": "no", "blocks": blocks}]}),
                _ => json!({"text": "q", "attachments": [{"is_share": true, "blocks": blocks}]}),
            };
            let told = read(&message);
            let mut rest = told.as_str();
            for (text, _) in rows.iter().flatten() {
                let at = rest.find(text.as_str());
                prop_assert!(at.is_some(), "{text} is not in {rest}");
                rest = &rest[at.unwrap_or_default() + text.len()..];
            }
        }
    }
}
