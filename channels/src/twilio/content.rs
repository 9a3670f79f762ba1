//! Buttons: the Content API (<https://www.twilio.com/docs/content>), as far as WhatsApp wants no approval of what is
//! sent in the 24 hours after a user has written.
//!
//! A content is a resource that is made once. What differs from message to message are its variables
//! (<https://www.twilio.com/docs/content/using-variables-with-content-api>), so that there is one for each number of
//! choices, which is kept under its [`Shape`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use haptik_bridge_shared::lenient_json;
use serde_json::{Map, Value, json};

use super::api::Api;
use super::kept::Kept;
use super::limits::Medium;
use crate::channel::{Refusal, SendError};
use crate::render::inline::one_line;
use crate::render::{Button, Page, Target, Targets};

/// Of which type a part is, and how many choices it has.
const CONTENT: &str = "content";

/// What its variables are, by their numbers.
const VARIABLES: &str = "variables";

/// What stands above buttons where nothing is said.
const NOTHING_SAID: &str = "Choose:";

/// What tells contents apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    kind: Kind,
    choices: usize,
}

/// The types of content that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// Buttons: <https://www.twilio.com/docs/content/twilio-quick-reply>.
    QuickReply,
    /// A menu: <https://www.twilio.com/docs/content/twiliolist-picker>.
    ListPicker,
    /// RCS has no quick replies, but cards: without a picture they are a text with chips
    /// (<https://www.twilio.com/docs/content/twiliocard>).
    Card,
}

impl Kind {
    const ALL: [Self; 3] = [Self::QuickReply, Self::ListPicker, Self::Card];

    /// Twilio's name of it.
    const fn name(self) -> &'static str {
        match self {
            Self::QuickReply => "twilio/quick-reply",
            Self::ListPicker => "twilio/list-picker",
            Self::Card => "twilio/card",
        }
    }
}

/// What a page offers by buttons or a menu, with the words that open the menu.
pub(super) fn choices(page: &Page) -> Option<(Option<&str>, &[Button])> {
    page.choices().find_map(|targets| match targets {
        Targets::Buttons(_, buttons) => Some((None, buttons)),
        Targets::Menu(_, open, rows) => Some((Some(open), rows)),
        Targets::Numbered(..) => None,
    })
}

/// The message that shows a page with buttons: which content, and its variables.
pub(super) fn encode(page: &Page, text: &str, medium: Medium) -> Option<Map<String, Value>> {
    let (open, choices) = choices(page)?;
    let kind = match (open, medium) {
        (Some(_), _) => Kind::ListPicker,
        (None, Medium::Rcs) => Kind::Card,
        (None, _) => Kind::QuickReply,
    };
    // None of them may be empty, and what the body has no newline, no tab and no long gap
    // (<https://www.twilio.com/docs/api/errors/21656>).
    let mut values = vec![match one_line(text) {
        line if line.is_empty() => NOTHING_SAID.to_owned(),
        line => line,
    }];
    values.extend(open.map(str::to_owned));
    for choice in choices {
        let Target::Callback { data, .. } = &choice.target else {
            // There are no others: the renderer was told so.
            return None;
        };
        values.extend([choice.label.clone(), data.clone()?]);
    }
    let variables = values.into_iter().zip(1..);
    let variables = variables.map(|(value, number)| (number.to_string(), Value::from(value)));
    let variables: Map<String, Value> = variables.collect();
    let content = json!({"type": kind.name(), "choices": choices.len()});
    Some(Map::from_iter([
        (CONTENT.to_owned(), content),
        (VARIABLES.to_owned(), variables.into()),
    ]))
}

/// The content of an encoded page, and the field with its variables.
pub(super) fn of(body: &Value) -> Option<(Shape, String)> {
    let content = body.get(CONTENT)?;
    let name = lenient_json::text(content, "type");
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name)?;
    let choices = usize::try_from(lenient_json::whole(content, "choices")?).ok()?;
    // A quotation mark as it is, is sometimes refused (21656).
    let variables = body.get(VARIABLES)?.to_string().replace('\'', "\\u0027");
    Some((Shape { kind, choices }, variables))
}

impl Shape {
    /// By which it is kept.
    pub(super) fn name(self) -> String {
        format!("{}#{}", self.kind.name(), self.choices)
    }

    /// The resource (<https://www.twilio.com/docs/content/content-api-resources>).
    pub(super) fn resource(self) -> Value {
        let mut samples = Map::new();
        let mut variable = |sample: String| {
            let number = samples.len() + 1;
            samples.insert(number.to_string(), sample.into());
            format!("{{{{{number}}}}}")
        };
        let body = variable("Which one?".to_owned());
        let button = match self.kind {
            Kind::ListPicker => Some(variable("Choose".to_owned())),
            Kind::QuickReply | Kind::Card => None,
        };
        let mut choices = Vec::new();
        for number in 1..=self.choices {
            let label = variable(format!("Choice {number}"));
            let id = variable(format!("choice-{number}"));
            choices.push(match self.kind {
                Kind::ListPicker => json!({"item": label, "id": id}),
                Kind::QuickReply | Kind::Card => {
                    json!({"type": "QUICK_REPLY", "title": label, "id": id})
                }
            });
        }
        let content = match button {
            Some(button) => json!({"body": body, "button": button, "items": choices}),
            None => json!({"body": body, "actions": choices}),
        };
        let name = self.kind.name();
        json!({
            "friendly_name": format!("haptik-bridge: {name}, {}", self.choices),
            "language": "en",
            "variables": samples,
            "types": {name: content},
        })
    }
}

/// The contents of one account.
#[derive(Debug)]
pub(super) struct Contents {
    kept: Kept,
    account: String,
    /// Those that were used by this process.
    known: Mutex<HashMap<Shape, String>>,
}

impl Contents {
    pub(super) fn new(kept: Kept, account: &str) -> Self {
        Self {
            kept,
            account: account.to_owned(),
            known: Mutex::default(),
        }
    }

    /// The SID of the content with this shape, which is made if there is none. Where two make one at the same
    /// time there are two, of which either will do.
    pub(super) async fn sid(&self, api: &Api, shape: Shape) -> Result<String, SendError> {
        if let Some(sid) = self.known(|known| known.get(&shape).cloned()) {
            return Ok(sid);
        }
        let unavailable =
            |error: &dyn ToString| SendError::new(Refusal::Unavailable(None), error.to_string());
        let name = shape.name();
        let kept = self.kept.content(&self.account, &name).await;
        let sid = if let Some(sid) = kept.map_err(|error| unavailable(&error))? {
            sid
        } else {
            let sid = api.create_content(&shape.resource()).await?;
            let kept = self.kept.set_content(&self.account, &name, &sid).await;
            kept.map_err(|error| unavailable(&error))?;
            sid
        };
        self.known(|known| known.insert(shape, sid.clone()));
        Ok(sid)
    }

    /// Forgets a content that Twilio does not know any more.
    pub(super) async fn forget(&self, shape: Shape) {
        self.known(|known| known.remove(&shape));
        // What stays is refused once more, and forgotten then.
        if let Err(error) = self.kept.forget_content(&self.account, &shape.name()).await {
            tracing::warn!(%error, "a content that is gone cannot be forgotten");
        }
    }

    fn known<T>(&self, of: impl FnOnce(&mut HashMap<Shape, String>) -> T) -> T {
        of(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_no_quotation_mark_as_it_is() {
        let body = json!({
            CONTENT: {"type": Kind::QuickReply.name(), "choices": 1},
            VARIABLES: {"1": "It's \"that\"", "2": "O'K", "3": "x"},
        });
        let (_, variables) = of(&body).expect("a content");
        assert!(!variables.contains('\''), "{variables}");
        let read: Value = serde_json::from_str(&variables).expect("JSON");
        assert_eq!(read, body[VARIABLES]);
    }

    #[test]
    fn a_content_has_a_variable_for_each_of_its_texts() {
        let shape = |kind| Shape { kind, choices: 2 };
        let buttons = shape(Kind::QuickReply).resource();
        assert_eq!(
            buttons["types"]["twilio/quick-reply"],
            json!({"body": "{{1}}", "actions": [
                {"type": "QUICK_REPLY", "title": "{{2}}", "id": "{{3}}"},
                {"type": "QUICK_REPLY", "title": "{{4}}", "id": "{{5}}"},
            ]})
        );
        let menu = shape(Kind::ListPicker).resource();
        assert_eq!(
            menu["types"]["twilio/list-picker"],
            json!({"body": "{{1}}", "button": "{{2}}", "items": [
                {"item": "{{3}}", "id": "{{4}}"}, {"item": "{{5}}", "id": "{{6}}"},
            ]})
        );
        // "A sample value for each variable is required."
        for (resource, count) in [(buttons, 5), (menu, 6)] {
            let samples = resource["variables"].as_object().map(Map::len);
            assert_eq!(samples, Some(count));
        }
    }
}
