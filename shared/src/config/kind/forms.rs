//! How a connection's forms are filled in and sent.

use super::{Fault, Faults, Given, OneOf, TableOf, ValueType, quote};

/// How a connection's forms are filled in and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forms {
    /// As what the answers are sent.
    pub submit: Submit,
    /// Which fields have to be filled in.
    pub required: RequiredFields,
}

/// As what a form's answers are sent: Haptik publishes no encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Submit {
    /// One message with a line `hint: value` for each field that was filled in, in their order.
    #[default]
    Lines,
    /// One message that is a JSON object: each value by its field's key.
    Json,
}

/// Which fields of a form have to be filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RequiredFields {
    /// Those of which the form says so.
    #[default]
    AsMarked,
    /// All but those of which the form says that they need not be.
    All,
}

impl Forms {
    /// Whether a field of which the form says this has to be filled in.
    #[must_use]
    pub fn is_required(self, marked: Option<bool>) -> bool {
        match self.required {
            RequiredFields::AsMarked => marked == Some(true),
            RequiredFields::All => marked != Some(false),
        }
    }
}

const SUBMIT: OneOf<Submit> = OneOf {
    words: &[("lines", Submit::Lines), ("json", Submit::Json)],
};

const REQUIRED: OneOf<RequiredFields> = OneOf {
    words: &[
        ("as_marked", RequiredFields::AsMarked),
        ("all", RequiredFields::All),
    ],
};

/// A table that says it, whose keys may be left out.
#[derive(Debug)]
pub(in crate::config) struct FormsTable;

impl ValueType for FormsTable {
    type Value = Forms;

    fn name(&self) -> String {
        format!(
            "table of `submit`, {}, and `required`, {}",
            SUBMIT.name(),
            REQUIRED.name()
        )
    }

    fn allowed(&self) -> String {
        format!(
            "a table of submit, {}, and required, {}",
            SUBMIT.allowed(),
            REQUIRED.allowed()
        )
    }

    fn read(&self, given: &Given<'_>) -> Result<Forms, Faults> {
        let table = given.value().as_table().ok_or_else(|| given.other())?;
        let (mut forms, mut faults) = (Forms::default(), Vec::new());
        for (name, value) in table {
            let (name, inner) = (name.get_ref().as_ref(), given.inner(value));
            let mut wrong = |found: Faults, of: &dyn Fn(Fault) -> Fault| {
                let all = std::iter::once(found.first).chain(found.others);
                faults.extend(all.map(of));
            };
            match name {
                "submit" => match SUBMIT.read(&inner) {
                    Ok(submit) => forms.submit = submit,
                    Err(found) => {
                        wrong(found, &|fault| TableOf(SUBMIT).below(name, fault, value));
                    }
                },
                "required" => match REQUIRED.read(&inner) {
                    Ok(required) => forms.required = required,
                    Err(found) => {
                        wrong(found, &|fault| TableOf(REQUIRED).below(name, fault, value));
                    }
                },
                _ => wrong(
                    Fault::new(format!("the key {}", quote(name))).into(),
                    &|fault| fault,
                ),
            }
        }
        Faults::or(faults, forms)
    }
}
