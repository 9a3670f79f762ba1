//! The examples of `CommonMark`'s specification (<https://spec.commonmark.org/0.31.2/>, by John `MacFarlane`, CC BY-SA
//! 4.0), as they are in `commonmark.json`: Markdown, and the HTML that it is.

use super::*;
use crate::limits::Counted;
use crate::render::Markup;
use crate::render::printers::seen;
use crate::render::split::split;

fn examples() -> Vec<(String, String)> {
    serde_json::from_str(include_str!("commonmark.json")).expect("a list of pairs")
}

/// What is seen of HTML.
fn seen_of_html(html: &str) -> String {
    let mut seen = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        seen.push_str(&rest[..at]);
        rest = rest[at..].find('>').map_or("", |end| &rest[at + end + 1..]);
    }
    seen.push_str(rest);
    seen.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

fn letters(text: &str) -> String {
    text.chars().filter(|one| one.is_alphanumeric()).collect()
}

/// Examples whose marks stay, on purpose: `5*6*78` is a product; a definition that nothing refers to is text; what
/// `<pre>` encloses is code.
const KEPT: &[&str] = &[
    "[foo]\n\n[foo]: first\n[foo]: second\n",
    "[foo]: /url1\n\n[foo]: /url2\n\n[bar][foo]\n",
    "5*6*78\n",
    "[foo]()\n\n[foo]: /url1\n",
    "<table><tr><td>\n<pre>\n**Hello**,\n\n_world_.\n</pre>\n</td></tr></table>\n",
    "[foo<https://example.com/?search=][ref]>\n\n[ref]: /uri\n",
];

#[test]
fn all_that_is_seen_of_an_example_is_seen_here_in_order() {
    for (markdown, html) in examples() {
        let seen = letters(&seen(&read(&markdown)));
        // Indented text is text, and HTML that does not say how it looks is text.
        let is_other = html.contains("<pre><code>f&amp;ouml;")
            || html.contains("<pre><code>&lt;td&gt;")
            || html.starts_with("<div></div>");
        let mut rest = seen.chars();
        let expected = letters(&seen_of_html(&html));
        let is_whole = expected.chars().all(|one| rest.any(|other| other == one));
        assert!(
            is_whole || is_other,
            "{markdown:?} is {html:?}, here {seen:?}"
        );
    }
}

#[test]
fn no_mark_of_emphasis_or_of_a_link_is_seen() {
    for (markdown, html) in examples() {
        let has = |tag: &str| html.contains(tag);
        if !(has("<em") || has("<strong") || has("<a ") || has("<img")) {
            continue;
        }
        let seen = seen(&read(&markdown));
        for mark in ["*", "_", "[", "]"] {
            // Where an address cannot be opened it is shown.
            let surplus = seen.matches(mark).count() > html.matches(mark).count();
            assert!(
                !surplus || KEPT.contains(&markdown.as_str()),
                "{markdown:?} is {html:?}, here {seen:?}"
            );
        }
    }
}

#[test]
fn every_example_is_whole_in_every_markup_and_at_every_cut() {
    for (markdown, _) in examples() {
        let text = read(&markdown);
        for markup in [
            Markup::Mrkdwn,
            Markup::Html,
            Markup::CommonMark,
            Markup::Plain,
        ] {
            let size = Size::utf16(40);
            let parts = split(&text, size, markup, Counted::AsSent);
            assert!(
                parts.iter().all(|part| size.fits(&markup.print(part))),
                "{markdown:?}"
            );
        }
    }
}
