//! The webhook function, the webhook handler of Haptik's deliveries: each becomes entries in the ledger, one
//! towards the channel and one for each sink that wants it.
//!
//! [`router`] is a tower service: for Lambda (`main.rs`), for a local server, and for a test. It does
//! no more than verify, parse, append and ring, so that it answers well within Haptik's 5 seconds.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::middleware::{Next, from_fn, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::haptik::webhook::{self, Event, EventKind};
use haptik_bridge_shared::ids::AccountId;
use haptik_bridge_shared::ingest::{
    LARGEST_BODY, NotDurable, RequestContext, catch_panic, normalize_error_response, refusal,
    refused_encoding, refused_rate,
};
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::Payload;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::reloading::Reloading;
use haptik_bridge_shared::telemetry;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

/// `POST /haptik/{account}`.
pub fn router(reloading: Reloading) -> Router {
    Router::new()
        .route("/haptik/{account}", post(receive))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(map_response(async |answer: Response| {
            normalize_error_response(answer)
        }))
        .layer(from_fn(async |request, next: Next| {
            catch_panic(next.run(request)).await
        }))
        .with_state(reloading)
}

async fn receive(
    State(reloading): State<Reloading>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let now = Timestamp::now();
    let Ok(bridge) = reloading.current().await else {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return refusal(status, "the bridge has no configuration");
    };
    let Some(account) = bridge.config.haptik.get(&name) else {
        return refusal(StatusCode::NOT_FOUND, "there is no such account");
    };
    let source = format!("haptik/{name}");
    if let Some(refused) = refused_encoding(&headers) {
        telemetry::rejected(&source, "the body is encoded", now);
        return refused;
    }
    if let Err(error) = webhook::verify(&headers, &body, &account.webhook_secrets) {
        return reject(&source, &error.to_string(), now);
    }
    let limit = account.rate_per_second;
    if let Err(too_many) = bridge.rates.admit(&source, limit, now).await {
        telemetry::rate_limited(&source, now);
        return refused_rate(too_many);
    }
    let account = AccountId::from(name);
    let context = RequestContext::new(&source, now);
    match accept(&bridge, &account, context, &body).await {
        Ok(is_from) => {
            if let Some(at) = is_from {
                bridge.health.note_held_back(&account, at, now).await;
            }
            bridge.health.note_received(&account, now).await;
            StatusCode::OK.into_response()
        }
        Err(error) => {
            tracing::error!(source, %error, "a delivery could not be made durable");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            refusal(status, "not stored, send it again")
        }
    }
}

/// Takes a delivery once more that was verified when it came and was not understood then. Whether it is
/// understood now: it is durable then. It can be repeated.
///
/// # Errors
/// When it cannot be made durable.
pub async fn take_again(
    bridge: &Bridge,
    account: &AccountId,
    body: &[u8],
) -> Result<bool, NotDurable> {
    let is_understood =
        Event::read(body).is_ok_and(|event| event.content().is_some() && event.auth_id.is_some());
    if is_understood {
        let source = format!("haptik/{account}");
        let context = RequestContext::new(&source, Timestamp::now());
        accept(bridge, account, context, body).await?;
    }
    Ok(is_understood)
}

/// Makes a delivery durable; returns when its event happened, where it is for a user and comes for the first time.
async fn accept(
    bridge: &Bridge,
    account: &AccountId,
    context: RequestContext<'_>,
    body: &[u8],
) -> Result<Option<Timestamp>, NotDurable> {
    let not_understood = |reason: String| async move {
        let kept = bridge.keep_not_understood(context, body, &reason);
        kept.await.map(|()| None)
    };
    let (event, text) = match (Event::read(body), lenient_json::strict(body)) {
        (Ok(event), Ok(text)) => (event, text),
        (Err(error), _) => return not_understood(error.to_string()).await,
        (_, Err(error)) => return not_understood(error.to_string()).await,
    };
    let payload = Payload::Webhook {
        account: account.clone(),
        body: text.into_owned(),
    };
    // The sinks first: an edge that is stopped in between is called again, and the user is not kept
    // waiting by a sink, which has a lane of its own.
    bridge
        .accept_for_sinks(context, &event, &payload, body)
        .await?;
    if event.kind == EventKind::Unknown {
        // Haptik may add events, which is nothing to look at: the sinks that want it have it.
        telemetry::unknown_event(context.source, &event.event_name, context.now);
        return Ok(None);
    }
    let Some(auth_id) = event.auth_id.clone() else {
        return not_understood("the event names no user (user.auth_id)".to_owned()).await;
    };
    let (key, at) = (event.key(body), event.timestamp.unwrap_or(context.now));
    let lane = Lane::Channel(auth_id);
    let accepted = bridge.accept_first(context, &lane, &key, &payload, at);
    Ok(accepted.await?.then_some(at))
}

fn reject(source: &str, reason: &str, now: Timestamp) -> Response {
    telemetry::rejected(source, reason, now);
    let status = StatusCode::UNAUTHORIZED;
    refusal(status, "the signature is not that of this body")
}
