//! How a method refuses.

use std::fmt::Display;

use serde_json::{Value, json};

use super::block_kit::Rejection;

/// Why a call is refused: Slack's error code and what is wrong in detail.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) error: String,
    pub(crate) details: Vec<String>,
}

impl Refused {
    pub(crate) fn new(error: &str) -> Self {
        Self {
            error: error.to_owned(),
            details: Vec::new(),
        }
    }

    pub(crate) fn because(mut self, detail: impl Display) -> Self {
        self.details.push(detail.to_string());
        self
    }

    /// As Slack answers: the details twice, once with their severity.
    pub(crate) fn to_json(&self) -> Value {
        let mut body = json!({"ok": false, "error": self.error});
        if let Some(fields) = body.as_object_mut().filter(|_| !self.details.is_empty()) {
            let messages: Vec<String> = self
                .details
                .iter()
                .map(|detail| format!("[ERROR] {detail}"))
                .collect();
            fields.insert("errors".to_owned(), json!(self.details));
            fields.insert(
                "response_metadata".to_owned(),
                json!({ "messages": messages }),
            );
        }
        body
    }
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self {
            error: rejection.error.to_owned(),
            details: rejection.problems.iter().map(ToString::to_string).collect(),
        }
    }
}
