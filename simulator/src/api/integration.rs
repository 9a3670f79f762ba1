//! Move a chat to an agent, and transcripts (docs.haptik.ai, bot-builder/integrations/additional-apis).

use std::{fmt::Write as _, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{Query, State},
    http::HeaderMap,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Refusal, object};
use crate::{
    account::Simulator,
    behaviour::{Behaviour, Transcripts, masked},
    records::AgentMove,
    settings::Settings,
    state::Line,
};

pub(super) async fn send_chat_to_agent(
    State(simulator): State<Simulator>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    move_chat(&simulator, &object(&headers, &body)?, None)
}

/// Newer documentation has this one, with the agent tool that gets the chat.
pub(super) async fn send_chat_to_tool(
    State(simulator): State<Simulator>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let fields = object(&headers, &body)?;
    let receiver = given(&fields, "receiver")?;
    if !simulator.settings().receivers.contains(&receiver) {
        return Err(Refusal::bad("invalid receiver provided"));
    }
    move_chat(&simulator, &fields, Some(receiver))
}

fn move_chat(
    simulator: &Simulator,
    fields: &Map<String, Value>,
    receiver: Option<String>,
) -> Result<Json<Value>, Refusal> {
    let user_name = given(fields, "user_name")?;
    let business_id = given(fields, "business_id")?;
    let team_name = given(fields, "team_name")?;
    let countdown = countdown(fields)?;
    let settings = simulator.settings();
    let auth_id = simulator.change(|state| {
        let user = state
            .users
            .by_user_name(&user_name)
            .ok_or_else(|| Refusal::bad("invalid user_name"))?;
        let business_id = business_id
            .parse()
            .ok()
            .filter(|id| knows_business(settings, *id) || *id == user.business_id)
            .ok_or_else(|| Refusal::bad("invalid business_id provided"))?;
        if settings.inactive_businesses.contains(&business_id) {
            return Err(Refusal::bad(format!(
                "business \"{business_id}\" is inactive"
            )));
        }
        check_team(settings, &team_name)?;
        if !user.has_spoken {
            return Err(Refusal::bad("user has not sent a message"));
        }
        let auth_id = user.auth_id.clone();
        state.records.agent_moves.push(AgentMove {
            at: Timestamp::now(),
            auth_id: auth_id.clone(),
            user_name,
            team_name: team_name.clone(),
            business_id,
            countdown,
            receiver,
        });
        Ok(auth_id)
    })?;
    simulator.move_chat(&auth_id, &team_name, Duration::from_secs(countdown));
    Ok(Json(json!({"success": true})))
}

#[derive(Deserialize)]
pub(super) struct HistoryQuery {
    business_id: Option<String>,
    user_name: Option<String>,
    conversation_no: Option<String>,
    limit: Option<String>,
    response_type: Option<String>,
}

pub(super) async fn get_chat_history(
    State(simulator): State<Simulator>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<Value>, Refusal> {
    let (Some(business_id), Some(user_name), Some(conversation_no)) =
        (query.business_id, query.user_name, query.conversation_no)
    else {
        return Err(Refusal::bad("Argument group validation: no valid group."));
    };
    let business_id: u64 = business_id
        .parse()
        .map_err(|_| Refusal::bad("Invalid business_id"))?;
    let invalid = |_| Refusal::bad("Argument group validation: invalid group found.");
    let conversation_no: u64 = conversation_no.parse().map_err(invalid)?;
    let limit: Option<usize> = query
        .limit
        .map(|limit| limit.parse().map_err(invalid))
        .transpose()?;
    let as_text = match query.response_type.as_deref() {
        None | Some("json") => false,
        Some("text") => true,
        Some(_) => return Err(Refusal::bad("response_type must be json or text")),
    };
    simulator.read(|state| {
        let user = state
            .users
            .by_user_name(&user_name)
            .filter(|user| user.business_id == business_id && user.has_spoken)
            .ok_or_else(|| {
                Refusal::bad(
                    "Either the user has not sent a message yet, or the provided \
                     user_name-business_id pair is invalid.",
                )
            })?;
        let lines = user
            .history
            .iter()
            .filter(|line| line.conversation == conversation_no)
            .take(limit.unwrap_or(usize::MAX));
        let open = user.conversation.map(|conversation| conversation.number);
        let is_over = open != Some(conversation_no);
        let text = |line: &Line| text_of(&state.behaviour, line, is_over);
        if as_text {
            let text = lines.fold(String::new(), |mut all, line| {
                // Writing into a string does not fail.
                let _ = writeln!(all, "{}: {}", line.said.sender, text(line));
                all
            });
            return Ok(Json(json!({"chat_text": text})));
        }
        let lines: Vec<Value> = lines
            .map(|line| {
                json!({
                    "text": text(line),
                    "sender": line.said.sender,
                    "message_id": line.message_id,
                    "timestamp": line.at.strftime("%m/%d/%y %I:%M:%S %p UTC").to_string(),
                })
            })
            .collect();
        Ok(Json(json!({"chat_json": lines})))
    })
}

/// What a transcript has of a line.
fn text_of(behaviour: &Behaviour, line: &Line, is_over: bool) -> String {
    let said = &line.said;
    let text = match (behaviour.transcripts, &said.bots) {
        (Transcripts::Types, Some(kind)) => kind,
        (Transcripts::Types, None) | (Transcripts::Words, _) => &said.text,
    };
    // It is masked when the conversation is over.
    if behaviour.masking && is_over {
        masked(text)
    } else {
        text.clone()
    }
}

/// A field that must be there: a text, or a number as the documentation's samples have both.
fn given(fields: &Map<String, Value>, name: &str) -> Result<String, Refusal> {
    match fields.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(Value::Null | Value::String(_)) | None => {
            Err(Refusal::bad(format!("{name} missing in the request")))
        }
        Some(_) => Err(Refusal::bad(format!("invalid {name} provided"))),
    }
}

/// 5 to 10 seconds, 10 when it is not given.
fn countdown(fields: &Map<String, Value>) -> Result<u64, Refusal> {
    if matches!(fields.get("countdown"), None | Some(Value::Null)) {
        return Ok(10);
    }
    given(fields, "countdown")?
        .parse()
        .ok()
        .filter(|seconds| (5..=10).contains(seconds))
        .ok_or_else(|| Refusal::bad("countdown must be 5 to 10 seconds"))
}

fn knows_business(settings: &Settings, id: u64) -> bool {
    settings.business_id == id || settings.inactive_businesses.contains(&id)
}

fn check_team(settings: &Settings, name: &str) -> Result<(), Refusal> {
    let is = |team: &String| team == name;
    if settings.inactive_teams.iter().any(is) {
        return Err(Refusal::bad(format!("team \"{name}\" is inactive")));
    }
    if !settings.teams.is_empty() && !settings.teams.iter().any(is) {
        return Err(Refusal::bad("invalid team_name provided"));
    }
    Ok(())
}
