//! What a ticket says: the operator's templates filled in, and the transcript where it fits.

use crate::config::ticket::{FieldValue, TicketTexts, TranscriptPlace};
use crate::context::filled;
use bytes::Bytes;
use haptik_bridge_shared::message::ascii_email;
use serde_json::{Map, Value};

use super::case::Case;
use super::{Attachment, Limits, Requester, Ticket};
use crate::fit::{is_blank, one_line};
use crate::transcript::Transcript;
use crate::{Delivery, Limit, SinkError, context};

/// The most tags of a ticket.
const MOST_TAGS: usize = 50;

/// The ticket of a case, and what is to be attached to it.
pub(super) fn ticket(
    texts: &TicketTexts,
    limits: &Limits,
    delivery: &Delivery<'_>,
    case: &Case,
    transcript: &Transcript,
) -> Result<(Ticket, Option<Attachment>), SinkError> {
    let mut values = context::values(delivery);
    transcript.fill_in(&mut values);
    let values = filled(values);

    let subject = limits.subject.line(&texts.subject.text(&values)?);
    let description = description_of(texts, &values)?;
    let (description, attach) = placed(texts, description, transcript, limits.description);
    let attachment = attach.then(|| attachment(case, transcript));
    let ticket = Ticket {
        external_id: case.external_id.clone(),
        begun_at: case.first_begun_at(delivery.now),
        subject: if subject.is_empty() {
            limits.subject.line(&delivery.event.event_name)
        } else {
            subject
        },
        description: if is_blank(&description) {
            limits.description.text(&delivery.event.event_name)
        } else {
            description
        },
        requester: Requester {
            name: limits.name.line(&texts.requester_name.text(&values)?),
            email: email(&texts.requester_email.text(&values)?, limits.email),
            phone: limits.phone.line(&texts.requester_phone.text(&values)?),
        },
        tags: tags(texts, limits, &values)?,
        fields: fields(&texts.fields, limits, &values)?,
        custom_fields: fields(&texts.custom_fields, limits, &values)?,
    };
    Ok((ticket, attachment))
}

/// A transcript as a file.
pub(super) fn attachment(case: &Case, transcript: &Transcript) -> Attachment {
    Attachment {
        name: format!("transcript-{}.txt", case.external_id),
        mime_type: "text/plain",
        bytes: Bytes::from(transcript.lines.join("\n") + "\n"),
    }
}

/// What is said of the end of a conversation in a ticket that was opened before.
pub(super) struct End {
    /// What it says without the transcript: the same on every try, and not the same as of another event.
    pub(super) about: String,
    /// All of it, as a comment.
    pub(super) text: String,
    /// Whether the transcript is to be attached.
    pub(super) attach: bool,
}

/// What is said of the end of a conversation in a ticket that was opened before.
pub(super) fn end(
    texts: &TicketTexts,
    limit: Limit,
    delivery: &Delivery<'_>,
    transcript: &Transcript,
) -> Result<End, SinkError> {
    let mut values = context::values(delivery);
    transcript.fill_in(&mut values);
    let at = delivery.event.timestamp.unwrap_or(delivery.received_at);
    let about = format!(
        "The chat completed: {}.\n\n{}",
        at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        description_of(texts, &filled(values))?
    );
    let (text, attach) = placed(texts, about.clone(), transcript, limit);
    Ok(End {
        about,
        text,
        attach,
    })
}

/// A description with the transcript in its place, as much of it as fits; and whether it is to be attached.
fn placed(
    texts: &TicketTexts,
    description: String,
    transcript: &Transcript,
    limit: Limit,
) -> (String, bool) {
    let is_in_it =
        texts.description.uses("transcript") || texts.description.uses("transcript_text");
    match texts.transcript {
        TranscriptPlace::Body if !is_in_it => with_transcript(&description, transcript, limit),
        TranscriptPlace::Attachment if !is_in_it => {
            let note = transcript.note.map(|note| format!("\n\n{note}"));
            let description = description + &note.unwrap_or_default();
            (limit.text(&description), !transcript.lines.is_empty())
        }
        TranscriptPlace::Body | TranscriptPlace::Attachment | TranscriptPlace::None => {
            (limit.text(&description), false)
        }
    }
}

/// The description without the transcript.
pub(super) fn description_of(
    texts: &TicketTexts,
    values: &minijinja::Value,
) -> Result<String, SinkError> {
    Ok(texts.description.text(values)?.trim().to_owned())
}

/// Whether the transcript is to be fetched.
pub(super) fn wants_transcript(texts: &TicketTexts) -> bool {
    let uses =
        |name| {
            let templates = [&texts.subject, &texts.description];
            templates.iter().any(|template| template.uses(name))
                || texts.fields.iter().chain(&texts.custom_fields).any(
                    |(_, field)| matches!(field, FieldValue::Template(field) if field.uses(name)),
                )
        };
    texts.transcript != TranscriptPlace::None || uses("transcript") || uses("transcript_text")
}

/// A description with as much of the transcript as fits, the end of it first; and whether all of it is to
/// be attached.
fn with_transcript(description: &str, transcript: &Transcript, limit: Limit) -> (String, bool) {
    let note = transcript.note.map(|note| format!("\n\n{note}"));
    let note = note.unwrap_or_default();
    if transcript.lines.is_empty() {
        return (limit.text(&format!("{description}{note}")), false);
    }
    let head = "\n\nTranscript\n\n";
    let whole = format!("{description}{note}{head}{}", transcript.lines.join("\n"));
    if limit.holds(&whole) {
        return (whole, false);
    }
    let description = limit.with_most(limit.most / 2).text(description);
    let left_out = |count: usize| {
        format!(
            "(The first {count} of {} messages are left out: all of them are attached.)\n",
            transcript.lines.len()
        )
    };
    let start = format!("{description}{note}{head}");
    let needed = limit.size(&start) + limit.size(&left_out(transcript.lines.len()));
    let mut room = limit.most.saturating_sub(needed);
    let mut kept = Vec::new();
    for line in transcript.lines.iter().rev() {
        let needed = limit.size(line) + limit.size("\n");
        if needed > room {
            break;
        }
        room -= needed;
        kept.push(line.as_str());
    }
    kept.reverse();
    let count = transcript.lines.len() - kept.len();
    let text = format!("{start}{}{}", left_out(count), kept.join("\n"));
    (limit.text(&text), true)
}

fn fields(
    fields: &[(String, FieldValue)],
    limits: &Limits,
    values: &minijinja::Value,
) -> Result<Map<String, Value>, SinkError> {
    let mut filled = Map::new();
    for (name, field) in fields {
        let value = match field {
            FieldValue::Fixed(value) => value.clone(),
            FieldValue::Template(template) => template.value(values)?,
        };
        // What is not known is left as the CRM has it.
        match value {
            Value::Null => {}
            Value::String(text) if is_blank(&text) => {}
            Value::String(text) => {
                filled.insert(name.clone(), limits.field.value(&text).into());
            }
            value => {
                filled.insert(name.clone(), value);
            }
        }
    }
    Ok(filled)
}

fn tags(
    texts: &TicketTexts,
    limits: &Limits,
    values: &minijinja::Value,
) -> Result<Vec<String>, SinkError> {
    let mut tags: Vec<String> = Vec::new();
    for template in &texts.tags {
        let tag = (limits.tag_of)(&one_line(&template.text(values)?));
        let tag = limits.tag.start(&tag);
        if !is_blank(&tag) && !tags.contains(&tag) && tags.len() < MOST_TAGS {
            tags.push(tag);
        }
    }
    Ok(tags)
}

/// An address, where it has the form of one: a CRM refuses the whole ticket for any other.
fn email(text: &str, limit: Limit) -> String {
    let address = ascii_email(text.trim()).filter(|address| limit.holds(address));
    address.map(Into::into).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(lines: &[&str]) -> Transcript {
        Transcript {
            lines: lines.iter().map(ToString::to_string).collect(),
            ..Transcript::default()
        }
    }

    #[test]
    fn a_transcript_that_fits_is_whole_and_one_that_does_not_keeps_its_end() {
        let limit = Limit::characters(200);
        let lines = transcript(&["user: one", "bot: two", "user: three"]);
        let (whole, attach) = with_transcript("About.", &lines, limit);
        assert_eq!(
            whole,
            "About.\n\nTranscript\n\nuser: one\nbot: two\nuser: three"
        );
        assert!(!attach);
        let long: Vec<String> = (0..100).map(|number| format!("user: {number}")).collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        let (text, attach) = with_transcript("About.", &transcript(&long), limit);
        assert!(limit.holds(&text), "{}", limit.size(&text));
        assert!(text.ends_with("user: 98\nuser: 99"), "{text}");
        assert!(text.contains("of 100 messages are left out"), "{text}");
        assert!(attach && text.contains("attached"), "{text}");
    }

    #[test]
    fn an_address_is_sent_whole_or_not_at_all() {
        let limit = Limit::characters(40);
        assert_eq!(email(" a.b+c@x.example ", limit), "a.b+c@x.example");
        let long = format!("{}@x.example", "a".repeat(40));
        for odd in ["", "a", "john@example..com", "é@x.example", long.as_str()] {
            assert_eq!(email(odd, limit), "", "{odd}");
        }
    }
}
