//! Imports go down only: from crate to crate, between the modules of a crate, and no name of a channel or a
//! sink where any could be. `docs/ARCHITECTURE.md` shows the same layers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

use haptik_bridge_channels::registry::CHANNELS;
use haptik_bridge_sinks::DEFINITIONS as SINKS;

#[path = "layers/files.rs"]
mod files;

/// The crates. Each may depend on those of the lines above its own.
const CRATES: [&[&str]; 7] = [
    &["shared", "simulator"],
    &["channels", "sinks"],
    &[
        "functions/inbound",
        "functions/processor",
        "functions/webhook",
    ],
    &["local"],
    &["benches/load", "examples/rust"],
    &["tests/parsers"],
    &["tests"],
];

/// The modules of `shared`. Each may import those of the lines above its own.
const SHARED: [&[&str]; 11] = [
    &["blank", "own_events"],
    &["ids", "lenient_json", "redact", "template"],
    &["config", "key", "lane", "retry"],
    &[
        "came_as",
        "items",
        "message",
        "net",
        "encryption",
        "telemetry",
    ],
    &["haptik", "queue", "standard_webhooks", "table"],
    &["activity", "health", "ledger", "rate_limit"],
    &["breaker", "offers", "outage"],
    &["users"],
    &["bridge"],
    &["ingest", "reloading"],
    &["environment"],
];

/// What a crate does not name, so that it is not linked there.
const NOT_LINKED: [(&str, &[&str]); 3] = [
    ("functions/inbound", &["OUTLETS", "Outlets"]),
    ("functions/processor", &["EDGES", "Edges"]),
    (
        "functions/webhook",
        &["EDGES", "Edges", "OUTLETS", "Outlets"],
    ),
];

/// Names that are words too: they are looked for as the value of `type` only.
const WORDS: [&str; 3] = ["custom", "http", "webhook"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The sources of a crate without their tests, by their paths below `src`.
fn sources(of: &str) -> BTreeMap<String, String> {
    fn walk(directory: &Path, src: &Path, found: &mut BTreeMap<String, String>) {
        for entry in read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            let is_test = path.file_stem().is_some_and(|name| name == "tests");
            if path.is_dir() && !is_test {
                walk(&path, src, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !is_test {
                let text = read_to_string(&path).expect("a source");
                let code = text
                    .split("#[cfg(test)]\nmod tests")
                    .next()
                    .unwrap_or_default();
                let name = path.strip_prefix(src).expect("below it").display();
                found.insert(name.to_string(), code.to_owned());
            }
        }
    }
    let (src, mut found) = (root().join(of).join("src"), BTreeMap::new());
    walk(&src, &src, &mut found);
    assert!(!found.is_empty(), "{of} has no sources");
    found
}

/// The names that follow `prefix`: one, or those of a list in braces, without what follows them.
fn names_after<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let ident = |text: &'a str| {
        let end = text.find(|char: char| !char.is_alphanumeric() && char != '_');
        &text[..end.unwrap_or(text.len())]
    };
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        if code[..at].ends_with("super::") || code[..at].ends_with(char::is_alphanumeric) {
            continue;
        }
        let Some(list) = rest.strip_prefix('{') else {
            names.push(ident(rest));
            continue;
        };
        let (mut depth, mut begins) = (1, true);
        for (at, char) in list.char_indices() {
            depth += i32::from(char == '{') - i32::from(char == '}');
            if depth == 0 {
                break;
            } else if depth == 1 && char == ',' {
                begins = true;
            } else if begins && !char.is_whitespace() {
                names.push(ident(&list[at..]));
                begins = false;
            }
        }
    }
    names
}

/// What the root of a crate exports, with the module that it comes from.
fn exports<'a>(root: &'a str, modules: &BTreeSet<String>) -> BTreeMap<&'a str, &'a str> {
    let mut exports = BTreeMap::new();
    for list in root.split("pub use ").skip(1) {
        let list = list.split(';').next().unwrap_or_default();
        let mut module = "lib";
        for name in list.split(|char: char| !char.is_alphanumeric() && char != '_') {
            if modules.contains(name) {
                module = name;
            }
            exports.insert(name, module);
        }
    }
    exports
}

/// Which top-level modules each top-level module of a crate imports. What the root has of its own is `lib`.
fn imports(of: &str) -> BTreeMap<String, BTreeSet<String>> {
    let sources = sources(of);
    let top = |path: &str| path.split(['/', '.']).next().unwrap_or_default().to_owned();
    let modules: BTreeSet<String> = sources.keys().map(|path| top(path)).collect();
    let root = sources.get("lib.rs").or(sources.get("main.rs"));
    let exports = exports(root.expect("a root"), &modules);
    let mut imports = BTreeMap::<_, BTreeSet<_>>::new();
    for (path, text) in &sources {
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let code = lines.collect::<Vec<_>>().join("\n");
        let up = "super::".repeat(path.split('/').count());
        let names = [names_after(&code, "crate::"), names_after(&code, &up)].concat();
        let module_of = |name: &str| match (modules.contains(name), exports.get(name)) {
            (true, _) => name.to_owned(),
            (false, of) => of.copied().unwrap_or("lib").to_owned(),
        };
        let module = top(path);
        let imported = names
            .into_iter()
            .map(module_of)
            .filter(|name| *name != module);
        imports.entry(module.clone()).or_default().extend(imported);
    }
    imports
}

#[test]
fn no_modules_of_a_crate_import_each_other_in_a_circle() {
    let mut circles = Vec::new();
    for of in CRATES.concat() {
        let mut left = imports(of);
        // Whoever imports nothing that is left is in no circle.
        while let Some(free) = left.iter().find_map(|(module, imports)| {
            let free = !imports.iter().any(|import| left.contains_key(import));
            free.then(|| module.clone())
        }) {
            left.remove(&free);
        }
        // And who is imported by nobody that is left.
        while let Some(free) = left
            .keys()
            .find(|module| !left.values().any(|of| of.contains(*module)))
        {
            left.remove(&free.clone());
        }
        if !left.is_empty() {
            circles.push((of, left));
        }
    }
    assert!(circles.is_empty(), "circles: {circles:#?}");
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    for of in CRATES.concat() {
        let imports = files::imports(&sources(of));
        let circles = files::circles(&imports);
        assert!(circles.is_empty(), "{of}: circles: {circles:#?}");
    }
}

/// The files that a crate of two, `a.rs` and `b.rs`, has in circles.
fn circle_of(a: &str, b: &str) -> usize {
    let sources = [
        ("lib.rs", "mod a; mod b; pub use b::B;"),
        ("a.rs", a),
        ("b.rs", b),
    ];
    let sources = sources.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let imports = files::imports(&sources.into());
    files::circles(&imports).iter().map(BTreeSet::len).sum()
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let back = "use crate::a::A; pub struct B; macro_rules! b { () => {} }";
    for there in [
        "use crate::b::B;",
        "use super::b::{self, B};",
        "use super::{b::{B as C}};",
        "use crate::b; fn f() -> b::B {}",
        "use super::b as c; struct A(Vec<c::B>);",
        "fn f() { let b: crate::b::B; }",
        "fn f() { println!(\"{}\", super::b::B) }",
        "use crate::B;",
        "use super::B;",
        "use crate::b::*;",
        "b!();",
        "fn f() { use super::b::B; }",
    ] {
        assert_eq!(circle_of(there, back), 2, "{there}");
    }
    for none in [
        "// use crate::b::B;\n",
        "/// [`crate::b::B`]\nstruct A;",
        "fn f() { g(\"crate::b::B\") }",
        "#[cfg(test)] use crate::b::B;",
        "#[cfg(test)] mod more { use crate::b::B; } fn f() {}",
        "use std::b::B;",
    ] {
        assert_eq!(circle_of(none, back), 0, "{none}");
    }
}

#[test]
fn imports_in_shared_go_down() {
    let floor = |module: &str| SHARED.iter().position(|floor| floor.contains(&module));
    for (module, imports) in imports("shared")
        .into_iter()
        .filter(|(module, _)| module != "lib")
    {
        let own = floor(&module).unwrap_or_else(|| panic!("{module} has no place in SHARED"));
        for import in imports.iter().filter(|import| *import != "lib") {
            let below = floor(import).is_some_and(|floor| floor < own);
            assert!(below, "{module} imports {import}, which is not below it");
        }
    }
}

/// The section of `docs/ARCHITECTURE.md` that shows the layers.
fn shown() -> String {
    let page = read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the page");
    let begins = page.split("\n### Layers\n").nth(1).expect("the section");
    begins.split("\n## ").next().unwrap_or_default().to_owned()
}

#[test]
fn the_page_shows_the_crates_in_their_layers() {
    let shown = shown();
    let diagram = shown.split("```").nth(1).expect("the diagram");
    let floors = diagram.lines().rev().filter(|line| !line.is_empty());
    let floors: Vec<BTreeSet<&str>> = floors
        .map(|line| line.split_whitespace().collect())
        .collect();
    let crates = CRATES.map(|floor| floor.iter().copied().collect());
    assert_eq!(
        floors, crates,
        "docs/ARCHITECTURE.md shows the lowest layer last"
    );
}

#[test]
fn the_page_shows_the_modules_of_shared_in_their_layers() {
    let shown = shown();
    let mut floors: Vec<BTreeSet<&str>> = Vec::new();
    for line in shown.lines() {
        let begins = format!("{}. ", floors.len() + 1);
        if let Some(floor) = line.strip_prefix(&begins) {
            floors.push(floor.split('`').skip(1).step_by(2).collect());
        }
    }
    let modules = SHARED.map(|floor| floor.iter().copied().collect());
    assert_eq!(
        floors, modules,
        "docs/ARCHITECTURE.md shows the lowest layer first"
    );
}

#[test]
fn the_reading_order_of_shared_has_every_module() {
    let text = read_to_string(root().join("shared/src/lib.rs")).expect("the root");
    for module in SHARED.concat() {
        if text.contains(&format!("pub mod {module};")) {
            let is_named = text.contains(&format!("[`{module}`]"));
            assert!(
                is_named,
                "shared/src/lib.rs: no [`{module}`] in the reading order"
            );
        }
    }
}

#[test]
fn crates_depend_on_those_below_them() {
    let manifest = |path: &Path| -> toml::Table {
        let text = read_to_string(path.join("Cargo.toml")).expect("a manifest");
        toml::from_str(&text).expect("TOML")
    };
    let workspace = manifest(&root());
    let paths = workspace["workspace"]["dependencies"]
        .as_table()
        .expect("a table");
    let members = workspace["workspace"]["members"]
        .as_array()
        .expect("a list");
    for member in members.iter().filter_map(toml::Value::as_str) {
        let place = |of: &str| CRATES.iter().position(|floor| floor.contains(&of));
        let own = place(member).unwrap_or_else(|| panic!("{member} has no place in CRATES"));
        let manifest = manifest(&root().join(member));
        for name in manifest["dependencies"].as_table().expect("a table").keys() {
            if let Some(path) = paths[name].get("path").and_then(toml::Value::as_str) {
                let below = place(path).is_some_and(|place| place < own);
                assert!(below, "{member} depends on {path}, which is not below it");
            }
        }
    }
}

#[test]
fn a_function_links_only_its_side_of_the_channels() {
    for (of, not) in NOT_LINKED {
        for (path, code) in sources(of) {
            let mut words = code.split(|char: char| !char.is_alphanumeric());
            let word = words.find(|word| not.contains(word));
            assert_eq!(word, None, "{of}: {path}");
        }
    }
}

#[test]
fn what_is_shared_names_no_channel_and_no_sink() {
    let names = CHANNELS
        .iter()
        .map(|channel| channel.name)
        .chain(SINKS.iter().map(|sink| sink.name));
    let names: Vec<&str> = names.collect();
    for of in [
        "shared",
        "functions/inbound",
        "functions/processor",
        "functions/webhook",
    ] {
        for (path, code) in sources(of) {
            let code = code.to_lowercase();
            let words: BTreeSet<&str> = code.split(|char: char| !char.is_alphanumeric()).collect();
            for name in &names {
                let is_there = if WORDS.contains(name) {
                    code.contains(&format!("type = \"{name}\""))
                } else {
                    words.contains(name)
                };
                assert!(
                    !is_there,
                    "{of}: {path} names {name}; where that is a word too, it belongs into `WORDS`"
                );
            }
        }
    }
}
