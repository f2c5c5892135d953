//! What is written is read again; what is damaged is set aside.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::Receiver;
use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use stoop_engine::{Bounds, Input, Pipeline, Receipt, RuleSet, Scope, View};

use super::disk::Disk;
use super::*;
use crate::clock::Clock;
use crate::notice::{News, Notice, Notices};
use crate::stages::gauge::Gauge;

const RULES: &str = "[[rule]]\nname = \"all\"\nsettle = \"1h\"\n";

/// A pipeline, and a folder for its store.
struct Desk {
    pipeline: Pipeline,
    folder: tempfile::TempDir,
    count: i64,
}

impl Desk {
    fn new() -> Self {
        let rules = RuleSet::parse("rules.toml", RULES).unwrap();
        let pipeline = Pipeline::new(rules, Bounds::default(), 0);
        Self { pipeline, folder: tempfile::tempdir().unwrap(), count: 0 }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("stoop.redb")
    }

    /// So many posts, a second apart.
    fn posts(&mut self, count: i64) {
        for _ in 0..count {
            self.count += 1;
            let frame = format!(
                r#"{{"v":1,"t":"tweet","op":"content","d":{{"tweetId":"{}","text":"post $ABC {}","author":{{"handle":"@a"}}}}}}"#,
                self.count, self.count
            );
            let at_ns = 1_700_000_000_000_000_000 + self.count * 1_000_000_000;
            self.pipeline.handle(&Input::frame(frame, Receipt::At(at_ns)), &mut Vec::new());
        }
    }

    fn write(&mut self, store: &mut Store) {
        store.take(&Save { state: self.pipeline.save(Scope::Changes), up_ns: Some(self.count) });
        store.commit().unwrap();
    }

    /// A store with a few posts in it, closed.
    fn written(count: i64) -> Self {
        let mut desk = Self::new();
        desk.posts(count);
        let (mut store, kept) = Store::open(&desk.path()).unwrap();
        assert!(kept.state.is_none() && kept.set_aside.is_none());
        desk.write(&mut store);
        desk
    }

    fn shown(&mut self) -> String {
        shown(&self.pipeline.save(Scope::All))
    }
}

fn shown(state: &State) -> String {
    let mut views: Vec<_> = state.views.iter().map(|of| (of.serial, of.view.save(), &of.seen)).collect();
    views.sort_by_key(|view| view.0);
    let mut tweets: Vec<_> = state.tweets.iter().collect();
    tweets.sort_by_key(|tweet| tweet.serial);
    let view_of = |view: &Option<Arc<View>>| view.as_ref().map(|view| view.save());
    let tweets: Vec<_> = tweets
        .iter()
        .map(|of| format!("{:?} {:?} {:?}", view_of(&of.view), of.lives, of.deadlines))
        .collect();
    format!("{:?} {views:?} {tweets:?} {:?}", state.head, state.events)
}

#[test]
fn a_store_gives_back_what_was_written_last() {
    let mut desk = Desk::new();
    let (mut store, _) = Store::open(&desk.path()).unwrap();
    for _ in 0..30 {
        // More than ten minutes of posts: early ones leave the window.
        desk.posts(50);
        desk.write(&mut store);
    }
    drop(store);
    for _ in 0..2 {
        let (_, kept) = Store::open(&desk.path()).unwrap();
        assert_eq!(kept.up_ns, Some(desk.count));
        assert!(kept.set_aside.is_none());
        assert_eq!(shown(&kept.state.unwrap()), desk.shown());
    }
}

#[test]
fn a_run_that_begins_anew_replaces_what_the_one_before_has_left() {
    let old = Desk::written(100);
    let mut desk = Desk::new();
    let (mut store, kept) = Store::open(&old.path()).unwrap();
    desk.pipeline.handle(&Input::restored(kept.state.unwrap().into()), &mut Vec::new());
    desk.count = 1000;
    // All of the first hundred have left by now.
    desk.posts(1);
    desk.write(&mut store);
    drop(store);
    let (_, kept) = Store::open(&old.path()).unwrap();
    let state = kept.state.unwrap();
    assert_eq!((state.views.len(), state.tweets.len()), (1, 101), "decisions are kept for a day");
    assert_eq!(shown(&state), desk.shown());
}

#[test]
fn what_was_taken_and_not_committed_is_not_there() {
    let mut desk = Desk::written(3);
    let before = desk.shown();
    let (mut store, _) = Store::open(&desk.path()).unwrap();
    desk.posts(3);
    store.take(&Save { state: desk.pipeline.save(Scope::Changes), up_ns: None });
    drop(store);
    let (_, kept) = Store::open(&desk.path()).unwrap();
    assert_eq!(shown(&kept.state.unwrap()), before);
}

#[test]
fn a_store_does_not_grow_with_the_time_it_is_written_to() {
    let mut desk = Desk::new();
    let (mut store, _) = Store::open(&desk.path()).unwrap();
    let mut sizes = Vec::new();
    for round in 0..400 {
        desk.posts(20);
        // A day passes every so often: nothing is remembered for longer.
        desk.count += 8_640;
        desk.write(&mut store);
        if round % 200 == 199 {
            sizes.push(fs::metadata(desk.path()).unwrap().len());
        }
    }
    assert!(sizes[1] <= sizes[0] * 3 / 2, "{sizes:?}");
}

#[test]
fn a_file_that_is_no_store_is_set_aside_and_said_so() {
    for rubbish in [b"not a database".to_vec(), vec![0; 4096], vec![0xff; 70_000]] {
        let desk = Desk::new();
        fs::write(desk.path(), &rubbish).unwrap();
        let (store, kept) = Store::open(&desk.path()).unwrap();
        assert!(kept.state.is_none());
        let (aside, what) = kept.set_aside.expect("set aside");
        assert_eq!(aside, desk.folder.path().join("stoop.redb.damaged-1"));
        assert!(!what.is_empty());
        assert_eq!(fs::read(&aside).unwrap(), rubbish, "as it was");
        drop(store);
        fs::write(desk.path(), &rubbish).unwrap();
        let (aside, _) = Store::open(&desk.path()).unwrap().1.set_aside.expect("set aside");
        assert_eq!(aside, desk.folder.path().join("stoop.redb.damaged-2"), "never over another");
    }
}

#[test]
fn a_flipped_bit_or_a_cut_is_found_or_changes_nothing() {
    let mut desk = Desk::written(40);
    let (expected, whole) = (desk.shown(), fs::read(desk.path()).unwrap());
    let mut found = 0;
    let mut damaged: Vec<Vec<u8>> = Vec::new();
    let mut place = 11_usize;
    for _ in 0..120 {
        place = (place * 7_919 + 13) % whole.len();
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << (place % 8);
        damaged.push(bytes);
    }
    damaged.extend((1..20).map(|twentieth| whole[..whole.len() * twentieth / 20].to_vec()));
    for bytes in damaged {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stoop.redb");
        fs::write(&path, &bytes).unwrap();
        let (_, kept) = Store::open(&path).unwrap();
        match (kept.state, kept.set_aside) {
            (Some(state), None) => assert_eq!(shown(&state), expected),
            (None, Some((aside, _))) => {
                found += 1;
                assert!(aside.exists());
            }
            (state, aside) => panic!("{} {aside:?}", state.is_some()),
        }
    }
    assert!(found > 20, "{found}");
}

#[test]
fn a_store_belongs_to_one_process() {
    let desk = Desk::written(1);
    let _open = Store::open(&desk.path()).unwrap();
    let error = Store::open(&desk.path()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
}

#[test]
fn a_path_that_cannot_be_is_an_error() {
    let desk = Desk::new();
    let missing = desk.folder.path().join("missing").join("stoop.redb");
    assert!(matches!(Store::open(&missing), Err(StoreError::Io { .. })));
    let folder = desk.folder.path();
    assert!(matches!(Store::open(folder), Err(StoreError::Io { .. })), "a folder");
}

/// A disk on which so many more writes find room.
#[derive(Clone, Debug)]
struct Tight {
    bytes: Arc<InMemoryBackend>,
    writes_left: Arc<AtomicU64>,
}

impl Tight {
    fn new() -> Self {
        Self { bytes: Arc::new(InMemoryBackend::new()), writes_left: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    fn leave(&self, writes: u64) {
        self.writes_left.store(writes, Ordering::Release);
    }

    fn use_up(&self) -> io::Result<()> {
        let less = |left: u64| if left == u64::MAX { Some(left) } else { left.checked_sub(1) };
        let used = self.writes_left.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        used.map(drop).map_err(|_none| ErrorKind::StorageFull.into())
    }

    fn open(&self) -> (Store, Kept) {
        Store::over(Disk::new(self.clone()), Path::new("a disk")).unwrap()
    }
}

impl StorageBackend for Tight {
    fn len(&self) -> io::Result<u64> {
        self.bytes.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.bytes.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.use_up().and_then(|()| self.bytes.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.use_up().and_then(|()| self.bytes.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.use_up().and_then(|()| self.bytes.write(offset, data))
    }
}

#[test]
fn whatever_write_a_full_disk_refuses_nothing_is_forgotten_once_there_is_room() {
    let mut failed = 0;
    for writes in 0..40 {
        let (tight, mut desk) = (Tight::new(), Desk::new());
        let (mut store, _) = tight.open();
        desk.posts(30);
        desk.write(&mut store);
        let before = desk.shown();
        desk.posts(300);
        store.take(&Save { state: desk.pipeline.save(Scope::Changes), up_ns: None });
        tight.leave(writes);
        let is_written = store.commit().is_ok();
        // The disk stays full for a while, and a crash now finds one whole state or the other.
        tight.leave(0);
        if !is_written {
            failed += 1;
            assert!(store.commit().is_err(), "after {writes} writes");
            assert!(store.commit().is_err(), "after {writes} writes");
        }
        tight.leave(u64::MAX);
        if failed % 2 == 0 {
            store.commit().unwrap();
            desk.posts(20);
            desk.write(&mut store);
        }
        drop(store);
        let found = shown(&tight.open().1.state.expect("a state"));
        let is_old = found == before;
        assert!(found == desk.shown() || (is_old && failed % 2 == 1), "after {writes} writes");
    }
    assert!(failed > 5, "{failed}");
}

#[test]
fn a_store_stays_locked_while_it_is_opened_again() {
    let mut desk = Desk::new();
    let (mut store, _) = Store::open(&desk.path()).unwrap();
    store.close_for_test();
    assert!(matches!(Store::open(&desk.path()), Err(StoreError::InUse { .. })), "between the two");
    desk.posts(3);
    desk.write(&mut store);
    assert!(matches!(Store::open(&desk.path()), Err(StoreError::InUse { .. })), "opened again");
    drop(store);
    assert_eq!(shown(&Store::open(&desk.path()).unwrap().1.state.unwrap()), desk.shown());
}

/// A keeper over a store, with its delivery.
fn keeper(desk: &Desk) -> (Keeper, Arc<Delivery>) {
    let (keeper, delivery, _) = keeper_of(Store::open(&desk.path()).unwrap().0);
    (keeper, delivery)
}

fn keeper_of(store: Store) -> (Keeper, Arc<Delivery>, Receiver<Notice>) {
    let delivery = Arc::new(Delivery::default());
    let (gauge, (notices, told)) = (Arc::new(Gauge::new()), Notices::new());
    let keeper = Keeper::start(store, Arc::clone(&delivery), gauge, notices, Clock::anchored()).unwrap();
    (keeper, delivery, told)
}

fn counters(keeper: &Keeper) -> StoreCounters {
    let mut counters = StoreCounters::default();
    keeper.count(Clock::anchored().now_ns(), &mut counters);
    counters
}

/// Commits and failures, once the keeper has ended.
fn ended(keeper: &mut Keeper) -> (u64, u64) {
    keeper.finish();
    let StoreCounters { commits, failed, .. } = counters(keeper);
    (commits, failed)
}

/// Sends what a few posts change.
fn send_posts(desk: &mut Desk, keeper: &Keeper) {
    desk.posts(5);
    let entry = keeper.entry().unwrap();
    entry.occupy();
    entry.sender().send(Box::new(Save { state: desk.pipeline.save(Scope::Changes), up_ns: None })).unwrap();
}

/// Waits until the counters are so.
#[track_caller]
fn wait_for(keeper: &Keeper, what: &str, is_so: impl Fn(StoreCounters) -> bool) {
    const STEP: Duration = Duration::from_millis(5);
    let mut left = Duration::from_mins(1);
    while !is_so(counters(keeper)) {
        left = left.checked_sub(STEP).unwrap_or_else(|| panic!("{what}: {:?}", counters(keeper)));
        std::thread::park_timeout(STEP);
    }
}

#[test]
fn a_full_disk_is_told_once_and_what_waits_is_written_when_there_is_room() {
    let (tight, mut desk) = (Tight::new(), Desk::new());
    let (mut keeper, delivery, told) = keeper_of(tight.open().0);
    assert_eq!(counters(&keeper).failing_ms, None);
    tight.leave(0);
    send_posts(&mut desk, &keeper);
    delivery.settle(100);
    wait_for(&keeper, "it fails again and again", |counters| {
        // Decisions go on, and wake the thread.
        keeper.acknowledge(4);
        counters.failed >= 2
    });
    assert!(counters(&keeper).failing_ms.is_some());
    assert!(!keeper.entry().unwrap().is_free(), "the stages are not asked for more");
    let failed: Vec<_> = told.try_iter().map(|notice| notice.what).collect();
    assert!(matches!(failed[..], [News::StoreFailed { .. }]), "{failed:?}");
    tight.leave(u64::MAX);
    wait_for(&keeper, "it is written", |counters| counters.commits == 1);
    wait_for(&keeper, "it is well", |counters| counters.failing_ms.is_none());
    // A disk that is full again at the end is tried once more, and not waited for.
    send_posts(&mut desk, &keeper);
    wait_for(&keeper, "it is written", |counters| counters.commits == 2);
    let kept = desk.shown();
    tight.leave(0);
    send_posts(&mut desk, &keeper);
    let (commits, failed) = ended(&mut keeper);
    assert!(commits == 2 && failed >= 3 && counters(&keeper).failing_ms.is_some(), "{commits} {failed}");
    let then: Vec<_> = told.try_iter().map(|notice| notice.what).collect();
    assert!(matches!(then[..], [News::StoreRecovered { .. }, News::StoreFailed { .. }]), "{then:?}");
    drop(keeper);
    tight.leave(u64::MAX);
    assert_eq!(shown(&tight.open().1.state.unwrap()), kept);
}

#[test]
fn a_disk_that_has_room_again_at_the_end_gets_all() {
    let (tight, mut desk) = (Tight::new(), Desk::new());
    let (mut keeper, delivery, _told) = keeper_of(tight.open().0);
    tight.leave(0);
    delivery.settle(100);
    send_posts(&mut desk, &keeper);
    wait_for(&keeper, "it fails", |counters| counters.failed > 0);
    tight.leave(u64::MAX);
    send_posts(&mut desk, &keeper);
    assert_eq!(ended(&mut keeper).0, 2);
    assert_eq!(counters(&keeper).failing_ms, None);
    drop(keeper);
    assert_eq!(shown(&tight.open().1.state.unwrap()), desk.shown());
}

#[test]
fn nothing_is_kept_before_its_decisions_have_reached_their_output() {
    for (acknowledged, is_kept) in [(None, false), (Some(3), false), (Some(4), true), (Some(9), true)] {
        let mut desk = Desk::new();
        let (mut keeper, delivery) = keeper(&desk);
        desk.posts(5);
        let save = Save { state: desk.pipeline.save(Scope::Changes), up_ns: None };
        assert_eq!(save.state.head.decisions, 5);
        let entry = keeper.entry().unwrap();
        entry.occupy();
        entry.sender().send(Box::new(save)).unwrap();
        (0..5).for_each(|seq| delivery.send(seq));
        delivery.settle(5);
        if let Some(seq) = acknowledged {
            keeper.acknowledge(seq);
        }
        drop(entry);
        assert_eq!(ended(&mut keeper), (u64::from(is_kept), 0));
        drop(keeper);
        assert_eq!(Store::open(&desk.path()).unwrap().1.state.is_some(), is_kept, "{acknowledged:?}");
    }
}

#[test]
fn decisions_that_were_dropped_are_not_waited_for() {
    let mut desk = Desk::new();
    let (mut keeper, delivery) = keeper(&desk);
    desk.posts(5);
    let save = Save { state: desk.pipeline.save(Scope::Changes), up_ns: None };
    keeper.entry().unwrap().sender().send(Box::new(save)).unwrap();
    delivery.send(0);
    delivery.settle(5);
    keeper.acknowledge(0);
    assert_eq!(ended(&mut keeper), (1, 0));
}
