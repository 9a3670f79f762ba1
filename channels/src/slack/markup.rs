//! Texts in Slack's mrkdwn (<https://docs.slack.dev/messaging/formatting-message-text>) and as plain text.
//!
//! Nothing in a bot's text can become a control sequence: `&`, `<` and `>` are escaped, so that
//! `<!channel>` or `<@U123>` show as written and notify nobody.

use crate::limits::Size;
use crate::render::{Markup, Span, inline, read, title};

/// A text as mrkdwn.
pub(super) fn mrkdwn(text: &str) -> String {
    Markup::Mrkdwn.print(&read(text))
}

/// A text in bold, on one line. One that has markup of its own is left as it is.
pub(super) fn bold(text: &str) -> String {
    Markup::Mrkdwn.print(&title(text))
}

/// A text with Slack's three control characters escaped.
pub(super) fn escaped(text: &str) -> String {
    Markup::Mrkdwn.print(&[Span::Text(text.to_owned())])
}

/// A link with a label; an empty label shows the address.
pub(super) fn link(address: &str, label: &str) -> String {
    Markup::Mrkdwn.print(&[Span::Link {
        url: address.to_owned(),
        label: inline::one_line(label),
    }])
}

/// A text for a `plain_text` object or an alternative text, within a size; `None` when nothing can be seen
/// of it. Slack does not look for control sequences there; they are broken up all the same.
pub(super) fn plain(text: &str, size: Size) -> Option<String> {
    let line = inline::one_line(text);
    let mut safe = String::with_capacity(line.len());
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        safe.push(character);
        if character == '<' && characters.peek().is_some_and(|next| "!@#".contains(*next)) {
            safe.push('\u{2060}');
        }
    }
    Some(size.clip(&safe).into_owned()).filter(|text| !text.is_empty())
}

/// What is seen of a text with markup, for such an object; `None` when nothing can be seen.
pub(super) fn label(text: &str, size: Size) -> Option<String> {
    plain(&inline::label(text, Size::UNLIMITED)?, size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_in_a_text_can_notify_anybody() {
        assert_eq!(
            mrkdwn("<!channel> <@U123> <#C1> a & b"),
            "&lt;!channel&gt; &lt;@U123&gt; &lt;#C1&gt; a &amp; b"
        );
        assert_eq!(
            plain("<!here> go", Size::utf16(75)).expect("it shows"),
            "<\u{2060}!here> go"
        );
        assert_eq!(
            mrkdwn("[x](http://a.example/|<!channel>)"),
            mrkdwn("[x](http://a.example/%7C%3C!channel%3E)")
        );
        assert_eq!(
            mrkdwn("[<!here>](https://a.example)"),
            "<https://a.example|&lt;!here&gt;>"
        );
    }

    #[test]
    fn bold_and_links_take_slacks_form() {
        assert_eq!(mrkdwn("**Big** and *bold*"), "*Big* and *bold*");
        assert_eq!(
            mrkdwn("see [our site](https://a.example/x?a=1&b=2)."),
            "see <https://a.example/x?a=1&amp;b=2|our site>."
        );
        assert_eq!(
            mrkdwn("see https://a.example/x_(y), ok"),
            "see <https://a.example/x_(y)>, ok"
        );
        assert_eq!(mrkdwn("(http://a.example/)"), "(<http://a.example/>)");
        assert_eq!(
            mrkdwn("[run](javascript:alert(1)) xhttp://no"),
            "run (javascript:alert(1)) xhttp://no"
        );
        assert_eq!(
            mrkdwn("** not bold ** and [] ()"),
            "*\u{200b}* not bold *\u{200b}* and [] ()"
        );
    }

    /// The marks of a style are seen by nobody, and what they mark is seen as such.
    #[test]
    fn emphasis_is_seen_whatever_stands_beside_it() {
        for (written, shown) in [
            ("这是**重要**通知", "这是\u{200b}*重要*\u{200b}通知"),
            ("这是**“重要”**通知", "这是\u{200b}*“重要”*\u{200b}通知"),
            ("**重要。**通知", "*重要。*\u{200b}通知"),
            ("un**believ**able", "un\u{200b}*believ*\u{200b}able"),
            ("это *важно*но", "это *важно*\u{200b}но"),
            ("**중요**는", "*중요*\u{200b}는"),
            ("**ด่วน**มาก", "*ด่วน*\u{200b}มาก"),
            ("a`b`c", "a\u{200b}`b`\u{200b}c"),
            ("***Important***", "*_Important_*"),
            ("**bold _both_**", "*bold _both_*"),
            ("**bold *both***", "*bold _both_*"),
            ("*bold **both***", "*bold _both_*"),
            ("_it **both** it_", "_it *both* it_"),
            ("**one\ntwo**", "*one*\n*two*"),
            ("~~gone~~ ~gone~", "~gone~ ~gone~"),
            ("<b>a <i>b</b> c</i>", "*a _b_* _c_"),
            ("<strong> a </strong>b", " *a* b"),
            ("**a** b__c__", "*a* b__c__"),
        ] {
            assert_eq!(mrkdwn(written), shown, "{written}");
        }
    }

    #[test]
    fn every_form_of_a_link_can_be_clicked() {
        for (written, shown) in [
            (
                "[[Doc] Title](https://e.com/x)",
                "<https://e.com/x|[Doc] Title>",
            ),
            ("[label](https://e.com \"Title\")", "<https://e.com|label>"),
            (
                "[label](<https://e.com/a b> 'T')",
                "<https://e.com/a%20b|label>",
            ),
            (
                "[Mail us](mailto:help@example.com)",
                "<mailto:help@example.com|Mail us>",
            ),
            ("[Call](tel:+911234)", "<tel:+911234|Call>"),
            ("![logo](https://e.com/a.png)", "<https://e.com/a.png|logo>"),
            (
                "[![logo](https://e.com/a.png)](https://e.com)",
                "<https://e.com|logo>",
            ),
            ("[**bold**](https://e.com)", "*<https://e.com|bold>*"),
            ("**[bold](https://e.com)**", "*<https://e.com|bold>*"),
            ("[a **b** c](https://e.com)", "<https://e.com|a b c>"),
            (
                "[a][1] b\n\n[1]: https://e.com \"T\"",
                "<https://e.com|a> b\n\n",
            ),
            ("<https://e.com>", "<https://e.com>"),
            ("<help@e.com>", "<mailto:help@e.com>"),
            (
                "<a href=\"https://e.com/?a=1&amp;b=2\">x</a>",
                "<https://e.com/?a=1&amp;b=2|x>",
            ),
            ("[x](www.e.com)", "<https://www.e.com|x>"),
            ("see www.e.com/a.", "see <https://www.e.com/a|www.e.com/a>."),
            ("[x](javascript:alert(1))", "x (javascript:alert(1))"),
            ("【[x](https://e.com)】", "【<https://e.com|x>】"),
            ("见 https://e.com/a。谢谢", "见 <https://e.com/a>。谢谢"),
            ("网址https://e.com/a", "网址<https://e.com/a>"),
            (
                "**见https://e.com/a_**。",
                "*见<https://e.com/a_>*\u{200b}。",
            ),
            ("https://e.com/?a=1&amp;b=2", "<https://e.com/?a=1&amp;b=2>"),
        ] {
            assert_eq!(mrkdwn(written), shown, "{written}");
        }
    }

    #[test]
    fn html_means_what_it_means() {
        for (written, shown) in [
            ("a<br>b<br/>\nc", "a\nb\nc"),
            ("<p>a</p><p>b</p>c", "a\n\nb\n\nc"),
            (
                "x<ul><li>a</li>\n<li>b <b>c</b></li></ul>y",
                "x\n• a\n• b *c*\ny",
            ),
            ("<ol>\n  <li>a</li>\n  <li>b</li>\n</ol>", "1. a\n2. b"),
            ("<ul><li>a<ul><li>b</li></ul></li></ul>", "• a\n  • b"),
            ("&lt;b&gt; &amp; &nbsp;&eacute;", "&lt;b&gt; &amp; \u{a0}é"),
            ("<u>a</u> <s>b</s> <em>c</em>", "a ~b~ _c_"),
            ("`<b>a</b>` <b>c</b>", "`&lt;b&gt;a&lt;/b&gt;` *c*"),
            ("if a < b > c", "if a &lt; b &gt; c"),
            ("<b>open", "&lt;b&gt;open"),
            ("<h2>Title</h2>text", "*Title*\ntext"),
            ("<div>a</div><div>b</div>c", "a\nb\nc"),
            (
                "<span style=\"color:red\">a</span> <del>b</del> <ins>c</ins>",
                "a ~b~ c",
            ),
            (
                "<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>",
                "A | B\n1 | 2",
            ),
            (
                "run <code>a &lt; b &amp;&amp; *c*</code>",
                "run `a &lt; b &amp;&amp; *c*`",
            ),
            (
                "<pre><code class=\"json\">{\n  1\n}</code></pre>so",
                "```\n{\n  1\n}\n```\nso",
            ),
            (
                "<img src=\"https://e.com/a.png\" alt=\"logo\">",
                "<https://e.com/a.png|logo>",
            ),
            ("a<hr>b", "a\nb"),
            ("<code>open", "&lt;code&gt;open"),
        ] {
            assert_eq!(mrkdwn(written), shown, "{written}");
        }
    }

    #[test]
    fn blocks_are_read_and_their_lines_kept() {
        for (written, shown) in [
            ("```json\n{\"a\": 1}\n```", "```\n{\"a\": 1}\n```"),
            (
                "see ```json\n{\"a\": 1}\n``` so",
                "see\n```\n{\"a\": 1}\n```\nso",
            ),
            ("```\njson\n```", "```\njson\n```"),
            ("~~~sh\n`a`\n~~~", "```\n`a`\n```"),
            ("# Title\ntext", "*Title*\ntext"),
            ("## A **b**\n\n\ntext", "*A b*\n\n\ntext"),
            ("Title\n===\ntext", "*Title*\ntext"),
            (
                "| Name | Amount |\n|---|---:|\n| **A** | [x](https://e.com) |\n",
                "*Name | Amount*\n*A* | <https://e.com|x>\n",
            ),
            ("7. a\n8. b\n\n3) c", "7. a\n8. b\n\n3) c"),
            ("* a\n* b *c*\n- d\n", "• a\n• b *c*\n- d\n"),
            (
                "    four *spaces*\n\n\tand a tab",
                "    four *spaces*\n\n\tand a tab",
            ),
            ("> a\n> *b*", "&gt; a\n&gt; *b*"),
            ("a  \n  b\\\nc", "a\n  b\nc"),
        ] {
            assert_eq!(mrkdwn(written), shown, "{written}");
        }
    }

    #[test]
    fn code_is_only_escaped() {
        assert_eq!(mrkdwn("`**a** <b>`"), "`**a** &lt;b&gt;`");
        assert_eq!(
            mrkdwn("```\nhttps://a.example **b**\n``` **c**"),
            "```\nhttps://a.example **b**\n```\n*c*"
        );
    }

    #[test]
    fn a_title_is_bold_on_one_line_unless_it_has_markup_itself() {
        assert_eq!(bold(" DD vs.\nKXIP "), "*DD vs. KXIP*");
        assert_eq!(bold("*already* so"), "*already* so");
        assert_eq!(bold("  "), "");
    }

    proptest! {
        #[test]
        fn the_only_control_sequences_are_links_made_here(text in "(<|>|!|@|&|[|]|\\(|\\)|\\*|_|~|`|https?://|[a-z ./|]|\\PC){0,60}") {
            let out = mrkdwn(&text);
            let mut rest = out.as_str();
            while let Some(start) = rest.find(['<', '>']) {
                let sequence = rest.get(start..).unwrap_or_default();
                prop_assert!(["<http://", "<https://", "<mailto:", "<tel:"].iter().any(|start| sequence.starts_with(start)), "{out}");
                let end = sequence.find('>').expect("every sequence ends");
                prop_assert!(!sequence[1..end].contains('<'), "{out}");
                rest = &sequence[end + 1..];
            }
        }

        #[test]
        fn a_text_without_markup_is_whole_once_the_escaping_is_undone(text in "[^*_~`\\[\\\\<&|#•hHwW\\p{Cc}]*") {
            let undone = mrkdwn(&text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            prop_assert_eq!(undone, text);
        }
    }
}
