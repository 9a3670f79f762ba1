//! What blocks show (<https://docs.slack.dev/reference/block-kit/blocks>), line by line, as Slack writes it in
//! a message's text.

use serde_json::Value;

use crate::slack::emoji;
use haptik_bridge_shared::lenient_json;

/// A text as Slack writes it in a message's text
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>).
pub(super) fn escaped(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    escaped.replace('>', "&gt;")
}

/// How deep blocks are looked for within each other.
const DEPTH: usize = 8;

/// The lines of what has `blocks`.
pub(super) fn lines(holder: &Value) -> Vec<String> {
    lines_of(holder, |_| true)
}

/// The rows of the tables of what has `blocks`: a message's text does not have them.
pub(super) fn tables(holder: &Value) -> Vec<String> {
    lines_of(holder, is_table)
}

fn lines_of(holder: &Value, wanted: impl Fn(&Value) -> bool) -> Vec<String> {
    let mut lines = Vec::new();
    for block in lenient_json::list(holder, "blocks").filter(|block| wanted(block)) {
        block_lines(block, &mut lines, DEPTH);
    }
    lines.retain(|line| !line.trim().is_empty());
    lines
}

/// A table (<https://docs.slack.dev/reference/block-kit/blocks/table-block>), of whichever kind.
fn is_table(block: &Value) -> bool {
    lenient_json::text(block, "type").ends_with("table") || block.get("rows").is_some()
}

fn block_lines(block: &Value, lines: &mut Vec<String>, depth: usize) {
    if depth == 0 {
        return;
    }
    if is_table(block) {
        lines.push(text_at(block, "caption"));
        lines.extend(lenient_json::list(block, "rows").filter_map(row));
        return;
    }
    let kind = lenient_json::text(block, "type");
    match kind.as_str() {
        "rich_text" => {
            lenient_json::list(block, "elements").for_each(|element| rich(element, lines));
        }
        "context" => {
            let texts: Vec<String> = lenient_json::list(block, "elements").map(text_of).collect();
            lines.push(texts.join(" ").trim().to_owned());
        }
        "image" | "video" => {
            let title = text_at(block, "title");
            lines.push(title.clone());
            lines.push(text_at(block, "description"));
            let alt = escaped(&lenient_json::text(block, "alt_text"));
            lines.extend((alt != title).then_some(alt));
        }
        // What is tapped is no part of what is said.
        "actions" | "context_actions" => {}
        _ => {
            let keys = [
                "title",
                "subtitle",
                "text",
                "body",
                "label",
                "description",
                "hint",
            ];
            lines.extend(keys.map(|key| text_at(block, key)));
            lines.extend(lenient_json::list(block, "fields").map(text_of));
            for key in ["elements", "blocks"] {
                let inner = lenient_json::list(block, key);
                inner.for_each(|inner| block_lines(inner, lines, depth - 1));
            }
        }
    }
}

/// A row of a table, its cells in order: a list, or an object that has one. `None` where all are empty.
fn row(row: &Value) -> Option<String> {
    let cells = row.as_array().or_else(|| row.get("cells")?.as_array())?;
    let cells: Vec<String> = cells.iter().map(cell).collect();
    let is_empty = cells.iter().all(String::is_empty);
    (!is_empty).then(|| cells.join(" | "))
}

/// What a cell shows, in one line.
fn cell(cell: &Value) -> String {
    let mut lines = Vec::new();
    match (cell, lenient_json::text(cell, "type").as_str()) {
        (Value::String(text), _) => lines.push(escaped(text)),
        (_, "mrkdwn") => lines.push(lenient_json::text(cell, "text")),
        (_, "rich_text") => lines.push(text_of(cell)),
        (_, kind) if kind.starts_with("rich_text") => rich(cell, &mut lines),
        (_, _) => {
            let keys = ["text", "value", "label", "alt_text"];
            match lenient_json::first_text(cell, &keys) {
                Some(plain) => lines.push(escaped(&plain)),
                None => lines.extend([inline(cell), text_at(cell, "text")]),
            }
        }
    }
    let line = lines.join(" ");
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text_at(holder: &Value, key: &str) -> String {
    holder.get(key).map(text_of).unwrap_or_default()
}

/// What a text, a text object or a rich text says.
fn text_of(text: &Value) -> String {
    if let Some(text) = text.as_str() {
        return text.to_owned();
    }
    if lenient_json::text(text, "type") == "rich_text" {
        let mut lines = Vec::new();
        lenient_json::list(text, "elements").for_each(|element| rich(element, &mut lines));
        return lines.join("\n");
    }
    lenient_json::text(text, "text")
}

/// The parts of a rich text (<https://docs.slack.dev/reference/block-kit/blocks/rich-text-block>).
fn rich(element: &Value, lines: &mut Vec<String>) {
    match lenient_json::text(element, "type").as_str() {
        "rich_text_list" => {
            let first = lenient_json::whole(element, "offset").unwrap_or_default() + 1;
            let indent = lenient_json::whole(element, "indent")
                .unwrap_or_default()
                .min(8);
            let indent = " ".repeat(usize::try_from(indent * 4).unwrap_or_default());
            let is_ordered = lenient_json::text(element, "style") == "ordered";
            for (number, item) in (first..).zip(lenient_json::list(element, "elements")) {
                let sign = if is_ordered {
                    format!("{number}.")
                } else {
                    "•".to_owned()
                };
                lines.push(format!("{indent}{sign} {}", inline(item)));
            }
        }
        "rich_text_quote" => {
            lines.extend(inline(element).lines().map(|line| format!("&gt; {line}")));
        }
        "rich_text_preformatted" => lines.push(format!("```\n{}\n```", inline(element))),
        _ => lines.push(inline(element)),
    }
}

/// The text of a line of rich text, as Slack writes it in a message's text.
fn inline(section: &Value) -> String {
    let leaf = |element: &Value| {
        let field = |key: &str| lenient_json::text(element, key);
        match field("type").as_str() {
            "link" if field("text").is_empty() => format!("<{}>", escaped(&field("url"))),
            "link" => format!("<{}|{}>", escaped(&field("url")), escaped(&field("text"))),
            "user" => format!("<@{}>", field("user_id")),
            "channel" => format!("<#{}>", field("channel_id")),
            "usergroup" => format!("<!subteam^{}>", field("usergroup_id")),
            "broadcast" => format!("<!{}>", field("range")),
            "emoji" => emoji::written(element),
            "date" => escaped(&field("fallback")),
            "color" => escaped(&field("value")),
            _ => escaped(&field("text")),
        }
    };
    lenient_json::list(section, "elements").map(leaf).collect()
}
