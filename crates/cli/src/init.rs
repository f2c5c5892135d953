//! `stoop init`: a configuration to begin with.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::args::InitArgs;
use crate::failure::{Code, Failure, Outcome};
use crate::output::{create_new, note};

const CONFIG: &str = include_str!("stoop.toml");
const UNIVERSE: &str = include_str!("universe.csv");
pub(crate) const STARTER: &str = include_str!("../../../fixtures/rules/starter.toml");

pub(crate) fn init(args: &InitArgs) -> Outcome {
    let rules = args.dir.join("rules");
    std::fs::create_dir_all(&rules).map_err(|error| {
        Failure::text(Code::Failed, format_args!("cannot create {}: {error}", rules.display()))
    })?;
    let config = args.dir.join("stoop.toml");
    let starter = rules.join("starter.toml");
    let universe = args.dir.join("universe.csv");
    // All or none: a file of the user's in one place must not leave half a set-up.
    for path in [&config, &starter, &universe] {
        if path.exists() {
            return Err(Failure::text(
                Code::Exists,
                format_args!("{} exists; nothing was written", path.display()),
            ));
        }
    }
    write(&config, CONFIG)?;
    write(&starter, STARTER)?;
    write(&universe, UNIVERSE)?;
    note(format_args!(
        "wrote {config}, {starter} and {universe}\n\
         next: stoop rules check {config}, export TWEETSTREAM_API_KEY=…, stoop doctor -c {config}",
        config = config.display(),
        starter = starter.display(),
        universe = universe.display(),
    ));
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    create_new(path)?.write_all(text.as_bytes()).map_err(|error| {
        Failure::text(Code::Failed, format_args!("cannot write {}: {error}", path.display()))
    })
}
