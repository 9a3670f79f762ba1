//! `docs/guarantees.md` names the tests that show what it promises: they exist, and where it says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

/// What stands between backquotes, outside of blocks of code.
fn quoted(text: &str) -> BTreeSet<String> {
    let prose = text.split("```").step_by(2);
    let quoted = prose.flat_map(|prose| prose.split('`').skip(1).step_by(2));
    quoted.map(str::to_owned).collect()
}

fn sources(directory: &Path, found: &mut String) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let skipped = ["target", ".git", ".aws-sam"];
        let name = path.file_name().and_then(|name| name.to_str());
        if path.is_dir() && name.is_some_and(|name| !skipped.contains(&name)) {
            sources(&path, found);
        } else if path
            .extension()
            .is_some_and(|ending| ending == "rs" || ending == "py")
        {
            found.push_str(&std::fs::read_to_string(&path).expect("a source"));
        }
    }
}

/// Whether something quoted is the name of a test: a sentence in snake case.
fn is_test(name: &str) -> bool {
    let plain = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
    name.chars().all(plain) && name.matches('_').count() >= 4
}

fn is_source(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|ending| ending == "rs")
}

#[test]
fn every_test_and_file_that_the_guarantees_name_exists() {
    let guarantees = std::fs::read_to_string(root().join("docs/guarantees.md")).expect("the page");
    let mut all = String::new();
    sources(&root(), &mut all);
    let named = quoted(&guarantees);
    let tests: Vec<_> = named.iter().filter(|name| is_test(name)).collect();
    assert!(tests.len() > 20, "the names are not found: {named:#?}");
    for test in tests {
        let (rust, python) = (format!("fn {test}("), format!("def {test}("));
        assert!(
            all.contains(&rust) || all.contains(&python),
            "docs/guarantees.md names the test {test}, which there is not"
        );
    }
    let is_path = |name: &&String| name.contains('/') && !name.contains(' ') && is_source(name);
    for path in named.iter().filter(is_path) {
        assert!(
            root().join(path).exists(),
            "docs/guarantees.md names {path}, which there is not"
        );
    }
    let cut_off = named.iter().find(|name| name.contains('…'));
    assert_eq!(cut_off, None, "a name is to be written in full");
}
