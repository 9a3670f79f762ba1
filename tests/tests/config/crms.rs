//! `[sinks.NAME]` of the CRMs.

use super::*;

const SERVICENOW: &str = "[sinks.crm]\ntype = 'servicenow'\nevents = ['*']\n\
    base_url = 'https://acme.service-now.com'\n";

const SALESFORCE: &str = "[sinks.crm]\ntype = 'salesforce'\nevents = ['*']\n\
    base_url = 'https://acme.my.salesforce.com'\nclient_id = '3MVG9.x_y'\nclient_secret = ['new', 'old']\n";

#[test]
fn servicenow_takes_a_user_or_a_client_and_not_both() {
    let needed = "needed: username and password, or client_id and client_secret";
    let refused_with = |keys: &str, error: &str| {
        refused(
            &format!("{SERVICENOW}{keys}"),
            &[&format!("sinks.crm.{error}")],
        );
    };
    refused_with("", &format!("username: missing; {needed}"));
    refused_with("username = 'a'", "password: missing; needed: ");
    refused_with("password = 'a'", "username: missing; needed: ");
    refused_with("client_id = 'a'", "client_secret: missing; needed: ");
    refused_with("client_secret = 'a'", "client_id: missing; needed: ");
    let both = "username = 'u'\npassword = 'a pass word'\nclient_id = 'id'\nclient_secret = 's'";
    refused_with(both, &format!("client_id: found beside username; {needed}"));
    let config = minimal_and(&format!(
        "{SERVICENOW}username = 'u'\npassword = 'a pass word'"
    ));
    assert!(!format!("{config:?}").contains("pass word"));
}

#[test]
fn the_name_of_a_field_is_one_that_an_api_has() {
    for odd in ["Haptik Conversation", "a/b", "a-b", "é"] {
        let line = format!("{SALESFORCE}external_id_field = '{odd}'");
        let name = "1 to 80 letters, digits and underscores";
        refused(&line, &["sinks.crm.external_id_field: found", name]);
    }
    let keys = "external_id_field = 'Other__c'\nlink_contact = false";
    let read: Salesforce = sink_of(&minimal_and(&format!("{SALESFORCE}{keys}")), "crm");
    assert_eq!(
        (read.external_id_field.as_str(), read.link_contact),
        ("Other__c", false)
    );
    assert_eq!(exposed(&read.client_secrets), ["new", "old"]);
}

#[test]
fn what_jira_is_told_to_use_is_read() {
    let config = minimal_and(
        "[sinks.crm]\ntype = 'jira'\nevents = ['*']\nbase_url = 'https://acme.atlassian.net'\n\
         email = 'bridge@acme.example'\napi_token = 'token'\nservice_desk_id = 10\n\
         request_type_id = 25\nlabels = true\nraise_on_behalf = false",
    );
    let jira: Jira = sink_of(&config, "crm");
    assert_eq!((jira.service_desk_id, jira.request_type_id), (10, 25));
    assert!(jira.labels && !jira.raise_on_behalf);
}
