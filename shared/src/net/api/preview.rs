//! A request as people are shown it.

use std::fmt;

use http::header::CONTENT_TYPE;

use super::{ApiRequest, Body, Field};

/// A request as people are shown it, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Preview {
    /// `POST`, for example.
    pub method: String,
    /// Where it goes.
    pub url: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body, indented where it is JSON.
    pub body: String,
}

impl ApiRequest {
    /// The request as people are shown it.
    #[must_use]
    pub fn preview(&self) -> Preview {
        let (mime_type, body) = match &self.body {
            Body::None => (None, String::new()),
            Body::Json(value) => (Some("application/json"), format!("{value:#}")),
            Body::Form(fields) => {
                let lines = fields
                    .iter()
                    .map(|(name, value)| format!("{name}={}", value.shown()));
                (
                    Some("application/x-www-form-urlencoded"),
                    lines.collect::<Vec<_>>().join("\n"),
                )
            }
            Body::Multipart(fields) => {
                let lines = fields
                    .iter()
                    .map(|(name, field)| format!("{name}: {field}"));
                (
                    Some("multipart/form-data"),
                    lines.collect::<Vec<_>>().join("\n"),
                )
            }
            Body::Bytes { mime_type, bytes } => (
                Some(mime_type.as_str()),
                String::from_utf8_lossy(bytes).into_owned(),
            ),
        };
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.shown().to_owned()));
        let content_type = mime_type.map(|mime_type| (CONTENT_TYPE.to_string(), mime_type.into()));
        Preview {
            method: self.method.to_string(),
            url: self.url.to_string(),
            headers: headers.chain(content_type).collect(),
            body,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::File {
                name,
                mime_type,
                bytes,
            } => write!(formatter, "[{name}, {mime_type}, {} bytes]", bytes.len()),
        }
    }
}

impl fmt::Display for Preview {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} {}", self.method, self.url)?;
        for (name, value) in &self.headers {
            writeln!(formatter, "{name}: {value}")?;
        }
        if self.body.is_empty() {
            return Ok(());
        }
        writeln!(formatter, "\n{}", self.body)
    }
}
