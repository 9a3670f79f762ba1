//! Values and texts as CRMs take them, and give them back.

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
    let entities = [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        // The last, or what it stands before would be taken for another one.
        ("&amp;", "&"),
    ];
    let unescaped =
        |text: String, (entity, character): (&str, &str)| text.replace(entity, character);
    entities.into_iter().fold(text, unescaped)
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
