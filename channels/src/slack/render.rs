//! What is shown to a user → Block Kit (<https://docs.slack.dev/block-kit/>), one `chat.postMessage`
//! a part.
//!
//! A message is first a row of pieces: blocks, each with what it adds to the text that stands in for
//! the blocks in notifications and screen readers ([`piece`]). The pieces of what belongs together
//! (a card, the text) are a group. Groups are then packed into as few messages as Slack's limits allow
//! ([`pack`]). Nothing that can be seen is dropped, with one exception: a button's label above 75
//! characters ends in an ellipsis.

use serde_json::{Value, json};

use super::markup::{bold, mrkdwn, plain, web_address};
use super::split::split;
use super::{METADATA, limits};
use crate::channel::Part;
use haptik_bridge_shared::message::hsl::{Element, Hsl};
use haptik_bridge_shared::message::{Content, Outgoing, Sender, SenderKind};
use piece::Piece;

mod actions;
mod cards;
mod carousel;
mod fallback;
mod form;
mod pack;
mod piece;
mod simpler;

pub(super) use fallback::fallback;
pub(super) use piece::{context, text_object};
pub(super) use simpler::simpler;

/// What a connection may show that another may not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Agents appear under their own name and picture.
    pub(super) agent_identity: bool,
    /// Cards stand side by side.
    pub(super) carousels: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            agent_identity: true,
            carousels: true,
        }
    }
}

/// The requests that show something, in order: the bodies of `chat.postMessage` without the place.
pub(super) fn parts(outgoing: &Outgoing, style: Style) -> Vec<Part> {
    let is_agents = matches!(outgoing.content, Content::Message { .. })
        && outgoing.sender.kind == SenderKind::Agent;
    let identity = Identity::of(&outgoing.sender).filter(|_| style.agent_identity && is_agents);
    let messages = match &outgoing.content {
        Content::Message { hsl, .. } if hsl.element == Element::Silent => Vec::new(),
        Content::Message { hsl, .. } => {
            Renderer::new(outgoing, identity.is_some(), style.carousels).message(hsl)
        }
        Content::AgentJoined { team_name, notice } => {
            let sender = &outgoing.sender;
            let text = match mrkdwn(notice) {
                notice if sender.name.trim().is_empty() && !notice.trim().is_empty() => notice,
                _ => joined(&sender.name, team_name),
            };
            let picture = web_address(&sender.profile_image, limits::URL);
            pack::pack(vec![Piece::notices_with(
                &text,
                picture.as_deref(),
                &sender.name,
            )])
        }
        Content::ConversationComplete {
            completed_by,
            notice,
            ..
        } => match notice.trim() {
            // The bot completes its conversations all the time: only an agent's leaving is news.
            "" if completed_by == "bot" => Vec::new(),
            "" => notices("This conversation is complete."),
            notice => notices(&mrkdwn(notice)),
        },
    };
    messages
        .into_iter()
        .enumerate()
        .map(|(index, message)| Part {
            index,
            body: body(outgoing, index, message, identity.as_ref()),
        })
        .collect()
}

/// A message of an agent's own, as the bot says it: with the agent's name above it. `None` when it is
/// under nobody else's name.
pub(super) fn in_the_bots_name(body: &Value) -> Option<Value> {
    let mut body = body.clone();
    let fields = body.as_object_mut()?;
    let name = bold(fields.remove("username")?.as_str()?);
    fields.remove("icon_url");
    if let Some(blocks) = body.get_mut("blocks").and_then(Value::as_array_mut)
        && blocks.len() < limits::BLOCKS
    {
        blocks.insert(0, context(&name));
    }
    let text = body.get("text").and_then(Value::as_str).unwrap_or_default();
    body["text"] = format!("{name}\n{text}").into();
    Some(body)
}

/// Under which name and picture a message stands
/// (<https://docs.slack.dev/reference/methods/chat.postMessage#authorship>).
struct Identity {
    username: String,
    icon_url: Option<String>,
}

impl Identity {
    fn of(sender: &Sender) -> Option<Self> {
        let icon_url = web_address(&sender.profile_image, limits::URL);
        Some(Self {
            username: plain(&sender.name, limits::USERNAME)?,
            icon_url: icon_url.filter(|url| url.starts_with("https:")),
        })
    }
}

/// One message: its text, and its blocks if the text alone does not show it.
struct Message {
    text: String,
    blocks: Vec<Value>,
}

/// Renders one message; counts what must be unique in it.
struct Renderer<'a> {
    outgoing: &'a Outgoing,
    /// Whether the message stands under its sender's own name.
    is_under_own_name: bool,
    /// Whether cards may stand side by side.
    carousels: bool,
    /// The place of the next actionable in [`Hsl::actionables`].
    actionable: usize,
    /// The number of the next block of buttons.
    block: usize,
}

impl<'a> Renderer<'a> {
    fn new(outgoing: &'a Outgoing, is_under_own_name: bool, carousels: bool) -> Self {
        Self {
            outgoing,
            is_under_own_name,
            carousels,
            actionable: 0,
            block: 0,
        }
    }

    fn message(mut self, hsl: &Hsl) -> Vec<Message> {
        let text = mrkdwn(&hsl.text);
        let mut groups = match &hsl.element {
            Element::Text { quick_replies } => {
                vec![self.actionables(super::tap::REPLIES, quick_replies)]
            }
            Element::Button { items } => vec![self.actionables(super::tap::BUTTONS, items)],
            Element::Carousel { items } => self.cards(items, &hsl.text),
            Element::Form(form) => vec![self.form(form)],
            Element::System { .. } => return notices(&text),
            Element::NativeAction { .. } | Element::Silent | Element::Other { .. } => Vec::new(),
        };
        let sender = &self.outgoing.sender;
        let name = if sender.kind == SenderKind::Agent && !self.is_under_own_name {
            bold(&sender.name)
        } else {
            String::new()
        };
        if name.is_empty() && groups.iter().all(Vec::is_empty) {
            let texts = split(&text, limits::MESSAGE_TEXT).into_iter();
            return texts
                .map(|text| Message {
                    text,
                    blocks: Vec::new(),
                })
                .collect();
        }
        groups.insert(0, Piece::sections(&text));
        if let Some(first) = groups.iter_mut().find(|group| !group.is_empty()) {
            first.splice(0..0, Piece::notices(&name));
        }
        pack::pack(groups)
    }
}

/// Small grey text, as Slack shows what is about the conversation rather than in it.
fn notices(text: &str) -> Vec<Message> {
    pack::pack(vec![Piece::notices(text)])
}

fn joined(agent: &str, team_name: &str) -> String {
    let agent = Some(bold(agent)).filter(|agent| !agent.is_empty());
    let agent = agent.unwrap_or_else(|| "An agent".to_owned());
    match mrkdwn(team_name).trim() {
        "" => format!("{agent} has joined the conversation."),
        team => format!("{agent} ({team}) has joined the conversation."),
    }
}

/// The body of `chat.postMessage` (<https://docs.slack.dev/reference/methods/chat.postMessage>),
/// without the place. `parse` keeps Slack from reading names in plain text as mentions; links get no
/// previews, which would push the bot's own cards apart.
fn body(outgoing: &Outgoing, index: usize, message: Message, identity: Option<&Identity>) -> Value {
    let payload = json!({"auth_id": outgoing.auth_id, "key": outgoing.key, "part": index});
    let mut body = json!({"text": message.text});
    if !message.blocks.is_empty() {
        body["blocks"] = message.blocks.into();
    }
    body["parse"] = "none".into();
    body["unfurl_links"] = false.into();
    body["unfurl_media"] = false.into();
    if let Some(identity) = identity {
        body["username"] = identity.username.as_str().into();
        if let Some(icon_url) = &identity.icon_url {
            body["icon_url"] = icon_url.as_str().into();
        }
    }
    body["metadata"] = json!({"event_type": METADATA, "event_payload": payload});
    body
}

#[cfg(test)]
mod tests;
