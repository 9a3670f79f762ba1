//! The channels side by side, for whoever has to choose one: `docs/channels.md` is what this prints.
//!
//! Most of it follows from the [capabilities](crate::capability) and the [limits](crate::limits). What does
//! not is a channel's [`Facts`].

use std::fmt::Write as _;
use std::time::Duration;

use crate::capability::Feature;
use crate::facts::Facts;
use crate::limits::{Buttons, Cards, Counted, Forms, Limits, Pace, Pictures};
use crate::registry::Registered;
use crate::size::{Size, Unit};

/// The tables in Markdown, with their headings.
#[must_use]
pub fn markdown(channels: &[Registered]) -> String {
    let tables = [at_a_glance(channels), shown(channels), taken(channels)];
    tables.join("\n")
}

fn at_a_glance(channels: &[Registered]) -> String {
    let mut table = String::from(
        "## At a glance\n\n\
         | channel | where people speak with the bot | Haptik has it of its own | shown twice | setting it up |\n\
         |---|---|---|---|---|\n",
    );
    for Registered { facts, .. } in channels {
        let Facts {
            title,
            page,
            places,
            at_haptik,
            repeats,
            setup,
            erasure: _,
        } = facts;
        let repeats = repeats.written();
        // Writing to a string does not fail.
        let _ = writeln!(
            table,
            "| [{title}]({page}) | {places} | {at_haptik} | {repeats} | {setup} |"
        );
    }
    table
}

fn shown(channels: &[Registered]) -> String {
    let mut table = format!("## What each shows\n\n{}", head("Haptik sends", channels));
    for feature in Feature::ALL {
        let cells = channels.iter();
        let cells = cells.map(|channel| (channel.capabilities)(feature).support.to_string());
        table.push_str(&row(&feature.to_string(), cells));
    }
    table
}

fn taken(channels: &[Registered]) -> String {
    type Cell = fn(&Limits) -> String;
    let rows: [(&str, Cell); 8] = [
        ("a text", text),
        ("buttons", |limits| buttons(limits.buttons.as_ref())),
        ("cards side by side", |limits| cards(limits.cards.as_ref())),
        ("pictures", |limits| pictures(&limits.pictures)),
        ("forms", |limits| forms(&limits.forms)),
        ("the agent's name", |limits| match limits.agent_identity {
            Some(size) => format!("as the sender, {}", length(size)),
            None => "in the text".to_owned(),
        }),
        ("messages of one conversation", |limits| pace(limits.pace)),
        ("answers are taken", |limits| match limits.reply_window {
            Some(window) => format!("for {}", time(window)),
            None => "always".to_owned(),
        }),
    ];
    let mut table = format!("## What each takes\n\n{}", head("", channels));
    for (name, cell) in rows {
        let cells = channels.iter().map(|channel| match channel.limits {
            Some(limits) => cell(limits),
            None => "–".to_owned(),
        });
        table.push_str(&row(name, cells));
    }
    table
}

fn head(first: &str, channels: &[Registered]) -> String {
    let titles = channels
        .iter()
        .map(|channel| channel.facts.title.to_owned());
    format!(
        "{}{}\n",
        row(first, titles),
        "|---".repeat(channels.len() + 1) + "|"
    )
}

fn row(name: &str, cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.collect();
    format!("| {name} | {} |\n", cells.join(" | "))
}

fn text(limits: &Limits) -> String {
    let counted = match limits.counted {
        Counted::AsSent => "",
        Counted::AsShown => ", markup not counted",
    };
    format!("{}{counted}", length(limits.text))
}

fn buttons(buttons: Option<&Buttons>) -> String {
    match buttons {
        Some(buttons) => format!("{}, labels of {}", buttons.most, length(buttons.label)),
        None => "none; numbered lines".to_owned(),
    }
}

fn cards(cards: Option<&Cards>) -> String {
    match cards {
        Some(cards) if cards.most > 1 => cards.most.to_string(),
        Some(_) | None => "below each other".to_owned(),
    }
}

fn pictures(pictures: &Pictures) -> String {
    match pictures {
        Pictures::Inline { .. } => "in the message".to_owned(),
        Pictures::ByUrl { max_bytes, .. } => {
            format!("a message, up to {} MB", max_bytes / (1 << 20))
        }
        Pictures::LinkOnly => "a link".to_owned(),
    }
}

fn forms(forms: &Forms) -> String {
    match forms {
        Forms::Modal { .. } => "in a window",
        Forms::Inline { .. } => "in the message",
        Forms::Chat => "asked one by one in the chat",
    }
    .to_owned()
}

fn pace(pace: Pace) -> String {
    let one = match pace.per_conversation {
        Some(between) if pace.learn_bursts => format!("one in {}, bursts pass", time(between)),
        Some(between) => format!("one in {}", time(between)),
        None => "as many as the provider takes".to_owned(),
    };
    match pace.per_group {
        Some(rate) => format!(
            "{one}; where several people are {} in {}",
            rate.messages,
            time(rate.per)
        ),
        None => one,
    }
}

fn length(size: Size) -> String {
    let unit = match size.unit {
        Unit::Chars => "characters",
        Unit::Utf16 => "UTF-16 units",
        Unit::Bytes => "bytes",
        Unit::Graphemes => "characters as people count them",
        Unit::Septets => "GSM-7 septets",
    };
    format!("{} {unit}", thousands(size.max))
}

/// A number as it is written here: 12,000.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut written = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

fn time(time: Duration) -> String {
    let (milliseconds, seconds) = (time.as_millis(), time.as_secs());
    match seconds {
        0 => format!("{milliseconds} ms"),
        3_600.. if seconds.is_multiple_of(3_600) => format!("{} h", seconds / 3_600),
        60.. if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::registry::CHANNELS;

    #[test]
    fn the_page_is_what_is_printed() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/channels.md");
        let page = fs::read_to_string(page).expect("docs/channels.md");
        let begins = page.find("## At a glance").expect("the tables");
        let printed = markdown(CHANNELS);
        assert!(
            page[begins..] == printed,
            "from its tables on, docs/channels.md is what `haptik-bridge capabilities` prints:\n{printed}"
        );
    }

    #[test]
    fn every_row_has_a_cell_for_each_channel() {
        let printed = markdown(CHANNELS);
        let mut columns = 0;
        for line in printed.lines() {
            let here = line.matches('|').count();
            if here == 0 {
                columns = 0;
            } else if columns == 0 {
                columns = here;
            }
            assert_eq!(here, columns, "{line}");
        }
        for Registered { facts, .. } in CHANNELS {
            let said = [
                facts.title,
                facts.page,
                facts.places,
                facts.at_haptik,
                facts.setup,
            ];
            assert!(
                said.iter()
                    .all(|text| !text.is_empty() && !text.contains(['|', '\n'])),
                "{facts:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_number_is_the_same_without_its_commas(number: usize) {
            let written = thousands(number);
            prop_assert_eq!(written.replace(',', ""), number.to_string());
            let mut groups = written.split(',');
            prop_assert!((1..=3).contains(&groups.next().map_or(0, str::len)));
            prop_assert!(groups.all(|group| group.len() == 3));
        }
    }
}
