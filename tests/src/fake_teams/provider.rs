//! The fake as the suites know it.

use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{APP, FakeTeams, SECRET, TENANT, shown};
use crate::faults::{Calls, Fault, Server};
use crate::provider::{FakeProvider, Request, Shown, Step};

impl FakeTeams {
    /// The newest button that this is true of, and its activity.
    fn button(&self, user: &str, is_meant: impl Fn(&str) -> bool) -> Option<(Value, Value)> {
        let activities = self.activities(&self.personal(user));
        activities.into_iter().rev().find_map(|activity| {
            let mut found = Vec::new();
            collect(
                &activity,
                &|element| element["type"] == "Action.Submit",
                &mut found,
            );
            let mut newest = found.into_iter().rev();
            let button =
                newest.find(|button| is_meant(button["title"].as_str().unwrap_or_default()))?;
            Some((activity, button))
        })
    }

    /// What a tap brings.
    fn tapped(&self, user: &str, activity: &Value, button: &Value, inputs: &Value) -> Request {
        let mut value = button["data"].clone();
        for (name, input) in inputs.as_object().into_iter().flatten() {
            value[name] = input.clone();
        }
        let id = format!("f:{}", self.state.next_id());
        let fields = json!({"id": id, "replyToId": activity["id"], "value": value});
        self.request(&self.activity(user, &fields))
    }
}

/// What of a value this is true of, in order.
fn collect(value: &Value, is_meant: &dyn Fn(&Value) -> bool, found: &mut Vec<Value>) {
    if is_meant(value) {
        found.push(value.clone());
        return;
    }
    match value {
        Value::Object(object) => object
            .values()
            .for_each(|value| collect(value, is_meant, found)),
        Value::Array(list) => list
            .iter()
            .for_each(|value| collect(value, is_meant, found)),
        _ => {}
    }
}

/// What is filled in when the inputs with these labels have these answers; `None` when one is missing.
fn filled_in(activity: &Value, answers: &[(&str, &str)]) -> Option<Value> {
    let mut inputs = Vec::new();
    collect(
        activity,
        &|element| element["label"].is_string(),
        &mut inputs,
    );
    let mut filled = json!({});
    for (label, answer) in answers {
        let input = inputs.iter().find(|input| input["label"] == *label)?;
        let value = match input["choices"].as_array() {
            Some(choices) => {
                let choice = choices.iter().find(|choice| choice["title"] == *answer)?;
                choice["value"].clone()
            }
            None => (*answer).into(),
        };
        filled[input["id"].as_str()?] = value;
    }
    Some(filled)
}

impl FakeProvider for FakeTeams {
    fn connection(&self) -> &'static str {
        "acme-teams"
    }

    fn toml(&self, base_url: &str) -> String {
        self.state
            .change(|store| base_url.clone_into(&mut store.base_url));
        format!(
            "type = \"teams\"\napp_id = \"{APP}\"\ntenant_id = \"{TENANT}\"\nclient_secret = \"{SECRET}\"\n\
             openid_url = \"{base_url}/openid\"\ntoken_url = \"{base_url}/token\"\n\
             service_urls = [\"{}\"]\n",
            self.server.origin()
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
        format!("00000000-1111-2222-3333-{number:012}")
    }

    fn say(&self, user: &str, text: &str) -> Request {
        let text = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let html = json!([{"contentType": "text/html", "content": format!("<p>{text}</p>")}]);
        let fields = json!({"text": text, "textFormat": "plain", "attachments": html});
        self.request(&self.activity(user, &fields))
    }

    fn tap(&self, user: &str, label: &str) -> Request {
        let (activity, button) = self
            .button(user, |found| found == label)
            .unwrap_or_else(|| panic!("no button {label}\n{}", self.report()));
        self.tapped(user, &activity, &button, &json!({}))
    }

    fn attach(&self, user: &str, name: &str, _: &str, content: &[u8]) -> Option<Request> {
        let path = format!("/files/{}", self.state.next_id());
        let url = format!("{}{path}", self.server.origin());
        let content = Bytes::copy_from_slice(content);
        self.state.change(|store| store.files.insert(path, content));
        let file = json!({
            "contentType": "application/vnd.microsoft.teams.file.download.info", "name": name,
            "contentUrl": "https://acme.sharepoint.example/for-people-only",
            "content": {"downloadUrl": url, "uniqueId": "1150D938", "fileType": "pdf"},
        });
        Some(self.request(&self.activity(user, &json!({"attachments": [file]}))))
    }

    fn fill(&self, user: &str, answers: &[(&str, &str)], sent: usize) -> Option<Step> {
        if sent > 0 {
            return Some(Step::Done);
        }
        let found = self.button(user, |label| label == "Send");
        let filled = found.and_then(|(activity, button)| {
            let inputs = filled_in(&activity, answers)?;
            let request = self.tapped(user, &activity, &button, &inputs);
            Some(Step::Send(Box::new(request)))
        });
        Some(filled.unwrap_or(Step::Wait))
    }

    fn rate(&self, user: &str, stars: u8) -> Option<Step> {
        let wanted = format!("{stars} ★");
        let found = self.button(user, |label| label == wanted);
        Some(found.map_or(Step::Wait, |(activity, button)| {
            let request = self.tapped(user, &activity, &button, &json!({}));
            Step::Send(Box::new(request))
        }))
    }

    /// Teams sends a bot none of its own messages. Were it to, they would look like this.
    fn own(&self, user: &str) -> Vec<Request> {
        let activities = self.activities(&self.personal(user));
        let own = activities.iter().map(|activity| {
            let from = json!({"id": format!("28:{APP}"), "name": "Help"});
            let fields = json!({"from": from, "id": activity["id"], "text": activity["text"]});
            self.request(&self.activity(user, &fields))
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
        Fault::Refused("403 MessageWritesBlocked".to_owned())
    }

    fn may_show_twice(&self) -> bool {
        true
    }

    fn showing(&self, user: Option<&str>) -> Calls {
        // The conversation's id is a segment of the path, where a colon is `%3A`.
        let path = user.map_or("/activities".to_owned(), |user| {
            format!("a%3A{user}/activities")
        });
        // "typing…" is an activity too.
        Calls::to(&path)
            .by(Method::POST)
            .with(r#""type":"message""#)
    }

    fn shown(&self, user: &str) -> Vec<Shown> {
        let activities = self.activities(&self.personal(user));
        activities.iter().map(shown::shown).collect()
    }

    fn refusals(&self) -> Vec<String> {
        self.state.read(|store| store.refusals.clone())
    }

    fn secrets(&self) -> Vec<String> {
        let given = self.state.read(|store| store.given_tokens.clone());
        given.into_iter().chain([SECRET.to_owned()]).collect()
    }
}
