//! An activity as a person sees it.

use serde_json::Value;

use crate::provider::Shown;

/// An activity as a person sees it.
pub(super) fn shown(activity: &Value) -> Shown {
    let mut shown = Shown::default();
    if let Some(text) = activity["text"].as_str() {
        add(text, &mut shown);
    }
    for attachment in activity["attachments"].as_array().into_iter().flatten() {
        look(&attachment["content"]["body"], &mut shown);
    }
    shown
}

fn look(value: &Value, shown: &mut Shown) {
    for element in value.as_array().into_iter().flatten() {
        let text = |name: &str| element[name].as_str().unwrap_or_default().to_owned();
        match element["type"].as_str().unwrap_or_default() {
            "TextBlock" => add(&text("text"), shown),
            "Image" => shown.files.push(text("url")),
            "Action.Submit" => shown.buttons.push(text("title")),
            "Action.OpenUrl" => shown.links.push((text("title"), text("url"))),
            kind if kind.starts_with("Input.") => {
                add(&text("label"), shown);
                for choice in element["choices"].as_array().into_iter().flatten() {
                    add(choice["title"].as_str().unwrap_or_default(), shown);
                }
            }
            _ => {
                look(&element["items"], shown);
                look(&element["actions"], shown);
            }
        }
    }
}

/// Markdown as it is seen: without marks, without the addresses of links.
fn add(markdown: &str, shown: &mut Shown) {
    if !shown.text.is_empty() {
        shown.text.push('\n');
    }
    let mut text = String::new();
    let mut label: Option<usize> = None;
    let mut characters = markdown.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(characters.next()),
            '*' | '~' | '`' | '\u{200b}' => {}
            '[' => label = Some(text.len()),
            ']' if characters.peek() == Some(&'(') => {
                characters.next();
                let url: String = characters
                    .by_ref()
                    .take_while(|next| *next != ')')
                    .collect();
                let from = label.take().unwrap_or_default();
                shown.links.push((text[from..].to_owned(), url));
            }
            other => text.push(other),
        }
    }
    shown.text.push_str(&text.replace("\n\n", "\n"));
}
