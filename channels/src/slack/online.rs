//! Whether the app's tokens are good and may do what they have to: `auth.test`
//! (<https://docs.slack.dev/reference/methods/auth.test>), which nobody sees and which needs no scope; or,
//! for an app that is installed by OAuth, whether Slack knows its client secret.

use std::collections::BTreeSet;

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::net::{self, Unreachable};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::config::{self, OAuth, Workspaces};
use crate::channel::{Finding, Verdict};

/// What the token may do, as each answer of Slack's says
/// (<https://docs.slack.dev/authentication/installing-with-oauth/>).
const SCOPES_HEADER: &str = "x-oauth-scopes";

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;

/// The scopes of the manifest, docs/slack-app-manifest.yaml. The first ones are of use to every app.
#[rustfmt::skip]
const SCOPES: &[&str] = &[
    "app_mentions:read", "assistant:write", "channels:history", "channels:read", "chat:write",
    "commands", "files:read", "groups:history", "groups:read", "im:history", "im:write", "mpim:history",
    "reactions:write", "users:read", "users:read.email",
];

/// Needed only where agents speak under their own name.
const AGENT_SCOPE: &str = "chat:write.customize";

/// What Slack says of a code that nobody was given, to an app that it knows.
const UNKNOWN_CODE: &str = "invalid_code";

/// A code that Slack never gives.
const NO_CODE: &str = "haptik-bridge-check";

/// Tries what the app has.
pub(super) async fn try_app(config: config::Slack, http: reqwest::Client) -> Vec<Finding> {
    let mut findings = match &config.workspaces {
        Workspaces::One { bot_tokens } => {
            let tokens: Vec<_> = bot_tokens.iter().collect();
            let mut findings = Vec::new();
            for (index, token) in tokens.iter().enumerate() {
                let item = match tokens.len() {
                    1 => "bot_token".to_owned(),
                    count => format!("bot_token ({} of {count})", index + 1),
                };
                findings.extend(try_token(&config, &http, token, &item).await);
            }
            findings
        }
        Workspaces::Many(oauth) => try_client(&config, oauth, &http).await,
    };
    let how = "only a request of Slack's shows whether it is right: write to the app";
    findings.push(Finding::untried("signing_secrets", how));
    findings
}

/// Tries a token, and what it may do.
async fn try_token(
    config: &config::Slack,
    http: &reqwest::Client,
    token: &SecretString,
    item: &str,
) -> Vec<Finding> {
    let request = url(&config.api_base_url, "auth.test").map(|url| http.post(url));
    let Some(request) = request else {
        return vec![Finding::untried(item, "api_base_url takes no method")];
    };
    let (scopes, answer) = match answer_to(request.bearer_auth(token.expose_secret())).await {
        Ok(answered) => answered,
        Err(why) => return vec![Finding::new(item, Verdict::Unreached(why))],
    };
    if !lenient_json::flag(&answer, "ok") {
        return vec![Finding::new(item, refusal(&answer, "auth.test"))];
    }
    let text = |key| lenient_json::text(&answer, key);
    let learnt = format!("Slack knows the bot {} of {}", text("user"), text("team"));
    vec![
        Finding::new(item, Verdict::Accepted(learnt)),
        Finding::new(format!("{item}, scopes"), scopes_of(config, scopes)),
    ]
}

/// Whether these scopes suffice.
fn scopes_of(config: &config::Slack, scopes: Option<String>) -> Verdict {
    let Some(scopes) = scopes else {
        return Verdict::Untried("Slack did not say what the token may do".to_owned());
    };
    let has: BTreeSet<_> = scopes.split(',').map(str::trim).collect();
    let agent = config.agent_identity.then_some(&AGENT_SCOPE);
    let needed = SCOPES.iter().chain(agent);
    let missing: Vec<_> = needed
        .filter(|scope| !has.contains(**scope))
        .copied()
        .collect();
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
async fn try_client(config: &config::Slack, oauth: &OAuth, http: &reqwest::Client) -> Vec<Finding> {
    let mut findings = Vec::new();
    for secret in oauth.client_secrets.iter() {
        let item = "client_id, client_secrets";
        let Some(url) = url(&config.api_base_url, "oauth.v2.access") else {
            return vec![Finding::untried(item, "api_base_url takes no method")];
        };
        let request = http.post(url).form(&[
            ("client_id", oauth.client_id.as_str()),
            ("client_secret", secret.expose_secret()),
            ("code", NO_CODE),
        ]);
        let verdict = match answer_to(request).await {
            Ok((_, answer)) if lenient_json::text(&answer, "error") == UNKNOWN_CODE => {
                Verdict::Accepted("Slack knows the app".to_owned())
            }
            Ok((_, answer)) => refusal(&answer, "oauth.v2.access"),
            Err(why) => Verdict::Unreached(why),
        };
        findings.push(Finding::new(item, verdict));
    }
    let how = "each workspace has its own: write to the app in one of them";
    findings.push(Finding::untried("the tokens of the workspaces", how));
    findings
}

/// The refusal in an answer.
fn refusal(answer: &Value, method: &str) -> Verdict {
    let code = lenient_json::text(answer, "error");
    // Slack's codes are words of this kind; anything else is not repeated.
    let is_code = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let code = Some(code).filter(|code| !code.is_empty() && code.chars().all(is_code));
    match code.as_deref() {
        Some("ratelimited") => Verdict::Unreached(format!("Slack had too many calls of {method}")),
        Some("fatal_error" | "internal_error" | "service_unavailable") => {
            Verdict::Unreached(format!("Slack cannot answer {method} now"))
        }
        code => Verdict::Refused {
            why: match code {
                Some(code) => format!("Slack answered {code} to {method}"),
                None => format!("what answers {method} is not Slack's API"),
            },
            mend: "Copy it again from the app's page (docs/slack.md says which), and see that the app is installed".to_owned(),
        },
    }
}

/// The scopes that an answer names, and the answer.
async fn answer_to(request: reqwest::RequestBuilder) -> Result<(Option<String>, Value), String> {
    let reason = |error: Unreachable| format!("Slack could not be reached: {error}");
    let response = request.send().await;
    let response = response.map_err(|error| reason(Unreachable::from(&error)))?;
    let status = response.status().as_u16();
    if status == 429 || status >= 500 {
        return Err(format!("Slack cannot answer now ({status})"));
    }
    let scopes = lenient_json::header(response.headers(), SCOPES_HEADER).map(str::to_owned);
    let body = net::read(response, LARGEST_ANSWER).await;
    let body = body.map_err(|error| format!("Slack's answer could not be read: {error}"))?;
    Ok((scopes, lenient_json::read(&body).unwrap_or_default()))
}

fn url(base: &Url, method: &str) -> Option<Url> {
    base.join(method).ok()
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
        let scopes = [SCOPES, &[AGENT_SCOPE]].concat().join(",");
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
        let ours: BTreeSet<_> = SCOPES.iter().copied().chain([AGENT_SCOPE]).collect();
        assert_eq!(ours, listed);
    }
}
