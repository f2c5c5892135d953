//! Every rule file among the fixtures is what it says it is.

use stoop_engine::{RuleSet, RuleSetError};
use stoop_tests::{files, fixture, read_text};

use crate::replay::rules;

/// Names of the rule files below a folder of `fixtures`.
fn names(folder: &str) -> Vec<String> {
    let folder = fixture(folder);
    let direct = |path: &std::path::PathBuf| path.parent() == Some(folder.as_path());
    let all = files(&folder).into_iter().filter(direct);
    all.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
}

#[test]
fn every_rule_file_is_valid() {
    let names = names("rules");
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        assert!(!rules(&name).rules().is_empty(), "{name}.toml has no rule");
    }
}

#[test]
fn the_starter_set_is_of_a_size_to_be_read() {
    let starter = rules("starter");
    assert!((8..=13).contains(&starter.rules().len()), "{} rules", starter.rules().len());
    let text = read_text("rules/starter.toml");
    for block in text.split("\n\n").filter(|block| block.contains("[[rule]]")) {
        assert!(block.starts_with('#'), "a rule without a word about it:\n{block}");
    }
}

#[test]
fn two_rule_files_use_every_key_there_is() {
    // The error for a key nobody would write lists all that are known.
    let known = |text: &str| -> Vec<String> {
        let error = errors("x", text).swap_remove(0);
        let (_, list) = error.2.split_once("known here: ").expect("the error lists the keys");
        list.split(", ").map(str::to_owned).collect()
    };
    // What needs a universe is in the second.
    let text = read_text("rules/every-key.toml") + &read_text("rules/written.toml");
    let tables = [
        "[[rule]]\nname = \"a\"\nqqqqqqqqqq = 1",
        "[[rule]]\nname = \"a\"\nassets = { qqqqqqqqqqqq = 1 }",
        "[[rule]]\nname = \"a\"\nany_of = [{ qqqqqqqqqqqq = 1 }]",
        "[[alias]]\nqqqqqqqqqq = 1",
    ];
    for key in tables.iter().flat_map(|table| known(table)) {
        let is_set = text.contains(&format!("\n{key} = ")) || text.contains(&format!(" {key} = "));
        assert!(is_set, "neither every-key.toml nor written.toml uses `{key}`");
    }
}

/// Line, column and message of every error in a text.
fn errors(name: &str, text: &str) -> Vec<(usize, usize, String)> {
    match RuleSet::parse(name, text) {
        Ok(_) => panic!("{name} is valid"),
        Err(RuleSetError::Syntax(errors)) => {
            errors.into_iter().map(|error| (error.line, error.column, error.message)).collect()
        }
        Err(error) => panic!("{name}: {error}"),
    }
}

#[test]
fn every_bad_rule_file_names_its_one_mistake_and_where_it_is() {
    let names = names("rules/bad");
    assert!(names.len() >= 40, "{} files", names.len());
    for name in names {
        let text = read_text(&format!("rules/bad/{name}.toml"));
        let head = text.lines().next().unwrap_or_default();
        let expect = head.strip_prefix("# expect: ").unwrap_or_else(|| panic!("{name}: no `# expect: `"));
        let (place, message) = expect.split_once(": ").unwrap_or_else(|| panic!("{name}: no message"));
        let errors = errors(&name, &text);
        assert_eq!(errors.len(), 1, "{name}: {errors:?}");
        let (line, column, found) = &errors[0];
        assert_eq!(format!("{line}:{column}"), place, "{name}: {found}");
        assert!(found.contains(message), "{name}: expected {message:?} in {found:?}");
    }
}
