//! `stoop universe build`: the lists of exchanges to one file.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use stoop::rules::syntax::{Source, SyntaxError};
use stoop::rules::{Listing, Universe};

use super::list::{self, Kind, List};
use super::row::{self, Entry, Market};
use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::output::{counted, create_new, note};
use crate::unfinished::Unfinished;

/// The longest list; the longest that was seen has 20 MB.
const LIST_BYTES: u64 = 256 << 20;
/// Errors that are shown of one list; further ones are counted.
const ERRORS: usize = 100;

pub(super) fn build(files: &[PathBuf], output: &Path) -> Outcome {
    let mut unfinished = Unfinished::default();
    let is_stdout = output.as_os_str() == "-";
    let file = if is_stdout { None } else { Some(unfinished.make(output, create_new)?) };
    let shown = if is_stdout { "stdout".to_owned() } else { output.display().to_string() };
    let mut made = Made::default();
    let mut bad = 0;
    for path in files {
        let name = if path.as_os_str() == "-" { "stdin".to_owned() } else { path.display().to_string() };
        let bytes = stoop::replay::read_input(path, LIST_BYTES).or_fail(Code::Failed)?;
        let text = String::from_utf8(bytes).map_err(|_error| {
            Failure::text(Code::Config, format_args!("{name}:1:1: a symbol list is JSON in UTF-8"))
        })?;
        let errors = made.add(&Source { name, text });
        bad += errors.len();
        for error in errors.iter().take(ERRORS) {
            note(format_args!("{error}"));
        }
        if let Some(more) = errors.len().checked_sub(ERRORS + 1) {
            note(format_args!("{}: and {} more errors", path.display(), more + 1));
        }
    }
    if bad > 0 {
        let why = format_args!("{} in the lists; nothing was written to {shown}", counted(bad, "error"));
        return Err(Failure::text(Code::Config, why));
    }
    let text = made.text();
    // What is written is read by a run: here is the place to learn that it cannot be.
    let universe = Universe::parse(&shown, &text).map_err(|errors| {
        let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
        Failure::text(Code::Config, told.join("\n"))
    })?;
    if universe.is_empty() {
        let why = format_args!("no market in these lists trades; nothing was written to {shown}");
        return Err(Failure::text(Code::Config, why));
    }
    let written = match file {
        Some(mut file) => file.write_all(text.as_bytes()).and_then(|()| file.sync_all()),
        None => io::stdout().lock().write_all(text.as_bytes()),
    };
    match written {
        Ok(()) => unfinished.keep(),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
        Err(error) => return Err(Failure::text(Code::Failed, format_args!("cannot write {shown}: {error}"))),
    }
    for line in &made.sources {
        note(format_args!("{line}"));
    }
    let (rows, symbols) = (counted(universe.len(), "market"), counted(universe.symbols(), "symbol"));
    note(format_args!("{rows} of {symbols} written to {shown}"));
    Ok(ExitCode::SUCCESS)
}

/// What the lists have brought so far.
#[derive(Default)]
struct Made {
    /// By symbol, venue and market, as they are written.
    rows: BTreeMap<(String, &'static str, String), Contract>,
    /// The venue and market of each, with its symbol: spot and futures may call a market alike.
    known: BTreeMap<(&'static str, String), String>,
    /// What is told of each list, in order.
    sources: Vec<String>,
}

type Contract = (Option<String>, Option<&'static str>);

impl Made {
    /// Adds a list; returns what is wrong with it.
    fn add(&mut self, source: &Source) -> Vec<SyntaxError> {
        let list = match list::read(source) {
            Ok(list) => list,
            Err(error) => return vec![error],
        };
        let (mut idle, mut no_coin) = (0_usize, 0_usize);
        let (mut errors, mut markets) = (Vec::new(), Vec::new());
        for (number, entry) in row::entries(source, &list) {
            match entry {
                Ok(Entry::Market(market)) => match fault(&list, &market) {
                    None => markets.push(market),
                    Some(what) => errors.push(list::error_at(source, list.rows[number].get(), &what)),
                },
                Ok(Entry::Idle) => idle += 1,
                Ok(Entry::NoCoin) => no_coin += 1,
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            self.take(&list, markets, idle, no_coin);
            if list.has_more {
                note(format_args!(
                    "stoop: warning: {} is one page of several: its `nextPageCursor` names the next one",
                    source.name
                ));
            }
        }
        errors
    }

    fn take(&mut self, list: &List<'_>, markets: Vec<Market>, idle: usize, mut no_coin: usize) {
        let (kind, venue) = (list.kind, list.kind.venue());
        let bases: BTreeSet<String> = markets.iter().map(|market| market.base.clone()).collect();
        let (mut count, mut again) = (0_usize, 0_usize);
        for market in markets {
            if is_leveraged(kind, &market.base, &bases) {
                no_coin += 1;
                continue;
            }
            // Where a list has 1000CAT and CAT too, they are two coins.
            let coin = row::without_multiplier(kind, &market.base).filter(|coin| !bases.contains(*coin));
            let symbol = symbol(coin.unwrap_or(&market.base));
            let key = (venue, market.market.clone());
            let first = self.known.entry(key).or_insert_with(|| symbol.clone());
            let contract = (market.contract, market.chain);
            let known = self.rows.get_mut(&(first.clone(), venue, market.market.clone()));
            if let Some(known) = known {
                again += 1;
                if known.0.is_none() {
                    *known = contract;
                }
            } else {
                count += 1;
                self.rows.insert((symbol, venue, market.market), contract);
            }
        }
        let mut line = format!("{venue} {}: {}", kind.what(), counted(count, "market"));
        for (count, what) in [
            (again, "counted already (spot and futures of one name are one row)"),
            (idle, "that do not trade left out"),
            (no_coin, "that are not of coins left out"),
        ] {
            if count > 0 {
                line.extend([", ", &count.to_string(), " ", what]);
            }
        }
        self.sources.push(line);
    }

    /// The file.
    fn text(&self) -> String {
        let has_contracts = self.rows.values().any(|(contract, _)| contract.is_some());
        let mut text = String::from("# What can be traded, from these symbol lists:\n");
        for line in &self.sources {
            text.extend(["# ", line, "\n"]);
        }
        text.push_str(if has_contracts {
            "symbol,venue,market,contract,chain\n"
        } else {
            "symbol,venue,market\n"
        });
        for ((symbol, venue, market), (contract, chain)) in &self.rows {
            let listing = Listing {
                symbol: symbol.clone(),
                venue: (*venue).to_owned(),
                market: market.clone(),
                contract: contract.clone(),
                chain: chain.map(str::to_owned),
            };
            text.push_str(&line(&listing, has_contracts));
        }
        text
    }
}

/// One row of the file.
fn line(listing: &Listing, has_contracts: bool) -> String {
    let Listing { symbol, venue, market, contract, chain } = listing;
    let mut cells = vec![cell(symbol), cell(venue), cell(market)];
    if has_contracts {
        cells.extend([contract, chain].map(|text| cell(text.as_deref().unwrap_or_default())));
    }
    format!("{}\n", cells.join(","))
}

/// A cell, in quotes if it needs them.
fn cell(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// The symbol as a universe has it.
fn symbol(base: &str) -> String {
    base.strip_prefix('$').unwrap_or(base).to_uppercase()
}

/// Why a market cannot stand in a universe: its own parser says so.
fn fault(list: &List<'_>, market: &Market) -> Option<String> {
    let listing = Listing {
        symbol: symbol(&market.base),
        venue: list.kind.venue().to_owned(),
        market: market.market.clone(),
        contract: market.contract.clone(),
        chain: market.chain.map(str::to_owned),
    };
    let text = format!("symbol,venue,market,contract,chain\n{}", line(&listing, true));
    Some(Universe::parse("", &text).err()?.first()?.message.clone())
}

/// A token that goes up three times as much as its coin, such as Gate's `EDGE3L`.
fn is_leveraged(kind: Kind, base: &str, bases: &BTreeSet<String>) -> bool {
    let coin = ["3L", "3S", "5L", "5S"].iter().find_map(|ending| base.strip_suffix(ending));
    kind == Kind::GateSpot && coin.is_some_and(|coin| bases.contains(coin))
}
