//! Slack's text → what a person reads
//! (<https://docs.slack.dev/messaging/formatting-message-text#parsing-message-text>).

use haptik_bridge_shared::message::Mention;

use super::emoji::{self, EmojiNames};

/// The longest sequence in angle brackets that is looked for, in bytes.
const LONGEST_SEQUENCE: usize = 8_000;

/// The most names that are asked for: one message must not use up Slack's limit of calls.
const MOST_MENTIONS: usize = 10;

/// A text as a person reads it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Readable {
    /// The text.
    pub(super) text: String,
    /// What stands in it in place of a name: users other than the app itself, and channels, for which Slack
    /// gave an id only; no more than [`MOST_MENTIONS`].
    pub(super) mentions: Vec<Mention>,
}

/// A message's text as a person reads it: names for mentions, links written out, emoji as characters, the
/// escaping undone once. A mention of the app itself, one of `own`, goes with its spaces: it only says to
/// whom the rest is addressed.
pub(super) fn readable(text: &str, own: &[&str], named: EmojiNames) -> Readable {
    let mut writer = Writer {
        own,
        named,
        out: Readable::default(),
        code: Code::None,
    };
    let mut rest = text.trim();
    while let Some(at) = rest.find(['<', '&', ':', '`']) {
        let (before, from) = rest.split_at(at);
        writer.out.text.push_str(before);
        rest = writer.special(from);
    }
    writer.out.text.push_str(rest);
    writer.out.trimmed()
}

/// Whether a text mentions one of these users.
pub(super) fn mentions(text: &str, users: &[&str]) -> bool {
    users
        .iter()
        .any(|id| text.contains(&format!("<@{id}>")) || text.contains(&format!("<@{id}|")))
}

/// The user whom the text mentions first thing.
pub(super) fn leading_mention(text: &str) -> Option<&str> {
    let (id, _) = mention(text.trim_start())?;
    Some(id).filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

impl Readable {
    /// With something written before it.
    pub(super) fn after(mut self, before: &str) -> Self {
        self.text.insert_str(0, before);
        for at in self.mentions.iter_mut().flat_map(|mention| &mut mention.at) {
            *at += before.len();
        }
        self
    }

    /// Notes that what is written next stands in place of a name.
    fn mention(&mut self, id: &str) {
        let at = self.text.len();
        let is_room = self.mentions.len() < MOST_MENTIONS;
        match self.mentions.iter_mut().find(|mention| mention.id == id) {
            Some(mention) => mention.at.push(at),
            None if is_room => self.mentions.push(Mention {
                id: id.to_owned(),
                at: vec![at],
            }),
            None => {}
        }
    }

    fn trimmed(mut self) -> Self {
        let begin = self.text.len() - self.text.trim_start().len();
        self.text = self.text.trim().to_owned();
        for at in self.mentions.iter_mut().flat_map(|mention| &mut mention.at) {
            *at -= begin;
        }
        self
    }
}

/// Whether what is read is code, in which names of emoji are text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    None,
    /// Up to the next backtick.
    Span,
    /// Up to the next three.
    Block,
}

/// Writes a text as a person reads it.
struct Writer<'a> {
    own: &'a [&'a str],
    named: EmojiNames,
    out: Readable,
    code: Code,
}

impl Writer<'_> {
    /// Writes what a text begins with, which begins with a character that may mean something; gives what
    /// follows it.
    fn special<'t>(&mut self, from: &'t str) -> &'t str {
        let written = match from.as_bytes().first() {
            Some(b'<') => {
                if let Some((id, after)) = mention(from)
                    && self.own.contains(&id)
                {
                    return self.own_mention(after);
                }
                sequence(from).map(|inside| {
                    if let Some(id) = unresolved(inside) {
                        self.out.mention(id);
                    }
                    self.out.text.push_str(&shown(inside));
                    inside.len() + 2
                })
            }
            Some(b'&') => {
                let entities = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>')];
                let found = entities.iter().find(|(entity, _)| from.starts_with(entity));
                found.map(|(entity, character)| {
                    self.out.text.push(*character);
                    entity.len()
                })
            }
            Some(b':') => self.emoji(from),
            _ => {
                self.backtick(from);
                None
            }
        };
        let length = written.unwrap_or_else(|| {
            // All four are one byte long.
            self.out.text.push_str(from.get(..1).unwrap_or_default());
            1
        });
        from.get(length..).unwrap_or_default()
    }

    fn emoji(&mut self, from: &str) -> Option<usize> {
        let name = emoji::name(from)?;
        let is_code = self.code != Code::None;
        let before = self.out.text.chars().next_back();
        let after = from.get(name.len()..).and_then(|rest| rest.chars().next());
        let inside = name.trim_matches(':');
        // `10:100:5`, `a:x:b`: Slack's names of two letters or of digits may as well be none.
        let is_doubtful = inside.len() <= 2 || inside.bytes().all(|byte| byte.is_ascii_digit());
        let touches = [before, after]
            .into_iter()
            .flatten()
            .any(char::is_alphanumeric);
        let word = self.out.text.rsplit(char::is_whitespace).next();
        let is_address = word.is_some_and(|word| word.contains("://") || word.starts_with("www."));
        let guess = || !(is_code || is_address || is_doubtful && touches);
        let emoji = self.named.next(name, guess)?;
        self.out.text.push_str(&emoji);
        Some(name.len())
    }

    /// What a backtick, or three, begin or end.
    fn backtick(&mut self, from: &str) {
        let is_fence = from.starts_with("```") && !self.out.text.ends_with('`');
        let rest = from.get(1..).unwrap_or_default();
        self.code = match self.code {
            Code::Block if is_fence => Code::None,
            Code::None if is_fence && from.get(3..).is_some_and(|rest| rest.contains("```")) => {
                Code::Block
            }
            Code::Span => Code::None,
            Code::None if rest.lines().next().is_some_and(|line| line.contains('`')) => Code::Span,
            code => code,
        };
    }

    /// Takes out a mention of the app itself, which `rest` follows, with what only joined it to the rest.
    fn own_mention<'t>(&mut self, mut rest: &'t str) -> &'t str {
        const SPACE: [char; 2] = [' ', '\t'];
        let out = &mut self.out.text;
        // Its style has nothing left to be on.
        while let Some(sign) = out.chars().next_back().filter(|sign| "*_~".contains(*sign)) {
            let Some(after) = rest.strip_prefix(sign) else {
                break;
            };
            out.pop();
            rest = after;
        }
        let before = out.trim_end_matches(SPACE);
        let begins_line = before.is_empty() || before.ends_with('\n');
        let (length, is_apart) = (before.len(), before.len() < out.len());
        let joins = |rest: &str| rest.starts_with([',', ':']) && emoji::name(rest).is_none();
        if begins_line {
            out.truncate(length);
            if joins(rest) {
                rest = rest.get(1..).unwrap_or_default();
            }
            rest = rest.trim_start_matches(SPACE);
            // A line that was nothing else goes.
            return rest.strip_prefix('\n').unwrap_or(rest);
        }
        let after = rest.trim_start_matches(SPACE);
        if after.is_empty() || after.starts_with('\n') {
            out.truncate(length);
            return after;
        }
        if is_apart {
            if after.starts_with([',', '.', ';', '!', '?', ')', ']', '}']) || joins(after) {
                out.truncate(length);
            }
            return after;
        }
        let is_word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
        if out.ends_with(['(', '[', '{', '"', '\'']) {
            return after;
        }
        if is_word(out.chars().next_back()) && is_word(rest.chars().next()) {
            out.push(' ');
        }
        rest
    }
}

/// The user whom a text mentions that begins with `<@`, and what follows the mention.
fn mention(text: &str) -> Option<(&str, &str)> {
    let inside = sequence(text)?;
    let id = inside.strip_prefix('@')?;
    let id = id.split('|').next().unwrap_or_default();
    Some((id, text.get(inside.len() + 2..)?))
}

/// What stands in place of a name where the inside of a `<…>` has none: `@U123`, `#C123`.
fn unresolved(inside: &str) -> Option<&str> {
    let (target, label) = inside.split_once('|').unwrap_or((inside, ""));
    let id = target.strip_prefix(['@', '#'])?;
    let is_id = (3..=20).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    (is_id && label.is_empty()).then_some(target)
}

/// The inside of the `<…>` that a text starts with.
fn sequence(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('<')?;
    let end = inside
        .bytes()
        .take(LONGEST_SEQUENCE)
        .position(|byte| b"<>\n".contains(&byte))?;
    let (inside, after) = inside.split_at_checked(end)?;
    (after.starts_with('>') && !inside.is_empty()).then_some(inside)
}

/// What a `<…>` shows.
fn shown(inside: &str) -> String {
    let (target, label) = match inside.split_once('|') {
        Some((target, label)) => (entities_undone(target), entities_undone(label)),
        None => (entities_undone(inside), String::new()),
    };
    let or_label = |sign: char, id: &str| {
        let name = if label.is_empty() {
            id
        } else {
            label.trim_start_matches(sign)
        };
        format!("{sign}{name}")
    };
    if let Some(user) = target.strip_prefix('@') {
        return or_label('@', user);
    }
    if let Some(channel) = target.strip_prefix('#') {
        return or_label('#', channel);
    }
    if let Some(command) = target.strip_prefix('!') {
        return match command.split('^').collect::<Vec<_>>().as_slice() {
            ["subteam", id, ..] => or_label('@', id),
            ["date", _, format, ..] => {
                if label.is_empty() {
                    (*format).to_owned()
                } else {
                    label
                }
            }
            _ => or_label('@', command),
        };
    }
    let bare = |text: &str| {
        let schemes = ["https://", "http://", "mailto:", "tel:"];
        let text = schemes
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))
            .unwrap_or(text);
        text.trim_end_matches('/').to_owned()
    };
    if label.is_empty() {
        // An address or a number reads better without its scheme; a link does not.
        target
            .strip_prefix("mailto:")
            .or_else(|| target.strip_prefix("tel:"))
            .unwrap_or(&target)
            .to_owned()
    } else if bare(&label) == bare(&target) {
        label
    } else {
        format!("{label} ({target})")
    }
}

/// A text without Slack's escaping
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>).
pub(super) fn entities_undone(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// Slack's text as a person reads it, without its mentions of anybody.
pub(super) fn plainly_readable(text: &str) -> String {
    readable(text, &[], EmojiNames::default()).text
}

#[cfg(test)]
mod tests;
