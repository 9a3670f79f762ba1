//! What a user did, by what was fetched: a message
//! (<https://developer.webex.com/docs/api/v1/messages/get-message-details>), or the answers to a card
//! (<https://developer.webex.com/docs/api/v1/attachment-actions/get-attachment-action-details>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{Attachment, UserAction, is_blank};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::Me;
use super::files;

/// What is said to the bot by one who begins without words.
const START: &str = "Hi";

/// What is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fetch", rename_all = "snake_case")]
pub(super) enum Reference {
    /// A message.
    Message {
        /// Its id.
        id: String,
    },
    /// A message that was edited.
    Edit {
        /// Its id.
        id: String,
    },
    /// The answers to a card.
    Action {
        /// Their id.
        id: String,
        /// Who sent them: for whom the card was, unless it says otherwise.
        by: AuthId,
    },
}

impl Reference {
    /// As it is kept.
    pub(super) fn to_json(&self) -> Value {
        // A plain enum is JSON.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Reads what [`Reference::to_json`] made.
    pub(super) fn read(json: &Value) -> Option<Self> {
        Self::deserialize(json).ok()
    }
}

/// What a message says to the bot; `None` where it is for somebody else, or the bot's own.
pub(super) fn said(message: &Value, me: &Me) -> Option<UserAction> {
    if !is_for(message, me) {
        return None;
    }
    let attachments: Vec<Attachment> = files::of(message).collect();
    let text = match words(message, me) {
        text if is_blank(&text) && attachments.is_empty() => START.to_owned(),
        text => text,
    };
    Some(UserAction::Message { text, attachments })
}

/// What an edited message says now, without its files, which were told before.
pub(super) fn edited(message: &Value, me: &Me) -> Option<UserAction> {
    let text = words(message, me);
    (is_for(message, me) && !is_blank(&text))
        .then(|| UserAction::said(format!("Edited message: {text}")))
}

/// Whether somebody else says it, and to the bot: in a space, by a mention.
fn is_for(message: &Value, me: &Me) -> bool {
    if lenient_json::text(message, "personId") == me.id {
        return false;
    }
    let html = lenient_json::text(message, "html");
    lenient_json::text(message, "roomType") != "group"
        || is_mentioned(message, me)
        || mention(&html, &me.id).is_some()
}

/// The text of a message without the mention of the bot.
fn words(message: &Value, me: &Me) -> String {
    let text = lenient_json::some_text(message, "text")
        .unwrap_or_else(|| lenient_json::text(message, "markdown"));
    let html = lenient_json::text(message, "html");
    let without = match mention(&html, &me.id) {
        Some((name, before)) => cut(&text, &name, before),
        // Without HTML, the mention is what a message to the bot begins with.
        None if is_mentioned(message, me) => me
            .names
            .iter()
            .find_map(|name| text.trim_start().strip_prefix(name.as_str()))
            .map(str::to_owned),
        None => None,
    };
    without.unwrap_or(text).trim().to_owned()
}

fn is_mentioned(message: &Value, me: &Me) -> bool {
    lenient_json::texts(message, "mentionedPeople").contains(&me.id)
}

/// What the bot is called where it is mentioned first, and how often that is said before.
fn mention(html: &str, id: &str) -> Option<(String, usize)> {
    const TAG: &str = "<spark-mention";
    let attribute = |id: &str| format!("data-object-id=\"{id}\"");
    let attributes = [Some(attribute(id)), bare_id(id).as_deref().map(attribute)];
    for (at, _) in html.match_indices(TAG) {
        let (head, rest) = html.get(at..)?.split_once('>')?;
        let (inside, _) = rest.split_once("</spark-mention>")?;
        if attributes.iter().flatten().any(|id| head.contains(id)) {
            let name = plain(inside);
            let before = plain(html.get(..at)?);
            let count = Some(name.as_str()).filter(|name| !name.is_empty());
            let count = count.map(|name| before.matches(name).count())?;
            return Some((name, count));
        }
    }
    None
}

/// What is in an id of the API's: the last part of the address that it encodes, which is what clients may write.
fn bare_id(id: &str) -> Option<String> {
    let id = id.trim_end_matches('=').replace('-', "+").replace('_', "/");
    let address = String::from_utf8(STANDARD_NO_PAD.decode(id).ok()?).ok()?;
    let (_, bare) = address.strip_prefix("ciscospark://")?.rsplit_once('/')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (!bare.is_empty() && bare.bytes().all(is_plain)).then(|| bare.to_owned())
}

/// HTML without its tags.
fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    let text = text.replace("&quot;", "\"").replace("&#39;", "'");
    text.replace("&nbsp;", " ").replace("&amp;", "&")
}

/// A text without a name that is said `before` times before it.
fn cut(text: &str, name: &str, before: usize) -> Option<String> {
    let (at, found) = text.match_indices(name).nth(before)?;
    let (start, end) = (text.get(..at)?, text.get(at + found.len()..)?);
    // One space of the two around it.
    let end = if start.is_empty() || start.ends_with(char::is_whitespace) {
        end.trim_start_matches(' ')
    } else {
        end
    };
    Some(format!("{start}{end}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn me() -> Me {
        Me {
            id: "Y2lzBOT".to_owned(),
            names: vec!["Acme Help".to_owned(), "Acme".to_owned()],
        }
    }

    fn text(message: &Value) -> String {
        match said(message, &me()) {
            Some(UserAction::Message { text, .. }) => text,
            other => panic!("{other:?}"),
        }
    }

    fn sample(text: &str) -> Value {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn a_message_has_its_text_and_its_files() {
        let message = sample(include_str!("samples/fetched_message.json"));
        let Some(UserAction::Message { text, attachments }) = said(&message, &me()) else {
            panic!("a message");
        };
        assert_eq!(text, "hello");
        assert_eq!(attachments.len(), 1);
        assert_eq!(attachments[0].id.as_deref(), Some("Y2lzFILE"));
    }

    #[test]
    fn the_mention_is_taken_out_where_it_stands() {
        let message = sample(include_str!("samples/fetched_mention.json"));
        assert_eq!(text(&message), "where is my order?");
        let tag = "<spark-mention data-object-type=\"person\" data-object-id=\"Y2lzBOT\">Acme</spark-mention>";
        let other = tag.replace("Y2lzBOT", "Y2lzELSE");
        for (said, html, expected) in [
            (
                "Is Acme here? Acme help",
                format!("Is Acme here? {tag} help"),
                "Is Acme here? help",
            ),
            ("Acme", tag.to_owned(), "Hi"),
            ("Acme and Acme", format!("{other} and {tag}"), "Acme and"),
            ("Acme hello", String::new(), "hello"),
        ] {
            let message = json!({"text": said, "html": html, "mentionedPeople": ["Y2lzBOT"]});
            assert_eq!(text(&message), expected, "{said}");
        }
    }

    #[test]
    fn the_mention_may_have_the_id_that_is_in_the_id() {
        let id = "Y2lzY29zcGFyazovL3VzL1BFT1BMRS82YjQ4ZGZiYy0xYmU3LTRmYjEtOWM0NS1lMWRlODAzYjA1OWE";
        let bare = "6b48dfbc-1be7-4fb1-9c45-e1de803b059a";
        assert_eq!(bare_id(id).as_deref(), Some(bare));
        assert_eq!(bare_id("Y2lzBOT"), None);
        let me = Me {
            id: id.to_owned(),
            names: vec!["hookbuster".to_owned()],
        };
        let message = json!({
            "text": "tid3 for Anna and hookbuster please", "mentionedPeople": [id],
            "html": format!("tid3 for <spark-mention data-object-type=\"person\" data-object-id=\"x\">Anna</spark-mention> and <spark-mention data-object-type=\"person\" data-object-id=\"{bare}\">hookbuster</spark-mention> please"),
        });
        let said = words(&message, &me);
        assert_eq!(said, "tid3 for Anna and please");
    }

    #[test]
    fn among_others_only_a_mention_is_for_the_bot() {
        let html = "<spark-mention data-object-type=\"person\" data-object-id=\"Y2lzBOT\">Acme</spark-mention> hi";
        for (message, is_meant) in [
            (json!({"text": "hi", "roomType": "direct"}), true),
            (json!({"text": "hi", "roomType": "group"}), false),
            (
                json!({"text": "hi", "roomType": "group", "mentionedGroups": ["all"]}),
                false,
            ),
            (
                json!({"text": "hi", "roomType": "group", "mentionedPeople": ["Y2lzELSE"]}),
                false,
            ),
            (
                json!({"text": "Acme hi", "roomType": "group", "mentionedPeople": ["Y2lzBOT"]}),
                true,
            ),
            (
                json!({"text": "Acme hi", "roomType": "group", "html": html}),
                true,
            ),
        ] {
            assert_eq!(said(&message, &me()).is_some(), is_meant, "{message}");
            assert_eq!(edited(&message, &me()).is_some(), is_meant, "{message}");
        }
    }

    #[test]
    fn the_bots_own_messages_are_nothing() {
        let own = json!({"text": "hello", "personId": "Y2lzBOT"});
        assert_eq!(said(&own, &me()), None);
        assert_eq!(edited(&own, &me()), None);
    }

    #[test]
    fn a_reference_is_read_as_it_was_written() {
        let by: AuthId = "0123456789abcdef0123456789abcdef".into();
        for reference in [
            Reference::Message { id: "a".to_owned() },
            Reference::Edit { id: "a".to_owned() },
            Reference::Action {
                id: "a".to_owned(),
                by,
            },
        ] {
            assert_eq!(Reference::read(&reference.to_json()), Some(reference));
        }
        assert_eq!(Reference::read(&json!({"id": "a"})), None);
    }

    proptest! {
        #[test]
        fn any_message_is_read(html in "(\\PC|<spark-mention data-object-id=\"Y2lzBOT\">|</spark-mention>|Acme| |&amp;){0,20}", text in "(\\PC|Acme| ){0,20}", id in "\\PC{0,40}") {
            let message = json!({"text": text, "html": html, "mentionedPeople": ["Y2lzBOT"]});
            let _ = (said(&message, &me()), edited(&message, &me()), bare_id(&id));
        }

        #[test]
        fn all_but_the_mention_is_said(before in "[a-z]{0,8}", after in "[a-z]{1,8}") {
            let tag = "<spark-mention data-object-type=\"person\" data-object-id=\"Y2lzBOT\">Acme Help</spark-mention>";
            let message = json!({
                "text": format!("{before} Acme Help {after}"), "html": format!("<p>{before} {tag} {after}</p>"),
                "roomType": "group", "mentionedPeople": ["Y2lzBOT"],
            });
            let expected = format!("{before} {after}").trim().to_owned();
            prop_assert_eq!(text(&message), expected);
        }
    }
}
