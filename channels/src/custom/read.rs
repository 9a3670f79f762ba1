//! What an application sends: strict, since the interface is ours and a mistake is best found by the
//! one who makes it. Keys that are not known are ignored.

use jiff::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use super::Address;
use haptik_bridge_shared::ids::AuthIds;
use haptik_bridge_shared::key::KeyKind;
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{
    Addressed, Attachment, AuthCode, Inbound, Profile, UserAction, file_name, is_blank, language,
};
use haptik_bridge_shared::net::shortened;

/// The longest text, in bytes of UTF-8. All limits together keep an entry below the 400 KB that
/// `DynamoDB` takes.
const TEXT_LIMIT: usize = 100_000;
/// The longest remark of a feedback, in bytes.
const COMMENT_LIMIT: usize = 10_000;
/// The longest identifier, in bytes: it is a part of a ledger key.
const ID_LIMIT: usize = 256;
/// The longest value of a user's own fields, in bytes.
const FIELD_LIMIT: usize = 1_000;
/// The longest `auth_code`, in bytes: it may be a signed token.
const AUTH_CODE_LIMIT: usize = 10_000;
/// The largest `custom_data`, in bytes of JSON.
const CUSTOM_DATA_LIMIT: usize = 20_000;
/// The most files with one message.
const ATTACHMENTS_LIMIT: usize = 20;
/// The longest URL, in bytes.
const URL_LIMIT: usize = 4_096;

/// A request, read.
#[derive(Debug)]
pub(super) struct ParsedRequest {
    /// The application's own id of it.
    pub(super) id: String,
    /// What it says.
    pub(super) inbound: Inbound<Address>,
}

/// Reads a request that was verified.
///
/// # Errors
/// What is wrong: the key, what was found there (never its value) and what is allowed.
pub(super) fn parse_request(body: &[u8], auth_ids: &AuthIds) -> Result<ParsedRequest, String> {
    let map = body_of(body)?;
    let request = Object {
        path: "",
        map: &map,
    };
    let action = match request.text("type", ID_LIMIT)? {
        Some("message") => message(&request)?,
        Some("action") => UserAction::said(request.filled("value", TEXT_LIMIT)?.to_owned()),
        Some("feedback") => feedback(&request)?,
        found => {
            let found = if found.is_some() {
                "is not one that is known"
            } else {
                "is missing"
            };
            return Err(format!(
                "type {found}; allowed: \"message\", \"action\", \"feedback\""
            ));
        }
    };
    Ok(ParsedRequest {
        id: request.id("id")?,
        inbound: inbound(&request, auth_ids, action)?,
    })
}

/// The object that a body is.
pub(super) fn body_of(body: &[u8]) -> Result<Map<String, Value>, String> {
    match lenient_json::read(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => Err(format!(
            "the body is {}; allowed: an object",
            describe(&other)
        )),
        // A strict reader says where.
        Err(error) => Err(match serde_json::from_slice::<Value>(body) {
            Err(error) => format!("the body is not JSON: {error}"),
            Ok(_) => format!("the body is {error}"),
        }),
    }
}

/// What a request says that its user did, from the keys that every request has.
pub(super) fn inbound(
    request: &Object<'_>,
    auth_ids: &AuthIds,
    action: UserAction,
) -> Result<Inbound<Address>, String> {
    let id = request.id("id")?;
    let at = request.timestamp("timestamp")?;
    let user = request
        .object("user")?
        .ok_or("user is missing; needed: an object with an id")?;
    let user_id = user.id("id")?;
    let profile = profile(&user)?;
    Ok(Inbound {
        key: KeyKind::act(at, id).into(),
        at,
        auth_id: auth_ids.of_own_user(&user_id, profile.email.as_deref())?,
        address: Address {
            user: user_id.clone(),
        },
        user: user_id,
        profile: Some(profile).filter(|profile| *profile != Profile::default()),
        addressed: Addressed::Yes,
        action,
        mentions: Vec::new(),
        message_id: None,
    })
}

fn message(request: &Object<'_>) -> Result<UserAction, String> {
    let text = request
        .text("text", TEXT_LIMIT)?
        .unwrap_or_default()
        .to_owned();
    let attachments = match request.get("attachments") {
        None => Vec::new(),
        Some(Value::Array(list)) if list.len() <= ATTACHMENTS_LIMIT => list
            .iter()
            .enumerate()
            .map(|(index, file)| attachment(index, file))
            .collect::<Result<_, _>>()?,
        Some(found) => {
            let found = if found.is_array() {
                "a longer list"
            } else {
                describe(found)
            };
            return Err(format!(
                "attachments is {found}; allowed: a list of at most {ATTACHMENTS_LIMIT} objects"
            ));
        }
    };
    if is_blank(&text) && attachments.is_empty() {
        return Err(
            "text is missing or empty, and there are no attachments; needed: one of them"
                .to_owned(),
        );
    }
    Ok(UserAction::Message { text, attachments })
}

fn attachment(index: usize, file: &Value) -> Result<Attachment, String> {
    let path = format!("attachments[{index}].");
    let Value::Object(map) = file else {
        return Err(format!(
            "attachments[{index}] is {}; allowed: an object with a url",
            describe(file)
        ));
    };
    let file = Object { path: &path, map };
    let text = file.filled("url", URL_LIMIT)?;
    let is_http = |url: &Url| {
        ["http", "https"].contains(&url.scheme())
            && url.username().is_empty()
            && url.password().is_none()
    };
    let url = Url::parse(text).ok().filter(is_http);
    let url = url.ok_or_else(|| {
        format!("{path}url is another text; allowed: an http or https URL without credentials")
    })?;
    let name = file
        .text("name", FIELD_LIMIT)?
        .filter(|name| !is_blank(name));
    let name = name.map(ToOwned::to_owned).or_else(|| file_name(&url));
    Ok(Attachment {
        id: None,
        name: name.unwrap_or_else(|| "file".to_owned()),
        mime_type: file
            .text("mime_type", FIELD_LIMIT)?
            .unwrap_or_default()
            .to_owned(),
        size: match (file.get("size"), file.whole("size")) {
            (Some(_), None) => return Err(file.wrong("size", "a whole number of bytes")),
            (_, size) => size,
        },
        url: url.into(),
    })
}

fn feedback(request: &Object<'_>) -> Result<UserAction, String> {
    let rating = request
        .whole("rating")
        .and_then(|rating| u8::try_from(rating).ok());
    let rating = rating.filter(|rating| (1..=5).contains(rating));
    let rating = rating.ok_or_else(|| request.wrong("rating", "a whole number of 1 to 5"))?;
    let resolved = request.get("resolved").and_then(Value::as_bool);
    let resolved = resolved.ok_or_else(|| request.wrong("resolved", "true or false"))?;
    let comment = request
        .text("comment", COMMENT_LIMIT)?
        .filter(|comment| !is_blank(comment));
    Ok(UserAction::Feedback {
        rating,
        resolved: Some(resolved),
        comment: comment.map(ToOwned::to_owned),
    })
}

fn profile(user: &Object<'_>) -> Result<Profile, String> {
    let text = |key| {
        Ok::<_, String>(
            user.text(key, FIELD_LIMIT)?
                .filter(|text| !is_blank(text))
                .map(ToOwned::to_owned),
        )
    };
    Ok(Profile {
        name: text("name")?,
        email: text("email")?,
        mobile_no: match user.get("mobile_no") {
            Some(Value::Number(number)) => Some(lenient_json::digits(number)),
            _ => text("mobile_no")?,
        },
        language_code: match text("language_code")? {
            None => None,
            Some(written) => Some(language(&written).ok_or_else(|| {
                user.wrong(
                    "language_code",
                    "a language of ISO 639-1, or a locale, such as \"en\" or \"en-US\"",
                )
            })?),
        },
        phone_model: text("phone_model")?,
        os_version: text("os_version")?,
        package_name: text("package_name")?,
        auth_code: user
            .text("auth_code", AUTH_CODE_LIMIT)?
            .filter(|code| !is_blank(code))
            .map(|code| AuthCode::from(code.to_owned())),
        custom_data: custom_data(user)?,
    })
}

fn custom_data(user: &Object<'_>) -> Result<Map<String, Value>, String> {
    let Some(data) = user.object("custom_data")? else {
        return Ok(Map::new());
    };
    if let Some((key, value)) = data
        .map
        .iter()
        .find(|(_, value)| value.is_object() || value.is_array())
    {
        let (key, found) = (shortened(key, 40), describe(value));
        return Err(format!(
            "user.custom_data.{key} is {found}; allowed: a string, a number, true, false or null, since Haptik refuses nested values"
        ));
    }
    if Value::Object(data.map.clone()).to_string().len() > CUSTOM_DATA_LIMIT {
        return Err(format!(
            "user.custom_data is larger; allowed: at most {CUSTOM_DATA_LIMIT} bytes"
        ));
    }
    Ok(data.map.clone())
}

/// An object of the request, with where it is.
pub(super) struct Object<'a> {
    /// Empty, or the path with a dot at its end.
    pub(super) path: &'a str,
    pub(super) map: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// The value of a key; null is as good as nothing.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// A string that may be left out.
    pub(super) fn text(&self, key: &str, limit: usize) -> Result<Option<&'a str>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= limit => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, &format!("a string of at most {limit} bytes"))),
        }
    }

    /// A string that must be there and say something.
    pub(super) fn filled(&self, key: &str, limit: usize) -> Result<&'a str, String> {
        let text = self.text(key, limit)?.filter(|text| !is_blank(text));
        text.ok_or_else(|| self.wrong(key, &format!("a string of 1 to {limit} bytes")))
    }

    /// An identifier that must be there.
    pub(super) fn id(&self, key: &str) -> Result<String, String> {
        match self.get(key) {
            Some(Value::String(id)) if (1..=ID_LIMIT).contains(&id.len()) && !is_blank(id) => {
                Ok(id.clone())
            }
            Some(Value::Number(id)) => Ok(lenient_json::digits(id)),
            _ => Err(self.wrong(
                key,
                &format!("a number, or a string of 1 to {ID_LIMIT} bytes"),
            )),
        }
    }

    /// A time that must be there.
    pub(super) fn timestamp(&self, key: &str) -> Result<Timestamp, String> {
        let allowed = "an RFC 3339 time of 1970 or later, such as \"2026-11-22T10:00:00Z\"";
        let timestamp = self
            .get(key)
            .and_then(Value::as_str)
            .and_then(|text| text.parse().ok());
        let timestamp = timestamp.filter(|timestamp| *timestamp >= Timestamp::UNIX_EPOCH);
        timestamp.ok_or_else(|| self.wrong(key, allowed))
    }

    /// A whole number from 0 of which every reader of JSON has the same idea; `5.0` is one, as JSON
    /// Schema has it too.
    fn whole(&self, key: &str) -> Option<u64> {
        let number = self.get(key)?;
        let float = || number.as_f64().filter(|number| number.fract() == 0.0);
        let whole = number
            .as_u64()
            .or_else(|| float()?.to_string().parse().ok());
        whole.filter(|whole| *whole < 1 << 53)
    }

    /// An object that may be left out.
    fn object(&self, key: &'static str) -> Result<Option<Object<'a>>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(map)) => {
                let path = if key == "user" {
                    "user."
                } else {
                    "user.custom_data."
                };
                Ok(Some(Object { path, map }))
            }
            Some(_) => Err(self.wrong(key, "an object")),
        }
    }

    fn wrong(&self, key: &str, allowed: &str) -> String {
        let found = match self.map.get(key) {
            None => "missing".to_owned(),
            Some(Value::String(text)) if is_blank(text) && !text.is_empty() => {
                let bytes = text.len();
                format!("a string of {bytes} bytes in which nothing can be seen")
            }
            Some(Value::String(text)) => format!("a string of {} bytes", text.len()),
            Some(found) => describe(found).to_owned(),
        };
        format!("{}{key} is {found}; allowed: {allowed}", self.path)
    }
}

pub(super) fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
