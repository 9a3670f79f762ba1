//! The fake CRMs in a process of their own, for `tests/crm`. Prints where they are, and the credentials
//! that they take, as one line of JSON, and runs until its standard input ends.

#![expect(clippy::print_stdout, reason = "it says where they listen")]

use haptik_bridge_tests::fake_crm::{
    FakeCrm, freshdesk, hubspot, jira, salesforce, servicenow, zendesk,
};
use serde_json::json;
use tokio::io::AsyncReadExt as _;

#[tokio::main]
async fn main() {
    let crms = [
        FakeCrm::zendesk().await,
        FakeCrm::freshdesk().await,
        FakeCrm::salesforce().await,
        FakeCrm::hubspot().await,
        FakeCrm::servicenow().await,
        FakeCrm::jira().await,
    ];
    let [
        zendesk_url,
        freshdesk_url,
        salesforce_url,
        hubspot_url,
        servicenow_url,
        jira_url,
    ] = crms.each_ref().map(FakeCrm::base_url);
    println!(
        "{}",
        json!({
            "zendesk": {"url": zendesk_url, "email": zendesk::EMAIL, "api_token": zendesk::API_TOKEN},
            "freshdesk": {"url": freshdesk_url, "api_key": freshdesk::API_KEY},
            "salesforce": {
                "url": salesforce_url,
                "client_id": salesforce::CLIENT_ID,
                "client_secret": salesforce::CLIENT_SECRET,
                "external_id": salesforce::EXTERNAL_ID,
            },
            "hubspot": {"url": hubspot_url, "access_token": hubspot::ACCESS_TOKEN, "unique": hubspot::UNIQUE},
            "servicenow": {
                "url": servicenow_url,
                "username": servicenow::USERNAME,
                "password": servicenow::PASSWORD,
            },
            "jira": {
                "url": jira_url,
                "email": jira::EMAIL,
                "api_token": jira::API_TOKEN,
                "service_desk_id": jira::SERVICE_DESK_ID,
                "request_type_id": jira::REQUEST_TYPE_ID,
            },
        })
    );
    // An input that cannot be read has ended too.
    let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
}
