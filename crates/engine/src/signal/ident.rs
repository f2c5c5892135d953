//! Stable ids of decisions.

use sha2::{Digest, Sha256};
use stoop_model::{Asset, AssetClass, DecisionId, Platform, TweetId};

use crate::merge::is_evm;

/// What a decision's id says of its asset, such as `ticker:EDGE` or `token:solana:9xQe`; empty for none.
pub fn asset_key(asset: Option<&Asset>) -> String {
    let Some(asset) = asset else { return String::new() };
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let ticker = || format!("ticker:{}", text(&asset.symbol).to_uppercase());
    let on_chain = |class: &str, contract: &str| {
        let chain = asset.chain.as_deref().unwrap_or("-");
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

/// The decision's id and the signal's: the first 16 bytes of SHA-256 over their parts, a zero byte between them.
pub(super) fn ids(
    rule: &str,
    platform: &Platform,
    tweet: &TweetId,
    asset_key: &str,
) -> (DecisionId, DecisionId) {
    let tweet = tweet.to_string();
    let signal = [platform.as_str(), &tweet, asset_key];
    (hash(&[rule, signal[0], signal[1], signal[2]]), hash(&signal))
}

fn hash(parts: &[&str]) -> DecisionId {
    let digest = Sha256::digest(parts.join("\0").as_bytes());
    DecisionId(std::array::from_fn(|index| digest[index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_contract() {
        let key = "ticker:EDGE";
        let tweet = TweetId::parse("2064689031777615872");
        let (id, signal) = ids("listing", &Platform::Twitter, &tweet, key);
        assert_eq!(id.to_string(), ID);
        assert_eq!(signal.to_string(), SIGNAL_ID);
        let (id, _) = ids("r", &Platform::Twitter, &TweetId::parse("1"), "");
        assert_eq!(id.to_string(), EMPTY_KEY_ID);
    }

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

    const ID: &str = "89055f755a8678a4fed15843bc2e4ae9";
    const SIGNAL_ID: &str = "e9bb9d04ea184b53d3fe91488c03308f";
    const EMPTY_KEY_ID: &str = "4ee6bd4104153720d7783791d98decc0";
}
