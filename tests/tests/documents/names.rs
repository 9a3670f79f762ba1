//! The names between backquotes: of tests, of files, and of what the code has.

use std::collections::BTreeSet;
use std::fs::read_to_string;

use super::{documents, ends_in, files, is_word, quoted, read, root};

/// Names that the documents mention and that nothing here has: of other people's software, of what a reader
/// makes, and of examples.
const ELSEWHERE: [&str; 36] = [
    // Of AWS.
    "AdministratorAccess",
    "AttachRolePolicy",
    "CreateRole",
    "DeleteRole",
    "DeleteRolePolicy",
    "DescribeStacks",
    "DetachRolePolicy",
    "FilterLogEvents",
    "ForEach",
    "GetRole",
    "GetRolePolicy",
    "InProgress",
    "LanguageExtensions",
    "PassRole",
    "PowerUserAccess",
    "PutRolePolicy",
    "TagRole",
    "UntagRole",
    "UpdateRole",
    // Of providers.
    "CLIENT_AUTH_TOKEN",
    "Haptik_Conversation",
    "disableServiceAccountKeyCreation",
    "replyToken",
    // Of tools and libraries.
    "INSTA_UPDATE",
    "LD_PRELOAD",
    "arbitrary_precision",
    "bash_completion",
    "derive_more",
    "eh_frame",
    "eh_frame_hdr",
    "gcc_except_table",
    "short_names",
    "skin_variations",
    // Of what a reader makes.
    "BRIDGE_TOML",
    "whsec_new",
    "whsec_old",
];

/// What is no document, as one text. The names that are allowed to be nowhere are in this file, so it is left out.
fn sources() -> String {
    let mut all = String::new();
    for path in files() {
        if !ends_in(&path, &["md"]) && path != "tests/tests/documents/names.rs" {
            // What is no text names nothing.
            all += &read_to_string(root().join(&path)).unwrap_or_default();
            // The name of a file is that of a module or of a group of tests.
            all.extend(["\n", &path, "\n"]);
        }
    }
    all
}

/// Whether something quoted is the name of a test: a sentence in snake case, and not that of a metric.
fn is_test(name: &str) -> bool {
    let plain = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
    let is_metric = name.starts_with("haptik_bridge_");
    name.chars().all(plain)
        && name.starts_with(|char: char| char.is_ascii_lowercase())
        && name.matches('_').count() >= 4
        && !is_metric
}

/// Whether a word is a name out of code: several words in one, in whichever case. What is to be replaced
/// (`fake_NAME`) is none.
fn is_name(word: &str) -> bool {
    let has_placeholder =
        word.contains("NAME") || word.contains("YOUR") || word.contains("VERSION");
    let snake = word.trim_matches('_').contains('_');
    let pairs = word.chars().zip(word.chars().skip(1));
    let camel = pairs
        .filter(|(one, next)| one.is_ascii_lowercase() && next.is_ascii_uppercase())
        .count()
        > 0;
    let begins = word.starts_with(|char: char| char.is_ascii_alphabetic());
    begins && !has_placeholder && (snake || camel)
}

#[test]
fn every_test_that_a_document_names_exists() {
    let (sources, mut tests) = (sources(), 0);
    for document in documents() {
        let text = read(&document);
        for test in quoted(&text).into_iter().filter(|name| is_test(name)) {
            let is_there = ["fn", "def"].map(|word| sources.contains(&format!("{word} {test}(")));
            assert!(
                is_there.contains(&true),
                "{document} names the test {test}, which there is not"
            );
            tests += 1;
        }
    }
    assert!(tests > 20, "the names are not found: {tests}");
}

#[test]
fn every_name_that_a_document_mentions_is_in_the_code() {
    let sources = sources();
    let words: BTreeSet<&str> = sources.split(|char| !is_word(char)).collect();
    let mut missing = BTreeSet::new();
    for document in documents() {
        let text = read(&document);
        for code in quoted(&text) {
            let all = code.split(|char| !is_word(char));
            // All that is written as a path is a name.
            let names = all.filter(|word| is_name(word) || code.contains("::") && !word.is_empty());
            let unknown = names.filter(|name| !words.contains(name) && !ELSEWHERE.contains(name));
            missing.extend(unknown.map(|name| format!("{document}: {name}")));
        }
    }
    assert!(
        missing.is_empty(),
        "nothing here is called so; where it is somebody else's name, it belongs into `ELSEWHERE`: {missing:#?}"
    );
}

#[test]
fn every_file_that_a_document_names_exists() {
    let files = files();
    for document in documents() {
        let text = read(&document);
        for quoted in quoted(&text) {
            let is_source = ends_in(quoted, &["rs", "py", "toml", "yaml"]);
            if !is_source || quoted.contains([' ', '*']) || quoted.contains("NAME") {
                continue;
            }
            // Where a page speaks of a folder, it names the files of it by what is below.
            let below = format!("/{quoted}");
            let is_there =
                files.contains(quoted) || files.iter().any(|path| path.ends_with(&below));
            assert!(is_there, "{document} names {quoted}, which there is not");
        }
    }
}

#[test]
fn a_link_that_shows_a_file_leads_to_it() {
    for document in documents() {
        let text = read(&document);
        for link in text.split("[`").skip(1) {
            let Some((shown, (target, _))) = link
                .split_once("`](")
                .and_then(|(shown, rest)| Some((shown, rest.split_once(')')?)))
            else {
                continue;
            };
            let is_file = ends_in(shown, &["rs"]) && !shown.contains('`');
            assert!(
                !is_file || target.ends_with(shown),
                "{document}: the link `{shown}` leads to {target}"
            );
        }
    }
}

#[test]
fn the_guarantees_name_tests_in_full() {
    let page = read("docs/guarantees.md");
    let cut_off = quoted(&page).into_iter().find(|name| name.contains('…'));
    assert_eq!(cut_off, None);
}
