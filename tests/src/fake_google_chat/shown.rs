//! A message as a person sees it.

use serde_json::Value;

use crate::provider::Shown;

/// A message as a person sees it.
pub(super) fn shown(message: &Value) -> Shown {
    let mut shown = Shown::default();
    let text = message["text"].as_str().unwrap_or_default();
    shown.text = chat_text(text, &mut shown.links);
    for card in message["cardsV2"].as_array().into_iter().flatten() {
        look(&card["card"], &mut shown);
    }
    look(&message["accessoryWidgets"], &mut shown);
    shown
}

/// Text with Google Chat's markup, without its links' addresses and characters that are not seen.
fn chat_text(text: &str, links: &mut Vec<(String, String)>) -> String {
    let mut read = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        read.push_str(&rest[..at]);
        let link = rest[at + 1..]
            .split_once('>')
            .filter(|(inside, _)| inside.starts_with("http"));
        if let Some((inside, after)) = link {
            let (url, label) = inside.split_once('|').unwrap_or((inside, inside));
            links.push((label.to_owned(), url.to_owned()));
            read.push_str(label);
            rest = after;
        } else {
            read.push('<');
            rest = &rest[at + 1..];
        }
    }
    read.push_str(rest);
    read.replace('\u{2060}', "")
}

fn look(value: &Value, shown: &mut Shown) {
    if let Some(list) = value.as_array() {
        for value in list {
            look(value, shown);
        }
        return;
    }
    let Some(object) = value.as_object() else {
        return;
    };
    if let Some(click) = object.get("onClick") {
        let label = value["text"].as_str().unwrap_or_default().to_owned();
        match click["openLink"]["url"].as_str() {
            Some(url) => shown.links.push((label, url.to_owned())),
            None if value["disabled"] == true => add(&label, shown),
            None => shown.buttons.push(label),
        }
        return;
    }
    if let Some(url) = value["imageUrl"].as_str() {
        shown.files.push(url.to_owned());
        return;
    }
    if let Some(text) = value["textParagraph"]["text"].as_str() {
        let text = card_text(text, &mut shown.links);
        add(&text, shown);
        return;
    }
    for name in ["label", "hintText"] {
        if let Some(text) = value[name].as_str() {
            add(text, shown);
        }
    }
    if let Some(items) = value["items"].as_array() {
        let items = items.iter().filter_map(|item| item["text"].as_str());
        items.for_each(|item| add(item, shown));
        return;
    }
    object.values().for_each(|value| look(value, shown));
}

fn add(text: &str, shown: &mut Shown) {
    if !shown.text.is_empty() {
        shown.text.push('\n');
    }
    shown.text.push_str(text);
}

/// The text of a card without its tags.
fn card_text(html: &str, links: &mut Vec<(String, String)>) -> String {
    let unescaped = |text: &str| {
        let text = text.replace("&lt;", "<").replace("&gt;", ">");
        text.replace("&quot;", "\"").replace("&amp;", "&")
    };
    let mut text = String::new();
    let mut link: Option<(String, usize)> = None;
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(&unescaped(before));
        let (tag, after) = after.split_once('>').unwrap_or((after, ""));
        if tag == "br" {
            text.push('\n');
        } else if let Some(url) = tag.strip_prefix("a href=\"") {
            link = Some((unescaped(url.trim_end_matches('"')), text.len()));
        } else if tag == "/a"
            && let Some((url, from)) = link.take()
        {
            links.push((text[from..].to_owned(), url));
        }
        rest = after;
    }
    text.push_str(&unescaped(rest));
    text
}
