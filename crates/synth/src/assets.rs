//! The assets that are posted about: invented tokens with well-formed contracts, a few real market symbols.

use crate::dice::Dice;

/// A token on a chain.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) symbol: String,
    pub(super) name: String,
    pub(super) contract: String,
    pub(super) chain: &'static str,
    pub(super) network_id: Option<u64>,
    /// Significant digits and exponent: the price is `digits` × 10^`exponent`.
    digits: u64,
    exponent: i32,
}

/// A market of an exchange.
#[derive(Debug, Clone, Copy)]
pub(super) struct Market {
    pub(super) base: &'static str,
    /// In 1/1000 US dollars.
    pub(super) price_milli: u64,
}

/// A question of a prediction market.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) venue: &'static str,
    pub(super) market_id: &'static str,
    pub(super) title: &'static str,
}

pub(super) const MARKETS: &[Market] = &[
    Market { base: "BTC", price_milli: 93_412_500 },
    Market { base: "ETH", price_milli: 3_120_750 },
    Market { base: "SOL", price_milli: 141_320 },
    Market { base: "DOGE", price_milli: 182 },
    Market { base: "XRP", price_milli: 2_214 },
    Market { base: "ADA", price_milli: 611 },
    Market { base: "AVAX", price_milli: 22_480 },
    Market { base: "LINK", price_milli: 13_905 },
];

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        venue: "polymarket",
        market_id: "syn-rate-cut",
        title: "Will the synthetic bank cut rates in March?",
    },
    Question {
        venue: "polymarket",
        market_id: "syn-btc-150k",
        title: "BTC above 150k by synthetic year end?",
    },
    Question {
        venue: "polymarket",
        market_id: "syn-election",
        title: "Who wins the \"synthetic\" election?",
    },
    Question { venue: "kalshi", market_id: "SYNCPI-27", title: "Synthetic CPI above 3 %?" },
    Question { venue: "kalshi", market_id: "SYNSHUTDOWN", title: "Will the synthetic office shut down?" },
];

pub(super) const EXCHANGES: &[&str] = &["binance", "bybit", "hyperliquid"];

const STEMS: &[&str] = &[
    "FROG", "MOON", "SYN", "KEK", "ZORP", "BLIP", "GRUM", "NOVA", "PUGG", "QUAK", "RIZZ", "SNEK", "TOAD",
    "VIBE", "WOOF", "YETI", "EDGE", "FLUX", "GLOW", "HUSK",
];
const TAILS: &[&str] = &["", "X", "AI", "2", "INU", "DAO"];

/// Number of tokens. The first ones come up most.
const TOKENS: usize = 120;

/// Invents the tokens of a seed.
pub(super) fn tokens(dice: &mut Dice) -> Vec<Token> {
    (0..TOKENS)
        .map(|index| {
            let symbol = format!("{}{}", STEMS[index % STEMS.len()], TAILS[index / STEMS.len()]);
            let (chain, network_id) = *dice.pick(&[
                ("solana", Some(1_399_811_149)),
                ("solana", None),
                ("solana", Some(1_399_811_149)),
                ("ethereum", Some(1)),
                ("base", Some(8_453)),
                ("bsc", Some(56)),
            ]);
            let contract = if chain == "solana" { solana_address(dice) } else { evm_address(dice) };
            Token {
                name: format!("Synthetic {} coin", symbol.to_lowercase()),
                symbol,
                contract,
                chain,
                network_id,
                // Odd, so that the last digit is never a zero: JavaScript would not print it.
                digits: dice.between(101, 99_999) | 1,
                exponent: -(dice.between(3, 16) as i32),
            }
        })
        .collect()
}

/// 32 random bytes in base58.
pub(super) fn solana_address(dice: &mut Dice) -> String {
    bs58::encode(dice.bytes::<32>()).into_string()
}

/// 20 random bytes in hex, in the mixed case of a checksum.
pub(super) fn evm_address(dice: &mut Dice) -> String {
    format!("0x{}", dice.word("0123456789abcdefABCDEF", 40))
}

impl Token {
    /// The page of its pool at a chart site.
    pub(super) fn chart_url(&self) -> String {
        format!("https://dexscreener.com/{}/{}", self.chain, self.contract)
    }

    /// The price as JSON: as JavaScript prints it, with an exponent below 1e-6.
    pub(super) fn price(&self, dice: &mut Dice) -> String {
        let digits = (self.digits + self.digits * dice.below(40) / 1000).to_string();
        // The exponent of the first digit decides which way JavaScript writes the number.
        let leading = self.exponent + digits.len() as i32 - 1;
        if leading < -6 {
            let (first, rest) = digits.split_at(1);
            return format!("{first}.{rest}e{leading}");
        }
        let point = digits.len() as i32 + self.exponent;
        match usize::try_from(point) {
            Ok(whole) if whole > 0 => format!("{}.{}", &digits[..whole], &digits[whole..]),
            Ok(_) | Err(_) => format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
        }
    }
}

impl Market {
    /// The name of the market at an exchange, which includes the quote currency, and that currency.
    pub(super) fn symbol(self, exchange: &str) -> (String, &'static str) {
        match exchange {
            "hyperliquid" => (self.base.to_owned(), "USDC"),
            _ => (format!("{}USDT", self.base), "USDT"),
        }
    }

    pub(super) fn price(self, dice: &mut Dice) -> String {
        let milli = self.price_milli + self.price_milli * dice.below(20) / 1000;
        format!("{}.{:03}", milli / 1000, milli % 1000)
    }

    pub(super) fn url(self, exchange: &str) -> String {
        let (symbol, _) = self.symbol(exchange);
        match exchange {
            "binance" => format!("https://www.binance.com/en/trade/{symbol}"),
            "bybit" => format!("https://www.bybit.com/trade/usdt/{symbol}"),
            _ => format!("https://app.hyperliquid.xyz/trade/{symbol}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contracts_are_well_formed_and_symbols_distinct() {
        let tokens = tokens(&mut Dice::new(1));
        for token in &tokens {
            if token.chain == "solana" {
                assert_eq!(bs58::decode(&token.contract).into_vec().unwrap().len(), 32);
            } else {
                assert_eq!(token.contract.len(), 42);
                assert!(token.contract[2..].bytes().all(|byte| byte.is_ascii_hexdigit()));
            }
        }
        let symbols: std::collections::BTreeSet<&str> =
            tokens.iter().map(|token| token.symbol.as_str()).collect();
        assert_eq!(symbols.len(), TOKENS);
        assert!(symbols.iter().all(|symbol| (2..=10).contains(&symbol.len())));
    }

    #[test]
    fn prices_are_written_as_javascript_does() {
        let mut dice = Dice::new(1);
        let base = tokens(&mut dice).swap_remove(0);
        for (digits, exponent) in
            [(123, -15), (123, -9), (123, -8), (12345, -8), (12345, -4), (12345, -5), (123, -6)]
        {
            let token = Token { digits, exponent, ..base.clone() };
            let price = token.price(&mut dice);
            let value: f64 = price.parse().unwrap();
            let least = digits as f64 * 10f64.powi(exponent);
            assert!((least * 0.999..least * 1.05).contains(&value), "{price} for {digits}e{exponent}");
            assert_eq!(price.contains('e'), value < 1e-6, "{price}");
        }
    }
}
