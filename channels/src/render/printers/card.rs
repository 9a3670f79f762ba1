//! The part of Markdown that Adaptive Cards show
//! (<https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features>): bold, italics, lists and links.
//!
//! Clients read it by readers of their own. Those of desktops read `CommonMark`. Those of telephones, and Webex's, read
//! emphasis, lists and links only, and show the backslash before most characters
//! (<https://github.com/microsoft/Teams-AdaptiveCards-Mobile>, <https://github.com/webex/AdaptiveCards>). So nothing is
//! escaped but the brackets of a link's label, which all of them read: a space of no width parts what would be markup,
//! and where that does not help, a character that looks alike stands in its place.

use std::ops::Range;

use super::commonmark::{CommonMark, indented};
use super::{APART, Edge, Printer, Style};
use crate::render::inline::address::shown;

/// Stars, underscores and tildes of a text: what stands for each while the text is printed, which is no character, by
/// Unicode; and what is written for it where it would be a mark.
const SIGNS: [(char, char, char); 3] = [
    ('*', '\u{fdd1}', '∗'),
    ('_', '\u{fdd2}', '＿'),
    ('~', '\u{fdd3}', '∼'),
];

/// What is written for a backtick where it would begin or end code.
const BACKTICK: &str = "‵";

pub(super) struct Card;

impl Printer for Card {
    fn text(&self, text: &str, out: &mut String) {
        let (words, starts_line) = indented(text, out);
        for (at, character) in words.char_indices() {
            let rest = words.get(at..).unwrap_or_default();
            let before = out.chars().next_back();
            if starts_line && at == 0 && begins_block(rest) || joins(before, rest) {
                out.push(APART);
            }
            let sign = SIGNS.iter().find(|(sign, ..)| *sign == character);
            let is_placeholder = SIGNS.iter().any(|(_, other, _)| *other == character);
            match sign {
                Some((_, placeholder, _)) => out.push(*placeholder),
                None if is_placeholder => {}
                None => out.push(character),
            }
        }
        // It escapes nothing, and ends no line.
        if out.ends_with('\\') {
            out.push(APART);
        }
    }

    fn marks(&self, style: Style) -> (&'static str, &'static str) {
        match style {
            Style::Bold | Style::Star => ("**", "**"),
            Style::Italic => ("_", "_"),
            Style::Strike | Style::Underline => ("", ""),
        }
    }

    /// Telephones take the marks of two styles that begin together for one mark.
    fn nests(&self) -> bool {
        false
    }

    /// Telephones know no white space but ASCII's, and take all that is not ASCII for letters. A backtick may become
    /// such a character.
    fn apart(&self, edge: Edge) -> &'static str {
        let outside = edge.outside;
        let is_sign = outside.is_ascii_punctuation() && outside != '`';
        let is_letter = !outside.is_ascii_whitespace() && !is_sign;
        let is_lost = is_letter && (edge.mark == '_' || !edge.inside.is_alphanumeric());
        if is_lost || edge.is_beside_mark {
            " "
        } else {
            ""
        }
    }

    /// There is no code. White space at its ends would part marks from what they mark.
    fn code(&self, code: &str, out: &mut String) {
        self.text(code.trim(), out);
    }

    fn code_block(&self, code: &str, out: &mut String) {
        for (at, line) in code.trim_matches('\n').split('\n').enumerate() {
            if at > 0 {
                out.push('\n');
            }
            self.text(line, out);
        }
    }

    /// An address by itself is no link.
    fn link(&self, url: &str, label: &str, out: &mut String) {
        // It would be a picture.
        if out.ends_with('!') {
            out.push(APART);
        }
        let mut written = String::new();
        let label = if label.is_empty() { shown(url) } else { label };
        self.text(label, &mut written);
        out.push('[');
        out.push_str(&written.replace('[', "\\[").replace(']', "\\]"));
        out.push_str("](");
        let url = url.replace('(', "%28").replace(')', "%29");
        out.push_str(&url.replace('`', "%60"));
        out.push(')');
    }

    fn bullet(&self, line: &str) -> &'static str {
        CommonMark.bullet(line)
    }

    /// A line ends with a blank one, but between two items of a list: what is behind it would be taken in.
    fn finished(&self, printed: String) -> String {
        let mut out = String::with_capacity(printed.len() + 16);
        let mut was_item = false;
        let printed = without_code(kept(printed));
        for line in printed.split('\n').filter(|line| !line.is_empty()) {
            let is_item = line.starts_with("- ");
            if !out.is_empty() {
                out.push_str(if is_item && was_item { "\n" } else { "\n\n" });
            }
            out.push_str(line);
            was_item = is_item;
        }
        out
    }
}

/// Whether a line would be more than text: an item of a list, a heading, a quotation, a rule, a fence.
fn begins_block(line: &str) -> bool {
    let is_rule = |mark: char| {
        let of_mark = |one: char| one == mark || one.is_whitespace();
        line.starts_with(mark) && line.matches(mark).count() > 2 && line.chars().all(of_mark)
    };
    let behind = line.trim_start_matches('#');
    let is_heading = behind.len() < line.len() && (behind.is_empty() || behind.starts_with(' '));
    let is_fence = line.starts_with("```") || line.starts_with("~~~");
    begins_item(line)
        || is_heading
        || is_fence
        || line.starts_with('>')
        || ['-', '*', '_'].into_iter().any(is_rule)
}

/// Whether it would be an item of a list.
fn begins_item(line: &str) -> bool {
    let bullet = line.strip_prefix(['-', '+', '*']);
    let behind = line.trim_start_matches(|one: char| one.is_ascii_digit());
    bullet.is_some_and(|behind| behind.is_empty() || behind.starts_with([' ', '\t']))
        || behind.len() < line.len() && behind.starts_with(['.', ')'])
}

/// Whether what follows would be markup with the character before it, which is none where a text begins.
fn joins(before: Option<char>, rest: &str) -> bool {
    let first = rest.chars().next().unwrap_or_default();
    // Telephones skip one behind a mark.
    let is_mark = |one: char| "*_".contains(one) || SIGNS.iter().any(|(_, other, _)| *other == one);
    if first == '\\' && before.is_none_or(is_mark) {
        return true;
    }
    match before {
        Some('\\') => first.is_ascii_punctuation(),
        Some('<') => first.is_ascii_alphabetic() || "/!?".contains(first),
        Some('&') => begins_entity(rest),
        Some(']') => "([:".contains(first) || begins_item(rest),
        // Telephones look for a list behind these too.
        Some('[' | ')' | '-' | '+') => begins_item(rest),
        _ => false,
    }
}

/// Whether this, behind `&`, is the name of a character.
fn begins_entity(rest: &str) -> bool {
    let name = rest.trim_start_matches(|one: char| one.is_ascii_alphanumeric() || one == '#');
    name.len() < rest.len() && name.starts_with(';')
}

/// A text that was printed, its signs written so that they are seen. Most stay what they are: between
/// white space, `_` within a word, and one that has no other to make a pair with.
fn kept(printed: String) -> String {
    let is_of_text = |one: char| SIGNS.iter().any(|(_, of_text, _)| *of_text == one);
    if !printed.contains(is_of_text) {
        return printed;
    }
    let mut characters: Vec<char> = printed.chars().collect();
    let rows = rows(&characters);
    // How many rows could be marks. Telephones take one of ours for none, where another style seems to be open.
    let (styles, strikes) = SIGNS.split_at(2);
    let counts = [styles, styles, strikes].map(|kinds| {
        let is_one = |one: &char| {
            let mut kinds = kinds.iter();
            kinds.any(|(sign, of_text, _)| [sign, of_text].contains(&one))
        };
        let has = |row: &&Row| {
            let mut signs = characters.get(row.at.clone()).into_iter().flatten();
            row.could_mark && signs.any(is_one)
        };
        rows.iter().filter(has).count()
    });
    for row in rows {
        let signs = characters.get_mut(row.at).into_iter().flatten();
        for one in signs {
            let kinds = SIGNS.iter().zip(counts);
            let mut kinds = kinds.filter(|((_, of_text, _), _)| of_text == one);
            if let Some(((sign, _, look_alike), count)) = kinds.next() {
                let is_mark = row.could_mark && (row.is_mixed || count > 1);
                *one = if is_mark { *look_alike } else { *sign };
            }
        }
    }
    characters.into_iter().collect()
}

/// Signs in a row.
struct Row {
    at: Range<usize>,
    /// Whether they could be marks, by what stands beside them.
    could_mark: bool,
    /// Whether they are of several kinds, or some are marks of ours: then each could be a mark by itself.
    is_mixed: bool,
}

fn rows(characters: &[char]) -> Vec<Row> {
    let is_sign = |one: &char| {
        let mut signs = SIGNS.iter();
        signs.any(|(sign, of_text, _)| [sign, of_text].contains(&one))
    };
    let is_space = |one: Option<&char>| one.is_none_or(char::is_ascii_whitespace);
    let is_letter = |one: Option<&char>| one.is_some_and(|one| one.is_alphanumeric());
    let mut rows = Vec::new();
    let mut at = 0;
    while let Some(first) = characters.get(at) {
        let start = at;
        let signs = characters.iter().skip(start);
        let signs = signs.take_while(|one| is_sign(one));
        at += signs.clone().count().max(1);
        if !is_sign(first) {
            continue;
        }
        let is_mixed = signs.clone().any(|one| one != first);
        let before = start.checked_sub(1).and_then(|at| characters.get(at));
        let after = characters.get(at);
        let is_free = is_space(before) && is_space(after);
        let is_within = is_letter(before) && is_letter(after) && *first == SIGNS[1].1;
        rows.push(Row {
            at: start..at,
            could_mark: is_mixed || !(is_free || is_within),
            is_mixed,
        });
    }
    rows
}

/// A text in which no backticks make a pair.
fn without_code(printed: String) -> String {
    let runs = printed
        .split(|one| one != '`')
        .filter(|run| !run.is_empty());
    if runs.count() > 1 {
        printed.replace('`', BACKTICK)
    } else {
        printed
    }
}
