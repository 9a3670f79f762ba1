//! How a value is found in a text: in any case, a number however it is written, and behind escapes.

use std::iter;

/// What may stand between the digits of a number: spaces, hyphens and dashes, dots, brackets, slashes.
pub(super) const BETWEEN_DIGITS: &str = " -.()/\u{a0}\u{202f}\u{2009}\u{2010}\u{2011}\u{2013}";

/// The most of these between two digits.
const MOST_BETWEEN: usize = 4;

/// The most zeros that are dialled before a number.
const MOST_ZEROS: usize = 2;

/// The most digits of a country's code, and with the zeros before it.
pub(super) const LONGEST_COUNTRY: usize = 3;
const LONGEST_BEFORE: usize = LONGEST_COUNTRY + MOST_ZEROS;

/// How a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// As it stands there.
    Written,
    /// With the escapes of JSON and of URLs undone: it may have JSON or a link in it.
    Undone,
}

impl Reading {
    /// The readings of a text that differ. In `\nasha` either `asha` or `nasha` is a word.
    pub(super) fn of(text: &str) -> impl Iterator<Item = Self> + use<> {
        let undone = text.contains(['\\', '%']).then_some(Self::Undone);
        undone.into_iter().chain(iter::once(Self::Written))
    }
}

/// A character of a text, and where it stands there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    char: char,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// The characters of a text.
pub(super) fn units(text: &str, reading: Reading) -> Vec<Unit> {
    let mut units = Vec::with_capacity(text.len());
    let mut from = 0;
    while let Some(next) = text[from..].chars().next() {
        let escape = (reading == Reading::Undone).then(|| escape(&text[from..]));
        let (char, length) = escape.flatten().unwrap_or((next, next.len_utf8()));
        let to = from + length;
        units.push(Unit { char, from, to });
        from = to;
    }
    units
}

/// The character that a text begins with as an escape, and the escape's length.
fn escape(text: &str) -> Option<(char, usize)> {
    match text.as_bytes().first()? {
        b'\\' => of_json(text),
        b'%' => of_url(text),
        _ => None,
    }
}

/// The most backslashes of one escape: of JSON four times within JSON.
const MOST_BACKSLASHES: usize = 16;

/// `\n`, `\u00e9`, also in JSON in JSON, where there are several backslashes.
fn of_json(text: &str) -> Option<(char, usize)> {
    let slashes = text.bytes().take_while(|byte| *byte == b'\\');
    let slashes = slashes.take(MOST_BACKSLASHES).count();
    let rest = text.get(slashes..)?;
    let length = slashes + 1;
    let char = match rest.chars().next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        quoted @ ('"' | '/') => quoted,
        'u' => return of_units(text, length),
        _ => return None,
    };
    Some((char, length))
}

/// `\u00e9`, or the two halves of a pair. `start` is the length of what stands before the digits.
fn of_units(text: &str, start: usize) -> Option<(char, usize)> {
    const DIGITS: usize = 4;
    let unit = |text: &str| u16::from_str_radix(text.get(start..start + DIGITS)?, 16).ok();
    let length = start + DIGITS;
    let first = unit(text)?;
    let rest = text.get(length..)?;
    let second = (rest.get(..start) == text.get(..start))
        .then(|| unit(rest))
        .flatten();
    let mut read = char::decode_utf16(iter::once(first).chain(second));
    let char = read.next()?.ok()?;
    let units = char.len_utf16();
    Some((char, length * units))
}

/// `%40`, `%C3%A9`.
fn of_url(text: &str) -> Option<(char, usize)> {
    const DIGITS: usize = 2;
    let byte = |at: usize| {
        let start = at * (1 + DIGITS);
        let digits = text.get(start..)?.strip_prefix('%')?.get(..DIGITS)?;
        u8::from_str_radix(digits, 16).ok()
    };
    let bytes: Vec<u8> = (0..char::MAX.len_utf8()).map_while(byte).collect();
    let valid = bytes.utf8_chunks().next()?.valid();
    let char = valid.chars().next()?;
    Some((char, char.len_utf8() * (1 + DIGITS)))
}

/// A text as it is compared, whatever its case: by way of capital letters `ß` is `ss`, and the final sigma a sigma.
pub(super) fn folded(text: &str) -> String {
    text.chars().flat_map(fold).collect()
}

fn fold(char: char) -> impl Iterator<Item = char> {
    char.to_uppercase().flat_map(char::to_lowercase)
}

/// The first character of what stands there, folded.
pub(super) fn first_folded(units: &[Unit]) -> Option<char> {
    fold(units.first()?.char).next()
}

/// How many units from `at` on are this value, which is folded.
pub(super) fn value_at(units: &[Unit], at: usize, value: &str) -> Option<usize> {
    let mut wanted = value.chars();
    for (index, unit) in units.get(at..)?.iter().enumerate() {
        for char in fold(unit.char) {
            if wanted.next() != Some(char) {
                return None;
            }
        }
        if wanted.as_str().is_empty() {
            return Some(index + 1);
        }
    }
    None
}

/// How many units from `at` on are this value as a word, which no letter or digit continues on either side.
pub(super) fn word_at(units: &[Unit], at: usize, value: &str) -> Option<usize> {
    let length = value_at(units, at, value)?;
    let end = at + length;
    let before = at.checked_sub(1).and_then(|before| units.get(before));
    let is_within =
        are_joined(before, units.get(at)) || are_joined(units.get(end - 1), units.get(end));
    (!is_within).then_some(length)
}

/// Whether two characters beside each other are of one word.
fn are_joined(left: Option<&Unit>, right: Option<&Unit>) -> bool {
    let joins = |unit: &Unit| unit.char.is_alphanumeric() && !is_unspaced(unit.char);
    left.is_some_and(joins) && right.is_some_and(joins)
}

/// Whether a character is of a script in which words follow one another without spaces, or with endings that are
/// words: Thai to Burmese, Khmer, Chinese, Japanese, Korean.
pub(super) fn is_unspaced(char: char) -> bool {
    matches!(
        char,
        '\u{e00}'..='\u{eff}'
            | '\u{1000}'..='\u{109f}'
            | '\u{1780}'..='\u{17ff}'
            | '\u{2e80}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7af}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}'
    )
}

/// How many units from `at` on are this number, which begins with no zero: with a plus or zeros before it, and
/// whatever stands between its digits. `stands_alone` says that no other digit may stand before it: else
/// the code of a country may.
pub(super) fn number_at(
    units: &[Unit],
    at: usize,
    number: &str,
    stands_alone: bool,
) -> Option<usize> {
    let before = units.get(..at)?.iter().rev();
    let allowed = if stands_alone { 0 } else { LONGEST_BEFORE };
    let before = before.take_while(|unit| unit.char.is_ascii_digit());
    if before.take(allowed + 1).count() > allowed {
        return None;
    }
    number_from(units.get(at..)?, number)
}

/// How many units are this number. A bracket that it begins with is closed within it.
fn number_from(units: &[Unit], number: &str) -> Option<usize> {
    let mut wanted = number.chars().peekable();
    let (mut is_open, mut has_begun, mut zeros, mut between) = (false, false, 0, 0);
    for (at, unit) in units.iter().enumerate() {
        match (wanted.peek(), unit.char) {
            (Some(digit), char) if *digit == char => {
                wanted.next();
                has_begun = true;
            }
            (Some(_), '0') if !has_begun && zeros < MOST_ZEROS => zeros += 1,
            (Some(_), '+') if at == 0 => {}
            (Some(_), '(') if at == 0 => is_open = true,
            (Some(_), char)
                if at > 0 && between < MOST_BETWEEN && BETWEEN_DIGITS.contains(char) =>
            {
                between += 1;
                is_open &= char != ')';
                continue;
            }
            (Some(_), _) => return None,
            (None, char) if char.is_ascii_digit() => return None,
            (None, _) => return (!is_open).then_some(at),
        }
        between = 0;
    }
    (wanted.peek().is_none() && !is_open).then_some(units.len())
}
