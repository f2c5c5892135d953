//! The window as a whole; the joins of a view are in [`join`], against a model in [`model`].

mod dump;
mod frame;
mod join;
mod model;

use stoop_model::{Platform, TweetId};
use stoop_wire::{Decoder, Limits};

use super::{FRAMES_PER_TWEET, Merge, Merged, Window};
use crate::Stamp;

/// A merge fed with JSON, one frame a nanosecond unless told otherwise.
pub(super) struct Rig {
    pub(super) merge: Merge,
    decoder: Decoder,
    seq: u64,
}

impl Rig {
    pub(super) fn new(window: Window) -> Self {
        Self { merge: Merge::new(window), decoder: Decoder::new(Limits::default()), seq: 0 }
    }

    /// Joins a frame at `now_ns`.
    pub(super) fn put_at(&mut self, json: &str, now_ns: i64) -> Vec<Merged> {
        let mut out = Vec::new();
        let stamp = Stamp { seq: self.seq, now_ns, is_late: false };
        self.seq += 1;
        let merge = &mut self.merge;
        self.decoder.decode(json.as_bytes(), |event| {
            merge.handle(event.unwrap_or_else(|bad| panic!("{bad}: {json}")), stamp, &mut out);
        });
        out
    }

    pub(super) fn put(&mut self, json: &str) -> Vec<Merged> {
        self.put_at(json, self.seq as i64)
    }
}

fn changes(merged: &[Merged]) -> usize {
    merged.iter().filter(|merged| matches!(merged, Merged::Changed(_))).count()
}

fn content(id: u64, text: &str) -> String {
    content_on("twitter", id, text)
}

fn content_on(platform: &str, id: u64, text: &str) -> String {
    format!(
        r#"{{"t":"tweet","op":"content","ts":1,"d":{{"tweetId":"{id}","text":"{text}","author":{{"handle":"@a","platform":"{platform}"}}}}}}"#
    )
}

fn meta(id: u64, text: &str) -> String {
    format!(r#"{{"t":"tweet","op":"meta","ts":1,"d":{{"tweetId":"{id}","ocr":{{"text":"{text}"}}}}}}"#)
}

fn delete(id: u64) -> String {
    format!(r#"{{"t":"tweet","op":"delete","ts":9,"d":{{"tweetId":"{id}"}}}}"#)
}

fn small(tweets: usize) -> Window {
    Window { span_ns: 1_000, tweets }
}

#[test]
fn a_copy_with_other_times_is_a_duplicate() {
    let mut rig = Rig::new(small(4));
    let frame = |ts: u32, received: &str, event: &str| {
        format!(
            r#"{{"t":"tweet","op":"pin","ts":{ts},"d":{{"tweetId":"1"{received}{event},"observedAt":5}}}}"#
        )
    };
    assert_eq!(changes(&rig.put(&frame(1, r#","receivedAt":1"#, ""))), 1);
    assert_eq!(changes(&rig.put(&frame(2, r#","receivedAt":2"#, ""))), 0);
    assert_eq!(changes(&rig.put(&frame(3, "", ""))), 0);
    assert_eq!(changes(&rig.put(&frame(1, "", r#","eventId":"e""#))), 1);
    assert_eq!(changes(&rig.put(&frame(2, r#","receivedAt":7"#, r#","eventId":"e""#))), 0);
    assert_eq!(rig.merge.counters().duplicates, 3);
    // The same event id with another operation is another event.
    let unpin = frame(1, "", r#","eventId":"e""#).replace("\"pin\"", "\"unpin\"");
    assert_eq!(changes(&rig.put(&unpin)), 1);
    let content = content(1, "x");
    assert_eq!(changes(&rig.put(&content)), 1);
    assert_eq!(changes(&rig.put(&content.replace("\"ts\":1", "\"ts\":2"))), 0);
    assert_eq!(rig.merge.counters().duplicates, 4);
}

#[test]
fn account_events_pass_and_begin_nothing() {
    let mut rig = Rig::new(small(4));
    let follow = r#"{"t":"account","op":"follow","ts":1,"d":{"eventId":"f","actor":{},"target":{}}}"#;
    assert!(rig.put(follow).is_empty() && rig.put(follow).is_empty());
    assert_eq!((rig.merge.counters().passed, rig.merge.counters().duplicates, rig.merge.len()), (1, 1, 0));
}

#[test]
fn a_tweet_leaves_when_its_time_is_over_and_not_before() {
    let mut rig = Rig::new(small(4));
    rig.put_at(&content(1, "x"), 10);
    assert_eq!(rig.merge.deadline(), Some(1_010));
    let mut out = Vec::new();
    rig.merge.wake(1_009, &mut out);
    assert!(out.is_empty());
    // A later frame does not keep it.
    rig.put_at(&meta(1, "x"), 1_009);
    rig.merge.wake(1_010, &mut out);
    assert!(
        matches!(out.as_slice(), [Merged::Left { view, at_ns: 1_010 }] if view.post().text() == Some("x"))
    );
    assert!(rig.merge.is_empty());
    assert_eq!(rig.merge.deadline(), None);
    // However late the wake is, it left then.
    rig.put_at(&content(2, "x"), 2_000);
    let out = rig.put_at(&meta(3, "x"), 9_000);
    assert!(matches!(out.first(), Some(Merged::Left { at_ns: 3_000, .. })));
    assert_eq!(rig.merge.counters().left, 2);
}

#[test]
fn a_full_window_pushes_out_the_oldest() {
    let mut rig = Rig::new(small(3));
    for id in 0..10 {
        let out = rig.put_at(&content(id, "x"), id as i64);
        assert!(rig.merge.len() <= 3);
        let left = out.iter().find_map(|merged| match merged {
            Merged::Left { view, at_ns } => Some((view.tweet_id.clone(), *at_ns)),
            Merged::Changed(_) | Merged::Named(_) => None,
        });
        assert_eq!(left, id.checked_sub(3).map(|gone| (TweetId::Number(gone), id as i64)));
    }
    assert_eq!(rig.merge.counters().pushed_out, 7);
    rig.merge.reset();
    assert!(rig.merge.is_empty());
}

#[test]
fn frames_and_assets_of_one_tweet_are_bounded() {
    let mut rig = Rig::new(small(4));
    for index in 0..FRAMES_PER_TWEET + 5 {
        let out = rig.put_at(&meta(1, &index.to_string()), 0);
        assert_eq!(changes(&out), usize::from(index < FRAMES_PER_TWEET));
    }
    assert_eq!(rig.merge.counters().frames_over, 5);
    // A deletion is never too much.
    assert_eq!(changes(&rig.put_at(&delete(1), 0)), 1);
    let token = |index: usize| format!(r#"{{"symbol":"T{index}"}}"#);
    let tokens = |from: usize| (from..from + 200).map(token).collect::<Vec<_>>().join(",");
    for from in [0, 200] {
        let tokens = tokens(from);
        let json = format!(
            r#"{{"t":"tweet","op":"meta","ts":1,"d":{{"tweetId":"2","detected":{{"tokens":[{tokens}]}}}}}}"#
        );
        assert_eq!(changes(&rig.put_at(&json, 0)), 1);
    }
    assert_eq!(rig.merge.counters().assets_over, 1);
    let view = rig.merge.slots.iter().find(|slot| slot.view.tweet_id == TweetId::Number(2)).expect("there");
    assert_eq!(view.view.assets.len(), super::ASSETS_PER_TWEET);
}

#[test]
fn a_spare_view_is_used_again_though_one_leaves_with_every_frame() {
    let mut rig = Rig::new(Window { span_ns: 10, tweets: 100 });
    let mut views = std::collections::BTreeSet::new();
    for id in 0..1_000 {
        for merged in rig.put_at(&content(id, "x"), id as i64 * 10) {
            if let Merged::Changed(change) = merged {
                views.insert(std::sync::Arc::as_ptr(&change.view).addr());
            }
        }
    }
    assert!(views.len() <= 3, "{} views for one tweet at a time", views.len());
}

/// Frames of one id on two platforms, and some for both, in every order: each tweet has its own and the common ones.
#[test]
fn platforms_that_share_an_id_are_two_tweets_in_any_order() {
    let frames = [
        content_on("twitter", 1, "x"),
        content_on("truth_social", 1, "t"),
        meta(1, "ocr"),
        r#"{"t":"tweet","op":"update","ts":5,"d":{"tweetId":"1","urls":[{"url":"u"}]}}"#.to_owned(),
        r#"{"t":"tweet","op":"delete","ts":5,"d":{"tweetId":"1","author":{"handle":"a"}}}"#.to_owned(),
        r#"{"t":"tweet","op":"pin","ts":5,"d":{"tweetId":"1","observedAt":3}}"#.to_owned(),
    ];
    let mut orders = vec![Vec::new()];
    for index in 0..frames.len() {
        orders = (orders.into_iter())
            .flat_map(|order: Vec<usize>| {
                (0..=order.len()).map(move |at| {
                    let mut order = order.clone();
                    order.insert(at, index);
                    order
                })
            })
            .collect();
    }
    assert_eq!(orders.len(), 720);
    for order in orders {
        let mut rig = Rig::new(small(4));
        for index in &order {
            rig.put_at(&frames[*index], 0);
            // A copy of a frame both have seen is one for both.
            assert_eq!(changes(&rig.put_at(&frames[*index], 0)), 0, "{order:?}");
        }
        assert_eq!(rig.merge.len(), 2);
        for (platform, text) in [(Platform::Twitter, "x"), (Platform::TruthSocial, "t")] {
            let view = rig.merge.view(&TweetId::Number(1), &platform).expect("in the window");
            let dump = dump::of(view);
            assert_eq!(view.post().text(), Some(text), "{order:?}");
            assert!(dump.contains("OcrText=ocr\n") && dump.contains("Urls=[u"), "{order:?} {dump}");
            assert_eq!(view.pinned, Some((3, true)), "{order:?}");
            assert_eq!(view.deleted, platform == Platform::Twitter, "{order:?}");
            assert!(view.enriched_ns.is_some() && view.content.is_some(), "{order:?}");
        }
    }
}

#[test]
fn a_third_platform_is_reached_too() {
    let mut rig = Rig::new(small(8));
    for platform in ["twitter", "truth_social", "gab"] {
        rig.put_at(&content_on(platform, 1, platform), 0);
    }
    assert_eq!(changes(&rig.put_at(&delete(1), 0)), 3);
    assert_eq!(rig.merge.counters().shared_id, 1);
    // They leave one by one, and the chain holds.
    rig.put_at(&content_on("twitter", 2, "y"), 999);
    let out = rig.put_at(&meta(1, "late"), 1_000);
    assert_eq!((out.len(), changes(&out), rig.merge.len()), (4, 1, 2));
}

#[test]
fn views_of_a_burst_that_has_left_serve_the_next() {
    let mut rig = Rig::new(small(1_000));
    let burst = |rig: &mut Rig, first: u64, now_ns: i64| {
        let ids = first..first + 500;
        for id in ids.clone() {
            rig.put_at(&content(id, "x"), now_ns);
        }
        let view = |id| std::ptr::from_ref(rig.merge.view(&TweetId::Number(id), &Platform::Twitter).unwrap());
        ids.map(view).collect::<Vec<_>>()
    };
    let before = burst(&mut rig, 0, 0);
    // The tweets of the first leave with the first of the second, which still finds them held.
    let after = burst(&mut rig, 1_000, 2_000);
    assert!(after[1..].iter().all(|view| before.contains(view)));
}

#[test]
fn a_warmed_window_is_an_empty_one() {
    for tweets in [1, 3, 2000] {
        let (mut warm, mut cold) = (Rig::new(small(tweets)), Rig::new(small(tweets)));
        warm.merge.warm();
        assert!(warm.merge.is_empty() && warm.merge.deadline().is_none());
        for id in 0..5 {
            let frame = content(id, "x");
            assert_eq!(
                format!("{:?}", warm.put_at(&frame, id as i64)),
                format!("{:?}", cold.put_at(&frame, id as i64))
            );
        }
        assert_eq!((warm.merge.len(), warm.merge.counters()), (cold.merge.len(), cold.merge.counters()));
    }
}
