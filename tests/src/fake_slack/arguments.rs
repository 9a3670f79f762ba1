//! The arguments of a call, from a query, a form or JSON
//! (<https://docs.slack.dev/apis/web-api#basics>).

use http::{HeaderMap, Uri, header::CONTENT_TYPE};
use reqwest::Url;
use serde_json::{Map, Value};

use super::refused::Refused;

/// Methods that read a form or a query only: Slack ignores a JSON body there, and then misses the
/// arguments that it held.
const FORM_ONLY: &[&str] = &[
    "conversations.history",
    "conversations.info",
    "conversations.replies",
    "files.info",
    "users.info",
];

/// The arguments of one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments {
    fields: Map<String, Value>,
    is_json: bool,
    /// Whether the answer carries Slack's `missing_charset` warning.
    pub(crate) charset_missing: bool,
}

impl Arguments {
    pub(crate) fn parse(
        method: &str,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Self, Refused> {
        let mut arguments = Self::default();
        arguments.take_form(uri.query().unwrap_or_default());
        if body.is_empty() {
            return Ok(arguments);
        }
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_ascii_lowercase();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        match media_type {
            "" => return Err(Refused::new("missing_post_type")),
            "application/x-www-form-urlencoded" => {
                let text = std::str::from_utf8(body)
                    .map_err(|error| Refused::new("invalid_form_data").because(error))?;
                arguments.take_form(text);
            }
            "application/json" if FORM_ONLY.contains(&method) => {}
            "application/json" => {
                let value: Value = serde_json::from_slice(body)
                    .map_err(|error| Refused::new("invalid_json").because(error))?;
                let Value::Object(fields) = value else {
                    return Err(Refused::new("json_not_object"));
                };
                arguments.is_json = true;
                arguments.charset_missing = !content_type.contains("charset");
                arguments.fields.extend(fields);
            }
            other => return Err(Refused::new("invalid_post_type").because(other)),
        }
        Ok(arguments)
    }

    fn take_form(&mut self, encoded: &str) {
        for (name, value) in decode_form(encoded) {
            self.fields.insert(name, Value::String(value));
        }
    }

    /// The arguments as one object, without the token.
    pub(crate) fn to_value(&self) -> Value {
        let mut fields = self.fields.clone();
        fields.remove("token");
        Value::Object(fields)
    }

    /// A string, when it is there and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.fields.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A string that has to be there.
    pub(crate) fn required(&self, name: &str) -> Result<String, Refused> {
        self.text(name).ok_or_else(|| {
            Refused::new("invalid_arguments").because(format!("missing required field: {name}"))
        })
    }

    /// `true`, `"true"`, `1` or `"1"`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        match self.fields.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "true" || text == "1",
            Some(Value::Number(number)) => number.as_i64() == Some(1),
            _ => false,
        }
    }

    /// A number, or a string that holds one.
    pub(crate) fn number(&self, name: &str) -> Result<Option<usize>, Refused> {
        self.text(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    Refused::new("invalid_arguments").because(format!("must be an integer: {name}"))
                })
            })
            .transpose()
    }

    /// A structure: as it is in a JSON body, as JSON text in a form.
    pub(crate) fn structure(
        &self,
        name: &str,
        error: &'static str,
    ) -> Result<Option<Value>, Refused> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if !self.is_json => {
                if text.is_empty() {
                    return Ok(None);
                }
                serde_json::from_str(text)
                    .map(Some)
                    .map_err(|_| Refused::new(error).because(format!("{name} is not JSON")))
            }
            Some(value) => Ok(Some(value.clone())),
        }
    }
}

/// Name and value pairs of `application/x-www-form-urlencoded` text.
pub(crate) fn decode_form(encoded: &str) -> Vec<(String, String)> {
    let Ok(mut url) = Url::parse("http://form.example/") else {
        return Vec::new();
    };
    url.set_query(Some(encoded));
    url.query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// `application/x-www-form-urlencoded` text of name and value pairs.
pub(crate) fn encode_form(pairs: &[(&str, &str)]) -> String {
    let Ok(url) = Url::parse_with_params("http://form.example/", pairs) else {
        return String::new();
    };
    url.query().unwrap_or_default().to_owned()
}
