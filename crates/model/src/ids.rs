//! Identity of tweets: the id and the platform whose id space it is from.

use std::fmt;

/// First id of the snowflake scheme. X had counted up to just below it when it changed over on 2010-11-04.
const FIRST_SNOWFLAKE: u64 = 30_000_000_000;
/// Unix time in ms of snowflake zero (protocol §4).
const SNOWFLAKE_EPOCH_MS: i64 = 1_288_834_974_657;

/// A tweet id exactly as the feed wrote it: a 64-bit number where it is one, else the string.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TweetId {
    /// A canonical decimal number (no sign, no leading zero) that fits 64 bits.
    // Nearly every id: it is compared, hashed and copied without touching the heap.
    Number(u64),
    /// Anything else.
    Text(Box<str>),
}

impl TweetId {
    /// Reads an id; never fails and never allocates for a number.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let bytes = text.as_bytes();
        // Only what prints as it came may become a number: `007` and `7` are different ids.
        let canonical = matches!(bytes, [b'0'] | [b'1'..=b'9', ..]) && bytes.len() <= 20;
        match number(bytes).filter(|_| canonical) {
            Some(number) => Self::Number(number),
            None => Self::Text(text.into()),
        }
    }

    /// Creation time in Unix ms, exact to the ms, where the id is an X snowflake.
    ///
    /// Ids of other platforms and X ids from before snowflakes carry no time.
    pub fn created_ms(&self, platform: &Platform) -> Option<i64> {
        match (self, platform) {
            (Self::Number(id), Platform::Twitter) if *id >= FIRST_SNOWFLAKE => {
                // The lower 22 bits are machine and sequence.
                Some((id >> 22) as i64 + SNOWFLAKE_EPOCH_MS)
            }
            // Ids of other platforms are not X snowflakes: the same arithmetic would give a wrong time.
            (Self::Number(_) | Self::Text(_), _) => None,
        }
    }
}

/// Reads decimal digits, eight at a time: an id has 19, and one by one each digit waits for the product before it.
fn number(digits: &[u8]) -> Option<u64> {
    let (eights, rest) = digits.as_chunks::<8>();
    let mut number = 0_u64;
    for eight in eights {
        number = number.checked_mul(100_000_000)?.checked_add(eight_digits(*eight)?)?;
    }
    for digit in rest {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(number)
}

/// The value of eight ASCII digits: the steps join neighbouring digits, then pairs, then fours.
fn eight_digits(digits: [u8; 8]) -> Option<u64> {
    let word = u64::from_le_bytes(digits);
    // The upper half of a digit is 3, also after adding 6, because that carries over only from a lower half above 9.
    let halves = (word & 0xF0F0_F0F0_F0F0_F0F0)
        | ((word.wrapping_add(0x0606_0606_0606_0606) & 0xF0F0_F0F0_F0F0_F0F0) >> 4);
    if halves != 0x3333_3333_3333_3333 {
        return None;
    }
    let pairs = (word & 0x0F0F_0F0F_0F0F_0F0F).wrapping_mul(10 * 256 + 1) >> 8;
    let fours = (pairs & 0x00FF_00FF_00FF_00FF).wrapping_mul(100 * 65_536 + 1) >> 16;
    Some((fours & 0x0000_FFFF_0000_FFFF).wrapping_mul(10_000 * 4_294_967_296 + 1) >> 32)
}

impl Default for TweetId {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl fmt::Display for TweetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(id) => write!(f, "{id}"),
            Self::Text(id) => f.write_str(id),
        }
    }
}

/// Where a post was made. A frame whose author names no platform is from X (protocol §4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Platform {
    /// `twitter`.
    #[default]
    Twitter,
    /// `truth_social`.
    TruthSocial,
    /// A platform this version does not know; kept as it came, never mapped to a known one.
    Other(Box<str>),
}

impl Platform {
    /// Reads the feed's name of a platform.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        match name {
            "twitter" => Self::Twitter,
            "truth_social" => Self::TruthSocial,
            // Not mapped to X: a rule for X must not open on a platform that the vendor adds.
            other => Self::Other(other.into()),
        }
    }

    /// The feed's name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Twitter => "twitter",
            Self::TruthSocial => "truth_social",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_every_digit() {
        for text in ["0", "20", "18446744073709551615", "18446744073709551616", "007", "+5", "abc", "", "1e5"]
        {
            assert_eq!(TweetId::parse(text).to_string(), text);
        }
        assert_eq!(TweetId::parse("18446744073709551615"), TweetId::Number(u64::MAX));
        assert!(matches!(TweetId::parse("007"), TweetId::Text(_)));
        assert_eq!(TweetId::parse("2064689031777615872"), TweetId::Number(2_064_689_031_777_615_872));
        for (at, letter) in (0..19).flat_map(|at| ['/', ':', 'a', '\u{1}'].map(|letter| (at, letter))) {
            let mut text = String::from("2064689031777615872");
            text.replace_range(at..=at, &letter.to_string());
            assert_eq!(TweetId::parse(&text), TweetId::Text(text.into()));
        }
    }

    #[test]
    fn only_snowflakes_carry_a_time() {
        let x = Platform::Twitter;
        assert_eq!(TweetId::parse("1217991389834661888").created_ms(&x), Some(1_579_226_751_179));
        assert_eq!(TweetId::parse("20").created_ms(&x), None);
        assert_eq!(TweetId::parse("1217991389834661888").created_ms(&Platform::TruthSocial), None);
        assert_eq!(TweetId::parse("x").created_ms(&x), None);
    }
}
