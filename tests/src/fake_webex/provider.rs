//! The fake as the suites know it.

use http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{BOT, FakeWebex, SECRET, TOKEN, shown};
use crate::faults::{Calls, Fault, Server};
use crate::provider::{FakeProvider, Request, Shown, Step};

impl FakeWebex {
    /// The newest button that this is true of, and its message.
    fn button(&self, user: &str, is_meant: impl Fn(&str) -> bool) -> Option<(Value, Value)> {
        let messages = self.messages(&Self::direct(user));
        messages.into_iter().rev().find_map(|message| {
            let mut buttons = Vec::new();
            collect(&message["attachments"], "Action.Submit", &mut buttons);
            let mut newest = buttons.into_iter().rev();
            let button =
                newest.find(|button| is_meant(button["title"].as_str().unwrap_or_default()))?;
            Some((message, button))
        })
    }

    /// What Webex sends when a button is tapped, with what is filled in.
    fn tapped(
        &self,
        user: &str,
        message: &Value,
        button: &Value,
        filled: Map<String, Value>,
    ) -> Request {
        let mut inputs = button["data"].as_object().cloned().unwrap_or_default();
        inputs.extend(filled);
        self.request(&self.submitted(user, message, &inputs))
    }
}

/// The objects of a type, in order.
fn collect(value: &Value, kind: &str, found: &mut Vec<Value>) {
    match value {
        Value::Object(object) => {
            let is_one = value["type"].as_str();
            if is_one.is_some_and(|is| is == kind || (kind.ends_with('.') && is.starts_with(kind)))
            {
                found.push(value.clone());
            } else {
                object
                    .values()
                    .for_each(|value| collect(value, kind, found));
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, kind, found)),
        _ => {}
    }
}

/// What is filled in when the inputs with these labels have these answers; `None` when one is missing.
fn filled_in(message: &Value, answers: &[(&str, &str)]) -> Option<Map<String, Value>> {
    let mut inputs = Vec::new();
    collect(&message["attachments"], "Input.", &mut inputs);
    let filled = answers.iter().map(|(label, answer)| {
        let input = inputs.iter().find(|input| input["label"] == *label)?;
        let value = match input["choices"].as_array() {
            Some(choices) => {
                let choice = choices.iter().find(|choice| choice["title"] == *answer)?;
                choice["value"].clone()
            }
            None => json!(answer),
        };
        Some((input["id"].as_str()?.to_owned(), value))
    });
    filled.collect()
}

impl FakeProvider for FakeWebex {
    fn connection(&self) -> &'static str {
        "acme-webex"
    }

    fn toml(&self, base_url: &str) -> String {
        format!(
            "type = \"webex\"\nbot_token = \"{TOKEN}\"\nwebhook_secrets = [\"{SECRET}\"]\n\
             api_base_url = \"{base_url}/v1\"\n"
        )
    }

    fn server(&self) -> &Server {
        &self.server
    }

    fn set_webhook(&self, url: &str) {
        self.state
            .change(|store| url.clone_into(&mut store.webhook_url));
    }

    fn user(&self, number: usize) -> String {
        format!("Y2lzUSER{number:06}")
    }

    fn say(&self, user: &str, text: &str) -> Request {
        self.request(&self.said(user, &Self::direct(user), &json!({"text": text})))
    }

    fn tap(&self, user: &str, label: &str) -> Request {
        let (message, button) = self
            .button(user, |found| found == label)
            .unwrap_or_else(|| panic!("no button {label}\n{}", self.report()));
        self.tapped(user, &message, &button, Map::new())
    }

    fn attach(&self, user: &str, name: &str, mime_type: &str, content: &[u8]) -> Option<Request> {
        let address = self.add_file(name, mime_type, content);
        let fields = json!({"files": [address]});
        Some(self.request(&self.said(user, &Self::direct(user), &fields)))
    }

    fn fill(&self, user: &str, answers: &[(&str, &str)], sent: usize) -> Option<Step> {
        if sent > 0 {
            return Some(Step::Done);
        }
        let found = self.button(user, |label| label == "Send");
        let filled = found.and_then(|(message, button)| {
            let inputs = filled_in(&message, answers)?;
            let request = self.tapped(user, &message, &button, inputs);
            Some(Step::Send(Box::new(request)))
        });
        Some(filled.unwrap_or(Step::Wait))
    }

    fn rate(&self, user: &str, stars: u8) -> Option<Step> {
        let wanted = format!("{stars} ★");
        let found = self.button(user, |label| label == wanted);
        Some(found.map_or(Step::Wait, |(message, button)| {
            let request = self.tapped(user, &message, &button, Map::new());
            Step::Send(Box::new(request))
        }))
    }

    /// Webex sends a bot its own messages too.
    fn own(&self, user: &str) -> Vec<Request> {
        let messages = self.messages(&Self::direct(user));
        let own = messages.iter().map(|message| {
            let data = json!({
                "id": message["id"], "roomId": message["roomId"], "roomType": "direct",
                "personId": BOT, "personEmail": "help@webex.bot", "created": message["created"],
            });
            self.request(&Self::hook("messages", "created", BOT, &data))
        });
        own.collect()
    }

    /// No time is signed.
    fn signed_at(&self, _: &Request, _: Timestamp) -> Option<Request> {
        None
    }

    fn signed(&self, request: &Request) -> Option<Request> {
        Some(self.request_of(request.body().clone()))
    }

    fn credentials(&self) -> &'static [&'static str] {
        &["x-spark-signature"]
    }

    fn refusal(&self) -> Fault {
        Fault::Refused("403 The bot is not a member of this room.".to_owned())
    }

    fn showing(&self, user: Option<&str>) -> Calls {
        let calls = Calls::to("/v1/messages").by(Method::POST);
        match user {
            Some(user) => calls.with(&format!("\"{}\"", Self::direct(user))),
            None => calls,
        }
    }

    fn shown(&self, user: &str) -> Vec<Shown> {
        let messages = self.messages(&Self::direct(user));
        messages.iter().map(shown::shown).collect()
    }

    fn refusals(&self) -> Vec<String> {
        self.state.read(|store| store.refusals.clone())
    }

    fn secrets(&self) -> Vec<String> {
        vec![TOKEN.to_owned(), SECRET.to_owned()]
    }
}
