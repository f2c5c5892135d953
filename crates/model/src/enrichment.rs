//! Assets that the vendor found in a post: tokens, markets, prediction markets.

use rust_decimal::Decimal;

use crate::Bag;
use crate::bag::keys;

/// Separates the entries of a `sources` list in its one string.
pub const SOURCE_SEPARATOR: char = '\u{1f}';

keys!(
    /// Fields of a detected asset; which of them occur depends on its class.
    pub enum AssetField {
        /// `symbol`: of a token its ticker, of a CEX market the exchange's symbol.
        Symbol: text,
        /// `name` (token).
        Name: text,
        /// `contract` (token).
        Contract: text,
        /// `chain` (token).
        Chain: text,
        /// `networkId` (token); a number is kept as its digits.
        NetworkId: text,
        /// `exchange` (CEX, prediction): known or not, as it came.
        Exchange: text,
        /// `baseAsset` (CEX).
        Base: text,
        /// `quoteAsset` (CEX).
        Quote: text,
        /// `marketId` (prediction).
        MarketId: text,
        /// `title` (prediction).
        Title: text,
        /// `url` (CEX, prediction).
        Url: text,
        /// `sources`, joined by [`SOURCE_SEPARATOR`].
        Sources: text,
    }
);

/// Number of fields of a detected asset, the width of its bag.
pub const ASSET_FIELDS: usize = 12;

/// The list of `detected` that an asset was in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DetectedClass {
    /// `tokens`.
    Token,
    /// `cex`.
    Cex,
    /// `prediction`.
    Prediction,
}

/// `priceUsd`: the number's shortest digits as a decimal, or the fact that no decimal holds them.
///
/// A [`Decimal`] holds 28 digits after the point. A price that would lose a digit is an error; none is ever rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// In US dollars. Indicative: the feed gives no time with it.
    Usd(Decimal),
    /// A number that a [`Decimal`] cannot hold exactly.
    // Kept and not dropped, so that the price is known to have been there when frames are joined.
    OutOfRange,
}

/// One detected asset.
#[derive(Clone, Debug)]
pub struct Detected {
    /// Its list.
    pub class: DetectedClass,
    /// Its texts.
    pub fields: Bag<AssetField, ASSET_FIELDS>,
    /// `priceUsd`.
    pub price: Option<Price>,
}

impl Detected {
    /// An asset without fields.
    pub fn new(class: DetectedClass) -> Self {
        Self { class, fields: Bag::default(), price: None }
    }
}
