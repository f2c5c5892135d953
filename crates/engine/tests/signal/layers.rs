//! Which rooms of the engine know of which.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms, and the rooms that they must not import from.
const BELOW: [(&str, &[&str]); 2] = [("rules", &["signal", "pipeline"]), ("merge", &["rules"])];

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.expect("an entry of the folder").path()) {
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn rules_know_nothing_of_signal_and_merge_nothing_of_rules() {
    for (room, above) in BELOW {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room), &mut files);
        assert!(files.len() > 3, "{room} has {} files", files.len());
        for path in files {
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for above in above {
                assert!(!code.contains(&format!("{above}::")), "{} imports from {above}", path.display());
            }
        }
    }
}
