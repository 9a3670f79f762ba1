use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::limits::Unit;
use crate::render::read;

/// Splits a text as Slack sends it.
fn split(text: &str, max: usize) -> Vec<String> {
    parts(&read(text), Size::utf16(max), Markup::Mrkdwn)
}

fn parts(text: &[Span], size: Size, markup: Markup) -> Vec<String> {
    let parts = super::split(text, size, markup, Counted::AsSent);
    parts.iter().map(|part| markup.print(part)).collect()
}

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
        split("see [a b c](https://a.example) now", 28),
        ["see", "<https://a.example|a b c>", "now"]
    );
    assert_eq!(split("&&&&&", 18), ["&amp;&amp;&amp;", "&amp;&amp;"]);
    let family = "👩\u{200d}👩\u{200d}👧";
    assert_eq!(
        split(&family.repeat(3), 18),
        [family.repeat(2), family.to_owned()]
    );
    assert_eq!(
        split("one two `a b c` three", 14),
        ["one two", "`a b c` three"]
    );
}

#[test]
fn a_mark_on_a_space_at_a_cut_is_kept() {
    let texts = split("one two three four \u{301}five six", 20);
    assert_eq!(texts.concat().matches('\u{301}').count(), 1);
}

#[test]
fn a_link_that_no_text_has_room_for_is_text() {
    let link = format!("[here](https://a.example/{})", "x".repeat(40));
    let texts = split(&link, 30);
    assert_eq!(
        texts.concat(),
        format!("here(https://a.example/{})", "x".repeat(40))
    );
}

#[test]
fn emphasis_goes_whole_into_the_next_text_or_is_opened_again() {
    assert_eq!(
        split("one two three *four five*", 20),
        ["one two three", "*four five*"]
    );
    let bold = format!("*{}*", ["word"; 9].join(" "));
    let html = parts(&read(&bold), Size::chars(30), Markup::Html);
    assert_eq!(
        html,
        [
            "<b>word word word word</b>",
            "<b>word word word word</b>",
            "<b>word</b>"
        ]
    );
}

#[test]
fn what_is_not_seen_may_not_count() {
    let text = read("*one* [two](https://a.example/a/long/address) three");
    let shown = super::split(&text, Size::utf16(16), Markup::Html, Counted::AsShown);
    assert_eq!(shown.len(), 1);
    assert!(parts(&text, Size::utf16(60), Markup::Html).len() > 1);
}

#[test]
fn septets_count_for_texts_of_gsm_7_only() {
    let plain = "word ".repeat(40);
    let size = Size::septets(160);
    assert_eq!(parts(&read(&plain), size, Markup::Plain).len(), 2);
    let texts = parts(&read(&format!("{plain}ह")), size, Markup::Plain);
    assert_eq!(texts.len(), 3);
    assert!(texts.iter().all(|text| text.encode_utf16().count() <= 70));
}

#[test]
fn a_code_block_that_is_cut_is_closed_and_opened_again() {
    let code = format!("```\n{}```", "a line\n".repeat(6));
    let chunks = split(&code, 30);
    assert!(chunks.len() > 1);
    for chunk in &chunks {
        assert!(
            chunk.starts_with("```\n") && chunk.ends_with("```") && chunk.len() <= 30,
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

/// It is printed as text, and a mark beside it adds to that.
#[test]
fn code_with_a_backtick_in_it_is_cut_as_text() {
    let code = "~`~a".repeat(12);
    let text = [Span::Strike(vec![Span::Code(code.clone())])];
    let alone = Markup::Mrkdwn.print(&[Span::Code(code)]).chars().count();
    let size = Size {
        max: alone,
        unit: Unit::Chars,
    };
    let chunks = parts(&text, size, Markup::Mrkdwn);
    assert!(chunks.len() > 1);
    for chunk in &chunks {
        assert!(chunk.chars().count() <= alone, "{chunk}");
    }
}

#[test]
fn forty_thousand_characters_arrive_whole_and_in_order() {
    let words: Vec<String> = (0..8_000).map(|number| format!("w{number}")).collect();
    let text = words.join(" ");
    assert!(text.len() > 40_000);
    let chunks = split(&text, 4_000);
    assert!(chunks.len() <= 13 && chunks.iter().all(|chunk| chunk.len() <= 4_000));
    let joined = chunks.join(" ");
    assert_eq!(joined.split(' ').collect::<Vec<_>>(), words);
}

/// Letters and digits: what no markup has of its own.
fn seen(text: &str) -> String {
    text.chars()
        .filter(|character| character.is_alphanumeric())
        .collect()
}

fn any_text() -> impl Strategy<Value = String> {
    "(\\PC|\n|  |```|`|\\*|_|~|&|<|>|•|https://a\\.example|\\[[a-z ]{1,4}\\]\\(https://b\\.example\\)|[a-z]{1,9}|\\. ){0,120}"
}

proptest! {
    #[test]
    fn any_text_is_whole_in_order_and_within_the_limit(text in any_text(), limit in 16_usize..200) {
        let chunks = split(&text, limit);
        for chunk in &chunks {
            let length = chunk.encode_utf16().count();
            prop_assert!(length <= limit, "{chunk:?} is longer than {limit}");
            prop_assert!(!chunk.trim().is_empty());
        }
        // A link that is longer than a text is text: its label and its address, or the address alone where the
        // label is another way to write it.
        let count = |text: &str| {
            let mut count = BTreeMap::new();
            for character in seen(text).chars() {
                *count.entry(character).or_insert(0) += 1;
            }
            count
        };
        let read = read(&text);
        let (chunks, whole) = (count(&chunks.concat()), count(&Markup::Mrkdwn.print(&read)));
        let has_all = |all: &BTreeMap<char, usize>, of: &BTreeMap<char, usize>| {
            of.iter().all(|(character, times)| all.get(character) >= Some(times))
        };
        prop_assert!(has_all(&chunks, &count(&Markup::Plain.print(&read))));
        prop_assert!(has_all(&whole, &chunks));
    }

    #[test]
    fn every_unit_and_markup_is_kept_to(text in any_text(), limit in 40_usize..200) {
        let read = read(&text);
        for unit in [Unit::Chars, Unit::Utf16, Unit::Bytes, Unit::Graphemes, Unit::Septets] {
            for markup in [Markup::Mrkdwn, Markup::Html, Markup::CommonMark, Markup::Plain] {
                let size = Size { max: limit, unit };
                let whole = markup.print(&read);
                let room = size.of(&whole);
                let chunks = parts(&read, size, markup);
                for chunk in &chunks {
                    prop_assert!(room.fits(chunk), "{chunk:?} is longer than {room:?}");
                }
                prop_assert_eq!(seen(&parts(&read, size, Markup::Plain).concat()), seen(&Markup::Plain.print(&read)));
            }
        }
    }
}
