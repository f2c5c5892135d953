//! `stoop tape`: recordings.

mod args;
mod cat;
mod cut;
mod export;
mod info;
mod reel;
mod rewrite;
mod scrub;
mod select;
mod table;
mod verify;

use crate::failure::Outcome;
use args::TapeCommand;
pub(crate) use args::{SpanArgs, TapeArgs, moment_ns};

pub(crate) fn tape(args: &TapeArgs) -> Outcome {
    if let TapeCommand::Cat { span, .. } | TapeCommand::Cut { span, .. } | TapeCommand::Export { span, .. } =
        &args.command
    {
        span.check()?;
    }
    match &args.command {
        TapeCommand::Info { files, json } => info::info(files, *json),
        TapeCommand::Cat { files, topic, span, tweet, author } => {
            let wanted = select::Wanted::new(topic.clone(), *span, tweet.clone(), author.as_deref());
            cat::cat(files, wanted)
        }
        TapeCommand::Verify { files, output: None, .. } => verify::verify(files),
        TapeCommand::Verify { files, output: Some(output), .. } => verify::seal(files, output),
        TapeCommand::Cut { files, span, bundle, output } => cut::cut(files, *span, *bundle, output),
        TapeCommand::Merge { files, output } => cut::merge(files, output),
        TapeCommand::Scrub { file, output, fields, deleted, salt } => {
            scrub::scrub(file, output, &scrub::Scrubbing { fields, deleted: *deleted, salt })
        }
        TapeCommand::Export { files, span, output } => export::export(files, *span, output),
    }
}
