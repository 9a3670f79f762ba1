//! Whose request a ticket is.

use haptik_bridge_tests::fake_crm::Fault;
use serde_json::{Value, json};

use super::scene::{Kind, Scene, completion};

fn without_email() -> Value {
    let mut event = completion();
    event["data"]["user_details"] = json!({"name": "Asha Rao"});
    event
}

#[tokio::test]
async fn hubspot_links_the_ticket_to_the_contact_with_the_address() -> anyhow::Result<()> {
    let mut scene = Scene::start(Kind::HubSpot).await?;
    // The contact is made, and the answer is lost.
    scene
        .crm
        .fail_next("POST", "/objects/contacts", 1, Fault::CutAfter);
    scene.deliver(&completion()).await?;
    let people = scene.crm.people();
    assert_eq!(people.len(), 1);
    let known = json!({"email": "asha@example.com", "firstname": "Asha", "lastname": "Rao", "phone": "8826755986"});
    assert_eq!(people[0]["properties"], known);
    assert_eq!(scene.ticket().fields["contacts"], json!([people[0]["id"]]));

    let mut scene = Scene::start(Kind::HubSpot).await?;
    scene.deliver(&without_email()).await?;
    assert!(scene.crm.people().is_empty());
    assert_eq!(scene.ticket().fields["contacts"], json!([]));
    Ok(())
}

#[tokio::test]
async fn salesforce_links_the_case_to_the_one_contact_with_the_address() -> anyhow::Result<()> {
    let contact = |id: &str| json!({"Id": id, "LastName": "Rao", "Email": "asha@example.com"});
    for (lines, contacts, linked) in [
        ("", vec!["003xx1"], json!("003xx1")),
        ("", vec!["003xx1", "003xx2"], Value::Null),
        ("", vec![], Value::Null),
        ("link_contact = false", vec!["003xx1"], Value::Null),
    ] {
        let mut scene = Scene::with(Kind::Salesforce, lines).await?;
        for id in contacts {
            scene.crm.add_person(contact(id));
        }
        scene.deliver(&completion()).await?;
        let case = scene.ticket();
        assert_eq!(case.fields["ContactId"], linked);
        let supplied =
            ["SuppliedName", "SuppliedEmail", "SuppliedPhone"].map(|name| case.text(name));
        assert_eq!(supplied, ["Asha Rao", "asha@example.com", "8826755986"]);
    }
    Ok(())
}

#[tokio::test]
async fn a_freshdesk_requester_is_named_by_address_or_external_id() -> anyhow::Result<()> {
    let mut scene = Scene::start(Kind::Freshdesk).await?;
    scene.deliver(&completion()).await?;
    assert_eq!(scene.crm.people()[0]["email"], "asha@example.com");
    assert_eq!(scene.crm.people()[0]["name"], "Asha Rao");
    scene.ticket();

    for (lines, expected) in [
        ("", "haptik-"),
        (
            "fields = { unique_external_id = '{{ user.auth_id }}' }",
            "u42",
        ),
    ] {
        let mut scene = Scene::with(Kind::Freshdesk, lines).await?;
        let (method, path) = Kind::Freshdesk.creation();
        scene.crm.fail_next(method, path, 1, Fault::CutAfter);
        scene.deliver(&without_email()).await?;
        let people = scene.crm.people();
        let id = people[0]["unique_external_id"].as_str().unwrap_or_default();
        assert!(id.starts_with(expected), "{people:?}");
        scene.ticket();
    }
    Ok(())
}

#[tokio::test]
async fn servicenow_has_the_user_with_the_address_as_the_caller() -> anyhow::Result<()> {
    let mut scene = Scene::start(Kind::ServiceNow).await?;
    let sys_id = "6816f79cc0a8016401c5a33be04be441";
    scene
        .crm
        .add_person(json!({"sys_id": sys_id, "email": "asha@example.com"}));
    scene.deliver(&completion()).await?;
    assert_eq!(scene.ticket().text("caller_id"), sys_id);
    Ok(())
}

#[tokio::test]
async fn jira_raises_the_request_in_the_name_of_the_customer() -> anyhow::Result<()> {
    let known = json!({"accountId": "known", "emailAddress": "asha@example.com"});
    // The search finds by what a name or an address begins with, and does not show every address.
    let others = [
        json!({"accountId": "by-name", "displayName": "asha@example.com of Acme"}),
        json!({"accountId": "hidden", "hidden": "asha@example.com.au"}),
        json!({"accountId": "longer", "emailAddress": "asha@example.com.au"}),
    ];
    let hidden = json!({"accountId": "own-hidden", "hidden": "asha@example.com"});
    let behind_others = [&others[..], std::slice::from_ref(&known)].concat();
    for (lines, people, expected) in [
        ("", vec![known.clone()], Some("known")),
        ("", vec![], Some("qm:")),
        ("", behind_others, Some("known")),
        ("", others.to_vec(), Some("qm:")),
        // Whose it is is not known, and a second account cannot be made.
        ("", vec![hidden], None),
        ("raise_on_behalf = false", vec![known], None),
    ] {
        let mut scene = Scene::with(Kind::Jira, lines).await?;
        for person in &people {
            scene.crm.add_person(person.clone());
        }
        scene.deliver(&completion()).await?;
        let account = scene.ticket().fields["raiseOnBehalfOf"].clone();
        let is_expected = match expected {
            Some(start) => account.as_str().is_some_and(|id| id.starts_with(start)),
            None => account.is_null(),
        };
        assert!(is_expected, "{account} of {people:?}");
    }
    Ok(())
}
