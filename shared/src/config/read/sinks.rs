//! `[sinks.NAME]`.

use http::{HeaderName, Method};

use super::super::error::Reported;
use super::super::kind::{
    BaseUrl, EventBus, EventSource, Events, Filled, FilledField, FilledList, FilledRequest, Flag,
    FullUrl, HeaderText, OneOf, Rate, SecretList, Statuses, UserName, ValueList,
};
use super::super::section::Section;
use super::super::{
    Condition, EventBridge, Http, Sink, SinkKind, TicketTexts, TranscriptPlace, Zendesk,
};
use super::{Reader, crms};
use crate::template::{Escape, Template};

pub(super) fn sink(section: &Section<'_>) -> Result<Sink, Reported> {
    let events = section.required("events", &Events);
    let when = section.entries("when", &ValueList);
    let rate_per_second = section.optional("rate_per_second", &RATE);
    let kind = section.required("type", &SINK_TYPES).and_then(|kind| {
        let kind = kind(section);
        section.refuse_unknown_keys();
        kind
    });
    let when = when?.into_iter();
    let mut sink = Sink {
        events: events?,
        when: when
            .map(|(path, values)| Condition { path, values })
            .collect(),
        rate_per_second: rate_per_second?.and_then(|rate| u32::try_from(rate).ok()),
        kind: kind?,
    };
    if sink.ticket().is_some() {
        sink.rate_per_second.get_or_insert(TICKETS_PER_SECOND);
    }
    Ok(sink)
}

const RATE: Rate = Rate { max: 1_000 };

/// What the CRMs allow even small accounts, about.
const TICKETS_PER_SECOND: u32 = 10;

const SINK_TYPES: OneOf<Reader<SinkKind>> = OneOf {
    words: &[
        ("webhook", webhook),
        ("eventbridge", eventbridge),
        ("http", http),
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

fn eventbridge(section: &Section<'_>) -> Result<SinkKind, Reported> {
    let event_bus = section.or("event_bus", &EventBus, "default".to_owned());
    let source = section.or("source", &EventSource, "haptik-bridge".to_owned());
    Ok(SinkKind::EventBridge(EventBridge {
        event_bus: event_bus?,
        source: source?,
    }))
}

fn http(section: &Section<'_>) -> Result<SinkKind, Reported> {
    let part = |escape| FilledRequest::part(escape, section.check());
    let method = section.or("method", &METHODS, "POST");
    let url = section.required("url", &FilledRequest::url(section.check()));
    let headers = section.entries("headers", &part(Escape::Text));
    let content_type = section.or("content_type", &HeaderText, "application/json".to_owned());
    let body = match &content_type {
        Ok(mime_type) if mime_type == "application/x-www-form-urlencoded" => {
            section.optional("body", &part(Escape::Url))
        }
        Ok(mime_type) if !Http::is_json(mime_type) => section.optional("body", &part(Escape::Text)),
        _ => section.optional("body", &part(Escape::Json)),
    };
    let secrets = section.entries("secrets", &SecretList::KEYS);
    let taken_before = section.or("taken_before", &Statuses, Vec::new());
    let headers = headers.and_then(|headers| {
        let read = headers.into_iter().map(|(name, value)| {
            let found = HeaderName::from_bytes(name.as_bytes());
            let found = found.map(|name| (name, value));
            found.map_err(|_| {
                let message = "found a name that is no header's; allowed: the names of headers";
                section.wrong("headers", message.to_owned())
            })
        });
        read.collect::<Result<Vec<_>, _>>()
    });
    let secrets = secrets?.into_iter();
    Ok(SinkKind::Http(Box::new(Http {
        method: Method::from_bytes(method?.as_bytes()).unwrap_or(Method::POST),
        url: url?,
        headers: headers?,
        content_type: content_type?,
        body: body?,
        secrets: secrets
            .map(|(name, values)| (name, values.newest().clone()))
            .collect(),
        taken_before: taken_before?,
    })))
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
    let check = section.check();
    let text = |key, default: &str| section.or(key, &Filled(check), standard(default));
    let subject = text("subject", SUBJECT);
    let description = text("description", DESCRIPTION);
    let requester_name = text("requester_name", REQUESTER_NAME);
    let requester_email = text("requester_email", "{{ user.email }}");
    let requester_phone = text("requester_phone", "{{ user.phone }}");
    let tags = section.or("tags", &FilledList(check), vec![standard("haptik")]);
    let fields = section.entries("fields", &FilledField(check));
    let custom_fields = section.entries("custom_fields", &FilledField(check));
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

const METHODS: OneOf<&str> = OneOf {
    words: &[
        ("POST", "POST"),
        ("PUT", "PUT"),
        ("PATCH", "PATCH"),
        ("GET", "GET"),
    ],
    note: "",
};

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
    Template::new(source, Escape::Text)
}
