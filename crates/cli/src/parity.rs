//! `stoop parity`: whether tapes decide what was decided.

use std::process::ExitCode;

use stoop::tape::{Difference, Parity, parity, tape_files};

use crate::args::ParityArgs;
use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::inputs::tape_failure;
use crate::output::Lines;

pub(crate) fn check(args: &ParityArgs) -> Outcome {
    let files = tape_files(&args.tapes).or_fail(Code::Failed)?;
    if files.is_empty() {
        return Err(Failure::text(Code::Failed, "there is no tape"));
    }
    let mut lines = Lines::stdout();
    let mut is_same = true;
    for file in files {
        let found = parity(&file).map_err(tape_failure)?;
        is_same &= matches!(found, Parity::Same { .. });
        let name = file.display().to_string();
        if lines.show(&told(&name, &found))?.is_break() {
            break;
        }
    }
    Ok(if is_same { ExitCode::SUCCESS } else { Code::Failed.into() })
}

fn told(name: &str, found: &Parity) -> Vec<String> {
    match found {
        Parity::Same { decisions, beyond: 0 } => vec![format!("same        {name}: {decisions} decisions")],
        Parity::Same { decisions, beyond } => vec![format!(
            "same        {name}: {decisions} decisions; the tape was never ended, \
             and {beyond} more follow from its inputs"
        )],
        Parity::Incomplete { why, decisions } => {
            vec![format!("incomplete  {name}: {why}; {decisions} decisions before are the same")]
        }
        Parity::Differs(difference) => {
            let Difference { decisions, tape, replay, input } = difference.as_ref();
            let shown = |line: &Option<String>| line.clone().unwrap_or_else(|| "none".to_owned());
            vec![
                format!("differs     {name}: after {decisions} decisions that are the same"),
                format!("  tape    {}", shown(tape)),
                format!("  replay  {}", shown(replay)),
                format!("  input   {}", shown(input)),
            ]
        }
    }
}
