//! Receipts: one for each message that has ended, which says what the channel reported.

use std::collections::{BTreeMap, BTreeSet};

use super::report::Counts;
use crate::app::Callback;
use crate::provider::{Report as Said, Reports};

/// Compares the messages that have ended with their receipts: one for each, and none for another.
pub(crate) fn receipts(ended: &BTreeSet<String>, got: &[Callback]) -> Counts {
    let mut receipts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for callback in got {
        if let Some(message) = correlation_id(callback) {
            receipts.entry(message).or_default().insert(&callback.id);
        }
    }
    let expected = |message: &str| u64::from(ended.contains(message));
    let told = |message: &String| receipts.contains_key(message.as_str());
    Counts {
        messages: ended.len() as u64,
        lost: ended.iter().filter(|message| !told(message)).count() as u64,
        doubled: receipts
            .iter()
            .map(|(message, ids)| (ids.len() as u64).saturating_sub(expected(message)))
            .sum(),
        ..Counts::default()
    }
}

/// The receipts that say something else than what the channel reported of the messages that they are of: one that the
/// bridge took counts, and one that it did not may.
pub(crate) fn contradicted(reports: &Reports, got: &[Callback]) -> Vec<String> {
    let mut contradicted = Vec::new();
    for callback in got {
        let Some(message) = correlation_id(callback) else {
            continue;
        };
        let data = &callback.body["data"]["data"];
        let ids = data["sent_as"].as_array().into_iter().flatten();
        let of: Vec<Option<Said>> = ids
            .map(|id| reports.of.get(id.as_str().unwrap_or_default()).copied())
            .collect();
        if data["direction"] != "to_channel" || of.is_empty() {
            continue;
        }
        let any = |is: fn(&Said) -> bool| of.iter().flatten().any(is);
        let is_known = of
            .iter()
            .all(|report| report.is_some_and(|report| report.taken));
        let has_failed = callback.body["type"] == "message_failed";
        let is_confirmed = data["confirmed"] == true;
        let is_right = match (has_failed, is_confirmed) {
            (true, true) => any(|report| report.failed),
            (false, true) => !any(|report| report.failed),
            (false, false) => !is_known && !any(|report| report.failed && report.taken),
            (true, false) => false,
        };
        if !is_right {
            contradicted.push(format!("{message}: {data} after {of:?}"));
        }
    }
    contradicted
}

/// Of which message a receipt is; `None` of another event.
pub(super) fn correlation_id(callback: &Callback) -> Option<&str> {
    let name = callback.body["type"].as_str()?;
    let is_receipt = matches!(name, "message_delivered" | "message_failed");
    let id = callback.body.pointer("/data/data/correlation_id");
    id.filter(|_| is_receipt)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checker_sees_receipts_that_contradict_what_was_reported() {
        let report = |failed, taken| Said { failed, taken };
        let of = [("good", report(false, true)), ("bad", report(true, true))];
        let unheard = [("unheard", report(true, false))];
        let of = of.into_iter().chain(unheard);
        let reports = Reports {
            under_way: 0,
            of: of.map(|(id, report)| (id.to_owned(), report)).collect(),
        };
        let told = |kind: &str, sent_as: &[&str], confirmed: bool| Callback {
            id: "1".to_owned(),
            body: serde_json::json!({"type": kind, "data": {"data": {
                "correlation_id": "a", "direction": "to_channel", "sent_as": sent_as, "confirmed": confirmed,
            }}}),
        };
        let (delivered, failed) = ("message_delivered", "message_failed");
        for right in [
            told(delivered, &["good"], true),
            told(failed, &["good", "bad"], true),
            told(failed, &["unheard"], true),
            told(delivered, &["good", "unheard"], false),
        ] {
            assert_eq!(contradicted(&reports, &[right]), Vec::<String>::new());
        }
        for wrong in [
            told(delivered, &["good", "bad"], true),
            told(delivered, &["bad"], false),
            told(delivered, &["good"], false),
            told(delivered, &["unheard"], true),
            told(failed, &["good"], true),
        ] {
            assert_eq!(contradicted(&reports, &[wrong]).len(), 1);
        }
    }

    #[test]
    fn the_checker_sees_receipts_that_are_missing_doubled_and_of_nothing() {
        let callback = |id: &str, message: &str| Callback {
            id: id.to_owned(),
            body: serde_json::json!({
                "type": "message_delivered", "data": {"data": {"correlation_id": message}},
            }),
        };
        let ended = ["a", "b"].map(ToOwned::to_owned).into();
        let good = receipts(
            &ended,
            &[callback("1", "a"), callback("2", "b"), callback("2", "b")],
        );
        assert_eq!((good.lost, good.doubled), (0, 0));
        let got = [
            callback("1", "a"),
            callback("2", "a"),
            callback("3", "pending"),
        ];
        let bad = receipts(&ended, &got);
        assert_eq!((bad.lost, bad.doubled), (1, 2));
    }
}
