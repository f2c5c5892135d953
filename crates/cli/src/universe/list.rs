//! The symbol list of an exchange: which one it is, and its rows with their places.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use stoop::rules::syntax::{Source, SyntaxError};

/// Rows that are looked at to tell which list it is: one of them has to be whole.
const LOOKED_AT: usize = 1000;
/// Characters that are shown of what is not JSON.
const SHOWN_CHARS: usize = 20;

/// The lists that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    BinanceSpot,
    BinanceUsdM,
    BinanceCoinM,
    BybitSpot,
    BybitFutures,
    GateSpot,
    GateFutures,
    Okx,
    Hyperliquid,
    HyperliquidSpot,
}

impl Kind {
    /// The exchange, as rules and universes write it.
    pub(super) fn venue(self) -> &'static str {
        match self {
            Self::BinanceSpot | Self::BinanceUsdM | Self::BinanceCoinM => "binance",
            Self::BybitSpot | Self::BybitFutures => "bybit",
            Self::GateSpot | Self::GateFutures => "gateio",
            Self::Okx => "okx",
            Self::Hyperliquid | Self::HyperliquidSpot => "hyperliquid",
        }
    }

    /// What is listed.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::BinanceSpot | Self::BybitSpot | Self::GateSpot | Self::HyperliquidSpot => "spot",
            Self::BinanceUsdM => "USD-M futures",
            Self::BinanceCoinM => "COIN-M futures",
            Self::BybitFutures | Self::GateFutures => "futures",
            Self::Okx => "instruments",
            Self::Hyperliquid => "perpetuals",
        }
    }
}

/// A list and its rows.
pub(super) struct List<'t> {
    pub(super) kind: Kind,
    pub(super) rows: Vec<&'t RawValue>,
    /// Of a Hyperliquid spot list: what its rows refer to.
    pub(super) tokens: Vec<&'t RawValue>,
    /// The exchange says that there is more than this file holds.
    pub(super) has_more: bool,
}

#[derive(Deserialize)]
struct Top<'t> {
    #[serde(borrow)]
    symbols: Option<&'t RawValue>,
    #[serde(borrow)]
    result: Option<&'t RawValue>,
    #[serde(borrow)]
    data: Option<&'t RawValue>,
    #[serde(borrow)]
    universe: Option<&'t RawValue>,
    #[serde(borrow)]
    tokens: Option<&'t RawValue>,
    // What an answer has that is not a list.
    #[serde(borrow, alias = "retMsg", alias = "message")]
    msg: Option<&'t RawValue>,
}

#[derive(Deserialize)]
struct BybitResult<'t> {
    #[serde(borrow)]
    list: Option<&'t RawValue>,
    #[serde(borrow)]
    category: Option<Cow<'t, str>>,
    #[serde(borrow, rename = "nextPageCursor")]
    next_page: Option<Cow<'t, str>>,
}

/// Tells the list and takes it apart.
pub(super) fn read(source: &Source) -> Result<List<'_>, SyntaxError> {
    // A byte order mark is not JSON; editors of one system like to write it.
    let text = source.text.trim_start_matches('\u{feff}');
    let whole: &RawValue = parse(source, text).map_err(|error| not_json(error, text))?;
    let unknown = |at: &str| error_at(source, at, "this is not a symbol list of a known exchange");
    let mut top = whole;
    if whole.get().starts_with('[') {
        let rows: Vec<&RawValue> = parse(source, whole.get())?;
        for (kind, members) in [
            (Kind::GateSpot, &["id", "base", "quote", "trade_status"][..]),
            (Kind::GateFutures, &["name", "in_delisting"]),
            (Kind::GateFutures, &["name", "quanto_multiplier"]),
        ] {
            if some_has(&rows, members) {
                return Ok(List { kind, rows, tokens: Vec::new(), has_more: false });
            }
        }
        // Hyperliquid puts the list before what changes all the time.
        top = *rows.first().filter(|first| has(first, &["universe"])).ok_or_else(|| unknown(whole.get()))?;
    }
    let Ok(top_members) = serde_json::from_str::<Top<'_>>(top.get()) else { return Err(unknown(top.get())) };
    let Some(list) = object(source, &top_members)? else {
        return Err(match top_members.msg.filter(|msg| msg.get().len() > 2) {
            Some(msg) => {
                let what = format!("this is not a list but an answer that says {}", brief(msg.get()));
                error_at(source, top.get(), &what)
            }
            None => unknown(top.get()),
        });
    };
    Ok(list)
}

/// The list in an object; none if it is not one that is known.
fn object<'t>(source: &Source, top: &Top<'t>) -> Result<Option<List<'t>>, SyntaxError> {
    let list = |kind, rows| Some(List { kind, rows, tokens: Vec::new(), has_more: false });
    if let Some(symbols) = top.symbols {
        let rows: Vec<&RawValue> = parse(source, symbols.get())?;
        let kinds = [
            (Kind::BinanceCoinM, &["symbol", "baseAsset", "quoteAsset", "contractStatus"]),
            (Kind::BinanceUsdM, &["symbol", "baseAsset", "contractType", "status"]),
            (Kind::BinanceSpot, &["symbol", "baseAsset", "quoteAsset", "status"]),
        ];
        let known = kinds.into_iter().find(|(_, members)| some_has(&rows, &members[..]));
        return Ok(known.and_then(|(kind, _)| list(kind, rows)));
    }
    if let Some(result) = top.result {
        let Ok(result) = serde_json::from_str::<BybitResult<'_>>(result.get()) else { return Ok(None) };
        let Some(rows) = result.list else { return Ok(None) };
        let rows: Vec<&RawValue> = parse(source, rows.get())?;
        if !some_has(&rows, &["symbol", "baseCoin", "quoteCoin", "status"]) {
            return Ok(None);
        }
        let kind = match result.category.as_deref() {
            Some("option") => return Ok(None),
            Some("linear" | "inverse") => Kind::BybitFutures,
            Some("spot") => Kind::BybitSpot,
            Some(_) | None if some_has(&rows, &["contractType"]) => Kind::BybitFutures,
            Some(_) | None => Kind::BybitSpot,
        };
        let has_more = result.next_page.is_some_and(|cursor| !cursor.is_empty());
        return Ok(Some(List { kind, rows, tokens: Vec::new(), has_more }));
    }
    if let Some(data) = top.data {
        let rows: Vec<&RawValue> = parse(source, data.get())?;
        // Other exchanges have the first three too.
        let is_okx = ["baseCcy", "ctType", "instFamily"]
            .iter()
            .any(|member| some_has(&rows, &["instType", "instId", "state", member]));
        return Ok(if is_okx { list(Kind::Okx, rows) } else { None });
    }
    if let Some(universe) = top.universe {
        let rows: Vec<&RawValue> = parse(source, universe.get())?;
        if let Some(tokens) = top.tokens {
            let tokens = parse(source, tokens.get())?;
            let is_spot = some_has(&rows, &["name", "tokens"]);
            let kind = Kind::HyperliquidSpot;
            return Ok(is_spot.then_some(List { kind, rows, tokens, has_more: false }));
        }
        if some_has(&rows, &["name", "szDecimals"]) {
            return Ok(list(Kind::Hyperliquid, rows));
        }
    }
    Ok(None)
}

/// Reads a part of the source; an error has its place in the whole.
pub(super) fn parse<'t, T: Deserialize<'t>>(source: &Source, part: &'t str) -> Result<T, SyntaxError> {
    serde_json::from_str(part).map_err(|error| {
        let line_start = match error.line() {
            0 | 1 => 0,
            line => part.match_indices('\n').nth(line - 2).map_or(0, |(newline, _)| newline + 1),
        };
        let mut byte = (line_start + error.column().saturating_sub(1)).min(part.len());
        while !part.is_char_boundary(byte) {
            byte -= 1;
        }
        let text = error.to_string();
        // The place is told anyway, and in another text.
        let what = text.split(" at line ").next().unwrap_or(&text);
        source.error(place_of(source, part) + byte, what.to_owned())
    })
}

/// Says of what is not JSON at all what to do about it; its place stays.
fn not_json(mut error: SyntaxError, text: &str) -> SyntaxError {
    let start: String = text.trim_start().chars().take(SHOWN_CHARS).collect();
    if !start.starts_with(['{', '[', '"']) {
        let begins =
            if start.is_empty() { "it is empty".to_owned() } else { format!("it begins {start:?}…") };
        error.message = format!(
            "this is not JSON; {begins}: save the list again, from the address that `stoop universe build --help` gives"
        );
    }
    error
}

/// Reads a row.
pub(super) fn row<T: DeserializeOwned>(source: &Source, row: &RawValue) -> Result<T, SyntaxError> {
    parse(source, row.get())
}

/// An error at the beginning of a part of the source.
pub(super) fn error_at(source: &Source, part: &str, message: &str) -> SyntaxError {
    source.error(place_of(source, part), message.to_owned())
}

/// Where a part of the source's text begins in it.
fn place_of(source: &Source, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(source.text.as_ptr() as usize)
}

fn some_has(rows: &[&RawValue], members: &[&str]) -> bool {
    rows.iter().take(LOOKED_AT).any(|row| has(row, members))
}

/// The object has all of these members.
fn has(value: &RawValue, members: &[&str]) -> bool {
    let object = serde_json::from_str::<BTreeMap<String, &RawValue>>(value.get());
    object.is_ok_and(|object| members.iter().all(|member| object.contains_key(*member)))
}

/// A piece of JSON, short.
fn brief(json: &str) -> String {
    const LONGEST: usize = 120;
    let mut brief: String = json.chars().take(LONGEST).collect();
    if brief.len() < json.len() {
        brief.push('…');
    }
    brief
}
