//! `[sinks.NAME]`.

use super::super::error::Reported;
use super::super::kind::{
    BaseUrl, Events, Filled, FilledField, FilledList, Flag, FullUrl, OneOf, SecretList, UserName,
    ValueList,
};
use super::super::section::Section;
use super::super::{Condition, Sink, SinkKind, TicketTexts, TranscriptPlace, Zendesk};
use super::{Reader, crms};
use crate::sink::template::{Escape, Template};

pub(super) fn sink(section: &Section<'_>) -> Result<Sink, Reported> {
    let events = section.required("events", &Events);
    let when = section.entries("when", &ValueList);
    let kind = section.required("type", &SINK_TYPES).and_then(|kind| {
        let kind = kind(section);
        section.refuse_unknown_keys();
        kind
    });
    let when = when?.into_iter();
    Ok(Sink {
        events: events?,
        when: when
            .map(|(path, values)| Condition { path, values })
            .collect(),
        kind: kind?,
    })
}

const SINK_TYPES: OneOf<Reader<SinkKind>> = OneOf {
    words: &[
        ("webhook", webhook),
        ("zendesk", zendesk),
        ("freshdesk", crms::freshdesk),
        ("salesforce", crms::salesforce),
        ("hubspot", crms::hubspot),
        ("servicenow", crms::servicenow),
        ("jira", crms::jira),
    ],
    note: " (the sinks of this version)",
};

fn webhook(section: &Section<'_>) -> Result<SinkKind, Reported> {
    let url = section.required("url", &FullUrl);
    let signing_secrets = section.required("signing_secrets", &SecretList::STANDARD_WEBHOOKS);
    Ok(SinkKind::Webhook {
        url: url?,
        signing_secrets: signing_secrets?,
    })
}

fn zendesk(section: &Section<'_>) -> Result<SinkKind, Reported> {
    let base_url = section.required("base_url", &BaseUrl);
    let email = section.required("email", &UserName);
    let api_tokens = section.required("api_token", &SecretList::TOKENS);
    let ticket = ticket(section);
    Ok(SinkKind::Zendesk(Zendesk {
        base_url: base_url?,
        email: email?,
        api_tokens: api_tokens?,
        ticket: Box::new(ticket?),
    }))
}

/// The keys that all ticket sinks have.
pub(super) fn ticket(section: &Section<'_>) -> Result<TicketTexts, Reported> {
    let text = |key, default: &str| section.or(key, &Filled, standard(default));
    let subject = text("subject", SUBJECT);
    let description = text("description", DESCRIPTION);
    let requester_name = text("requester_name", REQUESTER_NAME);
    let requester_email = text("requester_email", "{{ user.email }}");
    let requester_phone = text("requester_phone", "{{ user.phone }}");
    let tags = section.or("tags", &FilledList, vec![standard("haptik")]);
    let fields = section.entries("fields", &FilledField);
    let custom_fields = section.entries("custom_fields", &FilledField);
    let transcript = section.or("transcript", &TRANSCRIPT_PLACES, TranscriptPlace::Body);
    let follow_ups = section.or("follow_ups", &Flag, false);
    Ok(TicketTexts {
        subject: subject?,
        description: description?,
        requester_name: requester_name?,
        requester_email: requester_email?,
        requester_phone: requester_phone?,
        tags: tags?,
        fields: fields?,
        custom_fields: custom_fields?,
        transcript: transcript?,
        follow_ups: follow_ups?,
    })
}

const TRANSCRIPT_PLACES: OneOf<TranscriptPlace> = OneOf {
    words: &[
        ("body", TranscriptPlace::Body),
        ("attachment", TranscriptPlace::Attachment),
        ("none", TranscriptPlace::None),
    ],
    note: "",
};

const SUBJECT: &str = "Chat with {{ user.name or user.user_name or 'somebody' }}\
    {% if closing_categories.reason %}: {{ closing_categories.reason }}{% endif %}";

const REQUESTER_NAME: &str = "{{ user.name or user.user_name }}";

const DESCRIPTION: &str = include_str!("description.txt");

/// A template of this file, which is good.
fn standard(source: &str) -> Template {
    Template::new(source, Escape::Text, &crate::sink::context::NAMES)
        .expect("the defaults are templates")
}
