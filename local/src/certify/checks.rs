//! The checks, each for one thing that an application can do wrong.

mod forged;
mod mistakes;
mod rough;
mod twice;

use std::pin::Pin;

use futures_util::future::join_all;
use haptik_bridge_shared::net::CallErrorKind;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::events;
use super::target::{Answer, Signed, Target};

/// The check of the order.
pub(super) const ORDER: &str = "order";
/// The check of what comes again when much has come in between.
const LATER: &str = "doubled-later";

/// Those whose answers are not the whole of it: what counts is what the application has taken.
const EFFECTS: [&str; 10] = [
    "together",
    "doubled",
    "doubled-at-once",
    LATER,
    "alike",
    "ids",
    "forged-before",
    ORDER,
    "cut",
    "hung-up",
];

type Run = for<'a> fn(&'a Target) -> Pin<Box<dyn Future<Output = Check> + 'a>>;

/// All of them but [`answers`], without which the others say nothing.
pub(super) const ALL: &[Run] = &[
    |target| Box::pin(kinds(target)),
    |target| Box::pin(unknown_kind(target)),
    |target| Box::pin(unknown_keys(target)),
    |target| Box::pin(raw_body(target)),
    |target| Box::pin(rotation(target)),
    |target| Box::pin(forged::unsigned(target)),
    |target| Box::pin(forged::forged(target)),
    |target| Box::pin(forged::altered(target)),
    |target| Box::pin(forged::swapped(target)),
    |target| Box::pin(forged::nearly(target)),
    |target| Box::pin(forged::late(target)),
    |target| Box::pin(forged::early(target)),
    |target| Box::pin(clocks(target)),
    |target| Box::pin(together(target)),
    |target| Box::pin(twice::doubled(target)),
    |target| Box::pin(twice::doubled_at_once(target)),
    |target| Box::pin(twice::alike(target)),
    |target| Box::pin(twice::ids(target)),
    |target| Box::pin(twice::forged_before(target)),
    |target| Box::pin(order(target)),
    |target| Box::pin(rough::slow(target)),
    |target| Box::pin(rough::cut(target)),
    |target| Box::pin(rough::hung_up(target)),
    |target| Box::pin(rough::large(target)),
    |target| Box::pin(rough::oversized(target)),
    |target| Box::pin(twice::doubled_later(target)),
    |target| Box::pin(still_there(target)),
];

/// What follows where anything is taken.
const ANYBODY: &str = "whoever knows the URL can speak as the bot. Verify";

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// It works, and could be better.
    Doubtful,
    /// Something is lost, counted twice, or open to others.
    Wrong,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) weight: Weight,
    pub(super) text: String,
}

/// A check that was done.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) name: &'static str,
    /// What the application should do.
    pub(super) what: &'static str,
    pub(super) findings: Vec<Finding>,
    /// Its answers are right, and nobody has looked at what was taken.
    is_unseen: bool,
}

impl Check {
    fn new(name: &'static str, what: &'static str) -> Self {
        let findings = Vec::new();
        Self {
            name,
            what,
            findings,
            is_unseen: EFFECTS.contains(&name),
        }
    }

    pub(super) fn wrong(&mut self, text: impl Into<String>) {
        let text = text.into();
        let weight = Weight::Wrong;
        self.findings.push(Finding { weight, text });
    }

    fn doubtful(&mut self, text: impl Into<String>) {
        let text = text.into();
        let weight = Weight::Doubtful;
        self.findings.push(Finding { weight, text });
    }

    /// What was taken has been looked at.
    pub(super) fn is_seen(&mut self) {
        self.is_unseen = false;
    }

    /// Whether something is wrong.
    pub(super) fn failed(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.weight == Weight::Wrong)
    }

    /// One word for it.
    pub(super) fn outcome(&self) -> &'static str {
        match self.findings.iter().map(|finding| finding.weight).max() {
            None if self.is_unseen => "unseen",
            None => "ok",
            Some(Weight::Doubtful) => "warning",
            Some(Weight::Wrong) => "FAILED",
        }
    }

    /// As `--json` prints it.
    pub(super) fn to_json(&self) -> Value {
        let findings: Vec<_> = self.findings.iter().map(|finding| &finding.text).collect();
        json!({
            "check": self.name, "what": self.what, "outcome": self.outcome().to_lowercase(), "findings": findings,
        })
    }

    /// It should have been taken.
    fn taken(&mut self, what: &str, answer: &Answer) {
        let becomes = match answer {
            Answer::Status(status, _) if status.is_success() => return,
            Answer::Status(status, _) if status.is_redirection() => {
                "the bridge follows no redirect, and sends it again for a day"
            }
            Answer::Status(status, _)
                if CallErrorKind::of_status(status.as_u16()) == CallErrorKind::Refused =>
            {
                "the bridge gives the message up"
            }
            Answer::Status(..) | Answer::Nothing(_) => {
                "the bridge sends it again for a day, and the user's later messages wait behind it"
            }
        };
        self.wrong(format!("{what}: {answer}; {becomes}"));
    }

    /// It should have been refused, though nothing that can be verified came at all. Whoever breaks at it has refused it.
    fn refused_though_garbled(&mut self, what: &str, answer: &Answer) {
        match answer {
            Answer::Status(status, _) if status.is_server_error() => self.doubtful(format!(
                "{what}: {answer}; something in the application breaks at it. Answer 401"
            )),
            _ => self.refused(what, answer),
        }
    }

    /// It should have been refused, and so that it does no harm where it is the bridge's own.
    fn refused(&mut self, what: &str, answer: &Answer) {
        self.refused_or(what, answer, ANYBODY);
    }

    /// The same, with what follows where it is taken.
    fn refused_or(&mut self, what: &str, answer: &Answer, consequence: &str) {
        let Answer::Status(status, _) = answer else {
            return self.wrong(format!("{what}: {answer}; answer 401"));
        };
        match *status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {}
            status if status.is_success() => self.wrong(format!(
                "{what}: {answer}; {consequence}, and answer 401"
            )),
            status if status.is_client_error() => self.doubtful(format!(
                "{what}: {answer}; with 401 the bridge would send it again after a secret was mistyped, instead of giving it up"
            )),
            _ => self.wrong(format!(
                "{what}: {answer}; something in the application breaks at it. Answer 401"
            )),
        }
    }
}

/// A message that is taken once, and its answer.
async fn say(target: &Target, check: &'static str, how: &'static str) -> (Signed, Answer) {
    let mark = target.mark(check, 1, how);
    let signed = target.signed(&events::message(&target.user, &mark));
    let answer = target.post(&signed).await;
    (signed, answer)
}

/// The first one: what is right is taken, in time.
pub(super) async fn answers(target: &Target) -> Check {
    let mut check = Check::new(
        "answers",
        "takes a message, and says so with 2xx within 10 s",
    );
    let mark = target.mark("answers", 1, "a message");
    let event = events::message(&target.user, &mark);
    let mut signed = target.signed(&event);
    // One of four has neither, and is taken by who expects base64url.
    while !signed.signature.contains('+') || !signed.signature.contains('/') {
        signed = target.signed(&event);
    }
    let answer = target.post(&signed).await;
    check.taken("a message", &answer);
    let Answer::Status(status, rest) = answer else {
        return check;
    };
    if rest.after.as_secs() >= 3 {
        check.doubtful(format!(
            "it took {:.1} s until all of the answer was there: store the message, answer, and do the rest afterwards",
            rest.after.as_secs_f64()
        ));
    }
    if rest.is_large {
        check.doubtful(
            "the answer has a body of more than 64 kB: nobody reads it, and the connection is lost with it. Answer without one",
        );
    }
    if status.is_client_error() {
        mistakes::find(target, &mut check, status, rest).await;
    } else if !check.failed() {
        twice::begun(target).await;
    }
    check
}

async fn kinds(target: &Target) -> Check {
    let mut check = Check::new("kinds", "takes every kind of event");
    for (what, event) in events::of_each_kind(&target.user) {
        let answer = target.post(&target.signed(&event)).await;
        check.taken(what, &answer);
    }
    check
}

async fn unknown_kind(target: &Target) -> Check {
    let mut check = Check::new(
        "unknown-kind",
        "answers 2xx to a type that it does not know",
    );
    let event = events::of_an_unknown_kind(&target.user);
    let answer = target.post(&target.signed(&event)).await;
    check.taken("the type agent_typing, which there is not yet", &answer);
    check
}

async fn unknown_keys(target: &Target) -> Check {
    let mut check = Check::new("unknown-keys", "leaves out keys that it does not know");
    let mark = target.mark("unknown-keys", 1, "a message with keys that are not known");
    let event = events::with_unknown_keys(&target.user, &mark);
    let answer = target.post(&target.signed(&event)).await;
    check.taken("a message with keys that there are not yet", &answer);
    check
}

async fn raw_body(target: &Target) -> Check {
    let mut check = Check::new(
        "raw-body",
        "verifies the bytes that came, not what it read of them",
    );
    let mark = target.mark("raw-body", 1, "a message with spaces and escapes");
    let body = events::oddly_written(&target.user, &mark);
    let signed = target.signed_text(body, Timestamp::now().as_second());
    let answer = target.post(&signed).await;
    check.taken("a message with spaces and escapes of its own", &answer);
    let mark = target.mark("raw-body", 1, "a message in several scripts, with emoji");
    let text =
        format!("{mark} \u{e9} \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{4f60}\u{597d} \u{1f44b}\u{1f3fd}");
    let answer = target
        .post(&target.signed(&events::message(&target.user, &text)))
        .await;
    check.taken("a message in several scripts, with emoji", &answer);
    let mark = target.mark("raw-body", 1, "a message with control characters");
    let text = format!("{mark} \u{0}\t\u{1b}[1m\u{7f}\u{2028}");
    let answer = target
        .post(&target.signed(&events::message(&target.user, &text)))
        .await;
    check.taken("a message with control characters, U+0000 too", &answer);
    check
}

async fn rotation(target: &Target) -> Check {
    let mut check = Check::new("rotation", "looks for its signature among several");
    let two = |mark: &str| {
        let signed = target.signed(&events::message(&target.user, mark));
        let other = target.forged(&signed).signature;
        (signed, other)
    };
    let (mut signed, other) = two(&target.mark("rotation", 1, "a message that is signed twice"));
    signed.signature = format!("{other} {}", signed.signature);
    let answer = target.post(&signed).await;
    check.taken(
        "its signature stands second, as while a secret is changed",
        &answer,
    );
    let (mut signed, _) =
        two(&target.mark("rotation", 1, "a message with another kind of signature"));
    signed.signature = format!("v1a,AAAA {} v9,", signed.signature);
    let answer = target.post(&signed).await;
    check.taken(
        "beside it stand kinds of signatures that there are not yet",
        &answer,
    );
    check
}

async fn clocks(target: &Target) -> Check {
    let mut check = Check::new("clocks", "forgives clocks that differ by a minute");
    for away in [-60, 60] {
        let mark = target.mark("clocks", 1, "a message of a minute ago, or ahead");
        let body = events::message(&target.user, &mark).to_string();
        let signed = target.signed_text(body, Timestamp::now().as_second() + away);
        check.taken(
            &format!("a clock that is {away} s away"),
            &target.post(&signed).await,
        );
    }
    check
}

/// How many come together.
const TOGETHER: usize = 10;

/// Users are told side by side, and so are the lanes of one who writes by two connections.
async fn together(target: &Target) -> Check {
    let mut check = Check::new("together", "takes messages that come together");
    let signed = (0..TOGETHER).map(|_| {
        let mark = target.mark("together", 1, "one of ten messages that came together");
        target.signed(&events::message(&target.user, &mark))
    });
    let signed: Vec<_> = signed.collect();
    let answers = join_all(signed.iter().map(|signed| target.post(signed))).await;
    for (signed, answer) in signed.iter().zip(answers) {
        if answer.is_not_now() {
            let answer = target.post_again(signed).await;
            check.taken("one of ten that came together, and then once more", &answer);
        } else {
            check.taken("one of ten that came together", &answer);
        }
    }
    check
}

async fn order(target: &Target) -> Check {
    let mut check = Check::new(ORDER, "keeps messages in the order in which they came");
    for _ in 0..6 {
        let (_, answer) = say(target, ORDER, "one of six messages").await;
        check.taken("one of six messages", &answer);
    }
    check
}

async fn still_there(target: &Target) -> Check {
    let mut check = Check::new("still-there", "takes a message after all that");
    let (_, answer) = say(target, "still-there", "the last message").await;
    check.taken("a message", &answer);
    check
}
