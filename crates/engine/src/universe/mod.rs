//! The markets that the user can trade, by symbol, contract and name.

mod groups;
mod parse;
#[cfg(test)]
mod tests;

use stoop_model::HashSet;

use crate::merge::{is_evm, same_contract, same_symbol};
use crate::syntax::SyntaxError;
use groups::{Groups, Hash};

/// The most rows a universe may have.
pub const UNIVERSE_ROWS: usize = 1_000_000;

/// The longest text of a universe, in bytes: with every line break escaped it still fits into one record of a tape.
pub const UNIVERSE_BYTES: usize = 12 << 20;

/// The markets of `universe.csv`, in the order of the file.
///
/// Every look-up hashes its argument once and allocates nothing, however many rows there are.
#[derive(Debug, Default)]
pub struct Universe {
    listings: Vec<Listing>,
    by_symbol: Groups,
    by_contract: Groups,
    by_market: Groups,
    venues: HashSet<String>,
}

/// One row: a market on which a coin is traded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The coin, in capitals.
    pub symbol: String,
    /// The exchange, in small letters.
    pub venue: String,
    /// The exchange's own name of the market, as written.
    pub market: String,
    /// The coin's contract, as written.
    pub contract: Option<String>,
    /// The chain of the contract, in small letters.
    pub chain: Option<String>,
}

impl Universe {
    /// Reads the text of a `universe.csv`; `name` is what errors call the file.
    ///
    /// The header names the columns `symbol`, `venue` and `market`, in any order, and optionally `contract` and
    /// `chain`. Empty lines and lines that begin with `#` are skipped. Every bad row is an error, up to 100 of them and
    /// one that counts the rest.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<SyntaxError>> {
        parse::listings(name, text, UNIVERSE_ROWS).map(Self::new)
    }

    fn new(listings: Vec<Listing>) -> Self {
        let all = 0..listings.len();
        Self {
            by_symbol: Groups::new(
                all.clone(),
                |row| symbol_hash(&listings[row].symbol),
                |a, b| listings[a].symbol == listings[b].symbol,
            ),
            by_contract: Groups::new(
                all.clone().filter(|row| listings[*row].contract.is_some()),
                |row| contract_hash(contract_of(&listings, row)),
                |a, b| same_contract(contract_of(&listings, a), contract_of(&listings, b)),
            ),
            by_market: Groups::new(
                all,
                |row| name_hash(plain(&listings[row].market)),
                |a, b| plain(&listings[a].market).eq(plain(&listings[b].market)),
            ),
            venues: listings.iter().map(|listing| listing.venue.clone()).collect(),
            listings,
        }
    }

    /// There are no rows.
    pub fn is_empty(&self) -> bool {
        self.listings.is_empty()
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.listings.len()
    }

    /// The number of different symbols.
    pub fn symbols(&self) -> usize {
        self.by_symbol.len()
    }

    /// The number of different contracts.
    pub fn contracts(&self) -> usize {
        self.by_contract.len()
    }

    /// The rows in the order of the file.
    pub fn listings(&self) -> &[Listing] {
        &self.listings
    }

    /// Some row is of this symbol, in any case.
    pub fn lists(&self, symbol: &str) -> bool {
        !self.rows_of_symbol(symbol).is_empty()
    }

    /// The rows of a symbol, in any case, in the order of the file.
    pub fn of_symbol(&self, symbol: &str) -> impl Iterator<Item = &Listing> + use<'_> {
        self.rows(self.rows_of_symbol(symbol))
    }

    /// The rows of a contract, in the order of the file; an EVM contract is the same in any case.
    pub fn of_contract(&self, contract: &str) -> impl Iterator<Item = &Listing> + use<'_> {
        let is_it = |row: usize| same_contract(contract_of(&self.listings, row), contract);
        self.rows(self.by_contract.find(contract_hash(contract), is_it))
    }

    /// The symbol of the first row whose market is called so.
    ///
    /// `market` is in capitals and without `/`, `-` and `_`, which do not count in the file either: `EDGEUSDT` is the
    /// name of `EDGE_USDT`, `edge-usdt` and `EDGE/USDT`.
    pub fn of_market(&self, market: &str) -> Option<&str> {
        let is_it =
            |row: usize| self.listings.get(row).is_some_and(|it| plain(&it.market).eq(market.chars()));
        let rows = self.by_market.find(name_hash(market.chars()), is_it);
        self.rows(rows).next().map(|listing| listing.symbol.as_str())
    }

    /// Some row is of this venue, given in small letters.
    pub fn has_venue(&self, venue: &str) -> bool {
        self.venues.contains(venue)
    }

    fn rows_of_symbol(&self, symbol: &str) -> &[u32] {
        let is_it = |row: usize| self.listings.get(row).is_some_and(|it| same_symbol(&it.symbol, symbol));
        self.by_symbol.find(symbol_hash(symbol), is_it)
    }

    fn rows<'u>(&'u self, rows: &'u [u32]) -> impl Iterator<Item = &'u Listing> + use<'u> {
        rows.iter().filter_map(|row| self.listings.get(*row as usize))
    }
}

fn contract_of(listings: &[Listing], row: usize) -> &str {
    listings.get(row).and_then(|listing| listing.contract.as_deref()).unwrap_or_default()
}

/// The same for texts that [`same_symbol`] calls the same.
fn symbol_hash(symbol: &str) -> u64 {
    name_hash(symbol.chars().flat_map(char::to_uppercase))
}

/// The same for texts that [`same_contract`] calls the same.
fn contract_hash(contract: &str) -> u64 {
    let mut hash = Hash::default();
    let folds = is_evm(contract);
    contract.chars().for_each(|char| hash.add(if folds { char.to_ascii_lowercase() } else { char }));
    hash.finish()
}

fn name_hash(chars: impl Iterator<Item = char>) -> u64 {
    let mut hash = Hash::default();
    chars.for_each(|char| hash.add(char));
    hash.finish()
}

/// A market's name in capitals, without what separates base and quote.
fn plain(market: &str) -> impl Iterator<Item = char> + '_ {
    market.chars().filter(|char| !matches!(char, '/' | '-' | '_')).flat_map(char::to_uppercase)
}
