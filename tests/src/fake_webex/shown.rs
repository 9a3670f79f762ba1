//! A message as a person sees it.

use serde_json::Value;

use crate::provider::Shown;

/// A message as a person sees it: beside a card, its text is not seen.
pub(super) fn shown(message: &Value) -> Shown {
    let mut shown = Shown::default();
    if let Some(attachments) = message["attachments"].as_array() {
        for attachment in attachments {
            look(&attachment["content"], &mut shown);
        }
    } else {
        let text = message["markdown"].as_str().or(message["text"].as_str());
        shown.text = markdown(text.unwrap_or_default(), &mut shown.links);
    }
    let files = message["files"].as_array().into_iter().flatten();
    let files = files.filter_map(|file| Some(file.as_str()?.to_owned()));
    shown.files.extend(files);
    shown
}

/// The objects of a card in their order, whatever holds them.
fn look(value: &Value, shown: &mut Shown) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| look(value, shown)),
        Value::Object(object) => match value["type"].as_str().unwrap_or_default() {
            "TextBlock" => {
                let text = value["text"].as_str().unwrap_or_default();
                let text = markdown(text, &mut shown.links);
                add(&text, shown);
            }
            "Image" => shown
                .files
                .push(value["url"].as_str().unwrap_or_default().to_owned()),
            "Action.Submit" => shown
                .buttons
                .push(value["title"].as_str().unwrap_or_default().to_owned()),
            "Action.OpenUrl" => shown.links.push((
                value["title"].as_str().unwrap_or_default().to_owned(),
                value["url"].as_str().unwrap_or_default().to_owned(),
            )),
            kind if kind.starts_with("Input.") => {
                for name in ["label", "placeholder"] {
                    if let Some(text) = value[name].as_str() {
                        add(text, shown);
                    }
                }
                let choices = value["choices"].as_array().into_iter().flatten();
                for choice in choices {
                    add(choice["title"].as_str().unwrap_or_default(), shown);
                }
            }
            _ => {
                for name in ["items", "columns", "body", "actions"] {
                    if let Some(inside) = object.get(name) {
                        look(inside, shown);
                    }
                }
            }
        },
        _ => {}
    }
}

fn add(text: &str, shown: &mut Shown) {
    if !shown.text.is_empty() {
        shown.text.push('\n');
    }
    shown.text.push_str(text);
}

/// Markdown without its marks and its links' addresses.
fn markdown(text: &str, links: &mut Vec<(String, String)>) -> String {
    let text = text.replace("  \n", "\n").replace("\n\n", "\n");
    let mut read = String::new();
    // Where the label of a link that is open begins.
    let mut label = None;
    let mut rest = text.as_str();
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        rest = match character {
            '\\' => match after.chars().next() {
                Some(escaped) => {
                    read.push(escaped);
                    &after[escaped.len_utf8()..]
                }
                None => after,
            },
            // In code everything is as it stands.
            '`' => match code(rest) {
                Some((inside, after)) => {
                    read.push_str(inside);
                    after
                }
                None => after,
            },
            '*' => after,
            '~' => after.strip_prefix('~').unwrap_or(after),
            '[' => {
                label = Some(read.len());
                after
            }
            ']' => match (label.take(), address(after)) {
                (Some(from), Some((url, after))) => {
                    links.push((read[from..].to_owned(), url.to_owned()));
                    after
                }
                _ => after,
            },
            '<' => {
                let link = after.split_once('>');
                let link = link.filter(|(url, _)| url.starts_with("http"));
                if let Some((url, _)) = link {
                    links.push((url.to_owned(), url.to_owned()));
                }
                read.push_str(link.map_or("<", |(url, _)| url));
                link.map_or(after, |(_, after)| after)
            }
            other => {
                read.push(other);
                after
            }
        };
    }
    read
}

/// What is in a span of code, and what follows it: it ends with as many marks as it begins with.
fn code(text: &str) -> Option<(&str, &str)> {
    let inside = text.trim_start_matches('`');
    let count = text.len() - inside.len();
    let mut at = 0;
    loop {
        let from = at + inside.get(at..)?.find('`')?;
        let marks = inside[from..].len() - inside[from..].trim_start_matches('`').len();
        if marks == count {
            return Some((&inside[..from], &inside[from + marks..]));
        }
        at = from + marks;
    }
}

/// The address behind a label, and what follows it.
fn address(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('(')?;
    match inside.strip_prefix('<') {
        Some(inside) => inside.split_once(">)"),
        None => inside.split_once(')'),
    }
}
