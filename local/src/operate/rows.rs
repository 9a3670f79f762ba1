//! Entries as people read them: rows that fit 80 columns, below each day's date.

use std::fmt::Write as _;

use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Entry, State};
use jiff::civil::Date;

use super::clock::Clock;
use super::crashes;

/// How wide a terminal is at least.
const WIDTH: usize = 80;

/// How far the second line of a row is indented.
const INDENT: usize = 14;

/// The rows; with what was said, and what a provider said of it, where that is asked for.
pub(super) fn table(entries: &[Entry], bodies: bool, clock: &Clock) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut day: Option<Date> = None;
    for entry in entries {
        let (at, date) = (entry.received_at, clock.date(entry.received_at));
        if day != Some(date) {
            day = Some(date);
            writeln!(text, "{date} (times are {})", clock.zone(at))?;
        }
        let took = entry.ended_at.map_or_else(String::new, |ended| {
            let took = ended.duration_since(entry.received_at);
            format!("{:.2} s", took.as_secs_f64())
        });
        writeln!(
            text,
            "{}  {:<22} {:<11} {took:>9}  {}",
            clock.time(at),
            way(&entry.lane),
            state(entry.state),
            entry.correlation_id
        )?;
        for line in about(entry, bodies, clock) {
            writeln!(text, "{:INDENT$}{line}", "")?;
        }
        if bodies {
            writeln!(text, "{:INDENT$}{}", "", entry.payload.shown())?;
        }
    }
    Ok(text)
}

/// Which way an entry goes.
fn way(lane: &Lane) -> String {
    match lane {
        Lane::Haptik(_) => "user → Haptik".to_owned(),
        Lane::Channel(_) => "Haptik → user".to_owned(),
        Lane::Task(_) => "bridge → user".to_owned(),
        Lane::Sink { sink, .. } => format!("Haptik → {sink}"),
        Lane::NotUnderstood { edge } => edge.clone(),
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Pending => "… pending",
        State::Delivered => "✓ delivered",
        State::Dead => "✗ given up",
    }
}

/// Whose it is, how often it was tried, and why it ended as it did: lines that fit.
fn about(entry: &Entry, bodies: bool, clock: &Clock) -> Vec<String> {
    let mut parts = Vec::new();
    if let (Some(user), State::Dead) = (entry.lane.user(), entry.state) {
        parts.push(format!("user {user}"));
    }
    let counts = [
        (entry.attempts, "failed try", "failed tries"),
        (crashes(entry), "crash", "crashes"),
        (entry.overruns, "overrun", "overruns"),
    ];
    for (count, one, many) in counts {
        match count {
            0 => {}
            1 => parts.push(format!("1 {one}")),
            _ => parts.push(format!("{count} {many}")),
        }
    }
    if let Some(revived) = entry.revived_at {
        parts.push(format!("replayed at {}", clock.moment(revived)));
    }
    if let Some(why) = entry.why() {
        // Of what went well in the end, it is what went wrong before.
        let is_over = match entry.state {
            State::Pending => entry.revived_at.is_some() && entry.attempts == 0,
            State::Delivered => entry.attempts > 0 || entry.revived_at.is_some(),
            State::Dead => false,
        };
        let before = if is_over { "before: " } else { "" };
        parts.push(match why.detail {
            Some(_) if !bodies => format!("{before}{}; its own words: --bodies", why.reason),
            _ => format!("{before}{}", why.in_full()),
        });
    }
    wrapped(&parts.join(" · "), WIDTH - INDENT)
}

/// A text in lines of at most `width` characters, broken at spaces where there are any.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn a_text_is_broken_at_spaces_and_a_long_word_stays_whole() {
        assert_eq!(wrapped("", 10), [""; 0]);
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a aaaaaaaaaaaa b", 5), ["a", "aaaaaaaaaaaa", "b"]);
    }
}
