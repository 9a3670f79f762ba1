use haptik_bridge_shared::config::Secrets;
use haptik_bridge_shared::retry::Detail;
use secrecy::SecretString;

use super::*;

const TOKEN: &str = "123456789:AAH-not_to-be_seen";

fn api(base_url: &str) -> Api {
    let config = Config {
        bot_token: BotToken::read(TOKEN).expect("a token"),
        secret_tokens: Secrets::new(SecretString::from("a-secret"), []),
        api_base_url: Url::parse(base_url).expect("a URL"),
        tell_edits: false,
    };
    Api::new(
        haptik_bridge_shared::net::client().expect("a client"),
        &config,
    )
}

#[test]
fn the_token_and_the_method_stand_below_the_base() {
    for (base, expected) in [
        (
            "https://api.telegram.org",
            "https://api.telegram.org/bot123456789:AAH-not_to-be_seen/getMe",
        ),
        (
            "https://proxy.example/tg/",
            "https://proxy.example/tg/bot123456789:AAH-not_to-be_seen/getMe",
        ),
    ] {
        let url = api(base).endpoint(None).segment("getMe");
        assert_eq!(url.expose().as_str(), expected);
    }
    let below = api("https://api.telegram.org").endpoint(Some("file"));
    let file = "photos/a b.jpg".split('/').fold(below, Endpoint::segment);
    assert_eq!(
        file.expose().path(),
        "/file/bot123456789:AAH-not_to-be_seen/photos/a%20b.jpg"
    );
}

#[tokio::test]
async fn no_error_has_the_token() {
    // Nobody listens there.
    let api = api("http://127.0.0.1:9/");
    let error = api.call("getMe", &json!({})).await.expect_err("no answer");
    let shown = format!("{error} {error:?} {api:?}");
    let error = SendError::from(error);
    assert_eq!(error.refusal, Refusal::Unavailable(None));
    let shown = format!("{shown} {error} {error:?}");
    for secret in ["AAH-", "a-secret"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn what_telegram_says_is_apart_from_what_may_be_logged() {
    let words = "Bad Request: can't parse entities: Unsupported start tag \"private words\"";
    let error = SendError::from(CallFailure::Refused {
        method: "sendMessage",
        refused: RefusalReason::TooRich(words.into()),
    });
    assert_eq!(error.refusal, Refusal::TooRich);
    assert!(!format!("{error} {error:?}").contains("private words"));
    assert_eq!(error.detail.as_ref().map(Detail::as_str), Some(words));
    let blocked = SendError::from(CallFailure::Refused {
        method: "sendMessage",
        refused: RefusalReason::Refused("Forbidden: bot was blocked by the user".into()),
    });
    assert_eq!(blocked.refusal, Refusal::Refused);
    assert_eq!(blocked.reason, "sendMessage: the user blocked the bot");
}
