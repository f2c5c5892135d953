//! A folder for one test, and the files it needs.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::driver::{Program, stoop, wait_until};

/// A path of the workspace's fixtures.
pub(crate) fn fixture(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    root.join(path).to_str().expect("the workspace lies at a path of text").to_owned()
}

/// Frames of a fixture.
pub(crate) fn frames(name: &str) -> Vec<Vec<u8>> {
    lines_of(Path::new(&fixture(&format!("frames/{name}.jsonl"))))
}

/// Lines of a file that are not blank.
pub(crate) fn lines_of(path: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

/// A folder that goes when the test ends.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder can be made") }
    }

    /// A path in the folder, whether there is a file or not.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text.
    pub(crate) fn name(&self, name: &str) -> String {
        self.path(name).to_str().expect("temporary folders lie at paths of text").to_owned()
    }

    /// Writes a file; returns its path.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), bytes).expect("the file can be written");
        self.name(name)
    }

    /// Waits until somebody has made this file.
    pub(crate) fn wait_for(&self, name: &str) {
        wait_until(&format!("{name} to be made"), || self.path(name).exists());
    }

    /// A pipe with a name, with these bytes in it. It does not end before the file is dropped.
    pub(crate) fn pipe(&self, name: &str, bytes: &[u8]) -> (String, File) {
        let path = self.name(name);
        let status = Command::new("mkfifo").arg(&path).status().expect("mkfifo starts");
        assert!(status.success());
        // For both, or to open it would wait for a reader.
        let mut pipe = File::options().read(true).write(true).open(&path).expect("a pipe opens");
        pipe.write_all(bytes).expect("a pipe holds a little");
        (path, pipe)
    }

    /// Writes frames to a file, compressed as its name says; returns its path.
    pub(crate) fn frames(&self, name: &str, frames: &[Vec<u8>]) -> String {
        let file = std::fs::File::create_new(self.path(name)).expect("the file can be created");
        let mut out = stoop::tape::LineWriter::over(&self.path(name), file).expect("a writer");
        frames.iter().try_for_each(|frame| out.line(frame)).expect("frames can be written");
        out.finish().expect("the file can be ended");
        self.name(name)
    }

    /// Writes a configuration that reads the feed at `addr` with these rules; `feed` goes into its table.
    ///
    /// Lost connections are tried again at once, and none is lost because the machine is busy: a server has minutes to
    /// answer, unless `feed` says otherwise. The REST interface is there too, unless `feed` names another: no test asks
    /// the vendor's.
    pub(crate) fn config(&self, addr: &str, rules: &str, feed: &str) -> String {
        let api = format!("\"http://{addr}\"");
        let defaults = [("api", api.as_str()), ("connect_timeout", "\"5m\""), ("pong_timeout", "\"5m\"")];
        let mut settings = String::new();
        for (name, value) in defaults {
            if !feed.contains(&format!("{name} = ")) {
                writeln!(settings, "{name} = {value}").expect("a String takes every text");
            }
        }
        let text = format!(
            "{rules}\n[feed]\nurl = \"ws://{addr}/ws\"\nbackoff_base = \"1ms\"\nbackoff_cap = \"10ms\"\n\
             {settings}{feed}\n"
        );
        self.file("stoop.toml", text)
    }
}

/// A mock server run by the program, or a server like it.
pub(crate) struct Mock {
    /// Where it listens.
    pub(crate) addr: String,
    pub(crate) program: Program,
}

impl Mock {
    pub(crate) fn start(input: &str, args: &[&str]) -> Self {
        Self::of(stoop(&[&["mock", "--input", input], args].concat()).start())
    }

    /// A server that says where it listens as ours does.
    pub(crate) fn of(program: Program) -> Self {
        let says = |line: &str| line.starts_with("listening ");
        let line = program.stderr.wait_for("the server to say where it listens", says);
        Self { addr: line["listening ".len()..].to_owned(), program }
    }
}
