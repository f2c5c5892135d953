//! The rows of each list: the coin, the market, and whether it trades.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use stoop::rules::syntax::{Source, SyntaxError};

use super::list::{Kind, List, error_at, row};

/// What a row of a list is.
pub(super) enum Entry {
    /// A market that trades.
    Market(Market),
    /// A market that does not trade: not yet, not now, or not any more.
    Idle,
    /// Something that is not a market of a coin: an option, a stock, an index.
    NoCoin,
}

/// A market that trades.
pub(super) struct Market {
    /// The coin as the list writes it: with a multiplier, where the exchange trades thousands.
    pub(super) base: String,
    pub(super) market: String,
    pub(super) contract: Option<String>,
    pub(super) chain: Option<&'static str>,
}

impl Market {
    fn entry(base: String, market: String, trades: bool) -> Entry {
        let market = Self { base, market, contract: None, chain: None };
        if trades { Entry::Market(market) } else { Entry::Idle }
    }
}

/// Reads the rows of a list; bad ones are errors with their places.
pub(super) fn entries(source: &Source, list: &List<'_>) -> Vec<(usize, Result<Entry, SyntaxError>)> {
    let tokens = match tokens(source, list) {
        Ok(tokens) => tokens,
        Err(error) => return vec![(0, Err(error))],
    };
    let read = |json: &RawValue| match list.kind {
        Kind::BinanceSpot | Kind::BinanceUsdM | Kind::BinanceCoinM => binance(source, json),
        Kind::BybitSpot | Kind::BybitFutures => bybit(source, json),
        Kind::GateSpot => gate_spot(source, json),
        Kind::GateFutures => gate_futures(source, json),
        Kind::Okx => okx(source, json),
        Kind::Hyperliquid => perpetual(source, json),
        Kind::HyperliquidSpot => spot(source, json, &tokens),
    };
    list.rows.iter().map(|json| read(json)).enumerate().collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Binance {
    symbol: String,
    base_asset: String,
    #[serde(alias = "contractStatus")]
    status: String,
    is_spot_trading_allowed: Option<bool>,
    underlying_type: Option<String>,
}

fn binance(source: &Source, json: &RawValue) -> Result<Entry, SyntaxError> {
    let it: Binance = row(source, json)?;
    // Several exchanges answer in Binance's form, but with words of their own here.
    if !it.status.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
        let what = format!("Binance has no status \"{}\": is this the list of another exchange?", it.status);
        return Err(error_at(source, json.get(), &what));
    }
    if !matches!(it.underlying_type.as_deref(), None | Some("" | "COIN" | "PREMARKET")) {
        return Ok(Entry::NoCoin);
    }
    let trades = it.status == "TRADING" && it.is_spot_trading_allowed != Some(false);
    Ok(Market::entry(it.base_asset, it.symbol, trades))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bybit {
    symbol: String,
    base_coin: String,
    status: String,
    underlying_ticker: Option<String>,
}

fn bybit(source: &Source, json: &RawValue) -> Result<Entry, SyntaxError> {
    let it: Bybit = row(source, json)?;
    if it.underlying_ticker.is_some_and(|ticker| !ticker.is_empty()) {
        return Ok(Entry::NoCoin);
    }
    Ok(Market::entry(it.base_coin, it.symbol, it.status == "Trading"))
}

#[derive(Deserialize)]
struct GateSpot {
    id: String,
    base: String,
    trade_status: String,
}

fn gate_spot(source: &Source, json: &RawValue) -> Result<Entry, SyntaxError> {
    let it: GateSpot = row(source, json)?;
    Ok(Market::entry(it.base, it.id, it.trade_status == "tradable"))
}

#[derive(Deserialize)]
struct GateFuture {
    name: String,
    #[serde(default)]
    in_delisting: bool,
    status: Option<String>,
}

fn gate_futures(source: &Source, json: &RawValue) -> Result<Entry, SyntaxError> {
    let it: GateFuture = row(source, json)?;
    let Some((base, _)) = it.name.split_once('_') else {
        let what = format!("`name` is \"{}\"; a contract's name is its coin, `_` and its quote", it.name);
        return Err(error_at(source, json.get(), &what));
    };
    let trades = !it.in_delisting && it.status.is_none_or(|status| status == "trading");
    Ok(Market::entry(base.to_owned(), it.name, trades))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Okx {
    inst_type: String,
    inst_id: String,
    state: String,
    #[serde(default)]
    base_ccy: String,
    #[serde(default)]
    inst_category: String,
}

fn okx(source: &Source, json: &RawValue) -> Result<Entry, SyntaxError> {
    let it: Okx = row(source, json)?;
    // "1" is a coin; the others are stocks, metals and money.
    if it.inst_type == "OPTION" || !matches!(&*it.inst_category, "" | "1") {
        return Ok(Entry::NoCoin);
    }
    // Contracts leave it empty.
    let base = match &*it.base_ccy {
        "" => it.inst_id.split('-').next().unwrap_or_default().to_owned(),
        base => base.to_owned(),
    };
    Ok(Market::entry(base, it.inst_id, it.state == "live"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Perpetual {
    name: String,
    is_delisted: Option<bool>,
}

fn perpetual(source: &Source, json: &RawValue) -> Result<Entry, SyntaxError> {
    let it: Perpetual = row(source, json)?;
    // `xyz:TSLA` is a market that somebody else runs there, mostly of a stock.
    if it.name.contains(':') {
        return Ok(Entry::NoCoin);
    }
    Ok(Market::entry(it.name.clone(), it.name, it.is_delisted != Some(true)))
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    tokens: Vec<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    name: String,
    index: u64,
    evm_contract: Option<EvmContract>,
}

/// An address, by itself or in an object.
#[derive(Deserialize)]
#[serde(untagged)]
enum EvmContract {
    Object { address: String },
    Address(String),
}

impl EvmContract {
    /// The address; none for one that is not a coin's.
    fn address(&self) -> Option<&str> {
        let (Self::Object { address } | Self::Address(address)) = self;
        let hex = address.strip_prefix("0x")?;
        let is_hex = hex.len() == 40 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_hex && hex.bytes().any(|byte| byte != b'0')).then_some(address)
    }
}

/// The tokens by the number that pairs name them with, which is not their place in the list.
fn tokens(source: &Source, list: &List<'_>) -> Result<BTreeMap<u64, Token>, SyntaxError> {
    let read = |json: &&RawValue| row::<Token>(source, json).map(|token| (token.index, token));
    list.tokens.iter().map(read).collect()
}

fn spot(source: &Source, json: &RawValue, tokens: &BTreeMap<u64, Token>) -> Result<Entry, SyntaxError> {
    let it: Pair = row(source, json)?;
    let Some(token) = it.tokens.first().and_then(|index| tokens.get(index)) else {
        return Err(error_at(source, json.get(), "`tokens` names a token that is not in the list"));
    };
    let contract = token.evm_contract.as_ref().and_then(EvmContract::address).map(str::to_owned);
    let chain = contract.is_some().then_some("hyperevm");
    Ok(Entry::Market(Market { base: token.name.clone(), market: it.name, contract, chain }))
}

/// The coin of a market of thousands, such as PEPE of `1000PEPE`; none if the name is the coin's own.
pub(super) fn without_multiplier(kind: Kind, base: &str) -> Option<&str> {
    let is_coin = |rest: &&str, least: usize| {
        rest.len() >= least
            && rest.starts_with(|char: char| char.is_ascii_alphabetic())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    // Names such as 1INCH, 0G and 1000X are the coins' own.
    let plain = ["10000000", "1000000", "100000", "10000", "1000"]
        .iter()
        .find_map(|multiplier| base.strip_prefix(multiplier).filter(|rest| is_coin(rest, 2)));
    match kind {
        Kind::BinanceSpot | Kind::BinanceUsdM | Kind::BinanceCoinM | Kind::BybitSpot => {
            plain.or_else(|| base.strip_prefix("1M").filter(|rest| is_coin(rest, 3)))
        }
        // SHIB1000 is the one contract that has it behind.
        Kind::BybitFutures => plain
            .or_else(|| base.strip_prefix("1M").filter(|rest| is_coin(rest, 3)))
            .or_else(|| base.strip_suffix("1000").filter(|rest| is_coin(rest, 2))),
        Kind::GateSpot | Kind::GateFutures | Kind::Okx | Kind::HyperliquidSpot => plain,
        Kind::Hyperliquid => plain.or_else(|| {
            let is_capital = |rest: &&str| rest.starts_with(|char: char| char.is_ascii_uppercase());
            base.strip_prefix('k').filter(|rest| is_coin(rest, 2)).filter(is_capital)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_multipliers_are_taken_off() {
        for (kind, base, expect) in [
            (Kind::BinanceUsdM, "1000PEPE", Some("PEPE")),
            (Kind::BinanceUsdM, "1000000MOG", Some("MOG")),
            (Kind::BinanceUsdM, "1MBABYDOGE", Some("BABYDOGE")),
            (Kind::BinanceSpot, "1000SATS", Some("SATS")),
            (Kind::BybitFutures, "10000QUBIC", Some("QUBIC")),
            (Kind::BybitFutures, "100000WEN", Some("WEN")),
            (Kind::BybitFutures, "10000000AIDOGE", Some("AIDOGE")),
            (Kind::BybitFutures, "SHIB1000", Some("SHIB")),
            (Kind::BybitSpot, "SHIB1000", None),
            (Kind::Hyperliquid, "kPEPE", Some("PEPE")),
            (Kind::BinanceUsdM, "kPEPE", None),
            (Kind::Hyperliquid, "kaito", None),
            (Kind::Hyperliquid, "KAITO", None),
            (Kind::BinanceSpot, "1INCH", None),
            (Kind::BinanceSpot, "1CAT", None),
            (Kind::BinanceSpot, "1000", None),
            (Kind::BinanceSpot, "1000X", None),
            (Kind::BinanceSpot, "1MIL", None),
            (Kind::GateSpot, "1MOON", None),
            (Kind::BinanceSpot, "10SET", None),
            (Kind::BinanceSpot, "100X", None),
            (Kind::BinanceSpot, "100TOKEN", None),
            (Kind::BinanceSpot, "0G", None),
            (Kind::BinanceSpot, "2Z", None),
            (Kind::BinanceSpot, "4", None),
            (Kind::BinanceSpot, "BANANAS31", None),
            (Kind::BinanceSpot, "BROCCOLI714", None),
            (Kind::BinanceSpot, "币安人生", None),
            (Kind::BinanceSpot, "1000币安人生", None),
            (Kind::BinanceSpot, "PEPE", None),
        ] {
            assert_eq!(without_multiplier(kind, base), expect, "{kind:?} {base}");
        }
    }
}
