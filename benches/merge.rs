//! Events to views: the day as it came, twice, in the wrong order, and into a full window.

use std::collections::BTreeMap;

use criterion::{BatchSize, Criterion, Throughput};
use stoop_benches::environment;
use stoop_benches::input::Input;
use stoop_engine::{Bounds, Element, Intake, Merge, Merged, Origin, Receipt, Stamp, Window};
use stoop_model::{Event, Op, TweetId};

/// Frames whose events are kept. At work an event has just been decoded and is in the cache; those of a whole day, some
/// 10 MB, would not be, and the bench would measure the memory.
const KEPT_FRAMES: usize = 512;

/// Between rounds: twice the window, so that every tweet has left.
const PAUSE_NS: i64 = 2 * 600_000_000_000;

fn main() {
    environment::print();
    let mut criterion = stoop_benches::criterion();
    let day = Events::of(&Input::day().announced());
    in_rounds(&mut criterion, "day", &day);
    in_rounds(&mut criterion, "out_of_order", &day.reversed());
    duplicates(&mut criterion, &day);
    full_window(&mut criterion, &day);
    criterion.final_summary();
}

/// Decoded tweet frames with their times.
struct Events(Vec<(i64, Event)>);

impl Events {
    /// Event ids are taken off: with them a frame could be joined once only, and rounds would differ.
    fn of(input: &Input) -> Self {
        let mut intake = Intake::new(Bounds::default(), 0);
        let mut events = Vec::new();
        for frame in input.frames.iter().take(KEPT_FRAMES) {
            intake.frame(Origin::Endpoint(0), frame, Receipt::Sent, |stamp, element| {
                let Element::Event(event) = element else { return };
                if event.op.is_tweet() {
                    events.push((stamp.now_ns, Event { event_id: None, ..event.clone() }));
                }
            });
        }
        assert!(!events.is_empty(), "the input has tweets");
        Self(events)
    }

    /// The frames of each tweet the other way round, enrichment before content, in the places the tweet has.
    fn reversed(&self) -> Self {
        let mut places: BTreeMap<TweetId, Vec<usize>> = BTreeMap::new();
        for (place, (_, event)) in self.0.iter().enumerate() {
            places.entry(event.tweet_id.clone()).or_default().push(place);
        }
        let mut events = self.0.clone();
        for of_tweet in places.values() {
            for (to, from) in of_tweet.iter().zip(of_tweet.iter().rev()) {
                events[*to].1 = self.0[*from].1.clone();
            }
        }
        Self(events)
    }

    fn span_ns(&self) -> i64 {
        let ends = self.0.first().zip(self.0.last());
        ends.map_or(0, |((first_ns, _), (last_ns, _))| last_ns - first_ns)
    }
}

/// A merge that is driven through the same events again and again, each round later.
struct Rounds<'e> {
    events: &'e Events,
    merge: Merge,
    merged: Vec<Merged>,
    shift_ns: i64,
    seq: u64,
}

impl<'e> Rounds<'e> {
    fn new(events: &'e Events, window: Window) -> Self {
        Self { events, merge: Merge::new(window), merged: Vec::new(), shift_ns: 0, seq: 0 }
    }

    /// Returns how many frames were joined.
    fn round(&mut self) -> u64 {
        let before = self.merge.counters().joined;
        for (at_ns, event) in &self.events.0 {
            self.merge.handle(
                event,
                Stamp { seq: self.seq, now_ns: at_ns + self.shift_ns, is_late: false },
                &mut self.merged,
            );
            self.seq += 1;
            self.merged.clear();
        }
        self.shift_ns += self.events.span_ns() + PAUSE_NS;
        self.merge.counters().joined - before
    }
}

fn in_rounds(criterion: &mut Criterion, case: &str, events: &Events) {
    let mut group = criterion.benchmark_group(format!("merge/{case}"));
    group.throughput(Throughput::Elements(events.0.len() as u64));
    let mut rounds = Rounds::new(events, Window::default());
    let joined = [(); 2].map(|()| rounds.round());
    assert_eq!(joined[0], joined[1], "every round joins alike");
    assert!(joined[0] + rounds.merge.counters().duplicates / 2 >= events.0.len() as u64, "all are joined");
    group.bench_function("ours", |bencher| bencher.iter(|| rounds.round()));
    group.finish();
}

/// Every event is in the window already: what a second endpoint costs.
fn duplicates(criterion: &mut Criterion, events: &Events) {
    let mut group = criterion.benchmark_group("merge/duplicates");
    group.throughput(Throughput::Elements(events.0.len() as u64));
    let mut rounds = Rounds::new(events, Window { span_ns: i64::MAX, ..Window::default() });
    assert!(rounds.round() > 0, "the first copies are joined");
    assert_eq!(rounds.round(), 0, "the second copies are not");
    group.bench_function("ours", |bencher| bencher.iter(|| rounds.round()));
    group.finish();
}

/// Each content begins a tweet and pushes the oldest of 65,536 out.
fn full_window(criterion: &mut Criterion, events: &Events) {
    let contents: Vec<Event> = events
        .0
        .iter()
        .filter(|(_, event)| event.op == Op::Content)
        .map(|(_, event)| event.clone())
        .collect();
    assert!(!contents.is_empty(), "the input has contents");
    let mut group = criterion.benchmark_group("merge/full_window");
    group.throughput(Throughput::Elements(contents.len() as u64));
    let window = Window { span_ns: i64::MAX, ..Window::default() };
    let (mut merge, mut merged, mut next) = (Merge::new(window), Vec::new(), 0);
    let renewed = |next: &mut u64| {
        let mut renewed = contents.clone();
        for event in &mut renewed {
            *next += 1;
            event.tweet_id = TweetId::Number(*next);
        }
        renewed
    };
    let mut fill = |events: &[Event]| {
        for event in events {
            merge.handle(
                event,
                Stamp { seq: merge.counters().begun, now_ns: 0, is_late: false },
                &mut merged,
            );
            merged.clear();
        }
        (merge.len(), merge.counters().pushed_out)
    };
    while fill(&renewed(&mut next)).1 == 0 {}
    let (tweets, before) = fill(&renewed(&mut next));
    let (_, after) = fill(&renewed(&mut next));
    assert_eq!((tweets, after - before), (window.tweets, contents.len() as u64), "each pushes one out");
    group.bench_function("ours", |bencher| {
        bencher.iter_batched_ref(|| renewed(&mut next), |events| fill(events), BatchSize::LargeInput);
    });
    group.finish();
}
