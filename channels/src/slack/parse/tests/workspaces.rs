//! Of which workspace a request is.

use super::*;

/// Reads a body as a connection does whose app is in many workspaces.
fn read_many(body: &str) -> Reading {
    let auth_ids = AuthIds::new("acme".into(), AuthIdSource::Derived);
    Reader {
        auth_ids: &auth_ids,
        conversation: Conversation::User,
        tell_edits: true,
        welcome: "Welcome!",
        suggested_prompts: &[],
        agent_phrase: None,
        many: true,
        workspace: None,
        sent: "2026-11-22T10:00:00Z".parse().expect("a time"),
    }
    .read(body.as_bytes())
}

fn form(payload: &Value) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &payload.to_string())
        .finish()
}

/// The one thing said, with its user and the workspace of its address.
fn said_in(received: &Reading) -> (String, String) {
    assert_eq!(received.not_understood, None);
    let [inbound] = received.inbound.as_slice() else {
        panic!("one thing is said: {received:?}")
    };
    let workspace = inbound.address.workspace.as_ref();
    let workspace = workspace.map(ToString::to_string);
    (inbound.user.clone(), workspace.unwrap_or_default())
}

fn owned(user: &str, workspace: &str) -> (String, String) {
    (user.to_owned(), workspace.to_owned())
}

#[test]
fn the_same_id_in_two_workspaces_is_two_users() {
    let mut other = envelope(&direct(&json!({})));
    other["authorizations"][0]["team_id"] = "T2".into();
    let one = read_many(&envelope(&direct(&json!({}))).to_string());
    let other = read_many(&other.to_string());
    assert_eq!(said_in(&one), owned("T1:U1", "T1"));
    assert_eq!(said_in(&other), owned("T2:U1", "T2"));
    assert_ne!(one.inbound[0].auth_id, other.inbound[0].auth_id);
    let expected = AuthId::derive(&"acme".into(), "T1:U1", None);
    assert_eq!(
        one.inbound[0].auth_id, expected,
        "it is what `timeline acme/T1:U1` derives"
    );
    // What shows that it is being answered is on the message, in the same workspace.
    assert_eq!(
        (
            one.inbound[0].message_id.as_deref(),
            kept(&one.inbound[0].address)
        ),
        (
            Some("1700000000.000100"),
            json!({"channel": "D1", "workspace": "T1"})
        )
    );
}

#[test]
fn a_connection_of_one_workspace_knows_none() {
    let inbound = one(&direct(&json!({})));
    assert_eq!(inbound.user, "U1");
    assert_eq!(inbound.auth_id, AuthId::derive(&"acme".into(), "U1", None));
    assert_eq!(kept(&inbound.address), json!({"channel": "D1"}));
}

/// The first authorization is the installation for which an event was sent, whatever the envelope names:
/// in a shared channel that can be the other side's workspace (slackapi/bolt-js#935).
#[test]
fn an_event_is_of_the_installation_that_it_was_sent_for() {
    let authorization = |enterprise: Value, team: Value, by_organisation: bool| {
        json!([{"enterprise_id": enterprise, "team_id": team, "user_id": "UBOT", "is_bot": true,
            "is_enterprise_install": by_organisation}])
    };
    for (fields, expected) in [
        (
            json!({"team_id": "T9", "enterprise_id": "E9", "context_team_id": "T9",
                "authorizations": authorization(Value::Null, "T1".into(), false)}),
            "T1",
        ),
        (
            json!({"team_id": "T1", "enterprise_id": "E1", "authorizations": authorization("E1".into(), "T1".into(), true)}),
            "E1",
        ),
        (
            json!({"team_id": "T1", "authorizations": authorization("E1".into(), Value::Null, true)}),
            "E1",
        ),
        (
            json!({"team_id": "T1", "enterprise_id": "E1", "authorizations": authorization("E1".into(), "T1".into(), false)}),
            "T1",
        ),
        (json!({"team_id": "T1", "authorizations": []}), "T1"),
        (
            json!({"team_id": Value::Null, "context_team_id": "T1", "authorizations": Value::Null}),
            "T1",
        ),
        (
            json!({"team_id": Value::Null, "enterprise_id": "E1", "context_team_id": Value::Null, "authorizations": []}),
            "E1",
        ),
        (
            json!({"team_id": "T1", "enterprise_id": "E1", "is_enterprise_install": true, "authorizations": []}),
            "E1",
        ),
    ] {
        // Of a guest, whose own workspace is another one.
        let mut envelope = envelope(&direct(
            &json!({"team": "T9", "user_team": "T9", "source_team": "T9"}),
        ));
        for (name, value) in fields.as_object().expect("an object") {
            envelope[name] = value.clone();
        }
        let received = read_many(&envelope.to_string());
        let user = format!("{expected}:U1");
        assert_eq!(said_in(&received), owned(&user, expected), "{fields}");
    }
}

#[test]
fn a_tap_is_of_the_apps_workspace_and_not_of_the_guests() {
    let tap = |fields: Value| {
        let mut payload = json!({
            "type": "block_actions", "user": {"id": "U1", "team_id": "T9"}, "trigger_id": "1.2",
            "container": {"type": "message", "channel_id": "C1", "message_ts": "1700000000.000100"},
            "channel": {"id": "C1"}, "message": {"ts": "1700000000.000100"},
            "actions": [{"action_id": "say-0", "block_id": "buttons-0", "value": "{\"m\":\"Yes\"}",
                "action_ts": "1700000001.000100"}],
        });
        for (name, value) in fields.as_object().expect("an object") {
            payload[name] = value.clone();
        }
        payload
    };
    for (fields, expected) in [
        (
            json!({"team": {"id": "T1"}, "enterprise": null, "is_enterprise_install": false}),
            "T1",
        ),
        (
            json!({"team": {"id": "T1"}, "enterprise": {"id": "E1"}, "is_enterprise_install": true}),
            "E1",
        ),
        (
            json!({"team": null, "enterprise": {"id": "E1"}, "is_enterprise_install": true}),
            "E1",
        ),
        (
            json!({"team": {"id": "T1"}, "enterprise": {"id": "E1"}, "is_enterprise_install": false}),
            "T1",
        ),
        (json!({"team": null, "enterprise": null}), "T9"),
    ] {
        let received = read_many(&form(&tap(fields.clone())));
        let user = format!("{expected}:U1");
        assert_eq!(said_in(&received), owned(&user, expected), "{fields}");
        assert_eq!(
            kept(&received.tasks[0].command)["workspace"],
            expected,
            "{fields}"
        );
        // Apps on Slack's own tools are sent the same as JSON.
        assert_eq!(read_many(&tap(fields).to_string()), received);
    }
    let mut fill = tap(json!({"team": {"id": "T1"}}));
    fill["actions"][0]["action_id"] = "fill-0".into();
    fill["actions"][0]["value"] = r#"{"f":"0001#message","a":"a1"}"#.into();
    let opening = read_many(&form(&fill)).opening.expect("a form is opened");
    assert_eq!(opening.workspace, WorkspaceId::read("T1"));
    assert_eq!(opening.fallback.command.workspace, opening.workspace);
}

/// A modal's `team` is the workspace of the user who filled it in (slackapi/bolt-js#1614).
#[test]
fn a_modal_is_of_the_workspace_where_the_app_is_installed() {
    let origin =
        json!({"c": "C1", "m": "1700000000.000100", "d": false, "at": "1700000001.000100"});
    let submission = |installed: &str, by_organisation: bool| {
        let view = json!({
            "id": "V1", "callback_id": "form", "app_installed_team_id": installed,
            "private_metadata": json!({"o": origin, "q": ["Name"]}).to_string(), "blocks": [],
            "state": {"values": {}},
        });
        json!({"type": "view_submission", "team": {"id": "T9"}, "user": {"id": "U1", "team_id": "T9"},
            "enterprise": {"id": "E9"}, "is_enterprise_install": by_organisation, "view": view})
    };
    let of = |payload: Value| super::super::workspace::of_interaction(&payload);
    let id = |text: &str| WorkspaceId::read(text);
    assert_eq!(of(submission("T1", false)), id("T1"));
    assert_eq!(of(submission("E1", true)), id("E1"));
    assert_eq!(of(submission("", false)), id("T9"));
}

#[test]
fn a_command_is_of_the_workspace_or_of_the_organisation() {
    let command = |more: &str| {
        read_many(&format!(
            "command=%2Fhaptik&text=hi&user_id=U1&channel_id=C1&trigger_id=1.2&{more}"
        ))
    };
    for (fields, expected) in [
        ("team_id=T1&is_enterprise_install=false", "T1"),
        (
            "team_id=T1&enterprise_id=E1&is_enterprise_install=false",
            "T1",
        ),
        (
            "team_id=T1&enterprise_id=E1&is_enterprise_install=true",
            "E1",
        ),
        ("enterprise_id=E1", "E1"),
    ] {
        let user = format!("{expected}:U1");
        assert_eq!(
            said_in(&command(fields)),
            owned(&user, expected),
            "{fields}"
        );
    }
    let nowhere = command("team_id=").not_understood;
    assert_eq!(
        nowhere.as_deref(),
        Some("a request that names no workspace")
    );
}

#[test]
fn what_is_of_no_workspace_is_answered_where_it_leads_to_nothing() {
    let challenge = read_many(r#"{"type":"url_verification","challenge":"c"}"#);
    assert_eq!(
        (challenge.response.body.as_str(), challenge.not_understood),
        ("c", None)
    );
    assert_eq!(read_many("ssl_check=1&token=t").not_understood, None);
}

#[test]
fn the_end_of_an_installation_is_read_from_either_event() {
    let event = |event: Value, fields: Value| {
        let mut envelope = json!({"token": "t", "team_id": "T1", "api_app_id": "A1", "event": event,
            "type": "event_callback", "event_id": "Ev1", "event_time": 1_700_000_000});
        for (name, value) in fields.as_object().expect("an object") {
            envelope[name] = value.clone();
        }
        envelope
    };
    let ended = |body: &Value| {
        let received = read_many(&body.to_string());
        assert_eq!(received.not_understood, None);
        received
            .ended
            .map(|ended| (ended.tenant.to_string(), ended.at))
    };
    let uninstalled = || json!({"type": "app_uninstalled"});
    let at = 1_700_000_000;
    let one = Some(("T1".to_owned(), at));
    assert_eq!(ended(&event(uninstalled(), json!({}))), one);
    let revoked = |tokens: Value| {
        event(
            json!({"type": "tokens_revoked", "tokens": tokens}),
            json!({}),
        )
    };
    assert_eq!(ended(&revoked(json!({"oauth": [], "bot": ["UBOT"]}))), one);
    for users_only in [
        json!({"oauth": ["U1"], "bot": []}),
        json!({"oauth": ["U1"]}),
        json!({}),
    ] {
        assert_eq!(ended(&revoked(users_only)), None);
    }
    let org = json!({"team_id": null, "enterprise_id": "E1"});
    assert_eq!(
        ended(&event(uninstalled(), org)),
        Some(("E1".to_owned(), at))
    );
    let without_time = event(uninstalled(), json!({"event_time": null}));
    let sent: Timestamp = "2026-11-22T10:00:00Z".parse().expect("a time");
    assert_eq!(
        ended(&without_time),
        Some(("T1".to_owned(), sent.as_second()))
    );
    let one_workspace = read(&event(uninstalled(), json!({})));
    assert_eq!(one_workspace.ended, None);
}
