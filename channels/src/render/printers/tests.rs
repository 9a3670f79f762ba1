use super::*;
use crate::render::inline::verbatim;
use crate::render::read;
use proptest::prelude::*;

mod phones;
mod readers;
mod seeds;
mod written;

const TEXT: &str = "*bold* _it_ ~no~ `a<b` <!here> & 1 * 2\n• [our \"site\"](https://a.example/?a=1&b=2)\nhttps://b.example\n```\ncode *c*\n```";

#[test]
fn a_text_has_its_form_in_every_markup() {
    let printed = |markup: Markup| markup.print(&read(TEXT));
    assert_eq!(
        printed(Markup::Mrkdwn),
        "*bold* _it_ ~no~ `a&lt;b` &lt;!here&gt; &amp; 1 * 2\n• <https://a.example/?a=1&amp;b=2|our \"site\">\n<https://b.example>\n```\ncode *c*\n```"
    );
    assert_eq!(
        printed(Markup::Html),
        "<b>bold</b> <i>it</i> <s>no</s> <code>a&lt;b</code> &lt;!here&gt; &amp; 1 * 2\n• <a href=\"https://a.example/?a=1&amp;b=2\">our &quot;site&quot;</a>\n<a href=\"https://b.example\">https://b.example</a>\n<pre>code *c*</pre>"
    );
    assert_eq!(
        printed(Markup::CommonMark),
        "**bold** _it_ ~~no~~ `a<b` \\<\\!here\\> \\& 1 \\* 2\n- [our \"site\"](https://a.example/?a=1&b=2)\n<https://b.example>\n```\ncode *c*\n```"
    );
    assert_eq!(
        printed(Markup::Plain),
        "bold it no a<b <!here> & 1 * 2\n• our \"site\" (https://a.example/?a=1&b=2)\nhttps://b.example\ncode *c*"
    );
}

#[test]
fn a_text_of_a_card_has_no_backslashes_and_no_marks_that_telephones_do_not_read() {
    let printed = |text: &str| Markup::Card.print(&verbatim(text));
    for untouched in [
        "Hello! How can I help? AT&T, 50% | ~5 <3",
        "2 * 3, snake_case, *one star",
        "C:\\dir",
        "(1) [x] #7 -5 1,5",
    ] {
        assert_eq!(printed(untouched), untouched);
    }
    for (text, shown) in [
        ("*no* _no_", "∗no∗ ＿no＿"),
        ("`a` `b`", "‵a‵ ‵b‵"),
        (
            "1. one\n# two\n- three",
            "\u{200b}1. one\n\n\u{200b}# two\n\n\u{200b}- three",
        ),
        ("&amp; &copy; a & b;", "&\u{200b}amp; &\u{200b}copy; a & b;"),
        (
            "[a](https://a.example) ![b](c)",
            "[a]\u{200b}(https://a.example) ![b]\u{200b}(c)",
        ),
        ("~~no~~ <b>no</b>", "∼∼no∼∼ <\u{200b}b>no<\u{200b}/b>"),
        ("\\\\server\\[x]", "\u{200b}\\\u{200b}\\server\\\u{200b}[x]"),
    ] {
        assert_eq!(printed(text), shown);
    }
    let read = |text: &str| Markup::Card.print(&read(text));
    assert_eq!(
        read("**b** ~~s~~ `c` [l](https://example.com)\nnext"),
        "**b** s c [l](https://example.com)\n\nnext"
    );
    assert_eq!(read("a\n\n* b\n* c\n\nd"), "a\n\n- b\n- c\n\nd");
    assert_eq!(read("***both***"), "**both**");
    let picture = [
        Span::Text("Hi!".to_owned()),
        Span::Link {
            url: "https://a.example".to_owned(),
            label: "[x]".to_owned(),
        },
    ];
    assert_eq!(
        Markup::Card.print(&picture),
        "Hi!\u{200b}[\\[x\\]](https://a.example)"
    );
}

#[test]
fn a_number_is_a_link_where_there_are_such_links() {
    let number = [Span::Link {
        url: "tel:+911234".to_owned(),
        label: "+91 (12) 34".to_owned(),
    }];
    assert_eq!(Markup::Mrkdwn.print(&number), "<tel:+911234|+91 (12) 34>");
    assert_eq!(Markup::Html.print(&number), "+91 (12) 34");
    assert_eq!(Markup::Plain.print(&number), "+91 (12) 34");
    let code = [Span::Link {
        url: "tel:*123%23".to_owned(),
        label: "*123#".to_owned(),
    }];
    assert_eq!(Markup::Plain.print(&code), "*123#");
}

#[test]
fn an_address_that_its_label_says_stands_there_once() {
    let printed = |text: &str| Markup::Plain.print(&read(text));
    for said in [
        "https://example.com/über?q=日本 ok",
        "www.example.com, ok",
        "https://bücher.example/ü",
        "ดูที่https://example.com/aครับ",
    ] {
        assert_eq!(printed(said), said);
    }
    let other = "[www.example.com](https://example.org)";
    assert_eq!(printed(other), "www.example.com (https://example.org)");
}

#[test]
fn an_item_of_a_list_within_a_list_is_one_by_itself_too() {
    let nested = read("* a\n  * b\n    * c");
    assert_eq!(Markup::Mrkdwn.print(&nested), "• a\n  • b\n    • c");
    let in_another = read("1. a\n   * b");
    assert_eq!(Markup::Plain.print(&in_another), "1. a\n   • b");
    for alone in ["* a", "* a\nb * c"] {
        assert_eq!(Markup::Plain.print(&read(alone)), alone);
    }
}

#[test]
fn code_in_a_quotation_has_none_of_its_signs() {
    let quoted = read("> see\n> ```py\n> x > 1\n> y\n> ```\n> ok");
    let code: Vec<_> = quoted
        .iter()
        .filter(|span| matches!(span, Span::CodeBlock(_)))
        .collect();
    assert_eq!(code, [&Span::CodeBlock("\nx > 1\ny\n".to_owned())]);
    assert!(Markup::Plain.print(&quoted).ends_with("> ok"));
}

#[test]
fn what_would_be_a_list_or_a_heading_is_text_in_commonmark() {
    let printed = |text: &str| Markup::CommonMark.print(&verbatim(text));
    assert_eq!(
        printed("1. one\n12) two\n1.5"),
        "1\\. one\n12\\) two\n1\\.5"
    );
    assert_eq!(printed("# no\n- no\n+ no"), "\\# no\n\\- no\n\\+ no");
}

proptest! {
    #[test]
    fn html_has_no_tags_but_ours_and_all_are_closed(text in "(\\PC|\n|<b>|</b>|<|>|&|\"|\\*|_|~|`|```|https://a\\.example|[a-z ]){0,60}") {
        let html = Markup::Html.print(&read(&text));
        let mut open = Vec::new();
        let mut rest = html.as_str();
        while let Some(at) = rest.find('<') {
            let end = rest[at..].find('>').expect("a tag ends") + at;
            let tag = &rest[at + 1..end];
            rest = &rest[end + 1..];
            if let Some(closed) = tag.strip_prefix('/') {
                prop_assert_eq!(open.pop(), Some(closed.to_owned()), "{}", html);
            } else {
                let name = tag.split(' ').next().unwrap_or_default();
                prop_assert!(["b", "i", "s", "a", "code", "pre"].contains(&name), "{html}");
                open.push(name.to_owned());
            }
        }
        prop_assert!(open.is_empty() && !rest.contains('<'), "{html}");
    }
}
