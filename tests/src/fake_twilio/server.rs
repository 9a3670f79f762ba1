//! The HTTP side: an account's resources below `/2010-04-01/Accounts/{AccountSid}`.

use std::fmt;
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
use super::{ACCOUNT, NUMBER, TOKEN};
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
    let answer = call(&state, &method, &uri, &headers, &fields);
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
    answer
}

fn call(
    state: &State,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    fields: &[(String, String)],
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
    let account = format!("/2010-04-01/Accounts/{ACCOUNT}");
    let not_found = || {
        Refused::new(
            404,
            20404,
            format!("The requested resource {path} was not found"),
        )
    };
    let below = path.strip_prefix(&account).ok_or_else(not_found)?;
    match (method.as_str(), below) {
        ("GET", ".json") => {
            Ok(axum::Json(json!({"sid": ACCOUNT, "status": "active"})).into_response())
        }
        ("POST", "/Messages.json") => create(state, fields),
        ("GET", "/IncomingPhoneNumbers.json") => {
            let url = state.read(|store| store.webhook_url.clone());
            let number = json!({
                "sid": format!("PN{:032x}", 1), "phone_number": NUMBER, "sms_url": url, "sms_method": "POST",
            });
            Ok(axum::Json(json!({"incoming_phone_numbers": [number]})).into_response())
        }
        ("GET", below) => match below.split("/Media/").nth(1) {
            Some(id) => redirect(state, id).ok_or_else(not_found),
            None => Err(not_found()),
        },
        _ => Err(not_found()),
    }
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
    if one("From") != NUMBER {
        return Err(Refused::new(
            400,
            21606,
            "The From phone number is not yours",
        ));
    }
    let digits = to.strip_prefix('+').unwrap_or_default();
    if !(7..=15).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refused::new(
            400,
            21211,
            "The 'To' number is not a valid phone number",
        ));
    }
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
    let sid = state.change(|store| {
        let sid = store.next_sid("SM");
        store.messages.push(Message {
            sid: sid.clone(),
            to,
            body,
            media,
        });
        sid
    });
    let message: Value =
        json!({"sid": sid, "status": "queued", "num_segments": "1", "error_code": null});
    Ok((StatusCode::CREATED, axum::Json(message)).into_response())
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
pub(super) struct TwilioDialect;

impl fmt::Debug for TwilioDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TwilioDialect")
    }
}

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
