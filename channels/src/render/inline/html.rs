//! HTML in a text: the tags that bots write, where they are paired. Any other `<` is text.

use std::borrow::Cow;
use std::ops::Range;

use super::Style;

/// A tag that means something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    /// Where it stands.
    pub(super) range: Range<usize>,
    /// What it means.
    pub(super) meaning: Meaning,
}

/// What a tag means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A style begins.
    Open(Style),
    /// A style ends.
    Close(Style),
    /// A link begins, to this address.
    Link(String),
    /// A link ends.
    LinkEnd,
    /// A new line.
    Break,
    /// A paragraph begins or ends.
    Paragraph,
    /// A list begins; whether its items have numbers.
    List(bool),
    /// A list ends.
    ListEnd,
    /// An item of a list begins.
    Item,
    /// An item of a list ends.
    ItemEnd,
    /// A heading begins.
    Heading,
    /// A heading ends.
    HeadingEnd,
    /// A part of the page, a row of a table for example, begins or ends.
    Line,
    /// A cell of a table begins.
    Cell,
    /// A picture, with its address and what is read for it.
    Picture(String, String),
    /// Nothing that a text has: a span, a size of letters, a comment.
    Nothing,
}

/// A tag as it is written.
#[derive(Debug)]
struct Written<'t> {
    name: Name,
    closes: bool,
    address: &'t str,
    alternative: &'t str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    B,
    Strong,
    I,
    Em,
    U,
    S,
    Del,
    Strike,
    Ins,
    Br,
    P,
    Ul,
    Ol,
    Li,
    A,
    Heading(u8),
    Part(&'static str),
    Cell(&'static str),
    Other(&'static str),
    Hr,
    Img,
}

const NAMES: &[(&str, Name)] = &[
    ("b", Name::B),
    ("strong", Name::Strong),
    ("i", Name::I),
    ("em", Name::Em),
    ("u", Name::U),
    ("s", Name::S),
    ("br", Name::Br),
    ("p", Name::P),
    ("ul", Name::Ul),
    ("ol", Name::Ol),
    ("li", Name::Li),
    ("a", Name::A),
    ("del", Name::Del),
    ("strike", Name::Strike),
    ("ins", Name::Ins),
    ("h1", Name::Heading(1)),
    ("h2", Name::Heading(2)),
    ("h3", Name::Heading(3)),
    ("h4", Name::Heading(4)),
    ("h5", Name::Heading(5)),
    ("h6", Name::Heading(6)),
    ("div", Name::Part("div")),
    ("section", Name::Part("section")),
    ("blockquote", Name::Part("blockquote")),
    ("table", Name::Part("table")),
    ("thead", Name::Part("thead")),
    ("tbody", Name::Part("tbody")),
    ("tr", Name::Part("tr")),
    ("td", Name::Cell("td")),
    ("th", Name::Cell("th")),
    ("span", Name::Other("span")),
    ("font", Name::Other("font")),
    ("small", Name::Other("small")),
    ("big", Name::Other("big")),
    ("sub", Name::Other("sub")),
    ("sup", Name::Other("sup")),
    ("mark", Name::Other("mark")),
    ("center", Name::Other("center")),
    ("hr", Name::Hr),
    ("img", Name::Img),
];

/// The longest tag, in bytes: every `<` may be the start of one.
const LONGEST: usize = 2_500;

/// The tags of a text that mean something, in order; `is_code` says where none does.
pub(super) fn tags(text: &str, is_code: impl Fn(usize) -> bool) -> Vec<Tag> {
    let mut written: Vec<(Range<usize>, Written<'_>, bool)> = Vec::new();
    let mut open: Vec<(Name, usize)> = Vec::new();
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find('<')) {
        let start = at + start;
        at = start + 1;
        if is_code(start) || is_escaped(text, start) {
            continue;
        }
        let Some((tag, length)) = read(text.get(start..).unwrap_or_default()) else {
            continue;
        };
        at = start + length;
        let this = written.len();
        let mut is_paired = matches!(tag.name, Name::Br | Name::Hr | Name::Img);
        if tag.closes {
            let other = open.iter().rposition(|(name, _)| *name == tag.name);
            if let Some((_, other)) = other.map(|place| open.remove(place)) {
                is_paired = true;
                if let Some((_, _, paired)) = written.get_mut(other) {
                    *paired = true;
                }
            }
        } else if !is_paired && open.len() < MOST_OPEN {
            open.push((tag.name, this));
        }
        written.push((start..at, tag, is_paired));
    }
    let paired = written.into_iter().filter(|(_, _, is_paired)| *is_paired);
    let tag = |(range, tag, _): (Range<usize>, Written<'_>, bool)| Tag {
        range,
        meaning: tag.meaning(),
    };
    paired.map(tag).collect()
}

/// How many tags may be open at once.
const MOST_OPEN: usize = 200;

impl Written<'_> {
    fn meaning(&self) -> Meaning {
        let style = |style| {
            if self.closes {
                Meaning::Close(style)
            } else {
                Meaning::Open(style)
            }
        };
        match (self.name, self.closes) {
            (Name::B | Name::Strong, _) => style(Style::Bold),
            (Name::I | Name::Em, _) => style(Style::Italic),
            (Name::U | Name::Ins, _) => style(Style::Underline),
            (Name::S | Name::Del | Name::Strike, _) => style(Style::Strike),
            (Name::Br, _) => Meaning::Break,
            (Name::P, _) => Meaning::Paragraph,
            (Name::Ul | Name::Ol, true) => Meaning::ListEnd,
            (Name::Ul, false) => Meaning::List(false),
            (Name::Ol, false) => Meaning::List(true),
            (Name::Li, true) => Meaning::ItemEnd,
            (Name::Li, false) => Meaning::Item,
            (Name::A, true) => Meaning::LinkEnd,
            (Name::A, false) => Meaning::Link(self.address.to_owned()),
            (Name::Heading(_), true) => Meaning::HeadingEnd,
            (Name::Heading(_), false) => Meaning::Heading,
            (Name::Part(_) | Name::Hr, _) => Meaning::Line,
            (Name::Cell(_), false) => Meaning::Cell,
            (Name::Cell(_), true) | (Name::Other(_), _) => Meaning::Nothing,
            (Name::Img, _) => {
                Meaning::Picture(self.address.to_owned(), self.alternative.to_owned())
            }
        }
    }
}

/// Whether a backslash makes a character a mere one.
fn is_escaped(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    (before.len() - before.trim_end_matches('\\').len()) % 2 == 1
}

/// The tag that a text starts with, and its length.
fn read(text: &str) -> Option<(Written<'_>, usize)> {
    let inside = text.strip_prefix('<')?;
    let (closes, inside) = match inside.strip_prefix('/') {
        Some(inside) => (true, inside),
        None => (false, inside),
    };
    let length = inside.find(|character: char| !character.is_ascii_alphanumeric())?;
    let (name, mut rest) = inside.split_at_checked(length)?;
    let (_, name) = NAMES
        .iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known))?;
    let (mut address, mut alternative) = ("", "");
    loop {
        let trimmed = rest.trim_start();
        if text.len() - trimmed.len() > LONGEST {
            return None;
        }
        if let Some(end) = trimmed
            .strip_prefix('>')
            .or_else(|| trimmed.strip_prefix("/>"))
        {
            let tag = Written {
                name: *name,
                closes,
                address,
                alternative,
            };
            return Some((tag, text.len() - end.len()));
        }
        if trimmed.len() == rest.len() {
            return None;
        }
        let (attribute, value, after) = attribute(trimmed)?;
        if ["href", "src"]
            .iter()
            .any(|name| attribute.eq_ignore_ascii_case(name))
        {
            address = value;
        } else if attribute.eq_ignore_ascii_case("alt") {
            alternative = value;
        }
        rest = after;
    }
}

/// An attribute, its value, and what comes after them.
fn attribute(text: &str) -> Option<(&str, &str, &str)> {
    let ends = |character: char| character.is_whitespace() || "=<>\"'/`".contains(character);
    let length = text.find(ends)?;
    let (name, rest) = text
        .split_at_checked(length)
        .filter(|(name, _)| !name.is_empty())?;
    let Some(value) = rest.trim_start().strip_prefix('=') else {
        return Some((name, "", rest));
    };
    let value = value.trim_start();
    let quote = value
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''));
    if let Some(quote) = quote {
        let (value, rest) = value.get(1..)?.split_once(quote)?;
        return Some((name, value, rest));
    }
    let ends = |character: char| character.is_whitespace() || "<>\"'`".contains(character);
    let (value, rest) = value.split_at_checked(value.find(ends)?)?;
    Some((name, value, rest))
}

/// A text in which what HTML says is code (`<code>`, `<pre>` and the like) is between Markdown's marks of code, as it
/// is meant: its entities are undone, and what tags it has are gone.
pub(super) fn code_as_markdown(text: &str, is_code: impl Fn(usize) -> bool) -> Cow<'_, str> {
    const NAMES: [&str; 5] = ["code", "pre", "kbd", "samp", "tt"];
    let mut out = String::new();
    let mut from = 0;
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find('<')) {
        let start = at + start;
        at = start + 1;
        let rest = text.get(at..).unwrap_or_default();
        let name = NAMES.iter().find(|name| {
            let is_name = rest
                .get(..name.len())
                .is_some_and(|one| one.eq_ignore_ascii_case(name));
            is_name
                && rest
                    .get(name.len()..)
                    .is_some_and(|rest| rest.starts_with(['>', ' ']))
        });
        let Some((name, opening)) = name.zip(rest.find('>')) else {
            continue;
        };
        let inside = rest.get(opening + 1..).unwrap_or_default();
        let closing = format!("</{name}>");
        let lower = inside.to_ascii_lowercase();
        let Some(end) = lower
            .find(&closing)
            .filter(|_| !is_escaped(text, start) && !is_code(start))
        else {
            continue;
        };
        let (code, _) = inside.split_at(end);
        out.push_str(text.get(from..start).unwrap_or_default());
        push_code(&without_tags(code), &mut out);
        from = at + opening + 1 + end + closing.len();
        at = from;
    }
    if from == 0 {
        return text.into();
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out.into()
}

/// The text of a piece of HTML.
fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let is_tag = after.starts_with(|first: char| first == '/' || first.is_ascii_alphabetic());
        if let Some((tag, after)) = after.split_once('>').filter(|_| is_tag) {
            let is_break = tag.trim_end_matches(['/', ' ']).eq_ignore_ascii_case("br");
            text.push_str(if is_break { "\n" } else { "" });
            rest = after;
        } else {
            text.push('<');
            rest = after;
        }
    }
    let text = text + rest;
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text, |text, (entity, character)| {
        text.replace(entity, character)
    })
}

fn push_code(code: &str, out: &mut String) {
    let code = code.trim_matches('\n');
    if code.trim().is_empty() {
        return out.push_str(code);
    }
    let longest = code
        .split(|one| one != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    if code.contains('\n') {
        let fence = "`".repeat(longest.max(2) + 1);
        if !(out.is_empty() || out.ends_with('\n')) {
            out.push('\n');
        }
        out.push_str(&[&fence, "\n", code, "\n", &fence, "\n"].concat());
    } else {
        let marks = "`".repeat(longest + 1);
        let space = if longest > 0 { " " } else { "" };
        out.push_str(&[&marks, space, code, space, &marks].concat());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        tags(text, |_| false)
            .into_iter()
            .map(|tag| &text[tag.range])
            .collect()
    }

    #[test]
    fn paired_tags_are_found_and_nothing_else() {
        assert_eq!(
            found("<b>a</b> <STRONG class='x'>b</Strong >"),
            ["<b>", "</b>", "<STRONG class='x'>", "</Strong >"]
        );
        assert_eq!(found("a<br>b<br/>c<BR />"), ["<br>", "<br/>", "<BR />"]);
        assert_eq!(found("<b><i>a</b></i>").len(), 4);
        for text in [
            "<b>a",
            "a</b>",
            "<task>a</task>",
            "<div>a",
            "a < b > c",
            "<bold>x</bold>",
            "\\<b>a\\</b>",
            "<b",
            "<b =>a</b>",
            "<@U1> <!here>",
            "<>",
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_link_has_its_address() {
        for written in [
            "<a href=\"https://a.example/?a=1\">",
            "<a target=_blank HREF='https://a.example/?a=1' >",
            "<a href=https://a.example/?a=1>",
        ] {
            let text = format!("{written}x</a>");
            let meanings: Vec<Meaning> = tags(&text, |_| false)
                .into_iter()
                .map(|tag| tag.meaning)
                .collect();
            assert_eq!(
                meanings,
                [
                    Meaning::Link("https://a.example/?a=1".to_owned()),
                    Meaning::LinkEnd
                ],
                "{written}"
            );
        }
    }
}
