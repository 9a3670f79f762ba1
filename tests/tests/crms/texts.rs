//! What a ticket says, whatever was said.

use haptik_bridge_tests::fake_crm::Fault;
use serde_json::{Map, Value, json};

use super::scene::{Kind, Scene, completion};

const ODD: &str = "<script>alert('1')</script> \"&amp;\" {code}*é* 日本語 👩‍👩‍👧 \u{202e}abc";

#[tokio::test]
async fn html_and_any_script_is_shown_as_it_was_written() -> anyhow::Result<()> {
    for kind in Kind::ALL {
        let mut scene = Scene::start(kind).await?;
        scene.was_said(&[("user", ODD), (ODD, "fine")]);
        let mut event = completion();
        event["data"]["closing_categories"] =
            json!({"reason": ODD, "subReason": ODD, "comment": ODD});
        event["data"]["conversation_details"] = json!({ODD: ODD});
        event["data"]["user_details"]["name"] = json!(ODD);
        event["data"]["completion_by"] = json!(ODD);
        scene.deliver(&event).await?;
        let ticket = scene.ticket();
        assert!(kind.subject(&ticket).contains("<script>"), "{kind:?}");
        let description = kind.description(&ticket);
        let times = description.matches(ODD).count();
        assert!(times >= 5, "{kind:?}: {times} of it in {description}");
    }
    Ok(())
}

#[tokio::test]
async fn conversation_details_may_be_of_any_kind_and_number() -> anyhow::Result<()> {
    for kind in Kind::ALL {
        let mut scene = Scene::start(kind).await?;
        let mut details: Map<String, Value> = (0..500)
            .map(|number| {
                (
                    format!("key_{number}"),
                    json!({"deep": [number, null, true, {"er": "<i>"}]}),
                )
            })
            .collect();
        details.insert("null".to_owned(), Value::Null);
        details.insert("number".to_owned(), json!(1.5e300));
        let mut event = completion();
        event["data"]["conversation_details"] = Value::Object(details);
        scene.deliver(&event).await?;
        let description = kind.description(&scene.ticket());
        assert!(description.contains("key_0"), "{kind:?}: {description}");
    }
    Ok(())
}

#[tokio::test]
async fn custom_fields_keep_the_type_of_their_values() -> anyhow::Result<()> {
    let text = "{{ conversation_details.insurance_no }}";
    for (kind, fields, pointer, expected) in [
        (
            Kind::Freshdesk,
            format!(
                "cf_insurance_no = '{text}', cf_amount = '{{{{ conversation_details.amount }}}}'"
            ),
            "/custom_fields",
            json!({"cf_insurance_no": "CDQP12324", "cf_amount": 49}),
        ),
        (
            Kind::Salesforce,
            format!("Insurance_No__c = '{text}'"),
            "/Insurance_No__c",
            json!("CDQP12324"),
        ),
        (
            Kind::HubSpot,
            format!("insurance_no = '{text}'"),
            "/insurance_no",
            json!("CDQP12324"),
        ),
        (
            Kind::ServiceNow,
            format!("u_insurance_no = '{text}'"),
            "/u_insurance_no",
            json!("CDQP12324"),
        ),
        (
            Kind::Jira,
            format!("customfield_10050 = '{text}'"),
            "/customfield_10050",
            json!("CDQP12324"),
        ),
        (
            Kind::Zendesk,
            format!("360001 = '{text}'"),
            "/custom_fields/0",
            json!({"id": 360_001, "value": "CDQP12324"}),
        ),
    ] {
        let mut scene = Scene::with(kind, &format!("custom_fields = {{ {fields} }}")).await?;
        scene.deliver(&completion()).await?;
        let ticket = scene.ticket();
        assert_eq!(ticket.fields.pointer(pointer), Some(&expected), "{kind:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_long_transcript_ends_in_the_ticket_and_is_attached_whole_and_once() -> anyhow::Result<()>
{
    let long: Vec<_> = (0..3_000)
        .map(|number| format!("<b>{number}</b> & é 日本語"))
        .collect();
    let long: Vec<_> = long.iter().map(|text| ("user", text.as_str())).collect();
    for kind in Kind::ALL {
        for fault in [None, Some(Fault::CutAfter), Some(Fault::CutBefore)] {
            let mut scene = Scene::start(kind).await?;
            scene.was_said(&long);
            if let Some(fault) = fault {
                let (method, path) = kind.attachment();
                scene.crm.fail_next(method, path, 1, fault);
            }
            for _ in 0..2 {
                scene.deliver(&completion()).await?;
            }
            let ticket = scene.ticket();
            let description = kind.description(&ticket);
            assert!(
                description.contains("user: <b>2999</b> & é 日本語"),
                "{kind:?}"
            );
            assert!(
                description.contains("of 3000 messages are left out"),
                "{kind:?}"
            );
            assert_eq!(
                ticket.attachments.len(),
                1,
                "{kind:?}\n{}",
                scene.crm.report()
            );
            let whole = String::from_utf8(ticket.attachments[0].content.to_vec())?;
            assert!(
                whole.contains("user: <b>0</b> & é 日本語"),
                "{kind:?}: {whole:.300}"
            );
            assert!(whole.contains("user: <b>2999</b> & é 日本語"), "{kind:?}");
        }
    }
    Ok(())
}
