//! Sending a file (an attachment) to Haptik: it is fetched from the channel, and uploaded.

use haptik_bridge_channels::channel::SendError;
use haptik_bridge_shared::haptik::client::{FILE_LIMIT, File, FileKind, Logged};
use haptik_bridge_shared::ingest::RequestContext;
use haptik_bridge_shared::ledger::{Entry, Payload};
use haptik_bridge_shared::message::{Attachment, Task, safe_file_name};
use haptik_bridge_shared::retry::{Failure, Retry, Retryable};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Conversation, DeliveryError, ToHaptik};

/// After how many failed tries a file is only named: a host that never answers must not keep back what
/// the user says next.
const TRIES_FOR_A_FILE: u32 = 5;

/// What the reason of a try begins with that failed for a file.
const NOT_HAD: &str = "a file cannot be had: ";

impl ToHaptik<'_> {
    /// Sends a file. One that Haptik does not take, or that cannot be had, is named in a line of text, so that
    /// an agent at least knows of it, and the user is notified. It is the `part`-th part of its entry.
    pub(super) async fn send_file(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        part: usize,
        attachment: &Attachment,
    ) -> Result<(), DeliveryError> {
        let Conversation {
            haptik,
            connection,
            inbound,
            ..
        } = conversation;
        let can_wait = !entry.has_failed_for(TRIES_FOR_A_FILE, NOT_HAD);
        let (outlet, address) = (conversation.outlet, &inbound.address);
        let located = match outlet.resolve_attachment(address, attachment).await {
            Err(error) if error.retry() != Retry::Never && can_wait => {
                return Err(not_had_yet(error).into());
            }
            located => located.map_err(|error| not_had(&error)),
        };
        // Whoever sends a file names it, and agents read the name.
        let attachment = &named(located.as_ref().unwrap_or(attachment));
        let untaken = match (located.is_ok(), sendable(attachment)) {
            (false, _) => FileRefusal::Gone,
            (true, Err(untaken)) => untaken,
            (true, Ok(kind)) => match outlet.download(address, attachment, FILE_LIMIT).await {
                Ok(bytes) => {
                    let file = File {
                        auth_id: &inbound.auth_id,
                        business_id: connection.business_id,
                        kind,
                        name: &attachment.name,
                        mime_type: &attachment.mime_type,
                        bytes,
                        text: "",
                    };
                    match haptik.log_file(&file).await {
                        Err(error) if error.is_refused() => FileRefusal::Kind,
                        sent => {
                            let logged = sent.map_err(DeliveryError::from)?;
                            conversation.record_receipt(&logged);
                            self.note_file(entry, part, &logged).await;
                            return Ok(());
                        }
                    }
                }
                Err(error) if error.retry() != Retry::Never && can_wait => {
                    return Err(not_had_yet(error).into());
                }
                Err(error) => not_had(&error),
            },
        };
        let line = match (attachment.name.as_str(), attachment.url.as_str()) {
            ("", "") => "📎 a file".to_owned(),
            (name, "") => format!("📎 {name}"),
            ("", url) => format!("📎 {url}"),
            (name, url) => format!("📎 {name} ({url})"),
        };
        self.send_text(conversation, entry, part, &line).await?;
        self.notify_of_untaken(conversation, entry, attachment, untaken)
            .await
            .map_err(DeliveryError::from)
    }

    /// Notes where Haptik has a file, for transcripts. It was sent: whether it can be noted decides nothing.
    async fn note_file(&self, entry: &Entry, part: usize, logged: &Logged) {
        let Some(url) = &logged.file_url else {
            return;
        };
        if let Err(error) = self.bridge.ledger.file_taken(entry, part, url).await {
            tracing::warn!(%error, "where Haptik has a file cannot be noted");
        }
    }

    /// Notifies the user that a file was not passed on, where the channel has a place for that.
    async fn notify_of_untaken(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        attachment: &Attachment,
        untaken: FileRefusal,
    ) -> Result<(), Failure> {
        let inbound = conversation.inbound;
        let name = match attachment.name.as_str() {
            "" => "The file".to_owned(),
            name => format!("“{name}”"),
        };
        let text = match untaken {
            FileRefusal::Kind => format!(
                "{name} could not be passed on. Pictures (jpg, png, gif) and documents (pdf, doc, docx, xls, \
                 xlsx, csv) can."
            ),
            FileRefusal::TooLarge => {
                format!("{name} could not be passed on: it is larger than 10 MB.")
            }
            FileRefusal::Gone => format!("{name} could not be passed on: it could not be opened."),
        };
        let Some(command) = conversation.outlet.notice(&inbound.address, &text) else {
            return Ok(());
        };
        let id = attachment.id.as_deref().unwrap_or_default();
        let digest = hex::encode(Sha256::digest(format!("{}#{name}#{id}", attachment.url)));
        let digest = digest.get(..16).unwrap_or_default();
        let task = Task {
            key: entry.key.then(format_args!("file-{digest}")),
            at: inbound.at,
            auth_id: inbound.auth_id.clone(),
            command,
        };
        let Payload::Inbound { connection: id, .. } = &entry.payload else {
            return Ok(());
        };
        let context = RequestContext::new("processor", Timestamp::now());
        let accepted = self.bridge.accept_task(context, id, task).await;
        accepted.map_err(|error| Failure::passing(error.to_string()))
    }
}

/// A file with a name as it may be passed on; empty where it has none.
fn named(attachment: &Attachment) -> Attachment {
    Attachment {
        name: safe_file_name(&attachment.name).unwrap_or_default(),
        ..attachment.clone()
    }
}

/// Why a file was not passed on.
#[derive(Clone, Copy)]
enum FileRefusal {
    /// Haptik does not take its kind.
    Kind,
    /// It is larger than Haptik takes.
    TooLarge,
    /// It cannot be had.
    Gone,
}

/// As what Haptik takes a file, if it does.
fn sendable(attachment: &Attachment) -> Result<FileKind, FileRefusal> {
    let kind = FileKind::of(&attachment.name, &attachment.mime_type).ok_or(FileRefusal::Kind)?;
    match attachment.size {
        Some(size) if size > FILE_LIMIT as u64 => Err(FileRefusal::TooLarge),
        _ => Ok(kind),
    }
}

/// The failure of a try for a file, which is told from others.
fn not_had_yet(error: SendError) -> Failure {
    let failure = Failure::from(error);
    Failure {
        reason: format!("{NOT_HAD}{}", failure.reason),
        ..failure
    }
}

fn not_had(error: &SendError) -> FileRefusal {
    tracing::warn!(reason = error.reason, "a file cannot be had");
    FileRefusal::Gone
}
