//! Outputs that go away again unless they are finished, whatever ends the command: half of one looks like a whole
//! one, and stands in the way of the next.

use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::failure::Failure;
use crate::output::note;
use crate::signals;

/// Those of the whole process, for a signal. A command has as many as it has outputs.
static ALL: Mutex<All> = Mutex::new(All { is_watched: false, paths: Vec::new() });

struct All {
    is_watched: bool,
    paths: Vec<PathBuf>,
}

/// New files that are taken away when this is dropped, or at SIGINT or SIGTERM, unless they are kept.
#[derive(Debug, Default)]
pub(crate) struct Unfinished(Vec<PathBuf>);

impl Unfinished {
    /// Has `create` make a file that did not exist.
    pub(crate) fn make<T>(
        &mut self,
        path: &Path,
        create: impl FnOnce(&Path) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        // Locked, so that a signal finds either no file or one it knows of.
        let mut all = all();
        if !all.is_watched {
            signals::end_after(take_away)?;
            all.is_watched = true;
        }
        let made = create(path)?;
        all.paths.push(path.to_owned());
        self.0.push(path.to_owned());
        Ok(made)
    }

    /// They are finished.
    pub(crate) fn keep(mut self) {
        let own = mem::take(&mut self.0);
        all().paths.retain(|path| !own.contains(path));
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let mut all = all();
        for path in &self.0 {
            // Why the command failed is told anyway.
            drop(fs::remove_file(path));
        }
        all.paths.retain(|path| !self.0.contains(path));
    }
}

fn all() -> MutexGuard<'static, All> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a signal does, which nothing follows: the lock is kept, so that no file comes after.
fn take_away() {
    let all = all();
    let mut names = Vec::new();
    for path in &all.paths {
        drop(fs::remove_file(path));
        names.push(path.display().to_string());
    }
    if !names.is_empty() {
        note(format_args!("stoop: stopped before it was done; removed again: {}", names.join(", ")));
    }
    mem::forget(all);
}
