//! The simulator over real HTTP: every call with its refusals, deliveries, and faults.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
use haptik_bridge_simulator::{
    DeliveryState, FILE_PATH, MESSAGE_PATH, Running, Settings, Simulator, USER_PATH,
};
use reqwest::{
    Client, RequestBuilder, StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

mod calls;
mod deliveries;
mod faults;
mod manners;

const LONG: Duration = Duration::from_secs(20);
const BAD: StatusCode = StatusCode::BAD_REQUEST;

/// A served simulator and a client with its credentials.
struct Haptik {
    simulator: Simulator,
    running: Running,
    client: Client,
}

impl Haptik {
    async fn serve(simulator: Simulator) -> Self {
        let running = simulator.serve("127.0.0.1:0").await.expect("a port");
        Self {
            simulator,
            running,
            client: haptik_bridge_shared::net::client().expect("a client"),
        }
    }

    async fn start(settings: Settings) -> Self {
        Self::serve(Simulator::new(settings)).await
    }

    async fn plain() -> Self {
        Self::start(Settings::default()).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.base_url())
    }

    fn call(&self, method: &str, path: &str) -> RequestBuilder {
        self.client
            .request(method.parse().expect("a method"), self.url(path))
            .header("Authorization", "Bearer simulator-token")
            .header("client-id", "simulator-client")
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        answer(self.call("POST", path).json(&body)).await
    }

    async fn create(&self, auth_id: &str) {
        let (status, _) = self.post(USER_PATH, json!({"auth_id": auth_id})).await;
        assert_eq!(status, 200);
    }

    async fn says(&self, auth_id: &str, text: &str) -> (StatusCode, Value) {
        self.post(MESSAGE_PATH, message(auth_id, text)).await
    }

    fn bot_says(&self, text: &str) {
        self.simulator.say_text("asha1", text).expect("a user");
    }

    async fn sends(&self, message_type: &str, name: &str, content: Vec<u8>) -> (StatusCode, Value) {
        let form = Form::new()
            .text("auth_id", "asha1")
            .text("business_id", "343")
            .text("message_type", message_type.to_owned())
            .text("message_body", "")
            .part("file", Part::bytes(content).file_name(name.to_owned()));
        answer(self.call("POST", FILE_PATH).multipart(form)).await
    }

    async fn event(&self, event_name: &str, auth_id: &str) -> Value {
        let body = self.simulator.wait_for(LONG, |seen| {
            let mut deliveries = seen.deliveries.iter();
            let found = deliveries.find(|it| {
                it.event_name.as_deref() == Some(event_name)
                    && it.auth_id.as_deref() == Some(auth_id)
            });
            Some(found?.body.clone())
        });
        serde_json::from_str(&body.await.expect("the event")).expect("JSON")
    }

    /// The name that Haptik gave the user, from an event about them.
    async fn user_name(&self, auth_id: &str) -> String {
        let event = self.event("message", auth_id).await;
        event["user"]["user_name"]
            .as_str()
            .expect("a user name")
            .to_owned()
    }

    async fn delivered(&self, count: usize) {
        let done = self.simulator.wait_until(LONG, |seen| {
            let delivered = |it: &&_| state_of(it) == DeliveryState::Delivered;
            seen.deliveries.iter().filter(delivered).count() >= count
        });
        done.await.expect("the deliveries");
    }
}

fn state_of(delivery: &haptik_bridge_simulator::Delivery) -> DeliveryState {
    delivery.state
}

fn message(auth_id: &str, text: &str) -> Value {
    json!({"user": {"auth_id": auth_id}, "message_body": text, "message_type": 0, "business_id": 343})
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.expect("an answer");
    (response.status(), response.json().await.expect("JSON"))
}

fn error(message: &str) -> Value {
    json!({"error_message": message})
}

/// A webhook that answers what it is told to, then 200, and keeps what it got.
#[derive(Clone, Default)]
struct Receiver {
    got: Arc<Mutex<Vec<(String, Bytes)>>>,
    statuses: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    async fn listen(&self) -> String {
        let receiver = self.clone();
        let hook = move |headers: HeaderMap, body: Bytes| async move {
            let signature = headers
                .get("X-Hub-Signature")
                .and_then(|it| it.to_str().ok());
            lock(&receiver.got).push((signature.unwrap_or_default().to_owned(), body));
            let status = lock(&receiver.statuses).pop_front().unwrap_or(200);
            StatusCode::from_u16(status).expect("a status")
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/hook", post(hook));
        tokio::spawn(async { axum::serve(listener, router).await });
        format!("http://{address}/hook")
    }

    fn will_answer(&self, statuses: impl IntoIterator<Item = u16>) {
        lock(&self.statuses).extend(statuses);
    }

    fn got(&self) -> Vec<(String, Bytes)> {
        lock(&self.got).clone()
    }

    fn texts(&self) -> Vec<String> {
        let text = |body: &Bytes| {
            let event: Value = serde_json::from_slice(body).ok()?;
            Some(event["message"]["body"]["text"].as_str()?.to_owned())
        };
        self.got()
            .iter()
            .filter_map(|(_, body)| text(body))
            .collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A simulator with a user `asha1` whose events go to a receiver, its time running fast.
async fn with_webhook() -> (Haptik, Receiver) {
    let receiver = Receiver::default();
    let haptik = Haptik::start(Settings {
        webhook_url: Some(receiver.listen().await),
        time_scale: 0.0001,
        ..Settings::default()
    })
    .await;
    haptik.create("asha1").await;
    (haptik, receiver)
}
