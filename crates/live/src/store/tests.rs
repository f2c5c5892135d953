//! What is written is read again; what is damaged is set aside.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use stoop_engine::{Bounds, NoProbe, Pipeline, Receipt, RuleSet, Scope, View};

use super::*;
use crate::clock::Clock;
use crate::gauge::Gauge;
use crate::notice::Notices;

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
            self.pipeline.frame(frame.as_bytes(), Receipt::At(at_ns), &mut NoProbe, &mut Vec::new());
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
    desk.pipeline.restore(&kept.state.unwrap());
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

/// A keeper over a store, with its delivery.
fn keeper(desk: &Desk) -> (Keeper, Arc<Delivery>) {
    let (store, _) = Store::open(&desk.path()).unwrap();
    let delivery = Arc::new(Delivery::default());
    let (gauge, notices) = (Arc::new(Gauge::new()), Notices::new().0);
    (Keeper::start(store, Arc::clone(&delivery), gauge, notices, Clock::anchored()).unwrap(), delivery)
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
        assert_eq!(keeper.finish(), (u64::from(is_kept), 0));
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
    assert_eq!(keeper.finish(), (1, 0));
}
