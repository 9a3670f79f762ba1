//! The fake as the suites know it.

use http::Method;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::{AUDIENCE, FakeGoogleChat, Kind, PROJECT, shown, tokens};
use crate::fake_google_chat::events::SentMessage;
use crate::faults::{Calls, Fault, Server};
use crate::provider::{FakeProvider, Request, Shown, Step};

impl FakeGoogleChat {
    /// The newest button that this is true of, and its message.
    fn button(&self, user: &str, is_meant: impl Fn(&str) -> bool) -> Option<(Value, Value)> {
        let messages = self.messages(&self.direct(user));
        messages.into_iter().rev().find_map(|message| {
            let mut buttons = Vec::new();
            collect(&message, &mut buttons);
            let mut newest = buttons.into_iter().rev();
            let button = newest.find(|button| {
                let label = button["text"].as_str().unwrap_or_default();
                button["disabled"] != true
                    && button["onClick"]["action"].is_object()
                    && is_meant(label)
            })?;
            Some((message, button))
        })
    }
}

/// What is filled in when the inputs with these labels have these answers; `None` when one is missing.
fn filled_in(message: &Value, answers: &[(&str, &str)]) -> Option<Value> {
    let mut inputs = Vec::new();
    collect_inputs(message, &mut inputs);
    let filled = answers.iter().map(|(label, answer)| {
        let input = inputs.iter().find(|input| input["label"] == *label)?;
        let value = match (input["type"].as_str(), input["items"].as_array()) {
            (_, Some(items)) => {
                let item = items.iter().find(|item| item["text"] == *answer)?;
                json!({"stringInputs": {"value": [item["value"]]}})
            }
            (Some("DATE_ONLY"), _) => {
                let date: Date = answer.parse().ok()?;
                let at = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
                let at = at.as_millisecond().to_string();
                json!({"dateInput": {"msSinceEpoch": at}})
            }
            _ => json!({"stringInputs": {"value": [answer]}}),
        };
        Some((input["name"].as_str()?.to_owned(), value))
    });
    let filled: Option<Map<String, Value>> = filled.collect();
    filled.map(Value::Object)
}

/// The buttons of a message, in order.
fn collect(value: &Value, buttons: &mut Vec<Value>) {
    match value {
        Value::Object(object) if object.contains_key("onClick") => buttons.push(value.clone()),
        Value::Object(object) => object.values().for_each(|value| collect(value, buttons)),
        Value::Array(list) => list.iter().for_each(|value| collect(value, buttons)),
        _ => {}
    }
}

fn collect_inputs(value: &Value, inputs: &mut Vec<Value>) {
    match value {
        Value::Object(object) if object.contains_key("label") => inputs.push(value.clone()),
        Value::Object(object) => object
            .values()
            .for_each(|value| collect_inputs(value, inputs)),
        Value::Array(list) => list.iter().for_each(|value| collect_inputs(value, inputs)),
        _ => {}
    }
}

impl FakeProvider for FakeGoogleChat {
    fn connection(&self) -> &str {
        &self.state.connection
    }

    fn toml(&self, base_url: &str) -> String {
        let audience = match self.state.kind {
            Kind::Chat => format!("audience = \"{AUDIENCE}\"\n"),
            Kind::AddOn => {
                format!("audience = \"{AUDIENCE}\"\nproject_number = \"{PROJECT}\"\n")
            }
            Kind::Project => format!("audience = \"{PROJECT}\"\n"),
        };
        format!(
            "type = \"google_chat\"\n{audience}service_account = '{}'\napi_base_url = \"{base_url}/v1\"\n\
             certs_url = \"{base_url}/certs\"\ntoken_url = \"{base_url}/token\"\n",
            tokens::account_file()
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
        format!("users/{}", 100_000_000_000_000_000_000 + number as u128)
    }

    fn say(&self, user: &str, text: &str) -> Request {
        self.request(&self.said(&SentMessage::new(user, text)))
    }

    fn tap(&self, user: &str, label: &str) -> Request {
        let (message, button) = self
            .button(user, |found| found == label)
            .unwrap_or_else(|| panic!("no button {label}\n{}", self.report()));
        self.request(&self.tapped(user, &message, &button, &json!({})))
    }

    fn attach(&self, user: &str, name: &str, mime_type: &str, content: &[u8]) -> Option<Request> {
        let file = self.add_file(name, mime_type, content);
        Some(self.request(&self.said(&SentMessage::new(user, "").with(file))))
    }

    fn fill(&self, user: &str, answers: &[(&str, &str)], sent: usize) -> Option<Step> {
        if sent > 0 {
            return Some(Step::Done);
        }
        let found = self.button(user, |label| label == "Send");
        let filled = found.and_then(|(message, button)| {
            let inputs = filled_in(&message, answers)?;
            let event = self.tapped(user, &message, &button, &inputs);
            Some(Step::Send(Box::new(self.request(&event))))
        });
        Some(filled.unwrap_or(Step::Wait))
    }

    fn rate(&self, user: &str, stars: u8) -> Option<Step> {
        let wanted = format!("{stars} ★");
        let found = self.button(user, |label| label == wanted);
        Some(found.map_or(Step::Wait, |(message, button)| {
            let event = self.tapped(user, &message, &button, &json!({}));
            Step::Send(Box::new(self.request(&event)))
        }))
    }

    /// Google sends an app none of its own messages. Were it to, they would look like this.
    fn own(&self, user: &str) -> Vec<Request> {
        let messages = self.messages(&self.direct(user));
        let own = messages.iter().map(|message| {
            let fields = json!({"space": self.space(user, None), "message": message});
            let mut event = self.event("MESSAGE", "messagePayload", user, &fields);
            let bot = json!({"name": super::APP, "type": "BOT"});
            if self.state.kind == Kind::AddOn {
                event["chat"]["user"] = bot;
            } else {
                event["user"] = bot;
            }
            self.request(&event)
        });
        own.collect()
    }

    /// A token is good for an hour, whenever in it it is shown.
    fn signed_at(&self, _: &Request, _: Timestamp) -> Option<Request> {
        None
    }

    fn credentials(&self) -> &'static [&'static str] {
        &["authorization"]
    }

    fn signs_the_body(&self) -> bool {
        false
    }

    fn refusal(&self) -> Fault {
        Fault::Refused("403 This Chat app is not a member of this space.".to_owned())
    }

    fn showing(&self, user: Option<&str>) -> Calls {
        let path = user.map_or("/messages".to_owned(), |user| {
            format!("{}/messages", self.direct(user))
        });
        Calls::to(&path).by(Method::POST)
    }

    fn shown(&self, user: &str) -> Vec<Shown> {
        let messages = self.messages(&self.direct(user));
        messages.iter().map(shown::shown).collect()
    }

    fn refusals(&self) -> Vec<String> {
        self.state.read(|store| store.refusals.clone())
    }

    fn secrets(&self) -> Vec<String> {
        let key = tokens::ACCOUNT_KEY.lines().nth(1).unwrap_or_default();
        let given = self.state.read(|store| store.given_tokens.clone());
        let others = [key.to_owned(), "eyJ-fake-system-id-token".to_owned()];
        given.into_iter().chain(others).collect()
    }
}
