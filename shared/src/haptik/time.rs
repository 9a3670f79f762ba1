//! Times as Haptik writes them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

/// The time at `key`: an ISO 8601 text, which is in UTC where it has no offset, or the seconds,
/// milliseconds or microseconds since 1970 as a number or in a string. `None` for anything else.
pub(crate) fn timestamp(value: &Value, key: &str) -> Option<Timestamp> {
    match value.get(key)? {
        Value::String(text) => from_text(text.trim()),
        Value::Number(number) => from_epoch(number.as_f64()?),
        _ => None,
    }
}

fn from_text(text: &str) -> Option<Timestamp> {
    if let Ok(timestamp) = text.parse() {
        return Some(timestamp);
    }
    if let Ok(civil) = text.parse::<DateTime>() {
        return Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp());
    }
    // As transcripts have it: 06/22/20 07:24:25 AM UTC.
    if let Some(text) = text.strip_suffix(" UTC")
        && let Ok(civil) = DateTime::strptime("%m/%d/%y %I:%M:%S %p", text)
    {
        return Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp());
    }
    from_epoch(text.parse().ok()?)
}

fn from_epoch(number: f64) -> Option<Timestamp> {
    // In seconds, 1e11 is the year 5138; in milliseconds, 1e14 is.
    let micros = match number.abs() {
        seconds if seconds < 1e11 => number * 1e6,
        millis if millis < 1e14 => number * 1e3,
        micros if micros < 1e17 => number,
        _ => return None,
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "below 1e17, and the fraction of a microsecond is not needed"
    )]
    Timestamp::from_microsecond(micros.round() as i64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_way_to_write_a_time_is_read() {
        let expected: Timestamp = "2018-10-04T12:41:27.980Z".parse().expect("a time");
        for written in [
            json!("2018-10-04T12:41:27.980Z"),
            json!("2018-10-04T12:41:27.980000+00:00"),
            json!("2018-10-04T18:11:27.98+05:30"),
            json!("2018-10-04T12:41:27.980"),
            json!("2018-10-04 12:41:27.980"),
            json!(" 2018-10-04T12:41:27.980Z "),
            json!(1_538_656_887.98),
            json!(1_538_656_887_980_u64),
            json!(1_538_656_887_980_000_u64),
            json!("1538656887980"),
            json!("1538656887.98"),
        ] {
            assert_eq!(
                timestamp(&json!({"at": written}), "at"),
                Some(expected),
                "{written}"
            );
        }
        assert_eq!(
            timestamp(&json!({"at": 0}), "at"),
            Some(Timestamp::UNIX_EPOCH)
        );
        let of_a_transcript = json!({"at": "06/22/20 07:24:25 PM UTC"});
        assert_eq!(
            timestamp(&of_a_transcript, "at"),
            "2020-06-22T19:24:25Z".parse().ok()
        );
    }

    #[test]
    fn what_is_no_time_is_none() {
        for written in [
            json!(""),
            json!("soon"),
            json!("NaN"),
            json!("inf"),
            json!(1e300),
            json!(null),
            json!([]),
            json!(true),
            json!("2018-13-45"),
        ] {
            assert_eq!(timestamp(&json!({"at": written}), "at"), None, "{written}");
        }
        assert_eq!(timestamp(&json!({}), "at"), None);
    }
}
