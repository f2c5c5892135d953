//! Assets the vendor named, and what makes two of them one.

use stoop_model::{ASSET_FIELDS, AssetField, Bag, Detected, DetectedClass, Price};

/// An asset the vendor named, joined over all meta frames of the tweet.
#[derive(Clone, Debug)]
pub struct NamedAsset {
    /// The list it was in.
    pub class: DetectedClass,
    /// Its texts.
    pub fields: Bag<AssetField, ASSET_FIELDS>,
    /// Its price and our receipt of it, Unix ns.
    pub price: Option<(Price, i64)>,
    pub(super) ranks: [u8; ASSET_FIELDS],
    pub(super) price_rank: u8,
    /// The lowest frame that named it, and its place there.
    pub(super) first: (u8, u16),
}

impl NamedAsset {
    /// An asset as the frame of index `frame` named it at `place`.
    pub(super) fn new(detected: &Detected, frame: u8, place: u16, recv_ns: i64) -> Self {
        Self {
            class: detected.class,
            fields: detected.fields.clone(),
            price: detected.price.map(|price| (price, recv_ns)),
            ranks: [frame; ASSET_FIELDS],
            price_rank: frame,
            first: (frame, place),
        }
    }

    /// The same asset with no field filled in.
    pub(super) fn blank(&self, first: (u8, u16)) -> Self {
        Self {
            class: self.class,
            fields: Bag::default(),
            price: None,
            ranks: [0; ASSET_FIELDS],
            price_rank: 0,
            first,
        }
    }

    /// Its identity, in the buffer of its texts. Something without one is not an asset.
    pub(super) fn identity<'a>(&self, strings: &'a str) -> Option<Identity<'a>> {
        let text = |field| self.fields.text(field, strings).filter(|text| !text.is_empty());
        match self.class {
            DetectedClass::Token => match text(AssetField::Contract) {
                Some(contract) => Some(Identity::Contract { chain: text(AssetField::Chain), contract }),
                None => text(AssetField::Symbol).map(Identity::Symbol),
            },
            DetectedClass::Cex => {
                let pair = || Some((text(AssetField::Base)?, text(AssetField::Quote)?));
                // The contract: a market without `symbol` is base and quote; without those it is not an asset.
                let name = text(AssetField::Symbol).map(|symbol| (symbol, "")).or_else(pair)?;
                Some(Identity::Market(Market {
                    class: self.class,
                    exchange: text(AssetField::Exchange)?,
                    name,
                }))
            }
            DetectedClass::Prediction => {
                let name = (text(AssetField::MarketId)?, "");
                Some(Identity::Market(Market {
                    class: self.class,
                    exchange: text(AssetField::Exchange)?,
                    name,
                }))
            }
        }
    }
}

/// The identity of a named asset: contract, else market, else symbol.
#[derive(Debug)]
pub(super) enum Identity<'a> {
    Contract { chain: Option<&'a str>, contract: &'a str },
    Symbol(&'a str),
    Market(Market<'a>),
}

/// A market by venue and name; a name may be base and quote side by side.
#[derive(Debug)]
pub(super) struct Market<'a> {
    class: DetectedClass,
    exchange: &'a str,
    name: (&'a str, &'a str),
}

impl Market<'_> {
    fn is(&self, other: &Market<'_>) -> bool {
        // Side by side, so that `EDGEUSDT` and base `EDGE` with quote `USDT` are one market, without a buffer to join
        // them in.
        let mine = self.name.0.bytes().chain(self.name.1.bytes());
        let theirs = other.name.0.bytes().chain(other.name.1.bytes());
        self.class == other.class && self.exchange == other.exchange && mine.eq(theirs)
    }
}

impl Identity<'_> {
    pub(super) fn is(&self, other: &Identity<'_>) -> bool {
        match (self, other) {
            (Self::Contract { chain: a, contract: x }, Identity::Contract { chain: b, contract: y }) => {
                // Here an unknown chain is an identity of its own: to guess that it is the known one would depend on
                // arrival.
                a == b && same_contract(x, y)
            }
            (Self::Symbol(a), Identity::Symbol(b)) => same_symbol(a, b),
            (Self::Market(mine), Identity::Market(theirs)) => mine.is(theirs),
            (Self::Contract { .. } | Self::Symbol(_) | Self::Market(_), _) => false,
        }
    }
}

/// Tickers are the same in any case.
pub(crate) fn same_symbol(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return a.eq_ignore_ascii_case(b);
    }
    a.chars().flat_map(char::to_uppercase).eq(b.chars().flat_map(char::to_uppercase))
}

/// EVM contracts are the same in any case; others only letter by letter.
pub(crate) fn same_contract(a: &str, b: &str) -> bool {
    if is_evm(a) { a.eq_ignore_ascii_case(b) } else { a == b }
}

/// `0x` and 40 hex digits.
pub(crate) fn is_evm(contract: &str) -> bool {
    let hex = contract.strip_prefix("0x").or_else(|| contract.strip_prefix("0X"));
    hex.is_some_and(|hex| hex.len() == 40 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
