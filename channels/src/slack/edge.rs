//! What Slack sends.

use std::time::Duration;

use async_trait::async_trait;
use haptik_bridge_shared::config::Forms;

use super::config;
use haptik_bridge_shared::ids::{AuthId, AuthIds, ConnectionId};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::Fetcher;
use haptik_bridge_shared::offers::Offers;
use haptik_bridge_shared::own_events::OperatorEvent;
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::telemetry::{Hop, Outcome};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Slack;
use super::api::Api;
use super::parse::{FormToOpen, Reader, Reading};
use super::{form, verify};
use crate::channel::{Edge, EdgeDeps, Effect, Receipt, Rejected, Request, Response};

/// How long opening a form may take: Slack wants its answer within three seconds, and what is opened later
/// than that is refused.
const OPENING_TIMEOUT: Duration = Duration::from_secs(2);

/// The largest answer to a search, in bytes.
const LARGEST_SEARCH: usize = 1_000_000;

/// The side that receives.
#[derive(Debug)]
pub(super) struct SlackEdge {
    connection: ConnectionId,
    auth_ids: AuthIds,
    config: config::Slack,
    agent_phrase: Option<String>,
    api: Api,
    offers: Offers,
    forms: Forms,
    fetcher: Fetcher,
}

impl SlackEdge {
    pub(super) fn new(config: &config::Slack, deps: EdgeDeps, api: Api) -> Self {
        Self {
            connection: deps.connection,
            auth_ids: deps.auth_ids,
            config: config.clone(),
            agent_phrase: deps.agent_phrase,
            api,
            offers: deps.offers,
            forms: deps.forms,
            fetcher: deps.fetcher,
        }
    }

    fn read(&self, request: &Request<'_>, now: Timestamp) -> Result<Reading, Rejected> {
        request.check_is_post()?;
        let sent = verify::verify(
            request.headers,
            request.body,
            &self.config.signing_secrets,
            now,
        )
        .map_err(Rejected::Unauthorized)?;
        Ok(self.reader(sent).read(request.body))
    }

    /// Reads what was verified and sent at this time.
    fn reader(&self, sent: Timestamp) -> Reader<'_> {
        Reader {
            auth_ids: &self.auth_ids,
            conversation: self.config.conversation,
            tell_edits: self.config.tell_edits,
            welcome: &self.config.welcome,
            suggested_prompts: &self.config.suggested_prompts,
            agent_phrase: self.agent_phrase.as_deref(),
            many: self.api.workspaces().are_many(),
            workspace: None,
            sent,
        }
    }

    /// Does at once what a reading says is to be done at once; what is left for later.
    async fn take(&self, reading: Reading, now: Timestamp) -> Result<Receipt<Slack>, Rejected> {
        let mut effects = Vec::new();
        // First, since it has the least time.
        if let Some(opening) = reading.opening
            && self.open(&opening).await.is_err()
        {
            effects.push(Effect::Run(opening.fallback));
        }
        if let Some(ended) = &reading.ended {
            let is_over = self.api.workspaces().end(ended, now).await;
            if is_over.map_err(|failure| Rejected::Unavailable(failure.reason))? {
                let workspace = ended.tenant.to_string();
                effects.push(Effect::Operator(OperatorEvent::WorkspaceGone, workspace));
            }
        }
        effects.extend(reading.unknown.map(Effect::Unknown));
        effects.extend(reading.not_understood.map(Effect::NotUnderstood));
        let inbound = reading.inbound.into_iter().map(Box::new);
        effects.extend(inbound.map(Effect::Inbound));
        effects.extend(reading.tasks.into_iter().map(Effect::Run));
        Ok(Receipt {
            response: reading.response,
            effects,
        })
    }

    /// Opens a form, or says why that did not go well.
    async fn open(&self, opening: &FormToOpen) -> Result<(), Failure> {
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

    /// Asks a form's own API what can be chosen
    /// (<https://docs.haptik.ai/bot-builder/basic/chat-elements#search>): at an address that is allowed, and
    /// within the time that Slack waits. Nothing where it does not say it.
    async fn search(&self, search: &form::Search, auth_id: &AuthId) -> Value {
        let mut url = search.url.clone();
        url.query_pairs_mut()
            .append_pair("query", &search.typed)
            .append_pair("user_id", auth_id.as_str())
            .append_pair("user_name", "undefined");
        let fetched = self.fetcher.fetch(&url, None, |_| false, LARGEST_SEARCH);
        let answer = match tokio::time::timeout(OPENING_TIMEOUT, fetched).await {
            Ok(Ok(answer)) => lenient_json::read(&answer).unwrap_or_default(),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the search of a form's field failed");
                Value::Null
            }
            Err(_) => {
                tracing::warn!("the search of a form's field took too long");
                Value::Null
            }
        };
        form::found(&answer)
    }

    /// <https://docs.slack.dev/reference/methods/views.open>
    async fn open_form(&self, opening: &FormToOpen) -> Result<(), Failure> {
        let form = self.offers.form(&opening.message).await?;
        let gone = || Failure::permanent("the form's message is no longer in the ledger");
        let view = form::view(&form.ok_or_else(gone)?, &opening.origin, self.forms);
        let view = view.ok_or_else(|| Failure::permanent("a form that cannot be shown"))?;
        let body = json!({"trigger_id": opening.trigger_id, "view": view});
        let workspace = opening.workspace.as_ref();
        match self.api.write(workspace, "views.open", &body).await {
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
            let installed = page
                .installed
                .map(|workspace| Effect::Operator(OperatorEvent::WorkspaceInstalled, workspace));
            return Ok(Receipt {
                response: page.response,
                effects: installed.into_iter().collect(),
            });
        }
        let mut reading = self.read(request, now)?;
        if let Some((search, auth_id)) = &reading.search {
            reading.response = Response::json(200, &self.search(search, auth_id).await);
        }
        self.take(reading, now).await
    }

    async fn read_again(
        &self,
        body: &[u8],
        came: Timestamp,
    ) -> Result<Option<Receipt<Slack>>, Rejected> {
        let reading = self.reader(came).read(body);
        if reading.not_understood.is_some() {
            return Ok(None);
        }
        self.take(reading, came).await.map(Some)
    }
}
