//! What Slack is sent.

use super::config;
use async_trait::async_trait;
use bytes::Bytes;
use haptik_bridge_shared::lenient_json::{self, text_at};
use haptik_bridge_shared::message::{Attachment, Mention, Outgoing, Profile};
use haptik_bridge_shared::net::Fetcher;
use haptik_bridge_shared::retry::Failure;
use serde_json::{Value, json};
use url::Url;

use super::Slack;
use super::address::{Address, Command};
use super::api::{Api, is_of_blocks};
use super::render::Style;
use super::workspaces::{WorkspaceId, bare_user};
use super::{history, markup, notice, parse, profile, render};
use crate::channel::{
    Activity, Commands, Directory, Files, History, Indicator, Outlet, Part, SendError, Sent,
};
use crate::pace::Bucket;

const POST_MESSAGE: &str = "chat.postMessage";

/// The side that sends.
#[derive(Debug)]
pub(super) struct SlackOutlet {
    style: Style,
    reaction: Option<String>,
    api: Api,
    fetcher: Fetcher,
}

impl SlackOutlet {
    pub(super) fn new(config: &config::Slack, fetcher: Fetcher, api: Api) -> Self {
        Self {
            style: Style {
                agent_identity: config.agent_identity,
                carousels: config.carousels,
                link_says: config.link_says,
            },
            reaction: config.reaction.clone(),
            api,
            fetcher,
        }
    }

    /// The body of a command that says what was asked, with the names of those who are mentioned.
    async fn naming(&self, command: &Command) -> Option<Value> {
        let about = command.about.as_ref()?;
        let address = Address {
            channel: lenient_json::text(&command.body, "channel"),
            thread_ts: lenient_json::some_text(&command.body, "thread_ts"),
            workspace: command.workspace.clone(),
        };
        let name_of = |id| self.display_name(&address, id);
        let asked = Mention::looked_up(&about.text, &about.mentions, name_of).await;
        Some(notice::posted(&address, &notice::saying_about(&asked)).body)
    }

    /// Whether a user is the app itself: a mention of it only says to whom the rest is addressed. A command and a
    /// shortcut do not say who the app is (<https://docs.slack.dev/reference/methods/auth.test>).
    async fn is_own(&self, at: &Address, user: &Value) -> bool {
        let asked = self.api.read(at.workspace.as_ref(), "auth.test", &[]);
        let own = asked.await.unwrap_or_default();
        let own = text_at(&own, "/user_id");
        own.is_some() && own == text_at(user, "/id")
    }

    /// <https://docs.slack.dev/reference/methods/users.info>
    async fn user(&self, at: &Address, user: &str) -> Result<Option<Value>, SendError> {
        let arguments = [("user", bare_user(user)), ("include_locale", "true")];
        let workspace = at.workspace.as_ref();
        let asked = self
            .api
            .read_if_allowed(workspace, "users.info", &arguments);
        // The user can be registered without a profile.
        Ok(asked.await?.and_then(|answer| answer.get("user").cloned()))
    }

    /// Where the bot token may go: hosts of Slack over TLS, and where the Web API is.
    pub(super) fn is_slack_host(&self, url: &Url) -> bool {
        let api = self.api.base_url();
        let host = url.host_str().unwrap_or_default();
        let is_at = |known: &str| {
            host.strip_suffix(known)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let is_slack = url.scheme() == "https" && (is_at("slack.com") || is_at("slack-gov.com"));
        is_slack || url.origin() == api.origin()
    }

    /// The emoji that shows that a message was taken; `None` in a thread with the assistant, which has a
    /// status instead.
    fn reaction(&self, at: &Address) -> Option<&str> {
        let reaction = self.reaction.as_deref();
        reaction.filter(|_| !at.is_assistant_thread())
    }
}

#[async_trait]
impl Outlet<Slack> for SlackOutlet {
    fn render(&self, outgoing: &Outgoing) -> Vec<Part> {
        render::parts(outgoing, self.style)
    }

    fn simpler(&self, part: &Part) -> Option<Part> {
        part.simpler(render::encode)
    }

    fn bucket(&self, to: &Address) -> Bucket {
        bucket(POST_MESSAGE, to.workspace.as_ref(), &to.channel)
    }

    /// <https://docs.slack.dev/reference/methods/chat.postMessage>
    async fn send(&self, to: &Address, part: &Part) -> Result<Sent, SendError> {
        let workspace = to.workspace.as_ref();
        let mut body = part.body.clone();
        to.write(&mut body);
        let answer = match self.api.write(workspace, POST_MESSAGE, &body).await {
            // Without the scope chat:write.customize.
            Err(error) if error.code() == "missing_scope" => {
                let Some(body) = render::in_the_bots_name(&body) else {
                    return Err(error.into());
                };
                self.api.write(workspace, POST_MESSAGE, &body).await?
            }
            answer => answer?,
        };
        Ok(Sent {
            message_id: lenient_json::some_text(&answer, "ts"),
        })
    }

    /// Whether there is a token for the workspace.
    async fn can_answer(&self, to: &Address) -> Result<(), SendError> {
        self.api.token(to.workspace.as_ref()).await?;
        Ok(())
    }

    fn history(&self) -> Option<&dyn History<Slack>> {
        Some(self)
    }

    fn directory(&self) -> Option<&dyn Directory<Slack>> {
        Some(self)
    }

    fn files(&self) -> Option<&dyn Files<Slack>> {
        Some(self)
    }

    fn activity(&self) -> Option<&dyn Activity<Slack>> {
        Some(self)
    }

    fn commands(&self) -> Option<&dyn Commands<Slack>> {
        Some(self)
    }
}

#[async_trait]
impl History<Slack> for SlackOutlet {
    /// Looks for the metadata that each part is sent with.
    async fn already_sent(
        &self,
        at: &Address,
        outgoing: &Outgoing,
    ) -> Result<Option<Vec<usize>>, SendError> {
        Ok(history::parts_sent(&self.api, at, outgoing).await?)
    }
}

#[async_trait]
impl Directory<Slack> for SlackOutlet {
    /// <https://docs.slack.dev/reference/methods/users.info>
    async fn profile(&self, at: &Address, user: &str) -> Result<Option<Profile>, SendError> {
        let user = self.user(at, user).await?;
        Ok(user.as_ref().map(profile::profile))
    }

    /// <https://docs.slack.dev/reference/methods/conversations.info>
    async fn display_name(&self, at: &Address, mention: &str) -> Option<String> {
        if let Some(user) = mention.strip_prefix('@') {
            let user = self.user(at, user).await.ok()??;
            if lenient_json::flag(&user, "is_bot") && self.is_own(at, &user).await {
                return Some(String::new());
            }
            let name = profile::profile(&user).name?;
            return Some(format!("@{name}"));
        }
        let arguments = [("channel", mention.strip_prefix('#')?)];
        let workspace = at.workspace.as_ref();
        let asked = self.api.read(workspace, "conversations.info", &arguments);
        let answer = asked.await.ok()?;
        Some(format!("#{}", text_at(&answer, "/channel/name")?))
    }
}

#[async_trait]
impl Files<Slack> for SlackOutlet {
    /// <https://docs.slack.dev/reference/methods/files.info>: a file of another workspace comes as a stub
    /// (<https://docs.slack.dev/apis/slack-connect/#files>).
    async fn resolve_attachment(
        &self,
        at: &Address,
        attachment: &Attachment,
    ) -> Result<Attachment, SendError> {
        let id = attachment.id.as_deref();
        let Some(id) = id.filter(|_| attachment.url.is_empty()) else {
            return Ok(attachment.clone());
        };
        let workspace = at.workspace.as_ref();
        let arguments = [("file", id)];
        let read = self
            .api
            .read_if_allowed(workspace, "files.info", &arguments);
        let answer = read.await?.ok_or_else(|| {
            SendError::refused(
                "Slack says nothing of the file: the app lacks the scope files:read, or it is gone",
            )
        })?;
        let found = answer.get("file").and_then(parse::attachment);
        found.ok_or_else(|| SendError::refused("Slack does not say what the file is"))
    }

    async fn download(
        &self,
        at: &Address,
        attachment: &Attachment,
        limit: usize,
    ) -> Result<Bytes, SendError> {
        if attachment.url.is_empty() {
            return Err(SendError::refused("Slack does not say where the file is"));
        }
        let url = Url::parse(&attachment.url)
            .map_err(|_| SendError::refused("the file's URL is none"))?;
        if !self.is_slack_host(&url) {
            return Err(SendError::refused("the file is not on a host of Slack"));
        }
        let token = self.api.token(at.workspace.as_ref()).await?;
        let is_slack_host = |url: &Url| self.is_slack_host(url);
        let fetched = self.fetcher.fetch(&url, Some(&token), is_slack_host, limit);
        let file = fetched.await.map_err(Failure::from)?;
        // Whom it does not let in, Slack answers 200 with the page to log in on.
        let start = file.trim_ascii_start().get(..14).unwrap_or_default();
        if start.eq_ignore_ascii_case(b"<!doctype html") && !attachment.mime_type.contains("html") {
            return Err(SendError::refused(
                "Slack gave a page instead of the file: the app lacks the scope files:read",
            ));
        }
        Ok(file)
    }
}

/// In a thread with the assistant a status
/// (<https://docs.slack.dev/reference/methods/assistant.threads.setStatus>), which Slack takes away by
/// itself; elsewhere a reaction.
#[async_trait]
impl Activity<Slack> for SlackOutlet {
    fn indicator(&self, at: &Address, message_id: Option<&str>) -> Option<Indicator> {
        message_id?;
        if at.is_assistant_thread() {
            Some(Indicator::Passing)
        } else {
            let name = self.reaction(at)?;
            Some(Indicator::Sticky(name.to_owned()))
        }
    }

    async fn show(&self, at: &Address, message_id: Option<&str>) -> Result<(), SendError> {
        let (method, arguments) = if let (true, Some(thread_ts)) =
            (at.is_assistant_thread(), &at.thread_ts)
        {
            let status =
                json!({"channel_id": at.channel, "thread_ts": thread_ts, "status": "is thinking…"});
            ("assistant.threads.setStatus", status)
        } else if let (Some(name), Some(ts)) = (self.reaction(at), message_id) {
            ("reactions.add", reaction(at, ts, name))
        } else {
            return Ok(());
        };
        let workspace = at.workspace.as_ref();
        match self.api.write(workspace, method, &arguments).await {
            Err(error) if error.code() == "already_reacted" => Ok(()),
            shown => Ok(shown.map(drop)?),
        }
    }

    /// <https://docs.slack.dev/reference/methods/reactions.remove>
    async fn clear(
        &self,
        at: &Address,
        message_id: Option<&str>,
        shown: &str,
    ) -> Result<(), SendError> {
        let (Some(ts), false) = (message_id, shown.is_empty() || at.is_assistant_thread()) else {
            return Ok(());
        };
        let reaction = reaction(at, ts, shown);
        let workspace = at.workspace.as_ref();
        let removed = self.api.write(workspace, "reactions.remove", &reaction);
        match removed.await {
            Err(error) if ["no_reaction", "message_not_found"].contains(&error.code()) => Ok(()),
            cleared => Ok(cleared.map(drop)?),
        }
    }
}

/// What Slack counts the calls of: each method in each conversation, of each workspace, whose ids may be
/// another's as well.
fn bucket(method: &str, workspace: Option<&WorkspaceId>, conversation: &str) -> Bucket {
    let of = workspace.map_or("", WorkspaceId::as_str);
    Bucket::of(format!("{method} {of} {conversation}"))
}

/// The arguments of a reaction on a message
/// (<https://docs.slack.dev/reference/methods/reactions.add>).
fn reaction(at: &Address, ts: &str, name: &str) -> Value {
    json!({"channel": at.channel, "timestamp": ts, "name": name})
}

#[async_trait]
impl Commands<Slack> for SlackOutlet {
    fn bucket(&self, command: &Command) -> Option<Bucket> {
        let id = lenient_json::first_text(&command.body, &["channel", "user_id"])?;
        let workspace = command.workspace.as_ref();
        Some(bucket(command.method.name(), workspace, &id))
    }

    async fn run(&self, command: &Command) -> Result<(), SendError> {
        let workspace = command.workspace.as_ref();
        let method = command.method.name();
        let named = self.naming(command).await;
        let command_body = named.as_ref().unwrap_or(&command.body);
        match self.api.write(workspace, method, command_body).await {
            // An image that Slack could load when the message was sent: its text says all of it.
            Err(error) if is_of_blocks(error.code()) => {
                let mut body = command_body.clone();
                body["blocks"] = json!([]);
                self.api.write(workspace, method, &body).await?;
            }
            written => drop(written?),
        }
        Ok(())
    }

    fn notice(&self, at: &Address, text: &str) -> Option<Command> {
        Some(notice::posted(at, &markup::mrkdwn(text)))
    }
}
