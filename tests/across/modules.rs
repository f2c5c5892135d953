//! Modules of a crate import each other in one direction.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::product;

/// Crates that are held to it, in every folder of theirs. The others have circles to be taken apart.
const HELD: [&str; 8] = ["model", "feed", "latency", "wire", "tape", "backtest", "mock", "stoop"];

/// From the root of the crate down; the root itself is empty.
type Module = Vec<String>;

/// What a crate imports, module by module.
struct Imports {
    modules: BTreeSet<Module>,
    /// Names that a module brings into its scope with `use`, and the paths that they stand for.
    named: BTreeMap<Module, BTreeMap<String, Vec<String>>>,
    /// Every path that starts from the crate or from a parent.
    paths: Vec<(Module, Vec<String>)>,
}

impl Imports {
    fn of(crate_name: &str) -> Self {
        let mut texts: BTreeMap<Module, String> = BTreeMap::new();
        for (place, line) in product(crate_name) {
            // Style sheets and the like stand among the sources.
            let Some((file, _)) = place.rsplit_once(".rs:") else { continue };
            let text = texts.entry(module(file)).or_default();
            text.push_str(&line);
            text.push('\n');
        }
        Self::read(&texts)
    }

    fn read(texts: &BTreeMap<Module, String>) -> Self {
        let modules: BTreeSet<Module> = texts.keys().cloned().collect();
        let (mut named, mut paths) = (BTreeMap::new(), Vec::new());
        for (module, text) in texts {
            for (start, _) in text.match_indices("use ") {
                let is_word = text[..start].chars().next_back().is_none_or(char::is_whitespace);
                for (path, name) in is_word.then(|| tree(&text[start + 4..])).into_iter().flatten() {
                    let scope: &mut BTreeMap<String, Vec<String>> = named.entry(module.clone()).or_default();
                    scope.insert(name, path);
                }
            }
            for root in ["crate::", "super::"] {
                for (start, _) in text.match_indices(root) {
                    let is_start = text[..start]
                        .chars()
                        .next_back()
                        .is_none_or(|before| !is_part(before) && before != ':');
                    let found = is_start.then(|| tree(&text[start..])).into_iter().flatten();
                    paths.extend(found.map(|(path, _)| (module.clone(), path)));
                }
            }
        }
        Self { modules, named, paths }
    }

    /// The module that owns what a path names, as seen from a module; re-exports are followed.
    fn owner(&self, from: &Module, path: &[String], depth: usize) -> Option<Module> {
        assert!(depth < 16, "re-exports in a circle: {path:?} in {from:?}");
        let mut at = from.clone();
        for (place, name) in path.iter().enumerate() {
            let below: Module = at.iter().chain([name]).cloned().collect();
            match name.as_str() {
                "crate" => at = Module::new(),
                "self" => {}
                "super" => drop(at.pop()),
                _ if self.modules.contains(&below) => at = below,
                _ if place == 0 => return None,
                _ => {
                    let Some(named) = self.named.get(&at).and_then(|names| names.get(name)) else { break };
                    return self.owner(&at, named, depth + 1).or(Some(at));
                }
            }
        }
        Some(at)
    }

    /// In each folder, which modules import which of their siblings.
    fn edges(&self) -> BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> {
        let mut edges: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (from, path) in &self.paths {
            let Some(to) = self.owner(from, path, 0) else { continue };
            let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            // A module and one of its own children are one idea in two files.
            if let (Some(a), Some(b)) = (from.get(shared), to.get(shared)) {
                let folder = edges.entry(from[..shared].to_vec()).or_default();
                folder.entry(a.clone()).or_default().insert(b.clone());
            }
        }
        edges
    }
}

/// The module of a file such as `crates/tape/src/state/view`.
fn module(file: &str) -> Module {
    let (_, path) = file.split_once("/src/").expect("a crate has its sources in src");
    let mut module: Module = path.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod") || ["lib", "main"].contains(&path) {
        module.pop();
    }
    module
}

fn is_part(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The paths of a `use` tree and the names they are imported by, or the path of an expression, at the head of a text.
fn tree(text: &str) -> Vec<(Vec<String>, String)> {
    fn walk(text: &mut &str, prefix: &[String], found: &mut Vec<(Vec<String>, String)>) {
        let mut path = prefix.to_vec();
        loop {
            *text = text.trim_start();
            if let Some(rest) = text.strip_prefix('{') {
                *text = rest;
                while !text.trim_start().starts_with('}') && !text.trim_start().is_empty() {
                    let before = text.len();
                    walk(text, &path, found);
                    *text = text.trim_start().trim_start_matches(',');
                    if text.len() == before {
                        return;
                    }
                }
                *text = text.trim_start().trim_start_matches('}');
                return;
            }
            let end = text.find(|letter| !is_part(letter)).unwrap_or(text.len());
            let (name, rest) = text.split_at(end);
            if name.is_empty() {
                *text = rest.trim_start_matches('*');
                return found.push((path, "*".to_owned()));
            }
            *text = rest;
            path.push(name.to_owned());
            match rest.strip_prefix("::") {
                Some(rest) => *text = rest,
                None => break,
            }
        }
        let mut name = path.last().cloned().unwrap_or_default();
        if name == "self" {
            path.pop();
            name = path.last().cloned().unwrap_or_default();
        }
        if let Some(rest) = text.trim_start().strip_prefix("as ") {
            let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
            rest[..end].clone_into(&mut name);
            *text = &rest[end..];
        }
        found.push((path, name));
    }
    let (mut rest, mut found) = (text, Vec::new());
    walk(&mut rest, &[], &mut found);
    found
}

/// A way from a module back to itself.
fn circle(edges: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    edges.keys().find_map(|start| {
        let mut before: BTreeMap<&str, &str> = BTreeMap::new();
        let mut open = vec![start.as_str()];
        while let Some(at) = open.pop() {
            for next in edges.get(at).into_iter().flatten() {
                if next == start {
                    let mut way = vec![start.clone(), at.to_owned()];
                    while way.last() != Some(start) {
                        let last = way.last().and_then(|last| before.get(last.as_str()));
                        way.push((*last.expect("every module on the way was reached from one")).to_owned());
                    }
                    way.reverse();
                    return Some(way);
                }
                if !before.contains_key(next.as_str()) {
                    before.insert(next, at);
                    open.push(next);
                }
            }
        }
        None
    })
}

#[test]
fn modules_do_not_import_each_other_in_a_circle() {
    for crate_name in HELD {
        let imports = Imports::of(crate_name);
        assert!(imports.paths.len() > 3, "crates/{crate_name} imports nothing");
        for (folder, edges) in imports.edges() {
            let folder = [&[crate_name.to_owned(), "src".to_owned()], &folder[..]].concat().join("/");
            let found = circle(&edges).map(|way| way.join(" imports "));
            assert_eq!(found, None, "modules of crates/{folder} are a circle");
        }
    }
}

#[test]
fn a_circle_is_seen_through_groups_and_re_exports() {
    let texts = [
        ("", "mod a; mod b; mod c;\npub use c::{Deep as Shown, *};"),
        ("a", "use crate::b::{self, inner::{One, Two}};"),
        ("b", "fn f() -> super::Shown {}"),
        ("c", "use std::fmt;\npub use deep::Deep;"),
        ("c/deep", "use super::super::a::Thing;"),
    ];
    let module = |path: &str| path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let read = |texts: &[(&str, &str)]| {
        let texts = texts.iter().map(|(path, text)| (module(path), (*text).to_owned()));
        Imports::read(&texts.collect()).edges().remove(&Module::new()).and_then(|edges| circle(&edges))
    };
    assert_eq!(read(&texts).map(|way| way.join(" ")).as_deref(), Some("a b c a"));
    assert_eq!(read(&texts[..4]), None, "without the last there is none");
}
