//! The script of the demonstration: a menu that leads through every element of HSL.

use serde_json::{Value, json};

use super::{Bot, Reply, UserMessage, elements, manners, visible};
use crate::events::CompletedBy;

/// The scripted bot. "hi" or "help" shows a menu of all it can show, "more" one of how real accounts
/// behave; "agent" brings an agent, who
/// answers until somebody says "bye" or "done".
#[derive(Clone, Copy, Debug, Default)]
pub struct DemoBot;

impl Bot for DemoBot {
    fn answer(&self, message: &UserMessage) -> Vec<Reply> {
        if let Some(file) = &message.file {
            let size = file.size.div_ceil(1024);
            return vec![Reply::Text(format!(
                "I got your file {} ({size} KB).",
                file.name
            ))];
        }
        let said = visible(&message.text);
        let keyword = said.to_lowercase();
        match keyword.trim_matches(|c: char| !c.is_alphanumeric()) {
            "hi" | "hello" | "hey" | "help" | "menu" | "start" => vec![menu(message)],
            "agent" | "talk to an agent" | "human" => vec![
                Reply::Text("One moment, I am bringing somebody.".into()),
                Reply::AgentJoins { team_name: None },
                Reply::Text("Hello, how can I help you? Say *bye* when we are done.".into()),
            ],
            "bye" | "done" | "thanks" => vec![
                Reply::Text("Goodbye! Say hi whenever you want to see the menu again.".into()),
                Reply::Completes(CompletedBy::Bot),
            ],
            "show another quote" | "quote" => vec![Reply::Hsl(elements::quote())],
            "more" => vec![manners::menu()],
            word => {
                shown(word, &message.pictures).unwrap_or_else(|| vec![Reply::Text(echo(&said))])
            }
        }
    }

    fn agent_answer(&self, message: &UserMessage) -> Vec<Reply> {
        if let Some(file) = &message.file {
            return vec![Reply::Text(format!("Thank you, I have {} now.", file.name))];
        }
        let said = visible(&message.text);
        let keyword = said.to_lowercase();
        match keyword.trim_matches(|c: char| !c.is_alphanumeric()) {
            "bye" | "done" | "thanks" => vec![
                Reply::Text("Glad to help. Have a good day!".into()),
                Reply::Completes(CompletedBy::Agent),
            ],
            _ => vec![Reply::Text(format!("Let me look into that: “{said}”"))],
        }
    }
}

/// What one of the menus' words shows.
fn shown(word: &str, pictures: &str) -> Option<Vec<Reply>> {
    let mut elements = elements::ELEMENTS.iter();
    if let Some(element) = elements.find(|element| element.keyword == word) {
        let messages = (element.messages)(pictures);
        return Some(messages.into_iter().map(Reply::Hsl).collect());
    }
    let mut manners = manners::MANNERS.iter();
    let manner = manners.find(|manner| manner.keyword == word)?;
    Some((manner.replies)(pictures))
}

fn menu(message: &UserMessage) -> Reply {
    let name = message.name.as_deref().unwrap_or("there");
    let extra = [
        ("More: how accounts behave", "more"),
        ("Talk to an agent", "agent"),
        ("Goodbye", "bye"),
    ];
    let quick_replies: Vec<Value> = elements::ELEMENTS
        .iter()
        .map(|element| (element.label, element.keyword))
        .chain(extra)
        .map(|(label, keyword)| elements::quick_reply(label, keyword, ""))
        .collect();
    Reply::Hsl(json!({
        "text": format!(
            "Hi {name}, I am *gogo*, the simulated bot. 👋\nTap what you want to see, or write something."
        ),
        "type": "TEXT",
        "data": {"quick_replies": quick_replies},
    }))
}

/// The answer to anything that is no keyword; a submitted form is recognised by its lines.
fn echo(said: &str) -> String {
    let fields: Vec<_> = said
        .lines()
        .filter_map(|line| line.split_once(": "))
        .collect();
    match fields.as_slice() {
        [(hint, name), rest @ ..] if *hint == "Name" && !rest.is_empty() => format!(
            "Thank you, {name}. I have noted {} answers from your form.",
            fields.len()
        ),
        _ if said.is_empty() => "I got a message without words.".to_owned(),
        _ => format!("You said: {said}"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn said(text: &str) -> UserMessage {
        UserMessage {
            auth_id: "u1".into(),
            user_name: "hu1".into(),
            name: Some("Asha".into()),
            text: text.into(),
            file: None,
            business_id: 343,
            message_id: 1,
            at: Timestamp::UNIX_EPOCH,
            pictures: "http://127.0.0.1:1/_simulator/images".into(),
        }
    }

    fn only_hsl(replies: Vec<Reply>) -> Vec<Value> {
        replies
            .into_iter()
            .filter_map(|reply| match reply {
                Reply::Hsl(hsl) => Some(hsl),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn every_entry_of_the_menu_is_answered_and_not_echoed() {
        let menu = only_hsl(DemoBot.answer(&said("Hi!")));
        let entries = menu[0]["data"]["quick_replies"]
            .as_array()
            .expect("quick replies");
        assert_eq!(entries.len(), elements::ELEMENTS.len() + 3);
        for entry in entries {
            let keyword = entry["payload"]["message"].as_str().expect("a message");
            for reply in DemoBot.answer(&said(keyword)) {
                if let Reply::Text(text) = reply {
                    assert!(!text.starts_with("You said"), "{keyword} is echoed");
                }
            }
        }
    }

    #[test]
    fn every_entry_of_the_second_menu_does_something_and_is_not_echoed() {
        let menu = only_hsl(DemoBot.answer(&said("more")));
        let entries = menu[0]["data"]["quick_replies"]
            .as_array()
            .expect("quick replies");
        assert_eq!(entries.len(), manners::MANNERS.len());
        for entry in entries {
            let keyword = entry["payload"]["message"].as_str().expect("a message");
            let replies = DemoBot.answer(&said(keyword));
            assert!(!replies.is_empty(), "{keyword}");
            for reply in replies {
                if let Reply::Text(text) = reply {
                    assert!(!text.starts_with("You said"), "{keyword} is echoed");
                }
            }
        }
    }

    #[test]
    fn every_type_of_the_message_language_is_shown() {
        let shown: String = elements::ELEMENTS
            .iter()
            .flat_map(|element| (element.messages)("http://x"))
            .map(|hsl| hsl.to_string().replace("\\\"", "\""))
            .collect();
        for expected in [
            "TEXT",
            "BUTTON",
            "CAROUSEL",
            "FORM",
            "NATIVE_ACTION",
            "SILENT",
            "SYSTEM",
            "TAB_LIST",
            "RECEIPT",
            "APP_FEEDBACK",
            "MESSAGE_BAR",
            "SHARE",
            "LINK",
            "CALL",
            "SEND_LOCATION",
            "GALLERY_PICKER",
            "IMAGE_UPLOAD",
            "DOCUMENT_PICKER",
            "CAROUSEL_DETAIL",
            "FORM_SHOW",
            "SAVED_ADDRESSES",
            "LAUNCH_CHANNEL",
            "SELF_SERVE_WEB",
            "CAROUSEL_DEFAULT",
            "SEND_MULTIPLE_LOCATIONS",
            "SHARE_RECEIPT",
            "SHARE_REFERRAL",
            "TAB_LIST_TEXT_ONLY",
        ] {
            assert!(
                shown.contains(&format!("\"{expected}\"")),
                "{expected} is missing"
            );
        }
    }

    #[test]
    fn a_machine_part_is_understood_and_a_form_is_thanked_for() {
        let quote = only_hsl(DemoBot.answer(&said("Show another quote{task}")));
        assert_eq!(quote[0]["type"], "TEXT");
        assert_eq!(
            echo("Name: Asha\nCity: Pune"),
            "Thank you, Asha. I have noted 2 answers from your form."
        );
        assert_eq!(echo("what: ever"), "You said: what: ever");
    }
}
