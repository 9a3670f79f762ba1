//! What Slack sends.

use std::time::Duration;

use async_trait::async_trait;
use haptik_bridge_shared::config::Secrets;

use super::config::{self, Conversation};
use haptik_bridge_shared::ids::{AuthIds, ConnectionId};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::message::hsl::Element;
use haptik_bridge_shared::offers::Offers;
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::telemetry::{Hop, Outcome};
use http::Method;
use jiff::Timestamp;
use serde_json::json;

use super::Slack;
use super::api::{Api, Arguments};
use super::parse::{Opening, Reader, Reading};
use super::{form, verify};
use crate::channel::{Edge, EdgeDeps, Effect, Receipt, Rejected, Request};

/// How long opening a form may take: Slack wants its answer within three seconds, and what is opened later
/// than that is refused.
const OPENING_TIMEOUT: Duration = Duration::from_secs(2);

/// The side that receives.
#[derive(Debug)]
pub(super) struct SlackEdge {
    connection: ConnectionId,
    auth_ids: AuthIds,
    signing_secrets: Secrets,
    conversation: Conversation,
    tell_edits: bool,
    welcome: String,
    suggested_prompts: Vec<String>,
    agent_phrase: Option<String>,
    api: Api,
    offers: Offers,
}

impl SlackEdge {
    pub(super) fn new(config: &config::Slack, deps: EdgeDeps, api: Api) -> Self {
        Self {
            connection: deps.connection,
            auth_ids: deps.auth_ids,
            signing_secrets: config.signing_secrets.clone(),
            conversation: config.conversation,
            tell_edits: config.tell_edits,
            welcome: config.welcome.clone(),
            suggested_prompts: config.suggested_prompts.clone(),
            agent_phrase: deps.agent_phrase,
            api,
            offers: deps.offers,
        }
    }

    fn read(&self, request: &Request<'_>, now: Timestamp) -> Result<Reading, Rejected> {
        if !request.path.trim_matches('/').is_empty() {
            return Err(Rejected::NotFound);
        }
        if request.method != Method::POST {
            return Err(Rejected::MethodNotAllowed("POST"));
        }
        let sent = verify::verify(request.headers, request.body, &self.signing_secrets, now)
            .map_err(Rejected::Unauthorized)?;
        let reader = Reader {
            auth_ids: &self.auth_ids,
            conversation: self.conversation,
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

    /// Opens a form, or says why that did not go well.
    async fn open(&self, opening: &Opening) -> Result<(), Failure> {
        let since = Timestamp::now();
        let opened = tokio::time::timeout(OPENING_TIMEOUT, self.open_form(opening)).await;
        let opened = opened.unwrap_or_else(|_| Err(Failure::passing("it took too long")));
        let fallback = &opening.fallback;
        let lane = Lane::Task(fallback.auth_id.clone());
        let source = format!("channels/{}", self.connection);
        Hop::new("opened", &source)
            .entry(&lane, &fallback.key)
            .outcome(opened.as_ref().map_or(Outcome::Dead, |()| Outcome::Ok))
            .since(since)
            .reason(opened.as_ref().err().map(|failure| failure.reason.as_str()))
            .emit();
        opened
    }

    /// <https://docs.slack.dev/reference/methods/views.open>
    async fn open_form(&self, opening: &Opening) -> Result<(), Failure> {
        let offered = self.offers.offered(&opening.message).await?;
        let gone = || Failure::permanent("the message is no longer in the ledger");
        let Element::Form(form) = &offered.ok_or_else(gone)?.element else {
            return Err(Failure::permanent("the message has no form"));
        };
        let view = form::view(form, &opening.origin);
        let view = view.ok_or_else(|| Failure::permanent("a form that cannot be shown"))?;
        let body = json!({"trigger_id": opening.trigger_id, "view": view});
        let arguments = Arguments::Json(&body);
        let workspace = opening.workspace.as_ref();
        match self.api.call(workspace, "views.open", arguments).await {
            // The same tap came twice: it is open.
            Err(error) if error.code() == "exchanged_trigger_id" => Ok(()),
            opened => Ok(opened.map(drop)?),
        }
    }
}

#[async_trait]
impl Edge<Slack> for SlackEdge {
    async fn receive(
        &self,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<Receipt<Slack>, Rejected> {
        if let Some(page) = self.api.workspaces().page(request, now).await {
            return Ok(Receipt::nothing(page));
        }
        let reading = self.read(request, now)?;
        let mut effects = Vec::new();
        // First, since it has the least time.
        if let Some(opening) = reading.opening
            && self.open(&opening).await.is_err()
        {
            effects.push(Effect::Run(opening.fallback));
        }
        if let Some(ended) = &reading.ended {
            let ended = self.api.workspaces().end(ended, now).await;
            ended.map_err(|failure| Rejected::Unavailable(failure.reason))?;
        }
        effects.extend(reading.not_understood.map(Effect::NotUnderstood));
        let inbound = reading.inbound.into_iter().map(Box::new);
        effects.extend(inbound.map(Effect::Inbound));
        effects.extend(reading.tasks.into_iter().map(Effect::Run));
        Ok(Receipt {
            response: reading.response,
            effects,
        })
    }
}
