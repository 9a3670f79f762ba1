//! `docs/privacy.md` says what the code says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::read_to_string;
use std::path::Path;

use haptik_bridge_channels::registry::CHANNELS;
use haptik_bridge_local::privacy::kinds;
use haptik_bridge_sinks::{DEFINITIONS, erasure};

fn document() -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    read_to_string(docs.join("privacy.md")).expect("docs/privacy.md")
}

/// The table of what is stored, as it has to stand there.
fn stored() -> String {
    let mut table = String::from(
        "| item | key | what it may hold of a person | how long | export, forget |\n|---|---|---|---|---|\n",
    );
    for kind in kinds() {
        let shapes = kind.shapes.iter();
        let shapes: Vec<String> = shapes
            .map(haptik_bridge_shared::items::KeyShape::shown)
            .collect();
        let shapes = shapes.join("<br>");
        let treatment = kind.whose.treatment();
        let (name, holds, kept) = (kind.name, kind.holds, kind.kept);
        // Writing to a string does not fail.
        let _ = writeln!(
            table,
            "| {name} | {shapes} | {holds} | {kept} | {treatment} |"
        );
    }
    table
}

/// The table of what lies elsewhere.
fn elsewhere() -> String {
    let mut rows = BTreeMap::new();
    for channel in CHANNELS {
        rows.insert(format!("`{}`", channel.name), channel.facts.erasure);
    }
    let mut table = String::from("| channel | how it is removed there |\n|---|---|\n");
    for (name, how) in rows {
        let _ = writeln!(table, "| {name} | {how} |");
    }
    table += "\n| sink | how it is removed there |\n|---|---|\n";
    for sink in DEFINITIONS {
        let how = erasure(sink.name).unwrap_or_default();
        let _ = writeln!(table, "| `{}` | {how} |", sink.name);
    }
    table
}

#[test]
fn the_document_has_every_kind_of_item_and_every_place_elsewhere() {
    let document = document();
    for table in [stored(), elsewhere()] {
        assert!(document.contains(&table), "docs/privacy.md needs:\n{table}");
    }
}
