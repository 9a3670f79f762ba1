use super::*;
use crate::limits::Counted;
use crate::render::Markup;
use crate::render::split::split;
use proptest::prelude::*;

mod commonmark;

fn text(text: &str) -> Span {
    Span::Text(text.to_owned())
}

fn link(url: &str, label: &str) -> Span {
    Span::Link {
        url: url.to_owned(),
        label: label.to_owned(),
    }
}

#[test]
fn emphasis_is_read() {
    for (written, style) in [
        ("*big*", Style::Bold),
        ("**big**", Style::Bold),
        ("_big_", Style::Italic),
        ("~big~", Style::Strike),
    ] {
        let read = read(&format!("so {written}, yes"));
        let emphasised = Span::emphasised(style, vec![text("big")]);
        assert_eq!(read, [text("so "), emphasised, text(", yes")], "{written}");
    }
    let nested = vec![text("a "), Span::Italic(vec![text("b")])];
    assert_eq!(read("*a _b_*"), [Span::Bold(nested)]);
}

#[test]
fn marks_that_emphasise_nothing_are_text() {
    for written in [
        "2 * 3 * 4",
        "a*b*c",
        "snake_case_name",
        "* item",
        "*open",
        "** no **",
        "5*6*78",
        "# 5",
        "1) foo\n2) bar",
        "  a\n    b\n\n\n        c\n\td",
        "- 5 degrees\n+ 3",
        "Total\n---\nThanks",
        "***",
        "a < b > c & d",
        "<b>open, </i> and <task>no</task>",
        "C:\\Users\\me",
        "AT&T; &c",
        "* a footnote",
        "~",
    ] {
        let plain: String = read(written)
            .iter()
            .map(|span| match span {
                Span::Text(text) => text.as_str(),
                Span::LineBreak => "\n",
                other => panic!("{other:?} in {written}"),
            })
            .collect();
        assert_eq!(plain, written);
    }
}

#[test]
fn code_and_links_go_before_emphasis() {
    assert_eq!(
        read("*a `b* c`"),
        [text("*a "), Span::Code("b* c".to_owned())]
    );
    assert_eq!(
        read("*[a* b](https://a.example)"),
        [text("*"), link("https://a.example", "a* b")]
    );
    let inside = vec![text("see "), link("https://a.example", "")];
    assert_eq!(read("*see https://a.example*"), [Span::Bold(inside)]);
}

#[test]
fn code_is_kept_as_it_is() {
    assert_eq!(read("`*a*`"), [Span::Code("*a*".to_owned())]);
    assert_eq!(
        read("```\n*a*\n```"),
        [Span::CodeBlock("\n*a*\n".to_owned())]
    );
    assert_eq!(read("``\n`"), [text("``"), Span::LineBreak, text("`")]);
}

#[test]
fn lines_and_items_are_told_apart() {
    let read = read("List:\r\n• one\n• two • three");
    let expected = [
        text("List:"),
        Span::LineBreak,
        Span::Bullet,
        text("one"),
        Span::LineBreak,
        Span::Bullet,
        text("two • three"),
    ];
    assert_eq!(read, expected);
}

#[test]
fn a_label_is_one_line_within_its_size() {
    let size = Size::chars(9);
    assert_eq!(label(" a\n*b*\u{7} ", size).as_deref(), Some("a b"));
    assert_eq!(label("a very long one", size).as_deref(), Some("a very l…"));
    for unseen in [" \n", "\u{200b}", "\u{3164}\u{a0}", "**\u{2800}**"] {
        assert_eq!(label(unseen, size), None, "{unseen:?}");
        assert!(is_blank(&read(unseen)), "{unseen:?}");
    }
}

#[test]
fn a_text_made_to_be_slow_to_read_is_not() {
    let started = std::time::Instant::now();
    for piece in [
        "[",
        "[a](",
        "[a](http://a",
        "**",
        "**a",
        "`",
        "```",
        "http://",
        "http://a.example/))",
        "<",
        "&",
    ] {
        let _ = read(&piece.repeat(30_000 / piece.len()));
    }
    for piece in [" *a", " _a", "*a *", "~a~", "• "] {
        let _ = read(&piece.repeat(6_000 / piece.len()));
    }
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

proptest! {
    #[test]
    fn anything_can_be_read_and_links_are_of_the_web(written in "(\\PC|\n|\\*|_|~|`|```|\\[|\\]|\\(|\\)|https?:|//|a\\.example|• |[a-z ]){0,60}") {
        fn check(text: &[Span]) {
            for span in text {
                match span {
                    Span::Link { url, label } => {
                        assert!(url.starts_with("http://") || url.starts_with("https://"), "{url}");
                        assert!(!label.contains('\n'));
                    }
                    Span::Text(text) => assert!(!text.is_empty() && !text.contains('\n')),
                    other => if let Some((_, inside)) = other.emphasis() {
                        assert!(!inside.is_empty());
                        check(inside);
                    }
                }
            }
        }
        check(&read(&written));
    }
}

/// Words that are seen, in order, whatever stands around them: letters of many scripts, and digits.
fn any_words() -> impl Strategy<Value = String> {
    let mark = prop::sample::select(vec![
        "*",
        "**",
        "***",
        "_",
        "__",
        "~",
        "~~",
        "`",
        "```",
        "\n",
        "\n\n",
        " ",
        "  ",
        "    ",
        "[",
        "](",
        ")",
        "![",
        "<b>",
        "</b>",
        "<i>",
        "</i>",
        "<br>",
        "<p>",
        "</p>",
        "<ul>",
        "<li>",
        "</li>",
        "</ul>",
        "<",
        ">",
        "&amp;",
        "# ",
        "- ",
        "* ",
        "1. ",
        "> ",
        "|",
        "---",
        "\\",
        "{",
        "}",
        "https://a.example/x_",
        "www.a.example",
        "。",
        "（",
        "）",
        "“",
        "”",
        "!",
        ".",
        "⁘",
        "•",
    ]);
    let word = prop::sample::select(vec![
        "word",
        "重要",
        "мир",
        "سلام",
        "नमस्ते",
        "สวัสดี",
        "한국어",
        "שלום",
        "ひらがな",
        "7",
        "😀",
        "🇮🇳",
        "e\u{301}",
    ]);
    let part = prop_oneof![mark.prop_map(str::to_owned), word.prop_map(str::to_owned)];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn no_word_is_lost_and_no_mark_is_left_open(text in any_words()) {
        let words = |text: &str| {
            let mut found = Vec::new();
            for word in ["word", "重要", "мир", "سلام", "नमस्ते", "สวัสดี", "한국어", "שלום", "ひらがな", "😀", "🇮🇳"] {
                found.push((word, text.matches(word).count()));
            }
            found
        };
        let read = read(&text);
        let plain = Markup::Plain.print(&read);
        // An address may be seen twice, and the language of a fence and the title of a link are not seen.
        if !text.contains("](") && !text.contains("```") && !text.contains("~~~") {
            for ((word, count), (_, seen)) in words(&text).into_iter().zip(words(&plain)) {
                prop_assert!(seen >= count, "{word} is lost in {plain:?}");
            }
        }
        for markup in [Markup::Mrkdwn, Markup::Html, Markup::CommonMark] {
            let printed = markup.print(&read);
            for (word, count) in words(&plain) {
                prop_assert!(printed.matches(word).count() >= count, "{printed:?}");
            }
            let size = Size::utf16(60);
            for part in split(&read, size, markup, Counted::AsSent) {
                let part = markup.print(&part);
                prop_assert!(size.fits(&part));
                // A cut falls between characters as people see them.
                prop_assert_eq!(part.matches('🇮').count(), part.matches("🇮🇳").count());
            }
        }
    }

    #[test]
    fn what_has_no_markup_is_as_it_was_written(text in "([\\p{L}\\p{N} .,:;!?()'\"%+=/@\n-]|2 \\* 3|snake_case_name){0,30}") {
        // Lines that begin as Markdown's blocks do are none of these.
        let is_block = text.lines().any(|line| line.trim_start().starts_with(['=', '+', '-']));
        prop_assume!(!is_block && !text.contains("://") && !text.to_lowercase().contains("www."));
        // A space at the end of a line is not seen.
        let seen = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        prop_assert_eq!(seen(&Markup::Plain.print(&read(&text))), seen(&text));
    }
}

#[test]
fn what_stands_behind_a_fence_that_has_no_code_is_shown() {
    for (text, shown) in [
        ("~~~word", "word"),
        ("```word", "word"),
        ("see\n~~~ word \n\n", "see\nword"),
        ("~~~word\ncode", "code"),
        ("~~~word\n~~~", ""),
    ] {
        assert_eq!(Markup::Plain.print(&read(text)).trim(), shown, "{text:?}");
    }
}
