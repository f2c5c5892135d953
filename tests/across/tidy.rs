//! The shape of the workspace: who depends on whom, what pure crates may not touch, how long a file may be.

use std::fs;
use std::path::{Path, PathBuf};

use stoop_tests::{files, workspace};
use toml::de::{DeTable, DeValue};

/// The crates from the bottom up: each depends only on those before it.
const ORDER: [&str; 13] = [
    "model", "latency", "feed", "wire", "engine", "tape", "synth", "backtest", "rest", "live", "mock",
    "stoop", "cli",
];
/// Crates without a clock, a socket, a thread, an actor or a file.
const PURE: [&str; 5] = ["model", "wire", "engine", "feed", "latency"];
/// What a pure crate does not depend on.
const IMPURE_CRATES: [&str; 19] = [
    "actix",
    "anyhow",
    "clap",
    "crossbeam-channel",
    "flate2",
    "futures-util",
    "rand",
    "rustls",
    "serde",
    "serde_json",
    "stoop-live",
    "stoop-tape",
    "tempfile",
    "tokio",
    "tokio-tungstenite",
    "tracing",
    "tracing-subscriber",
    "ureq",
    "zstd",
];
/// What does not stand in the source of a pure crate.
const IMPURE_PATHS: [&str; 20] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::io",
    "std::sync::mpsc",
    "std::sync::Mutex",
    "std::sync::RwLock",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime",
    "thread_local!",
    "println!",
    "async fn",
    "async move",
    "tokio::",
    "actix::",
    "rand::",
];
const LONGEST_FILE: usize = 700;

/// Sources of the workspace, without what cargo builds.
fn sources() -> Vec<PathBuf> {
    let all = ["crates", "benches", "tests", "fuzz"].map(workspace);
    let all = all.iter().filter(|folder| folder.is_dir()).flat_map(|folder| files(folder));
    all.filter(|path| path.extension().is_some_and(|ending| ending == "rs")).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A path as the reader of a failure looks for it.
fn shown(path: &Path) -> String {
    path.strip_prefix(workspace("")).unwrap_or(path).display().to_string()
}

/// Code without comments. A `//` in a text ends its line here too, which hides nothing these tests look for.
fn code(path: &Path) -> String {
    read(path).lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Lines of code of a crate with their places, without what is compiled for its tests alone.
pub(crate) fn product(crate_name: &str) -> Vec<(String, String)> {
    let all = files(&workspace(&format!("crates/{crate_name}/src")));
    let mut test_modules = Vec::new();
    let mut lines = Vec::new();
    for path in &all {
        let is_root = path.file_name().is_some_and(|name| name == "mod.rs" || name == "lib.rs");
        let parent = path.parent().expect("a file is in a folder");
        let below = if is_root { parent.to_owned() } else { path.with_extension("") };
        let text = code(path);
        let mut numbered = (1..).zip(text.lines());
        while let Some((number, line)) = numbered.next() {
            if line.trim() != "#[cfg(test)]" {
                lines.push((path.clone(), number, line.to_owned()));
                continue;
            }
            // A module of tests in a file is its last part; anything else is one line.
            match numbered.next().and_then(|(_, line)| line.trim().strip_prefix("mod ")) {
                Some(module) if module.ends_with('{') => break,
                Some(module) => test_modules.push(below.join(module.trim_end_matches(';'))),
                None => {}
            }
        }
    }
    let is_test = |path: &Path| {
        test_modules.iter().any(|module| path.starts_with(module) || path == module.with_extension("rs"))
    };
    let kept = lines.into_iter().filter(|(path, _, _)| !is_test(path));
    kept.map(|(path, number, line)| (format!("{}:{number}", shown(&path)), line)).collect()
}

/// Names of everything a manifest depends on.
fn dependencies(manifest: &Path) -> Vec<String> {
    let text = read(manifest);
    let parsed = DeTable::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", manifest.display()));
    let mut names = Vec::new();
    for (key, value) in parsed.get_ref() {
        if !key.get_ref().ends_with("dependencies") {
            if let ("target", DeValue::Table(_)) = (key.get_ref().as_ref(), value.get_ref()) {
                panic!("{}: this test does not look into [target]", manifest.display());
            }
            continue;
        }
        if let DeValue::Table(table) = value.get_ref() {
            names.extend(table.iter().map(|(name, _)| name.get_ref().to_string()));
        }
    }
    names
}

/// The crate of our own a package name stands for.
fn own(package: &str) -> Option<&str> {
    if package == "stoop" { Some(package) } else { package.strip_prefix("stoop-") }
}

fn place(name: &str) -> Option<usize> {
    ORDER.iter().position(|known| *known == name)
}

#[test]
fn crates_depend_only_on_those_below_them() {
    for entry in fs::read_dir(workspace("crates")).expect("the crates are there").flatten() {
        let folder = entry.file_name().to_string_lossy().into_owned();
        let manifest = entry.path().join("Cargo.toml");
        assert!(place(&folder).is_some(), "crates/{folder} has no place in the order of crates");
        for dependency in dependencies(&manifest) {
            // To depend on itself is how a package turns its features on for its tests.
            let Some(below) = own(&dependency).filter(|below| *below != folder) else { continue };
            let is_below = place(below) < place(&folder) && place(below).is_some();
            assert!(is_below, "crates/{folder} depends on {dependency}, which is not below it");
        }
    }
}

#[test]
fn pure_crates_depend_on_nothing_that_does_io() {
    for name in PURE {
        let manifest = workspace(&format!("crates/{name}/Cargo.toml"));
        let text = read(&manifest);
        let used = text.split("[dev-dependencies]").next().unwrap_or_default();
        for dependency in dependencies(&manifest) {
            let is_used =
                used.contains(&format!("\n{dependency}.")) || used.contains(&format!("\n{dependency} "));
            let is_impure = IMPURE_CRATES.contains(&dependency.as_str());
            assert!(!(is_used && is_impure), "crates/{name} is pure and depends on {dependency}");
        }
    }
}

#[test]
fn pure_crates_have_no_clock_no_thread_no_socket_and_no_file() {
    for name in PURE {
        let lines = product(name);
        assert!(lines.len() > 100, "crates/{name} has {} lines", lines.len());
        for (place, line) in lines {
            let found = IMPURE_PATHS.iter().find(|forbidden| line.contains(**forbidden));
            assert!(found.is_none(), "{place}: a pure crate with {}", found.unwrap_or(&""));
        }
    }
}

#[test]
fn no_source_file_is_too_long_to_read() {
    for path in sources() {
        let lines = read(&path).lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines", shown(&path));
    }
}

#[test]
fn no_test_is_ignored() {
    let attribute = concat!("#[", "ignore");
    for path in sources() {
        assert!(!code(&path).contains(attribute), "{} ignores a test", shown(&path));
    }
}

#[test]
fn no_test_sleeps() {
    let sleeps = [concat!("thread::", "sleep("), concat!("time::", "sleep("), concat!(" ", "sleep(")];
    for path in sources() {
        let code = code(&path);
        let whole = shown(&path);
        let is_test = whole.starts_with("tests") || whole.contains("/tests") || whole.contains("_tests.rs");
        let tests =
            if is_test { code.as_str() } else { code.split("#[cfg(test)]").nth(1).unwrap_or_default() };
        assert!(!sleeps.iter().any(|sleep| tests.contains(sleep)), "{whole} sleeps in a test");
    }
}

#[test]
fn targets_of_manifests_exist() {
    let manifests = ["crates", "benches", "tests"].map(|folder| files(&workspace(folder)));
    let is_manifest = |path: &&PathBuf| path.file_name().is_some_and(|name| name == "Cargo.toml");
    for manifest in manifests.iter().flatten().filter(is_manifest) {
        let text = read(manifest);
        let parsed = DeTable::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", shown(manifest)));
        let folder = manifest.parent().expect("a manifest is in a folder");
        for (kind, usual) in
            [("bench", "benches"), ("test", "tests"), ("bin", "src/bin"), ("example", "examples")]
        {
            let tables = parsed.get_ref().get(kind).and_then(|value| value.get_ref().as_array());
            for table in tables.into_iter().flatten().filter_map(|table| table.get_ref().as_table()) {
                let text = |key| table.get(key).and_then(|value| value.get_ref().as_str()).map(str::to_owned);
                let name = text("name").unwrap_or_default();
                let path = text("path").unwrap_or_else(|| format!("{usual}/{name}.rs"));
                assert!(folder.join(&path).is_file(), "{}: no file for {kind} {name}", shown(manifest));
            }
        }
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let pages = files(&workspace("")).into_iter();
    for page in pages.filter(|path| path.extension().is_some_and(|ending| ending == "md")) {
        let text = read(&page);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains(':') {
                continue;
            }
            let path = page.parent().expect("a page is in a folder").join(target);
            assert!(path.exists(), "{} links to {target}, which is not there", shown(&page));
        }
    }
}
