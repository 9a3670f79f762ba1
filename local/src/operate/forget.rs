//! `haptik-bridge forget USER`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_local::privacy::{
    Again, Holdings, Left, Progress, Receipt, WayToForget, elsewhere, forget, forget_again,
    forgotten,
};
use haptik_bridge_shared::ids::AuthId;
use jiff::Timestamp;

use super::clock::ClockArguments;
use super::person::PersonArguments;
use super::{OperatedBridge, Target, ask_for, duration};
use crate::terminal::{print_json, visible};

/// Whom to forget.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Export what is known of the person first (haptik-bridge export USER): afterwards nobody knows \
    which tickets and messages there were. docs/privacy.md says what is removed, and what lies elsewhere.",
    mut_arg("user", |user| user.required_unless_present_any(["again", "list"])),
)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    of: PersonArguments,
    /// Cut off what is under way for the person, deliveries and a hand-off, and don't wait for it.
    #[arg(long)]
    cut_off: bool,
    /// How long to wait at most for what is under way: 90s, 10m or 2h.
    #[arg(long, value_name = "TIME", default_value = "2m", conflicts_with = "cut_off", value_parser = duration)]
    wait: Duration,
    /// Remove once more what there is of everybody who was forgotten, as after a backup was restored.
    #[arg(long, conflicts_with_all = ["user", "cut_off", "list"])]
    again: bool,
    /// The tombstones, as `--list --json` has printed them; `-` reads them from the standard input. Without it, those
    /// of the table.
    #[arg(long, value_name = "FILE", requires = "again", conflicts_with = "list")]
    from: Option<PathBuf>,
    /// List when somebody was forgotten; of whom, as a hash.
    #[arg(long, conflicts_with_all = ["user", "cut_off"])]
    list: bool,
    /// Don't ask.
    #[arg(long)]
    yes: bool,
    /// Print JSON: the receipt, or with `--list` the tombstones.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: ClockArguments,
    #[command(flatten)]
    place: Target,
}

pub(crate) async fn run(
    arguments: Arguments,
    variable: fn(&str) -> Option<String>,
) -> anyhow::Result<()> {
    let operated = arguments.place.open(variable).await?;
    if arguments.list {
        return list(&arguments, &operated).await;
    }
    let receipt = if arguments.again {
        once_more(&arguments, &operated).await?
    } else {
        one(&arguments, &operated).await?
    };
    // Before what may still fail: the person is removed, and nobody can be told of it twice.
    if arguments.json {
        print_json(&receipt)?;
    } else {
        print!("{}", visible(&in_words(&receipt)));
    }
    operated.compact().await
}

async fn one(arguments: &Arguments, operated: &OperatedBridge) -> anyhow::Result<Receipt> {
    let config = arguments.of.configuration(operated)?;
    let person = arguments.of.person(operated).await?;
    let holdings = Holdings::of(&operated.ledger, &person).await?;
    let elsewhere = elsewhere(config.as_ref(), &person, &holdings);
    if !arguments.yes {
        let called = person.auth_ids.iter().map(AuthId::as_str);
        let places = person.places.iter();
        let places = places.map(|(connection, user)| format!("{connection}/{user}"));
        let what = format!(
            "Forget {}, at Haptik {}: {}",
            places.collect::<Vec<_>>().join(", "),
            called.collect::<Vec<_>>().join(", "),
            counted(&holdings.counts()),
        );
        let nobody = format!(
            "{} items would be removed, and nobody can be asked: say --yes",
            holdings.items.len()
        );
        ask_for(&what, &nobody, "nothing is removed")?;
    }
    let what = operated
        .hashed(person.auth_ids.iter().map(AuthId::as_str))
        .await?;
    let count = holdings.items.len();
    operated
        .record(&arguments.place, "forgot", &what, count)
        .await?;
    let (until_known, _alone) = operated.until_known();
    let way = WayToForget {
        cut_off: arguments.cut_off,
        patience: arguments.wait,
        until_known,
    };
    let (ledger, users) = (&operated.ledger, &operated.users);
    let forgotten = forget(ledger, users, &person, way, |progress| {
        tell(arguments.json, progress);
    });
    Ok(Receipt {
        elsewhere,
        ..forgotten.await?
    })
}

async fn once_more(arguments: &Arguments, operated: &OperatedBridge) -> anyhow::Result<Receipt> {
    let again = arguments.from.as_deref().map(read).transpose()?;
    let count = match &again {
        Some(again) => again.tombstones.len(),
        None => forgotten(operated.ledger.table()).await?.tombstones.len(),
    };
    if count == 0 && again.is_none() {
        bail!(
            "the table has no tombstones, so nobody is known to have been forgotten: after a backup of before was \
             restored, name the tombstones that were kept apart from it (--from FILE)"
        );
    }
    if !arguments.yes {
        let what = format!("Remove what there is of the people of {count} tombstones");
        let nobody = "nobody can be asked: say --yes";
        ask_for(&what, nobody, "nothing is removed")?;
    }
    operated
        .record(&arguments.place, "forgot again", "", count)
        .await?;
    let (until_known, _alone) = operated.until_known();
    let (ledger, users) = (&operated.ledger, &operated.users);
    let forgotten = forget_again(ledger, users, again, until_known, |progress| {
        tell(arguments.json, progress);
    });
    forgotten.await
}

async fn list(arguments: &Arguments, operated: &OperatedBridge) -> anyhow::Result<()> {
    let forgotten = forgotten(operated.ledger.table()).await?;
    if arguments.json {
        return print_json(&forgotten);
    }
    let clock = arguments.clock.clock();
    let moment = |at: i64| clock.moment(Timestamp::from_millisecond(at).unwrap_or_default());
    for tombstone in &forgotten.tombstones {
        let since = match (tombstone.back_at, tombstone.under_way_until) {
            (Some(back_at), _) => format!("; wrote again {}", moment(back_at)),
            (None, Some(_)) => "; not all was removed: forget --again".to_owned(),
            (None, None) => String::new(),
        };
        println!("{}  {}{since}", moment(tombstone.at), tombstone.hash);
    }
    println!("{} forgotten", forgotten.tombstones.len());
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<Again> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        text
    } else {
        let text = std::fs::read_to_string(file);
        text.with_context(|| format!("{} cannot be read", file.display()))?
    };
    serde_json::from_str(&text).with_context(|| {
        let file = file.display();
        format!("{file} has no tombstones: expected what `forget --list --json` prints")
    })
}

fn tell(is_json: bool, progress: Progress) {
    if is_json {
        return;
    }
    match progress {
        Progress::Waiting(0) => println!("Waiting for a hand-off to end"),
        Progress::Waiting(count) => println!("Waiting for {count} deliveries that are under way"),
        Progress::Settling(time) if time.is_zero() => {}
        Progress::Settling(time) => println!(
            "Waiting {} s until every process of the bridge knows",
            time.as_secs()
        ),
        Progress::Removed(count) => println!("{count} items are removed"),
    }
}

fn in_words(receipt: &Receipt) -> String {
    let mut lines = vec![format!("Removed: {}", counted(&receipt.removed))];
    if receipt.cut_off > 0 {
        lines.push(format!("Cut off: {} deliveries", receipt.cut_off));
    }
    let Left { unknown } = receipt.left;
    if unknown > 0 {
        lines.push(format!("Not looked at: {unknown} items of another version"));
    }
    let hashes = receipt.tombstones.iter();
    lines.extend(hashes.map(|hash| format!("Tombstone: {hash}")));
    if !receipt.elsewhere.is_empty() {
        lines.push("\nNot in the bridge's table, and so not removed:".to_owned());
    }
    let elsewhere = receipt.elsewhere.iter();
    lines.extend(elsewhere.map(|place| format!("  {}: {}", place.place, place.how)));
    lines.join("\n") + "\n"
}

/// How many of which kind, in words.
fn counted(counts: &BTreeMap<&'static str, usize>) -> String {
    if counts.is_empty() {
        return "nothing".to_owned();
    }
    let counts = counts.iter();
    let counts = counts.map(|(kind, count)| format!("{count} {kind}"));
    counts.collect::<Vec<_>>().join(", ")
}

/// What to do where the bytes could not be taken out of the file.
const NOT_COMPACTED: &str = "everything is removed from the table, but not yet from the file: run `haptik-bridge forget \
                             --again` when nothing else reads the file for long, and the disk has room for a copy of it";

impl OperatedBridge {
    /// How long it takes until whoever writes to the table knows of a tombstone. No time where no bridge runs on a
    /// directory, which none does as long as what is returned is kept.
    pub(crate) fn until_known(&self) -> (Duration, Option<File>) {
        let known_late = (self.ledger.table().reread_after(), None);
        let Some(dir) = &self.data_dir else {
            return known_late;
        };
        // It is not made here: the bridge's own user could not open what is root's.
        match File::options().write(true).open(dir.join("lock")) {
            Ok(lock) if lock.try_lock().is_ok() => (Duration::ZERO, Some(lock)),
            // Where none was ever started, none runs.
            Err(error) if error.kind() == ErrorKind::NotFound => (Duration::ZERO, None),
            _ => known_late,
        }
    }

    /// Takes the bytes of what was removed out of the files of a bridge on this machine.
    pub(crate) async fn compact(&self) -> anyhow::Result<()> {
        let compacted = match (&self.database, &self.data_dir) {
            (Some(database), _) => database.compact().await,
            // That of this process, opened once more.
            (None, Some(directory)) => {
                let file = directory.join("dynamodb.sqlite");
                match EmbeddedDynamoDb::start(Some(&file)).await {
                    Ok(database) => database.compact().await,
                    Err(error) => Err(error),
                }
            }
            (None, None) => Ok(()),
        };
        compacted.context(NOT_COMPACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_says_how_many_of_what_and_where_else() {
        let receipt = Receipt {
            forgotten_at: Timestamp::UNIX_EPOCH,
            tombstones: vec!["00ff".to_owned()],
            removed: [("entries", 12), ("users", 1)].into(),
            cut_off: 2,
            left: Left { unknown: 3 },
            elsewhere: Vec::new(),
        };
        let said = in_words(&receipt);
        let expected = "Removed: 12 entries, 1 users\nCut off: 2 deliveries\n\
            Not looked at: 3 items of another version\nTombstone: 00ff\n";
        assert_eq!(said, expected);
        assert_eq!(counted(&BTreeMap::new()), "nothing");
    }

    #[test]
    fn a_file_without_tombstones_is_an_error_that_says_what_is_wanted() {
        let error = read(Path::new("/nowhere/t.json")).expect_err("no file");
        assert!(error.to_string().contains("cannot be read"), "{error}");
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("t.json");
        std::fs::write(&file, "[]").expect("written");
        let error = read(&file).expect_err("none");
        assert!(
            error.to_string().contains("forget --list --json"),
            "{error}"
        );
    }
}
