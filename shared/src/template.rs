//! What the operator writes around an event's values: templates of Jinja
//! (<https://docs.rs/minijinja/latest/minijinja/syntax/index.html>), without includes, files or the clock.
//!
//! A value that is not there is empty, at any depth: Haptik may leave any key out, and a ticket is not to
//! be lost for that. What can be known without an event is an error of the configuration
//! ([`Template::check`]): the syntax, a name that does not exist, a filter that does not exist. How values
//! are written depends on where they go ([`Escape`]). Work is limited ([`FUEL`]), as is what is written
//! ([`LONGEST_TEXT`]).
//!
//! Only who fills templates in or checks them needs the engine: it is not part of the edges.

use std::fmt;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Expression, Output, State, UndefinedBehavior, Value,
};

mod path;

/// How many steps a template may take: enough for some thousand lines of a transcript.
pub const FUEL: u64 = 2_000_000;

/// The most bytes that a template may write.
pub const LONGEST_TEXT: usize = 4 * 1024 * 1024;

/// A template that can be filled in.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
    escape: Escape,
}

/// A template cannot be filled in, with these values. Says none of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfillable(String);

/// How templates are looked at while a configuration is read: [`Template::check`], where it is.
pub type Check = fn(&Template, &[&str]) -> Result<(), String>;

/// Where values go, and so how they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// Into plain text, as they are.
    Text,
    /// Into JSON: a string as it is between quotation marks, anything else as JSON.
    Json,
    /// Into a URL: percent-encoded, and no value changes which path is called.
    Url,
    /// Into form fields: percent-encoded.
    Form,
}

impl Template {
    /// A template, as it was written; see [`Template::check`].
    #[must_use]
    pub fn new(source: &str, escape: Escape) -> Self {
        Self {
            source: source.to_owned(),
            escape,
        }
    }

    /// The same template, whose values are written in another way.
    #[must_use]
    pub fn with_escape(self, escape: Escape) -> Self {
        Self { escape, ..self }
    }

    /// Whether it can be filled in; it may use these names.
    ///
    /// # Errors
    /// What is wrong with it, in words that follow "found".
    pub fn check(&self, names: &[&str]) -> Result<(), String> {
        let template = ENVIRONMENT
            .template_from_named_str(self.escape.name(), &self.source)
            .map_err(|error| format!("a template with an error: {}", error_text(&error)))?;
        let mut unknown: Vec<String> = template
            .undeclared_variables(false)
            .into_iter()
            .filter(|name| !names.contains(&name.as_str()) && !is_global(name))
            .collect();
        unknown.sort_unstable();
        if let Some(name) = unknown.first() {
            return Err(format!("a template with a name that there is not: {name}"));
        }
        // Whether a filter exists is found out when it is used.
        if let Err(error) = template.render(Value::UNDEFINED)
            && matches!(
                error.kind(),
                ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction
            )
        {
            return Err(format!("a template with an error: {}", error_text(&error)));
        }
        Ok(())
    }

    /// Whether it uses a name.
    #[must_use]
    pub fn uses(&self, name: &str) -> bool {
        ENVIRONMENT
            .template_from_named_str(self.escape.name(), &self.source)
            .is_ok_and(|template| template.undeclared_variables(false).contains(name))
    }

    /// The text, filled in.
    ///
    /// # Errors
    /// When it cannot be, with these values.
    pub fn text(&self, context: &Value) -> Result<String, Unfillable> {
        let text = ENVIRONMENT
            .render_named_str(self.escape.name(), &self.source, context.clone())
            .map_err(|error| unfillable(&error))?;
        if text.len() > LONGEST_TEXT {
            return Err(Unfillable(format!(
                "a template wrote more than {LONGEST_TEXT} bytes"
            )));
        }
        match self.escape {
            Escape::Url => path::url_of(&text).ok_or_else(|| Unfillable(path::REFUSED.to_owned())),
            Escape::Text | Escape::Json | Escape::Form => Ok(text),
        }
    }

    /// The value: of a template that is one expression, what it comes to, a number or a list for
    /// example; else the text. Null where there is nothing.
    ///
    /// # Errors
    /// When it cannot be, with these values.
    pub fn value(&self, context: &Value) -> Result<serde_json::Value, Unfillable> {
        let Some(expression) = expression_of(&self.source) else {
            return Ok(serde_json::Value::String(self.text(context)?));
        };
        let value = expression
            .eval(context.clone())
            .map_err(|error| unfillable(&error))?;
        if value.is_undefined() || value.is_none() {
            return Ok(serde_json::Value::Null);
        }
        serde_json::to_value(&value)
            .map_err(|_| Unfillable("a template's value is not JSON".to_owned()))
    }
}

impl Escape {
    /// The name of the template, by which the engine knows how to write values.
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Url => "url",
            Self::Form => "form",
        }
    }
}

impl fmt::Debug for Template {
    /// Leaves the source out: an operator may have put anything there.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Template({} bytes, {:?})",
            self.source.len(),
            self.escape
        )
    }
}

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    let mut syntax = SyntaxConfig::builder();
    let syntax = syntax.trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the usual marks"));
    environment.set_auto_escape_callback(|name| match name {
        "json" => AutoEscape::Custom("json".into()),
        "url" => AutoEscape::Custom("url".into()),
        "form" => AutoEscape::Custom("form".into()),
        _ => AutoEscape::None,
    });
    environment.set_formatter(write);
    environment.add_filter("b64encode", |text: String| STANDARD.encode(text));
    environment
});

/// Writes a value as its place wants it.
fn write(output: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let written =
        |result: std::fmt::Result| result.map_err(|_| Error::from(ErrorKind::WriteFailure));
    let place = match state.auto_escape() {
        AutoEscape::Custom(place) => place.as_ref(),
        _ => "text",
    };
    if value.is_safe() {
        let text = text_of(value)?;
        return written(match place {
            // What the template itself wrote, a block for example, has its marks already.
            "url" if !path::is_marked(&text) => output.write_str(&path::marked(&text)),
            _ => output.write_str(&text),
        });
    }
    let text = match place {
        "json" => match value.as_str() {
            Some(text) => {
                let quoted = serde_json::Value::from(text).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            None if value.is_undefined() => String::new(),
            None => json_of(value)?,
        },
        "url" => path::marked(&encoded(&text_of(value)?)),
        "form" => encoded(&text_of(value)?),
        _ => text_of(value)?,
    };
    written(output.write_str(&text))
}

fn encoded(text: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20")
}

/// A value as people read it: nothing for none, lists and objects as JSON.
fn text_of(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Ok(String::new()),
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => json_of(value),
        _ => Ok(value.to_string()),
    }
}

fn json_of(value: &Value) -> Result<String, Error> {
    serde_json::to_string(value)
        .map_err(|_| Error::new(ErrorKind::BadSerialization, "a value is not JSON"))
}

/// The expression of `{{ expression }}`, where the template is that and nothing besides.
fn expression_of(source: &str) -> Option<Expression<'_, '_>> {
    let inner = source.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let alone = ["{{", "}}", "{%", "{#"]
        .iter()
        .all(|mark| !inner.contains(mark));
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    let inner = inner.strip_suffix('-').unwrap_or(inner);
    let expression = alone.then(|| ENVIRONMENT.compile_expression(inner));
    expression?.ok()
}

/// Whether a name is one of the engine's own functions.
fn is_global(name: &str) -> bool {
    ENVIRONMENT.globals().any(|(global, _)| global == name)
}

/// What is wrong, without a value: the engine's own text may quote one.
fn error_text(error: &Error) -> String {
    let line = error.line().map(|line| format!(" (line {line})"));
    let detail = match error.kind() {
        ErrorKind::SyntaxError
        | ErrorKind::UnknownFilter
        | ErrorKind::UnknownTest
        | ErrorKind::UnknownFunction => error.detail().map(|detail| format!(": {detail}")),
        _ => None,
    };
    format!(
        "{}{}{}",
        error.kind(),
        detail.unwrap_or_default(),
        line.unwrap_or_default()
    )
}

fn unfillable(error: &Error) -> Unfillable {
    Unfillable(format!(
        "a template cannot be filled in: {}",
        error_text(error)
    ))
}

#[cfg(test)]
mod tests;
