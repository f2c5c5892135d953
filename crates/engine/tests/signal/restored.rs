//! State taken from one engine and given to another: the second goes on as the first would have.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use stoop_engine::{CooldownState, Input, Scope, State, TweetState, View, ViewState};

use super::random::{RULES, bounds, inputs};
use super::{Run, config};

/// The state as a reader of it has it: nothing shared with the engine it was taken from.
fn read_back(state: &State) -> State {
    let again = |view: &Arc<View>| Arc::new(View::restore(&view.save()).expect("a view that was one"));
    let mut state = state.clone();
    state.views.iter_mut().for_each(|of| of.view = again(&of.view));
    state.tweets.iter_mut().for_each(|of| of.view = of.view.as_ref().map(again));
    state
}

fn restored(rules: &str, state: &State) -> Run {
    let mut run = Run::new(rules, bounds());
    run.pipeline.handle(&Input::restored(read_back(state).into()), &mut Vec::new());
    run
}

/// What a store holds after a whole state and changes.
#[derive(Default)]
struct Store {
    state: State,
    views: BTreeMap<u64, ViewState>,
    tweets: BTreeMap<u64, TweetState>,
    cooldowns: BTreeMap<u64, CooldownState>,
    events: BTreeMap<u64, u128>,
}

impl Store {
    fn take(&mut self, changes: State) {
        self.views.retain(|serial, _| !changes.gone.views.contains(serial));
        self.tweets.retain(|serial, _| !changes.gone.tweets.contains(serial));
        self.views.extend(changes.views.into_iter().map(|view| (view.serial, view)));
        self.tweets.extend(changes.tweets.into_iter().map(|tweet| (tweet.serial, tweet)));
        self.cooldowns.retain(|serial, _| !changes.gone.cooldowns.contains(serial));
        self.cooldowns.extend(changes.cooldowns.into_iter().map(|cooldown| (cooldown.serial, cooldown)));
        self.events.extend(changes.events);
        self.events.retain(|place, _| *place >= changes.gone.events_before);
        self.state.head = changes.head;
    }

    fn state(&self) -> State {
        State {
            views: self.views.values().cloned().collect(),
            tweets: self.tweets.values().cloned().collect(),
            cooldowns: self.cooldowns.values().cloned().collect(),
            events: self.events.iter().map(|(place, key)| (*place, *key)).collect(),
            ..self.state.clone()
        }
    }
}

/// Everything of a state, in one order.
fn shown(state: &State) -> String {
    let mut views: Vec<_> = state.views.iter().map(|of| (of.serial, of.view.save(), &of.seen)).collect();
    views.sort_by_key(|view| view.0);
    let mut tweets: Vec<_> = state.tweets.iter().collect();
    tweets.sort_by_key(|tweet| tweet.serial);
    let tweets: Vec<String> = tweets
        .iter()
        .map(|tweet| {
            let view = tweet.view.as_ref().map(|view| view.save());
            format!(
                "{:?} {view:?} {:?} {:?}",
                (tweet.serial, &tweet.id, tweet.kept_at),
                tweet.lives,
                tweet.deadlines
            )
        })
        .collect();
    format!("{:?}\n{views:#?}\n{tweets:#?}\n{:?}\n{:?}", state.head, state.cooldowns, state.events)
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn an_engine_that_begins_with_the_state_of_another_goes_on_as_it_would(
        inputs in inputs(),
        at in any::<prop::sample::Index>(),
    ) {
        let at = at.index(inputs.len());
        let mut whole = Run::new(RULES, bounds());
        let mut before = Run::new(RULES, bounds());
        for (time, input) in &inputs[..at] {
            before.put((*time, input));
        }
        let mut after = restored(RULES, &before.pipeline.save(Scope::All));
        for (time, input) in &inputs[at..] {
            after.put((*time, input));
        }
        for (time, input) in &inputs {
            whole.put((*time, input));
        }
        prop_assert_eq!(shown(&after.pipeline.save(Scope::All)), shown(&whole.pipeline.save(Scope::All)));
        after.pipeline.handle(&Input::end(), &mut after.decisions);
        whole.pipeline.handle(&Input::end(), &mut whole.decisions);
        let split: Vec<_> = before.decisions.into_iter().chain(after.decisions).collect();
        prop_assert_eq!(split, whole.decisions);
    }

    #[test]
    fn changes_add_up_to_the_whole(inputs in inputs(), cuts in prop::collection::vec(any::<bool>(), 60)) {
        let mut run = Run::new(RULES, bounds());
        let mut store = Store::default();
        store.take(run.pipeline.save(Scope::Changes));
        for ((time, input), is_cut) in inputs.iter().zip(cuts) {
            run.put((*time, input));
            if is_cut {
                store.take(run.pipeline.save(Scope::Changes));
            }
        }
        store.take(run.pipeline.save(Scope::Changes));
        prop_assert_eq!(shown(&store.state()), shown(&run.pipeline.save(Scope::All)));
        let again = run.pipeline.save(Scope::Changes);
        prop_assert_eq!((again.views.len(), again.tweets.len(), again.events.len()), (0, 0, 0));
        prop_assert_eq!((again.cooldowns.len(), again.gone.cooldowns.len()), (0, 0));
    }
}

#[test]
fn a_decision_of_a_rule_that_is_no_more_is_cancelled_by_a_deletion_only() {
    let mut before = Run::new("[[rule]]\nname = \"gone\"\nany = [\"a\"]\n", bounds());
    before.put((0.0, r#"content "text":"a""#));
    let state = before.pipeline.save(Scope::All);
    let mut after = restored("[[rule]]\nname = \"other\"\nany = [\"z\"]\n", &state);
    after.put((1.0, r#"update "text":"b""#));
    after.put((2.0, "delete"));
    let lines: Vec<_> =
        after.decisions.iter().map(|line| (line.rule.name.as_str(), line.seq, line.revision)).collect();
    assert_eq!(lines, [("gone", 1, 1)]);
    assert_eq!(after.decisions[0].reason.map(stoop_model::CancelReason::as_str), Some("deleted"));
}

#[test]
fn a_decision_goes_on_under_the_rule_of_its_name_wherever_it_stands() {
    let rules = "[[rule]]\nname = \"a\"\nany = [\"a\"]\nsettle = \"5ms\"\n";
    let mut before = Run::new(rules, bounds());
    before.put((0.0, r#"content "text":"a""#));
    let state = before.pipeline.save(Scope::All);
    let mut after = restored(&format!("[[rule]]\nname = \"first\"\nany = [\"z\"]\n{rules}"), &state);
    after.put((4.0, "meta"));
    assert_eq!(after.lines().len(), 1, "confirmed");
    // The deadline was set by the engine before; it says nothing of a decision that is confirmed.
    after.put((6.0, "tick"));
    assert!(after.lines().is_empty());
    let mut late = restored(rules, &state);
    late.put((60_000.0, "tick"));
    let line = &late.decisions[0];
    assert_eq!((line.kind.as_str(), line.seq), ("lapse", 1));
    assert_eq!(line.decided_ns, super::ZERO_MS * 1_000_000 + 5_000_000, "at its own time, however late");
}

#[test]
fn a_frame_that_came_before_is_a_duplicate() {
    let mut before = Run::new(RULES, bounds());
    for input in [r#"content "text":"a $AB""#, r#"pin "eventId":"e1","observedAt":5"#] {
        before.put((0.0, input));
    }
    let mut after = restored(RULES, &before.pipeline.save(Scope::All));
    for input in [r#"content "text":"a $AB""#, r#"pin "eventId":"e1","observedAt":5"#] {
        after.put((1.0, input));
    }
    assert_eq!(after.pipeline.merge.counters().duplicates, 2);
    assert!(after.lines().is_empty());
}
