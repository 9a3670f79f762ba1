//! Slack's names of emoji (<https://slack.com/help/articles/202931348>) → the emoji.

use std::collections::{HashMap, VecDeque};
use std::sync::LazyLock;

use haptik_bridge_shared::lenient_json;
use serde_json::Value;

/// Name and emoji, a line each, in the order of the names' bytes. Slack's names are those of
/// <https://github.com/iamcal/emoji-data> (MIT licence, Cal Henderson), from whose version 16 this is made:
/// other lists have other names. Flags of countries are not in it.
const TABLE: &str = include_str!("emoji.txt");

/// The longest name, in bytes, skin tones included.
const LONGEST: usize = 100;

static EMOJI: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    let lines = TABLE.lines();
    lines.filter_map(|line| line.split_once(' ')).collect()
});

/// The name that a text begins with, colons included: `:wave:`, `:wave::skin-tone-2:`.
pub(super) fn name(text: &str) -> Option<&str> {
    let inside = |text: &str| {
        let end = text
            .strip_prefix(':')?
            .bytes()
            .take(LONGEST)
            .position(|byte| {
                byte == b':' || byte.is_ascii_whitespace() || b"<>&`".contains(&byte)
            })?;
        let is_closed = text.as_bytes().get(end + 1) == Some(&b':');
        (end > 0 && is_closed).then_some(end + 2)
    };
    let length = inside(text)?;
    let tone = text
        .get(length..)
        .filter(|rest| rest.starts_with(":skin-tone-"));
    text.get(..length + tone.and_then(inside).unwrap_or_default())
}

/// The standard emoji of a name, colons included; `None` for a workspace's own and for what is none.
fn standard(name: &str) -> Option<String> {
    let (name, tones) = match name.trim_matches(':').split_once("::skin-tone-") {
        Some((name, tones)) => (name, Some(tones)),
        None => (name.trim_matches(':'), None),
    };
    let emoji = flag(name).or_else(|| {
        let at = EMOJI.binary_search_by(|(known, _)| known.cmp(&name)).ok()?;
        EMOJI.get(at).map(|(_, emoji)| (*emoji).to_owned())
    })?;
    match tones {
        Some(tones) => with_tones(&emoji, tones),
        None => Some(emoji),
    }
}

/// `flag-in` → 🇮🇳.
fn flag(name: &str) -> Option<String> {
    let country = name
        .strip_prefix("flag-")
        .filter(|country| country.len() == 2)?;
    let letters = country.bytes().map(|letter| {
        let offset = letter
            .is_ascii_lowercase()
            .then(|| u32::from(letter - b'a'))?;
        char::from_u32(0x1f1e6 + offset)
    });
    letters.collect()
}

/// An emoji with skin tones, `2` or, of two people, `2-3`: a tone stands behind the person, in place of the
/// mark that makes an emoji of a character.
fn with_tones(emoji: &str, tones: &str) -> Option<String> {
    let tone = |number: &str| {
        let number: u32 = number.parse().ok()?;
        let offset = (2..=6).contains(&number).then(|| number - 2)?;
        char::from_u32(0x1f3fb + offset)
    };
    let (first, second) = match tones.split_once('-') {
        Some((first, second)) => (tone(first)?, Some(tone(second)?)),
        None => (tone(tones)?, None),
    };
    let mut rest = emoji.chars();
    let person = rest.next()?;
    let rest = rest.as_str();
    let rest = rest.strip_prefix('\u{fe0f}').unwrap_or(rest);
    let mut emoji = format!("{person}{first}{rest}");
    if rest.ends_with(['👨', '👩', '🧑']) {
        emoji.push(second.unwrap_or(first));
    }
    Some(emoji)
}

/// What each name in a text is, in order, as far as its blocks say it.
#[derive(Debug, Default)]
pub(super) struct EmojiNames {
    /// For each name: of each place where it stands, the emoji, or `None` where it is no more than text.
    known: HashMap<String, VecDeque<Option<String>>>,
}

impl EmojiNames {
    /// What the blocks of `message` say of the names in `text`, which was made of it. What they say of a
    /// name counts only where they have it as often as the text.
    pub(super) fn of(message: &Value, text: &str) -> Self {
        let mut known = HashMap::new();
        for key in ["blocks", "attachments"] {
            collect(message.get(key).unwrap_or(&Value::Null), &mut known);
        }
        let mut count: HashMap<&str, usize> = HashMap::new();
        let places = text.match_indices(':');
        for name in places.filter_map(|(at, _)| name(text.get(at..)?)) {
            *count.entry(name).or_default() += 1;
        }
        known.retain(|name: &String, places: &mut VecDeque<_>| {
            count.get(name.as_str()) == Some(&places.len())
        });
        Self { known }
    }

    /// The emoji that stands at the next place of a name, if one does. Without blocks `guess` says whether
    /// Slack would see one there.
    pub(super) fn next(&mut self, name: &str, guess: impl FnOnce() -> bool) -> Option<String> {
        match self.known.get_mut(name).map(VecDeque::pop_front) {
            Some(Some(said)) => said,
            Some(None) | None => guess().then(|| standard(name)).flatten(),
        }
    }
}

/// The names in rich texts, which say of each whether it is an emoji, and which.
fn collect(value: &Value, into: &mut HashMap<String, VecDeque<Option<String>>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(fields) => match lenient_json::text(value, "type").as_str() {
            "emoji" => {
                if let Some((name, emoji)) = element(value) {
                    into.entry(name).or_default().push_back(emoji);
                }
            }
            "text" => {
                let text = lenient_json::text(value, "text");
                let places = text.match_indices(':');
                for name in places.filter_map(|(at, _)| name(text.get(at..)?)) {
                    into.entry(name.to_owned()).or_default().push_back(None);
                }
            }
            _ => fields.values().for_each(|field| collect(field, into)),
        },
        _ => {}
    }
}

/// An emoji of a rich text as a message's text has it: its name, between colons, with its skin tone.
pub(super) fn written(element: &Value) -> String {
    let name = lenient_json::text(element, "name");
    match lenient_json::whole(element, "skin_tone") {
        Some(tone) if !name.contains("::skin-tone-") => format!(":{name}::skin-tone-{tone}:"),
        _ => format!(":{name}:"),
    }
}

/// An emoji of a rich text: its name as the text has it, and the emoji; the workspace's own have none.
fn element(element: &Value) -> Option<(String, Option<String>)> {
    lenient_json::some_text(element, "name")?;
    let name = written(element);
    let unicode = lenient_json::text(element, "unicode");
    let characters = unicode
        .split('-')
        .map(|code| char::from_u32(u32::from_str_radix(code, 16).ok()?));
    let characters: Option<String> = characters.collect();
    let emoji = characters.filter(|emoji| !emoji.chars().any(char::is_control));
    let emoji = emoji.or_else(|| standard(&name));
    Some((name, emoji))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_has_one_emoji_for_a_name() {
        assert!(EMOJI.is_sorted_by(|(one, _), (other, _)| one.as_bytes() < other.as_bytes()));
        assert_eq!(EMOJI.len(), TABLE.lines().count());
        for (known, emoji) in EMOJI.iter() {
            assert_eq!(
                name(&format!(":{known}:")),
                Some(format!(":{known}:").as_str())
            );
            assert!(
                !emoji.is_ascii() || "#*0123456789".contains(emoji),
                "{known}"
            );
        }
    }

    #[test]
    fn a_name_is_an_emoji_with_its_skin_tones() {
        for (name, expected) in [
            (":wave:", Some("👋")),
            (":wave::skin-tone-2:", Some("👋🏻")),
            (":v::skin-tone-6:", Some("✌🏿")),
            (":woman-running::skin-tone-4:", Some("🏃🏽\u{200d}♀️")),
            (
                ":people_holding_hands::skin-tone-2-6:",
                Some("🧑🏻\u{200d}🤝\u{200d}🧑🏿"),
            ),
            (":flag-in:", Some("🇮🇳")),
            (
                ":flag-england:",
                Some("🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}"),
            ),
            (":+1:", Some("👍")),
            (":100:", Some("💯")),
            (":thinking_face:", Some("🤔")),
            (":wave::skin-tone-7:", None),
            (":acme:", None),
            (":flag-1n:", None),
        ] {
            assert_eq!(standard(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_name_has_two_colons_and_no_space() {
        for (text, expected) in [
            (":wave: hi", Some(":wave:")),
            (":wave::skin-tone-2:x", Some(":wave::skin-tone-2:")),
            (":wave::tada:", Some(":wave:")),
            (":wave::skin-tone-2", Some(":wave:")),
            ("::", None),
            (": a:", None),
            (":a b:", None),
            (":a", None),
            ("a:b:", None),
        ] {
            assert_eq!(name(text), expected, "{text}");
        }
    }
}
