//! Whether the bot's token is good, and whether Telegram sends what is said to this connection
//! (<https://core.telegram.org/bots/api#getme>, <https://core.telegram.org/bots/api#getwebhookinfo>). Nobody
//! sees either.

use haptik_bridge_shared::lenient_json;
use serde_json::{Value, json};

use super::api::{Api, CallFailure};
use super::refusal::RefusalReason;
use crate::channel::{Finding, Verdict};

/// Tries the token, then where the webhook leads; `url` is where it has to.
pub(super) async fn try_bot(api: Api, url: Option<String>) -> Vec<Finding> {
    let name = match api.name().await {
        Ok(name) => name,
        Err(error) => {
            let mend = "Copy it again from @BotFather, with `/mybots`";
            return vec![Finding::new("bot_token", of_error(&error, mend))];
        }
    };
    let known = Verdict::Accepted(format!("Telegram knows the bot @{name}"));
    let info = api.call("getWebhookInfo", &json!({})).await;
    let webhook = match info {
        Ok(info) => webhook(&info, url.as_deref()),
        Err(error) => of_error(&error, "Try again"),
    };
    let how =
        "only a request of Telegram's shows whether it is right: `register` gives it to Telegram";
    vec![
        Finding::new("bot_token", known),
        Finding::new("the webhook", webhook),
        Finding::untried("secret_tokens", how),
    ]
}

/// Whether what is said comes here.
fn webhook(info: &Value, url: Option<&str>) -> Verdict {
    let set = lenient_json::text(info, "url");
    let waiting = lenient_json::whole(info, "pending_update_count").unwrap_or_default();
    let register = "Run `haptik-bridge register` for this connection".to_owned();
    if set.is_empty() {
        let why = "Telegram has no URL to send what is said to".to_owned();
        let mend = register;
        return Verdict::Refused { why, mend };
    }
    match url {
        Some(url) if url != set => Verdict::Refused {
            why: "Telegram sends what is said to another URL".to_owned(),
            mend: register,
        },
        None => Verdict::Untried(
            "Telegram has a URL; name the bridge's own with --url to compare".to_owned(),
        ),
        Some(_) if lenient_json::whole(info, "last_error_date").is_some() && waiting > 0 => {
            Verdict::Refused {
                why: format!("Telegram could not deliver what was said; {waiting} wait"),
                mend: "See that the bridge runs, and that its URL is reached over https".to_owned(),
            }
        }
        Some(_) => Verdict::Accepted(format!("Telegram sends what is said here; {waiting} wait")),
    }
}

fn of_error(error: &CallFailure, mend: &str) -> Verdict {
    let why = error.to_string();
    match error {
        CallFailure::Call(error) => Verdict::of_error(error, "Telegram", mend),
        CallFailure::Refused {
            refused: RefusalReason::RateLimited(_) | RefusalReason::Unavailable,
            ..
        } => Verdict::Unreached(why),
        CallFailure::Refused { .. } => Verdict::Refused {
            why,
            mend: mend.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use haptik_bridge_shared::config::{Config, Registry};
    use haptik_bridge_shared::net::client;
    use haptik_bridge_shared::net::fake::{Answer, Fake};

    use super::*;
    use crate::registry;

    const HERE: &str = "https://bridge.example.com/channels/acme";

    async fn tried(me: Answer, info: Value, url: Option<&str>) -> Vec<String> {
        let fake = Fake::start(move |request| {
            if request.path.ends_with("/getMe") {
                me.clone()
            } else {
                Answer::new(200, json!({"ok": true, "result": info}).to_string())
            }
        })
        .await;
        let text = format!(
            "[haptik.main]\nbase_url = 'https://h.example'\nclient_id = 'c'\ntoken = 't'\n\
             webhook_secrets = 's'\nbusiness_id = 1\n[channels.acme]\ntype = 'telegram'\n\
             bot_token = '7:hunter2'\nsecret_tokens = 'x'\napi_base_url = '{}'",
            fake.url("")
        );
        let registry = Registry {
            channels: registry::DEFINITIONS,
            sinks: &[],
        };
        let config = Config::parse(&text, &registry).expect("a configuration");
        let channel = config.channels.values().next().expect("a connection");
        let config = channel.settings.get().expect("it is Telegram");
        let api = Api::new(client().expect("a client"), config);
        let findings = try_bot(api, url.map(str::to_owned)).await;
        findings.iter().map(ToString::to_string).collect()
    }

    fn me() -> Answer {
        let me = json!({"ok": true, "result": {"id": 7, "username": "acme_bot"}});
        Answer::new(200, me.to_string())
    }

    #[tokio::test]
    async fn the_bot_is_known_and_its_webhook_leads_here() {
        let info = json!({"url": HERE, "pending_update_count": 0});
        let lines = tried(me(), info.clone(), Some(HERE)).await;
        assert_eq!(lines[0], "ok: bot_token: Telegram knows the bot @acme_bot");
        assert_eq!(
            lines[1],
            "ok: the webhook: Telegram sends what is said here; 0 wait"
        );
        let lines = tried(me(), info, None).await;
        assert!(
            lines[1].starts_with("could not be tried: the webhook"),
            "{lines:?}"
        );
    }

    #[tokio::test]
    async fn a_webhook_that_leads_elsewhere_or_does_not_work_is_told() {
        let elsewhere = json!({"url": "https://old.example/channels/acme"});
        let broken = json!({"url": HERE, "pending_update_count": 4, "last_error_date": 1});
        for info in [json!({"url": ""}), elsewhere, broken] {
            let lines = tried(me(), info, Some(HERE)).await;
            assert!(
                lines[1].starts_with("refused: the webhook: Telegram "),
                "{lines:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_token_that_is_not_good_is_never_shown() {
        let refused = json!({"ok": false, "error_code": 401, "description": "Unauthorized"});
        let lines = tried(Answer::new(401, refused.to_string()), json!({}), Some(HERE)).await;
        assert!(lines[0].starts_with("refused: bot_token: "), "{lines:?}");
        assert!(!lines.concat().contains("hunter2"));
        let lines = tried(Answer::new(502, ""), json!({}), Some(HERE)).await;
        assert!(
            lines[0].starts_with("could not be tried: bot_token"),
            "{lines:?}"
        );
    }
}
