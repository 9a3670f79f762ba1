//! What is kept of a body that was not understood: all but the secrets that Slack puts into it.

use std::borrow::Cow;

use serde_json::Value;
use url::form_urlencoded;

/// What lets somebody pretend to be Slack, or write where the message came from: the app's verification token
/// (<https://docs.slack.dev/authentication/verifying-requests-from-slack/#app-management-updates>), and
/// URLs (<https://docs.slack.dev/interactivity/handling-user-interaction/#message_responses>).
const SECRETS: [&str; 2] = ["token", "response_url"];

/// What is there in the place of a secret.
const LEFT_OUT: &str = "(left out)";

/// A body without secrets. What is neither JSON nor a form has none that could be told from the rest.
pub(super) fn without_secrets(body: &[u8]) -> Cow<'_, [u8]> {
    if let Some(json) = json(body) {
        return Cow::Owned(json.into_bytes());
    }
    let pairs = form_urlencoded::parse(body);
    let is_form = pairs
        .clone()
        .any(|(name, _)| name == "payload" || is_secret(&name));
    if !is_form {
        return Cow::Borrowed(body);
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        let value = match json(value.as_bytes()) {
            _ if is_secret(&name) => LEFT_OUT.into(),
            Some(json) => json.into(),
            None => value,
        };
        form.append_pair(&name, &value);
    }
    Cow::Owned(form.finish().into_bytes())
}

/// JSON without secrets, if it is an object.
fn json(text: &[u8]) -> Option<String> {
    let mut value = serde_json::from_slice(text).ok().filter(Value::is_object)?;
    leave_out(&mut value);
    Some(value.to_string())
}

fn leave_out(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if is_secret(name) {
                    *value = LEFT_OUT.into();
                } else {
                    leave_out(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(leave_out),
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    SECRETS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(body: &str) -> String {
        String::from_utf8(without_secrets(body.as_bytes()).into_owned()).expect("text")
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
