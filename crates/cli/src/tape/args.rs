//! The command line after `stoop tape`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::failure::{Code, Failure};

/// Look at recordings, and make new ones from them.
///
/// A tape is a recording of a run, an MCAP file: every frame as it arrived, what happened to the connection, what was
/// decided, and at its head the configuration and what the engine remembered. FILE is a tape, plain, .gz or .zst, or a
/// folder, which stands for all tapes in it. Several tapes are read in order of time.
///
/// T is a time (2026-05-01T12:00:00Z), a day (2026-05-01, from midnight UTC), or a number: Unix ms with up to 14
/// digits, Unix ns with 17 to 19.
///
/// Exits with 1 if a tape is damaged; the part before the damage is used all the same. Nothing is overwritten: the exit
/// code is 73 if an output exists.
#[derive(Debug, Args)]
pub(crate) struct TapeArgs {
    #[command(subcommand)]
    pub(crate) command: TapeCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TapeCommand {
    /// Summarize what is on a tape.
    ///
    /// Prints files, times, records by topic, type and origin, configuration, state, gaps.
    ///
    /// Example: `stoop tape info tapes/`
    Info {
        /// Tapes or folders.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Print one JSON object instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Print records, one JSON line each.
    ///
    /// Members: topic; `log_time`, and for frames `publish_time`, Unix ns; for frames origin (0 to 7, or history) and
    /// endpoint; then frame, event or decision as it is, or base64 of one that is not JSON.
    ///
    /// Example: `stoop tape cat tapes/ --topic frames --author binance --from 2026-05-01T12:00:00Z`
    Cat {
        /// Tapes or folders.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Only this topic: frames, events, decisions.
        #[arg(long, value_name = "TOPIC")]
        topic: Option<String>,
        #[command(flatten)]
        span: SpanArgs,
        /// Only frames and decisions about this tweet.
        #[arg(long, value_name = "ID")]
        tweet: Option<String>,
        /// Only frames and decisions about tweets and account events of this author, with or without @, in any case. A
        /// frame that names no author, such as the enrichment, counts once its tweet has been seen.
        #[arg(long, value_name = "HANDLE")]
        author: Option<String>,
    },
    /// Read everything and check that it is what was written.
    ///
    /// Checks the checksum of each chunk, the order of records, the state at the head, and whether the tape is sealed.
    /// Prints one line per file on stdout. Exits with 1 if something is missing or damaged. A tape that is not sealed,
    /// for instance after a crash, is fine as long as it is whole up to its end.
    ///
    /// Example: `stoop tape verify crashed.mcap --seal -o whole.mcap`
    Verify {
        /// Tapes or folders.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Write the intact part of the one FILE to a new, sealed tape, so that other tools can read it.
        #[arg(long, requires = "output")]
        seal: bool,
        /// With --seal: the new tape.
        #[arg(short, long, value_name = "OUT", requires = "seal")]
        output: Option<PathBuf>,
    },
    /// Make a tape of a span of time that replays as that span did.
    ///
    /// The new tape begins with the configuration and the state that the engine had at --from: the tapes are replayed
    /// up to there. Decisions of the span are kept. With --bundle it is a report of an incident: one file that anyone
    /// can run again.
    ///
    /// Example: `stoop tape cut tapes/ --from 2026-05-01T12:00:00Z --to 2026-05-01T12:05:00Z -o listing.mcap`
    Cut {
        /// Tapes or folders, from far enough back to begin with a state.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        span: SpanArgs,
        /// Add the expected result: the digest and the number of decisions. To check the file, run `stoop parity` or
        /// `stoop replay` on it; nothing else is needed, and it contains no key. Scrub it before you pass it on, if
        /// necessary: `tape scrub` removes the digest, because changed texts decide differently.
        #[arg(long)]
        bundle: bool,
        /// The new tape.
        #[arg(short, long, value_name = "OUT")]
        output: PathBuf,
    },
    /// Make one tape of consecutive ones.
    ///
    /// Refuses tapes that overlap in time.
    ///
    /// Example: `stoop tape merge tapes/ -o day.mcap`
    Merge {
        /// Tapes or folders.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The new tape.
        #[arg(short, long, value_name = "OUT")]
        output: PathBuf,
    },
    /// Make a tape without the data that you must not pass on.
    ///
    /// Of the state, only the counters stay, because it contains posts from before the tape. Frames that cannot be
    /// decoded are left out, because their contents are unknown. A scrubbed tape replays, and decides on what is left.
    ///
    /// Example: `stoop tape scrub day.mcap -o share.mcap --field author,text --deleted`
    #[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["fields", "deleted"]))]
    Scrub {
        /// The tape.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The new tape.
        #[arg(short, long, value_name = "OUT")]
        output: PathBuf,
        /// Data to scrub from frames and decisions, a,b,c.
        #[arg(long = "field", value_enum, value_name = "FIELD", value_delimiter = ',')]
        fields: Vec<ScrubField>,
        /// Leave out all frames and decisions of tweets whose deletion is on the tape, and quotes of them in others.
        #[arg(long)]
        deleted: bool,
        /// With --field author: goes into the hash. Without a secret salt, anyone with a list of handles can find them.
        #[arg(long, value_name = "TEXT", default_value = "")]
        salt: String,
    },
    /// Export the frames of tapes to other formats.
    ///
    /// To .jsonl, .jsonl.gz or .jsonl.zst: raw frames, one per line, as `stoop replay` and others read them. To
    /// .parquet: one row per frame with `log_time`, `publish_time` (Unix ns), origin, t, op, `tweet_id`, author,
    /// text, raw.
    ///
    /// Examples: `stoop tape export tapes/ -o day.jsonl.zst`, `stoop tape export tapes/ -o day.parquet`
    Export {
        /// Tapes or folders.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        span: SpanArgs,
        /// The new file; its extension chooses the format.
        #[arg(short, long, value_name = "OUT")]
        output: PathBuf,
    },
}

/// A span of time.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct SpanArgs {
    /// From this time on.
    #[arg(long = "from", value_name = "T", value_parser = moment_ns)]
    pub(crate) from_ns: Option<i64>,
    /// Up to this time, exclusive.
    #[arg(long = "to", value_name = "T", value_parser = moment_ns)]
    pub(crate) to_ns: Option<i64>,
}

/// Data that can be scrubbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScrubField {
    /// Every text: of posts, of quoted posts, of pictures, of profiles. Emptied.
    Text,
    /// Handles, names and ids of accounts, also of those mentioned: hashed, always to the same value. Pictures and
    /// descriptions in profiles: emptied.
    Author,
    /// Links of posts and in them. Emptied.
    Links,
    /// Addresses of pictures and videos. Emptied.
    Media,
}

impl SpanArgs {
    /// A span that ends before it begins is a mistake.
    pub(crate) fn check(self) -> Result<(), Failure> {
        match (self.from_ns, self.to_ns) {
            (Some(from_ns), Some(to_ns)) if to_ns <= from_ns => {
                Err(Failure::text(Code::Usage, "--to is not after --from: nothing lies between"))
            }
            _ => Ok(()),
        }
    }
}

/// A time as it was typed, Unix ns.
pub(crate) fn moment_ns(text: &str) -> Result<i64, String> {
    const MILLI_NS: i64 = 1_000_000;
    let wrong = || {
        "write 2026-05-01T12:00:00Z, 2026-05-01, Unix ms (up to 14 digits) or Unix ns (17 to 19 digits)"
            .to_owned()
    };
    if text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() > 4 {
        let number: i64 = text.parse().map_err(|_too_long| wrong())?;
        return match text.len() {
            ..=14 => Ok(number.saturating_mul(MILLI_NS)),
            17..=19 => Ok(number),
            _ => Err(wrong()),
        };
    }
    stoop::wire::parse_ms(text).map(|ms| ms.saturating_mul(MILLI_NS)).ok_or_else(wrong)
}
