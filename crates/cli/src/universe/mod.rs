//! `stoop universe`: checks the list of what you can trade, or builds one from the lists of exchanges.

mod build;
mod list;
mod row;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use stoop::UniverseFile;

use crate::failure::{Code, Outcome};
use crate::output::{Lines, counted, note};

/// Check universe.csv, or build one from the symbol lists of exchanges.
///
/// A universe says what you can trade: a row for each market, with the coin's symbol, the exchange and the exchange's
/// own name of the market. `[universe] file = "universe.csv"` in the configuration names it. Rules use it to open
/// only on coins you can trade and to recognize a coin's symbol in a text, and decisions list a coin's markets.
///
/// docs/universe.md has the details.
#[derive(Debug, Args)]
pub(crate) struct UniverseArgs {
    #[command(subcommand)]
    command: UniverseCommand,
}

/// Where lists can be saved from.
const ADDRESSES: &str = "\
Symbol lists that need no key. Save what you get as a file:
  Binance spot     https://api.binance.com/api/v3/exchangeInfo
  Binance USD-M    https://fapi.binance.com/fapi/v1/exchangeInfo
  Binance COIN-M   https://dapi.binance.com/dapi/v1/exchangeInfo
  Bybit            https://api.bybit.com/v5/market/instruments-info?category=spot&limit=1000
                   and with category=linear, category=inverse
  Gate spot        https://api.gateio.ws/api/v4/spot/currency_pairs
  Gate futures     https://api.gateio.ws/api/v4/futures/usdt/contracts
  OKX              https://www.okx.com/api/v5/public/instruments?instType=SPOT
                   and with instType=SWAP, instType=FUTURES
  Hyperliquid      POST {\"type\":\"meta\"} or {\"type\":\"spotMeta\"}, as application/json, to
                   https://api.hyperliquid.xyz/info";

#[derive(Debug, Subcommand)]
enum UniverseCommand {
    /// Check universe files: report every bad row with file, line and column, or summarize the files.
    ///
    /// Prints the number of rows, symbols, venues and contracts on stdout. Exits with 78 if a row is bad.
    ///
    /// Example: stoop universe check universe.csv
    Check {
        /// Files to check.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Build universe.csv from symbol lists that you have saved from exchanges.
    ///
    /// Nothing is downloaded; the addresses of the lists are below. The exchange is recognized by the content of a
    /// file, never by its name. Markets that do not trade are left out, and so are options, stocks and leveraged
    /// tokens; their number is reported. A market that trades a coin by the thousand belongs to that coin:
    /// 1000PEPEUSDT is a market of PEPE.
    ///
    /// FILE is JSON, plain, .gz or .zst, or - for stdin. The output is never overwritten. Same files, same output.
    ///
    /// Exits with 73 if the output exists, 78 if a list is unknown or one of its rows is bad.
    ///
    /// Example: stoop universe build binance.json gate.json.gz -o universe.csv
    #[command(after_long_help = ADDRESSES)]
    Build {
        /// Symbol lists.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Write to this new file; - is stdout.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

pub(crate) fn universe(args: &UniverseArgs) -> Outcome {
    match &args.command {
        UniverseCommand::Check { files } => check(files),
        UniverseCommand::Build { files, output } => build::build(files, output),
    }
}

fn check(files: &[PathBuf]) -> Outcome {
    let mut out = Lines::stdout();
    let mut is_good = true;
    for path in files {
        match UniverseFile::load(path) {
            Ok(file) => {
                if out.show(&[counts(path, &file)])?.is_break() {
                    break;
                }
            }
            Err(error) => {
                note(format_args!("{error}"));
                is_good = false;
            }
        }
    }
    Ok(if is_good { ExitCode::SUCCESS } else { Code::Config.into() })
}

/// Summary of a file, on one line.
fn counts(path: &Path, file: &UniverseFile) -> String {
    let universe = file.universe();
    let mut venues: BTreeMap<&str, usize> = BTreeMap::new();
    for listing in universe.listings() {
        *venues.entry(&listing.venue).or_default() += 1;
    }
    let shown: Vec<_> = venues.iter().map(|(venue, rows)| format!("{venue} {rows}")).collect();
    let shown = if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(", ")) };
    format!(
        "{}: {}, {}, {}{shown}, {}, no mistake",
        path.display(),
        counted(universe.len(), "row"),
        counted(universe.symbols(), "symbol"),
        counted(venues.len(), "venue"),
        counted(universe.contracts(), "contract")
    )
}
