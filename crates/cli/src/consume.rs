//! Taking decisions from a running engine, with the status lines and the latency log between them.

use std::ops::ControlFlow;
use std::time::Duration;

use crossbeam_channel::{Receiver, after, never, select, tick};
use stoop::model::Decision;
use stoop::{Counters, Engine, News};

use crate::failure::Failure;
use crate::news;
use crate::output::Lines;
use crate::status::{LatencyLog, StatusLine};

/// Decisions handed on at once at most, however fast they come: what was not handed on comes again after a crash.
const MOST_UNWRITTEN: usize = 256;

/// Takes decisions one by one.
pub(crate) trait Sink {
    /// Takes the next one. Breaks if nobody reads them any more.
    fn take(&mut self, decision: &Decision) -> Result<ControlFlow<()>, Failure>;
    /// Takes a line that is no decision.
    fn tell(&mut self, line: &str) -> Result<ControlFlow<()>, Failure>;
    /// The queue is empty: hands on what was taken.
    fn rest(&mut self) -> Result<ControlFlow<()>, Failure>;
}

impl Sink for Lines {
    fn take(&mut self, decision: &Decision) -> Result<ControlFlow<()>, Failure> {
        self.write(decision)
    }

    fn tell(&mut self, line: &str) -> Result<ControlFlow<()>, Failure> {
        self.write_text(line)
    }

    fn rest(&mut self) -> Result<ControlFlow<()>, Failure> {
        self.flush()
    }
}

/// What is done beside taking decisions.
#[derive(Default)]
pub(crate) struct Aside {
    /// Stop after this long.
    pub(crate) lasting: Option<Duration>,
    /// Where latencies go, and how often.
    pub(crate) log: Option<(LatencyLog, Duration)>,
    /// Makes the status lines.
    pub(crate) status: StatusLine,
}

/// Takes decisions until the engine has ended; stops it if nobody reads them any more, or when time is over.
pub(crate) fn consume(engine: &Engine, sink: &mut impl Sink, aside: &mut Aside) -> Result<(), Failure> {
    let decisions = engine.decisions();
    let mut notices = engine.notices();
    let end = aside.lasting.map_or_else(never, after);
    let log_due = aside.log.as_ref().map_or_else(never, |(_, every)| tick(*every));
    let mut taking = Taking {
        engine,
        sink,
        decisions: &decisions,
        taken: None,
        unwritten: 0,
        is_over: false,
        result: Ok(()),
    };
    loop {
        select! {
            recv(decisions) -> decision => match decision {
                Ok(decision) => taking.decision(&decision),
                Err(_ended) => break,
            },
            recv(notices) -> notice => match notice.map(|notice| (notice.at_ns, notice.what)) {
                Ok((at_ns, News::Status(counters))) => taking.status(&mut aside.status, at_ns, &counters),
                Ok((_, news)) => news::log(&news),
                Err(_ended) => notices = never(),
            },
            recv(log_due) -> _ => {
                if let Some((log, _)) = &mut aside.log
                    && let Some(snapshot) = engine.snapshot()
                {
                    log.append_or_tell(&snapshot.interval);
                }
            },
            recv(end) -> _ => engine.stop(),
        }
    }
    if taking.result.is_ok() && !taking.is_over {
        taking.result = taking.rest().map(drop);
    }
    // What was told just before the end.
    notices.try_iter().for_each(|notice| news::log(&notice.what));
    taking.result
}

struct Taking<'a, S> {
    engine: &'a Engine,
    sink: &'a mut S,
    decisions: &'a Receiver<Decision>,
    /// The last decision taken, until it was handed on.
    taken: Option<u64>,
    /// How many were taken since something was handed on.
    unwritten: usize,
    is_over: bool,
    result: Result<(), Failure>,
}

impl<S: Sink> Taking<'_, S> {
    fn decision(&mut self, decision: &Decision) {
        // Taken all the same: a stopping engine waits for room in the queue.
        if self.is_over {
            return;
        }
        self.engine.taken(decision);
        let mut flow = self.sink.take(decision);
        self.taken = Some(decision.seq);
        self.unwritten += 1;
        let is_due = self.decisions.is_empty() || self.unwritten >= MOST_UNWRITTEN;
        if matches!(flow, Ok(ControlFlow::Continue(()))) && is_due {
            self.unwritten = 0;
            flow = self.rest();
        }
        self.judge(flow);
    }

    /// Hands on what was taken: from then on it is not decided again after a restart.
    fn rest(&mut self) -> Result<ControlFlow<()>, Failure> {
        let flow = self.sink.rest()?;
        if let (ControlFlow::Continue(()), Some(seq)) = (flow, self.taken.take()) {
            self.engine.acknowledge(seq);
        }
        Ok(flow)
    }

    fn status(&mut self, status: &mut StatusLine, at_ns: i64, counters: &Counters) {
        if !self.is_over {
            let told = self.sink.tell(&status.line(at_ns, counters));
            let flow = told.and_then(|flow| if flow.is_break() { Ok(flow) } else { self.rest() });
            self.judge(flow);
        }
    }

    fn judge(&mut self, flow: Result<ControlFlow<()>, Failure>) {
        match flow {
            Ok(ControlFlow::Continue(())) => return,
            Ok(ControlFlow::Break(())) => {}
            Err(failure) => self.result = Err(failure),
        }
        self.is_over = true;
        // What could not be written is lost; the engine stops rather than go on deciding for nobody.
        self.engine.stop();
    }
}
