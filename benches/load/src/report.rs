//! What came of a run: as a table, as JSON, and two builds side by side.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// What came of one run. All that is counted is of the time that is measured, after each user's first message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The program that was measured.
    pub bridge: String,
    /// What it says of itself.
    pub version: String,
    /// Its size.
    pub bytes: u64,
    /// How many processors the machine has.
    pub processors: usize,
    /// Their name.
    pub processor: String,
    /// The version of the kernel.
    pub kernel: String,
    /// When the run began, by the clock.
    pub began: String,
    /// How many users wrote.
    pub users: usize,
    /// How many messages each of them wrote before it waited for the answers.
    pub burst: u32,
    /// How long it waited then.
    pub pause_ms: u64,
    /// How many delivered entries were in the ledger before.
    pub history: u64,
    /// How long it took until the last answer.
    pub seconds: f64,
    /// How many messages arrived, in both directions.
    pub messages: u64,
    /// The same by the second.
    pub messages_per_second: f64,
    /// The same of the first tenth of the messages. Users who begin together get their answers together, so only in a
    /// run of many messages of each it says something beside the last.
    pub first_tenth_per_second: f64,
    /// The same of the last tenth of the messages.
    pub last_tenth_per_second: f64,
    /// Processor time of the bridge for one message.
    pub processor_ms: f64,
    /// The part of it that the kernel took.
    pub kernel_ms: f64,
    /// Processor time of the users and the fakes for one message, on the same machine.
    pub rig_ms: f64,
    /// The bridge's memory when the measuring began, in bytes.
    pub memory_before: u64,
    /// When it ended.
    pub memory_after: u64,
    /// At most, also before.
    pub memory_most: u64,
    /// By how many bytes the data directory grew for one message.
    pub disk_per_message: f64,
    /// How long what took.
    pub latency: BTreeMap<String, Latency>,
    /// Calls of AWS for one message, by kind; empty for a build that does not count them.
    pub calls: BTreeMap<String, f64>,
    /// Messages that did not arrive.
    pub lost: u64,
    /// Messages that arrived again.
    pub doubled: u64,
    /// Messages that arrived after a later one.
    pub reordered: u64,
    /// Requests that the bridge did not take, and that were repeated.
    pub refused: u64,
}

/// Times, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of them are not longer.
    pub p50: f64,
    /// 99 of a hundred are not longer.
    pub p99: f64,
    /// The longest.
    pub most: f64,
}

impl Latency {
    /// Of times in microseconds; nothing of none.
    pub(crate) fn of(times: impl Iterator<Item = u32>) -> Self {
        let mut times = times.map(f64::from).collect::<Vec<_>>();
        times.sort_by(f64::total_cmp);
        let at = |hundredths: usize| {
            let place = (times.len() * hundredths).div_ceil(100).max(1) - 1;
            times.get(place).copied().unwrap_or_default() / 1_000.0
        };
        Self {
            p50: at(50),
            p99: at(99),
            most: at(100),
        }
    }
}

impl Report {
    /// Whether each message arrived once, in order.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.messages > 0 && self.lost == 0 && self.doubled == 0 && self.reordered == 0
    }
}

/// One of a report's figures.
pub(crate) type Figure = fn(&Report) -> f64;

/// One report as a table.
#[must_use]
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    for (name, value) in rows(report) {
        let _ = writeln!(text, "{name:<44} {value:>20}");
    }
    text
}

/// Two builds, each by the medians of its runs: the second against the first.
#[must_use]
pub fn comparison(first: &[Report], second: &[Report]) -> String {
    let mut text = format!(
        "{:<44} {:>14} {:>14} {:>8}\n",
        "", "first", "second", "ratio"
    );
    let figures: [(&str, Figure); 8] = [
        ("messages a second", |report| report.messages_per_second),
        ("processor time a message, ms", |report| report.processor_ms),
        ("of it in the kernel, ms", |report| report.kernel_ms),
        ("memory at most, MB", |report| megabytes(report.memory_most)),
        ("disk a message, bytes", |report| report.disk_per_message),
        ("there and back, p50, ms", |report| {
            there_and_back(report).p50
        }),
        ("there and back, p99, ms", |report| {
            there_and_back(report).p99
        }),
        ("lost, doubled or reordered", |report| {
            [report.lost, report.doubled, report.reordered]
                .map(number)
                .iter()
                .sum()
        }),
    ];
    for (name, of) in figures {
        let (first, second) = (median(first, of), median(second, of));
        let ratio = if first == 0.0 { 1.0 } else { second / first };
        let _ = writeln!(text, "{name:<44} {first:>14.2} {second:>14.2} {ratio:>8.2}");
    }
    text
}

/// The middle one of the runs' figures.
pub(crate) fn median(reports: &[Report], of: impl Fn(&Report) -> f64) -> f64 {
    let mut figures = reports.iter().map(of).collect::<Vec<_>>();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// What a time is called that a message and its answer take together.
pub(crate) const THERE_AND_BACK: &str = "there and back";

fn there_and_back(report: &Report) -> Latency {
    report
        .latency
        .get(THERE_AND_BACK)
        .copied()
        .unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}

fn megabytes(bytes: u64) -> f64 {
    number(bytes) / 1e6
}

fn rows(report: &Report) -> Vec<(String, String)> {
    let Report { users, burst, .. } = report;
    let mut rows = vec![
        ("bridge".to_owned(), report.version.clone()),
        (
            "users, messages at once of each".to_owned(),
            format!("{users}, {burst}"),
        ),
        (
            "entries in the ledger before".to_owned(),
            report.history.to_string(),
        ),
        (
            "messages, seconds".to_owned(),
            format!("{}, {:.1}", report.messages, report.seconds),
        ),
        (
            "messages a second".to_owned(),
            format!("{:.0}", report.messages_per_second),
        ),
        (
            "  the first tenth, the last".to_owned(),
            format!(
                "{:.0}, {:.0}",
                report.first_tenth_per_second, report.last_tenth_per_second
            ),
        ),
        (
            "processor time a message, ms".to_owned(),
            format!("{:.2}", report.processor_ms),
        ),
        (
            "  of it in the kernel".to_owned(),
            format!("{:.2}", report.kernel_ms),
        ),
        (
            "  the rig's own, beside it".to_owned(),
            format!("{:.2}", report.rig_ms),
        ),
        (
            "memory before, after, at most, MB".to_owned(),
            [
                report.memory_before,
                report.memory_after,
                report.memory_most,
            ]
            .map(|bytes| format!("{:.0}", megabytes(bytes)))
            .join(", "),
        ),
        (
            "disk a message, bytes".to_owned(),
            format!("{:.0}", report.disk_per_message),
        ),
    ];
    for (name, Latency { p50, p99, most }) in &report.latency {
        let name = format!("{name}: p50, p99, most, ms");
        rows.push((name, format!("{p50:.1}, {p99:.1}, {most:.1}")));
    }
    if report.calls.is_empty() {
        rows.push((
            "calls of AWS a message".to_owned(),
            "not counted".to_owned(),
        ));
    }
    for (call, count) in &report.calls {
        rows.push((
            format!("calls of AWS a message: {call}"),
            format!("{count:.2}"),
        ));
    }
    let Report {
        lost,
        doubled,
        reordered,
        refused,
        ..
    } = report;
    rows.push((
        "lost, doubled, reordered".to_owned(),
        format!("{lost}, {doubled}, {reordered}"),
    ));
    rows.push((
        "requests that were not taken at first".to_owned(),
        refused.to_string(),
    ));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_the_ones_at_their_ranks() {
        let latency = Latency::of((1..=200).rev().map(|number| number * 1_000));
        assert_eq!(
            (latency.p50, latency.p99, latency.most),
            (100.0, 198.0, 200.0)
        );
        let one = Latency::of([1_500].into_iter());
        assert_eq!((one.p50, one.p99, one.most), (1.5, 1.5, 1.5));
        assert_eq!(Latency::of(std::iter::empty()), Latency::default());
    }

    #[test]
    fn builds_are_compared_by_their_medians() {
        let of = |processor_ms| Report {
            processor_ms,
            ..Report::default()
        };
        let shown = comparison(&[of(9.0), of(2.0), of(1.0)], &[of(1.0), of(0.5), of(3.0)]);
        let line = shown.lines().find(|line| line.starts_with("processor"));
        let words = line.unwrap_or_default().split_whitespace().rev().take(3);
        assert_eq!(words.collect::<Vec<_>>(), ["0.50", "1.00", "2.00"]);
    }
}
