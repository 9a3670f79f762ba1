//! In which workspaces the app is: what Slack makes different about [installing](crate::install) it
//! (<https://docs.slack.dev/authentication/installing-with-oauth/>).

use std::fmt;

use haptik_bridge_shared::encryption::InvalidKey;
use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::as_code;
use haptik_bridge_shared::table::Table;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::config;
use crate::install::{App, Granted, NotGranted, Tenant, Tokens};
use crate::memory::Memory;

/// The tokens of a connection.
pub(super) type Workspaces = Tokens<WorkspaceId>;

/// An installation ended.
pub(super) type Ended = crate::install::Ended<WorkspaceId>;

/// Where the app is installed: Slack's id of a workspace (`T…`), or of an organisation (`E…`) whose
/// workspaces share one installation
/// (<https://docs.slack.dev/enterprise/developing-for-enterprise-orgs/>).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct WorkspaceId(String);

impl Tenant for WorkspaceId {
    const NOUN: &'static str = "workspace";
}

/// The tokens of a connection with these settings. Nothing is called yet.
///
/// # Errors
/// When a key to encrypt with is none.
pub(super) fn workspaces(
    connection: &ConnectionId,
    settings: &config::Slack,
    http: &reqwest::Client,
    table: &Table,
    memory: &Memory,
) -> Result<Workspaces, InvalidKey> {
    match &settings.workspaces {
        config::Workspaces::One { bot_tokens } => Ok(Tokens::Configured(bot_tokens.clone())),
        config::Workspaces::Many(oauth) => {
            let app = app(oauth, &settings.api_base_url, connection);
            Tokens::installed(app, connection, http.clone(), table.clone(), memory)
        }
    }
}

/// The app, which is given a token by <https://docs.slack.dev/reference/methods/oauth.v2.access>.
fn app(oauth: &config::OAuth, api_base_url: &Url, connection: &ConnectionId) -> App<WorkspaceId> {
    let below = haptik_bridge_shared::net::api::below;
    let redirect_url = oauth.public_url.as_ref();
    App {
        provider: "Slack",
        authorize_url: below(&oauth.oauth_base_url, "v2/authorize"),
        token_url: below(api_base_url, "oauth.v2.access"),
        client_id: oauth.client_id.clone(),
        client_secrets: oauth.client_secrets.clone(),
        scope: oauth.scopes.join(","),
        redirect_url: redirect_url.map(|url| below(url, &format!("channels/{connection}/oauth"))),
        encryption_keys: oauth.token_encryption_keys.clone(),
        read: granted,
    }
}

fn granted(answer: &Value) -> Result<Granted<WorkspaceId>, NotGranted> {
    match answer.get("ok").and_then(Value::as_bool) {
        Some(true) => {}
        Some(false) => {
            let code = as_code(&lenient_json::text(answer, "error")).to_owned();
            let is_of_the_secret = ["bad_client_secret", "invalid_client_secret"];
            return Err(if is_of_the_secret.contains(&code.as_str()) {
                NotGranted::WrongSecret(code)
            } else {
                NotGranted::Refused(code)
            });
        }
        None => return Err(NotGranted::Unreachable),
    }
    if lenient_json::some_text(answer, "refresh_token").is_some()
        || answer.get("expires_in").is_some()
    {
        return Err(TOKEN_ROTATION);
    }
    let token = lenient_json::some_text(answer, "access_token");
    let token = token.filter(|_| lenient_json::text(answer, "token_type") == "bot");
    let token = token.ok_or(NO_BOT_TOKEN)?;
    let whose = if lenient_json::flag(answer, "is_enterprise_install") {
        "enterprise"
    } else {
        "team"
    };
    let whose = answer.get(whose).ok_or(NO_WORKSPACE)?;
    Ok(Granted {
        tenant: WorkspaceId::read(&lenient_json::text(whose, "id")).ok_or(NO_WORKSPACE)?,
        name: lenient_json::text(whose, "name"),
        token: token.into(),
    })
}

/// The app's tokens expire.
const TOKEN_ROTATION: NotGranted = NotGranted::Useless {
    reason: "the app has token rotation switched on",
    text: "The Slack app has token rotation switched on, which this bridge does not support: its \
        tokens would expire after twelve hours. Nothing was installed. Whoever runs the app has to use \
        one with token_rotation_enabled: false in its manifest.",
};

/// The app has no bot user.
const NO_BOT_TOKEN: NotGranted = NotGranted::Useless {
    reason: "Slack gave no bot token",
    text: "Slack gave no bot token: the Slack app has no bot user. Nothing was installed.",
};

/// It is for no workspace.
const NO_WORKSPACE: NotGranted = NotGranted::Useless {
    reason: "Slack did not say for which workspace",
    text: "Slack did not say for which workspace the token is. Nothing was installed.",
};

impl WorkspaceId {
    /// An id as Slack gives them; `None` for anything else.
    pub(super) fn read(text: &str) -> Option<Self> {
        let is_id = (2..=40).contains(&text.len())
            && text.starts_with(['T', 'E'])
            && text
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        is_id.then(|| Self(text.to_owned()))
    }

    /// Whether it is an organisation.
    pub(super) fn is_organisation(&self) -> bool {
        self.0.starts_with('E')
    }

    /// The id as text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// How a user of the workspace is called: `T024BE7LR:U024BE7LH`. Users' ids are unique within what
    /// one installation sees, guests of other workspaces included, and not beyond.
    pub(super) fn user(&self, user: &str) -> String {
        format!("{self}:{user}")
    }
}

impl From<WorkspaceId> for String {
    fn from(id: WorkspaceId) -> Self {
        id.0
    }
}

impl TryFrom<String> for WorkspaceId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::read(&text).ok_or("not the id of a workspace")
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Slack's own id of a user, without the workspace.
pub(super) fn bare_user(user: &str) -> &str {
    user.split_once(':').map_or(user, |(_, user)| user)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;
    use serde_json::json;

    use super::*;

    fn answer() -> Value {
        json!({
            "ok": true, "access_token": "xoxb-1", "token_type": "bot", "scope": "chat:write", "bot_user_id": "U0",
            "app_id": "A1", "team": {"name": "Acme", "id": "T1"}, "enterprise": {"name": "Org", "id": "E1"},
            "authed_user": {"id": "U1"}, "is_enterprise_install": false,
        })
    }

    #[test]
    fn what_slack_grants_is_the_bots_token_in_a_workspace_or_in_an_organisation() {
        let granted_to = granted(&answer()).expect("it is granted");
        assert_eq!(
            (granted_to.tenant.as_str(), granted_to.name.as_str()),
            ("T1", "Acme")
        );
        assert_eq!(granted_to.token.expose_secret(), "xoxb-1");
        assert!(!format!("{granted_to:?}").contains("xoxb-1"));
        let mut org = answer();
        org["is_enterprise_install"] = true.into();
        org["team"] = Value::Null;
        let granted_to = granted(&org).expect("it is granted");
        assert_eq!(
            (granted_to.tenant.as_str(), granted_to.name.as_str()),
            ("E1", "Org")
        );
    }

    #[test]
    fn what_is_no_good_answer_says_why() {
        for (field, value, expected) in [
            ("expires_in", json!(43_200), TOKEN_ROTATION),
            ("refresh_token", json!("xoxe-1"), TOKEN_ROTATION),
            ("token_type", json!("user"), NO_BOT_TOKEN),
            ("access_token", json!(""), NO_BOT_TOKEN),
            ("team", Value::Null, NO_WORKSPACE),
            ("ok", Value::Null, NotGranted::Unreachable),
        ] {
            let mut odd = answer();
            odd[field] = value;
            assert_eq!(granted(&odd).err(), Some(expected), "{field}");
        }
        let refused = |code: &str| granted(&json!({"ok": false, "error": code})).err();
        let because = |code: &str| Some(NotGranted::Refused(code.to_owned()));
        assert_eq!(refused("invalid_code"), because("invalid_code"));
        assert_eq!(refused("<b>"), because("an unknown error"));
        assert!(matches!(
            refused("bad_client_secret"),
            Some(NotGranted::WrongSecret(_))
        ));
    }
}
