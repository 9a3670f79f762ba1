//! Slack's timestamps: seconds and microseconds with a point between, which also name messages.

use jiff::Timestamp;

use haptik_bridge_shared::ids::EntryKey;
use haptik_bridge_shared::key::KeyKind;

/// A Slack timestamp, read exactly: a floating-point number would lose the last digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ts {
    micros: i64,
}

impl Ts {
    /// Reads `1700000000.000100`; `None` when it is no such time.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if seconds.is_empty() || !digits(seconds) || !digits(fraction) {
            return None;
        }
        let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
        let micros = seconds
            .parse::<i64>()
            .ok()?
            .checked_mul(1_000_000)?
            .checked_add(micros)?;
        Timestamp::from_microsecond(micros).ok()?;
        Some(Self { micros })
    }

    /// A moment as one of Slack's.
    pub(super) fn of(time: Timestamp) -> Self {
        Self {
            micros: time.as_microsecond(),
        }
    }

    /// The moment.
    pub(super) fn at(self) -> Timestamp {
        Timestamp::from_microsecond(self.micros).unwrap_or_default()
    }

    /// The place of what happened then, in this conversation: sorts by time.
    pub(super) fn key(self, channel: &str) -> EntryKey {
        KeyKind::act(self.at(), channel).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_read_to_the_last_digit() {
        let key = |text: &str| Ts::read(text).expect("a time").key("C1").to_string();
        assert_eq!(key("1700000000.000100"), "00001700000000000100#C1");
        assert_eq!(key("1531420618.999999"), "00001531420618999999#C1");
        assert_eq!(key("1700000000.1"), key("1700000000.100000"));
        assert_eq!(key("1700000000"), key("1700000000.000000"));
        assert_eq!(
            Ts::read("1700000000.000100")
                .expect("a time")
                .at()
                .to_string(),
            "2023-11-14T22:13:20.0001Z"
        );
    }

    #[test]
    fn rejects_a_malformed_ts() {
        for text in [
            "",
            ".",
            ".1",
            "-1.0",
            "1e9",
            "1.2.3",
            "now",
            "99999999999999999999",
            "9223372036854775",
        ] {
            assert_eq!(Ts::read(text), None, "{text}");
        }
    }
}
