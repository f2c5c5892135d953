//! What an embedder compiles, and that a build says so which cannot do what its configuration asks for.

use std::collections::BTreeSet;
use std::process::Command;

use stoop_tests::workspace;

/// Crates of the live engine without features, our own among them. More need a reason, and then a feature.
const CRATES: usize = 110;

#[test]
fn an_embedder_of_the_live_engine_compiles_few_crates() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(workspace(""));
    cargo.args(["tree", "--offline", "--locked", "-p", "stoop", "--no-default-features"]);
    cargo.args(["-e", "normal", "--prefix", "none", "--format", "{p}"]);
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let crates: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    assert!(
        crates.iter().any(|line| line.starts_with("tokio ")),
        "this is not the tree of the live engine: {crates:?}"
    );
    let list = crates.iter().copied().collect::<Vec<_>>().join("\n");
    assert!(crates.len() <= CRATES, "{} crates, at most {CRATES} are meant to be:\n{list}", crates.len());
}
