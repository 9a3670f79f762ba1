//! Addresses: where they stand in a text, and which of them a link may lead to.

use std::ops::Range;

use linkify::{LinkFinder, LinkKind};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::render::span::LONGEST_LINK;
use crate::render::web_address::web_address;
use haptik_bridge_shared::message::hsl;

/// The address that a link leads to: of the web (with `https://` where it was left out), of an e-mail or of a
/// telephone; `None` for what must not, or cannot, be opened.
#[must_use]
pub(in crate::render) fn opened(written: &str) -> Option<String> {
    let address = hsl::opened(written)?;
    let (scheme, rest) = address.split_once(':')?;
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => web_address(&address, LONGEST_LINK),
        scheme @ ("mailto" | "tel") => {
            let is_sent = |byte: u8| byte.is_ascii_graphic() && !b"<>|\"\\`^{}".contains(&byte);
            let proper = !rest.is_empty() && rest.bytes().all(is_sent);
            let address = format!("{scheme}:{rest}");
            (proper && LONGEST_LINK.fits(&address)).then_some(address)
        }
        _ => None,
    }
}

/// What is shown of an address where nothing else is: without the scheme of an e-mail or a telephone.
#[must_use]
pub(in crate::render) fn shown(url: &str) -> &str {
    let other = url.strip_prefix("mailto:");
    other.or_else(|| url.strip_prefix("tel:")).unwrap_or(url)
}

/// Where web addresses stand in a text, in order: those that start with `https://`, `http://` or `www.`.
/// What ends, goes on with or encloses a sentence is not part of them, in any script; letters are.
pub(super) fn found(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !text.contains("://") && find_www(text).is_none() {
        return found;
    }
    let mut start = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        if cluster.chars().next().is_some_and(ends_address) {
            in_segment(text, start..at, &mut found);
            start = at + cluster.len();
        }
    }
    in_segment(text, start..text.len(), &mut found);
    found
}

/// Whether a character is part of no address: white space, what RFC 3986 has no place for, and beyond ASCII
/// all that is neither letter nor digit.
fn ends_address(character: char) -> bool {
    if character.is_ascii() {
        character.is_ascii_whitespace()
            || character.is_ascii_control()
            || "<>\"|`{}\\^".contains(character)
    } else {
        !character.is_alphanumeric()
    }
}

/// Finds the addresses in a part of a text that has no character which ends one.
fn in_segment(text: &str, segment: Range<usize>, found: &mut Vec<Range<usize>>) {
    let words = text.get(segment.clone()).unwrap_or_default();
    let first = found.len();
    if words.contains("://") {
        let mut finder = LinkFinder::new();
        finder.kinds(&[LinkKind::Url]);
        for link in finder.links(words) {
            let start = segment.start + link.start() + before_scheme(link.as_str());
            let is_free = found.last().is_none_or(|last| last.end <= start);
            let link = start..segment.start + link.end();
            if is_free && let Some(end) = end_of(text, &link, segment.end, found) {
                found.push(start..end);
            }
        }
    }
    let mut at = segment.start;
    while let Some(start) = text.get(at..segment.end).and_then(find_www) {
        let start = at + start;
        at = start + "www.".len();
        let is_within = |range: &Range<usize>| range.contains(&start);
        if found
            .get(first..)
            .is_some_and(|found| found.iter().any(is_within))
        {
            continue;
        }
        let words = text.get(start..segment.end).unwrap_or_default();
        let words = words.get(..LONGEST_LINK.max).unwrap_or(words);
        let mut finder = LinkFinder::new();
        finder.kinds(&[LinkKind::Url]).url_must_have_scheme(false);
        let link = finder.links(words).next();
        let link = link.filter(|link| link.start() == 0 && has_domain(link.as_str()));
        let link = link.map(|link| start..start + link.end());
        if let Some(end) = link.and_then(|link| end_of(text, &link, segment.end, found)) {
            found.push(start..end);
            at = end;
        }
        if found.len() > MOST_LINKS {
            break;
        }
    }
    found
        .get_mut(first..)
        .unwrap_or_default()
        .sort_by_key(|range| range.start);
}

/// How many addresses may be found before no more is looked for that has no scheme.
const MOST_LINKS: usize = 200;

/// Whether something follows `www.` that has a dot of its own.
fn has_domain(address: &str) -> bool {
    let host = address.split(['/', '?', '#']).next().unwrap_or_default();
    host.matches('.').count() > 1
}

/// What stands before the scheme in what looks like one: `end.https`.
fn before_scheme(link: &str) -> usize {
    let scheme = link.split("://").next().unwrap_or_default();
    scheme.rfind('.').map_or(0, |dot| dot + 1)
}

/// Where `www.` starts in a text, at the start of a word.
fn find_www(text: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find(['w', 'W']) {
        let at = from + at;
        let is_there = text
            .get(at..at + 4)
            .is_some_and(|start| start.eq_ignore_ascii_case("www."));
        let before = text.get(..at)?.chars().next_back();
        let starts = before
            .is_none_or(|before| !before.is_ascii_alphanumeric() && !"/.-@:".contains(before));
        if is_there && starts {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// The end of an address that was found, with all its marks; `None` when it is none of the web.
fn end_of(text: &str, link: &Range<usize>, end: usize, found: &[Range<usize>]) -> Option<usize> {
    let address = text.get(link.clone())?;
    let scheme = address
        .split_once("://")
        .map_or("http", |(scheme, _)| scheme);
    let is_web = ["http", "https"]
        .iter()
        .any(|web| scheme.eq_ignore_ascii_case(web));
    if !is_web || address.len() > LONGEST_LINK.max {
        return None;
    }
    let marks = ['*', '_', '~'];
    let body = address.trim_end_matches(marks).len();
    let rest = text.get(link.start + body..end)?;
    let run = rest.len() - rest.trim_start_matches(marks).len();
    let ends_there = rest.get(run..).is_none_or(|after| {
        !after.starts_with(|next: char| next.is_ascii_alphanumeric() || "/?#&=%".contains(next))
    });
    if run == 0 || !ends_there {
        return Some(link.end);
    }
    let own = own_marks(text, link.start, rest.get(..run)?, found);
    Some(link.start + body + own)
}

/// How far before an address a style may begin that ends behind it, in bytes.
const REACH: usize = 1_000;

/// How many of the marks at the end of an address are its own: the others close styles that were opened
/// before it.
fn own_marks(text: &str, start: usize, marks: &str, found: &[Range<usize>]) -> usize {
    let mut own = marks;
    while let Some(mark) = own.chars().next_back() {
        let run = own.len() - own.trim_end_matches(mark).len();
        let open = open_before(text, start, mark, found);
        if open == 0 {
            break;
        }
        let closing = run.min(open);
        own = own.get(..own.len() - closing).unwrap_or_default();
        if closing < run {
            break;
        }
    }
    own.len()
}

/// How many marks are open where an address starts.
fn open_before(text: &str, start: usize, mark: char, found: &[Range<usize>]) -> usize {
    let from = start.saturating_sub(REACH);
    let from = (from..=start)
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(start);
    let before = text.get(from..start).unwrap_or_default();
    let paragraph = before.rfind("\n\n").map_or(0, |end| end + 2);
    let mut open: Vec<usize> = Vec::new();
    let mut at = paragraph;
    while let Some(next) = before.get(at..).and_then(|rest| rest.find(mark)) {
        let run_start = at + next;
        let rest = before.get(run_start..).unwrap_or_default();
        let run = rest.len() - rest.trim_start_matches(mark).len();
        at = run_start + run;
        let is_within = |range: &Range<usize>| range.contains(&(from + run_start));
        if found.iter().rev().take(20).any(is_within) {
            continue;
        }
        let left = before
            .get(..run_start)
            .unwrap_or_default()
            .chars()
            .next_back();
        // Right behind the last comes the address.
        let right = before
            .get(at..)
            .unwrap_or_default()
            .chars()
            .next()
            .unwrap_or('h');
        let can_close = left.is_some_and(|left| !left.is_whitespace())
            && (mark == '*' || !right.is_alphanumeric());
        let can_open = !right.is_whitespace()
            && (mark == '*' || left.is_none_or(|left| !left.is_alphanumeric()));
        if can_close && !open.is_empty() {
            open.pop();
        } else if can_open {
            open.push(run);
        }
    }
    open.into_iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<&str> {
        found(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn an_address_ends_where_the_sentence_goes_on() {
        for text in [
            "见 https://a.example/a。谢谢",
            "（https://a.example/a）",
            "网址https://a.example/a",
            "「https://a.example/a」、",
            "https://a.example/a, and",
            "(see https://a.example/a).",
            "https://a.example/a！",
            "https://a.example/a؟",
            "https://a.example/a।",
            "“https://a.example/a”",
            "https://a.example/a…",
            "https://a.example/a😀",
            "'https://a.example/a'",
            "*https://a.example/a*",
            "**see _https://a.example/a_**",
            "~~https://a.example/a~~.",
            "https://a.example/a\u{200b}b",
        ] {
            assert_eq!(addresses(text), ["https://a.example/a"], "{text}");
        }
    }

    #[test]
    fn what_belongs_to_an_address_stays_in_it() {
        for address in [
            "https://a.example/share/3-3fs0NF4kyFzTW7_",
            "https://a.example/x~",
            "https://a.example/x*",
            "https://a.example/x_(y)",
            "https://ja.wikipedia.org/wiki/日本",
            "https://hi.wikipedia.org/wiki/हिन्दी",
            "https://de.wikipedia.org/wiki/Köln",
            "http://localhost:3000/a?b=[c]",
            "HTTPS://A.example/?a=1&b=_2_",
            "www.a.example/help",
        ] {
            assert_eq!(addresses(address), [address]);
            assert_eq!(addresses(&format!("snake_case {address}, so")), [address]);
        }
        assert_eq!(
            addresses("_see https://a.example/a__"),
            ["https://a.example/a_"]
        );
    }

    #[test]
    fn other_words_are_none() {
        for text in [
            "xhttps://a.example",
            "git+https://a.example",
            "https://",
            "www.a",
            "mywww.a.b",
            "a@www.a.b",
            "://",
        ] {
            assert!(addresses(text).is_empty(), "{text}");
        }
        let long = format!("https://a.example/{}", "x".repeat(3_000));
        assert!(addresses(&long).is_empty());
    }

    #[test]
    fn a_link_leads_to_the_web_an_e_mail_or_a_telephone() {
        assert_eq!(
            opened("a.example/help").as_deref(),
            Some("https://a.example/help")
        );
        assert_eq!(
            opened("MailTo:help@a.example").as_deref(),
            Some("mailto:help@a.example")
        );
        assert_eq!(opened("tel:+911234").as_deref(), Some("tel:+911234"));
        for other in [
            "javascript:alert(1)",
            "/url",
            "note",
            "myapp://x",
            "mailto:",
            "tel:a b",
        ] {
            assert_eq!(opened(other), None, "{other}");
        }
    }
}
