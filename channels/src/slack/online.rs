//! Whether the app's tokens are good and may do what they have to: `auth.test`
//! (<https://docs.slack.dev/reference/methods/auth.test>), which nobody sees and which needs no scope; or,
//! for an app that is installed by OAuth, whether Slack knows its client secret.

use std::collections::BTreeSet;

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::CallError;
use haptik_bridge_shared::net::api::{Api, ApiRequest, below};
use secrecy::SecretString;

use super::api::{answer_to, error_text};
use super::config::{self, OAuth, SCOPES, Workspaces};
use crate::channel::{Finding, Verdict};

/// What the token may do, as each answer of Slack's says
/// (<https://docs.slack.dev/authentication/installing-with-oauth/>).
const SCOPES_HEADER: &str = "x-oauth-scopes";

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Needed only where agents speak under their own name.
const AGENT_SCOPE: &str = "chat:write.customize";

/// What Slack says of a code that nobody was given, to an app that it knows.
const UNKNOWN_CODE: &str = "invalid_code";

/// A code that Slack never gives.
const NO_CODE: &str = "haptik-bridge-check";

/// Tries what the app has.
pub(super) async fn try_app(config: config::Slack, http: reqwest::Client) -> Vec<Finding> {
    let api = Api::new(http);
    let mut findings = match &config.workspaces {
        Workspaces::One { bot_tokens } => {
            let tokens: Vec<_> = bot_tokens.iter().collect();
            let mut findings = Vec::new();
            for (index, token) in tokens.iter().enumerate() {
                let item = match tokens.len() {
                    1 => "bot_token".to_owned(),
                    count => format!("bot_token ({} of {count})", index + 1),
                };
                findings.extend(try_token(&config, &api, token, &item).await);
            }
            findings
        }
        Workspaces::Many(oauth) => try_client(&config, oauth, &api).await,
    };
    let how = "only a request of Slack's shows whether it is right: write to the app";
    findings.push(Finding::untried("signing_secrets", how));
    findings
}

/// Tries a token, and what it may do.
async fn try_token(
    config: &config::Slack,
    api: &Api,
    token: &SecretString,
    item: &str,
) -> Vec<Finding> {
    let request = request(config, "auth.test").bearer_auth(token);
    let answer = match answer_to(api, request).await {
        Ok(answer) => answer,
        Err(error) => return vec![Finding::new(item, of_error(&error))],
    };
    let text = |key| lenient_json::text(&answer.body, key);
    let learnt = format!("Slack knows the bot {} of {}", text("user"), text("team"));
    let scopes = lenient_json::header(&answer.headers, SCOPES_HEADER);
    vec![
        Finding::new(item, Verdict::Accepted(learnt)),
        Finding::new(format!("{item}, scopes"), scopes_of(config, scopes)),
    ]
}

/// Whether these scopes suffice.
fn scopes_of(config: &config::Slack, scopes: Option<&str>) -> Verdict {
    let Some(scopes) = scopes else {
        return Verdict::Untried("Slack did not say what the token may do".to_owned());
    };
    let has: BTreeSet<_> = scopes.split(',').map(str::trim).collect();
    let is_needed = |scope: &&str| config.agent_identity || *scope != AGENT_SCOPE;
    let needed = SCOPES.iter().copied().filter(is_needed);
    let missing: Vec<_> = needed.filter(|scope| !has.contains(scope)).collect();
    if missing.is_empty() {
        return Verdict::Accepted(String::new());
    }
    Verdict::Refused {
        why: format!("the token lacks {}", missing.join(", ")),
        mend: "Add them on the app's page OAuth & Permissions and install the app again; what they are for is in docs/slack.md".to_owned(),
    }
}

/// Tries the client secrets: Slack refuses a code that it never gave, and says whether it is that which is
/// wrong (<https://docs.slack.dev/reference/methods/oauth.v2.access#errors>).
async fn try_client(config: &config::Slack, oauth: &OAuth, api: &Api) -> Vec<Finding> {
    let mut findings = Vec::new();
    for secret in oauth.client_secrets.iter() {
        let fields = [("client_id", oauth.client_id.as_str()), ("code", NO_CODE)];
        let request = request(config, "oauth.v2.access")
            .form(fields.map(|(name, value)| (name, value.to_owned())))
            .secret_field("client_secret", secret);
        let verdict = match answer_to(api, request).await {
            Err(error) if error.code == UNKNOWN_CODE => {
                Verdict::Accepted("Slack knows the app".to_owned())
            }
            Err(error) => of_error(&error),
            Ok(answer) => of_error(&answer.unreadable()),
        };
        findings.push(Finding::new("client_id, client_secrets", verdict));
    }
    let how = "each workspace has its own: write to the app in one of them";
    findings.push(Finding::untried("the tokens of the workspaces", how));
    findings
}

fn request(config: &config::Slack, method: &'static str) -> ApiRequest {
    ApiRequest::post(method, below(&config.api_base_url, method)).limit(LARGEST_ANSWER)
}

fn of_error(error: &CallError) -> Verdict {
    let mend = "Copy it again from the app's page (docs/slack.md says which), and see that the app is installed";
    Verdict::of_kind(&error.kind, error_text(error), mend)
}

#[cfg(test)]
mod tests {
    use haptik_bridge_shared::net::client;
    use haptik_bridge_shared::net::fake::{Answer, Fake};
    use serde_json::json;

    use super::*;
    use crate::registry;

    const TOKEN: &str = "xoxb-1-hunter2";

    async fn tried(keys: &str, answer: Answer) -> Vec<String> {
        let fake = Fake::start(move |_| answer.clone()).await;
        let text = format!(
            "[haptik.main]\nbase_url = 'https://h.example'\nclient_id = 'c'\ntoken = 't'\n\
             webhook_secrets = 's'\nbusiness_id = 1\n[channels.acme]\ntype = 'slack'\n\
             signing_secrets = 'whatever'\napi_base_url = '{}'\n{keys}",
            fake.url("")
        );
        let registry = haptik_bridge_shared::config::Registry {
            channels: registry::DEFINITIONS,
            sinks: &[],
        };
        let config = haptik_bridge_shared::config::Config::parse(&text, &registry);
        let config = config.expect("a configuration");
        let channel = config.channels.values().next().expect("a connection");
        let slack: &config::Slack = channel.settings.get().expect("it is Slack");
        let http = client().expect("a client");
        let findings = try_app(slack.clone(), http).await;
        findings.iter().map(ToString::to_string).collect()
    }

    fn one() -> String {
        format!("bot_token = '{TOKEN}'")
    }

    #[tokio::test]
    async fn a_token_is_good_and_may_do_all_that_the_manifest_has() {
        let scopes = SCOPES.join(",");
        let body = json!({"ok": true, "user": "haptik", "team": "Acme"}).to_string();
        let answer = Answer::new(200, body.clone()).header("X-OAuth-Scopes", &scopes);
        let lines = tried(&one(), answer).await;
        assert_eq!(
            lines[0],
            "ok: bot_token: Slack knows the bot haptik of Acme"
        );
        assert_eq!(lines[1], "ok: bot_token, scopes");
        assert!(
            lines[2].starts_with("could not be tried: signing_secrets"),
            "{lines:?}"
        );
        let answer = Answer::new(200, body).header("X-OAuth-Scopes", "chat:write, im:history");
        let lines = tried(&one(), answer).await;
        assert!(
            lines[1].starts_with("refused: bot_token, scopes: the token lacks app_mentions:read, "),
            "{lines:?}"
        );
        assert!(lines[1].contains(AGENT_SCOPE));
    }

    #[tokio::test]
    async fn a_refusal_names_slacks_code_and_no_secret() {
        let lines = tried(
            &one(),
            Answer::new(200, r#"{"ok": false, "error": "invalid_auth"}"#),
        )
        .await;
        assert!(
            lines[0].starts_with("refused: bot_token: Slack answered invalid_auth to auth.test"),
            "{lines:?}"
        );
        let echo = json!({"ok": false, "error": format!("bad token {TOKEN}")}).to_string();
        let lines = tried(&one(), Answer::new(200, echo)).await;
        assert!(
            lines[0].starts_with("refused: ") && !lines.concat().contains(TOKEN),
            "{lines:?}"
        );
        let lines = tried(&one(), Answer::new(503, "")).await;
        assert!(
            lines[0].starts_with("could not be tried: bot_token"),
            "{lines:?}"
        );
    }

    #[tokio::test]
    async fn an_app_of_many_workspaces_is_known_by_what_slack_refuses() {
        let keys = "client_id = '1.2'\nclient_secrets = 'hunter2'\n\
                    token_encryption_keys = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='";
        let lines = tried(
            keys,
            Answer::new(200, r#"{"ok": false, "error": "invalid_code"}"#),
        )
        .await;
        assert_eq!(
            lines[0],
            "ok: client_id, client_secrets: Slack knows the app"
        );
        let lines = tried(
            keys,
            Answer::new(200, r#"{"ok": false, "error": "bad_client_secret"}"#),
        )
        .await;
        assert!(
            lines[0].starts_with(
                "refused: client_id, client_secrets: Slack answered bad_client_secret"
            ),
            "{lines:?}"
        );
        assert!(!lines.concat().contains("hunter2"));
    }

    #[test]
    fn the_scopes_are_those_of_the_manifest() {
        let manifest = include_str!("../../../docs/slack-app-manifest.yaml");
        let lines = manifest.lines().map(str::trim);
        let listed: BTreeSet<_> = lines
            .filter_map(|line| line.strip_prefix("- "))
            .filter(|scope| scope.contains(':') || *scope == "commands")
            .filter(|scope| !scope.contains(' '))
            .collect();
        let ours: BTreeSet<_> = SCOPES.iter().copied().collect();
        assert_eq!(ours, listed);
    }
}
