//! An application of one's own as one of the providers that every channel's tests run with.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;
use standardwebhooks::Webhook;

use super::{App, SECRET};
use crate::faults::{Calls, Fault, Server};
use crate::provider::{FakeProvider, Request, Shown, Step};

const CREDENTIALS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

impl App {
    /// Something that a user does, with the keys that every request has.
    fn does(&self, user: &str, action: &Value) -> Request {
        let number = self.inner.sent.fetch_add(1, Ordering::SeqCst);
        let mut body = json!({"id": format!("m-{number}"), "timestamp": Timestamp::now(), "user": {"id": user}});
        if let (Some(body), Some(action)) = (body.as_object_mut(), action.as_object()) {
            body.extend(action.clone());
        }
        let request = http::Request::post(self.webhook());
        let request = request.body(body.to_string().into_bytes());
        signed(&request.expect("the webhook is a URL"), Timestamp::now())
    }

    /// What the user got, oldest first, and what has a `webhook-id` that was there before once only: the
    /// application remembers them.
    fn told(&self, user: &str) -> Vec<Value> {
        let mut seen = HashSet::new();
        let callbacks = self.callbacks().into_iter();
        let new = callbacks.filter(|callback| seen.insert(callback.id.clone()));
        let bodies = new.map(|callback| callback.body);
        bodies.filter(|body| body["user"]["id"] == user).collect()
    }
}

/// The signature of a body, which need not be text as the official library has it.
fn signature(id: &str, seconds: i64, body: &[u8]) -> String {
    let key = SECRET.trim_start_matches("whsec_");
    let key = STANDARD.decode(key).expect("a secret");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any key");
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// A request as of a time, with the official library where it takes the body.
fn signed(request: &Request, at: Timestamp) -> Request {
    let (id, seconds) = ("msg_test", at.as_second());
    let webhook = Webhook::new(SECRET).expect("a secret");
    let signature = webhook
        .sign(id, seconds, request.body())
        .unwrap_or_else(|_| signature(id, seconds, request.body()));
    let mut signed = request.clone();
    for (name, value) in
        CREDENTIALS
            .into_iter()
            .zip([id.to_owned(), seconds.to_string(), signature])
    {
        signed
            .headers_mut()
            .insert(name, value.parse().expect("text"));
    }
    signed
}

impl FakeProvider for App {
    fn connection(&self) -> &'static str {
        "my-app"
    }

    fn toml(&self, base_url: &str) -> String {
        format!(
            "type = \"custom\"\nsigning_secrets = [\"{SECRET}\"]\ncallback_url = \"{base_url}/callback\"\n"
        )
    }

    fn server(&self) -> &Server {
        &self.server
    }

    fn set_webhook(&self, url: &str) {
        let mut webhook = self
            .inner
            .webhook
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        url.clone_into(&mut webhook);
    }

    fn user(&self, number: usize) -> String {
        format!("u-{number}")
    }

    fn say(&self, user: &str, text: &str) -> Request {
        self.does(user, &json!({"type": "message", "text": text}))
    }

    fn tap(&self, user: &str, label: &str) -> Request {
        let told = self.told(user);
        let actions = told
            .iter()
            .rev()
            .flat_map(|body| body["actions"].as_array().into_iter().flatten());
        let mut tapped = actions.filter(|action| action["label"] == label);
        let action = tapped
            .next()
            .unwrap_or_else(|| panic!("no {label:?} in {told:#?}"));
        self.does(user, &json!({"type": "action", "value": action["value"]}))
    }

    fn attach(&self, user: &str, name: &str, mime_type: &str, content: &[u8]) -> Option<Request> {
        let url = self.offer(name, mime_type, content);
        let file = json!({"url": url, "name": name, "mime_type": mime_type});
        Some(self.does(user, &json!({"type": "message", "attachments": [file]})))
    }

    /// What a form asks for is shown, and answered by a message.
    fn fill(&self, _: &str, _: &[(&str, &str)], _: usize) -> Option<Step> {
        None
    }

    fn rate(&self, user: &str, stars: u8) -> Option<Step> {
        let rating = json!({"type": "feedback", "rating": stars, "resolved": true});
        Some(Step::Send(Box::new(self.does(user, &rating))))
    }

    fn signed_at(&self, request: &Request, at: Timestamp) -> Option<Request> {
        Some(signed(request, at))
    }

    fn credentials(&self) -> &'static [&'static str] {
        &CREDENTIALS
    }

    fn refusal(&self) -> Fault {
        Fault::Refused("gone".to_owned())
    }

    fn showing(&self, user: Option<&str>) -> Calls {
        let calls = Calls::to("/callback");
        match user {
            Some(user) => calls.with(&format!("\"{user}\"")),
            None => calls,
        }
    }

    fn shown(&self, user: &str) -> Vec<Shown> {
        let told = self.told(user);
        told.iter().map(shown).collect()
    }

    fn refusals(&self) -> Vec<String> {
        self.undocumented()
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET.to_owned()]
    }
}

/// What an application shows of what it got.
fn shown(body: &Value) -> Shown {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
    let (mut buttons, mut links) = (Vec::new(), Vec::new());
    for action in list("actions") {
        match action["url"].as_str() {
            Some(url) => links.push((text(&action["label"]), url.to_owned())),
            None => buttons.push(text(&action["label"])),
        }
    }
    let sender = &body["sender"];
    let name = || text(&sender["name"]);
    let what = match body["type"].as_str() {
        Some("agent_joined") => format!("{} has joined", name()),
        Some("conversation_complete") => "The conversation is complete".to_owned(),
        _ => text(&body["text"]),
    };
    Shown {
        text: what,
        buttons,
        links,
        files: list("images").iter().map(text).collect(),
        sender: (sender["kind"] == "agent").then(name),
    }
}
