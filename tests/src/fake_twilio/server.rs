//! The HTTP side: an account's resources below `/2010-04-01/Accounts/{AccountSid}`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde_json::{Value, json};

use super::state::{Call, Message, State};
use super::{ACCOUNT, NUMBER, SERVICE, TOKEN, WHATSAPP, content, reports};
use crate::faults::Dialect;

/// The longest text, in UTF-16 units (<https://www.twilio.com/docs/api/errors/21617>).
const LONGEST: usize = 1_600;

/// An error in Twilio's form (<https://www.twilio.com/docs/usage/twilios-response>).
#[derive(Clone, Debug)]
struct Refused {
    status: u16,
    code: u32,
    message: String,
}

impl Refused {
    fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    fn answer(&self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let body = json!({
            "code": self.code, "message": self.message, "status": self.status,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
        });
        (status, axum::Json(body)).into_response()
    }
}

/// What a request says, in whichever form.
struct Given<'a> {
    fields: &'a [(String, String)],
    json: Value,
}

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new().fallback(request).with_state(state)
}

async fn request(
    Shared(state): Shared<Arc<State>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let json = serde_json::from_slice(&body).unwrap_or_default();
    let taken = state.read(|store| store.messages.len());
    let answer = call(
        &state,
        &method,
        &uri,
        &headers,
        &Given {
            fields: &fields,
            json,
        },
    );
    let answer = answer.unwrap_or_else(|refused| {
        if refused.status == 400 {
            let refusal = format!("{method} {uri}: {} {}", refused.code, refused.message);
            state.change(|store| store.refusals.push(refusal));
        }
        refused.answer()
    });
    let call = Call {
        method: method.to_string(),
        path: uri.to_string(),
        fields,
        status: answer.status().as_u16(),
    };
    state.change(|store| store.calls.push(call));
    let new = state.read(|store| store.messages.get(taken).cloned());
    if let Some(message) = new.filter(|_| answer.status() == StatusCode::CREATED) {
        reports::report(&state, message).await;
    }
    answer
}

fn call(
    state: &State,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    given: &Given<'_>,
) -> Result<Response, Refused> {
    let path = uri.path();
    // Where media really are: nobody shows credentials there.
    if let Some(id) = path.strip_prefix("/cdn/") {
        if headers.contains_key(header::AUTHORIZATION) {
            return Err(Refused::new(400, 0, "credentials were sent elsewhere"));
        }
        return content(state, id);
    }
    let shown = headers.get(header::AUTHORIZATION);
    let expected = format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{TOKEN}")));
    if shown.is_none_or(|shown| shown.as_bytes() != expected.as_bytes()) {
        return Err(Refused::new(401, 20003, "Authenticate"));
    }
    let not_found = || {
        Refused::new(
            404,
            20404,
            format!("The requested resource {path} was not found"),
        )
    };
    let account = format!("/2010-04-01/Accounts/{ACCOUNT}");
    match (method.as_str(), path.strip_prefix(&account).unwrap_or(path)) {
        ("GET", ".json") => {
            Ok(axum::Json(json!({"sid": ACCOUNT, "status": "active"})).into_response())
        }
        ("POST", "/Messages.json") => create(state, given.fields),
        ("GET", "/Messages.json") => Ok(list(state, uri)),
        ("GET", "/v1/Content") => {
            let contents: Vec<Value> =
                state.read(|store| store.contents.values().cloned().collect());
            let meta = json!({"key": "contents", "next_page_url": null});
            Ok(axum::Json(json!({"contents": contents, "meta": meta})).into_response())
        }
        ("POST", "/v1/Content") => create_content(state, &given.json),
        ("POST", "/v2/Indicators/Typing.json") => typing(given.fields),
        ("GET", "/IncomingPhoneNumbers.json") => Ok(numbers(state)),
        ("GET" | "POST", below) if is_hook(below) => Ok(hook(state, given)),
        ("GET", "/v2/Channels/Senders") => Ok(senders(state)),
        ("GET", below) if below.contains("/Media/") => {
            let id = below.split("/Media/").nth(1).unwrap_or_default();
            redirect(state, id).ok_or_else(not_found)
        }
        ("GET", below) => one(state, below).ok_or_else(not_found),
        _ => Err(not_found()),
    }
}

/// The SID of the number.
fn number_sid() -> String {
    format!("PN{:032x}", 1)
}

/// The SID of the sender on WhatsApp.
fn sender_sid() -> String {
    format!("XE{:032x}", 1)
}

fn is_hook(path: &str) -> bool {
    [
        format!("/IncomingPhoneNumbers/{}.json", number_sid()),
        format!("/v1/Services/{SERVICE}"),
        format!("/v2/Channels/Senders/{}", sender_sid()),
    ]
    .contains(&path.to_owned())
}

/// Changes or shows what is set at the number
/// (<https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource>), the service
/// (<https://www.twilio.com/docs/messaging/api/service-resource>) or the sender
/// (<https://www.twilio.com/docs/whatsapp/api/senders>).
fn hook(state: &State, given: &Given<'_>) -> Response {
    let webhook = given.json["webhook"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let webhook = webhook
        .into_iter()
        .map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned()));
    let hooks = state.change(|store| {
        store.hooks.extend(given.fields.iter().cloned());
        store.hooks.extend(webhook);
        store.hooks.clone()
    });
    let text = |name: &str| hooks.get(name).cloned().unwrap_or_default();
    axum::Json(json!({
        "sid": SERVICE, "inbound_request_url": text("InboundRequestUrl"),
        "inbound_method": text("InboundMethod"),
        "use_inbound_webhook_on_number": text("UseInboundWebhookOnNumber") == "true",
    }))
    .into_response()
}

fn numbers(state: &State) -> Response {
    let hooks = state.read(|store| store.hooks.clone());
    let number = json!({
        "sid": number_sid(), "phone_number": NUMBER,
        "sms_url": hooks.get("SmsUrl"), "sms_method": hooks.get("SmsMethod"),
    });
    axum::Json(json!({"incoming_phone_numbers": [number]})).into_response()
}

fn senders(state: &State) -> Response {
    let hooks = state.read(|store| store.hooks.clone());
    let webhook = json!({
        "callback_url": hooks.get("callback_url"), "callback_method": hooks.get("callback_method"),
    });
    let sender = json!({"sid": sender_sid(), "sender_id": WHATSAPP, "webhook": webhook});
    axum::Json(json!({"senders": [sender], "meta": {"key": "senders"}})).into_response()
}

/// A message as its resource, as Twilio's own libraries read it.
fn resource(state: &State, message: &Message) -> Value {
    let date = "Sat, 28 Nov 2026 22:00:00 +0000";
    json!({
        "sid": message.sid, "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": message.body,
        "from": state.sender, "to": message.to, "status": "queued", "direction": "outbound-api",
        "date_created": date, "date_updated": date, "date_sent": null, "error_code": null,
        "error_message": null, "messaging_service_sid": null, "num_media": message.media.len().to_string(),
        "num_segments": segments(&message.body).to_string(), "price": null, "price_unit": "USD",
        "subresource_uris": {}, "uri": format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{}.json", message.sid),
    })
}

/// So many segments: exact for ASCII without brackets and the like.
fn segments(text: &str) -> usize {
    let (length, alone, each) = if text.is_ascii() {
        (text.len(), 160, 153)
    } else {
        (text.encode_utf16().count(), 70, 67)
    };
    if length <= alone {
        1
    } else {
        length.div_ceil(each)
    }
}

/// <https://www.twilio.com/docs/messaging/api/message-resource#list-message-resources>, by `To`.
fn list(state: &State, uri: &Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let to = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "To");
    let messages = state.read(|store| store.messages.clone());
    let messages: Vec<Value> = messages
        .iter()
        .rev()
        .filter(|message| to.as_ref().is_none_or(|(_, to)| *to == message.to))
        .map(|message| resource(state, message))
        .collect();
    axum::Json(json!({"messages": messages, "page": 0, "page_size": 50, "next_page_uri": null}))
        .into_response()
}

fn one(state: &State, path: &str) -> Option<Response> {
    if let Some(sid) = path.strip_prefix("/v1/Content/") {
        let content = state.read(|store| store.contents.get(sid).cloned())?;
        return Some(axum::Json(content).into_response());
    }
    let sid = path.strip_prefix("/Messages/")?.strip_suffix(".json")?;
    let message = state.read(|store| {
        let mut messages = store.messages.iter();
        messages.find(|message| message.sid == sid).cloned()
    })?;
    Some(axum::Json(resource(state, &message)).into_response())
}

/// <https://www.twilio.com/docs/content/content-api-resources>
fn create_content(state: &State, content: &Value) -> Result<Response, Refused> {
    if let Some(fault) = content::fault(content) {
        return Err(Refused::new(400, 20001, fault));
    }
    let content = state.change(|store| {
        let sid = store.next_sid("HX");
        let mut content = content.clone();
        content["sid"] = sid.as_str().into();
        content["account_sid"] = ACCOUNT.into();
        store.contents.insert(sid, content.clone());
        content
    });
    Ok((StatusCode::CREATED, axum::Json(content)).into_response())
}

/// <https://www.twilio.com/docs/whatsapp/api/typing-indicators-resource>
fn typing(fields: &[(String, String)]) -> Result<Response, Refused> {
    let is_right = |(name, value): &(String, String)| match name.as_str() {
        "channel" => value == "whatsapp",
        "messageId" => ["SM", "MM"].iter().any(|kind| value.starts_with(kind)) && value.len() == 34,
        _ => false,
    };
    if fields.len() != 2 || !fields.iter().all(is_right) {
        return Err(Refused::new(400, 20001, "channel and messageId"));
    }
    Ok(axum::Json(json!({"success": true})).into_response())
}

/// <https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource>
fn create(state: &State, fields: &[(String, String)]) -> Result<Response, Refused> {
    let all = |name: &str| -> Vec<String> {
        let found = fields.iter().filter(|(found, _)| found == name);
        found.map(|(_, value)| value.clone()).collect()
    };
    let one = |name: &str| all(name).into_iter().next().unwrap_or_default();
    let known = [
        "To",
        "From",
        "Body",
        "MediaUrl",
        "ContentSid",
        "ContentVariables",
        "SmartEncoded",
        "StatusCallback",
    ];
    if let Some((name, _)) = fields
        .iter()
        .find(|(name, _)| !known.contains(&name.as_str()))
    {
        return Err(Refused::new(
            400,
            20001,
            format!("the fake knows no {name}"),
        ));
    }
    let (to, body, media) = (one("To"), one("Body"), all("MediaUrl"));
    if one("From") != state.sender {
        return Err(Refused::new(
            400,
            21606,
            "The From phone number is not yours",
        ));
    }
    let prefix = state.sender.split('+').next().unwrap_or_default();
    let number = to.strip_prefix(prefix).unwrap_or_default();
    let digits = number.strip_prefix('+').unwrap_or_default();
    if !(7..=15).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refused::new(
            400,
            21211,
            "The 'To' number is not a valid phone number",
        ));
    }
    let (body, choices) = match one("ContentSid").as_str() {
        "" => (body, Vec::new()),
        _ if !body.is_empty() || !media.is_empty() => {
            let words = "Body and MediaUrl should be excluded";
            return Err(Refused::new(400, 20001, words));
        }
        sid => {
            let content = state.read(|store| store.contents.get(sid).cloned());
            let content = content
                .ok_or_else(|| Refused::new(400, 21655, "The ContentSid parameter is invalid"))?;
            content::shown(&content, &one("ContentVariables"))
                .map_err(|(code, words)| Refused::new(400, code, words))?
        }
    };
    if body.is_empty() && media.is_empty() {
        return Err(Refused::new(
            400,
            21619,
            "A Message Body, Media URL or Content SID is required",
        ));
    }
    if body.encode_utf16().count() > LONGEST {
        let words = "The concatenated message body exceeds the 1600 character limit";
        return Err(Refused::new(400, 21617, words));
    }
    let is_address = |url: &String| url::Url::parse(url).is_ok_and(|url| url.has_host());
    if media.len() > 10 || !media.iter().all(is_address) {
        return Err(Refused::new(400, 21620, "Invalid media URL(s)"));
    }
    if state.read(|store| store.stopped.contains(&to)) {
        return Err(Refused::new(
            400,
            21610,
            "Attempt to send to unsubscribed recipient",
        ));
    }
    let message = state.change(|store| {
        let message = Message {
            sid: store.next_sid("SM"),
            to,
            body,
            media,
            choices,
        };
        store.messages.push(message.clone());
        message
    });
    Ok((StatusCode::CREATED, axum::Json(resource(state, &message))).into_response())
}

/// <https://www.twilio.com/docs/messaging/api/media-resource>: what is stored elsewhere is redirected to.
fn redirect(state: &State, id: &str) -> Option<Response> {
    let there = state.read(|store| {
        let is_there = store.files.contains_key(id);
        is_there.then(|| format!("{}/cdn/{id}", store.base_url))
    })?;
    let location = [(header::LOCATION, there)];
    Some((StatusCode::TEMPORARY_REDIRECT, location).into_response())
}

fn content(state: &State, id: &str) -> Result<Response, Refused> {
    let file = state.read(|store| store.files.get(id).cloned());
    let file = file.ok_or_else(|| Refused::new(404, 20404, "no such file"))?;
    Ok(([(header::CONTENT_TYPE, file.mime_type)], file.content).into_response())
}

/// How Twilio says what it says.
#[derive(Debug)]
pub(super) struct TwilioDialect;

impl Dialect for TwilioDialect {
    /// Twilio promises no `Retry-After`; where there is one it counts.
    fn too_many(&self, seconds: u64) -> Response {
        let mut answer = Refused::new(429, 20429, "Too Many Requests").answer();
        answer
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds.into());
        answer
    }

    /// `code` is one of Twilio's: `21610`.
    fn refused(&self, code: &str) -> Response {
        let code = code.parse().unwrap_or(21610);
        Refused::new(400, code, "Attempt to send to unsubscribed recipient").answer()
    }
}
