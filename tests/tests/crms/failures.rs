//! A CRM that is down, busy, or refuses.

use std::time::Duration;

use haptik_bridge_shared::net::{CallError, CallErrorKind};
use haptik_bridge_shared::retry::{Failure, Retry};
use haptik_bridge_sinks::SinkError;
use haptik_bridge_tests::fake_crm::{
    Fault, freshdesk, hubspot, jira, salesforce, servicenow, zendesk,
};
use serde_json::json;

use super::scene::{Kind, Scene, completion, message, short_completion};

#[tokio::test]
async fn a_crm_that_was_down_gets_its_ticket_once() -> anyhow::Result<()> {
    for kind in Kind::ALL {
        let mut scene = Scene::start(kind).await?;
        scene.crm.set_down(true);
        for _ in 0..3 {
            let tried = scene.attempt(&completion(), true).await;
            // Once a creation was begun, the CRM is asked for it, and waited for, first.
            assert!(
                matches!(&tried, Err(SinkError::Call(call)) if matches!(call.kind, CallErrorKind::Unreachable(_)))
                    || tried.is_ok(),
                "{kind:?}: {tried:?}"
            );
            scene.pass(Duration::from_mins(2));
        }
        scene.crm.set_down(false);
        scene.deliver(&completion()).await?;
        scene.deliver(&short_completion()).await?;
        scene.ticket();
    }
    Ok(())
}

#[tokio::test]
async fn credentials_that_are_refused_are_for_somebody_to_mend() -> anyhow::Result<()> {
    for kind in Kind::ALL {
        let mut scene = Scene::start(kind).await?;
        scene.crm.revoke(true);
        let error = scene
            .attempt(&completion(), false)
            .await
            .expect_err("refused");
        assert!(error.needs_attention(), "{kind:?}: {error:?}");
        let failure = Failure::from(error);
        assert_eq!(failure.retry, Retry::Later(None));
        assert!(
            failure.detail.is_some(),
            "{kind:?}: the CRM's own words are kept"
        );
        scene.crm.revoke(false);
        scene.deliver(&completion()).await?;
        scene.ticket();
    }
    Ok(())
}

#[tokio::test]
async fn too_many_requests_wait_as_long_as_the_crm_says() -> anyhow::Result<()> {
    for kind in Kind::ALL {
        let scene = Scene::start(kind).await?;
        let (method, path) = kind.creation();
        scene.crm.fail_next(method, path, 1, Fault::RateLimited(7));
        let error = scene
            .attempt(&completion(), false)
            .await
            .expect_err("refused");
        let SinkError::Call(CallError {
            kind: CallErrorKind::RateLimited,
            retry_after,
            ..
        }) = error
        else {
            panic!("{kind:?}: {error:?}");
        };
        // The other two do not say.
        let says = !matches!(kind, Kind::Salesforce | Kind::HubSpot);
        assert_eq!(
            retry_after,
            says.then_some(Duration::from_secs(7)),
            "{kind:?}"
        );
        // Nothing was created, so nothing is waited for.
        scene.attempt(&completion(), true).await?;
        scene.ticket();
    }
    Ok(())
}

#[tokio::test]
async fn what_a_crm_refuses_for_ever_is_dead_with_its_own_words() -> anyhow::Result<()> {
    let refusals = [
        (
            Kind::Zendesk,
            "fields = { priority = 'highest' }",
            "is not a valid priority",
        ),
        (
            Kind::Freshdesk,
            "custom_fields = { cf_nope = 'x' }",
            "Unexpected/invalid field in request",
        ),
        (
            Kind::Salesforce,
            "custom_fields = { Nope__c = 'x' }",
            "No such column 'Nope__c'",
        ),
        (
            Kind::HubSpot,
            "custom_fields = { nope = 'x' }",
            "PROPERTY_DOESNT_EXIST",
        ),
        (
            Kind::Jira,
            "custom_fields = { customfield_1 = 'x' }",
            "'customfield_1' cannot be set",
        ),
    ];
    for (kind, lines, words) in refusals {
        let mut scene = Scene::with(kind, lines).await?;
        let error = scene.deliver(&completion()).await.expect_err("refused");
        let failure = Failure::from(error);
        assert_eq!(failure.retry, Retry::Never);
        assert!(
            failure.in_full().contains(words),
            "{kind:?}: {}",
            failure.in_full()
        );
        assert!(
            !failure.reason.contains(words),
            "{kind:?}: it would be logged"
        );
        assert!(scene.crm.tickets().is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn a_comment_whose_answer_is_lost_is_there_once() -> anyhow::Result<()> {
    for kind in Kind::ALL {
        for fault in [None, Some(Fault::CutAfter), Some(Fault::CutBefore)] {
            let mut scene = Scene::with(kind, "follow_ups = true").await?;
            scene.deliver(&completion()).await?;
            let is_untroubled = fault.is_none();
            if let Some(fault) = fault {
                let (method, path) = kind.comment();
                scene.crm.fail_next(method, path, 1, fault);
            }
            let message = json!({
                "event_name": "message",
                "timestamp": "2026-11-24T10:05:00.000Z",
                "business_id": 343,
                "user": {"auth_id": "u42", "user_name": "user_42"},
                "agent": {"id": 1, "name": "Prateek", "is_automated": false},
                "message": {"id": 1_982_500, "body": {"text": "<b>One</b> more thing\nto say", "type": "TEXT", "data": {}}},
            });
            let calls = scene.crm.calls().len();
            scene.deliver(&message).await?;
            if is_untroubled {
                let told = "a first try looks for nothing";
                assert_eq!(scene.crm.calls().len(), calls + 1, "{kind:?}: {told}");
            }
            for _ in 0..2 {
                scene.deliver(&message).await?;
            }
            let comments = kind.comments(&scene.ticket());
            assert_eq!(
                comments.len(),
                1,
                "{kind:?}: {comments:?}\n{}",
                scene.crm.report()
            );
            assert!(
                comments[0].contains("Prateek: One more thing"),
                "{comments:?}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn salesforce_is_asked_for_a_token_once_and_again_when_it_is_over() -> anyhow::Result<()> {
    let mut scene = Scene::start(Kind::Salesforce).await?;
    let tokens = |scene: &Scene| {
        let calls = scene.crm.calls();
        calls
            .iter()
            .filter(|call| call.path.contains("/oauth2/token"))
            .count()
    };
    for (number, asked) in [("1", 1), ("2", 1), ("3", 2), ("4", 2)] {
        if number == "3" {
            scene.crm.expire_tokens();
        }
        let mut event = completion();
        event["data"]["conversation_identifier"] = json!(number);
        event["timestamp"] = json!(format!("2026-11-24T1{number}:00:00Z"));
        scene.deliver(&event).await?;
        assert_eq!(tokens(&scene), asked, "the {number}. case");
    }
    assert_eq!(scene.crm.tickets().len(), 4);
    let keys: Vec<_> = scene
        .crm
        .tickets()
        .iter()
        .map(|case| case.text(salesforce::EXTERNAL_ID).to_owned())
        .collect();
    assert!(
        keys.iter().all(|key| key.starts_with("haptik-")),
        "{keys:?}"
    );
    Ok(())
}

#[tokio::test]
async fn servicenow_takes_an_oauth_client_too() -> anyhow::Result<()> {
    let login = format!(
        "type = 'servicenow'\nclient_id = '{}'\nclient_secret = ['wrong', '{}']",
        servicenow::CLIENT_ID,
        servicenow::CLIENT_SECRET
    );
    let mut scene = Scene::logged_in(Kind::ServiceNow, &login, "").await?;
    scene.deliver(&completion()).await?;
    scene.ticket();
    scene.crm.expire_tokens();
    let mut other = completion();
    other["data"]["conversation_identifier"] = json!("another");
    other["timestamp"] = json!("2026-11-24T13:00:00Z");
    scene.deliver(&other).await?;
    assert_eq!(scene.crm.tickets().len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_property_that_hubspot_does_not_have_is_for_somebody_to_mend() -> anyhow::Result<()> {
    let scene = Scene::with(Kind::HubSpot, "unique_property = 'other'").await?;
    let tried = scene.attempt(&completion(), false).await;
    let error = tried.expect_err("refused");
    assert!(error.needs_attention(), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_preview_shows_the_request_and_no_secret() -> anyhow::Result<()> {
    let secrets = [
        zendesk::API_TOKEN,
        freshdesk::API_KEY,
        salesforce::CLIENT_SECRET,
        hubspot::ACCESS_TOKEN,
        servicenow::PASSWORD,
        jira::API_TOKEN,
    ];
    for kind in Kind::ALL {
        let scene = Scene::start(kind).await?;
        let shown = scene.preview(&completion()).await?;
        assert!(
            shown.contains("Asha Rao") && shown.contains("haptik"),
            "{kind:?}: {shown}"
        );
        let told = secrets.iter().any(|secret| shown.contains(secret));
        assert!(!told, "{kind:?}: {shown}");
        let sent = scene.crm.calls();
        assert!(sent.is_empty(), "{kind:?}: {sent:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_field_that_salesforce_does_not_have_is_for_somebody_to_mend() -> anyhow::Result<()> {
    let scene = Scene::with(Kind::Salesforce, "external_id_field = 'Other__c'").await?;
    let error = scene
        .attempt(&completion(), false)
        .await
        .expect_err("refused");
    assert!(error.needs_attention(), "{error:?}");
    assert!(
        Failure::from(error)
            .in_full()
            .contains("external ID field does not exist")
    );
    Ok(())
}

#[tokio::test]
async fn a_ticket_that_hubspot_has_and_cannot_show_just_now_is_waited_for() -> anyhow::Result<()> {
    for (fault, kind) in [
        (Fault::RateLimited(7), CallErrorKind::RateLimited),
        (Fault::Status(503), CallErrorKind::Unavailable),
    ] {
        let mut scene = Scene::start(Kind::HubSpot).await?;
        let (method, path) = Kind::HubSpot.creation();
        // The ticket is made, and the answer is lost.
        scene.crm.fail_next(method, path, 1, Fault::CutAfter);
        scene.attempt(&completion(), false).await.expect_err("lost");
        // The look before the next try comes too early, and the one after it does not come through.
        scene.crm.fail_next("GET", path, 1, Fault::Status(404));
        scene.crm.fail_next("GET", path, 1, fault);
        let error = scene.attempt(&completion(), true).await;
        let error = error.expect_err("not known");
        assert!(
            matches!(&error, SinkError::Call(call) if call.kind == kind),
            "{error:?}"
        );
        scene.deliver(&completion()).await?;
        scene.ticket();
    }
    Ok(())
}

#[tokio::test]
async fn what_keeps_a_comment_out_for_a_moment_does_not_keep_it_out_for_ever() -> anyhow::Result<()>
{
    for (kind, fault) in [
        (
            Kind::Salesforce,
            Fault::Refused("UNABLE_TO_LOCK_ROW".to_owned()),
        ),
        (Kind::Zendesk, Fault::Status(409)),
        (Kind::HubSpot, Fault::Status(423)),
        (Kind::HubSpot, Fault::Status(477)),
    ] {
        let mut scene = Scene::with(kind, "follow_ups = true").await?;
        scene.deliver(&completion()).await?;
        let (method, path) = kind.comment();
        scene.crm.fail_next(method, path, 1, fault.clone());
        let body = json!({"text": "One more thing", "type": "TEXT", "data": {}});
        let more = message(1_982_500, "2026-11-24T10:02:00.000Z", &body);
        let error = scene.attempt(&more, false).await.expect_err("not yet");
        let failure = Failure::from(error);
        assert_eq!(failure.retry, Retry::Later(None), "{kind:?} {fault:?}");
        scene.attempt(&more, true).await?;
        assert_eq!(kind.comments(&scene.ticket()).len(), 1, "{kind:?}");
    }
    Ok(())
}
