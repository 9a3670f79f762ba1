//! Signs that are text where the markup has no way to escape them: Slack's mrkdwn, and Google Chat's.
//!
//! `*`, `_`, `~` and `` ` `` of a text are written as characters that no text has (`placeholder`). Once all is
//! printed, [`kept`] writes them as they are, and puts those that a provider would take for marks between spaces of
//! no width: a mark of a style has no white space inside it. Whether one could be a mark depends on its neighbours
//! and on the rest of its line, so most stay untouched: `2 * 3`, `snake_case`, `price*`.

use std::borrow::Cow;
use std::ops::Range;

use super::APART;

/// The signs; what stands for each while a text is printed, which is no character, by Unicode; and what is written
/// for it where a space would part a mark of ours from what it marks, and for a backtick that would begin code.
const SIGNS: [(char, char, char); 4] = [
    ('*', '\u{fdd1}', '∗'),
    ('_', '\u{fdd2}', '＿'),
    ('~', '\u{fdd3}', '∼'),
    ('`', '\u{fdd4}', '‵'),
];

/// Writes a character of a text; what stands for a sign itself is none.
pub(super) fn push(character: char, out: &mut String) {
    match placeholder(character) {
        Some(placeholder) => out.push(placeholder),
        None if sign(character).is_some() => {}
        None => out.push(character),
    }
}

fn placeholder(character: char) -> Option<char> {
    let found = SIGNS.iter().find(|(sign, ..)| *sign == character);
    found.map(|(_, placeholder, _)| *placeholder)
}

/// The sign that a placeholder stands for.
fn sign(character: char) -> Option<char> {
    let found = SIGNS
        .iter()
        .find(|(_, placeholder, _)| *placeholder == character);
    found.map(|(sign, ..)| *sign)
}

/// The label of a link, in which three backticks would begin a block of code before the link ends.
pub(super) fn label(text: &str) -> Cow<'_, str> {
    if text.contains("```") {
        let [.., (sign, _, look_alike)] = SIGNS;
        text.replace(sign, &look_alike.to_string()).into()
    } else {
        text.into()
    }
}

/// A text that was printed, its signs written so that they are seen.
pub(super) fn kept(text: String) -> String {
    if !text.contains(|character| sign(character).is_some()) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive('\n') {
        in_line(line, &mut out);
    }
    out
}

/// A run of one sign: what it could be where it stands.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own that CommonMark asks of a run"
)]
struct Run {
    at: Range<usize>,
    sign: char,
    is_text: bool,
    opens: bool,
    closes: bool,
    /// Whether it stands within a word.
    is_within: bool,
}

/// What a line has of one sign: how many runs, where its last is, its last that could end a style, and the first of ours that
/// begins one.
#[derive(Default)]
struct Extent {
    runs: usize,
    last: usize,
    last_closing: Option<usize>,
    first_of_ours: Option<usize>,
}

fn in_line(line: &str, out: &mut String) {
    let characters: Vec<char> = line.chars().collect();
    let runs = runs(&characters);
    let extents = SIGNS.map(|(sign, ..)| extent(&runs, sign));
    let mut written = 0;
    for run in runs.iter().filter(|run| run.is_text) {
        out.extend(characters.get(written..run.at.start).unwrap_or_default());
        written = run.at.end;
        let signs = SIGNS.iter().zip(&extents);
        let mut signs = signs.filter(|((sign, ..), _)| *sign == run.sign);
        let Some(((_, _, look_alike), extent)) = signs.next() else {
            continue;
        };
        let length = run.at.len();
        if run.sign == '`' {
            let is_seen = extent.last < run.at.end && length < 3;
            let one = if is_seen { run.sign } else { *look_alike };
            out.extend(std::iter::repeat_n(one, length));
            continue;
        }
        let begins = run.opens && extent.last_closing.is_some_and(|last| last >= run.at.end);
        let ends = run.closes && extent.first_of_ours.is_some_and(|ours| ours < run.at.start);
        // Of several, the first and the last could be a pair.
        // `_` belongs to a word as letters do.
        let is_part = run.is_within || (length == 2 && (run.opens || run.closes));
        let is_name = run.sign == '_' && is_part;
        let is_pair = !is_name && (length > 2 || length == 2 && extent.runs > 1);
        if !(begins || ends || is_pair) {
            out.extend(std::iter::repeat_n(run.sign, length));
            continue;
        }
        let before = run
            .at
            .start
            .checked_sub(1)
            .and_then(|at| characters.get(at));
        let after = characters.get(run.at.end);
        let is_ours =
            |other: Option<&char>| other.is_some_and(|other| placeholder(*other).is_some());
        if is_ours(before) || is_ours(after) {
            out.extend(std::iter::repeat_n(*look_alike, length));
            continue;
        }
        let touches = |other: Option<&char>| other.is_some_and(|other| !is_space(*other));
        for _ in 0..length {
            if touches(before) && !out.ends_with(APART) || out.ends_with(run.sign) {
                out.push(APART);
            }
            out.push(run.sign);
        }
        if touches(after) {
            out.push(APART);
        }
    }
    out.extend(characters.get(written..).unwrap_or_default());
}

fn is_space(character: char) -> bool {
    character.is_whitespace() || character == APART
}

fn extent(runs: &[Run], sign: char) -> Extent {
    let mut extent = Extent::default();
    for run in runs.iter().filter(|run| run.sign == sign) {
        extent.runs += 1;
        extent.last = run.at.end - 1;
        if run.closes {
            extent.last_closing = Some(run.at.start);
        }
        if run.opens && !run.is_text {
            extent.first_of_ours = extent.first_of_ours.or(Some(run.at.start));
        }
    }
    extent
}

/// The signs of a line, and what each could be: a style begins behind no letter or digit and before no white
/// space, and ends the other way round. Of several in a row, the first can begin one and the last end one.
fn runs(characters: &[char]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some(character) = characters.get(at) {
        let start = at;
        at += 1;
        let text = sign(*character);
        let ours = placeholder(*character).map(|_| *character);
        let Some(sign) = text.or(ours) else {
            continue;
        };
        // Each mark of ours is one by itself.
        while text.is_some() && characters.get(at) == Some(character) {
            at += 1;
        }
        let before = start.checked_sub(1).and_then(|at| characters.get(at));
        let after = characters.get(at);
        let is_apart = |other: Option<&char>| other.is_none_or(|other| !other.is_alphanumeric());
        // The first of several stands before a sign, whatever is behind the last.
        let several = at - start > 1;
        let touches =
            |other: Option<&char>| several || other.is_some_and(|other| !is_space(*other));
        runs.push(Run {
            at: start..at,
            sign,
            is_text: text.is_some(),
            opens: is_apart(before) && touches(after),
            closes: is_apart(after) && touches(before),
            is_within: !is_apart(before) && !is_apart(after),
        });
    }
    runs
}
