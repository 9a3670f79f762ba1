//! Machine parts: what bots write in braces for other programs, such as `Show another quote{task}`. Haptik
//! gets them, people do not see them.
//!
//! A machine part is a balanced pair of braces with something in it, outside of code. An empty pair, and a
//! brace that has no other, are text.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::IgnoredAny;

/// `text` as people see it, without its machine parts: of two spaces that stood around one, one stays, and
/// a line that was nothing else goes.
#[must_use]
pub fn without_machine_parts(text: &str) -> Cow<'_, str> {
    let parts = machine_parts(text);
    if parts.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut seen = String::with_capacity(text.len());
    let mut from = 0;
    for part in parts {
        seen.push_str(text.get(from..part.start).unwrap_or_default());
        let after = text.get(part.end..).unwrap_or_default();
        let starts_line = seen.is_empty() || seen.ends_with('\n');
        let space = after.chars().next().filter(|next| next.is_whitespace());
        from = part.end;
        match space {
            Some('\n') if starts_line => from += 1,
            Some('\n') => seen.truncate(seen.trim_end_matches([' ', '\t']).len()),
            Some(space) if starts_line || seen.ends_with(char::is_whitespace) => {
                from += space.len_utf8();
            }
            None if after.is_empty() => seen.truncate(seen.trim_end().len()),
            Some(_) | None => {}
        }
    }
    seen.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(seen)
}

/// Whether a text says nothing to people: it is blank, or nothing but pairs of braces, whatever HTML is around
/// them.
#[must_use]
pub fn says_nothing(text: &str) -> bool {
    let text = bare(text);
    let seen = without_machine_parts(&text);
    let mut pairs = seen.split('{');
    let before = pairs.next().unwrap_or_default();
    let is_empty_pair = |pair: &str| {
        let inside_and_behind = pair.trim_start().strip_prefix('}');
        inside_and_behind.is_some_and(|behind| behind.trim().is_empty())
    };
    before.trim().is_empty() && pairs.all(is_empty_pair)
}

/// A text without HTML that nobody sees by itself: the tags of texts, where as many end as begin, and spaces.
/// The white space around it is gone.
#[must_use]
pub fn bare(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '&', '\u{200b}', '\u{feff}']) {
        return Cow::Borrowed(text.trim());
    }
    let spaces = ["&nbsp;", "&#160;", "&#xa0;", "\u{200b}", "\u{feff}"];
    let text = spaces
        .iter()
        .fold(text.to_owned(), |text, space| text.replace(space, " "));
    let (mut seen, mut rest, mut open) = (String::new(), text.as_str(), 0_i32);
    while let Some((before, after)) = rest.split_once('<') {
        seen.push_str(before);
        let tag = after.split_once('>').and_then(|(tag, behind)| {
            let (name, step) = match tag.strip_prefix('/') {
                Some(name) => (name, -1),
                None if tag.ends_with('/') => (tag.trim_end_matches('/'), 0),
                None => (tag, 1),
            };
            let name = name.split_whitespace().next()?.to_lowercase();
            let step = if name == "br" { 0 } else { step };
            TAGS.contains(&name.as_str()).then_some((step, behind))
        });
        if let Some((step, behind)) = tag {
            open += step;
            rest = behind;
        } else {
            seen.push('<');
            rest = after;
        }
    }
    seen.push_str(rest);
    let seen = if open == 0 { seen } else { text };
    Cow::Owned(seen.trim().to_owned())
}

/// The tags around texts.
const TAGS: [&str; 14] = [
    "p", "br", "div", "span", "b", "strong", "i", "em", "u", "s", "ul", "ol", "li", "a",
];

/// Where the machine parts of a text are, in order; none is inside another.
fn machine_parts(text: &str) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut opened: Vec<usize> = Vec::new();
    let mut tries = MOST_TRIES;
    let mut at = 0;
    while let Some(found) = find(text, at, ['{', '}', '`', '~']) {
        let rest = text.get(found..).unwrap_or_default();
        at = found + 1;
        match rest.as_bytes().first() {
            Some(b'{') => match object(rest, &mut tries) {
                Some(length) => {
                    at = found + length;
                    parts.push(found..at);
                }
                None => opened.push(found),
            },
            Some(b'}') => {
                let Some(start) = opened.pop() else { continue };
                let inside = text.get(start + 1..found).unwrap_or_default();
                if !inside.trim().is_empty() {
                    while parts.last().is_some_and(|inner| inner.start > start) {
                        parts.pop();
                    }
                    parts.push(start..at);
                }
            }
            _ => at = found + code(text, found),
        }
    }
    parts
}

fn find(text: &str, from: usize, any: [char; 4]) -> Option<usize> {
    text.get(from..)?.find(any).map(|at| from + at)
}

/// How often what looks like a JSON object may be none in one text.
const MOST_TRIES: usize = 50;

/// The length of the JSON object with something in it that a text starts with: braces in its texts are none.
/// `tries` is how often what looks like one may still be none.
fn object(text: &str, tries: &mut usize) -> Option<usize> {
    let is_named = *tries > 0 && text.get(1..)?.trim_start().starts_with('"');
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let read = is_named && matches!(values.next(), Some(Ok(_)));
    if is_named && !read {
        *tries -= 1;
    }
    read.then(|| values.byte_offset())
}

/// The length of the code that starts here, with its marks; of the marks alone where it is no code.
fn code(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let mark = rest.chars().next().unwrap_or('`');
    let run = |text: &str| text.len() - text.trim_start_matches(mark).len();
    let marks = run(rest);
    let starts_line = || {
        let before = text
            .get(..start)
            .unwrap_or_default()
            .trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with('\n')
    };
    let is_fence = marks >= 3 && starts_line();
    if mark == '~' && !is_fence {
        return marks;
    }
    let inside = rest.get(marks..).unwrap_or_default();
    // Within a line of text, code ends with the paragraph.
    let paragraph = Some(inside).filter(|_| marks < 3);
    let end = paragraph.and_then(|inside| inside.find("\n\n"));
    let inside = end.and_then(|end| inside.get(..end)).unwrap_or(inside);
    let mut at = 0;
    while let Some(next) = inside.get(at..).and_then(|inside| inside.find(mark)) {
        let closing = run(inside.get(at + next..).unwrap_or_default());
        at += next + closing;
        if closing == marks || (is_fence && closing > marks) {
            return marks + at;
        }
    }
    // A fence that nothing closes is code to the end.
    if is_fence { rest.len() } else { marks }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_balanced_pair_with_something_in_it_is_not_seen() {
        for (written, seen) in [
            ("Show another quote{task}", "Show another quote"),
            ("Stop{a: {b: 1}, c}{task} now", "Stop now"),
            ("Hello {name} there", "Hello there"),
            ("one\n{task}\ntwo", "one\ntwo"),
            ("one {task}\ntwo", "one\ntwo"),
            ("{task} one", "one"),
            ("(so{x})", "(so)"),
            ("{only}", ""),
            ("{{a}}", ""),
            ("{{}}", ""),
            (r#"Go{"to": "}", "n": 1} on"#, "Go on"),
            ("open { and {closed} here", "open { and here"),
            ("a } b {c} d {", "a } b d {"),
        ] {
            assert_eq!(without_machine_parts(written), seen, "{written}");
        }
    }

    #[test]
    fn an_empty_pair_a_single_brace_and_code_stay() {
        for written in [
            "an open { brace",
            "a closed } brace",
            "fn main() {} is empty",
            "{ }",
            "`{a}` and ``{b} ` {c}``",
            "```\n{\"a\": 1}\n```",
            "see\n```json\n{a\n}",
            "~~~\n{a}\n~~~",
            " spaces stay  ",
        ] {
            assert_eq!(without_machine_parts(written), written);
        }
        assert_eq!(without_machine_parts("a ` b {c}"), "a ` b");
        assert_eq!(without_machine_parts("a ` b\n\n{c} `d"), "a ` b\n\n`d");
        assert_eq!(without_machine_parts("~{c}~ ~~~{d}"), "~~ ~~~");
    }

    #[test]
    fn a_text_of_braces_alone_says_nothing() {
        for written in [
            "",
            " \n",
            "{}",
            "{ }",
            "{feedback}",
            "{a}{}",
            "{} {b} {}",
            "<p>{}</p>",
            "<P class='x'><b>{taskbox}</b></P>",
            "<br>",
            "&nbsp;{}<br />",
            "\u{feff}{}\u{200b}",
            "<p></p>",
        ] {
            assert!(says_nothing(written), "{written}");
        }
        for written in [
            "{",
            "}",
            "{} a",
            "a{}",
            "{a}b",
            "`{a}`",
            "} {",
            "<p>a</p>",
            "<p>",
            "</b>",
            "<3",
            "<img src=x>",
            "<x>{}</x>",
            "&nbsp",
        ] {
            assert!(!says_nothing(written), "{written}");
        }
    }

    #[test]
    fn a_text_made_to_be_slow_to_read_is_not() {
        let started = std::time::Instant::now();
        for piece in [
            "{",
            "{\"a\":[",
            "`",
            "` ``",
            "~~~\n",
            "{}",
            "{`",
            "{\"a\":{}",
        ] {
            let _ = says_nothing(&piece.repeat(30_000 / piece.len()));
        }
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn what_is_seen_has_no_machine_part_and_all_else(text in "(\\{|\\}|`|``|```|\"|:|[a-c]|é|😀| |\n){0,40}") {
            let seen = without_machine_parts(&text);
            // Code that loses its marks to a part may be none afterwards.
            if !text.contains('`') {
                let again = without_machine_parts(&seen);
                prop_assert_eq!(&again, &seen);
                let mut rest = text.chars();
                prop_assert!(seen.chars().all(|one| rest.any(|other| other == one)), "{}", seen);
            }
            let parts = machine_parts(&text);
            prop_assert!(parts.windows(2).all(|two| two[0].end <= two[1].start));
            let outside: usize = text.len() - parts.iter().map(ExactSizeIterator::len).sum::<usize>();
            prop_assert!(seen.len() <= outside);
        }
    }
}
