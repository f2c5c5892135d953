//! Stable ids of decisions.

use sha2::{Digest, Sha256};
use stoop_model::{DecisionId, Platform, TweetId};

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
    // Parts and zero bytes are fixed by the contract: consumers deduplicate on the result.
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

    const ID: &str = "89055f755a8678a4fed15843bc2e4ae9";
    const SIGNAL_ID: &str = "e9bb9d04ea184b53d3fe91488c03308f";
    const EMPTY_KEY_ID: &str = "4ee6bd4104153720d7783791d98decc0";
}
