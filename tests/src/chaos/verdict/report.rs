//! What came of a run, in numbers and as a table.

use std::fmt;
use std::time::Duration;

use crate::chaos::world::{Dependency, Fault, Tally};

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// How many steps the bridge made: calls to its dependencies and rings.
    pub steps: u64,
    /// What went wrong.
    pub faults: Tally,
    /// What the users wrote, and what of it Haptik was told.
    pub to_haptik: Counts,
    /// What Haptik delivered, and what of it the channel shows.
    pub to_channel: Counts,
    /// What Haptik delivered, and what of it the sink got.
    pub to_sink: Counts,
    /// Messages that have ended, and the receipts of them that the sink got.
    pub receipts: Counts,
    /// Receipts that say something else than what the channel reported.
    pub contradicted: Vec<String>,
    /// Entries that are still pending, with the reason of the last failure.
    pub pending: Vec<String>,
    /// Entries that were given up, with the reason.
    pub dead: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

/// One direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// What there was to arrive.
    pub messages: u64,
    /// What did not arrive.
    pub lost: u64,
    /// What arrived more than once, copies counted.
    pub doubled: u64,
    /// What arrived after something that came after it, although it was durable in time.
    pub reordered: u64,
    /// What arrived after something that came after it, because it was durable only once the reorder
    /// window of the other was over.
    pub late: u64,
}

/// How many entries are listed of those that are pending or dead.
const LISTED: usize = 20;

impl Report {
    /// Nothing was lost or changed places, and nothing was doubled where that can be told.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let [haptik, channel, sink] = [self.to_haptik, self.to_channel, self.to_sink];
        let kept = [haptik, channel, sink, self.receipts]
            .iter()
            .all(|counts| counts.lost == 0 && counts.reordered == 0);
        kept && channel.doubled == 0
            && sink.doubled == 0
            && self.receipts.doubled == 0
            && self.contradicted.is_empty()
            && self.pending.is_empty()
            && self.dead.is_empty()
    }

    /// As [`Report::is_good`], in a channel that may show a message twice: its provider knows no repeats.
    #[must_use]
    pub fn is_good_but_for_repeats(&self) -> bool {
        let to_channel = Counts {
            doubled: 0,
            ..self.to_channel
        };
        let report = Self {
            to_channel,
            ..self.clone()
        };
        report.is_good()
    }

    /// How often the process was killed.
    #[must_use]
    pub fn kills(&self) -> u64 {
        let kills = self
            .faults
            .iter()
            .filter(|((_, fault), _)| matches!(fault, Fault::KilledBefore | Fault::KilledAfter));
        kills.map(|(_, times)| times).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "seed {}, {} steps, {} kills, {:.1} s\n",
            self.seed,
            self.steps,
            self.kills(),
            self.took.as_secs_f64()
        )?;
        write!(formatter, "{:10}", "faults")?;
        for fault in Fault::ALL {
            write!(formatter, " {fault:>13}")?;
        }
        writeln!(formatter)?;
        for place in [
            Dependency::DynamoDb,
            Dependency::Queue,
            Dependency::Haptik,
            Dependency::Channel,
            Dependency::Sink,
        ] {
            write!(formatter, "{place:10}")?;
            for fault in Fault::ALL {
                let times = self.faults.get(&(place, fault)).copied().unwrap_or(0);
                write!(formatter, " {times:>13}")?;
            }
            writeln!(formatter)?;
        }
        writeln!(
            formatter,
            "\n{:10} {:>13} {:>13} {:>13} {:>13} {:>13}",
            "direction", "messages", "lost", "doubled", "reordered", "late"
        )?;
        for (name, counts) in [
            ("to Haptik", self.to_haptik),
            ("to channel", self.to_channel),
            ("to sink", self.to_sink),
            ("receipts", self.receipts),
        ] {
            writeln!(
                formatter,
                "{name:10} {:>13} {:>13} {:>13} {:>13} {:>13}",
                counts.messages, counts.lost, counts.doubled, counts.reordered, counts.late
            )?;
        }
        for (what, entries) in [
            ("contradicted", &self.contradicted),
            ("pending", &self.pending),
            ("dead", &self.dead),
        ] {
            for entry in entries.iter().take(LISTED) {
                writeln!(formatter, "{what}: {entry}")?;
            }
            if entries.len() > LISTED {
                writeln!(formatter, "{what}: {} more", entries.len() - LISTED)?;
            }
        }
        Ok(())
    }
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            messages: self.messages + other.messages,
            lost: self.lost + other.lost,
            doubled: self.doubled + other.doubled,
            reordered: self.reordered + other.reordered,
            late: self.late + other.late,
        }
    }
}
