//! What people write → what a person reads. Where something stands in a text is said in UTF-16 units
//! (<https://core.telegram.org/bots/api#messageentity>).

use std::ops::Range;

use haptik_bridge_shared::lenient_json;
use serde_json::Value;

use super::Me;

/// The most entities that are looked at: Telegram itself shows the first hundred.
const MOST_ENTITIES: usize = 200;

/// A text or a caption with what Telegram found in it.
#[derive(Debug)]
pub(super) struct Words<'a> {
    text: &'a str,
    entities: Vec<Entity<'a>>,
}

/// A part of a text that is more than text.
#[derive(Debug)]
struct Entity<'a> {
    kind: &'a str,
    /// Where it is, in bytes.
    at: Range<usize>,
    value: &'a Value,
}

/// A command, which the text begins with (<https://core.telegram.org/bots/features#commands>).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command<'a> {
    /// The bot that it names, without its `@`.
    pub(super) bot: Option<&'a str>,
    /// The name, with its slash.
    pub(super) name: &'a str,
    /// What follows it.
    pub(super) rest: &'a str,
}

impl<'a> Words<'a> {
    /// The text of a message, or the caption of what it holds.
    pub(super) fn of(message: &'a Value) -> Self {
        let field = |text: &str, entities: &str| {
            let text = message.get(text).and_then(Value::as_str)?;
            Some((text, message.get(entities)))
        };
        let (text, entities) = field("text", "entities")
            .or_else(|| field("caption", "caption_entities"))
            .unwrap_or_default();
        let entities = entities.and_then(Value::as_array).into_iter().flatten();
        let mut places = Places::of(text);
        let entities = entities.take(MOST_ENTITIES).filter_map(|value| {
            let from = usize::try_from(lenient_json::whole(value, "offset")?).ok()?;
            let length = usize::try_from(lenient_json::whole(value, "length")?).ok()?;
            let at = places.byte(from)?..places.byte(from.checked_add(length)?)?;
            let kind = value.get("type").and_then(Value::as_str)?;
            (!at.is_empty()).then_some(Entity { kind, at, value })
        });
        Self {
            text,
            entities: entities.collect(),
        }
    }

    fn part(&self, entity: &Entity<'_>) -> &'a str {
        self.text.get(entity.at.clone()).unwrap_or_default()
    }

    /// Whether it has to be known what the bot is called to say for whom this is.
    pub(super) fn names_somebody(&self) -> bool {
        self.entities.iter().any(|entity| {
            let is_at = self.part(entity).contains('@');
            entity.kind == "mention" || entity.kind == "bot_command" && is_at
        })
    }

    /// Whether the bot is mentioned, by its name or without one.
    pub(super) fn mentions(&self, me: &Me) -> bool {
        self.entities
            .iter()
            .any(|entity| self.is_mention(entity, me))
    }

    fn is_mention(&self, entity: &Entity<'_>, me: &Me) -> bool {
        match entity.kind {
            "mention" => me.is_called(self.part(entity).trim_start_matches('@')),
            "text_mention" => {
                let user = entity.value.get("user");
                user.and_then(|user| lenient_json::whole(user, "id")) == Some(me.id)
            }
            _ => false,
        }
    }

    /// The command that it begins with.
    pub(super) fn command(&self) -> Option<Command<'a>> {
        let mut entities = self.entities.iter();
        let entity =
            entities.find(|entity| entity.kind == "bot_command" && entity.at.start == 0)?;
        let (name, bot) = match self.part(entity).split_once('@') {
            Some((name, bot)) => (name, Some(bot)),
            None => (self.part(entity), None),
        };
        let rest = self.text.get(entity.at.end..).unwrap_or_default().trim();
        Some(Command { bot, name, rest })
    }

    /// The text as a person reads it: links written out, and without mentions of the bot, which only say to
    /// whom the rest is addressed. Of a command goes the bot's name.
    pub(super) fn readable(&self, me: &Me) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut rest = Rest {
            text: self.text,
            at: 0,
        };
        let mut is_for_the_bot = false;
        for (range, change) in self.changes(me) {
            if range.start < rest.at {
                continue;
            }
            match change {
                Change::Mention => {
                    is_for_the_bot = true;
                    out.push_str(rest.upto(range.start));
                    rest.at = range.end;
                    rest.close(&mut out);
                }
                Change::CommandsBot => {
                    out.push_str(rest.upto(range.start));
                    rest.at = range.end;
                }
                Change::Link(url) => {
                    out.push_str(rest.upto(range.end));
                    out.push_str(&url);
                }
            }
        }
        out.push_str(rest.upto(self.text.len()));
        let out = out.trim();
        let out = if is_for_the_bot {
            out.trim_end_matches([',', ':']).trim_end()
        } else {
            out
        };
        out.to_owned()
    }

    /// What becomes of parts of the text, in order.
    fn changes(&self, me: &Me) -> Vec<(Range<usize>, Change)> {
        let mentions = self
            .entities
            .iter()
            .filter(|entity| self.is_mention(entity, me));
        let mentions = mentions.map(|entity| (entity.at.clone(), Change::Mention));
        let bot = self.command().and_then(|command| {
            let bot = command.bot?.len();
            let start = command.name.len();
            Some((start..start + "@".len() + bot, Change::CommandsBot))
        });
        let mut changes: Vec<_> = mentions.chain(bot).chain(self.links()).collect();
        changes.sort_by_key(|(range, _)| range.start);
        changes
    }

    /// Links that do not show their address.
    fn links(&self) -> impl Iterator<Item = (Range<usize>, Change)> {
        let bare = |text: &str| {
            let text = text
                .strip_prefix("https://")
                .or(text.strip_prefix("http://"))
                .unwrap_or(text);
            text.trim_end_matches('/').to_owned()
        };
        let links = self
            .entities
            .iter()
            .filter(|entity| entity.kind == "text_link");
        links.filter_map(move |entity| {
            let url = lenient_json::some_text(entity.value, "url")?;
            let is_shown = bare(self.part(entity)) == bare(&url);
            (!is_shown).then(|| (entity.at.clone(), Change::Link(format!(" ({url})"))))
        })
    }
}

/// What becomes of a part of a text.
enum Change {
    /// It goes.
    Mention,
    /// It goes: the bot for whom a command is (`/help@acme_bot`).
    CommandsBot,
    /// This is written behind it.
    Link(String),
}

/// What is left of a text.
struct Rest<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Rest<'a> {
    fn upto(&mut self, end: usize) -> &'a str {
        let part = self.text.get(self.at..end).unwrap_or_default();
        self.at = end;
        part
    }

    /// Closes the gap that a mention leaves between what is written and the rest.
    fn close(&mut self, out: &mut String) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let before = out.len() - out.trim_end().len();
        let mut after = rest.trim_start();
        if out.trim().is_empty() {
            after = after.trim_start_matches([',', ':']).trim_start();
        }
        let skipped = rest.len() - after.len();
        let gap = [
            out.split_off(out.len() - before),
            self.upto(self.at + skipped).to_owned(),
        ]
        .concat();
        if !out.is_empty() && !gap.is_empty() {
            out.push(if gap.contains('\n') { '\n' } else { ' ' });
        }
    }
}

/// Finds places of a text by UTF-16 units; quick when they are asked for in order.
struct Places<'a> {
    text: &'a str,
    units: usize,
    byte: usize,
}

impl<'a> Places<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text,
            units: 0,
            byte: 0,
        }
    }

    /// The byte at which this unit begins; `None` beyond the end. Inside a character it is the next one's.
    fn byte(&mut self, unit: usize) -> Option<usize> {
        if unit < self.units {
            (self.units, self.byte) = (0, 0);
        }
        let rest = self.text.get(self.byte..)?;
        for character in rest.chars() {
            if self.units >= unit {
                break;
            }
            self.units += character.len_utf16();
            self.byte += character.len_utf8();
        }
        (self.units >= unit).then_some(self.byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn me() -> Me {
        Me {
            id: 123,
            name: Some("acme_bot".to_owned()),
        }
    }

    fn words(text: &str, entities: &[(&str, usize, usize)]) -> Value {
        let entities: Vec<_> = entities
            .iter()
            .map(|(kind, offset, length)| json!({"type": kind, "offset": offset, "length": length}))
            .collect();
        json!({"text": text, "entities": entities})
    }

    fn read(message: &Value) -> String {
        Words::of(message).readable(&me())
    }

    #[test]
    fn a_mention_of_the_bot_goes_and_others_stay() {
        for (text, entities, expected) in [
            ("@acme_bot, hello", &[("mention", 0, 9)][..], "hello"),
            ("🙂🙂 @acme_bot", &[("mention", 5, 9)], "🙂🙂"),
            (
                "@acme_bot @Acme_Bot: hi",
                &[("mention", 0, 9), ("mention", 10, 9)],
                "hi",
            ),
            ("@acme_bot", &[("mention", 0, 9)], ""),
            ("ask @acme_bot now", &[("mention", 4, 9)], "ask now"),
            ("one\n@acme_bot\ntwo", &[("mention", 4, 9)], "one\ntwo"),
            ("well, @acme_bot", &[("mention", 6, 9)], "well"),
            ("🙂 @acme_bot hi", &[("mention", 3, 9)], "🙂 hi"),
            ("@ravi_k hello", &[("mention", 0, 7)], "@ravi_k hello"),
            (
                "/help@acme_bot orders of\n@acme_bot",
                &[("bot_command", 0, 14), ("mention", 25, 9)],
                "/help orders of",
            ),
            ("/help orders", &[("bot_command", 0, 5)], "/help orders"),
        ] {
            assert_eq!(read(&words(text, entities)), expected, "{text}");
        }
    }

    #[test]
    fn a_link_that_does_not_show_its_address_is_written_out() {
        let link = |text: &str, url: &str, offset: usize, length: usize| {
            json!({"text": text, "entities": [
                {"type": "text_link", "offset": offset, "length": length, "url": url},
            ]})
        };
        let read_link = |text, url| read(&link(text, url, 3, 4));
        assert_eq!(
            read_link("🙂 site.", "https://a.example"),
            "🙂 site (https://a.example)."
        );
        assert_eq!(read_link("at a.ex", "https://a.ex/"), "at a.ex");
        let mut command = link("/help@acme_bot this", "https://a.example", 15, 4);
        let entities = command["entities"].as_array_mut().expect("entities");
        entities.push(json!({"type": "bot_command", "offset": 0, "length": 14}));
        assert_eq!(read(&command), "/help this (https://a.example)");
    }

    proptest! {
        #[test]
        fn no_entity_breaks_a_text(
            text in "\\PC{0,12}|[a🙂 @]{0,12}",
            entities in proptest::collection::vec((0..5_usize, 0..20_usize, 0..20_usize), 0..6),
        ) {
            let kinds = ["mention", "text_link", "bot_command", "text_mention", "bold"];
            let entities: Vec<_> = entities.into_iter().map(|(kind, offset, length)| json!({
                "type": kinds[kind], "offset": offset, "length": length, "url": "https://a.example",
                "user": {"id": 123},
            })).collect();
            let message = json!({"text": text, "entities": entities});
            let words = Words::of(&message);
            let _ = (words.readable(&me()), words.command(), words.mentions(&me()));
        }

        #[test]
        fn a_place_is_that_of_the_unit(text in "[aü🙂]{0,12}", at in 0..14_usize) {
            let units: Vec<u16> = text.encode_utf16().collect();
            let found = Places::of(&text).byte(at);
            prop_assert_eq!(found.is_some(), at <= units.len());
            if let (Some(byte), Ok(before)) = (found, String::from_utf16(units.get(..at).unwrap_or_default())) {
                prop_assert_eq!(text.get(..byte), Some(before.as_str()));
            }
        }
    }
}
