//! `[sinks.NAME]` of the CRMs.

use super::*;

/// What each needs, besides `events`.
const NEEDED: [(&str, &[(&str, &str)]); 6] = [
    (
        "freshdesk",
        &[
            ("base_url", "'https://acme.freshdesk.com'"),
            ("api_key", "'key'"),
        ],
    ),
    (
        "salesforce",
        &[
            ("base_url", "'https://acme.my.salesforce.com'"),
            ("client_id", "'3MVG9.x_y'"),
            ("client_secret", "['new', 'old']"),
        ],
    ),
    ("hubspot", &[("access_token", "'pat-eu1-x'")]),
    (
        "servicenow",
        &[
            ("base_url", "'https://acme.service-now.com'"),
            ("username", "'haptik.bridge'"),
            ("password", "'a pass word'"),
        ],
    ),
    (
        "servicenow",
        &[
            ("base_url", "'https://acme.service-now.com'"),
            ("client_id", "'id'"),
            ("client_secret", "'secret'"),
        ],
    ),
    (
        "jira",
        &[
            ("base_url", "'https://acme.atlassian.net'"),
            ("email", "'bridge@acme.example'"),
            ("api_token", "'token'"),
            ("service_desk_id", "10"),
            ("request_type_id", "25"),
        ],
    ),
];

fn sink(kind: &str, keys: &[(&str, &str)], more: &str) -> String {
    let lines = keys.iter().map(|(key, value)| format!("{key} = {value}\n"));
    let lines: String = lines.collect();
    format!("[sinks.crm]\ntype = '{kind}'\nevents = ['*']\n{lines}{more}\n")
}

#[test]
fn each_crm_needs_its_credentials_and_no_more() {
    for (kind, keys) in NEEDED {
        let config = minimal_and(&sink(kind, keys, ""));
        let sink = config.sinks.get("crm").expect("crm");
        assert_eq!(sink.follow_ups, Some(false), "{kind}");
        assert_eq!(sink.rate_per_second, Some(10), "{kind}");
        let shown = format!("{sink:?}");
        for secret in ["pat-eu1-x", "a pass word", "'new'", "'token'"] {
            assert!(!shown.contains(secret), "{kind}: {shown}");
        }
    }
}

#[test]
fn servicenow_takes_a_user_or_a_client_and_not_both() {
    let (kind, keys) = NEEDED[3];
    refused(
        &sink(kind, keys, "client_id = 'id'\nclient_secret = 's'"),
        &[
            "sinks.crm.client_id: found beside username; needed: username and password, or client_id and client_secret",
        ],
    );
}

#[test]
fn the_name_of_a_field_is_one_that_an_api_has() {
    let (kind, keys) = NEEDED[1];
    for odd in ["Haptik Conversation", "a/b", "a-b", "é"] {
        refused(
            &sink(kind, keys, &format!("external_id_field = '{odd}'")),
            &[
                "sinks.crm.external_id_field: found",
                "1 to 80 letters, digits and underscores",
            ],
        );
    }
    let config = minimal_and(&sink(
        kind,
        keys,
        "external_id_field = 'Other__c'\nlink_contact = false",
    ));
    let read: Salesforce = sink_of(&config, "crm");
    assert_eq!(
        (read.external_id_field.as_str(), read.link_contact),
        ("Other__c", false)
    );
}

#[test]
fn what_jira_is_told_to_use_is_read() {
    let (kind, keys) = NEEDED[5];
    let config = minimal_and(&sink(kind, keys, "labels = true\nraise_on_behalf = false"));
    let jira: Jira = sink_of(&config, "crm");
    assert_eq!((jira.service_desk_id, jira.request_type_id), (10, 25));
    assert!(jira.labels && !jira.raise_on_behalf);
    refused(
        &sink(
            kind,
            &keys[..3],
            "service_desk_id = '10'\nrequest_type_id = 25",
        ),
        &[
            "sinks.crm.service_desk_id: found",
            "a whole number without quotes",
        ],
    );
}
