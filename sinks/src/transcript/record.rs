//! What was said in a conversation, as the ledger has it: the messages that Haptik delivered, in the user's
//! lane towards the channel, and what the user said, in the lane towards Haptik.

use std::collections::BTreeMap;

use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::{AuthId, EntryKey};
use haptik_bridge_shared::key::KeyKind;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, Ledger, Payload, State};
use haptik_bridge_shared::message::completion::{APART_AT_MOST, CompletionKind};
use haptik_bridge_shared::message::handoff::WENT_BACK;
use haptik_bridge_shared::message::hsl::{Actionable, Effect, Element, Hsl};
use haptik_bridge_shared::message::{Attachment, KeyRef, SenderKind, UserAction};
use haptik_bridge_shared::table::TableError;
use jiff::Timestamp;

use crate::Delivery;

/// How many of a lane's last entries are looked through.
const MOST_ENTRIES: usize = 1_000;

/// Something that was said.
#[derive(Clone)]
pub(super) struct RecordedMessage {
    /// `user`, `bot` or the agent's name.
    pub(super) sender: String,
    /// The text, as people saw it but for machine parts; empty where there is none.
    pub(super) text: String,
    /// Pictures, links and files, a line each.
    pub(super) links: Vec<String>,
    /// When it was said.
    pub(super) at: Timestamp,
    /// Haptik's id of the message, where that is known.
    pub(super) message_id: Option<u64>,
}

/// Whom a transcript names as the user, and as the bot.
pub(super) const THE_USER: &str = "user";
const THE_BOT: &str = "bot";

impl RecordedMessage {
    /// Whether the user said it.
    pub(super) fn is_users(&self) -> bool {
        self.sender == THE_USER
    }

    /// All of it.
    pub(super) fn whole(&self) -> String {
        whole(&self.text, &self.links)
    }
}

/// All of a message: the text, then a line for each link.
pub(super) fn whole(text: &str, links: &[String]) -> String {
    let text = Some(text).filter(|text| !text.is_empty());
    let links = links.iter().map(String::as_str);
    text.into_iter().chain(links).collect::<Vec<_>>().join("\n")
}

/// What was said before an event, since `since` or, where that is not known, since the end of the
/// conversation before; in order of time.
pub(super) async fn of_conversation(
    ledger: &Ledger,
    delivery: &Delivery<'_>,
    since: Option<Timestamp>,
    until: Timestamp,
) -> Result<Vec<RecordedMessage>, TableError> {
    let Some(auth_id) = &delivery.event.auth_id else {
        return Ok(Vec::new());
    };
    let mut began = since;
    let (to_channel, to_haptik) = (
        Lane::Channel(auth_id.clone()),
        Lane::Haptik(auth_id.clone()),
    );
    let shown = ledger.newest(&to_channel, MOST_ENTRIES, |entry| {
        if since.is_none() && ends_earlier(entry, delivery) {
            began = began.max(Some(entry.at));
        }
        let is_message = matches!(entry.key.kind(), Some(KeyKind::Message { .. }));
        !(is_message && began.is_some_and(|began| entry.at < began))
    });
    let shown = shown.await?;
    let told = ledger.newest(&to_haptik, MOST_ENTRIES, |entry| {
        began.is_none_or(|began| entry.at >= began)
    });
    let told = told.await?;
    let during = |entry: &&Entry| entry.at <= until && began.is_none_or(|began| entry.at >= began);
    let offers = Offers::of(auth_id, &shown);
    let mut said: Vec<RecordedMessage> =
        shown.iter().filter(during).filter_map(of_haptik).collect();
    said.extend(
        told.iter()
            .filter(during)
            .flat_map(|entry| of_user(entry, &offers)),
    );
    // Stable: of one time, what Haptik said comes in the order of its ids.
    said.sort_by_key(|said| said.at);
    Ok(said)
}

/// Whether an entry tells of the end of an earlier conversation than the one of this event.
fn ends_earlier(entry: &Entry, delivery: &Delivery<'_>) -> bool {
    let Some(KeyKind::Completion { kind, .. }) = entry.key.kind() else {
        return false;
    };
    let at = delivery.event.timestamp.unwrap_or(delivery.received_at);
    let before = at.duration_since(entry.at);
    let is_pair = |own: CompletionKind| {
        own != kind && before <= jiff::SignedDuration::try_from(APART_AT_MOST).unwrap_or_default()
    };
    before.is_positive()
        && entry.key != *delivery.key
        && !delivery.event.completion().is_some_and(is_pair)
}

/// A message of Haptik's.
fn of_haptik(entry: &Entry) -> Option<RecordedMessage> {
    let (Payload::Webhook { body, .. }, Some(KeyKind::Message { id })) =
        (&entry.payload, entry.key.kind())
    else {
        return None;
    };
    let event = Event::read(body.as_bytes()).ok()?;
    let hsl = Hsl::read(&event.body);
    let sender = match event.sender.kind {
        SenderKind::Agent if !event.sender.name.trim().is_empty() => event.sender.name.clone(),
        SenderKind::Agent => "agent".to_owned(),
        SenderKind::Bot => THE_BOT.to_owned(),
    };
    Some(RecordedMessage {
        sender,
        text: text_of(&hsl),
        links: links_of(&hsl),
        at: event.timestamp.unwrap_or(entry.at),
        message_id: Some(id),
    })
}

/// The text of a message, and that of its cards.
pub(super) fn text_of(hsl: &Hsl) -> String {
    let cards: &[_] = match &hsl.element {
        Element::Carousel { items } => items,
        _ => &[],
    };
    let cards = cards.iter().map(|card| {
        let texts = [&card.title, &card.sub_title, &card.description];
        let texts = texts.map(|text| super::seen_of_others(text));
        let texts = texts.into_iter().filter(|text| !text.is_empty());
        texts.collect::<Vec<_>>().join(" – ")
    });
    let texts = std::iter::once(super::seen_of_others(&hsl.text)).chain(cards);
    let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    texts.join("\n")
}

/// The pictures of a message, and what its buttons open.
pub(super) fn links_of(hsl: &Hsl) -> Vec<String> {
    let cards: &[_] = match &hsl.element {
        Element::Carousel { items } => items,
        _ => &[],
    };
    let pictures = cards.iter().map(|card| card.thumbnail.clone());
    let details = hsl.actionables().flat_map(|button| &button.payload.images);
    let opened = hsl
        .actionables()
        .filter_map(|button| match button.effect() {
            Effect::Open { url, .. } => {
                Some(format!("{}: {url}", super::seen_of_others(&button.label())))
            }
            _ => None,
        });
    let mut links: Vec<String> = Vec::new();
    for link in pictures.chain(details.cloned()).chain(opened) {
        let link = link.trim().to_owned();
        if !link.is_empty() && !links.contains(&link) {
            links.push(link);
        }
    }
    links
}

/// What a user said: a text, then each file.
fn of_user(entry: &Entry, offers: &Offers) -> Vec<RecordedMessage> {
    let Payload::Inbound { inbound, .. } = &entry.payload else {
        return Vec::new();
    };
    // What never came to Haptik is in nobody's conversation.
    if entry.state != State::Delivered || entry.reason.as_deref() == Some(WENT_BACK) {
        return Vec::new();
    }
    let said = |text: String, links: Vec<String>| RecordedMessage {
        sender: THE_USER.to_owned(),
        text,
        links,
        at: inbound.at,
        message_id: None,
    };
    let text = |text: &str| Some(super::seen(text)).filter(|text| !text.is_empty());
    match &inbound.action {
        UserAction::Message {
            text: words,
            attachments,
        } => {
            let words = text(words).map(|text| said(text, Vec::new()));
            let first = usize::from(words.is_some());
            let files = (first..).zip(attachments).map(|(part, file)| {
                let taken = entry.file_urls.of_part(part);
                said(String::new(), vec![file_line(file, taken)])
            });
            words.into_iter().chain(files).collect()
        }
        UserAction::Choice { message, index } => {
            let chosen = offers.chosen(&message.auth_id, &message.key, *index);
            let chosen = chosen.as_deref().and_then(text);
            chosen
                .map(|text| said(text, Vec::new()))
                .into_iter()
                .collect()
        }
        UserAction::Handoff { says, .. } => {
            let says = says.iter().filter_map(|words| text(words));
            says.map(|text| said(text, Vec::new())).collect()
        }
        UserAction::Unresolved { .. }
        | UserAction::MoveToAgent { .. }
        | UserAction::ProfileChanged
        | UserAction::Feedback { .. } => Vec::new(),
    }
}

/// A file as a line: its name, and where it is: at Haptik, or else in the channel.
fn file_line(file: &Attachment, taken: Option<&str>) -> String {
    let url = taken.unwrap_or(&file.url).trim();
    match (file.name.trim(), url) {
        ("", "") => "📎 a file".to_owned(),
        (name, "") => format!("📎 {name}"),
        ("", url) => format!("📎 {url}"),
        (name, url) => format!("📎 {name}: {url}"),
    }
}

/// What the user was offered: the messages that can be tapped.
struct Offers<'a> {
    auth_id: &'a AuthId,
    messages: BTreeMap<&'a EntryKey, &'a str>,
}

impl<'a> Offers<'a> {
    fn of(auth_id: &'a AuthId, shown: &'a [Entry]) -> Self {
        let messages = shown.iter().filter_map(|entry| match &entry.payload {
            Payload::Webhook { body, .. } => Some((&entry.key, body.as_str())),
            _ => None,
        });
        Self {
            auth_id,
            messages: messages.collect(),
        }
    }

    /// What people saw the user say by a tap.
    fn chosen(&self, auth_id: &AuthId, message: &KeyRef, index: usize) -> Option<String> {
        if auth_id != self.auth_id {
            return None;
        }
        let body = match message {
            KeyRef::Key(key) => self.messages.get(key),
            KeyRef::KeyDigest(digest) => {
                let mut messages = self.messages.iter();
                let found = messages.find(|(key, _)| key.digest() == *digest);
                found.map(|(_, body)| body)
            }
        };
        let event = Event::read(body?.as_bytes()).ok()?;
        let hsl = Hsl::read(&event.body);
        match hsl.actionables().nth(index).map(Actionable::effect)? {
            Effect::Say(said)
            | Effect::Open {
                said: Some(said), ..
            } => Some(said.shown),
            _ => None,
        }
    }
}
