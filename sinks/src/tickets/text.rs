//! What a ticket says: the operator's templates filled in, and the transcript where it fits.

use crate::config::ticket::{FieldValue, TicketTexts, TranscriptPlace};
use crate::context::filled;
use bytes::Bytes;
use haptik_bridge_shared::net::shortened;
use serde_json::{Map, Value};

use super::case::Case;
use super::{Attachment, Limits, Requester, Ticket};
use crate::transcript::Transcript;
use crate::{Delivery, SinkError, context};

/// The most tags of a ticket, and the most characters of each.
const MOST_TAGS: usize = 50;
const LONGEST_TAG: usize = 80;

/// What is said at the end of a text that was cut.
const CUT: &str = "\n(The rest is left out: more does not fit here.)";

/// The longest of names, addresses and numbers, in characters.
const LONGEST_NAME: usize = 200;

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
    let size = limits.size_of;

    let subject = shortened(&texts.subject.text(&values)?, limits.subject);
    let description = description_of(texts, &values)?;
    let place = if texts.description.uses("transcript") || texts.description.uses("transcript_text")
    {
        TranscriptPlace::None
    } else {
        texts.transcript
    };
    let (description, attach) = match place {
        TranscriptPlace::None => (cut(&description, limits.description, size), false),
        TranscriptPlace::Body => {
            with_transcript(&description, transcript, limits.description, size)
        }
        TranscriptPlace::Attachment => {
            let note = transcript.note.map(|note| format!("\n\n{note}"));
            let description = description + &note.unwrap_or_default();
            (
                cut(&description, limits.description, size),
                !transcript.lines.is_empty(),
            )
        }
    };
    let attachment = attach.then(|| Attachment {
        name: format!("transcript-{}.txt", case.external_id),
        mime_type: "text/plain",
        bytes: Bytes::from(transcript.lines.join("\n") + "\n"),
    });
    let ticket = Ticket {
        external_id: case.external_id.clone(),
        begun_at: case.first_begun_at(delivery.now),
        subject: if subject.is_empty() {
            delivery.event.event_name.clone()
        } else {
            subject
        },
        description: if description.trim().is_empty() {
            delivery.event.event_name.clone()
        } else {
            description
        },
        requester: Requester {
            name: one_line(&texts.requester_name.text(&values)?),
            email: email(&texts.requester_email.text(&values)?),
            phone: one_line(&texts.requester_phone.text(&values)?),
        },
        tags: tags(texts, &values)?,
        fields: fields(&texts.fields, &values)?,
        custom_fields: fields(&texts.custom_fields, &values)?,
    };
    Ok((ticket, attachment))
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

/// A text that is no larger than `limit`, with a note where it was cut.
pub(super) fn cut(text: &str, limit: usize, size: impl Fn(&str) -> usize) -> String {
    if size(text) <= limit {
        return text.to_owned();
    }
    let room = limit.saturating_sub(size(CUT));
    let mut end = text.len().min(room);
    loop {
        end = text.floor_char_boundary(end);
        let kept = text.get(..end).unwrap_or_default();
        let over = size(kept).saturating_sub(room);
        if over == 0 {
            return format!("{kept}{CUT}");
        }
        // What escaping adds is at most sixfold.
        end -= over.div_ceil(6).clamp(1, end.max(1)).min(end);
    }
}

/// A description with as much of the transcript as fits, the end of it first; and whether all of it is to
/// be attached.
fn with_transcript(
    description: &str,
    transcript: &Transcript,
    limit: usize,
    size: impl Fn(&str) -> usize,
) -> (String, bool) {
    let note = transcript.note.map(|note| format!("\n\n{note}"));
    let note = note.unwrap_or_default();
    if transcript.lines.is_empty() {
        return (cut(&format!("{description}{note}"), limit, size), false);
    }
    let head = "\n\nTranscript\n\n";
    let whole = format!("{description}{note}{head}{}", transcript.lines.join("\n"));
    if size(&whole) <= limit {
        return (whole, false);
    }
    let description = cut(description, limit / 2, &size);
    let left_out = |count: usize| {
        format!(
            "(The first {count} of {} messages are left out: all of them are attached.)\n",
            transcript.lines.len()
        )
    };
    let start = format!("{description}{note}{head}");
    let mut room = limit.saturating_sub(size(&start) + size(&left_out(transcript.lines.len())));
    let mut kept = Vec::new();
    for line in transcript.lines.iter().rev() {
        let needed = size(line) + size("\n");
        if needed > room {
            break;
        }
        room -= needed;
        kept.push(line.as_str());
    }
    kept.reverse();
    let count = transcript.lines.len() - kept.len();
    (
        format!("{start}{}{}", left_out(count), kept.join("\n")),
        true,
    )
}

fn fields(
    fields: &[(String, FieldValue)],
    values: &minijinja::Value,
) -> Result<Map<String, Value>, SinkError> {
    let mut filled = Map::new();
    for (name, field) in fields {
        let value = match field {
            FieldValue::Fixed(value) => value.clone(),
            FieldValue::Template(template) => template.value(values)?,
        };
        // What is not known is left as the CRM has it.
        if !value.is_null() && value.as_str() != Some("") {
            filled.insert(name.clone(), value);
        }
    }
    Ok(filled)
}

fn tags(texts: &TicketTexts, values: &minijinja::Value) -> Result<Vec<String>, SinkError> {
    let mut tags: Vec<String> = Vec::new();
    for template in &texts.tags {
        let tag = shortened(&template.text(values)?, LONGEST_TAG);
        if !tag.is_empty() && !tags.contains(&tag) && tags.len() < MOST_TAGS {
            tags.push(tag);
        }
    }
    Ok(tags)
}

fn one_line(text: &str) -> String {
    shortened(text, LONGEST_NAME)
}

/// An address, where it has the form of one: a CRM refuses the whole ticket for any other.
fn email(text: &str) -> String {
    let text = text.trim();
    let parts = text.split_once('@');
    let good = parts.is_some_and(|(name, host)| {
        !name.is_empty()
            && host.contains('.')
            && !host.starts_with('.')
            && !host.ends_with('.')
            && !host.contains('@')
    });
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"<>()[],;:\\\"".contains(&byte));
    if good && plain && text.len() <= LONGEST_NAME {
        text.to_owned()
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain::{characters, html};

    fn transcript(lines: &[&str]) -> Transcript {
        Transcript {
            lines: lines.iter().map(ToString::to_string).collect(),
            ..Transcript::default()
        }
    }

    #[test]
    fn a_transcript_that_fits_is_whole_and_one_that_does_not_keeps_its_end() {
        let lines = transcript(&["user: one", "bot: two", "user: three"]);
        let (whole, attach) = with_transcript("About.", &lines, 200, characters);
        assert_eq!(
            whole,
            "About.\n\nTranscript\n\nuser: one\nbot: two\nuser: three"
        );
        assert!(!attach);
        let long: Vec<String> = (0..100).map(|number| format!("user: {number}")).collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        let (text, attach) = with_transcript("About.", &transcript(&long), 200, characters);
        assert!(characters(&text) <= 200, "{}", characters(&text));
        assert!(text.ends_with("user: 98\nuser: 99"), "{text}");
        assert!(text.contains("of 100 messages are left out"), "{text}");
        assert!(attach && text.contains("attached"), "{text}");
    }

    #[test]
    fn a_text_is_cut_at_a_character_to_what_fits_once_it_is_escaped() {
        let text = "<é&\">".repeat(500);
        for limit in [60, 100, 777, 3_000] {
            let cut = cut(&text, limit, |text| html(text).len());
            assert!(html(&cut).len() <= limit, "{limit}: {}", html(&cut).len());
            assert!(
                html(&cut).len() + 12 > limit,
                "{limit}: {}",
                html(&cut).len()
            );
        }
        assert_eq!(cut("short", 10, characters), "short");
    }

    #[test]
    fn what_is_no_address_is_left_out() {
        assert_eq!(email(" a.b+c@x.example "), "a.b+c@x.example");
        for odd in [
            "",
            "a",
            "@x.example",
            "a@x",
            "a@@x.example",
            "a b@x.example",
            "A <a@x.example>",
            "a@x.",
            "é@x.example",
        ] {
            assert_eq!(email(odd), "", "{odd}");
        }
    }
}
