//! Files that users send (<https://docs.haptik.ai/webhooks/send-file-to-haptik>).

use bytes::Bytes;

use crate::ids::AuthId;
use crate::message::safe_file_name;
use crate::redacted_debug;

/// The largest file that Haptik takes, in bytes: 10 MB.
pub const FILE_LIMIT: usize = 10 * 1024 * 1024;

/// The extensions that Haptik takes, with what they are and the MIME types that mean them; the first
/// extension of a type is the one that a file without any is given.
const TYPES: [(&str, FileKind, &[&str]); 10] = [
    ("jpg", FileKind::Image, &["image/jpeg", "image/jpg"]),
    ("jpeg", FileKind::Image, &[]),
    ("png", FileKind::Image, &["image/png"]),
    ("gif", FileKind::Image, &["image/gif"]),
    ("pdf", FileKind::Document, &["application/pdf"]),
    (
        "docx",
        FileKind::Document,
        &["application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
    ),
    ("doc", FileKind::Document, &["application/msword"]),
    (
        "xlsx",
        FileKind::Document,
        &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
    ),
    ("xls", FileKind::Document, &["application/vnd.ms-excel"]),
    ("csv", FileKind::Document, &["text/csv", "application/csv"]),
];

/// A file to be given to the bot or agent.
#[derive(Clone)]
pub struct File<'a> {
    /// Whose it is.
    pub auth_id: &'a AuthId,
    /// The Haptik queue.
    pub business_id: u64,
    /// Image or document.
    pub kind: FileKind,
    /// Its name.
    pub name: &'a str,
    /// Its MIME type; may be empty.
    pub mime_type: &'a str,
    /// What is in it; at most [`FILE_LIMIT`].
    pub bytes: Bytes,
    /// What the user said with it; may be empty.
    pub text: &'a str,
}

/// What Haptik takes a file for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// `jpg`, `jpeg`, `png`, `gif`.
    Image,
    /// `docx`, `doc`, `pdf`, `xls`, `xlsx`, `csv`.
    Document,
}

impl FileKind {
    /// What a file of this name, else of this MIME type, is; `None` when Haptik does not take it.
    #[must_use]
    pub fn of(name: &str, mime_type: &str) -> Option<Self> {
        by_name(name).or_else(|| by_mime_type(mime_type).map(|(_, kind)| kind))
    }

    /// Haptik's number for it.
    #[must_use]
    pub fn message_type(self) -> u8 {
        match self {
            Self::Image => 1,
            Self::Document => 52,
        }
    }
}

impl File<'_> {
    /// The name that Haptik is told: with an extension that it takes, where the MIME type names one, and
    /// without what would have to be escaped in a header, for which servers have different rules.
    pub(super) fn sent_name(&self) -> String {
        let name = safe_file_name(self.name).map(|name| name.replace('"', "_"));
        let name = name.unwrap_or_else(|| "file".to_owned());
        match by_mime_type(self.mime_type) {
            Some((extension, _)) if by_name(&name).is_none() => format!("{name}.{extension}"),
            _ => name,
        }
    }
}

redacted_debug!(File<'_> { auth_id, kind, bytes: len });

fn by_name(name: &str) -> Option<FileKind> {
    let (_, extension) = name.trim().rsplit_once('.')?;
    let known = TYPES
        .iter()
        .find(|(known, ..)| known.eq_ignore_ascii_case(extension));
    known.map(|(_, kind, _)| *kind)
}

fn by_mime_type(mime_type: &str) -> Option<(&'static str, FileKind)> {
    let essence = mime_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let known = TYPES
        .iter()
        .find(|(_, _, mime_types)| mime_types.contains(&essence.as_str()));
    known.map(|(extension, kind, _)| (*extension, *kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_sent_as_one_that_every_server_reads() {
        let auth_id = AuthId::from("a1");
        let sent = |name: &str, mime_type: &str| {
            let file = File {
                auth_id: &auth_id,
                business_id: 1,
                kind: FileKind::Document,
                name,
                mime_type,
                bytes: Bytes::new(),
                text: "",
            };
            file.sent_name()
        };
        for (name, mime_type, expected) in [
            ("bill.pdf", "", "bill.pdf"),
            ("ñäme 📎 (1).PDF", "", "ñäme 📎 (1).PDF"),
            ("a\"b\\c/d\r\n.pdf ", "", "a_b_c_d.pdf"),
            ("report", "application/pdf; charset=binary", "report.pdf"),
            ("photo.webp", "image/png", "photo.webp.png"),
            (" \u{0} ", "image/png", "file.png"),
            ("", "", "file"),
        ] {
            assert_eq!(sent(name, mime_type), expected);
        }
    }
}
