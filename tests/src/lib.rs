//! What tests share.

use std::path::{Path, PathBuf};

/// A path of the workspace.
pub fn workspace(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("."));
    root.join(path)
}

/// A path of the fixtures, relative to their folder.
pub fn fixture(path: &str) -> PathBuf {
    workspace("fixtures").join(path)
}

/// Bytes of a fixture.
///
/// # Panics
///
/// If it cannot be read: a test that asks for it cannot go on.
pub fn read(path: &str) -> Vec<u8> {
    let path = fixture(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Text of a fixture.
///
/// # Panics
///
/// If it cannot be read or is not UTF-8.
pub fn read_text(path: &str) -> String {
    String::from_utf8(read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below a folder, in order of path. Folders named `target` or beginning with a point are left out.
///
/// # Panics
///
/// If a folder cannot be read.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let is_hidden = name.to_string_lossy().starts_with('.') || name == "target";
            if path.is_dir() && !is_hidden {
                folders.push(path);
            } else if path.is_file() && !is_hidden {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
