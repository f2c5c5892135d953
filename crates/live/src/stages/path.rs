//! The way of a frame through the stages: called in place, or sent to actors.

use std::sync::Arc;
use std::task::Poll;

use crossbeam_channel::{Sender, bounded};
use stoop_engine::{Bounds, Input, Origin, Pipeline, Receipt, RuleSet, Scope, State};
use stoop_model::Decision;
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::notice::Notices;
use crate::remote::Snapshot;
use crate::settings::{Placement, WhenFull};
use crate::stages::actors::{Drain, Entrance, Finish, Saving, Spread};
use crate::stages::exit::{Exit, Marks};
use crate::stages::gauge::{Gauge, IN_FLIGHT};
use crate::stages::guard::guarded;
use crate::stages::outbox::Outbox;
use crate::store::Save;
use crate::summary::{Summary, add_lags};

/// Turns the other actors of a thread are given for one frame. Three take it through; a batch needs more.
const TURNS: usize = 8;

/// Where the connection puts what it reads.
pub(crate) enum Path {
    /// Into the stages themselves.
    Fused(Box<Fused>),
    /// Into the mailbox of the decoder.
    Actors(Entrance),
}

/// The stages inside the connection actor.
pub(crate) struct Fused {
    pipeline: Pipeline<Exit>,
    gauge: Arc<Gauge>,
    decisions: Vec<Decision>,
}

impl Path {
    pub(crate) fn start(
        placement: Placement,
        rules: RuleSet,
        bounds: Bounds,
        start_ns: i64,
        state: Option<Arc<State>>,
        mut exit: Exit,
        gauge: &Arc<Gauge>,
    ) -> Self {
        if let Some(state) = &state {
            exit.outbox.begin(state.head.decisions);
        }
        let mut pipeline = Pipeline::with_probe(rules, bounds, start_ns, exit);
        if pipeline.probe.is_live {
            // Otherwise each new tweet touches memory that the system has yet to hand out.
            pipeline.merge.warm();
        }
        if let Some(state) = state {
            // Overdue deadlines fire before the first input that has a time, so nothing is decided here.
            pipeline.handle(&Input::restored(state), &mut Vec::new());
        }
        pipeline.probe.report(&mut pipeline.signal, gauge);
        match placement {
            Placement::Fused => {
                let gauge = Arc::clone(gauge);
                Self::Fused(Box::new(Fused { pipeline, gauge, decisions: Vec::new() }))
            }
            Placement::OneArbiter | Placement::PerActor => {
                Self::Actors(Entrance::start(pipeline, gauge, Spread::new(placement)))
            }
        }
    }

    /// Puts an input into the stages.
    pub(crate) fn enter(&mut self, input: Input<&[u8]>) {
        match self {
            Self::Fused(fused) => fused.handle(&input),
            Self::Actors(entrance) => entrance.enter(input),
        }
    }

    /// Collects what the stages remember; it goes to `to`.
    pub(crate) fn save(&mut self, scope: Scope, up_ns: Option<i64>, to: Sender<Box<Save>>) {
        let mut save = Box::new(Save { up_ns, ..Save::default() });
        match self {
            Self::Fused(fused) => {
                save.state = fused.pipeline.save(scope);
                // Callers never have more states on their way than their channel has room for.
                drop(to.try_send(save));
            }
            Self::Actors(entrance) => entrance.decoder.do_send(Saving { scope, save, to }),
        }
    }

    /// Collects counters and latencies; they go where the snapshot says.
    pub(crate) fn snapshot(&mut self, mut snapshot: Snapshot) {
        match self {
            Self::Fused(fused) => {
                snapshot.counters.intake = *fused.pipeline.intake.counters();
                snapshot.counters.of_merge(&fused.pipeline.merge);
                add_lags(&mut snapshot.endpoints, &fused.pipeline.probe.lags);
                fused.pipeline.probe.answer(snapshot, &fused.pipeline.signal);
            }
            Self::Actors(entrance) => entrance.decoder.do_send(snapshot),
        }
    }

    /// Looks whether there is room in the queue again; drops opens whose time to enter is over at `now_ns`.
    pub(crate) fn drain(&mut self, now_ns: i64) {
        match self {
            Self::Fused(fused) => {
                fused.pipeline.probe.outbox.drain(now_ns);
                fused.report();
            }
            Self::Actors(entrance) => entrance.signal.do_send(Drain { now_ns }),
        }
    }

    /// Another frame may enter.
    pub(crate) fn has_room(&self) -> bool {
        match self {
            Self::Fused(_) => true,
            Self::Actors(entrance) => entrance.gauge.in_flight() < IN_FLIGHT,
        }
    }

    /// Lets the actors on this thread handle the frame they were sent before the next one is looked for: asking the
    /// socket takes several times as long as they do.
    pub(crate) async fn work(&self) {
        let Self::Actors(entrance) = self else { return };
        // On threads of their own they work while the next read is under way, and waiting for them would only cost
        // time.
        if entrance.is_one_thread {
            for _ in 0..TURNS {
                if entrance.gauge.in_flight() == 0 {
                    return;
                }
                turn().await;
            }
        }
    }

    /// All that entered has been through.
    pub(crate) fn is_idle(&self) -> bool {
        match self {
            Self::Fused(_) => true,
            Self::Actors(entrance) => entrance.gauge.in_flight() == 0,
        }
    }

    /// Closes the queue and collects counters; they come on `done`.
    pub(crate) fn finish(&mut self, mut summary: Box<Summary>, done: oneshot::Sender<Box<Summary>>) {
        match self {
            Self::Fused(fused) => {
                let pipeline = &mut fused.pipeline;
                summary.counters.intake = *pipeline.intake.counters();
                summary.counters.of_merge(&pipeline.merge);
                add_lags(&mut summary.endpoints, &pipeline.probe.lags);
                summary.finish_signal(&pipeline.signal, &mut pipeline.probe);
                drop(done.send(summary));
            }
            Self::Actors(entrance) => entrance.decoder.do_send(Finish { summary, done }),
        }
    }
}

/// Lets every other task of this thread that is ready run once. Unlike tokio's `yield_now`, it makes no system call.
fn turn() -> impl Future<Output = ()> {
    let mut is_over = false;
    std::future::poll_fn(move |context| {
        if std::mem::replace(&mut is_over, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

/// Puts made-up posts through the stages into a queue of their own, so that the first real one does not wait until the
/// code of a decision has been read from disk and has found its way into the caches. Takes some milliseconds.
pub(crate) fn rehearse(clock: Clock) {
    const POSTS: u64 = 200;
    let rules = "[[rule]]\nname = \"r\"\nany = [\"edge\"]\nassets = { tokens = true, cex = true }\n";
    let rules = RuleSet::parse("rehearsal", rules).expect("the rule of the rehearsal is one");
    let (queue, _taken) = bounded(4 * POSTS as usize);
    let exit = Exit::new(Outbox::new(queue, WhenFull::Hold), clock, true, Notices::new().0);
    let mut fused = Fused {
        pipeline: Pipeline::with_probe(rules, Bounds::default(), clock.now_ns(), exit),
        gauge: Arc::new(Gauge::new()),
        decisions: Vec::new(),
    };
    for post in 1..=POSTS {
        let content = format!(
            r#"{{"v":1,"t":"tweet","op":"content","ts":1781095200123,"d":{{"tweetId":"{post}","kind":"post","text":"The Edge: $EDGE, https://t.co/a","createdAt":1781095199900,"receivedAt":1781095200108,"author":{{"id":"1","handle":"@a","name":"A","followersCount":5}},"urls":[{{"url":"https://a.example/b"}}]}}}}"#
        );
        let meta = format!(
            r#"{{"v":1,"t":"tweet","op":"meta","ts":1781095200340,"d":{{"tweetId":"{post}","ocr":{{"text":"$EDGE"}},"detected":{{"tokens":[{{"symbol":"EDGE","contract":"c","chain":"solana","priceUsd":0.0042,"sources":["text"]}}]}}}}}}"#
        );
        for frame in [content, meta] {
            fused.handle(&Input::frame(frame.as_bytes(), Receipt::At(clock.now_ns())));
        }
    }
}

impl Fused {
    fn handle(&mut self, input: &Input<&[u8]>) {
        let Self { pipeline, gauge, decisions } = self;
        guarded(gauge, "pipeline", || match input {
            Input::Frame { origin, receipt, .. } => {
                pipeline.probe.marks = Marks::begin(*receipt);
                pipeline.probe.marks.is_late = *origin == Origin::History;
                // The probe hands over the decisions of each element.
                pipeline.handle(input, decisions);
            }
            Input::Tick { at_ns } | Input::Command { at_ns, .. } | Input::Gap { at_ns, .. } => {
                pipeline.handle(input, decisions);
                pipeline.probe.deliver_timed(*at_ns, decisions);
            }
            Input::Rejected { .. } | Input::Restored(_) => pipeline.handle(input, decisions),
        });
        self.decisions.clear();
        self.report();
    }

    fn report(&mut self) {
        let Self { pipeline, gauge, .. } = self;
        pipeline.probe.report(&mut pipeline.signal, gauge);
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::Receiver;
    use stoop_model::BadReason;

    use super::*;

    const FRAME: &[u8] = br#"{"v":1,"t":"tweet","op":"content","d":{"tweetId":"1","text":"$EDGE"}}"#;
    const BOTH: [Placement; 2] = [Placement::Fused, Placement::OneArbiter];

    /// Lets `body` use a path; returns what came out of it and the summary at its end.
    fn with_path(
        placement: Placement,
        body: impl AsyncFnOnce(&mut Path, &Gauge),
    ) -> (Receiver<Decision>, Box<Summary>) {
        let text = "[[rule]]\nname = \"all\"\nsettle = \"3s\"\n";
        let rules = RuleSet::parse("rules.toml", text).unwrap();
        let (queue, taken) = bounded(1024);
        let exit = Exit::new(Outbox::new(queue, WhenFull::Hold), Clock::anchored(), true, Notices::new().0);
        let gauge = Arc::new(Gauge::new());
        let summary = actix::System::new().block_on(async {
            let mut path = Path::start(placement, rules, Bounds::default(), 0, None, exit, &gauge);
            body(&mut path, &gauge).await;
            let (done, finished) = oneshot::channel();
            path.finish(Box::default(), done);
            finished.await.unwrap()
        });
        (taken, summary)
    }

    /// Lets the actors work until nothing is under way.
    async fn settle(path: &Path) {
        const TURNS: u32 = 10_000_000;
        for _ in 0..TURNS {
            if path.is_idle() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("waited for the actors to be idle");
    }

    #[test]
    fn frames_time_and_refusals_go_through_in_every_placement() {
        for placement in BOTH {
            let (taken, summary) = with_path(placement, async |path, gauge| {
                path.enter(Input::frame(FRAME, Receipt::At(5)));
                path.enter(Input::Rejected { reason: BadReason::TooLong, bytes: 7 });
                path.enter(Input::frame(b"[]x", Receipt::At(6)));
                settle(path).await;
                assert_eq!(gauge.deadline_ns(), Some(3_000_000_005));
                path.enter(Input::tick(3_000_000_004));
                path.enter(Input::tick(3_000_000_006));
                settle(path).await;
                assert!(gauge.deadline_ns() > Some(3_000_000_006), "that of the open decision, a day later");
            });
            let kinds: Vec<&str> = taken.try_iter().map(|decision| decision.kind.as_str()).collect();
            assert_eq!(kinds, ["open", "lapse"], "{placement:?}");
            assert_eq!(
                (summary.counters.intake.frames, summary.counters.intake.bad_frames()),
                (3, 2),
                "{placement:?}"
            );
            assert_eq!((summary.counters.queue.queued, summary.digest.count()), (2, 2), "{placement:?}");
        }
    }

    #[test]
    fn a_frame_is_through_before_the_next_read_where_actors_share_the_thread() {
        let (taken, _) = with_path(Placement::OneArbiter, async |path, gauge| {
            let batch = [b"[", FRAME, b",", FRAME, b"]"].concat();
            for frame in [FRAME, b"rubbish", &batch] {
                path.enter(Input::frame(frame, Receipt::At(5)));
                assert_eq!(gauge.in_flight(), 1);
                path.work().await;
                assert_eq!(gauge.in_flight(), 0);
            }
            path.enter(Input::tick(3_000_000_005));
            path.work().await;
            assert_eq!(gauge.in_flight(), 0);
        });
        assert_eq!(taken.try_iter().count(), 2);
    }

    #[test]
    fn a_rehearsal_leaves_nothing_behind() {
        rehearse(Clock::anchored());
        let (taken, summary) = with_path(Placement::Fused, async |path, _| {
            path.enter(Input::frame(FRAME, Receipt::At(5)));
        });
        assert_eq!((taken.len(), summary.counters.intake.frames, summary.digest.count()), (1, 1, 1));
    }

    #[test]
    fn no_more_frames_are_under_way_than_there_is_room_for() {
        with_path(Placement::OneArbiter, async |path, gauge| {
            let mut count = 0;
            while path.has_room() && count <= IN_FLIGHT {
                path.enter(Input::frame(FRAME, Receipt::At(5)));
                count += 1;
            }
            assert_eq!((count, gauge.in_flight()), (IN_FLIGHT, IN_FLIGHT));
            settle(path).await;
            assert!(path.has_room());
        });
    }

    #[test]
    fn a_frame_of_many_elements_or_of_none_leaves_once() {
        with_path(Placement::OneArbiter, async |path, gauge| {
            let batch = [b"[", FRAME, b",", FRAME, b"]"].concat();
            for frame in [&batch[..], b"[]", b"rubbish", b""] {
                path.enter(Input::frame(frame, Receipt::At(5)));
            }
            assert_eq!(gauge.in_flight(), 4);
            settle(path).await;
            assert_eq!(gauge.in_flight(), 0);
        });
    }

    #[test]
    fn time_alone_is_under_way_until_its_decisions_are_queued() {
        let (taken, _) = with_path(Placement::OneArbiter, async |path, _| {
            path.enter(Input::frame(FRAME, Receipt::At(5)));
            settle(path).await;
            path.enter(Input::end());
            assert!(!path.is_idle());
            settle(path).await;
        });
        assert_eq!(taken.try_iter().count(), 2);
    }
}
