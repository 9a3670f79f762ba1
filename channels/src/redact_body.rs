//! Redacting a body that was verified and not understood, before it is kept: the values of the provider's
//! secret fields ([`crate::channel::ChannelType::SECRET_FIELDS`]) are replaced.

use std::borrow::Cow;

use haptik_bridge_shared::lenient_json;
use serde_json::Value;
use url::form_urlencoded;

/// What is there in the place of a secret.
const REDACTED: &str = "(left out)";

/// A body without the values of these fields, in JSON, in a form, and in JSON within a form. What is neither
/// has no secret that could be told from the rest.
#[must_use]
pub fn redact_body<'a>(body: &'a [u8], fields: &[&str]) -> Cow<'a, [u8]> {
    if fields.is_empty() {
        return Cow::Borrowed(body);
    }
    if let Some(json) = json(body, fields) {
        return Cow::Owned(json.into_bytes());
    }
    let pairs = form_urlencoded::parse(body);
    let is_form = pairs
        .clone()
        .any(|(name, _)| name == "payload" || fields.contains(&name.as_ref()));
    if !is_form {
        return Cow::Borrowed(body);
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        let value = match json(value.as_bytes(), fields) {
            _ if fields.contains(&name.as_ref()) => REDACTED.into(),
            Some(json) => json.into(),
            None => value,
        };
        form.append_pair(&name, &value);
    }
    Cow::Owned(form.finish().into_bytes())
}

/// JSON without secrets, if it is an object.
fn json(text: &[u8], fields: &[&str]) -> Option<String> {
    let mut value = lenient_json::read(text).ok().filter(Value::is_object)?;
    redact(&mut value, fields);
    Some(value.to_string())
}

fn redact(value: &mut Value, fields: &[&str]) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                if fields.contains(&name.as_str()) {
                    *value = REDACTED.into();
                } else {
                    redact(value, fields);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, fields)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(body: &str) -> String {
        String::from_utf8(redact_body(body.as_bytes(), &["token", "response_url"]).into_owned())
            .expect("text")
    }

    #[test]
    fn secrets_are_left_out_of_json_and_of_forms_wherever_they_are() {
        let bodies = [
            r#"{"type":"new","token":"s3cret","event":{"a":[{"response_url":"s3cret"}]},"text":"hi"}"#
                .to_owned(),
            "token=s3cret&text=hi&response_url=https%3A%2F%2Fhooks.slack.com%2Fs3cret".to_owned(),
            "payload=%7B%22token%22%3A%22s3cret%22%2C%22text%22%3A%22hi%22%7D".to_owned(),
        ];
        for body in bodies {
            let kept = kept(&body);
            assert!(!kept.contains("s3cret") && kept.contains("hi"), "{kept}");
        }
    }

    #[test]
    fn what_has_none_is_kept_as_it_came() {
        for body in ["", "[]", "not a form", "a=b&c", "{\"half", "\u{fffd}"] {
            assert_eq!(kept(body), body);
        }
    }
}
