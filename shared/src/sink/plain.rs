//! Values and texts as CRMs take them, and give them back.

use serde_json::{Value, json};

/// A value for a field that is text: what is no text, as its JSON.
pub(super) fn as_text(value: &Value) -> Value {
    match value {
        Value::String(_) => value.clone(),
        other => json!(other.to_string()),
    }
}

/// A text without its white space, which not every CRM keeps: for comparing.
pub(super) fn words(text: &str) -> String {
    text.split_whitespace().collect()
}

/// What HTML says, without its elements.
pub(super) fn said(html: &str) -> String {
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
    use crate::sink::tickets::html;

    #[test]
    fn what_was_made_html_is_read_back() {
        for text in [
            "a < b && c > d\n\"e\" 'f' &amp; &lt;b&gt;",
            "",
            "é 日本語",
            "<script>x</script>",
        ] {
            assert_eq!(words(&said(&html(text))), words(text), "{text}");
        }
        // As an editor writes it, with an end that is missing.
        assert_eq!(
            words(&said("<div dir=\"auto\">a<br>b&nbsp;c</div><p")),
            "abc"
        );
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
