//! Haptik's light markup → Slack's mrkdwn (<https://docs.slack.dev/messaging/formatting-message-text>).
//!
//! Nothing in a bot's text can become a control sequence: `&`, `<` and `>` are escaped, so that
//! `<!channel>` or `<@U123>` show as written and notify nobody. Links are the only sequences that are
//! made here, and only of http and https addresses.

use std::borrow::Cow;

use url::Url;

use super::limits;

/// How far the closing bracket of a `[label](url)` may be from the opening one, in bytes.
const LONGEST_LABEL: usize = 500;

/// A text as mrkdwn: escaped, `**bold**` and `[label](url)` in Slack's form, web addresses clickable.
/// What is in backticks is only escaped.
pub(super) fn mrkdwn(text: &str) -> String {
    let text = clean(text);
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    inline(&text, true, &mut out);
    out
}

/// A text in bold, on one line. One that has markup of its own is left as it is.
pub(super) fn bold(text: &str) -> String {
    let line = clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let has_markup = line.contains(['*', '`', '[']) || line.contains("://");
    match mrkdwn(&line) {
        escaped if line.is_empty() || has_markup => escaped,
        escaped => format!("*{escaped}*"),
    }
}

/// A link with a label; an empty label shows the address. The address is one of [`web_address`], or a
/// `tel:` one.
pub(super) fn link(address: &str, label: &str) -> String {
    let label = clean(label)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    if label.is_empty() {
        return format!("<{}>", escaped(address));
    }
    format!("<{}|{}>", escaped(address), escaped(&label))
}

/// A text for a `plain_text` object or an alternative text, at most `limit` long; `None` when nothing
/// can be seen of it. Slack does not look for control sequences there; they are broken up all the same.
pub(super) fn plain(text: &str, limit: usize) -> Option<String> {
    let line = clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let mut safe = String::with_capacity(line.len());
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        safe.push(character);
        if character == '<' && characters.peek().is_some_and(|next| "!@#".contains(*next)) {
            safe.push('\u{2060}');
        }
    }
    Some(limits::shortened(&safe, limit).into_owned()).filter(|text| !text.is_empty())
}

/// An http or https address in a form that Slack takes, at most `limit` long: as it was written where
/// that is a proper address, else with what is odd in it percent-encoded.
pub(super) fn web_address(text: &str, limit: usize) -> Option<String> {
    let text = text.trim();
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.host_str().filter(|host| !host.is_empty())?;
    let (scheme, rest) = text.split_once(':')?;
    let proper = rest.starts_with("//")
        && scheme.bytes().all(|byte| byte.is_ascii_lowercase())
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"<>|\"\\`^{}".contains(&byte));
    let address = if proper {
        text.to_owned()
    } else {
        url.as_str().replace('|', "%7C").replace('`', "%60")
    };
    Some(address).filter(|address| limits::fits(address, limit))
}

/// A text with Slack's three control characters escaped.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape_into(text, &mut out);
    out
}

fn escape_into(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
}

/// A text with `\n` line ends and without other control characters.
fn clean(text: &str) -> Cow<'_, str> {
    let control = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    if !text.contains(control) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(
        text.chars()
            .filter(|character| !control(*character))
            .collect(),
    )
}

fn inline(text: &str, bold: bool, out: &mut String) {
    let mut rest = text;
    let mut previous = ' ';
    while let Some(character) = rest.chars().next() {
        let length = match character {
            '`' => code(rest)
                .inspect(|span| escape_into(span, out))
                .map(str::len),
            '[' => labelled_link(rest).map(|(label, address, length)| {
                out.push_str(&link(&address, label));
                length
            }),
            'h' | 'H' if !previous.is_alphanumeric() => bare_link(rest).map(|(shown, address)| {
                let label = if shown == address { "" } else { shown };
                out.push_str(&link(&address, label));
                shown.len()
            }),
            '*' if bold => strong(rest).map(|inner| {
                out.push('*');
                inline(inner, false, out);
                out.push('*');
                inner.len() + 4
            }),
            _ => None,
        };
        let length = length.unwrap_or_else(|| {
            let length = character.len_utf8();
            escape_into(rest.get(..length).unwrap_or_default(), out);
            length
        });
        let (done, remaining) = rest.split_at_checked(length).unwrap_or((rest, ""));
        previous = done.chars().next_back().unwrap_or(' ');
        rest = remaining;
    }
}

/// The code in backticks that the text starts with, backticks included.
fn code(text: &str) -> Option<&str> {
    if let Some(inner) = text.strip_prefix("```") {
        return text.get(..inner.find("```")? + 6);
    }
    let end = text
        .strip_prefix('`')?
        .find(['`', '\n'])
        .filter(|end| *end > 0)?;
    text.get(..end + 2).filter(|span| span.ends_with('`'))
}

/// The inside of the `**bold**` that the text starts with.
fn strong(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("**")?;
    let inner = inner.get(..inner.find("**")?)?;
    let proper = !inner.is_empty() && inner.trim() == inner && !inner.contains('\n');
    proper.then_some(inner)
}

/// The label, the address and the length of the `[label](url)` that the text starts with.
fn labelled_link(text: &str) -> Option<(&str, String, usize)> {
    let inner = text.strip_prefix('[')?;
    let label = inner
        .char_indices()
        .take_while(|(at, _)| *at <= LONGEST_LABEL);
    let end = label
        .into_iter()
        .find(|(_, character)| "[]\n".contains(*character))
        .map(|(at, _)| at)?;
    let (label, after) = inner.split_at_checked(end)?;
    let after = after
        .strip_prefix("](")
        .filter(|after| after.trim_start().starts_with(['h', 'H']))?;
    let mut depth = 0_usize;
    let mut end = None;
    for (at, character) in after
        .char_indices()
        .take_while(|(at, _)| *at <= limits::INLINE_LINK)
    {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => {
                end = Some(at);
                break;
            }
            ')' => depth -= 1,
            character if character.is_whitespace() => break,
            _ => {}
        }
    }
    let end = end?;
    let address = web_address(after.get(..end)?, limits::INLINE_LINK)?;
    Some((label, address, 1 + label.len() + 2 + end + 1)).filter(|_| !label.trim().is_empty())
}

/// The web address that the text starts with: as written, and in the form that Slack takes.
fn bare_link(text: &str) -> Option<(&str, String)> {
    let starts = ["https://", "http://"];
    let scheme = starts.iter().find(|start| {
        text.get(..start.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(start))
    })?;
    let ends = |character: char| {
        character.is_whitespace() || character.is_control() || "<>\"|`{}\\^".contains(character)
    };
    let mut within = text
        .char_indices()
        .take_while(|(at, _)| *at <= limits::INLINE_LINK);
    let end = within
        .find(|(_, character)| ends(*character))
        .map_or(text.len(), |(at, _)| at);
    let mut shown = text
        .get(..end)
        .filter(|shown| shown.len() <= limits::INLINE_LINK)?;
    // What ends a sentence or closes a bracket around the address is not part of it.
    let surplus = |open: char, close: char| {
        shown
            .matches(close)
            .count()
            .saturating_sub(shown.matches(open).count())
    };
    let (mut round, mut square) = (surplus('(', ')'), surplus('[', ']'));
    while let Some(last) = shown.chars().next_back() {
        match last {
            ')' if round > 0 => round -= 1,
            ']' if square > 0 => square -= 1,
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' => {}
            _ => break,
        }
        shown = shown.get(..shown.len() - last.len_utf8())?;
    }
    let address = web_address(shown, limits::INLINE_LINK)?;
    (shown.len() > scheme.len()).then_some((shown, address))
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
            plain("<!here> go", 75).expect("it shows"),
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

    #[test]
    fn an_address_is_kept_as_written_where_it_is_a_proper_one() {
        let address = |text| web_address(text, limits::URL);
        assert_eq!(
            address(" https://google.com ").as_deref(),
            Some("https://google.com")
        );
        assert_eq!(
            address("https://a.example/ü b|c").as_deref(),
            Some("https://a.example/%C3%BC%20b%7Cc")
        );
        assert_eq!(
            address("HTTPS:a.example").as_deref(),
            Some("https://a.example/")
        );
        for odd in [
            "",
            "a.example",
            "javascript:alert(1)",
            "mailto:a@b.example",
            "https://",
            "data:text/html,x",
        ] {
            assert_eq!(address(odd), None, "{odd}");
        }
        assert_eq!(
            address(&format!("https://a.example/{}", "x".repeat(3_000))),
            None
        );
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
            mrkdwn(&piece.repeat(30_000 / piece.len()));
        }
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn the_only_control_sequences_are_links_made_here(text in "(<|>|!|@|&|[|]|\\(|\\)|\\*|`|https?://|[a-z ./|]|\\PC){0,60}") {
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
