//! The file of the store.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, TableDefinition};
use stoop_engine::State;
use stoop_tape::{
    StateError, read_cooldown, read_head, read_tweet, read_view, write_cooldown, write_head, write_tweet,
    write_view,
};
use twox_hash::XxHash3_64;

use super::disk::Disk;
use super::{Kept, Save, StoreError};

const HEAD: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("head");
const VIEWS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("views");
const TWEETS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("tweets");
const COOLDOWNS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("cooldowns");
const EVENTS: TableDefinition<'static, u64, u128> = TableDefinition::new("events");

/// The layout of the tables. A file of another layout is set aside.
const LAYOUT: &str = "stoop store 1";
/// Pages held in memory: what is written is small, and what is read is read once.
const CACHE_BYTES: usize = 8 << 20;
/// Bytes before each value, which tell whether it is what was written.
const SUM_BYTES: usize = 8;

/// An open store.
#[derive(Debug)]
pub(crate) struct Store {
    /// Has the file open, and locked, as long as the store lives.
    disk: Disk,
    /// None after a failed write: a database that has seen one refuses everything until it is opened again.
    db: Option<Database>,
    /// Changes since the last commit.
    batch: Batch,
    /// The first thing written replaces everything.
    is_fresh: bool,
}

/// Changes, by key; none: it is gone.
#[derive(Debug, Default)]
struct Batch {
    head: Option<Vec<u8>>,
    up_ns: Option<i64>,
    views: BTreeMap<u64, Option<Vec<u8>>>,
    tweets: BTreeMap<u64, Option<Vec<u8>>>,
    cooldowns: BTreeMap<u64, Option<Vec<u8>>>,
    events: BTreeMap<u64, u128>,
    events_before: u64,
}

impl Store {
    /// Opens a store, or makes one. A file that is damaged is renamed, never overwritten, and a new one made.
    pub(crate) fn open(path: &Path) -> Result<(Self, Kept), StoreError> {
        match Self::read(path) {
            Ok((store, kept)) => Ok((store, kept)),
            Err(Failed::Store(error)) => Err(error),
            Err(Failed::Damaged(what)) => {
                let aside = free_name(path);
                fs::rename(path, &aside)
                    .map_err(|source| StoreError::SetAside { path: path.to_owned(), source })?;
                let (store, kept) = Self::read(path).map_err(|failed| match failed {
                    Failed::Store(error) => error,
                    Failed::Damaged(what) => {
                        StoreError::Io { path: path.to_owned(), source: io::Error::other(what) }
                    }
                })?;
                Ok((store, Kept { set_aside: Some((aside, what)), ..kept }))
            }
        }
    }

    fn read(path: &Path) -> Result<(Self, Kept), Failed> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|source| StoreError::Io { path: path.to_owned(), source });
        let backend = FileBackend::new(file.map_err(Failed::Store)?);
        Self::over(Disk::new(backend.map_err(|error| Failed::open(path, error))?), path)
    }

    /// Opens what is on a disk; the path is for messages.
    pub(super) fn over(disk: Disk, path: &Path) -> Result<(Self, Kept), Failed> {
        // A page that is not what it seems may make the database panic; what is read here is thrown away then.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let db = open(&disk).map_err(|error| Failed::open(path, error))?;
            let kept = load(&db)?;
            Ok((Self { disk, db: Some(db), batch: Batch::default(), is_fresh: true }, kept))
        }));
        read.unwrap_or_else(|panic| Err(Failed::Damaged(stoop_engine::panic_message(panic.as_ref()))))
    }

    /// Takes what has changed; [`Self::commit`] writes it.
    pub(crate) fn take(&mut self, save: &Save) {
        let Save { state, up_ns } = save;
        let batch = &mut self.batch;
        batch.head = Some(sealed(&write_head(&state.head)));
        batch.up_ns = up_ns.or(batch.up_ns);
        batch.views.extend(state.gone.views.iter().map(|serial| (*serial, None)));
        batch.tweets.extend(state.gone.tweets.iter().map(|serial| (*serial, None)));
        batch.views.extend(state.views.iter().map(|view| (view.serial, Some(sealed(&write_view(view))))));
        batch.tweets.extend(state.tweets.iter().map(|of| (of.serial, Some(sealed(&write_tweet(of))))));
        batch.cooldowns.extend(state.gone.cooldowns.iter().map(|serial| (*serial, None)));
        batch
            .cooldowns
            .extend(state.cooldowns.iter().map(|of| (of.serial, Some(sealed(&write_cooldown(of))))));
        batch.events.extend(state.events.iter().copied());
        batch.events_before = batch.events_before.max(state.gone.events_before);
    }

    /// Writes the collected changes, all or none. Changes that could not be written wait for the next call, which opens
    /// the database again. A transaction of which the disk cannot tell whether it was written may be written twice.
    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        let written = catch_unwind(AssertUnwindSafe(|| {
            let db = match self.db.take() {
                Some(db) => db,
                None => open(&self.disk)?,
            };
            // If this fails, the database is closed.
            self.write(&db)?;
            self.db = Some(db);
            Ok::<_, redb::Error>(())
        }));
        match written {
            Ok(Ok(())) => {
                self.batch = Batch::default();
                self.is_fresh = false;
                Ok(())
            }
            Ok(Err(error)) => Err(StoreError::Write(error.to_string())),
            Err(panic) => Err(StoreError::Write(stoop_engine::panic_message(panic.as_ref()))),
        }
    }

    /// As after a failed write.
    #[cfg(test)]
    pub(super) fn close_for_test(&mut self) {
        self.db = None;
    }

    fn write(&self, db: &Database) -> Result<(), redb::Error> {
        let Batch { head, up_ns, views, tweets, cooldowns, events, events_before } = &self.batch;
        let transaction = db.begin_write()?;
        if self.is_fresh {
            transaction.delete_table(VIEWS)?;
            transaction.delete_table(TWEETS)?;
            transaction.delete_table(COOLDOWNS)?;
            transaction.delete_table(EVENTS)?;
        }
        {
            let mut table = transaction.open_table(HEAD)?;
            table.insert("layout", LAYOUT.as_bytes())?;
            if let Some(head) = head {
                table.insert("state", head.as_slice())?;
            }
            if let Some(up_ns) = up_ns {
                table.insert("up_ns", sealed(&up_ns.to_le_bytes()).as_slice())?;
            }
            for (definition, changes) in [(VIEWS, views), (TWEETS, tweets), (COOLDOWNS, cooldowns)] {
                let mut table = transaction.open_table(definition)?;
                for (serial, value) in changes {
                    match value {
                        Some(value) => table.insert(serial, value.as_slice())?,
                        None => table.remove(serial)?,
                    };
                }
            }
            let mut table = transaction.open_table(EVENTS)?;
            for (place, key) in events {
                table.insert(place, key)?;
            }
            table.retain_in(..*events_before, |_, _| false)?;
        }
        transaction.commit()?;
        Ok(())
    }
}

/// Opens the database on a disk, or makes one. One that was not closed well is mended first, which reads all of it.
fn open(disk: &Disk) -> Result<Database, DatabaseError> {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder.create_with_backend(disk.clone())
}

/// Why a store could not be read.
#[derive(Debug)]
pub(super) enum Failed {
    Store(StoreError),
    Damaged(String),
}

impl Failed {
    fn open(path: &Path, error: DatabaseError) -> Self {
        let path = path.to_owned();
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a new reason of redb's not to open a file is damage"
        )]
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
                Self::Store(StoreError::InUse { path })
            }
            DatabaseError::Storage(StorageError::Io(source)) if !is_damage(&source) => {
                Self::Store(StoreError::Io { path, source })
            }
            error => Self::Damaged(error.to_string()),
        }
    }
}

/// The file is not what it should be, rather than out of reach.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

impl From<redb::Error> for Failed {
    fn from(error: redb::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl From<StateError> for Failed {
    fn from(error: StateError) -> Self {
        Self::Damaged(error.to_string())
    }
}

fn load(db: &Database) -> Result<Kept, Failed> {
    let transaction = db.begin_read().map_err(redb::Error::from)?;
    let head = match transaction.open_table(HEAD) {
        Ok(table) => table,
        // Nothing was ever committed.
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Kept::default()),
        Err(error) => return Err(redb::Error::from(error).into()),
    };
    let value = |key: &str| {
        let value = head.get(key).map_err(redb::Error::from)?;
        Ok::<_, Failed>(value.map(|value| value.value().to_vec()))
    };
    if value("layout")?.as_deref() != Some(LAYOUT.as_bytes()) {
        return Err(Failed::Damaged("its layout is not the one that this version writes".to_owned()));
    }
    let Some(state) = value("state")? else { return Ok(Kept::default()) };
    let mut state = State { head: read_head(opened(&state)?)?, ..State::default() };
    // Starting the program again is how a user switches a strategy that panicked back on.
    state.head.off.clear();
    state.views = each(&transaction, VIEWS, read_view)?;
    state.tweets = each(&transaction, TWEETS, read_tweet)?;
    state.cooldowns = each(&transaction, COOLDOWNS, read_cooldown)?;
    let table = transaction.open_table(EVENTS).map_err(redb::Error::from)?;
    for entry in table.iter().map_err(redb::Error::from)? {
        let (place, key) = entry.map_err(redb::Error::from)?;
        state.events.push((place.value(), key.value()));
    }
    let up_ns = match value("up_ns")? {
        Some(value) => opened(&value)?.try_into().ok().map(i64::from_le_bytes),
        None => None,
    };
    Ok(Kept { state: Some(state), up_ns, set_aside: None })
}

/// Every value of a table.
fn each<T>(
    transaction: &redb::ReadTransaction,
    definition: TableDefinition<'static, u64, &[u8]>,
    read: impl Fn(&[u8]) -> Result<T, StateError>,
) -> Result<Vec<T>, Failed> {
    let mut values = Vec::new();
    let table = match transaction.open_table(definition) {
        Ok(table) => table,
        // Written before there was such a table.
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(values),
        Err(error) => return Err(redb::Error::from(error).into()),
    };
    for entry in table.iter().map_err(redb::Error::from)? {
        let (_, value) = entry.map_err(redb::Error::from)?;
        values.push(read(opened(value.value())?)?);
    }
    Ok(values)
}

/// A value with its sum before it.
fn sealed(value: &[u8]) -> Vec<u8> {
    let mut sealed = XxHash3_64::oneshot(value).to_le_bytes().to_vec();
    sealed.extend_from_slice(value);
    sealed
}

/// A value whose sum is right.
fn opened(sealed: &[u8]) -> Result<&[u8], Failed> {
    let value = sealed.split_at_checked(SUM_BYTES);
    let value = value.filter(|(sum, value)| *sum == XxHash3_64::oneshot(value).to_le_bytes());
    value
        .map(|(_, value)| value)
        .ok_or_else(|| Failed::Damaged("a value differs from what was written".to_owned()))
}

/// A name beside `path` that no file has.
fn free_name(path: &Path) -> PathBuf {
    let name = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".damaged-{number}"));
        PathBuf::from(name)
    };
    (1..u32::MAX).map(name).find(|name| !name.exists()).unwrap_or_else(|| name(0))
}
