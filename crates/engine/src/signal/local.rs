//! Assets found in the text at once, before any enrichment: `$TICKER`s and contract addresses.

use super::text;

/// The tickers of a stripped body, without `$`, as written, in order; repeats included.
///
/// A ticker is `$`, an ASCII letter, and 1 to 9 ASCII letters or digits; neither after nor before an ASCII letter
/// or digit, `_` or `$`, nor before `…` or a point and a letter.
pub(super) fn tickers(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('$').filter_map(|(at, _)| {
        let before = text.as_bytes().get(at.wrapping_sub(1)).copied();
        let rest = &text[at + 1..];
        let len = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let (name, after) = rest.split_at(len);
        let free = !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$');
        let well_formed =
            name.starts_with(|letter: char| letter.is_ascii_alphabetic()) && (2..=10).contains(&len);
        (free && well_formed && !continues(after)).then_some(name)
    })
}

fn continues(after: &str) -> bool {
    let mut letters = after.chars();
    match letters.next() {
        Some('_' | '$' | '…') => true,
        Some('.') => letters.next().is_some_and(char::is_alphabetic),
        Some(_) | None => false,
    }
}

/// The contract addresses of a stripped body: `0x` and 40 hex digits, or base58 of 32 bytes, standing between
/// characters that are neither letter nor digit.
pub(super) fn addresses(text: &str) -> impl Iterator<Item = &str> {
    long_runs(text).filter(|run| is_address(run))
}

/// Fewest letters of an address.
const SHORTEST: usize = 32;

/// The runs of at least [`SHORTEST`] ASCII letters and digits with neither letter nor digit beside them.
///
/// Each such run has a letter at every so many bytes: all others are passed over, which is nearly all of a text.
fn long_runs(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let mut probe = SHORTEST - 1;
    std::iter::from_fn(move || {
        while let Some(byte) = bytes.get(probe) {
            if !byte.is_ascii_alphanumeric() {
                probe += SHORTEST;
                continue;
            }
            let (before, after) = (bytes.get(..probe)?, bytes.get(probe..)?);
            let start = probe - before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            let end = probe + after.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            probe = end + SHORTEST;
            let (before, run, after) = (text.get(..start)?, text.get(start..end)?, text.get(end..)?);
            let is_free =
                !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric);
            if is_free && run.len() >= SHORTEST {
                return Some(run);
            }
        }
        None
    })
}

/// The addresses inside a link to DexScreener or Birdeye; none in any other link.
pub(super) fn link_addresses(url: &str) -> impl Iterator<Item = &str> {
    let path = dex_path(url).unwrap_or_default();
    addresses(path)
}

/// The addresses inside DexScreener and Birdeye links of a body as it came.
pub(super) fn linked_addresses(body: &str) -> impl Iterator<Item = &str> {
    text::urls(body).flat_map(link_addresses)
}

/// What follows the host of a DexScreener or Birdeye link.
fn dex_path(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let is_dex = |site: &str| {
        let Some((sub, end)) = host.len().checked_sub(site.len()).and_then(|at| host.split_at_checked(at))
        else {
            return false;
        };
        end.eq_ignore_ascii_case(site) && (sub.is_empty() || sub.ends_with('.'))
    };
    (is_dex("dexscreener.com") || is_dex("birdeye.so")).then_some(path)
}

fn is_address(run: &str) -> bool {
    match run.len() {
        42 if run.starts_with("0x") => run.bytes().skip(2).all(|byte| byte.is_ascii_hexdigit()),
        // 32 bytes in base58 are 32 to 44 digits.
        32..=44 => bs58::decode(run).onto(&mut [0_u8; 32][..]) == Ok(32),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickers_are_told_from_prices_and_fragments() {
        for (text, expect) in [
            ("$EDGE and $doge2!", vec!["EDGE", "doge2"]),
            ("$100 $T $1INCH $_A", vec![]),
            ("$BRK.B $SOL. $SOL.5", vec!["SOL", "SOL"]),
            ("$SP… $SP...", vec!["SP"]),
            ("$PEPE$WIF $$BTC", vec![]),
            ("a$BTC é$BTC _$BTC 5$BTC", vec!["BTC"]),
            ("$ABCDEFGHIJ $ABCDEFGHIJK", vec!["ABCDEFGHIJ"]),
            ("$BTC_ $BTC-USD ($ETH)", vec!["BTC", "ETH"]),
            ("$ÄB $BTCé", vec!["BTC"]),
            ("$", vec![]),
        ] {
            assert_eq!(tickers(text).collect::<Vec<_>>(), expect, "{text:?}");
        }
    }

    const SOLANA: &str = "So11111111111111111111111111111111111111112";
    const EVM: &str = "0x6982508145454Ce325dDbE47a25d4ec3d2311933";

    #[test]
    fn addresses_stand_alone() {
        let text = format!("CA:{SOLANA}, {EVM}. x{EVM} {EVM}0 合约{SOLANA}");
        assert_eq!(addresses(&text).collect::<Vec<_>>(), [SOLANA, EVM]);
        assert_eq!(addresses("9xQeWvG816bUx9EP... 11111111111111111111111111111111").count(), 1);
        assert_eq!(addresses("0xZZ82508145454Ce325dDbE47a25d4ec3d2311933").count(), 0);
    }

    proptest::proptest! {
        #[test]
        fn long_runs_are_those_of_a_plain_split(text in "([a-c0é _]{0,3}|[a-c]{30,45}){0,8}") {
            let plain = text.split(|letter: char| !letter.is_alphanumeric());
            let plain: Vec<_> = plain.filter(|run| run.is_ascii() && run.len() >= SHORTEST).collect();
            proptest::prop_assert_eq!(long_runs(&text).collect::<Vec<_>>(), plain);
        }
    }

    #[test]
    fn only_dex_links_carry_addresses() {
        for host in
            ["https://dexscreener.com", "https://www.DexScreener.com", "birdeye.so", "http://birdeye.so"]
        {
            let url = format!("{host}/token/{SOLANA}?chain=solana");
            assert_eq!(link_addresses(&url).collect::<Vec<_>>(), [SOLANA], "{url}");
        }
        for host in ["https://etherscan.io", "https://notdexscreener.com", "https://x.com/dexscreener.com"] {
            assert_eq!(link_addresses(&format!("{host}/{EVM}")).count(), 0, "{host}");
        }
        let body = format!("look https://dexscreener.com/ethereum/{EVM} now");
        assert_eq!(linked_addresses(&body).collect::<Vec<_>>(), [EVM]);
    }
}
