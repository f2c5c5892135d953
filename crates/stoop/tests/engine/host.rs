//! What a host asks of a running engine, and how one ends.

use std::time::Duration;

use stoop::latency::{Recorder, Stage};
use stoop::stages::MESSAGE_BYTES;
use stoop::{End, Message, News, SendError, receive};
use stoop_mock::{Input, Pace, Server};

use super::{ALL, LONG, PLACEMENTS, builder, contents, next, server, wait_for};

fn count(latency: &Recorder, stage: Stage) -> u64 {
    let table = latency.snapshot();
    table.rows().iter().filter(|row| row.stage == stage).map(|row| row.count).sum()
}

#[test]
fn snapshots_add_up_to_what_is_told_at_the_end() {
    const FRAMES: u64 = 400;
    for placement in PLACEMENTS {
        let server = server(contents(FRAMES as usize));
        let engine = builder(&server, ALL, placement).max_frames(FRAMES).start().unwrap();
        let (mut taken, mut in_intervals, mut snapshots) = (0, 0, 0);
        for decision in engine.decisions() {
            engine.taken(&decision);
            taken += 1;
            if taken % 40 != 0 {
                continue;
            }
            // None if the engine has ended in the meantime: what it decided is still here to be taken.
            let Some(snapshot) = engine.snapshot() else { continue };
            snapshots += 1;
            in_intervals += count(&snapshot.interval, Stage::Decode);
            let decoded = count(&snapshot.latency, Stage::Decode);
            assert_eq!(decoded, in_intervals, "{placement:?}");
            assert_eq!(decoded, snapshot.counters.intake.frames, "{placement:?}: of one moment");
            assert_eq!(snapshot.counters.decisions, snapshot.counters.signal.opened);
            assert_eq!(count(&snapshot.latency, Stage::Taken), taken);
        }
        let summary = engine.join();
        assert_eq!((summary.end, taken), (End::MaxFrames, FRAMES), "{placement:?}");
        for stage in [Stage::Decode, Stage::Merge, Stage::Signal, Stage::Total, Stage::Taken] {
            assert_eq!(
                count(&summary.latency, stage),
                FRAMES,
                "{placement:?} {stage:?}, {snapshots} snapshots"
            );
        }
        assert_eq!(summary.counters.intake.frames, FRAMES);
    }
}

#[test]
fn a_snapshot_asked_for_while_the_engine_ends_is_not_waited_for_in_vain() {
    for placement in PLACEMENTS {
        for _ in 0..20 {
            let server = server(contents(1));
            let engine = builder(&server, ALL, placement).max_frames(1).start().unwrap();
            // One of these comes between the engine's last look at its requests and its end.
            let asked = (0..10_000_000).take_while(|_| engine.snapshot().is_some()).count();
            assert!(engine.ends_within(LONG), "{placement:?}: {asked} snapshots, and no end");
            assert_eq!(engine.join().end, End::MaxFrames, "{placement:?}");
        }
    }
}

#[test]
fn a_running_engine_answers_and_one_that_has_ended_says_so() {
    for placement in PLACEMENTS {
        let server = server(contents(3));
        let engine = builder(&server, ALL, placement).start().unwrap();
        let (decisions, remote) = (engine.decisions(), engine.remote());
        for _ in 0..3 {
            next(&decisions);
        }
        let snapshot = engine.snapshot().unwrap();
        assert_eq!((snapshot.counters.decisions, snapshot.counters.intake.frames), (3, 3), "{placement:?}");
        assert!(snapshot.counters.link.is_up);
        let again = engine.snapshot().unwrap();
        assert_eq!((count(&again.interval, Stage::Decode), count(&again.latency, Stage::Decode)), (0, 3));
        assert!(!engine.is_ended() && !engine.ends_within(Duration::ZERO));
        let long = Message { text: "a".repeat(MESSAGE_BYTES + 1), ..Message::default() };
        assert_eq!(remote.send(long), Err(SendError::TooLong));
        let fits = Message { text: "a".repeat(MESSAGE_BYTES), ..Message::default() };
        assert_eq!(remote.send(fits), Ok(()));

        remote.stop();
        assert!(engine.ends_within(LONG) && engine.is_ended(), "{placement:?}");
        assert!(engine.snapshot().is_none());
        assert_eq!(remote.send(Message::default()), Err(SendError::Ended));
        assert_eq!(remote.switch_off("s"), Err(SendError::Ended));
        let summary = engine.join();
        assert_eq!((summary.end, count(&summary.latency, Stage::Decode)), (End::Stopped, 3));
    }
}

#[test]
fn an_engine_whose_decisions_nobody_takes_any_more_ends_at_the_next() {
    for placement in PLACEMENTS {
        // Round after round of new posts: one always comes.
        let config = stoop_mock::Config {
            input: Input::Frames(contents(5_000)),
            pace: Pace::Rate(5000.0),
            repeat: true,
            rebase: true,
            ..Default::default()
        };
        let server = Server::start(config).unwrap();
        let engine = builder(&server, ALL, placement).start().unwrap();
        let decisions = engine.decisions();
        next(&decisions);
        assert!(!engine.is_ended());
        drop(decisions);
        assert!(engine.ends_within(LONG), "{placement:?}");
        assert_eq!(engine.join().end, End::ConsumerGone, "{placement:?}");
    }
}

#[test]
fn an_engine_that_holds_back_for_nobody_ends() {
    for placement in PLACEMENTS {
        let server = server(contents(3));
        let engine = builder(&server, &format!("{ALL}[queue]\ncapacity = 1\n"), placement).start().unwrap();
        let decisions = engine.decisions();
        wait_for(&engine.notices(), |news| matches!(news, News::QueueFull).then_some(()));
        drop(decisions);
        assert!(engine.ends_within(LONG), "{placement:?}");
        let summary = engine.join();
        assert_eq!(summary.end, End::ConsumerGone, "{placement:?}");
        assert!(summary.counters.queue.undelivered >= 1, "{placement:?}");
    }
}

#[test]
fn decisions_are_handed_out_once() {
    let server = server(contents(1));
    let engine = builder(&server, ALL, PLACEMENTS[0]).max_frames(1).start().unwrap();
    let decisions = engine.decisions();
    assert!(engine.decisions().recv().is_err(), "the second has ended");
    let clone = decisions.clone();
    drop(decisions);
    assert_eq!(clone.iter().count(), 1, "one that is left is enough");
    assert_eq!(engine.join().end, End::MaxFrames);
}

#[test]
fn receive_takes_decisions_and_ends_with_the_engine() {
    for spin in [Duration::ZERO, Duration::from_millis(1)] {
        let server = server(contents(20));
        let engine = builder(&server, ALL, PLACEMENTS[1]).max_frames(20).start().unwrap();
        let decisions = engine.decisions();
        let mut taken = Vec::new();
        while let Some(decision) = receive(&decisions, spin) {
            taken.push(decision.seq);
        }
        assert_eq!(taken, (0..20).collect::<Vec<_>>());
        assert!(receive(&decisions, spin).is_none());
        assert_eq!(engine.join().end, End::MaxFrames);
    }
}
