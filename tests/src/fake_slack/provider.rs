//! Slack as one of the providers that every channel's tests run with.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Delivery, FakeSlack, Message, OpenView, client::sign};
use crate::faults::{Calls, Fault, Server};
use crate::provider::{FakeProvider, Request, Shown, Step};

/// The label of the button that opens a form.
const FORM: &str = "Fill in the form";

impl FakeSlack {
    fn request(&self, delivery: &Delivery) -> Request {
        let (headers, body) = self.client.signed_parts(delivery);
        let request = http::Request::post(self.site.webhook());
        let mut request = request.body(body).expect("the webhook is a URL");
        *request.headers_mut() = headers;
        request
    }

    /// The newest message to a user that `has` what is looked for.
    fn newest(&self, user: &str, has: impl Fn(&Message) -> bool) -> Option<Message> {
        let messages = self.messages(&self.dm_channel(user));
        messages.into_iter().rfind(has)
    }
}

impl FakeProvider for FakeSlack {
    fn connection(&self) -> &'static str {
        "acme-slack"
    }

    fn toml(&self, base_url: &str) -> String {
        let workspace = self.workspace();
        format!(
            "type = \"slack\"\nsigning_secrets = [\"{}\"]\nbot_token = \"{}\"\napi_base_url = \"{base_url}/api\"\n",
            workspace.signing_secret, workspace.bot_token,
        )
    }

    fn server(&self) -> &Server {
        &self.server
    }

    fn set_webhook(&self, url: &str) {
        self.site.set_webhook(url);
        self.set_redirect_url(&format!("{url}/oauth"));
    }

    fn user(&self, number: usize) -> String {
        format!("UCHAOS{number:05}")
    }

    fn say(&self, user: &str, text: &str) -> Request {
        self.request(&Delivery::of(&self.dm(user, text)))
    }

    fn tap(&self, user: &str, label: &str) -> Request {
        let is_button = |message: &Message| {
            let buttons = message.buttons();
            buttons.iter().any(|button| button.label == label)
        };
        if let Some(message) = self.newest(user, is_button) {
            let tap = FakeSlack::tap(self, &message, user, label);
            return self.request(&Delivery::of(&tap));
        }
        let message = self.newest(user, |message| {
            message.options().contains(&label.to_owned())
        });
        let message = message.unwrap_or_else(|| panic!("no {label:?}\n{}", self.report()));
        self.request(&Delivery::of(&self.choose(&message, user, label)))
    }

    fn attach(&self, user: &str, name: &str, mime_type: &str, content: &[u8]) -> Option<Request> {
        let file = self.add_file(name, mime_type, content.to_vec());
        let event = self.file_share(&self.dm_channel(user), user, "", &[file]);
        Some(self.request(&Delivery::of(&event)))
    }

    fn fill(&self, user: &str, answers: &[(&str, &str)], sent: usize) -> Option<Step> {
        let is_form = |message: &Message| {
            let buttons = message.buttons();
            buttons.iter().any(|button| button.label == FORM)
        };
        let next = match sent {
            0 if self.newest(user, is_form).is_some() => Some(FakeProvider::tap(self, user, FORM)),
            1 => self.opened_views().last().map(|view| {
                let inputs = inputs(view, answers);
                let values: Vec<_> = inputs
                    .iter()
                    .map(|(block, action, value)| (block.as_str(), action.as_str(), value.clone()))
                    .collect();
                self.request(&Delivery::of(&self.submit_view(view, user, &values)))
            }),
            0 => None,
            _ => return Some(Step::Done),
        };
        Some(next.map_or(Step::Wait, |request| Step::Send(Box::new(request))))
    }

    fn rate(&self, user: &str, stars: u8) -> Option<Step> {
        let label = format!("{stars} ★");
        let is_rating = |message: &Message| {
            let buttons = message.buttons();
            buttons.iter().any(|button| button.label == label)
        };
        Some(match self.newest(user, is_rating) {
            Some(_) => Step::Send(Box::new(FakeProvider::tap(self, user, &label))),
            None => Step::Wait,
        })
    }

    /// With another `event_id`, as when two events tell of one message.
    fn again(&self, request: &Request) -> Request {
        let mut again = request.clone();
        if let Ok(mut event) = serde_json::from_slice::<Value>(request.body()) {
            event["event_id"] = json!("EvAGAIN");
            *again.body_mut() = event.to_string().into_bytes();
        }
        let mut again = self.signed_at(&again, Timestamp::now()).unwrap_or(again);
        let headers = again.headers_mut();
        headers.insert("x-slack-retry-num", 1.into());
        let reason = http::HeaderValue::from_static("http_timeout");
        headers.insert("x-slack-retry-reason", reason);
        again
    }

    fn own(&self, user: &str) -> Vec<Request> {
        let messages = self.messages(&self.dm_channel(user));
        let echoes = messages.iter().map(|message| self.echo(message));
        echoes
            .map(|echo| self.request(&Delivery::of(&echo)))
            .collect()
    }

    fn signed_at(&self, request: &Request, at: Timestamp) -> Option<Request> {
        let seconds = at.as_second().to_string();
        let signature = sign(&self.workspace().signing_secret, &seconds, request.body());
        let mut signed = request.clone();
        for (name, value) in [
            ("x-slack-request-timestamp", seconds),
            ("x-slack-signature", signature),
        ] {
            let value = value.parse().expect("text");
            signed.headers_mut().insert(name, value);
        }
        Some(signed)
    }

    fn credentials(&self) -> &'static [&'static str] {
        &["x-slack-signature", "x-slack-request-timestamp"]
    }

    fn refusal(&self) -> Fault {
        Fault::Refused("is_archived".to_owned())
    }

    fn showing(&self, user: Option<&str>) -> Calls {
        let calls = Calls::to("/api/chat.postMessage");
        match user {
            Some(user) => calls.with(&self.dm_channel(user)),
            None => calls,
        }
    }

    fn shown(&self, user: &str) -> Vec<Shown> {
        let messages = self.messages(&self.dm_channel(user));
        messages.iter().map(shown).collect()
    }

    fn refusals(&self) -> Vec<String> {
        let refusals = FakeSlack::refusals(self).into_iter();
        refusals.map(|refusal| format!("{refusal:?}")).collect()
    }

    fn secrets(&self) -> Vec<String> {
        let workspace = self.workspace();
        vec![
            workspace.signing_secret.clone(),
            workspace.bot_token.clone(),
        ]
    }
}

fn shown(message: &Message) -> Shown {
    let (mut buttons, mut links) = (Vec::new(), Vec::new());
    for button in message.buttons() {
        match button.url {
            Some(url) => links.push((button.label, url)),
            None => buttons.push(button.label),
        }
    }
    buttons.extend(message.options());
    Shown {
        text: message.visible_text(),
        buttons,
        links,
        files: message.images(),
        sender: message.username.clone(),
    }
}

/// Block, action and value of each input of a modal, answered by its label.
fn inputs(view: &OpenView, answers: &[(&str, &str)]) -> Vec<(String, String, Value)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let blocks = view.view["blocks"].as_array().into_iter().flatten();
    let inputs = blocks.filter(|block| block["type"] == "input");
    let answered = inputs.filter_map(|block| {
        let label = text(&block["label"]["text"]);
        let (_, answer) = answers.iter().find(|(hint, _)| label.starts_with(hint))?;
        let element = &block["element"];
        let kind = text(&element["type"]);
        let option = json!({"text": {"type": "plain_text", "text": answer}, "value": answer});
        let value = match kind.as_str() {
            "static_select" => json!({"type": kind, "selected_option": option}),
            "multi_static_select" => json!({"type": kind, "selected_options": [option]}),
            "datepicker" => json!({"type": kind, "selected_date": answer}),
            "timepicker" => json!({"type": kind, "selected_time": answer}),
            _ => json!({"type": kind, "value": answer}),
        };
        Some((text(&block["block_id"]), text(&element["action_id"]), value))
    });
    answered.collect()
}
