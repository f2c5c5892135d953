//! Plain text as it is searched for words, and where a word may begin or end.

use caseless::Caseless;
use unicode_normalization::char::is_combining_mark;
use unicode_script::{Script, UnicodeScript};

use super::other_than_ascii;

/// Appends `text`, which shows all it holds, with full case folding, the Turkish i as i, and white space as single
/// spaces: step 6.
pub(crate) fn words(text: &str, out: &mut String) {
    let mut folder = Folder { out, after_space: false };
    let mut rest = text;
    // The letter before a stretch that is not ASCII goes with it: a dot above may follow an i.
    while let Some((plain, other, after)) = other_than_ascii(rest) {
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
        let mut letters = text.chars().default_case_fold().peekable();
        while let Some(letter) = letters.next() {
            let letter = if letter == DOTLESS_I { 'i' } else { letter };
            self.push(letter);
            if letter == 'i' {
                letters.next_if_eq(&DOT_ABOVE);
            }
        }
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

const DOTLESS_I: char = 'ı';
const DOT_ABOVE: char = '\u{307}';

/// Appends a handle in lower case, letter by letter.
pub(crate) fn lower(handle: &str, out: &mut String) {
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

/// Every white space is one space between other letters, or at an end. Without a branch per byte, so that it
/// vectorises.
fn is_regular(bytes: &[u8]) -> bool {
    let pairs = bytes.iter().zip(bytes.iter().skip(1));
    let runs = pairs.map(|(a, b)| u8::from(*a == b' ') & u8::from(*b == b' ')).fold(0, |any, one| any | one);
    let controls = bytes.iter().map(|byte| u8::from(is_control_space(*byte))).fold(0, |any, one| any | one);
    runs | controls == 0
}

/// A word may begin or end between these two neighbours: not if both are of words and neither is of a script written
/// without spaces.
pub(crate) fn is_boundary(edge: Option<char>, neighbour: Option<char>) -> bool {
    match (edge, neighbour) {
        (Some(a), Some(b)) => !(is_of_word(a) && is_of_word(b)) || is_spaceless(a) || is_spaceless(b),
        (_, _) => true,
    }
}

/// The character continues a word beside it: a letter, mark, number or `_` that is not of a script without spaces.
pub(crate) fn is_word(letter: char) -> bool {
    is_of_word(letter) && !is_spaceless(letter)
}

fn is_of_word(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric() || !letter.is_ascii() && is_combining_mark(letter)
}

fn is_spaceless(letter: char) -> bool {
    if letter.is_ascii() {
        return false;
    }
    let scripts = letter.script_extension();
    // Both of these contain every script.
    let is_any = scripts.is_common() || scripts.is_inherited();
    !is_any && SPACELESS.iter().any(|script| scripts.contains_script(*script))
}

/// Scripts in which a word may begin or end beside a letter.
const SPACELESS: [Script; 9] = [
    Script::Han,
    Script::Hiragana,
    Script::Katakana,
    Script::Bopomofo,
    Script::Hangul,
    Script::Thai,
    Script::Lao,
    Script::Khmer,
    Script::Myanmar,
];
