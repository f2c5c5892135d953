//! Plain text: what rules read of a text, so that one search serves every spelling of it.
//!
//! The order of the steps is part of the contract:
//!
//! 1. Entities are decoded, once.
//! 2. Links leave a body.
//! 3. Characters that show nothing (`Default_Ignorable_Code_Point`) are removed.
//! 4. NFKC, except that `…` stays; then typographic quotes and hyphens become those of ASCII.
//! 5. Handles leave a body.
//! 6. For words: full case folding, the Turkish i as i, white space as single spaces.
//!
//! Coins are searched for before step 6, in [`Body::text`]; words after it. ASCII text takes a short cut through every
//! step.

mod entities;
pub(crate) mod links;
mod words;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};
use unicode_normalization::UnicodeNormalization;

pub(crate) use words::{is_boundary, is_word, lower, words};

use entities::decode;

/// The post's body after steps 1 to 5, and the links that were in it.
#[derive(Default)]
pub(crate) struct Body {
    text: String,
    /// The body with its entities decoded, if it had any.
    decoded: String,
    is_decoded: bool,
    /// Where in `text` a link left its space, and where it stands in the decoded body.
    links: Vec<(usize, Range<usize>)>,
    scratch: String,
}

impl Body {
    /// Reads another body.
    pub(crate) fn read(&mut self, body: &str) {
        self.text.clear();
        self.links.clear();
        self.decoded.clear();
        self.is_decoded = body.contains('&') && decode(body, &mut self.decoded);
        let body = if self.is_decoded { self.decoded.as_str() } else { body };
        let mut rest = 0;
        while let Some(link) = links::next(body, rest) {
            // A link leaves a space, across which nothing composes and no handle reaches: so each stretch between two
            // links can be read by itself.
            push_stretch(&body[rest..link.start], &mut self.scratch, &mut self.text);
            self.links.push((self.text.len(), link.clone()));
            self.text.push(' ');
            rest = link.end;
        }
        push_stretch(&body[rest..], &mut self.scratch, &mut self.text);
    }

    /// The plain body, in the case it was written in.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Where the first line of [`Self::text`] ends.
    pub(crate) fn first_line_end(&self) -> usize {
        first_line(&self.text).len()
    }

    /// The links of `body`, the one last read: the place of each in [`Self::text`], and itself.
    pub(crate) fn links<'a>(&'a self, body: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
        let body = if self.is_decoded { self.decoded.as_str() } else { body };
        self.links.iter().filter_map(|(at, link)| Some((*at, body.get(link.clone())?)))
    }
}

/// Appends what steps 3 to 5 make of a stretch of a body without links.
fn push_stretch(stretch: &str, scratch: &mut String, out: &mut String) {
    if !stretch.is_ascii() {
        scratch.clear();
        push_visible(stretch, scratch);
        links::push_without_handles(scratch, out);
    } else if stretch.contains('@') {
        links::push_without_handles(stretch, out);
    } else {
        out.push_str(stretch);
    }
}

/// Appends what rules search for words in a text that is not a body: steps 1, 3, 4 and 6. Links and handles stay.
pub(crate) fn push_words_of(text: &str, scratch: &mut Scratch, out: &mut String) {
    let Scratch { decoded, visible } = scratch;
    decoded.clear();
    let text = if text.contains('&') && decode(text, decoded) { decoded.as_str() } else { text };
    if text.is_ascii() {
        return words(text, out);
    }
    visible.clear();
    push_visible(text, visible);
    words(visible, out);
}

/// Buffers of [`push_words_of`].
#[derive(Default)]
pub(crate) struct Scratch {
    decoded: String,
    visible: String,
}

/// A term as texts are searched for it: steps 3, 4 and 6.
pub(crate) fn term(written: &str) -> String {
    let (mut visible, mut out) = (String::new(), String::new());
    push_visible(written, &mut visible);
    words(&visible, &mut out);
    out
}

/// The first line of a text that is not blank, with the blank lines before it.
pub(crate) fn first_line(text: &str) -> &str {
    let begin = text.len() - text.trim_start().len();
    let end = text[begin..].find(['\n', '\r']).map_or(text.len(), |end| begin + end);
    &text[..end]
}

/// Appends `text` without what shows nothing, in NFKC, with quotes and hyphens of ASCII: steps 3 and 4.
pub(crate) fn push_visible(text: &str, out: &mut String) {
    let mut rest = text;
    // Most text is ASCII with a few other letters, for which normalising costs some twenty times as much. The letter
    // before these goes with them: they may compose with it. Nothing composes with an ASCII letter after it.
    while let Some((plain, other, after)) = other_than_ascii(rest) {
        out.push_str(plain);
        for (index, stretch) in other.split(CUT).enumerate() {
            if index > 0 {
                out.push(CUT);
            }
            let visible = stretch.chars().filter(|letter| !shows_nothing(*letter));
            out.extend(visible.nfkc().map(typewritten));
        }
        rest = after;
    }
    out.push_str(rest);
}

/// Splits a text around its first stretch that is not ASCII, with the letter before it; none if all of it is.
fn other_than_ascii(text: &str) -> Option<(&str, &str, &str)> {
    const BLOCK: usize = 32;
    let bytes = text.as_bytes();
    let plain = bytes.chunks(BLOCK).take_while(|block| block.is_ascii()).count() * BLOCK;
    let at = plain + bytes.get(plain..)?.iter().position(|byte| !byte.is_ascii())?;
    let (plain, other) = text.split_at(at.saturating_sub(1));
    let end = other.bytes().skip(1).position(|byte| byte.is_ascii()).map_or(other.len(), |end| end + 1);
    let (other, after) = other.split_at(end);
    Some((plain, other, after))
}

/// Ends a text that was cut. NFKC would turn it into three full stops, which people write for other reasons.
pub(crate) const CUT: char = '…';

fn typewritten(letter: char) -> char {
    match letter {
        '’' | '‘' | 'ʼ' => '\'',
        '“' | '”' => '"',
        '‐' | '‑' => '-',
        other => other,
    }
}

/// The character has the property `Default_Ignorable_Code_Point`: zero-width and direction marks, soft hyphens,
/// variation selectors, tags.
pub(crate) fn shows_nothing(letter: char) -> bool {
    static RANGES: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
        let parsed =
            regex_syntax::parse(r"\p{Default_Ignorable_Code_Point}").map(regex_syntax::hir::Hir::into_kind);
        let Ok(HirKind::Class(Class::Unicode(class))) = parsed else {
            unreachable!("the property is compiled in");
        };
        class.iter().map(|range| (range.start(), range.end())).collect()
    });
    // The first of them is the soft hyphen.
    letter >= '\u{ad}' && {
        let next = RANGES.partition_point(|(start, _)| *start <= letter);
        next.checked_sub(1).and_then(|at| RANGES.get(at)).is_some_and(|(_, end)| letter <= *end)
    }
}
