//! What a bot that lives elsewhere sends to hand its user over, and the transcript as an agent reads it.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::Value;

use super::Address;
use super::config::Transcript;
use super::read::{Object, body_of, describe, inbound};
use haptik_bridge_shared::ids::AuthIds;
use haptik_bridge_shared::message::{Inbound, UserAction, is_blank};

/// The most lines of a transcript.
const LINES_LIMIT: usize = 20_000;
/// The longest line, in bytes of UTF-8.
const LINE_LIMIT: usize = 100_000;
/// The longest reason, in bytes.
const MESSAGE_LIMIT: usize = 10_000;
/// The longest name of a team or a receiver, in bytes.
const TEAM_LIMIT: usize = 256;
/// The longest name of who said a line, in bytes.
const SENDER_LIMIT: usize = 256;
/// The longest message that a transcript is told in, in bytes. Haptik publishes no limit.
const PART_LIMIT: usize = 4_000;
/// How many of the last lines are told one by one; what was said before them is told in messages, or an
/// agent would wait for it, and scroll through it, for minutes.
const LINES_ONE_BY_ONE: usize = 200;

/// One line of a transcript.
struct Line {
    sender: String,
    text: String,
    at: Option<Timestamp>,
}

/// Reads a request that was verified: the hand-off's id, and what Haptik is to be told.
///
/// # Errors
/// What is wrong: the key, what was found there (never its value) and what is allowed.
pub(super) fn parse_handoff_request(
    body: &[u8],
    auth_ids: &AuthIds,
    style: Transcript,
) -> Result<(String, Inbound<Address>), String> {
    let map = body_of(body)?;
    let request = Object {
        path: "",
        map: &map,
    };
    let message = request.text("message", MESSAGE_LIMIT)?.map(str::trim);
    let message = message.filter(|message| !is_blank(message));
    let team_name = request.text("team_name", TEAM_LIMIT)?.map(str::trim);
    let team_name = team_name.filter(|name| !is_blank(name));
    let receiver = request.text("receiver", TEAM_LIMIT)?.map(str::trim);
    let receiver = receiver.filter(|name| !is_blank(name));
    let lines = transcript(&request)?;
    let mut says = match style {
        Transcript::Message => in_messages(&lines),
        Transcript::Lines => line_by_line(&lines),
    };
    says.extend(message.map(ToOwned::to_owned));
    if says.is_empty() {
        return Err(
            "message is missing or empty, and there is no transcript; needed: one of them, for \
             Haptik opens a chat with what is said"
                .to_owned(),
        );
    }
    let id = request.id("id")?;
    let action = UserAction::Handoff {
        id: id.clone(),
        says,
        team_name: team_name.map(ToOwned::to_owned),
        receiver: receiver.map(ToOwned::to_owned),
    };
    let mut inbound = inbound(&request, auth_ids, action)?;
    // A message may have the same id and time.
    inbound.key = inbound.key.then("handoff");
    Ok((id, inbound))
}

/// The lines of the transcript; those without a text are left out.
fn transcript(request: &Object<'_>) -> Result<Vec<Line>, String> {
    let lines = match request.get("transcript") {
        None => return Ok(Vec::new()),
        Some(Value::Array(lines)) if lines.len() <= LINES_LIMIT => lines,
        Some(found) => {
            let found = match found {
                Value::Array(lines) => format!("a list of {}", lines.len()),
                found => describe(found).to_owned(),
            };
            return Err(format!(
                "transcript is {found}; allowed: a list of at most {LINES_LIMIT} objects"
            ));
        }
    };
    let lines = lines.iter().enumerate().map(|(index, line)| {
        let Value::Object(map) = line else {
            return Err(format!(
                "transcript[{index}] is {}; allowed: an object with a sender and a text",
                describe(line)
            ));
        };
        let path = format!("transcript[{index}].");
        let line = Object { path: &path, map };
        Ok(Line {
            sender: line.filled("sender", SENDER_LIMIT)?.trim().to_owned(),
            text: line
                .text("text", LINE_LIMIT)?
                .unwrap_or_default()
                .trim()
                .to_owned(),
            at: match line.get("timestamp") {
                None => None,
                Some(_) => Some(line.timestamp("timestamp")?),
            },
        })
    });
    let lines: Vec<Line> = lines.collect::<Result<_, String>>()?;
    Ok(lines
        .into_iter()
        .filter(|line| !is_blank(&line.text))
        .collect())
}

/// The transcript as few messages, each of whole lines where they fit.
fn in_messages(lines: &[Line]) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for line in lines {
        for piece in pieces(&written(line)) {
            match parts.last_mut() {
                Some(part) if part.len() + 1 + piece.len() <= PART_LIMIT => {
                    part.push('\n');
                    part.push_str(piece);
                }
                _ => parts.push(piece.to_owned()),
            }
        }
    }
    let count = parts.len();
    let titled = parts.into_iter().enumerate().map(|(index, part)| {
        let number = if count > 1 {
            format!(" ({} of {count})", index + 1)
        } else {
            String::new()
        };
        format!("What was said before{number}:\n{part}")
    });
    titled.collect()
}

/// The transcript line by line, what is older in messages.
fn line_by_line(lines: &[Line]) -> Vec<String> {
    let (older, last) = lines.split_at(lines.len().saturating_sub(LINES_ONE_BY_ONE));
    let mut parts = in_messages(older);
    for line in last {
        parts.extend(pieces(&written(line)).map(ToOwned::to_owned));
    }
    parts
}

/// A line as an agent reads it.
fn written(line: &Line) -> String {
    let mut written = String::new();
    if let Some(at) = line.at {
        // Writing into a string does not fail.
        let _ = write!(written, "{} ", at.strftime("%Y-%m-%d %H:%M"));
    }
    written.push_str(&line.sender);
    written.push_str(": ");
    written.push_str(&line.text);
    written
}

/// A text in pieces that each fit into a message.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.floor_char_boundary(PART_LIMIT.min(rest.len()));
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece).filter(|piece| !piece.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use haptik_bridge_shared::ids::AuthIdSource;
    use serde_json::json;

    fn says(body: &Value, style: Transcript) -> Result<Vec<String>, String> {
        let auth_ids = AuthIds::new("my-app".into(), AuthIdSource::Derived);
        let (_, inbound) = parse_handoff_request(body.to_string().as_bytes(), &auth_ids, style)?;
        match inbound.action {
            UserAction::Handoff { says, .. } => Ok(says),
            action => panic!("{action:?}"),
        }
    }

    fn body(transcript: &Value) -> Value {
        json!({"id": "h-1", "timestamp": "2026-11-22T10:00:00Z", "user": {"id": "u-42"},
               "message": "wants a refund", "transcript": transcript})
    }

    #[test]
    fn a_transcript_is_one_message_and_the_reason_the_next() {
        let body = body(&json!([
            {"sender": "user", "text": "hello", "timestamp": "2026-11-22T09:59:00Z"},
            {"sender": "bot", "text": ""},
            {"sender": "bot", "text": "Hi!"},
        ]));
        let said = "What was said before:\n2026-11-22 09:59 user: hello\nbot: Hi!";
        assert_eq!(
            says(&body, Transcript::Message),
            Ok(vec![said.to_owned(), "wants a refund".to_owned()])
        );
        let lines = ["2026-11-22 09:59 user: hello", "bot: Hi!", "wants a refund"];
        assert_eq!(
            says(&body, Transcript::Lines),
            Ok(lines.map(ToOwned::to_owned).to_vec())
        );
    }

    #[test]
    fn a_long_transcript_is_split_at_line_ends_and_loses_nothing() {
        let lines: Vec<Value> = (0..10_000)
            .map(|index| json!({"sender": "user", "text": format!("line {index} ü")}))
            .collect();
        let said = says(&body(&json!(lines)), Transcript::Message).expect("good");
        assert!(said.len() > 40 && said.iter().all(|part| part.len() <= PART_LIMIT + 50));
        assert!(
            said[1].starts_with("What was said before (2 of "),
            "{}",
            said[1]
        );
        let all: Vec<&str> = said
            .iter()
            .flat_map(|part| part.lines())
            .filter(|line| line.starts_with("user: line"))
            .collect();
        assert_eq!(all.len(), 10_000);
        assert_eq!(all[9_999], "user: line 9999 ü");
        let said = says(&body(&json!(lines)), Transcript::Lines).expect("good");
        assert_eq!(said[said.len() - 2], "user: line 9999 ü");
        assert_eq!(
            said.iter()
                .filter(|part| part.starts_with("user: "))
                .count(),
            LINES_ONE_BY_ONE
        );
        let long = json!([{"sender": "bot", "text": "ü".repeat(10_000)}]);
        let said = says(&body(&long), Transcript::Lines).expect("good");
        assert_eq!(said.concat().matches('ü').count(), 10_000);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let with = |key: &str, value: Value| {
            let mut body = body(&json!([]));
            body[key] = value;
            says(&body, Transcript::Message).expect_err("bad")
        };
        for (key, value, named) in [
            ("id", json!(""), "id is"),
            ("timestamp", json!("now"), "timestamp is"),
            ("user", json!({}), "user.id is missing"),
            (
                "user",
                json!({"id": 1, "custom_data": {"plan": {}}}),
                "user.custom_data.plan is an object",
            ),
            ("message", json!(null), "message is missing or empty"),
            ("team_name", json!(5), "team_name is a number"),
            ("receiver", json!(5), "receiver is a number"),
            ("transcript", json!("hi"), "transcript is a string"),
            ("transcript", json!(["hi"]), "transcript[0] is a string"),
            (
                "transcript",
                json!([{"text": "hi"}]),
                "transcript[0].sender is missing",
            ),
            (
                "transcript",
                json!([{"sender": "a", "text": 1}]),
                "transcript[0].text is a number",
            ),
            (
                "transcript",
                json!([{"sender": "a", "text": "b", "timestamp": 1}]),
                "transcript[0].timestamp is a number",
            ),
        ] {
            let error = with(key, value);
            assert!(error.starts_with(named), "{error}");
        }
    }
}
