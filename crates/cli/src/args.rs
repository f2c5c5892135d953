//! The command line as typed.

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

/// A run without the vendor's server.
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
/// Stoop reads frames from the TweetStream WebSocket, joins each post with its enrichment, tests it against your rules,
/// and prints decisions: one JSON line each on stdout. It does not place orders.
///
/// Begin with `stoop demo`, then `stoop init`.
#[derive(Debug, Parser)]
#[command(name = "stoop", version, max_term_width = 110)]
pub(crate) struct Cli {
    /// Print more on stderr; repeat it for even more.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    /// Print only errors.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands. Each one's help text is on its arguments; `--help` shows all of it.
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
    /// Puts the same frames through the engine in several ways, which take turns. Prints on stdout the frames per
    /// second of each way, their ratios, and the time of each stage. Frames are held in memory; nothing is written.
    ///
    /// Compare ratios of one run, not frames per second of two runs: the machine is never the same twice. Build with
    /// --release, and keep the machine free of other work.
    ///
    /// INPUT is a JSONL file of raw frames, plain, .gz or .zst, or - for stdin. Without it, frames are generated.
    ///
    /// Prints the digest over all decisions, which is the same as that of `stoop replay`. Exits with 1 if two ways
    /// decide differently.
    Bench(BenchArgs),
    /// Check your setup, and say how to fix what is missing.
    ///
    /// Checks the configuration, the rules, the key, the network, the plan, the clock and the limits of this machine.
    /// Prints one line each on stdout: `ok`, `warn` or `fix`, and after an arrow what to do.
    ///
    /// It connects to the feed by TCP and TLS, checks the certificate and hangs up: the feed does not see the key. The
    /// REST interface, `[feed] api`, does see it, and is asked for plan and limits. The key is never printed.
    ///
    /// Exits with 0 if nothing needs fixing, 78 if the configuration, the rules or the key do, 1 if only something else
    /// does.
    Doctor(DoctorArgs),
}

/// Show everything at work in a few seconds, without a key, a network or a file.
///
/// Starts a mock server on loopback, plays a scripted stream of posts over a real WebSocket and runs the starter rules.
/// Decisions go to stdout, the latency of every stage to stderr.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Print posts and decisions as readable lines instead of JSON.
    #[arg(long, conflicts_with = "json")]
    pub(crate) pretty: bool,
    /// Print the summary as one JSON object, the last line on stderr, instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Write a commented stoop.toml, starter rules and a small universe of markets.
///
/// Writes DIR/stoop.toml, DIR/rules/starter.toml and DIR/universe.csv. Existing files are never overwritten.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The folder to write to.
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,
}

/// Read the feed and decide, until stopped.
///
/// The API key is read from `[feed] key_file`, else from the environment variable `TWEETSTREAM_API_KEY`. It is never
/// an argument, and never appears in a log or an error.
///
/// Exits with 0 after --for, --max-frames or when the reader of stdout is gone, 77 if the server refuses the key or the
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
    /// Write a status line among the decisions at this interval, such as 5s: {"kind":"status","feed":"up",…}. If none
    /// arrives in time, something is wrong, whatever the feed does.
    #[arg(long, value_name = "DURATION", value_parser = positive)]
    pub(crate) status: Option<Duration>,
    /// Write the latencies of each interval to this new file, in the format of `HdrHistogram`'s tools.
    #[arg(long, value_name = "FILE")]
    pub(crate) latency_log: Option<PathBuf>,
    /// The length of an interval of --latency-log.
    #[arg(long, value_name = "DURATION", value_parser = positive, default_value = "10s", requires = "latency_log")]
    pub(crate) latency_every: Duration,
    /// Stop after this long, such as 30s or 2h.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(crate) lasting: Option<Duration>,
    /// Stop after this many frames.
    #[arg(long, value_name = "N")]
    pub(crate) max_frames: Option<u64>,
    /// Print the summary as one JSON object, the last line on stderr, instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Run recorded frames through the same engine: same inputs, same digest.
///
/// INPUT is a tape (.mcap, plain, .gz or .zst) or a folder of tapes; or a JSONL file of raw frames, plain, .gz or .zst,
/// or - for stdin.
///
/// A tape holds its own configuration, and what the engine remembered when the tape began. Without -c, a replay of it
/// decides what the recorded run decided. With -c, it shows what the rules of FILE would have decided on the same
/// inputs. In JSONL, input time is the frames' `ts`, and at the end of the last input every deadline fires.
///
/// --state-out writes what the engine remembers at the end, and --state-in begins with it. If you cut an input anywhere
/// and carry the state over, the parts decide what the whole would.
///
/// Prints a digest on stderr: SHA-256 over all decisions. Same inputs and rules, same digest.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Recorded frames.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The configuration; a file with nothing but rules will do. For tapes, it replaces their own.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// For tapes: show decisions from this time on. A time such as 2026-06-10T12:39:59Z, a day, Unix ms (up to 14
    /// digits) or Unix ns (17 to 19 digits).
    #[arg(long = "from", value_name = "TIME", value_parser = moment_ns)]
    pub(crate) from_ns: Option<i64>,
    /// For tapes: stop at this time.
    #[arg(long = "to", value_name = "TIME", value_parser = moment_ns)]
    pub(crate) to_ns: Option<i64>,
    /// Begin with the state that an earlier replay wrote.
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
    /// Print the summary as one JSON object, the last line on stderr, instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Record the feed on tapes, with the decisions of the configuration's rules.
///
/// This is the engine of `stoop run`, with tapes instead of output; it needs no rules. A new file begins by size and
/// time. Each file starts with the configuration and what the engine remembers, so that it can be replayed by itself.
/// No file is ever overwritten, and the key is on none.
///
/// Example: stoop record -c stoop.toml -o tapes
#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// The configuration.
    #[arg(short, long, default_value = DEFAULT_CONFIG, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The folder for the tapes; created if it does not exist.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Stop after this long, such as 30s or 2h.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(crate) lasting: Option<Duration>,
    /// Stop after this many frames.
    #[arg(long, value_name = "N")]
    pub(crate) max_frames: Option<u64>,
    /// Print the summary as one JSON object, the last line on stderr, instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Replay tapes against their own decisions: same, differs, or incomplete.
///
/// Prints one line per tape on stdout. If a tape differs, it shows the first decision that does: the line on the tape,
/// the line of the replay, and the input that led to it. Latencies are not compared. A tape is incomplete if the
/// recorder had no room for a record, or if the tape is damaged.
///
/// Exits with 0 if all are the same, else with 1.
#[derive(Debug, Args)]
pub(crate) struct ParityArgs {
    /// Tapes, or folders of them.
    #[arg(required = true, value_name = "TAPE")]
    pub(crate) tapes: Vec<PathBuf>,
}

/// Replay recorded frames and measure what the decisions were worth against prices.
///
/// INPUT is the same as for `stoop replay`, except for stdin: tapes or folders of tapes, which have their own
/// configuration unless -c names another; or JSONL of raw frames, with -c.
///
/// Prices are files as Binance publishes them, klines or aggTrades, as .csv, .csv.gz, .csv.zst or .zip, or the same
/// columns as .parquet, named after their series up to the first `-`: DOGEUSDT-1m-2021-04.csv. A decision is measured
/// on the series that `[series]` of the configuration names, or else on the one found by its market or symbol.
///
/// Writes report.html, decisions.jsonl, outcomes.csv, outcomes.parquet and summary.json into DIR, which must not
/// contain any of them yet. Same inputs, same files, byte for byte.
///
/// docs/backtesting.md explains entry, exit and costs, and why an outcome is left out.
#[derive(Debug, Args)]
pub(crate) struct BacktestArgs {
    /// Recorded frames.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The configuration; a file with nothing but rules will do. For tapes, it replaces their own.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of price files. Default: `prices` beside the first INPUT, or in it if that is a folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) prices: Option<PathBuf>,
    /// Time from a decision to the order at the exchange.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0ms")]
    pub(crate) latency: Duration,
    /// Times from entry to exit, in whole milliseconds.
    #[arg(long, value_name = "DURATIONS", value_parser = horizon, value_delimiter = ',',
          default_value = "1s,5s,30s,1m,5m,15m,1h,4h,1d")]
    pub(crate) horizons: Vec<i64>,
    /// Series whose return is subtracted from the others', such as BTCUSDT.
    #[arg(long, value_name = "SERIES")]
    pub(crate) benchmark: Option<String>,
    /// Fee of each side, in basis points.
    #[arg(long, value_name = "BPS", value_parser = basis_points, default_value = "5")]
    pub(crate) taker_bps: Decimal,
    /// Slippage of each side on BTC and ETH, in basis points.
    #[arg(long, value_name = "BPS", value_parser = basis_points, default_value = "10")]
    pub(crate) slippage_major_bps: Decimal,
    /// Slippage of each side on everything else, in basis points.
    #[arg(long, value_name = "BPS", value_parser = basis_points, default_value = "50")]
    pub(crate) slippage_bps: Decimal,
    /// Folder to write to.
    #[arg(short, long, value_name = "DIR", default_value = "backtest")]
    pub(crate) output: PathBuf,
    /// File that counts the trials on the same frames. Default: stoop-trials.txt beside DIR. A result that looks good
    /// after many trials is less good, and the statistics say by how much.
    #[arg(long, value_name = "FILE")]
    pub(crate) trials: Option<PathBuf>,
}

/// Check rule files before a run does.
///
/// docs/rules.md teaches the rule language, step by step; `stoop init` writes rules to start from.
///
/// Exits with 0 if there is no mistake, 78 if there is one.
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
    /// A configuration is checked with the rule files and the universe that it names. A warning means that a setting is
    /// valid but has no effect. docs/rules.md has every key, and a list of mistakes.
    ///
    /// Exits with 0 if there is no mistake, 78 if there is one.
    ///
    /// Example: stoop rules check stoop.toml rules/*.toml
    Check {
        /// Files to check.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// List and change the accounts that your key follows.
///
/// The feed carries the posts of the followed accounts; the plan limits their number. The commands use the REST
/// interface `[feed] api`, and the key of `stoop run`. A change takes a while to reach the feed.
///
/// Each account gets a line on stdout with its result: added, `already_following`, removed, `not_following`, duplicate,
/// or, if the request failed, `not_found`, `invalid_input`, failed.
///
/// Exits with 0 if all requests succeeded, 1 if some failed or the server does not answer, 77 if the server refuses the
/// key or the plan, 78 if the configuration or the file is wrong.
#[derive(Debug, Args)]
pub(crate) struct AccountsArgs {
    #[command(subcommand)]
    pub(crate) command: AccountsCommand,
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub(crate) struct ConfigArg {
    /// The configuration: the REST interface and the key. If there is no such file, the defaults apply.
    #[arg(short, long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountsCommand {
    /// List them, one per line, with plan and limits on stderr.
    List {
        #[command(flatten)]
        config: ConfigArg,
        /// Print one JSON object instead.
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
        /// Print one JSON object per account instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Stop following accounts.
    Remove {
        /// With or without @, in any case.
        #[arg(required = true, value_name = "HANDLE")]
        handles: Vec<String>,
        #[command(flatten)]
        config: ConfigArg,
        /// Print one JSON object per account instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Follow the accounts that a file names; with --remove, stop following the rest.
    ///
    /// Shows the changes on stderr, then makes them: removals first, so that there is room.
    Sync {
        /// One handle per line, with or without @, in any case; # begins a comment.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Remove the accounts that are not in the file.
        #[arg(long)]
        remove: bool,
        /// Show the changes without making them.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        config: ConfigArg,
        /// Print one JSON object per account instead of text.
        #[arg(long)]
        json: bool,
    },
}

/// Fetch older posts, as frames that `stoop replay` reads.
///
/// Writes posts, profile changes and follows of the followed accounts, oldest first, as the frames that the feed would
/// have sent: a post and, if there is one, its enrichment. A frame's time is when the vendor received the post. The
/// enrichment has the same time, because history does not say when it came. Deletions, pins and updates are not in
/// history.
///
/// T is a time (2026-05-01T12:00:00Z), a day (2026-05-01, from midnight UTC), or how long ago (-2h, -7d).
///
/// History is part of the larger plans: with another key, the command exits with 77. It exits with 1 if some of the
/// history is missing; the rest is written all the same.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// From this time on.
    #[arg(long, value_name = "T", value_parser = moment, allow_hyphen_values = true)]
    pub(crate) from: Moment,
    /// Up to this time.
    #[arg(long, value_name = "T", value_parser = moment, allow_hyphen_values = true, default_value = "-0s")]
    pub(crate) to: Moment,
    /// Only posts of these accounts, a,b,c; you must follow them.
    #[arg(long, value_name = "HANDLES", value_delimiter = ',')]
    pub(crate) handles: Vec<String>,
    /// The kind of rows.
    #[arg(long = "type", value_enum, default_value_t = HistoryType::Tweet)]
    pub(crate) message_type: HistoryType,
    /// Fetch at most the newest N rows. All are held in memory, some 2 KB each.
    #[arg(long, value_name = "N", value_parser = rows, default_value = "100000")]
    pub(crate) limit: usize,
    /// Write to this new file; .gz and .zst are compressed, - is stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// The configuration: the REST interface and the key. If there is no such file, the defaults apply.
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
/// The stream of posts has everything that the protocol knows: content, updates, enrichment 50 ms to 3 s later,
/// deletions, pins, profile changes, bursts, other scripts, tiny prices.
#[derive(Debug, Args)]
pub(crate) struct GenArgs {
    /// Write to this new file; .gz and .zst are compressed, - is stdout.
    #[arg(short, long, value_name = "FILE", required_unless_present = "planted")]
    pub(crate) output: Option<PathBuf>,
    /// Number of frames.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) frames: u64,
    /// Same seed, same bytes.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Write tape.mcap, its stoop.toml and prices/ into this new folder instead: ten days with known effects for stoop
    /// backtest to find. docs/backtesting.md describes them.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["output", "frames"])]
    pub(crate) planted: Option<PathBuf>,
}

/// Serve frames as TweetStream would, for tests and experiments.
///
/// Prints `listening ADDR` on stderr and serves until stopped. Every client gets the whole input on a clock of its
/// own. The key is a test key, not a secret.
///
/// It also serves the REST interface. `/api/me`, `/api/add-account` and `/api/remove-account` use a list in memory that
/// begins with the accounts of the input; accounts called missing… are not found. `/api/history` returns the input with
/// its own times; with --rebase, it returns what clients have been shown so far or missed while they were away.
///
/// Exits with 130 or 143 after a clean stop by SIGINT or SIGTERM, 1 if it cannot listen or read the input, 2 if the
/// command line is wrong.
///
/// Example: stoop mock --listen 127.0.0.1:9001 --input frames.jsonl --rebase --loop --api-key test
///
/// The other half is `stoop run`. Its help shows the settings for stoop.toml.
#[derive(Debug, Args)]
#[command(after_long_help = stoop_mock::fault_help())]
pub(crate) struct MockArgs {
    /// Address and port; port 0 chooses a free one.
    #[arg(long, value_name = "A:P", default_value = "127.0.0.1:0", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// Frames to serve, as JSONL.
    #[arg(long, value_name = "F")]
    pub(crate) input: PathBuf,
    /// Frames per second, whatever their own times.
    #[arg(long, value_name = "N", group = "pace")]
    pub(crate) rate: Option<f64>,
    /// Multiple of the frames' own pace. Default: 1, without --rate and --at-once.
    #[arg(long, value_name = "X", group = "pace")]
    pub(crate) speed: Option<f64>,
    /// As fast as the client reads them.
    #[arg(long, group = "pace")]
    pub(crate) at_once: bool,
    /// Begin again at the end.
    #[arg(long = "loop")]
    pub(crate) repeat: bool,
    /// Move all times to now and mint new ids to match.
    #[arg(long)]
    pub(crate) rebase: bool,
    /// Accept only this key; without it, any key or none.
    #[arg(long, value_name = "K")]
    pub(crate) api_key: Option<String>,
    /// The plan of the key: basic has 50 accounts and no history, elite has 250 accounts and history.
    #[arg(long, value_enum, default_value_t = Plan::Elite)]
    pub(crate) plan: Plan,
    /// Make something go wrong, such as after=200:rst; may be repeated. See below.
    #[arg(long, value_name = "SPEC")]
    pub(crate) fault: Vec<stoop_mock::Fault>,
    /// Seed for the chances in --fault; same seed, same faults.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) fault_seed: u64,
    /// Answer every upgrade with this status: 401, 403, 429 … Short for --fault 'refuse(STATUS)'.
    #[arg(long, value_name = "STATUS")]
    pub(crate) refuse: Option<u16>,
    /// With --refuse: only the first N upgrades. Short for --fault 'first=N:refuse(STATUS)'.
    #[arg(long, value_name = "N", requires = "refuse")]
    pub(crate) refuse_first: Option<u32>,
    /// Close with this code after --close-after frames. Short for --fault 'after=N:close(CODE)'.
    #[arg(long, value_name = "CODE")]
    pub(crate) close: Option<u16>,
    /// With --close: after this many frames.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "close")]
    pub(crate) close_after: u64,
    /// Close with this code at the end of the input instead of staying quiet. Short for --fault 'end:close(CODE)'.
    #[arg(long, value_name = "CODE")]
    pub(crate) close_at_end: Option<u16>,
    /// Sub-protocol to select.
    #[arg(long, value_enum, default_value_t = Select::V1)]
    pub(crate) select: Select,
    /// How frames are sent.
    #[arg(long, value_enum, default_value_t = Encoding::Text)]
    pub(crate) encoding: Encoding,
    /// Simultaneous connections; a further one is answered with 429.
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
    /// One text message per frame.
    Text,
    /// One binary message per frame.
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
    /// The configuration; a file with nothing but rules will do. Default: the starter rules.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Number of frames to generate (default: 100000), or to read from INPUT at most.
    #[arg(long, value_name = "N")]
    pub(crate) frames: Option<u64>,
    /// Same seed, same generated frames.
    #[arg(long, value_name = "S", default_value_t = 0, conflicts_with = "inputs")]
    pub(crate) seed: u64,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The configuration.
    #[arg(short, long, value_name = "FILE", default_value = "stoop.toml")]
    pub(crate) config: PathBuf,
    /// Also open a connection to each endpoint as a run does, with the key, and close it. This occupies one of the
    /// plan's connections, so a run at the plan's limit may be refused during that time.
    #[arg(long, conflicts_with = "offline")]
    pub(crate) connect: bool,
    /// Leave out everything that uses the network.
    #[arg(long)]
    pub(crate) offline: bool,
    /// Print one JSON array instead of lines.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A time as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Unix ms.
    At(i64),
    /// This many ms before now.
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
