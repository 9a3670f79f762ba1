//! Times as people read them: in the zone of whoever looks, with its offset, or in UTC. JSON has UTC.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// In which zone times are printed.
#[derive(Debug, clap::Args)]
pub(crate) struct ClockArguments {
    /// Print times in UTC, and not in the zone of this machine or of `TZ`.
    #[arg(long)]
    utc: bool,
}

/// What times are printed by.
#[derive(Debug, Clone)]
pub(crate) struct Clock(TimeZone);

impl ClockArguments {
    /// The clock that is asked for. A zone that `TZ` names, and that this machine does not know, is said, and is UTC; so
    /// is the zone of a machine that has none.
    pub(crate) fn clock(&self) -> Clock {
        if self.utc {
            return Clock(TimeZone::UTC);
        }
        let zone = TimeZone::try_system().unwrap_or_else(|_| {
            if let Some(zone) = crate::variable("TZ").filter(|zone| !zone.is_empty()) {
                eprintln!("haptik-bridge: this machine knows no zone {zone:?} (TZ): times are UTC");
            }
            TimeZone::UTC
        });
        Clock(zone)
    }
}

impl Clock {
    /// A time to the second with its offset, which `--since` takes too: `2026-11-23T15:30:00+05:30`.
    pub(crate) fn moment(&self, at: Timestamp) -> String {
        let at = at.to_zoned(self.0.clone());
        let offset = self.offset(at.timestamp());
        format!("{}{offset}", at.strftime("%Y-%m-%dT%H:%M:%S"))
    }

    /// The date.
    pub(super) fn date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.0.clone()).date()
    }

    /// The time of day to the millisecond.
    pub(super) fn time(&self, at: Timestamp) -> String {
        let at = at.to_zoned(self.0.clone());
        at.strftime("%H:%M:%S%.3f").to_string()
    }

    /// How far it is ahead of UTC at a time: `+05:30`; `Z` for UTC.
    fn offset(&self, at: Timestamp) -> String {
        let at = at.to_zoned(self.0.clone());
        match at.offset().seconds() {
            0 => "Z".to_owned(),
            _ => at.strftime("%:z").to_string(),
        }
    }

    /// What a heading says of the times below it: `UTC`, or `UTC+05:30`.
    pub(super) fn zone(&self, at: Timestamp) -> String {
        match self.offset(at).as_str() {
            "Z" => "UTC".to_owned(),
            offset => format!("UTC{offset}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::Offset;

    use super::*;

    #[test]
    fn a_time_has_its_offset_and_is_the_same_time_when_it_is_read_again() {
        let at: Timestamp = "2026-11-23T21:30:00Z".parse().expect("a time");
        for (seconds, moment, zone) in [
            (0, "2026-11-23T21:30:00Z", "UTC"),
            (19_800, "2026-11-24T03:00:00+05:30", "UTC+05:30"),
            (-12_600, "2026-11-23T18:00:00-03:30", "UTC-03:30"),
        ] {
            let offset = Offset::from_seconds(seconds).expect("in range");
            let clock = Clock(TimeZone::fixed(offset));
            assert_eq!(clock.moment(at), moment);
            assert_eq!(clock.zone(at), zone);
            assert_eq!(crate::operate::moment(moment).expect("a time"), at);
        }
        let utc = ClockArguments { utc: true }.clock();
        assert_eq!(utc.time(at), "21:30:00.000");
    }
}
