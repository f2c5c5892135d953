//! `stoop gen`: synthetic frames.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use stoop_synth::{Generator, Options};

use crate::args::GenArgs;
use crate::failure::{Code, Failure, Outcome};
use crate::output::{create_new, note};
use crate::plant::plant;
use crate::unfinished::Unfinished;

pub(crate) fn generate(args: &GenArgs) -> Outcome {
    if let Some(folder) = &args.planted {
        return plant(folder, args.seed);
    }
    let path = args.output.as_deref().unwrap_or(Path::new("-"));
    let generator = Generator::new(Options { frames: args.frames, seed: args.seed, ..Options::default() });
    let mut unfinished = Unfinished::default();
    let result = if path.as_os_str() == "-" {
        write_all(generator, BufWriter::new(io::stdout().lock()))
    } else {
        let out = stoop::tape::LineWriter::over(path, unfinished.make(path, create_new)?);
        out.and_then(|mut out| {
            generator.into_iter().try_for_each(|line| out.line(line.as_bytes()))?;
            out.finish()
        })
    };
    match result {
        Ok(()) => {
            unfinished.keep();
            note(format_args!("{} frames of seed {} written to {}", args.frames, args.seed, path.display()));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::text(Code::Failed, format_args!("{}: {error}", path.display()))),
    }
}

fn write_all(generator: Generator, mut out: impl Write) -> io::Result<()> {
    for line in generator {
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
