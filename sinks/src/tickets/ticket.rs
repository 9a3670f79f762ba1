//! What tickets are made of.

use std::fmt;

use bytes::Bytes;
use haptik_bridge_shared::net::api::Field;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// A ticket to be. All texts are plain: a CRM that shows HTML escapes them.
#[derive(Clone, PartialEq)]
pub struct Ticket {
    /// What names it at our side: letters, digits and hyphens, 39 at most. The same for the same
    /// conversation and sink, and for no other. Also the idempotency key.
    pub external_id: String,
    /// When its creation was first begun.
    pub begun_at: Timestamp,
    /// The subject, in one line. Not empty.
    pub subject: String,
    /// The description, with the transcript where that is to be in it. Not empty.
    pub description: String,
    /// Whose request it is.
    pub requester: Requester,
    /// Tags; not empty, none twice.
    pub tags: Vec<String>,
    /// The CRM's own fields, by their API names.
    pub fields: Map<String, Value>,
    /// Custom fields, by what the CRM calls them, where it tells them from its own.
    pub custom_fields: Map<String, Value>,
}

/// Whose request a ticket is; empty where it is not known.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Requester {
    /// The name.
    pub name: String,
    /// The e-mail address; has the form of one.
    pub email: String,
    /// The telephone number.
    pub phone: String,
}

/// A comment to be.
#[derive(Clone, PartialEq, Eq)]
pub struct Comment {
    /// What names it: letters, digits and hyphens.
    pub key: String,
    /// What it says: plain, the same on every try, and not the same as any other of the ticket.
    pub text: String,
}

/// A file to be attached.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, which no other attachment of the ticket has.
    pub name: String,
    /// Its MIME type.
    pub mime_type: &'static str,
    /// What is in it.
    pub bytes: Bytes,
}

impl Ticket {
    /// All fields, each value as `value_of` writes it.
    pub(crate) fn all_fields(
        &self,
        value_of: impl Fn(&Value) -> Value,
    ) -> impl Iterator<Item = (String, Value)> {
        let fields = self.fields.iter().chain(&self.custom_fields);
        fields.map(move |(name, value)| (name.clone(), value_of(value)))
    }
}

impl Requester {
    /// The name; the address where there is none.
    pub(crate) fn name_or_email(&self) -> &str {
        if self.name.is_empty() {
            &self.email
        } else {
            &self.name
        }
    }
}

impl Attachment {
    /// As a field of a multipart body.
    pub(crate) fn field(&self) -> Field {
        Field::File {
            name: self.name.clone(),
            mime_type: self.mime_type.to_owned(),
            bytes: self.bytes.clone(),
        }
    }
}

impl fmt::Debug for Ticket {
    /// Leaves out what was said and who people are.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Ticket")
            .field("external_id", &self.external_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Requester {
    /// Leaves out who it is.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Requester").finish_non_exhaustive()
    }
}

impl fmt::Debug for Comment {
    /// Leaves out what it says.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Comment")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Attachment {
    /// Leaves out what is in it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Attachment")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
