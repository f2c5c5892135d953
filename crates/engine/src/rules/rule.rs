//! The parts of rules: terms, branches, filters of assets, markets, and when they decide.

use std::sync::Arc;

use stoop_model::{AssetClass, TextField};

use super::conditions::{Rule, listed};
use super::matcher::Scout;
use super::written::{Forms, is_money};
use crate::merge::same_symbol;

impl Rule {
    /// The filters of the rule and of its branches.
    pub(crate) fn asset_filters(&self) -> impl Iterator<Item = &AssetFilter> {
        self.assets.iter().chain(self.any_of.iter().filter_map(|branch| branch.assets.as_ref()))
    }

    /// The most assets that are decided on one by one.
    pub(crate) fn max_assets(&self) -> Option<usize> {
        let max = self.assets.as_ref().filter(|_| self.emit.is_empty())?.max?;
        Some(usize::try_from(max).unwrap_or(usize::MAX))
    }
}

/// When a rule decides, with its deadlines in ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fire {
    /// At once, then confirmed, revised or cancelled; lapses without enrichment in time.
    TwoPhase {
        /// How long the enrichment may take.
        settle_ns: i64,
    },
    /// At the content, once.
    Content,
    /// From the enrichment on.
    Enriched {
        /// How long to wait for it.
        wait_ns: i64,
        /// When the wait is over, decide without enrichment instead of dropping the tweet.
        opens_on_timeout: bool,
    },
}

/// Terms and the fields in which they are searched for.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// At least one of these, in some field.
    pub any: Vec<Term>,
    /// All of these, in one field.
    pub all: Vec<Term>,
    /// None of these, in any field.
    pub none: Vec<Term>,
    /// The fields.
    pub fields: Vec<TextField>,
    /// Finds out whether a text could hold one of `any`.
    pub(crate) scout: Option<Scout>,
}

impl Terms {
    /// There is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.any.is_empty() && self.all.is_empty() && self.none.is_empty()
    }
}

/// One term.
#[derive(Clone, Debug)]
pub struct Term {
    /// As the rule writes it.
    pub written: Arc<str>,
    /// Index of its folded text among the patterns of the rule set.
    pub pattern: usize,
    /// How it has to occur.
    pub mode: TermMode,
}

/// How a term has to occur in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum TermMode {
    /// Anywhere.
    Substring = 1,
    /// From the beginning of a word.
    Prefix = 2,
    /// A whole word, or several.
    Word = 4,
}

/// Terms as the rule writes them, for people.
pub(super) fn shown_terms(terms: &[Term]) -> String {
    listed(terms.iter().map(|term| format!("\"{}\"", term.written)))
}

/// Fields by name, for people.
pub(super) fn shown_fields(fields: &[TextField]) -> String {
    listed(fields.iter().map(|field| field.as_str().to_owned()))
}

/// One branch of `any_of`.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Terms.
    pub terms: Terms,
    /// Assets, one of which must be there.
    pub assets: Option<AssetFilter>,
}

/// Which assets a rule accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssetFilter {
    /// Tokens, and coins that the text writes until the enrichment has come.
    pub tokens: bool,
    /// Markets of these exchanges.
    pub cex: Vec<String>,
    /// Prediction markets of these venues.
    pub prediction: Vec<String>,
    /// Contract addresses in the text.
    pub addresses: bool,
    /// How the text must write a coin; none: as `$TICKER`, and what the vendor names need not be written.
    pub written: Option<Forms>,
    /// Only the first line is looked at for coins.
    pub is_first_line: bool,
    /// Symbols in capitals, one of which it must be; empty: any.
    pub only: Vec<String>,
    /// Symbols in capitals that never pass.
    pub except: Vec<String>,
    /// If more assets than these pass at once, none is decided on by itself.
    pub max: Option<u64>,
}

impl AssetFilter {
    /// It is about coins, which a text may write.
    pub(crate) fn looks_for_coins(&self) -> bool {
        self.tokens || self.written.is_some()
    }

    /// The forms in which the text may write a coin.
    pub fn forms(&self) -> Forms {
        self.written.unwrap_or(Forms::TICKER)
    }

    /// The symbol is one of `only` and none of `except`.
    pub(crate) fn admits(&self, symbol: Option<&str>) -> bool {
        let is_in = |list: &[String]| {
            symbol.is_some_and(|symbol| list.iter().any(|known| same_symbol(known, symbol)))
        };
        (self.only.is_empty() || is_in(&self.only)) && !is_in(&self.except)
    }

    /// Of the forms in which a text writes a coin, those that count here.
    pub(crate) fn taken(&self, symbol: &str, written: Forms) -> Forms {
        let forms = written.and(self.forms());
        // Money is a coin only for rules that name it, or where it is written as nothing else is.
        let is_named = || self.only.iter().any(|known| same_symbol(known, symbol));
        if is_money(symbol) && !is_named() { forms.and(Forms::TICKER) } else { forms }
    }
}

/// A market named in a rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    /// CEX or prediction.
    pub class: AssetClass,
    /// The venue.
    pub venue: String,
    /// The venue's own name of the market.
    pub name: String,
}

/// A market named by words.
#[derive(Clone, Debug)]
pub struct Alias {
    /// The words.
    pub terms: Vec<Term>,
    /// The market.
    pub market: Market,
}

/// Exchanges the feed documents.
pub(crate) const CEX_VENUES: [&str; 3] = ["bybit", "binance", "hyperliquid"];
/// Prediction markets the feed documents.
pub(crate) const PREDICTION_VENUES: [&str; 2] = ["polymarket", "kalshi"];

/// Quote assets a market name may end in, longest match first where one ends another.
const QUOTES: [&str; 11] =
    ["USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USD", "EUR", "TRY", "BTC", "ETH", "BNB"];

/// The base asset in an exchange's name of a market: `DOGE` in `DOGEUSDT` and `DOGE-PERP`.
pub(crate) fn base_of<'m>(venue: &str, market: &'m str) -> &'m str {
    if let Some((base, _)) = market.split_once(['-', '_', '/'])
        && !base.is_empty()
    {
        return base;
    }
    // Hyperliquid names its markets by their base alone: WBTC is not W quoted in BTC.
    if venue == "hyperliquid" {
        return market;
    }
    let base = QUOTES.iter().find_map(|quote| market.strip_suffix(quote));
    base.filter(|base| !base.is_empty()).unwrap_or(market)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_of_a_market() {
        for (market, base) in [
            ("DOGEUSDT", "DOGE"),
            ("BTCUSDT", "BTC"),
            ("ETHBTC", "ETH"),
            ("BTC", "BTC"),
            ("USDT", "USDT"),
            ("BUSD", "BUSD"),
            ("DOGE-PERP", "DOGE"),
            ("DOGE/USDT", "DOGE"),
            ("1000PEPEUSDC", "1000PEPE"),
            ("XFDUSD", "X"),
            ("HYPE", "HYPE"),
            ("-X", "-X"),
        ] {
            assert_eq!(base_of("binance", market), base, "{market}");
        }
        assert_eq!(base_of("hyperliquid", "WBTC"), "WBTC");
        assert_eq!(base_of("hyperliquid", "HYPE/USDC"), "HYPE");
    }
}
