//! Contract addresses found in the text at once, before any enrichment.

/// The contract addresses of a plain body with their places: `0x` and 40 hex digits, or base58 of 32 bytes, standing
/// between characters that are not ASCII letters or digits.
pub(super) fn addresses(text: &str) -> impl Iterator<Item = (usize, &str)> {
    long_runs(text).filter(|(_, run)| is_address(run))
}

/// Fewest letters of an address.
const SHORTEST: usize = 32;

/// The runs of at least [`SHORTEST`] ASCII letters and digits, with their places.
///
/// Such a run covers at least one of every [`SHORTEST`] bytes, so only those are looked at.
fn long_runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
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
            let run = text.get(start..end)?;
            if run.len() >= SHORTEST {
                return Some((start, run));
            }
        }
        None
    })
}

/// The addresses inside a link to a site whose links name contracts; none in any other link. DexScreener may name
/// pools.
pub(super) fn link_addresses(url: &str) -> impl Iterator<Item = &str> {
    addresses(path_of_site(url).unwrap_or_default()).map(|(_, address)| address)
}

/// Sites whose links name contracts, by host.
const SITES: [&str; 8] = [
    "dexscreener.com",
    "birdeye.so",
    "pump.fun",
    "gmgn.ai",
    "etherscan.io",
    "bscscan.com",
    "basescan.org",
    "solscan.io",
];

/// The path of a link to one of [`SITES`], or to a host under one.
fn path_of_site(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // Parts before `@` and after `:` are user and port: neither may pass a foreign host off as one of the sites.
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let is_of = |site: &&str| {
        let Some((sub, end)) = host.len().checked_sub(site.len()).and_then(|at| host.split_at_checked(at))
        else {
            return false;
        };
        end.eq_ignore_ascii_case(site) && (sub.is_empty() || sub.ends_with('.'))
    };
    SITES.iter().any(is_of).then_some(path)
}

fn is_address(run: &str) -> bool {
    let bytes = run.as_bytes();
    // Checked before base58, whose alphabet has no 0: nothing can be both. The zero address is where coins are burnt.
    if let Some(hex) = run.strip_prefix("0x").or_else(|| run.strip_prefix("0X")) {
        return hex.len() == 40
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
            && hex.bytes().any(|byte| byte != b'0');
    }
    // 32 bytes in base58 are 32 to 44 digits. A scream decodes as well as an address does.
    (SHORTEST..=44).contains(&run.len())
        && different(bytes) >= LEAST_DIFFERENT
        && bs58::decode(run).onto(&mut [0_u8; 32][..]) == Ok(32)
}

/// Fewest different characters of an address in base58: by chance one has some 30.
const LEAST_DIFFERENT: u32 = 10;

/// How many different bytes there are, all of them ASCII.
fn different(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0_u128, |seen, byte| seen | 1 << (byte & 0x7f)).count_ones()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOLANA: &str = "7GCihgDB8fe6KNjn2MYtkzZcRjQy3t9GHdC8uHYmW2hr";
    const EVM: &str = "0x6982508145454Ce325dDbE47a25d4ec3d2311933";

    fn found(text: &str) -> Vec<&str> {
        addresses(text).map(|(_, address)| address).collect()
    }

    #[test]
    fn addresses_are_told_from_what_looks_like_one() {
        let base58 = "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump";
        let upper = EVM.replace("0x", "0X");
        for text in [
            SOLANA.to_owned(),
            EVM.to_owned(),
            upper.clone(),
            base58.to_owned(),
            format!("CA:{EVM}"),
            format!("CA: {EVM}, buy"),
            format!("({base58})"),
            format!("合约地址{base58}冲"),
            format!("合约{EVM}"),
            format!("é{EVM}é"),
            format!("_{base58}_"),
            format!("${base58}"),
            format!("“{EVM}”"),
            format!("{EVM}…"),
            format!("eth/{EVM}?x"),
        ] {
            assert_eq!(found(&text).len(), 1, "{text}");
        }
        for text in [
            "A".repeat(44),
            "HA".repeat(22),
            "11111111111111111111111111111111".to_owned(),
            "So11111111111111111111111111111111111111112".to_owned(),
            format!("0x{}", "0".repeat(40)),
            format!("0X{}", "0".repeat(40)),
            format!("x{EVM}"),
            format!("{EVM}0"),
            format!("{base58}9"),
            format!("1{base58}"),
            EVM[..41].to_owned(),
            EVM.replace("0x69", "0xZZ"),
            EVM.replace("0x", "1x"),
            base58.replace('9', "0"),
            base58.replace('9', "l"),
            base58[..31].to_owned(),
            format!("{} {}", &EVM[..20], &EVM[20..]),
            "9xQeWvG816bUx9EP...".to_owned(),
            "0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060".to_owned(),
        ] {
            assert_eq!(found(&text).len(), 0, "{text}");
        }
        assert_eq!(addresses(&format!("合约{EVM} {SOLANA}")).map(|(at, _)| at).collect::<Vec<_>>(), [6, 49]);
    }

    proptest::proptest! {
        #[test]
        fn long_runs_are_those_of_a_plain_split(text in "([a-c0é _]{0,3}|[a-c]{30,45}){0,8}") {
            let plain = text.split(|letter: char| !letter.is_ascii_alphanumeric());
            let plain: Vec<_> = plain.filter(|run| run.len() >= SHORTEST).collect();
            proptest::prop_assert_eq!(long_runs(&text).map(|(_, run)| run).collect::<Vec<_>>(), plain);
        }
    }

    #[test]
    fn only_links_to_sites_that_name_contracts_carry_addresses() {
        for host in [
            "https://dexscreener.com",
            "https://www.DexScreener.com",
            "birdeye.so",
            "http://birdeye.so",
            "https://pump.fun",
            "https://gmgn.ai",
            "https://etherscan.io",
            "https://sepolia.etherscan.io:443",
            "https://bscscan.com",
            "https://BaseScan.org",
            "https://solscan.io",
            "https://me@solscan.io",
        ] {
            let url = format!("{host}/token/{SOLANA}?chain=solana");
            assert_eq!(link_addresses(&url).collect::<Vec<_>>(), [SOLANA], "{url}");
        }
        for host in [
            "https://x.com",
            "https://notdexscreener.com",
            "https://x.com/dexscreener.com",
            "https://dexscreener.com.io",
            "https://dexscreener.com@x.com",
            "https://pump.funny",
            "https://fun",
            "https://example.org/?u=https://solscan.io",
        ] {
            assert_eq!(link_addresses(&format!("{host}/{EVM}")).count(), 0, "{host}");
        }
        let referral = format!("https://gmgn.ai/sol/token/ab_{SOLANA}");
        assert_eq!(link_addresses(&referral).collect::<Vec<_>>(), [SOLANA]);
    }
}
