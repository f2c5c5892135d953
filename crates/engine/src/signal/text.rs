//! Text as rules see it: without URLs and handles, folded, so that one search serves every spelling.

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;
use unicode_script::{Script, UnicodeScript};

/// Writes `body` to `out` with every URL and every `@handle` replaced by one space.
///
/// A URL is `http://` or `https://` in any case up to white space. A handle is `@` and ASCII letters, digits or
/// `_`, not after one of these: an e-mail address stays.
pub(super) fn strip(body: &str, scratch: &mut String, out: &mut String) {
    out.clear();
    if !body.contains("://") {
        strip_handles(body, out);
        return;
    }
    scratch.clear();
    strip_urls(body, scratch);
    strip_handles(scratch, out);
}

fn strip_urls(body: &str, out: &mut String) {
    let mut rest = body;
    while let Some(start) = find_url(rest) {
        let (before, url) = rest.split_at(start);
        out.push_str(before);
        out.push(' ');
        rest = url.find(char::is_whitespace).map_or("", |end| &url[end..]);
    }
    out.push_str(rest);
}

/// Byte offset of the next URL.
fn find_url(text: &str) -> Option<usize> {
    // By one letter: searching for three costs more to set up than there is to search.
    let mut colons = text.match_indices(':').filter(|(at, _)| text[*at..].starts_with("://"));
    colons.find_map(|(colon, _)| scheme_start(text.get(..colon)?))
}

fn scheme_start(before: &str) -> Option<usize> {
    ["https", "http"].iter().find_map(|scheme| {
        let start = before.len().checked_sub(scheme.len())?;
        before.as_bytes()[start..].eq_ignore_ascii_case(scheme.as_bytes()).then_some(start)
    })
}

/// The URLs of a text, each up to white space.
pub(super) fn urls(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, from) = rest.split_at(find_url(rest)?);
        let (url, after) = from.split_at(from.find(char::is_whitespace).unwrap_or(from.len()));
        rest = after;
        Some(url)
    })
}

fn strip_handles(text: &str, out: &mut String) {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = text.as_bytes();
    let mut kept = 0;
    let mut from = 0;
    while let Some(at) = text[from..].find('@').map(|at| from + at) {
        let free = at == 0 || !is_word(bytes[at - 1]);
        let len = bytes[at + 1..].iter().take_while(|byte| is_word(**byte)).count();
        from = at + 1 + len;
        if free && len > 0 {
            out.push_str(&text[kept..at]);
            out.push(' ');
            kept = from;
        }
    }
    out.push_str(&text[kept..]);
}

/// Appends `text` to `out` as it is matched: NFKC, without zero-width characters, case-folded, runs of white
/// space as one space.
pub(super) fn fold(text: &str, out: &mut String) {
    let mut folder = Folder { out, after_space: false };
    if text.is_ascii() {
        return folder.push_ascii(text);
    }
    let mut rest = text;
    // Most text is ASCII with a few other letters, for which normalising costs some twenty times as much. The letter
    // before these goes with them: they may compose with it. Nothing composes with an ASCII letter after it.
    while let Some(at) = rest.bytes().position(|byte| !byte.is_ascii()) {
        let (plain, other) = rest.split_at(at.saturating_sub(1));
        let end = other.bytes().skip(1).position(|byte| byte.is_ascii()).map_or(other.len(), |end| end + 1);
        let (other, after) = other.split_at(end);
        folder.push_ascii(plain);
        folder.push_any(other);
        rest = after;
    }
    folder.push_ascii(rest);
}

struct Folder<'a> {
    out: &'a mut String,
    after_space: bool,
}

impl Folder<'_> {
    /// Whole stretches at once, for that is what folding ASCII can be.
    fn push_ascii(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            if self.after_space {
                rest = rest.trim_start();
            }
            let flaw = flaw(rest.as_bytes());
            let (stretch, after) = flaw.map_or((rest, ""), |at| (&rest[..at], &rest[at + 1..]));
            let start = self.out.len();
            self.out.push_str(stretch);
            self.out[start..].make_ascii_lowercase();
            self.after_space = stretch.ends_with(' ') || stretch.is_empty() && self.after_space;
            if flaw.is_some() {
                self.push(' ');
            }
            rest = after;
        }
    }

    fn push_any(&mut self, text: &str) {
        let visible = text.nfkc().filter(|letter| !is_zero_width(*letter));
        visible.default_case_fold().for_each(|letter| self.push(letter));
    }

    fn push(&mut self, letter: char) {
        let is_blank = letter.is_whitespace();
        if !is_blank {
            self.out.push(letter);
        } else if !self.after_space {
            self.out.push(' ');
        }
        self.after_space = is_blank;
    }
}

/// Appends a handle in lower case, letter by letter.
pub(super) fn lower(handle: &str, out: &mut String) {
    if handle.is_ascii() {
        let start = out.len();
        out.push_str(handle);
        out[start..].make_ascii_lowercase();
    } else {
        out.extend(handle.chars().flat_map(char::to_lowercase));
    }
}

/// White space that folding changes, as `char::is_whitespace` has it: the vertical tab is some.
fn is_control_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r')
}

/// The first white space that is not a space by itself.
fn flaw(bytes: &[u8]) -> Option<usize> {
    let is_space = |byte: u8| byte == b' ' || is_control_space(byte);
    let is_flaw = |at: usize| match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b' '), next) => next.is_some_and(|next| is_space(*next)),
        (Some(byte), _) => is_control_space(*byte),
        (None, _) => false,
    };
    let mut blocks = (0..bytes.len()).step_by(BLOCK).filter(|from| {
        let to = bytes.len().min(from + BLOCK + 1);
        !is_regular(bytes.get(*from..to).unwrap_or_default())
    });
    blocks.find_map(|from| (from..from + BLOCK).find(|at| is_flaw(*at)))
}

/// Bytes that are looked at together.
const BLOCK: usize = 64;

/// Every white space is one space between other letters, or at an end. Takes no branch a byte.
fn is_regular(bytes: &[u8]) -> bool {
    let pairs = bytes.iter().zip(bytes.iter().skip(1));
    let runs = pairs.map(|(a, b)| u8::from(*a == b' ') & u8::from(*b == b' ')).fold(0, |any, one| any | one);
    let controls = bytes.iter().map(|byte| u8::from(is_control_space(*byte))).fold(0, |any, one| any | one);
    runs | controls == 0
}

fn is_zero_width(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// A word may begin or end between these two neighbours: not if both are letters, digits or `_` and neither is of
/// a script written without spaces.
pub(super) fn is_boundary(edge: Option<char>, neighbour: Option<char>) -> bool {
    match (edge, neighbour) {
        (Some(a), Some(b)) => !(is_word(a) && is_word(b)) || is_spaceless(a) || is_spaceless(b),
        (_, _) => true,
    }
}

fn is_word(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}

fn is_spaceless(letter: char) -> bool {
    if letter.is_ascii() {
        return false;
    }
    let scripts = letter.script_extension();
    SPACELESS.iter().any(|script| scripts.contains_script(*script) && !scripts.is_common())
}

/// Scripts in which a word may begin or end beside a letter.
const SPACELESS: [Script; 17] = [
    Script::Han,
    Script::Hiragana,
    Script::Katakana,
    Script::Bopomofo,
    Script::Hangul,
    Script::Yi,
    Script::Thai,
    Script::Lao,
    Script::Khmer,
    Script::Myanmar,
    Script::Tibetan,
    Script::Javanese,
    Script::Balinese,
    Script::Tai_Le,
    Script::New_Tai_Lue,
    Script::Tai_Tham,
    Script::Tai_Viet,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(body: &str) -> String {
        let (mut scratch, mut out) = (String::new(), String::new());
        strip(body, &mut scratch, &mut out);
        out
    }

    fn folded(text: &str) -> String {
        let mut out = String::new();
        fold(text, &mut out);
        out
    }

    #[test]
    fn urls_and_handles_leave_one_space() {
        for (body, expect) in [
            ("a https://x.com/@b?c d", "a   d"),
            ("HTTPS://X.COM\nb", " \nb"),
            ("see:http://x", "see: "),
            ("hi @cb_doge!", "hi  !"),
            ("mail me@doge.com now", "mail me@doge.com now"),
            ("@a@b", " @b"),
            ("@ doge @é", "@ doge @é"),
            ("é@doge", "é "),
            ("xhttps://y z", "x  z"),
            ("ftp://doge", "ftp://doge"),
            ("", ""),
        ] {
            assert_eq!(stripped(body), expect, "{body:?}");
        }
        assert_eq!(urls("a http://b c https://d").collect::<Vec<_>>(), ["http://b", "https://d"]);
    }

    #[test]
    fn folding_is_the_same_for_every_spelling() {
        for (text, expect) in [
            ("Hello\t\u{b}\n World ", "hello world "),
            ("ＤＯＧＥ", "doge"),
            ("Straße ﬁn", "strasse fin"),
            ("d\u{200b}o\u{feff}ge", "doge"),
            ("ΣΑΣ", "σασ"),
            ("a\u{a0}\u{3000}b", "a b"),
            ("ℌ", "h"),
        ] {
            assert_eq!(folded(text), expect, "{text:?}");
        }
        let mixed = "The QUICK\r\nbrown\tfox_1";
        assert_eq!(folded(mixed), folded(&format!("{mixed}é")).trim_end_matches('é'));
    }

    proptest::proptest! {
        #[test]
        fn folding_by_stretches_is_folding_letter_by_letter(text in "[ a-cA-Z\\t\\n\u{b}éÉ\u{301}\u{200b}\u{a0}ßﬁΣ한\u{1100}\u{1161}가]{0,150}") {
            let mut plain = String::new();
            let visible = text.nfkc().filter(|letter| !is_zero_width(*letter));
            for letter in visible.default_case_fold() {
                if !letter.is_whitespace() {
                    plain.push(letter);
                } else if !plain.ends_with(' ') {
                    plain.push(' ');
                }
            }
            proptest::prop_assert_eq!(folded(&text), plain);
        }
    }

    #[test]
    fn boundaries_fail_only_inside_words_of_spaced_scripts() {
        for (a, b, expect) in [
            ('e', 's', false),
            ('e', '_', false),
            ('e', '1', false),
            ('e', ' ', true),
            ('e', '-', true),
            ('e', '币', true),
            ('币', '安', true),
            ('ア', 'ー', true),
            ('한', '글', true),
            ('ไ', 'ท', true),
            ('д', 'о', false),
            ('e', '🚀', true),
        ] {
            assert_eq!(is_boundary(Some(a), Some(b)), expect, "{a} {b}");
        }
        assert!(is_boundary(Some('e'), None));
    }
}
