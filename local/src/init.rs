//! `haptik-bridge init`: a configuration with just what was asked for, out of the example that has
//! everything.

use std::fs::OpenOptions;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use haptik_bridge_channels::registry::CHANNELS;

use crate::CONFIG_FILE;

/// The configuration that has everything, but for the channels whose folder has theirs.
const EXAMPLE: &str = include_str!("../../bridge.example.toml");

/// What to write, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A type of channel, as `slack`; may be repeated [default: it is asked for]
    #[arg(long, value_name = "TYPE")]
    channel: Vec<String>,
    /// A type of sink, as `zendesk`; may be repeated
    #[arg(long, value_name = "TYPE")]
    sink: Vec<String>,
    /// The file to write; one that is there is never overwritten.
    #[arg(long, value_name = "FILE", default_value = CONFIG_FILE)]
    config: PathBuf,
}

/// A table of the example, as `[channels.acme-slack]`, with what stands above and below it.
struct Section {
    kind: String,
    type_name: Option<String>,
    text: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let sections = sections(&example());
    let of = |kind: &str| -> Vec<&str> {
        let kinds = sections.iter().filter(|section| section.kind == kind);
        kinds
            .filter_map(|section| section.type_name.as_deref())
            .collect()
    };
    let (channels, sinks) = (of("channels"), of("sinks"));
    let (mut chosen, mut chosen_sinks) = (arguments.channel.clone(), arguments.sink.clone());
    if chosen.is_empty() && chosen_sinks.is_empty() {
        chosen = ask("Which channels", &channels)?;
        chosen_sinks = ask("Which sinks", &sinks)?;
    }
    all_known("channel", &chosen, &channels)?;
    all_known("sink", &chosen_sinks, &sinks)?;
    if chosen.is_empty() {
        bail!(
            "a bridge needs at least one channel; allowed: {}",
            channels.join(", ")
        );
    }
    let text = written(&sections, &chosen, &chosen_sinks);
    let file = &arguments.config;
    let shown = file.display();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // It will have secrets.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let opened = options.open(file);
    let mut opened = opened.with_context(|| {
        format!("{shown} cannot be written: a file that is there is not overwritten, name another with --config")
    })?;
    opened.write_all(text.as_bytes())?;
    println!(
        "{shown} is written. Next:\n  \
           1. put your own values in the place of those that say example\n  \
           2. haptik-bridge check --config {shown}\n  \
           3. haptik-bridge serve --config {shown}"
    );
    Ok(())
}

/// The example of everything, with what lies in the channels' folders.
fn example() -> String {
    let folders = CHANNELS.iter().map(|channel| channel.example);
    [EXAMPLE]
        .into_iter()
        .chain(folders)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The example's tables, in their order.
fn sections(example: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    // Comments above a table belong to it.
    let mut above = String::new();
    for line in example.lines() {
        if let Some(name) = line.strip_prefix('[') {
            let name = name.split(']').next().unwrap_or_default();
            let kind = name.split('.').next().unwrap_or_default();
            // A table within a table belongs to it: [sinks.crm.headers].
            if name.matches('.').count() > 1
                && let Some(last) = sections.last_mut()
            {
                last.text.push_str(&above);
                last.text.push_str(line);
                last.text.push('\n');
                above.clear();
                continue;
            }
            sections.push(Section {
                kind: kind.to_owned(),
                type_name: None,
                text: format!("{above}{line}\n"),
            });
            above.clear();
        } else if line.starts_with('#') || line.trim().is_empty() {
            if line.starts_with("# ---") && line.ends_with("---") {
                continue;
            }
            above.push_str(line);
            above.push('\n');
        } else if let Some(section) = sections.last_mut() {
            if let Some(name) = line.strip_prefix("type = \"") {
                section.type_name = name.split('"').next().map(str::to_owned);
            }
            section.text.push_str(&above);
            section.text.push_str(line);
            section.text.push('\n');
            above.clear();
        }
    }
    sections
}

/// The configuration with these channels and sinks.
fn written(sections: &[Section], channels: &[String], sinks: &[String]) -> String {
    let mut text = String::from(
        "# The configuration of haptik-bridge: docs/configuration.md explains each key.\n\
         # Put your own values in the place of those that say example; then `haptik-bridge check`.\n",
    );
    for section in sections {
        let wanted = match section.kind.as_str() {
            "haptik" => true,
            "channels" => section
                .type_name
                .as_ref()
                .is_some_and(|name| channels.contains(name)),
            "sinks" => section
                .type_name
                .as_ref()
                .is_some_and(|name| sinks.contains(name)),
            _ => false,
        };
        if wanted {
            text.push('\n');
            text.push_str(without_samples(section.text.trim_matches('\n')).as_str());
        }
    }
    text
}

/// A table with the keys commented out that have no default, or another key's: what the example has there is a
/// sample, which nobody's account has, and would be taken for somebody's own value.
fn without_samples(table: &str) -> String {
    let mut text = String::new();
    let mut above = "";
    for line in table.lines() {
        let is_key = !line.starts_with(['#', '[', ' ', '\t']) && line.contains('=');
        let comment = line
            .rsplit_once(" # ")
            .map_or(above, |(_, comment)| comment);
        let is_sample = SAMPLES.iter().any(|words| comment.contains(words));
        if is_key && is_sample {
            text.push_str("# ");
        }
        text.push_str(line);
        text.push('\n');
        above = if line.starts_with('#') { line } else { "" };
    }
    text
}

/// What the example says of such keys.
const SAMPLES: [&str; 6] = [
    "Default: none",
    "Default: of all",
    "Default: Haptik's",
    "default: the account's",
    "Default: base_url",
    "Default: token",
];

fn all_known(what: &str, chosen: &[String], known: &[&str]) -> anyhow::Result<()> {
    for name in chosen {
        if !known.contains(&name.as_str()) {
            bail!(
                "there is no {what} of the type {name:?}; there are: {}",
                known.join(", ")
            );
        }
    }
    Ok(())
}

/// Asks which of these, separated by commas or spaces.
fn ask(question: &str, known: &[&str]) -> anyhow::Result<Vec<String>> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "nobody can be asked: name what you want with --channel and --sink (channels: {})",
            CHANNELS
                .iter()
                .map(|channel| channel.name)
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    print!("{question}? ({}) ", known.join(", "));
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    let names = answer
        .split([',', ' '])
        .map(str::trim)
        .filter(|name| !name.is_empty());
    Ok(names.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use haptik_bridge_channels::registry::CHANNELS;
    use haptik_bridge_local::registry;
    use haptik_bridge_shared::config::Config;

    use super::{example, sections, written};

    #[test]
    fn what_nobody_has_is_not_taken_for_somebodys_own() {
        let sections = sections(&example());
        let text = written(&sections, &["slack".to_owned()], &["zendesk".to_owned()]);
        let Ok(config) = Config::parse(&text, &registry::all()) else {
            panic!("{text}");
        };
        let account = &config.haptik["main"];
        assert_eq!(account.business_ids, Vec::<u64>::new());
        assert_eq!(text.matches("\nbusiness_id = ").count(), 1, "the account's");
        let handoff = &config.channels["acme-slack"].handoff;
        assert_eq!((&handoff.team_name, &handoff.receiver), (&None, &None));
        assert_eq!(handoff.agent_phrases, Vec::<String>::new());
        for sample in ["group_id", "360002", "when = {", "integration_token ="] {
            let lines = text.lines().filter(|line| line.contains(sample));
            let commented = lines.map(|line| line.starts_with('#'));
            assert!(commented.eq([true]), "{sample}: {text}");
        }
        // What is needed stands there, and says that it is the example's.
        let left: Vec<&str> = config.placeholders().collect();
        assert!(left.contains(&"haptik.main.client_id"), "{left:?}");
        assert!(left.contains(&"haptik.main.token[0]"), "{left:?}");
    }

    #[test]
    fn every_channel_and_every_sink_alone_makes_a_good_configuration() {
        let sections = sections(&example());
        let types = |kind: &str| -> Vec<String> {
            let of_kind = sections.iter().filter(|section| section.kind == kind);
            of_kind
                .filter_map(|section| section.type_name.clone())
                .collect()
        };
        let channels = types("channels");
        for channel in CHANNELS {
            assert!(
                channels.iter().any(|name| name == channel.name),
                "{}",
                channel.name
            );
        }
        for channel in &channels {
            let text = written(&sections, std::slice::from_ref(channel), &[]);
            assert!(
                Config::parse(&text, &registry::all()).is_ok(),
                "{channel}:\n{text}"
            );
        }
        for sink in types("sinks") {
            let text = written(
                &sections,
                &["custom".to_owned()],
                std::slice::from_ref(&sink),
            );
            assert!(
                Config::parse(&text, &registry::all()).is_ok(),
                "{sink}:\n{text}"
            );
        }
    }

    /// Whoever begins with `init` and whoever begins with the small configuration of `examples/config` begin alike.
    #[test]
    fn what_is_written_says_what_the_small_configurations_say() {
        let sections = sections(&example());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/config");
        let said = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            let said = lines.filter_map(|line| line.split(" # ").next());
            said.map(|line| line.trim_end().to_owned()).collect()
        };
        for channel in CHANNELS {
            let file = folder.join(format!("{}.toml", channel.name));
            let small = std::fs::read_to_string(&file).expect("a small configuration");
            let written = said(&written(&sections, &[channel.name.to_owned()], &[]));
            for line in said(&small) {
                assert!(
                    written.contains(&line),
                    "{}: init does not write {line:?}",
                    file.display()
                );
            }
        }
    }
}
