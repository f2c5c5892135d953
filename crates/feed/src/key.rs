//! The API key.

use std::fmt;

/// An API key. Shown nowhere: not by `Debug`, not in an error, not in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Accepts a key that can stand in a header: visible ASCII without comma or quotes.
    pub fn new(key: &str) -> Result<Self, KeyError> {
        let key = key.trim();
        if key.is_empty() {
            return Err(KeyError::Empty);
        }
        let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b',' | b'"' | b';');
        if !key.bytes().all(fits) {
            return Err(KeyError::Unfit);
        }
        Ok(Self(key.to_owned()))
    }

    /// The key itself, for the one place that shows it to the server.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Why a text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no key.
    #[error("the API key is empty")]
    Empty,
    /// The key cannot stand in a header.
    #[error("the API key has characters that no key has (spaces, commas, quotes, or beyond ASCII)")]
    Unfit,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_trimmed_can_stand_in_a_header_and_is_not_shown() {
        let key = Key::new(" s3cret\n").unwrap();
        assert_eq!((key.reveal(), format!("{key:?}").as_str()), ("s3cret", "Key(..)"));
        assert_eq!(Key::new(" \n"), Err(KeyError::Empty));
        for text in ["a b", "a,b", "a;b", "a\"b", "é", "a\nb"] {
            assert_eq!(Key::new(text), Err(KeyError::Unfit), "{text}");
        }
    }
}
