use crossbeam_channel::{Receiver, bounded};
use stoop_engine::{Bounds, Input, Pipeline, Receipt, RuleSet};

use super::*;

/// Opens of this many posts, then their cancels.
fn story(posts: u64) -> Vec<Decision> {
    let rules = RuleSet::parse("rules.toml", "[[rule]]\nname = \"all\"\nfire = \"content\"\nttl = \"30s\"\n");
    let mut pipeline = Pipeline::new(rules.unwrap(), Bounds::default(), 0);
    let mut decisions = Vec::new();
    for (op, text) in [("content", r#","text":"a""#), ("delete", "")] {
        for post in 0..posts {
            let frame = format!(r#"{{"v":1,"t":"tweet","op":"{op}","d":{{"tweetId":"{post}"{text}}}}}"#);
            pipeline.handle(&Input::frame(frame, Receipt::At(1)), &mut decisions);
        }
    }
    assert_eq!(decisions.len() as u64, 2 * posts);
    decisions
}

fn outbox(capacity: usize, when_full: WhenFull) -> (Outbox, Receiver<Decision>) {
    let (queue, taken) = bounded(capacity);
    (Outbox::new(queue, when_full), taken)
}

/// Lets the consumer read all there is until nothing is held back; returns what it has read.
fn take_all(outbox: &mut Outbox, taken: &Receiver<Decision>) -> Vec<Decision> {
    // Each turn makes room for one decision at least.
    const TURNS: usize = 1_000_000;
    let mut came = Vec::new();
    for _ in 0..TURNS {
        came.extend(taken.try_iter());
        if !outbox.is_holding() {
            return came;
        }
        outbox.drain(0);
    }
    panic!("waited for nothing to be held back; {} decisions have come", came.len())
}

fn seqs(taken: &Receiver<Decision>) -> Vec<u64> {
    taken.try_iter().map(|decision| decision.seq).collect()
}

/// After the `ttl` of every open of a story.
const LATE_NS: i64 = 40_000_000_000;

#[test]
fn what_is_held_back_comes_later_in_order() {
    let (mut outbox, taken) = outbox(2, WhenFull::Hold);
    let offered: Vec<bool> = story(4).into_iter().map(|decision| outbox.offer(decision)).collect();
    assert_eq!(offered, [true, true, false, false, false, false, false, false]);
    assert!(outbox.is_holding() && outbox.is_blocking());
    let came: Vec<u64> = take_all(&mut outbox, &taken).iter().map(|decision| decision.seq).collect();
    assert_eq!(came, [0, 1, 2, 3, 4, 5, 6, 7]);
    assert!(!outbox.is_blocking());
    assert_eq!(outbox.close(), QueueCounters { queued: 8, full: 1, ..QueueCounters::default() });
}

#[test]
fn an_open_that_expires_while_held_is_dropped_with_what_follows() {
    let (mut outbox, taken) = outbox(1, WhenFull::Hold);
    let [first, second, cancel_first, cancel_second]: [Decision; 4] = story(2).try_into().unwrap();
    let late_cancel = cancel_second.clone();
    for decision in [first, second, cancel_second, cancel_first] {
        outbox.offer(decision);
    }
    outbox.drain(LATE_NS);
    assert_eq!(seqs(&taken), [0], "what is queued is queued; the rest waits for room");
    outbox.drain(LATE_NS);
    assert_eq!(seqs(&taken), [2], "the cancel of the open that was delivered");
    outbox.offer(late_cancel);
    let counters = outbox.close();
    assert_eq!((counters.queued, counters.expired, counters.dropped_followers), (2, 1, 2));
}

#[test]
fn a_full_queue_drops_new_opens_if_asked_to_and_never_the_cancel_of_a_delivered_one() {
    let (mut outbox, taken) = outbox(1, WhenFull::DropNewest);
    for decision in story(3) {
        outbox.offer(decision);
    }
    assert!(outbox.is_holding() && !outbox.is_blocking(), "the socket is read all the time");
    assert_eq!(seqs(&taken), [0]);
    outbox.drain(LATE_NS);
    assert_eq!(seqs(&taken), [3]);
    let counters = outbox.close();
    assert_eq!((counters.queued, counters.dropped_opens, counters.dropped_followers), (2, 2, 2));
}

/// The same decisions once more, as if their tweets had been forgotten.
fn again(decisions: &[Decision]) -> Vec<Decision> {
    let mut again = decisions.to_vec();
    for decision in &mut again {
        std::sync::Arc::make_mut(&mut decision.body).seq += decisions.len() as u64;
    }
    again
}

#[test]
fn an_open_that_comes_again_after_its_first_was_dropped_is_dropped_with_its_cancel() {
    for when_full in [WhenFull::DropNewest, WhenFull::Hold] {
        let (mut outbox, taken) = outbox(1, when_full);
        let decisions = story(2);
        outbox.offer(decisions[0].clone());
        outbox.offer(decisions[1].clone());
        outbox.offer(decisions[3].clone());
        assert_eq!(seqs(&taken), [0]);
        outbox.drain(LATE_NS);
        for decision in &again(&decisions)[1..] {
            if decision.id == decisions[1].id {
                outbox.offer(decision.clone());
            }
        }
        assert_eq!(seqs(&taken), [0; 0], "no open without its cancel");
        let counters = outbox.close();
        assert_eq!((counters.expired + counters.dropped_opens, counters.dropped_followers), (2, 2));
    }
}

#[test]
fn a_cancel_that_is_held_back_comes_although_a_later_open_of_its_id_is_dropped() {
    let (mut outbox, taken) = outbox(1, WhenFull::DropNewest);
    let decisions = story(1);
    for decision in decisions.iter().cloned().chain(again(&decisions)) {
        outbox.offer(decision);
    }
    assert_eq!(seqs(&taken), [0]);
    outbox.drain(0);
    assert_eq!(seqs(&taken), [1]);
    let counters = outbox.close();
    assert_eq!((counters.dropped_opens, counters.dropped_followers), (1, 1));
}

#[test]
fn what_is_held_back_is_bounded() {
    let posts = HELD_LEAST as u64 + 100;
    let (mut outbox, taken) = outbox(1, WhenFull::Hold);
    for decision in story(posts) {
        outbox.offer(decision);
    }
    let came = take_all(&mut outbox, &taken).len() as u64;
    let counters = outbox.close();
    assert_eq!((counters.dropped_opens, counters.dropped_followers), (99, 99));
    assert_eq!(came, 2 * (posts - 99));
}

#[test]
fn a_consumer_that_is_gone_is_noticed_and_what_it_missed_is_counted() {
    let (mut outbox, taken) = outbox(4, WhenFull::Hold);
    let mut decisions = story(3).into_iter();
    outbox.offer(decisions.next().unwrap());
    assert!(!outbox.is_abandoned());
    drop(taken);
    for decision in decisions {
        assert!(outbox.offer(decision), "nothing is held back for nobody");
    }
    assert!(outbox.is_abandoned() && !outbox.is_holding());
    assert_eq!(outbox.close().undelivered, 5);
}

#[test]
fn what_is_held_back_at_the_end_is_counted() {
    let (mut outbox, taken) = outbox(2, WhenFull::Hold);
    for decision in story(4) {
        outbox.offer(decision);
    }
    assert_eq!(outbox.close().undelivered, 6);
    assert_eq!(taken.iter().count(), 2, "the queue ends after what is in it");
}

/// Offers a story while the consumer takes one decision after each step whose bit is set.
fn play(when_full: WhenFull, steps: u32) -> (Vec<Decision>, QueueCounters) {
    let (mut outbox, taken) = outbox(2, when_full);
    let mut came = Vec::new();
    for (step, decision) in story(5).into_iter().enumerate() {
        outbox.offer(decision);
        if steps >> step & 1 == 1 {
            came.extend(taken.try_recv());
            outbox.drain(0);
        }
    }
    came.extend(take_all(&mut outbox, &taken));
    let counters = outbox.close();
    came.extend(taken.try_iter());
    (came, counters)
}

#[test]
fn whenever_the_consumer_takes_everything_comes_once_and_in_order() {
    for steps in 0..1024 {
        let (came, counters) = play(WhenFull::Hold, steps);
        assert!(came.iter().map(|decision| decision.seq).eq(0..10), "{steps:b}");
        assert_eq!((counters.queued, counters.undelivered), (10, 0), "{steps:b}");
    }
}

#[test]
fn whenever_the_consumer_takes_an_open_and_its_cancel_come_both_or_neither() {
    for steps in 0..1024 {
        let (came, counters) = play(WhenFull::DropNewest, steps);
        assert!(came.is_sorted_by_key(|decision| decision.seq), "{steps:b}");
        let of = |kind| {
            let mut ids: Vec<_> = came.iter().filter(|one| one.kind == kind).map(|one| one.id).collect();
            ids.sort_by_key(ToString::to_string);
            ids
        };
        assert_eq!(of(DecisionKind::Open), of(DecisionKind::Cancel), "{steps:b}");
        assert_eq!(counters.queued + counters.dropped_opens + counters.dropped_followers, 10, "{steps:b}");
    }
}
