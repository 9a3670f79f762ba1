//! Values and texts as CRMs take them, and give them back.

use std::ops::Range;

use haptik_bridge_shared::lenient_json;
use serde_json::{Value, json};

/// A value for a field that is text: what is no text, as its JSON.
pub(crate) fn as_text(value: &Value) -> Value {
    match value {
        Value::String(_) => value.clone(),
        other => json!(other.to_string()),
    }
}

/// The id of a record, as a part of URLs; `None` where it is not of the kind that CRMs give.
pub(crate) fn record_id(value: &Value, key: &str) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let id = lenient_json::some_text(value, key)?;
    Some(id).filter(|id| id.len() <= 100 && id.bytes().all(allowed))
}

/// A text without its white space, which not every CRM keeps: for comparing.
pub(crate) fn without_space(text: &str) -> String {
    text.split_whitespace().collect()
}

/// A plain text as HTML: escaped, with its line ends.
pub(crate) fn html(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\n' => html.push_str("<br>"),
            '\r' => {}
            other => html.push(other),
        }
    }
    html
}

/// How many bytes a plain text has as HTML.
pub(crate) fn html_length(text: &str) -> usize {
    html(text).len()
}

/// How many characters a text has.
pub(crate) fn characters(text: &str) -> usize {
    text.chars().count()
}

/// What a text says that may have the HTML that bots write: lines end where they do there, a link has its address
/// behind it, and an entity is what it stands for. A tag that is not paired, and any other `<`, is text.
pub(crate) fn said_in_html(text: &str) -> String {
    if !text.contains(['<', '&']) {
        return text.to_owned();
    }
    let mut said = String::with_capacity(text.len());
    let mut from = 0;
    for tag in paired_tags(text) {
        said.push_str(text.get(from..tag.range.start).unwrap_or_default());
        from = tag.range.end;
        match (tag.name.as_str(), tag.closes) {
            ("br", _) => said.push('\n'),
            ("p" | "ul" | "ol" | "li", closes) => {
                let starts_line = said.is_empty() || said.ends_with('\n');
                said.push_str(if starts_line { "" } else { "\n" });
                said.push_str(if tag.name == "li" && !closes {
                    "- "
                } else {
                    ""
                });
            }
            ("a", true) if !tag.address.is_empty() && !said.ends_with(&tag.address) => {
                for part in [" (", &tag.address, ")"] {
                    said.push_str(part);
                }
            }
            _ => {}
        }
    }
    said.push_str(text.get(from..).unwrap_or_default());
    entities(&said).trim().to_owned()
}

/// A tag that is paired, or `br`.
struct Tag {
    range: Range<usize>,
    name: String,
    closes: bool,
    /// Of a link.
    address: String,
}

/// The tags of a text that bots write, where they are paired, in order.
fn paired_tags(text: &str) -> Vec<Tag> {
    let names = [
        "b", "strong", "i", "em", "u", "s", "br", "p", "ul", "ol", "li", "a",
    ];
    let mut tags: Vec<(Tag, bool)> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find('<')) {
        let start = at + start;
        at = start + 1;
        let rest = text.get(at..).unwrap_or_default();
        let Some(end) = rest.find(['<', '>']) else {
            break;
        };
        let Some((inside, ">")) = rest.get(..=end).map(|tag| tag.split_at(end)) else {
            continue;
        };
        let closes = inside.starts_with('/');
        let name = inside.trim_start_matches('/').trim_end_matches('/');
        let name = name.split_whitespace().next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        if !names.contains(&name.as_str()) {
            continue;
        }
        at = start + inside.len() + 2;
        let mut tag = Tag {
            range: start..at,
            address: address(inside),
            name,
            closes,
        };
        let mut is_paired = tag.name == "br";
        if closes {
            let other = open
                .iter()
                .rposition(|other| tags[*other].0.name == tag.name);
            if let Some(other) = other.map(|place| open.remove(place)) {
                is_paired = true;
                tags[other].1 = true;
                tag.address.clone_from(&tags[other].0.address);
            }
        } else if !is_paired && open.len() < MOST_OPEN {
            open.push(tags.len());
        }
        tags.push((tag, is_paired));
    }
    let paired = tags.into_iter().filter(|(_, is_paired)| *is_paired);
    paired.map(|(tag, _)| tag).collect()
}

/// How many tags may be open at once.
const MOST_OPEN: usize = 200;

/// The `href` of a tag; empty where it has none.
fn address(tag: &str) -> String {
    let value = tag.split_once("href=").map(|(_, value)| value);
    let value = value.unwrap_or_default();
    let quote = value
        .chars()
        .next()
        .filter(|quote| ['"', '\''].contains(quote));
    let address = match quote {
        Some(quote) => value.split(quote).nth(1),
        None => value.split_whitespace().next(),
    };
    address.unwrap_or_default().trim().to_owned()
}

/// What HTML says, without its elements.
pub(crate) fn strip_html(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        rest = after.split_once('>').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    entities(&text)
}

/// A text with what its entities stand for.
fn entities(text: &str) -> String {
    let entities = [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&#160;", " "),
        // The last, or what it stands before would be taken for another one.
        ("&amp;", "&"),
    ];
    let unescaped =
        |text: String, (entity, character): (&str, &str)| text.replace(entity, character);
    entities.into_iter().fold(text.to_owned(), unescaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_shows_what_was_written_and_runs_nothing() {
        assert_eq!(
            html("<script>alert('1')</script>\n\"a\" & b"),
            "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;<br>&quot;a&quot; &amp; b"
        );
    }

    #[test]
    fn what_was_made_html_is_read_back() {
        for text in [
            "a < b && c > d\n\"e\" 'f' &amp; &lt;b&gt;",
            "",
            "é 日本語",
            "<script>x</script>",
        ] {
            assert_eq!(
                without_space(&strip_html(&html(text))),
                without_space(text),
                "{text}"
            );
        }
        // As an editor writes it, with an end that is missing.
        assert_eq!(
            without_space(&strip_html("<div dir=\"auto\">a<br>b&nbsp;c</div><p")),
            "abc"
        );
    }

    #[test]
    fn the_html_of_bots_is_said_as_it_is_meant() {
        for (written, said) in [
            (
                "<p>Your <strong>order</strong></p><p>is &amp; stays</p>",
                "Your order\nis & stays",
            ),
            ("One<br>two<BR/>three<br />four", "One\ntwo\nthree\nfour"),
            (
                "Buy<ul><li>a</li><li class='x'>b</li></ul>now",
                "Buy\n- a\n- b\nnow",
            ),
            (
                "<a href=\"https://e.example/?a=1&amp;b=2\">Here</a>",
                "Here (https://e.example/?a=1&b=2)",
            ),
            (
                "<a href='https://e.example'>https://e.example</a>",
                "https://e.example",
            ),
            ("Hi&nbsp;there &lt;b&gt;", "Hi there <b>"),
            ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
            ("<b>never closed", "<b>never closed"),
            ("</i> and <x>y</x>", "</i> and <x>y</x>"),
            ("<b <i>a</i>", "<b a"),
            ("no tags", "no tags"),
            ("a <", "a <"),
        ] {
            assert_eq!(said_in_html(written), said, "{written}");
        }
    }

    #[test]
    fn an_id_is_one_segment_of_a_path() {
        for (id, expected) in [
            (json!(35), Some("35")),
            (json!("HELP-7"), Some("HELP-7")),
            (json!("500xx_1"), Some("500xx_1")),
            (json!(".."), None),
            (json!("1/../2"), None),
            (json!("%2e"), None),
            (json!(""), None),
            (Value::Null, None),
        ] {
            assert_eq!(record_id(&json!({"id": id}), "id").as_deref(), expected);
        }
    }

    #[test]
    fn a_field_that_is_text_gets_text() {
        for (value, text) in [
            (json!("a"), "a"),
            (json!(1.5), "1.5"),
            (json!(true), "true"),
            (json!([1]), "[1]"),
        ] {
            assert_eq!(as_text(&value), json!(text));
        }
    }
}
