//! Times and lengths of time, as the command line takes them.

use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};

/// A time from `--since` until `--until`.
pub(super) fn time_range(since: &str, until: &str) -> anyhow::Result<(Timestamp, Timestamp)> {
    let (from, to) = (moment(since)?, moment(until)?);
    if from > to {
        bail!("--since {since} is later than --until {until}: nothing lies between them");
    }
    Ok((from, to))
}

/// A length of time, as 90s, 10m or 2h.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let seconds = seconds(text, &[("s", 1), ("m", 60), ("h", 3_600)]);
    let seconds = seconds.ok_or("it is no time; allowed: a number with s, m or h, as 10m")?;
    Ok(Duration::from_secs(seconds))
}

/// A time, as `2026-11-23T10:00:00Z` or as an age: `90m`, `36h`, `2d`.
pub(crate) fn moment(text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let seconds = seconds(text, &[("m", 60), ("h", 3_600), ("d", 86_400)]);
    let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok());
    let seconds = seconds.with_context(|| {
        format!(
            "{text:?} is no time: expected one as 2026-11-23T10:00:00Z, or an age as 90m, 36h or 2d"
        )
    })?;
    Ok(Timestamp::now().checked_sub(SignedDuration::from_secs(seconds))?)
}

/// The seconds of a count with one of these units behind it, each with its seconds.
fn seconds(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (count, unit) = text.split_at_checked(text.len().saturating_sub(1))?;
    let (_, each) = units.iter().find(|(name, _)| *name == unit)?;
    count.parse::<u64>().ok()?.checked_mul(*each)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_time_or_an_age() {
        assert_eq!(
            moment("2026-11-23T10:00:00Z").expect("a time").as_second(),
            1_795_428_000
        );
        let age = Timestamp::now().duration_since(moment("36h").expect("an age"));
        assert_eq!((age + SignedDuration::from_secs(30)).as_hours(), 36);
        for odd in ["", "h", "x", "-1h", "1ü", "9999999999999d", "tomorrow"] {
            assert!(moment(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_time_range_that_ends_before_it_begins_is_an_error() {
        assert!(time_range("2h", "1h").is_ok());
        let error = time_range("1h", "2h").expect_err("the wrong way round");
        assert!(error.to_string().contains("--since 1h is later"), "{error}");
    }
}
