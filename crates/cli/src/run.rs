//! `stoop run`: reads the feed and decides.

use std::path::Path;

use stoop::Engine;
use stoop::latency::Clock;

use crate::args::RunArgs;
use crate::config::load;
use crate::consume::{Aside, Sink};
use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::key;
use crate::live::Live;
use crate::output::Lines;
use crate::status::LatencyLog;

pub(crate) fn run(args: &RunArgs) -> Outcome {
    let config = load(&args.config)?;
    if config.rules().or_fail(Code::Config)?.rules().is_empty() {
        return Err(no_rules(&args.config));
    }
    let key = key::key(&config)?;
    let mut lines = match &args.decisions {
        Some(path) => Lines::append(path)?,
        None => Lines::stdout(),
    };
    let log = args.latency_log.as_deref().map(LatencyLog::create).transpose()?;
    let aside =
        Aside { lasting: args.lasting, log: log.map(|log| (log, args.latency_every)), ..Aside::default() };
    let drain_timeout = config.drain_timeout;
    let mut builder = Engine::builder().config(config).key(key);
    if let Some(every) = args.status {
        builder = builder.status_every(every);
    }
    let engine = Live {
        builder,
        drain_timeout,
        max_frames: args.max_frames,
        json: args.json,
        sink: &mut lines,
        aside,
    };
    engine.run(|mut written, summary, lines, aside| {
        if args.status.is_some() && written.is_ok() {
            let line = aside.status.line(Clock::anchored().now_ns(), &summary.counters);
            written = lines.tell(&line).and_then(|_| lines.rest()).map(drop);
        }
        match &mut aside.log {
            Some((log, _)) => written.and(log.append(&summary.interval)),
            None => written,
        }
    })
}

fn no_rules(path: &Path) -> Failure {
    let path = path.display();
    Failure::text(Code::Config, format_args!("{path}: there is no rule, so nothing would ever be decided"))
}
