//! `docs/openapi.yaml`, held against what the bridge does: what is answered, and what an application
//! gets, must be in it.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use anyhow::{Context as _, anyhow, bail, ensure};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// The document.
static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
    let text = include_str!("../../docs/openapi.yaml");
    let root = serde_saphyr::from_str(text).expect("docs/openapi.yaml is YAML");
    Document {
        root,
        validators: Mutex::default(),
    }
});

/// What the bridge posts. A receiver is told to ignore keys that it does not know, so the document
/// does not forbid them; the bridge is held to the keys that are listed.
const CLOSED: [&str; 3] = ["Sender", "Offer", "ReturnedFile"];

/// An OpenAPI document.
#[derive(Debug)]
pub struct Document {
    root: Value,
    /// By where the schema is in the document.
    validators: Mutex<BTreeMap<String, Validator>>,
}

/// Something that can be asked of the bridge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// In capitals.
    pub method: String,
    /// The path, with its parameters in braces.
    pub path: String,
}

impl Operation {
    /// This method of this path.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
        }
    }
}

/// `docs/openapi.yaml`.
#[must_use]
pub fn document() -> &'static Document {
    &DOCUMENT
}

impl Document {
    /// All operations, in the order of the document.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        let of_path = |(path, item): (&String, &Value)| {
            let methods = ["get", "post", "put", "patch", "delete"];
            let there = methods.into_iter().filter(|method| !item[method].is_null());
            let operation = |method: &str| Operation::new(&method.to_ascii_uppercase(), path);
            there.map(operation).collect::<Vec<_>>()
        };
        entries(&self.root["paths"]).flat_map(of_path).collect()
    }

    /// The operation that a request asks for; none when the document has no such path or method.
    #[must_use]
    pub fn operation_at(&self, method: &str, path: &str) -> Option<Operation> {
        let fits = |template: &str| {
            let (mut given, mut wanted) = (path.split('/'), template.split('/'));
            let alike = |(given, wanted): (&str, &str)| {
                given == wanted || wanted.starts_with('{') && !given.is_empty()
            };
            given.clone().count() == wanted.clone().count()
                && given.by_ref().zip(wanted.by_ref()).all(alike)
        };
        let operations = self.operations().into_iter();
        let mut there = operations.filter(|operation| operation.method == method);
        there.find(|operation| fits(&operation.path))
    }

    /// The examples of an operation's request, by their names.
    #[must_use]
    pub fn requests(&self, operation: &Operation) -> Vec<(String, Value)> {
        self.examples(&self.at(operation)["requestBody"])
    }

    /// The statuses that an operation is answered with, and the examples of each answer.
    ///
    /// # Panics
    /// When a status is not a number.
    #[must_use]
    pub fn answers(&self, operation: &Operation) -> BTreeMap<u16, Vec<(String, Value)>> {
        let answers = entries(&self.at(operation)["responses"]);
        let answer = |(status, answer): (&String, &Value)| {
            let status = status.parse().expect("a status");
            (status, self.examples(self.resolved(answer)))
        };
        answers.map(answer).collect()
    }

    /// The examples of what an application gets, by their types.
    #[must_use]
    pub fn callbacks(&self) -> Vec<(String, Value)> {
        let of_type = |(kind, item): (&String, &Value)| {
            let examples = self.examples(&item["post"]["requestBody"]);
            let example = |(_, value)| (kind.clone(), value);
            examples.into_iter().map(example).collect::<Vec<_>>()
        };
        entries(&self.root["webhooks"]).flat_map(of_type).collect()
    }

    /// Whether a request is as the document has it.
    ///
    /// # Errors
    /// What is not so.
    pub fn check_request(&self, operation: &Operation, body: &Value) -> anyhow::Result<()> {
        let Operation { method, path } = operation;
        let request = &self.at(operation)["requestBody"];
        let place = format!("the request of {method} {path}");
        self.check(&place, &request["content"]["application/json"], body)
    }

    /// Whether an answer is as the document has it.
    ///
    /// # Errors
    /// When the operation, or this answer of it, is not in the document, or has another form there.
    pub fn check_answer(
        &self,
        operation: &Operation,
        (status, content_type): (u16, &str),
        body: &[u8],
    ) -> anyhow::Result<()> {
        let Operation { method, path } = operation;
        let place = format!("{status} of {method} {path}");
        let answer = self.resolved(&self.at(operation)["responses"][status.to_string()]);
        ensure!(
            !answer.is_null(),
            "docs/openapi.yaml does not have {place}: {}",
            String::from_utf8_lossy(body)
        );
        let content = &answer["content"];
        if content.is_null() {
            ensure!(body.is_empty(), "{place} has no body in docs/openapi.yaml");
            return Ok(());
        }
        let content = &content[content_type];
        ensure!(
            !content.is_null(),
            "{place} is not {content_type:?} in docs/openapi.yaml"
        );
        let body = serde_json::from_slice(body).context("the answer is not JSON")?;
        self.check(&place, content, &body)
    }

    /// Whether something that an application got is as the document has it.
    ///
    /// # Errors
    /// When this type is not in the document, or has another form there.
    pub fn check_callback(&self, body: &Value) -> anyhow::Result<()> {
        let kind = body["type"].as_str().unwrap_or_default();
        let request = &self.root["webhooks"][kind]["post"]["requestBody"];
        if request.is_null() {
            bail!("docs/openapi.yaml does not have the webhook {kind:?}");
        }
        let place = format!("the webhook {kind:?}");
        self.check(&place, &request["content"]["application/json"], body)
    }

    /// What tells whether a value is as a schema of the document has it.
    ///
    /// # Errors
    /// When there is no such schema.
    pub fn schema(&self, name: &str) -> anyhow::Result<Validator> {
        let there = !self.root["components"]["schemas"][name].is_null();
        ensure!(there, "docs/openapi.yaml has no schema {name}");
        self.validator(&json!({"$ref": format!("#/components/schemas/{name}")}))
    }

    fn at(&self, Operation { method, path }: &Operation) -> &Value {
        &self.root["paths"][path][method.to_ascii_lowercase()]
    }

    /// What a reference leads to; anything else itself.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value["$ref"].as_str() else {
            return value;
        };
        let place = reference.strip_prefix('#');
        let found = place.and_then(|place| self.root.pointer(place));
        found.unwrap_or_else(|| panic!("{reference} leads nowhere in docs/openapi.yaml"))
    }

    fn examples(&self, described: &Value) -> Vec<(String, Value)> {
        let examples = entries(&described["content"]["application/json"]["examples"]);
        let example = |(name, example): (&String, &Value)| {
            (name.clone(), self.resolved(example)["value"].clone())
        };
        examples.map(example).collect()
    }

    fn check(&self, place: &str, content: &Value, body: &Value) -> anyhow::Result<()> {
        let mut validators = self
            .validators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let validator = match validators.get(place) {
            Some(validator) => validator,
            None => validators
                .entry(place.to_owned())
                .or_insert(self.validator(&content["schema"])?),
        };
        let errors: Vec<String> = validator
            .iter_errors(body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        ensure!(
            errors.is_empty(),
            "{place} is not as docs/openapi.yaml has it: {errors:#?} in {body}"
        );
        Ok(())
    }

    fn validator(&self, schema: &Value) -> anyhow::Result<Validator> {
        let mut components = self.root["components"].clone();
        let schemas = components["schemas"].as_object_mut();
        for (name, schema) in schemas.into_iter().flatten() {
            if CLOSED.contains(&name.as_str()) || name.ends_with("Event") && name != "Event" {
                schema["unevaluatedProperties"] = json!(name == "HaptikEvent");
            }
        }
        jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&json!({"allOf": [schema], "components": components}))
            .map_err(|error| anyhow!("a schema of docs/openapi.yaml: {error}"))
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
