//! A page as a message: the fields of a form
//! (<https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource>), without whose it
//! is and for whom.

use serde_json::{Map, Value};

use crate::render::{Markup, Page};

/// The fields of a message that a part may have.
const FIELDS: [&str; 2] = ["Body", "MediaUrl"];

/// The message that shows a page.
pub(super) fn encode(page: &Page) -> Value {
    let mut fields = Map::new();
    let text = page.text(Markup::Plain);
    if !text.is_empty() {
        fields.insert("Body".to_owned(), text.into());
    }
    if let Some(picture) = page.picture() {
        fields.insert("MediaUrl".to_owned(), picture.url.as_str().into());
    }
    Value::Object(fields)
}

/// The fields of an encoded page.
pub(super) fn fields(body: &Value) -> Vec<(&'static str, String)> {
    let fields = FIELDS.into_iter().filter_map(|name| {
        let text = body.get(name)?.as_str()?;
        Some((name, text.to_owned()))
    });
    fields.collect()
}
