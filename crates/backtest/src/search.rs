//! Which series of prices a decision is measured on, and why.

use std::collections::BTreeMap;
use std::fmt;

use stoop_engine::asset_key;
use stoop_model::{Asset, AssetClass};

use crate::outcome::Exclusion;
use crate::prices::{Named, Prices};

/// Assets and rules with the series they are measured on, as `[series]` of the configuration names them.
///
/// A key is `rule:NAME`, an asset as decision ids have it (`ticker:EDGE`, `token:solana:9xQe…`,
/// `cex:binance:DOGEUSDT`), a market as `emit` has it (`binance:DOGEUSDT`), or `$TICKER`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesNames {
    names: BTreeMap<String, String>,
}

/// Which step of the search found a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeriesBy {
    /// `[series]` names it.
    Series,
    /// It is that of the decision's own market.
    Market,
    /// It is that of a market which the universe lists for the asset.
    Universe,
    /// It is called `<SYMBOL>USDT`.
    Symbol,
    /// It is called `1000<SYMBOL>USDT`: its prices are of 1000 coins.
    Thousand,
}

impl SeriesBy {
    /// The name in the table of outcomes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Series => "series",
            Self::Market => "market",
            Self::Universe => "universe",
            Self::Symbol => "symbol",
            Self::Thousand => "thousand",
        }
    }

    /// Nothing but the symbol says that the series is of the asset.
    pub fn is_by_symbol(self) -> bool {
        match self {
            Self::Symbol | Self::Thousand => true,
            Self::Series | Self::Market | Self::Universe => false,
        }
    }
}

/// A series that was looked for and is not in the folder of prices.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The step that names it.
    pub by: SeriesBy,
    /// Its name, as the step has it.
    pub name: String,
    /// Series of the folder that all may be meant, because their names differ by case and separators only.
    pub alike: Vec<String>,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.alike.is_empty() {
            write!(f, " (which of {}?)", self.alike.join(", "))?;
        }
        Ok(())
    }
}

/// The result of a search for a series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// The series, as its files are called, and the step that found it.
    pub found: Option<(String, SeriesBy)>,
    /// Names that were searched for without success, in order; empty once a series is found.
    pub looked_for: Vec<Candidate>,
}

impl Search {
    /// The series, as its files are called.
    pub fn series(&self) -> Option<&str> {
        self.found.as_ref().map(|(series, _)| series.as_str())
    }

    /// The step that found it.
    pub fn by(&self) -> Option<SeriesBy> {
        self.found.as_ref().map(|(_, by)| *by)
    }

    /// Why what was searched for on an asset cannot be measured; none if there is a series.
    pub(crate) fn exclusion(&self, asset: Option<&Asset>) -> Option<Exclusion> {
        let is_unnamed = asset.is_none() && self.looked_for.is_empty();
        let why = if is_unnamed { Exclusion::NoAsset } else { Exclusion::NoSeries };
        self.found.is_none().then_some(why)
    }
}

impl SeriesNames {
    /// Names from a configuration.
    pub fn new(names: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { names: names.into_iter().collect() }
    }

    /// Keys and series, in order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names.iter().map(|(key, series)| (key.as_str(), series.as_str()))
    }

    /// The series on which a rule's decision on an asset is measured; `markets` are those that the universe lists for
    /// it.
    ///
    /// The first of these that the folder has: what `[series]` names for the asset, else for the rule, and if it names
    /// something, nothing else; the series of the decision's own market; those of `markets`, in order; `<SYMBOL>USDT`;
    /// `1000<SYMBOL>USDT`.
    pub fn search<'m>(
        &self,
        rule: &str,
        asset: Option<&Asset>,
        markets: impl IntoIterator<Item = &'m str>,
        prices: &Prices,
    ) -> Search {
        let mut looked_for: Vec<Candidate> = Vec::new();
        for (by, name) in self.candidates(rule, asset, markets) {
            let alike = match prices.find(&name) {
                Named::One(series) => {
                    return Search { found: Some((series.to_owned(), by)), looked_for: Vec::new() };
                }
                Named::Nothing => Vec::new(),
                Named::Several(alike) => alike.to_vec(),
            };
            // One of several is meant. Measuring a later name instead would be a guess.
            let is_unclear = !alike.is_empty();
            if looked_for.iter().all(|before| before.name != name) {
                looked_for.push(Candidate { by, name, alike });
            }
            if is_unclear {
                break;
            }
        }
        Search { found: None, looked_for }
    }

    fn candidates<'m>(
        &self,
        rule: &str,
        asset: Option<&Asset>,
        markets: impl IntoIterator<Item = &'m str>,
    ) -> Vec<(SeriesBy, String)> {
        // If `[series]` names one, no other is tried: a typo there must not measure another coin.
        let named = asset.and_then(|asset| self.of_asset(asset));
        if let Some(named) = named.or_else(|| self.names.get(&format!("rule:{rule}"))) {
            return vec![(SeriesBy::Series, named.clone())];
        }
        // The symbol of a prediction market is not that of a coin.
        let Some(asset) = asset.filter(|asset| asset.class != AssetClass::Prediction) else {
            return Vec::new();
        };
        // Before the universe: it is what the decision names itself.
        let own = asset.market.as_deref().filter(|_| asset.class == AssetClass::Cex);
        let own = own.into_iter().map(|market| (SeriesBy::Market, market.to_owned()));
        let listed = markets.into_iter().map(|market| (SeriesBy::Universe, market.to_owned()));
        let symbol = asset.symbol.as_deref().filter(|symbol| !symbol.is_empty()).map(str::to_uppercase);
        let by_symbol = symbol.into_iter().flat_map(|symbol| {
            [(SeriesBy::Symbol, format!("{symbol}USDT")), (SeriesBy::Thousand, format!("1000{symbol}USDT"))]
        });
        own.chain(listed).chain(by_symbol).collect()
    }

    fn of_asset(&self, asset: &Asset) -> Option<&String> {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let short = match asset.class {
            AssetClass::Cex | AssetClass::Prediction => {
                format!("{}:{}", text(&asset.venue), text(&asset.market))
            }
            AssetClass::Ticker => format!("${}", text(&asset.symbol).to_uppercase()),
            AssetClass::Token | AssetClass::Address => String::new(),
        };
        self.names.get(&asset_key(Some(asset))).or_else(|| self.names.get(&short))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(class: AssetClass, symbol: &str, market: Option<&str>) -> Asset {
        Asset {
            class,
            symbol: Some(symbol.to_owned()),
            contract: None,
            chain: None,
            venue: market.map(|_| "binance".to_owned()),
            market: market.map(str::to_owned),
            sources: Vec::new(),
        }
    }

    /// What a folder with files of these series comes to: the series and why, or what was looked for.
    fn search(files: &[&str], names: &[(&str, &str)], asset: Option<&Asset>, markets: &[&str]) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        for file in files {
            std::fs::write(folder.path().join(format!("{file}-1m-2026-01.csv")), "").expect("a file");
        }
        let prices = Prices::open(folder.path()).expect("prices");
        let names = names.iter().map(|(key, series)| ((*key).to_owned(), (*series).to_owned()));
        let names = SeriesNames::new(names);
        let search = names.search("test", asset, markets.iter().copied(), &prices);
        let looked_for = || search.looked_for.iter().map(|it| format!("{} {it}", it.by.as_str()));
        match &search.found {
            Some((series, by)) => format!("{series} by {}", by.as_str()),
            None => looked_for().collect::<Vec<_>>().join(", "),
        }
    }

    #[test]
    fn the_first_step_whose_series_has_files_counts() {
        let market = asset(AssetClass::Cex, "EDGE", Some("EDGEUSDC"));
        let market = Some(&market);
        let listed = ["EDGE_USDT", "EDGEFDUSD"];
        let mut files = vec!["1000EDGEUSDT", "EDGEUSDT", "EDGEFDUSD", "EDGE_USDT", "EDGEUSDC", "NAMED"];
        let named = [("binance:EDGEUSDC", "NAMED")];
        assert_eq!(search(&files, &named, market, &listed), "NAMED by series");
        for expect in [
            "EDGEUSDC by market",
            "EDGE_USDT by universe",
            "EDGEFDUSD by universe",
            "EDGEUSDT by symbol",
            "1000EDGEUSDT by thousand",
        ] {
            files.pop();
            // The universe's markets are tried one by one, each as its exchange spells it.
            let listed = if files.contains(&"EDGE_USDT") { &listed[..] } else { &listed[1..] };
            assert_eq!(search(&files, &[], market, listed), expect, "{files:?}");
        }
        assert_eq!(
            search(&["OTHER"], &[], market, &listed),
            "market EDGEUSDC, universe EDGE_USDT, universe EDGEFDUSD, symbol EDGEUSDT, thousand 1000EDGEUSDT"
        );
    }

    #[test]
    fn tokens_and_tickers_are_found_by_their_symbol_with_or_without_a_contract() {
        let token = |contract: Option<&str>| {
            let contract = contract.map(str::to_owned);
            Asset { contract, ..asset(AssetClass::Token, "Edge", None) }
        };
        for named in [token(None), token(Some("9xQe")), asset(AssetClass::Ticker, "edge", None)] {
            let named = Some(&named);
            assert_eq!(search(&["EDGEUSDT"], &[], named, &[]), "EDGEUSDT by symbol");
            assert_eq!(search(&["1000edgeusdt"], &[], named, &[]), "1000edgeusdt by thousand");
            assert_eq!(search(&["EDGEUSDC"], &[], named, &["EDGEUSDC"]), "EDGEUSDC by universe");
            assert_eq!(search(&["X"], &[], named, &[]), "symbol EDGEUSDT, thousand 1000EDGEUSDT");
        }
    }

    #[test]
    fn what_is_named_comes_first_and_nothing_takes_its_place() {
        let names = [("rule:test", "A"), ("binance:DOGEUSDT", "B"), ("ticker:EDGE", "C"), ("$PEPE", "D")];
        let files = ["A", "b", "C", "D", "DOGEUSDT", "WIFUSDT"];
        let found = |asset: Option<Asset>| search(&files, &names, asset.as_ref(), &[]);
        assert_eq!(found(Some(asset(AssetClass::Cex, "DOGE", Some("DOGEUSDT")))), "b by series");
        assert_eq!(found(Some(asset(AssetClass::Ticker, "EDGE", None))), "C by series");
        assert_eq!(found(Some(asset(AssetClass::Ticker, "pepe", None))), "D by series");
        assert_eq!(found(Some(asset(AssetClass::Token, "WIF", None))), "A by series");
        assert_eq!(found(None), "A by series");
        let missing = [("rule:test", "GONE")];
        let doge = Some(asset(AssetClass::Cex, "DOGE", Some("DOGEUSDT")));
        assert_eq!(search(&files, &missing, doge.as_ref(), &[]), "series GONE");
    }

    #[test]
    fn names_that_are_alike_are_told_and_never_guessed() {
        let ticker = Some(asset(AssetClass::Ticker, "EDGE", None));
        assert_eq!(
            search(&["edge_usdt", "EDGE_USDT"], &[], ticker.as_ref(), &[]),
            "symbol EDGEUSDT (which of EDGE_USDT, edge_usdt?)"
        );
        // What would come next is another series than one of these.
        let files = ["edge_usdt", "EDGE_USDT", "1000EDGEUSDT"];
        let found = search(&files, &[], ticker.as_ref(), &[]);
        assert_eq!(found, "symbol EDGEUSDT (which of EDGE_USDT, edge_usdt?)");
    }

    #[test]
    fn what_has_no_symbol_of_a_coin_has_no_series_by_itself() {
        let prediction = Some(asset(AssetClass::Prediction, "EDGE", Some("EDGEUSDT")));
        assert_eq!(search(&["EDGEUSDT"], &[], prediction.as_ref(), &["EDGEUSDT"]), "");
        let address = Asset { symbol: None, ..asset(AssetClass::Address, "", None) };
        assert_eq!(search(&["EDGEUSDT"], &[], Some(&address), &[]), "");
        assert_eq!(search(&["EDGEUSDT"], &[], Some(&address), &["EDGEUSDT"]), "EDGEUSDT by universe");
        assert_eq!(search(&["EDGEUSDT"], &[], None, &["EDGEUSDT"]), "");
        assert_eq!(search(&["USDT"], &[], Some(&asset(AssetClass::Ticker, "", None)), &[]), "");
    }
}
