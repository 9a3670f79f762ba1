//! Splitting texts that are longer than Slack takes.

use std::ops::Range;

use super::limits::{fits, length};

/// The longest link that is kept in one piece, in bytes; [`super::markup`] makes none that is longer.
const LONGEST_LINK: usize = 8_000;

const FENCE: &str = "```";

/// Splits mrkdwn into texts of at most `limit` (at least 16), in order: at the end of a paragraph,
/// else of a line, a sentence or a word. Links and escaped characters stay in one piece, and a code
/// block that is cut is closed and opened again. White space at a cut is dropped, nothing else; texts
/// without anything to see are left out.
pub(super) fn split(text: &str, limit: usize) -> Vec<String> {
    let text = text.trim_end();
    let fences = fences(text);
    let mut chunks = Vec::new();
    let mut rest = text;
    let mut reopened = "";
    loop {
        if fits(rest, limit.saturating_sub(reopened.len())) {
            push(&mut chunks, reopened, rest, "");
            return chunks;
        }
        // A code block may have to be closed: that takes a line of its own.
        let closing = if fences.is_empty() {
            0
        } else {
            FENCE.len() + 1
        };
        let room = limit.saturating_sub(reopened.len() + closing).max(1);
        let start = text.len() - rest.len();
        let mut end = break_at(rest, room);
        let mut fence = fence_at(&fences, start + end);
        if let Some(whole) = fence.filter(|fence| keeps_whole(fence, start, room)) {
            end = whole.start - start;
            fence = None;
        }
        let (chunk, remaining) = rest.split_at_checked(end).unwrap_or((rest, ""));
        push(
            &mut chunks,
            reopened,
            chunk,
            if fence.is_some() { "\n```" } else { "" },
        );
        reopened = if fence.is_some() { "```\n" } else { "" };
        rest = without_leading_space(remaining);
        if rest.is_empty() {
            return chunks;
        }
    }
}

fn push(chunks: &mut Vec<String>, before: &str, text: &str, after: &str) {
    let text = text.trim_end();
    if !text.trim_start().is_empty() {
        chunks.push(format!("{before}{text}{after}"));
    }
}

/// The code blocks of a text, their fences included. One that is never closed is none.
fn fences(text: &str) -> Vec<Range<usize>> {
    let marks: Vec<usize> = text.match_indices(FENCE).map(|(at, _)| at).collect();
    marks
        .chunks_exact(2)
        .filter_map(|pair| Some(*pair.first()?..*pair.last()? + FENCE.len()))
        .collect()
}

/// The code block that a cut at `at` would cut.
fn fence_at(fences: &[Range<usize>], at: usize) -> Option<&Range<usize>> {
    let next = fences.partition_point(|fence| fence.end <= at);
    fences.get(next).filter(|fence| fence.start < at)
}

/// Whether a code block is better moved to the next text than cut.
fn keeps_whole(fence: &Range<usize>, start: usize, room: usize) -> bool {
    fence.start > start + room / 4 && fence.len() <= room
}

/// Without the rest of the line that was cut, but with the next line's indentation.
fn without_leading_space(text: &str) -> &str {
    let shown = text.trim_start();
    let space = text.get(..text.len() - shown.len()).unwrap_or_default();
    let line = space.rfind('\n').map_or(space.len(), |newline| newline + 1);
    text.get(line..).unwrap_or_default()
}

/// Where to cut a text that is longer than `room`: a byte offset above 0.
fn break_at(text: &str, room: usize) -> usize {
    let mut best = [0_usize; 4];
    let [paragraph, line, sentence, word] = &mut best;
    let (mut at, mut left) = (0, room);
    let mut last = "";
    let mut before_space = "";
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let atom = atom(rest);
        if atom.is_empty() {
            break;
        }
        if atom.starts_with(char::is_whitespace) {
            if !last.starts_with(char::is_whitespace) {
                before_space = last;
            }
            *word = at;
            if atom == "\n" && last == "\n" {
                *paragraph = at;
            } else if atom == "\n" {
                *line = at;
            }
            if before_space.starts_with(['.', '!', '?', '…', ':', ';', '。', '।', '！', '？'])
            {
                *sentence = at;
            }
        }
        let Some(remaining) = left.checked_sub(length(atom)) else {
            break;
        };
        left = remaining;
        at += atom.len();
        last = atom;
    }
    // A cut that leaves the text nearly empty is worse than one at a lesser boundary.
    let enough = at / 4;
    let boundary = best.into_iter().take(3).find(|cut| *cut > enough);
    let word = best.into_iter().next_back().filter(|cut| *cut > 0);
    let whole = (at > 0).then_some(at);
    boundary
        .or(word)
        .or(whole)
        .unwrap_or_else(|| characters_within(text, room))
}

/// The bytes of the first characters that fit, at least one.
fn characters_within(text: &str, room: usize) -> usize {
    let mut left = room;
    let fitting =
        text.chars()
            .take_while(|character| match left.checked_sub(character.len_utf16()) {
                Some(rest) => {
                    left = rest;
                    true
                }
                None => false,
            });
    let bytes: usize = fitting.map(char::len_utf8).sum();
    bytes.max(text.chars().next().map_or(0, char::len_utf8))
}

/// What stands at the start of a text and must stay in one piece: a link, an escaped character, a
/// fence, or one visible character with what modifies it.
fn atom(text: &str) -> &str {
    if text.starts_with(FENCE) {
        return text.get(..FENCE.len()).unwrap_or_default();
    }
    if text.starts_with('<') {
        let inside = text
            .bytes()
            .take(LONGEST_LINK)
            .skip(1)
            .position(|byte| b"<>\n".contains(&byte));
        let link = inside
            .and_then(|end| text.get(..end + 2))
            .filter(|link| link.ends_with('>'));
        if let Some(link) = link {
            return link;
        }
    }
    if let Some(entity) = ["&amp;", "&lt;", "&gt;"]
        .iter()
        .find(|entity| text.starts_with(**entity))
    {
        return entity;
    }
    let mut end = 0;
    let mut joined = true;
    for character in text.chars().take(32) {
        if end > 0 && !joined && !modifies(character) {
            break;
        }
        joined = character == '\u{200d}';
        end += character.len_utf8();
        if end == character.len_utf8() && character.is_whitespace() {
            break;
        }
    }
    text.get(..end).unwrap_or_default()
}

/// Whether a character belongs to the one before it: combining marks, vowel signs of Devanagari, the
/// selectors and joiners of emoji.
fn modifies(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}' | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{93c}' | '\u{93e}'..='\u{94f}'
        | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slack::markup::mrkdwn;
    use proptest::prelude::*;

    #[test]
    fn a_short_text_is_left_alone_and_an_empty_one_is_no_text() {
        assert_eq!(split("hello\n\nworld", 100), ["hello\n\nworld"]);
        assert!(split(" \n ", 100).is_empty());
    }

    #[test]
    fn a_text_is_cut_at_a_paragraph_else_a_line_a_sentence_a_word() {
        assert_eq!(
            split("one two.\n\nthree four five", 20),
            ["one two.", "three four five"]
        );
        assert_eq!(
            split("one two three\nfour five six", 20),
            ["one two three", "four five six"]
        );
        assert_eq!(
            split("One two. Three four five", 20),
            ["One two.", "Three four five"]
        );
        assert_eq!(
            split("one two three four five", 20),
            ["one two three four", "five"]
        );
        assert_eq!(
            split(&"x".repeat(45), 20),
            ["x".repeat(20), "x".repeat(20), "x".repeat(5)]
        );
    }

    #[test]
    fn links_escapes_and_emoji_are_not_cut() {
        assert_eq!(
            split("see <https://a.example|a b c> now", 28),
            ["see", "<https://a.example|a b c>", "now"].map(str::to_owned)[..].to_vec()
        );
        assert_eq!(
            split(&"&amp;".repeat(5), 18),
            ["&amp;&amp;&amp;", "&amp;&amp;"]
        );
        let family = "👩\u{200d}👩\u{200d}👧";
        assert_eq!(
            split(&family.repeat(3), 18),
            [family.repeat(2), family.to_owned()]
        );
    }

    #[test]
    fn a_code_block_that_is_cut_is_closed_and_opened_again() {
        let code = format!("```\n{}```", "a line\n".repeat(6));
        let chunks = split(&code, 30);
        assert!(chunks.len() > 1);
        for chunk in &chunks {
            assert!(
                chunk.starts_with("```\n") && chunk.ends_with("```") && length(chunk) <= 30,
                "{chunk}"
            );
        }
        assert_eq!(chunks.join("").matches("a line").count(), 6);
    }

    #[test]
    fn a_code_block_moves_to_the_next_text_where_it_is_whole() {
        assert_eq!(
            split("some text before it\n```\ncode\n```", 30),
            ["some text before it", "```\ncode\n```"]
        );
    }

    #[test]
    fn forty_thousand_characters_arrive_whole_and_in_order() {
        let words: Vec<String> = (0..8_000).map(|number| format!("w{number}")).collect();
        let text = words.join(" ");
        assert!(text.len() > 40_000);
        let chunks = split(&text, 4_000);
        assert!(chunks.len() <= 13 && chunks.iter().all(|chunk| length(chunk) <= 4_000));
        let joined = chunks.join(" ");
        assert_eq!(joined.split(' ').collect::<Vec<_>>(), words);
    }

    proptest! {
        #[test]
        fn any_text_is_whole_in_order_and_within_the_limit(
            text in "(\\PC|\n|  |```|&|<|>|https://a\\.example|[a-z]{1,9}|\\. ){0,120}",
            limit in 16_usize..200,
        ) {
            let chunks = split(&mrkdwn(&text), limit);
            for chunk in &chunks {
                prop_assert!(length(chunk) <= limit, "{chunk:?} is longer than {limit}");
                prop_assert!(!chunk.trim().is_empty());
            }
            // Fences come and go; everything else that can be seen is there.
            let seen = |text: &str| text.replace('`', "").split_whitespace().collect::<String>();
            prop_assert_eq!(seen(&chunks.concat()), seen(&mrkdwn(&text)));
        }
    }
}
