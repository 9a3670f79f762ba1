//! Trying an account's tokens without anybody seeing it.
//!
//! Haptik has no call for that, so each token is tried with a call that can have no effect, and whose
//! refusals are documented: for messaging, a message of a user whom nobody has created (403 "user is not
//! registered" with good credentials, 401 with others); for the integration API, a transcript of nobody
//! ("Argument group validation: no valid group." or "Invalid token").

use http::HeaderName;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use url::Url;

use crate::config;
use crate::haptik::client::{is_of_credentials, is_of_nobody, plain, words_of};
use crate::net::api::{Api, ApiAnswer, ApiRequest};
use crate::net::online::{Finding, Verdict};
use crate::net::shortened;

const CLIENT_ID: HeaderName = HeaderName::from_static("client-id");

/// Statuses that are answers here: what they mean stands in the body.
const ANSWERS: [u16; 5] = [400, 401, 403, 404, 422];

/// The most characters of Haptik's own words that are shown.
const LONGEST_WORDS: usize = 120;

/// What to do about a token of the messaging API.
const MEND: &str = "Copy token and client_id again, as docs/haptik.md says, from the same environment (staging or production) as base_url";

/// What to do about a token of the integration API.
const MEND_INTEGRATION: &str = "Copy the integration API's token again, as docs/haptik.md says: it may be another than the messaging API's, and so may its URL";

/// What to do where another server answers, or Haptik has nothing at the path.
const MEND_PATH: &str =
    "Look at base_url and integration_base_url: each ends before /v1.0/ and /integration/ begin";

/// Tries each token of an account. `nobody` is an `auth_id` that no user has.
pub async fn try_account(
    account: &config::Haptik,
    http: reqwest::Client,
    business_id: Option<u64>,
    nobody: &str,
) -> Vec<Finding> {
    let api = Api::new(http);
    let mut findings = Vec::new();
    let tokens: Vec<_> = account.tokens.iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let item = numbered("token, messaging", index, tokens.len());
        let request = message_of(nobody, account, business_id);
        let verdict = verdict(&api, request, account, token, is_unknown_user, MEND).await;
        findings.push(Finding::new(item, verdict));
    }
    let tokens: Vec<_> = account.integration_tokens.iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let item = numbered("token, integration API", index, tokens.len());
        let request = history_of_nobody(account);
        let verdict = verdict(&api, request, account, token, is_no_group, MEND_INTEGRATION).await;
        findings.push(Finding::new(item, verdict));
    }
    if account.sync_url.is_some() {
        let how = "nothing is published that this call refuses without an effect: send a message";
        findings.push(Finding::untried("sync_url", how));
    }
    let how = "only a delivery of Haptik's shows whether it is right: send the bot a message";
    findings.push(Finding::untried("webhook_secrets", how));
    findings
}

fn numbered(name: &str, index: usize, count: usize) -> String {
    if count == 1 {
        name.to_owned()
    } else {
        format!("{name} ({} of {count})", index + 1)
    }
}

fn message_of(nobody: &str, account: &config::Haptik, business_id: Option<u64>) -> ApiRequest {
    let body = json!({
        "user": {"auth_id": nobody},
        "message_body": "check",
        "message_type": 0,
        "business_id": business_id.or(account.business_id).unwrap_or_default(),
    });
    let url = below(&account.base_url, "v1.0/log_message_from_user/");
    ApiRequest::post("log a message of nobody", url).json(body)
}

fn history_of_nobody(account: &config::Haptik) -> ApiRequest {
    let path = "integration/external/v2.0/get_chat_history/";
    let url = below(&account.integration_base_url, path);
    ApiRequest::get("get the history of nobody's chat", url)
}

/// What a call with this token says. `is_good` knows the refusal that only good credentials get.
async fn verdict(
    api: &Api,
    request: ApiRequest,
    account: &config::Haptik,
    token: &SecretString,
    is_good: fn(&ApiAnswer, &str) -> bool,
    mend: &str,
) -> Verdict {
    let request = request
        .header(CLIENT_ID, &account.client_id)
        .bearer_auth(token)
        .expect(&ANSWERS);
    let answer = match api.send(request).await {
        Ok(answer) => answer,
        Err(error) => return Verdict::of_error(&error, "Haptik", mend),
    };
    let words = words_of(&answer.body);
    let said = plain(&words);
    let status = answer.status;
    if status == 401 || is_of_credentials(&said) {
        let why = format!(
            "Haptik does not accept it ({status}{})",
            error_text(&words, account, token)
        );
        let mend = mend.to_owned();
        return Verdict::Refused { why, mend };
    }
    if is_good(&answer, &said) {
        return Verdict::Accepted("Haptik accepts it, and client_id".to_owned());
    }
    if !answer.body.is_object() {
        let why = format!("what answers there ({status}) is not Haptik's API");
        let mend = MEND_PATH.to_owned();
        return Verdict::Refused { why, mend };
    }
    let other = error_text(&words, account, token);
    if status == 404 && is_of_path(&said) {
        let why = format!("nothing of Haptik's is there ({status}{other})");
        return Verdict::Refused {
            why,
            mend: MEND_PATH.to_owned(),
        };
    }
    if (200..300).contains(&status) && words.is_empty() {
        return Verdict::Accepted(format!("Haptik accepts it ({status})"));
    }
    Verdict::Untried(format!(
        "Haptik answered {status}{other}, which says nothing of the credentials"
    ))
}

/// Whether the words of a 404 are about the path, and not about what the call asks for; so are none.
fn is_of_path(said: &str) -> bool {
    let of_path = ["path", "page", "route", "url", "resource", "endpoint"];
    matches!(said.trim_end_matches('.'), "" | "not found")
        || of_path.iter().any(|words| said.contains(words))
}

/// "user is not registered": what only good credentials are told of a user whom nobody has created.
fn is_unknown_user(answer: &ApiAnswer, said: &str) -> bool {
    is_of_nobody(said) || answer.status == 403 && said.contains("invalid user")
}

/// "Argument group validation", or in the words of v1.0 what is missing: what only good credentials are told of a request for nobody's chat.
fn is_no_group(_: &ApiAnswer, said: &str) -> bool {
    let of_arguments = [
        "argument group",
        "missing",
        "invalid business id",
        "invalid user name",
    ];
    of_arguments.iter().any(|words| said.contains(words)) || said.contains("not sent a message")
}

/// Haptik's own words, without what was sent.
fn error_text(words: &str, account: &config::Haptik, token: &SecretString) -> String {
    if words.is_empty() {
        return String::new();
    }
    let words = shortened(words, LONGEST_WORDS);
    let words = words.replace(token.expose_secret(), "…");
    format!(": “{}”", words.replace(&account.client_id, "…"))
}

/// The URL of a path below a base URL, whether or not that ends in a slash.
fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::client;
    use crate::net::fake::{Answer, Fake, Request};

    const TOKEN: &str = "super-secret-token";

    const REGISTRY: config::Registry = config::Registry {
        channels: &[config::ChannelDefinition::of::<config::Outbound>("bare")],
        sinks: &[],
    };

    async fn tried(
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> (Vec<Finding>, Vec<Request>) {
        let fake = Fake::start(answer).await;
        let account = account_at(&fake.url(""), &format!("'{TOKEN}'"));
        let http = client().expect("a client");
        let findings = try_account(&account, http, None, "nobody1").await;
        (findings, fake.requests())
    }

    fn lines(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn a_good_token_is_known_by_the_refusal_that_is_documented() {
        let (findings, requests) = tried(|request| {
            if request.method == "POST" {
                Answer::new(403, r#"{"error_message": "user is not registered"}"#)
            } else {
                let refusal = "Argument group validation: no valid group.";
                Answer::new(400, json!({"error_message": refusal}).to_string())
            }
        })
        .await;
        let good = |finding: &&Finding| matches!(finding.verdict, Verdict::Accepted(_));
        assert_eq!(findings.iter().filter(good).count(), 2, "{findings:?}");
        // Nobody was created, and nothing was said by anybody who is.
        let paths: Vec<_> = requests.iter().map(|one| one.path.clone()).collect();
        let history = "/integration/external/v2.0/get_chat_history/";
        assert_eq!(paths, ["/v1.0/log_message_from_user/", history]);
        assert!(requests[0].text().contains("nobody1"));
    }

    #[tokio::test]
    async fn a_base_url_that_ends_too_late_is_what_to_look_at() {
        for body in [
            "{}",
            r#"{"detail": "Not found."}"#,
            r#"{"error_message": "no such path"}"#,
            "<html>",
        ] {
            let (findings, _) = tried(move |_| Answer::new(404, body)).await;
            for line in lines(&findings).iter().take(2) {
                assert!(
                    line.starts_with("refused: ") && line.contains("ends before /v1.0/"),
                    "{line}"
                );
            }
        }
        let (findings, _) =
            tried(|_| Answer::new(404, r#"{"error_message": "no such chat"}"#)).await;
        assert!(
            lines(&findings)[0].starts_with("could not be tried: "),
            "{findings:?}"
        );
    }

    #[tokio::test]
    async fn a_bad_token_is_told_in_whatever_status_and_never_shown() {
        let answers = [
            (
                401,
                format!("invalid authorization details: Bearer {TOKEN}"),
            ),
            (200, "Invalid token".to_owned()),
            (400, "invalid client_id in headers: the-client".to_owned()),
            (403, "Token has expired".to_owned()),
            (404, "no token was provided".to_owned()),
            (422, "token missing in headers".to_owned()),
            (
                403,
                "Authentication credentials were not provided.".to_owned(),
            ),
            (401, String::new()),
        ];
        let shapes: [fn(&str) -> String; 4] = [
            |words| json!({"error_message": words}).to_string(),
            |words| json!({"detail": words}).to_string(),
            |words| json!({"errors": [{"message": words}]}).to_string(),
            |words| words.to_owned(),
        ];
        let answers = answers
            .iter()
            .flat_map(|answer| shapes.map(|shape| (answer, shape)));
        for ((status, words), shape) in answers {
            let (status, body) = (*status, shape(words));
            let (findings, _) = tried(move |_| Answer::new(status, body.clone())).await;
            let lines = lines(&findings);
            assert!(
                lines[0].starts_with("refused: token, messaging: "),
                "{lines:?}"
            );
            assert!(
                lines[1].starts_with("refused: token, integration API: "),
                "{lines:?}"
            );
            let all = lines.join("\n");
            assert!(!all.contains(TOKEN) && !all.contains("the-client"), "{all}");
        }
    }

    #[tokio::test]
    async fn what_does_not_answer_is_not_called_refused() {
        let (findings, _) = tried(|_| Answer::new(503, "")).await;
        assert!(
            matches!(findings[0].verdict, Verdict::Unreached(_)),
            "{findings:?}"
        );
        for (status, page) in [
            (404, "<html>no such page</html>"),
            (200, "<html>Welcome to nginx</html>"),
            (200, "OK"),
            (200, ""),
            (404, "404 page not found"),
        ] {
            let (findings, _) = tried(move |_| Answer::new(status, page)).await;
            let lines = lines(&findings);
            for line in &lines[..2] {
                assert!(line.contains("is not Haptik's API"), "{page}: {lines:?}");
            }
        }
    }

    #[tokio::test]
    async fn each_token_of_a_list_is_tried() {
        let fake = Fake::start(|request| {
            let is_new = request.header("authorization") == "Bearer new";
            let (status, words) = if is_new {
                (403, "user is not registered")
            } else {
                (401, "invalid authorization details")
            };
            Answer::new(status, json!({"error_message": words}).to_string())
        })
        .await;
        let account = account_at(&fake.url(""), "['new', 'old']");
        let http = client().expect("a client");
        let findings = try_account(&account, http, Some(7), "nobody1").await;
        let lines = lines(&findings);
        assert!(
            lines[0].starts_with("ok: token, messaging (1 of 2)"),
            "{lines:?}"
        );
        assert!(
            lines[1].starts_with("refused: token, messaging (2 of 2)"),
            "{lines:?}"
        );
    }

    fn account_at(base_url: &Url, tokens: &str) -> config::Haptik {
        let text = format!(
            "[haptik.main]\nbase_url = '{base_url}'\nclient_id = 'the-client'\ntoken = {tokens}\n\
             webhook_secrets = 's'\nbusiness_id = 343\n[channels.any]\ntype = 'bare'"
        );
        let config = config::Config::parse(&text, &REGISTRY).expect("a configuration");
        config.haptik.values().next().expect("an account").clone()
    }
}
