//! The app's other workspaces, and how it gets into them
//! (<https://docs.slack.dev/authentication/installing-with-oauth>).

use std::sync::{Arc, Mutex, PoisonError};

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use reqwest::Url;
use serde_json::{Value, json};

use super::{
    Event, FakeSlack, Workspace,
    arguments::Arguments,
    calls::{record, refuse},
    refused::Refused,
    state::State,
};

/// The app's client id.
pub const CLIENT_ID: &str = "1111111111.2222222222";
/// The app's client secret.
pub const CLIENT_SECRET: &str = "fake-client-secret";

/// All workspaces behind one address.
#[derive(Debug)]
pub(crate) struct Site {
    workspaces: Mutex<Vec<Arc<State>>>,
    oauth: Mutex<OAuth>,
    /// Where the bridge takes the app's events.
    webhook: Mutex<String>,
}

#[derive(Debug, Default)]
struct OAuth {
    codes: Vec<Code>,
    /// How many tokens were given out.
    issued: usize,
    redirect_url: Option<String>,
    token_rotation: bool,
}

/// What the browser brings back from the page on which somebody consented.
#[derive(Clone, Debug)]
struct Code {
    text: String,
    workspace: Arc<State>,
    redirect_uri: Option<String>,
    used: bool,
}

impl Site {
    pub(crate) fn new(first: Arc<State>) -> Self {
        Self {
            workspaces: Mutex::new(vec![first]),
            oauth: Mutex::default(),
            webhook: Mutex::default(),
        }
    }

    pub(crate) fn set_webhook(&self, url: &str) {
        let mut webhook = self.webhook.lock().unwrap_or_else(PoisonError::into_inner);
        url.clone_into(&mut webhook);
    }

    pub(crate) fn webhook(&self) -> String {
        let webhook = self.webhook.lock();
        webhook.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The workspace that a token is or was of; the first for any other.
    pub(crate) fn by_token(&self, token: Option<&str>) -> Arc<State> {
        self.find(|state| token.is_some_and(|token| state.read(|store| store.knows_token(token))))
    }

    /// The workspace with this id; the first for any other.
    pub(crate) fn by_team(&self, team_id: &str) -> Arc<State> {
        self.find(|state| state.workspace.team_id == team_id)
    }

    fn find(&self, is_it: impl Fn(&State) -> bool) -> Arc<State> {
        let workspaces = self
            .workspaces
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let found = workspaces.iter().find(|state| is_it(state));
        let found = found.or_else(|| workspaces.first());
        Arc::clone(found.expect("there is a first workspace"))
    }

    fn oauth<R>(&self, change: impl FnOnce(&mut OAuth) -> R) -> R {
        change(&mut self.oauth.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// `oauth.v2.access` (<https://docs.slack.dev/reference/methods/oauth.v2.access>).
    pub(crate) fn access(
        &self,
        state: &State,
        headers: &HeaderMap,
        arguments: &Arguments,
    ) -> Response {
        let result = self.exchange(headers, arguments);
        let mut shown = arguments.to_value();
        if let Some(fields) = shown.as_object_mut() {
            fields.remove("code");
            fields.remove("client_secret");
        }
        let body = match result {
            Ok(body) => {
                record(state, "oauth.v2.access", shown, "ok");
                body
            }
            Err(refused) => {
                record(state, "oauth.v2.access", shown.clone(), &refused.error);
                refuse(state, "oauth.v2.access", shown, &refused);
                refused.to_json()
            }
        };
        axum::Json(body).into_response()
    }

    fn exchange(&self, headers: &HeaderMap, arguments: &Arguments) -> Result<Value, Refused> {
        let (id, secret) = basic(headers).unwrap_or_else(|| {
            let field = |name: &str| arguments.text(name).unwrap_or_default();
            (field("client_id"), field("client_secret"))
        });
        if id != CLIENT_ID {
            return Err(Refused::new("invalid_client_id"));
        }
        if secret != CLIENT_SECRET {
            return Err(Refused::new("bad_client_secret"));
        }
        let given = arguments.required("code")?;
        let redirect_uri = arguments.text("redirect_uri");
        let (code, number, rotation) = self.oauth(|oauth| {
            let code = oauth.codes.iter_mut().find(|code| code.text == given);
            let code = code.ok_or_else(|| Refused::new("invalid_code"))?;
            if code.used {
                return Err(Refused::new("code_already_used"));
            }
            if code.redirect_uri != redirect_uri {
                return Err(Refused::new("bad_redirect_uri"));
            }
            code.used = true;
            let code = code.clone();
            oauth.issued += 1;
            Ok((code, oauth.issued, oauth.token_rotation))
        })?;
        let workspace = &code.workspace.workspace;
        let prefix = if rotation { "xoxe.xoxb" } else { "xoxb" };
        let token = format!("{prefix}-{}-{number}-issued", workspace.team_id);
        code.workspace
            .change(|store| store.tokens.push(token.clone()));
        Ok(granted(workspace, &token, rotation))
    }
}

/// What is answered to a good code.
fn granted(workspace: &Workspace, token: &str, rotation: bool) -> Value {
    let mut body = json!({
        "ok": true,
        "app_id": workspace.api_app_id,
        "authed_user": {"id": "U0INSTALLER"},
        "scope": "chat:write,im:history",
        "token_type": "bot",
        "access_token": token,
        "bot_user_id": workspace.bot_user_id,
        "team": {"id": workspace.team_id, "name": workspace.team_domain},
        "enterprise": null,
        "is_enterprise_install": workspace.is_org_wide,
    });
    if let Some(enterprise_id) = &workspace.enterprise_id {
        body["enterprise"] = json!({"id": enterprise_id, "name": "an organisation"});
    }
    if workspace.is_org_wide {
        body["team"] = Value::Null;
    }
    if rotation {
        body["expires_in"] = json!(43_200);
        body["refresh_token"] = json!("xoxe-1-fake-refresh-token");
    }
    body
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let decoded = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

impl FakeSlack {
    /// Another workspace of the same Slack, with the same app, which is not installed there. What is
    /// said, posted and called there is its own, whatever the ids.
    #[must_use]
    pub fn also(&self, workspace: Workspace) -> Self {
        let workspace = Workspace {
            api_app_id: self.workspace().api_app_id.clone(),
            signing_secret: self.workspace().signing_secret.clone(),
            ..workspace
        };
        let state = State::new(workspace, self.state.origin.clone());
        state.change(|store| store.tokens.clear());
        let state = Arc::new(state);
        let mut workspaces = self
            .site
            .workspaces
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        workspaces.push(Arc::clone(&state));
        drop(workspaces);
        Self {
            state,
            ..self.clone()
        }
    }

    /// Whether this is the workspace that the fake was started with.
    pub(crate) fn is_first(&self) -> bool {
        let workspaces = self.site.workspaces.lock();
        let workspaces = workspaces.unwrap_or_else(PoisonError::into_inner);
        let first = workspaces.first();
        first.is_some_and(|first| Arc::ptr_eq(first, &self.state))
    }

    /// What the bridge's `oauth_base_url` is set to.
    #[must_use]
    pub fn oauth_base_url(&self) -> String {
        format!("{}/oauth", self.origin())
    }

    /// Registers the app's redirect URL.
    pub fn set_redirect_url(&self, url: &str) {
        self.site
            .oauth(|oauth| oauth.redirect_url = Some(url.to_owned()));
    }

    /// Switches the app's token rotation on.
    pub fn switch_token_rotation_on(&self) {
        self.site.oauth(|oauth| oauth.token_rotation = true);
    }

    /// Somebody consents, in this workspace, on the page that a browser was sent to; returns where Slack
    /// sends it back to.
    ///
    /// # Panics
    ///
    /// When the page would not be shown.
    #[must_use]
    pub fn consent(&self, page: &str) -> String {
        let (mut back, redirect_uri, state) = self.page(page);
        let code = Code {
            text: self.state.change(|store| store.next_id("code-")) + &self.workspace().team_id,
            workspace: Arc::clone(&self.state),
            redirect_uri,
            used: false,
        };
        back.query_pairs_mut()
            .append_pair("code", &code.text)
            .append_pair("state", &state);
        self.site.oauth(|oauth| oauth.codes.push(code));
        back.to_string()
    }

    /// Somebody does not consent; returns where Slack sends the browser back to.
    ///
    /// # Panics
    ///
    /// When the page would not be shown.
    #[must_use]
    pub fn refuse_consent(&self, page: &str) -> String {
        let (mut back, _, state) = self.page(page);
        back.query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair("state", &state);
        back.to_string()
    }

    /// Reads a page's URL: where to go back to, the `redirect_uri` that it gave, and the `state`.
    fn page(&self, page: &str) -> (Url, Option<String>, String) {
        let url = Url::parse(page).expect("a URL");
        let base = format!("{}/v2/authorize", self.oauth_base_url());
        assert_eq!(page.split('?').next(), Some(base.as_str()), "{page}");
        let parameter = |name: &str| {
            let found = url.query_pairs().find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        assert_eq!(parameter("client_id").as_deref(), Some(CLIENT_ID), "{page}");
        let scopes = parameter("scope").unwrap_or_default();
        assert!(
            scopes.split(',').any(|scope| scope == "chat:write"),
            "{page}"
        );
        let registered = self.site.oauth(|oauth| oauth.redirect_url.clone());
        let registered = registered.expect("a redirect URL was registered");
        let redirect_uri = parameter("redirect_uri");
        assert!(
            redirect_uri.as_ref().is_none_or(|uri| *uri == registered),
            "the redirect_uri of {page} is not {registered}"
        );
        let state = parameter("state").filter(|state| !state.is_empty());
        let back = Url::parse(&registered).expect("a URL");
        (back, redirect_uri, state.expect("a state"))
    }

    /// Somebody removes the app from this workspace: its tokens are good no more. Returns what Slack
    /// tells of it, in either order: `tokens_revoked` and `app_uninstalled`.
    #[must_use]
    pub fn uninstall(&self) -> (Event, Event) {
        self.state.change(|store| {
            let tokens = std::mem::take(&mut store.tokens);
            store.revoked.extend(tokens);
        });
        let bot = &self.workspace().bot_user_id;
        let tell = |event: Value| {
            let told = self.envelope(&event);
            // There is nobody left to authorise anything.
            told.with_outer("authorizations", json!([]))
        };
        (
            tell(json!({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [bot]}})),
            tell(json!({"type": "app_uninstalled"})),
        )
    }

    /// The tokens of this workspace, good and revoked ones.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        self.state
            .read(|store| [store.tokens.clone(), store.revoked.clone()].concat())
    }
}
