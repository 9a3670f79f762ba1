use super::*;
use proptest::prelude::*;

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
        "*one\ntwo*",
        "__init__",
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
    assert_eq!(label(" a\n*b*\u{7} ", size).as_deref(), Some("a *b*"));
    assert_eq!(label("a very long one", size).as_deref(), Some("a very l…"));
    assert_eq!(label(" \n", size), None);
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
