//! The fake as the suites know it.

use http::Method;
use jiff::Timestamp;

use super::reports::{self, SIGNATURE};
use super::state::{File, Message, Reporting};
use super::{ACCOUNT, FakeTwilio, TOKEN};
use crate::faults::{Calls, Fault, Server};
use crate::provider::{FakeProvider, Reports, Request, Shown, Step};

impl FakeTwilio {
    /// The request that brings these fields to the bridge.
    ///
    /// # Panics
    /// Before [`FakeProvider::set_webhook`].
    #[must_use]
    pub fn request(&self, fields: &[(String, String)]) -> Request {
        reports::request(&self.state, fields)
    }

    /// The fields of a message of a user's, with these besides
    /// (<https://www.twilio.com/docs/messaging/guides/webhook-request>).
    #[must_use]
    pub fn said(&self, user: &str, text: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let sid = self.state.change(|store| store.next_sid("SM"));
        let sid = sid.as_str();
        let fields = [
            ("SmsMessageSid", sid),
            ("SmsSid", sid),
            ("SmsStatus", "received"),
            ("Body", text),
            ("To", self.state.sender),
            ("NumSegments", "1"),
            ("MessageSid", sid),
            ("AccountSid", ACCOUNT),
            ("From", user),
            ("ApiVersion", "2010-04-01"),
        ];
        let fields = fields.iter().chain(more);
        fields
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    /// What became of a message: `sent`, `delivered`, `undelivered`.
    #[must_use]
    pub fn reported(&self, sid: &str, to: &str, status: &str) -> Request {
        reports::reported(&self.state, sid, to, status)
    }

    /// The newest that can be chosen and whose label this is true of: what is said by choosing it.
    fn choice(&self, user: &str, is_meant: impl Fn(&str) -> bool) -> Option<Request> {
        let messages = self.messages(user);
        messages.iter().rev().find_map(|message| {
            let mut taps = message.choices.iter();
            if let Some((label, id)) = taps.find(|(label, _)| is_meant(label)) {
                let button = [
                    ("NumMedia", "0"),
                    ("MessageType", "button"),
                    ("ButtonText", label),
                    ("ButtonPayload", id),
                ];
                return Some(self.request(&self.said(user, label, &button)));
            }
            let mut lines = choices(&message.body);
            let (number, _) = lines.find(|(_, label)| is_meant(label))?;
            Some(self.say(user, number))
        })
    }
}

/// The lines of a text that can be chosen: their numbers and labels.
fn choices(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let (number, label) = line.split_once(". ")?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then_some((number, label))
    })
}

/// A message as a telephone shows it.
fn shown(message: &Message) -> Shown {
    let numbered = choices(&message.body).map(|(_, label)| label.to_owned());
    let taps = message.choices.iter().map(|(label, _)| label.clone());
    let labels = numbered.chain(taps);
    // A telephone makes links of what looks like one.
    let links = message.body.match_indices("http").filter_map(|(at, _)| {
        let rest = &message.body[at..];
        let is_part = |character: char| character.is_ascii_graphic() && character != ')';
        let end = rest
            .find(|character| !is_part(character))
            .unwrap_or(rest.len());
        let link = rest[..end].trim_end_matches(['.', ',']);
        let is_link = ["http://", "https://"]
            .iter()
            .any(|scheme| link.starts_with(scheme));
        is_link.then(|| (link.to_owned(), link.to_owned()))
    });
    Shown {
        text: message.body.clone(),
        buttons: labels.collect(),
        links: links.collect(),
        files: message.media.clone(),
        sender: None,
    }
}

impl FakeProvider for FakeTwilio {
    fn connection(&self) -> &str {
        self.state.connection
    }

    fn toml(&self, base_url: &str) -> String {
        self.state
            .change(|store| base_url.clone_into(&mut store.base_url));
        let sender = self.state.sender;
        let url = self.state.read(|store| store.webhook_url.clone());
        let public_url = match self.state.reporting {
            Reporting::Unasked => String::new(),
            Reporting::ByHand | Reporting::ByItself(_) => format!("public_url = \"{url}\"\n"),
        };
        format!(
            "type = \"twilio\"\naccount_sid = \"{ACCOUNT}\"\nauth_tokens = [\"{TOKEN}\"]\nfrom = \"{sender}\"\n\
             api_base_url = \"{base_url}\"\ncontent_base_url = \"{base_url}\"\n{public_url}"
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
        let prefix = self.state.sender.split('+').next().unwrap_or_default();
        format!("{prefix}+1555{:07}", 1_000_000 + number)
    }

    fn say(&self, user: &str, text: &str) -> Request {
        // Twilio keeps to it by itself.
        let word = text.to_ascii_uppercase();
        self.state.change(|store| match word.as_str() {
            "STOP" => store.stopped.insert(user.to_owned()),
            "START" | "UNSTOP" | "YES" => store.stopped.remove(user),
            _ => false,
        });
        self.request(&self.said(user, text, &[("NumMedia", "0")]))
    }

    /// Where there are no buttons the number of the line is typed.
    fn tap(&self, user: &str, label: &str) -> Request {
        self.choice(user, |found| found == label)
            .unwrap_or_else(|| panic!("no choice {label}\n{}", self.report()))
    }

    fn attach(&self, user: &str, _: &str, mime_type: &str, content: &[u8]) -> Option<Request> {
        let url = self.state.change(|store| {
            let (message, id) = (store.next_sid("MM"), store.next_sid("ME"));
            let file = File {
                mime_type: mime_type.to_owned(),
                content: content.to_vec(),
            };
            store.files.insert(id.clone(), file);
            let base_url = &store.base_url;
            format!("{base_url}/2010-04-01/Accounts/{ACCOUNT}/Messages/{message}/Media/{id}")
        });
        let media = [
            ("NumMedia", "1"),
            ("MediaUrl0", url.as_str()),
            ("MediaContentType0", mime_type),
        ];
        Some(self.request(&self.said(user, "", &media)))
    }

    /// The questions of a form come one after the other, and are answered in the chat.
    fn fill(&self, user: &str, answers: &[(&str, &str)], sent: usize) -> Option<Step> {
        let Some((hint, answer)) = answers.get(sent) else {
            return Some(Step::Done);
        };
        let messages = self.messages(user);
        let is_asked = messages.iter().any(|message| message.body.contains(hint));
        let option = self.choice(user, |label| label == *answer);
        let answer = || self.say(user, answer);
        Some(if is_asked {
            Step::Send(Box::new(option.unwrap_or_else(answer)))
        } else {
            Step::Wait
        })
    }

    fn rate(&self, user: &str, stars: u8) -> Option<Step> {
        let wanted = [format!("{stars} ★"), format!("{stars} of 5")];
        let choice = self.choice(user, |label| wanted.contains(&label.to_owned()));
        Some(choice.map_or(Step::Wait, |request| Step::Send(Box::new(request))))
    }

    /// Twilio tells what became of each.
    fn own(&self, user: &str) -> Vec<Request> {
        let messages = self.messages(user);
        let reports = messages.iter().flat_map(|message| {
            ["sent", "delivered"].map(|status| self.reported(&message.sid, user, status))
        });
        reports.collect()
    }

    fn signed_at(&self, _: &Request, _: Timestamp) -> Option<Request> {
        None
    }

    fn credentials(&self) -> &'static [&'static str] {
        &[SIGNATURE]
    }

    fn refusal(&self) -> Fault {
        Fault::Refused("21610".to_owned())
    }

    /// No request says when it was written, or which it is.
    fn says_when(&self) -> bool {
        false
    }

    fn reports(&self) -> Option<Reports> {
        let is_reporting = matches!(self.state.reporting, Reporting::ByItself(_));
        is_reporting.then(|| {
            self.state.read(|store| Reports {
                under_way: store.reports_under_way,
                of: store.reported.clone(),
            })
        })
    }

    /// A message has no key of ours.
    fn may_show_twice(&self) -> bool {
        true
    }

    fn showing(&self, user: Option<&str>) -> Calls {
        let calls = Calls::to("/Messages.json").by(Method::POST);
        match user {
            Some(user) => {
                let user = user.replace('+', "%2B").replace(':', "%3A");
                calls.with(&format!("To={user}"))
            }
            None => calls,
        }
    }

    fn shown(&self, user: &str) -> Vec<Shown> {
        self.messages(user).iter().map(shown).collect()
    }

    fn refusals(&self) -> Vec<String> {
        self.state.read(|store| store.refusals.clone())
    }

    fn secrets(&self) -> Vec<String> {
        vec![TOKEN.to_owned()]
    }
}
