//! Which files of a crate import which, read from their tokens: comments and texts name nothing, and a list
//! in braces, an alias, a re-export or a macro hides nothing.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A path, by its segments. That of a module begins below the root of its crate.
type Path = Vec<String>;

/// What a name means by a `use`; `*` for all names.
struct Import {
    name: String,
    path: Path,
}

/// What a file names.
#[derive(Default)]
struct File {
    imports: Vec<Import>,
    /// The paths that are written out, relative to the file as they stand.
    paths: BTreeSet<Path>,
    /// The macros that are called, and those that are defined here.
    calls: BTreeSet<String>,
    macros: BTreeSet<String>,
}

/// The files of a crate, by their modules.
struct Files(BTreeMap<Path, File>);

/// Which files of a crate each of its files imports, by their names without `.rs`, from its `sources`. What a
/// file takes from the modules that it is a part of is left out: a module and its parts are one.
pub(super) fn imports(sources: &BTreeMap<String, String>) -> BTreeMap<String, BTreeSet<String>> {
    let files = sources.iter().map(|(path, text)| {
        let stream: TokenStream = text
            .parse()
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut file = File::default();
        file.read(&stream.into_iter().collect::<Vec<_>>());
        (module(path), file)
    });
    let files = Files(files.collect());
    let imports = files.0.keys().map(|module| {
        let imports = files.imported_by(module);
        (name(module), imports.iter().map(name).collect())
    });
    imports.collect()
}

/// The circles among these imports: files that import each other, by way of others or not.
pub(super) fn circles(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<&str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = imports
        .keys()
        .map(|file| (file.as_str(), reached(imports, file)))
        .collect();
    let mut circles: Vec<BTreeSet<&str>> = Vec::new();
    for (file, from_it) in &reached {
        let leads_back = |other: &&str| reached.get(other).is_some_and(|of| of.contains(file));
        let circle: BTreeSet<&str> = from_it.iter().copied().filter(leads_back).collect();
        if !circle.is_empty() && !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles
}

/// The files that one imports, by way of others or not.
fn reached<'a>(imports: &'a BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<&'a str> {
    let (mut reached, mut left): (BTreeSet<&str>, Vec<&str>) = (BTreeSet::new(), Vec::new());
    let imported = imports.get(from).into_iter().flatten();
    left.extend(
        imported
            .map(String::as_str)
            .filter(|file| reached.insert(*file)),
    );
    while let Some(file) = left.pop() {
        let imported = imports.get(file).into_iter().flatten().map(String::as_str);
        left.extend(imported.filter(|file| reached.insert(*file)));
    }
    reached
}

/// The module of a file by its path below `src`.
fn module(path: &str) -> Path {
    let path = path.trim_end_matches(".rs");
    if path == "lib" {
        return Path::new();
    }
    path.split('/').map(str::to_owned).collect()
}

fn name(module: &Path) -> String {
    if module.is_empty() {
        return "lib".to_owned();
    }
    module.join("/")
}

impl File {
    /// Reads what stands at one level of nesting, and all below it.
    fn read(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Ident(word) if word == "use" => {
                    let end = tokens[at..].iter().position(|token| is(token, ';'));
                    let end = at + end.unwrap_or(tokens.len() - at);
                    self.import(&Path::new(), &tokens[at + 1..end]);
                    at = end;
                }
                TokenTree::Ident(word) if word == "macro_rules" => {
                    self.macros
                        .extend(tokens.get(at + 2).map(ToString::to_string));
                    at += 2;
                }
                TokenTree::Ident(_) => {
                    let (path, length) = path(&tokens[at..]);
                    at += length - 1;
                    if tokens.get(at + 1).is_some_and(|token| is(token, '!')) {
                        self.calls.extend(path.last().cloned());
                    }
                    if path.len() > 1 {
                        self.paths.insert(path);
                    }
                }
                TokenTree::Group(group) => {
                    if is_of_tests(
                        group,
                        at.checked_sub(1).and_then(|before| tokens.get(before)),
                    ) {
                        // Whatever it stands before, to its end.
                        let of_item = tokens[at + 1..].iter().position(ends_item);
                        at += of_item.map_or(0, |end| end + 1);
                    } else {
                        self.read(&group.stream().into_iter().collect::<Vec<_>>());
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Reads a tree of a `use`, of which `prefix` stands before it.
    fn import(&mut self, prefix: &Path, tree: &[TokenTree]) {
        let (own, length) = path(tree);
        let whole = [prefix.clone(), own].concat();
        let rest = &tree[length..];
        // Behind the path is `::{…}`, `::*`, `as name` or nothing.
        let behind = rest.iter().find(|token| !is(token, ':'));
        match behind {
            Some(TokenTree::Group(list)) => {
                let list: Vec<TokenTree> = list.stream().into_iter().collect();
                for tree in list.split(|token| is(token, ',')) {
                    if !tree.is_empty() {
                        self.import(&whole, tree);
                    }
                }
            }
            Some(token) if is(token, '*') => self.imports.push(Import {
                name: "*".to_owned(),
                path: whole,
            }),
            _ => {
                let mut path = whole;
                if path.last().is_some_and(|last| last == "self") {
                    path.pop();
                }
                let alias = rest.get(1).map(ToString::to_string);
                let name = alias.or_else(|| path.last().cloned()).unwrap_or_default();
                self.imports.push(Import { name, path });
            }
        }
    }
}

/// The path that these tokens begin with, and of how many tokens it is.
fn path(tokens: &[TokenTree]) -> (Path, usize) {
    let (mut path, mut at) = (Path::new(), 0);
    while let Some(TokenTree::Ident(word)) = tokens.get(at) {
        path.push(word.to_string());
        let goes_on = tokens.get(at + 1).is_some_and(|token| is(token, ':'))
            && tokens.get(at + 2).is_some_and(|token| is(token, ':'))
            && matches!(tokens.get(at + 3), Some(TokenTree::Ident(_)));
        if !goes_on {
            return (path, at + 1);
        }
        at += 3;
    }
    (path, at)
}

fn is(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// Whether this is the `[cfg(test)]` of an attribute.
fn is_of_tests(group: &proc_macro2::Group, before: Option<&TokenTree>) -> bool {
    let text = group.stream().to_string().replace(' ', "");
    group.delimiter() == Delimiter::Bracket
        && before.is_some_and(|before| is(before, '#'))
        && text == "cfg(test)"
}

fn ends_item(token: &TokenTree) -> bool {
    is(token, ';')
        || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

impl Files {
    /// The modules of the files that this one imports.
    fn imported_by(&self, module: &Path) -> BTreeSet<Path> {
        let file = &self.0[module];
        let uses = file
            .imports
            .iter()
            .map(|import| match import.name.as_str() {
                all @ "*" => [&import.path[..], &[all.to_owned()]].concat(),
                _ => import.path.clone(),
            });
        let mut imported: BTreeSet<Path> = uses
            .chain(file.paths.iter().cloned())
            .filter_map(|path| self.absolute(module, &path, 0))
            .flat_map(|path| self.files_of(&path, 0))
            .collect();
        let defines = |call: &String| self.0.iter().find(|(_, file)| file.macros.contains(call));
        imported.extend(
            file.calls
                .iter()
                .filter_map(defines)
                .map(|(of, _)| of.clone()),
        );
        imported.retain(|of| !module.starts_with(of));
        imported
    }

    /// A path that stands in a module, from the root of the crate on; `None` where it leads out of it.
    fn absolute(&self, module: &Path, path: &[String], depth: usize) -> Option<Path> {
        let first = path.first()?;
        let mut rest = &path[1..];
        let mut from = module.clone();
        match first.as_str() {
            "crate" => return Some(rest.to_vec()),
            "self" => {}
            "super" => {
                from.pop();
                while let Some((_, more)) = rest.split_first().filter(|(next, _)| *next == "super")
                {
                    (rest, _) = (more, from.pop());
                }
            }
            _ => {
                from.push(first.clone());
                if !self.0.contains_key(&from) {
                    // A name that a `use` gives it.
                    let imports = &self.0.get(module)?.imports;
                    let import = imports.iter().find(|import| import.name == *first)?;
                    // `use regex;` would name itself.
                    if depth > 9 || import.path == [first.clone()] {
                        return None;
                    }
                    from = self.absolute(module, &import.path, depth + 1)?;
                }
            }
        }
        Some([&from, rest].concat())
    }

    /// The files that a path leads to: the one whose module has the name, and the one that it is re-exported
    /// from. None where the path is that of a module: what is taken from it is said elsewhere.
    fn files_of(&self, path: &[String], depth: usize) -> Vec<Path> {
        let is_module = |length: &usize| self.0.contains_key(&path[..*length]);
        let length = (0..=path.len()).rev().find(is_module).unwrap_or_default();
        let Some((name, rest)) = path[length..].split_first() else {
            return Vec::new();
        };
        let module = path[..length].to_vec();
        let Some(file) = self.0.get(&module) else {
            return Vec::new();
        };
        let mut files = vec![module.clone()];
        if depth > 9 {
            return files;
        }
        for import in &file.imports {
            let origin = match import.name.as_str() {
                "*" => [&import.path[..], &path[length..]].concat(),
                own if own == name => [&import.path[..], rest].concat(),
                _ => continue,
            };
            if let Some(origin) = self.absolute(&module, &origin, 0) {
                files.extend(self.files_of(&origin, depth + 1));
            }
        }
        files
    }
}
