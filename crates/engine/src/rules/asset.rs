//! Candidates as assets: their identity, which of them a rule accepts, and how to follow one through later frames.

use stoop_model::{Asset, AssetClass, AssetField, Evidence, Price, RefPrice, SOURCE_SEPARATOR};

use super::candidates::{Candidate, Candidates, Origin, named_market_is, named_text};
use super::conditions::Rule;
use super::rule::{Alias, AssetFilter, CEX_VENUES, Market, PREDICTION_VENUES, base_of};
use super::written::Forms;
use crate::merge::{View, is_evm, same_contract, same_symbol};

/// Reads candidates.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) candidates: &'a Candidates,
    pub(crate) view: &'a View,
    pub(crate) aliases: &'a [Alias],
}

impl<'a> Reader<'a> {
    fn named(self, candidate: &Candidate, field: AssetField) -> Option<&'a str> {
        match candidate.origin {
            Origin::Named(index) => named_text(self.view, index, field),
            Origin::Found(_) | Origin::Alias(_) => None,
        }
    }

    fn alias(self, candidate: &Candidate) -> Option<&'a Market> {
        match candidate.origin {
            Origin::Alias(index) => self.aliases.get(index).map(|alias| &alias.market),
            Origin::Found(_) | Origin::Named(_) => None,
        }
    }

    /// Ticker of a token, base asset of a market.
    pub(crate) fn symbol(self, candidate: &Candidate) -> Option<&'a str> {
        match candidate.class {
            AssetClass::Ticker => Some(self.candidates.text(candidate)),
            AssetClass::Token => self.named(candidate, AssetField::Symbol),
            AssetClass::Cex => {
                self.alias(candidate).map(|market| base_of(&market.venue, &market.name)).or_else(|| {
                    let base = self.named(candidate, AssetField::Base);
                    base.or_else(|| {
                        self.named(candidate, AssetField::Symbol)
                            .map(|symbol| self.base_in(candidate, symbol))
                    })
                })
            }
            AssetClass::Address | AssetClass::Prediction => None,
        }
    }

    /// The base in an exchange's symbol: the part before the quote, if that is known.
    fn base_in(self, candidate: &Candidate, symbol: &'a str) -> &'a str {
        let quote = self.named(candidate, AssetField::Quote);
        let base = quote.and_then(|quote| symbol.strip_suffix(quote)).filter(|base| !base.is_empty());
        base.unwrap_or_else(|| base_of(self.venue(candidate).unwrap_or_default(), symbol))
    }

    fn contract(self, candidate: &Candidate) -> Option<&'a str> {
        match candidate.class {
            AssetClass::Address => Some(self.candidates.text(candidate)),
            AssetClass::Token => self.named(candidate, AssetField::Contract),
            AssetClass::Cex | AssetClass::Prediction | AssetClass::Ticker => None,
        }
    }

    fn chain(self, candidate: &Candidate) -> Option<&'a str> {
        let is_token = candidate.class == AssetClass::Token;
        self.named(candidate, AssetField::Chain).filter(|_| is_token)
    }

    fn venue(self, candidate: &Candidate) -> Option<&'a str> {
        let named = || self.named(candidate, AssetField::Exchange);
        self.alias(candidate).map(|market| market.venue.as_str()).or_else(named)
    }

    fn market_is(self, candidate: &Candidate, name: &str) -> bool {
        match candidate.origin {
            Origin::Named(index) => named_market_is(self.view, index, name),
            Origin::Alias(_) => self.alias(candidate).is_some_and(|market| market.name == name),
            Origin::Found(_) => false,
        }
    }

    /// The rule accepts the candidate by this filter.
    pub(crate) fn is_taken(self, rule: &Rule, filter: &AssetFilter, candidate: &Candidate) -> bool {
        if !filter.admits(self.symbol(candidate)) {
            return false;
        }
        let venue = self.venue(candidate).unwrap_or_default();
        match candidate.class {
            AssetClass::Ticker => {
                // The contract: a ticker counts until the enrichment has come, then only what the vendor names.
                let counts = self.view.enriched_ns.is_none() || rule.keeps_unnamed;
                filter.tokens && counts && !self.forms(filter, candidate).is_empty()
            }
            AssetClass::Token => {
                let is_written = || filter.tokens && self.is_written(filter, candidate);
                // Tokens of one symbol with different contracts never pass: there is no telling which was meant.
                !candidate.is_ambiguous && (is_written() || filter.addresses && candidate.is_local_too)
            }
            AssetClass::Address => filter.addresses,
            AssetClass::Cex => {
                // An unknown venue never satisfies `cex`, even if the rule lists its name.
                CEX_VENUES.contains(&venue)
                    && filter.cex.iter().any(|name| name == venue)
                    && (candidate.is_local_too || self.is_written(filter, candidate))
            }
            AssetClass::Prediction => {
                PREDICTION_VENUES.contains(&venue) && filter.prediction.iter().any(|name| name == venue)
            }
        }
    }

    /// Of the forms in which the text writes the candidate's symbol, those that count for the filter.
    pub(crate) fn forms(self, filter: &AssetFilter, candidate: &Candidate) -> Forms {
        match (candidate.class, self.symbol(candidate)) {
            (AssetClass::Ticker, Some(symbol)) => filter.taken(symbol, candidate.forms(filter)),
            (_, Some(symbol)) => filter.taken(symbol, self.candidates.written(filter, symbol)),
            (_, None) => Forms::NONE,
        }
    }

    /// The text writes what the vendor named in a form that the filter asks for, if it asks for any. Aliases are words
    /// that were found already, and assets found only in pictures are in no text.
    fn is_written(self, filter: &AssetFilter, candidate: &Candidate) -> bool {
        let is_apart = || match candidate.origin {
            Origin::Alias(_) => true,
            Origin::Named(_) => self.named(candidate, AssetField::Sources) == Some("ocr"),
            Origin::Found(_) => false,
        };
        filter.written.is_none() || is_apart() || !self.forms(filter, candidate).is_empty()
    }

    /// Finds `asset` among `passing` (indices of candidates), and how its identity has changed.
    pub(crate) fn follow(self, asset: &Asset, passing: &[usize]) -> Option<(usize, Identity)> {
        let find = |wanted: &dyn Fn(&Candidate) -> bool| {
            passing.iter().copied().find(|index| self.candidates.list().get(*index).is_some_and(wanted))
        };
        if let Some(index) = find(&|candidate| self.is_same(asset, candidate)) {
            let candidate = self.candidates.list().get(index)?;
            let is_firmer =
                candidate.class != asset.class || asset.chain.is_none() && self.chain(candidate).is_some();
            return Some((index, if is_firmer { Identity::Firmer } else { Identity::Same }));
        }
        // A contract or a market stays the same asset; only a bare symbol may still become one of them.
        if !is_bare_symbol(asset) {
            return None;
        }
        let symbol = asset.symbol.as_deref()?;
        let has_symbol =
            |candidate: &Candidate| self.symbol(candidate).is_some_and(|other| same_symbol(symbol, other));
        // Contract before market: the contract's order of identity.
        let token = find(&|candidate| candidate.class == AssetClass::Token && has_symbol(candidate));
        let market = || find(&|candidate| candidate.class == AssetClass::Cex && has_symbol(candidate));
        token.or_else(market).map(|index| (index, Identity::Changed))
    }

    /// The text writes the asset's symbol, in a way that passes.
    pub(crate) fn writes(self, asset: &Asset, passing: &[usize]) -> bool {
        let mut passing = passing.iter().filter_map(|index| self.candidates.list().get(*index));
        passing.any(|coin| coin.class == AssetClass::Ticker && self.has_symbol(asset, coin))
    }

    fn is_same(self, asset: &Asset, candidate: &Candidate) -> bool {
        match candidate.class {
            AssetClass::Ticker => is_bare_symbol(asset) && self.has_symbol(asset, candidate),
            AssetClass::Token | AssetClass::Address => match (&asset.contract, self.contract(candidate)) {
                (Some(mine), Some(other)) => {
                    let chains = (asset.chain.as_deref(), self.chain(candidate));
                    // One contract may exist on several chains. An unknown chain does not make it another asset.
                    same_contract(mine, other) && !matches!(chains, (Some(a), Some(b)) if a != b)
                }
                (None, None) => is_bare_symbol(asset) && self.has_symbol(asset, candidate),
                (_, _) => false,
            },
            AssetClass::Cex | AssetClass::Prediction => {
                asset.class == candidate.class
                    && asset.venue.as_deref() == self.venue(candidate)
                    && asset.market.as_deref().is_some_and(|name| self.market_is(candidate, name))
            }
        }
    }

    fn has_symbol(self, asset: &Asset, candidate: &Candidate) -> bool {
        match (&asset.symbol, self.symbol(candidate)) {
            (Some(mine), Some(other)) => same_symbol(mine, other),
            (_, _) => false,
        }
    }

    /// The symbol by which the asset goes stands for tokens of several contracts, or it is one of these tokens.
    /// A market is what it is, whatever tokens share its base.
    pub(crate) fn is_ambiguous(self, asset: &Asset) -> bool {
        if matches!(asset.class, AssetClass::Cex | AssetClass::Prediction) {
            return false;
        }
        let mut tokens = self.candidates.list().iter().filter(|candidate| candidate.is_ambiguous);
        tokens.any(|candidate| self.has_symbol(asset, candidate) || self.is_same(asset, candidate))
    }

    /// Two candidates are a ticker and something of that symbol.
    pub(crate) fn same_symbol(self, a: &Candidate, b: &Candidate) -> bool {
        match (self.symbol(a), self.symbol(b)) {
            (Some(a), Some(b)) => same_symbol(a, b),
            (_, _) => false,
        }
    }

    /// The candidate as a decision shows it.
    pub(crate) fn asset(self, candidate: &Candidate) -> Asset {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let sources: Vec<String> = match candidate.origin {
            Origin::Found(_) | Origin::Alias(_) => vec!["local".to_owned()],
            Origin::Named(_) => self
                .named(candidate, AssetField::Sources)
                .map(|joined| joined.split(SOURCE_SEPARATOR).map(str::to_owned).collect())
                .unwrap_or_default(),
        };
        let market = match candidate.class {
            AssetClass::Cex => self.alias(candidate).map(|market| market.name.clone()).or_else(|| {
                let pair = || {
                    let base = self.named(candidate, AssetField::Base)?;
                    Some(format!("{base}{}", self.named(candidate, AssetField::Quote)?))
                };
                owned(self.named(candidate, AssetField::Symbol)).or_else(pair)
            }),
            AssetClass::Prediction => owned(self.named(candidate, AssetField::MarketId)),
            AssetClass::Token | AssetClass::Address | AssetClass::Ticker => None,
        };
        Asset {
            class: candidate.class,
            symbol: owned(self.symbol(candidate)),
            contract: owned(self.contract(candidate)),
            chain: owned(self.chain(candidate)),
            venue: owned(self.venue(candidate)),
            market,
            sources,
        }
    }

    /// The indicative price of the candidate, where the vendor gave one that fits.
    pub(crate) fn ref_price(self, candidate: &Candidate) -> Option<RefPrice> {
        let Origin::Named(index) = candidate.origin else { return None };
        match self.view.assets.get(index)?.price? {
            (Price::Usd(value), seen_ns) => Some(RefPrice { value, seen_ns }),
            (Price::OutOfRange, _) => None,
        }
    }
}

/// How the identity of an asset has changed in later frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The same asset.
    Same,
    /// The same asset, better known: an address that has become a token, a contract whose chain is known now.
    Firmer,
    /// A bare symbol that has become a contract or a market.
    Changed,
}

/// A ticker, or a token without contract.
pub(crate) fn is_bare_symbol(asset: &Asset) -> bool {
    match asset.class {
        AssetClass::Ticker => true,
        AssetClass::Token => asset.contract.is_none(),
        AssetClass::Address | AssetClass::Cex | AssetClass::Prediction => false,
    }
}

/// The strongest ground of an asset.
pub(crate) fn evidence_of(asset: &Asset) -> Evidence {
    if !asset.sources.is_empty() && asset.sources.iter().all(|source| source == "ocr") {
        return Evidence::OcrOnly;
    }
    if asset.sources.iter().any(|source| source == "rule") {
        return Evidence::Rule;
    }
    match asset.class {
        AssetClass::Token if asset.contract.is_some() => Evidence::Contract,
        AssetClass::Token | AssetClass::Ticker => Evidence::Ticker,
        AssetClass::Address => Evidence::Address,
        AssetClass::Cex | AssetClass::Prediction => Evidence::Market,
    }
}

/// The asset of a market a rule names.
pub(crate) fn emitted(market: &Market) -> Asset {
    Asset {
        class: market.class,
        symbol: (market.class == AssetClass::Cex).then(|| base_of(&market.venue, &market.name).to_owned()),
        contract: None,
        chain: None,
        venue: Some(market.venue.clone()),
        market: Some(market.name.clone()),
        sources: vec!["rule".to_owned()],
    }
}

/// The asset in a decision's id, such as `ticker:EDGE` or `token:solana:9xQe`; empty for none.
pub fn asset_key(asset: Option<&Asset>) -> String {
    let Some(asset) = asset else { return String::new() };
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let ticker = || format!("ticker:{}", text(&asset.symbol).to_uppercase());
    let on_chain = |class: &str, contract: &str| {
        let chain = asset.chain.as_deref().unwrap_or("-");
        // EVM addresses are hex, whose mixed case is only a checksum (EIP-55); base58 distinguishes case.
        let contract = if is_evm(contract) { contract.to_ascii_lowercase() } else { contract.to_owned() };
        format!("{class}:{chain}:{contract}")
    };
    match (asset.class, &asset.contract) {
        (AssetClass::Token, Some(contract)) => on_chain("token", contract),
        (AssetClass::Token, None) | (AssetClass::Ticker, _) => ticker(),
        (AssetClass::Address, contract) => on_chain("address", contract.as_deref().unwrap_or_default()),
        (AssetClass::Cex, _) => format!("cex:{}:{}", text(&asset.venue), text(&asset.market)),
        (AssetClass::Prediction, _) => format!("prediction:{}:{}", text(&asset.venue), text(&asset.market)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_what_identifies() {
        let asset = |class, symbol: &str, contract: &str, chain: &str, venue: &str, market: &str| {
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            Asset {
                class,
                symbol: some(symbol),
                contract: some(contract),
                chain: some(chain),
                venue: some(venue),
                market: some(market),
                sources: Vec::new(),
            }
        };
        let evm = "0xAbCdEf0123456789aBcDeF0123456789ABCDEF01";
        for (asset, key) in [
            (asset(AssetClass::Token, "EDGE", "9xQe", "solana", "", ""), "token:solana:9xQe"),
            (
                asset(AssetClass::Token, "E", evm, "", "", ""),
                "token:-:0xabcdef0123456789abcdef0123456789abcdef01",
            ),
            (asset(AssetClass::Token, "edge", "", "", "", ""), "ticker:EDGE"),
            (asset(AssetClass::Ticker, "edge", "", "", "", ""), "ticker:EDGE"),
            (asset(AssetClass::Address, "", "9xQe", "", "", ""), "address:-:9xQe"),
            (asset(AssetClass::Cex, "DOGE", "", "", "binance", "DOGEUSDT"), "cex:binance:DOGEUSDT"),
            (asset(AssetClass::Prediction, "", "", "", "kalshi", "X-1"), "prediction:kalshi:X-1"),
        ] {
            assert_eq!(asset_key(Some(&asset)), key);
        }
        assert_eq!(asset_key(None), "");
    }
}
