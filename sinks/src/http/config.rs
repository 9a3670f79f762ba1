//! `type = "http"`.

use http::{HeaderName, Method};
use secrecy::SecretString;

use haptik_bridge_shared::config::kind::{
    Fault, Faults, Given, NewestSecret, OneOf, SecretList, TableOf, TextOf, ValueList, ValueType,
    quote,
};
use haptik_bridge_shared::config::{Escape, Reported, Section, Settings, SinkDefinition, Template};
use haptik_bridge_shared::section;

use crate::config::kinds::FilledRequest;
use crate::config::ticket::{TRANSCRIPT_SOURCES, TranscriptSource};

/// The type.
pub(super) const DEFINITION: SinkDefinition = SinkDefinition {
    configure,
    ..SinkDefinition::of::<Config>("http")
};

section! {
    /// `type = "http"`: any REST API, by templates.
    pub struct Config {
        /// The method.
        method: Method = default(METHODS, "POST"),
        /// Where the request goes; scheme and host are written out, so that no event can lead it elsewhere. Values are percent-encoded; an event whose values would lead to another path, such as `..` or nothing in place of a name, is given up.
        url: Template = required(FilledRequest::URL),
        /// Headers besides `content-type`.
        headers: Vec<(HeaderName, Template)> = default(Headers, {}, "none"),
        /// The MIME type of the body, for which values are escaped: JSON, form fields, or plain text.
        content_type: String = default(TextOf::HEADER, "application/json"),
        /// The body.
        body: Option<Template> = optional(FilledRequest::BODY),
        /// What templates know as `secrets.NAME`; never shown.
        secrets: Vec<(String, SecretString)> = default(TableOf(NewestSecret(SecretList::KEYS)), {}, "none"),
        /// The statuses with which the API says that it has had the same request before, which is then delivered: `[409]`.
        taken_before: Vec<u16> = or(Statuses, Ok(Vec::new()), "none"),
        /// From whom the transcript is: from Haptik, with the bridge's own record of it where a line has no words or is masked, or where Haptik does not give it; from Haptik alone; or from the bridge's record alone.
        transcript_from: TranscriptSource = default(TRANSCRIPT_SOURCES, "auto"),
    }
}

impl Config {
    /// Whether a body of this MIME type is JSON.
    #[must_use]
    pub fn is_json(content_type: &str) -> bool {
        let name = bare(content_type);
        name == "application/json" || name.ends_with("+json")
    }

    /// How the body's values are written.
    fn escape(&self) -> Escape {
        match bare(&self.content_type).as_str() {
            "application/x-www-form-urlencoded" => Escape::Form,
            other if Self::is_json(other) => Escape::Json,
            _ => Escape::Text,
        }
    }
}

/// A MIME type without its parameters, in small letters.
fn bare(content_type: &str) -> String {
    let name = content_type.split(';').next().unwrap_or_default();
    name.trim().to_lowercase()
}

fn configure(section: &Section<'_>) -> Result<Settings, Reported> {
    let mut http = <Config as haptik_bridge_shared::config::Part>::read(section)?;
    let escape = http.escape();
    http.body = http.body.map(|body| body.with_escape(escape));
    Ok(Settings::new(http))
}

const METHODS: OneOf<Method> = OneOf {
    words: &[
        ("POST", Method::POST),
        ("PUT", Method::PUT),
        ("PATCH", Method::PATCH),
        ("GET", Method::GET),
    ],
};

/// Headers by their names.
#[derive(Debug)]
struct Headers;

const HEADERS: TableOf<FilledRequest> = TableOf(FilledRequest::HEADER);

impl ValueType for Headers {
    type Value = Vec<(HeaderName, Template)>;

    fn name(&self) -> String {
        "table of templates".to_owned()
    }

    fn allowed(&self) -> String {
        HEADERS.allowed()
    }

    fn read(&self, given: &Given<'_>) -> Result<Self::Value, Faults> {
        let headers = HEADERS.read(given)?.into_iter().map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes());
            let name = name.map_err(|_| {
                let mut fault = Fault::new("a name that is no header's");
                fault.allowed = Some("the names of headers".to_owned());
                fault
            })?;
            Ok((name, value))
        });
        headers.collect()
    }
}

/// Some HTTP statuses.
#[derive(Debug)]
struct Statuses;

impl ValueType for Statuses {
    type Value = Vec<u16>;

    fn name(&self) -> String {
        "list of statuses".to_owned()
    }

    fn allowed(&self) -> String {
        "a list of HTTP statuses from 400 to 499 without 401, 403 and 429".to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<Vec<u16>, Faults> {
        let read = |text: String| match text.parse() {
            Ok(status @ 400..=499) if ![401, 403, 429].contains(&status) => Ok(status),
            _ => Err(Fault::new(quote(&text)).into()),
        };
        ValueList.read(given)?.into_iter().map(read).collect()
    }
}
