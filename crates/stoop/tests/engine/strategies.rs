//! User code in a live engine: what a panic leaves, and what comes from outside.

use stoop::model::{DecisionKind, Trigger, TweetId};
use stoop::{Case, End, Judgement, Message, News, Strategy};

use super::{ALL, LONG, PLACEMENTS, builder, next, server, tweet, wait_for};

/// Takes the first post and panics over the second.
struct Fragile;

impl Strategy for Fragile {
    fn rule(&self) -> String {
        "name = \"s\"\nsettle = \"5m\"".to_owned()
    }

    fn judge(&mut self, case: &Case<'_>) -> Judgement {
        assert_ne!(case.view.tweet_id.to_string(), "2", "not this one");
        Judgement::Take
    }
}

/// Takes what it was told to take.
#[derive(Default)]
struct Told(Option<TweetId>);

impl Strategy for Told {
    fn rule(&self) -> String {
        "name = \"s\"\nsettle = \"5m\"".to_owned()
    }

    fn judge(&mut self, case: &Case<'_>) -> Judgement {
        if self.0.as_ref() == Some(&case.view.tweet_id) { Judgement::Take } else { Judgement::Refuse }
    }

    fn message(&mut self, message: &Message, _: i64) {
        self.0.clone_from(&message.tweet);
    }
}

fn about(tweet: &str) -> Message {
    Message { tweet: Some(TweetId::parse(tweet)), ..Message::default() }
}

#[test]
fn a_strategy_that_panics_is_switched_off_and_touches_nothing_else() {
    let frames = [("content", "1"), ("content", "2"), ("content", "3"), ("meta", "3"), ("delete", "1")];
    let frames: Vec<Vec<u8>> = frames.map(|(op, id)| tweet(op, id)).to_vec();
    for placement in PLACEMENTS {
        // Each decision as it is told, and how the run ended.
        let run = |has_strategy: bool| {
            let server = server(frames.clone());
            let builder = builder(&server, ALL, placement).max_frames(frames.len() as u64);
            let builder = if has_strategy { builder.strategy(Fragile) } else { builder };
            let engine = builder.start().unwrap();
            let notices = engine.notices();
            let decisions: Vec<_> = engine.decisions().iter().collect();
            let summary = engine.join();
            assert_eq!(summary.end, End::MaxFrames, "{placement:?}");
            let off: Vec<(String, String)> = notices
                .try_iter()
                .filter_map(|notice| {
                    let News::StrategyOff { strategy, message } = notice.what else { return None };
                    Some((strategy, message))
                })
                .collect();
            (decisions, off, summary.counters.signal.strategies_off)
        };
        let (alone, none, count) = run(false);
        assert_eq!((none.len(), count), (0, 0));
        let (beside, off, count) = run(true);
        let [(strategy, message)] = &off[..] else { panic!("{placement:?}: {off:?}") };
        assert!(strategy == "s" && message.contains("not this one"), "{message}");
        assert_eq!(count, 1);
        let of = |decisions: &[stoop::model::Decision], rule: &str| -> Vec<_> {
            let of = decisions.iter().filter(|it| it.rule.name == rule);
            of.map(|it| (it.kind, it.tweet_id.to_string(), it.id, it.revision)).collect()
        };
        assert_eq!(of(&beside, "r"), of(&alone, "r"), "{placement:?}");
        assert_eq!(of(&alone, "r").len(), 5);
        let steps: Vec<_> = of(&beside, "s").into_iter().map(|(kind, tweet, ..)| (kind, tweet)).collect();
        let expect = [(DecisionKind::Open, "1".to_owned()), (DecisionKind::Cancel, "1".to_owned())];
        assert_eq!(steps, expect, "what it opened is still cancelled when its tweet is deleted");
    }
}

#[test]
fn a_panic_is_told_while_the_engine_runs() {
    for placement in PLACEMENTS {
        let server = server(vec![tweet("content", "2")]);
        let engine = builder(&server, "", placement).strategy(Fragile).start().unwrap();
        let name = wait_for(&engine.notices(), |news| {
            let News::StrategyOff { strategy, .. } = news else { return None };
            Some(strategy)
        });
        assert_eq!(name, "s");
        assert_eq!(engine.snapshot().unwrap().counters.signal.strategies_off, 1, "{placement:?}");
        assert!(!engine.is_ended());
    }
}

#[test]
fn a_word_from_outside_opens_and_cancels_in_every_placement() {
    for placement in PLACEMENTS {
        let server = server(vec![tweet("content", "1")]);
        let engine = builder(&server, ALL, placement).strategy(Told::default()).start().unwrap();
        let (decisions, remote) = (engine.decisions(), engine.remote());
        assert_eq!(next(&decisions).rule.name, "r", "the post has come");
        remote.send(about("1")).unwrap();
        let open = next(&decisions);
        assert_eq!((open.kind, open.trigger), (DecisionKind::Open, Trigger::Message), "{placement:?}");
        assert_eq!((open.rule.name.as_str(), open.recv_ns), ("s", open.decided_ns));
        assert!(open.latency.is_some() && open.queued_ns >= Some(open.decided_ns));
        remote.send(about("2")).unwrap();
        remote.send(Message { strategy: Some("s".to_owned()), ..about("1") }).unwrap();
        // The second word has said no of no tweet that is known; the third says yes once more.
        remote.send(Message { tweet: None, ..Message::default() }).unwrap();
        engine.stop();
        assert!(engine.ends_within(LONG));
        assert_eq!(decisions.iter().count(), 0, "{placement:?}");
        assert_eq!(engine.join().end, End::Stopped);
    }
}

#[test]
fn words_are_taken_in_order_and_one_that_is_switched_off_hears_none() {
    for placement in PLACEMENTS {
        let server = server(vec![tweet("content", "1")]);
        let engine = builder(&server, ALL, placement).strategy(Told::default()).start().unwrap();
        let (decisions, remote) = (engine.decisions(), engine.remote());
        next(&decisions);
        remote.switch_off("s").unwrap();
        remote.send(about("1")).unwrap();
        let counters = engine.snapshot().unwrap().counters;
        assert_eq!((counters.signal.strategies_off, counters.signal.messages), (1, 1), "{placement:?}");
        assert_eq!(counters.decisions, 1);
        assert!(decisions.is_empty());
    }
}
