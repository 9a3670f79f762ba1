//! The fake as the suites know it.

use http::Method;
use jiff::Timestamp;
use serde_json::Value;

use super::{FakeTelegram, Message, SentMessage};
use crate::faults::{Calls, Fault, Server};
use crate::provider::{FakeProvider, Request, Shown, Step};

/// The header that shows who sends (<https://core.telegram.org/bots/api#setwebhook>).
const SECRET_TOKEN: &str = "x-telegram-bot-api-secret-token";

impl FakeTelegram {
    /// The request that brings an update to the bridge.
    ///
    /// # Panics
    /// Before [`FakeProvider::set_webhook`].
    #[must_use]
    pub fn request(&self, update: &Value) -> Request {
        let url = self.state.read(|store| store.webhook_url.clone());
        http::Request::builder()
            .method(Method::POST)
            .uri(url)
            .header("content-type", "application/json")
            .header(SECRET_TOKEN, &self.state.secret)
            .body(update.to_string().into_bytes())
            .expect("a request")
    }

    /// The messages of the bot in the user's private chat.
    fn to_user(&self, user: &str) -> Vec<Message> {
        self.messages(id(user))
    }

    /// The label of the newest button that this is true of.
    fn label(&self, user: &str, is_meant: impl Fn(&str) -> bool) -> Option<String> {
        let messages = self.to_user(user);
        let labels = messages.iter().rev().flat_map(Message::buttons);
        labels.into_iter().find(|label| is_meant(label))
    }
}

/// A user's id as a number.
fn id(user: &str) -> i64 {
    user.parse().expect("a user's id")
}

impl FakeProvider for FakeTelegram {
    fn connection(&self) -> &str {
        &self.state.connection
    }

    fn toml(&self, base_url: &str) -> String {
        format!(
            "type = \"telegram\"\nbot_token = \"{}\"\nsecret_tokens = [\"{}\"]\napi_base_url = \"{base_url}\"\n",
            self.state.token, self.state.secret
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
        // More than 32 bits: "may have more than 32 significant bits"
        // (<https://core.telegram.org/bots/api#user>).
        (7_000_000_000 + number).to_string()
    }

    fn say(&self, user: &str, text: &str) -> Request {
        self.request(&self.said(&SentMessage::new(id(user), text)))
    }

    fn tap(&self, user: &str, label: &str) -> Request {
        self.request(&self.tapped(id(user), id(user), label))
    }

    fn attach(&self, user: &str, name: &str, mime_type: &str, content: &[u8]) -> Option<Request> {
        let file = self.add_document(name, mime_type, content.to_vec(), None);
        Some(self.request(&self.said(&SentMessage::new(id(user), "").with_file(&file))))
    }

    /// The questions of a form come one after the other, and are answered in the chat.
    fn fill(&self, user: &str, answers: &[(&str, &str)], sent: usize) -> Option<Step> {
        let Some((hint, answer)) = answers.get(sent) else {
            return Some(Step::Done);
        };
        let messages = self.to_user(user);
        let is_asked = messages.iter().any(|message| message.text.contains(hint));
        let is_option = self.label(user, |label| label == *answer);
        Some(match (is_asked, is_option) {
            (false, _) => Step::Wait,
            (true, Some(option)) => Step::Send(Box::new(self.tap(user, &option))),
            (true, None) => Step::Send(Box::new(self.say(user, answer))),
        })
    }

    fn rate(&self, user: &str, stars: u8) -> Option<Step> {
        let is_meant =
            |label: &str| match label.chars().find_map(|character| character.to_digit(10)) {
                Some(number) => number == u32::from(stars) && label.contains(['★', '⭐']),
                None => label.matches(['★', '⭐']).count() == usize::from(stars),
            };
        Some(match self.label(user, is_meant) {
            Some(label) => Step::Send(Box::new(self.tap(user, &label))),
            None => Step::Wait,
        })
    }

    /// Telegram sends a bot none of its own messages. Were it to, they would look like this.
    fn own(&self, user: &str) -> Vec<Request> {
        let messages = self.to_user(user);
        let own = messages.iter().map(|message| {
            let mut update = self.said(&SentMessage::new(id(user), &message.text));
            update["message"]["from"] = self.state.user(self.state.bot_id);
            self.request(&update)
        });
        own.collect()
    }

    fn signed_at(&self, _: &Request, _: Timestamp) -> Option<Request> {
        None
    }

    fn credentials(&self) -> &'static [&'static str] {
        &[SECRET_TOKEN]
    }

    fn signs_the_body(&self) -> bool {
        false
    }

    fn refusal(&self) -> Fault {
        Fault::Refused("403 Forbidden: bot was blocked by the user".to_owned())
    }

    /// A message has no key of ours, and a bot cannot ask what it has sent.
    fn may_show_twice(&self) -> bool {
        true
    }

    fn showing(&self, user: Option<&str>) -> Calls {
        let calls = Calls::to("/sendMessage");
        match user {
            Some(user) => calls.with(&format!("\"chat_id\":{user}")),
            None => calls,
        }
    }

    fn shown(&self, user: &str) -> Vec<Shown> {
        self.to_user(user).iter().map(Message::shown).collect()
    }

    fn refusals(&self) -> Vec<String> {
        let refusals = FakeTelegram::refusals(self);
        let one = refusals
            .iter()
            .map(|refusal| format!("{}: {}", refusal.method, refusal.description));
        one.collect()
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.state.token.clone(), self.state.secret.clone()]
    }
}
