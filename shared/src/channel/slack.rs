//! Slack (<https://docs.slack.dev>): events, messages and taps in; Block Kit out.
//!
//! - `verify`: the request signature.
//! - `parse`: what Slack sends: messages, mentions, taps; `kept`: what is kept of what is not understood.
//! - `render`: what Haptik answers, as messages of blocks, within `limits`; `markup`: texts in mrkdwn.
//! - `tap`: what our buttons carry; `choice`: showing what the user chose.
//! - `form`: forms in modals, out and back in; `home`: the Home tab.
//! - `history`: what a conversation shows already; `profile`: who a user is.
//! - `capability`, `preview`: what is shown how, before anybody sees it.
//! - `pace`: keeping to Slack's limits; `api`: the Web API; `workspaces`: with whose token it is called, and
//!   how the app is installed.
//!
//! In a channel the bot is spoken to by a mention, answers in the thread, and from then on hears what
//! that user says there. In a direct message it hears everything.

use std::borrow::Cow;

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use self::api::{Api, Arguments, SlackError};
use self::pace::Pace;
use self::render::Style;
use self::workspaces::{Ended, WorkspaceId, bare, bare_user};
use crate::channel::{
    Address, Attachment, Channel, Opening, Outgoing, Page, Part, Profile, Received, Rejected,
    Request,
};
use crate::config::{self, Conversation};
use crate::haptik::hsl::{Element, Hsl};
use crate::ids::ConnectionId;
use crate::outbound::Fetcher;
use crate::retry::Failure;
use crate::wire;

mod api;
mod capability;
mod choice;
mod form;
mod history;
mod home;
mod kept;
mod limits;
mod markup;
mod notice;
mod pace;
mod parse;
mod preview;
mod profile;
mod render;
mod tap;
mod verify;
mod workspaces;

pub use capability::capability;
pub use preview::{Preview, preview};
pub use workspaces::Workspaces;

/// The `event_type` of our messages' metadata (<https://docs.slack.dev/messaging/message-metadata/>).
const METADATA: &str = "haptik_bridge";

/// The methods that a task may call.
const TASKS: &[&str] = &[
    "assistant.threads.setSuggestedPrompts",
    "chat.postMessage",
    "chat.update",
    "views.publish",
];

/// A connection to one app, in a Slack workspace or in many.
#[derive(Debug)]
pub struct Slack {
    connection: ConnectionId,
    signing_secrets: config::Secrets,
    conversation: Conversation,
    style: Style,
    reaction: Option<String>,
    tell_edits: bool,
    welcome: String,
    suggested_prompts: Vec<String>,
    agent_phrase: Option<String>,
    api: Api,
    pace: Pace,
    fetcher: Fetcher,
}

impl Slack {
    /// A connection with its settings; `http` calls Slack, `fetcher` fetches the users' files.
    #[must_use]
    pub fn new(
        connection: ConnectionId,
        settings: &config::Slack,
        workspaces: Workspaces,
        http: reqwest::Client,
        fetcher: Fetcher,
    ) -> Self {
        Self {
            connection,
            signing_secrets: settings.signing_secrets.clone(),
            conversation: settings.conversation,
            style: Style {
                agent_identity: settings.agent_identity,
                carousels: settings.carousels,
            },
            reaction: settings.reaction.clone(),
            tell_edits: settings.tell_edits,
            welcome: settings.welcome.clone(),
            suggested_prompts: settings.suggested_prompts.clone(),
            agent_phrase: None,
            api: Api::new(http, settings.api_base_url.clone(), workspaces),
            pace: Pace::default(),
            fetcher,
        }
    }

    /// With a button on the Home tab that asks for a human by saying this.
    #[must_use]
    pub fn with_agent_phrase(self, agent_phrase: Option<String>) -> Self {
        Self {
            agent_phrase,
            ..self
        }
    }

    /// Calls a method that writes blocks. Slack refuses a message of which it cannot load an image, or
    /// has no such block: then it is said more simply.
    async fn write(
        &self,
        workspace: Option<&WorkspaceId>,
        method: &'static str,
        body: &Value,
    ) -> Result<Value, SlackError> {
        let mut body = Cow::Borrowed(body);
        let places = ["channel", "user_id"];
        let place = places.iter().find_map(|key| wire::some_text(&body, key));
        // The limits are each workspace's own, whose ids may be another's as well.
        let of = workspace.map_or("", WorkspaceId::as_str);
        let place = format!("{of} {}", place.unwrap_or_default());
        loop {
            let call = || self.api.call(workspace, method, Arguments::Json(&body));
            match self.pace.call(method, &place, call).await {
                Err(refusal @ SlackError::Refused { .. })
                    if refusal.code().starts_with("invalid_blocks") =>
                {
                    body = Cow::Owned(render::simpler(&body).ok_or(refusal)?);
                }
                other => return other,
            }
        }
    }

    /// Where the bot token may go: hosts of Slack over TLS, and where the Web API is.
    fn is_slacks(&self, url: &Url) -> bool {
        let api = self.api.base_url();
        let host = url.host_str().unwrap_or_default();
        let is_at = |known: &str| {
            host.strip_suffix(known)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let is_slack = url.scheme() == "https" && (is_at("slack.com") || is_at("slack-gov.com"));
        is_slack || url.origin() == api.origin()
    }
}

#[async_trait]
impl Channel for Slack {
    fn receive(&self, request: &Request<'_>, now: Timestamp) -> Result<Received, Rejected> {
        if !request.path.trim_matches('/').is_empty() {
            return Err(Rejected::NotFound);
        }
        if request.method != Method::POST {
            return Err(Rejected::MethodNotAllowed("POST"));
        }
        verify::verify(request.headers, request.body, &self.signing_secrets, now)
            .map_err(|error| Rejected::Unauthorized(error.reason()))?;
        let sent = verify::sent_at(request.headers).unwrap_or(now);
        let reader = parse::Reader {
            connection: &self.connection,
            conversation: self.conversation,
            reaction: self.reaction.as_deref(),
            tell_edits: self.tell_edits,
            welcome: &self.welcome,
            suggested_prompts: &self.suggested_prompts,
            agent_phrase: self.agent_phrase.as_deref(),
            many: self.api.workspaces().are_many(),
            workspace: None,
            sent,
        };
        Ok(reader.read(request.body))
    }

    fn to_keep<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        kept::without_secrets(body)
    }

    /// <https://docs.slack.dev/reference/methods/users.info>
    async fn profile(&self, address: &Address, user: &str) -> Result<Option<Profile>, Failure> {
        let workspace = WorkspaceId::of(address);
        let arguments = [("user", bare_user(user)), ("include_locale", "true")];
        let arguments = Arguments::Form(&arguments);
        let asked = self.api.call(workspace.as_ref(), "users.info", arguments);
        match asked.await {
            Ok(answer) => Ok(answer.get("user").map(profile::profile)),
            // The user can be registered without a profile.
            Err(SlackError::Refused { .. }) => Ok(None),
            Err(error) if error.code() == "missing_scope" => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn fetch(
        &self,
        address: &Address,
        attachment: &Attachment,
        limit: usize,
    ) -> Result<Bytes, Failure> {
        if attachment.url.is_empty() {
            return Err(Failure::permanent("Slack does not say where the file is"));
        }
        let url = Url::parse(&attachment.url)
            .map_err(|_| Failure::permanent("the file's URL is none"))?;
        if !self.is_slacks(&url) {
            return Err(Failure::permanent("the file is not on a host of Slack"));
        }
        let token = self.api.token(WorkspaceId::of(address).as_ref()).await?;
        let file = self
            .fetcher
            .fetch(&url, Some(&token), |url| self.is_slacks(url), limit)
            .await?;
        // Whom it does not let in, Slack answers 200 with the page to log in on.
        let start = file.trim_ascii_start().get(..14).unwrap_or_default();
        if start.eq_ignore_ascii_case(b"<!doctype html") && !attachment.mime_type.contains("html") {
            return Err(Failure::permanent(
                "Slack gave a page instead of the file: the app lacks the scope files:read",
            ));
        }
        Ok(file)
    }

    fn render(&self, outgoing: &Outgoing) -> Vec<Part> {
        render::parts(outgoing, self.style)
    }

    /// Looks for the metadata that each part is sent with.
    async fn already_sent(
        &self,
        address: &Address,
        outgoing: &Outgoing,
    ) -> Result<Option<Vec<usize>>, Failure> {
        let workspace = WorkspaceId::of(address);
        let place = Whereabouts::of(address).ok_or_else(no_address)?;
        history::parts_sent(&self.api, workspace.as_ref(), &place, outgoing).await
    }

    /// <https://docs.slack.dev/reference/methods/chat.postMessage>
    async fn send(&self, address: &Address, part: &Part) -> Result<(), Failure> {
        let workspace = WorkspaceId::of(address);
        let place = Whereabouts::of(address).ok_or_else(no_address)?;
        let mut body = part.body.clone();
        let fields = body
            .as_object_mut()
            .ok_or_else(|| Failure::permanent("a part that is no message"))?;
        fields.insert("channel".to_owned(), place.channel.into());
        if let Some(thread_ts) = place.thread_ts {
            fields.insert("thread_ts".to_owned(), thread_ts.into());
        }
        let method = "chat.postMessage";
        match self.write(workspace.as_ref(), method, &body).await {
            // Without the scope chat:write.customize.
            Err(error) if error.code() == "missing_scope" => {
                let Some(body) = render::in_the_bots_name(&body) else {
                    return Err(error.into());
                };
                self.write(workspace.as_ref(), method, &body).await?;
            }
            sent => drop(sent?),
        }
        Ok(())
    }

    /// A call of one of the methods that tasks may call.
    async fn perform(&self, task: &Value) -> Result<(), Failure> {
        let method = wire::text(task, "method");
        let method = TASKS.iter().find(|known| **known == method);
        let method = method.ok_or_else(|| Failure::permanent("a task that is unknown"))?;
        let body = task.get("body").filter(|body| body.is_object());
        let body = body.ok_or_else(|| Failure::permanent("a task without a body"))?;
        let workspace = WorkspaceId::in_json(task);
        self.write(workspace.as_ref(), method, body).await?;
        Ok(())
    }

    /// A status in a thread with the assistant
    /// (<https://docs.slack.dev/reference/methods/assistant.threads.setStatus>), which Slack takes away
    /// by itself; elsewhere a reaction (<https://docs.slack.dev/reference/methods/reactions.add>).
    async fn mark(&self, mark: &Value) -> Result<(), Failure> {
        let workspace = WorkspaceId::in_json(mark);
        let (method, arguments) = match reaction(mark) {
            Some(reaction) => ("reactions.add", reaction),
            None => ("assistant.threads.setStatus", bare(mark)),
        };
        let arguments = Arguments::Json(&arguments);
        match self.api.call(workspace.as_ref(), method, arguments).await {
            Err(error) if error.code() == "already_reacted" => Ok(()),
            marked => Ok(marked.map(drop)?),
        }
    }

    /// <https://docs.slack.dev/reference/methods/reactions.remove>
    async fn unmark(&self, mark: &Value) -> Result<(), Failure> {
        let Some(reaction) = reaction(mark) else {
            return Ok(());
        };
        let (workspace, method) = (WorkspaceId::in_json(mark), "reactions.remove");
        let arguments = Arguments::Json(&reaction);
        match self.api.call(workspace.as_ref(), method, arguments).await {
            Err(error) if ["no_reaction", "message_not_found"].contains(&error.code()) => Ok(()),
            unmarked => Ok(unmarked.map(drop)?),
        }
    }

    /// <https://docs.slack.dev/reference/methods/files.info>: a file of another workspace comes as a stub
    /// (<https://docs.slack.dev/apis/slack-connect/#files>).
    async fn locate(
        &self,
        address: &Address,
        attachment: &Attachment,
    ) -> Result<Attachment, Failure> {
        let Some(id) = attachment
            .id
            .as_deref()
            .filter(|_| attachment.url.is_empty())
        else {
            return Ok(attachment.clone());
        };
        let workspace = WorkspaceId::of(address);
        let arguments = [("file", id)];
        let arguments = Arguments::Form(&arguments);
        let asked = self.api.call(workspace.as_ref(), "files.info", arguments);
        let answer = asked.await?;
        let found = answer.get("file").and_then(parse::attachment);
        found.ok_or_else(|| Failure::permanent("Slack does not say what the file is"))
    }

    /// <https://docs.slack.dev/reference/methods/conversations.info>
    async fn name(&self, address: &Address, unnamed: &str) -> Option<String> {
        if let Some(user) = unnamed.strip_prefix('@') {
            let name = self.profile(address, user).await.ok()??.name?;
            return Some(format!("@{name}"));
        }
        let workspace = WorkspaceId::of(address);
        let arguments = [("channel", unnamed.strip_prefix('#')?)];
        let (method, arguments) = ("conversations.info", Arguments::Form(&arguments));
        let answer = self.api.call(workspace.as_ref(), method, arguments).await;
        let name = wire::some_text(answer.ok()?.get("channel")?, "name")?;
        Some(format!("#{name}"))
    }

    fn notice(&self, address: &Address, text: &str) -> Option<Value> {
        let mut task = notice::posted(address, &markup::mrkdwn(text));
        if let Some(workspace) = WorkspaceId::of(address) {
            workspace.write(&mut task);
        }
        Some(task)
    }

    /// <https://docs.slack.dev/reference/methods/views.open>
    async fn open(&self, opening: &Opening, offered: &Hsl) -> Result<(), Failure> {
        let Element::Form(form) = &offered.element else {
            return Err(Failure::permanent("the message has no form"));
        };
        let trigger_id = wire::text(&opening.with, "trigger_id");
        let view = form::Origin::read(&opening.with).and_then(|origin| form::view(form, &origin));
        let view = view.ok_or_else(|| Failure::permanent("a form that cannot be shown"))?;
        let body = json!({"trigger_id": trigger_id, "view": view});
        let workspace = WorkspaceId::in_json(&opening.with);
        let (method, arguments) = ("views.open", Arguments::Json(&body));
        match self.api.call(workspace.as_ref(), method, arguments).await {
            // The same tap came twice: it is open.
            Err(error) if error.code() == "exchanged_trigger_id" => Ok(()),
            opened => Ok(opened.map(drop)?),
        }
    }

    /// Whether there is a token for the workspace.
    async fn can_answer(&self, address: &Address) -> Result<(), Failure> {
        self.api.token(WorkspaceId::of(address).as_ref()).await?;
        Ok(())
    }

    async fn page(&self, request: &Request<'_>, now: Timestamp) -> Option<Page> {
        self.api.workspaces().page(request, now).await
    }

    /// The end of an installation.
    async fn settle(&self, change: &Value, now: Timestamp) -> Result<(), Failure> {
        let ended = Ended::read(change);
        let ended = ended.ok_or_else(|| Failure::permanent("a change that is unknown"))?;
        self.api.workspaces().end(&ended, now).await
    }
}

/// The arguments of a reaction, if a mark is one.
fn reaction(mark: &Value) -> Option<Value> {
    wire::some_text(mark, "timestamp").map(|_| bare(mark))
}

/// What an [`Address`] holds: a conversation, and a thread in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Whereabouts {
    channel: String,
    thread_ts: Option<String>,
}

impl Whereabouts {
    fn new(channel: &str, thread_ts: Option<&str>) -> Self {
        Self {
            channel: channel.to_owned(),
            thread_ts: thread_ts.map(ToOwned::to_owned),
        }
    }

    fn of(address: &Address) -> Option<Self> {
        let channel = wire::some_text(&address.0, "channel")?;
        Some(Self {
            channel,
            thread_ts: wire::some_text(&address.0, "thread_ts"),
        })
    }
}

impl From<Whereabouts> for Value {
    fn from(place: Whereabouts) -> Self {
        match place.thread_ts {
            Some(thread_ts) => json!({"channel": place.channel, "thread_ts": thread_ts}),
            None => json!({"channel": place.channel}),
        }
    }
}

fn no_address() -> Failure {
    Failure::permanent("an address that is not Slack's")
}

#[cfg(test)]
mod tests;
