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
            "[run](javascript:alert(1)) xhttp://no"
        );
        assert_eq!(
            mrkdwn("** not bold ** and [] ()"),
            "** not bold ** and [] ()"
        );
    }

    #[test]
    fn code_is_only_escaped() {
        assert_eq!(mrkdwn("`**a** <b>`"), "`**a** &lt;b&gt;`");
        assert_eq!(
            mrkdwn("```\nhttps://a.example **b**\n``` **c**"),
            "```\nhttps://a.example **b**\n``` *c*"
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
                prop_assert!(sequence.starts_with("<http://") || sequence.starts_with("<https://"), "{out}");
                let end = sequence.find('>').expect("every sequence ends");
                prop_assert!(!sequence[1..end].contains('<'), "{out}");
                rest = &sequence[end + 1..];
            }
        }

        #[test]
        fn a_text_without_markup_is_whole_once_the_escaping_is_undone(text in "[^*`\\[hH\\p{Cc}]*") {
            let undone = mrkdwn(&text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            prop_assert_eq!(undone, text);
        }
    }
}
