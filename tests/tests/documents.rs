//! The documents say what the code says: the tests, files and names that they mention exist, and
//! `docs/operations.md` has every hop, metric and alarm.

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

#[path = "documents/names.rs"]
mod names;
#[path = "documents/operations.rs"]
mod operations;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

fn read(path: &str) -> String {
    read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands between backquotes, outside of blocks of code.
fn quoted(text: &str) -> BTreeSet<&str> {
    let prose = text.split("```").step_by(2);
    prose
        .flat_map(|prose| prose.split('`').skip(1).step_by(2))
        .collect()
}

/// The files of the repository, by their paths from its root. What is built or installed is left out.
fn files() -> BTreeSet<String> {
    fn walk(directory: &Path, found: &mut BTreeSet<String>) {
        let skipped = [
            "target",
            ".git",
            ".aws-sam",
            "node_modules",
            "corpus",
            "artifacts",
        ];
        for entry in read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str());
            if !path.is_dir() {
                let path = path.strip_prefix(root()).expect("below it");
                found.insert(path.display().to_string());
            } else if name.is_some_and(|name| !skipped.contains(&name)) {
                walk(&path, found);
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(&root(), &mut found);
    found
}

/// The documents. The changelog is none of them: it names what was there.
fn documents() -> Vec<String> {
    let is_document = |path: &String| ends_in(path, &["md"]) && path != "CHANGELOG.md";
    files().into_iter().filter(is_document).collect()
}

/// Whether a path ends in one of these, without the dot.
fn ends_in(path: &str, endings: &[&str]) -> bool {
    let ending = Path::new(path).extension();
    ending.is_some_and(|ending| endings.iter().any(|of| ending == *of))
}

fn is_word(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}
