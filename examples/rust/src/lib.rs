//! A bot of one's own that hands its user over to Haptik's agents, and takes the user back; see
//! `examples/README.md`.
//!
//! [`Client`] is what it asks of the bridge, [`Bot`] what it is, [`router`] where the bridge calls it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use reqwest::Url;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::sync::mpsc::UnboundedSender;

/// How many seconds to wait before each further try of a request that was not answered.
const PAUSES: &[u64] = &[1, 2, 4, 8];

/// Requests to the bridge, signed as Standard Webhooks.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: Url,
    webhook: Arc<Webhook>,
    pauses: &'static [u64],
}

impl Client {
    /// For a connection at `url` (`https://…/channels/NAME`) with this signing secret (`whsec_…`).
    ///
    /// # Errors
    /// When the URL is none, or the secret is not base64.
    pub fn new(http: reqwest::Client, url: &str, secret: &str) -> anyhow::Result<Self> {
        let webhook = Webhook::new(secret).context("the signing secret")?;
        Ok(Self {
            http,
            url: url.parse().context("the connection's URL")?,
            webhook: Arc::new(webhook),
            pauses: PAUSES,
        })
    }

    /// The same, which tries each request once.
    #[must_use]
    pub fn trying_once(self) -> Self {
        Self {
            pauses: &[],
            ..self
        }
    }

    /// Hands a user over to a human. Once more with the same is the same hand-off.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn hand_over(&self, handoff: &Value) -> anyhow::Result<(StatusCode, Value)> {
        self.send(Method::POST, &["handoff"], handoff.to_string())
            .await
    }

    /// Passes on what a user says while handed over.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn say(&self, user: &Value, text: &str) -> anyhow::Result<(StatusCode, Value)> {
        let body = json!({
            "type": "message", "id": new_id(), "timestamp": Timestamp::now().to_string(),
            "user": user, "text": text,
        });
        self.send(Method::POST, &[], body.to_string()).await
    }

    /// Takes a user back.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn take_back(&self, user_id: &str) -> anyhow::Result<(StatusCode, Value)> {
        let path = ["handoff", user_id];
        self.send(Method::DELETE, &path, String::new()).await
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: String,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let mut pauses = self.pauses.iter();
        loop {
            // The same body on every try, so that it counts once; the signature is of now.
            let answered = self.try_send(&method, path, &body).await;
            if let Ok((status, _)) = &answered
                && !status.is_server_error()
            {
                return answered;
            }
            match pauses.next() {
                Some(pause) => tokio::time::sleep(Duration::from_secs(*pause)).await,
                None => return answered,
            }
        }
    }

    async fn try_send(
        &self,
        method: &Method,
        path: &[&str],
        body: &str,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let mut url = self.url.clone();
        // Percent-encodes what it appends.
        url.path_segments_mut()
            .map_err(|()| anyhow!("the connection's URL has no path"))?
            .extend(path);
        let (id, now) = (new_id(), Timestamp::now().as_second());
        let response = self
            .http
            .request(method.clone(), url)
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", now)
            .header(
                "webhook-signature",
                self.webhook.sign(&id, now, body.as_bytes())?,
            )
            .body(body.to_owned())
            .send()
            .await?;
        Ok((response.status(), response.json().await?))
    }
}

impl std::fmt::Debug for Client {
    /// Leaves out the signing secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut written = formatter.debug_struct("Client");
        written
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

/// The bot of one user. A real one keeps its `Chat` in a database.
#[derive(Debug, Clone)]
pub struct Bot {
    client: Client,
    user: Value,
    chat: Arc<Mutex<Chat>>,
    /// What the user sees, line by line.
    screen: UnboundedSender<String>,
}

#[derive(Debug, Default)]
struct Chat {
    transcript: Vec<Value>,
    /// The id of the hand-off that is on, or may be.
    handoff: Option<String>,
    /// What asked for it, as long as nobody knows whether the bridge has it.
    asked: Option<Value>,
    /// The `webhook-id` of what came: it can come twice.
    seen: HashSet<String>,
}

impl Bot {
    /// A bot for this user (`{"id": "…"}` and what else is known), who looks at `screen`.
    #[must_use]
    pub fn new(client: Client, user: Value, screen: UnboundedSender<String>) -> Self {
        Self {
            client,
            user,
            chat: Arc::default(),
            screen,
        }
    }

    /// The user says something.
    pub async fn hear(&self, text: &str) {
        let asked = self.chat(|chat| {
            chat.transcript.push(line("user", text));
            chat.asked.take()
        });
        if let Some(asked) = asked {
            self.hand_over(asked).await;
            if text == "agent" {
                return;
            }
        }
        match (self.chat(|chat| chat.handoff.clone()), text) {
            (Some(_), "/bot") => self.take_back().await,
            (Some(_), _) => self.forward(text).await,
            (None, "agent") => self.bring_human().await,
            (None, _) => self.answer(text),
        }
    }

    async fn forward(&self, text: &str) {
        match self.client.say(&self.user, text).await {
            Ok((StatusCode::ACCEPTED, _)) => {}
            // The hand-off ended in the meantime.
            Ok((StatusCode::CONFLICT, _)) => self.answer(text),
            Ok((_, answer)) => {
                self.show("bot", &format!("That was not sent: {}", answer["error"]));
            }
            Err(error) => self.show("bot", &format!("That was not sent: {error}")),
        }
    }

    async fn bring_human(&self) {
        let id = new_id();
        let transcript = self.chat(|chat| {
            chat.handoff = Some(id.clone());
            chat.transcript.clone()
        });
        let handoff = json!({
            "id": id, "timestamp": Timestamp::now().to_string(), "user": self.user,
            "message": "asked for a human", "transcript": transcript,
        });
        self.hand_over(handoff).await;
    }

    async fn hand_over(&self, handoff: Value) {
        match self.client.hand_over(&handoff).await {
            Ok((StatusCode::ACCEPTED, _)) => self.show("bot", "I am bringing a colleague."),
            Ok((status, answer)) if !status.is_server_error() => {
                self.chat(|chat| chat.handoff = None);
                let error = &answer["error"];
                self.show("bot", &format!("I cannot bring a colleague: {error}"));
            }
            // It may be on: the same is sent again, before what the user says next.
            _ => {
                self.chat(|chat| {
                    let of_now = chat.handoff.as_deref() == handoff["id"].as_str();
                    chat.asked = Some(handoff).filter(|_| of_now);
                });
                self.show("bot", "I do not know yet whether a colleague comes.");
            }
        }
    }

    async fn take_back(&self) {
        let user_id = self.user["id"].as_str().unwrap_or_default();
        match self.client.take_back(user_id).await {
            // What follows comes as `handoff_ended`.
            Ok((StatusCode::ACCEPTED, _)) => {}
            // The hand-off ended in the meantime, or never began.
            Ok((StatusCode::NOT_FOUND, _)) => {
                if self.chat(|chat| chat.handoff.take()).is_some() {
                    self.show("bot", "I am back.");
                }
            }
            Ok((_, answer)) => {
                self.show("bot", &format!("I cannot come back: {}", answer["error"]));
            }
            Err(error) => self.show("bot", &format!("I cannot come back: {error}")),
        }
    }

    /// The bridge tells something. Each counts once; types that are not known are ignored.
    fn take(&self, webhook_id: &str, event: &Value) {
        if !self.chat(|chat| chat.seen.insert(webhook_id.to_owned())) {
            return;
        }
        let text = |pointer| {
            event
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        match text("/type") {
            "message" => {
                let name = Some(text("/sender/name")).filter(|name| !name.is_empty());
                self.show(name.unwrap_or_else(|| text("/sender/kind")), text("/text"));
            }
            "agent_joined" => {
                let (name, team) = (text("/sender/name"), text("/team_name"));
                self.show("*", &format!("{name} of {team} has joined"));
            }
            "message_returned" => self.answer(text("/text")),
            "handoff_ended" => {
                let of_now = self.chat(|chat| {
                    let of_now = chat.handoff.as_deref() == Some(text("/handoff_id"));
                    chat.asked.take_if(|_| of_now);
                    chat.handoff.take_if(|_| of_now).is_some()
                });
                match text("/reason") {
                    _ if !of_now => {}
                    "no_agent" | "failed" => {
                        self.show("bot", "Nobody could join, I am sorry. I am here.");
                    }
                    _ => self.show("bot", "I am back."),
                }
            }
            _ => {}
        }
    }

    fn answer(&self, text: &str) {
        self.show("bot", &format!("You said: {text}"));
    }

    fn show(&self, who: &str, text: &str) {
        self.chat(|chat| chat.transcript.push(line(who, text)));
        // Nobody may be looking any more.
        let _ = self.screen.send(format!("{who}: {text}"));
    }

    fn chat<T>(&self, change: impl FnOnce(&mut Chat) -> T) -> T {
        change(&mut self.chat.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// `POST /callback`: where the bridge calls the bot.
pub fn router(bot: Bot) -> Router {
    Router::new()
        .route("/callback", post(callback))
        .with_state(bot)
}

async fn callback(State(bot): State<Bot>, headers: HeaderMap, body: Bytes) -> StatusCode {
    match verified(&bot.client.webhook, &headers, &body) {
        Ok((id, event)) => {
            bot.take(&id, &event);
            StatusCode::NO_CONTENT
        }
        Err(_) => StatusCode::UNAUTHORIZED,
    }
}

/// What was posted, and its `webhook-id`, once its signature is verified.
fn verified(
    webhook: &Webhook,
    headers: &HeaderMap,
    body: &[u8],
) -> anyhow::Result<(String, Value)> {
    webhook.verify(body, headers)?;
    let id = headers.get("webhook-id").context("webhook-id")?;
    Ok((id.to_str()?.to_owned(), serde_json::from_slice(body)?))
}

fn line(sender: &str, text: &str) -> Value {
    json!({"sender": sender, "text": text, "timestamp": Timestamp::now().to_string()})
}

fn new_id() -> String {
    format!("{:032x}", fastrand::u128(..))
}
