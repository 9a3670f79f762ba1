//! Whether the account's tokens are good, and whether Twilio sends what is said to the sender to this
//! connection (<https://www.twilio.com/docs/iam/api/account>). Nobody sees either.

use haptik_bridge_shared::lenient_json;
use serde_json::Value;

use super::api::Api;
use super::config::Config;
use super::webhook::{self, Set};
use crate::channel::{Finding, OnlineDeps, Verdict};

/// What to do about a token that is not good.
const MEND: &str = "Copy it again from Twilio's console, Account, API keys & tokens";

/// Tries the tokens, then where the sender's webhook leads.
pub(super) async fn try_account(config: Config, deps: OnlineDeps) -> Vec<Finding> {
    let api = Api::new(deps.http, &config);
    let mut findings = Vec::new();
    for (index, token) in api.tokens().enumerate() {
        let item = format!("auth_tokens[{index}]");
        let verdict = match api.account(token).await {
            Ok(account) => of_account(&account),
            Err(error) => Verdict::of_error(&error, "Twilio", MEND),
        };
        findings.push(Finding::new(item, verdict));
    }
    if config.from.is_short_code() {
        let how = "the webhook of a short code is set in Twilio's console: write to it";
        findings.push(Finding::untried("from", how));
        return findings;
    }
    let url = config.public_url.clone().or(deps.url);
    let verdict = match webhook::set(&api, &config.from).await {
        Ok(Some(set)) => leads_here(&set, url.as_deref()),
        Ok(None) => Verdict::Refused {
            why: "the account has no such sender".to_owned(),
            mend: "Copy it again from Twilio's console, a number as +, country and number"
                .to_owned(),
        },
        Err(error) => error.verdict(MEND),
    };
    findings.push(Finding::new("from", verdict));
    findings
}

fn of_account(account: &Value) -> Verdict {
    match lenient_json::text(account, "status").as_str() {
        "suspended" | "closed" => Verdict::Refused {
            why: "the account is suspended or closed".to_owned(),
            mend: "See Twilio's console".to_owned(),
        },
        _ => Verdict::Accepted("Twilio knows the account".to_owned()),
    }
}

/// Whether what is said to the sender comes here.
fn leads_here(set: &Set, url: Option<&str>) -> Verdict {
    let there = set.url.split('#').next().unwrap_or_default();
    let mend = "Run `haptik-bridge register` for this connection".to_owned();
    match url {
        None => Verdict::Untried(
            "Twilio has the sender; name the bridge's own URL with --url to compare".to_owned(),
        ),
        Some(url) if url != there => Verdict::Refused {
            why: "Twilio sends what is said to another URL, or nowhere".to_owned(),
            mend,
        },
        Some(_) if set.method.eq_ignore_ascii_case("GET") => Verdict::Refused {
            why: "Twilio sends what is said by GET".to_owned(),
            mend,
        },
        Some(_) if set.is_overridden => Verdict::Refused {
            why: "Twilio sends what is said to the URLs of the service's numbers".to_owned(),
            mend,
        },
        Some(_) => Verdict::Accepted("Twilio sends what is said here".to_owned()),
    }
}
