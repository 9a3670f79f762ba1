//! `[sinks.NAME]`.

use haptik_bridge_shared::config::MaskedField;
use haptik_bridge_sinks::zendesk::Config as Zendesk;
use serde_json::json;

use super::*;

const ZENDESK: &str = "[sinks.crm]\ntype = 'zendesk'\nevents = ['webhook_conversation_complete']\n\
    base_url = 'https://acme.zendesk.com'\nemail = 'bridge@acme.example'\napi_token = 'token'\n";

fn sink(more: &str) -> Sink {
    let config = minimal_and(&format!("{ZENDESK}{more}"));
    config.sinks.get("crm").expect("crm").clone()
}

fn ticket(sink: &Sink) -> TicketTexts {
    let zendesk: Option<&Zendesk> = sink.settings.get();
    zendesk.expect("it is Zendesk").ticket().clone()
}

fn refused_sink(more: &str, parts: &[&str]) {
    refused(&format!("{ZENDESK}{more}"), parts);
}

#[test]
fn a_ticket_sink_needs_no_more_than_its_credentials() {
    let sink = sink("");
    let ticket = ticket(&sink);
    assert_eq!(ticket.transcript, TranscriptPlace::Body);
    assert!(!ticket.follow_ups && ticket.fields.is_empty() && ticket.custom_fields.is_empty());
    assert!(!sink.wants("message"));
}

#[test]
fn every_key_of_a_ticket_sink_is_read() {
    let sink = sink(
        r#"
        when = { completion_type = ["agent", "autocomplete"], business_id = 343, "agent.is_automated" = false }
        subject = "Chat {{ conversation_no }}"
        description = "{{ conversation_details.order_no }}"
        requester_name = ""
        requester_email = "{{ user.details.mail }}"
        requester_phone = ""
        tags = ["haptik", "{{ closing_categories.reason }}"]
        fields = { priority = "high", group_id = 7, "is_public" = true }
        custom_fields = { 360001 = "{{ conversation_details.amount }}", 360002 = 1.5 }
        transcript = "attachment"
        follow_ups = true
        "#,
    );
    assert!(sink.wants("message"), "for follow-ups");
    let of = |kind: &str| json!({"event_name": "webhook_conversation_complete", "business_id": 343, "agent": {"is_automated": false}, "data": {"completion_type": kind}});
    let wanted = |kind| sink.wants_event("webhook_conversation_complete", &of(kind));
    assert!(wanted("agent") && wanted("autocomplete") && !wanted("gogo"));
    let ticket = ticket(&sink);
    assert_eq!(ticket.tags.len(), 2);
    let fixed = |name: &str| {
        let fields = ticket.fields.iter().chain(&ticket.custom_fields);
        let mut fields = fields.filter(|(key, _)| key == name);
        match fields.next() {
            Some((_, FieldValue::Fixed(value))) => value.clone(),
            _ => json!(null),
        }
    };
    assert_eq!(fixed("group_id"), json!(7));
    assert_eq!(fixed("is_public"), json!(true));
    assert_eq!(fixed("360002"), json!(1.5));
    assert_eq!(fixed("360001"), json!(null), "it is a template");
}

#[test]
fn what_is_wrong_with_a_template_is_said_with_its_key() {
    refused_sink(
        "subject = '{{ usr.name }}'",
        &[
            "sinks.crm.subject: found a template with a name that there is not: usr",
            "user, agent",
        ],
    );
    refused_sink(
        "description = '{% if %}'",
        &["sinks.crm.description", "syntax error"],
    );
    refused_sink(
        "tags = ['a', '{{ user.name|shout }}']",
        &["sinks.crm.tags[1]", "shout"],
    );
    refused_sink(
        "custom_fields = { a = '{{ x }}' }",
        &[
            "sinks.crm.custom_fields.a",
            "x; allowed: a number, true, false, or a template",
        ],
    );
    refused_sink(
        "fields = { a = [1] }",
        &["sinks.crm.fields.a: found a list"],
    );
    refused_sink("transcript = 'bdy'", &["did you mean \"body\"?"]);
    refused_sink(
        "when = { a = [] }",
        &["sinks.crm.when.a: found an empty list"],
    );
    refused_sink("when = 'agent'", &["sinks.crm.when: found a string"]);
    refused(
        "[sinks.crm]\ntype = 'zendesk'\nevents = ['*']\nemail = 'a b'\nbase_url = 'https://x.example'\napi_token = 't'",
        &["sinks.crm.email"],
    );
}

#[test]
fn who_sends_nothing_to_sinks_reads_all_but_what_is_inside_templates() {
    let text = |more: &str| format!("{MINIMAL}{ZENDESK}{more}");
    let bad_template = text("subject = '{{ usr.name'\ntags = ['{{ a | b }}']\n");
    assert!(parse(&bad_template).is_err());
    let config = Config::parse_without_templates(&bad_template, &registry::all())
        .expect("it is not looked into");
    assert!(
        config
            .sinks
            .get("crm")
            .expect("crm")
            .wants("webhook_conversation_complete")
    );
    for wrong in ["subject = 7\n", "sbject = ''\n", "rate_per_second = 0\n"] {
        let errors = Config::parse_without_templates(&text(wrong), &registry::all())
            .expect_err("it is wrong");
        assert_eq!(Some(errors), parse(&text(wrong)).err());
    }
}

#[test]
fn where_a_request_goes_is_written_out() {
    let http = |more: &str| format!("[sinks.h]\ntype = 'http'\nevents = ['*']\n{more}");
    let urls = "{{ event.url }}|https://{{ event.host }}/x|https://x.{{ event.host }}/x|https://x.example|\
        https://{{ secrets.user }}@x.example/|ftp://x.example/|https:///x";
    for url in urls.split('|') {
        refused(
            &http(&format!("url = '{url}'")),
            &["sinks.h.url: found a URL whose host is not written out"],
        );
    }
    let good = "url = 'https://x.example/{{ event.id }}'\n";
    refused(
        &http(&format!("{good}headers = {{ 'a b' = 'x' }}")),
        &["sinks.h.headers: found a name that is no header's"],
    );
    refused(
        &http(&format!("{good}taken_before = [409, 429]")),
        &["sinks.h.taken_before: found \"429\"", "400 to 499"],
    );
    refused(
        &http(&format!("{good}body = '{{{{ secret.token }}}}'")),
        &["sinks.h.body: found a template with a name that there is not: secret"],
    );
    refused(
        &format!("{ZENDESK}rate_per_second = 0"),
        &["sinks.crm.rate_per_second: found 0"],
    );
}

#[test]
fn an_event_bus_is_a_name_or_an_arn_and_its_source_is_not_of_aws() {
    let bus = |more: &str| format!("[sinks.bus]\ntype = 'eventbridge'\nevents = ['*']\n{more}");
    let read = |more: &str| {
        let bus: EventBridge = sink_of(&minimal_and(&bus(more)), "bus");
        (bus.event_bus, bus.source)
    };
    let default = ("default".to_owned(), "haptik-bridge".to_owned());
    assert_eq!(read(""), default);
    for good in [
        "chats",
        "acme.chats_1-b",
        "arn:aws:events:eu-west-1:123456789012:event-bus/chats",
        "arn:aws-cn:events:cn-north-1:123456789012:event-bus/chats",
    ] {
        assert_eq!(read(&format!("event_bus = '{good}'")).0, good);
    }
    for bad in [
        "a b",
        "chats:1",
        "arn:aws:sqs:eu-west-1:123456789012:chats",
        "arn:aws:events:eu-west-1:1234:event-bus/chats",
        "arn:aws:events:eu-west-1:123456789012:event-bus/",
        "arn:aws:events:eu-west-1:123456789012:event-bus/a:b",
    ] {
        refused(
            &bus(&format!("event_bus = '{bad}'")),
            &["sinks.bus.event_bus: found", "or its ARN"],
        );
    }
    for bad in ["aws.events", "a b", "ä"] {
        let found = "sinks.bus.source: found";
        refused(&bus(&format!("source = '{bad}'")), &[found, "\"aws.\""]);
    }
}

#[test]
fn what_a_sink_is_not_told_is_named_of_what_there_is() {
    assert_eq!(sink("").mask, []);
    let masked = sink("mask = ['email', 'mobile_no']");
    assert_eq!(masked.mask, [MaskedField::Email, MaskedField::MobileNo]);
    assert_eq!(sink("mask = 'name'").mask, [MaskedField::Name]);
    let allowed = "allowed: a list of ";
    refused_sink(
        "mask = ['email', 'emial']",
        &[
            "sinks.crm.mask[1]: found \"emial\"; did you mean \"email\"?",
            allowed,
        ],
    );
    refused_sink(
        "mask = ['phone']",
        &["sinks.crm.mask[0]: found \"phone\"", allowed, "mobile_no"],
    );
    refused_sink("mask = []", &["sinks.crm.mask", allowed, "custom_data"]);
    refused_sink(
        "mask = [7]",
        &["sinks.crm.mask[0]: found an integer", allowed],
    );
}
