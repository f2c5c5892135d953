//! Words in capitals that are not coins, or only if the universe lists them. docs/rules.md has the same lists; a test
//! compares.

/// Fiat money, and coins that are worth some of it by design.
pub(crate) const MONEY: [&str; 79] = [
    "AED", "AEUR", "ARS", "AUD", "BFUSD", "BGN", "BIDR", "BKRW", "BRL", "BUSD", "BVND", "CAD", "CHF", "CLP",
    "CNH", "CNY", "COP", "CZK", "DAI", "DKK", "EGP", "EUR", "EURC", "EURI", "FDUSD", "FRAX", "GBP", "GHS",
    "GUSD", "HKD", "HUF", "IDR", "IDRT", "ILS", "INR", "JPY", "KES", "KRW", "KZT", "LUSD", "MXN", "MYR",
    "NGN", "NOK", "NZD", "PAX", "PEN", "PHP", "PKR", "PLN", "PYUSD", "RLUSD", "RON", "RUB", "SAR", "SEK",
    "SGD", "SUSD", "THB", "TRY", "TUSD", "TWD", "UAH", "USD", "USD1", "USDC", "USDD", "USDE", "USDG", "USDP",
    "USDS", "USDSB", "USDT", "UST", "VAI", "VES", "VND", "XUSD", "ZAR",
];

/// Time zones.
pub(crate) const ZONES: [&str; 29] = [
    "ACST", "AEDT", "AEST", "BRT", "BST", "CDT", "CEST", "CET", "CST", "EDT", "EEST", "EET", "EST", "ET",
    "GMT", "HKT", "ICT", "IST", "JST", "KST", "MSK", "MST", "PDT", "PST", "PT", "SGT", "UTC", "WIB", "YST",
];

/// Words of the trade.
pub(crate) const WORDS: [&str; 89] = [
    "2FA", "AM", "AMA", "AML", "AMM", "API", "APP", "APR", "APY", "ASAP", "ATL", "BEP2", "BEP20", "BLVT",
    "BRC20", "BSC", "BTCFI", "CBDC", "CEO", "CEX", "CFO", "CFTC", "CPI", "CTO", "DAO", "DAPP", "DCA", "DEX",
    "DM", "DYOR", "ERC20", "ERC721", "ETA", "ETF", "ETFS", "ETP", "EU", "EVM", "FAQ", "FAQS", "FED", "FOMC",
    "GDP", "HODL", "ICO", "IDO", "IEO", "IOS", "IPO", "KOL", "KYC", "L1", "L2", "LP", "MICA", "NEW", "NFA",
    "NFT", "NFTS", "OK", "OTC", "P2P", "PM", "PNL", "PR", "QR", "ROI", "RPC", "RSVP", "RT", "SEC", "SPL",
    "TBA", "TBD", "TGE", "TRC20", "TVL", "TX", "UI", "UK", "URL", "US", "USA", "UX", "V2", "V3", "VIP", "VS",
    "WEB3",
];

/// Units directly after a number.
pub(crate) const UNITS: [&str; 26] = [
    "AM", "B", "BN", "BPS", "D", "DAYS", "GB", "H", "HR", "HRS", "K", "KM", "M", "MB", "MIN", "MN", "MS",
    "PCT", "PM", "S", "ST", "TB", "TH", "TPS", "X", "YR",
];

/// Largest coins of all, which posts in capitals name beside the one they are about.
pub(crate) const MAJORS: [&str; 3] = ["BNB", "BTC", "ETH"];

/// Kinds of contract that follow a pair after `-` or `_`.
pub(crate) const CONTRACTS: [&str; 7] = ["DELIVERY", "FUTURES", "INDEX", "PERP", "PERPETUAL", "SPOT", "SWAP"];

/// Quotes that a base may stand before with a sign between the two.
pub(crate) const QUOTES: [&str; 12] =
    ["BNB", "BTC", "BUSD", "ETH", "EUR", "FDUSD", "KRW", "TRY", "TUSD", "USD", "USDC", "USDT"];

/// Quotes that a base may stand right before, the longest first.
pub(crate) const GLUED: [&str; 3] = ["FDUSD", "USDT", "USDC"];

/// The same, if only the universe shows where the base ends.
pub(crate) const GLUED_IF_LISTED: [&str; 3] = ["BUSD", "TUSD", "USD"];

/// The word is in one of the sorted lists.
pub(crate) fn is_in(list: &[&str], word: &str) -> bool {
    list.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../../../docs/rules.md");

    /// The words of one list of the page, which begins with `- **LABEL**:` and ends where the next one begins.
    fn listed(label: &str) -> Vec<&'static str> {
        let head = format!("- **{label}");
        let (_, lists) = PAGE.split_once("\n### Lists\n").expect("the page has a section of lists");
        let (_, rest) =
            lists.split_once(&head).unwrap_or_else(|| panic!("docs/rules.md has no list {label:?}"));
        let (_, rest) = rest.split_once("**:").unwrap_or_else(|| panic!("the list {label:?} has no words"));
        let end = rest.find("\n- ").into_iter().chain(rest.find("\n\n")).min().unwrap_or(rest.len());
        rest[..end].split([',', '.', ' ', '\n']).filter(|word| !word.is_empty()).collect()
    }

    #[test]
    fn the_page_on_rules_has_these_lists() {
        for (label, list) in [
            ("Money", MONEY.as_slice()),
            ("Time zones", &ZONES),
            ("Words of the trade", &WORDS),
            ("Units", &UNITS),
            ("Largest coins", &MAJORS),
            ("Kinds of contract", &CONTRACTS),
            ("Quotes of a pair with `/`", &QUOTES),
            ("Quotes of a pair without a separator, the longest first", &GLUED),
            ("Quotes of a pair without a separator, if the universe", &GLUED_IF_LISTED),
        ] {
            assert_eq!(listed(label), list, "docs/rules.md, {label}");
        }
    }
}
