//! The texts of a view: folded once and searched once for the terms of all rules.

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use stoop_model::{AuthorField, PostField, TextField};

use super::plain::{self, Body, Scratch};
use super::rule::{Term, TermMode, Terms};
use crate::merge::View;

/// Separates the entries of a list; folding leaves none in a text or a term, so no hit spans two entries.
const ENTRY_END: char = '\n';

/// Patterns up to which a vectorised search finds out sooner than the automaton that a text holds none.
const FEW_PATTERNS: usize = 64;

/// Patterns up to which the automaton is a full table, of some MiB at this number. Measured on generated frames with
/// the starter rules: a tenth more frames per second in all.
const TABLE_PATTERNS: usize = 2048;

/// Finds the terms of all rules in one pass over a text.
pub(crate) struct Matcher {
    automaton: Option<AhoCorasick>,
    /// Finds where the first term begins. Most texts hold none, and the automaton, which has to find all that
    /// overlap, cannot skip ahead: measured on 260 letters, it takes ten times as long.
    first: Option<AhoCorasick>,
    patterns: usize,
}

impl Matcher {
    /// Builds the automaton over folded patterns. None if they are too many for one automaton.
    pub(crate) fn new(patterns: &[String]) -> Option<Self> {
        if patterns.is_empty() {
            return Some(Self { automaton: None, first: None, patterns: 0 });
        }
        // Case-sensitive over folded text: that keeps the vectorised search.
        let automaton = (patterns.len() <= TABLE_PATTERNS).then_some(AhoCorasickKind::DFA);
        let build = |kind| AhoCorasick::builder().kind(automaton).match_kind(kind).build(patterns).ok();
        let is_few = patterns.len() <= FEW_PATTERNS;
        let first = is_few.then(|| build(MatchKind::LeftmostFirst)).flatten();
        Some(Self { automaton: Some(build(MatchKind::Standard)?), first, patterns: patterns.len() })
    }
}

/// Finds out by a vectorised search whether a text could hold one of a few terms.
///
/// Where few rules are tested on a view, most texts need not go through the automaton of all terms, which costs ten
/// times as much a letter and drives other things out of the cache.
#[derive(Clone, Debug)]
pub(crate) struct Scout(AhoCorasick);

impl Scout {
    /// None for no terms or too many, and where the terms of all rules are few enough for one such search.
    pub(crate) fn new(terms: &[Term], patterns: &[String]) -> Option<Self> {
        if terms.is_empty() || terms.len() > FEW_PATTERNS || patterns.len() <= FEW_PATTERNS {
            return None;
        }
        // It holds what the vectorised search finds against the text; it need not be fast, and there is one a rule.
        let kind = Some(AhoCorasickKind::ContiguousNFA);
        let few = terms.iter().filter_map(|term| patterns.get(term.pattern));
        AhoCorasick::builder().kind(kind).match_kind(MatchKind::LeftmostFirst).build(few).ok().map(Self)
    }
}

/// The terms found in the current view. Buffers are reused from view to view.
#[derive(Default)]
pub(crate) struct Texts {
    /// [`TermMode`] bits by field and pattern.
    hits: Vec<u8>,
    touched: Vec<usize>,
    searched: u8,
    /// Fields in which something was found.
    found: u8,
    /// The plain body, in the case it was written in.
    body: Body,
    is_read: bool,
    /// Texts by field, as they are matched.
    folded: [String; TextField::ALL.len()],
    is_folded: u8,
    scratch: Scratch,
    /// Few rules are tested: a scout goes before each search.
    pub(crate) is_scouted: bool,
}

impl Texts {
    /// Forgets the last view.
    pub(crate) fn begin(&mut self) {
        // Only what was set: the table has a byte for each field and term, and most views set none.
        for slot in self.touched.drain(..) {
            if let Some(hit) = self.hits.get_mut(slot) {
                *hit = 0;
            }
        }
        self.searched = 0;
        self.found = 0;
        self.is_folded = 0;
        self.is_read = false;
    }

    /// The plain body, before any folding.
    pub(crate) fn body(&mut self, view: &View) -> &Body {
        if !std::mem::replace(&mut self.is_read, true) {
            self.body.read(view.post().text().unwrap_or_default());
        }
        &self.body
    }

    /// The term is in the field.
    pub(crate) fn hit(&mut self, matcher: &Matcher, view: &View, field: TextField, term: &Term) -> bool {
        if self.searched & (1 << field as u8) == 0 {
            self.search(matcher, view, field);
        }
        // Most texts hold no term at all: one bit spares them the table, which with many terms is not in the cache.
        if self.found & (1 << field as u8) == 0 {
            return false;
        }
        let slot = field as usize * matcher.patterns + term.pattern;
        self.hits.get(slot).is_some_and(|hit| hit & term.mode as u8 != 0)
    }

    /// Some field holds one of `any`.
    pub(crate) fn any(&mut self, matcher: &Matcher, view: &View, terms: &Terms) -> bool {
        terms.any.is_empty()
            || terms.fields.iter().any(|field| {
                self.could_hold(view, *field, terms)
                    && terms.any.iter().any(|term| self.hit(matcher, view, *field, term))
            })
    }

    /// The field could hold one of `any`. May say yes wrongly, but never no.
    fn could_hold(&mut self, view: &View, field: TextField, terms: &Terms) -> bool {
        let is_searched = self.searched & (1 << field as u8) != 0;
        match terms.scout.as_ref().filter(|_| self.is_scouted && !is_searched) {
            Some(Scout(few)) => few.is_match(self.fold(view, field)),
            None => true,
        }
    }

    /// One field holds all of `all`.
    pub(crate) fn all(&mut self, matcher: &Matcher, view: &View, terms: &Terms) -> bool {
        terms.all.is_empty()
            || terms
                .fields
                .iter()
                .any(|field| terms.all.iter().all(|term| self.hit(matcher, view, *field, term)))
    }

    /// The first of `none` that is in some field, and where.
    pub(crate) fn vetoed<'t>(
        &mut self,
        matcher: &Matcher,
        view: &View,
        terms: &'t Terms,
    ) -> Option<(&'t Term, TextField)> {
        let pairs = terms.none.iter().flat_map(|term| terms.fields.iter().map(move |field| (term, *field)));
        for (term, field) in pairs {
            if self.hit(matcher, view, field, term) {
                return Some((term, field));
            }
        }
        None
    }

    fn search(&mut self, matcher: &Matcher, view: &View, field: TextField) {
        self.searched |= 1 << field as u8;
        if is_first_of_one(view, field) {
            return self.copy_hits(matcher, view);
        }
        let Some(automaton) = &matcher.automaton else { return };
        self.fold(view, field);
        let folded = &self.folded[field as usize];
        let start = match &matcher.first {
            Some(first) => first.find(folded).map(|found| found.start()),
            None => Some(0),
        };
        let Some(start) = start else { return };
        self.found |= 1 << field as u8;
        self.hits.resize(TextField::ALL.len() * matcher.patterns, 0);
        // Overlapping, because each rule asks for its own terms: "lists" of one must not hide "list" of another.
        for found in automaton.find_overlapping_iter(Input::new(folded).range(start..)) {
            let slot = field as usize * matcher.patterns + found.pattern().as_usize();
            let bits = hit_bits(folded, found.start(), found.end());
            if let Some(hit) = self.hits.get_mut(slot) {
                *hit |= bits;
                self.touched.push(slot);
            }
        }
    }

    /// The only line of a body is its first: hits in the body are hits in the line.
    fn copy_hits(&mut self, matcher: &Matcher, view: &View) {
        let (text, first) = (TextField::Text as usize, TextField::FirstLine as usize);
        if self.searched & (1 << text) == 0 {
            self.search(matcher, view, TextField::Text);
        }
        if self.found & (1 << text) == 0 {
            return;
        }
        self.found |= 1 << first;
        for index in 0..self.touched.len() {
            let pattern = self.touched.get(index).and_then(|slot| slot.checked_sub(text * matcher.patterns));
            let Some(pattern) = pattern.filter(|pattern| *pattern < matcher.patterns) else { continue };
            let slot = first * matcher.patterns + pattern;
            let bits = self.hits.get(text * matcher.patterns + pattern).copied().unwrap_or_default();
            if let Some(hit) = self.hits.get_mut(slot) {
                *hit = bits;
                self.touched.push(slot);
            }
        }
    }

    /// The text of a field as it is matched.
    fn fold(&mut self, view: &View, field: TextField) -> &str {
        // The only line of a body is the body.
        let field = if is_first_of_one(view, field) { TextField::Text } else { field };
        if self.is_folded & (1 << field as u8) == 0 {
            self.is_folded |= 1 << field as u8;
            self.fold_again(view, field);
        }
        &self.folded[field as usize]
    }

    fn fold_again(&mut self, view: &View, field: TextField) {
        let post = view.post();
        let author = post.author();
        if matches!(field, TextField::Text | TextField::FirstLine) {
            self.body(view);
        }
        let Self { body, scratch, folded, .. } = self;
        let folded = &mut folded[field as usize];
        folded.clear();
        let other = match field {
            TextField::Text => return plain::words(body.text(), folded),
            TextField::FirstLine => return plain::words(plain::first_line(body.text()), folded),
            TextField::Mentions => return fold_list(post.mentions(), scratch, folded),
            TextField::Urls => return fold_list(post.urls(), scratch, folded),
            TextField::Ref => post.field(PostField::RefText),
            TextField::Ocr => post.field(PostField::OcrText),
            TextField::Bio => author.field(AuthorField::Bio),
            TextField::Name => author.field(AuthorField::Name),
        };
        plain::push_words_of(other.unwrap_or_default(), scratch, folded);
    }
}

fn fold_list<'a>(entries: impl Iterator<Item = &'a str>, scratch: &mut Scratch, out: &mut String) {
    for entry in entries {
        plain::push_words_of(entry, scratch, out);
        out.push(ENTRY_END);
    }
}

/// The field is the first line of a body of one line.
fn is_first_of_one(view: &View, field: TextField) -> bool {
    field == TextField::FirstLine && is_one_line(view.post().text().unwrap_or_default())
}

fn is_one_line(body: &str) -> bool {
    plain::first_line(body).len() == body.len()
}

/// Which sorts of term the hit at `start..end` satisfies.
fn hit_bits(text: &str, start: usize, end: usize) -> u8 {
    let (before, hit, after) = (&text[..start], &text[start..end], &text[end..]);
    let mut bits = TermMode::Substring as u8;
    // All three at once: rules may share a pattern and differ in how it must stand.
    if plain::is_boundary(hit.chars().next(), before.chars().next_back()) {
        bits |= TermMode::Prefix as u8;
        if plain::is_boundary(hit.chars().next_back(), after.chars().next()) {
            bits |= TermMode::Word as u8;
        }
    }
    bits
}
