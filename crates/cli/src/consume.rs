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
    let mut taking = Taking { engine, sink, decisions: &decisions, is_over: false, result: Ok(()) };
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
                    taking.judge(log.append(&snapshot.interval).map(ControlFlow::Continue));
                }
            },
            recv(end) -> _ => engine.stop(),
        }
    }
    let result = taking.result;
    // What was told just before the end.
    notices.try_iter().for_each(|notice| news::log(&notice.what));
    result?;
    sink.rest().map(drop)
}

struct Taking<'a, S> {
    engine: &'a Engine,
    sink: &'a mut S,
    decisions: &'a Receiver<Decision>,
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
        if matches!(flow, Ok(ControlFlow::Continue(()))) && self.decisions.is_empty() {
            flow = self.sink.rest();
        }
        self.judge(flow);
    }

    fn status(&mut self, status: &mut StatusLine, at_ns: i64, counters: &Counters) {
        if !self.is_over {
            let told = self.sink.tell(&status.line(at_ns, counters));
            let flow = told.and_then(|flow| if flow.is_break() { Ok(flow) } else { self.sink.rest() });
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
