//! The fake Telegram is as strict as Telegram: what it is to refuse, it refuses, in Telegram's words.

use haptik_bridge_channels::registry;
use haptik_bridge_shared::message::Sender;
use haptik_bridge_tests::fake_telegram::{ChatKind, FakeTelegram, SentMessage, TOKEN};
use haptik_bridge_tests::provider::FakeProvider as _;
use haptik_bridge_tests::random_hsl::hsl;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

const ASHA: i64 = 7_000_000_001;

struct Bot {
    telegram: FakeTelegram,
    http: reqwest::Client,
}

impl Bot {
    #[expect(
        clippy::disallowed_methods,
        reason = "the bridge's own client follows no redirects"
    )]
    async fn start() -> Self {
        // Another test may have done it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let telegram = FakeTelegram::start().await;
        telegram.set_webhook("https://bridge.example/channels/acme-telegram");
        // A bot cannot begin a conversation.
        let _ = telegram.said(&SentMessage::new(ASHA, "/start"));
        let http = reqwest::Client::new();
        Self { telegram, http }
    }

    async fn call(
        &self,
        token: &str,
        method: &str,
        arguments: Value,
    ) -> anyhow::Result<(u16, Value)> {
        let origin = self.telegram.server().origin();
        let url = format!("{origin}/bot{token}/{method}");
        let answer = self.http.post(url).json(&arguments).send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }

    /// What is said to Asha, with these arguments besides.
    async fn say(&self, arguments: Value) -> anyhow::Result<(u16, String)> {
        let mut all = json!({"chat_id": ASHA, "text": "x"});
        for (key, value) in arguments.as_object().expect("arguments") {
            all[key] = value.clone();
        }
        let (status, body) = self.call(TOKEN, "sendMessage", all).await?;
        let description = body["description"].as_str().unwrap_or_default();
        Ok((
            status,
            description.trim_start_matches("Bad Request: ").to_owned(),
        ))
    }
}

fn keyboard(button: &Value) -> Value {
    json!({"reply_markup": {"inline_keyboard": [[button]]}})
}

#[tokio::test]
async fn a_message_that_telegram_refuses_is_refused_in_its_words() -> anyhow::Result<()> {
    let bot = Bot::start().await;
    for (arguments, reason) in [
        (json!({"text": ""}), "message text is empty"),
        (
            json!({"text": " <b></b>\n", "parse_mode": "HTML"}),
            "text must be non-empty",
        ),
        (json!({"text": "🙂".repeat(2_049)}), "message is too long"),
        (
            json!({"text": "1 < 2", "parse_mode": "HTML"}),
            "can't parse entities: Unsupported start tag \"\" at byte offset 2",
        ),
        (json!({"chat_id": ASHA + 1}), "chat not found"),
        (json!({"message_thread_id": 5}), "message thread not found"),
        (
            json!({"reply_parameters": {"message_id": 99}}),
            "message to be replied not found",
        ),
        (
            json!({"disable_web_page_previews": true}),
            "sendMessage has no field",
        ),
        (
            keyboard(&json!({"text": "Yes"})),
            "can't parse inline keyboard button: Text buttons",
        ),
        (
            keyboard(&json!({"text": "", "callback_data": "1"})),
            "inline keyboard button text must be",
        ),
        (
            keyboard(&json!({"text": "Yes", "callback_data": "ü".repeat(33)})),
            "BUTTON_DATA_INVALID",
        ),
        (
            keyboard(&json!({"text": "Call", "url": "tel:+911234"})),
            "inline keyboard button URL 'tel:+911234' is invalid: Unsupported URL protocol",
        ),
        (
            keyboard(&json!({"text": "Open", "url": "http://localhost/"})),
            "inline keyboard button URL 'http://localhost/' is invalid: Wrong HTTP URL",
        ),
    ] {
        let (status, description) = bot.say(arguments.clone()).await?;
        assert_eq!(status, 400, "{arguments}");
        assert!(description.starts_with(reason), "{description} {arguments}");
    }
    assert_eq!(bot.telegram.refusals().len(), 13);
    assert_eq!(bot.telegram.messages(ASHA), []);
    Ok(())
}

#[tokio::test]
async fn what_any_message_of_haptiks_becomes_is_taken() -> anyhow::Result<()> {
    let bot = Bot::start().await;
    let channel = registry::find("telegram").expect("a channel");
    let mut runner = TestRunner::deterministic();
    let mut sent = 0;
    for _ in 0..500 {
        let body = hsl().new_tree(&mut runner).expect("a message").current();
        for preview in (channel.preview)(&body, &Sender::default()) {
            let method = preview.payload["method"].as_str().unwrap_or_default();
            let mut arguments = preview.payload["arguments"].clone();
            arguments["chat_id"] = json!(ASHA);
            let (status, answer) = bot.call(TOKEN, method, arguments).await?;
            let words = answer["description"].as_str().unwrap_or_default();
            // Hosts that are no public ones, of which Telegram says so: then it is said more simply.
            let of_address = words.contains("HTTP URL") || words.contains("web page");
            assert!(status == 200 || of_address, "{words} {body}");
            sent += usize::from(status == 200);
        }
    }
    assert!(sent > 500, "{sent}");
    Ok(())
}

#[tokio::test]
async fn what_fits_exactly_is_sent() -> anyhow::Result<()> {
    let bot = Bot::start().await;
    let longest = "🙂".repeat(2_048);
    let text = format!("<b>{longest}</b>");
    assert_eq!(
        bot.say(json!({"text": text, "parse_mode": "HTML"}))
            .await?
            .0,
        200
    );
    let data = "ü".repeat(32);
    assert_eq!(
        bot.say(keyboard(&json!({"text": "Yes", "callback_data": data})))
            .await?
            .0,
        200
    );
    let messages = bot.telegram.messages(ASHA);
    assert_eq!(messages[0].text, longest);
    assert_eq!(messages[1].buttons(), ["Yes"]);
    Ok(())
}

#[tokio::test]
async fn chats_that_cannot_be_written_to_are_refused_each_in_its_way() -> anyhow::Result<()> {
    let bot = Bot::start().await;
    let _ = bot.telegram.blocked(ASHA, true);
    let blocked = "Forbidden: bot was blocked by the user";
    assert_eq!(bot.say(json!({})).await?, (403, blocked.to_owned()));
    let group = bot.telegram.add_group(ChatKind::Group, "Acme");
    let moved = bot.telegram.migrate(group);
    let arguments = json!({"chat_id": group, "text": "x"});
    let (_, body) = bot.call(TOKEN, "sendMessage", arguments.clone()).await?;
    assert_eq!(body["parameters"]["migrate_to_chat_id"], moved);
    for (token, status) in [("123:other", 401), ("other", 404)] {
        let (answered, body) = bot.call(token, "sendMessage", arguments.clone()).await?;
        assert_eq!((answered, &body["error_code"]), (status, &json!(status)));
    }
    Ok(())
}

#[tokio::test]
async fn a_tap_is_answered_once_and_a_keyboard_taken_away_once() -> anyhow::Result<()> {
    let bot = Bot::start().await;
    bot.say(keyboard(&json!({"text": "Yes", "callback_data": "1"})))
        .await?;
    let tap = bot.telegram.tapped(ASHA, ASHA, "Yes");
    let query = json!({"callback_query_id": tap["callback_query"]["id"]});
    assert_eq!(
        bot.call(TOKEN, "answerCallbackQuery", query.clone())
            .await?
            .0,
        200
    );
    let (status, body) = bot.call(TOKEN, "answerCallbackQuery", query).await?;
    assert_eq!(status, 400);
    assert!(
        body["description"]
            .as_str()
            .is_some_and(|it| it.contains("query is too old"))
    );
    let message = bot.telegram.messages(ASHA)[0].id;
    let edit = json!({"chat_id": ASHA, "message_id": message});
    assert_eq!(
        bot.call(TOKEN, "editMessageReplyMarkup", edit.clone())
            .await?
            .0,
        200
    );
    let (_, body) = bot.call(TOKEN, "editMessageReplyMarkup", edit).await?;
    assert!(
        body["description"]
            .as_str()
            .is_some_and(|it| it.contains("message is not modified"))
    );
    Ok(())
}

#[tokio::test]
async fn a_file_is_found_by_its_id_and_fetched_by_its_path() -> anyhow::Result<()> {
    let bot = Bot::start().await;
    let (_, document) = bot
        .telegram
        .add_document("bill.pdf", "application/pdf", "PDF", None);
    let (_, large) = bot
        .telegram
        .add_document("film.mp4", "video/mp4", "…", Some(21 << 20));
    let id = json!({"file_id": document["file_id"]});
    let (_, body) = bot.call(TOKEN, "getFile", id).await?;
    let path = body["result"]["file_path"].as_str().unwrap_or_default();
    let url = format!("{}/file/bot{TOKEN}/{path}", bot.telegram.server().origin());
    assert_eq!(bot.http.get(url).send().await?.text().await?, "PDF");
    let (_, body) = bot
        .call(TOKEN, "getFile", json!({"file_id": large["file_id"]}))
        .await?;
    assert_eq!(body["description"], "Bad Request: file is too big");
    Ok(())
}

#[tokio::test]
async fn a_webhook_needs_https_and_a_plain_secret() -> anyhow::Result<()> {
    let bot = Bot::start().await;
    for (arguments, reason) in [
        (
            json!({"url": "http://a.example/"}),
            "HTTPS URL must be provided",
        ),
        (json!({"url": "https://a.example:8080/"}), "only on ports"),
        (
            json!({"url": "https://a.example/", "secret_token": "a b"}),
            "unallowed characters",
        ),
    ] {
        let (_, body) = bot.call(TOKEN, "setWebhook", arguments).await?;
        assert!(
            body["description"]
                .as_str()
                .is_some_and(|it| it.contains(reason)),
            "{body}"
        );
    }
    let right = json!({"url": "https://a.example/", "secret_token": "a-b_c", "allowed_updates": ["message"]});
    assert_eq!(bot.call(TOKEN, "setWebhook", right).await?.0, 200);
    let (_, info) = bot.call(TOKEN, "getWebhookInfo", json!({})).await?;
    assert_eq!(info["result"]["allowed_updates"], json!(["message"]));
    assert!(info["result"]["secret_token"].is_null());
    Ok(())
}
