//! `stoop gen`: synthetic frames.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use stoop_mock::synth::{Generator, Options, planted};

use crate::args::GenArgs;
use crate::failure::{Code, Failure, Outcome};
use crate::output::{create_new, note};

pub(crate) fn generate(args: &GenArgs) -> Outcome {
    if let Some(folder) = &args.planted {
        return plant(folder, args.seed);
    }
    let path = args.output.as_deref().unwrap_or(Path::new("-"));
    let generator = Generator::new(Options { frames: args.frames, seed: args.seed, ..Options::default() });
    let result = if path.as_os_str() == "-" {
        write_all(generator, BufWriter::new(io::stdout().lock()))
    } else {
        let out = stoop::LineWriter::over(path, create_new(path)?);
        out.and_then(|mut out| {
            generator.into_iter().try_for_each(|line| out.line(line.as_bytes()))?;
            out.finish()
        })
    };
    match result {
        Ok(()) => {
            note(format_args!("{} frames of seed {} written to {}", args.frames, args.seed, path.display()));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::text(Code::Failed, format_args!("{}: {error}", path.display()))),
    }
}

/// Frames, rules and prices with effects that are known.
fn plant(folder: &Path, seed: u64) -> Outcome {
    let planted = planted(seed);
    let prices = folder.join("prices");
    let fail = |path: &Path, error: io::Error| {
        Failure::text(Code::Failed, format_args!("{}: {error}", path.display()))
    };
    std::fs::create_dir_all(&prices).map_err(|error| fail(&prices, error))?;
    let frames: String = planted.frames.iter().flat_map(|frame| [frame.as_str(), "\n"]).collect();
    let mut files = vec![(folder.join("frames.jsonl"), frames), (folder.join("stoop.toml"), planted.config)];
    files.extend(planted.prices.into_iter().map(|(name, text)| (prices.join(name), text)));
    for (path, text) in files {
        create_new(&path)?.write_all(text.as_bytes()).map_err(|error| fail(&path, error))?;
    }
    let shown = folder.display();
    note(format_args!(
        "now: stoop backtest {shown}/frames.jsonl -c {shown}/stoop.toml --prices {shown}/prices -o study"
    ));
    Ok(ExitCode::SUCCESS)
}

fn write_all(generator: Generator, mut out: impl Write) -> io::Result<()> {
    for line in generator {
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
