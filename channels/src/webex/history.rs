//! What is there already. Webex takes no key of a message, so that a repeat is looked for: in the direct room, whose
//! messages a bot may list
//! (<https://developer.webex.com/docs/api/v1/messages/list-direct-messages>). In spaces a bot is shown only what
//! mentions it (<https://developer.webex.com/docs/bots>).
//!
//! A card is known by what its buttons carry, which is of one message; what has no buttons, by what it says, since
//! the message came. So that two messages that say the same are two, the ids of those that were created are
//! [kept](Created) for a while, with the part that each is.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use haptik_bridge_shared::lenient_json;
use jiff::Timestamp;
use serde_json::Value;

/// How many messages are kept.
const KEPT: usize = 2_000;

/// The messages that were created here, by their ids, each with the part that it shows.
#[derive(Debug, Default)]
pub(super) struct Created(Mutex<VecDeque<(String, String)>>);

impl Created {
    /// Keeps a message.
    pub(super) fn keep(&self, message: String, part: String) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((message, part));
    }

    /// Whether a message may show a part: it is known to, or it is not known what it shows.
    fn may_be(&self, message: &str, part: &str) -> bool {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.iter().rev().find(|(id, _)| id == message);
        known.is_none_or(|(_, shown)| shown == part)
    }
}

/// A part that may be there.
pub(super) struct Wanted {
    /// Its place among those of its message.
    pub(super) index: usize,
    /// Its name, which no other part has.
    pub(super) name: String,
    /// The message that shows it, and the simpler ones that may stand for it.
    pub(super) forms: Vec<Value>,
}

/// Where, whose, and since when messages are looked at.
pub(super) struct Scope<'a> {
    /// The room.
    pub(super) room: &'a str,
    /// The bot.
    pub(super) bot: &'a str,
    /// When the message came that is shown by the parts.
    pub(super) since: Timestamp,
}

/// Which parts are there, among messages that are listed from the newest on. Each message shows one part, from then
/// on too.
pub(super) fn there(
    listed: &[Value],
    scope: &Scope<'_>,
    created: &Created,
    wanted: &[Wanted],
) -> Vec<usize> {
    let mut own: Vec<&Value> = listed
        .iter()
        .rev()
        .filter(|message| is_own(message, scope))
        .collect();
    let mut found = Vec::new();
    for part in wanted {
        let at = own.iter().position(|message| {
            let id = lenient_json::text(message, "id");
            created.may_be(&id, &part.name) && part.forms.iter().any(|form| is_same(message, form))
        });
        if let Some(at) = at {
            let id = lenient_json::text(own.remove(at), "id");
            created.keep(id, part.name.clone());
            found.push(part.index);
        }
    }
    found
}

fn is_own(message: &Value, scope: &Scope<'_>) -> bool {
    let text = |key| lenient_json::text(message, key);
    let at = text("created").parse::<Timestamp>();
    // Webex counts milliseconds.
    let is_since = at.is_ok_and(|at| at.as_millisecond() >= scope.since.as_millisecond());
    is_since && text("roomId") == scope.room && text("personId") == scope.bot
}

/// Whether a message that is there is one that was to be created.
fn is_same(there: &Value, sent: &Value) -> bool {
    let (there_card, sent_card) = (there.get("attachments"), sent.get("attachments"));
    match (there_card, sent_card) {
        (Some(there), Some(sent)) => {
            let (there, mut expected) = (carried(there), carried(sent));
            if expected.is_empty() {
                return said(there_card) == said(sent_card);
            }
            expected.retain(|data| !there.contains(data));
            expected.is_empty()
        }
        (None, None) => {
            let text = |message| {
                let text = lenient_json::some_text(message, "markdown");
                text.unwrap_or_else(|| lenient_json::text(message, "text"))
            };
            words(&text(there)) == words(&text(sent))
        }
        _ => false,
    }
}

/// What the buttons of a card carry.
fn carried(card: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    walk(card, &mut |object| {
        if lenient_json::text(object, "type") == "Action.Submit" {
            found.extend(object.get("data"));
        }
    });
    found
}

/// What a card without such buttons says and shows.
fn said(card: Option<&Value>) -> Vec<String> {
    let mut found = Vec::new();
    walk(card.unwrap_or(&Value::Null), &mut |object| {
        let keys = ["text", "url", "title"].iter();
        let texts = keys.filter_map(|key| lenient_json::some_text(object, key));
        found.extend(texts.map(|text| words(&text)));
    });
    found
}

fn walk<'a>(value: &'a Value, look: &mut impl FnMut(&'a Value)) {
    match value {
        Value::Object(fields) => {
            look(value);
            fields.values().for_each(|inside| walk(inside, look));
        }
        Value::Array(list) => list.iter().for_each(|inside| walk(inside, look)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A text without what spaces there are: Webex may have cut those at its end.
fn words(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(id: &str, text: &str, created: &str) -> Value {
        json!({
            "id": id, "roomId": "R", "personId": "BOT", "markdown": text, "created": created,
        })
    }

    fn wanted(index: usize, form: Value) -> Wanted {
        Wanted {
            index,
            name: format!("k#{index}"),
            forms: vec![form],
        }
    }

    fn found(listed: &[Value], created: &Created, wanted: &[Wanted]) -> Vec<usize> {
        let since = "2026-01-02T03:04:05.678901Z".parse().expect("a time");
        let (room, bot) = ("R", "BOT");
        there(listed, &Scope { room, bot, since }, created, wanted)
    }

    const NOW: &str = "2026-01-02T03:04:05.678Z";
    const BEFORE: &str = "2026-01-02T03:04:05.677Z";

    #[test]
    fn a_text_is_known_by_what_it_says_since_its_message_came() {
        let part = [wanted(0, json!({"markdown": "one  \ntwo"}))];
        let created = Created::default();
        assert_eq!(found(&[text("1", "one\ntwo", NOW)], &created, &part), [0]);
        let none: [usize; 0] = [];
        assert_eq!(
            found(&[text("1", "one\ntwo", BEFORE)], &created, &part),
            none
        );
        assert_eq!(found(&[text("1", "three", NOW)], &created, &part), none);
        for (key, other) in [("roomId", "S"), ("personId", "USER")] {
            let mut message = text("1", "one\ntwo", NOW);
            message[key] = other.into();
            assert_eq!(found(&[message], &created, &part), none, "{key}");
        }
    }

    #[test]
    fn parts_that_say_the_same_are_as_many_as_there_are() {
        let parts = [0, 1, 2].map(|index| wanted(index, json!({"markdown": "a"})));
        let listed = [text("2", "a", NOW), text("1", "a", NOW)];
        assert_eq!(found(&listed, &Created::default(), &parts), [0, 1]);
    }

    #[test]
    fn what_shows_another_message_is_not_this_one_whatever_it_says() {
        let part = [wanted(0, json!({"markdown": "a"}))];
        let created = Created::default();
        created.keep("1".to_owned(), "other#0".to_owned());
        let none: [usize; 0] = [];
        assert_eq!(found(&[text("1", "a", NOW)], &created, &part), none);
        created.keep("2".to_owned(), "k#0".to_owned());
        let listed = [text("2", "a", NOW), text("1", "a", NOW)];
        assert_eq!(found(&listed, &created, &part), [0]);
        // What was found for one message is not found for the next.
        let listed = [text("3", "a", NOW)];
        assert_eq!(found(&listed, &created, &part), [0]);
        let next = Wanted {
            name: "next#0".to_owned(),
            ..wanted(0, json!({"markdown": "a"}))
        };
        assert_eq!(found(&listed, &created, &[next]), none);
        assert_eq!(found(&listed, &created, &part), [0]);
    }

    #[test]
    fn a_card_is_known_by_what_its_buttons_carry() {
        let card = |text: &str, data: &[&str]| {
            let actions = data
                .iter()
                .map(|data| json!({"type": "Action.Submit", "title": "Yes", "data": {"k": data}}));
            let actions: Vec<Value> = actions.collect();
            json!([{"content": {"body": [{"type": "TextBlock", "text": text}, {"actions": actions}]}}])
        };
        let there = |attachments: Value| {
            let mut message = text("1", "Well?", NOW);
            message["attachments"] = attachments;
            [message]
        };
        let sent = |attachments: Value| {
            [wanted(
                0,
                json!({"markdown": "Well?", "attachments": attachments}),
            )]
        };
        let created = Created::default();
        let none: [usize; 0] = [];
        let known = sent(card("Well?", &["a", "b"]));
        assert_eq!(
            found(&there(card("Well?", &["a", "b"])), &created, &known),
            [0]
        );
        assert_eq!(
            found(&there(card("Well?", &["a", "c"])), &created, &known),
            none
        );
        assert_eq!(found(&[text("1", "Well?", NOW)], &created, &known), none);
        let bare = sent(card("Well?", &[]));
        assert_eq!(found(&there(card("Well?", &[])), &created, &bare), [0]);
        assert_eq!(found(&there(card("Ill?", &[])), &created, &bare), none);
    }

    #[test]
    fn no_more_are_kept_than_there_is_room_for() {
        let created = Created::default();
        for at in 0..=KEPT {
            created.keep(at.to_string(), "k#0".to_owned());
        }
        assert!(created.may_be("0", "other"));
        assert!(!created.may_be("1", "other"));
    }
}
