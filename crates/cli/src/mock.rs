//! `stoop mock`: a TweetStream server to try things on.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use stoop_mock::{Config, Fault, Input, Key, Pace, Server};

use crate::args::{Encoding, MockArgs, Plan, Select};
use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::output::note;
use crate::signals;

/// How long a stop may take.
const GRACE: Duration = Duration::from_secs(8);
const BATCH_FRAMES: NonZeroUsize = NonZeroUsize::new(10).expect("not zero");

pub(crate) fn mock(args: &MockArgs) -> Outcome {
    let handle = Server::start(config(args)?).or_fail(Code::Failed)?;
    let (stop, stopped) = crossbeam_channel::bounded(2);
    let caught = signals::hold()?.watch(GRACE, move || {
        // A signal is waiting already if there is no room.
        stop.try_send(()).unwrap_or_default();
    })?;
    // Last: whoever reads this may stop us at once.
    note(format_args!("listening {}", handle.addr()));
    if stopped.recv().is_err() {
        return Err(Failure::text(Code::Failed, "the thread that waits for signals is gone"));
    }
    let stats = handle.stop();
    note(format_args!(
        "{} connections, {} upgrades, {} refused, {} frames sent, {} faults",
        stats.accepted, stats.upgrades, stats.refused, stats.frames, stats.faults
    ));
    Ok(caught.code().map_or(ExitCode::SUCCESS, ExitCode::from))
}

fn config(args: &MockArgs) -> Result<Config, Failure> {
    let pace = match (args.rate, args.speed, args.at_once) {
        (Some(rate), _, _) => Pace::Rate(rate),
        (_, Some(speed), _) => Pace::Speed(speed),
        (_, _, true) => Pace::AtOnce,
        (None, None, false) => Pace::Own,
    };
    Ok(Config {
        listen: args.listen,
        input: Input::Path(args.input.clone()),
        pace,
        repeat: args.repeat,
        rebase: args.rebase,
        api_key: args.api_key.as_deref().map(Key::new),
        faults: faults(args)?,
        fault_seed: args.fault_seed,
        plan: match args.plan {
            Plan::Basic => stoop_mock::Plan::Basic,
            Plan::Elite => stoop_mock::Plan::Elite,
        },
        select: match args.select {
            Select::V1 => stoop_mock::Select::V1,
            Select::Token => stoop_mock::Select::Token,
            Select::First => stoop_mock::Select::First,
            Select::None => stoop_mock::Select::None,
        },
        encoding: match args.encoding {
            Encoding::Text | Encoding::Fragments => stoop_mock::Encoding::Text,
            Encoding::Binary => stoop_mock::Encoding::Binary,
            Encoding::Batch => stoop_mock::Encoding::Batch(BATCH_FRAMES),
        },
        max_connections: args.max_connections,
    })
}

/// The faults asked for, behind those that have an option of their own.
fn faults(args: &MockArgs) -> Result<Vec<Fault>, Failure> {
    let first = args.refuse_first.map_or(String::new(), |first| format!("first={first}:"));
    let specs = [
        args.refuse.map(|status| ("--refuse", format!("{first}refuse({status})"))),
        args.close.map(|code| ("--close", format!("after={}:close({code})", args.close_after))),
        args.close_at_end.map(|code| ("--close-at-end", format!("end:close({code})"))),
        matches!(args.encoding, Encoding::Fragments).then(|| ("--encoding", "fragment(100)".to_owned())),
    ];
    let mut faults = Vec::new();
    for (option, spec) in specs.into_iter().flatten() {
        let fault = spec.parse::<Fault>().map_err(|error| {
            Failure::text(Code::Usage, format_args!("{option} stands for --fault '{spec}': {error}"))
        })?;
        faults.push(fault);
    }
    faults.extend(args.fault.iter().cloned());
    Ok(faults)
}
