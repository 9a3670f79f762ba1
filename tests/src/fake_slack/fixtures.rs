//! Events, interactions and commands in the shapes that Slack publishes, with invented values.

use std::{fs, path::Path};

use serde_json::Value;

use super::{Delivery, Interaction};

/// One sample request of Slack's.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// The file's name without its ending: `event_team_join`, `interaction_shortcut` ….
    pub name: String,
    /// The JSON; the raw text as a string for a form.
    pub content: Value,
    delivery: Delivery,
}

impl Fixture {
    /// The request that carries it, correctly signed when sent.
    #[must_use]
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }
}

/// All samples in `fixtures/slack`, by name: `event_*.json` (bodies as they are),
/// `interaction_*.json` (sent as the field `payload` of a form), `command_*.form`.
///
/// # Panics
///
/// When a sample cannot be read.
#[must_use]
pub fn fixtures() -> Vec<Fixture> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/slack");
    let entries = fs::read_dir(&directory).expect("the directory of the samples");
    let mut found: Vec<Fixture> = entries
        .map(|entry| load(&entry.expect("a readable directory").path()))
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

fn load(path: &Path) -> Fixture {
    let text = fs::read_to_string(path).expect("a readable sample");
    let name = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    if name.starts_with("command_") {
        let body = text.trim().to_owned();
        return Fixture {
            name,
            delivery: Delivery::raw(body.clone(), "application/x-www-form-urlencoded"),
            content: Value::String(body),
        };
    }
    let content: Value = serde_json::from_str(&text).expect("a sample in JSON");
    let delivery = if name.starts_with("interaction_") {
        Delivery::of(&Interaction::from_json(content.clone()))
    } else {
        Delivery::of(&content)
    };
    Fixture {
        name,
        content,
        delivery,
    }
}
