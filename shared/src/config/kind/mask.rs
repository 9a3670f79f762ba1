//! What of a user a sink is not told.

use super::{Faults, Given, ValueType, quote};
use crate::config::wording::{close_to, list_of};

/// Something of a user that a sink is not told, wherever it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MaskedField {
    /// `name`.
    Name,
    /// `email`.
    Email,
    /// `mobile_no`.
    MobileNo,
    /// `custom_data`: all that an application or a channel says besides.
    CustomData,
}

impl MaskedField {
    /// All of them, by their names.
    pub const ALL: [(&'static str, Self); 4] = [
        ("name", Self::Name),
        ("email", Self::Email),
        ("mobile_no", Self::MobileNo),
        ("custom_data", Self::CustomData),
    ];
}

/// What a sink is not told: a list of names.
#[derive(Debug)]
pub(in crate::config) struct Mask;

impl ValueType for Mask {
    type Value = Vec<MaskedField>;

    fn name(&self) -> String {
        "text or list".to_owned()
    }

    fn allowed(&self) -> String {
        let names = MaskedField::ALL.map(|(name, _)| name);
        format!("a list of {}", list_of(&names))
    }

    fn read(&self, given: &Given<'_>) -> Result<Vec<MaskedField>, Faults> {
        given.each(|text| {
            let mut fields = MaskedField::ALL.iter();
            let field = fields.find(|(name, _)| *name == text);
            field.map(|(_, field)| *field).ok_or_else(|| {
                let names = MaskedField::ALL.iter().map(|(name, _)| *name);
                let hint = close_to(text, names).map(|close| format!("; did you mean {close:?}?"));
                format!("{}{}", quote(text), hint.unwrap_or_default())
            })
        })
    }
}
