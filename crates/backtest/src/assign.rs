//! Which series of prices a decision is measured on.

use std::collections::BTreeMap;

use stoop_engine::asset_key;
use stoop_model::{Asset, AssetClass, DecisionBody};

/// Assets and rules with the series they are measured on, as `[series]` of the configuration names them.
///
/// A key is `rule:NAME`, an asset as decision ids have it (`ticker:EDGE`, `token:solana:9xQe…`, `cex:binance:DOGEUSDT`), a
/// market as `emit` has it (`binance:DOGEUSDT`), or `$TICKER`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesNames {
    names: BTreeMap<String, String>,
}

impl SeriesNames {
    /// Names taken from a configuration.
    pub fn new(names: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { names: names.into_iter().collect() }
    }

    /// Keys and series, in order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names.iter().map(|(key, series)| (key.as_str(), series.as_str()))
    }

    /// The series a decision belongs to, whether there are prices of it or not; none if nobody says.
    ///
    /// What is named for the asset comes first, then what is named for the rule, then the asset's own symbol: a market's
    /// without `-`, `/` and `_`, a ticker's with `USDT` behind it. A token's symbol is nobody's property: it names no series.
    pub fn of(&self, decision: &DecisionBody) -> Option<String> {
        self.find(&decision.rule.name, decision.asset.as_ref())
    }

    /// The same for what a rule says of an asset.
    pub(crate) fn find(&self, rule: &str, asset: Option<&Asset>) -> Option<String> {
        let named = asset.and_then(|asset| self.of_asset(asset));
        let named = named.or_else(|| self.names.get(&format!("rule:{rule}")));
        named.cloned().or_else(|| asset.and_then(usual))
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

fn usual(asset: &Asset) -> Option<String> {
    match asset.class {
        AssetClass::Cex => Some(asset.market.as_ref()?.to_uppercase().replace(['-', '/', '_'], "")),
        AssetClass::Ticker => Some(format!("{}USDT", asset.symbol.as_ref()?.to_uppercase())),
        AssetClass::Token | AssetClass::Address | AssetClass::Prediction => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::decision;

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

    fn series(names: &[(&str, &str)], asset: Option<Asset>) -> Option<String> {
        let names = names.iter().map(|(key, series)| ((*key).to_owned(), (*series).to_owned()));
        let mut body = (*decision(0, 0).body).clone();
        body.asset = asset;
        SeriesNames::new(names).of(&body)
    }

    #[test]
    fn markets_and_tickers_have_series_of_their_own() {
        let doge = asset(AssetClass::Cex, "DOGE", Some("doge-usdt"));
        assert_eq!(series(&[], Some(doge)).as_deref(), Some("DOGEUSDT"));
        assert_eq!(series(&[], Some(asset(AssetClass::Ticker, "Doge", None))).as_deref(), Some("DOGEUSDT"));
        assert_eq!(series(&[], Some(asset(AssetClass::Token, "DOGE", None))), None);
        assert_eq!(series(&[], None), None);
    }

    #[test]
    fn what_is_named_comes_first() {
        let names = [("rule:test", "A"), ("binance:DOGEUSDT", "B"), ("ticker:EDGE", "C"), ("$PEPE", "D")];
        let market = asset(AssetClass::Cex, "DOGE", Some("DOGEUSDT"));
        assert_eq!(series(&names, Some(market)).as_deref(), Some("B"));
        assert_eq!(series(&names, Some(asset(AssetClass::Ticker, "EDGE", None))).as_deref(), Some("C"));
        assert_eq!(series(&names, Some(asset(AssetClass::Ticker, "pepe", None))).as_deref(), Some("D"));
        assert_eq!(series(&names, Some(asset(AssetClass::Token, "WIF", None))).as_deref(), Some("A"));
        assert_eq!(series(&names, None).as_deref(), Some("A"));
    }
}
