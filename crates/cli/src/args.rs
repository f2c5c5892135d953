//! What was typed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use rust_decimal::Decimal;

use crate::tape::TapeArgs;
use crate::tape::moment_ns;
use crate::universe::UniverseArgs;

/// The name of a configuration.
pub(crate) const DEFAULT_CONFIG: &str = "stoop.toml";

/// A run against a server of one's own.
const WITHOUT_A_KEY: &str = "\
Without a key of your own, against a server of your own:
  stoop mock --listen 127.0.0.1:9001 --input frames.jsonl --rebase --loop --api-key test &
  TWEETSTREAM_API_KEY=test stoop run -c stoop.toml
with these two settings in stoop.toml:
  [feed]
  url = \"ws://127.0.0.1:9001/ws\"
  api = \"http://127.0.0.1:9001\"";

/// Turns a stream of posts into trading decisions.
///
/// Frames come in over the TweetStream WebSocket, are joined with their later enrichment, tested against your
/// rules, and leave as decisions: one JSON line each on stdout. Stoop places no order.
///
/// Begin with `stoop demo`, then `stoop init`.
#[derive(Debug, Parser)]
#[command(name = "stoop", version, max_term_width = 110)]
pub(crate) struct Cli {
    /// Say more on stderr; twice or thrice for still more.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    /// Say only what went wrong.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands; what each is for stands above its arguments, whose `--help` shows all of it.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(DemoArgs),
    Init(InitArgs),
    Run(RunArgs),
    Replay(ReplayArgs),
    Record(RecordArgs),
    Parity(ParityArgs),
    Backtest(BacktestArgs),
    Rules(RulesArgs),
    Universe(UniverseArgs),
    Accounts(AccountsArgs),
    History(HistoryArgs),
    Tape(TapeArgs),
    Gen(GenArgs),
    Mock(MockArgs),
    /// Measure how fast the engine is on this machine; offline.
    ///
    /// Puts the same frames through the engine in several ways, which take turns, and prints on stdout how many
    /// frames a second each does, the ratios of these, and what each stage takes. Frames are held in memory; nothing
    /// is written.
    ///
    /// Compare ratios of one run, not frames per second of two: the machine is never the same twice. Build with
    /// --release, and let the machine do nothing else.
    ///
    /// INPUT is a JSONL file of raw frames, plain, .gz or .zst, or - for stdin. Without it, frames are generated.
    ///
    /// Prints the digest over all decisions, the same as `stoop replay` does; ends with 1 if two ways decide
    /// differently.
    Bench(BenchArgs),
    /// Check that everything a run needs is in place, and say how to fix what is not.
    ///
    /// Checks the configuration, the rules, the key, the way to the server, what the plan allows, the clock and the limits
    /// of this machine: one line each on stdout, `ok`, `warn` or `fix`, and after an arrow what to do.
    ///
    /// It connects to the feed by TCP and TLS, checks the certificate and hangs up: the feed is not shown the key. The
    /// REST interface, `[feed] api`, is, and asked for plan and limits. The key is never printed.
    ///
    /// Ends with 0 if there is nothing to fix, 78 if the configuration, the rules or the key need fixing, 1 if only
    /// something else does.
    Doctor(DoctorArgs),
}

/// Show everything at work in a few seconds: no key, no network, no file needed.
///
/// Starts a mock server on loopback, plays a scripted stream of posts at it through a real WebSocket and runs the
/// starter rules. Decisions go to stdout, the latency of every stage to stderr.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Posts and decisions as readable lines instead of JSON.
    #[arg(long, conflicts_with = "json")]
    pub(crate) pretty: bool,
    /// The summary as one JSON object, the last line on stderr, instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Write a commented stoop.toml, starter rules and a small universe of markets.
///
/// Writes DIR/stoop.toml, DIR/rules/starter.toml and DIR/universe.csv. Existing files are never overwritten.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Where to write.
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,
}

/// Read the feed and decide, until stopped.
///
/// The API key is read from `[feed] key_file`, else from the environment variable `TWEETSTREAM_API_KEY`. It is never
/// an argument, in a log or in an error.
///
/// Ends with 0 after --for, --max-frames or when the reader of stdout is gone, 77 if the server refuses the key or
/// plan, 78 if the configuration is wrong, 130 or 143 after a clean stop by SIGINT or SIGTERM.
///
/// Example: stoop run -c stoop.toml --decisions decisions.jsonl --status 5s
#[derive(Debug, Args)]
#[command(after_long_help = WITHOUT_A_KEY)]
pub(crate) struct RunArgs {
    /// The configuration.
    #[arg(short, long, value_name = "FILE", default_value = "stoop.toml")]
    pub(crate) config: PathBuf,
    /// Append decisions to this file instead of stdout. A torn last line is cut first.
    #[arg(long, value_name = "FILE")]
    pub(crate) decisions: Option<PathBuf>,
    /// Write a status line among the decisions that often, such as 5s: {"kind":"status","feed":"up",…}. Without one in
    /// time something is wrong, whatever the feed does.
    #[arg(long, value_name = "DURATION", value_parser = positive)]
    pub(crate) status: Option<Duration>,
    /// Write the latencies of each interval to this new file, as `HdrHistogram`'s tools read them.
    #[arg(long, value_name = "FILE")]
    pub(crate) latency_log: Option<PathBuf>,
    /// How long an interval of --latency-log is.
    #[arg(long, value_name = "DURATION", value_parser = positive, default_value = "10s", requires = "latency_log")]
    pub(crate) latency_every: Duration,
    /// Stop after this long, such as 30s or 2h.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(crate) lasting: Option<Duration>,
    /// Stop after this many frames.
    #[arg(long, value_name = "N")]
    pub(crate) max_frames: Option<u64>,
    /// The summary as one JSON object, the last line on stderr, instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Run recorded frames through the same engine; same input, same digest.
///
/// INPUT is a tape (.mcap, plain, .gz or .zst) or a folder of tapes; or a JSONL file of raw frames, plain, .gz or .zst, or
/// - for stdin.
///
/// A tape holds its own configuration, and what the engine remembered when it was begun: without -c it decides what the run
/// decided that has recorded it. With -c, the rules of FILE are asked what they would have decided on the same inputs.
/// Of JSONL, input time is the frames' `ts`, and at the end of the last input every deadline fires.
///
/// --state-out writes what the engine remembers at the end, --state-in begins with it: an input cut anywhere, with the state
/// carried over, decides what the whole would.
///
/// Prints a digest on stderr: SHA-256 over all decisions. Same inputs and rules, same digest.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Recorded frames.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The configuration; a file that holds only rules will do. Of tapes, instead of their own.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Of tapes: show decisions from this time on. Like 2026-06-10T12:39:59Z, a day, Unix ms of up to 14 digits, or Unix ns
    /// of 17 to 19.
    #[arg(long = "from", value_name = "TIME", value_parser = moment_ns)]
    pub(crate) from_ns: Option<i64>,
    /// Of tapes: stop there.
    #[arg(long = "to", value_name = "TIME", value_parser = moment_ns)]
    pub(crate) to_ns: Option<i64>,
    /// Begin with what an engine before this one remembered.
    #[arg(long, value_name = "FILE")]
    pub(crate) state_in: Option<PathBuf>,
    /// Write what the engine remembers at the end to this new file.
    #[arg(long, value_name = "FILE")]
    pub(crate) state_out: Option<PathBuf>,
    /// `max`, or a multiple of real time such as 1 or 10.
    #[arg(long, default_value = "max", value_parser = speed)]
    pub(crate) speed: Speed,
    /// Write decisions to this new file instead of stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Stop after this much input time, such as 30s or 2h.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(crate) lasting: Option<Duration>,
    /// Stop after this many frames.
    #[arg(long, value_name = "N")]
    pub(crate) max_frames: Option<u64>,
    /// The summary as one JSON object, the last line on stderr, instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Write what the feed brings to tapes, and what the rules of the configuration decide on it.
///
/// The same engine as `stoop run`, with tapes in place of output; rules are not needed. Files are begun anew by size and
/// time, each headed by the configuration and what the engine remembers, so that each can be replayed by itself. None is ever
/// overwritten, and the key never reaches one.
///
/// Example: stoop record -c stoop.toml -o tapes
#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// The configuration.
    #[arg(short, long, default_value = DEFAULT_CONFIG, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The folder for the tapes; made if there is none.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Stop after this long, such as 30s or 2h.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(crate) lasting: Option<Duration>,
    /// Stop after this many frames.
    #[arg(long, value_name = "N")]
    pub(crate) max_frames: Option<u64>,
    /// The summary as one JSON object, the last line on stderr, instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Replay tapes against their own decisions: same, differs, or incomplete.
///
/// One line a tape on stdout. Where it differs, the first decision that does: the line on the tape, the line of the
/// replay, and the input that led to it. Latencies are left out of account. A tape is incomplete if the recorder had no room
/// for something, or if it is damaged.
///
/// Ends with 0 if all are the same, else with 1.
#[derive(Debug, Args)]
pub(crate) struct ParityArgs {
    /// Tapes, or folders of them.
    #[arg(required = true, value_name = "TAPE")]
    pub(crate) tapes: Vec<PathBuf>,
}

/// Replay recorded frames and measure what the decisions were worth against prices.
///
/// INPUT is what `stoop replay` takes, but for stdin: tapes or folders of them, which bring their own configuration unless
/// -c gives another; or JSONL of raw frames, with -c.
///
/// Prices are files as Binance publishes them, klines or aggTrades, .csv, .csv.gz, .csv.zst or .zip, or the same columns as
/// .parquet, named after their series up to the first `-`: DOGEUSDT-1m-2021-04.csv. A market is found by its symbol, a ticker by $TICKER and USDT,
/// anything else by `[series]` of the configuration.
///
/// Writes report.html, decisions.jsonl, outcomes.csv, outcomes.parquet and summary.json into DIR, which must not hold any of
/// them yet. Same inputs, same files, byte for byte.
/// docs/backtesting.md says how entry, exit and costs are taken, and why an outcome is left out.
#[derive(Debug, Args)]
pub(crate) struct BacktestArgs {
    /// Recorded frames.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The configuration; a file that holds only rules will do. Of tapes, instead of their own.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of price files; `prices` beside the first INPUT, or in it if that is a folder, by default.
    #[arg(long, value_name = "DIR")]
    pub(crate) prices: Option<PathBuf>,
    /// From a decision to the order at the exchange.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0ms")]
    pub(crate) latency: Duration,
    /// From entry to exit, whole milliseconds each.
    #[arg(long, value_name = "DURATIONS", value_parser = horizon, value_delimiter = ',',
          default_value = "1s,5s,30s,1m,5m,15m,1h,4h,1d")]
    pub(crate) horizons: Vec<i64>,
    /// Series whose return is taken from the others', such as BTCUSDT.
    #[arg(long, value_name = "SERIES")]
    pub(crate) benchmark: Option<String>,
    /// Fee of each side, in basis points.
    #[arg(long, value_name = "BPS", value_parser = basis_points, default_value = "5")]
    pub(crate) taker_bps: Decimal,
    /// Slippage of each side on BTC and ETH, in basis points.
    #[arg(long, value_name = "BPS", value_parser = basis_points, default_value = "10")]
    pub(crate) slippage_major_bps: Decimal,
    /// Slippage of each side on all else, in basis points.
    #[arg(long, value_name = "BPS", value_parser = basis_points, default_value = "50")]
    pub(crate) slippage_bps: Decimal,
    /// Folder to write to.
    #[arg(short, long, value_name = "DIR", default_value = "backtest")]
    pub(crate) output: PathBuf,
    /// File that counts what has been tried on the same frames; stoop-trials.txt beside DIR by default. What looks good
    /// after many tries is less good, and the statistics say by how much.
    #[arg(long, value_name = "FILE")]
    pub(crate) trials: Option<PathBuf>,
}

/// Check rule files before a run does.
///
/// docs/rules.md teaches the language of rules, step by step; `stoop init` writes rules to start from.
///
/// Ends with 0 if there is no mistake, 78 if there is one.
///
/// Example: stoop rules check stoop.toml
#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    pub(crate) command: RulesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Check configurations or rule files: report the first mistake of every rule, with file, line and column.
    ///
    /// A configuration is checked with the rule files and the universe that it names. Warnings are of what is valid and has no
    /// effect. docs/rules.md has every key, and a list of mistakes.
    ///
    /// Ends with 0 if there is no mistake, 78 if there is one.
    ///
    /// Example: stoop rules check stoop.toml rules/*.toml
    Check {
        /// Files to check.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// Look at and change which accounts the key follows.
///
/// The feed carries what the followed accounts post; how many there may be depends on the plan. The REST interface is
/// `[feed] api`, the key that of `stoop run`. A change takes a while to reach the feed.
///
/// Every account gets a line on stdout that says what became of it: added, `already_following`, removed, `not_following`,
/// duplicate, or, if it did not become what was asked, `not_found`, `invalid_input`, failed.
///
/// Ends with 0 if all are as asked, 1 if some are not or nobody answers, 77 if the server refuses the key or the plan, 78
/// if the configuration or the file is wrong.
#[derive(Debug, Args)]
pub(crate) struct AccountsArgs {
    #[command(subcommand)]
    pub(crate) command: AccountsCommand,
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub(crate) struct ConfigArg {
    /// The configuration: the REST interface and the key. Without a file of this name, the defaults.
    #[arg(short, long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountsCommand {
    /// List them, one a line; plan and limits on stderr.
    List {
        #[command(flatten)]
        config: ConfigArg,
        /// One JSON object instead.
        #[arg(long)]
        json: bool,
    },
    /// Follow accounts.
    Add {
        /// With or without @, in any case.
        #[arg(required = true, value_name = "HANDLE")]
        handles: Vec<String>,
        #[command(flatten)]
        config: ConfigArg,
        /// One JSON object an account instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Stop to follow accounts.
    Remove {
        /// With or without @, in any case.
        #[arg(required = true, value_name = "HANDLE")]
        handles: Vec<String>,
        #[command(flatten)]
        config: ConfigArg,
        /// One JSON object an account instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Follow what a file names: adds what is missing, and with --remove takes out the rest.
    ///
    /// Shows on stderr what is to change, then changes it: removals first, so that there is room.
    Sync {
        /// One handle a line, with or without @, in any case; # begins a comment.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Remove the accounts that are not in the file.
        #[arg(long)]
        remove: bool,
        /// Show what is to change and change nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        config: ConfigArg,
        /// One JSON object an account instead of text.
        #[arg(long)]
        json: bool,
    },
}

/// Fetch what was posted before, as frames that `stoop replay` reads.
///
/// Posts, profile changes and follows of the followed accounts, oldest first, as the frames that would have come: a post
/// and, if there is one, its enrichment. A frame's time is when the vendor received the post; the enrichment has the same,
/// since history does not say when it came. Deletions, pins and updates are not in history.
///
/// T is a time (2026-05-01T12:00:00Z), a day (2026-05-01, from midnight UTC), or how long ago (-2h, -7d).
///
/// History is part of the larger plans: with another key it ends with 77. It ends with 1 if some of it is missing, and what
/// came is written all the same.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// From this time on.
    #[arg(long, value_name = "T", value_parser = moment, allow_hyphen_values = true)]
    pub(crate) from: Moment,
    /// Up to this time.
    #[arg(long, value_name = "T", value_parser = moment, allow_hyphen_values = true, default_value = "-0s")]
    pub(crate) to: Moment,
    /// Of these accounts only, a,b,c; they must be followed.
    #[arg(long, value_name = "HANDLES", value_delimiter = ',')]
    pub(crate) handles: Vec<String>,
    /// Which rows.
    #[arg(long = "type", value_enum, default_value_t = HistoryType::Tweet)]
    pub(crate) message_type: HistoryType,
    /// The newest N rows at most. All are held in memory, some 2 KB each.
    #[arg(long, value_name = "N", value_parser = rows, default_value = "100000")]
    pub(crate) limit: usize,
    /// Write to this new file; .gz and .zst are compressed, - is stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// The configuration: the REST interface and the key. Without a file of this name, the defaults.
    #[arg(short, long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    pub(crate) config: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum HistoryType {
    /// Posts with their enrichment.
    Tweet,
    /// Profile changes.
    Profile,
    /// Follows and unfollows.
    Follow,
    /// All three.
    All,
}

/// Make synthetic frames, the same for the same seed.
///
/// A synthetic stream of posts with everything the protocol knows: content, updates, enrichment 50 ms to 3 s later,
/// deletions, pins, profile changes, bursts, other scripts, tiny prices.
#[derive(Debug, Args)]
pub(crate) struct GenArgs {
    /// Write to this new file; .gz and .zst are compressed, - is stdout.
    #[arg(short, long, value_name = "FILE", required_unless_present = "planted")]
    pub(crate) output: Option<PathBuf>,
    /// How many frames.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) frames: u64,
    /// Same seed, same bytes.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Write tape.mcap, its stoop.toml and prices/ into this new folder instead: ten days with effects that are known, for
    /// stoop backtest to find. docs/backtesting.md says which.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["output", "frames"])]
    pub(crate) planted: Option<PathBuf>,
}

/// Serve frames as TweetStream would, for tests and trials.
///
/// Prints `listening ADDR` on stderr and serves until stopped. Every client gets the whole input on a clock of its
/// own. The key is a test key, no secret.
///
/// Beside the socket it answers the REST interface: `/api/me`, `/api/add-account` and `/api/remove-account` over a list in
/// memory that begins with the accounts of the input (accounts called missing… are not found), and `/api/history` of the
/// input, by its own times; with --rebase of what clients were shown so far or missed while they were away.
///
/// Ends with 130 or 143 after a clean stop by SIGINT or SIGTERM, 1 if it cannot listen or read the input, 2 if the command
/// line is wrong.
///
/// Example: stoop mock --listen 127.0.0.1:9001 --input frames.jsonl --rebase --loop --api-key test
///
/// The other half is `stoop run`, whose help shows what stoop.toml says then.
#[derive(Debug, Args)]
#[command(after_long_help = stoop_mock::fault_help())]
pub(crate) struct MockArgs {
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "A:P", default_value = "127.0.0.1:0", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// Frames to serve, as JSONL.
    #[arg(long, value_name = "F")]
    pub(crate) input: PathBuf,
    /// Frames per second, whatever their own times.
    #[arg(long, value_name = "N", group = "pace")]
    pub(crate) rate: Option<f64>,
    /// Multiple of the frames' own pace; 1 without any of the three.
    #[arg(long, value_name = "X", group = "pace")]
    pub(crate) speed: Option<f64>,
    /// As fast as the client takes them.
    #[arg(long, group = "pace")]
    pub(crate) at_once: bool,
    /// Begin again at the end.
    #[arg(long = "loop")]
    pub(crate) repeat: bool,
    /// Move all times to now and mint new ids to match.
    #[arg(long)]
    pub(crate) rebase: bool,
    /// Take this key only; without it any key or none.
    #[arg(long, value_name = "K")]
    pub(crate) api_key: Option<String>,
    /// What the key has paid for: basic has 50 accounts and no history, elite 250 and history.
    #[arg(long, value_enum, default_value_t = Plan::Elite)]
    pub(crate) plan: Plan,
    /// Make something go wrong, such as after=200:rst; may be given many times. See below.
    #[arg(long, value_name = "SPEC")]
    pub(crate) fault: Vec<stoop_mock::Fault>,
    /// Decides what is left to chance in --fault; same seed, same faults.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) fault_seed: u64,
    /// Answer every upgrade with this status: 401, 403, 429 … Short for --fault 'refuse(STATUS)'.
    #[arg(long, value_name = "STATUS")]
    pub(crate) refuse: Option<u16>,
    /// Of --refuse: only the first N upgrades. Short for --fault 'first=N:refuse(STATUS)'.
    #[arg(long, value_name = "N", requires = "refuse")]
    pub(crate) refuse_first: Option<u32>,
    /// Close with this code after --close-after frames. Short for --fault 'after=N:close(CODE)'.
    #[arg(long, value_name = "CODE")]
    pub(crate) close: Option<u16>,
    /// Of --close: after how many frames.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "close")]
    pub(crate) close_after: u64,
    /// Close with this code at the end of the input instead of staying quiet. Short for --fault 'end:close(CODE)'.
    #[arg(long, value_name = "CODE")]
    pub(crate) close_at_end: Option<u16>,
    /// Sub-protocol to select.
    #[arg(long, value_enum, default_value_t = Select::V1)]
    pub(crate) select: Select,
    /// How frames travel.
    #[arg(long, value_enum, default_value_t = Encoding::Text)]
    pub(crate) encoding: Encoding,
    /// Connections at once; one more is answered 429.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(crate) max_connections: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Plan {
    /// 50 accounts, no history.
    Basic,
    /// 250 accounts and history.
    Elite,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Select {
    /// tweetstream.v1
    V1,
    /// The one that carries the key.
    Token,
    /// The first offered.
    First,
    /// None at all.
    None,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Encoding {
    /// One text message a frame.
    Text,
    /// One binary message a frame.
    Binary,
    /// Text in up to 100 fragments. Short for --fault 'fragment(100)'.
    Fragments,
    /// Ten frames in one array.
    Batch,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Recorded frames.
    #[arg(value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The configuration; a file that holds only rules will do. Without it, the starter rules.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How many frames: to generate, 100000 by default, or of INPUT at most.
    #[arg(long, value_name = "N")]
    pub(crate) frames: Option<u64>,
    /// Same seed, same generated frames.
    #[arg(long, value_name = "S", default_value_t = 0, conflicts_with = "inputs")]
    pub(crate) seed: u64,
    /// One JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The configuration.
    #[arg(short, long, value_name = "FILE", default_value = "stoop.toml")]
    pub(crate) config: PathBuf,
    /// Open a connection to each endpoint as a run does, with the key, and close it: takes one of the plan's connections
    /// meanwhile, so that a run that is at its limit may not get in.
    #[arg(long, conflicts_with = "offline")]
    pub(crate) connect: bool,
    /// Ask nobody: leave out everything that goes over the network.
    #[arg(long)]
    pub(crate) offline: bool,
    /// One JSON array instead of lines.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A time as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Unix ms.
    At(i64),
    /// So many ms before now.
    Ago(i64),
}

impl Moment {
    pub(crate) fn at_ms(self, now_ms: i64) -> i64 {
        match self {
            Self::At(ms) => ms,
            Self::Ago(ms) => now_ms.saturating_sub(ms),
        }
    }
}

fn moment(text: &str) -> Result<Moment, String> {
    if let Some(ago) = text.strip_prefix('-') {
        return duration(ago).map(|ago| Moment::Ago(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)));
    }
    let ms = stoop::wire::parse_ms(text);
    ms.map(Moment::At).ok_or_else(|| "write 2026-05-01T12:00:00Z, 2026-05-01, or -2h".to_owned())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_error| "write an address and a port, such as 127.0.0.1:9001".to_owned())
}

fn rows(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(rows @ 1..=10_000_000) => Ok(rows),
        Ok(_) | Err(_) => Err("write a number from 1 to 10000000".to_owned()),
    }
}

/// How fast a replay goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Speed {
    Max,
    Times(f64),
}

fn speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    match text.parse::<f64>() {
        Ok(times) if times.is_finite() && times > 0.0 => Ok(Speed::Times(times)),
        Ok(_) | Err(_) => Err("write max, or a number above 0".to_owned()),
    }
}

/// A duration of whole milliseconds, in ms.
fn horizon(text: &str) -> Result<i64, String> {
    let ms = positive(text)?.as_nanos();
    match i64::try_from(ms / 1_000_000) {
        Ok(whole) if ms % 1_000_000 == 0 => Ok(whole),
        Ok(_) | Err(_) => Err("write whole milliseconds".to_owned()),
    }
}

fn basis_points(text: &str) -> Result<Decimal, String> {
    let range = Decimal::ZERO..=Decimal::from(10_000);
    match text.parse::<Decimal>() {
        Ok(bps) if range.contains(&bps) && bps.scale() <= 6 => Ok(bps),
        Ok(_) | Err(_) => Err("write a number from 0 to 10000 with at most 6 places".to_owned()),
    }
}

fn positive(text: &str) -> Result<Duration, String> {
    duration(text)
        .and_then(|time| if time.is_zero() { Err("write more than 0".to_owned()) } else { Ok(time) })
}

fn duration(text: &str) -> Result<Duration, String> {
    let nanos = stoop::rules::syntax::parse_duration(text);
    let nanos = nanos.ok_or("write a number and ms, s, m, h or d, such as 30s, up to 1000d")?;
    Ok(Duration::from_nanos(nanos.unsigned_abs()))
}
