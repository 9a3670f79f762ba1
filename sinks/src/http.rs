//! `type = "http"`: any REST API, by templates: for the CRM that has no module here.
//!
//! Every event is one request, whose URL, headers and body the operator wrote. Values are escaped for
//! their place: percent-encoded in the URL, as JSON in a body of JSON. Where a request goes cannot depend
//! on an event: scheme and host are written out. What is needed of secrets stands apart, and is shown by
//! its name only.

use crate::context::filled;
use async_trait::async_trait;
use haptik_bridge_shared::config::SinkDefinition;
use haptik_bridge_shared::net::api::{Api, ApiRequest, Preview};
use haptik_bridge_shared::net::online::Finding;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};
use url::Url;

mod config;

pub use config::Config;

use crate::transcript::{Fetched, Transcript, Transcripts};
use crate::{Delivered, Delivery, Sink, SinkDeps, SinkError, SinkType, context};

/// What is asked of the receiver, to follow "to".
const CALL: &str = "take an event";

/// The longest URL, in bytes, that can be sent at all; receivers take fewer: RFC 9110, 4.1, asks them to take 8,000.
const LONGEST_URL: usize = 65_534;

/// A sink of the kind `http`.
#[derive(Debug)]
pub struct Http {
    config: Config,
    api: Api,
    transcripts: Transcripts,
}

impl SinkType for Http {
    const NAME: &'static str = "http";
    const ERASURE: &'static str = "by the service that is called";
    const DEFINITION: SinkDefinition = config::DEFINITION;
    type Config = Config;

    fn build(
        config: &Self::Config,
        _of: &haptik_bridge_shared::config::Sink,
        deps: &SinkDeps,
    ) -> Box<dyn Sink> {
        Box::new(Self {
            config: config.clone(),
            api: Api::new(deps.http.clone()),
            transcripts: deps.transcripts.clone(),
        })
    }
}

impl Http {
    /// Whether a template uses the transcript.
    fn wants_transcript(&self) -> bool {
        let headers = self.config.headers.iter().map(|(_, value)| value);
        let templates = headers.chain([&self.config.url]).chain(&self.config.body);
        let mut templates = templates
            .filter(|template| template.uses("transcript") || template.uses("transcript_text"));
        templates.next().is_some()
    }

    /// The request; with secrets as `secret` has them.
    fn request(
        &self,
        delivery: &Delivery<'_>,
        transcript: &Transcript,
        secret: impl Fn(&str, &secrecy::SecretString) -> String,
    ) -> Result<ApiRequest, SinkError> {
        let mut values = context::values(delivery);
        transcript.fill_in(&mut values);
        let secrets: Map<String, Value> = self
            .config
            .secrets
            .iter()
            .map(|(name, value)| (name.clone(), secret(name, value).into()))
            .collect();
        values.insert("secrets".to_owned(), secrets.into());
        let values = filled(values);
        let url = Url::parse(&self.config.url.text(&values)?)
            .map_err(|_| SinkError::Unsendable("the URL would not be one".to_owned()))?;
        if url.as_str().len() > LONGEST_URL {
            return Err(SinkError::Unsendable(format!(
                "the URL would have more than {LONGEST_URL} bytes"
            )));
        }
        let mut request = ApiRequest::new(CALL, self.config.method.clone(), url)
            .expect(&self.config.taken_before);
        for (name, value) in &self.config.headers {
            request = request.header(name.clone(), value.text(&values)?.trim());
        }
        let Some(body) = &self.config.body else {
            return Ok(request);
        };
        let body = body.text(&values)?;
        let is_json = Config::is_json(&self.config.content_type);
        if is_json && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&body) {
            return Err(SinkError::Unsendable(format!(
                "the body would not be JSON (line {}, column {})",
                error.line(),
                error.column()
            )));
        }
        Ok(request.bytes(&self.config.content_type, body))
    }
}

#[async_trait]
impl Sink for Http {
    async fn deliver(&self, delivery: &Delivery<'_>) -> Result<Delivered, SinkError> {
        let transcript = if self.wants_transcript() {
            match self
                .transcripts
                .fetch(delivery, self.config.transcript_from)
                .await?
            {
                Fetched::Transcript(transcript) => transcript,
                Fetched::NotYet(pause, reason) => return Ok(Delivered::Later(pause, reason)),
            }
        } else {
            Transcript::default()
        };
        let request = self.request(delivery, &transcript, |_, value| {
            value.expose_secret().to_owned()
        })?;
        self.api.send(request).await?;
        Ok(Delivered::Done)
    }

    async fn online(&self) -> Vec<Finding> {
        let how = "only an event shows whether it is taken: `haptik-bridge sink test` sends one";
        vec![Finding::untried("its requests", how)]
    }

    async fn preview(&self, delivery: &Delivery<'_>) -> Result<Vec<Preview>, SinkError> {
        let transcript = if self.wants_transcript() {
            Transcript::sample()
        } else {
            Transcript::default()
        };
        let request = self.request(delivery, &transcript, |name, _| format!("[secret {name}]"))?;
        Ok(vec![request.preview()])
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::Sinks;
    use haptik_bridge_shared::config::Config;
    use haptik_bridge_shared::haptik::webhook::Event;
    use haptik_bridge_shared::ids::AccountId;
    use haptik_bridge_shared::net;
    use haptik_bridge_shared::net::aws::AwsEnvironment;
    use haptik_bridge_shared::net::fake::{Answer, Fake, Request};
    use haptik_bridge_shared::table::Table;

    const SINK: &str = r#"
        method = "PUT"
        headers = { Authorization = "Bearer {{ secrets.token }}", X-Id = "{{ delivery_id }}" }
        body = '''{"subject": "{{ closing_categories.comment }}", "details": {{ conversation_details }}, "n": {{ conversation_details.n }}}'''
        secrets = { token = "hunter2" }
        taken_before = [409]
    "#;

    fn sinks(url: &str, sink: &str) -> Sinks {
        let text = format!(
            "[haptik.main]\nbase_url = 'http://127.0.0.1:1'\nclient_id = 'c'\ntoken = 't'\n\
             webhook_secrets = 's'\nbusiness_id = 1\n[channels.app]\ntype = 'custom'\n\
             signing_secrets = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\ncallback_url = 'https://a.example'\n\
             [sinks.desk]\ntype = 'http'\nevents = ['*']\nurl = '{url}'\n{sink}"
        );
        let config = Config::parse(&text, &crate::registry::REGISTRY)
            .unwrap_or_else(|errors| panic!("{errors}"));
        let sdk = aws_sdk_dynamodb::Config::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
            .build();
        let table = Table::new(aws_sdk_dynamodb::Client::from_conf(sdk), "none");
        let http = net::client().expect("a client");
        let aws = AwsEnvironment::read(|_| None);
        Sinks::new(&config, &SinkDeps::new(&config, &table, &http, &aws))
    }

    /// Delivers an event with these details, or previews it.
    async fn try_it(sinks: &Sinks, details: Value, send: bool) -> Result<String, SinkError> {
        let mut body: Value = serde_json::from_str(context::sample()).expect("JSON");
        body["data"]["conversation_details"] = details;
        body["data"]["closing_categories"]["comment"] = "a \"b\"\n</script> \\".into();
        let body = body.to_string();
        let event = Event::read(body.as_bytes()).expect("an event");
        let delivery = Delivery {
            sink: "desk",
            account: &AccountId::from("main"),
            event: &event,
            body: &body,
            unmasked: &body,
            key: &event.key(body.as_bytes()),
            received_at: Timestamp::UNIX_EPOCH,
            now: Timestamp::now(),
            again: false,
            completion_wait: std::time::Duration::ZERO,
            longest_settling: std::time::Duration::MAX,
        };
        let sink = sinks.get("desk").expect("the sink");
        if send {
            return sink
                .deliver(&delivery)
                .await
                .map(|done| format!("{done:?}"));
        }
        let previews = sink.preview(&delivery).await?;
        Ok(previews.iter().map(ToString::to_string).collect())
    }

    async fn desk(status: u16) -> (Fake, Sinks) {
        desk_that_answers(move || Answer::new(status, "{}")).await
    }

    async fn desk_that_answers(
        answer: impl Fn() -> Answer + Send + Sync + 'static,
    ) -> (Fake, Sinks) {
        let fake = Fake::start(move |_: &Request| answer()).await;
        let url = fake.url("t/{{ conversation_details.path }}?q=1");
        let url = url
            .to_string()
            .replace("%7B", "{")
            .replace("%7D", "}")
            .replace("%20", " ");
        let sinks = sinks(&url, SINK);
        (fake, sinks)
    }

    #[tokio::test]
    async fn a_request_is_what_the_templates_say_and_shows_no_secret() {
        let (fake, sinks) = desk(200).await;
        let details = serde_json::json!({"path": "a/b?c", "n": 7, "o": [null, {"x": "<"}]});
        try_it(&sinks, details.clone(), true).await.expect("taken");
        let request = fake.requests().pop().expect("a request");
        assert_eq!(request.method, "PUT");
        assert_eq!(request.path, "/t/a%2Fb%3Fc?q=1");
        assert_eq!(request.header("authorization"), "Bearer hunter2");
        assert_eq!(request.header("content-type"), "application/json");
        let sent: Value = serde_json::from_str(&request.text()).expect("JSON");
        assert_eq!(sent["subject"], "a \"b\"\n</script> \\");
        assert_eq!((&sent["details"], &sent["n"]), (&details, &Value::from(7)));
        let shown = try_it(&sinks, details, false).await.expect("shown");
        assert!(
            shown.contains("authorization: Bearer [secret token]"),
            "{shown}"
        );
        assert!(!shown.contains("hunter2") && !format!("{sinks:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn the_values_of_a_form_are_escaped_however_its_type_is_written() {
        for content_type in [
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded;charset=UTF-8",
            "Application/X-WWW-Form-Urlencoded;charset=UTF-8",
        ] {
            let fake = Fake::start(|_: &Request| Answer::new(200, "{}")).await;
            let sink = format!(
                "content_type = '{content_type}'\nbody = 'name={{{{ conversation_details.name }}}}&role=user'"
            );
            let sinks = sinks(fake.url("t").as_str(), &sink);
            let details = serde_json::json!({"name": "A&role=admin"});
            try_it(&sinks, details, true).await.expect("taken");
            let request = fake.requests().pop().expect("a request");
            assert_eq!(
                request.text(),
                "name=A%26role%3Dadmin&role=user",
                "{content_type}"
            );
        }
    }

    #[tokio::test]
    async fn no_value_leads_a_request_to_another_path() {
        let (fake, sinks) = desk(200).await;
        for path in ["..", ".", "", "../admin", "%2e%2e", "..\\"] {
            let error = try_it(&sinks, serde_json::json!({"n": 1, "path": path}), true).await;
            let error = error.expect_err(path).to_string();
            assert!(
                error.contains("would change which path is called"),
                "{error}"
            );
        }
        assert!(fake.requests().is_empty());
    }

    /// A thousand random values: the path is called that the template has, and the body is the JSON that it says.
    #[tokio::test]
    async fn a_random_value_changes_nothing_but_its_place() {
        let pieces = [
            "..",
            ".",
            "/",
            "\\",
            "%2e",
            "%2F",
            "%252e",
            "?",
            "#",
            "@",
            ":",
            "//",
            "\r\n",
            "\u{0}",
            " ",
            "．",
            "／",
            "a",
            "é",
            "日本",
            "🇮🇳",
            "\"",
            "{{ secrets.token }}",
            "</script>",
            ";",
            "\u{202e}",
            "&",
            "+",
            "%",
            "x=1",
            "http://b.example",
        ];
        let (fake, sinks) = desk(200).await;
        let mut random = fastrand::Rng::with_seed(15);
        for round in 0..1_000 {
            let mut text = || -> String {
                let length = random.usize(0..6);
                (0..length)
                    .map(|_| *random.choice(&pieces).unwrap_or(&""))
                    .collect()
            };
            let details = serde_json::json!({"path": text(), "n": round, text(): format!("{}a", text()), "deep": [{text(): null}]});
            let before = fake.requests().len();
            let tried = try_it(&sinks, details.clone(), true).await;
            let requests = fake.requests();
            let Some(request) = requests.get(before) else {
                let error = tried.expect_err("nothing was sent").to_string();
                assert!(
                    error.contains("would change which path is called"),
                    "{details}: {error}"
                );
                continue;
            };
            tried.expect("taken");
            let (path, query) = request.path.split_once('?').expect("a query");
            let segment = path.strip_prefix("/t/").expect("the template's path");
            assert!(
                !segment.is_empty() && !segment.contains('/') && query == "q=1",
                "{}",
                request.path
            );
            assert_eq!(request.header("authorization"), "Bearer hunter2");
            let sent: Value = serde_json::from_str(&request.text()).expect("JSON");
            assert_eq!(
                (&sent["details"], &sent["n"]),
                (&context::without_parts(details), &Value::from(round))
            );
        }
        assert!(fake.requests().len() > 200);
    }

    #[tokio::test]
    async fn an_answer_without_end_is_left_at_the_limit() {
        let pause = std::time::Duration::from_millis(1);
        let answer = move || {
            Answer::raw("HTTP/1.1 200 OK\r\n\r\n").then_endlessly("x".repeat(1 << 17), pause)
        };
        let (_fake, sinks) = desk_that_answers(answer).await;
        let tried = try_it(&sinks, serde_json::json!({"n": 1, "path": "p"}), true);
        let tried = tokio::time::timeout(std::time::Duration::from_secs(8), tried).await;
        tried.expect("before the call's time is up").expect("taken");
    }

    #[tokio::test]
    async fn what_was_taken_before_is_delivered_and_what_is_no_json_is_refused() {
        let (fake, sinks) = desk(409).await;
        try_it(&sinks, serde_json::json!({"n": 1, "path": "p"}), true)
            .await
            .expect("taken before");
        let error = try_it(&sinks, serde_json::json!({"path": "p"}), true).await;
        let error = error.expect_err("there is no number").to_string();
        assert!(
            error.contains("the body would not be JSON (line 1"),
            "{error}"
        );
        assert_eq!(fake.requests().len(), 1);
    }
}
