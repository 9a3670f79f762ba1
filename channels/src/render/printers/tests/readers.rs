//! Readers of each markup, written from the providers' pages and not from the printers: what a person sees.

use pulldown_cmark::{Event, Options, Parser};

/// What is seen, without white space, the signs of lists, and what has no width.
pub(super) fn letters(text: &str) -> String {
    let is_seen = |one: &char| !one.is_whitespace() && !"•\u{200b}\u{2060}".contains(*one);
    text.chars()
        .filter(is_seen)
        .collect::<String>()
        .replace('‵', "`")
        .replace('∗', "*")
        .replace('＿', "_")
        .replace('∼', "~")
}

enum Token {
    Character(char),
    /// A link's label, or code: nothing in it is markup.
    Whole(String),
}

/// Slack's mrkdwn (<https://docs.slack.dev/messaging/formatting-message-text>), and Google Chat's, which does not
/// escape. Fails where there is a control sequence that is no link.
pub(super) fn mrkdwn(text: &str, is_escaped: bool) -> String {
    let undone = |text: &str| {
        if is_escaped {
            let text = text.replace("&lt;", "<").replace("&gt;", ">");
            text.replace("&amp;", "&")
        } else {
            text.to_owned()
        }
    };
    let mut seen = String::new();
    for (index, part) in text.split("```").enumerate() {
        if index % 2 == 1 {
            seen.push_str(&undone(part));
            continue;
        }
        for line in part.split('\n') {
            let tokens = tokens(line, is_escaped);
            seen.push_str(&undone(&styled(&tokens)));
            seen.push('\n');
        }
    }
    assert!(
        text.matches("```").count().is_multiple_of(2),
        "a fence is open: {text:?}"
    );
    seen
}

fn tokens(line: &str, is_escaped: bool) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        if first == '`'
            && let Some(end) = after.find('`').filter(|end| *end > 0)
        {
            tokens.push(Token::Whole(after[..end].to_owned()));
            rest = &after[end + 1..];
            continue;
        }
        let is_link = ["http:", "https:", "mailto:", "tel:"]
            .iter()
            .any(|scheme| after.starts_with(scheme));
        if first == '<' && is_link {
            let end = after.find('>').expect("a link ends");
            let (address, label) = after[..end].split_once('|').unwrap_or((&after[..end], ""));
            let address = address.strip_prefix("mailto:").unwrap_or(address);
            let address = address.strip_prefix("tel:").unwrap_or(address);
            let shown = if label.is_empty() { address } else { label };
            let shown = shown.replace('‹', "<").replace('›', ">");
            tokens.push(Token::Whole(shown));
            rest = &after[end + 1..];
            continue;
        }
        assert!(
            !is_escaped || !"<>".contains(first),
            "{line:?} has {first} that is no link's"
        );
        tokens.push(Token::Character(first));
        rest = after;
    }
    tokens
}

fn styled(tokens: &[Token]) -> String {
    let character = |at: Option<usize>| match tokens.get(at?)? {
        Token::Character(character) => Some(*character),
        Token::Whole(_) => Some('>'),
    };
    let is_space = |one: char| one.is_whitespace() || one == '\u{200b}';
    let is_apart = |one: Option<char>| one.is_none_or(|one| !one.is_alphanumeric());
    let touches = |one: Option<char>| one.is_some_and(|one| !is_space(one));
    // `_` belongs to a word as letters do.
    let is_name = |at: usize, other: Option<usize>| {
        character(Some(at)) == Some('_') && character(other) == Some('_')
    };
    let opens = |at: usize| {
        let before = at.checked_sub(1);
        is_apart(character(before)) && !is_name(at, before) && touches(character(Some(at + 1)))
    };
    let closes = |at: usize| {
        let after = Some(at + 1);
        is_apart(character(after)) && !is_name(at, after) && touches(character(at.checked_sub(1)))
    };
    let mut seen = String::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Whole(text) => seen.push_str(text),
            Token::Character(mark) if "*_~".contains(*mark) && opens(at) => {
                let ends = |end: &usize| {
                    character(Some(*end)) == Some(*mark)
                        && matches!(tokens.get(*end), Some(Token::Character(_)))
                        && closes(*end)
                };
                if let Some(end) = (at + 2..tokens.len()).find(ends) {
                    seen.push_str(&styled(&tokens[at + 1..end]));
                    at = end;
                } else {
                    seen.push(*mark);
                }
            }
            Token::Character(character) => seen.push(*character),
        }
        at += 1;
    }
    seen
}

/// Telegram's HTML (<https://core.telegram.org/bots/api#html-style>).
pub(super) fn html(text: &str) -> String {
    let mut seen = String::new();
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&', '>']) {
        seen.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('&') {
            let end = rest.find(';').expect("an entity ends");
            seen.push_str(match &rest[..=end] {
                "&lt;" => "<",
                "&gt;" => ">",
                "&amp;" => "&",
                "&quot;" => "\"",
                other => panic!("Telegram has no {other}"),
            });
            rest = &rest[end + 1..];
            continue;
        }
        assert!(rest.starts_with('<'), "{text:?} has a > that is no tag's");
        let end = rest.find('>').expect("a tag ends");
        let tag = &rest[1..end];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name.to_owned()), "{text:?}");
        } else {
            let name = tag.split(' ').next().unwrap_or_default();
            let names = ["b", "i", "u", "s", "a", "code", "pre"];
            assert!(names.contains(&name), "Telegram has no {tag}");
            open.push(name.to_owned());
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{text:?}");
    seen + rest
}

/// `CommonMark`, read by a reader of it.
pub(super) fn commonmark(text: &str) -> String {
    let mut seen = String::new();
    for event in Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(text) | Event::Code(text) => seen.push_str(&text),
            Event::SoftBreak | Event::HardBreak => seen.push('\n'),
            Event::Html(text) | Event::InlineHtml(text) => panic!("{text} is HTML"),
            _ => {}
        }
    }
    seen
}
