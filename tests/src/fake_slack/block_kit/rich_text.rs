//! The `rich_text` block (<https://docs.slack.dev/reference/block-kit/blocks/rich-text-block>).

use serde_json::Value;

use super::Check;

pub(super) fn block(check: &mut Check, at: &str, block: &Value) {
    check.object(at, block, &["type", "elements"], &["block_id"]);
    for (place, element) in check.items(at, block, "elements", 1, 1000) {
        container(check, &place, element);
    }
}

fn container(check: &mut Check, at: &str, value: &Value) {
    let optional: &[&str] = match check.kind(at, value) {
        Some("rich_text_section") => &[],
        Some("rich_text_quote") => &["border"],
        Some("rich_text_preformatted") => &["border", "language"],
        Some("rich_text_list") => {
            check.object(
                at,
                value,
                &["type", "style", "elements"],
                &["indent", "offset", "border"],
            );
            check.one_of(at, value, "style", &["bullet", "ordered"]);
            check.integer(at, value, "indent", 0, 8);
            check.integer(at, value, "offset", 0, u64::from(u32::MAX));
            for (place, item) in check.items(at, value, "elements", 1, 1000) {
                if check.kind(&place, item) == Some("rich_text_section") {
                    container(check, &place, item);
                } else {
                    check.fail(&place, "a list holds rich_text_section elements only");
                }
            }
            return;
        }
        Some(other) => {
            check.fail(at, format!("unsupported type: {other}"));
            return;
        }
        None => return,
    };
    check.object(at, value, &["type", "elements"], optional);
    check.integer(at, value, "border", 0, 1);
    for (place, leaf) in check.items(at, value, "elements", 0, 1000) {
        inline(check, &place, leaf);
    }
}

fn inline(check: &mut Check, at: &str, value: &Value) {
    let (required, optional): (&[&str], &[&str]) = match check.kind(at, value) {
        Some("text") => (&["type", "text"], &["style"]),
        Some("link") => (&["type", "url"], &["text", "unsafe", "style"]),
        Some("user") => (&["type", "user_id"], &["style"]),
        Some("channel") => (&["type", "channel_id"], &["style"]),
        Some("usergroup") => (&["type", "usergroup_id"], &["style"]),
        Some("emoji") => (&["type", "name"], &["unicode", "url", "skin_tone", "style"]),
        Some("broadcast") => (&["type", "range"], &["style"]),
        Some("color") => (&["type", "value"], &["style"]),
        Some("date") => (
            &["type", "timestamp", "format"],
            &["url", "fallback", "style"],
        ),
        Some(other) => {
            check.fail(at, format!("unsupported type: {other}"));
            return;
        }
        None => return,
    };
    check.object(at, value, required, optional);
    check.counted_string(at, value, "text", 1, 12_000);
    check.one_of(at, value, "range", &["here", "channel", "everyone"]);
    if let Some(style) = value.get("style") {
        let place = format!("{at}/style");
        let styles = [
            "bold",
            "italic",
            "strike",
            "code",
            "underline",
            "highlight",
            "client_highlight",
            "unlink",
        ];
        check.object(&place, style, &[], &styles);
        for name in styles {
            check.boolean(&place, style, name);
        }
    }
}
